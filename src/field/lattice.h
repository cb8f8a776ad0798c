/* SPDX-License-Identifier: MIT */
/** Cubic B-spline deformations: a lattice of control points (Rueckert et al. 1999, free-form deformation). */
#ifndef TW_FIELD_LATTICE_H
#define TW_FIELD_LATTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rect.h"

/** p -> p + u(p), u(x, y) = sum over i, j of c_ij B((x - origin_x) / spacing_x - i) B((y - origin_y) / spacing_y - j),
 *  B the cubic B-spline. Control point (i, j) lies at origin + spacing * (i, j). Pixels of the fixed picture, spacing
 *  1, (0, 0) the centre of its top-left pixel. Where one of the 4x4 control points is missing, u is 0, as ITK's
 *  BSplineTransform has it. Row-major: point (i, j) is at index j * columns + i. */
typedef struct tw_lattice {
    int64_t columns, rows; /* at least 4 */
    double origin[2], spacing[2];
    double *u[2]; /* x and y of the control points, pixels; one block, freed by tw_lattice_free */
} tw_lattice;

/** All control points 0. Sizes outside of [4, 65536] or more than 2^26 points are TW_ERROR_INPUT. */
tw_status tw_lattice_new(int64_t columns, int64_t rows, const double origin[2], const double spacing[2], tw_lattice **out,
                         tw_error *err);
/** The smallest lattice of this spacing that covers a picture of w x h pixels, border pixels included; control points
 *  at multiples of the spacing, a part in 2^40 of it before them, so that the first row and column of pixels are inside
 *  for ITK, too. */
tw_status tw_lattice_cover(int64_t w, int64_t h, double spacing, tw_lattice **out, tw_error *err);
void tw_lattice_free(tw_lattice *lattice);
tw_lattice *tw_lattice_copy(const tw_lattice *lattice);

/** Weights of the four control points around a place t, 0 to 1, of its cell. */
static inline void tw_spline_weights(double t, double w[4])
{
    double r = 1 - t;
    w[0] = r * r * r / 6;
    w[1] = (3 * t * t * t - 6 * t * t + 4) / 6;
    w[2] = (3 * r * r * r - 6 * r * r + 4) / 6;
    w[3] = t * t * t / 6;
}

/** u at a point. */
void tw_lattice_at(const tw_lattice *lattice, double x, double y, double u[2]);
/** u at (x0 + k, y) for k in [0, n): the same bits as tw_lattice_at gives for each of them. Fast: the inner loop is
 *  ours to make so. */
void tw_lattice_row(const tw_lattice *lattice, double x0, double y, int64_t n, double *ux, double *uy);
/** The half-open range of control points that touch points of [lo, hi] on an axis, clipped to the lattice. */
tw_span tw_lattice_touching(const tw_lattice *lattice, int axis, double lo, double hi);
/** Bounds of u over a rectangle of pixel centres, by the control points' hull: lo[axis] <= u <= hi[axis] everywhere in it. */
void tw_lattice_bounds(const tw_lattice *lattice, tw_rect rect, double lo[2], double hi[2]);
/** A lower bound of the Jacobian determinant of p + u(p) over the lattice's support, from the derivatives' control points
 *  per cell, refined by subdivision until it is within 1e-3 or a point below 0 is found; and where (pixels). */
double tw_lattice_min_jacobian(const tw_lattice *lattice, double at[2]);
/** The same deformation with half the spacing, exactly (subdivision 1/8 [1 4 6 4 1]). */
tw_status tw_lattice_refine(const tw_lattice *lattice, tw_lattice **out, tw_error *err);

#endif
