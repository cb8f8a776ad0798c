/* SPDX-License-Identifier: MIT */
/** What an operator says of rectangles, asked once for each: it plays its net through, and planners come back to the same ones. Private
 *  to src/plan. */
#ifndef TW_PLAN_COSTS_H
#define TW_PLAN_COSTS_H

#include "plan/plan.h"

typedef struct tw_costs tw_costs;

typedef struct tw_cost {
    int64_t bytes, vram; /* of a worker; as op.h has them */
} tw_cost;

/** The request must outlive it. */
tw_costs *tw_costs_new(const tw_plan_request *request);
void tw_costs_free(tw_costs *costs);
tw_cost tw_cost_of(tw_costs *costs, int pass, int64_t w, int64_t h);

#endif
