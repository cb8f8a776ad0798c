/* SPDX-License-Identifier: MIT */
/** Which convolutions of a carried net are ours (engine/winograd.h), with window and activation in one. Private to rewrite.c. */
#ifndef TW_MODEL_FUSE_H
#define TW_MODEL_FUSE_H

#include "model/carry.h"

typedef struct tw_fused {
    bool absorbs; /* the activation is a layer of its own, the next one */
    int slopes;   /* of a PReLU, behind the convolution's weights; 0: `slope` for all channels */
    float slope;  /* what negative results are multiplied with; 1: no activation */
} tw_fused;

/** 3 x 3, stride 1, padded with zeros, in nets whose rounding may differ from ncnn's (those without a canvas: see carry.h), where the
 *  processor's registers divide the channels. */
bool tw_fuse(const tw_carry *carry, int layer, tw_fused *out);

#endif
