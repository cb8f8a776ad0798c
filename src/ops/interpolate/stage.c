/* SPDX-License-Identifier: MIT */
/* One tile of one stage: sources around it, the net, what it leaves. */
#include <string.h>

#include "model/memory.h"
#include "ops/interpolate/state.h"

static int64_t scaled(int64_t n, tw_ratio rate)
{
    return n * rate.num / rate.den;
}

static void size_of(const tw_op_state *state, int place, int64_t *w, int64_t *h)
{
    tw_ratio rate = tw_flow_rate(state->flow, place);
    *w = scaled(state->canvas[0], rate);
    *h = scaled(state->canvas[1], rate);
}

static bool is_kept(const tw_flow *flow, int place)
{
    return flow->blobs[place].made >= 0 && place != flow->output;
}

/* ---- what the plan asks ---- */

int64_t tw_stage_bytes(const tw_op_state *state, int stage, int64_t w, int64_t h)
{
    int64_t tile_w = tw_flow_most(state->flow, stage, 0, state->canvas[0], w);
    int64_t tile_h = tw_flow_most(state->flow, stage, 1, state->canvas[1], h);
    int64_t net;
    if (tw_op_device_used(&state->device)) {
        tw_flow_device d = tw_flow_bytes_device(state->flow, stage, tile_w, tile_h);
        net = d.host + (state->device.shared ? d.bytes : 0);
    } else {
        net = tw_flow_bytes(state->flow, stage, tile_w, tile_h);
    }
    return net + net / 16 + (512 << 10); /* holes between blocks of the arena, heads of small ones */
}

static int64_t tile_vram(const tw_op_state *state, int stage, int64_t tile_w, int64_t tile_h)
{
    tw_flow_device d = tw_flow_bytes_device(state->flow, stage, tile_w, tile_h);
    return d.largest > state->device.largest_buffer ? INT64_MAX / 4 : d.bytes;
}

int64_t tw_stage_vram(const tw_op_state *state, int stage, int64_t w, int64_t h)
{
    return tile_vram(state, stage, tw_flow_most(state->flow, stage, 0, state->canvas[0], w),
                     tw_flow_most(state->flow, stage, 1, state->canvas[1], h));
}

int64_t tw_stage_kept(const tw_op_state *state)
{
    int64_t most = 0;
    for (int stage = 0; stage < state->flow->n_stages; stage++) {
        int64_t held = 0, w, h;
        for (int i = 0; i < state->flow->n_blobs; i++) {
            const tw_flow_blob *blob = &state->flow->blobs[i];
            size_of(state, i, &w, &h);
            if (is_kept(state->flow, i) && blob->made <= stage && blob->last >= stage)
                held += tw_store_bytes(w, h, tw_flow_channels(state->flow, i)) + 8192;
        }
        most = tw_max64(most, held);
    }
    return most;
}

/* Of the samplers that a worker holds while the stage runs. */
static int64_t sampler_bytes(const tw_op_state *state, int stage)
{
    int64_t bytes = 0, w, h;
    for (int i = 0; i < state->flow->n_blobs; i++) {
        size_of(state, i, &w, &h);
        if (state->flow->stages[stage].samples[i])
            bytes += tw_sampler_bytes(w, h, tw_flow_channels(state->flow, i), TW_SAMPLER_BLOCKS);
    }
    return bytes;
}

int64_t tw_worker_bytes(const tw_op_state *state)
{
    int64_t bytes = 2 * tw_frame_room(&state->in) + state->in.width * (int64_t)sizeof(float) + (256 << 10);
    if (state->reduce > 1)
        bytes += tw_pair_bytes(state) + 2 * tw_sampler_bytes(2 * state->canvas[0], 2 * state->canvas[1], 3, TW_SAMPLER_BLOCKS);
    int64_t samplers = 0;
    for (int stage = 0; stage < state->flow->n_stages; stage++)
        samplers = tw_max64(samplers, sampler_bytes(state, stage));
    return bytes + samplers;
}

/* ---- stores and samplers ---- */

static tw_status read_frame(void *user, tw_rect rect, float *to, tw_error *err)
{
    return tw_frame_read_canvas(user, rect, to, rect.w * rect.h, err);
}

static tw_status read_store(void *user, tw_rect rect, float *to, tw_error *err)
{
    return tw_store_read(user, rect, to, rect.w, rect.w * rect.h, err);
}

tw_status tw_stage_begin(tw_op_state *state, int stage, tw_error *err)
{
    for (int i = 0; i < state->flow->n_blobs; i++) {
        int64_t w, h;
        size_of(state, i, &w, &h);
        if (is_kept(state->flow, i) && state->flow->blobs[i].made == stage)
            TW_TRY(tw_store_open(state->context, w, h, tw_flow_channels(state->flow, i), state->in_memory, &state->stores[i],
                                 err));
    }
    return TW_OK;
}

void tw_stage_end(tw_op_state *state, int stage)
{
    for (int i = 0; i < state->n_workers; i++)
        for (int place = 0; place < state->flow->n_blobs; place++) {
            tw_sampler_free(state->workers[i].samplers[place]);
            state->workers[i].samplers[place] = NULL;
        }
    for (int i = 0; i < state->flow->n_blobs; i++)
        if (is_kept(state->flow, i) && state->flow->blobs[i].last <= stage)
            tw_store_close(&state->stores[i]);
}

static tw_status open_sampler(tw_op_state *state, tw_interpolate_worker *worker, int place, tw_error *err)
{
    tw_sampled source = {.channels = tw_flow_channels(state->flow, place), .read = read_store, .user = &state->stores[place]};
    size_of(state, place, &source.w, &source.h);
    if (worker->samplers[place])
        return TW_OK;
    if (place < state->flow->n_inputs) {
        source.read = read_frame;
        source.user = &worker->frames[place];
    }
    return tw_sampler_new(&source, TW_SAMPLER_BLOCKS, tw_context_account(state->context), &worker->samplers[place], err);
}

/* ---- one tile ---- */

typedef struct tile {
    const tw_step *step;
    tw_interpolate_worker *worker;
    const tw_flow_stage *stage;
    tw_span x, y; /* of the canvas */
    tw_tensor sources[TW_FLOW_BLOBS], targets[TW_FLOW_BLOBS];
    tw_sampler_view view;
} tile;

static tw_rect rect_at(const tile *t, tw_ratio rate)
{
    return tw_rect_of((tw_span){scaled(t->x.lo, rate), scaled(t->x.hi, rate)},
                      (tw_span){scaled(t->y.lo, rate), scaled(t->y.hi, rate)});
}

static tw_status load_source(tw_op_state *state, tile *t, int i, tw_error *err)
{
    const tw_flow *flow = state->flow;
    int place = t->stage->sources[i];
    tw_rect rect = rect_at(t, tw_flow_rate(flow, place));
    tw_tensor *to = &t->sources[i];
    TW_TRY(tw_engine_tensor(t->worker->engine, rect.w, rect.h, tw_flow_channels(flow, place), to, err));
    if (is_kept(flow, place))
        return tw_store_read(&state->stores[place], rect, to->data, rect.w, to->plane, err);
    if (place < 2)
        return tw_frame_read_canvas(&t->worker->frames[place], rect, to->data, to->plane, err);
    for (int64_t k = 0; k < rect.w * rect.h; k++)
        to->data[k] = (float)state->time;
    return TW_OK;
}

static tw_status load_sources(tw_op_state *state, tile *t, tw_engine_call *call, tw_error *err)
{
    for (int i = 0; i < t->stage->n_sources; i++) {
        TW_TRY(load_source(state, t, i, err));
        call->in[i].blob = tw_flow_name(state->flow, t->stage->sources[i]);
        call->in[i].tensor = &t->sources[i];
        call->n_in = i + 1;
    }
    for (int place = 0; place < state->flow->n_blobs; place++) {
        if (!t->stage->samples[place])
            continue;
        tw_rect rect = rect_at(t, tw_flow_rate(state->flow, place));
        TW_TRY(open_sampler(state, t->worker, place, err));
        t->view.at[place].cache = t->worker->samplers[place];
        t->view.at[place].x = rect.x;
        t->view.at[place].y = rect.y;
    }
    call->warp = &t->view;
    return TW_OK;
}

/* The core of a target, in its own samples. */
static tw_status leave(tw_op_state *state, const tile *t, int i, tw_error *err)
{
    int place = t->stage->targets[i];
    tw_ratio rate = tw_flow_rate(state->flow, place);
    const tw_tensor *result = &t->targets[i];
    tw_rect all = rect_at(t, rate), core = t->step->write;
    if (result->w != all.w || result->h != all.h || result->c < tw_flow_channels(state->flow, place))
        return tw_fail(err, TW_ERROR_RUN, "%s: blob %s came as %lldx%lldx%lld, foreseen are %lldx%lldx%d",
                       state->model->record.name, tw_flow_name(state->flow, place), (long long)result->w, (long long)result->h,
                       (long long)result->c, (long long)all.w, (long long)all.h, tw_flow_channels(state->flow, place));
    if (place == state->flow->output)
        return tw_finish(state, t->step, result, t->x.lo, t->y.lo, err);
    return tw_store_write(&state->stores[place], core, result->data + (core.y - all.y) * all.w + core.x - all.x, all.w,
                          result->plane, err);
}

static tw_status run_tile(tw_op_state *state, tile *t, tw_error *err)
{
    tw_engine_call call = {0};
    TW_TRY(load_sources(state, t, &call, err));
    for (int i = 0; i < t->stage->n_targets; i++) {
        call.out[i].blob = tw_flow_name(state->flow, t->stage->targets[i]);
        call.out[i].tensor = &t->targets[i];
        call.n_out = i + 1;
    }
    TW_TRY(tw_engine_run(t->worker->engine, &call, err));
    for (int i = 0; i < t->stage->n_targets; i++)
        TW_TRY(leave(state, t, i, err));
    return TW_OK;
}

tw_status tw_stage_run(tw_op_state *state, tw_step *step, int stage, tw_error *err)
{
    tile *t = tw_alloc(tw_context_account(state->context), sizeof *t);
    if (!t)
        return tw_fail_memory(err, "tile", sizeof *t);
    *t = (tile){.step = step, .worker = &state->workers[step->worker], .stage = &state->flow->stages[stage]};
    t->x = tw_flow_need(state->flow, stage, 0, state->canvas[0], (tw_span){step->write.x, step->write.x + step->write.w});
    t->y = tw_flow_need(state->flow, stage, 1, state->canvas[1], (tw_span){step->write.y, step->write.y + step->write.h});
    if (tw_op_device_used(&state->device))
        tw_engine_worker_reserve_device(t->worker->engine, tile_vram(state, stage, t->x.hi - t->x.lo, t->y.hi - t->y.lo));
    tw_status status = run_tile(state, t, err);
    for (int i = 0; i < TW_FLOW_BLOBS; i++) {
        tw_tensor_release(&t->targets[i]);
        tw_tensor_release(&t->sources[i]);
    }
    tw_free(t);
    return status;
}
