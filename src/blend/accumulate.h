/* SPDX-License-Identifier: MIT */
/** A ring of full-width rows in which overlapping tiles are summed with their weights. Sums are integers in units of 2^-24 (1 =
 *  white), so the order in which tiles arrive never matters. Samples are clamped to [-127, 127] and NaN counts as 0; the weights
 *  of one sample sum to 1, so four contributions cannot overflow 32 bits. Each contribution is rounded by at most 2^-25. */
#ifndef TW_BLEND_ACCUMULATE_H
#define TW_BLEND_ACCUMULATE_H

#include "base/context.h"
#include "image/picture.h"

typedef struct tw_accumulator tw_accumulator;

/** Bytes that a ring of `rows` rows takes from the account. */
int64_t tw_accumulator_bytes(const tw_picture *picture, int64_t rows);
tw_status tw_accumulator_new(tw_context *context, const tw_picture *picture, int64_t rows, tw_accumulator **out, tw_error *err);
/** NULL is allowed. */
void tw_accumulator_free(tw_accumulator *accumulator);

/** Blocks until rows up to `end` (exclusive) have room; fails when stopped or when the job was cancelled. */
tw_status tw_accumulator_reserve(tw_accumulator *accumulator, int64_t end, tw_error *err);
/** Adds `n` samples of one band, from pixel x of reserved row y on, each times across[i] * down / TW_RAMP_ONE^2. Any thread.
 *  `across` NULL stands for TW_RAMP_ONE; with `down` TW_RAMP_ONE as well, no other tile may touch these samples. */
void tw_accumulator_add(tw_accumulator *accumulator, int64_t x, int64_t y, int band, int64_t n, const float *samples,
                        const int32_t *across, int32_t down);
/** Writes row y at the picture's depth and frees its place. Rows are taken in order, by one thread at a time, after every tile
 *  that touches them was added. */
void tw_accumulator_take(tw_accumulator *accumulator, int64_t y, void *row);
/** Wakes everybody who waits; they fail. */
void tw_accumulator_stop(tw_accumulator *accumulator);

#endif
