/* SPDX-License-Identifier: MIT */
/** The layers "TwMean" and "TwVariance" (model/moment.h), for runs in which they see the whole picture, or are let do with a tile. Sums
 *  in double. Private to src/engine. */
#ifndef TW_ENGINE_MOMENT_H
#define TW_ENGINE_MOMENT_H

#include <ncnn/c_api.h>

void tw_moment_register(ncnn_net_t net);

#endif
