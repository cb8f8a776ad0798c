/* SPDX-License-Identifier: MIT */
#include "ops/interpolate/interpolate.h"

#include <glib.h>
#include <jansson.h>
#include <string.h>

#include "model/memory.h"
#include "ops/interpolate/options.h"
#include "ops/interpolate/sealed.h"
#include "ops/interpolate/state.h"

#define OWN_MODEL    "between" /* built in */
#define DEVICE_ERROR 0.05      /* in 1/255; measured with made weights, which exaggerate (docs/gpu.md): 0.035 */

static void free_worker(tw_interpolate_worker *worker)
{
    for (int i = 0; i < TW_FLOW_BLOBS; i++)
        tw_sampler_free(worker->samplers[i]);
    for (int i = 0; i < 2; i++)
        tw_sampler_free(worker->full[i]);
    tw_engine_worker_free(worker->engine);
    tw_account_free(worker->account);
    tw_free(worker->room);
    tw_free(worker->line);
    tw_free(worker->pair);
}

static void close_interpolate(tw_op_state *state)
{
    if (!state)
        return;
    for (int i = 0; i < state->n_workers; i++)
        free_worker(&state->workers[i]);
    for (int i = 0; i < TW_FLOW_BLOBS; i++)
        tw_store_close(&state->stores[i]);
    g_free(state->workers);
    tw_sealed_close(state->sealed);
    tw_engine_unref(state->engine);
    tw_op_device_release(&state->device);
    g_free(state);
}

/* --- what to run ------------------------------------------------------------------------------------------------- */

static tw_status check_frames(tw_op_state *state, const tw_op_request *request, tw_error *err)
{
    const tw_picture *a = tw_source_picture(request->sources[0]), *b = tw_source_picture(request->sources[1]);
    const char *name_a = tw_source_label(request->sources[0]), *name_b = tw_source_label(request->sources[1]);
    if (a->width != b->width || a->height != b->height)
        return tw_fail(err, TW_ERROR_INPUT, "%s has %lldx%lld pixels, %s %lldx%lld: frames must have one size", name_a,
                       (long long)a->width, (long long)a->height, name_b, (long long)b->width, (long long)b->height);
    if (tw_picture_bands(a) != tw_picture_bands(b) || a->depth != b->depth)
        return tw_fail(err, TW_ERROR_INPUT, "%s has %d bands of %d bits, %s %d of %d: frames must be of one kind", name_a,
                       tw_picture_bands(a), 8 * tw_depth_bytes(a->depth), name_b, tw_picture_bands(b),
                       8 * tw_depth_bytes(b->depth));
    state->in = *a;
    return TW_OK;
}

static tw_status choose_model(tw_op_state *state, const tw_options *options, tw_error *err)
{
    const char *name = tw_options_text(options, "model");
    if (!name)
        name = OWN_MODEL;
    TW_TRY(tw_pool_model(state->pool, name, &state->model, err));
    if (!state->model->flow)
        return tw_fail(err, TW_ERROR_USAGE, "%s", state->model->why_no_flow);
    state->flow = state->model->flow;
    for (int i = 0; i < state->flow->n_inputs; i++) {
        int channels = tw_flow_channels(state->flow, i);
        if (channels != (i < 2 ? 3 : 1))
            return tw_fail(err, TW_ERROR_USAGE, "%s: input %d has %d channels; two pictures of 3 and a time are known", name, i,
                           channels);
    }
    if (state->flow->n_inputs == 2 && tw_options_given(options, "time") && state->time != 0.5)
        return tw_fail(err, TW_ERROR_USAGE, "--time %g: %s knows the middle only", state->time, name);
    if (tw_options_given(options, "sample-steps"))
        return tw_fail(err, TW_ERROR_USAGE, "--sample-steps %lld: %s reaches its result at once",
                       (long long)tw_options_int(options, "sample-steps"), name);
    return TW_OK;
}

/* `auto`: half for frames beyond 2560 on a side, as those who train such nets advise: they have not seen larger motion. */
static tw_status choose_scale(tw_op_state *state, const tw_options *options, tw_error *err)
{
    const char *text = tw_options_text(options, "flow-scale");
    bool large = tw_max64(state->in.width, state->in.height) > 2560;
    state->reduce = strcmp(text, "0.5") == 0 || (strcmp(text, "auto") == 0 && large) ? 2 : 1;
    if (strcmp(text, "0.25") == 0)
        return tw_fail(err, TW_ERROR_USAGE, "--flow-scale 0.25: %s runs in stages, at 1 or 0.5", state->model->record.name);
    if (state->reduce == 1)
        return TW_OK;
    state->flow = state->model->flow_ends;
    if (!state->flow)
        return tw_fail(err, TW_ERROR_USAGE, "--flow-scale %s: %s does not end in two warped frames and their shares", text,
                       state->model->record.name);
    return TW_OK;
}

static void choose_canvas(tw_op_state *state, const tw_options *options)
{
    const tw_model_record *record = &state->model->record;
    const char *pad = tw_options_text(options, "pad");
    if (!pad)
        pad = record->assumed || !record->pad ? "replicate" : record->pad;
    state->pad = strcmp(pad, "zero") == 0 ? TW_FRAME_ZERO : strcmp(pad, "reflect") == 0 ? TW_FRAME_REFLECT : TW_FRAME_REPLICATE;
    int64_t multiple = tw_max64(state->flow->geometry->size_multiple, record->size_multiple);
    state->canvas[0] = tw_ceil_div(state->in.width, multiple * state->reduce) * multiple;
    state->canvas[1] = tw_ceil_div(state->in.height, multiple * state->reduce) * multiple;
}

/* In memory where that leaves most of the budget to tiles. */
static void choose_place(tw_op_state *state, const tw_op_request *request)
{
    bool room = request->whole || tw_stage_kept(state) <= request->budget / 4;
    state->in_memory = room && request->thrift == 0;
}

static tw_status open_state(tw_op_state *state, const tw_op_request *request, tw_error *err)
{
    state->time = tw_options_real(request->options, "time");
    state->cut_below = tw_options_real(request->options, "scene-cut");
    state->static_above = tw_options_real(request->options, "static");
    TW_TRY(check_frames(state, request, err));
    const char *name = tw_options_text(request->options, "model");
    if (name && (tw_pool_callbacks(state->pool, name) || tw_sealed_net(state, name)))
        return tw_sealed_open(state, request, err);
    TW_TRY(choose_model(state, request->options, err));
    TW_TRY(tw_sealed_refuse(request->options, state->model->record.name, err));
    TW_TRY(tw_op_device_choose(&state->device, request->options, err));
    TW_TRY(choose_scale(state, request->options, err));
    choose_canvas(state, request->options);
    choose_place(state, request);
    return TW_OK;
}

static tw_status open_interpolate(const tw_op_request *request, tw_op_state **out, tw_error *err)
{
    tw_op_state *state = g_new0(tw_op_state, 1);
    *out = NULL;
    state->context = request->context;
    state->pool = request->pool;
    state->whole = request->whole;
    for (int i = 0; i < 2; i++)
        state->source[i] = request->sources[i];
    tw_status status = open_state(state, request, err);
    if (status == TW_OK)
        *out = state;
    else
        close_interpolate(state);
    return status;
}

/* --- what the plan asks ------------------------------------------------------------------------------------------ */

static int last_stage(const tw_op_state *state)
{
    return state->flow->n_stages - 1;
}

/* The pass that gives the result: the last stage, or one of its own. */
static int last_pass(const tw_op_state *state)
{
    return state->flow->n_stages + (state->reduce > 1);
}

static void interpolate_facts(const tw_op_state *state, tw_op_facts *out)
{
    if (state->sealed) {
        tw_sealed_facts(state, out);
        return;
    }
    const tw_geometry *g = state->flow->geometry;
    *out = (tw_op_facts){.model = state->model->record.name, .scale = 1, .exact = true, .error_bound = 0.01};
    out->model_hash = state->model->hash;
    for (int i = 0; i < 4; i++)
        out->halo[i] = state->whole ? 0 : state->flow->stages[last_stage(state)].halo[i];
    out->macs = g->macs_per_pixel / (state->reduce * state->reduce);
    out->weight_bytes = tw_memory_weights(state->flow->net, g);
    if (tw_op_device_used(&state->device)) {
        tw_op_device_facts(&state->device, state->flow->net, out);
        out->exact = false;
        out->error_bound = DEVICE_ERROR;
        out->why_inexact = "convolutions on the device round otherwise, and motion follows rounding";
    }
    out->can_save = state->in_memory;
    if (state->in_memory)
        out->kept_bytes = tw_stage_kept(state);
    else
        out->scratch_bytes = tw_stage_kept(state);
}

static void interpolate_picture(const tw_op_state *state, tw_picture *out, int64_t *final_width, int64_t *final_height)
{
    *out = state->in;
    *final_width = *final_height = 0;
}

static int interpolate_passes(const tw_op_state *state)
{
    return state->sealed ? tw_sealed_passes(state) : 1 + last_pass(state);
}

/* Stages that only resize and warp cost as much as some convolutions. */
static double stage_work(const tw_op_state *state, int stage)
{
    return state->flow->stages[stage].macs + 300;
}

static double all_work(const tw_op_state *state)
{
    double work = 0;
    for (int i = 0; i < state->flow->n_stages; i++)
        work += stage_work(state, i);
    return work;
}

static void interpolate_pass(const tw_op_state *state, int pass, tw_pass *out)
{
    if (state->sealed) {
        tw_sealed_pass(state, pass, out);
        return;
    }
    int stage = pass - 1;
    *out = (tw_pass){.result = TW_RESULT_VALUES, .width = state->in.width, .height = state->in.height, .align = 1};
    out->access[0] = out->access[1] = TW_ACCESS_RANDOM;
    out->own_halo = true;
    out->share = 1e-3;
    if (pass == last_pass(state))
        out->result = TW_RESULT_PICTURE;
    if (stage < 0 || stage > last_stage(state))
        return;
    const tw_flow_stage *s = &state->flow->stages[stage];
    out->share = stage_work(state, stage) / all_work(state);
    for (int i = 0; i < 4; i++)
        out->halo[i] = s->halo[i] * s->rate.num / s->rate.den;
    if (pass == last_pass(state))
        return;
    out->width = tw_flow_length(state->flow, stage, state->canvas[0]);
    out->height = tw_flow_length(state->flow, stage, state->canvas[1]);
}

static tw_rect interpolate_need(const tw_op_state *state, int pass, int input, tw_rect out)
{
    return (tw_rect){0, 0, 0, 0};
}

static int64_t interpolate_bytes(const tw_op_state *state, int pass, int64_t w, int64_t h)
{
    if (state->sealed)
        return tw_sealed_bytes(state, pass, w, h);
    int64_t net = pass == 0 ? 0 : pass > state->flow->n_stages ? tw_compose_bytes(w, h) : tw_stage_bytes(state, pass - 1, w, h);
    return net + tw_worker_bytes(state) + (int64_t)sizeof(tw_thumbs);
}

static int64_t interpolate_vram(const tw_op_state *state, int pass, int64_t w, int64_t h)
{
    bool used = tw_op_device_used(&state->device);
    return used && pass > 0 && pass <= state->flow->n_stages ? tw_stage_vram(state, pass - 1, w, h) : 0;
}

/* --- running ----------------------------------------------------------------------------------------------------- */

static tw_status open_worker(tw_op_state *state, const tw_start *start, tw_interpolate_worker *worker, tw_error *err)
{
    tw_account *account = tw_context_account(state->context);
    int64_t room = tw_frame_room(&state->in), line = state->in.width * (int64_t)sizeof(float);
    worker->account = tw_account_new(
        account, "worker", start->worker_bytes - (state->sealed ? tw_sealed_worker_bytes(state) : tw_worker_bytes(state)));
    worker->room = tw_alloc(account, (size_t)(2 * room));
    worker->line = tw_alloc(account, (size_t)line);
    if (!worker->account || !worker->room || !worker->line)
        return tw_fail_memory(err, "worker", 2 * room + line);
    if (state->reduce > 1 && !(worker->pair = tw_alloc(account, (size_t)tw_pair_bytes(state))))
        return tw_fail_memory(err, "worker", tw_pair_bytes(state));
    for (int i = 0; i < 2; i++)
        worker->frames[i] = (tw_frame){state, i, worker->room + i * room, worker->pair};
    TW_TRY(tw_engine_worker_new(state->engine, worker->account, &worker->engine, err));
    if (tw_op_device_used(&state->device))
        tw_engine_worker_cap_device(worker->engine, tw_op_device_cap(&state->device, state->flow->net));
    return TW_OK;
}

static tw_status start_interpolate(tw_op_state *state, const tw_start *start, tw_error *err)
{
    if (state->sealed)
        TW_TRY(tw_sealed_start(state, err));
    else
        TW_TRY(tw_pool_engine(state->pool, state->model, NULL, state->device.number,
                              tw_memory_weights(state->flow->net, state->flow->geometry), &state->engine, err));
    state->workers = g_new0(tw_interpolate_worker, start->workers);
    for (int i = 0; i < start->workers; i++) {
        state->n_workers = i + 1;
        TW_TRY(open_worker(state, start, &state->workers[i], err));
    }
    return TW_OK;
}

static tw_status run_interpolate(tw_op_state *state, tw_step *step, tw_error *err)
{
    if (state->sealed)
        return tw_sealed_run(state, step, err);
    int stage = step->pass - 1;
    if (stage < 0)
        return tw_thumb_run(state, step, err);
    if (state->pair.kind != TW_PAIR_MOVES)
        return step->pass == last_pass(state) ? tw_finish_repeat(state, step, err) : TW_OK;
    return stage > last_stage(state) ? tw_compose_run(state, step, err) : tw_stage_run(state, step, stage, err);
}

static tw_status reduce_interpolate(tw_op_state *state, const tw_step *step, tw_error *err)
{
    if (step->value && step->pass > 0)
        tw_sealed_reduce(state, step);
    return step->value && step->pass == 0 ? tw_thumb_reduce(state, step, err) : TW_OK;
}

static const char *const kinds[] = {"interpolated", "identical", "static", "scene cut", "at a frame"};

static void tell_pair(tw_op_state *state)
{
    const tw_pair *pair = &state->pair;
    if (pair->kind == TW_PAIR_CUT || pair->kind == TW_PAIR_STATIC || pair->kind == TW_PAIR_SAME)
        tw_warn(state->context, "%s and %s: %s (similarity %.3f): %s is repeated", tw_source_label(state->source[0]),
                tw_source_label(state->source[1]), kinds[pair->kind], pair->ssim, tw_source_label(state->source[pair->nearer]));
}

static tw_status end_pass(tw_op_state *state, int pass, tw_error *err)
{
    if (pass == 0) {
        state->pair = tw_thumb_judge(state);
        tell_pair(state);
    } else if (!state->sealed) {
        tw_stage_end(state, pass - 1);
    }
    if (state->sealed) {
        tw_sealed_end_pass(state, pass);
        return TW_OK;
    }
    if (state->pair.kind != TW_PAIR_MOVES || pass > last_stage(state))
        return TW_OK;
    return tw_stage_begin(state, pass, err);
}

static void report_stages(const tw_op_state *state, json_t *json)
{
    static const char *const pads[] = {"replicate", "reflect", "zero"};
    json_object_set_new(json, "flow_scale", json_real(1.0 / state->reduce));
    json_object_set_new(json, "pad", json_string(pads[state->pad]));
    json_object_set_new(json, "canvas", json_pack("[II]", (json_int_t)state->canvas[0], (json_int_t)state->canvas[1]));
    json_object_set_new(json, "stages", json_integer(state->flow->n_stages));
    json_object_set_new(json, "kept", json_string(state->in_memory ? "memory" : "scratch"));
    if (!state->engine)
        return;
    json_object_set_new(json, "device", json_string(tw_engine_device(state->engine)));
    if (!tw_op_device_used(&state->device))
        return;
    tw_op_device_peak peak = {0};
    for (int i = 0; i < state->n_workers; i++)
        tw_op_device_seen(&peak, state->workers[i].engine);
    tw_op_device_report(state->engine, &peak, json);
}

static void interpolate_report(const tw_op_state *state, void *json)
{
    json_object_set_new(json, "time", json_real(state->time));
    if (state->sealed)
        tw_sealed_report(state, json);
    else
        report_stages(state, json);
    if (!state->pair.judged)
        return;
    json_object_set_new(json, "pair", json_string(kinds[state->pair.kind]));
    json_object_set_new(json, "similarity", json_real(state->pair.ssim));
}

/* With edges that were moved nothing is measured before the run. */
static tw_status keep_measured(tw_op_state *state, tw_source *const *sources, int64_t room, const tw_cuts *cuts,
                               tw_measured *measured, tw_error *err)
{
    return TW_OK;
}

static int64_t no_bytes(const tw_op_state *state, int64_t room, int64_t tiles)
{
    return 0;
}

const tw_op_class tw_interpolate_class = {
    .info =
        {.name = "interpolate",
         .summary = "make the frame between two, in bounded memory",
         .usage = "A B OUT | DIR OUTDIR | IN.y4m OUT.y4m",
         .about =
             "Makes the frame that lies at --time between two frames, by a net that estimates motion from coarse to fine and "
             "warps both frames by it. The net runs in stages, each tile by tile with its own exact context; warping reads "
             "the whole frames, so that no motion is too large. The result does not depend on tiles, threads or the budget. "
             "Models of two pictures that have no stages get tiles that are moved along the motion (--blend); those are not "
             "exact. "
             "Frames that show two scenes, or the same twice, are told by thumbnails of the whole pair: the nearer one is "
             "repeated, and the report says so. DIR holds numbered frames, and a y4m stream (- is standard input or output) "
             "frames "
             "of 8 to 16 bit: with --factor N each pair gets N - 1 frames in between, and the given ones pass as they are. "
             "Depth, profile and metadata are the first frame's; alpha goes from one "
             "frame's to the other's with time.",
         .min_inputs = 2,
         .max_inputs = 2,
         .has_output = 1},
    .options = tw_interpolate_options,
    .result = TW_RESULT_PICTURE,
    .no_tile_is_whole = true,
    .open = open_interpolate,
    .close = close_interpolate,
    .facts = interpolate_facts,
    .picture = interpolate_picture,
    .passes = interpolate_passes,
    .pass = interpolate_pass,
    .need = interpolate_need,
    .bytes = interpolate_bytes,
    .vram = interpolate_vram,
    .detail = tw_sealed_detail,
    .detail_bytes = tw_sealed_detail_bytes,
    .probe_cuts = keep_measured,
    .probe_cuts_bytes = no_bytes,
    .start = start_interpolate,
    .run = run_interpolate,
    .reduce = reduce_interpolate,
    .end_pass = end_pass,
    .report = interpolate_report,
};
