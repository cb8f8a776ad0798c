/* SPDX-License-Identifier: MIT */
/** Samples between pixels, from exact coordinates: weights are computed for each point, never looked up. What a point gives depends on its
 *  coordinates and the samples around it alone, not on its neighbours in a run: every operation is the same for each of them. */
#ifndef TW_WARP_KERNEL_H
#define TW_WARP_KERNEL_H

#include <stdint.h>

#include "image/picture.h"

typedef enum tw_interpolation {
    TW_INTERPOLATE_NEAREST,
    TW_INTERPOLATE_BILINEAR,
    TW_INTERPOLATE_BICUBIC, /* Catmull-Rom: cubic convolution with a = -0.5 */
    TW_INTERPOLATE_LANCZOS3,
} tw_interpolation;

#define TW_WARP_RUN  64 /* points taken at once, at most */
#define TW_WARP_TAPS 6  /* of the widest kernel */

/** Samples of a window: float, on the picture's own scale. Grey is 1 lane; all else has 4: colours in the first ones, alpha (1 opaque) in
 *  the last, colours multiplied with it. Without alpha what the last lane holds means nothing. */
typedef struct tw_warp_window {
    float *samples;
    int lanes;
    int64_t x, y;   /* the pixel that comes first; a border's may lie outside of the picture */
    int64_t stride; /* pixels from row to row; a window holds less than 2^31 */
} tw_warp_window;

/** Points of a run: the first tap of each as an offset in the window, weights of each tap, one row for each tap. */
typedef struct tw_warp_points {
    int32_t at[TW_WARP_RUN], whole[TW_WARP_RUN];
    float part[2][TW_WARP_RUN];
    float weight[2][TW_WARP_TAPS][TW_WARP_RUN];
} tw_warp_points;

/** Taps on an axis: 1, 2, 4 or 6. They begin taps / 2 - 1 pixels before a point's pixel (nearest: at it). */
int tw_warp_taps(tw_interpolation kind);

/** Weights of n fractions in [0, 1] of one axis: weight[k][i] of tap k. */
void tw_warp_weights(tw_interpolation kind, const float *part, int64_t n, float (*weight)[TW_WARP_RUN]);
/** Fills `points` for n points, whose taps lie in the window. Not for nearest. */
void tw_warp_place(tw_interpolation kind, const tw_warp_window *window, const double *x, const double *y, int64_t n,
                   tw_warp_points *points);
/** Their samples: `lanes` for each. */
void tw_warp_sample(tw_interpolation kind, const tw_warp_window *window, const tw_warp_points *points, int64_t n, float *out);

/** n pixels of a row as a window has them; of more bands than there are lanes those from `first` on, without alpha. */
void tw_warp_load(const tw_picture *picture, const void *row, int first, int64_t n, int lanes, float *to);
/** n pixels to a row of the result, bands from `first` on, as many as there are lanes: rounded to nearest and clamped to its depth, NaN is 0; float as it is. */
void tw_warp_store(const float *from, int lanes, int first, int64_t n, const tw_picture *picture, void *row);

#endif
