/* SPDX-License-Identifier: MIT */
/** The steps of one pass: what each reads and gives, which may begin, which tile rows are complete. Halo tiles stand each for
 *  itself and are handed out in raster order; carried steps wait for the one above and the one to the left (a wavefront), at most
 *  `slots` tile rows are in flight. Thread-safe. */
#ifndef TW_SCHEDULE_WALK_H
#define TW_SCHEDULE_WALK_H

#include "schedule/schedule.h"

typedef struct tw_walk tw_walk;

tw_status tw_walk_new(const tw_schedule_request *request, int pass_number, const tw_pass *pass, tw_walk **out, tw_error *err);
/** NULL is allowed. */
void tw_walk_free(tw_walk *walk);

const tw_grid *tw_walk_grid(const tw_walk *walk); /* not of carried steps */
bool tw_walk_carried(const tw_walk *walk);
int64_t tw_walk_rows(const tw_walk *walk);

/** Sets index, column, row, out, write and in. */
void tw_walk_place(const tw_walk *walk, int64_t index, tw_step *step);
/** First row of input `input` that tile row `row` or a later one reads. */
int64_t tw_walk_first_row(const tw_walk *walk, int input, int64_t row);

/** The next step; waits until one may begin. False when there is none left, or after tw_walk_stop. */
bool tw_walk_take(tw_walk *walk, int64_t *index);
/** The step is done. Returns how many tile rows are complete, and whether that is news. */
int64_t tw_walk_done(tw_walk *walk, int64_t index, bool *moved);
void tw_walk_stop(tw_walk *walk);

#endif
