/* SPDX-License-Identifier: MIT */
#include "ops/upscale/upscale.h"

#include <glib.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/memory.h"
#include "ops/upscale/options.h"
#include "ops/upscale/state.h"

static void close_upscale(tw_op_state *state)
{
    if (!state)
        return;
    for (int i = 0; i < state->n_workers; i++) {
        tw_engine_worker_free(state->workers[i]);
        tw_account_free(state->accounts[i]);
    }
    g_free(state->workers);
    g_free(state->accounts);
    tw_engine_unref(state->engine);
    tw_upscale_end_walk(state);
    tw_upscale_close_spills(state, TW_MAX_STAGES);
    tw_op_device_release(&state->device);
    tw_upscale_forget(state);
    g_free(state);
}

/* --- what to run ------------------------------------------------------------------------------------------------- */

/* --quality means the encoder's when it is a number, the model's when it is a word. */
static const char *word_of(const char *quality)
{
    return quality && (*quality < '0' || *quality > '9') ? quality : NULL;
}

static const char *model_name(tw_op_state *state, const tw_op_request *request, tw_error *err)
{
    const tw_options *options = request->options;
    const char *name = tw_options_text(options, "model"), *family = tw_options_text(options, "engine");
    if (name)
        return name;
    if (!family) {
        tw_upscale_choose_model(request, &state->chosen);
        return state->chosen.model;
    }
    int scale = tw_options_given(options, "scale") ? (int)lround(tw_options_real(options, "scale")) : 2;
    name = tw_model_alias(family, word_of(tw_options_text(options, "quality")), scale, (int)tw_options_int(options, "noise"));
    if (!name)
        tw_fail(err, TW_ERROR_USAGE, "no %s model for scale %d and noise %d", family, scale,
                (int)tw_options_int(options, "noise"));
    return name;
}

static tw_status choose_model(tw_op_state *state, const tw_op_request *request, tw_error *err)
{
    const char *name = model_name(state, request, err);
    if (!name)
        return err->code;
    state->name = name;
    /* Held from here on, so that nobody closes it between the plan and the run. */
    if (tw_pool_callback_engine(state->pool, name, &state->engine, NULL) == TW_OK) {
        state->callbacks = tw_pool_callbacks(state->pool, name);
        if (!state->callbacks->process_rgb)
            return tw_fail(err, TW_ERROR_USAGE, "engine %s takes two frames: it is one for interpolate", name);
        if (state->callbacks->tiling_config)
            state->callbacks->tiling_config(state->callbacks->user, &state->tiling);
        state->scale = state->callbacks->scale_factor(state->callbacks->user);
        state->exact = !state->tiling.inexact;
        state->fixed_halo = state->tiling.overlap;
        state->align = tw_max64(state->tiling.multiple, 1);
        if (state->scale < 1 || state->scale > 64 || state->fixed_halo < 0 || state->fixed_halo > 65536 || state->align > 65536)
            return tw_fail(err, TW_ERROR_USAGE, "engine %s: scale %lld, overlap %lld and multiple %lld make no sense", name,
                           (long long)state->scale, (long long)state->fixed_halo, (long long)state->tiling.multiple);
        return TW_OK;
    }
    TW_TRY(tw_pool_model(state->pool, name, &state->model, err));
    const tw_geometry *g = state->model->geometry;
    if (g->n_inputs != 1 || g->scale.den != 1 || g->scale.num < 1)
        return tw_fail(err, TW_ERROR_USAGE,
                       "%s: not a model that enlarges one picture by a whole number (%d inputs, scale %lld/%lld)", name,
                       g->n_inputs, (long long)g->scale.num, (long long)g->scale.den);
    if (g->n_barriers > TW_MAX_BARRIERS)
        return tw_fail(err, TW_ERROR_USAGE, "%s: %d whole-picture layers, at most %d are handled", name, g->n_barriers,
                       TW_MAX_BARRIERS);
    state->scale = g->scale.num;
    state->exact = g->exact;
    return TW_OK;
}

/* Exact tiles need no blending, nor do those that differ from them all alike: it could only hide what is not there. */
static void choose_blend(tw_op_state *state, const tw_options *options)
{
    static const char *const names[] = {"none", "linear", "cosine", "gaussian"};
    if (state->exact || (state->sync == TW_SYNC_FAST && state->fixed_halo < 0)) {
        state->blend_in_vain = tw_options_given(options, "blend") || tw_options_given(options, "ramp");
        return;
    }
    /* errors below a bound that was asked for are not worth the overlap */
    bool small = state->tolerance > 0 && tw_upscale_exact_halo(state) >= 0;
    if (small && !tw_options_given(options, "blend") && !tw_options_given(options, "ramp"))
        return;
    for (int i = 0; i < 4; i++)
        if (strcmp(tw_options_text(options, "blend"), names[i]) == 0)
            state->blend = (tw_ramp_kind)i;
    state->ramp = tw_options_int(options, "ramp");
}

/* Where tiles are exact, or differ from the result all alike, nothing is seen of their edges. */
static void choose_seams(tw_op_state *state, const tw_options *options)
{
    bool content = strcmp(tw_options_text(options, "seams"), "content") == 0;
    bool unseen = state->exact || (state->sync == TW_SYNC_FAST && state->fixed_halo < 0);
    state->seams = content && !unseen;
    state->seams_in_vain = content && unseen;
}

/* --- sizes ------------------------------------------------------------------------------------------------------- */

static void lay_axis(tw_op_state *state, int axis, int64_t picture)
{
    tw_axis *a = &state->axis[axis];
    *a = (tw_axis){picture, 0, picture, picture * state->scale};
    if (!state->model) { /* the caller's engine: whole and tiles must see the same samples behind the picture */
        a->canvas = tw_ceil_div(picture, state->align) * state->align;
        return;
    }
    const tw_geometry *g = state->model->geometry;
    int64_t multiple = tw_max64(tw_max64(g->size_multiple, state->model->record.size_multiple), 1);
    a->before = g->canvas[axis];
    /* The rule about sizes is the picture's: RealCUGAN pads 18 on each side of an even picture. */
    a->canvas = tw_ceil_div(picture, multiple) * multiple + g->canvas[axis] + g->canvas[axis + 2];
    /* Mirrored tiles stand on the net's grid only when the canvas ends on it. */
    for (int64_t i = 1; i < g->align && state->tta && a->canvas % g->align; i++)
        a->canvas += multiple;
}

static void choose_pad(tw_op_state *state, const tw_options *options)
{
    const char *pad = tw_options_text(options, "pad");
    if (!pad)
        pad = state->model && state->model->record.pad ? state->model->record.pad : "reflect";
    state->pad = strcmp(pad, "zero") == 0 ? TW_PAD_ZERO : strcmp(pad, "replicate") == 0 ? TW_PAD_REPLICATE : TW_PAD_REFLECT;
}

/* Winograd convolutions round by blocks of 4 or 6 samples. Where a tile begins at the same place inside a block as the whole run
 * does, on every level of the net, it rounds the same way; deep valid nets (RealCUGAN) turn other rounding into 0.03/255. Their
 * tiles begin at the core itself, so this costs nothing but a coarser choice of tiles. */
static int64_t tile_align(const tw_geometry *g)
{
    bool valid = g->canvas[0] > 0 && g->canvas[1] > 0;
    return tw_max64(g->align, 1) * (valid ? 12 : 1);
}

/* What a carried run may leave in scratch between its stages: half of what there is. */
static tw_status lay_stages(tw_op_state *state, tw_error *err)
{
    tw_scratch *scratch = tw_context_scratch(state->context);
    double room = scratch ? (double)tw_scratch_available(scratch) / 2 : 0;
    return tw_stages_of(state->model->carry, room / ((double)state->axis[0].canvas * (double)state->axis[1].canvas),
                        &state->stages, err);
}

static tw_status choose_device(tw_op_state *state, const tw_options *options, tw_error *err)
{
    TW_TRY(tw_op_device_choose(&state->device, options, err));
    if (state->callbacks && tw_op_device_used(&state->device))
        return tw_fail(err, TW_ERROR_USAGE, "--device %s: the engine %s runs where it likes",
                       tw_options_text(options, "device"), state->name);
    return TW_OK;
}

static tw_status open_upscale(const tw_op_request *request, tw_op_state **out, tw_error *err)
{
    tw_op_state *state = g_new0(tw_op_state, 1);
    const tw_options *options = request->options;
    *out = NULL;
    state->context = request->context;
    state->pool = request->pool;
    state->whole = request->whole;
    state->fixed_halo = -1;
    state->align = 1;
    state->tta = tw_options_bool(options, "tta");
    tw_status status = choose_model(state, request, err);
    if (status == TW_OK)
        status = choose_device(state, options, err);
    if (status == TW_OK)
        status = tw_upscale_choose_halo(state, request, err);
    if (status != TW_OK) {
        close_upscale(state);
        return status;
    }
    tw_upscale_choose_sync(state, options);
    choose_blend(state, options);
    choose_seams(state, options);
    if (state->model)
        state->align = tile_align(state->model->geometry);
    state->in = *tw_source_picture(request->sources[0]);
    state->out = state->in;
    state->out.width *= state->scale;
    state->out.height *= state->scale;
    double scale = tw_options_given(options, "scale") ? tw_options_real(options, "scale") : (double)state->scale;
    if (fabs(scale - (double)state->scale) > 1e-9) {
        state->final_width = tw_max64((int64_t)llround((double)state->in.width * scale), 1);
        state->final_height = tw_max64((int64_t)llround((double)state->in.height * scale), 1);
    }
    choose_pad(state, options);
    lay_axis(state, 0, state->in.width);
    lay_axis(state, 1, state->in.height);
    if (state->model)
        tw_upscale_lay_barriers(state);
    if (state->model && state->model->carry)
        status = lay_stages(state, err);
    if (status == TW_OK)
        status = tw_upscale_choose_region(state, request, err);
    if (status == TW_OK)
        *out = state;
    else
        close_upscale(state);
    return status;
}

/* --- what the plan asks ------------------------------------------------------------------------------------------ */

static void upscale_facts(const tw_op_state *state, tw_op_facts *out)
{
    *out = (tw_op_facts){.model = state->name, .scale = (double)state->scale, .exact = state->exact || state->whole};
    out->error_bound = out->exact ? 0.01 : tw_upscale_error(state);
    out->to_measure = state->to_measure;
    out->tiles = state->part;
    out->why_random = state->direct ? "only a region of it is wanted" : NULL;
    out->why_model = *state->chosen.why ? state->chosen.why : NULL;
    for (int i = 0; i < 4; i++)
        out->halo[i] = state->whole ? 0 : state->fixed_halo >= 0 ? state->fixed_halo : state->model->geometry->halo[i];
    if (state->callbacks) {
        out->macs = 1000;
        out->call_pixels = state->tiling.tile > 0
                               ? 0
                               : 4096; /* a call from Python takes 0.15 ms, a plain function of 3x3 pixels 0.05 us a pixel */
        out->tile_hint = state->tiling.tile;
        out->one_worker = !state->callbacks->thread_safe;
        out->why_inexact = state->tiling.inexact ? "the engine says that its results depend on the tile"
                                                 : "the context given is smaller than what the engine asks for";
        return;
    }
    out->model_hash = state->model->hash;
    out->macs = state->model->geometry->macs_per_pixel * (state->tta ? TW_TURNS : 1);
    out->weight_bytes = tw_memory_weights(state->model->graph, state->model->geometry);
    out->why_inexact = state->fixed_halo >= 0        ? "the context given is smaller than what the net reads"
                       : state->sync == TW_SYNC_FAST ? "the means of whole-picture layers come from a sample of tiles"
                       : state->sync == TW_SYNC_OFF  ? "every tile has its own means in whole-picture layers"
                                                     : state->model->geometry->why_inexact;
    if (tw_op_device_used(&state->device))
        tw_op_device_facts(&state->device, state->model->graph, out);
}

static void upscale_picture(const tw_op_state *state, tw_picture *out, int64_t *final_width, int64_t *final_height)
{
    *out = state->out;
    *final_width = state->final_width;
    *final_height = state->final_height;
}

static void upscale_pass(const tw_op_state *state, int pass, tw_pass *out)
{
    int64_t scale = state->scale;
    *out = (tw_pass){.width = state->in.width * scale,
                     .height = state->in.height * scale,
                     .align = scale * state->align,
                     .ramp_least = scale};
    out->access[0] = TW_ACCESS_RECT;
    tw_role role = tw_upscale_role(state, pass);
    out->result = role.kind == TW_ROLE_RESULT ? TW_RESULT_PICTURE : TW_RESULT_VALUES;
    out->sample = role.sample;
    if (pass > 0 && !tw_op_device_used(&state->device)) {
        tw_role before = tw_upscale_role(state, pass - 1);
        out->as_before = role.kind == TW_ROLE_MEANS && before.kind == role.kind && before.sample == role.sample;
    }
    out->blend = state->whole ? TW_RAMP_NONE : state->blend;
    out->ramp = state->ramp * scale;
    out->seams = state->seams && !state->whole;
    tw_upscale_region_pass(state, pass, out);
}

static tw_status carry_upscale(const tw_op_state *state, int64_t tile[2], tw_thrift thrift, tw_carry_cost *out, tw_error *err)
{
    if (state->part)
        return tw_fail(err, TW_ERROR_USAGE, "%s cannot be carried with --region: carried tiles begin at the picture's corner",
                       state->name);
    if (state->sync != TW_SYNC_EXACT)
        return tw_fail(err, TW_ERROR_USAGE, "%s cannot be carried with --sync %s: carried tiles sum all of the picture",
                       state->name, state->sync == TW_SYNC_FAST ? "fast" : "off");
    return tw_upscale_carry(state, tile, thrift, out, err);
}

/* --- running ----------------------------------------------------------------------------------------------------- */

static tw_status start_upscale(tw_op_state *state, const tw_start *start, tw_error *err)
{
    state->carried = start->carried;
    state->slots = start->slots;
    state->thrift = start->thrift;
    if (state->carried)
        state->carry = state->thrift.plain ? state->model->carry_plain : state->model->carry;
    memcpy(state->tile, start->tile, sizeof state->tile);
    if (state->blend_in_vain)
        tw_warn(state->context, "%s is tiled exactly: --blend and --ramp are ignored", state->name);
    if (state->seams_in_vain)
        tw_warn(state->context, "%s is tiled exactly: --seams is ignored", state->name);
    if (!state->callbacks)
        TW_TRY(tw_pool_engine(state->pool, state->model, state->carry, state->device.number,
                              tw_memory_weights(state->carry ? state->carry->net : state->model->graph, state->model->geometry),
                              &state->engine, err));
    state->workers = g_new0(tw_engine_worker *, start->workers);
    state->accounts = g_new0(tw_account *, start->workers);
    for (int i = 0; i < start->workers; i++) {
        state->n_workers = i + 1;
        state->accounts[i] = tw_account_new(tw_context_account(state->context), "worker", start->worker_bytes);
        if (!state->accounts[i])
            return tw_fail_memory(err, "worker", 0);
        TW_TRY(tw_engine_worker_new(state->engine, state->accounts[i], &state->workers[i], err));
        if (tw_op_device_used(&state->device))
            tw_engine_worker_cap_device(state->workers[i], tw_op_device_cap(&state->device, state->model->graph));
    }
    return TW_OK;
}

static tw_status probe_upscale(tw_op_state *state, tw_source *const *sources, int64_t room, tw_measured *out, tw_error *err)
{
    tw_start start = {.workers = 1, .worker_bytes = room};
    TW_TRY(start_upscale(state, &start, err));
    TW_TRY(tw_upscale_probe(state, sources[0], room, out, err));
    if (state->tolerance > 0 && !out->remembered)
        tw_upscale_remember(state, out);
    return TW_OK;
}

static tw_status probe_cuts(tw_op_state *state, tw_source *const *sources, int64_t room, const tw_cuts *cuts,
                            tw_measured *measured, tw_error *err)
{
    if (!measured->known || measured->bound < 0) /* there was no room, or nothing to compare with */
        return TW_OK;
    tw_start start = {.workers = 1, .worker_bytes = room};
    TW_TRY(start_upscale(state, &start, err));
    return tw_upscale_probe_cuts(state, sources[0], room, cuts, measured, err);
}

static tw_status end_pass(tw_op_state *state, int pass, tw_error *err)
{
    tw_upscale_end_walk(state);
    tw_upscale_close_spills(state, pass);
    return tw_upscale_end_pass(state, pass, err);
}

static void report_device(const tw_op_state *state, json_t *json)
{
    tw_op_device_peak peak = {0};
    for (int i = 0; i < state->n_workers; i++)
        tw_op_device_seen(&peak, state->workers[i]);
    tw_op_device_report(state->engine, &peak, json);
}

static void upscale_report(const tw_op_state *state, void *json)
{
    if (state->engine)
        json_object_set_new(json, "device", json_string(tw_engine_device(state->engine)));
    if (state->engine && tw_op_device_used(&state->device))
        report_device(state, json);
    if (state->tta)
        json_object_set_new(json, "tta", json_true());
    tw_upscale_report_measured(state, json);
    tw_upscale_report_region(state, json);
}

const tw_op_class tw_upscale_class = {
    .info = {.name = "upscale",
             .summary = "enlarge or restore a picture with a net, in bounded memory",
             .usage = "IN OUT",
             .about = "Reads a picture, runs a super-resolution or restoration net over it tile by tile, and writes the result "
                      "with the metadata of the input. The result does not depend on the tile size, the number of threads or "
                      "the memory budget. IN and OUT may be folders; - is standard input or output.",
             .min_inputs = 1,
             .max_inputs = 1,
             .has_output = 1},
    .options = tw_upscale_options,
    .result = TW_RESULT_PICTURE,
    .open = open_upscale,
    .close = close_upscale,
    .facts = upscale_facts,
    .picture = upscale_picture,
    .passes = tw_upscale_passes,
    .pass = upscale_pass,
    .need = tw_upscale_need,
    .bytes = tw_upscale_bytes,
    .vram = tw_upscale_vram,
    .look_bytes = tw_upscale_look_bytes,
    .look_rows = tw_upscale_look_rows,
    .look = tw_upscale_look,
    .probe = probe_upscale,
    .probe_bytes = tw_upscale_probe_bytes,
    .detail = tw_upscale_detail,
    .detail_bytes = tw_upscale_detail_bytes,
    .probe_cuts = probe_cuts,
    .probe_cuts_bytes = tw_upscale_probe_cuts_bytes,
    .carry = carry_upscale,
    .begin_pass = tw_upscale_begin_pass,
    .carry_span = tw_upscale_carry_span,
    .commit = tw_upscale_commit,
    .start = start_upscale,
    .run = tw_upscale_run,
    .reduce = tw_upscale_reduce,
    .end_pass = end_pass,
    .report = upscale_report,
};
