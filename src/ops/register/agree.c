/* SPDX-License-Identifier: MIT */
/** Whether windows all over the coarsest level agree with a map: deformation, which makes two pictures as wholes unlike each other, hardly
 *  matters to them. */
#include <math.h>

#include "ops/register/global.h"

#define WINDOW 64
#define LEAST  6   /* windows */
#define NEAR   3.0 /* pixels of the level within which windows agree */
#define SIDE   64  /* of what is measured at once */
#define ROUNDS 4

static tw_round the_round(const tw_op_state *state)
{
    return (tw_round){TW_ROUND_CORRELATE, state->levels - 1, WINDOW, TW_AGREE_SEARCH};
}

static tw_status make_room(tw_op_state *state, tw_error *err)
{
    tw_round round = the_round(state);
    int64_t bytes = tw_measure_bytes(WINDOW, tw_round_stride(state, &round), SIDE, SIDE);
    tw_register_worker *worker = &state->workers[0];
    if (worker->bytes >= bytes)
        return TW_OK;
    tw_free(worker->block);
    worker->block = tw_alloc(tw_context_account(state->context), (size_t)bytes);
    worker->bytes = worker->block ? bytes : 0;
    return worker->block ? TW_OK : tw_fail_memory(err, "windows", (long long)bytes);
}

static tw_status measure_all(tw_op_state *state, const tw_affine *map, tw_error *err)
{
    tw_round round = the_round(state);
    int64_t w = state->pyramid[0].width[round.level], h = state->pyramid[0].height[round.level];
    state->level_affine = *map;
    for (int64_t y = 0; y < h; y += SIDE)
        for (int64_t x = 0; x < w; x += SIDE)
            TW_TRY(tw_measure(state, &round, (tw_rect){x, y, tw_min64(SIDE, w - x), tw_min64(SIDE, h - y)}, 0, err));
    return TW_OK;
}

/* Nodes within NEAR of what a map says. Where `mark`, points of the others get no weight. */
static int64_t count_near(const tw_op_state *state, tw_fit_point *points, int64_t n, const tw_affine *map, bool mark)
{
    int64_t count = 0;
    for (int64_t k = 0; k < n; k++) {
        double p[2];
        tw_affine_at(map, points[k].x, points[k].y, p);
        bool good = state->nodes[k].state == TW_NODE_GOOD &&
                    hypot(p[0] - points[k].x - points[k].d[0], p[1] - points[k].y - points[k].d[1]) < NEAR;
        count += good;
        for (int j = 0; mark && j < 3; j++)
            points[k].w[j] = good && j != 1 ? 1 : 0;
    }
    return count;
}

/* The shift that most nodes share. */
static tw_affine common_shift(const tw_op_state *state, tw_fit_point *points, int64_t n)
{
    tw_affine best = TW_AFFINE_IDENTITY;
    int64_t most = 0;
    for (int64_t k = 0; k < n; k++) {
        if (state->nodes[k].state != TW_NODE_GOOD)
            continue;
        tw_affine shift = {{1, 0, points[k].d[0], 0, 1, points[k].d[1]}};
        int64_t count = count_near(state, points, n, &shift, false);
        if (count > most)
            most = count, best = shift;
    }
    return best;
}

static int64_t lay_points(const tw_op_state *state, tw_fit_point *points, int64_t n)
{
    tw_round round = the_round(state);
    tw_node_grid grid = tw_round_grid(state, &round);
    int64_t seen = 0;
    for (int64_t k = 0; k < n; k++) {
        const tw_node *node = &state->nodes[k];
        points[k] = (tw_fit_point){.x = (double)(grid.first + k % grid.columns * grid.stride),
                                   .y = (double)(grid.first + k / grid.columns * grid.stride),
                                   .d = {(double)node->shift[0], (double)node->shift[1]}};
        seen += node->state != TW_NODE_NONE;
    }
    return seen;
}

static double mean_alike(const tw_op_state *state, const tw_fit_point *points, int64_t n)
{
    double sum = 0, count = 0;
    for (int64_t k = 0; k < n; k++)
        if (points[k].w[0] > 0)
            sum += (double)state->nodes[k].alike, count++;
    return count > 0 ? sum / count : 0;
}

/* The similarity that most windows agree on, and how many of those that see anything do. */
static tw_agreed fit_step(const tw_op_state *state, tw_fit_point *points, int64_t n, tw_affine *step)
{
    const tw_fit fit = {.most = 1, .huber = NEAR};
    int64_t seen = lay_points(state, points, n);
    *step = common_shift(state, points, n);
    int64_t count = count_near(state, points, n, step, true);
    for (int i = 0; i < ROUNDS && count >= LEAST; i++) {
        tw_affine next;
        if (!tw_fit_affine(&fit, points, n, true, &next) || fabs(sqrt(fabs(tw_affine_determinant(&next))) - 1) > 0.2)
            break;
        *step = next;
        count = count_near(state, points, n, step, true);
    }
    return (tw_agreed){count >= LEAST ? (double)count / (double)tw_max64(seen, 1) : 0, mean_alike(state, points, n)};
}

/* Measures twice: windows that are turned and scaled to fit see more. */
tw_status tw_agree(tw_op_state *state, tw_affine *map, tw_agreed *out, tw_error *err)
{
    tw_round round = the_round(state);
    tw_node_grid grid = tw_round_grid(state, &round);
    int64_t n = grid.columns * grid.rows, bytes = tw_max64(n, 1) * (int64_t)sizeof(tw_fit_point);
    *out = (tw_agreed){0, 0};
    TW_TRY(make_room(state, err));
    tw_fit_point *points = tw_alloc(tw_context_account(state->context), (size_t)bytes);
    tw_status status = points ? TW_OK : tw_fail_memory(err, "windows", (long long)bytes);
    for (int i = 0; i < 2 && status == TW_OK; i++) {
        tw_affine step;
        status = measure_all(state, map, err);
        tw_agreed now = status == TW_OK ? fit_step(state, points, n, &step) : *out;
        if (status != TW_OK || now.share == 0 || now.share < out->share)
            break;
        *out = now;
        *map = tw_affine_after(map, &step);
    }
    tw_free(points);
    return status;
}
