/* SPDX-License-Identifier: MIT */
#include "ops/register/kernels.h"
#include "ops/register/lanes.h"

/* x^-0.34 to 0.2 %, for x > 0: a weight need not be more exact, only the same everywhere. */
INLINE vec weaken(vec x)
{
    ivec bits;
    memcpy(&bits, &x, sizeof bits);
    vec exponent = __builtin_convertvector((bits >> 23) - 127, vec);
    ivec one = (bits & 0x007fffff) | 0x3f800000;
    vec m;
    memcpy(&m, &one, sizeof m);
    m = m - 1.0f;
    vec log2 = exponent + m * (1.4249f + m * (-0.5912f + m * 0.1663f));
    vec e = log2 * -0.34f;
    ivec whole = __builtin_convertvector(e, ivec); /* towards 0 */
    whole = whole + (ivec)(e < __builtin_convertvector(whole, vec));
    vec f = e - __builtin_convertvector(whole, vec);
    vec power = 1.0f + f * (0.6958f + f * (0.2250f + f * 0.0791f));
    ivec scale = (whole + 127) << 23;
    vec s;
    memcpy(&s, &scale, sizeof s);
    return power * s;
}

void TW_LANE_NAME(tw_cross)(const tw_correlator *c, const float *re, const float *im, float *cross_re, float *cross_im)
{
    int n = c->n, half = c->half;
    float mirrored[2][TW_FFT_MOST / 2 + LANES];
    for (int ky = 0; ky < n; ky++) {
        const float *row_re = re + (int64_t)ky * n, *row_im = im + (int64_t)ky * n;
        const float *back_re = re + (int64_t)((n - ky) & (n - 1)) * n, *back_im = im + (int64_t)((n - ky) & (n - 1)) * n;
        for (int kx = 0; kx < half; kx++) {
            mirrored[0][kx] = back_re[(n - kx) & (n - 1)];
            mirrored[1][kx] = back_im[(n - kx) & (n - 1)];
        }
        for (int kx = 0; kx < half; kx += LANES) {
            vec zr, zi, mr, mi, pass;
            vec_load(row_re + kx, &zr);
            vec_load(row_im + kx, &zi);
            vec_load(mirrored[0] + kx, &mr);
            vec_load(mirrored[1] + kx, &mi);
            vec_load(c->pass + (int64_t)ky * half + kx, &pass);
            vec fr = zr + mr, fi = zi - mi, gr = zi + mi, gi = mr - zr; /* twice either spectrum */
            vec r = fr * gr + fi * gi, i = fr * gi - fi * gr;
            vec weight = pass * weaken(r * r + i * i + 1e-12f);
            r = r * weight;
            i = i * weight;
            vec_store(cross_re + (int64_t)ky * half + kx, &r);
            vec_store(cross_im + (int64_t)ky * half + kx, &i);
        }
    }
}

typedef struct moments {
    vec re[3], im[3]; /* sums over ky of R exp(i k s) times 1, ky, ky^2 */
} moments;

INLINE void add_row(moments *m, vec r, vec i, float cosine, float sine, float k)
{
    vec a = r * cosine - i * sine, b = r * sine + i * cosine;
    m->re[0] += a;
    m->im[0] += b;
    a = a * k;
    b = b * k;
    m->re[1] += a;
    m->im[1] += b;
    m->re[2] += a * k;
    m->im[2] += b * k;
}

INLINE void add_columns(const moments *m, const float *cosine, const float *sine, const float *turns, const float *times,
                        double out[6])
{
    vec c, s, k, t;
    vec_load(cosine, &c);
    vec_load(sine, &s);
    vec_load(turns, &k);
    vec_load(times, &t);
    c = c * t;
    s = s * t;
    vec a[3], b[3];
    for (int j = 0; j < 3; j++) {
        a[j] = m->re[j] * c - m->im[j] * s;
        b[j] = m->re[j] * s + m->im[j] * c;
    }
    vec terms[6] = {a[0], b[0] * k, b[1], a[0] * k * k, a[1] * k, a[2]};
    for (int j = 0; j < 6; j++)
        out[j] += j == 0 ? (double)vec_sum(&terms[j]) : -(double)vec_sum(&terms[j]);
}

void TW_LANE_NAME(tw_at_shift)(const tw_correlator *c, const float *cross_re, const float *cross_im, double x, double y,
                               double out[6])
{
    int n = c->n, half = c->half;
    float cosine[2][TW_FFT_MOST / 2 + LANES], sine[2][TW_FFT_MOST / 2 + LANES], times[TW_FFT_MOST / 2 + LANES];
    for (int k = 0; k < half; k++) {
        cosine[0][k] = (float)__builtin_cos(c->turns[k] * x), sine[0][k] = (float)__builtin_sin(c->turns[k] * x);
        cosine[1][k] = (float)__builtin_cos(c->turns[k] * y), sine[1][k] = (float)__builtin_sin(c->turns[k] * y);
        times[k] = k == 0 || k >= n / 2 ? 1 : 2; /* the other half of the plane */
    }
    for (int j = 0; j < 6; j++)
        out[j] = 0;
    for (int kx = 0; kx < half; kx += LANES) {
        moments m = {0};
        for (int ky = 0; ky < n; ky++) {
            vec r, i;
            vec_load(cross_re + (int64_t)ky * half + kx, &r);
            vec_load(cross_im + (int64_t)ky * half + kx, &i);
            int k = ky <= n / 2 ? ky : n - ky;
            float sign = ky <= n / 2 ? 1.0f : -1.0f;
            add_row(&m, r, i, cosine[1][k], sign * sine[1][k], sign * c->turns[k]);
        }
        add_columns(&m, cosine[0] + kx, sine[0] + kx, c->turns + kx, times + kx, out);
    }
}
