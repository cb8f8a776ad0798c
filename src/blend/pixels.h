/* SPDX-License-Identifier: MIT */
/** Samples between interleaved rows at a picture's depth and planar float32 tiles (1 = white). */
#ifndef TW_BLEND_PIXELS_H
#define TW_BLEND_PIXELS_H

#include "base/tensor.h"
#include "image/picture.h"

/** Reads `n` samples of band `band` from an interleaved row: to[i] = sample / white. */
void tw_pixels_load(const void *row, tw_depth depth, int bands, int band, int64_t n, float *to);
/** Writes `n` samples: round(clamp(from[i]) * white); float pictures are written as they are, neither clamped nor rounded. */
void tw_pixels_store(const float *from, int64_t n, void *row, tw_depth depth, int bands, int band);

#endif
