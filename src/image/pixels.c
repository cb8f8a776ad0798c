/* SPDX-License-Identifier: MIT */
#include "image/pixels.h"

#include <string.h>

static inline uint8_t u16_to_u8(uint32_t v)
{
    return (uint8_t)((v * 255u + 32767u) / 65535u);
}

/* NaN becomes 0: both comparisons fail. */
static inline float unit(float v)
{
    return v > 0.f ? (v < 1.f ? v : 1.f) : 0.f;
}

/* v of `white` over white, at opacity a of `white`, rounded. */
static inline uint32_t over_white(uint32_t v, uint32_t a, uint32_t white)
{
    return (uint32_t)(((uint64_t)v * a + (uint64_t)white * (white - a) + white / 2) / white);
}

static void from_u8(const tw_picture *from, const uint8_t *in, uint8_t *out, int64_t pixels)
{
    int n = from->colours;
    for (int64_t i = 0; i < pixels; i++, in += n + 1, out += n)
        for (int b = 0; b < n; b++)
            out[b] = (uint8_t)over_white(in[b], in[n], 255);
}

static void from_u16(const tw_picture *from, const uint16_t *in, const tw_picture *to, void *out, int64_t pixels)
{
    int bands = tw_picture_bands(from), n = tw_picture_bands(to);
    uint8_t *narrow = out;
    uint16_t *wide = out;
    bool flatten = bands != n;
    for (int64_t i = 0; i < pixels; i++, in += bands)
        for (int b = 0; b < n; b++) {
            uint32_t v = flatten ? over_white(in[b], in[n], 65535) : in[b];
            if (to->depth == TW_U8)
                *narrow++ = u16_to_u8(v);
            else
                *wide++ = (uint16_t)v;
        }
}

static void from_f32(const tw_picture *from, const float *in, const tw_picture *to, void *out, int64_t pixels)
{
    int bands = tw_picture_bands(from), n = tw_picture_bands(to);
    uint8_t *narrow = out;
    uint16_t *wide = out;
    float *real = out;
    bool flatten = bands != n;
    for (int64_t i = 0; i < pixels; i++, in += bands) {
        float a = flatten ? unit(in[n]) : 1.f;
        for (int b = 0; b < n; b++) {
            float v = flatten ? 1.f + (in[b] - 1.f) * a : in[b];
            if (to->depth == TW_U8)
                *narrow++ = (uint8_t)(unit(v) * 255.f + 0.5f);
            else if (to->depth == TW_U16)
                *wide++ = (uint16_t)(unit(v) * 65535.f + 0.5f);
            else
                *real++ = v;
        }
    }
}

void tw_pixels_convert(const tw_picture *from, const void *in, const tw_picture *to, void *out, int64_t pixels)
{
    if (from->depth == to->depth && from->alpha == to->alpha)
        memcpy(out, in, (size_t)(pixels * tw_picture_pixel_bytes(from)));
    else if (from->depth == TW_U8)
        from_u8(from, in, out, pixels);
    else if (from->depth == TW_U16)
        from_u16(from, in, to, out, pixels);
    else
        from_f32(from, in, to, out, pixels);
}
