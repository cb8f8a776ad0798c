/* SPDX-License-Identifier: MIT */
/** The plan of a carried run: tile, workers, and whether what is kept lies in memory or in scratch. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan/planner.h"

/* Tile sides that are tried, in input pixels: multiples of Winograd's blocks (4 and 6 samples), which then have no waste. */
static const int64_t sides[] = {12, 24, 36, 48, 60, 72, 96, 120, 144, 192, 240};
#define N_SIDES ((int)(sizeof sides / sizeof *sides))

typedef struct candidate {
    int64_t tile[2];
    tw_thrift thrift;
    bool slack; /* a tile row of the result more than is computed, so that nobody waits for the encoder */
    tw_carry_cost cost;
    double work;
} candidate;

static int64_t scaled(const tw_planner *p, int64_t length)
{
    return (int64_t)llround((double)length * p->facts.scale);
}

/* Tile rows in flight: with slack one more than workers, so that nobody waits when another's tile takes long. */
static int slots_of(const candidate *c, int workers)
{
    return workers + c->slack;
}

static int64_t ring_rows(const tw_planner *p, const candidate *c, int workers)
{
    return tw_min64(scaled(p, c->tile[1]) * (slots_of(c, workers) + c->slack), p->request->result->height);
}

static int64_t window_rows(const tw_planner *p, const candidate *c, int workers)
{
    int64_t height = tw_source_picture(p->request->sources[0])->height;
    return tw_min64(c->cost.in_rows + (slots_of(c, workers) - 1) * c->tile[1], height);
}

static int64_t ring_bytes(const tw_planner *p, const candidate *c, int workers)
{
    return ring_rows(p, c, workers) * tw_picture_row_bytes(p->request->result);
}

static int64_t window_bytes(const tw_planner *p, const candidate *c, int workers)
{
    return window_rows(p, c, workers) * tw_picture_row_bytes(tw_source_picture(p->request->sources[0]));
}

static int64_t kept_bytes(const candidate *c, int workers)
{
    return workers * c->cost.room + slots_of(c, workers) * c->cost.columns + (c->thrift.spilled ? 0 : c->cost.records);
}

static int64_t peak_of(const tw_planner *p, const candidate *c, int workers)
{
    return p->fixed_bytes - p->facts.weight_bytes + c->cost.weights + workers * c->cost.arena + kept_bytes(c, workers) +
           ring_bytes(p, c, workers) + window_bytes(p, c, workers);
}

static tw_status measure(const tw_planner *p, int64_t w, int64_t h, tw_thrift thrift, bool slack, candidate *c, tw_error *err)
{
    *c = (candidate){.tile = {w, h}, .thrift = thrift, .slack = slack};
    TW_TRY(p->request->op->carry(p->request->state, c->tile, thrift, &c->cost, err));
    /* Edges of windows are copied and transformed for nothing: more of them in small tiles (measured, bench/). */
    c->work = c->cost.work * (1 + 2.0 / (double)c->tile[0]) * (1 + 2.0 / (double)c->tile[1]) *
              tw_plan_cache_factor(c->cost.arena, 0.07) * (slack ? 1 : 1.05);
    return TW_OK;
}

/* What a search found for one and for two workers. */
typedef struct finding {
    candidate best[2];
    bool found[2];
    int64_t smallest;
} finding;

static void offer(const tw_planner *p, const candidate *c, finding *known)
{
    known->smallest = tw_min64(known->smallest, peak_of(p, c, 1));
    for (int i = 0; i < 2; i++) {
        int64_t peak = peak_of(p, c, i + 1);
        const candidate *best = &known->best[i];
        bool better = !known->found[i] || c->work < best->work * 0.999 ||
                      (c->work < best->work * 1.001 && peak < peak_of(p, best, i + 1));
        if (peak <= p->request->budget && better) {
            known->best[i] = *c;
            known->found[i] = true;
        }
    }
}

static tw_status search_with(const tw_planner *p, tw_thrift thrift, finding *known, tw_error *err)
{
    for (int i = 0; i < N_SIDES; i++)
        for (int j = 0; j <= i; j++) {
            candidate c;
            if (sides[i] > 4 * sides[j])
                continue;
            TW_TRY(measure(p, sides[i], sides[j], thrift, true, &c, err));
            offer(p, &c, known);
            c.slack = false;
            c.work *= 1.05;
            offer(p, &c, known);
        }
    return TW_OK;
}

/* Plain weights are for budgets that hold nothing else. */
static tw_status search(const tw_planner *p, finding *known, tw_error *err)
{
    tw_error none = TW_ERROR_NONE;
    *known = (finding){.smallest = INT64_MAX};
    TW_TRY(search_with(p, (tw_thrift){false, false}, known, err));
    TW_TRY(search_with(p, (tw_thrift){true, false}, known, err));
    if (!known->found[0])
        search_with(p, (tw_thrift){true, true}, known, &none); /* a net without plain form has been refused already */
    return TW_OK;
}

static void fill(const tw_planner *p, const candidate *c, int workers, tw_plan *out)
{
    const tw_plan_request *r = p->request;
    memcpy(out->in_tile, c->tile, sizeof out->in_tile);
    out->schedule = TW_SCHEDULE_CARRY;
    out->tile_w = scaled(p, c->tile[0]), out->tile_h = scaled(p, c->tile[1]);
    out->tiles = c->cost.steps[0] * c->cost.steps[1];
    out->passes = p->passes;
    out->workers = workers;
    out->slots = slots_of(c, workers);
    out->thrift = c->thrift;
    out->weight_bytes = c->cost.weights;
    out->ring_rows = ring_rows(p, c, workers);
    out->window_rows[0] = window_rows(p, c, workers);
    out->worker_bytes = c->cost.arena;
    out->window_bytes = window_bytes(p, c, workers);
    out->ring_bytes = ring_bytes(p, c, workers);
    out->workers_bytes = workers * c->cost.arena;
    out->kept_bytes = kept_bytes(c, workers);
    out->planned_peak = peak_of(p, c, workers);
    out->scratch_bytes += c->cost.scratch + (c->thrift.spilled ? c->cost.records : 0);
    const tw_picture *picture = tw_source_picture(r->sources[0]);
    out->overhead = c->work;
    out->work = p->facts.macs * (double)picture->width * (double)picture->height * c->work;
    if (r->macs_per_second > 0)
        out->seconds = out->work / (r->macs_per_second * workers);
}

static int most_workers(const tw_planner *p, const candidate *c)
{
    int cpus = p->facts.one_worker || p->request->cpus < 1 ? 1 : p->request->cpus, workers = 1;
    /* more than there are columns would wait for each other */
    while (workers < cpus && workers < c->cost.steps[0] && workers < c->cost.steps[1] &&
           peak_of(p, c, workers + 1) <= p->request->budget)
        workers++;
    return workers;
}

static tw_status choose(tw_planner *p, candidate *best, tw_error *err)
{
    finding known;
    TW_TRY(search(p, &known, err));
    if (!known.found[0])
        return tw_plan_refuse(p, known.smallest, err);
    bool alone = !known.found[1] || known.best[0].work < known.best[1].work / 2;
    *best = known.best[!alone];
    return TW_OK;
}

/* The tile that was asked for; what is kept goes to scratch, and the ring loses its slack, where the budget wants it. */
static tw_status as_asked(tw_planner *p, candidate *best, tw_error *err)
{
    int64_t smallest = INT64_MAX;
    static const tw_thrift thrifts[] = {{false, false}, {true, false}, {true, true}};
    for (int i = 0; i < 6; i++) {
        tw_status status = measure(p, p->request->tile_w, p->request->tile_h, thrifts[i / 2], i % 2 == 0, best, err);
        if (i >= 4 && status != TW_OK) { /* it has no plain form */
            *err = (tw_error)TW_ERROR_NONE;
            break;
        }
        TW_TRY(status);
        smallest = tw_min64(smallest, peak_of(p, best, 1));
        if (peak_of(p, best, 1) <= p->request->budget)
            return TW_OK;
    }
    return p->request->tile_may_shrink ? choose(p, best, err) : tw_plan_refuse(p, smallest, err);
}

tw_status tw_plan_carried(tw_planner *p, tw_plan *out, tw_error *err)
{
    candidate best;
    bool asked = p->request->tile_w > 0;
    if (!p->request->op->carry || !p->request->result)
        return tw_fail(err, TW_ERROR_USAGE, "%s: --schedule carry is for operators that run nets", p->request->op->info.name);
    TW_TRY(asked ? as_asked(p, &best, err) : choose(p, &best, err));
    fill(p, &best, most_workers(p, &best), out);
    snprintf(out->why, sizeof out->why, "tiles hand on what the next ones read, nothing is computed twice; %s%s",
             asked ? "the tile size was given" : "the cheapest tile that fits the budget",
             best.thrift.plain     ? "; weights for fast convolutions would not fit, nor rows to be kept, which lie in scratch"
             : best.thrift.spilled ? "; rows to be kept would not fit, they lie in scratch"
                                   : "");
    return TW_OK;
}
