/* SPDX-License-Identifier: MIT */
/* Lattices, chains, bounds, folds, inverses: against analytic truths and against dense sampling. Where the header
 * promises bits, bits are compared. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "field/field.h"

static tw_lattice *lattice_new(int64_t columns, int64_t rows, double x0, double y0, double sx, double sy)
{
    tw_error err = TW_ERROR_NONE;
    tw_lattice *l;
    if (tw_lattice_new(columns, rows, (double[2]){x0, y0}, (double[2]){sx, sy}, &l, &err) != TW_OK)
        g_error("%s", err.message);
    return l;
}

static tw_lattice *lattice_random(GRand *rand, double amplitude)
{
    int64_t columns = g_rand_int_range(rand, 4, 12), rows = g_rand_int_range(rand, 4, 12);
    static const double spacings[] = {0.37, 1, 3.7, 8, 16, 49, 64};
    double sx = spacings[g_rand_int_range(rand, 0, 7)], sy = spacings[g_rand_int_range(rand, 0, 7)];
    tw_lattice *l = lattice_new(columns, rows, g_rand_double_range(rand, -90, 9), g_rand_double_range(rand, -90, 9), sx, sy);
    for (int64_t k = 0; k < 2 * columns * rows; k++)
        l->u[0][k] = amplitude * g_rand_double_range(rand, -1, 1);
    return l;
}

static double basis(double t)
{
    t = fabs(t);
    return t >= 2 ? 0 : t >= 1 ? pow(2 - t, 3) / 6 : (4 - 6 * t * t + 3 * t * t * t) / 6;
}

/* The sum as the header writes it. */
static void by_definition(const tw_lattice *l, double x, double y, double u[2])
{
    double s = (x - l->origin[0]) / l->spacing[0], t = (y - l->origin[1]) / l->spacing[1];
    u[0] = u[1] = 0;
    if (!(s >= 1 && s <= (double)(l->columns - 2) && t >= 1 && t <= (double)(l->rows - 2)))
        return;
    for (int64_t j = 0; j < l->rows; j++)
        for (int64_t i = 0; i < l->columns; i++)
            for (int a = 0; a < 2; a++)
                u[a] += l->u[a][j * l->columns + i] * basis(s - (double)i) * basis(t - (double)j);
}

/* ---- affine ---- */

static void test_affine(void)
{
    tw_affine a = {{1.1, 0.2, 3, -0.3, 0.9, -7}}, b = {{0.5, -1, 2, 2, 0.25, 8}}, back;
    double p[2], q[2], r[2];
    tw_affine_at(&a, 5, 6, p);
    g_assert_cmpfloat(p[0], ==, (1.1 * 5 + 0.2 * 6) + 3);
    g_assert_cmpfloat(p[1], ==, (-0.3 * 5 + 0.9 * 6) + -7);
    tw_affine both = tw_affine_after(&b, &a);
    tw_affine_at(&b, p[0], p[1], q);
    tw_affine_at(&both, 5, 6, r);
    g_assert_cmpfloat_with_epsilon(q[0], r[0], 1e-12);
    g_assert_cmpfloat_with_epsilon(q[1], r[1], 1e-12);
    g_assert_cmpfloat_with_epsilon(tw_affine_determinant(&both), tw_affine_determinant(&a) * tw_affine_determinant(&b), 1e-12);
    g_assert_true(tw_affine_invert(&both, &back));
    tw_affine_at(&back, r[0], r[1], p);
    g_assert_cmpfloat_with_epsilon(p[0], 5, 1e-12);
    g_assert_cmpfloat_with_epsilon(p[1], 6, 1e-12);
    g_assert_false(tw_affine_invert(&(tw_affine){{1, 2, 0, 2, 4, 0}}, &back));
    g_assert_false(tw_affine_invert(&(tw_affine){{1, 0, NAN, 0, 1, 0}}, &back));
    g_assert_false(tw_affine_invert(&(tw_affine){{1, 0, 0, 0, INFINITY, 0}}, &back));
    g_assert_true(tw_affine_invert(&(tw_affine){{1e-9, 0, 0, 0, 1e-9, 0}}, &back));
}

/* ---- lattice ---- */

static void test_definition(void)
{
    GRand *rand = g_rand_new_with_seed(1);
    for (int turn = 0; turn < 40; turn++) {
        tw_lattice *l = lattice_random(rand, 10);
        for (int k = 0; k < 400; k++) {
            double x = l->origin[0] + l->spacing[0] * g_rand_double_range(rand, -1, (double)l->columns), u[2], v[2];
            double y = l->origin[1] + l->spacing[1] * g_rand_double_range(rand, -1, (double)l->rows);
            tw_lattice_at(l, x, y, u);
            by_definition(l, x, y, v);
            g_assert_cmpfloat_with_epsilon(u[0], v[0], 1e-11);
            g_assert_cmpfloat_with_epsilon(u[1], v[1], 1e-11);
        }
        tw_lattice_free(l);
    }
    g_rand_free(rand);
}

/* Cubic splines hold straight lines and, with the known shift of a sixth, parabolas. */
static void test_polynomials(void)
{
    tw_lattice *l = lattice_new(20, 15, -16, -16, 16, 16);
    double u[2];
    for (int64_t j = 0; j < 15; j++)
        for (int64_t i = 0; i < 20; i++) {
            double x = -16 + 16 * (double)i, y = -16 + 16 * (double)j;
            l->u[0][j * 20 + i] = 3 + 0.25 * x - 0.5 * y;
            l->u[1][j * 20 + i] = x * x - 256. / 3;
        }
    for (double y = 0; y <= 192; y += 3.1)
        for (double x = 0; x <= 272; x += 3.7) {
            tw_lattice_at(l, x, y, u);
            g_assert_cmpfloat_with_epsilon(u[0], 3 + 0.25 * x - 0.5 * y, 1e-12);
            g_assert_cmpfloat_with_epsilon(u[1], x * x, 1e-9);
        }
    tw_lattice_free(l);
}

static void test_support(void)
{
    tw_lattice *l = lattice_new(6, 5, 0, 0, 49, 49);
    double u[2];
    for (int64_t k = 0; k < 60; k++)
        l->u[0][k] = 1;
    static const struct {
        double x, y;
        bool inside;
    } cases[] = {{49, 49, true},   {48.9999, 60, false},  {60, 48.9999, false}, {196, 60, true},
                 {60, 147, true},  {196.001, 60, false},  {60, 147.001, false}, {NAN, 60, false},
                 {60, NAN, false}, {INFINITY, 60, false}, {60, -1e300, false}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        double row[2][1];
        tw_lattice_at(l, cases[i].x, cases[i].y, u);
        tw_lattice_row(l, cases[i].x, cases[i].y, 1, row[0], row[1]);
        g_assert_cmpfloat_with_epsilon(u[0], cases[i].inside ? 1 : 0, 1e-14);
        g_assert_true(memcmp(&u[0], row[0], 8) == 0 && memcmp(&u[1], row[1], 8) == 0);
    }
    tw_lattice_free(l);
}

static void test_rows_bits(void)
{
    enum { N = 700 };
    GRand *rand = g_rand_new_with_seed(2);
    for (int turn = 0; turn < 60; turn++) {
        tw_lattice *l = lattice_random(rand, 20);
        double x0 = g_rand_int_range(rand, -200, 100) + 0.25 * g_rand_int_range(rand, 0, 4), whole[2][N], parts[2][N], u[2];
        double y = l->origin[1] + l->spacing[1] * g_rand_double_range(rand, 0, (double)l->rows);
        tw_lattice_row(l, x0, y, N, whole[0], whole[1]);
        for (int k = 0; k < N; k++) {
            tw_lattice_at(l, x0 + k, y, u);
            g_assert_true(memcmp(&u[0], &whole[0][k], 8) == 0 && memcmp(&u[1], &whole[1][k], 8) == 0);
        }
        for (int k = 0; k < N;) {
            int n = g_rand_int_range(rand, 1, 90);
            n = MIN(n, N - k);
            tw_lattice_row(l, x0 + k, y, n, parts[0] + k, parts[1] + k);
            k += n;
        }
        g_assert_true(memcmp(whole, parts, sizeof whole) == 0);
        tw_lattice_free(l);
    }
    g_rand_free(rand);
}

static void test_cover(void)
{
    static const int64_t sizes[][2] = {{1, 1}, {2, 7}, {64, 65}, {65, 64}, {129, 1000}, {14960, 18960}};
    static const double spacings[] = {1, 3, 16, 24.5, 49, 64, 100};
    for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++)
        for (size_t d = 0; d < G_N_ELEMENTS(spacings); d++) {
            tw_lattice *l;
            int64_t w = sizes[s][0], h = sizes[s][1];
            if ((double)w / spacings[d] * (double)h / spacings[d] > 1e6)
                continue;
            g_assert_cmpint(tw_lattice_cover(w, h, spacings[d], &l, NULL), ==, TW_OK);
            for (int64_t k = 0; k < 2 * l->columns * l->rows; k++)
                l->u[0][k] = 1;
            for (int corner = 0; corner < 4; corner++) {
                double u[2];
                tw_lattice_at(l, corner & 1 ? (double)(w - 1) : 0, corner & 2 ? (double)(h - 1) : 0, u);
                g_assert_cmpfloat_with_epsilon(u[0], 1, 1e-14);
                g_assert_cmpfloat_with_epsilon(u[1], 1, 1e-14);
            }
            /* One column less would end before the last pixel, or upon it. */
            g_assert_true(w == 1 || l->origin[0] + spacings[d] * (double)(l->columns - 3) <= (double)(w - 1));
            tw_lattice_free(l);
        }
    tw_lattice *l;
    tw_error err = TW_ERROR_NONE;
    g_assert_cmpint(tw_lattice_cover(100, 100, 0, &l, &err), ==, TW_ERROR_INPUT);
    g_assert_cmpint(tw_lattice_cover(0, 100, 8, &l, NULL), ==, TW_ERROR_INPUT);
    g_assert_cmpint(tw_lattice_cover(INT64_C(1) << 50, 100, 8, &l, NULL), ==, TW_ERROR_INPUT);
    g_assert_cmpint(tw_lattice_cover(60000, 60000, 2, &l, NULL), ==, TW_ERROR_INPUT);
    g_assert_cmpint(tw_lattice_new(3, 9, (double[]){0, 0}, (double[]){1, 1}, &l, NULL), ==, TW_ERROR_INPUT);
    g_assert_cmpint(tw_lattice_new(9, 9, (double[]){0, NAN}, (double[]){1, 1}, &l, NULL), ==, TW_ERROR_INPUT);
    g_assert_cmpint(tw_lattice_new(9, 9, (double[]){0, 0}, (double[]){1, 1e-320}, &l, NULL), ==, TW_ERROR_INPUT);
    g_assert_null(l);
}

static void test_hull(void)
{
    GRand *rand = g_rand_new_with_seed(3);
    for (int turn = 0; turn < 200; turn++) {
        tw_lattice *l = lattice_random(rand, turn % 4 ? 10 : 0);
        if (turn % 4 == 1)
            for (int64_t k = 0; k < 2 * l->columns * l->rows; k++)
                l->u[0][k] = 5.1; /* nothing to spare: rounding must be in the bounds */
        tw_rect rect = {g_rand_int_range(rand, -120, 300), g_rand_int_range(rand, -120, 300), g_rand_int_range(rand, 1, 60),
                        g_rand_int_range(rand, 1, 60)};
        double lo[2], hi[2], u[2];
        tw_lattice_bounds(l, rect, lo, hi);
        for (int64_t y = rect.y; y < rect.y + rect.h; y++)
            for (int64_t x = rect.x; x < rect.x + rect.w; x++) {
                tw_lattice_at(l, (double)x, (double)y, u);
                for (int a = 0; a < 2; a++)
                    g_assert_true(lo[a] <= u[a] && u[a] <= hi[a]);
            }
        tw_lattice_free(l);
    }
    g_rand_free(rand);
}

/* Control points outside of the range are as good as absent. */
static void test_touching(void)
{
    GRand *rand = g_rand_new_with_seed(4);
    for (int turn = 0; turn < 200; turn++) {
        tw_lattice *l = lattice_random(rand, 10), *less = tw_lattice_copy(l);
        double lo = l->origin[0] + l->spacing[0] * g_rand_double_range(rand, -2, (double)l->columns + 1), u[2], v[2];
        double hi = lo + l->spacing[0] * g_rand_double_range(rand, 0, 3);
        double y = l->origin[1] + l->spacing[1] * (double)(l->rows - 1) / 2;
        tw_span span = tw_lattice_touching(l, 0, lo, hi);
        g_assert_true(span.lo >= 0 && span.hi <= l->columns);
        for (int64_t k = 0; k < 2 * l->columns * l->rows; k++)
            if (k % l->columns < span.lo || k % l->columns >= span.hi)
                less->u[0][k] = 1e9;
        for (int k = 0; k <= 50; k++) {
            tw_lattice_at(l, lo + (hi - lo) * k / 50, y, u);
            tw_lattice_at(less, lo + (hi - lo) * k / 50, y, v);
            g_assert_true(u[0] == v[0] && u[1] == v[1]);
        }
        tw_lattice_free(l);
        tw_lattice_free(less);
    }
    g_rand_free(rand);
}

static void test_refine(void)
{
    GRand *rand = g_rand_new_with_seed(5);
    double worst = 0;
    for (int turn = 0; turn < 40; turn++) {
        tw_lattice *l = lattice_random(rand, 10), *fine;
        g_assert_cmpint(tw_lattice_refine(l, &fine, NULL), ==, TW_OK);
        g_assert_cmpfloat(fine->spacing[0], ==, l->spacing[0] / 2);
        for (int k = 0; k < 500; k++) {
            double u[2], v[2], x = l->origin[0] + l->spacing[0] * g_rand_double_range(rand, 1, (double)l->columns - 2);
            double y = l->origin[1] + l->spacing[1] * g_rand_double_range(rand, 1, (double)l->rows - 2);
            tw_lattice_at(l, x, y, u);
            tw_lattice_at(fine, x, y, v);
            worst = fmax(worst, fmax(fabs(u[0] - v[0]), fabs(u[1] - v[1])));
        }
        tw_lattice_free(l);
        tw_lattice_free(fine);
    }
    g_test_message("refined: %.2g px at most", worst);
    g_assert_cmpfloat(worst, <, 1e-12);
    g_rand_free(rand);
}

/* ---- Jacobian ---- */

static double jacobian_near(const tw_lattice *l, double x, double y)
{
    double e[4][2], h = 1e-4;
    tw_lattice_at(l, x - h, y, e[0]);
    tw_lattice_at(l, x + h, y, e[1]);
    tw_lattice_at(l, x, y - h, e[2]);
    tw_lattice_at(l, x, y + h, e[3]);
    return (1 + (e[1][0] - e[0][0]) / (2 * h)) * (1 + (e[3][1] - e[2][1]) / (2 * h)) -
           (e[3][0] - e[2][0]) / (2 * h) * (e[1][1] - e[0][1]) / (2 * h);
}

static void test_jacobian(void)
{
    GRand *rand = g_rand_new_with_seed(6);
    int folds = 0;
    double gap = 0;
    for (int turn = 0; turn < 60; turn++) {
        tw_lattice *l = lattice_new(7, 6, -8, -8, 8, 8);
        double amplitude = 0.5 + 0.5 * (turn % 40), at[2], dense = INFINITY;
        for (int64_t k = 0; k < 2 * 42; k++)
            l->u[0][k] = amplitude * g_rand_double_range(rand, -1, 1);
        double least = tw_lattice_min_jacobian(l, at);
        for (double y = 0.01; y < 24; y += 0.25)
            for (double x = 0.01; x < 32; x += 0.25)
                dense = fmin(dense, jacobian_near(l, x, y));
        double there = jacobian_near(l, CLAMP(at[0], 0.001, 31.999), CLAMP(at[1], 0.001, 23.999));
        if (least < 0) { /* a point, not only a bound */
            folds++;
            g_assert_cmpfloat_with_epsilon(there, least, 2e-3);
        } else {
            g_assert_cmpfloat(least, <=, dense + 1e-6);
            g_assert_cmpfloat(there, <=, least + 2e-3);
            gap = fmax(gap, there - least);
        }
        tw_lattice_free(l);
    }
    g_test_message("%d of 60 fold; the bound lies %.2g below its point at most", folds, gap);
    g_assert_cmpint(folds, >, 10);
    g_assert_cmpint(folds, <, 50);
    g_rand_free(rand);
}

/* x + k x has the determinant 1 + k everywhere; a slope that just does not fold is told from one that does. */
static void test_jacobian_edges(void)
{
    static const double slopes[] = {0, 0.5, -0.5, -0.9999, -1.0001, -2};
    for (size_t s = 0; s < G_N_ELEMENTS(slopes); s++) {
        tw_lattice *l = lattice_new(8, 8, -16, -16, 16, 16);
        double at[2];
        for (int64_t k = 0; k < 64; k++)
            l->u[0][k] = slopes[s] * (double)(k % 8) * 16;
        g_assert_cmpfloat_with_epsilon(tw_lattice_min_jacobian(l, at), 1 + slopes[s], 1e-10);
        tw_lattice_free(l);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/field/affine", test_affine);
    g_test_add_func("/field/lattice/definition", test_definition);
    g_test_add_func("/field/lattice/polynomials", test_polynomials);
    g_test_add_func("/field/lattice/support", test_support);
    g_test_add_func("/field/lattice/rows", test_rows_bits);
    g_test_add_func("/field/lattice/cover", test_cover);
    g_test_add_func("/field/lattice/hull", test_hull);
    g_test_add_func("/field/lattice/touching", test_touching);
    g_test_add_func("/field/lattice/refine", test_refine);
    g_test_add_func("/field/jacobian/dense", test_jacobian);
    g_test_add_func("/field/jacobian/edges", test_jacobian_edges);
    return g_test_run();
}
