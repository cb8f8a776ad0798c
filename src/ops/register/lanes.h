/* SPDX-License-Identifier: MIT */
/** Eight floats at a time, and the names of what is compiled once for any processor and once with AVX2. Neither fuses multiply and
 *  add, so that both give the same bits. */
#ifndef TW_REGISTER_LANES_H
#define TW_REGISTER_LANES_H

#include <stdint.h>
#include <string.h>

#ifdef TW_REGISTER_AVX2
#define TW_LANE_NAME(name) name##_avx2
#else
#define TW_LANE_NAME(name) name##_any
#endif

typedef float vec __attribute__((vector_size(32)));
typedef int32_t ivec __attribute__((vector_size(32)));
#define LANES  8
#define INLINE static inline __attribute__((always_inline))

INLINE void vec_load(const float *from, vec *v)
{
    memcpy(v, from, sizeof *v);
}

INLINE void vec_store(float *to, const vec *v)
{
    memcpy(to, v, sizeof *v);
}

/* Always added in the same order. */
INLINE float vec_sum(const vec *v)
{
    return (((*v)[0] + (*v)[4]) + ((*v)[2] + (*v)[6])) + (((*v)[1] + (*v)[5]) + ((*v)[3] + (*v)[7]));
}

#define SPREAD(x) ((vec){x, x, x, x, x, x, x, x})

#endif
