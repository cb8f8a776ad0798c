/* SPDX-License-Identifier: MIT */
#include "ops/warp/warp.h"

#include <glib.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "ops/warp/options.h"
#include "ops/warp/state.h"

static const char *const interpolations[] = {"nearest", "bilinear", "bicubic", "lanczos3"};
static const char *const outsides[] = {"background", "mirror", "transparent", "edge"};

static void close_warp(tw_op_state *state)
{
    if (!state)
        return;
    for (int i = 0; i < state->n_workers; i++)
        tw_free(state->workers[i].memory);
    g_free(state->workers);
    g_free(state->bands);
    tw_field_free(state->own);
    g_free(state);
}

/* --- what to make ------------------------------------------------------------------------------------------------ */

static int index_of(const char *const *names, int n, const char *name)
{
    int i = 0;
    while (i < n - 1 && strcmp(names[i], name) != 0)
        i++;
    return i;
}

static tw_status size_of_like(const tw_op_request *request, const char *path, tw_picture *out, tw_error *err)
{
    tw_place place = {.path = path};
    tw_source *like = NULL;
    tw_source_options any = {.many_bands = true};
    TW_TRY(tw_source_open(request->context, &place, &any, &like, err));
    out->width = tw_source_picture(like)->width;
    out->height = tw_source_picture(like)->height;
    tw_source_close(like);
    return TW_OK;
}

static tw_status choose_size(tw_op_state *state, const tw_op_request *request, const tw_field_about *about, tw_error *err)
{
    const char *like = tw_options_text(request->options, "like");
    if (like) {
        TW_TRY(size_of_like(request, like, &state->out, err));
    } else if (tw_options_given(request->options, "size")) {
        tw_options_geometry(request->options, "size", &state->out.width, &state->out.height);
    } else if (about->width > 0 && about->height > 0) {
        state->out.width = about->width;
        state->out.height = about->height;
    }
    if (state->out.width < 1 || state->out.height < 1 || state->out.width > INT32_MAX || state->out.height > INT32_MAX)
        return tw_fail(err, TW_ERROR_USAGE, "a result of %lldx%lld pixels cannot be made", (long long)state->out.width,
                       (long long)state->out.height);
    return TW_OK;
}

static tw_status choose_fit(tw_op_state *state, const tw_options *options, tw_error *err)
{
    tw_options_geometry(options, "fit", &state->fit[0], &state->fit[1]);
    if (state->fit[0] > state->out.width || state->fit[1] > state->out.height)
        return tw_fail(err, TW_ERROR_USAGE, "--fit %lldx%lld: the result has %lldx%lld pixels, and is only ever shrunk",
                       (long long)state->fit[0], (long long)state->fit[1], (long long)state->out.width,
                       (long long)state->out.height);
    return TW_OK;
}

/* One value is that of all colours; alpha is opaque unless it is told. */
static tw_status choose_background(tw_op_state *state, const char *text, tw_error *err)
{
    float white = tw_depth_white(state->in.depth);
    if (!tw_picture_is_many(&state->in))
        state->background[3] = text || !state->out.alpha ? 1 : 0;
    if (!text)
        return TW_OK;
    char **parts = g_strsplit(text, ",", -1);
    int n = (int)g_strv_length(parts), colours = state->in.colours, bands = tw_picture_bands(&state->in);
    tw_status status = TW_OK;
    if (n != 1 && n != colours && n != bands)
        status = tw_fail(err, TW_ERROR_USAGE, "--background %s: %d values for a picture of %d bands", text, n, bands);
    for (int i = 0; i < n && status == TW_OK; i++) {
        char *end;
        double value = g_ascii_strtod(parts[i], &end);
        bool allowed = state->in.depth == TW_F32 ? isfinite(value) : value >= 0 && value <= (double)white;
        if (end == parts[i] || *end || !allowed)
            status = tw_fail(err, TW_ERROR_USAGE, "--background %s: '%s' is not a sample of the input (0 to %g)", text,
                             parts[i], (double)white);
        else if (i == colours)
            state->background[3] = (float)value / white;
        else
            state->background[i] = (float)value;
    }
    for (int i = 1; n == 1 && i < colours; i++)
        state->background[i] = state->background[0];
    g_strfreev(parts);
    return status;
}

static tw_status choose_outside(tw_op_state *state, const tw_options *options, tw_error *err)
{
    state->plane = (tw_warp_plane){.size = {state->in.width, state->in.height}};
    state->plane.kind = (tw_interpolation)index_of(interpolations, 4, tw_options_text(options, "interpolate"));
    state->plane.outside = (tw_outside)index_of(outsides, 4, tw_options_text(options, "outside"));
    const char *background = tw_options_text(options, "background");
    if (background && state->plane.outside != TW_OUTSIDE_BACKGROUND)
        return tw_fail(err, TW_ERROR_USAGE, "--background %s: --outside %s shows none", background,
                       outsides[state->plane.outside]);
    if (state->plane.outside == TW_OUTSIDE_TRANSPARENT && tw_picture_is_many(&state->in))
        return tw_fail(err, TW_ERROR_USAGE, "--outside transparent: a picture of %d bands gets no alpha", state->in.colours);
    state->out.alpha = state->in.alpha || state->plane.outside == TW_OUTSIDE_TRANSPARENT;
    state->lanes = state->in.colours == 1 && !state->out.alpha ? 1 : 4;
    return choose_background(state, background, err);
}

/* The field is of the pixels that it was made for: turned on the way, because the output cannot hold the tag, they would be others. */
static tw_status check_orientation(const tw_op_request *request, tw_error *err)
{
    const tw_source *source = request->sources[0];
    if (tw_source_cost_of(source)->turned && !tw_options_bool(request->options, "orient"))
        return tw_fail(err, TW_ERROR_USAGE,
                       "%s: the output cannot hold its orientation; --orient turns it before the field is applied",
                       tw_source_label(source));
    return TW_OK;
}

static void choose_tiles(tw_op_state *state, const tw_options *options)
{
    const char *most = tw_options_text(options, "max-warp-pixels");
    if (strcmp(most, "auto") == 0)
        return;
    state->one_tile = state->out.width <= g_ascii_strtoll(most, NULL, 10) / state->out.height;
    state->tiles = !state->one_tile;
}

static tw_status open_state(tw_op_state *state, const tw_op_request *request, tw_error *err)
{
    tw_field_about about;
    TW_TRY(check_orientation(request, err));
    TW_TRY(tw_warp_open_field(state, request, &about, err));
    TW_TRY(choose_size(state, request, &about, err));
    TW_TRY(choose_fit(state, request->options, err));
    TW_TRY(choose_outside(state, request->options, err));
    choose_tiles(state, request->options);
    tw_warp_lay_bands(state);
    state->part = !tw_source_cost_of(request->sources[0])->why_copied &&
                  2 * state->out.width < state->in.width * state->in.height / state->out.height;
    state->random = request->thrift > 0 || !state->bounded || state->part;
    return TW_OK;
}

static tw_status open_warp(const tw_op_request *request, tw_op_state **out, tw_error *err)
{
    tw_op_state *state = g_new0(tw_op_state, 1);
    *out = NULL;
    state->context = request->context;
    state->source = request->sources[0];
    state->in = state->out = *tw_source_picture(state->source);
    tw_status status = open_state(state, request, err);
    if (status == TW_OK)
        *out = state;
    else
        close_warp(state);
    return status;
}

/* --- what the plan asks ------------------------------------------------------------------------------------------ */

static void warp_facts(const tw_op_state *state, tw_op_facts *out)
{
    int64_t taps = tw_warp_taps(state->plane.kind);
    *out = (tw_op_facts){.scale = 1, .exact = true};
    int64_t groups = state->lanes > 1 ? tw_ceil_div(tw_picture_bands(&state->out), 4) : 1;
    out->macs = (double)(groups * (state->lanes * (taps * taps + taps) + 4 * taps) + 60);
    for (int i = 0; i < 4; i++)
        out->halo[i] = taps / 2;
    out->weight_bytes = state->field_bytes + state->n_bands * (int64_t)sizeof(tw_warp_band);
    out->scratch_bytes = state->field_scratch;
    out->can_save = !state->random;
    if (state->random)
        out->why_random = state->part      ? "the result shows less than half as many pixels"
                          : state->bounded ? "the rows that a row of tiles reads do not fit the budget"
                                           : "the field does not tell beforehand what it reads";
    out->one_tile = state->one_tile;
    out->tiles = state->tiles;
}

static void warp_picture(const tw_op_state *state, tw_picture *out, int64_t *final_width, int64_t *final_height)
{
    *out = state->out;
    *final_width = state->fit[0], *final_height = state->fit[1];
}

static int warp_passes(const tw_op_state *state)
{
    return 1;
}

static void warp_pass(const tw_op_state *state, int pass, tw_pass *out)
{
    *out = (tw_pass){.result = TW_RESULT_PICTURE, .width = state->out.width, .height = state->out.height, .align = 1};
    out->access[0] = state->random ? TW_ACCESS_RANDOM : TW_ACCESS_RECT;
    out->uneven = true;
}

static int64_t warp_bytes(const tw_op_state *state, int pass, int64_t w, int64_t h)
{
    return tw_warp_worker_bytes(state);
}

/* --- running ----------------------------------------------------------------------------------------------------- */

static tw_status start_warp(tw_op_state *state, const tw_start *start, tw_error *err)
{
    if (state->random)
        TW_TRY(tw_source_will_rewind(state->source, err));
    state->workers = g_new0(tw_warp_worker, start->workers);
    for (int i = 0; i < start->workers; i++) {
        state->n_workers = i + 1;
        TW_TRY(tw_warp_worker_open(state, tw_context_account(state->context), &state->workers[i], err));
    }
    return TW_OK;
}

static void warp_report(const tw_op_state *state, void *json)
{
    json_object_set_new(json, "interpolation", json_string(interpolations[state->plane.kind]));
    json_object_set_new(json, "outside", json_string(outsides[state->plane.outside]));
    json_object_set_new(json, "field", json_string(state->field_kind ? state->field_kind : "field"));
    json_object_set_new(json, "field_parts", json_integer(tw_field_parts(state->field)));
    json_object_set_new(json, "source_access", json_string(state->random ? "random" : "stream"));
    if (state->random)
        json_object_set_new(json, "source_from",
                            json_string(tw_source_cost_of(state->source)->why_copied ? "scratch" : "tiles"));
}

const tw_op_class tw_warp_class = {
    .info = {.name = "warp",
             .summary = "apply a field to a picture: deformation, affine map, displacements",
             .usage = "IN OUT",
             .about =
                 "Makes the picture in which each point of the result shows the point of the input that --field maps it to, as "
                 "ITK does: pixels, the first one's centre at 0,0. Depth, bands, profile and metadata are the input's. The "
                 "field stays what its file holds and is evaluated where it is needed; samples are interpolated from exact "
                 "coordinates. Rows of the input stream through a window that the field's bounds prove; where that does not "
                 "fit the budget, as when the field turns the picture, or no bounds are known, the input is read at random: "
                 "from a tiled TIFF directly, from other files through a scratch copy. The result does not depend on tiles, "
                 "threads or the budget by a bit.",
             .min_inputs = 1,
             .max_inputs = 1,
             .has_output = 1},
    .options = tw_warp_options,
    .result = TW_RESULT_PICTURE,
    .many_bands = true,
    .open = open_warp,
    .close = close_warp,
    .facts = warp_facts,
    .picture = warp_picture,
    .passes = warp_passes,
    .pass = warp_pass,
    .need = tw_warp_need,
    .bytes = warp_bytes,
    .start = start_warp,
    .run = tw_warp_run,
    .report = warp_report,
};
