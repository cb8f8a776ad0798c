/* SPDX-License-Identifier: MIT */
/** One step of a carried net on an extractor: only layers that have something new are run. Private to src/engine. */
#ifndef TW_ENGINE_CARRIED_H
#define TW_ENGINE_CARRIED_H

#include <ncnn/c_api.h>

#include "engine/kept_step.h"

/** Puts dummy blocks where a layer with something new reads a blob without, so that nothing behind those is run. 0, or ncnn's code. */
int tw_carried_input(ncnn_extractor_t extractor, const tw_kept_step *step);
/** Has the samples kept of blobs that are new but whose readers are not; after all else was extracted. 0, or ncnn's code. */
int tw_carried_finish(ncnn_extractor_t extractor, tw_kept_step *step);

#endif
