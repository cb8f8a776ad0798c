/* SPDX-License-Identifier: MIT */
#include "ops/warp/kernel.h"

#include <string.h>

/* Four lanes at once on every machine; element by element, so that nothing is summed in another order. */
typedef float lanes4 __attribute__((vector_size(16)));
typedef int32_t whole4 __attribute__((vector_size(16)));
typedef uint8_t bytes4 __attribute__((vector_size(4)));
typedef uint16_t words4 __attribute__((vector_size(8)));

int tw_warp_taps(tw_interpolation kind)
{
    static const int taps[] = {1, 2, 4, 6};
    return taps[kind];
}

/* --- weights ----------------------------------------------------------------------------------------------------- */

static void weigh_bilinear(const float *part, int64_t n, float (*w)[TW_WARP_RUN])
{
    for (int64_t i = 0; i < n; i++) {
        w[0][i] = 1 - part[i];
        w[1][i] = part[i];
    }
}

static void weigh_bicubic(const float *part, int64_t n, float (*w)[TW_WARP_RUN])
{
    for (int64_t i = 0; i < n; i++) {
        float t = part[i];
        w[0][i] = ((-0.5f * t + 1) * t - 0.5f) * t;
        w[1][i] = (1.5f * t - 2.5f) * t * t + 1;
        w[2][i] = ((-1.5f * t + 2) * t + 0.5f) * t;
        w[3][i] = (0.5f * t - 0.5f) * t * t;
    }
}

/* sin(pi s) for s in [0, 0.5]: Taylor's series, off by 6e-10. */
static inline float sine(float s)
{
    float z = s * s, p = 4.6630281e-4f;
    p = p * z - 7.3704309e-3f;
    p = p * z + 8.2145887e-2f;
    p = p * z - 0.59926453f;
    p = p * z + 2.5501640f;
    p = p * z - 5.1677128f;
    p = p * z + 3.14159265f;
    return s * p;
}

/* sin(pi x) / (pi x) for z = x^2 in [0, 1]: off by 2e-10, and by what float rounds. */
static inline float sinc(float z)
{
    float p = -7.3047118e-9f;
    p = p * z + 2.5312174e-7f;
    p = p * z - 6.9758737e-6f;
    p = p * z + 1.4842879e-4f;
    p = p * z - 2.3460810e-3f;
    p = p * z + 2.6147848e-2f;
    p = p * z - 0.19075182f;
    p = p * z + 0.81174243f;
    p = p * z - 1.6449341f;
    return p * z + 1;
}

/* Tap k lies at k - 2: sinc(d) sinc(d / 3) at d = part - (k - 2), the sines of all taps being one sine but for the sign. */
static void weigh_lanczos(const float *part, int64_t n, float (*w)[TW_WARP_RUN])
{
    float sum[TW_WARP_RUN], sines[TW_WARP_RUN];
    for (int64_t i = 0; i < n; i++) {
        sines[i] = sine(part[i] < 0.5f ? part[i] : 1 - part[i]);
        sum[i] = 0;
    }
    for (int k = 0; k < 6; k++) {
        float at = (float)(k - 2), sign = k % 2 ? -1.f : 1.f;
        for (int64_t i = 0; i < n; i++) {
            float d = part[i] - at, third = d * (1 / 3.f);
            float over = d == 0 ? 1 : sign * sines[i], under = d == 0 ? 1 : d * 3.14159265f;
            w[k][i] = over / under * sinc(third * third);
            sum[i] += w[k][i];
        }
    }
    for (int k = 0; k < 6; k++) /* a plane stays one */
        for (int64_t i = 0; i < n; i++)
            w[k][i] /= sum[i];
}

void tw_warp_weights(tw_interpolation kind, const float *part, int64_t n, float (*weight)[TW_WARP_RUN])
{
    if (kind == TW_INTERPOLATE_BILINEAR)
        weigh_bilinear(part, n, weight);
    else if (kind == TW_INTERPOLATE_BICUBIC)
        weigh_bicubic(part, n, weight);
    else
        weigh_lanczos(part, n, weight);
}

/* Rounds down without asking the library: conversions cut off towards 0. */
static void split(const double *s, int64_t n, int32_t *whole, float *part)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t cut = (int32_t)s[i];
        double at = (double)cut;
        double below = at > s[i] ? 1 : 0;
        part[i] = (float)(s[i] - (at - below));
        whole[i] = cut - (int32_t)below;
    }
}

void tw_warp_place(tw_interpolation kind, const tw_warp_window *window, const double *x, const double *y, int64_t n,
                   tw_warp_points *points)
{
    int64_t before = tw_warp_taps(kind) / 2 - 1;
    int32_t left = (int32_t)(window->x + before), top = (int32_t)(window->y + before), stride = (int32_t)window->stride;
    int32_t row[TW_WARP_RUN];
    split(y, n, row, points->part[1]);
    split(x, n, points->whole, points->part[0]);
    for (int64_t i = 0; i < n; i++)
        points->at[i] = (row[i] - top) * stride + (points->whole[i] - left);
    for (int axis = 0; axis < 2; axis++)
        tw_warp_weights(kind, points->part[axis], n, points->weight[axis]);
}

/* --- samples ----------------------------------------------------------------------------------------------------- */

/* `taps` is a constant wherever this is used: the loops over it are unrolled. */
static inline __attribute__((always_inline)) void sample_four(int taps, const tw_warp_window *window, const tw_warp_points *p,
                                                              int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++) {
        const lanes4 *row = (const lanes4 *)window->samples + p->at[i];
        lanes4 sum = {0};
        for (int j = 0; j < taps; j++, row += window->stride) {
            lanes4 across = row[0] * p->weight[0][0][i];
            for (int k = 1; k < taps; k++)
                across += row[k] * p->weight[0][k][i];
            sum += across * p->weight[1][j][i];
        }
        memcpy(out + 4 * i, &sum, sizeof sum);
    }
}

static inline __attribute__((always_inline)) void sample_one(int taps, const tw_warp_window *window, const tw_warp_points *p,
                                                             int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++) {
        const float *row = window->samples + p->at[i];
        float sum = 0;
        for (int j = 0; j < taps; j++, row += window->stride) {
            float across = row[0] * p->weight[0][0][i];
            for (int k = 1; k < taps; k++)
                across += row[k] * p->weight[0][k][i];
            sum += across * p->weight[1][j][i];
        }
        out[i] = sum;
    }
}

void tw_warp_sample(tw_interpolation kind, const tw_warp_window *window, const tw_warp_points *points, int64_t n, float *out)
{
    bool one = window->lanes == 1;
    if (kind == TW_INTERPOLATE_BILINEAR)
        one ? sample_one(2, window, points, n, out) : sample_four(2, window, points, n, out);
    else if (kind == TW_INTERPOLATE_BICUBIC)
        one ? sample_one(4, window, points, n, out) : sample_four(4, window, points, n, out);
    else
        one ? sample_one(6, window, points, n, out) : sample_four(6, window, points, n, out);
}

/* --- in and out -------------------------------------------------------------------------------------------------- */

static inline lanes4 from_bytes(const uint8_t *p)
{
    bytes4 v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(__builtin_convertvector(v, whole4), lanes4);
}

static inline lanes4 from_words(const uint16_t *p)
{
    words4 v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(__builtin_convertvector(v, whole4), lanes4);
}

static inline lanes4 from_floats(const float *p)
{
    lanes4 v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Three bands are read as four, the fourth being of the next pixel: it means nothing. The last pixel has no next one. */
#define LOAD_LANES(type, convert)                                                                                              \
    do {                                                                                                                       \
        const type *from = (const type *)row + first;                                                                          \
        int64_t whole = count >= 3 ? n - (count == 3) : 0;                                                                     \
        for (int64_t i = 0; i < whole; i++) {                                                                                  \
            lanes4 v = convert(from + i * bands);                                                                              \
            memcpy(to + 4 * i, &v, sizeof v);                                                                                  \
        }                                                                                                                      \
        for (int64_t i = whole; i < n; i++)                                                                                    \
            for (int band = 0; band < 4; band++)                                                                               \
                to[4 * i + band] = band < count ? (float)from[i * bands + band] : 0;                                           \
    } while (0)

#define LOAD_ONE(type)                                                                                                         \
    do {                                                                                                                       \
        const type *from = row;                                                                                                \
        for (int64_t i = 0; i < n; i++)                                                                                        \
            to[i] = (float)from[i];                                                                                            \
    } while (0)

static void weigh_colours(float white, int colours, int64_t n, float *to)
{
    for (int64_t i = 0; i < n; i++) {
        float *p = to + 4 * i, alpha = p[colours] / white;
        for (int band = 0; band < 3; band++)
            p[band] = band < colours ? p[band] * alpha : 0;
        p[3] = alpha;
    }
}

void tw_warp_load(const tw_picture *picture, const void *row, int first, int64_t n, int lanes, float *to)
{
    int bands = tw_picture_bands(picture), count = bands - first < 4 ? bands - first : 4;
    if (picture->depth == TW_U8) {
        if (lanes == 1)
            LOAD_ONE(uint8_t);
        else
            LOAD_LANES(uint8_t, from_bytes);
    } else if (picture->depth == TW_U16) {
        if (lanes == 1)
            LOAD_ONE(uint16_t);
        else
            LOAD_LANES(uint16_t, from_words);
    } else if (lanes == 1) {
        memcpy(to, row, (size_t)n * sizeof *to);
    } else {
        LOAD_LANES(float, from_floats);
    }
    if (picture->alpha)
        weigh_colours(tw_depth_white(picture->depth), picture->colours, n, to);
}

/* NaN becomes 0: comparisons with it are false. */
static inline int32_t level(float v, float white)
{
    v = v + 0.5f;
    v = v > 0 ? v : 0;
    return (int32_t)(v < white ? v : white);
}

/* Three bands are written as four where the next pixel comes over the fourth. */
static void store_bytes(const float *from, int64_t n, int lanes, int count, int bands, uint8_t *to)
{
    uint8_t levels[4 * TW_WARP_RUN + 4];
    for (int64_t i = 0; i < n * lanes; i++)
        levels[i] = (uint8_t)level(from[i], 255);
    if (bands == lanes) {
        memcpy(to, levels, (size_t)(n * lanes));
        return;
    }
    int64_t whole = bands == 3 ? n - 1 : 0;
    for (int64_t i = 0; i < whole; i++)
        memcpy(to + 3 * i, levels + 4 * i, 4);
    for (int64_t i = whole; i < n; i++)
        for (int band = 0; band < count; band++)
            to[i * bands + band] = levels[i * lanes + band];
}

static void store_words(const float *from, int64_t n, int lanes, int count, int bands, uint16_t *to)
{
    uint16_t levels[4 * TW_WARP_RUN];
    for (int64_t i = 0; i < n * lanes; i++)
        levels[i] = (uint16_t)level(from[i], 65535);
    for (int64_t i = 0; i < n; i++)
        for (int band = 0; band < count; band++)
            to[i * bands + band] = levels[i * lanes + band];
}

/* Grey with alpha has its alpha in the last lane. */
static void close_gap(const float *from, int64_t n, float *to)
{
    for (int64_t i = 0; i < n; i++) {
        to[2 * i] = from[4 * i];
        to[2 * i + 1] = from[4 * i + 3];
    }
}

void tw_warp_store(const float *from, int lanes, int first, int64_t n, const tw_picture *picture, void *row)
{
    float pairs[2 * TW_WARP_RUN];
    int bands = tw_picture_bands(picture);
    if (picture->colours == 1 && lanes == 4 && picture->alpha) {
        close_gap(from, n, pairs);
        from = pairs;
        lanes = 2;
    }
    int count = bands - first < lanes ? bands - first : lanes;
    if (picture->depth == TW_U8) {
        store_bytes(from, n, lanes, count, bands, (uint8_t *)row + first);
    } else if (picture->depth == TW_U16) {
        store_words(from, n, lanes, count, bands, (uint16_t *)row + first);
    } else {
        float *to = (float *)row + first;
        for (int64_t i = 0; i < n; i++)
            for (int band = 0; band < count; band++)
                to[i * bands + band] = from[i * lanes + band];
    }
}
