/* SPDX-License-Identifier: MIT */
/** A tile of samples as engines see it: planar float32, rows without padding, planes `plane` floats apart. */
#ifndef TW_BASE_TENSOR_H
#define TW_BASE_TENSOR_H

#include <stdint.h>

typedef struct tw_tensor {
    int64_t w, h, c;
    int64_t plane; /* floats from one channel to the next, >= w * h */
    float *data;
    void *owner;                               /* opaque to everyone but who made it */
    void (*release)(struct tw_tensor *tensor); /* NULL: not owned */
} tw_tensor;

/* Rows of planes are 16-byte aligned as ncnn wants external tensors. */
static inline int64_t tw_plane_floats(int64_t w, int64_t h)
{
    return (w * h + 3) / 4 * 4;
}

static inline void tw_tensor_release(tw_tensor *t)
{
    if (t->release)
        t->release(t);
    *t = (tw_tensor){0};
}

#endif
