/* SPDX-License-Identifier: MIT */
#include "ops/warp/geometry.h"

#include <math.h>

#define SLACK 1e-3 /* pixels: bounds of fields are sums in another order than the points' */

/* --- points ------------------------------------------------------------------------------------------------------ */

/* Samples mirrored at their first and last one, as a function of the coordinate, mirror it there. */
static double fold(double s, int64_t n)
{
    if (n == 1)
        return 0;
    double last = (double)(n - 1);
    if (s >= 0 && s <= last)
        return s;
    s = fmod(fabs(s), 2 * last);
    return s > last ? 2 * last - s : s;
}

/* Beyond a pixel outside, repeated border pixels are all there is. */
static inline double hold(double s, int64_t n)
{
    return s > -1 ? s < (double)n ? s : (double)n : -1;
}

static inline double cover_of(double s, int64_t n)
{
    double before = s + 1, after = (double)n - s, cover = before < after ? before : after;
    return cover > 0 ? cover < 1 ? cover : 1 : 0;
}

static bool all_inside(const tw_warp_plane *plane, const double *x, const double *y, int64_t n)
{
    double right = (double)(plane->size[0] - 1), bottom = (double)(plane->size[1] - 1);
    int out = 0;
    for (int64_t i = 0; i < n; i++)
        out |= (x[i] < 0) | (x[i] > right) | (y[i] < 0) | (y[i] > bottom);
    return !out;
}

static bool settle_nearest(const tw_warp_plane *plane, double *x, double *y, int64_t n, float *cover)
{
    double *points[2] = {x, y};
    bool covered = true, closed = plane->outside == TW_OUTSIDE_MIRROR || plane->outside == TW_OUTSIDE_EDGE;
    for (int64_t i = 0; i < n; i++)
        cover[i] = 1;
    for (int axis = 0; axis < 2; axis++) {
        double last = (double)(plane->size[axis] - 1);
        for (int64_t i = 0; i < n; i++) {
            double s = points[axis][i];
            if (plane->outside == TW_OUTSIDE_MIRROR)
                s = fold(s, plane->size[axis]);
            s = floor(s + 0.5);
            if (!closed && (s < 0 || s > last)) {
                cover[i] = 0;
                covered = false;
            }
            points[axis][i] = s > 0 ? s < last ? s : last : 0;
        }
    }
    return covered;
}

bool tw_warp_settle(const tw_warp_plane *plane, double *x, double *y, int64_t n, float *cover)
{
    int64_t w = plane->size[0], h = plane->size[1];
    if (plane->kind == TW_INTERPOLATE_NEAREST)
        return settle_nearest(plane, x, y, n, cover);
    if (all_inside(plane, x, y, n))
        return true;
    bool closed = plane->outside == TW_OUTSIDE_MIRROR || plane->outside == TW_OUTSIDE_EDGE;
    for (int64_t i = 0; i < n; i++) {
        cover[i] = closed ? 1 : (float)(cover_of(x[i], w) * cover_of(y[i], h));
        x[i] = plane->outside == TW_OUTSIDE_MIRROR ? fold(x[i], w) : hold(x[i], w);
        y[i] = plane->outside == TW_OUTSIDE_MIRROR ? fold(y[i], h) : hold(y[i], h);
    }
    return closed;
}

bool tw_warp_numbers(const double *x, const double *y, int64_t n)
{
    int bad = 0;
    for (int64_t i = 0; i < n; i++)
        bad |= !(fabs(x[i]) <= 1e300) | !(fabs(y[i]) <= 1e300);
    return !bad;
}

tw_warp_bounds tw_warp_no_bounds(void)
{
    return (tw_warp_bounds){{INFINITY, INFINITY}, {-INFINITY, -INFINITY}};
}

void tw_warp_extend(tw_warp_bounds *bounds, const double *x, const double *y, int64_t n)
{
    double left = bounds->lo[0], right = bounds->hi[0], top = bounds->lo[1], bottom = bounds->hi[1];
    for (int64_t i = 0; i < n; i++) {
        left = x[i] < left ? x[i] : left;
        right = x[i] > right ? x[i] : right;
        top = y[i] < top ? y[i] : top;
        bottom = y[i] > bottom ? y[i] : bottom;
    }
    *bounds = (tw_warp_bounds){{left, top}, {right, bottom}};
}

/* --- pixels ------------------------------------------------------------------------------------------------------ */

tw_span tw_warp_taps_of(const tw_warp_plane *plane, double lo, double hi)
{
    int64_t taps = tw_warp_taps(plane->kind), before = taps > 1 ? taps / 2 - 1 : 0;
    return (tw_span){(int64_t)floor(lo) - before, (int64_t)floor(hi) - before + taps};
}

int64_t tw_warp_pixel(const tw_warp_plane *plane, int axis, int64_t i)
{
    int64_t n = plane->size[axis];
    return plane->outside == TW_OUTSIDE_MIRROR ? tw_reflect101(i, n) : tw_clamp64(i, 0, n - 1);
}

tw_span tw_warp_pixels(const tw_warp_plane *plane, int axis, tw_span taps)
{
    int64_t n = plane->size[axis], first = taps.lo, last = taps.hi - 1;
    if (plane->outside != TW_OUTSIDE_MIRROR)
        return (tw_span){tw_clamp64(first, 0, n - 1), tw_clamp64(last, 0, n - 1) + 1};
    /* What hangs over a border comes back from there. */
    tw_span in = {first < 0 ? 0 : first, first < 0 ? tw_max64(last, -first) : last};
    if (last >= n)
        in = (tw_span){tw_min64(in.lo, 2 * (n - 1) - last), n - 1};
    return (tw_span){tw_clamp64(in.lo, 0, n - 1), tw_clamp64(in.hi, 0, n - 1) + 1};
}

/* Far beyond what any picture reaches nothing is told apart any more. */
tw_span tw_warp_reads(const tw_warp_plane *plane, int axis, double lo, double hi)
{
    int64_t n = plane->size[axis];
    double reach = 4 * (double)n + 16;
    lo -= SLACK, hi += SLACK;
    if (plane->outside == TW_OUTSIDE_MIRROR) {
        if (!(lo > -reach && hi < reach))
            return (tw_span){0, n};
        if (plane->kind == TW_INTERPOLATE_NEAREST)
            lo = floor(lo + 0.5), hi = floor(hi + 0.5) + 1;
        return tw_warp_pixels(plane, axis, tw_warp_taps_of(plane, lo, hi));
    }
    if (!(lo <= hi)) /* no numbers */
        return (tw_span){0, n};
    if (plane->kind == TW_INTERPOLATE_NEAREST)
        return tw_warp_pixels(plane, axis, tw_warp_taps_of(plane, floor(hold(lo, n) + 0.5), floor(hold(hi, n) + 0.5)));
    return tw_warp_pixels(plane, axis, tw_warp_taps_of(plane, hold(lo, n), hold(hi, n)));
}
