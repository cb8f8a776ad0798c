/* SPDX-License-Identifier: MIT */
#include "blend/ramp.h"

#include <math.h>

/* Share of the tile behind the edge at `t` in (0, 1) of the overlap. */
static double share(tw_ramp_kind kind, double t)
{
    static const double per_sigma = 5 / 1.4142135623730951;
    if (kind == TW_RAMP_COSINE)
        return 0.5 - 0.5 * cos(3.14159265358979323846 * t);
    if (kind == TW_RAMP_GAUSSIAN)
        return 0.5 + 0.5 * erf((t - 0.5) * per_sigma) / erf(0.5 * per_sigma);
    return t;
}

void tw_ramp_fill(tw_ramp_kind kind, int64_t n, int32_t *rise, int32_t *fall)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t mirrored = n - 1 - i;
        if (i == mirrored)
            rise[i] = TW_RAMP_ONE / 2;
        else if (i < mirrored)
            rise[i] = (int32_t)lrint(TW_RAMP_ONE * share(kind, ((double)i + 0.5) / (double)n));
        else
            rise[i] = TW_RAMP_ONE - rise[mirrored];
    }
    for (int64_t i = 0; i < n; i++)
        fall[i] = TW_RAMP_ONE - rise[i];
}
