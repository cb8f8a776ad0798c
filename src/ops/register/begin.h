/* SPDX-License-Identifier: MIT */
/** What --init begins with. Private to src/ops/register. */
#ifndef TW_REGISTER_BEGIN_H
#define TW_REGISTER_BEGIN_H

#include "ops/register/state.h"

/** Sets the affine and the lattice to what state->init does, as nearly as a lattice of the coarsest level can. */
tw_status tw_begin_with(tw_op_state *state, tw_error *err);

#endif
