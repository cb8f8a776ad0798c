/* SPDX-License-Identifier: MIT */
/** The same code for several widths of registers: winograd_lanes.c is compiled once for each. Private to winograd.c. */
#ifndef TW_ENGINE_WINOGRAD_LANES_H
#define TW_ENGINE_WINOGRAD_LANES_H

#include "engine/winograd.h"

/** Channels that a product computes at a time, in registers: 4 of 32, or 2 of 16. */
static inline int tw_winograd_group(int lanes)
{
    return lanes == 16 ? 64 : 2 * lanes;
}

void tw_winograd_run_4(const tw_winograd *w, const tw_winograd_call *call);
void tw_winograd_run_8(const tw_winograd *w, const tw_winograd_call *call);
void tw_winograd_run_16(const tw_winograd *w, const tw_winograd_call *call);

#endif
