/* SPDX-License-Identifier: MIT */
#include "field/lattice.h"

#include <stdlib.h>
#include <string.h>

#include "field/room.h"

#define SIDE_MAX   65536
#define POINTS_MAX (INT64_C(1) << 26)

tw_status tw_lattice_new(int64_t columns, int64_t rows, const double origin[2], const double spacing[2], tw_lattice **out,
                         tw_error *err)
{
    *out = NULL;
    if (columns < 4 || rows < 4 || columns > SIDE_MAX || rows > SIDE_MAX || columns * rows > POINTS_MAX)
        return tw_fail(err, TW_ERROR_INPUT, "a lattice of %lld x %lld control points: sides of 4 to %d and at most %lld points",
                       (long long)columns, (long long)rows, SIDE_MAX, (long long)POINTS_MAX);
    for (int a = 0; a < 2; a++) {
        if (!(spacing[a] > 0) || !isfinite(spacing[a]) || !isfinite(1 / spacing[a]))
            return tw_fail(err, TW_ERROR_INPUT, "a lattice's spacing of %g", spacing[a]);
        if (!isfinite(origin[a]))
            return tw_fail(err, TW_ERROR_INPUT, "a lattice's origin of %g", origin[a]);
    }
    size_t points = (size_t)(columns * rows);
    tw_lattice *l = calloc(1, sizeof *l);
    double *block = calloc(2 * points, sizeof *block);
    if (!l || !block) {
        free(l);
        free(block);
        return tw_fail_memory(err, "lattice", (long long)(2 * points * sizeof *block));
    }
    *l = (tw_lattice){.columns = columns, .rows = rows, .u = {block, block + points}};
    memcpy(l->origin, origin, sizeof l->origin);
    memcpy(l->spacing, spacing, sizeof l->spacing);
    *out = l;
    return TW_OK;
}

tw_status tw_lattice_cover(int64_t w, int64_t h, double spacing, tw_lattice **out, tw_error *err)
{
    *out = NULL;
    if (w < 1 || h < 1 || !(spacing > 0) || (double)w / spacing > SIDE_MAX || (double)h / spacing > SIDE_MAX)
        return tw_fail(err, TW_ERROR_INPUT, "a lattice of spacing %g over %lld x %lld pixels", spacing, (long long)w,
                       (long long)h);
    /* No pixel lies on an edge: elastix counts the far one as outside, and ITK's rounding may put the near one there. */
    double begin = -spacing * (1 + 0x1p-40);
    int64_t columns = (int64_t)floor((double)(w - 1) / spacing) + 4, rows = (int64_t)floor((double)(h - 1) / spacing) + 4;
    return tw_lattice_new(columns, rows, (double[2]){begin, begin}, (double[2]){spacing, spacing}, out, err);
}

void tw_lattice_free(tw_lattice *lattice)
{
    if (!lattice)
        return;
    free(lattice->u[0]);
    free(lattice);
}

tw_lattice *tw_lattice_copy(const tw_lattice *l)
{
    tw_lattice *copy;
    if (tw_lattice_new(l->columns, l->rows, l->origin, l->spacing, &copy, NULL) != TW_OK)
        return NULL;
    memcpy(copy->u[0], l->u[0], (size_t)(l->columns * l->rows) * 2 * sizeof(double));
    return copy;
}

/* ---- evaluation: every function here is on the way of each point, whoever asks ---- */

/* The cell of an index and the place in it; the far edge belongs to the last cell. False outside, and for what is no number. */
static bool cell_of(const tw_axis *a, double index, int64_t *cell, double *t)
{
    if (!(index >= tw_axis_first() && index <= tw_axis_last(a)))
        return false;
    *cell = tw_clamp64((int64_t)index, 1, a->n - 3);
    *t = index - (double)*cell;
    return true;
}

/* One column of control points, blended over the four rows from `row` on. */
static void blend(const tw_lattice *l, int64_t row, const double w[4], int64_t column, double *bx, double *by)
{
    int64_t n = l->columns;
    const double *x = l->u[0] + row * n + column, *y = l->u[1] + row * n + column;
    *bx = ((w[0] * x[0] + w[1] * x[n]) + w[2] * x[2 * n]) + w[3] * x[3 * n];
    *by = ((w[0] * y[0] + w[1] * y[n]) + w[2] * y[2 * n]) + w[3] * y[3 * n];
}

/* The spline between four blended columns as a polynomial of the place in the cell. */
static void polynomial(const double b[4], double p[4])
{
    p[0] = (b[0] + b[2] + 4 * b[1]) / 6;
    p[1] = (b[2] - b[0]) / 2;
    p[2] = (b[0] + b[2]) / 2 - b[1];
    p[3] = (b[3] - b[0]) / 6 + (b[1] - b[2]) / 2;
}

static inline double horner(const double p[4], double t)
{
    return ((p[3] * t + p[2]) * t + p[1]) * t + p[0];
}

static void cell_polynomials(const tw_lattice *l, int64_t i, int64_t j, double ty, double p[2][4])
{
    double w[4], b[2][4];
    tw_spline_weights(ty, w);
    for (int c = 0; c < 4; c++)
        blend(l, j - 1, w, i - 1 + c, &b[0][c], &b[1][c]);
    polynomial(b[0], p[0]);
    polynomial(b[1], p[1]);
}

void tw_lattice_at(const tw_lattice *l, double x, double y, double u[2])
{
    tw_axis ax = tw_lattice_axis(l, 0), ay = tw_lattice_axis(l, 1);
    double tx, ty, p[2][4];
    int64_t i, j;
    u[0] = u[1] = 0;
    if (!cell_of(&ax, tw_axis_index(&ax, x), &i, &tx) || !cell_of(&ay, tw_axis_index(&ay, y), &j, &ty))
        return;
    cell_polynomials(l, i, j, ty, p);
    u[0] = horner(p[0], tx);
    u[1] = horner(p[1], tx);
}

#define RUN 64

/* Points that follow one another in one cell: how many, at most n or RUN, and their places in it. 0: the first is outside. */
static int run_of(const tw_axis axis[2], int64_t n, const double *x, const double *y, int64_t cell[2], double t[2][RUN])
{
    int k = 1;
    if (!cell_of(&axis[0], tw_axis_index(&axis[0], x[0]), &cell[0], &t[0][0]) ||
        !cell_of(&axis[1], tw_axis_index(&axis[1], y[0]), &cell[1], &t[1][0]))
        return 0;
    for (; k < n && k < RUN; k++) {
        t[0][k] = tw_axis_index(&axis[0], x[k]) - (double)cell[0];
        t[1][k] = tw_axis_index(&axis[1], y[k]) - (double)cell[1];
        if (!(t[0][k] >= 0 && t[0][k] < 1 && t[1][k] >= 0 && t[1][k] < 1))
            break;
    }
    return k;
}

/* u of a run's points, from the sixteen control points around its cell. */
static void cell_points(const double *cx, const double *cy, int64_t row, int n, const double *restrict tx,
                        const double *restrict ty, double *restrict ux, double *restrict uy)
{
    double v[2][4][4];
    for (int r = 0; r < 4; r++) {
        memcpy(v[0][r], cx + r * row, sizeof v[0][r]);
        memcpy(v[1][r], cy + r * row, sizeof v[1][r]);
    }
    for (int k = 0; k < n; k++) {
        double w[4], b[2][4], p[2][4];
        tw_spline_weights(ty[k], w);
        for (int i = 0; i < 4; i++) {
            b[0][i] = ((w[0] * v[0][0][i] + w[1] * v[0][1][i]) + w[2] * v[0][2][i]) + w[3] * v[0][3][i];
            b[1][i] = ((w[0] * v[1][0][i] + w[1] * v[1][1][i]) + w[2] * v[1][2][i]) + w[3] * v[1][3][i];
        }
        polynomial(b[0], p[0]);
        polynomial(b[1], p[1]);
        ux[k] = horner(p[0], tx[k]);
        uy[k] = horner(p[1], tx[k]);
    }
}

void tw_lattice_move(const tw_lattice *l, int64_t n, double *x, double *y)
{
    const tw_axis axis[2] = {tw_lattice_axis(l, 0), tw_lattice_axis(l, 1)};
    double t[2][RUN], u[2][RUN];
    int64_t cell[2];
    for (int64_t k = 0; k < n;) {
        int count = run_of(axis, n - k, x + k, y + k, cell, t);
        if (count == 0) {
            k++;
            continue;
        }
        int64_t first = (cell[1] - 1) * l->columns + cell[0] - 1;
        cell_points(l->u[0] + first, l->u[1] + first, l->columns, count, t[0], t[1], u[0], u[1]);
        for (int i = 0; i < count; i++, k++) {
            x[k] += u[0][i];
            y[k] += u[1][i];
        }
    }
}

/* The smallest k in [from, n] from which on the index of x0 + k is at least `bound`: guessed, then made true. */
static int64_t first_at(const tw_axis *a, double x0, int64_t from, int64_t n, double bound)
{
    double guess = ceil(bound * a->spacing + a->origin - x0);
    int64_t k = guess >= (double)n ? n : guess > (double)from ? (int64_t)guess : from;
    while (k > from && tw_axis_index(a, x0 + (double)(k - 1)) >= bound)
        k--;
    while (k < n && tw_axis_index(a, x0 + (double)k) < bound)
        k++;
    return k;
}

/* Points of one cell. `k` counts from the row's beginning; k + j is exact, so x has the bits that x0 + k has alone. */
static void cell_row(const tw_axis *a, double cell, double p[2][4], double x0, double k, int n, double *restrict ux,
                     double *restrict uy)
{
    double px[4], py[4], origin = a->origin, inverse = a->inverse;
    memcpy(px, p[0], sizeof px);
    memcpy(py, p[1], sizeof py);
    for (int j = 0; j < n; j++) {
        double x = x0 + (k + (double)j);
        double t = (x - origin) * inverse - cell;
        ux[j] = horner(px, t);
        uy[j] = horner(py, t);
    }
}

/* Blended columns of the cell before, as far as the next one has them, too. */
static void slide(const tw_lattice *l, int64_t row, const double w[4], int64_t before, int64_t cell, double b[2][4])
{
    int64_t shift = tw_min64(cell - before, 4);
    for (int a = 0; a < 2; a++)
        memmove(b[a], b[a] + shift, (size_t)(4 - shift) * sizeof(double));
    for (int64_t c = 4 - shift; c < 4; c++)
        blend(l, row, w, cell - 1 + c, &b[0][c], &b[1][c]);
}

static void zero(int64_t n, double *ux, double *uy)
{
    memset(ux, 0, (size_t)n * sizeof *ux);
    memset(uy, 0, (size_t)n * sizeof *uy);
}

void tw_lattice_row(const tw_lattice *l, double x0, double y, int64_t n, double *ux, double *uy)
{
    tw_axis ax = tw_lattice_axis(l, 0), ay = tw_lattice_axis(l, 1);
    double ty, w[4], b[2][4], p[2][4];
    int64_t j, before = -4, last = ax.n - 3;
    if (!isfinite(x0) || !cell_of(&ay, tw_axis_index(&ay, y), &j, &ty)) {
        zero(n, ux, uy);
        return;
    }
    tw_spline_weights(ty, w);
    int64_t k = first_at(&ax, x0, 0, n, tw_axis_first());
    int64_t end = first_at(&ax, x0, k, n, nextafter(tw_axis_last(&ax), INFINITY));
    zero(k, ux, uy);
    zero(n - end, ux + end, uy + end);
    while (k < end) {
        int64_t i = tw_clamp64((int64_t)tw_axis_index(&ax, x0 + (double)k), 1, last);
        int64_t to = i == last ? end : first_at(&ax, x0, k + 1, end, (double)(i + 1));
        slide(l, j - 1, w, before, i, b);
        polynomial(b[0], p[0]);
        polynomial(b[1], p[1]);
        for (before = i; k < to;) {
            int count = (int)tw_min64(to - k, 1 << 30);
            cell_row(&ax, (double)i, p, x0, (double)k, count, ux + k, uy + k);
            k += count;
        }
    }
}
