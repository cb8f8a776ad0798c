/* SPDX-License-Identifier: MIT */
/** Overlapping tiles of one pass between the workers and the sink: weights by the tile's place, rows that are final. */
#ifndef TW_SCHEDULE_FEATHER_H
#define TW_SCHEDULE_FEATHER_H

#include "schedule/schedule.h"

typedef struct tw_feather tw_feather;

/** `rows`: tw_grid_blend_rows as planned. `request` is borrowed. */
tw_status tw_feather_new(const tw_schedule_request *request, const tw_grid *grid, tw_ramp_kind kind, int64_t rows,
                         tw_feather **out, tw_error *err);
/** NULL is allowed. */
void tw_feather_free(tw_feather *feather);

/** Blocks until tiles may be added to rows up to `end`. */
tw_status tw_feather_reserve(tw_feather *feather, int64_t end, tw_error *err);
/** Adds row `y` of one band of a part of tile `index`: write.w samples. Any thread. */
void tw_feather_store(tw_feather *feather, int64_t index, tw_rect write, int64_t y, int band, const float *samples);
/** The first `complete` tile rows are done: hands the rows that no later tile touches to the sink, in order. Any thread; one of
 *  them does the work, the others go on. */
tw_status tw_feather_advance(tw_feather *feather, int64_t complete, tw_error *err);
void tw_feather_stop(tw_feather *feather);

#endif
