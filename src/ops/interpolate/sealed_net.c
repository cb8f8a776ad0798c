/* SPDX-License-Identifier: MIT */
/* Nets of two pictures that have no stages, as sealed models: interleaved pairs become what the net reads, and back. */
#include <string.h>

#include "model/memory.h"
#include "ops/interpolate/sealed.h"

#define OVERLAP 64 /* least, of neighbouring tiles */

bool tw_sealed_net(tw_op_state *state, const char *name)
{
    tw_error why = TW_ERROR_NONE; /* whoever wants the net in stages says it */
    if (tw_pool_model(state->pool, name, &state->model, &why) != TW_OK)
        return false;
    const tw_geometry *g = state->model->geometry;
    return !state->model->flow && g->n_inputs >= 2 && !g->warps;
}

static int64_t common_multiple(int64_t a, int64_t b)
{
    int64_t multiple = a;
    while (multiple % b != 0)
        multiple += a;
    return multiple;
}

tw_status tw_sealed_open_net(tw_op_state *state, tw_error *err)
{
    tw_sealed *s = state->sealed;
    const tw_model *model = state->model;
    const tw_geometry *g = model->geometry;
    static const int wanted[] = {3, 3, 1};
    for (int i = 0; i < g->n_inputs; i++)
        if (i > 2 || (g->input_channels[i] != 0 && g->input_channels[i] != wanted[i]))
            return tw_fail(err, TW_ERROR_USAGE, "%s: input %d has %d channels; two pictures of 3 and a time are known", s->name,
                           i, g->input_channels[i]);
    if (g->scale.num != 1 || g->scale.den != 1 || g->canvas[0] + g->canvas[1] + g->canvas[2] + g->canvas[3] > 0)
        return tw_fail(err, TW_ERROR_USAGE, "%s: its result has another size than the pictures (scale %lld/%lld)", s->name,
                       (long long)g->scale.num, (long long)g->scale.den);
    s->multiple = common_multiple(tw_max64(g->size_multiple, 1), tw_max64(g->align, 1));
    s->multiple = common_multiple(s->multiple, tw_max64(model->record.size_multiple, 1));
    int64_t halo = 0;
    for (int i = 0; i < 4; i++)
        halo = tw_max64(halo, g->halo[i]);
    s->tiling.overlap = (int32_t)tw_clamp64(2 * halo, OVERLAP, TW_SEALED_TILE / 4);
    s->config.middle_only = g->n_inputs == 2;
    return TW_OK;
}

int64_t tw_sealed_net_bytes(const tw_op_state *state, int64_t w, int64_t h)
{
    int64_t net = tw_memory_tile(state->model->graph, state->model->geometry, false, w, h);
    return net + net / 16 + w * h * (int64_t)sizeof(float) + (512 << 10);
}

int64_t tw_sealed_net_weights(const tw_op_state *state)
{
    return tw_memory_weights(state->model->graph, state->model->geometry);
}

static void to_planes(const tw_model_record *record, const float *from, tw_tensor *to)
{
    for (int c = 0; c < 3; c++) {
        float *plane = to->data + c * to->plane;
        int colour = record->bgr ? 2 - c : c;
        for (int64_t i = 0; i < to->w * to->h; i++)
            plane[i] = (from[3 * i + colour] - record->mean[c]) * record->norm[c];
    }
}

static void from_planes(const tw_model_record *record, const tw_tensor *from, float *to)
{
    for (int c = 0; c < 3; c++) {
        const float *plane = from->data + c * from->plane;
        int colour = record->bgr ? 2 - c : c;
        for (int64_t i = 0; i < from->w * from->h; i++)
            to[3 * i + colour] = plane[i] * record->out_norm[c] + record->out_mean[c];
    }
}

static tw_status load(tw_op_state *state, tw_interpolate_worker *worker, const tw_sealed_tile *tile, tw_tensor *in,
                      tw_engine_call *call, tw_error *err)
{
    const tw_geometry *g = state->model->geometry;
    for (int i = 0; i < g->n_inputs; i++) {
        TW_TRY(tw_engine_tensor(worker->engine, tile->at.w, tile->at.h, i < 2 ? 3 : 1, &in[i], err));
        call->in[i].blob = state->model->graph->blobs[g->inputs[i]].name;
        call->in[i].tensor = &in[i];
        call->n_in = i + 1;
        if (i < 2)
            to_planes(&state->model->record, tile->in[i].data, &in[i]);
        for (int64_t k = 0; i == 2 && k < tile->at.w * tile->at.h; k++)
            in[i].data[k] = (float)state->time;
    }
    return TW_OK;
}

tw_status tw_sealed_run_net(tw_op_state *state, tw_interpolate_worker *worker, tw_sealed_tile *tile, tw_error *err)
{
    tw_tensor in[3] = {0}, result = {0};
    tw_engine_call call = {.n_out = 1};
    call.out[0].blob = state->model->graph->blobs[state->model->geometry->output].name;
    call.out[0].tensor = &result;
    tw_status status = load(state, worker, tile, in, &call, err);
    if (status == TW_OK)
        status = tw_engine_run(worker->engine, &call, err);
    if (status == TW_OK && (result.w != tile->at.w || result.h != tile->at.h || result.c != 3))
        status = tw_fail(err, TW_ERROR_RUN, "%s gave %lldx%lldx%lld samples for a pair of %lldx%lld pixels",
                         state->sealed->name, (long long)result.w, (long long)result.h, (long long)result.c,
                         (long long)tile->at.w, (long long)tile->at.h);
    if (status == TW_OK)
        from_planes(&state->model->record, &result, tile->out.data);
    tw_tensor_release(&result);
    for (int i = 2; i >= 0; i--)
        tw_tensor_release(&in[i]);
    return status;
}
