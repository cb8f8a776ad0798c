/* SPDX-License-Identifier: MIT */
/** Affine maps of the plane. */
#ifndef TW_FIELD_AFFINE_H
#define TW_FIELD_AFFINE_H

#include <stdbool.h>

/** (x, y) -> (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]), in pixels. */
typedef struct tw_affine {
    double m[6];
} tw_affine;

#define TW_AFFINE_IDENTITY                                                                                                     \
    {                                                                                                                          \
        {                                                                                                                      \
            1, 0, 0, 0, 1, 0                                                                                                   \
        }                                                                                                                      \
    }

/** The order of operations is fixed (no contraction), so that a point gives the same bits wherever it is computed. */
void tw_affine_at(const tw_affine *a, double x, double y, double out[2]);
/** First `first`, then `second`. */
tw_affine tw_affine_after(const tw_affine *second, const tw_affine *first);
double tw_affine_determinant(const tw_affine *a);
/** False when it is singular or not finite. */
bool tw_affine_invert(const tw_affine *a, tw_affine *out);

#endif
