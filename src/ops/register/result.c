/* SPDX-License-Identifier: MIT */
/** What was found, as a field: its file, and the warped picture that goes on with it. */
#include <glib.h>
#include <string.h>

#include "base/newfile.h"
#include "field/files.h"
#include "ops/register/state.h"

tw_status tw_result_check_folders(const tw_op_state *state, tw_error *err)
{
    const char *const files[] = {state->path, state->page, state->warped};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        tw_newfile *file = NULL;
        if (files[i])
            TW_TRY(tw_newfile_open(files[i], &file, err));
        tw_newfile_close(file);
    }
    return TW_OK;
}

tw_field *tw_result_field(const tw_op_state *state)
{
    tw_field *field = tw_field_new();
    tw_lattice *lattice = state->lattice ? tw_lattice_copy(state->lattice) : NULL;
    if (lattice)
        tw_field_add_lattice(field, lattice);
    tw_field_add_affine(field, &state->affine);
    if (!state->lattice || lattice)
        return field;
    tw_field_free(field);
    return NULL;
}

tw_status tw_result_write(tw_op_state *state, tw_error *err)
{
    tw_field *field = tw_result_field(state);
    int64_t w = state->picture[0].width, h = state->picture[0].height;
    double at[2];
    state->result.min_jacobian = state->lattice ? tw_lattice_min_jacobian(state->lattice, at) : 1;
    tw_status status =
        field ? tw_field_check(field, state->path ? state->path : "the field", false, err) : tw_fail_memory(err, "lattice", 0);
    if (status == TW_ERROR_INPUT)
        err->code = status = TW_ERROR_RUN; /* it is ours, not an input */
    bool text = state->path && (g_str_has_suffix(state->path, ".tfm") || g_str_has_suffix(state->path, ".txt"));
    if (status == TW_OK && state->path)
        status = text ? tw_field_write(field, state->path, w, h, err)
                      : tw_field_write_displacement(field, state->path, w, h, (double)state->step, err);
    tw_field_free(field);
    state->result.done = status == TW_OK;
    return status;
}

/* A lattice that is not fitted yet takes as much memory. */
static tw_field *field_to_be(const tw_op_state *state)
{
    tw_error err = TW_ERROR_NONE;
    tw_lattice *lattice = NULL;
    tw_field *field = tw_field_new();
    if (state->model == TW_MODEL_LATTICE &&
        tw_lattice_cover(state->picture[0].width, state->picture[0].height, state->spacing, &lattice, &err) == TW_OK)
        tw_field_add_lattice(field, lattice);
    return field;
}

bool tw_result_next(const tw_op_state *state, tw_op_next *out)
{
    const tw_levels *fixed = &state->pyramid[0];
    if (!state->warped)
        return false;
    *out = (tw_op_next){.op = "warp", .input = 1, .output = state->warped};
    out->field = state->result.done ? tw_result_field(state) : field_to_be(state);
    out->size[0] = fixed->width[0], out->size[1] = fixed->height[0];
    if (!state->keep_full)
        out->fit[0] = fixed->width[state->finest], out->fit[1] = fixed->height[state->finest];
    return true;
}
