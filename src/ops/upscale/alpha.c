/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "ops/upscale/state.h"

/* The weight falls with distance, so that the nearest visible colour leads. Depends on the pixel's surroundings alone. */
static void bleed_pixel(const tw_tensor *copy, const float *alpha, int64_t x, int64_t y, tw_tensor *tile)
{
    double sum[3] = {0}, total = 0;
    int64_t y0 = tw_max64(y - TW_BLEED, 0), y1 = tw_min64(y + TW_BLEED + 1, tile->h);
    int64_t x0 = tw_max64(x - TW_BLEED, 0), x1 = tw_min64(x + TW_BLEED + 1, tile->w);
    for (int64_t v = y0; v < y1; v++)
        for (int64_t u = x0; u < x1; u++) {
            float a = alpha[v * tile->w + u];
            if (!(a > 0))
                continue;
            double distance = (double)((u - x) * (u - x) + (v - y) * (v - y));
            double weight = a / (distance * distance);
            for (int c = 0; c < 3; c++)
                sum[c] += weight * copy->data[c * copy->plane + v * tile->w + u];
            total += weight;
        }
    if (total > 0)
        for (int c = 0; c < 3; c++)
            tile->data[c * tile->plane + y * tile->w + x] = (float)(sum[c] / total);
}

void tw_alpha_bleed(tw_tensor *tile, const float *alpha, tw_tensor *copy)
{
    for (int c = 0; c < 3; c++)
        memcpy(copy->data + c * copy->plane, tile->data + c * tile->plane, (size_t)(tile->w * tile->h) * sizeof(float));
    for (int64_t y = 0; y < tile->h; y++)
        for (int64_t x = 0; x < tile->w; x++)
            if (!(alpha[y * tile->w + x] > 0))
                bleed_pixel(copy, alpha, x, y, tile);
}

/* Catmull-Rom (Keys, a = -1/2) at fraction t after tap 1. */
static void cubic(double t, float w[4])
{
    w[0] = (float)(((-0.5 * t + 1) * t - 0.5) * t);
    w[1] = (float)((1.5 * t - 2.5) * t * t + 1);
    w[2] = (float)(((-1.5 * t + 2) * t + 0.5) * t);
    w[3] = (float)((0.5 * t - 0.5) * t * t);
}

static float mix(const float w[4], float a, float b, float c, float d)
{
    /* Differences to the second tap: a constant stays exactly constant, whatever the weights round to. */
    return b + (w[0] * (a - b) + w[2] * (c - b) + w[3] * (d - b));
}

void tw_alpha_row(const float *alpha, tw_rect in, const tw_picture *picture, int64_t scale, int64_t row, int64_t x, int64_t n,
                  float *scratch, float *to)
{
    float w[4];
    double at = ((double)row + 0.5) / (double)scale - 0.5, base = floor(at);
    const float *taps[4];
    cubic(at - base, w);
    for (int k = 0; k < 4; k++)
        taps[k] = alpha + (tw_clamp64((int64_t)base + k - 1, 0, picture->height - 1) - in.y) * in.w;
    int64_t first = tw_max64(x / scale - 2, in.x), last = tw_min64((x + n) / scale + 3, in.x + in.w);
    for (int64_t i = first - in.x; i < last - in.x; i++)
        scratch[i] = mix(w, taps[0][i], taps[1][i], taps[2][i], taps[3][i]);
    for (int64_t i = 0; i < n; i++) {
        at = ((double)(x + i) + 0.5) / (double)scale - 0.5;
        base = floor(at);
        cubic(at - base, w);
        int64_t p[4];
        for (int k = 0; k < 4; k++)
            p[k] = tw_clamp64((int64_t)base + k - 1, 0, picture->width - 1) - in.x;
        float v = mix(w, scratch[p[0]], scratch[p[1]], scratch[p[2]], scratch[p[3]]);
        to[i] = v < 0 ? 0 : v > 1 ? 1 : v;
    }
}
