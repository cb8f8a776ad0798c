/* SPDX-License-Identifier: MIT */
#include "ops/interpolate/noise.h"

#include <math.h>

/* Every bit of the result depends on every bit of both: the finishing steps of a multiply-and-shift hash, with odd constants. */
static uint64_t mix(uint64_t state, uint64_t value)
{
    state = (state ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    state = (state ^ state >> 32) * UINT64_C(0xd6e8feb86659fd93);
    state = (state ^ state >> 29) * UINT64_C(0xa0761d6478bd642f);
    return state ^ state >> 32;
}

/* Between 0 and 1, neither of both. */
static double uniform(uint64_t bits)
{
    return ((double)(bits >> 12) + 0.5) / 4503599627370496.0;
}

float tw_noise_at(uint64_t seed, int plane, int channel, int64_t x, int64_t y)
{
    uint64_t key = mix(mix(seed + 1, (uint64_t)plane << 32 | (uint32_t)channel), (uint64_t)y);
    uint64_t first = mix(key, (uint64_t)x), second = mix(first, 1);
    static const double turn = 6.283185307179586;
    return (float)(sqrt(-2 * log(uniform(first))) * cos(turn * uniform(second)));
}
