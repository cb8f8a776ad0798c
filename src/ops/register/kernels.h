/* SPDX-License-Identifier: MIT */
/** The inner loops, for the processor at hand: all pure, all in *_lanes.c. Private to src/ops/register. */
#ifndef TW_REGISTER_KERNELS_H
#define TW_REGISTER_KERNELS_H

#include "ops/register/correlate.h"
#include "ops/register/fft.h"
#include "ops/register/refine.h"

/** A plane of samples that a part of another one is made from. */
typedef struct tw_samples {
    const float *at;    /* of pixel (x, y) */
    int64_t x, y, w, h; /* what is there; below 0: invalid */
    int64_t stride;
} tw_samples;

typedef struct tw_kernels_table {
    void (*fft_columns)(const tw_fft *fft, tw_fft_plane from, tw_fft_plane to, int columns, float *room);
    /** Spectrum of two real windows packed as one complex one -> whitened, filtered cross spectrum of half the plane. */
    void (*cross)(const tw_correlator *c, const float *re, const float *im, float *cross_re, float *cross_im);
    /** C, its gradient and its Hessian at a shift: out[0] C, [1, 2] x and y, [3, 4, 5] xx, xy, yy. */
    void (*at_shift)(const tw_correlator *c, const float *cross_re, const float *cross_im, double x, double y, double out[6]);
    void (*refine_sums)(const tw_refine_window *w, double sums[TW_REFINE_SUMS]);
    /** Catmull-Rom at n points; -1 where one of the 4 x 4 samples is missing. */
    void (*interpolate)(const tw_samples *from, const double *x, const double *y, int64_t n, float *out);
    /** [1 2 1] x [1 2 1] / 16 of w x h pixels at from + 1 + stride; a missing sample makes the result missing. */
    void (*smooth)(const float *from, int64_t stride, int64_t w, int64_t h, float *to, int64_t to_stride);
} tw_kernels_table;

const tw_kernels_table *tw_kernels(void);

#define TW_KERNELS_DECLARE(kind)                                                                                               \
    void tw_fft_columns_##kind(const tw_fft *, tw_fft_plane, tw_fft_plane, int, float *);                                      \
    void tw_cross_##kind(const tw_correlator *, const float *, const float *, float *, float *);                               \
    void tw_at_shift_##kind(const tw_correlator *, const float *, const float *, double, double, double[6]);                   \
    void tw_refine_sums_##kind(const tw_refine_window *, double[TW_REFINE_SUMS]);                                              \
    void tw_interpolate_##kind(const tw_samples *, const double *, const double *, int64_t, float *);                          \
    void tw_smooth_##kind(const float *, int64_t, int64_t, int64_t, float *, int64_t)
TW_KERNELS_DECLARE(any);
TW_KERNELS_DECLARE(avx2);

#endif
