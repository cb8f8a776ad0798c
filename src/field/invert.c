/* SPDX-License-Identifier: MIT */
/* The inverse as a lattice v and the inverse A' of the field's affine parts: G(p) = A'(p + v(p)). */
#include <stdlib.h>

#include "field/room.h"

#define PAD       4 /* nodes beyond the lattice, so that the ends of the interpolation do not reach it */
#define TOLERANCE 1e-9
#define REACH     4 /* spacings beyond a border over which the slope there fades out */

typedef struct inverse {
    const tw_field *field;
    tw_affine forward, back; /* the affine parts and their inverse */
    double origin[2], spacing[2];
    int64_t columns, rows; /* with the padding */
    double *v[2];
    bool smooth; /* whether slopes go on at all beyond borders */
} inverse;

/* ---- the field, continued beyond the borders of its parts: u does not jump to 0 there ---- */

/* The places on one axis whose u, times the weights, make up what is continued: u(border + d) = 2 u(border) -
 * u(border - s(d)), where s(d) = d / sqrt(1 + (d / reach)^2), so that neither u nor its slope has a step.
 * Not smooth: u(border). */
static int places_of(double x, double lo, double hi, double reach, double at[2], double weight[2])
{
    double border = fmin(fmax(x, lo), hi), d = fabs(x - border);
    reach = fmin(reach, hi - lo);
    at[0] = border;
    weight[0] = 1;
    if (!(d > 0) || !(reach > 0))
        return 1;
    double s = d / hypot(1, d / reach);
    at[1] = fmin(fmax(x < border ? border + s : border - s, lo), hi);
    weight[0] = 2;
    weight[1] = -1;
    return 2;
}

static tw_status move_part(const tw_field *field, int i, double p[2], tw_error *err)
{
    float room[2 * (4 + 64)];
    if (tw_field_displacement(field, i))
        return tw_displacement_move(tw_field_displacement(field, i), 1, &p[0], &p[1], room, err);
    tw_lattice_move(tw_field_lattice(field, i), 1, &p[0], &p[1]);
    return TW_OK;
}

/* p += u(p) of a part; *inside: false where it was continued, else as it was. */
static tw_status continue_part(const inverse *g, int i, double p[2], bool *inside, tw_error *err)
{
    const tw_lattice *l = tw_field_lattice(g->field, i);
    const tw_displacement *d = tw_field_displacement(g->field, i);
    double lo[2], hi[2], at[2][2], weight[2][2], u[2] = {0, 0};
    int n[2];
    if (l)
        tw_lattice_support(l, lo, hi);
    else
        tw_displacement_support(d, lo, hi);
    for (int a = 0; a < 2; a++) {
        double reach = g->smooth ? REACH * fmax(l ? l->spacing[a] : d->spacing[a], g->spacing[a]) : 0;
        n[a] = places_of(p[a], lo[a], hi[a], reach, at[a], weight[a]);
        *inside = *inside && p[a] >= lo[a] && p[a] <= hi[a];
    }
    for (int k = 0; k < n[0] * n[1]; k++) {
        int ix = k % n[0], iy = k / n[0];
        double from[2] = {at[0][ix], at[1][iy]}, to[2] = {from[0], from[1]}, w = weight[0][ix] * weight[1][iy];
        TW_TRY(move_part(g->field, i, to, err));
        u[0] += w * (to[0] - from[0]);
        u[1] += w * (to[1] - from[1]);
    }
    p[0] += u[0];
    p[1] += u[1];
    return TW_OK;
}

static tw_status continued(const inverse *g, const double p[2], double out[2], bool *inside, tw_error *err)
{
    out[0] = p[0];
    out[1] = p[1];
    *inside = true;
    for (int i = 0; i < tw_field_parts(g->field); i++) {
        const tw_affine *affine = tw_field_affine(g->field, i);
        if (affine)
            tw_affine_at(affine, out[0], out[1], out);
        else
            TW_TRY(continue_part(g, i, out, inside, err));
    }
    return TW_OK;
}

/* ---- points whose image is known ---- */

/* Length of what is missing to p, as a vector in `d`. */
static tw_status missing(const inverse *g, const double p[2], const double x[2], double d[2], double *length, tw_error *err)
{
    double to[2];
    bool inside;
    TW_TRY(continued(g, x, to, &inside, err));
    d[0] = p[0] - to[0];
    d[1] = p[1] - to[1];
    *length = hypot(d[0], d[1]);
    return TW_OK;
}

static tw_status fixed_point(const inverse *g, const double p[2], double x[2], double *left, tw_error *err)
{
    const double *m = g->back.m;
    double d[2], before = INFINITY;
    for (int turn = 0; turn < 200; turn++) {
        TW_TRY(missing(g, p, x, d, left, err));
        if (!(*left > TOLERANCE) || !(*left < before * 0.95))
            break;
        before = *left;
        x[0] += m[0] * d[0] + m[1] * d[1];
        x[1] += m[3] * d[0] + m[4] * d[1];
    }
    return TW_OK;
}

/* One step with the Jacobian at x, halved until it helps. False: none does. */
static tw_status newton_step(const inverse *g, const double p[2], double x[2], double *left, bool *helps, tw_error *err)
{
    const double h = 1e-3;
    double d[2], e[4][2], unused;
    *helps = false;
    TW_TRY(missing(g, p, x, d, left, err));
    for (int k = 0; k < 4; k++)
        TW_TRY(missing(g, p,
                       (double[]){x[0] + (k == 0   ? h
                                          : k == 1 ? -h
                                                   : 0),
                                  x[1] + (k == 2   ? h
                                          : k == 3 ? -h
                                                   : 0)},
                       e[k], &unused, err));
    tw_affine slope = {{(e[1][0] - e[0][0]) / (2 * h), (e[3][0] - e[2][0]) / (2 * h), 0, (e[1][1] - e[0][1]) / (2 * h),
                        (e[3][1] - e[2][1]) / (2 * h), 0}};
    tw_affine back;
    if (!tw_affine_invert(&slope, &back))
        return TW_OK;
    double step[2], try[2], now, off[2];
    tw_affine_at(&back, d[0], d[1], step);
    for (double share = 1; share > 1e-3 && !*helps; share /= 2) {
        try[0] = x[0] + share * step[0];
        try[1] = x[1] + share * step[1];
        TW_TRY(missing(g, p, try, off, &now, err));
        *helps = now < *left;
    }
    if (*helps) {
        x[0] = try[0];
        x[1] = try[1];
        *left = now;
    }
    return TW_OK;
}

/* x with F(x) = p; `must`: where there is none, it is an error. */
static tw_status solve(const inverse *g, const double p[2], bool must, double x[2], tw_error *err)
{
    double left = INFINITY;
    bool helps = true;
    TW_TRY(fixed_point(g, p, x, &left, err));
    for (int turn = 0; turn < 50 && left > TOLERANCE && helps; turn++)
        TW_TRY(newton_step(g, p, x, &left, &helps, err));
    /* Rounding ends both before the tolerance where coordinates are large. */
    if (must && !(left <= TOLERANCE + 1e-13 * (fabs(p[0]) + fabs(p[1]))))
        return tw_fail(err, TW_ERROR_INPUT, "the field cannot be inverted at %.1f, %.1f: it comes no nearer than %.3g px", p[0],
                       p[1], left);
    return TW_OK;
}

/* v at every node, in rows; each begins where its neighbour ended. */
static tw_status solve_nodes(inverse *g, int64_t w, int64_t h, tw_error *err)
{
    for (int64_t j = 0; j < g->rows; j++)
        for (int64_t i = 0; i < g->columns; i++) {
            double p[2] = {g->origin[0] + g->spacing[0] * (double)i, g->origin[1] + g->spacing[1] * (double)j}, x[2], to[2];
            int64_t here = j * g->columns + i, near = i > 0 ? here - 1 : j > 0 ? here - g->columns : -1;
            bool must = p[0] >= -0.5 && p[1] >= -0.5 && p[0] <= (double)w - 0.5 && p[1] <= (double)h - 0.5;
            tw_affine_at(&g->back, p[0] + (near >= 0 ? g->v[0][near] : 0), p[1] + (near >= 0 ? g->v[1][near] : 0), x);
            TW_TRY(solve(g, p, must, x, err));
            tw_affine_at(&g->forward, x[0], x[1], to);
            g->v[0][here] = to[0] - p[0];
            g->v[1][here] = to[1] - p[1];
        }
    return TW_OK;
}

/* Whether the nodes' images keep their order, as they do unless the continued field folds. */
static bool in_order(const inverse *g)
{
    for (int64_t j = 0; j + 1 < g->rows; j++)
        for (int64_t i = 0; i + 1 < g->columns; i++) {
            int64_t k = j * g->columns + i;
            double right[2], down[2];
            for (int a = 0; a < 2; a++) {
                right[a] = (a == 0 ? g->spacing[0] : 0) + g->v[a][k + 1] - g->v[a][k];
                down[a] = (a == 1 ? g->spacing[1] : 0) + g->v[a][k + g->columns] - g->v[a][k];
            }
            if (!(right[0] * down[1] - right[1] * down[0] > 0))
                return false;
        }
    return true;
}

/* Slopes that go on may fold what the field itself does not: then they do not go on. */
static tw_status solve_continued(inverse *g, int64_t w, int64_t h, tw_error *err)
{
    tw_error own = TW_ERROR_NONE;
    g->smooth = true;
    tw_status status = solve_nodes(g, w, h, &own);
    if (status == TW_OK && in_order(g))
        return TW_OK;
    g->smooth = false;
    return solve_nodes(g, w, h, err);
}

/* Values on a line of nodes to the control points of the spline through them; straight beyond its ends. `room`: n numbers. */
static void interpolate_line(double *c, int64_t n, int64_t step, double *room)
{
    room[0] = 0; /* the first control point is the first value: no curvature there */
    for (int64_t i = 1; i < n - 1; i++) {
        room[i] = 1 / (4 - room[i - 1]);
        c[i * step] = (6 * c[i * step] - c[(i - 1) * step]) * room[i];
    }
    for (int64_t i = n - 2; i > 0; i--)
        c[i * step] -= room[i] * c[(i + 1) * step];
}

static void interpolate(inverse *g, double *room)
{
    for (int a = 0; a < 2; a++) {
        for (int64_t j = 0; j < g->rows; j++)
            interpolate_line(g->v[a] + j * g->columns, g->columns, 1, room);
        for (int64_t i = 0; i < g->columns; i++)
            interpolate_line(g->v[a] + i, g->rows, g->columns, room);
    }
}

/* The greatest error on a grid of half the spacing, where nothing had to be continued. */
static tw_status greatest_residual(const inverse *g, const tw_field *result, int64_t w, int64_t h, double *residual,
                                   tw_error *err)
{
    double step[2] = {g->spacing[0] / 2, g->spacing[1] / 2}, to[2], x[2];
    bool inside;
    *residual = 0;
    for (int64_t j = 0; step[1] * (double)j <= (double)(h - 1); j++)
        for (int64_t i = 0; step[0] * (double)i <= (double)(w - 1); i++) {
            double p[2] = {step[0] * (double)i, step[1] * (double)j};
            TW_TRY(tw_field_row(result, p[0], p[1], 1, &x[0], &x[1], NULL, err));
            TW_TRY(continued(g, x, to, &inside, err));
            double length = hypot(p[0] - to[0], p[1] - to[1]);
            *residual = inside && length > *residual ? length : *residual;
        }
    return TW_OK;
}

static tw_status fill(inverse *g, tw_lattice *l, int64_t w, int64_t h, tw_error *err)
{
    for (int a = 0; a < 2; a++) {
        g->spacing[a] = l->spacing[a];
        g->origin[a] = l->origin[a] - PAD * l->spacing[a];
    }
    g->columns = l->columns + 2 * PAD;
    g->rows = l->rows + 2 * PAD;
    size_t points = (size_t)(g->columns * g->rows), line = (size_t)tw_max64(g->columns, g->rows);
    double *block = calloc(2 * points + line, sizeof *block);
    if (!block)
        return tw_fail_memory(err, "inverse field", (long long)((2 * points + line) * sizeof *block));
    g->v[0] = block;
    g->v[1] = block + points;
    tw_status status = solve_continued(g, w, h, err);
    if (status == TW_OK)
        interpolate(g, block + 2 * points);
    for (int64_t k = 0; k < 2 * l->columns * l->rows; k++) {
        int64_t a = k / (l->columns * l->rows), i = k % l->columns, j = k / l->columns % l->rows;
        l->u[0][k] = g->v[a][(j + PAD) * g->columns + i + PAD];
    }
    free(block);
    return status;
}

tw_status tw_field_invert(const tw_field *field, int64_t w, int64_t h, double spacing, tw_field **out, double *residual,
                          tw_error *err)
{
    inverse g = {.field = field, .forward = TW_AFFINE_IDENTITY};
    tw_lattice *lattice;
    *out = NULL;
    *residual = 0;
    TW_TRY(tw_field_check(field, "the field", false, err));
    for (int i = 0; i < tw_field_parts(field); i++)
        if (tw_field_affine(field, i))
            g.forward = tw_affine_after(tw_field_affine(field, i), &g.forward);
    if (!tw_affine_invert(&g.forward, &g.back))
        return tw_fail(err, TW_ERROR_INPUT, "the field's affine parts are singular together");
    tw_field *result = tw_field_new();
    if (tw_field_is_affine(field, &g.forward)) {
        tw_field_add_affine(result, &g.back);
        *out = result;
        return TW_OK;
    }
    tw_status status = tw_lattice_cover(w, h, spacing, &lattice, err);
    if (status == TW_OK) {
        tw_field_add_lattice(result, lattice);
        tw_field_add_affine(result, &g.back);
        status = fill(&g, lattice, w, h, err);
    }
    if (status == TW_OK)
        status = greatest_residual(&g, result, w, h, residual, err);
    if (status == TW_OK)
        *out = result;
    else
        tw_field_free(result);
    return status;
}
