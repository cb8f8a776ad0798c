/* SPDX-License-Identifier: MIT */
/** The numbers of registration: transforms, shifts of windows, fits. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "ops/register/correlate.h"
#include "ops/register/kernels.h"
#include "ops/register/refine.h"
#include "register_pairs.h"

static tw_account *account;

static float *floats(int64_t n)
{
    float *block = tw_alloc(account, (size_t)n * sizeof(float));
    g_assert_nonnull(block);
    return block;
}

static void test_fft(void)
{
    static const int sizes[] = {16, 32, 64, 128, 256};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        int n = sizes[i];
        tw_fft fft;
        tw_error err = TW_ERROR_NONE;
        g_assert_cmpint(tw_fft_new(account, n, &fft, &err), ==, TW_OK);
        int64_t square = (int64_t)n * n;
        float *re = floats(square), *im = floats(square), *a = floats(square), *b = floats(square);
        float *room = floats(TW_FFT_ROOM(n) / 4);
        made_random random = {7};
        for (int64_t k = 0; k < square; k++)
            re[k] = (float)made_gauss(&random), im[k] = (float)made_gauss(&random);
        float *kept_re = g_memdup2(re, (gsize)square * 4), *kept_im = g_memdup2(im, (gsize)square * 4);
        tw_fft_square(&fft, re, im, a, b, room);
        for (int probe = 0; probe < 8; probe++) { /* against the sum itself */
            int kx = (int)(made_uniform(&random) * n), ky = (int)(made_uniform(&random) * n);
            double sr = 0, si = 0;
            for (int y = 0; y < n; y++)
                for (int x = 0; x < n; x++) {
                    double phase = -2 * M_PI * ((double)kx * x + (double)ky * y) / n, c = cos(phase), s = sin(phase);
                    sr += kept_re[y * n + x] * c - kept_im[y * n + x] * s;
                    si += kept_re[y * n + x] * s + kept_im[y * n + x] * c;
                }
            g_assert_cmpfloat(fabs(re[ky * n + kx] - sr), <, 1e-3);
            g_assert_cmpfloat(fabs(im[ky * n + kx] - si), <, 1e-3);
        }
        tw_fft_square(&fft, im, re, b, a, room); /* back */
        for (int64_t k = 0; k < square; k++) {
            g_assert_cmpfloat(fabsf(re[k] / (float)square - kept_re[k]), <, 1e-5f);
            g_assert_cmpfloat(fabsf(im[k] / (float)square - kept_im[k]), <, 1e-5f);
        }
        g_free(kept_re);
        g_free(kept_im);
        tw_free(re), tw_free(im), tw_free(a), tw_free(b), tw_free(room);
        tw_fft_free(&fft);
    }
}

/* Two windows of a texture, the second one shifted by d. */
static void windows(const made_texture *texture, int n, double x0, double y0, const double d[2], double noise,
                    made_random *random, float *f, float *m)
{
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            f[y * n + x] = (float)(100 + made_at(texture, x0 + x, y0 + y) + noise * made_gauss(random));
            m[y * n + x] = (float)(120 + 1.1 * made_at(texture, x0 + x - d[0], y0 + y - d[1]) + noise * made_gauss(random));
        }
}

static void weigh(const tw_correlator *c, float *window)
{
    double sum = 0;
    for (int i = 0; i < c->n * c->n; i++)
        sum += window[i];
    for (int y = 0; y < c->n; y++)
        for (int x = 0; x < c->n; x++)
            window[y * c->n + x] = (window[y * c->n + x] - (float)(sum / (c->n * c->n))) * c->hann[x] * c->hann[y];
}

static void test_shift(gconstpointer kind)
{
    tw_error err = TW_ERROR_NONE;
    for (int n = 64; n <= 128; n *= 2) {
        tw_correlator c;
        g_assert_cmpint(tw_correlator_new(account, n, 0.18, &c, &err), ==, TW_OK);
        made_texture *texture = made_texture_new(GPOINTER_TO_INT(kind), 11);
        made_random random = {5};
        float *f = floats(n * n), *m = floats(n * n), *room = floats(tw_correlate_room(&c));
        double squares = 0, seconds = 0, most = 0;
        int count = 40;
        for (int i = 0; i < count; i++) {
            double d[2] = {made_uniform(&random) * 8 - 4, made_uniform(&random) * 8 - 4};
            windows(texture, n, 200 + 31 * i, 300 + 17 * i, d, 3, &random, f, m);
            weigh(&c, f), weigh(&c, m);
            tw_peak peak;
            double t = made_cpu_seconds();
            tw_correlate(&c, f, m, 8, room, &peak);
            seconds += made_cpu_seconds() - t;
            g_assert_true(peak.sharp);
            double e = hypot(peak.x - d[0], peak.y - d[1]);
            squares += e * e;
            most = MAX(most, e);
        }
        g_test_message("%s, %d px: %.4f px rms, %.4f px at most, %.3f ms a window", made_names[GPOINTER_TO_INT(kind)], n,
                       sqrt(squares / count), most, 1e3 * seconds / count);
        g_assert_cmpfloat(sqrt(squares / count), <, n == 128 ? 0.25 : 0.5);
        tw_free(f), tw_free(m), tw_free(room);
        made_texture_free(texture);
        tw_correlator_free(&c);
    }
}

/* Windows with a small shift; the step must find it, and the expected error must be what the errors are. */
static void test_refine(gconstpointer kind)
{
    enum { N = 128, SIDE = N + 8 };
    made_texture *texture = made_texture_new(GPOINTER_TO_INT(kind), 11);
    made_random random = {5};
    float *raw = floats(2 * SIDE * SIDE), *smooth = floats(2 * SIDE * SIDE), hann[N];
    for (int i = 0; i < N; i++)
        hann[i] = (float)(0.5 * (1 - cos(2 * M_PI * (i + 0.5) / N)));
    double squares = 0, expected = 0, seconds = 0;
    int count = 60;
    for (int i = 0; i < count; i++) {
        double d[2] = {made_uniform(&random) * 0.1 - 0.05, made_uniform(&random) * 0.1 - 0.05};
        windows(texture, SIDE, 200 + 31 * i, 300 + 17 * i, d, 3, &random, raw, raw + SIDE * SIDE);
        for (int k = 0; k < 2; k++)
            tw_kernels()->smooth(raw + k * SIDE * SIDE, SIDE, SIDE - 2, SIDE - 2, smooth + k * SIDE * SIDE + SIDE + 1, SIDE);
        tw_refine_window w = {smooth + 4 * SIDE + 4, smooth + SIDE * SIDE + 4 * SIDE + 4, SIDE, N, hann, 100, 120, 1 / 1.1f};
        tw_refined refined;
        double t = made_cpu_seconds();
        tw_refine(&w, &refined);
        seconds += made_cpu_seconds() - t;
        g_assert_true(refined.solved);
        double ex = refined.x - d[0], ey = refined.y - d[1];
        squares += (ex * ex + ey * ey) / 2;
        expected += refined.error * refined.error;
        g_assert_cmpfloat(hypot(ex, ey), <, 10 * refined.error);
    }
    g_test_message("%s: %.4f px rms an axis, %.4f expected along the worst, %.3f ms a window",
                   made_names[GPOINTER_TO_INT(kind)], sqrt(squares / count), sqrt(expected / count), 1e3 * seconds / count);
    g_assert_cmpfloat(sqrt(squares / count), <, 0.06);
    tw_free(raw), tw_free(smooth);
    made_texture_free(texture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    account = tw_account_new(NULL, "test", 0);
    g_test_add_func("/register/fft", test_fft);
    for (int kind = 0; kind < MADE_KINDS; kind++) {
        char *name = g_strdup_printf("/register/shift/%s", made_names[kind]);
        g_test_add_data_func(name, GINT_TO_POINTER(kind), test_shift);
        g_free(name);
        name = g_strdup_printf("/register/refine/%s", made_names[kind]);
        g_test_add_data_func(name, GINT_TO_POINTER(kind), test_refine);
        g_free(name);
    }
    int failed = g_test_run();
    g_assert_cmpint(tw_account_used(account), ==, 0);
    tw_account_free(account);
    return failed;
}
