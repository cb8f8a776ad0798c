/* SPDX-License-Identifier: MIT */
/* Carried steps: the canvas is walked in raster order, each step brings new canvas samples and gives what they complete. */
#include "model/memory.h"
#include "ops/upscale/state.h"

static tw_status walk_of(const tw_op_state *state, const tw_carry *carry, int pass, const int64_t tile[2], tw_carry_walk **out,
                         tw_error *err)
{
    const tw_stage *stage = &state->stages.stage[pass];
    const int64_t canvas[2] = {state->axis[0].canvas, state->axis[1].canvas};
    return tw_carry_walk_new(carry, canvas, tile, stage->n_targets, stage->targets, stage->n_sources, stage->sources, out, err);
}

static bool reads_picture(const tw_op_state *state, int pass)
{
    const tw_stage *stage = &state->stages.stage[pass];
    for (int i = 0; i < stage->n_sources; i++)
        if (stage->sources[i] == state->model->geometry->input)
            return true;
    return false;
}

/* --- what the plan asks ------------------------------------------------------------------------------------------ */

static int64_t grown(int64_t n, int64_t align)
{
    return tw_max64(tw_ceil_div(n, align), 1) * align;
}

/* Input pixels that one step reads on an axis, at most: its block, and with alpha what its share of the result reads. */
static int64_t read_length(const tw_op_state *state, int axis, int64_t tile)
{
    const tw_carry *carry = state->model->carry;
    int64_t lag = tw_ceil_div(tw_max64(carry->lag[axis][state->model->geometry->output], 0), state->scale);
    int64_t more = state->in.alpha ? lag + 2 * TW_BLEED + 8 : 0;
    return tw_min64(tile + more + 2, state->axis[axis].picture);
}

static int64_t arena_bytes(const tw_op_state *state, const tw_carry *carry, const int64_t tile[2])
{
    int64_t w = read_length(state, 0, tile[0]), h = read_length(state, 1, tile[1]);
    int64_t block = tw_min64(tile[0], state->axis[0].canvas) * tw_min64(tile[1], state->axis[1].canvas);
    int64_t net = 0;
    for (int i = 0; i < state->stages.n; i++)
        net = tw_max64(net, tw_memory_tile_carried(carry, &state->stages.stage[i], tile));
    int64_t picture = w * h * 4 * (state->in.alpha ? 7 : 3), result_row = tile[0] * state->scale * 16;
    return picture + block * 12 + result_row + w * 8 + net + net / 16 + (576 << 10);
}

static double all_macs(const tw_op_state *state)
{
    double per_pixel = state->model->geometry->macs_per_pixel; /* 0: no convolutions */
    return (per_pixel > 1 ? per_pixel : 1) * (double)state->axis[0].canvas * (double)state->axis[1].canvas;
}

/* What steps cost however small they are: about ten microseconds for each layer that has something new, and a tenth of that for the
 * others (measured, bench/). */
static double step_work(const tw_op_state *state, const tw_carry_walk *walk)
{
    static const double macs_per_layer = 3e5;
    double busy = ((double)state->axis[0].canvas / (double)walk->tile[0] + 1) *
                  ((double)state->axis[1].canvas / (double)walk->tile[1] + 1);
    double all = (double)(walk->steps[0] * walk->steps[1]);
    return (busy + 0.1 * all) * walk->layers * macs_per_layer / all_macs(state);
}

tw_status tw_upscale_carry(const tw_op_state *state, int64_t tile[2], tw_thrift thrift, tw_carry_cost *out, tw_error *err)
{
    static const double plain_work = 2; /* of plain convolutions over Winograd ones, measured with x4plus */
    if (!state->model || !state->model->carry)
        return tw_fail(err, TW_ERROR_USAGE, "%s",
                       state->model ? state->model->why_not_carried : "the caller's own engine cannot be carried");
    if (state->fixed_halo >= 0 || state->tta || tw_op_device_used(&state->device))
        return tw_fail(err, TW_ERROR_USAGE, "%s cannot be carried with %s", state->name,
                       state->fixed_halo >= 0 ? "--halo N"
                       : state->tta           ? "--tta"
                                              : "--device gpu");
    const tw_carry *carry = thrift.plain ? state->model->carry_plain : state->model->carry;
    if (!carry)
        return tw_fail(err, TW_ERROR_USAGE, "%s: its weights are small as they are", state->name);
    double samples = (double)state->axis[0].canvas * (double)state->axis[1].canvas;
    double moving = state->stages.bytes * samples * TW_MACS_PER_BYTE / all_macs(state);
    *out = (tw_carry_cost){.work = state->stages.work * (thrift.plain ? plain_work : 1) + moving,
                           .scratch = tw_upscale_spill_bytes(state)};
    for (int axis = 0; axis < 2; axis++)
        tile[axis] = tw_min64(grown(tile[axis], carry->align), grown(state->axis[axis].canvas, carry->align));
    for (int pass = 0; pass <= state->levels; pass++) {
        tw_carry_walk *walk;
        TW_TRY(walk_of(state, carry, pass, tile, &walk, err));
        tw_kept_cost kept = tw_kept_cost_of(walk, thrift.spilled);
        out->room = tw_max64(out->room, kept.worker);
        out->columns = tw_max64(out->columns, kept.columns);
        out->records = tw_max64(out->records, kept.records);
        out->steps[0] = walk->steps[0], out->steps[1] = walk->steps[1];
        out->work += step_work(state, walk);
        if (thrift.spilled)
            out->work += 2 * (double)(kept.records * walk->steps[1]) * TW_MACS_PER_BYTE / all_macs(state);
        tw_carry_walk_free(walk);
    }
    out->weights = tw_memory_weights(carry->net, state->model->geometry);
    out->arena = arena_bytes(state, carry, tile);
    out->in_rows = read_length(state, 1, tile[1]);
    return TW_OK;
}

/* --- walking ----------------------------------------------------------------------------------------------------- */

tw_status tw_upscale_begin_pass(tw_op_state *state, int pass, int64_t steps[2], tw_error *err)
{
    TW_TRY(walk_of(state, state->carry, pass, state->tile, &state->walk, err));
    steps[0] = state->walk->steps[0], steps[1] = state->walk->steps[1];
    TW_TRY(tw_upscale_open_spills(state, pass, err));
    return tw_kept_new(state->walk, state->slots, state->n_workers, tw_context_account(state->context),
                       state->thrift.spilled ? tw_context_scratch(state->context) : NULL, &state->kept, err);
}

void tw_upscale_end_walk(tw_op_state *state)
{
    tw_kept_free(state->kept);
    tw_carry_walk_free(state->walk);
    state->kept = NULL;
    state->walk = NULL;
}

void tw_upscale_carry_span(const tw_op_state *state, int pass, int axis, int64_t step, tw_span *in, tw_span *out)
{
    const tw_geometry *g = state->model->geometry;
    const tw_axis *a = &state->axis[axis];
    tw_span fresh = tw_carry_new(state->walk, g->input, axis, step);
    bool reads = reads_picture(state, pass);
    if (pass < state->levels) { /* a plane to sum over: counted as the canvas comes in */
        int64_t tile = state->tile[axis] * state->scale;
        bool last = step + 1 == state->walk->steps[axis];
        *out = (tw_span){tw_min64(step * tile, a->result), last ? a->result : tw_min64((step + 1) * tile, a->result)};
    } else {
        *out = tw_carry_new(state->walk, g->output, axis, step);
        *out = (tw_span){tw_min64(out->lo, a->result), tw_min64(out->hi, a->result)};
    }
    if (!reads)
        *in = fresh = (tw_span){0, 0};
    else
        *in = tw_span_empty(fresh) ? (tw_span){a->picture, a->picture} : tw_upscale_picture_span(state, axis, fresh);
    if (!state->in.alpha || pass < state->levels)
        return;
    /* rows that the enlarged alpha still reads stay, also while nothing comes out */
    int64_t lo = tw_max64(out->lo / state->scale - 3, 0), hi = tw_min64(out->hi / state->scale + 4, a->picture);
    if (!tw_span_empty(fresh))
        *in = (tw_span){tw_max64(in->lo - TW_BLEED, 0), tw_min64(in->hi + TW_BLEED, a->picture)};
    *in = tw_span_join(*in, (tw_span){tw_min64(lo, hi), hi});
}

tw_status tw_upscale_commit(tw_op_state *state, const tw_step *step, tw_error *err)
{
    return tw_kept_commit(state->kept, step->worker, err);
}

/* --- one step ---------------------------------------------------------------------------------------------------- */

static tw_status dummy_tile(tw_op_state *state, const tw_step *step, tw_tensor *tile, tw_error *err)
{
    TW_TRY(tw_engine_tensor(state->workers[step->worker], 1, 1, 3, tile, err));
    for (int64_t c = 0; c < 3; c++)
        tile->data[c * tile->plane] = 0;
    return TW_OK;
}

/* What the step brings: new canvas samples, or a block that the net drops. */
static tw_status load_fresh(tw_op_state *state, const tw_step *step, tw_tensor *tile, tw_tensor *alpha, tw_error *err)
{
    tw_span x = tw_carry_new(state->walk, state->model->geometry->input, 0, step->column);
    tw_span y = tw_carry_new(state->walk, state->model->geometry->input, 1, step->row);
    bool none = tw_span_empty(x) || tw_span_empty(y) || !reads_picture(state, step->pass);
    if (none)
        x = y = (tw_span){0, 0};
    if (step->in[0].w > 0 && step->in[0].h > 0)
        TW_TRY(tw_upscale_load(state, step, x, y, tile, alpha, err));
    return none ? dummy_tile(state, step, tile, err) : TW_OK;
}

static tw_status run_stage(tw_op_state *state, const tw_step *step, tw_tensor *tile, tw_tensor *sources, tw_tensor *results,
                           tw_error *err)
{
    const tw_stage *stage = &state->stages.stage[step->pass];
    const tw_graph *graph = state->model->graph;
    tw_engine_call call = {.n_in = stage->n_sources, .n_out = stage->n_targets};
    call.kept = state->kept, call.worker = step->worker;
    call.column = step->column, call.row = step->row;
    for (int i = 0; i < stage->n_sources; i++) {
        bool picture = stage->sources[i] == state->model->geometry->input;
        call.in[i].blob = graph->blobs[stage->sources[i]].name;
        call.in[i].tensor = picture ? tile : &sources[i];
        if (!picture)
            TW_TRY(tw_upscale_recall(state, step, stage->sources[i], &sources[i], err));
    }
    tw_upscale_inject(state, state->known, 0, step->pass, stage->reads, &call);
    for (int i = 0; i < stage->n_targets; i++) {
        call.out[i].blob = graph->blobs[stage->targets[i]].name;
        call.out[i].tensor = &results[i];
    }
    return tw_engine_run(state->workers[step->worker], &call, err);
}

static tw_status keep_results(tw_op_state *state, tw_step *step, const tw_tensor *results, const tw_tensor *alpha,
                              tw_error *err)
{
    const tw_stage *stage = &state->stages.stage[step->pass];
    for (int i = 0; i < stage->n_targets; i++)
        TW_TRY(tw_upscale_spill(state, step, stage->targets[i], &results[i], err));
    if (step->pass < state->levels)
        return tw_upscale_collect_fresh(state, step, stage, results, err);
    if (step->write.w == 0 || step->write.h == 0) /* nothing is complete yet */
        return TW_OK;
    return tw_upscale_store(state, step, &results[stage->n_targets - 1], alpha, 0, 0, err);
}

tw_status tw_upscale_run_carried(tw_op_state *state, tw_step *step, tw_error *err)
{
    const tw_stage *stage = &state->stages.stage[step->pass];
    tw_tensor tile = {0}, alpha = {0}, sources[TW_MAX_SPILLS + 1] = {0}, results[2 * TW_MAX_SPILLS] = {0};
    tw_status status = load_fresh(state, step, &tile, &alpha, err);
    if (status == TW_OK)
        status = run_stage(state, step, &tile, sources, results, err);
    if (status == TW_OK)
        status = keep_results(state, step, results, &alpha, err);
    for (int i = 0; i < stage->n_targets; i++)
        tw_tensor_release(&results[i]);
    for (int i = 0; i < stage->n_sources; i++)
        tw_tensor_release(&sources[i]);
    tw_tensor_release(&tile);
    tw_tensor_release(&alpha);
    return status;
}
