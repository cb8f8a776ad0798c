/* SPDX-License-Identifier: MIT */
/** The search for the whole picture's place; what it found. Private to src/ops/register. */
#ifndef TW_REGISTER_GLOBAL_H
#define TW_REGISTER_GLOBAL_H

#include "ops/register/state.h"

#define TW_GLOBAL_FOUND 6

typedef struct tw_found {
    tw_turn turn;
    double shift[2];
    tw_affine map; /* pixels of the level */
    double alike, overlap;
} tw_found;

/** state->result.period: pixels after which the fixed picture repeats, as cloth does; 0: it does not. */
tw_status tw_period_find(tw_op_state *state, tw_error *err);

#define TW_AGREE_SEARCH 24 /* pixels of the coarsest level around where a map says windows lie */

/** What windows say of a map. */
typedef struct tw_agreed {
    double share; /* of the windows that see anything: those that agree on one similarity near the map */
    double alike; /* mean correlation coefficient of those */
} tw_agreed;

/** Measures with windows of the coarsest level, and makes *map what they agree on. */
tw_status tw_agree(tw_op_state *state, tw_affine *map, tw_agreed *out, tw_error *err);

#endif
