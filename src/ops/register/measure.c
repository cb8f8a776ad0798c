/* SPDX-License-Identifier: MIT */
/** One step of a round: the pixels around its nodes, the moving ones where the field of now says, window by window. What a node measures
 *  follows from the pixels of its window alone: not from the tile it lies in. */
#include <math.h>
#include <string.h>

#include "ops/register/global.h"
#include "ops/register/kernels.h"
#include "ops/register/state.h"

#define BLOCK     64   /* side of what is interpolated at once */
#define SMALL     16   /* the same where the field is wild */
#define FROM_SIDE 256  /* side of the moving pixels that a block may need */
#define MARGIN    2    /* around windows: smoothing and gradients */
#define VALID     0.75 /* least part of a window that both pictures have */
#define PARTLY    0.4  /* the same where pixels that are missing do no harm */
#define FLAT      1e-3 /* variance of a blank window, levels of 255 squared */
#define ALIKE     0.15 /* least correlation of a window that was found again */

/* A worker's memory laid out for a step. */
typedef struct ground {
    const tw_op_state *state;
    tw_round round;
    tw_rect area; /* of the planes, pixels of the level */
    int64_t stride;
    float *fixed, *moving;               /* area */
    float *smooth_fixed, *smooth_moving; /* area without its outermost pixels, at the same places */
    float *from;                         /* FROM_SIDE squared */
    double *at_x, *at_y;                 /* BLOCK squared */
    float *window[2], *room;
    void *tile;
} ground;

static int64_t rounded(int64_t v)
{
    return (v + 15) / 16 * 16;
}

static int64_t plane_floats(int64_t w, int64_t h)
{
    return rounded(w) * (h + 1);
}

/* Of the correlation of such windows, floats: tw_correlate_room. */
static int64_t correlate_floats(int64_t n)
{
    return 2 * n * n + 2 * n * (n / 2 + 8) + TW_FFT_ROOM(n) / 4;
}

int64_t tw_measure_bytes(int window, int64_t stride, int64_t w, int64_t h)
{
    int64_t wide = w + window + 2 * MARGIN, high = h + window + 2 * MARGIN;
    int64_t floats =
        4 * plane_floats(wide, high) + FROM_SIDE * FROM_SIDE + 2 * (int64_t)window * window + correlate_floats(window);
    return floats * 4 + 2 * BLOCK * BLOCK * 8 + TW_LEVEL_ROOM + 16 * 64;
}

static void *take(char **at, int64_t bytes)
{
    void *block = *at;
    *at += (bytes + 63) / 64 * 64;
    return block;
}

static ground lay(const tw_op_state *state, const tw_round *round, char *block, tw_rect area)
{
    ground g = {.state = state, .round = *round, .area = area, .stride = rounded(area.w)};
    int64_t plane = plane_floats(area.w, area.h) * 4, square = (int64_t)round->window * round->window * 4;
    float **planes[] = {&g.fixed, &g.moving, &g.smooth_fixed, &g.smooth_moving};
    for (int i = 0; i < 4; i++)
        *planes[i] = take(&block, plane);
    g.from = take(&block, FROM_SIDE * FROM_SIDE * 4);
    g.at_x = take(&block, BLOCK * BLOCK * 8);
    g.at_y = take(&block, BLOCK * BLOCK * 8);
    g.window[0] = take(&block, square);
    g.window[1] = take(&block, square);
    g.room = take(&block, correlate_floats(round->window) * 4);
    g.tile = block;
    return g;
}

/* --- the moving picture as the field has it ---------------------------------------------------------------------- */

bool tw_place_pixels(const tw_op_state *state, tw_rect rect, int64_t side, double *at_x, double *at_y, tw_rect *box)
{
    const double *m = state->level_affine.m;
    double lo[2] = {HUGE_VAL, HUGE_VAL}, hi[2] = {-HUGE_VAL, -HUGE_VAL};
    for (int64_t y = 0; y < rect.h; y++) {
        double *x = at_x + y * rect.w, *v = at_y + y * rect.w;
        if (state->level_lattice) {
            tw_lattice_row(state->level_lattice, (double)rect.x, (double)(rect.y + y), rect.w, x, v);
        } else {
            memset(x, 0, (size_t)rect.w * sizeof *x);
            memset(v, 0, (size_t)rect.w * sizeof *v);
        }
        for (int64_t i = 0; i < rect.w; i++) {
            double px = (double)(rect.x + i) + x[i], py = (double)(rect.y + y) + v[i];
            x[i] = m[0] * px + m[1] * py + m[2];
            v[i] = m[3] * px + m[4] * py + m[5];
            lo[0] = fmin(lo[0], x[i]), hi[0] = fmax(hi[0], x[i]);
            lo[1] = fmin(lo[1], v[i]), hi[1] = fmax(hi[1], v[i]);
        }
    }
    if (!(hi[0] - lo[0] < (double)side - 8 && hi[1] - lo[1] < (double)side - 8) || fabs(lo[0]) > 1e9 || fabs(lo[1]) > 1e9)
        return false;
    *box = (tw_rect){(int64_t)floor(lo[0]) - 1, (int64_t)floor(lo[1]) - 1, 0, 0};
    box->w = (int64_t)floor(hi[0]) + 3 - box->x, box->h = (int64_t)floor(hi[1]) + 3 - box->y;
    return true;
}

static bool misses(const tw_levels *levels, int level, tw_rect box)
{
    return box.x + box.w <= 0 || box.y + box.h <= 0 || box.x >= levels->width[level] || box.y >= levels->height[level];
}

static void forget_block(const ground *g, tw_rect block)
{
    for (int64_t y = 0; y < block.h; y++)
        for (int64_t x = 0; x < block.w; x++)
            g->moving[(block.y - g->area.y + y) * g->stride + block.x - g->area.x + x] = -1;
}

static tw_status warp_block(const ground *g, tw_rect block, bool *fits, tw_error *err)
{
    const tw_levels *levels = &g->state->pyramid[1];
    tw_rect box;
    *fits = tw_place_pixels(g->state, block, FROM_SIDE, g->at_x, g->at_y, &box);
    if (!*fits || misses(levels, g->round.level, box)) {
        forget_block(g, block);
        return TW_OK;
    }
    TW_TRY(tw_levels_read_floats(levels, g->round.level, box, g->from, FROM_SIDE, g->tile, err));
    tw_samples samples = {g->from, box.x, box.y, box.w, box.h, FROM_SIDE};
    for (int64_t y = 0; y < block.h; y++) {
        float *to = g->moving + (block.y - g->area.y + y) * g->stride + block.x - g->area.x;
        tw_kernels()->interpolate(&samples, g->at_x + y * block.w, g->at_y + y * block.w, block.w, to);
    }
    return TW_OK;
}

static tw_status warp_blocks(const ground *g, tw_rect area, int64_t side, tw_error *err)
{
    for (int64_t y = 0; y < area.h; y += side)
        for (int64_t x = 0; x < area.w; x += side) {
            tw_rect block = {area.x + x, area.y + y, tw_min64(side, area.w - x), tw_min64(side, area.h - y)};
            bool fits;
            TW_TRY(tw_context_check(g->state->context, err));
            TW_TRY(warp_block(g, block, &fits, err));
            if (!fits && side > 1)
                TW_TRY(warp_blocks(g, block, side > SMALL ? SMALL : 1, err)); /* a single pixel always fits */
        }
    return TW_OK;
}

static void smooth_plane(const ground *g, const float *from, float *to)
{
    tw_kernels()->smooth(from, g->stride, g->area.w - 2, g->area.h - 2, to + g->stride + 1, g->stride);
}

/* --- one window -------------------------------------------------------------------------------------------------- */

typedef struct content {
    double valid, mean[2], variance[2];
} content;

/* Over the pixels that both windows have. */
static content look(const float *fixed, const float *moving, int64_t stride, int n)
{
    double sum[2] = {0}, squares[2] = {0}, count = 0;
    for (int y = 0; y < n; y++) {
        const float *f = fixed + y * stride, *m = moving + y * stride;
        float sf = 0, sm = 0, qf = 0, qm = 0;
        int have = 0;
        for (int x = 0; x < n; x++) {
            bool valid = f[x] >= 0 && m[x] >= 0;
            float a = valid ? f[x] - 128 : 0, b = valid ? m[x] - 128 : 0;
            have += valid;
            sf += a, sm += b, qf += a * a, qm += b * b;
        }
        count += have;
        sum[0] += (double)sf, sum[1] += (double)sm, squares[0] += (double)qf, squares[1] += (double)qm;
    }
    content c = {.valid = count / ((double)n * n)};
    for (int i = 0; count > 0 && i < 2; i++) {
        double mean = sum[i] / count;
        c.mean[i] = mean + 128;
        c.variance[i] = squares[i] / count - mean * mean;
    }
    return c;
}

static void weigh(const tw_correlator *c, const content *own, const float *fixed, const float *moving, int64_t stride, float *f,
                  float *m)
{
    for (int y = 0; y < c->n; y++)
        for (int x = 0; x < c->n; x++) {
            float a = fixed[y * stride + x], b = moving[y * stride + x], w = c->hann[x] * c->hann[y];
            bool valid = a >= 0 && b >= 0;
            f[y * c->n + x] = valid ? w * (a - (float)own->mean[0]) : 0;
            m[y * c->n + x] = valid ? w * (b - (float)own->mean[1]) : 0;
        }
}

/* The curvature of a sharp peak under the low-pass alone is 1.28. */
static void weigh_peak(const tw_peak *peak, tw_node *node)
{
    double clear = (1 - peak->second) * (1 - peak->second) / 1.28, largest = 0;
    double mean = (peak->curvature[0] + peak->curvature[2]) / 2, half = (peak->curvature[0] - peak->curvature[2]) / 2;
    largest = clear * (mean + sqrt(half * half + peak->curvature[1] * peak->curvature[1]));
    if (largest > 1)
        clear /= largest;
    for (int j = 0; j < 3; j++)
        node->weight[j] = (float)(clear * peak->curvature[j]);
}

/* Correlation coefficient of what both windows show where one is shifted. */
static float alike_at(const float *fixed, const float *moving, int64_t stride, int n, int dx, int dy)
{
    double f1 = 0, m1 = 0, ff = 0, mm = 0, fm = 0, count = 0;
    for (int y = dy < 0 ? -dy : 0; y < n && y + dy < n; y++)
        for (int x = dx < 0 ? -dx : 0; x < n && x + dx < n; x++) {
            float a = fixed[y * stride + x], b = moving[(y + dy) * stride + x + dx];
            if (a < 0 || b < 0)
                continue;
            double f = (double)a - 128, m = (double)b - 128;
            f1 += f, m1 += m, ff += f * f, mm += m * m, fm += f * m, count++;
        }
    double vf = ff * count - f1 * f1, vm = mm * count - m1 * m1;
    return vf > 0 && vm > 0 ? (float)((fm * count - f1 * m1) / sqrt(vf * vm)) : 0;
}

static void correlate(const ground *g, const float *fixed, const float *moving, const content *c, tw_node *node)
{
    const tw_correlator *correlator = &g->state->correlator[g->round.window == 128];
    tw_peak peak;
    weigh(correlator, c, fixed, moving, g->stride, g->window[0], g->window[1]);
    tw_correlate(correlator, g->window[0], g->window[1], g->round.search, g->room, &peak);
    node->shift[0] = (float)peak.x, node->shift[1] = (float)peak.y;
    node->second = (float)peak.second;
    if (g->round.search == TW_AGREE_SEARCH)
        node->alike = alike_at(fixed, moving, g->stride, g->round.window, (int)lround(peak.x), (int)lround(peak.y));
    node->error = HUGE_VALF;
    if (!peak.sharp || peak.second > TW_REGISTER_UNSURE)
        return;
    weigh_peak(&peak, node);
    node->state = TW_NODE_GOOD;
}

/* (covariance + TW_MODEL_ERROR^2)^-1 * TW_MODEL_ERROR^2 with covariance = noise * detail^-1; the matrices commute. */
static void weigh_detail(const double d[3], double noise, tw_node *node)
{
    double s2 = TW_MODEL_ERROR * TW_MODEL_ERROR, a = noise + s2 * d[0], b = s2 * d[1], c = noise + s2 * d[2],
           det = a * c - b * b;
    if (!(det > 0)) {
        node->weight[0] = node->weight[2] = 1, node->weight[1] = 0;
        return;
    }
    node->weight[0] = (float)(s2 * (d[0] * c - d[1] * b) / det);
    node->weight[1] = (float)(s2 * (d[1] * a - d[0] * b) / det);
    node->weight[2] = (float)(s2 * (d[2] * a - d[1] * b) / det);
}

static void refine(const ground *g, int64_t at, const content *c, tw_node *node)
{
    const tw_correlator *correlator = &g->state->correlator[g->round.window == 128];
    tw_refine_window w = {
        g->smooth_fixed + at, g->smooth_moving + at, g->stride,         g->round.window,
        correlator->hann,     (float)c->mean[0],     (float)c->mean[1], (float)sqrt(c->variance[0] / c->variance[1])};
    tw_refined r;
    tw_refine(&w, &r);
    node->shift[0] = (float)r.x, node->shift[1] = (float)r.y;
    node->error = (float)r.error;
    node->alike = (float)r.alike;
    if (!r.solved || r.alike < ALIKE || fabs(r.x) > 2 || fabs(r.y) > 2)
        return;
    weigh_detail(r.detail, TW_REFINE_CORRELATED * r.noise, node);
    node->state = TW_NODE_GOOD;
}

/* What a window with missing pixels says, it says of the middle of the others. */
static void find_middle(const ground *g, const float *fixed, const float *moving, float middle[2])
{
    const float *hann = g->state->correlator[g->round.window == 128].hann;
    double sum = 0, at[2] = {0};
    for (int y = 0; y < g->round.window; y++)
        for (int x = 0; x < g->round.window; x++) {
            bool valid = fixed[y * g->stride + x] >= 0 && moving[y * g->stride + x] >= 0;
            double w = valid ? (double)(hann[x] * hann[y]) : 0;
            sum += w, at[0] += w * x, at[1] += w * y;
        }
    for (int axis = 0; axis < 2; axis++)
        middle[axis] = sum > 0 ? (float)(at[axis] / sum - (g->round.window - 1) / 2.0) : 0;
}

static void measure_node(const ground *g, int64_t x, int64_t y, tw_node *node)
{
    int n = g->round.window;
    bool whole = g->round.kind == TW_ROUND_CORRELATE;
    int64_t at = (y - n / 2 - g->area.y) * g->stride + x - n / 2 - g->area.x;
    content c = look(g->fixed + at, g->moving + at, g->stride, n);
    *node = (tw_node){.state = TW_NODE_NONE, .error = HUGE_VALF};
    if (c.valid < (whole ? VALID : PARTLY) || c.variance[0] < FLAT || c.variance[1] < FLAT)
        return;
    node->state = TW_NODE_LOST;
    if (c.valid < 1 && !whole)
        find_middle(g, g->fixed + at, g->moving + at, node->middle);
    if (whole)
        correlate(g, g->fixed + at, g->moving + at, &c, node);
    else
        refine(g, at, &c, node);
}

/* The first node at or after a pixel. */
static int64_t node_from(const tw_node_grid *grid, int64_t pixel)
{
    return tw_max64(0, tw_ceil_div(pixel - grid->first, grid->stride));
}

tw_status tw_measure(tw_op_state *state, const tw_round *round, tw_rect out, int worker, tw_error *err)
{
    tw_node_grid grid = tw_round_grid(state, round);
    int64_t i0 = node_from(&grid, out.x), i1 = tw_min64(node_from(&grid, out.x + out.w), grid.columns);
    int64_t j0 = node_from(&grid, out.y), j1 = tw_min64(node_from(&grid, out.y + out.h), grid.rows);
    if (i0 >= i1 || j0 >= j1)
        return TW_OK;
    int64_t reach = round->window / 2 + MARGIN;
    tw_rect area = {grid.first + i0 * grid.stride - reach, grid.first + j0 * grid.stride - reach, 0, 0};
    area.w = (i1 - i0 - 1) * grid.stride + 2 * reach, area.h = (j1 - j0 - 1) * grid.stride + 2 * reach;
    ground g = lay(state, round, state->workers[worker].block, area);
    TW_TRY(tw_levels_read_floats(&state->pyramid[0], round->level, area, g.fixed, g.stride, g.tile, err));
    TW_TRY(warp_blocks(&g, area, BLOCK, err));
    if (round->kind != TW_ROUND_CORRELATE) {
        smooth_plane(&g, g.fixed, g.smooth_fixed);
        smooth_plane(&g, g.moving, g.smooth_moving);
    }
    for (int64_t j = j0; j < j1; j++)
        for (int64_t i = i0; i < i1; i++) {
            TW_TRY(tw_context_check(state->context, err));
            measure_node(&g, grid.first + i * grid.stride, grid.first + j * grid.stride, &state->nodes[j * grid.columns + i]);
        }
    return TW_OK;
}
