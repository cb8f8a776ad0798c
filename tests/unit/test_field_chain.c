/* SPDX-License-Identifier: MIT */
/* Chains of affine maps, lattices and displacements: against parts evaluated one by one in another way, the same bits
 * however a row is split, bounds that hold and that are not loose, and what must not be applied. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "field/field.h"

/* ---- displacements in memory ---- */

typedef struct grid {
    int64_t width, height, reads, bad; /* bad: reads from this one on fail; -1: none */
    float *pairs;
} grid;

static tw_status grid_read(void *user, tw_rect rect, float *pairs, tw_error *err)
{
    grid *g = user;
    if (g->bad >= 0 && g->reads++ >= g->bad)
        return tw_fail(err, TW_ERROR_INPUT, "grid: cannot be read");
    g_assert_true(rect.x >= 0 && rect.y >= 0 && rect.w > 0 && rect.h > 0);
    g_assert_true(rect.x + rect.w <= g->width && rect.y + rect.h <= g->height);
    for (int64_t y = 0; y < rect.h; y++)
        memcpy(pairs + 2 * y * rect.w, g->pairs + 2 * ((rect.y + y) * g->width + rect.x), (size_t)rect.w * 2 * sizeof *pairs);
    return TW_OK;
}

static void grid_close(void *user)
{
    grid *g = user;
    g_free(g->pairs);
    g_free(g);
}

static tw_displacement grid_new(GRand *rand, int64_t width, int64_t height, double amplitude)
{
    grid *g = g_new0(grid, 1);
    *g = (grid){width, height, 0, -1, g_new(float, 2 * (gsize)(width * height))};
    for (int64_t k = 0; k < 2 * width * height; k++)
        g->pairs[k] = (float)(amplitude * g_rand_double_range(rand, -1, 1));
    return (tw_displacement){.width = width,
                             .height = height,
                             .origin = {g_rand_double_range(rand, -20, 20), g_rand_double_range(rand, -20, 20)},
                             .spacing = {g_rand_double_range(rand, 0.5, 9), g_rand_double_range(rand, 0.5, 9)},
                             .least = {1, 1},
                             .most = {-1, -1},
                             .read = grid_read,
                             .close = grid_close,
                             .user = g};
}

/* ---- random chains ---- */

static tw_affine affine_random(GRand *rand)
{
    tw_affine a;
    for (int i = 0; i < 6; i++)
        a.m[i] = i % 3 == 2 ? g_rand_double_range(rand, -30, 30) : (i % 4 == 0) + g_rand_double_range(rand, -0.2, 0.2);
    return a;
}

static tw_lattice *lattice_random(GRand *rand, double amplitude)
{
    tw_lattice *l;
    int64_t columns = g_rand_int_range(rand, 4, 12), rows = g_rand_int_range(rand, 4, 12);
    double origin[2] = {g_rand_double_range(rand, -90, 9), g_rand_double_range(rand, -90, 9)};
    double spacing[2] = {g_rand_double_range(rand, 2, 60), g_rand_double_range(rand, 2, 60)};
    g_assert_cmpint(tw_lattice_new(columns, rows, origin, spacing, &l, NULL), ==, TW_OK);
    for (int64_t k = 0; k < 2 * columns * rows; k++)
        l->u[0][k] = amplitude * g_rand_double_range(rand, -1, 1);
    return l;
}

/* Letters: a affine, l lattice, d displacement. */
static tw_field *chain(GRand *rand, const char *order, double amplitude)
{
    tw_field *field = tw_field_new();
    for (; *order; order++) {
        if (*order == 'a')
            tw_field_add_affine(field, &(tw_affine[]){affine_random(rand)}[0]);
        else if (*order == 'l')
            tw_field_add_lattice(field, lattice_random(rand, amplitude));
        else
            tw_field_add_displacement(field, &(tw_displacement[]){grid_new(rand, g_rand_int_range(rand, 1, 40),
                                                                           g_rand_int_range(rand, 1, 40), amplitude)}[0]);
    }
    return field;
}

static const char *const ORDERS[] = {"", "a", "l", "d", "al", "la", "ll", "ad", "ld", "dl", "ala", "lald", "dd", "alaldal"};

/* ---- a plain reference ---- */

/* Cox-de Boor: the cubic B-spline over the knots 0, 1, 2, 3, 4. */
static double cox_de_boor(int degree, int knot, double t)
{
    if (degree == 0)
        return t >= knot && t < knot + 1 ? 1 : 0;
    return (t - knot) / degree * cox_de_boor(degree - 1, knot, t) +
           (knot + degree + 1 - t) / degree * cox_de_boor(degree - 1, knot + 1, t);
}

static void lattice_plain(const tw_lattice *l, double p[2])
{
    double s = (p[0] - l->origin[0]) / l->spacing[0], t = (p[1] - l->origin[1]) / l->spacing[1], u[2] = {0, 0};
    if (!(s >= 1 && s <= (double)(l->columns - 2) && t >= 1 && t <= (double)(l->rows - 2)))
        return;
    for (int64_t k = 0; k < l->columns * l->rows; k++) {
        double i = (double)(k % l->columns), j = (double)(k / l->columns);
        double b = cox_de_boor(3, 0, s - i + 2) * cox_de_boor(3, 0, t - j + 2);
        for (int a = 0; a < 2; a++)
            u[a] += b * l->u[a][k];
    }
    p[0] += u[0];
    p[1] += u[1];
}

/* Hats of width 2 around the samples; a point outside is drawn to the border first. */
static void displacement_plain(const tw_displacement *d, double p[2])
{
    const grid *g = d->user;
    double s = (p[0] - d->origin[0]) / d->spacing[0], t = (p[1] - d->origin[1]) / d->spacing[1];
    if (!(s >= -0.5 && s <= (double)g->width - 0.5 && t >= -0.5 && t <= (double)g->height - 0.5))
        return;
    s = CLAMP(s, 0, (double)(g->width - 1));
    t = CLAMP(t, 0, (double)(g->height - 1));
    for (int64_t k = 0; k < g->width * g->height; k++) {
        double hat = fmax(1 - fabs(s - (double)(k % g->width)), 0) * fmax(1 - fabs(t - (double)(k / g->width)), 0);
        p[0] += hat * (double)g->pairs[2 * k];
        p[1] += hat * (double)g->pairs[2 * k + 1];
    }
}

static void field_plain(const tw_field *field, double p[2])
{
    for (int i = 0; i < tw_field_parts(field); i++) {
        const tw_affine *a = tw_field_affine(field, i);
        if (a) {
            double x = p[0], y = p[1];
            p[0] = a->m[0] * x + a->m[1] * y + a->m[2];
            p[1] = a->m[3] * x + a->m[4] * y + a->m[5];
        } else if (tw_field_lattice(field, i))
            lattice_plain(tw_field_lattice(field, i), p);
        else
            displacement_plain(tw_field_displacement(field, i), p);
    }
}

/* A point within rounding of an edge may fall to either side: whoever asks moves it by this and takes both for right. */
static bool near_plain(const tw_field *field, double x, double y, const double got[2])
{
    static const double NUDGES[] = {0, 1e-9, -1e-9};
    for (int k = 0; k < 9; k++) {
        double p[2] = {x + NUDGES[k % 3], y + NUDGES[k / 3]};
        field_plain(field, p);
        if (fabs(p[0] - got[0]) < 1e-7 && fabs(p[1] - got[1]) < 1e-7)
            return true;
    }
    return false;
}

static void row(const tw_field *field, double x0, double y, int64_t n, double *x, double *y_out)
{
    tw_error err = TW_ERROR_NONE;
    void *scratch = g_malloc((gsize)tw_field_scratch(field, n) + 1);
    if (tw_field_row(field, x0, y, n, x, y_out, scratch, &err) != TW_OK)
        g_error("%s", err.message);
    g_free(scratch);
}

static void test_composition(void)
{
    enum { N = 120 };
    GRand *rand = g_rand_new_with_seed(11);
    for (size_t turn = 0; turn < 6 * G_N_ELEMENTS(ORDERS); turn++) {
        tw_field *field = chain(rand, ORDERS[turn % G_N_ELEMENTS(ORDERS)], 8);
        double x[N], y[N], x0 = g_rand_double_range(rand, -80, 20), at = g_rand_double_range(rand, -60, 200);
        row(field, x0, at, N, x, y);
        for (int k = 0; k < N; k++)
            if (!near_plain(field, x0 + k, at, (double[]){x[k], y[k]}))
                g_error("%s: %g, %g goes to %.17g, %.17g", ORDERS[turn % G_N_ELEMENTS(ORDERS)], x0 + k, at, x[k], y[k]);
        tw_field_free(field);
    }
    g_rand_free(rand);
}

static void test_split(void)
{
    enum { N = 600 };
    GRand *rand = g_rand_new_with_seed(12);
    for (size_t turn = 0; turn < 4 * G_N_ELEMENTS(ORDERS); turn++) {
        tw_field *field = chain(rand, ORDERS[turn % G_N_ELEMENTS(ORDERS)], 30);
        double whole[2][N], parts[2][N], x0 = g_rand_int_range(rand, -300, 50), y = g_rand_int_range(rand, -60, 200);
        row(field, x0, y, N, whole[0], whole[1]);
        for (int most = 1; most < N; most = most * 5 + 1)
            for (int k = 0, n; k < N; k += n) {
                n = g_rand_int_range(rand, 1, most + 1);
                n = MIN(n, N - k);
                row(field, x0 + k, y, n, parts[0] + k, parts[1] + k);
                g_assert_cmpmem(whole[0] + k, (gsize)n * 8, parts[0] + k, (gsize)n * 8);
                g_assert_cmpmem(whole[1] + k, (gsize)n * 8, parts[1] + k, (gsize)n * 8);
            }
        tw_field_free(field);
    }
    g_rand_free(rand);
}

/* ---- bounds ---- */

/* How far the points of a rectangle go; the box holds all of them. */
static void spread(const tw_field *field, tw_rect rect, double lo[2], double hi[2])
{
    double x[64], y[64], least[2] = {INFINITY, INFINITY}, most[2] = {-INFINITY, -INFINITY};
    g_assert_true(tw_field_bounds(field, rect, lo, hi));
    for (int64_t j = 0; j < rect.h; j++) {
        row(field, (double)rect.x, (double)(rect.y + j), rect.w, x, y);
        for (int64_t k = 0; k < rect.w; k++) {
            g_assert_true(x[k] >= lo[0] && x[k] <= hi[0] && y[k] >= lo[1] && y[k] <= hi[1]);
            least[0] = fmin(least[0], x[k]);
            least[1] = fmin(least[1], y[k]);
            most[0] = fmax(most[0], x[k]);
            most[1] = fmax(most[1], y[k]);
        }
    }
    for (int a = 0; a < 2; a++) {
        lo[a] = least[a] - lo[a];
        hi[a] -= most[a];
    }
}

static void test_bounds_hold(void)
{
    GRand *rand = g_rand_new_with_seed(13);
    tw_error err = TW_ERROR_NONE;
    for (size_t turn = 0; turn < 20 * G_N_ELEMENTS(ORDERS); turn++) {
        const char *order = ORDERS[turn % G_N_ELEMENTS(ORDERS)];
        tw_field *field = chain(rand, order, turn % 3 ? 9 : 300);
        double lo[2], hi[2];
        tw_rect rect = {g_rand_int_range(rand, -90, 300), g_rand_int_range(rand, -90, 300), g_rand_int_range(rand, 1, 64),
                        g_rand_int_range(rand, 1, 64)};
        g_assert_true(tw_field_bounds(field, rect, lo, hi) == !strchr(order, 'd'));
        g_assert_cmpint(tw_field_measure(field, &err), ==, TW_OK);
        spread(field, rect, lo, hi);
        tw_field_free(field);
    }
    g_rand_free(rand);
}

/* What the box has too much: nothing for affine maps without shear; for a lattice as much as its control points differ
 * around a tile. */
static void test_bounds_tight(void)
{
    tw_field *field = tw_field_new();
    double lo[2], hi[2], extra = 0;
    tw_field_add_affine(field, &(tw_affine){{1.5, 0, -3, 0, 0.75, 9}});
    spread(field, (tw_rect){5, -7, 40, 30}, lo, hi);
    for (int a = 0; a < 2; a++)
        g_assert_true(lo[a] < 1e-12 && hi[a] < 1e-12);
    tw_lattice *l;
    g_assert_cmpint(tw_lattice_cover(2000, 2000, 64, &l, NULL), ==, TW_OK);
    for (int64_t k = 0; k < l->columns * l->rows; k++) { /* 60 px and a wavelength of 1250, as scans of fabric may have it */
        l->u[0][k] = 60 * sin(2 * G_PI * 64 / 1250 * (double)(k % l->columns));
        l->u[1][k] = 60 * cos(2 * G_PI * 64 / 1250 * (double)(k / l->columns));
    }
    tw_field_free(field);
    field = tw_field_new();
    tw_field_add_lattice(field, l);
    for (int64_t y = 0; y < 1900; y += 90)
        for (int64_t x = 0; x < 1900; x += 90) {
            spread(field, (tw_rect){x, y, 64, 64}, lo, hi);
            for (int a = 0; a < 2; a++)
                extra = fmax(extra, fmax(lo[a], hi[a]));
        }
    g_test_message("the box of a tile passes its points by %.1f px at most", extra);
    g_assert_cmpfloat(extra, <, 58); /* the slope, 0.3, over the tile and two spacings */
    tw_field_free(field);
}

/* ---- what cannot be read, what must not be applied ---- */

static void test_unreadable(void)
{
    GRand *rand = g_rand_new_with_seed(14);
    tw_displacement d = grid_new(rand, 30, 30, 1);
    ((grid *)d.user)->bad = 2;
    tw_field *field = tw_field_new();
    tw_error err = TW_ERROR_NONE;
    tw_field_add_displacement(field, &d);
    g_assert_cmpint(tw_field_measure(field, &err), ==, TW_ERROR_INPUT);
    double x[8], y[8], scratch[400];
    g_assert_cmpint(tw_field_scratch(field, 8), <=, sizeof scratch);
    tw_status status = tw_field_row(field, d.origin[0], d.origin[1], 8, x, y, scratch, &err);
    g_assert_cmpint(status, ==, TW_ERROR_INPUT);
    g_assert_cmpstr(err.message, ==, "grid: cannot be read");
    tw_field_free(field);
    g_rand_free(rand);
}

static void refused(tw_field *field, bool folds_allowed, const char *message)
{
    tw_error err = TW_ERROR_NONE;
    g_assert_cmpint(tw_field_check(field, "f.tfm", folds_allowed, &err), ==, message ? TW_ERROR_INPUT : TW_OK);
    if (message && !strstr(err.message, message))
        g_error("'%s' where '%s' is expected", err.message, message);
    g_assert_true(!message || g_str_has_prefix(err.message, "f.tfm: part 2: "));
    tw_field_free(field);
}

/* A part that is as it should be, then one that is not. */
static tw_field *behind_identity(const tw_affine *affine, int64_t point, double value)
{
    tw_field *field = tw_field_new();
    tw_lattice *l;
    tw_field_add_affine(field, &(tw_affine)TW_AFFINE_IDENTITY);
    if (affine) {
        tw_field_add_affine(field, affine);
        return field;
    }
    g_assert_cmpint(tw_lattice_cover(100, 80, 16, &l, NULL), ==, TW_OK);
    l->u[0][point] = value;
    tw_field_add_lattice(field, l);
    return field;
}

static void test_check(void)
{
    tw_lattice *l;
    g_assert_cmpint(tw_lattice_cover(100, 80, 16, &l, NULL), ==, TW_OK);
    int64_t second = l->columns * l->rows + 3 * l->columns + 5, first = 3 * l->columns + 4;
    tw_lattice_free(l);
    refused(behind_identity(NULL, first, 15), false, NULL);
    refused(behind_identity(NULL, first, 60), false, "the lattice folds: Jacobian -");
    refused(behind_identity(NULL, first, 60), true, NULL);
    refused(behind_identity(NULL, second, NAN), true, "control point 5, 3 is nan");
    refused(behind_identity(NULL, second, -INFINITY), false, "control point 5, 3 is -inf");
    refused(behind_identity(&(tw_affine){{1, 0, 0, 0, INFINITY, 0}}, 0, 0), true, "number 5 of the affine map is inf");
    refused(behind_identity(&(tw_affine){{1, 2, 0, 2, 4, 0}}, 0, 0), true, "singular: determinant 0");
}

/* ---- chains as values, inverses ---- */

static void test_append(void)
{
    GRand *rand = g_rand_new_with_seed(15);
    tw_affine all, a = affine_random(rand), b = affine_random(rand), both = tw_affine_after(&b, &a);
    tw_field *field = tw_field_new(), *other = tw_field_new();
    g_assert_true(tw_field_is_affine(field, &all));
    g_assert_cmpmem(&all, sizeof all, &(tw_affine)TW_AFFINE_IDENTITY, sizeof all);
    tw_field_add_affine(field, &a);
    tw_field_add_affine(other, &b);
    tw_field_append(field, other);
    g_assert_cmpint(tw_field_parts(field), ==, 2);
    g_assert_true(tw_field_is_affine(field, &all));
    g_assert_cmpmem(&all, sizeof all, &both, sizeof both);
    tw_field_append(field, chain(rand, "dl", 3));
    g_assert_cmpint(tw_field_parts(field), ==, 4);
    g_assert_false(tw_field_is_affine(field, &all));
    g_assert_nonnull(tw_field_displacement(field, 2));
    g_assert_nonnull(tw_field_lattice(field, 3));
    g_assert_null(tw_field_affine(field, 2));
    tw_field_free(field);
    tw_field_free(NULL);
    g_rand_free(rand);
}

static tw_field *smooth_field(double amplitude)
{
    tw_field *field = tw_field_new();
    tw_lattice *l;
    g_assert_cmpint(tw_lattice_cover(600, 500, 64, &l, NULL), ==, TW_OK);
    for (int64_t k = 0; k < 2 * l->columns * l->rows; k++)
        l->u[0][k] = amplitude * sin(0.9 * (double)(k % l->columns) + 0.6 * (double)(k / l->columns));
    tw_field_add_affine(field, &(tw_affine){{0.98, -0.17, 40, 0.18, 0.99, -30}});
    tw_field_add_lattice(field, l);
    return field;
}

/* The greatest |F(G(p)) - p| over points of a picture that come from inside the lattice, behind an affine map or not. */
static double greatest_gap(const tw_field *field, const tw_field *back, int64_t w, int64_t h)
{
    double worst = 0, p[2], q[2];
    for (double y = 0; y < (double)h; y += 2.3)
        for (double x = 0; x < (double)w; x += 1.9) {
            row(back, x, y, 1, &p[0], &p[1]);
            row(field, p[0], p[1], 1, &q[0], &q[1]);
            if (tw_field_affine(field, 0))
                tw_affine_at(tw_field_affine(field, 0), p[0], p[1], p);
            if (p[0] > 1 && p[1] > 1 && p[0] < 598 && p[1] < 498)
                worst = fmax(worst, hypot(q[0] - x, q[1] - y));
        }
    return worst;
}

/* Near the border of the field its inverse is as good as the continuation is smooth; far from it, much better. */
static void test_inverse(void)
{
    tw_error err = TW_ERROR_NONE;
    tw_field *field = smooth_field(8), *back;
    double before = INFINITY, residual;
    for (double spacing = 32; spacing >= 4; spacing /= 2) {
        g_assert_cmpint(tw_field_invert(field, 400, 380, spacing, &back, &residual, &err), ==, TW_OK);
        double worst = greatest_gap(field, back, 400, 380);
        g_test_message("spacing %g: %.2g px, said %.2g", spacing, worst, residual);
        g_assert_cmpfloat(worst, <=, residual * 1.25);
        g_assert_cmpfloat(residual, <, before / 2);
        before = residual;
        tw_field_free(back);
    }
    g_assert_cmpfloat(before, <, 5e-3);
    tw_field_free(field);
}

/* Fields that nearly fold still have inverses, whatever becomes of their slopes beyond the border. */
static void test_inverse_steep(void)
{
    GRand *rand = g_rand_new_with_seed(16);
    tw_error err = TW_ERROR_NONE;
    double steepest = INFINITY, greatest = 0;
    for (int turn = 0; turn < 20; turn++) {
        tw_lattice *l;
        tw_field *field = tw_field_new(), *back;
        double at[2], residual, least;
        g_assert_cmpint(tw_lattice_cover(600, 500, 64, &l, NULL), ==, TW_OK);
        for (int64_t k = 0; k < 2 * l->columns * l->rows; k++)
            l->u[0][k] = 50 * g_rand_double_range(rand, -1, 1);
        for (; (least = tw_lattice_min_jacobian(l, at)) < 0.1;)
            for (int64_t k = 0; k < 2 * l->columns * l->rows; k++)
                l->u[0][k] *= 0.95;
        steepest = fmin(steepest, least);
        tw_field_add_lattice(field, l);
        if (tw_field_invert(field, 600, 500, 4, &back, &residual, &err) != TW_OK)
            g_error("%s", err.message);
        greatest = fmax(greatest, residual);
        g_assert_cmpfloat(greatest_gap(field, back, 600, 500), <=, residual * 1.5);
        tw_field_free(field);
        tw_field_free(back);
    }
    g_test_message("least Jacobian %.2f: %.2g px", steepest, greatest);
    g_assert_cmpfloat(greatest, <, 0.7);
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/field/chain/composition", test_composition);
    g_test_add_func("/field/chain/split", test_split);
    g_test_add_func("/field/chain/bounds", test_bounds_hold);
    g_test_add_func("/field/chain/bounds_tight", test_bounds_tight);
    g_test_add_func("/field/chain/unreadable", test_unreadable);
    g_test_add_func("/field/chain/check", test_check);
    g_test_add_func("/field/chain/append", test_append);
    g_test_add_func("/field/chain/inverse", test_inverse);
    g_test_add_func("/field/chain/inverse_steep", test_inverse_steep);
    return g_test_run();
}
