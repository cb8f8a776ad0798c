/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "request.h"

struct batch_events {
    pthread_mutex_t lock;
    int fd;
    bool broken;
    void (*on_broken)(void *user);
    void *user;
};

batch_events *batch_events_new(int fd, void (*on_broken)(void *user), void *user)
{
    batch_events *events = g_new0(batch_events, 1);
    pthread_mutex_init(&events->lock, NULL);
    events->fd = fd;
    events->on_broken = on_broken;
    events->user = user;
    return events;
}

void batch_events_free(batch_events *events)
{
    pthread_mutex_destroy(&events->lock);
    g_free(events);
}

json_t *batch_text(const char *text)
{
    char *valid = g_utf8_make_valid(text, -1);
    json_t *value = json_string(valid);
    g_free(valid);
    return value;
}

json_t *batch_seconds(double seconds)
{
    return json_real((double)(int64_t)(seconds * 1e6 + 0.5) / 1e6);
}

json_t *batch_event(const char *name, const char *id)
{
    json_t *event = json_object();
    json_object_set_new(event, "event", json_string(name));
    json_object_set_new(event, "id", id ? json_string(id) : json_null());
    return event;
}

/* Whoever made the descriptor may have made it non-blocking. */
static bool write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n > 0) {
            text += n;
            length -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* Holds the lock, which it gives back. Takes over `event`. */
static bool send(batch_events *events, json_t *event)
{
    char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(10));
    size_t length = text ? strlen(text) : 0;
    bool fits = text && length <= BATCH_LINE_LIMIT, broke = false;
    json_decref(event);
    if (fits && !events->broken) {
        text[length] = '\n'; /* in place of the 0 */
        broke = events->broken = !write_all(events->fd, text, length + 1);
    }
    pthread_mutex_unlock(&events->lock);
    if (broke)
        events->on_broken(events->user);
    free(text);
    return fits;
}

bool batch_send(batch_events *events, json_t *event)
{
    pthread_mutex_lock(&events->lock);
    return send(events, event);
}

void batch_send_if_ready(batch_events *events, json_t *event)
{
    struct pollfd ready = {.fd = events->fd, .events = POLLOUT};
    if (pthread_mutex_trylock(&events->lock) != 0) {
        json_decref(event);
        return;
    }
    if (poll(&ready, 1, 0) == 1) {
        send(events, event);
        return;
    }
    pthread_mutex_unlock(&events->lock);
    json_decref(event);
}

void batch_send_error(batch_events *events, const char *id, const tw_error *error, bool retryable, int64_t line)
{
    json_t *event = batch_event("error", id);
    if (line > 0)
        json_object_set_new(event, "line", json_integer(line));
    json_object_set_new(event, "code", json_integer(error->code));
    json_object_set_new(event, "message", batch_text(error->message));
    json_object_set_new(event, "retryable", json_boolean(retryable));
    batch_send(events, event);
}
