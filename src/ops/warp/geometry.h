/* SPDX-License-Identifier: MIT */
/** Where points of the input read it: what lies beyond its border, and which of its pixels a set of points can touch. Pure. */
#ifndef TW_WARP_GEOMETRY_H
#define TW_WARP_GEOMETRY_H

#include "base/rect.h"
#include "ops/warp/kernel.h"

typedef enum tw_outside { TW_OUTSIDE_BACKGROUND, TW_OUTSIDE_MIRROR, TW_OUTSIDE_TRANSPARENT, TW_OUTSIDE_EDGE } tw_outside;

/** The input as points see it. */
typedef struct tw_warp_plane {
    int64_t size[2];
    tw_outside outside;
    tw_interpolation kind;
} tw_warp_plane;

/** Bounds of points, inclusive; lo > hi: there are none. */
typedef struct tw_warp_bounds {
    double lo[2], hi[2];
} tw_warp_bounds;

/** Brings n points to where there are samples, and tells how much of each point's pixel the input covers, 0 to 1. Where all is covered
 *  it returns true and leaves `cover` alone. Between a border pixel's centre and a pixel further out the cover falls from 1 to 0, as the
 *  share of a pixel-sized square that lies over the picture; colours there are those of the picture with its border pixels repeated,
 *  so that the background adds to them by the cover and never rings into them. Mirrored and repeated pictures cover everything.
 *  For nearest points come to pixel centres. Points must be numbers. */
bool tw_warp_settle(const tw_warp_plane *plane, double *x, double *y, int64_t n, float *cover);
/** False when one of them is no number. */
bool tw_warp_numbers(const double *x, const double *y, int64_t n);

tw_warp_bounds tw_warp_no_bounds(void);
void tw_warp_extend(tw_warp_bounds *bounds, const double *x, const double *y, int64_t n);

/** Taps along an axis of settled points within [lo, hi]; some may lie outside of the picture. */
tw_span tw_warp_taps_of(const tw_warp_plane *plane, double lo, double hi);
/** The pixel of the picture that tap `i` reads. */
int64_t tw_warp_pixel(const tw_warp_plane *plane, int axis, int64_t i);
/** Pixels of the picture that taps read. Never empty for taps that are not. */
tw_span tw_warp_pixels(const tw_warp_plane *plane, int axis, tw_span taps);
/** The same for points within [lo, hi] that are not settled yet; rounding of the points within a thousandth is allowed for. */
tw_span tw_warp_reads(const tw_warp_plane *plane, int axis, double lo, double hi);

#endif
