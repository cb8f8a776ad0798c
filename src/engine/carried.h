/* SPDX-License-Identifier: MIT */
/** A carried net in ncnn: its own layers, and one step on an extractor, where only layers that have something new are run. Private to
 *  src/engine. */
#ifndef TW_ENGINE_CARRIED_H
#define TW_ENGINE_CARRIED_H

#include <ncnn/c_api.h>

#include "engine/convolution.h"
#include "engine/kept_step.h"

/** Before the net loads its graph; weights must be loaded by the same thread, before it enters another net. The caller frees what is
 *  returned, after the net. */
tw_convolutions *tw_carried_register(ncnn_net_t net);
/** This thread runs `step` of a net. Blobs and workspace come from these allocators. */
void tw_carried_enter(tw_convolutions *convolutions, tw_kept_step *step, ncnn_allocator_t blobs, ncnn_allocator_t workspace);
void tw_carried_leave(void);

/** Puts dummy blocks where a layer with something new reads a blob without, so that nothing behind those is run. 0, or ncnn's code. */
int tw_carried_input(ncnn_extractor_t extractor, const tw_kept_step *step);
/** Has the samples kept of blobs that are new but whose readers are not; after all else was extracted. 0, or ncnn's code. */
int tw_carried_finish(ncnn_extractor_t extractor, tw_kept_step *step);

#endif
