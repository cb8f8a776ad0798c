/* SPDX-License-Identifier: MIT */
/** The layer "TwWindow" of carried nets. Private to src/engine. */
#ifndef TW_ENGINE_WINDOW_H
#define TW_ENGINE_WINDOW_H

#include <ncnn/c_api.h>

#include "engine/kept_step.h"

/** Where the samples of a window lie in a step. */
typedef struct tw_window_view {
    const tw_carry_window *window;
    const tw_kept_blob *blob;
    tw_block fresh;
    tw_span x, y;      /* of the window, not clipped; empty: its reader has nothing new */
    int64_t length[2]; /* of the blob */
    int pack, packs;   /* channels in a pack, and packs */
} tw_window_view;

void tw_window_register(ncnn_net_t net);
/** The step that windows run in this thread belong to; NULL: none. Their blobs come from `blobs`. */
void tw_window_enter(tw_kept_step *step, ncnn_allocator_t blobs);
/** Keeps on what is kept of blobs whose windows did not run, as nothing of them is new; false when one is new after all. */
bool tw_window_keep_rest(tw_kept_step *step);

/** What window `index` reads, its blob's new samples being `bottom`; keeps what is to be kept of them. False: another block than the
 *  step foresees. */
bool tw_window_look(int index, ncnn_mat_t bottom, tw_window_view *out);
/** A sample of one pack of channels: of the old columns, or of the rest. */
const float *tw_window_left(const tw_window_view *view, int64_t pack, int64_t x, int64_t y);
const float *tw_window_main(const tw_window_view *view, int64_t pack, int64_t x, int64_t y);
/** A block in the step's memory; NULL, and nothing in `top`: no memory. ncnn takes `top` apart whatever is returned. */
ncnn_mat_t tw_window_block(int64_t w, int64_t h, int packs, int pack, ncnn_mat_t *top);
/** The same, full of zeros: for layers that have nothing new. Returns what ncnn's layers return. */
int tw_window_dummy(int w, int h, int packs, int pack, ncnn_mat_t *top);

#endif
