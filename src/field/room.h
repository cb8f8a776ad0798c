/* SPDX-License-Identifier: MIT */
/** What only this room sees. */
#ifndef TW_FIELD_ROOM_H
#define TW_FIELD_ROOM_H

#include <float.h>
#include <math.h>

#include "field/field.h"

/** One axis of a lattice or grid: index = (x - origin) * inverse. Rounding keeps it monotonic in x. */
typedef struct tw_axis {
    double origin, spacing, inverse;
    int64_t n;
} tw_axis;

static inline tw_axis tw_lattice_axis(const tw_lattice *l, int axis)
{
    return (tw_axis){l->origin[axis], l->spacing[axis], 1 / l->spacing[axis], axis ? l->rows : l->columns};
}

static inline double tw_axis_index(const tw_axis *a, double x)
{
    return (x - a->origin) * a->inverse;
}

/** Where a spline's indices begin and end. Rounding may put a point on the near edge just outside: it counts as inside. */
static inline double tw_axis_first(void)
{
    return 1 - 16 * DBL_EPSILON;
}

static inline double tw_axis_last(const tw_axis *a)
{
    return (double)(a->n - 2);
}

/** One coordinate of an affine map, by its three numbers; the one order of operations. */
static inline double tw_affine_axis(const double m[3], double x, double y)
{
    return (m[0] * x + m[1] * y) + m[2];
}

/** Where the spline is defined, in pixels: between the second and the last but one control point. */
void tw_lattice_support(const tw_lattice *lattice, double lo[2], double hi[2]);
/** Bounds of u over the points of the box. */
void tw_lattice_hull(const tw_lattice *lattice, const double box_lo[2], const double box_hi[2], double lo[2], double hi[2]);
/** p += u(p) for n points; the same bits as tw_lattice_at. */
void tw_lattice_move(const tw_lattice *lattice, int64_t n, double *x, double *y);

/** Samples that tw_displacement_move needs room for, as pairs of floats, for n points. */
int64_t tw_displacement_room(int64_t n);
/** The outermost samples, in pixels. */
void tw_displacement_support(const tw_displacement *d, double lo[2], double hi[2]);
/** p += u(p) for n points. */
tw_status tw_displacement_move(const tw_displacement *d, int64_t n, double *x, double *y, float *room, tw_error *err);

#endif
