/* SPDX-License-Identifier: MIT */
/** The shift between two small windows, to a fraction of a pixel: phase correlation with partial whitening (the amplitude of the cross
 *  spectrum to the power 1 - 0.68, as SWiFT-IR has it), a Gaussian low-pass, the best whole pixel, then Newton's method on the
 *  correlation as a continuous function. */
#ifndef TW_REGISTER_CORRELATE_H
#define TW_REGISTER_CORRELATE_H

#include <stdbool.h>

#include "ops/register/fft.h"

/** For windows of one size: shared by threads, read only. */
typedef struct tw_correlator {
    tw_fft fft;
    int n;        /* side of a window, pixels */
    int half;     /* columns of half a spectrum: n / 2 + 8, those behind n / 2 are 0 */
    float *hann;  /* n */
    float *pass;  /* n * half: filter, 0 where the frequency is left out */
    float *turns; /* half: 2 pi k / n of a column */
} tw_correlator;

/** `widest`: standard deviation of the low-pass in cycles per pixel, 0.18 for full windows. */
tw_status tw_correlator_new(tw_account *account, int n, double widest, tw_correlator *out, tw_error *err);
void tw_correlator_free(tw_correlator *c);

/** What a window says. The moving window shows at p + shift what the fixed one shows at p. */
typedef struct tw_peak {
    double x, y;         /* shift, pixels */
    double height;       /* of the correlation; 0: there is none */
    double second;       /* the next best maximum over `height`, 0 where there is none, 1: no telling them apart */
    double curvature[3]; /* -d2C/C: xx, xy, yy */
    bool sharp;          /* a maximum inside the searched square to which Newton's method went */
} tw_peak;

/** Floats of `room`, which is aligned as tw_alloc does it. */
int64_t tw_correlate_room(const tw_correlator *c);
/** The correlation at whole pixels: *map[(y & (n - 1)) * n + (x & (n - 1))], inside one of the windows, for shifts x of -n / 2 .. n / 2 - 1
 *  and y of -search .. search - 1. */
void tw_correlate_map(const tw_correlator *c, float *fixed, float *moving, int search, float *room, const float **map);
/** Two windows of n x n, without their means and weighted; both are overwritten. Shifts of -search .. search - 1 are tried, `search` a
 *  multiple of 8 below n / 2. */
void tw_correlate(const tw_correlator *c, float *fixed, float *moving, int search, float *room, tw_peak *out);

#endif
