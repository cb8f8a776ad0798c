/* SPDX-License-Identifier: MIT */
/* What interpolation by engines that cannot be looked into is made of: motion between small frames, and noise. */
#include "ops/interpolate/motion.h"
#include "ops/interpolate/noise.h"
#include "pair_fixture.h"

static tw_motion find(const scene *s, double time, int coarse)
{
    g_autofree float *a = scene_frame(s, 0), *b = scene_frame(s, 1);
    tw_account *account = tw_account_new(NULL, "test", tw_motion_bytes(s->w, s->h) + tw_motion_work_bytes(s->w, s->h) + 16384);
    tw_error err = TW_ERROR_NONE;
    tw_motion motion;
    assert_ok(tw_motion_find(NULL, a, b, s->w, s->h, time, coarse, &motion, &err), err);
    tw_motion counted;
    assert_ok(tw_motion_find(account, a, b, s->w, s->h, time, coarse, &counted, &err),
              err); /* the bytes that were promised do */
    tw_motion_free(&counted);
    g_assert_cmpint(tw_account_used(account), ==, 0);
    tw_account_free(account);
    return motion;
}

/* How many of 100 blocks are within `near` pixels of the shift, along both axes; of those whose place both pictures show. */
static double share_near(const tw_motion *m, const double v[2], double time, double near)
{
    int64_t n = 0, all = 0;
    for (int64_t i = 0; i < m->columns * m->rows; i++) {
        double x = (double)(i % m->columns * 8) + 4, y = (double)(i / m->columns * 8) + 4;
        double ax = x - v[0] * time, ay = y - v[1] * time, bx = ax + v[0], by = ay + v[1];
        if (ax < 4 || ay < 4 || bx < 4 || by < 4 || fmax(ax, bx) > (double)m->w - 4 || fmax(ay, by) > (double)m->h - 4)
            continue;
        all++;
        n += fabs((double)m->v[0][i] - v[0]) <= near && fabs((double)m->v[1][i] - v[1]) <= near;
    }
    return 100.0 * (double)n / (double)all;
}

static void test_shifts(void)
{
    static const double pans[][2] = {{0, 0}, {3, -1}, {-12, 7.5}, {40, 16}, {-64, -30}, {0, 50}};
    static const double times[] = {0.5, 0.25, 0.9};
    for (size_t i = 0; i < G_N_ELEMENTS(pans); i++)
        for (size_t t = 0; t < G_N_ELEMENTS(times); t++)
            for (int coarse = 0; coarse < 2; coarse++) {
                scene s = {.w = 240, .h = 176, .pan = {pans[i][0], pans[i][1]}, .no_object = true};
                tw_motion m = find(&s, times[t], coarse);
                double near = share_near(&m, pans[i], times[t], coarse ? 1 : 0.5);
                g_test_message("pan %g,%g time %g coarse %d: %.1f %% of the blocks", pans[i][0], pans[i][1], times[t], coarse,
                               near);
                g_assert_cmpfloat(near, >, 95);
                g_assert_cmpfloat((double)m.residual[m.rows / 2 * m.columns + m.columns / 2], <, 0.02);
                tw_motion_free(&m);
            }
}

/* A light that changes is no motion, nor does it hide one. */
static void test_flicker(void)
{
    static const double pans[][2] = {{0, 0}, {24, -10}};
    for (size_t i = 0; i < G_N_ELEMENTS(pans); i++) {
        scene s = {.w = 240, .h = 176, .pan = {pans[i][0], pans[i][1]}, .flicker = 0.05, .no_object = true};
        tw_motion m = find(&s, 0.5, 0);
        double near = share_near(&m, pans[i], 0.5, 0.5);
        g_test_message("pan %g,%g: %.1f %% of the blocks", pans[i][0], pans[i][1], near);
        g_assert_cmpfloat(near, >, 90);
        tw_motion_free(&m);
    }
}

static void test_groups(void)
{
    scene s = {.w = 256, .h = 200, .pan = {20, -6}, .object = {-12, 8}};
    tw_motion m = find(&s, 0.5, 0);
    double v[2][2];
    g_assert_cmpint(tw_motion_groups(&m, (tw_rect){0, 0, 60, 40}, 3, v), ==, 1);
    g_assert_cmpfloat(hypot(v[0][0] - 20, v[0][1] + 6), <, 1);
    g_assert_cmpint(tw_motion_groups(&m, (tw_rect){100, 75, 50, 50}, 3, v), ==, 1);
    g_assert_cmpfloat(hypot(v[0][0] + 12, v[0][1] - 8), <, 1);
    g_assert_cmpint(tw_motion_groups(&m, (tw_rect){0, 0, 256, 200}, 3, v), ==, 2);
    g_test_message("whole: %.2f,%.2f and %.2f,%.2f", v[0][0], v[0][1], v[1][0], v[1][1]);
    g_assert_cmpfloat(hypot(v[0][0] - 20, v[0][1] + 6), <, 1); /* the background has more blocks */
    g_assert_cmpfloat(hypot(v[1][0] + 12, v[1][1] - 8), <, 2);
    double at[2];
    tw_motion_at(&m, 128, 100, at);
    g_assert_cmpfloat(hypot(at[0] + 12, at[1] - 8), <, 1);
    tw_motion_free(&m);
}

/* Sizes that are no blocks, and what is no number, are no failure. */
static void test_odd_sizes(void)
{
    static const int sizes[][2] = {{1, 1}, {1, 40}, {7, 3}, {33, 9}, {64, 65}};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        for (int coarse = 0; coarse < 3; coarse++) {
            scene s = {.w = sizes[i][0], .h = sizes[i][1], .pan = {1, 0}, .no_object = true};
            tw_motion m = find(&s, 0.5, coarse);
            g_assert_cmpint(m.columns, ==, (sizes[i][0] + 7) / 8);
            for (int64_t k = 0; k < m.columns * m.rows; k++)
                g_assert_true(fabs((double)m.v[0][k]) <= 64 && fabs((double)m.v[1][k]) <= 65 && isfinite(m.residual[k]));
            tw_motion_free(&m);
        }
    float wrong[2][32 * 32 * 3];
    for (size_t i = 0; i < G_N_ELEMENTS(wrong[0]); i++)
        wrong[0][i] = i % 2 ? NAN : 1e30f, wrong[1][i] = -INFINITY;
    tw_motion m;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_motion_find(NULL, wrong[0], wrong[1], 32, 32, 0.5, 0, &m, &err), err);
    for (int64_t k = 0; k < m.columns * m.rows; k++)
        g_assert_true(isfinite(m.v[0][k]) && isfinite(m.residual[k]));
    tw_motion_free(&m);
}

static void test_no_memory(void)
{
    float frame[64 * 64 * 3] = {0};
    tw_error err = TW_ERROR_NONE;
    for (int64_t n = 1; n <= 2; n++) {
        tw_account *account = tw_account_new(NULL, "test", 0);
        tw_motion m;
        tw_account_fail_at(account, n);
        g_assert_cmpint(tw_motion_find(account, frame, frame, 64, 64, 0.5, 0, &m, &err), ==, TW_ERROR_BUDGET);
        g_assert_cmpint(tw_account_used(account), ==, 0);
        tw_account_free(account);
    }
}

/* ---- noise ---- */

static void test_noise(void)
{
    double sum = 0, square = 0, beside = 0, channels = 0, seeds = 0, planes = 0, below = 0, fourth = 0;
    const int n = 400;
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            double v = (double)tw_noise_at(7, 0, 2, x - 50, y);
            sum += v;
            square += v * v;
            fourth += v * v * v * v;
            beside += v * (double)tw_noise_at(7, 0, 2, x - 49, y);
            below += v * (double)tw_noise_at(7, 0, 2, x - 50, y + 1);
            channels += v * (double)tw_noise_at(7, 0, 3, x - 50, y);
            seeds += v * (double)tw_noise_at(8, 0, 2, x - 50, y);
            planes += v * (double)tw_noise_at(7, 1, 2, x - 50, y);
        }
    double all = (double)n * n, most = 5 / sqrt(all); /* five standard deviations */
    g_test_message("mean %.4f, variance %.4f, fourth moment %.3f, correlations %.4f %.4f %.4f %.4f %.4f", sum / all,
                   square / all, fourth / all, beside / all, below / all, channels / all, seeds / all, planes / all);
    g_assert_cmpfloat(fabs(sum / all), <, most);
    g_assert_cmpfloat(fabs(square / all - 1), <, 2 * most);
    g_assert_cmpfloat(fabs(fourth / all - 3), <, 10 * most); /* of a normal distribution: 3 */
    g_assert_cmpfloat(fabs(beside / all), <, most);
    g_assert_cmpfloat(fabs(below / all), <, most);
    g_assert_cmpfloat(fabs(channels / all), <, most);
    g_assert_cmpfloat(fabs(seeds / all), <, most);
    g_assert_cmpfloat(fabs(planes / all), <, most);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pair-parts/shifts", test_shifts);
    g_test_add_func("/pair-parts/flicker", test_flicker);
    g_test_add_func("/pair-parts/groups", test_groups);
    g_test_add_func("/pair-parts/odd-sizes", test_odd_sizes);
    g_test_add_func("/pair-parts/no-memory", test_no_memory);
    g_test_add_func("/pair-parts/noise", test_noise);
    return g_test_run();
}
