/* SPDX-License-Identifier: MIT */
#include "ops/register/fft.h"

#include <math.h>
#include <stdint.h>

#include "ops/register/kernels.h"

tw_status tw_fft_new(tw_account *account, int n, tw_fft *out, tw_error *err)
{
    size_t bytes = 2 * (size_t)n * sizeof(float);
    *out = (tw_fft){.n = n, .cosine = tw_alloc(account, bytes)};
    if (!out->cosine)
        return tw_fail_memory(err, "roots of unity", (long long)bytes);
    out->sine = out->cosine + n;
    for (int i = 0; i < n; i++) {
        out->cosine[i] = (float)cos(2 * M_PI * i / n);
        out->sine[i] = (float)sin(2 * M_PI * i / n);
    }
    return TW_OK;
}

void tw_fft_free(tw_fft *fft)
{
    tw_free(fft->cosine);
    *fft = (tw_fft){0};
}

void tw_fft_columns(const tw_fft *fft, tw_fft_plane from, tw_fft_plane to, int columns, float *room)
{
    tw_kernels()->fft_columns(fft, from, to, columns, room);
}

void tw_fft_square(const tw_fft *fft, float *re, float *im, float *other_re, float *other_im, float *room)
{
    tw_fft_plane plane = {re, im, fft->n}, other = {other_re, other_im, fft->n};
    tw_fft_columns(fft, plane, other, fft->n, room);
    tw_fft_columns(fft, other, plane, fft->n, room);
}
