/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ops/upscale/state.h"

void tw_upscale_turn(const tw_tensor *from, int turn, tw_tensor *to)
{
    for (int64_t c = 0; c < to->c; c++) {
        const float *source = from->data + c * from->plane;
        float *plane = to->data + c * to->plane;
        for (int64_t y = 0; y < to->h; y++)
            for (int64_t x = 0; x < to->w; x++) {
                int64_t u = turn & 4 ? y : x, v = turn & 4 ? x : y;
                if (turn & 1)
                    u = from->w - 1 - u;
                if (turn & 2)
                    v = from->h - 1 - v;
                plane[y * to->w + x] = source[v * from->w + u];
            }
    }
}

/* The tile as the net sees it in this orientation; turn 0 borrows it. */
static tw_status turned_tile(tw_op_state *state, int worker, int turn, const tw_tensor *tile, tw_tensor *out, tw_error *err)
{
    if (turn == 0) {
        *out = *tile;
        out->release = NULL;
        return TW_OK;
    }
    int64_t w = turn & 4 ? tile->h : tile->w, h = turn & 4 ? tile->w : tile->h;
    TW_TRY(tw_engine_tensor(state->workers[worker], w, h, tile->c, out, err));
    tw_upscale_turn(tile, turn, out);
    return TW_OK;
}

void tw_upscale_inject(tw_op_state *state, const tw_known *means, int turn, int levels, const bool *only, tw_engine_call *call)
{
    const tw_graph *graph = state->model->graph;
    const tw_geometry *geometry = state->model->geometry;
    for (int i = 0; i < geometry->n_barriers; i++) {
        const tw_barrier *barrier = &geometry->barriers[i];
        if (barrier->level >= levels || (only && !only[i]))
            continue;
        call->in[call->n_in].blob = graph->blobs[barrier->output_blob].name;
        call->in[call->n_in].vector = barrier->flat;
        call->in[call->n_in++].tensor = &means[i].vector[turn];
    }
}

tw_status tw_upscale_blobs(tw_op_state *state, const tw_step *step, int turn, const tw_tensor *tile, const tw_known *means,
                           int levels, int n, const char *const *blobs, tw_tensor *results, tw_error *err)
{
    tw_tensor turned = {0};
    int worker = step->worker;
    tw_engine_call call = {.n_in = 1, .n_out = n};
    TW_TRY(turned_tile(state, worker, turn, tile, &turned, err));
    call.in[0].tensor = &turned;
    call.in[0].blob = "";
    if (state->model) {
        call.in[0].blob = state->model->graph->blobs[state->model->geometry->input].name;
        tw_upscale_inject(state, means, turn, levels, NULL, &call);
    }
    for (int i = 0; i < n; i++) {
        call.out[i].blob = blobs[i];
        call.out[i].tensor = &results[i];
    }
    if (tw_op_device_used(&state->device))
        tw_engine_worker_reserve_device(state->workers[worker], tw_upscale_device_tile(state, turned.w, turned.h));
    tw_status status = tw_engine_run(state->workers[worker], &call, err);
    tw_tensor_release(&turned);
    return status;
}

static void add_turned_back(const tw_tensor *from, int turn, tw_tensor *sum)
{
    for (int64_t c = 0; c < sum->c; c++)
        for (int64_t y = 0; y < from->h; y++)
            for (int64_t x = 0; x < from->w; x++) {
                int64_t u = turn & 4 ? y : x, v = turn & 4 ? x : y;
                if (turn & 1)
                    u = sum->w - 1 - u;
                if (turn & 2)
                    v = sum->h - 1 - v;
                sum->data[c * sum->plane + v * sum->w + u] += from->data[c * from->plane + y * from->w + x] / TW_TURNS;
            }
}

static tw_status averaged(tw_op_state *state, const tw_step *step, const tw_tensor *tile, const tw_known *means,
                          const char *blob, tw_tensor *result, tw_error *err)
{
    int levels = means ? state->levels : 0;
    for (int turn = 0; turn < TW_TURNS; turn++) {
        tw_tensor one = {0};
        tw_status status = tw_upscale_blobs(state, step, turn, tile, means, levels, 1, &blob, &one, err);
        if (status == TW_OK && turn == 0) {
            status = tw_engine_tensor(state->workers[step->worker], one.w, one.h, one.c, result, err);
            if (status == TW_OK)
                memset(result->data, 0, (size_t)(result->plane * result->c) * sizeof(float));
        }
        if (status == TW_OK)
            add_turned_back(&one, turn, result);
        tw_tensor_release(&one);
        if (status != TW_OK) {
            tw_tensor_release(result);
            return status;
        }
    }
    return TW_OK;
}

tw_status tw_upscale_net(tw_op_state *state, const tw_step *step, const tw_tensor *tile, const tw_known *means,
                         tw_tensor *result, tw_error *err)
{
    const char *blob = "";
    if (state->model)
        blob = state->model->graph->blobs[state->model->geometry->output].name;
    if (state->tta)
        return averaged(state, step, tile, means, blob, result, err);
    return tw_upscale_blobs(state, step, 0, tile, means, means ? state->levels : 0, 1, &blob, result, err);
}
