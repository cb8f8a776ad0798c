/* SPDX-License-Identifier: MIT */
#include "plan/costs.h"

#include <glib.h>

#include "base/memo.h"

#define MOST_KNOWN (1 << 20) /* a plan asks for some thousands */

struct tw_costs {
    const tw_plan_request *request;
    tw_memo *known;
};

tw_costs *tw_costs_new(const tw_plan_request *request)
{
    tw_costs *costs = g_new(tw_costs, 1);
    *costs = (tw_costs){request, tw_memo_new(MOST_KNOWN)};
    return costs;
}

void tw_costs_free(tw_costs *costs)
{
    tw_memo_free(costs->known);
    g_free(costs);
}

tw_cost tw_cost_of(tw_costs *costs, int pass, int64_t w, int64_t h)
{
    const tw_plan_request *r = costs->request;
    int64_t key[3] = {pass, w, h}, cost[2];
    if (!tw_memo_find(costs->known, key, cost)) {
        cost[0] = r->op->bytes(r->state, pass, w, h);
        cost[1] = r->op->vram ? r->op->vram(r->state, pass, w, h) : 0;
        tw_memo_keep(costs->known, key, cost);
    }
    return (tw_cost){cost[0], cost[1]};
}
