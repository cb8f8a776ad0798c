/* SPDX-License-Identifier: MIT */
/** The layer "TwWarp" in ncnn. Private to src/engine. */
#ifndef TW_ENGINE_SAMPLER_LAYER_H
#define TW_ENGINE_SAMPLER_LAYER_H

#include <ncnn/c_api.h>

#include "engine/sampler.h"

void tw_sampler_register(ncnn_net_t net);
/** What Warps run in this thread sample; NULL: nothing. Their blobs come from `blobs`. */
void tw_sampler_enter(tw_sampler_view *view, ncnn_allocator_t blobs);

#endif
