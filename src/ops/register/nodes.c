/* SPDX-License-Identifier: MIT */
/** From measured nodes to the next field. */
#include <math.h>
#include <string.h>

#include "ops/register/state.h"

#define REACH  2 /* neighbours that a node is compared with: 5 x 5 */
#define AROUND ((2 * REACH + 1) * (2 * REACH + 1))

tw_node_grid tw_round_grid(const tw_op_state *state, const tw_round *round)
{
    tw_node_grid grid = {.stride = tw_round_stride(state, round)};
    grid.first = round->kind >= TW_ROUND_BACK ? grid.stride / 2 : 0;
    const tw_levels *levels = tw_round_levels(state, round);
    grid.columns = tw_max64(0, tw_ceil_div(levels->width[round->level] - grid.first, grid.stride));
    grid.rows = tw_max64(0, tw_ceil_div(levels->height[round->level] - grid.first, grid.stride));
    return grid;
}

int64_t tw_grid_most_nodes(const tw_op_state *state)
{
    int64_t most = 0;
    for (int i = 0; i < state->n_passes; i++)
        if (state->passes[i].kind == TW_PASS_ROUND) {
            tw_node_grid grid = tw_round_grid(state, &state->passes[i].round);
            most = tw_max64(most, grid.columns * grid.rows);
        }
    return most;
}

/* --- neighbours -------------------------------------------------------------------------------------------------- */

static float median(float *v, int n)
{
    for (int i = 1; i < n; i++) { /* n is at most 25 */
        float x = v[i];
        int j = i;
        for (; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Median of the neighbours' shifts along an axis, and of how far they are from it. */
static int around(const tw_node *nodes, const tw_node_grid *grid, int64_t i, int64_t j, int axis, float *middle, float *spread)
{
    float v[AROUND];
    int n = 0;
    for (int64_t y = tw_max64(j - REACH, 0); y <= tw_min64(j + REACH, grid->rows - 1); y++)
        for (int64_t x = tw_max64(i - REACH, 0); x <= tw_min64(i + REACH, grid->columns - 1); x++) {
            const tw_node *node = &nodes[y * grid->columns + x];
            if (node->state >= TW_NODE_OUTLIER && !(x == i && y == j))
                v[n++] = node->shift[axis];
        }
    if (n == 0)
        return 0;
    *middle = median(v, n);
    for (int k = 0; k < n; k++)
        v[k] = fabsf(v[k] - *middle);
    *spread = median(v, n);
    return n;
}

/* Westerweel and Scarano's test (2005): the distance from the median of the neighbours in units of their own. What a window expects
 * its error to be is granted. */
void tw_nodes_compare(tw_node *nodes, const tw_node_grid *grid)
{
    for (int64_t j = 0; j < grid->rows; j++)
        for (int64_t i = 0; i < grid->columns; i++) {
            tw_node *node = &nodes[j * grid->columns + i];
            if (node->state != TW_NODE_GOOD)
                continue;
            for (int axis = 0; axis < 2; axis++) {
                float middle, spread, grant = node->error < 1 ? 4 * node->error : 0.5f;
                int n = around(nodes, grid, i, j, axis, &middle, &spread);
                if (n < 3 || fabsf(node->shift[axis] - middle) > 4 * spread + 0.3f + grant)
                    node->state = TW_NODE_OUTLIER; /* its neighbours still look at it: the order does not matter */
            }
        }
}

/* --- the field --------------------------------------------------------------------------------------------------- */

tw_status tw_field_to_level(tw_op_state *state, int level, tw_error *err)
{
    double unit = 1.0 / (double)(INT64_C(1) << level);
    state->level_affine = state->affine;
    state->level_affine.m[2] *= unit, state->level_affine.m[5] *= unit;
    tw_lattice_free(state->level_lattice);
    state->level_lattice = NULL;
    if (!state->lattice)
        return TW_OK;
    tw_lattice *l = state->level_lattice = tw_lattice_copy(state->lattice);
    if (!l)
        return tw_fail_memory(err, "lattice", (long long)(state->lattice->columns * state->lattice->rows * 16));
    for (int axis = 0; axis < 2; axis++) {
        l->origin[axis] *= unit, l->spacing[axis] *= unit;
        for (int64_t k = 0; k < l->columns * l->rows; k++)
            l->u[axis][k] *= unit;
    }
    return TW_OK;
}

/* u at a point of the level, or at the nearest one of the lattice. */
static void displacement(const tw_lattice *l, double x, double y, double u[2])
{
    u[0] = u[1] = 0;
    if (!l)
        return;
    double far_x = l->origin[0] + l->spacing[0] * (double)(l->columns - 2), near_x = l->origin[0] + l->spacing[0];
    double far_y = l->origin[1] + l->spacing[1] * (double)(l->rows - 2), near_y = l->origin[1] + l->spacing[1];
    tw_lattice_at(l, fmin(fmax(x, near_x), far_x), fmin(fmax(y, near_y), far_y), u);
}

static void point_of(const tw_op_state *state, const tw_node_grid *grid, int64_t i, int64_t j, tw_fit_point *point)
{
    const tw_node *node = &state->nodes[j * grid->columns + i];
    double u[2], x = (double)(grid->first + i * grid->stride) + (double)node->middle[0];
    double y = (double)(grid->first + j * grid->stride) + (double)node->middle[1];
    *point = (tw_fit_point){.x = x, .y = y};
    if (node->state != TW_NODE_GOOD)
        return;
    /* The fixed window shows at x what the warped one shows at x + s: T(x + s). */
    displacement(state->level_lattice, x + node->shift[0], y + node->shift[1], u);
    point->d[0] = node->shift[0] + u[0], point->d[1] = node->shift[1] + u[1];
    for (int k = 0; k < 3; k++)
        point->w[k] = node->weight[k];
}

/* A wave's bending energy grows with the fourth power of the spacing: waves of the same length in pixels of the level are to lose the
 * same part of their amplitude, whatever the spacing. Measured on made pairs: more lets waves of 400 pixels lose too much, less lets
 * in the grain of windows with little detail. On the way there deformation matters more than grain. */
static double stiffness(const tw_op_state *state, const tw_round *round)
{
    double spacing = tw_level_spacing(state, round->level) / (double)(INT64_C(1) << round->level);
    return round->level > state->finest || round->kind != TW_ROUND_REFINE ? 0.001 : 0.02 * pow(32 / spacing, 4);
}

static tw_status fit_points(tw_op_state *state, const tw_round *round, tw_fit_point *points, int64_t n, tw_error *err)
{
    double unit = (double)(INT64_C(1) << round->level), sigma = round->kind == TW_ROUND_CORRELATE ? 0.15 : 0.02;
    /* Weights of at most 1 become inverse variances, in pixels of the fixed picture. */
    tw_fit fit = {.stiffness = stiffness(state, round), .most = 1 / (sigma * sigma * unit * unit), .huber = 2.5, .rounds = 3};
    for (int64_t k = 0; k < n; k++) {
        points[k].x *= unit, points[k].y *= unit;
        for (int j = 0; j < 2; j++)
            points[k].d[j] *= unit;
        for (int j = 0; j < 3; j++)
            points[k].w[j] *= fit.most;
    }
    tw_fit_result result;
    if (state->model == TW_MODEL_LATTICE) {
        TW_TRY(tw_lattice_become(state, tw_level_spacing(state, round->level), err));
        return tw_fit_lattice(state->context, &fit, points, n, state->lattice, &result, err);
    }
    tw_affine step;
    if (!tw_fit_affine(&fit, points, n, state->model == TW_MODEL_SIMILARITY, &step))
        return TW_OK; /* too few: the affine stays */
    state->affine = tw_affine_after(&state->affine, &step);
    return TW_OK;
}

static void count(tw_op_state *state, const tw_round *round, const tw_node_grid *grid)
{
    int64_t unsure = 0;
    tw_register_result *r = &state->result;
    int64_t by_state[TW_NODE_GOOD + 1] = {0};
    r->nodes = grid->columns * grid->rows;
    for (int64_t k = 0; k < r->nodes; k++) {
        by_state[state->nodes[k].state]++;
        unsure += state->nodes[k].state != TW_NODE_NONE && state->nodes[k].second > TW_REGISTER_UNSURE;
    }
    if (round->kind == TW_ROUND_CORRELATE)
        r->ambiguous = (double)unsure / (double)tw_max64(r->nodes - by_state[TW_NODE_NONE], 1);
    r->blank = by_state[TW_NODE_NONE], r->lost = by_state[TW_NODE_LOST];
    r->outliers = by_state[TW_NODE_OUTLIER], r->used = by_state[TW_NODE_GOOD];
}

tw_status tw_nodes_fit(tw_op_state *state, const tw_round *round, tw_error *err)
{
    tw_node_grid grid = tw_round_grid(state, round);
    int64_t n = grid.columns * grid.rows, bytes = n * (int64_t)sizeof(tw_fit_point);
    tw_nodes_compare(state->nodes, &grid);
    count(state, round, &grid);
    tw_fit_point *points = tw_alloc(tw_context_account(state->context), (size_t)tw_max64(bytes, 1));
    if (!points)
        return tw_fail_memory(err, "nodes", (long long)bytes);
    for (int64_t j = 0; j < grid.rows; j++)
        for (int64_t i = 0; i < grid.columns; i++)
            point_of(state, &grid, i, j, &points[j * grid.columns + i]);
    tw_status status = fit_points(state, round, points, n, err);
    tw_free(points);
    return status;
}
