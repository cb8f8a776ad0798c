/* SPDX-License-Identifier: MIT */
/* What a sealed model is, and what the plan asks of it. */
#include "ops/interpolate/sealed.h"

#include <glib.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#define RAMP    16  /* most pixels over which tiles are blended: two different guesses of one place look like a ghost */
#define THRIFTY 256 /* side of the model's tiles where memory is short */
#define STEPS   10
#define PLACES  3 /* where two tilings are compared: each costs two tiles of work */

/* --- opening ------------------------------------------------------------------------------------------------------ */

static tw_status read_configs(tw_sealed *s, tw_error *err)
{
    const tw_engine_callbacks *engine = s->callbacks;
    if (engine->tiling_config)
        engine->tiling_config(engine->user, &s->tiling);
    if (engine->pair_config)
        engine->pair_config(engine->user, &s->config);
    const tw_tiling_config *t = &s->tiling;
    const tw_pair_config *c = &s->config;
    s->multiple = tw_max64(t->multiple, 1);
    s->stride = tw_max64(c->noise_stride, 1);
    if (t->tile < 0 || t->tile > 65536 || t->overlap < 0 || t->multiple < 0 || t->multiple > 4096)
        return tw_fail(err, TW_ERROR_USAGE, "engine %s: tile %d, overlap %d and multiple %d make no sense", s->name, t->tile,
                       t->overlap, t->multiple);
    if (c->steps < 0 || c->noise_channels < 0 || c->noise_channels > 64 || c->noise_stride < 0 || c->noise_stride > 4096)
        return tw_fail(err, TW_ERROR_USAGE, "engine %s: %d steps, %d channels of noise and its stride %d make no sense",
                       s->name, c->steps, c->noise_channels, c->noise_stride);
    while (s->multiple % s->stride != 0) /* the least common multiple */
        s->multiple += tw_max64(t->multiple, 1);
    return TW_OK;
}

/* Held from here on, so that nobody closes it between the plan and the run. */
static tw_status open_engine(tw_op_state *state, tw_error *err)
{
    tw_sealed *s = state->sealed;
    TW_TRY(tw_pool_callback_engine(state->pool, s->name, &state->engine, err));
    if (!s->callbacks->process_pair)
        return tw_fail(err, TW_ERROR_USAGE, "engine %s takes one picture, interpolate needs one that takes two", s->name);
    return read_configs(s, err);
}

static tw_status check_options(const tw_op_state *state, const tw_options *options, tw_error *err)
{
    const tw_sealed *s = state->sealed;
    const char *device = tw_options_text(options, "device"), *pad = tw_options_text(options, "pad");
    if (strncmp(device, "gpu", 3) == 0)
        return tw_fail(err, TW_ERROR_DEVICE,
                       s->callbacks ? "--device %s: engine %s is the caller's own and runs where it runs"
                                    : "--device %s: %s runs on the CPU",
                       device, s->name);
    if (pad && strcmp(pad, "replicate") != 0)
        return tw_fail(err, TW_ERROR_USAGE, "--pad %s: what neither frame shows is replicated for %s", pad, s->name);
    if (s->config.steps == 0 && tw_options_given(options, "sample-steps"))
        return tw_fail(err, TW_ERROR_USAGE, "--sample-steps %lld: %s reaches its result at once",
                       (long long)tw_options_int(options, "sample-steps"), s->name);
    if (s->config.noise_channels == 0 && tw_options_given(options, "seed"))
        return tw_fail(err, TW_ERROR_USAGE, "--seed %lld: %s takes no noise", (long long)tw_options_int(options, "seed"),
                       s->name);
    if (s->config.middle_only && state->time != 0.5 && state->time > 0 && state->time < 1)
        return tw_fail(err, TW_ERROR_USAGE, "--time %g: %s knows the middle only", state->time, s->name);
    if (s->distance && tw_options_given(options, "flow-scale") && !tw_options_text(options, "profile"))
        return tw_fail(err, TW_ERROR_USAGE, "--flow-scale: with --blend distance no motion is looked for");
    return TW_OK;
}

static bool profile_is(const tw_options *options, const char *name)
{
    const char *profile = tw_options_text(options, "profile");
    return profile && strcmp(profile, name) == 0;
}

static void choose_sampling(tw_sealed *s, const tw_picture *in, const tw_options *options)
{
    bool speed = profile_is(options, "speed"), quality = profile_is(options, "quality");
    const char *scale = tw_options_text(options, "flow-scale");
    bool half = strcmp(scale, "0.5") == 0 || (strcmp(scale, "auto") == 0 && tw_max64(in->width, in->height) > 2560);
    s->coarse = half ? 1 : strcmp(scale, "0.25") == 0 ? 2 : 0;
    s->seed = (uint64_t)tw_options_int(options, "seed");
    if (s->config.steps > 0)
        s->steps = speed ? 6 : quality ? STEPS : s->config.steps;
    if (tw_options_given(options, "sample-steps"))
        s->steps = (int)tw_options_int(options, "sample-steps");
}

/* Tiles own what the model is given less the overlap. */
static void choose_tile(tw_op_state *state, const tw_options *options, bool thrifty)
{
    tw_sealed *s = state->sealed;
    int64_t owned[2], side = s->tiling.tile > 0 ? s->tiling.tile : TW_SEALED_TILE;
    if (profile_is(options, "quality") || profile_is(options, "speed"))
        side = TW_SEALED_TILE;
    if (thrifty)
        side = tw_min64(side, THRIFTY);
    side = tw_ceil_div(side, s->multiple) * s->multiple;
    s->overlap = tw_min64(s->tiling.overlap > 0 ? s->tiling.overlap : side / 8, side / 2);
    tw_options_geometry(options, "tile", &owned[0], &owned[1]);
    s->chosen = owned[0] > 0;
    for (int a = 0; a < 2; a++)
        s->side[a] = s->chosen ? tw_ceil_div(owned[a] + s->overlap, s->multiple) * s->multiple : side;
    s->ramp = s->distance ? s->overlap : tw_min64(s->overlap / 2, RAMP);
    s->context = (s->overlap - s->ramp) / 2;
    s->shrink = tw_max64(tw_ceil_div(state->in.width, s->side[0]), tw_ceil_div(state->in.height, s->side[1]));
    s->low[0] = tw_ceil_div(state->in.width, s->shrink);
    s->low[1] = tw_ceil_div(state->in.height, s->shrink);
}

tw_status tw_sealed_open(tw_op_state *state, const tw_op_request *request, tw_error *err)
{
    tw_sealed *s = state->sealed = g_new0(tw_sealed, 1);
    s->name = g_strdup(tw_options_text(request->options, "model"));
    s->callbacks = tw_pool_callbacks(state->pool, s->name);
    s->multiple = s->stride = 1;
    if (s->callbacks)
        TW_TRY(open_engine(state, err));
    else
        TW_TRY(tw_sealed_open_net(state, err));
    s->distance = strcmp(tw_options_text(request->options, "blend"), "distance") == 0;
    TW_TRY(check_options(state, request->options, err));
    choose_sampling(s, &state->in, request->options);
    choose_tile(state, request->options, request->thrift > 0);
    return TW_OK;
}

void tw_sealed_close(tw_sealed *s)
{
    if (!s)
        return;
    for (int i = 0; i < 2; i++)
        tw_free(s->small[i]);
    tw_free(s->middle);
    tw_free(s->disagree);
    tw_motion_free(&s->motion);
    g_free(s->name);
    g_free(s);
}

tw_status tw_sealed_refuse(const tw_options *options, const char *model, tw_error *err)
{
    static const char *const names[] = {"blend", "seed"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (tw_options_given(options, names[i]))
            return tw_fail(err, TW_ERROR_USAGE, "--%s %s: %s runs in stages, which no tile shows", names[i],
                           tw_options_text(options, names[i]), model);
    return TW_OK;
}

/* --- what the plan asks ------------------------------------------------------------------------------------------- */

static bool fits_one_tile(const tw_op_state *state)
{
    const tw_sealed *s = state->sealed;
    return !s->chosen && state->in.width <= s->side[0] && state->in.height <= s->side[1];
}

static int64_t low_bytes(const tw_sealed *s)
{
    return s->low[0] * s->low[1] * 3 * (int64_t)sizeof(float);
}

void tw_sealed_facts(const tw_op_state *state, tw_op_facts *out)
{
    const tw_sealed *s = state->sealed;
    const tw_mismatch *m = &s->mismatch;
    *out = (tw_op_facts){.model = s->name, .scale = 1, .exact = state->whole, .macs = 1000};
    out->error_bound = state->whole ? 0.01 : m->samples > 0 ? m->most * 255 : -1;
    out->why_inexact = s->distance
                           ? "the model sees a tile and not the frame, and nothing is done about that"
                           : "the model sees a tile and not the frame: each is moved along the motion around it, and has "
                             "the tones of a small frame made at once";
    out->one_worker = s->callbacks && !s->callbacks->thread_safe;
    if (!s->callbacks) {
        out->model_hash = state->model->hash;
        out->macs = state->model->geometry->macs_per_pixel;
        out->weight_bytes = tw_sealed_net_weights(state);
    }
    out->one_tile = fits_one_tile(state);
    out->tiles = !out->one_tile;
    out->can_save = !state->whole && !s->chosen && s->side[0] > THRIFTY;
    if (state->whole)
        return;
    out->tile_hint = tw_max64(tw_min64(s->side[0], s->side[1]) - s->overlap - (s->stride - 1), 1);
    for (int i = 0; i < 4; i++)
        out->halo[i] = s->context;
    if (!s->distance)
        out->kept_bytes = 3 * low_bytes(s) + low_bytes(s) / 3 + tw_motion_bytes(s->low[0], s->low[1]) + 5 * 8192;
}

int tw_sealed_passes(const tw_op_state *state)
{
    return state->whole ? 2 : state->sealed->distance ? 3 : 5;
}

tw_sealed_role tw_sealed_role_of(const tw_op_state *state, int pass)
{
    int after = tw_sealed_passes(state) - 1 - pass;
    if (pass == 0 || after == 0)
        return pass == 0 ? TW_SEALED_THUMBS : TW_SEALED_RESULT;
    return after == 1 ? TW_SEALED_COMPARE : after == 2 ? TW_SEALED_GLOBAL : TW_SEALED_SHRINK;
}

void tw_sealed_pass(const tw_op_state *state, int pass, tw_pass *out)
{
    const tw_sealed *s = state->sealed;
    tw_sealed_role role = tw_sealed_role_of(state, pass);
    double area = (double)state->in.width * (double)state->in.height;
    *out = (tw_pass){.result = TW_RESULT_VALUES, .width = state->in.width, .height = state->in.height, .align = 1};
    out->access[0] = out->access[1] = TW_ACCESS_RANDOM;
    out->own_halo = true;
    out->share = 1e-3;
    if (role == TW_SEALED_SHRINK)
        out->align = s->shrink; /* no sample of the small frames is two steps' */
    if (role == TW_SEALED_GLOBAL) {
        out->width = out->height = 1;
        out->share = 1.5 * (double)(s->low[0] * s->low[1]) / area;
    }
    if (role != TW_SEALED_COMPARE && role != TW_SEALED_RESULT)
        return;
    for (int i = 0; i < 4 && !state->whole; i++)
        out->halo[i] = s->context;
    out->share = role == TW_SEALED_COMPARE ? 2 : 1;
    if (role == TW_SEALED_COMPARE) {
        out->sample = PLACES;
        return;
    }
    out->result = TW_RESULT_PICTURE;
    if (state->whole)
        return;
    out->blend = s->distance ? TW_RAMP_LINEAR : TW_RAMP_COSINE;
    out->ramp = s->ramp;
    out->ramp_least = 1;
    out->seams = !s->distance;
}

int64_t tw_sealed_worker_bytes(const tw_op_state *state)
{
    return 2 * tw_frame_room(&state->in) + state->in.width * (int64_t)sizeof(float) + (256 << 10);
}

int64_t tw_sealed_bytes(const tw_op_state *state, int pass, int64_t w, int64_t h)
{
    const tw_sealed *s = state->sealed;
    int64_t bytes = tw_sealed_worker_bytes(state) + (int64_t)sizeof(tw_thumbs);
    tw_sealed_role role = tw_sealed_role_of(state, pass);
    if (role == TW_SEALED_GLOBAL)
        return bytes + tw_sealed_tile_bytes(state, s->low[0], s->low[1]) + tw_motion_work_bytes(s->low[0], s->low[1]);
    if (role != TW_SEALED_COMPARE && role != TW_SEALED_RESULT)
        return bytes;
    int64_t other = (w + s->overlap + s->multiple) * (h + s->overlap + s->multiple) * 3 * (int64_t)sizeof(float);
    return bytes + tw_sealed_tile_bytes(state, w, h) + (role == TW_SEALED_COMPARE ? other : 0);
}

/* --- report ------------------------------------------------------------------------------------------------------- */

void tw_sealed_report(const tw_op_state *state, void *json)
{
    const tw_sealed *s = state->sealed;
    const tw_mismatch *m = &s->mismatch;
    if (s->steps > 0)
        json_object_set_new(json, "sample_steps", json_integer(s->steps));
    if (s->config.noise_channels > 0)
        json_object_set_new(json, "seed", json_integer((json_int_t)s->seed));
    if (state->whole)
        return;
    json_object_set_new(json, "blend", json_string(s->distance ? "distance" : "motion"));
    if (!s->distance) {
        json_object_set_new(json, "small_frame", json_pack("[II]", (json_int_t)s->low[0], (json_int_t)s->low[1]));
        json_object_set_new(json, "flow_scale", json_real(1.0 / (1 << s->coarse)));
    }
    if (m->samples == 0)
        return;
    json_object_set_new(json, "tile_mismatch", json_real(m->sum / (double)m->samples * 255));
    json_object_set_new(json, "tile_mismatch_most", json_real(m->most * 255));
    json_object_set_new(json, "error_measured_on", json_integer(m->places));
    json_object_set_new(json, "error_measured_against", json_string("tiles that lie half a tile further"));
}
