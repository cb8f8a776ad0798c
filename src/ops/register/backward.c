/* SPDX-License-Identifier: MIT */
/** The other way round: windows of the moving picture, laid over the fixed one by the inverse of the field. They lie on a grid that no fit has seen,
 *  and see what the fixed picture's windows do not reach; where both ways disagree the field is wrong for one of them. */
#include "field/field.h"
#include "ops/register/state.h"

static void change_places(tw_op_state *state)
{
    tw_levels levels = state->pyramid[0];
    tw_picture picture = state->picture[0];
    state->pyramid[0] = state->pyramid[1], state->pyramid[1] = levels;
    state->picture[0] = state->picture[1], state->picture[1] = picture;
    state->backward = !state->backward;
}

/* Of the lattice first and the affine then; the same again. */
static tw_status take_inverse(tw_op_state *state, tw_field *inverse, tw_error *err)
{
    for (int i = 0; i < tw_field_parts(inverse); i++) {
        const tw_affine *affine = tw_field_affine(inverse, i);
        const tw_lattice *lattice = tw_field_lattice(inverse, i);
        if (affine)
            state->affine = *affine;
        else if (lattice && !(state->lattice = tw_lattice_copy(lattice)))
            return tw_fail_memory(err, "lattice", (long long)(lattice->columns * lattice->rows * 16));
    }
    return TW_OK;
}

tw_status tw_backward_begin(tw_op_state *state, tw_error *err)
{
    tw_field *inverse = NULL, *field = tw_result_field(state);
    if (!field)
        return tw_fail_memory(err, "lattice", 0);
    tw_status status = tw_field_invert(field, state->picture[1].width, state->picture[1].height, state->spacing, &inverse,
                                       &state->result.residual, err);
    tw_field_free(field);
    TW_TRY(status);
    state->forward = state->lattice;
    state->forward_affine = state->affine;
    state->lattice = NULL;
    change_places(state);
    status = take_inverse(state, inverse, err);
    tw_field_free(inverse);
    return status;
}

void tw_backward_end(tw_op_state *state)
{
    if (!state->backward)
        return;
    tw_lattice_free(state->lattice);
    state->lattice = state->forward;
    state->affine = state->forward_affine;
    state->forward = NULL;
    change_places(state);
}
