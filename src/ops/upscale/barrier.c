/* SPDX-License-Identifier: MIT */
/** Numbers of the whole picture (means, variances, sums, maxima) in passes: each pass goes, over the samples that each tile owns, through
 *  the blobs in front of the barriers of one level, with what earlier levels gave injected. Sums are integers of 2^-40, in 128 bits: any
 *  order, any tiling, same result; what they cannot hold is refused. */
#include <float.h>
#include <glib.h>
#include <math.h>
#include <string.h>

#include "ops/upscale/state.h"

#define UNIT 0x1p40
#define MOST 0x1p86 /* units in one sample: with 2^41 samples there are 2^127 */

/* ---- one sample, one sum ---- */

/* Sums that a barrier takes of each channel. */
static int64_t sums_of(const tw_barrier *barrier)
{
    return barrier->kind == TW_BARRIER_VARIANCE ? 2 : 1;
}

/* False for what is no number, or too large. */
static bool add_fixed(double value, __int128 *sum)
{
    double units = value * UNIT;
    if (fabs(units) < 0x1p62)
        *sum += (int64_t)units;
    else if (fabs(units) < MOST)
        *sum += (__int128)units;
    else
        return false;
    return true;
}

/* Integers in the order of the floats. */
static int64_t key_of(float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? (int64_t)INT32_MIN - bits : bits;
}

static float value_of(__int128 key)
{
    int32_t bits = (int32_t)(key < 0 ? INT32_MIN - (int64_t)key : (int64_t)key);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static __int128 nothing_yet(tw_barrier_kind kind)
{
    return kind == TW_BARRIER_MAX ? INT64_MIN : kind == TW_BARRIER_MIN ? INT64_MAX : 0;
}

static __int128 both(tw_barrier_kind kind, __int128 a, __int128 b)
{
    if (kind == TW_BARRIER_MAX)
        return a > b ? a : b;
    if (kind == TW_BARRIER_MIN)
        return a < b ? a : b;
    return a + b;
}

/* `n` samples, `step` floats apart. */
static bool add_row(tw_barrier_kind kind, const float *from, int64_t step, int64_t n, __int128 *sums)
{
    bool fits = true;
    for (int64_t i = 0; i < n; i++, from += step) {
        double v = *from;
        if (kind == TW_BARRIER_MAX || kind == TW_BARRIER_MIN) {
            fits &= fabs(v) <= (double)FLT_MAX;
            *sums = both(kind, *sums, key_of(*from));
            continue;
        }
        fits &= add_fixed(v, sums);
        if (kind == TW_BARRIER_VARIANCE)
            fits &= add_fixed(v * v, sums + 1);
    }
    return fits;
}

/* ---- one tile ---- */

/* Samples of `blob` on an axis that the result span owns: a partition, the first from 0, the last to the blob's end. */
static tw_span owned(const tw_op_state *state, int blob, int axis, tw_span out)
{
    const tw_model *m = state->model;
    const tw_axis *a = &state->axis[axis];
    tw_span span = {0, tw_geometry_length(m->graph, m->geometry, blob, axis, a->canvas)};
    if (out.lo > 0)
        span.lo = tw_geometry_owned_from(m->graph, m->geometry, blob, axis, a->canvas, out.lo);
    if (out.hi < a->result)
        span.hi = tw_geometry_owned_from(m->graph, m->geometry, blob, axis, a->canvas, out.hi);
    return span;
}

/* What is summed of a tile's blob: [x) by [y) of it, upright. */
typedef struct part {
    const tw_tensor *blob;
    int turn;
    tw_span x, y;
} part;

static tw_status add_up(const tw_op_state *state, int barrier, const part *p, __int128 *sums, tw_error *err)
{
    const tw_model *m = state->model;
    const tw_barrier *b = &m->geometry->barriers[barrier];
    const tw_tensor *blob = p->blob;
    const char *name = m->graph->blobs[tw_graph_unsplit(m->graph, b->input_blob)].name;
    int64_t w = p->turn & 4 ? blob->h : blob->w, h = p->turn & 4 ? blob->w : blob->h; /* upright */
    int64_t step_x = p->turn & 4 ? blob->w : 1, step_y = p->turn & 4 ? 1 : blob->w;
    if (blob->c != state->known[barrier].channels || p->x.lo < 0 || p->y.lo < 0 || p->x.hi > w || p->y.hi > h)
        return tw_fail(err, TW_ERROR_RUN, "%s: blob %s does not cover what its tile owns", state->name, name);
    int64_t first = p->turn & 1 ? w - 1 - p->x.lo : p->x.lo;
    bool fits = true;
    for (int64_t c = 0; c < blob->c; c++)
        for (int64_t v = p->y.lo; v < p->y.hi; v++) {
            int64_t row = p->turn & 2 ? h - 1 - v : v;
            fits &= add_row(b->kind, blob->data + c * blob->plane + row * step_y + first * step_x,
                            p->turn & 1 ? -step_x : step_x, p->x.hi - p->x.lo, sums + c * sums_of(b));
        }
    if (!fits)
        return tw_fail(err, TW_ERROR_RUN,
                       "%s: blob %s holds values that are no numbers, or too large to be summed over the picture exactly",
                       state->name, name);
    return TW_OK;
}

/* Sums of one barrier in one orientation, with their count. */
static int64_t room_for(const tw_op_state *state, int barrier)
{
    return 1 + state->known[barrier].channels * sums_of(&state->model->geometry->barriers[barrier]);
}

/* Room for the sums of the barriers of one level. */
static tw_sums *new_sums(const tw_op_state *state, int level, int turns)
{
    const tw_geometry *g = state->model->geometry;
    int64_t n = 0, at = 0;
    for (int i = 0; i < g->n_barriers; i++)
        if (g->barriers[i].level == level)
            n += turns * room_for(state, i);
    tw_sums *sums = g_malloc0(sizeof *sums + (size_t)n * sizeof *sums->sum);
    sums->n = n;
    for (int turn = 0; turn < turns; turn++)
        for (int i = 0; i < g->n_barriers; i++) {
            if (g->barriers[i].level != level)
                continue;
            for (int64_t k = 1; k < room_for(state, i); k++)
                sums->sum[at + k] = nothing_yet(g->barriers[i].kind);
            at += room_for(state, i);
        }
    return sums;
}

static int64_t scaled(int64_t position, tw_ratio rate)
{
    return position * rate.num / rate.den;
}

/* The blobs in front of a level's barriers, each once however many statistics are taken of it. */
typedef struct fronts {
    int n;
    const char *names[TW_MAX_BARRIERS];
    int same[TW_MAX_BARRIERS]; /* the blob behind all Splits */
} fronts;

static int front_of(const tw_op_state *state, int barrier, fronts *f)
{
    const tw_graph *graph = state->model->graph;
    int input = state->model->geometry->barriers[barrier].input_blob, same = tw_graph_unsplit(graph, input), i = 0;
    while (i < f->n && f->same[i] != same)
        i++;
    if (i == f->n) {
        f->names[f->n] = graph->blobs[input].name;
        f->same[f->n++] = same;
    }
    return i;
}

tw_status tw_upscale_collect(tw_op_state *state, tw_step *step, const tw_tensor *tile, tw_span canvas_x, tw_span canvas_y,
                             tw_error *err)
{
    const tw_geometry *geometry = state->model->geometry;
    tw_span out_x = {step->out.x, step->out.x + step->out.w}, out_y = {step->out.y, step->out.y + step->out.h};
    int turns = state->tta ? TW_TURNS : 1;
    fronts f = {0};
    tw_tensor blobs[TW_MAX_BARRIERS] = {0};
    tw_role role = tw_upscale_role(state, step->pass);
    const tw_known *known = role.reference ? state->reference : state->known;
    for (int i = 0; i < geometry->n_barriers; i++)
        if (geometry->barriers[i].level == role.level)
            front_of(state, i, &f);
    tw_sums *sums = new_sums(state, role.level, turns);
    tw_status status = TW_OK;
    int64_t at = 0;
    for (int turn = 0; turn < turns && status == TW_OK; turn++) {
        status = tw_upscale_blobs(state, step, turn, tile, known, role.level, f.n, f.names, blobs, err);
        for (int i = 0; i < geometry->n_barriers && status == TW_OK; i++) {
            int blob = geometry->barriers[i].input_blob;
            const tw_blob_geometry *g = &geometry->blobs[blob];
            if (geometry->barriers[i].level != role.level)
                continue;
            tw_span x = owned(state, blob, 0, out_x), y = owned(state, blob, 1, out_y);
            int64_t x0 = scaled(canvas_x.lo, g->rate), y0 = scaled(canvas_y.lo, g->rate_y);
            part p = {&blobs[front_of(state, i, &f)], turn, {x.lo - x0, x.hi - x0}, {y.lo - y0, y.hi - y0}};
            status = add_up(state, i, &p, sums->sum + at + 1, err);
            sums->sum[at] = (x.hi - x.lo) * (y.hi - y.lo);
            at += room_for(state, i);
        }
        for (int i = 0; i < f.n; i++)
            tw_tensor_release(&blobs[i]);
    }
    if (status == TW_OK)
        step->value = sums;
    else
        g_free(sums);
    return status;
}

tw_status tw_upscale_collect_fresh(tw_op_state *state, tw_step *step, const tw_stage *stage, const tw_tensor *results,
                                   tw_error *err)
{
    const tw_geometry *g = state->model->geometry;
    int64_t at = 0;
    tw_sums *sums = new_sums(state, step->pass, 1);
    tw_status status = TW_OK;
    for (int i = 0; i < g->n_barriers && status == TW_OK; i++) {
        int blob = tw_graph_unsplit(state->model->graph, g->barriers[i].input_blob), t = 0;
        if (g->barriers[i].level != step->pass)
            continue;
        while (stage->targets[t] != blob)
            t++;
        tw_span x = tw_carry_new(state->walk, blob, 0, step->column), y = tw_carry_new(state->walk, blob, 1, step->row);
        bool none = x.hi <= x.lo || y.hi <= y.lo;
        part p = {&results[t], 0, {0, x.hi - x.lo}, {0, y.hi - y.lo}};
        if (!none)
            status = add_up(state, i, &p, sums->sum + at + 1, err);
        sums->sum[at] = none ? 0 : (x.hi - x.lo) * (y.hi - y.lo);
        at += room_for(state, i);
    }
    if (status == TW_OK)
        step->value = sums;
    else
        g_free(sums);
    return status;
}

/* ---- all tiles ---- */

tw_status tw_upscale_reduce(tw_op_state *state, const tw_step *step, tw_error *err)
{
    const tw_geometry *geometry = state->model->geometry;
    const tw_sums *sums = step->value;
    tw_role role = tw_upscale_role(state, step->pass);
    int turns = state->tta ? TW_TURNS : 1;
    int64_t at = 0;
    if (role.kind == TW_ROLE_COMPARE) {
        tw_upscale_reduce_compared(state, step);
        return TW_OK;
    }
    state->reference_tiles += role.reference && role.level == 0;
    for (int turn = 0; turn < turns; turn++)
        for (int i = 0; i < geometry->n_barriers; i++) {
            tw_known *known = role.reference ? &state->reference[i] : &state->known[i];
            const tw_barrier *barrier = &geometry->barriers[i];
            if (barrier->level != role.level)
                continue;
            int64_t n = known->channels * sums_of(barrier);
            known->count[turn] += (int64_t)sums->sum[at++];
            for (int64_t k = 0; k < n; k++, at++)
                known->total[turn * n + k] = both(barrier->kind, known->total[turn * n + k], sums->sum[at]);
        }
    return at == sums->n ? TW_OK : tw_fail(err, TW_ERROR_RUN, "%s: a pass gave %lld sums", state->name, (long long)sums->n);
}

/* Samples of a barrier's blob, one channel. */
static int64_t all_samples(const tw_op_state *state, int barrier)
{
    const tw_model *m = state->model;
    int blob = m->geometry->barriers[barrier].input_blob;
    return tw_geometry_length(m->graph, m->geometry, blob, 0, state->axis[0].canvas) *
           tw_geometry_length(m->graph, m->geometry, blob, 1, state->axis[1].canvas);
}

/* Mean of the sums numbered `which` of a group's channels. */
static long double group_mean(const tw_barrier *barrier, const __int128 *total, int64_t which, int64_t count)
{
    long double sum = 0;
    for (int c = 0; c < barrier->group; c++)
        sum += (long double)total[c * sums_of(barrier) + which];
    return sum / (long double)UNIT / (long double)tw_max64(count, 1) / barrier->group;
}

/* The number of one group. What was summed of a sample of the tiles stands for all of them. */
static double statistic(const tw_barrier *barrier, const __int128 *total, int64_t count, int64_t all)
{
    if (barrier->kind == TW_BARRIER_MAX || barrier->kind == TW_BARRIER_MIN)
        return count > 0 ? (double)value_of(*total) : 0;
    long double mean = group_mean(barrier, total, 0, count);
    if (barrier->kind == TW_BARRIER_SUM)
        return (double)(mean * (long double)all);
    if (barrier->kind == TW_BARRIER_VARIANCE)
        return (double)fmaxl(group_mean(barrier, total, 1, count) - mean * mean, 0);
    return (double)mean;
}

static tw_status end_barrier(tw_op_state *state, int barrier, tw_known *known, tw_error *err)
{
    const tw_barrier *b = &state->model->geometry->barriers[barrier];
    int64_t all = all_samples(state, barrier);
    for (int turn = 0; turn < (state->tta ? TW_TURNS : 1); turn++)
        for (int64_t c = 0; c < known->channels; c += b->group) {
            const __int128 *total = known->total + (turn * known->channels + c) * sums_of(b);
            double value = statistic(b, total, known->count[turn], all);
            if (fabs(value) > (double)FLT_MAX)
                return tw_fail(err, TW_ERROR_RUN, "%s: layer %s gives %g, more than a float holds", state->name,
                               state->model->graph->layers[b->layer].name, value);
            for (int64_t k = 0; k < b->group; k++)
                known->value[turn][(c + k) * known->vector[turn].plane] = (float)value;
        }
    return TW_OK;
}

tw_status tw_upscale_end_pass(tw_op_state *state, int pass, tw_error *err)
{
    tw_role role = tw_upscale_role(state, pass);
    if (!state->model || role.kind != TW_ROLE_MEANS)
        return TW_OK;
    for (int i = 0; i < state->model->geometry->n_barriers; i++) {
        tw_known *known = role.reference ? &state->reference[i] : &state->known[i];
        if (state->model->geometry->barriers[i].level != role.level)
            continue;
        TW_TRY(end_barrier(state, i, known, err));
        if (role.reference)
            state->reference_exact = known->count[0] == all_samples(state, i);
    }
    return TW_OK;
}

/* ---- room ---- */

static void lay(tw_known *known, const tw_barrier *barrier, int64_t channels)
{
    known->channels = channels;
    known->total = g_new(__int128, channels *sums_of(barrier) * TW_TURNS);
    for (int64_t i = 0; i < channels * sums_of(barrier) * TW_TURNS; i++)
        known->total[i] = nothing_yet(barrier->kind);
    for (int turn = 0; turn < TW_TURNS; turn++) {
        int64_t plane = barrier->flat ? 1 : tw_plane_floats(1, 1);
        known->value[turn] = g_new0(float, channels *plane + 16); /* ncnn copies and reads vectors in whole packs */
        known->vector[turn] = (tw_tensor){1, 1, channels, plane, known->value[turn], NULL, NULL};
    }
}

void tw_upscale_lay_barriers(tw_op_state *state)
{
    const tw_geometry *g = state->model->geometry;
    state->known = g_new0(tw_known, g->n_barriers + 1);
    state->reference = g_new0(tw_known, g->n_barriers + 1);
    for (int i = 0; i < g->n_barriers; i++) {
        int64_t channels = g->blobs[g->barriers[i].input_blob].channels;
        state->levels = (int)tw_max64(state->levels, g->barriers[i].level + 1);
        lay(&state->known[i], &g->barriers[i], channels);
        if (state->sync != TW_SYNC_EXACT)
            lay(&state->reference[i], &g->barriers[i], channels);
    }
}

static void forget(tw_known *known, int n)
{
    for (int i = 0; known && i < n; i++) {
        for (int turn = 0; turn < TW_TURNS; turn++)
            g_free(known[i].value[turn]);
        g_free(known[i].total);
    }
    g_free(known);
}

void tw_upscale_forget(tw_op_state *state)
{
    forget(state->known, state->model ? state->model->geometry->n_barriers : 0);
    forget(state->reference, state->model ? state->model->geometry->n_barriers : 0);
}
