/* SPDX-License-Identifier: MIT */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan/planner.h"
#include "schedule/schedule.h"

/* Tile sides that are tried, in input pixels. Finer than this changes cost by less than a tenth. */
static const int64_t sides[] = {8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 448, 512};
#define N_SIDES ((int)(sizeof sides / sizeof *sides))
#define CAUTION (INT64_C(4) << 20) /* thread stacks, small structs, allocator slack */

typedef struct candidate {
    int64_t tile_w, tile_h; /* result pixels */
    int64_t ring_rows, blend_rows;
    int64_t window_rows[TW_MAX_INPUTS];
    int64_t worker_bytes; /* one worker, the dearest pass */
    int64_t shared_bytes; /* everything else */
    int64_t vram_bytes;   /* of a device, weights left out */
    int64_t window_bytes, ring_bytes, blend_bytes, cut_bytes;
    double cost;
} candidate;

/* Without an operator the inputs are decoded from first row to last. */
static bool read_at_random(const tw_plan_request *r, int input)
{
    bool random = false;
    if (!r->op)
        return false;
    for (int number = 0; number < r->op->passes(r->state); number++) {
        tw_pass pass;
        r->op->pass(r->state, number, &pass);
        random |= pass.access[input] == TW_ACCESS_RANDOM;
    }
    return random;
}

static int64_t source_bytes(const tw_plan_request *r)
{
    int64_t bytes = 0;
    for (int i = 0; i < r->n_inputs; i++) {
        const tw_source_cost *cost = tw_source_cost_of(r->sources[i]);
        bytes += read_at_random(r, i) ? tw_max64(cost->sequential, cost->random) : cost->sequential;
    }
    return bytes;
}

/* Scratch is for pictures that are turned or read at random, and what the operator itself has there. */
static int64_t scratch_bytes(const tw_planner *p)
{
    int64_t bytes = p->facts.scratch_bytes;
    for (int i = 0; i < p->request->n_inputs; i++) {
        const tw_source_cost *cost = tw_source_cost_of(p->request->sources[i]);
        if (read_at_random(p->request, i) || cost->turned)
            bytes += cost->scratch;
    }
    return bytes;
}

/* What a row of tiles computes at most: edges that may move leave it anywhere around its even place. */
static tw_rect longest_row(const tw_grid *grid, int64_t row)
{
    tw_rect write = tw_grid_write_row(grid, row);
    if (grid->shift_h > 0) {
        write.h = tw_min64(grid->tile_h + 2 * grid->reach_h, grid->height);
        write.y = tw_min64(write.y, grid->height - write.h);
    }
    return write;
}

/* Rows of input `i` that must be held at once for one tile row; with lookahead workers can flow into the next one.
 * A sample of tile rows is enough: interior needs differ by at most the alignment, which is added when rows are skipped. */
static int64_t window_rows(const tw_planner *p, const tw_pass *pass, int number, int input, const tw_grid *grid, bool lookahead)
{
    const tw_plan_request *r = p->request;
    int64_t samples = pass->uneven ? grid->rows : tw_min64(grid->rows, 16), most = 0;
    for (int64_t i = 0; i < samples; i++) {
        int64_t row = samples > 1 ? i * (grid->rows - 1) / (samples - 1) : 0;
        most = tw_max64(most, r->op->need(r->state, number, input, longest_row(grid, row)).h);
    }
    if (samples < grid->rows || grid->shift_h > 0)
        most += (int64_t)ceil((double)pass->align / p->facts.scale);
    return lookahead ? most + (int64_t)ceil((double)grid->tile_h / p->facts.scale) : most;
}

double tw_plan_cache_factor(int64_t worker_bytes, double per_doubling)
{
    return 1 + per_doubling * log2(fmax(1, (double)worker_bytes / (3 << 20)));
}

/* What contexts and overlaps add to the work of an inner tile. */
static double overhead_of(const tw_planner *p, const tw_pass *pass, const tw_grid *grid)
{
    const int64_t *halo = pass->own_halo ? pass->halo : p->facts.halo;
    double scale = pass->own_halo ? 1 : p->facts.scale, core = 1, work = 1;
    for (int axis = 0; axis < 2; axis++) {
        int64_t length = axis ? grid->height : grid->width;
        int64_t pitch = tw_min64(axis ? grid->pitch_h : grid->pitch_w, length);
        int64_t reach = axis ? grid->reach_h : grid->reach_w;
        bool widened = reach > 0 && (axis ? grid->shift_h : grid->shift_w) > 0; /* overlaps take what slack there is */
        int64_t write = tw_min64((widened ? axis ? grid->tile_h : grid->tile_w : pitch) + 2 * reach, length);
        core *= (double)pitch / scale;
        work *= (double)write / scale + (double)(halo[axis] + halo[axis + 2]);
    }
    return work / core;
}

static candidate measure(const tw_planner *p, int64_t in_w, int64_t in_h, bool lookahead)
{
    const tw_plan_request *r = p->request;
    candidate c = {0};
    double work = 0, last = 0;
    for (int number = 0; number < p->passes; number++) {
        tw_pass pass;
        r->op->pass(r->state, number, &pass);
        if (pass.as_before) {
            work += last;
            continue;
        }
        int64_t want_w = (int64_t)llround((double)in_w * p->facts.scale),
                want_h = (int64_t)llround((double)in_h * p->facts.scale);
        tw_grid grid = tw_grid_of_pass(&pass, want_w, want_h);
        c.tile_w = pass.part ? tw_max64(c.tile_w, grid.tile_w) : grid.tile_w; /* passes over more have larger ones */
        c.tile_h = pass.part ? tw_max64(c.tile_h, grid.tile_h) : grid.tile_h;
        int64_t w = tw_min64(grid.tile_w, pass.width), h = tw_min64(grid.tile_h, pass.height);
        int64_t write_w = tw_min64(w + 2 * grid.reach_w, pass.width), write_h = tw_min64(h + 2 * grid.reach_h, pass.height);
        tw_cost cost = tw_cost_of(p->costs, number, write_w, write_h);
        c.worker_bytes = tw_max64(c.worker_bytes, cost.bytes);
        c.vram_bytes = tw_max64(c.vram_bytes, cost.vram);
        int64_t windows = 0;
        for (int i = 0; i < r->n_inputs; i++) {
            if (pass.access[i] != TW_ACCESS_RECT)
                continue;
            const tw_picture *picture = tw_source_picture(r->sources[i]);
            int64_t rows = tw_min64(window_rows(p, &pass, number, i, &grid, lookahead && grid.rows > 1), picture->height);
            c.window_rows[i] = tw_max64(c.window_rows[i], rows);
            windows += rows * tw_picture_row_bytes(picture);
        }
        c.window_bytes = tw_max64(c.window_bytes, windows);
        double overhead = overhead_of(p, &pass, &grid);
        if (grid.columns == 1 && grid.rows == 1 && !pass.part)
            overhead = 1;
        last = overhead * (double)tw_grid_taken_area(&grid, pass.sample) / ((double)pass.width * (double)pass.height);
        last *= pass.share > 0 ? pass.share : 1;
        work += last;
        if (pass.result == TW_RESULT_PICTURE && r->result) {
            bool twice = lookahead && !tw_grid_blends(&grid); /* else the rows in flight are those being blended */
            c.ring_rows = tw_min64(twice ? 2 * grid.tile_h : grid.tile_h, pass.height);
            c.ring_bytes = c.ring_rows * tw_picture_row_bytes(r->result);
            c.blend_rows = tw_grid_blend_rows(&grid, lookahead);
            c.blend_bytes = tw_grid_blend_bytes(&grid, r->result, c.blend_rows);
        }
        if (pass.seams)
            c.cut_bytes = tw_max64(c.cut_bytes, tw_grid_cut_bytes(&grid));
    }
    c.shared_bytes = p->fixed_bytes + c.window_bytes + c.ring_bytes + c.blend_bytes + c.cut_bytes;
    work *= tw_plan_cache_factor(c.worker_bytes, 0.15);
    /* Without lookahead workers wait at the end of every tile row. */
    c.cost = work * (lookahead ? 1 : 1.15) * (1 + p->facts.call_pixels / ((double)in_w * (double)in_h));
    return c;
}

static int64_t peak_of(const candidate *c, int workers)
{
    return c->shared_bytes + workers * c->worker_bytes;
}

static bool fits_vram(const tw_planner *p, const candidate *c)
{
    return p->facts.vram_budget == 0 || p->facts.vram_fixed + c->vram_bytes <= p->facts.vram_budget;
}

static bool fits(const tw_planner *p, const candidate *c, int workers)
{
    return fits_vram(p, c) && peak_of(c, workers) <= p->request->budget;
}

/* What a search found for one and for two workers. */
typedef struct finding {
    candidate best;
    bool found;
} finding;

/* Keeps the cheaper of what is known and `c`, if that fits with `workers` workers. Ties go to the smaller peak. */
static void offer(const tw_planner *p, const candidate *c, int workers, finding *known)
{
    if (!fits(p, c, workers))
        return;
    if (!known->found || c->cost < known->best.cost * 0.999 ||
        (c->cost < known->best.cost * 1.001 && peak_of(c, workers) < peak_of(&known->best, workers)))
        *known = (finding){*c, true};
}

/* Measures every candidate once. `smallest` is the smallest peak with one worker that fits the device, or INT64_MAX. */
static void search(const tw_planner *p, finding *one, finding *two, int64_t *smallest)
{
    *smallest = INT64_MAX;
    for (int i = 0; i < N_SIDES; i++)
        for (int j = 0; j < N_SIDES; j++)
            for (int lookahead = 0; lookahead < 2; lookahead++) {
                if (sides[j] > 2 * sides[i]) /* tall tiles only cost rows */
                    continue;
                candidate c = measure(p, sides[i], sides[j], lookahead);
                if (fits_vram(p, &c))
                    *smallest = tw_min64(*smallest, peak_of(&c, 1));
                offer(p, &c, 1, one);
                offer(p, &c, 2, two);
            }
}

tw_status tw_plan_refuse(tw_planner *p, int64_t smallest, tw_error *err)
{
    p->smallest = smallest;
    /* Rounded up to the next MiB, so that the number that is named works when it is given back. */
    long long mib = (smallest + (1 << 20) - 1) >> 20;
    return tw_fail(err, TW_ERROR_BUDGET, "the budget of %.1f MiB cannot hold this: the smallest that would do is %lldM",
                   (double)p->request->budget / (1 << 20), mib);
}

static tw_status refuse_vram(const tw_planner *p, const candidate *c, tw_error *err)
{
    if (c->vram_bytes >= INT64_MAX / 8)
        return tw_fail(err, TW_ERROR_BUDGET,
                       "the device cannot hold the tile with its context: one buffer would be larger than it allows");
    return tw_fail(err, TW_ERROR_BUDGET,
                   "the budget of %.1f MiB of device memory (--vram) cannot hold this: the smallest that would do is %lldM",
                   (double)p->facts.vram_budget / (1 << 20),
                   (long long)((p->facts.vram_fixed + c->vram_bytes + (1 << 20) - 1) >> 20));
}

/* `smallest` is INT64_MAX where no tile fits the device. */
static tw_status refuse_all(tw_planner *p, int64_t smallest, tw_error *err)
{
    if (smallest < INT64_MAX)
        return tw_plan_refuse(p, smallest, err);
    candidate c = measure(p, sides[0], sides[0], false);
    return refuse_vram(p, &c, err);
}

static void fill(const tw_planner *p, const candidate *c, int workers, tw_plan *out)
{
    const tw_plan_request *r = p->request;
    tw_pass pass;
    r->op->pass(r->state, p->passes - 1, &pass);
    tw_grid grid = tw_grid_of_pass(&pass, c->tile_w, c->tile_h);
    out->tile_w = c->tile_w, out->tile_h = c->tile_h;
    out->in_tile[0] = (int64_t)llround((double)c->tile_w / p->facts.scale);
    out->in_tile[1] = (int64_t)llround((double)c->tile_h / p->facts.scale);
    out->tiles = tw_grid_count(&grid);
    out->passes = p->passes;
    out->workers = workers;
    out->ring_rows = c->ring_rows;
    out->blend_rows = c->blend_rows;
    out->overlap[0] = (int64_t)ceil((double)(2 * grid.reach_w) / p->facts.scale);
    out->overlap[1] = (int64_t)ceil((double)(2 * grid.reach_h) / p->facts.scale);
    memcpy(out->window_rows, c->window_rows, sizeof out->window_rows);
    out->worker_bytes = c->worker_bytes;
    out->window_bytes = c->window_bytes;
    out->ring_bytes = c->ring_bytes;
    out->blend_bytes = c->blend_bytes;
    out->cut_bytes = c->cut_bytes;
    out->seams = pass.seams && out->tiles > 1;
    out->shift[0] = (int64_t)llround((double)grid.shift_w / p->facts.scale);
    out->shift[1] = (int64_t)llround((double)grid.shift_h / p->facts.scale);
    out->workers_bytes = workers * c->worker_bytes;
    out->planned_peak = peak_of(c, workers);
    out->vram_budget = p->facts.vram_budget;
    out->planned_vram = p->facts.vram_budget > 0 ? p->facts.vram_fixed + c->vram_bytes : 0;
    double pixels = (double)pass.width * (double)pass.height / (p->facts.scale * p->facts.scale);
    out->overhead = c->cost;
    out->work = p->facts.macs * pixels * c->cost;
    if (r->macs_per_second > 0)
        out->seconds = out->work / (r->macs_per_second * workers);
}

static void explain(const tw_planner *p, bool asked, bool alone, tw_plan *out)
{
    const char *kind =
        out->schedule == TW_SCHEDULE_WHOLE ? "one tile holds the whole picture" : "tiles read their exact context";
    if (!p->facts.exact && out->schedule != TW_SCHEDULE_WHOLE)
        kind = out->blend_rows > 0 ? "tiles overlap and are blended, because the result depends on the tile"
                                   : "tiles are cropped at their edges, although the result depends on the tile";
    const char *size = asked   ? p->request->tile_w > 0 ? "the tile size was given" : "the tile size that serves it best"
                       : alone ? "the cheapest tile that fits the budget with one worker"
                               : "the cheapest tile that fits the budget with two workers";
    snprintf(out->why, sizeof out->why, "%s; %s", kind, size);
}

/* A small picture is one tile: nothing is gained by cutting it. Follows from the size alone. */
bool tw_plan_is_small(int n_inputs, tw_source *const *sources)
{
    for (int i = 0; i < n_inputs; i++) {
        const tw_picture *picture = tw_source_picture(sources[i]);
        if (picture->width * picture->height > 96 * 96)
            return false;
    }
    return true;
}

static candidate whole_candidate(const tw_planner *p)
{
    tw_pass pass;
    p->request->op->pass(p->request->state, p->passes - 1, &pass);
    int64_t side = (int64_t)ceil((double)tw_max64(pass.width, pass.height) / p->facts.scale) + 1;
    return measure(p, side, side, false);
}

static tw_status plan_whole(tw_planner *p, tw_plan *out, tw_error *err)
{
    candidate c = whole_candidate(p);
    if (!fits_vram(p, &c))
        return refuse_vram(p, &c, err);
    if (!fits(p, &c, 1))
        return tw_plan_refuse(p, peak_of(&c, 1), err);
    out->schedule = TW_SCHEDULE_WHOLE;
    fill(p, &c, 1, out);
    snprintf(out->why, sizeof out->why, "the whole picture in one tile%s",
             tw_plan_is_small(p->request->n_inputs, p->request->sources) ? ": it is small" : "");
    return TW_OK;
}

static int most_workers(const tw_planner *p, const candidate *c, const tw_plan *plan)
{
    int64_t left = plan->budget - c->shared_bytes;
    int64_t workers = c->worker_bytes > 0 ? left / c->worker_bytes : 1;
    workers = tw_min64(workers, p->facts.one_worker ? 1 : tw_max64(p->request->cpus, 1));
    return (int)tw_max64(workers, 1);
}

/* The budget is shared by two workers where that is quicker than one with a larger tile; the same on every machine. */
static bool choose_tile(const tw_planner *p, candidate *best, bool *alone, int64_t *smallest)
{
    finding one = {0}, two = {0};
    search(p, &one, &two, smallest);
    if (!one.found) /* then two workers do not fit either */
        return false;
    *alone = p->facts.one_worker || !two.found || one.best.cost < two.best.cost / 2;
    *best = *alone ? one.best : two.best;
    return true;
}

static tw_status plan_tiles(tw_planner *p, tw_plan *out, tw_error *err)
{
    const tw_plan_request *r = p->request;
    int64_t smallest = INT64_MAX;
    candidate best = {0};
    bool asked = r->tile_w > 0, alone = false;
    if (!asked && p->facts.tile_hint > 0)
        asked = true;
    if (asked) {
        int64_t w = r->tile_w > 0 ? r->tile_w : p->facts.tile_hint, h = r->tile_w > 0 ? r->tile_h : p->facts.tile_hint;
        best = measure(p, w, h, true);
        if (!fits(p, &best, 1))
            best = measure(p, w, h, false);
        smallest = peak_of(&best, 1);
        if (!fits_vram(p, &best) && !r->tile_may_shrink)
            return refuse_vram(p, &best, err);
        if (smallest > r->budget && !r->tile_may_shrink)
            return tw_plan_refuse(p, smallest, err);
        asked = fits(p, &best, 1);
    }
    if (!asked && !choose_tile(p, &best, &alone, &smallest))
        return refuse_all(p, smallest, err);
    out->schedule = TW_SCHEDULE_HALO;
    fill(p, &best, most_workers(p, &best, out), out);
    explain(p, asked, alone, out);
    return TW_OK;
}

const char *tw_schedule_name(tw_schedule_kind kind)
{
    return kind == TW_SCHEDULE_WHOLE ? "whole" : kind == TW_SCHEDULE_CARRY ? "carry" : "halo";
}

int64_t tw_plan_before_op(const tw_plan_request *request)
{
    return tw_max64(request->base_bytes, TW_BASE_BYTES) + CAUTION + source_bytes(request);
}

int64_t tw_plan_before_tiles(const tw_plan_request *request)
{
    tw_op_facts facts;
    request->op->facts(request->state, &facts);
    return tw_plan_before_op(request) + facts.weight_bytes + facts.kept_bytes + facts.device_bytes;
}

tw_status tw_plan_make(const tw_plan_request *request, tw_plan *out, tw_error *err)
{
    tw_planner p = {.request = request, .costs = tw_costs_new(request)};
    request->op->facts(request->state, &p.facts);
    p.passes = request->op->passes(request->state);
    *out = (tw_plan){.budget = request->budget};
    out->base_bytes = tw_max64(request->base_bytes, TW_BASE_BYTES) + CAUTION;
    out->source_bytes = source_bytes(request);
    out->sink_bytes = request->sink_cost ? request->sink_cost->fixed : 0;
    out->weight_bytes = p.facts.weight_bytes + p.facts.device_bytes;
    out->scratch_bytes = scratch_bytes(&p);
    out->kept_bytes = p.facts.kept_bytes;
    p.fixed_bytes = out->base_bytes + out->source_bytes + out->sink_bytes + out->weight_bytes + out->kept_bytes;
    tw_status status = request->schedule == TW_SCHEDULE_WHOLE   ? plan_whole(&p, out, err)
                       : request->schedule == TW_SCHEDULE_CARRY ? tw_plan_carried(&p, out, err)
                                                                : plan_tiles(&p, out, err);
    tw_costs_free(p.costs);
    out->smallest = p.smallest;
    return status;
}
