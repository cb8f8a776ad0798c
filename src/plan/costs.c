/* SPDX-License-Identifier: MIT */
#include "plan/costs.h"

#include <glib.h>

typedef struct entry {
    int64_t pass, w, h;
    tw_cost cost;
} entry;

struct tw_costs {
    const tw_plan_request *request;
    GHashTable *known; /* of entries, which are their own keys */
};

static guint hash(gconstpointer key)
{
    const entry *e = key;
    uint64_t mixed = ((uint64_t)e->w * 0x9e3779b97f4a7c15U + (uint64_t)e->h) * 0x9e3779b97f4a7c15U + (uint64_t)e->pass;
    return (guint)(mixed >> 32) ^ (guint)mixed;
}

static gboolean equal(gconstpointer a, gconstpointer b)
{
    const entry *x = a, *y = b;
    return x->pass == y->pass && x->w == y->w && x->h == y->h;
}

tw_costs *tw_costs_new(const tw_plan_request *request)
{
    tw_costs *costs = g_new(tw_costs, 1);
    *costs = (tw_costs){request, g_hash_table_new_full(hash, equal, g_free, NULL)};
    return costs;
}

void tw_costs_free(tw_costs *costs)
{
    g_hash_table_destroy(costs->known);
    g_free(costs);
}

tw_cost tw_cost_of(tw_costs *costs, int pass, int64_t w, int64_t h)
{
    const tw_plan_request *r = costs->request;
    entry asked = {.pass = pass, .w = w, .h = h}, *known = g_hash_table_lookup(costs->known, &asked);
    if (known)
        return known->cost;
    asked.cost.bytes = r->op->bytes(r->state, pass, w, h);
    asked.cost.vram = r->op->vram ? r->op->vram(r->state, pass, w, h) : 0;
    known = g_new(entry, 1);
    *known = asked;
    g_hash_table_add(costs->known, known);
    return asked.cost;
}
