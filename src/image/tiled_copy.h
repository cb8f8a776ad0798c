/* SPDX-License-Identifier: MIT */
/** Decoded pixels in scratch, in tiles, so that any rectangle, also of the turned picture, costs little reading. */
#ifndef TW_IMAGE_TILED_COPY_H
#define TW_IMAGE_TILED_COPY_H

#include "base/context.h"
#include "base/rect.h"
#include "image/picture.h"

typedef struct tw_tiled_copy tw_tiled_copy;

/** Gives the next `rows` rows of the stored picture; fails rather than give fewer. */
typedef tw_status (*tw_rows_fn)(void *user, void *pixels, int64_t rows, tw_error *err);

/** Bytes of scratch that a copy takes. */
int64_t tw_tiled_copy_scratch(const tw_picture *stored);
/** Bytes of memory while it is made; and while it is read, per calling thread. */
int64_t tw_tiled_copy_making(const tw_picture *stored);
int64_t tw_tiled_copy_reading(const tw_picture *stored);

/** Pulls every row once. `orientation` 1..8 is how later reads turn the picture. */
tw_status tw_tiled_copy_make(tw_context *context, const tw_picture *stored, int orientation, tw_rows_fn rows, void *user,
                             tw_tiled_copy **out, tw_error *err);
void tw_tiled_copy_free(tw_tiled_copy *copy);
/** `rect` inside the turned picture; rows of rect.w pixels without gaps. Any thread. */
tw_status tw_tiled_copy_read(tw_tiled_copy *copy, tw_rect rect, void *pixels, tw_error *err);

#endif
