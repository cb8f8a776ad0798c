/* SPDX-License-Identifier: MIT */
/** What is left of a shift once the moving window is warped: one step of Gauss and Newton with gain and offset. Products of gradients
 *  are taken across the two windows, so that grain, which they do not share, neither shortens the shift nor feigns detail. */
#ifndef TW_REGISTER_REFINE_H
#define TW_REGISTER_REFINE_H

#include <stdbool.h>
#include <stdint.h>

enum tw_refine_sum { /* weighted: g the mean gradient of both, h their mean, r = fixed - moving */
                     TW_SUM_XX,
                     TW_SUM_XY,
                     TW_SUM_YY,
                     TW_SUM_XH,
                     TW_SUM_YH,
                     TW_SUM_X,
                     TW_SUM_Y,
                     TW_SUM_FM,
                     TW_SUM_H,
                     TW_SUM_1,
                     TW_SUM_XR,
                     TW_SUM_YR,
                     TW_SUM_HR,
                     TW_SUM_R,
                     TW_SUM_RR,
                     TW_SUM_FF,
                     TW_SUM_MM,
                     TW_REFINE_SUMS,
};

/** Two smoothed windows of n x n pixels inside planes that have a pixel more on each side. Samples below 0 are missing. */
typedef struct tw_refine_window {
    const float *fixed, *moving; /* of the window's first pixel */
    int64_t stride;              /* of both */
    int n;                       /* a multiple of 8 */
    const float *weight;         /* n, on either axis */
    float fixed_mean, moving_mean, gain;
} tw_refine_window;

/** What a window says about its shift. */
typedef struct tw_refined {
    double x, y;      /* shift, as tw_peak has it */
    double detail[3]; /* structure tensor: sums of w gx^2, gx gy, gy^2 that both share; positive semidefinite */
    double weight;    /* sum of w over valid pixels */
    double noise;     /* mean square of what the model leaves */
    double alike;     /* correlation coefficient of the two */
    double error;     /* expected error of the shift along its worst axis, pixels; HUGE_VAL: unknown */
    bool solved;
} tw_refined;

/** Smoothing spreads grain over its neighbours: there are so many fewer independent samples. Measured (tests/unit/test_register.c). */
#define TW_REFINE_CORRELATED 3.5

void tw_refine(const tw_refine_window *w, tw_refined *out);

#endif
