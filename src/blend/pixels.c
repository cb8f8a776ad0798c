/* SPDX-License-Identifier: MIT */
#include "blend/pixels.h"

void tw_pixels_load(const void *row, tw_depth depth, int bands, int band, int64_t n, float *to)
{
    if (depth == TW_U8) {
        const uint8_t *from = (const uint8_t *)row + band;
        for (int64_t i = 0; i < n; i++)
            to[i] = (float)from[i * bands] * (1.f / 255.f);
    } else if (depth == TW_U16) {
        const uint16_t *from = (const uint16_t *)row + band;
        for (int64_t i = 0; i < n; i++)
            to[i] = (float)from[i * bands] * (1.f / 65535.f);
    } else {
        const float *from = (const float *)row + band;
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i * bands];
    }
}

/* NaN becomes 0: comparisons with it are false. */
static inline float clamped(float v, float white)
{
    v = v * white + 0.5f;
    return v > 0 ? v < white + 0.5f ? v : white : 0;
}

void tw_pixels_store(const float *from, int64_t n, void *row, tw_depth depth, int bands, int band)
{
    if (depth == TW_U8) {
        uint8_t *to = (uint8_t *)row + band;
        for (int64_t i = 0; i < n; i++)
            to[i * bands] = (uint8_t)clamped(from[i], 255.f);
    } else if (depth == TW_U16) {
        uint16_t *to = (uint16_t *)row + band;
        for (int64_t i = 0; i < n; i++)
            to[i * bands] = (uint16_t)clamped(from[i], 65535.f);
    } else {
        float *to = (float *)row + band;
        for (int64_t i = 0; i < n; i++)
            to[i * bands] = from[i];
    }
}
