/* SPDX-License-Identifier: MIT */
/** Whole-picture means (global pooling) in passes: each pass sums, over the samples that each tile owns, the blobs in front of the
 *  barriers of one level, with the means of earlier levels injected. Sums are integers of 2^-20: any order, any tiling, same mean. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "ops/upscale/state.h"

#define UNIT 1048576.0

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

/* Sums each channel over a span of the untiled blob; the tile's own blob begins at `origin`. */
static bool add_up(const tw_tensor *blob, int turn, tw_span x, tw_span y, int64_t origin_x, int64_t origin_y, int64_t *sum)
{
    int64_t w = turn & 4 ? blob->h : blob->w, h = turn & 4 ? blob->w : blob->h; /* upright */
    x.lo -= origin_x, x.hi -= origin_x, y.lo -= origin_y, y.hi -= origin_y;
    if (x.lo < 0 || y.lo < 0 || x.hi > w || y.hi > h)
        return false;
    for (int64_t c = 0; c < blob->c; c++)
        for (int64_t v = y.lo; v < y.hi; v++)
            for (int64_t u = x.lo; u < x.hi; u++) {
                int64_t mu = turn & 1 ? w - 1 - u : u, mv = turn & 2 ? h - 1 - v : v;
                int64_t at = turn & 4 ? mu * blob->w + mv : mv * blob->w + mu;
                sum[c] += llrint(blob->data[c * blob->plane + at] * UNIT);
            }
    return true;
}

/* Room for the sums of the barriers of one level. */
static tw_sums *new_sums(const tw_op_state *state, int level, int turns)
{
    int64_t n = 0;
    for (int i = 0; i < state->model->geometry->n_barriers; i++)
        if (state->model->geometry->barriers[i].level == level)
            n += turns * (1 + state->known[i].channels);
    tw_sums *sums = g_malloc0(sizeof *sums + (size_t)n * sizeof(int64_t));
    sums->n = n;
    return sums;
}

static int64_t scaled(int64_t position, tw_ratio rate)
{
    return position * rate.num / rate.den;
}

tw_status tw_upscale_collect(tw_op_state *state, tw_step *step, const tw_tensor *tile, tw_span canvas_x, tw_span canvas_y,
                             tw_error *err)
{
    const tw_model *m = state->model;
    tw_span out_x = {step->out.x, step->out.x + step->out.w}, out_y = {step->out.y, step->out.y + step->out.h};
    int turns = state->tta ? TW_TURNS : 1;
    const char *names[TW_MAX_BARRIERS];
    tw_tensor blobs[TW_MAX_BARRIERS] = {0};
    int which[TW_MAX_BARRIERS], n = 0;
    tw_role role = tw_upscale_role(state, step->pass);
    const tw_known *means = role.reference ? state->reference : state->known;
    for (int i = 0; i < m->geometry->n_barriers; i++)
        if (m->geometry->barriers[i].level == role.level) {
            names[n] = m->graph->blobs[m->geometry->barriers[i].input_blob].name;
            which[n++] = i;
        }
    tw_sums *sums = new_sums(state, role.level, turns);
    tw_status status = TW_OK;
    int64_t at = 0;
    for (int turn = 0; turn < turns && status == TW_OK; turn++) {
        status = tw_upscale_blobs(state, step, turn, tile, means, role.level, n, names, blobs, err);
        for (int i = 0; i < n && status == TW_OK; i++) {
            int blob = m->geometry->barriers[which[i]].input_blob;
            const tw_blob_geometry *g = &m->geometry->blobs[blob];
            tw_span x = owned(state, blob, 0, out_x), y = owned(state, blob, 1, out_y);
            if (blobs[i].c != state->known[which[i]].channels || !add_up(&blobs[i], turn, x, y, scaled(canvas_x.lo, g->rate),
                                                                         scaled(canvas_y.lo, g->rate_y), sums->sum + at + 1))
                status = tw_fail(err, TW_ERROR_RUN, "%s: blob %s does not cover what its tile owns", state->name, names[i]);
            sums->sum[at] = (x.hi - x.lo) * (y.hi - y.lo);
            at += 1 + state->known[which[i]].channels;
        }
        for (int i = 0; i < n; i++)
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
    for (int i = 0; i < g->n_barriers; i++) {
        int blob = tw_graph_unsplit(state->model->graph, g->barriers[i].input_blob), t = 0;
        if (g->barriers[i].level != step->pass)
            continue;
        while (stage->targets[t] != blob)
            t++;
        tw_span x = tw_carry_new(state->walk, blob, 0, step->column), y = tw_carry_new(state->walk, blob, 1, step->row);
        bool none = x.hi <= x.lo || y.hi <= y.lo;
        if (!none &&
            (results[t].c != state->known[i].channels || !add_up(&results[t], 0, x, y, x.lo, y.lo, sums->sum + at + 1))) {
            g_free(sums);
            return tw_fail(err, TW_ERROR_RUN, "%s: a blob to be summed has another size than its step", state->name);
        }
        sums->sum[at] = none ? 0 : (x.hi - x.lo) * (y.hi - y.lo);
        at += 1 + state->known[i].channels;
    }
    step->value = sums;
    return TW_OK;
}

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
            if (geometry->barriers[i].level != role.level)
                continue;
            known->count[turn] += sums->sum[at++];
            for (int64_t c = 0; c < known->channels; c++)
                known->total[turn * known->channels + c] += sums->sum[at++];
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

tw_status tw_upscale_end_pass(tw_op_state *state, int pass, tw_error *err)
{
    tw_role role = tw_upscale_role(state, pass);
    if (!state->model || role.kind != TW_ROLE_MEANS)
        return TW_OK;
    for (int i = 0; i < state->model->geometry->n_barriers; i++) {
        tw_known *known = role.reference ? &state->reference[i] : &state->known[i];
        if (state->model->geometry->barriers[i].level != role.level)
            continue;
        for (int turn = 0; turn < (state->tta ? TW_TURNS : 1); turn++)
            for (int64_t c = 0; c < known->channels; c++)
                known->mean[turn][c] =
                    (float)((double)known->total[turn * known->channels + c] / UNIT / (double)tw_max64(known->count[turn], 1));
        if (role.reference)
            state->reference_exact = known->count[0] == all_samples(state, i);
    }
    return TW_OK;
}

static void lay(tw_known *known, int64_t channels)
{
    known->channels = channels;
    known->total = g_new0(__int128, channels *TW_TURNS);
    for (int turn = 0; turn < TW_TURNS; turn++) {
        known->mean[turn] = g_new0(float, channels);
        known->vector[turn] = (tw_tensor){1, 1, channels, 1, known->mean[turn], NULL, NULL};
    }
}

void tw_upscale_lay_barriers(tw_op_state *state)
{
    const tw_geometry *g = state->model->geometry;
    for (int i = 0; i < g->n_barriers; i++) {
        int64_t channels = g->blobs[g->barriers[i].input_blob].channels;
        state->levels = (int)tw_max64(state->levels, g->barriers[i].level + 1);
        lay(&state->known[i], channels);
        if (state->sync != TW_SYNC_EXACT)
            lay(&state->reference[i], channels);
    }
}

static void forget(tw_known *known)
{
    for (int turn = 0; turn < TW_TURNS; turn++)
        g_free(known->mean[turn]);
    g_free(known->total);
}

void tw_upscale_forget(tw_op_state *state)
{
    for (int i = 0; i < TW_MAX_BARRIERS; i++) {
        forget(&state->known[i]);
        forget(&state->reference[i]);
    }
}
