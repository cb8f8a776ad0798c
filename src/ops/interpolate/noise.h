/* SPDX-License-Identifier: MIT */
/** Noise that depends on where it is and on nothing else, so that tiles that overlap get the same. */
#ifndef TW_INTERPOLATE_NOISE_H
#define TW_INTERPOLATE_NOISE_H

#include <stdint.h>

/** A sample of the normal distribution, mean 0 and variance 1, of column x, row y (any, negative ones too) of a channel of a plane. Pure. */
float tw_noise_at(uint64_t seed, int plane, int channel, int64_t x, int64_t y);

#endif
