/* SPDX-License-Identifier: MIT */
/** Events as JSON lines on one descriptor. Thread-safe; a line is never mixed with another. */
#ifndef TW_BATCH_EVENTS_H
#define TW_BATCH_EVENTS_H

#include <jansson.h>
#include <stdbool.h>

#include "tilewright/tilewright.h"

typedef struct batch_events batch_events;

/** `on_broken` is called once, from any thread, when nobody reads any more. */
batch_events *batch_events_new(int fd, void (*on_broken)(void *user), void *user);
void batch_events_free(batch_events *events);

/** {"event":NAME,"id":ID or null}; add members, then send. */
json_t *batch_event(const char *name, const char *id);
/** Takes over `event`. Waits for the reader. False when the line would be longer than the limit: nothing is sent then. */
bool batch_send(batch_events *events, json_t *event);
/** For what may be missed: dropped where the reader is behind. */
void batch_send_if_ready(batch_events *events, json_t *event);
/** {"event":"error","id","code","message","retryable"} and, above 0, "line". */
void batch_send_error(batch_events *events, const char *id, const tw_error *error, bool retryable, int64_t line);

/** A JSON string of any bytes: JSON is UTF-8, file names and messages need not be. */
json_t *batch_text(const char *text);
/** Rounded to microseconds. */
json_t *batch_seconds(double seconds);

#endif
