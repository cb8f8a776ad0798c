/* SPDX-License-Identifier: MIT */
#include "ops/register/fit.h"

#include <math.h>
#include <string.h>

#define MOST_STEPS 300
#define TOLERANCE  1e-7 /* of the residual, against the right side */

/* Vectors hold x of all control points, then y. */
typedef struct fitter {
    const tw_fit *fit;
    const tw_fit_point *points;
    int64_t n;
    tw_lattice *lattice;
    int64_t size; /* control points */
    double stiff;
    double *huber; /* factor of each point's weight */
    double *x, *b, *r, *z, *p, *ap, *diagonal;
} fitter;

int64_t tw_fit_bytes(int64_t columns, int64_t rows, int64_t n)
{
    return (7 * 2 * columns * rows + n) * (int64_t)sizeof(double) + 8192;
}

/* The first of the 4 x 4 control points that touch a point, and their weights; false outside of the lattice. */
static bool touch(const fitter *f, const tw_fit_point *point, int64_t *first, double wx[4], double wy[4])
{
    const tw_lattice *l = f->lattice;
    double gx = (point->x - l->origin[0]) / l->spacing[0], gy = (point->y - l->origin[1]) / l->spacing[1];
    double ix = floor(gx), iy = floor(gy);
    if (!(ix >= 1 && iy >= 1 && ix + 2 < (double)l->columns && iy + 2 < (double)l->rows))
        return false;
    tw_spline_weights(gx - ix, wx);
    tw_spline_weights(gy - iy, wy);
    *first = ((int64_t)iy - 1) * l->columns + (int64_t)ix - 1;
    return true;
}

static void value_at(const fitter *f, const double *v, int64_t first, const double wx[4], const double wy[4], double u[2])
{
    u[0] = u[1] = 0;
    for (int j = 0; j < 4; j++) {
        const double *x = v + first + j * f->lattice->columns, *y = x + f->size;
        u[0] += wy[j] * (((wx[0] * x[0] + wx[1] * x[1]) + wx[2] * x[2]) + wx[3] * x[3]);
        u[1] += wy[j] * (((wx[0] * y[0] + wx[1] * y[1]) + wx[2] * y[2]) + wx[3] * y[3]);
    }
}

static void add_at(const fitter *f, double *v, int64_t first, const double wx[4], const double wy[4], double a, double b)
{
    for (int j = 0; j < 4; j++) {
        double *x = v + first + j * f->lattice->columns, *y = x + f->size;
        for (int i = 0; i < 4; i++) {
            x[i] += wy[j] * wx[i] * a;
            y[i] += wy[j] * wx[i] * b;
        }
    }
}

/* --- bending energy: second differences of the control points ---- */

static void bend(double *out, const double *v, int64_t a, int64_t b, int64_t c, double stiff)
{
    double q = stiff * (v[a] - 2 * v[b] + v[c]);
    out[a] += q;
    out[b] -= 2 * q;
    out[c] += q;
}

static void add_bending(const fitter *f, const double *v, double *out)
{
    int64_t columns = f->lattice->columns, rows = f->lattice->rows;
    for (int64_t y = 0; y < rows; y++)
        for (int64_t x = 0; x < columns; x++) {
            int64_t k = y * columns + x;
            if (x > 0 && x + 1 < columns)
                bend(out, v, k - 1, k, k + 1, f->stiff);
            if (y > 0 && y + 1 < rows)
                bend(out, v, k - columns, k, k + columns, f->stiff);
            if (x + 1 < columns && y + 1 < rows) {
                double q = 2 * f->stiff * (v[k] - v[k + 1] - v[k + columns] + v[k + columns + 1]);
                out[k] += q;
                out[k + 1] -= q;
                out[k + columns] -= q;
                out[k + columns + 1] += q;
            }
        }
}

/* out = A v; with `right` (nodes' displacements instead of v's values) the right side of A x = b. */
static void apply(const fitter *f, const double *v, double *out)
{
    memset(out, 0, (size_t)(2 * f->size) * sizeof *out);
    for (int64_t k = 0; k < f->n; k++) {
        const tw_fit_point *point = &f->points[k];
        int64_t first;
        double wx[4], wy[4], u[2], h = f->huber[k];
        if (h == 0 || !touch(f, point, &first, wx, wy))
            continue;
        if (v)
            value_at(f, v, first, wx, wy, u);
        else
            memcpy(u, point->d, sizeof u);
        add_at(f, out, first, wx, wy, h * (point->w[0] * u[0] + point->w[1] * u[1]),
               h * (point->w[1] * u[0] + point->w[2] * u[1]));
    }
    for (int c = 0; v && c < 2; c++)
        add_bending(f, v + c * f->size, out + c * f->size);
}

static void make_diagonal(const fitter *f)
{
    double *d = f->diagonal;
    for (int64_t i = 0; i < 2 * f->size; i++)
        d[i] = 20 * f->stiff; /* of the inner control points; a preconditioner need not be exact */
    for (int64_t k = 0; k < f->n; k++) {
        int64_t first;
        double wx[4], wy[4], h = f->huber[k];
        if (h == 0 || !touch(f, &f->points[k], &first, wx, wy))
            continue;
        for (int i = 0; i < 4; i++)
            wx[i] *= wx[i], wy[i] *= wy[i];
        add_at(f, d, first, wx, wy, h * f->points[k].w[0], h * f->points[k].w[2]);
    }
}

/* --- solving ----------------------------------------------------------------------------------------------------- */

static double dot(const double *a, const double *b, int64_t n)
{
    double sum[4] = {0};
    for (int64_t i = 0; i + 3 < n; i += 4)
        for (int j = 0; j < 4; j++)
            sum[j] += a[i + j] * b[i + j];
    for (int64_t i = n / 4 * 4; i < n; i++)
        sum[0] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static int solve(const fitter *f, const tw_context *context)
{
    int64_t n = 2 * f->size;
    double *x = f->x, *r = f->r, *z = f->z, *p = f->p, *ap = f->ap;
    apply(f, NULL, f->b);
    apply(f, x, ap);
    for (int64_t i = 0; i < n; i++) {
        r[i] = f->b[i] - ap[i];
        p[i] = z[i] = r[i] / f->diagonal[i];
        ap[i] = f->b[i] / f->diagonal[i]; /* borrowed: the right side's length in the same norm */
    }
    double rz = dot(r, z, n), enough = TOLERANCE * TOLERANCE * dot(f->b, ap, n);
    int step = 0;
    for (; step < MOST_STEPS && rz > enough && !tw_context_cancelled(context); step++) {
        apply(f, p, ap);
        double along = rz / dot(p, ap, n);
        for (int64_t i = 0; i < n; i++) {
            x[i] += along * p[i];
            r[i] -= along * ap[i];
            z[i] = r[i] / f->diagonal[i];
        }
        double next = dot(r, z, n), keep = next / rz;
        for (int64_t i = 0; i < n; i++)
            p[i] = z[i] + keep * p[i];
        rz = next;
    }
    return step;
}

static double huber_of(const tw_fit *fit, const tw_fit_point *point, const double u[2], double *squared)
{
    double ex = u[0] - point->d[0], ey = u[1] - point->d[1];
    *squared = point->w[0] * ex * ex + 2 * point->w[1] * ex * ey + point->w[2] * ey * ey;
    return *squared <= fit->huber * fit->huber ? 1 : fit->huber / sqrt(*squared);
}

static void weigh(const fitter *f, tw_fit_result *result)
{
    double sum = 0, count = 0;
    for (int64_t k = 0; k < f->n; k++) {
        const tw_fit_point *point = &f->points[k];
        int64_t first;
        double wx[4], wy[4], u[2], squared;
        f->huber[k] = 0;
        if ((point->w[0] == 0 && point->w[2] == 0) || !touch(f, point, &first, wx, wy))
            continue;
        value_at(f, f->x, first, wx, wy, u);
        f->huber[k] = huber_of(f->fit, point, u, &squared);
        sum += f->huber[k] * squared;
        count += f->huber[k];
    }
    result->residual = count > 0 ? sum / count : 0;
}

tw_status tw_fit_lattice(tw_context *context, const tw_fit *fit, const tw_fit_point *points, int64_t n, tw_lattice *lattice,
                         tw_fit_result *result, tw_error *err)
{
    int64_t size = lattice->columns * lattice->rows, bytes = (7 * 2 * size + n) * (int64_t)sizeof(double);
    double *block = tw_alloc(tw_context_account(context), (size_t)bytes);
    *result = (tw_fit_result){0};
    if (!block)
        return tw_fail_memory(err, "lattice fit", bytes);
    fitter f = {.fit = fit, .points = points, .n = n, .lattice = lattice, .size = size, .stiff = fit->stiffness * fit->most};
    double **vector[] = {&f.x, &f.b, &f.r, &f.z, &f.p, &f.ap, &f.diagonal};
    for (int i = 0; i < 7; i++)
        *vector[i] = block + 2 * i * size;
    f.huber = block + 14 * size;
    memcpy(f.x, lattice->u[0], (size_t)size * sizeof(double));
    memcpy(f.x + size, lattice->u[1], (size_t)size * sizeof(double));
    /* What it starts from is coarser: its residuals say nothing of outliers yet. */
    for (int64_t k = 0; k < n; k++)
        f.huber[k] = points[k].w[0] > 0 || points[k].w[2] > 0 ? 1 : 0;
    for (int round = 0; round < fit->rounds; round++) {
        make_diagonal(&f);
        result->steps += solve(&f, context);
        weigh(&f, result);
    }
    tw_status status = tw_context_check(context, err);
    if (status == TW_OK) {
        memcpy(lattice->u[0], f.x, (size_t)size * sizeof(double));
        memcpy(lattice->u[1], f.x + size, (size_t)size * sizeof(double));
    }
    tw_free(block);
    return status;
}
