/* SPDX-License-Identifier: MIT */
/** The layer "TwWindow" of carried nets. Private to src/engine. */
#ifndef TW_ENGINE_WINDOW_H
#define TW_ENGINE_WINDOW_H

#include <ncnn/c_api.h>

#include "engine/kept_step.h"

void tw_window_register(ncnn_net_t net);
/** The step that windows run in this thread belong to; NULL: none. Their blobs come from `blobs`. */
void tw_window_enter(tw_kept_step *step, ncnn_allocator_t blobs);
/** Keeps on what is kept of blobs whose windows did not run, as nothing of them is new; false when one is new after all. */
bool tw_window_keep_rest(tw_kept_step *step);

#endif
