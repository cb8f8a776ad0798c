/* SPDX-License-Identifier: MIT */
/** What the planners of the schedules share. Private to src/plan. */
#ifndef TW_PLAN_PLANNER_H
#define TW_PLAN_PLANNER_H

#include "plan/costs.h"

typedef struct tw_planner {
    const tw_plan_request *request;
    tw_costs *costs;
    tw_op_facts facts;
    int passes;
    int64_t fixed_bytes; /* base, source, sink, weights, device */
    int64_t smallest;    /* budget that a refusal named */
} tw_planner;

/** The budget that was given, and the smallest one that would do. */
tw_status tw_plan_refuse(tw_planner *planner, int64_t smallest, tw_error *err);

/** Work of a working set beyond the caches: so much more for each doubling past 3 MB (measured, bench/). */
double tw_plan_cache_factor(int64_t worker_bytes, double per_doubling);

/** TW_ERROR_USAGE when the operator does not carry this. */
tw_status tw_plan_carried(tw_planner *planner, tw_plan *out, tw_error *err);

#endif
