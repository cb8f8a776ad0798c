/* SPDX-License-Identifier: MIT */
/** A field maps points of the fixed (output) picture to points of the moving (input) picture, as ITK does: pixels of the
 *  full-resolution pictures, spacing 1, origin at the centre of the top-left pixel. It is a chain of parts, the first one
 *  applied first. Results depend on the point alone, never on which rectangle or thread asked. */
#ifndef TW_FIELD_FIELD_H
#define TW_FIELD_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/account.h"
#include "base/error.h"
#include "base/rect.h"
#include "field/affine.h"
#include "field/lattice.h"

typedef struct tw_field tw_field;

/** Displacements on a grid of samples, read by rectangle from wherever they lie: u between samples is bilinear; within
 *  half a sample of the grid its border goes on, beyond that u is 0 (ITK's DisplacementFieldTransform). Sample (i, j)
 *  lies at origin + spacing * (i, j). */
typedef struct tw_displacement {
    int64_t width, height;
    double origin[2], spacing[2];
    double least[2], most[2]; /* bounds of u over all samples; lo > hi: not known */
    /** Copies a rectangle of samples as pairs (ux, uy), rows without gaps. Any thread. */
    tw_status (*read)(void *user, tw_rect rect, float *pairs, tw_error *err);
    void (*close)(void *user); /* may be NULL */
    void *user;
} tw_displacement;

/** The identity. */
tw_field *tw_field_new(void);
/** NULL is allowed. */
void tw_field_free(tw_field *field);
void tw_field_add_affine(tw_field *field, const tw_affine *affine);
/** Takes the lattice over, or the displacement: closed and freed with the field. */
void tw_field_add_lattice(tw_field *field, tw_lattice *lattice);
void tw_field_add_displacement(tw_field *field, const tw_displacement *displacement);

/** Moves the parts of `other` behind those of `field` and frees it: first `field`, then `other`. */
void tw_field_append(tw_field *field, tw_field *other);

int tw_field_parts(const tw_field *field);
/** Part i as what it is; NULL when it is something else. */
const tw_affine *tw_field_affine(const tw_field *field, int i);
const tw_lattice *tw_field_lattice(const tw_field *field, int i);
const tw_displacement *tw_field_displacement(const tw_field *field, int i);
/** True when all parts are affine; then *out is their product. */
bool tw_field_is_affine(const tw_field *field, tw_affine *out);

/** Where (x0 + k, y), k in [0, n), go. `scratch` holds what tw_field_scratch(field, n) says; the same bits for any
 *  split of a row. Fails only where a displacement cannot be read. Any thread, each with its own scratch. */
tw_status tw_field_row(const tw_field *field, double x0, double y, int64_t n, double *out_x, double *out_y, void *scratch,
                       tw_error *err);
/** Bytes of scratch for rows of n points. Pure. */
int64_t tw_field_scratch(const tw_field *field, int64_t n);

/** Bounds of where the pixel centres of `out` go: lo[axis] <= result <= hi[axis]; false when no bound is known (a displacement
 *  whose bounds are not). From the control points' hull, without pixels. Pure. */
bool tw_field_bounds(const tw_field *field, tw_rect out, double lo[2], double hi[2]);

/** Reads displacements whose bounds are not known, once, row by row, and keeps their bounds; tw_field_bounds knows them
 *  from then on. TW_ERROR_INPUT for what cannot be read or is not finite. One thread. */
tw_status tw_field_measure(tw_field *field, tw_error *err);

/** The field that undoes this one over a picture of w x h moving pixels, as an affine and a lattice of this spacing, by
 *  fixed-point iteration at its nodes and interpolation; the lattice comes first. Beyond the borders of its lattices
 *  the field is continued without a jump. *residual: the greatest |F(G(p)) - p| on a grid of half the spacing, of points
 *  that come from inside those borders; pixels.
 *  TW_ERROR_INPUT for a folded field. */
tw_status tw_field_invert(const tw_field *field, int64_t w, int64_t h, double spacing, tw_field **out, double *residual,
                          tw_error *err);

/** Refuses what must not be applied: coefficients that are not finite, lattices that fold (Jacobian <= 0; `folds_allowed` lets
 *  them pass), affine parts that are singular. TW_ERROR_INPUT, the message names `label`, the number and the place. */
tw_status tw_field_check(const tw_field *field, const char *label, bool folds_allowed, tw_error *err);

#endif
