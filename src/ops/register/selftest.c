/* SPDX-License-Identifier: MIT */
/** --selftest: the moving picture is the fixed one, warped by a lattice that is known, so that the error can be told for what it is. The lattice maps
 *  moving points to fixed ones: the moving picture is sampled, never splashed. */
#include "ops/register/selftest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"
#include "ops/register/kernels.h"

#define KNOTS  12   /* on the longer side */
#define MOST   20.0 /* pixels that a control point moves at most */
#define STEEP  0.08 /* the same over the spacing */
#define MARGIN 4
#define POINTS 64 /* on each axis, where the error is taken */
#define BORDER 0.04

static double chance(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1;
}

tw_status tw_selftest_begin(tw_op_state *state, tw_error *err)
{
    int64_t w = state->picture[0].width, h = state->picture[0].height;
    double spacing = fmax(32, (double)tw_max64(w, h) / KNOTS), size = fmin(MOST, STEEP * spacing);
    TW_TRY(tw_lattice_cover(w, h, spacing, &state->known, err));
    for (int64_t k = 0; k < 2 * state->known->columns * state->known->rows; k++)
        state->known->u[0][k] = size * chance((uint64_t)k);
    state->known_reach = (int64_t)ceil(size) + MARGIN;
    return TW_OK;
}

int64_t tw_selftest_bytes(const tw_op_state *state, int64_t w, int64_t h)
{
    int64_t wide = w + 2 * state->known_reach, high = h + 2 * state->known_reach;
    return TW_LEVEL_ROOM + wide * high * 4 + w * (2 * 8 + 4) + w * h * 2 + 8 * 64;
}

tw_status tw_selftest_run(tw_op_state *state, tw_rect out, int worker, tw_error *err)
{
    int64_t reach = state->known_reach;
    tw_rect box = {out.x - reach, out.y - reach, out.w + 2 * reach, out.h + 2 * reach};
    char *room = state->workers[worker].block;
    double *x = (double *)(void *)(room + TW_LEVEL_ROOM), *y = x + out.w;
    float *from = (float *)(y + out.w), *line = from + box.w * box.h;
    uint16_t *grey = (uint16_t *)(line + out.w);
    TW_TRY(tw_levels_read_floats(&state->pyramid[0], 0, box, from, box.w, room, err));
    tw_samples samples = {from, box.x, box.y, box.w, box.h, box.w};
    for (int64_t j = 0; j < out.h; j++) {
        TW_TRY(tw_context_check(state->context, err));
        tw_lattice_row(state->known, (double)out.x, (double)(out.y + j), out.w, x, y);
        for (int64_t i = 0; i < out.w; i++)
            x[i] += (double)(out.x + i), y[i] += (double)(out.y + j);
        tw_kernels()->interpolate(&samples, x, y, out.w, line);
        for (int64_t i = 0; i < out.w; i++)
            grey[j * out.w + i] = line[i] < 0 ? 0 : (uint16_t)fminf(fmaxf(line[i] * 257 + 0.5f, 1), 65535);
    }
    return tw_levels_write(&state->pyramid[1], 0, out, grey, out.w, room, err);
}

void tw_selftest_end(tw_op_state *state)
{
    double w = (double)state->picture[0].width, h = (double)state->picture[0].height, length[POINTS * POINTS], sum = 0;
    for (int k = 0; k < POINTS * POINTS; k++) {
        double q[2] = {w * (BORDER + (1 - 2 * BORDER) * (k % POINTS + 0.5) / POINTS),
                       h * (BORDER + (1 - 2 * BORDER) * ((double)(k / POINTS) + 0.5) / POINTS)};
        double u[2], p[2], back[2];
        tw_lattice_at(state->known, q[0], q[1], u);
        p[0] = q[0] + u[0], p[1] = q[1] + u[1];
        u[0] = u[1] = 0;
        if (state->lattice)
            tw_lattice_at(state->lattice, p[0], p[1], u);
        tw_affine_at(&state->affine, p[0] + u[0], p[1] + u[1], back);
        length[k] = hypot(back[0] - q[0], back[1] - q[1]);
        sum += length[k];
    }
    qsort(length, POINTS * POINTS, sizeof *length, tw_ascending);
    tw_register_truth *t = &state->truth;
    t->mean = sum / (POINTS * POINTS);
    t->p50 = length[POINTS * POINTS / 2], t->p90 = length[POINTS * POINTS * 9 / 10];
    t->p99 = length[POINTS * POINTS * 99 / 100], t->max = length[POINTS * POINTS - 1];
}
