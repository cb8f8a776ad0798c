/* SPDX-License-Identifier: MIT */
/** One step of a carried net from inside: what the window layers ask. Private to src/engine. */
#ifndef TW_ENGINE_KEPT_STEP_H
#define TW_ENGINE_KEPT_STEP_H

#include "engine/kept.h"

/** Samples of a blob as a block in memory: [x) by [y), channels in packs of `pack` floats. */
typedef struct tw_block {
    tw_span x, y;
    const float *data;
    int64_t step; /* floats from one pack of channels to the next */
} tw_block;

/** One kept blob in this step; frontiers are those of before and after it. */
typedef struct tw_kept_blob {
    tw_block rows, columns; /* kept from before: above the new samples, and to the left of both */
    tw_span new_x, new_y;   /* empty: its layer gives a dummy block */
    tw_span keep_x, keep_y; /* what is to be kept from now on */
    float *next_rows, *next_columns;
    bool done; /* the next ones are written */
} tw_kept_blob;

typedef struct tw_kept_step {
    const tw_carry_walk *walk;
    int64_t column, row;
    tw_kept_blob *blobs; /* per walk->kept */
    struct tw_kept *kept;
} tw_kept_step;

/** Begins a step; the worker's room is its own until the commit. */
tw_status tw_kept_begin(tw_kept *kept, int worker, int64_t column, int64_t row, tw_kept_step **out, tw_error *err);
/** The step makes new samples of a blob of the original graph. */
bool tw_kept_makes(const tw_kept_step *step, int blob);
/** How many channels a kept blob's packs have; 0: nothing was kept yet. */
int tw_kept_pack_of(const tw_kept *kept, int k);
/** Notes that a blob comes in packs of `pack` channels; false when it came in others before. */
bool tw_kept_pack(tw_kept *kept, int k, int pack);

#endif
