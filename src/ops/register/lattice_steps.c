/* SPDX-License-Identifier: MIT */
/** The lattice from level to level: as wide as the nodes of a level allow, halved on the way down. */
#include <math.h>

#include "ops/register/state.h"

/* The spacing asked for, doubled until it is as wide as the nodes. */
double tw_level_spacing(const tw_op_state *state, int level)
{
    double spacing = state->spacing, nodes = 32.0 * (double)(INT64_C(1) << level);
    while (spacing < nodes && level > 0)
        spacing *= 2;
    return spacing;
}

static bool covers(const tw_lattice *a, const tw_lattice *b)
{
    return a->columns == b->columns && a->rows == b->rows && a->spacing[0] == b->spacing[0];
}

/* Control points lie at multiples of the same spacing: those that both have are copied, others get the nearest one's. */
static void copy_points(const tw_lattice *from, tw_lattice *to)
{
    int64_t dx = llround((to->origin[0] - from->origin[0]) / to->spacing[0]);
    int64_t dy = llround((to->origin[1] - from->origin[1]) / to->spacing[1]);
    for (int64_t j = 0; j < to->rows; j++)
        for (int64_t i = 0; i < to->columns; i++) {
            int64_t x = tw_clamp64(i + dx, 0, from->columns - 1), y = tw_clamp64(j + dy, 0, from->rows - 1);
            for (int axis = 0; axis < 2; axis++)
                to->u[axis][j * to->columns + i] = from->u[axis][y * from->columns + x];
        }
}

static tw_status halve(tw_op_state *state, tw_error *err)
{
    tw_lattice *finer;
    TW_TRY(tw_lattice_refine(state->lattice, &finer, err));
    tw_lattice_free(state->lattice);
    state->lattice = finer;
    return TW_OK;
}

tw_status tw_lattice_become(tw_op_state *state, double spacing, tw_error *err)
{
    tw_lattice *cover;
    TW_TRY(tw_lattice_cover(state->picture[0].width, state->picture[0].height, spacing, &cover, err));
    while (state->lattice && state->lattice->spacing[0] > spacing * 1.5) {
        tw_status status = halve(state, err);
        if (status != TW_OK) {
            tw_lattice_free(cover);
            return status;
        }
    }
    if (state->lattice && covers(state->lattice, cover)) {
        tw_lattice_free(cover);
        return TW_OK;
    }
    if (state->lattice)
        copy_points(state->lattice, cover);
    tw_lattice_free(state->lattice);
    state->lattice = cover;
    return TW_OK;
}
