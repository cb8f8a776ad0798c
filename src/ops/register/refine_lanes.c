/* SPDX-License-Identifier: MIT */
#include "ops/register/kernels.h"
#include "ops/register/lanes.h"

typedef struct cross_of {
    vec here, left, right, up, down;
} cross_of;

INLINE cross_of load_cross(const float *at, int64_t stride)
{
    cross_of c;
    vec_load(at, &c.here);
    vec_load(at - 1, &c.left);
    vec_load(at + 1, &c.right);
    vec_load(at - stride, &c.up);
    vec_load(at + stride, &c.down);
    return c;
}

INLINE ivec missing(const cross_of *c)
{
    return (c->here < 0.0f) | (c->left < 0.0f) | (c->right < 0.0f) | (c->up < 0.0f) | (c->down < 0.0f);
}

/* Adds eight pixels of weight w; f and m without their means. */
INLINE void add_pixels(vec w, const cross_of *fixed, const cross_of *moving, const tw_refine_window *window,
                       vec s[TW_REFINE_SUMS])
{
    ivec none = missing(fixed) | missing(moving), bits;
    memcpy(&bits, &w, sizeof bits);
    bits &= ~none;
    memcpy(&w, &bits, sizeof w);
    float gain = window->gain;
    vec f = fixed->here - window->fixed_mean, m = (moving->here - window->moving_mean) * gain;
    vec fx = (fixed->right - fixed->left) * 0.5f, fy = (fixed->down - fixed->up) * 0.5f;
    vec mx = (moving->right - moving->left) * (0.5f * gain), my = (moving->down - moving->up) * (0.5f * gain);
    vec gx = (fx + mx) * 0.5f * w, gy = (fy + my) * 0.5f * w, h = (f + m) * 0.5f, r = f - m, wr = w * r, wh = w * h;
    s[TW_SUM_XX] += w * (fx * mx);
    s[TW_SUM_XY] += w * ((fx * my + fy * mx) * 0.5f);
    s[TW_SUM_YY] += w * (fy * my);
    s[TW_SUM_XH] += gx * h;
    s[TW_SUM_YH] += gy * h;
    s[TW_SUM_X] += gx;
    s[TW_SUM_Y] += gy;
    s[TW_SUM_FM] += w * (f * m);
    s[TW_SUM_H] += wh;
    s[TW_SUM_1] += w;
    s[TW_SUM_XR] += gx * r;
    s[TW_SUM_YR] += gy * r;
    s[TW_SUM_HR] += wh * r;
    s[TW_SUM_R] += wr;
    s[TW_SUM_RR] += wr * r;
    s[TW_SUM_FF] += w * (f * f);
    s[TW_SUM_MM] += w * (m * m);
}

void TW_LANE_NAME(tw_refine_sums)(const tw_refine_window *window, double sums[TW_REFINE_SUMS])
{
    for (int j = 0; j < TW_REFINE_SUMS; j++)
        sums[j] = 0;
    for (int y = 0; y < window->n; y++) {
        vec s[TW_REFINE_SUMS] = {0};
        for (int x = 0; x < window->n; x += LANES) {
            vec w;
            vec_load(window->weight + x, &w);
            w = w * window->weight[y];
            cross_of f = load_cross(window->fixed + y * window->stride + x, window->stride);
            cross_of m = load_cross(window->moving + y * window->stride + x, window->stride);
            add_pixels(w, &f, &m, window, s);
        }
        for (int j = 0; j < TW_REFINE_SUMS; j++)
            sums[j] += (double)vec_sum(&s[j]);
    }
}

/* --- smoothing --- */

INLINE vec triple(vec a, vec b, vec c)
{
    return (a + c) * 0.25f + b * 0.5f;
}

void TW_LANE_NAME(tw_smooth)(const float *from, int64_t stride, int64_t w, int64_t h, float *to, int64_t to_stride)
{
    for (int64_t y = 0; y < h; y++)
        for (int64_t x0 = 0; x0 < w; x0 += LANES) {
            int64_t x = x0 + LANES <= w || w < LANES ? x0 : w - LANES; /* the last eight again rather than beyond the end */
            vec rows[3];
            ivec none = {0};
            for (int r = 0; r < 3; r++) {
                vec a, b, c;
                vec_load(from + (y + r) * stride + x, &a);
                vec_load(from + (y + r) * stride + x + 1, &b);
                vec_load(from + (y + r) * stride + x + 2, &c);
                none |= (a < 0.0f) | (b < 0.0f) | (c < 0.0f);
                rows[r] = triple(a, b, c);
            }
            vec v = triple(rows[0], rows[1], rows[2]), minus = SPREAD(-1.0f);
            ivec bits, hole;
            memcpy(&bits, &v, sizeof bits);
            memcpy(&hole, &minus, sizeof hole);
            bits = (bits & ~none) | (hole & none);
            memcpy(&v, &bits, sizeof v);
            vec_store(to + y * to_stride + x, &v);
        }
}

/* --- interpolation --- */

typedef float vec4 __attribute__((vector_size(16)));

/* Catmull and Rom's cubic through the samples. */
INLINE void weights(float t, float w[4])
{
    float t2 = t * t, t3 = t2 * t;
    w[0] = -0.5f * t3 + t2 - 0.5f * t;
    w[1] = 1.5f * t3 - 2.5f * t2 + 1.0f;
    w[2] = -1.5f * t3 + 2.0f * t2 + 0.5f * t;
    w[3] = 0.5f * t3 - 0.5f * t2;
}

/* Samples are not below 0 but for those that are missing: their sign bit tells. */
INLINE int32_t sign_of(const vec4 r[4])
{
    typedef int32_t ivec4 __attribute__((vector_size(16)));
    ivec4 bits[4], all;
    memcpy(bits, r, sizeof bits);
    all = (bits[0] | bits[1]) | (bits[2] | bits[3]);
    return (all[0] | all[1]) | (all[2] | all[3]);
}

INLINE float point(const float *at, int64_t stride, float tx, float ty)
{
    float wx[4], wy[4];
    vec4 r[4], x;
    for (int i = 0; i < 4; i++)
        memcpy(&r[i], at + i * stride, sizeof r[i]);
    if (sign_of(r) < 0)
        return -1;
    weights(tx, wx);
    weights(ty, wy);
    memcpy(&x, wx, sizeof x);
    vec4 v = ((r[0] * wy[0] + r[1] * wy[1]) + (r[2] * wy[2] + r[3] * wy[3])) * x;
    float value = (v[0] + v[1]) + (v[2] + v[3]);
    return value < 0 ? 0 : value; /* overshoot is not a hole */
}

void TW_LANE_NAME(tw_interpolate)(const tw_samples *from, const double *x, const double *y, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++) {
        double left = __builtin_floor(x[i]), top = __builtin_floor(y[i]);
        double at_x = left - 1 - (double)from->x, at_y = top - 1 - (double)from->y;
        if (!(at_x >= 0 && at_y >= 0 && at_x + 4 <= (double)from->w && at_y + 4 <= (double)from->h)) {
            out[i] = -1;
            continue;
        }
        const float *at = from->at + (int64_t)at_y * from->stride + (int64_t)at_x;
        out[i] = point(at, from->stride, (float)(x[i] - left), (float)(y[i] - top));
    }
}
