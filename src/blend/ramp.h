/* SPDX-License-Identifier: MIT */
/** Weights of two tiles where they overlap, along one axis. Integers, so that they sum to one exactly. Pure. */
#ifndef TW_BLEND_RAMP_H
#define TW_BLEND_RAMP_H

#include <stdint.h>

#define TW_RAMP_ONE 32768 /* the weight 1 */

typedef enum tw_ramp_kind {
    TW_RAMP_NONE, /* tiles do not overlap: cropped at the core */
    TW_RAMP_LINEAR,
    TW_RAMP_COSINE,   /* (1 - cos(pi t)) / 2 */
    TW_RAMP_GAUSSIAN, /* the integral of a Gaussian whose sigma is a fifth of the overlap, stretched to reach 0 and 1 */
} tw_ramp_kind;

/** Weights of `n` overlapping samples, taken at their centres: `rise` of the tile behind the edge, `fall` of the one in front.
 *  rise[i] + fall[i] is TW_RAMP_ONE, rise never falls, and fall is rise mirrored. */
void tw_ramp_fill(tw_ramp_kind kind, int64_t n, int32_t *rise, int32_t *fall);

#endif
