/* SPDX-License-Identifier: MIT */
/** The layer "TwConvolution" of carried nets: window, convolution of 3 x 3 and activation in one. Private to src/engine. */
#ifndef TW_ENGINE_CONVOLUTION_H
#define TW_ENGINE_CONVOLUTION_H

#include <ncnn/c_api.h>

/** A net's convolutions, weights and all. */
typedef struct tw_convolutions tw_convolutions;

tw_convolutions *tw_convolutions_new(void);
/** NULL is allowed. After the net is gone. */
void tw_convolutions_free(tw_convolutions *convolutions);
void tw_convolution_register(ncnn_net_t net);
/** Those of the net that this thread loads or runs; NULL: none. Workspace comes from `workspace`. */
void tw_convolution_enter(tw_convolutions *convolutions, ncnn_allocator_t workspace);

#endif
