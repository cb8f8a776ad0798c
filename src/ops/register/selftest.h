/* SPDX-License-Identifier: MIT */
/** A picture registered with itself, warped by a lattice that is known. Private to src/ops/register. */
#ifndef TW_REGISTER_SELFTEST_H
#define TW_REGISTER_SELFTEST_H

#include "ops/register/state.h"

/** Makes the lattice. */
tw_status tw_selftest_begin(tw_op_state *state, tw_error *err);
/** Bytes of a worker for w x h pixels. Pure. */
int64_t tw_selftest_bytes(const tw_op_state *state, int64_t w, int64_t h);
/** Makes a rectangle of the moving picture's largest level from the fixed one's; as tw_levels_write has it. */
tw_status tw_selftest_run(tw_op_state *state, tw_rect out, int worker, tw_error *err);
/** How far the field found is from the one that is known, inside a border of 4 %. */
void tw_selftest_end(tw_op_state *state);

#endif
