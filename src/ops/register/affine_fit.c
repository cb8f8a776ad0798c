/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "ops/register/fit.h"

#define ROUNDS 8

/* n equations, symmetric and positive; false when they do not tell all unknowns. */
static bool solve(double a[6][6], double b[6], int n)
{
    double largest = 0;
    for (int i = 0; i < n; i++)
        largest = fmax(largest, a[i][i]);
    for (int i = 0; i < n; i++) {
        if (!(a[i][i] > 1e-10 * largest))
            return false;
        for (int r = i + 1; r < n; r++) {
            double f = a[r][i] / a[i][i];
            for (int c = i; c < n; c++)
                a[r][c] -= f * a[i][c];
            b[r] -= f * b[i];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int c = i + 1; c < n; c++)
            b[i] -= a[i][c] * b[c];
        b[i] /= a[i][i];
    }
    return true;
}

/* Points are taken around their centre and in units of their spread, so that the equations are well conditioned. */
typedef struct frame {
    double x, y, scale;
} frame;

static frame frame_of(const tw_fit_point *points, int64_t n)
{
    frame f = {0, 0, 0};
    double count = 0;
    for (int64_t k = 0; k < n; k++)
        if (points[k].w[0] > 0 || points[k].w[2] > 0)
            f.x += points[k].x, f.y += points[k].y, count++;
    if (count > 0)
        f.x /= count, f.y /= count;
    for (int64_t k = 0; k < n; k++)
        if (points[k].w[0] > 0 || points[k].w[2] > 0)
            f.scale = fmax(f.scale, fmax(fabs(points[k].x - f.x), fabs(points[k].y - f.y)));
    if (!(f.scale > 0))
        f.scale = 1;
    return f;
}

/* Rows of the two equations of a point: d = (rows) . unknowns. Affine: dx = a0 + a1 x + a2 y, dy = a3 + a4 x + a5 y. Similar: dx = a0 + a2
 * x - a3 y, dy = a1 + a3 x + a2 y. */
static int rows_of(const frame *f, const tw_fit_point *p, bool similar, double row[2][6])
{
    double x = (p->x - f->x) / f->scale, y = (p->y - f->y) / f->scale;
    double affine[2][6] = {{1, x, y, 0, 0, 0}, {0, 0, 0, 1, x, y}}, similarity[2][6] = {{1, 0, x, -y}, {0, 1, y, x}};
    memcpy(row, similar ? similarity : affine, sizeof affine);
    return similar ? 4 : 6;
}

static void add_point(const tw_fit_point *p, double h, double row[2][6], int n, double a[6][6], double b[6])
{
    for (int i = 0; i < n; i++) {
        double wi[2] = {h * (p->w[0] * row[0][i] + p->w[1] * row[1][i]), h * (p->w[1] * row[0][i] + p->w[2] * row[1][i])};
        b[i] += wi[0] * p->d[0] + wi[1] * p->d[1];
        for (int j = 0; j < n; j++)
            a[i][j] += wi[0] * row[0][j] + wi[1] * row[1][j];
    }
}

static double weight_of(const tw_fit *fit, const tw_fit_point *p, double row[2][6], int n, const double v[6])
{
    double ex = -p->d[0], ey = -p->d[1];
    for (int i = 0; i < n; i++)
        ex += row[0][i] * v[i], ey += row[1][i] * v[i];
    double squared = p->w[0] * ex * ex + 2 * p->w[1] * ex * ey + p->w[2] * ey * ey, limit = fit->huber * fit->huber;
    /* Far outliers not at all: Huber's weight alone lets many of them pull. */
    return squared <= limit ? 1 : squared <= 9 * limit ? fit->huber / sqrt(squared) : 0;
}

static tw_affine affine_of(const frame *f, const double v[6], bool similar)
{
    double xx = similar ? v[2] : v[1], xy = similar ? -v[3] : v[2], yx = similar ? v[3] : v[4], yy = similar ? v[2] : v[5];
    double dx = v[0], dy = similar ? v[1] : v[3];
    tw_affine a = {{1 + xx / f->scale, xy / f->scale, 0, yx / f->scale, 1 + yy / f->scale, 0}};
    a.m[2] = dx - (xx * f->x + xy * f->y) / f->scale;
    a.m[5] = dy - (yx * f->x + yy * f->y) / f->scale;
    return a;
}

bool tw_fit_affine(const tw_fit *fit, const tw_fit_point *points, int64_t n, bool similar, tw_affine *out)
{
    frame f = frame_of(points, n);
    double v[6] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        double a[6][6] = {{0}}, b[6] = {0}, row[2][6];
        int unknowns = similar ? 4 : 6, used = 0;
        for (int64_t k = 0; k < n; k++) {
            if (points[k].w[0] == 0 && points[k].w[2] == 0)
                continue;
            rows_of(&f, &points[k], similar, row);
            double h = round > 0 ? weight_of(fit, &points[k], row, unknowns, v) : 1;
            used += h > 0;
            add_point(&points[k], h, row, unknowns, a, b);
        }
        if (used < 4 || !solve(a, b, unknowns))
            return false;
        memcpy(v, b, sizeof v);
    }
    *out = affine_of(&f, v, similar);
    return true;
}
