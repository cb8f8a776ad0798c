/* SPDX-License-Identifier: MIT */
#include "engine/winograd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rect.h"
#include "engine/winograd_lanes.h"

enum { TAPS = 3 };

/* Values of a kernel, as a polynomial, at the points; divided by what the interpolation between them divides by. */
static void transform_1d(const double g[TAPS], double at[TW_WINOGRAD_REACH])
{
    /* for points 0, +-a, +-b with a^2 = 1/2, b^2 = 2: a^2 b^2 = 1, 2 a^2 (a^2 - b^2) = -3/2, 2 b^2 (b^2 - a^2) = 6 */
    const double a = sqrt(0.5), b = sqrt(2);
    at[0] = g[0];
    at[1] = (g[0] + a * g[1] + 0.5 * g[2]) / -1.5;
    at[2] = (g[0] - a * g[1] + 0.5 * g[2]) / -1.5;
    at[3] = (g[0] + b * g[1] + 2 * g[2]) / 6;
    at[4] = (g[0] - b * g[1] + 2 * g[2]) / 6;
    at[5] = g[2];
}

static void transform_2d(const float *kernel, double at[TW_WINOGRAD_REACH][TW_WINOGRAD_REACH])
{
    double columns[TAPS][TW_WINOGRAD_REACH];
    for (int x = 0; x < TAPS; x++)
        transform_1d((const double[]){kernel[x], kernel[TAPS + x], kernel[2 * TAPS + x]}, columns[x]);
    for (int y = 0; y < TW_WINOGRAD_REACH; y++)
        transform_1d((const double[]){columns[0][y], columns[1][y], columns[2][y]}, at[y]);
}

static float *floats(int64_t n)
{
    void *block = NULL;
    return posix_memalign(&block, 64, (size_t)n * sizeof(float)) ? NULL : block;
}

bool tw_winograd_init(tw_winograd *w, int lanes, int in, int out, const float *weights)
{
    int64_t plane = (int64_t)in * out;
    int group = tw_winograd_group(lanes);
    *w = (tw_winograd){.in = in, .out = out, .lanes = lanes};
    w->weights = floats(TW_WINOGRAD_POINTS * plane);
    w->bias = floats(out);
    if (!w->weights || !w->bias)
        return false;
    memset(w->bias, 0, (size_t)out * sizeof(float));
    for (int from = 0; from < out; from += group) {
        int wide = (int)tw_min64(group, out - from);
        for (int o = 0; o < wide; o++)
            for (int i = 0; i < in; i++) {
                double at[TW_WINOGRAD_REACH][TW_WINOGRAD_REACH];
                transform_2d(weights + ((int64_t)(from + o) * in + i) * TAPS * TAPS, at);
                for (int p = 0; p < TW_WINOGRAD_POINTS; p++)
                    w->weights[p * plane + (int64_t)from * in + (int64_t)i * wide + o] =
                        (float)at[p / TW_WINOGRAD_REACH][p % TW_WINOGRAD_REACH];
            }
    }
    return true;
}

void tw_winograd_clear(tw_winograd *w)
{
    free(w->weights);
    free(w->bias);
    free(w->slope);
    *w = (tw_winograd){.in = 0};
}

void tw_winograd_run(const tw_winograd *w, const tw_winograd_call *call)
{
#if defined(__x86_64__)
    if (w->lanes == 16) {
        tw_winograd_run_16(w, call);
        return;
    }
    if (w->lanes == 8) {
        tw_winograd_run_8(w, call);
        return;
    }
#endif
    tw_winograd_run_4(w, call);
}
