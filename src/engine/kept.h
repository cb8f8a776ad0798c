/* SPDX-License-Identifier: MIT */
/** What a carried net keeps between its steps: rows for the tile row below, columns for the tile to the right. Rows are one record
 *  per column of the walk (in memory, or in a scratch file), columns one per tile row in flight. A step reads the old ones and
 *  writes new ones into its worker's own room; tw_kept_commit puts them in place, so a step that failed can be run again.
 *
 *  The caller sees to the order: step (column, row) begins when (column - 1, row) and (column, row - 1) are committed, and row r
 *  when row r - slots is done. Different workers may then run at the same time. */
#ifndef TW_ENGINE_KEPT_H
#define TW_ENGINE_KEPT_H

#include "base/account.h"
#include "base/scratch.h"
#include "model/carry.h"

typedef struct tw_kept tw_kept;

/** Bytes: of all records, of one tile row's columns, of one worker's room. `spilled`: records lie in scratch. */
typedef struct tw_kept_cost {
    int64_t records, columns, worker;
} tw_kept_cost;

tw_kept_cost tw_kept_cost_of(const tw_carry_walk *walk, bool spilled);

/** `walk` is borrowed. `scratch` NULL: all in memory. */
tw_status tw_kept_new(const tw_carry_walk *walk, int slots, int workers, tw_account *account, tw_scratch *scratch,
                      tw_kept **out, tw_error *err);
/** NULL is allowed. */
void tw_kept_free(tw_kept *kept);
const tw_carry_walk *tw_kept_walk(const tw_kept *kept);
tw_status tw_kept_commit(tw_kept *kept, int worker, tw_error *err);

#endif
