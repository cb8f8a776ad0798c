/* SPDX-License-Identifier: MIT */
/** Fourier transforms of squares whose side is a power of two, real and imaginary parts apart. No normalisation.
 *  KissFFT (BSD, in Debian) takes four times as long for a 128 x 128 transform: eight columns at once is what makes the difference. */
#ifndef TW_REGISTER_FFT_H
#define TW_REGISTER_FFT_H

#include "base/account.h"
#include "base/error.h"

#define TW_FFT_LEAST 16
#define TW_FFT_MOST  2048

/** Roots of unity for one length: shared by threads, read only. */
typedef struct tw_fft {
    int n;
    float *cosine, *sine; /* n each, of 2 pi i / n; one block */
} tw_fft;

tw_status tw_fft_new(tw_account *account, int n, tw_fft *out, tw_error *err);
/** A zeroed one is allowed. */
void tw_fft_free(tw_fft *fft);

/** Bytes of `room` that transforms of length n need. */
#define TW_FFT_ROOM(n) ((int64_t)(n)*8 * 4 * (int64_t)sizeof(float))

/** Transforms `columns` (a multiple of 8) columns of n rows and writes the transposed result: from[row * from_stride + column] ->
 *  to[column * to_stride + row]. exp(-i..); for exp(+i..) give imaginary parts as real ones. `from` and `to` must not overlap;
 *  all strides are multiples of 8, blocks are aligned as tw_alloc does it. */
typedef struct tw_fft_plane {
    float *re, *im;
    int64_t stride;
} tw_fft_plane;
void tw_fft_columns(const tw_fft *fft, tw_fft_plane from, tw_fft_plane to, int columns, float *room);

/** Both axes of an n x n square with stride n, in place; `other` is room for another such square. */
void tw_fft_square(const tw_fft *fft, float *re, float *im, float *other_re, float *other_im, float *room);

#endif
