/* SPDX-License-Identifier: MIT */
/** The rows between the writers and the encoder: filled in any order near the front, taken in order. Thread-safe. */
#ifndef TW_IMAGE_RING_H
#define TW_IMAGE_RING_H

#include "base/context.h"
#include "base/rect.h"
#include "image/picture.h"

typedef struct tw_ring tw_ring;

tw_status tw_ring_new(tw_context *context, const tw_picture *picture, int64_t rows, tw_ring **out, tw_error *err);
void tw_ring_free(tw_ring *ring);

/* Writers: see sink.h. */
tw_status tw_ring_reserve(tw_ring *ring, int64_t end, tw_error *err);
void *tw_ring_row(tw_ring *ring, int64_t y);
void tw_ring_done(tw_ring *ring, tw_rect rect);

/* The encoder, one thread at a time. */
/** Row y when it is complete; NULL when the ring was stopped or the job cancelled. Rows are asked for in order. */
const void *tw_ring_take(tw_ring *ring, int64_t y);
/** The same, and how many complete rows from y on lie one after the other (`*n`, at least 1). */
const void *tw_ring_take_rows(tw_ring *ring, int64_t y, int64_t *n);
/** Row y and all before it were read; their places serve later rows. */
void tw_ring_release(tw_ring *ring, int64_t y);

/** Ends all waiting, now and later. The first call's error (NULL: none, just an end) is what writers get. */
void tw_ring_stop(tw_ring *ring, const tw_error *why);
/** True when every row was completed. */
bool tw_ring_complete(tw_ring *ring);

#endif
