/* SPDX-License-Identifier: MIT */
/** The field of --field: a file of the field room, or a TIFF of two float bands, shifts on x and y for each pixel of the result. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "ops/warp/state.h"

static bool is_tiff(const char *path)
{
    static const char *const marks[] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};
    char first[4] = {0};
    FILE *file = fopen(path, "rbe");
    size_t n = file ? fread(first, 1, sizeof first, file) : 0;
    if (file)
        fclose(file);
    for (size_t i = 0; n == sizeof first && i < sizeof marks / sizeof *marks; i++)
        if (memcmp(first, marks[i], sizeof first) == 0)
            return true;
    return false;
}

static tw_status read_shifts(void *user, tw_rect rect, float *pairs, tw_error *err)
{
    return tw_source_read_rect(user, rect, pairs, err);
}

static void close_shifts(void *user)
{
    tw_source_close(user);
}

/* The picture is read at random, through a scratch copy, as its rows are wanted; how far it moves points is not known before. */
static tw_status open_picture(tw_op_state *state, const char *path, tw_field_about *about, tw_error *err)
{
    tw_place place = {.path = path};
    tw_source *source = NULL;
    TW_TRY(tw_source_open(state->context, &place, NULL, &source, err));
    const tw_picture *picture = tw_source_picture(source);
    if (tw_picture_bands(picture) != 2 || picture->depth != TW_F32) {
        tw_status status = tw_fail(err, TW_ERROR_INPUT, "%s: %d bands of %d bits; displacements have 2 bands of float", path,
                                   tw_picture_bands(picture), 8 * tw_depth_bytes(picture->depth));
        tw_source_close(source);
        return status;
    }
    tw_displacement d = {.width = picture->width, .height = picture->height, .spacing = {1, 1}};
    for (int axis = 0; axis < 2; axis++)
        d.least[axis] = 1, d.most[axis] = -1;
    d.read = read_shifts;
    d.close = close_shifts;
    d.user = source;
    const tw_source_cost *cost = tw_source_cost_of(source);
    state->field_bytes = cost->random;
    state->field_scratch = cost->scratch;
    *about = (tw_field_about){picture->width, picture->height, "tiff"};
    state->own = tw_field_new();
    tw_field_add_displacement(state->own, &d);
    return tw_source_will_rewind(source, err);
}

static void count_lattices(tw_op_state *state)
{
    for (int i = 0; i < tw_field_parts(state->field); i++) {
        const tw_lattice *lattice = tw_field_lattice(state->field, i);
        if (lattice)
            state->field_bytes += lattice->columns * lattice->rows * 2 * (int64_t)sizeof(double) + 4096;
    }
}

tw_status tw_warp_open_field(tw_op_state *state, const tw_op_request *request, tw_field_about *about, tw_error *err)
{
    const char *path = tw_options_text(request->options, "field");
    *about = (tw_field_about){0};
    if (request->field) { /* checked by who made it */
        state->field = request->field;
        state->field_label = "the field";
        count_lattices(state);
        return TW_OK;
    }
    if (!path)
        return tw_fail(err, TW_ERROR_USAGE, "warp needs --field FILE");
    state->field_label = path;
    if (is_tiff(path))
        TW_TRY(open_picture(state, path, about, err));
    else
        TW_TRY(tw_field_read(path, &state->own, about, err));
    state->field = state->own;
    state->field_kind = about->format;
    count_lattices(state);
    return tw_field_check(state->field, path, tw_options_bool(request->options, "allow-folds"), err);
}
