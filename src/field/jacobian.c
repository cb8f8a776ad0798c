/* SPDX-License-Identifier: MIT */
/* The least Jacobian determinant of p + u(p). In each cell it is a polynomial of degree 5 in both directions; its Bernstein
 * coefficients bound it from below, their corners are values of it, and halving the cell brings both together. */
#include <string.h>

#include "field/room.h"

#define TOLERANCE 1e-3
#define DEPTH     24
#define EFFORT    (1 << 20) /* patches halved at most, over the whole lattice */

typedef struct patch {
    double c[6][6]; /* [y][x] */
    double lo[2], hi[2];
} patch;

typedef struct search {
    double least_value, at[2]; /* the least that was met at a point */
    double bound;              /* of everything that has been looked at */
    int64_t effort;
} search;

/* Four B-spline coefficients of a cell, `step` apart, as Bezier ones. */
static void bezier(double *c, int step)
{
    double a = c[0], b = c[step], d = c[2 * step], e = c[3 * step];
    c[0] = (a + 4 * b + d) / 6;
    c[step] = (2 * b + d) / 3;
    c[2 * step] = (b + 2 * d) / 3;
    c[3 * step] = (b + 4 * d + e) / 6;
}

/* det += sign * (along x: degree 2 x 3) * (along y: degree 3 x 2), as Bernstein coefficients. */
static void add_product(double det[6][6], double sign, double dx[4][3], double dy[3][4])
{
    static const double two[3] = {1, 2, 1}, three[4] = {1, 3, 3, 1}, five[6] = {1, 5, 10, 10, 5, 1};
    for (int j = 0; j < 4; j++)
        for (int i = 0; i < 3; i++) {
            double v = sign * dx[j][i] * three[j] * two[i];
            for (int m = 0; m < 3; m++)
                for (int k = 0; k < 4; k++)
                    det[j + m][i + k] += v * dy[m][k] * two[m] * three[k] / (five[j + m] * five[i + k]);
        }
}

/* Derivatives of one component over a cell; `along`: the axis on which the identity adds 1. */
static void derivatives(const tw_lattice *l, int a, int64_t i, int64_t j, double dx[4][3], double dy[3][4])
{
    double c[4][4];
    for (int r = 0; r < 4; r++)
        memcpy(c[r], l->u[a] + (j - 1 + r) * l->columns + i - 1, sizeof c[r]);
    for (int r = 0; r < 4; r++)
        bezier(c[r], 1);
    for (int r = 0; r < 4; r++)
        bezier(c[0] + r, 4);
    for (int r = 0; r < 4; r++)
        for (int k = 0; k < 3; k++) {
            dx[r][k] = 3 * (c[r][k + 1] - c[r][k]) / l->spacing[0] + (a == 0);
            dy[k][r] = 3 * (c[k + 1][r] - c[k][r]) / l->spacing[1] + (a == 1);
        }
}

static void cell_patch(const tw_lattice *l, int64_t i, int64_t j, patch *p)
{
    double xx[4][3], xy[3][4], yx[4][3], yy[3][4];
    derivatives(l, 0, i, j, xx, xy);
    derivatives(l, 1, i, j, yx, yy);
    memset(p->c, 0, sizeof p->c);
    add_product(p->c, 1, xx, yy);
    add_product(p->c, -1, yx, xy);
    int64_t cell[2] = {i, j};
    for (int a = 0; a < 2; a++) {
        p->lo[a] = l->origin[a] + l->spacing[a] * (double)cell[a];
        p->hi[a] = p->lo[a] + l->spacing[a];
    }
}

/* De Casteljau at the middle: the six coefficients become those of the first half, `second` those of the other. */
static void halve_line(double *first, double *second, int step)
{
    for (int r = 5; r >= 0; r--) {
        second[r * step] = first[5 * step];
        for (int k = 5; k > 5 - r; k--)
            first[k * step] = (first[k * step] + first[(k - 1) * step]) / 2;
    }
}

static void halve(patch *first, patch *second, int axis)
{
    *second = *first;
    for (int r = 0; r < 6; r++)
        halve_line(axis ? &first->c[0][r] : first->c[r], axis ? &second->c[0][r] : second->c[r], axis ? 6 : 1);
    second->lo[axis] = first->hi[axis] = (first->lo[axis] + first->hi[axis]) / 2;
}

static void look_at_corners(search *s, const patch *p)
{
    for (int k = 0; k < 4; k++) {
        double v = p->c[k & 2 ? 5 : 0][k & 1 ? 5 : 0];
        if (!(v < s->least_value))
            continue;
        s->least_value = v;
        s->at[0] = k & 1 ? p->hi[0] : p->lo[0];
        s->at[1] = k & 2 ? p->hi[1] : p->lo[1];
    }
}

static double least_coefficient(const patch *p)
{
    double least = INFINITY;
    for (int k = 0; k < 36; k++)
        least = p->c[k / 6][k % 6] < least ? p->c[k / 6][k % 6] : least;
    return least;
}

static void look_at(search *s, patch p)
{
    patch waiting[DEPTH + 1];
    int depth[DEPTH + 1], n = 0, d = 0;
    for (;;) {
        look_at_corners(s, &p);
        double least = least_coefficient(&p);
        if (s->least_value < 0)
            return;
        /* Near 0 the tolerance must not decide whether the lattice folds. */
        bool close = least >= s->least_value - TOLERANCE && (least > 0 || s->least_value <= 0);
        if (!close && d < DEPTH && s->effort > 0) {
            s->effort--;
            halve(&p, &waiting[n], d & 1);
            depth[n++] = ++d;
            continue;
        }
        s->bound = fmin(s->bound, least);
        if (n == 0)
            return;
        p = waiting[--n];
        d = depth[n];
    }
}

double tw_lattice_min_jacobian(const tw_lattice *l, double at[2])
{
    search s = {.least_value = INFINITY, .bound = INFINITY, .effort = EFFORT};
    patch p;
    for (int64_t j = 1; j <= l->rows - 3; j++)
        for (int64_t i = 1; i <= l->columns - 3; i++) {
            cell_patch(l, i, j, &p);
            look_at(&s, p);
            if (s.least_value < 0)
                break;
        }
    at[0] = s.at[0];
    at[1] = s.at[1];
    return s.least_value < 0 ? s.least_value : s.bound;
}
