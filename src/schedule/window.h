/* SPDX-License-Identifier: MIT */
/** A ring of full-width input rows between the decoder and the workers. Whoever lacks rows decodes them, one at a time. */
#ifndef TW_SCHEDULE_WINDOW_H
#define TW_SCHEDULE_WINDOW_H

#include "base/context.h"
#include "image/source.h"

typedef struct tw_window tw_window;

/** `rows`: capacity; at least what one tile row needs. */
tw_status tw_window_new(tw_context *context, tw_source *source, int64_t rows, tw_window **out, tw_error *err);
void tw_window_free(tw_window *window);

/** Returns when rows [.., end) are there. Blocks while the ring is full, until tw_window_release makes room or `tw_window_stop`. */
tw_status tw_window_wait(tw_window *window, int64_t end, tw_error *err);
/** Rows before `start` are not needed any more. Monotonic. */
void tw_window_release(tw_window *window, int64_t start);
/** Wakes everybody who waits; they fail. */
void tw_window_stop(tw_window *window);
/** A row that is there and not released. */
const void *tw_window_row(const tw_window *window, int64_t y);

#endif
