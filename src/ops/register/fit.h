/* SPDX-License-Identifier: MIT */
/** One cubic B-spline lattice through measured displacements: weighted least squares with Huber's weights and a little bending energy,
 *  by preconditioned conjugate gradients in double. Every sum is taken in the order of points and control points: the result has the same
 *  bits wherever and by however many threads the points were measured. */
#ifndef TW_REGISTER_FIT_H
#define TW_REGISTER_FIT_H

#include "base/context.h"
#include "field/affine.h"
#include "field/lattice.h"

/** One measurement. */
typedef struct tw_fit_point {
    double x, y; /* where, in the lattice's units */
    double d[2]; /* displacement */
    double w[3]; /* inverse covariance: xx, xy, yy; at most `fit->most` on either axis. All 0: not used */
} tw_fit_point;

typedef struct tw_fit {
    double stiffness; /* of the bending energy, in units of the largest weight */
    double most;      /* the largest weight that a point may have */
    double huber;     /* residuals beyond so many standard deviations count less */
    int rounds;       /* of reweighting */
} tw_fit;

typedef struct tw_fit_result {
    int steps;       /* of conjugate gradients, all rounds */
    double residual; /* weighted mean of the residuals' squares, in standard deviations squared */
} tw_fit_result;

/** Starts from the lattice as it is. TW_ERROR_INTERRUPTED leaves it so. */
tw_status tw_fit_lattice(tw_context *context, const tw_fit *fit, const tw_fit_point *points, int64_t n, tw_lattice *lattice,
                         tw_fit_result *result, tw_error *err);
/** Bytes that takes. Pure. */
int64_t tw_fit_bytes(int64_t columns, int64_t rows, int64_t n);

/** The affine map x -> x + d that fits best, Huber-weighted; `similar`: rotation, one scale, shift. False: too few points, or all on a line. */
bool tw_fit_affine(const tw_fit *fit, const tw_fit_point *points, int64_t n, bool similar, tw_affine *out);

#endif
