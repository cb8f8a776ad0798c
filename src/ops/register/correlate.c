/* SPDX-License-Identifier: MIT */
#include "ops/register/correlate.h"

#include <math.h>
#include <string.h>

#include "ops/register/kernels.h"

#define NEWTON_STEPS 4
#define NEAR         3 /* pixels around the best one that belong to its peak */

/* Frequencies below two cycles a window are the window's own shape and the lighting; above 0.45 cycles a pixel they are grain. */
static float filter(int n, int kx, int ky, double widest)
{
    double x = (double)kx / n, y = (double)(ky <= n / 2 ? ky : ky - n) / n, v2 = x * x + y * y, low = 1.5 / n;
    if (kx > n / 2 || v2 > 0.45 * 0.45)
        return 0;
    return (float)(exp(-v2 / (2 * widest * widest)) * (1 - exp(-v2 / (2 * low * low))));
}

tw_status tw_correlator_new(tw_account *account, int n, double widest, tw_correlator *out, tw_error *err)
{
    *out = (tw_correlator){.n = n, .half = n / 2 + 8};
    TW_TRY(tw_fft_new(account, n, &out->fft, err));
    size_t bytes = ((size_t)n * (size_t)out->half + (size_t)n + (size_t)out->half) * sizeof(float);
    out->pass = tw_alloc(account, bytes);
    if (!out->pass) {
        tw_correlator_free(out);
        return tw_fail_memory(err, "filter of the correlation", (long long)bytes);
    }
    out->hann = out->pass + (size_t)n * (size_t)out->half;
    out->turns = out->hann + n;
    for (int y = 0; y < n; y++)
        for (int x = 0; x < out->half; x++)
            out->pass[y * out->half + x] = filter(n, x, y, widest);
    for (int i = 0; i < n; i++)
        out->hann[i] = (float)(0.5 * (1 - cos(2 * M_PI * (i + 0.5) / n)));
    for (int i = 0; i < out->half; i++)
        out->turns[i] = (float)(2 * M_PI * i / n);
    return TW_OK;
}

void tw_correlator_free(tw_correlator *c)
{
    tw_fft_free(&c->fft);
    tw_free(c->pass);
    *c = (tw_correlator){0};
}

/* Two squares for the transform, half a spectrum, the transform's own. */
int64_t tw_correlate_room(const tw_correlator *c)
{
    int64_t n = c->n;
    return 2 * n * n + 2 * n * c->half + TW_FFT_ROOM(n) / (int64_t)sizeof(float);
}

/* Correlation at shifts of whole pixels, rows y0 .. y0 + 7: map[(y - y0) * n + x]. `along` is transformed over y, by columns. */
static void eight_rows(const tw_correlator *c, const float *along_re, const float *along_im, int y0, float *block, float *map,
                       float *room)
{
    int n = c->n;
    float *re = block, *im = block + 8 * (int64_t)n;
    for (int k = 0; k < n; k++) {
        int from = k <= n / 2 ? k : n - k;
        float sign = k <= n / 2 ? 1 : -1;
        memcpy(re + 8 * k, along_re + (int64_t)from * n + y0, 8 * sizeof(float));
        for (int j = 0; j < 8; j++)
            im[8 * k + j] = sign * along_im[(int64_t)from * n + y0 + j];
    }
    tw_fft_plane from = {im, re, 8}, to = {block + 16 * (int64_t)n, map, n};
    tw_fft_columns(&c->fft, from, to, 8, room);
}

typedef struct map {
    const float *at; /* [y & (n - 1)][x & (n - 1)] */
    int n, search;
} map;

static float map_at(const map *m, int x, int y)
{
    return m->at[(int64_t)(y & (m->n - 1)) * m->n + (x & (m->n - 1))];
}

static bool is_maximum(const map *m, int x, int y, float v)
{
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++)
            if ((dx || dy) && x + dx >= -m->search && x + dx < m->search && y + dy >= -m->search && y + dy < m->search &&
                map_at(m, x + dx, y + dy) > v)
                return false;
    return true;
}

static void find_peak(const map *m, int best[2], float *height, float *second)
{
    *height = 0, *second = 0;
    best[0] = best[1] = 0;
    for (int y = -m->search; y < m->search; y++)
        for (int x = -m->search; x < m->search; x++)
            if (map_at(m, x, y) > *height) {
                *height = map_at(m, x, y);
                best[0] = x, best[1] = y;
            }
    for (int y = -m->search; y < m->search; y++)
        for (int x = -m->search; x < m->search; x++) {
            float v = map_at(m, x, y);
            bool far = (x - best[0]) * (x - best[0]) + (y - best[1]) * (y - best[1]) > NEAR * NEAR;
            if (far && v > *second && is_maximum(m, x, y, v))
                *second = v;
        }
}

/* Steps are at most half a pixel; where the correlation is not concave there is no maximum to go to. */
static void go_to_top(const tw_correlator *c, const float *re, const float *im, const int best[2], tw_peak *out)
{
    double v[6];
    out->sharp = false;
    for (int i = 0; i < NEWTON_STEPS; i++) {
        tw_kernels()->at_shift(c, re, im, out->x, out->y, v);
        double det = v[3] * v[5] - v[4] * v[4];
        if (!(v[3] < 0 && det > 0))
            return;
        double dx = -(v[5] * v[1] - v[4] * v[2]) / det, dy = -(v[3] * v[2] - v[4] * v[1]) / det;
        double length = sqrt(dx * dx + dy * dy), most = length > 0.5 ? 0.5 / length : 1;
        out->x += dx * most, out->y += dy * most;
        if (length < 1e-3)
            break;
    }
    if (!(fabs(out->x - best[0]) < 1.5 && fabs(out->y - best[1]) < 1.5) || !(v[0] > 0))
        return;
    for (int j = 0; j < 3; j++)
        out->curvature[j] = -v[3 + j] / v[0];
    out->sharp = true;
}

/* The cross spectrum stays in `room`. */
static void make_map(const tw_correlator *c, float *fixed, float *moving, int search, float *room, float **cross_re,
                     float **cross_im)
{
    int64_t n = c->n, square = n * n;
    float *a = room, *b = a + square, *fft_room = b + square + 2 * n * c->half;
    *cross_re = b + square, *cross_im = *cross_re + n * c->half;
    tw_fft_square(&c->fft, fixed, moving, a, b, fft_room);
    tw_kernels()->cross(c, fixed, moving, *cross_re, *cross_im);

    /* Over y for all columns of the half, then over x for the rows that are searched. */
    tw_fft_plane from = {*cross_im, *cross_re, c->half}, along = {b, a, n};
    tw_fft_columns(&c->fft, from, along, c->half, fft_room);
    for (int y = -search; y < search; y += 8) {
        int64_t row = y & (c->n - 1);
        eight_rows(c, a, b, (int)row, moving, fixed + row * n, fft_room);
    }
}

void tw_correlate_map(const tw_correlator *c, float *fixed, float *moving, int search, float *room, const float **out)
{
    float *re, *im;
    make_map(c, fixed, moving, search, room, &re, &im);
    *out = fixed;
}

void tw_correlate(const tw_correlator *c, float *fixed, float *moving, int search, float *room, tw_peak *out)
{
    float *cross_re, *cross_im, height, second;
    int best[2];
    map m = {fixed, c->n, search};
    *out = (tw_peak){0};
    make_map(c, fixed, moving, search, room, &cross_re, &cross_im);
    find_peak(&m, best, &height, &second);
    if (!(height > 0))
        return;
    out->height = height;
    out->second = second / height;
    out->x = best[0], out->y = best[1];
    bool inside = best[0] > -search && best[0] < search - 1 && best[1] > -search && best[1] < search - 1;
    if (inside)
        go_to_top(c, cross_re, cross_im, best, out);
}
