/* SPDX-License-Identifier: MIT */
/** Turn and scale of a whole picture: amplitudes of its spectrum do not know where it lies; in polar coordinates with logarithmic radii a
 *  turn and a scale are a shift (Reddy and Chatterji 1996). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/register/state.h"

#define POLAR   512  /* angles over half a circle, and radii */
#define INNER   0.02 /* cycles per pixel */
#define OUTER   0.45
#define SCALES  2.1 /* at most so many times larger or smaller */
#define EXCLUDE 5   /* polar samples around a maximum */

static int power_of_two(int64_t side)
{
    int n = 64;
    while (n < side && n < TW_FFT_MOST)
        n *= 2;
    return n;
}

static int64_t correlate_bytes(int64_t n)
{
    return (2 * n * n + 2 * n * (n / 2 + 8)) * 4 + TW_FFT_ROOM(n);
}

int64_t tw_spectrum_bytes(int64_t side)
{
    int64_t n = power_of_two(side), polar = 2 * POLAR * POLAR * 4;
    int64_t pass = (POLAR * (POLAR / 2 + 8) + 4 * POLAR) * 4;
    return 4 * n * n * 4 + TW_FFT_ROOM(n) + n * 8 + polar + pass + correlate_bytes(POLAR) + 8 * 4096;
}

/* A picture without its mean, faded out towards its borders. */
static void lay_picture(const tw_global_view *view, int k, int n, float *to)
{
    int64_t w = view->width[k], h = view->height[k];
    double sum = 0, count = 0;
    for (int64_t i = 0; i < w * h; i++)
        if (view->pixels[k][i] >= 0)
            sum += (double)view->pixels[k][i], count++;
    float mean = count > 0 ? (float)(sum / count) : 0;
    memset(to, 0, (size_t)n * (size_t)n * sizeof *to);
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            float v = view->pixels[k][y * w + x];
            double fade = sin(M_PI * ((double)x + 0.5) / (double)w) * sin(M_PI * ((double)y + 0.5) / (double)h);
            if (v >= 0)
                to[y * n + x] = (v - mean) * (float)(fade * fade);
        }
}

/* Log amplitudes of both packed spectra, in place. */
static void amplitudes(int n, float *re, float *im, float *a, float *b)
{
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            int64_t i = (int64_t)y * n + x, j = (int64_t)((n - y) & (n - 1)) * n + ((n - x) & (n - 1));
            float fr = re[i] + re[j], fi = im[i] - im[j], gr = im[i] + im[j], gi = re[j] - re[i];
            a[i] = logf(fr * fr + fi * fi + 1e-3f);
            b[i] = logf(gr * gr + gi * gi + 1e-3f);
        }
}

static float bilinear(const float *plane, int n, double x, double y)
{
    int ix = (int)floor(x), iy = (int)floor(y);
    float tx = (float)(x - ix), ty = (float)(y - iy);
    const float *r0 = plane + (int64_t)(iy & (n - 1)) * n, *r1 = plane + (int64_t)((iy + 1) & (n - 1)) * n;
    int x0 = ix & (n - 1), x1 = (ix + 1) & (n - 1);
    return (r0[x0] * (1 - tx) + r0[x1] * tx) * (1 - ty) + (r1[x0] * (1 - tx) + r1[x1] * tx) * ty;
}

/* Rows are angles, columns radii; every radius without its mean, radii faded out at both ends. */
static void polar_of(const float *plane, int n, float *polar)
{
    for (int t = 0; t < POLAR; t++)
        for (int r = 0; r < POLAR; r++) {
            double radius = n * INNER * pow(OUTER / INNER, (double)r / POLAR), angle = M_PI * t / POLAR;
            polar[t * POLAR + r] = bilinear(plane, n, radius * cos(angle), radius * sin(angle));
        }
    for (int r = 0; r < POLAR; r++) {
        double sum = 0, fade = sin(M_PI * (r + 0.5) / POLAR);
        for (int t = 0; t < POLAR; t++)
            sum += (double)polar[t * POLAR + r];
        for (int t = 0; t < POLAR; t++)
            polar[t * POLAR + r] = (polar[t * POLAR + r] - (float)(sum / POLAR)) * (float)(fade * fade);
    }
}

static float map_at(const float *map, int x, int y)
{
    return map[(int64_t)(y & (POLAR - 1)) * POLAR + (x & (POLAR - 1))];
}

static bool is_top(const float *map, int x, int y)
{
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++)
            if ((dx || dy) && map_at(map, x + dx, y + dy) > map_at(map, x, y))
                return false;
    return true;
}

/* The top of a parabola through three samples. */
static double top_of(float a, float b, float c)
{
    double bend = (double)a - 2 * (double)b + (double)c;
    return bend < 0 ? 0.5 * ((double)a - (double)c) / bend : 0;
}

static tw_turn turn_of(const float *map, int x, int y)
{
    double v = map_at(map, x, y), dx = top_of(map_at(map, x - 1, y), map_at(map, x, y), map_at(map, x + 1, y));
    double dy = top_of(map_at(map, x, y - 1), map_at(map, x, y), map_at(map, x, y + 1));
    /* A moving picture that is larger has a spectrum that is smaller; the angle goes along. */
    return (tw_turn){M_PI * (y + dy) / POLAR, exp(-(x + dx) * log(OUTER / INNER) / POLAR), v};
}

static int pick(const float *map, tw_turn turns[TW_MOST_TURNS])
{
    int reach = (int)ceil(log(SCALES) * POLAR / log(OUTER / INNER)), count = 0, at[TW_MOST_TURNS][2];
    while (count < TW_MOST_TURNS) {
        float best = 0;
        for (int y = -POLAR / 2; y < POLAR / 2; y++)
            for (int x = -reach; x <= reach; x++) {
                bool taken = false;
                for (int k = 0; k < count; k++)
                    taken |= abs(x - at[k][0]) <= EXCLUDE && abs(y - at[k][1]) <= EXCLUDE;
                if (!taken && map_at(map, x, y) > best && is_top(map, x, y)) {
                    best = map_at(map, x, y);
                    at[count][0] = x, at[count][1] = y;
                }
            }
        if (!(best > 0))
            break;
        turns[count] = turn_of(map, at[count][0], at[count][1]);
        count++;
    }
    return count;
}

static tw_status correlate_polar(tw_account *account, float *a, float *b, tw_turn turns[TW_MOST_TURNS], int *count,
                                 tw_error *err)
{
    tw_correlator c;
    const float *map;
    TW_TRY(tw_correlator_new(account, POLAR, 0.1, &c, err));
    float *room = tw_alloc(account, (size_t)tw_correlate_room(&c) * sizeof(float));
    tw_status status = room ? TW_OK : tw_fail_memory(err, "spectra", correlate_bytes(POLAR));
    if (status == TW_OK) {
        tw_correlate_map(&c, a, b, POLAR / 2, room, &map);
        *count = pick(map, turns);
    }
    tw_free(room);
    tw_correlator_free(&c);
    return status;
}

tw_status tw_spectrum_turns(tw_account *account, const tw_global_view *view, tw_turn turns[TW_MOST_TURNS], int *count,
                            tw_error *err)
{
    int64_t side = tw_max64(tw_max64(view->width[0], view->height[0]), tw_max64(view->width[1], view->height[1]));
    int n = power_of_two(side);
    int64_t square = (int64_t)n * n;
    tw_fft fft = {0};
    *count = 0;
    tw_status status = tw_fft_new(account, n, &fft, err);
    float *block = tw_alloc(account, (size_t)(4 * square * 4 + TW_FFT_ROOM(n))),
          *polar = tw_alloc(account, 2 * POLAR * POLAR * 4);
    if (status == TW_OK && !(block && polar))
        status = tw_fail_memory(err, "spectra", (long long)(4 * square * 4));
    if (status == TW_OK) {
        float *re = block, *im = re + square, *a = im + square, *b = a + square;
        lay_picture(view, 0, n, re);
        lay_picture(view, 1, n, im);
        tw_fft_square(&fft, re, im, a, b, b + square);
        amplitudes(n, re, im, a, b);
        polar_of(a, n, polar);
        polar_of(b, n, polar + POLAR * POLAR);
        status = correlate_polar(account, polar, polar + POLAR * POLAR, turns, count, err);
    }
    tw_free(polar);
    tw_free(block);
    tw_fft_free(&fft);
    return status;
}
