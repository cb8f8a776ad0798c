/* SPDX-License-Identifier: MIT */
/** What one stage leaves to later ones: a blob of the whole picture, float32, in memory or in a scratch file, in blocks, so that
 *  rectangles cost few reads. Different workers may write different samples at the same time. */
#ifndef TW_INTERPOLATE_STORE_H
#define TW_INTERPOLATE_STORE_H

#include "base/context.h"
#include "base/rect.h"

typedef struct tw_store {
    int64_t w, h;
    int channels;
    float *memory;         /* NULL: in the file */
    tw_scratch_file *file; /* NULL: in memory */
} tw_store;

/** Bytes that a blob of this size takes. Pure. */
int64_t tw_store_bytes(int64_t w, int64_t h, int channels);
tw_status tw_store_open(tw_context *context, int64_t w, int64_t h, int channels, bool in_memory, tw_store *out, tw_error *err);
/** A store that is all 0 is allowed. */
void tw_store_close(tw_store *store);

/** Channels of `rect`, which lies inside, as planes `plane` floats apart with rows `stride` floats apart. */
tw_status tw_store_read(const tw_store *store, tw_rect rect, float *to, int64_t stride, int64_t plane, tw_error *err);
tw_status tw_store_write(const tw_store *store, tw_rect rect, const float *from, int64_t stride, int64_t plane, tw_error *err);

#endif
