/* SPDX-License-Identifier: MIT */
/* What a lattice can do at most, and its subdivision. */
#include "field/room.h"

void tw_lattice_support(const tw_lattice *l, double lo[2], double hi[2])
{
    for (int a = 0; a < 2; a++) {
        lo[a] = l->origin[a] + l->spacing[a];
        hi[a] = l->origin[a] + l->spacing[a] * (double)((a ? l->rows : l->columns) - 2);
    }
}

/* An index as a cell, with what is far outside kept within whole numbers. */
static int64_t cell_near(const tw_axis *a, double x)
{
    double index = floor(tw_axis_index(a, x));
    return index <= -8 ? -8 : index >= (double)a->n + 8 ? a->n + 8 : (int64_t)index;
}

tw_span tw_lattice_touching(const tw_lattice *l, int axis, double lo, double hi)
{
    tw_axis a = tw_lattice_axis(l, axis);
    if (!(tw_axis_index(&a, hi) >= tw_axis_first() && tw_axis_index(&a, lo) <= tw_axis_last(&a) && lo <= hi))
        return (tw_span){0, 0};
    int64_t first = tw_clamp64(cell_near(&a, lo), 1, a.n - 3), last = tw_clamp64(cell_near(&a, hi), 1, a.n - 3);
    return (tw_span){first - 1, last + 3};
}

void tw_lattice_hull(const tw_lattice *l, const double box_lo[2], const double box_hi[2], double lo[2], double hi[2])
{
    tw_span across = tw_lattice_touching(l, 0, box_lo[0], box_hi[0]), down = tw_lattice_touching(l, 1, box_lo[1], box_hi[1]);
    bool beyond = tw_span_empty(across) || tw_span_empty(down);
    for (int a = 0; a < 2 && !beyond; a++) {
        tw_axis axis = tw_lattice_axis(l, a);
        beyond =
            !(tw_axis_index(&axis, box_lo[a]) >= tw_axis_first() && tw_axis_index(&axis, box_hi[a]) <= tw_axis_last(&axis));
    }
    for (int a = 0; a < 2; a++) {
        lo[a] = beyond ? 0 : INFINITY;
        hi[a] = beyond ? 0 : -INFINITY;
        for (int64_t j = down.lo; j < down.hi; j++)
            for (int64_t i = across.lo; i < across.hi; i++) {
                double c = l->u[a][j * l->columns + i];
                lo[a] = c < lo[a] ? c : lo[a];
                hi[a] = c > hi[a] ? c : hi[a];
            }
        /* Evaluation rounds: a sum of sixteen control points may pass the largest of them by a few units of its last place. */
        double slack = 64 * DBL_EPSILON * fmax(fabs(lo[a]), fabs(hi[a]));
        lo[a] -= slack;
        hi[a] += slack;
    }
}

void tw_lattice_bounds(const tw_lattice *l, tw_rect rect, double lo[2], double hi[2])
{
    double box_lo[2] = {(double)rect.x, (double)rect.y},
           box_hi[2] = {(double)(rect.x + rect.w - 1), (double)(rect.y + rect.h - 1)};
    tw_lattice_hull(l, box_lo, box_hi, lo, hi);
}

/* Line of n control points, `step` apart, to its 2n - 3 of half the spacing: on old points and between them in turn, the first
 * between the first two. */
static void refine_line(const double *from, int64_t n, int64_t step, double *to, int64_t to_step)
{
    for (int64_t k = 0; k < 2 * n - 3; k++) {
        const double *c = from + (k + 1) / 2 * step;
        to[k * to_step] = k & 1 ? (c[-step] + 6 * c[0] + c[step]) / 8 : (c[0] + c[step]) / 2;
    }
}

tw_status tw_lattice_refine(const tw_lattice *l, tw_lattice **out, tw_error *err)
{
    *out = NULL;
    tw_lattice *half = NULL, *fine = NULL;
    int64_t columns = 2 * l->columns - 3, rows = 2 * l->rows - 3;
    double origin[2], spacing[2];
    for (int a = 0; a < 2; a++) {
        spacing[a] = l->spacing[a] / 2;
        origin[a] = l->origin[a] + spacing[a];
    }
    tw_status status = tw_lattice_new(columns, l->rows, origin, spacing, &half, err);
    if (status == TW_OK)
        status = tw_lattice_new(columns, rows, origin, spacing, &fine, err);
    for (int a = 0; a < 2 && status == TW_OK; a++) {
        for (int64_t j = 0; j < l->rows; j++)
            refine_line(l->u[a] + j * l->columns, l->columns, 1, half->u[a] + j * columns, 1);
        for (int64_t i = 0; i < columns; i++)
            refine_line(half->u[a] + i, l->rows, columns, fine->u[a] + i, columns);
    }
    tw_lattice_free(half);
    *out = fine;
    return status;
}
