/* SPDX-License-Identifier: MIT */
/** What --init begins with: the affine map that is nearest to a field, and what that leaves, as a wide lattice. */
#include "ops/register/begin.h"

#include <math.h>

#define SIDE 48 /* points that stand for a field, on either axis */

static tw_status sample(const tw_op_state *state, tw_fit_point *points, tw_error *err)
{
    double x, y, w = (double)state->picture[0].width - 1, h = (double)state->picture[0].height - 1;
    char *scratch = tw_alloc(tw_context_account(state->context), (size_t)tw_max64(tw_field_scratch(state->init, 1), 1));
    tw_status status = scratch ? TW_OK : tw_fail_memory(err, "field", (long long)tw_field_scratch(state->init, 1));
    for (int k = 0; k < SIDE * SIDE && status == TW_OK; k++) {
        tw_fit_point *p = &points[k];
        *p = (tw_fit_point){.x = w * (k % SIDE) / (SIDE - 1), .y = h * (double)(k / SIDE) / (SIDE - 1), .w = {1, 0, 1}};
        status = tw_field_row(state->init, p->x, p->y, 1, &x, &y, scratch, err);
        p->d[0] = x - p->x, p->d[1] = y - p->y;
    }
    tw_free(scratch);
    return status;
}

/* Before the affine: the lattice moves points of the fixed picture. */
static tw_status bend(tw_op_state *state, tw_fit_point *points, tw_error *err)
{
    const tw_fit fit = {.stiffness = 1e-4, .most = 1, .huber = 1e6, .rounds = 1};
    tw_fit_result result;
    tw_affine back;
    if (!tw_affine_invert(&state->affine, &back))
        return tw_fail(err, TW_ERROR_INPUT, "--init: the field is singular");
    TW_TRY(tw_lattice_become(state, tw_level_spacing(state, state->levels - 1), err));
    for (int k = 0; k < SIDE * SIDE; k++) {
        double p[2];
        tw_affine_at(&back, points[k].x + points[k].d[0], points[k].y + points[k].d[1], p);
        points[k].d[0] = p[0] - points[k].x, points[k].d[1] = p[1] - points[k].y;
    }
    return tw_fit_lattice(state->context, &fit, points, SIDE * SIDE, state->lattice, &result, err);
}

tw_status tw_begin_with(tw_op_state *state, tw_error *err)
{
    const int64_t bytes = SIDE * SIDE * (int64_t)sizeof(tw_fit_point);
    const tw_fit fit = {.most = 1, .huber = 1e6};
    tw_fit_point *points = tw_alloc(tw_context_account(state->context), (size_t)bytes);
    if (!points)
        return tw_fail_memory(err, "field", (long long)bytes);
    tw_status status = sample(state, points, err);
    bool similar = state->model == TW_MODEL_SIMILARITY;
    if (status == TW_OK && !tw_fit_affine(&fit, points, SIDE * SIDE, similar, &state->affine))
        status = tw_fail(err, TW_ERROR_INPUT, "--init: no affine map is near the field");
    if (status == TW_OK && state->model == TW_MODEL_LATTICE)
        status = bend(state, points, err);
    tw_free(points);
    return status;
}
