/* SPDX-License-Identifier: MIT */
/** The page of --report. Private to src/ops/register. */
#ifndef TW_REGISTER_PAGE_H
#define TW_REGISTER_PAGE_H

#include "ops/register/state.h"

/** When the windows between the fitted ones were measured: state->nodes holds them. Appears whole, or not at all. */
tw_status tw_page_write(tw_op_state *state, const tw_round *round, tw_error *err);

#endif
