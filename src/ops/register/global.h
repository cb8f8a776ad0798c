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

#endif
