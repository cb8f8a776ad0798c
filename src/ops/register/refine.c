/* SPDX-License-Identifier: MIT */
#include "ops/register/refine.h"

#include <math.h>

#include "ops/register/kernels.h"

/* Symmetric 4 x 4 by elimination with pivots on the diagonal; false when it is singular. */
static bool solve4(double a[4][4], double b[4])
{
    for (int i = 0; i < 4; i++) {
        if (!(fabs(a[i][i]) > 1e-12))
            return false;
        for (int r = i + 1; r < 4; r++) {
            double f = a[r][i] / a[i][i];
            for (int c = i; c < 4; c++)
                a[r][c] -= f * a[i][c];
            b[r] -= f * b[i];
        }
    }
    for (int i = 3; i >= 0; i--) {
        for (int c = i + 1; c < 4; c++)
            b[i] -= a[i][c] * b[c];
        b[i] /= a[i][i];
    }
    return true;
}

/* Chance can make a product of gradients negative: such a direction has no detail. */
static void keep_positive(double t[3], double *least)
{
    double mean = (t[0] + t[2]) / 2, half = sqrt((t[0] - t[2]) * (t[0] - t[2]) / 4 + t[1] * t[1]);
    double low = mean - half, high = mean + half;
    if (high <= 0) {
        t[0] = t[1] = t[2] = 0;
        *least = 0;
        return;
    }
    *least = low > 0 ? low : 0;
    if (low >= 0)
        return;
    /* high * v v', v the direction of the larger one */
    double x = t[1], y = high - t[0], n = x * x + y * y;
    if (n < 1e-30)
        x = 1, y = 0, n = 1;
    t[0] = high * x * x / n, t[1] = high * x * y / n, t[2] = high * y * y / n;
}

void tw_refine(const tw_refine_window *w, tw_refined *out)
{
    double s[TW_REFINE_SUMS], least;
    tw_kernels()->refine_sums(w, s);
    *out = (tw_refined){.weight = s[TW_SUM_1], .error = HUGE_VAL};
    if (!(s[TW_SUM_1] > 0))
        return;
    double a[4][4] = {{s[TW_SUM_XX], s[TW_SUM_XY], s[TW_SUM_XH], s[TW_SUM_X]},
                      {s[TW_SUM_XY], s[TW_SUM_YY], s[TW_SUM_YH], s[TW_SUM_Y]},
                      {s[TW_SUM_XH], s[TW_SUM_YH], s[TW_SUM_FM], s[TW_SUM_H]},
                      {s[TW_SUM_X], s[TW_SUM_Y], s[TW_SUM_H], s[TW_SUM_1]}};
    double b[4] = {s[TW_SUM_XR], s[TW_SUM_YR], s[TW_SUM_HR], s[TW_SUM_R]};
    double f2 = s[TW_SUM_FF], m2 = s[TW_SUM_MM];
    out->alike = f2 > 0 && m2 > 0 ? s[TW_SUM_FM] / sqrt(f2 * m2) : 0;
    out->detail[0] = s[TW_SUM_XX], out->detail[1] = s[TW_SUM_XY], out->detail[2] = s[TW_SUM_YY];
    keep_positive(out->detail, &least);
    double left[4] = {b[0], b[1], b[2], b[3]};
    if (!(least > 0) || !solve4(a, b))
        return;
    double noise = s[TW_SUM_RR];
    for (int i = 0; i < 4; i++)
        noise -= left[i] * b[i];
    out->x = b[0], out->y = b[1];
    out->noise = fmax(noise, 0) / s[TW_SUM_1];
    out->error = sqrt(TW_REFINE_CORRELATED * out->noise / least);
    out->solved = isfinite(out->x) && isfinite(out->y);
}
