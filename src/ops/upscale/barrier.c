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
    int64_t channels = 0;
    for (int i = 0; i < m->geometry->n_barriers; i++)
        if (m->geometry->barriers[i].level == step->pass) {
            names[n] = m->graph->blobs[m->geometry->barriers[i].input_blob].name;
            which[n++] = i;
            channels += state->known[i].channels;
        }
    tw_sums *sums = g_malloc0(sizeof *sums + (size_t)(channels * turns) * sizeof(int64_t));
    sums->n = channels * turns;
    tw_status status = TW_OK;
    int64_t at = 0;
    for (int turn = 0; turn < turns && status == TW_OK; turn++) {
        status = tw_upscale_blobs(state, step, turn, tile, step->pass, n, names, blobs, err);
        for (int i = 0; i < n && status == TW_OK; i++) {
            int blob = m->geometry->barriers[which[i]].input_blob;
            const tw_blob_geometry *g = &m->geometry->blobs[blob];
            tw_span x = owned(state, blob, 0, out_x), y = owned(state, blob, 1, out_y);
            if (blobs[i].c != state->known[which[i]].channels ||
                !add_up(&blobs[i], turn, x, y, scaled(canvas_x.lo, g->rate), scaled(canvas_y.lo, g->rate_y), sums->sum + at))
                status = tw_fail(err, TW_ERROR_RUN, "%s: blob %s does not cover what its tile owns", state->name, names[i]);
            at += state->known[which[i]].channels;
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
    int64_t channels = 0, at = 0;
    for (int i = 0; i < g->n_barriers; i++)
        channels += g->barriers[i].level == step->pass ? state->known[i].channels : 0;
    tw_sums *sums = g_malloc0(sizeof *sums + (size_t)channels * sizeof(int64_t));
    sums->n = channels;
    for (int i = 0; i < g->n_barriers; i++) {
        int blob = tw_graph_unsplit(state->model->graph, g->barriers[i].input_blob), t = 0;
        if (g->barriers[i].level != step->pass)
            continue;
        while (stage->targets[t] != blob)
            t++;
        tw_span x = tw_carry_new(state->walk, blob, 0, step->column), y = tw_carry_new(state->walk, blob, 1, step->row);
        bool none = x.hi <= x.lo || y.hi <= y.lo;
        if (!none && (results[t].c != state->known[i].channels || !add_up(&results[t], 0, x, y, x.lo, y.lo, sums->sum + at))) {
            g_free(sums);
            return tw_fail(err, TW_ERROR_RUN, "%s: a blob to be summed has another size than its step", state->name);
        }
        at += state->known[i].channels;
    }
    step->value = sums;
    return TW_OK;
}

tw_status tw_upscale_reduce(tw_op_state *state, const tw_step *step, tw_error *err)
{
    const tw_geometry *geometry = state->model->geometry;
    const tw_sums *sums = step->value;
    int turns = state->tta ? TW_TURNS : 1;
    int64_t at = 0;
    for (int turn = 0; turn < turns; turn++)
        for (int i = 0; i < geometry->n_barriers; i++) {
            tw_known *known = &state->known[i];
            if (geometry->barriers[i].level != step->pass)
                continue;
            for (int64_t c = 0; c < known->channels; c++)
                known->total[turn * known->channels + c] += sums->sum[at++];
        }
    return at == sums->n ? TW_OK : tw_fail(err, TW_ERROR_RUN, "%s: a pass gave %lld sums", state->name, (long long)sums->n);
}

tw_status tw_upscale_end_pass(tw_op_state *state, int pass, tw_error *err)
{
    if (!state->model || pass >= state->levels)
        return TW_OK;
    const tw_model *m = state->model;
    for (int i = 0; i < m->geometry->n_barriers; i++) {
        const tw_barrier *barrier = &m->geometry->barriers[i];
        tw_known *known = &state->known[i];
        if (barrier->level != pass)
            continue;
        double samples = (double)tw_geometry_length(m->graph, m->geometry, barrier->input_blob, 0, state->axis[0].canvas) *
                         (double)tw_geometry_length(m->graph, m->geometry, barrier->input_blob, 1, state->axis[1].canvas);
        for (int turn = 0; turn < (state->tta ? TW_TURNS : 1); turn++)
            for (int64_t c = 0; c < known->channels; c++)
                known->mean[turn][c] = (float)((double)known->total[turn * known->channels + c] / UNIT / samples);
    }
    return TW_OK;
}

void tw_upscale_forget(tw_op_state *state)
{
    for (int i = 0; i < TW_MAX_BARRIERS; i++) {
        for (int turn = 0; turn < TW_TURNS; turn++)
            g_free(state->known[i].mean[turn]);
        g_free(state->known[i].total);
    }
}
