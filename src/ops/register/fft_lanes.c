/* SPDX-License-Identifier: MIT */
/* Stockham's transform (radix 4, one step of radix 2 where it is needed) of eight columns at once. */
#include "ops/register/kernels.h"
#include "ops/register/lanes.h"

typedef struct cvec {
    vec re, im;
} cvec;

INLINE cvec load(const float *re, const float *im, int64_t at)
{
    cvec v;
    vec_load(re + at, &v.re);
    vec_load(im + at, &v.im);
    return v;
}

INLINE void store(float *re, float *im, int64_t at, cvec v)
{
    vec_store(re + at, &v.re);
    vec_store(im + at, &v.im);
}

INLINE cvec add(cvec a, cvec b)
{
    return (cvec){a.re + b.re, a.im + b.im};
}

INLINE cvec subtract(cvec a, cvec b)
{
    return (cvec){a.re - b.re, a.im - b.im};
}

/* Times exp(-2 pi i k / n). */
INLINE cvec turn(cvec a, const tw_fft *fft, int k)
{
    vec c = SPREAD(fft->cosine[k]), s = SPREAD(fft->sine[k]);
    return (cvec){a.re * c + a.im * s, a.im * c - a.re * s};
}

static void step4(const tw_fft *fft, int n, int s, const float *xr, const float *xi, float *yr, float *yi)
{
    int quarter = n / 4, unit = fft->n / n;
    for (int p = 0; p < quarter; p++)
        for (int q = 0; q < s; q++) {
            int64_t from = (int64_t)(q + s * p) * LANES, step = (int64_t)s * quarter * LANES;
            cvec a = load(xr, xi, from), b = load(xr, xi, from + step), c = load(xr, xi, from + 2 * step),
                 d = load(xr, xi, from + 3 * step);
            cvec ac = add(a, c), a_c = subtract(a, c), bd = add(b, d), b_d = subtract(b, d);
            cvec down = {a_c.re + b_d.im, a_c.im - b_d.re}, up = {a_c.re - b_d.im, a_c.im + b_d.re};
            int64_t to = (int64_t)(q + 4 * s * p) * LANES, next = (int64_t)s * LANES;
            store(yr, yi, to, add(ac, bd));
            store(yr, yi, to + next, turn(down, fft, unit * p));
            store(yr, yi, to + 2 * next, turn(subtract(ac, bd), fft, 2 * unit * p));
            store(yr, yi, to + 3 * next, turn(up, fft, 3 * unit * p));
        }
}

static void step2(int s, const float *xr, const float *xi, float *yr, float *yi)
{
    for (int q = 0; q < s; q++) {
        int64_t at = (int64_t)q * LANES, step = (int64_t)s * LANES;
        cvec a = load(xr, xi, at), b = load(xr, xi, at + step);
        store(yr, yi, at, add(a, b));
        store(yr, yi, at + step, subtract(a, b));
    }
}

/* Rows of eight in a[0] (re) and a[1] (im); returns where the result lies. */
static int run_block(const tw_fft *fft, float *a[2][2])
{
    int now = 0, s = 1, n = fft->n;
    for (; n >= 4; n /= 4, s *= 4, now ^= 1)
        step4(fft, n, s, a[now][0], a[now][1], a[now ^ 1][0], a[now ^ 1][1]);
    if (n == 2) {
        step2(s, a[now][0], a[now][1], a[now ^ 1][0], a[now ^ 1][1]);
        now ^= 1;
    }
    return now;
}

#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

/* Eight rows of eight become eight columns. */
INLINE void transpose(const float *from, float *to, int64_t stride)
{
    vec r[LANES], t[LANES], u[LANES];
    for (int i = 0; i < LANES; i++)
        vec_load(from + i * LANES, &r[i]);
    for (int i = 0; i < LANES; i += 2) {
        t[i] = PICK(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        t[i + 1] = PICK(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < LANES; i += 4)
        for (int j = 0; j < 2; j++) {
            u[i + 2 * j] = PICK(t[i + j], t[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            u[i + 2 * j + 1] = PICK(t[i + j], t[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int j = 0; j < 4; j++) {
        vec low = PICK(u[j], u[j + 4], 0, 1, 2, 3, 8, 9, 10, 11), high = PICK(u[j], u[j + 4], 4, 5, 6, 7, 12, 13, 14, 15);
        vec_store(to + j * stride, &low);
        vec_store(to + (j + 4) * stride, &high);
    }
}

void TW_LANE_NAME(tw_fft_columns)(const tw_fft *fft, tw_fft_plane from, tw_fft_plane to, int columns, float *room)
{
    int n = fft->n;
    int64_t part = (int64_t)n * LANES;
    float *a[2][2] = {{room, room + part}, {room + 2 * part, room + 3 * part}};
    for (int c = 0; c < columns; c += LANES) {
        for (int64_t r = 0; r < n; r++)
            store(a[0][0], a[0][1], r * LANES, load(from.re, from.im, r * from.stride + c));
        int at = run_block(fft, a);
        for (int64_t r = 0; r < n; r += LANES) {
            transpose(a[at][0] + r * LANES, to.re + c * to.stride + r, to.stride);
            transpose(a[at][1] + r * LANES, to.im + c * to.stride + r, to.stride);
        }
    }
}
