/* SPDX-License-Identifier: MIT */
#include "schedule/window.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/wait.h"

struct tw_window {
    tw_context *context;
    tw_source *source;
    int64_t height, capacity, row_bytes;
    char *rows;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t first, end;  /* rows [first, end) are held */
    int64_t wanted_from; /* what was released so far, perhaps beyond what was decoded */
    bool loading, stopped;
    tw_error failure; /* of the decoder: everybody who waits gets it */
};

tw_status tw_window_new(tw_context *context, tw_source *source, int64_t rows, tw_window **out, tw_error *err)
{
    const tw_picture *picture = tw_source_picture(source);
    tw_window *window = calloc(1, sizeof *window);
    *out = NULL;
    if (!window)
        return tw_fail_memory(err, "window", sizeof *window);
    window->context = context;
    window->source = source;
    window->height = picture->height;
    window->capacity = rows < picture->height ? rows : picture->height;
    window->row_bytes = tw_picture_row_bytes(picture);
    int64_t bytes = window->capacity * window->row_bytes;
    window->rows = tw_alloc(tw_context_account(context), (size_t)bytes);
    if (!window->rows) {
        free(window);
        return tw_fail_memory(err, "rows of the input", bytes);
    }
    pthread_mutex_init(&window->lock, NULL);
    tw_condition_init(&window->changed);
    *out = window;
    return TW_OK;
}

void tw_window_free(tw_window *window)
{
    if (!window)
        return;
    tw_free(window->rows);
    pthread_cond_destroy(&window->changed);
    pthread_mutex_destroy(&window->lock);
    free(window);
}

const void *tw_window_row(const tw_window *window, int64_t y)
{
    return window->rows + y % window->capacity * window->row_bytes;
}

/* Decodes one contiguous run of free rows with the lock let go. */
static void load_some(tw_window *window, int64_t want)
{
    int64_t slot = window->end % window->capacity;
    int64_t room = window->capacity - (window->end - window->first);
    int64_t rows = tw_min64(tw_min64(room, window->capacity - slot), want - window->end);
    tw_error error = TW_ERROR_NONE;
    int64_t got = 0;
    window->loading = true;
    pthread_mutex_unlock(&window->lock);
    tw_status status = tw_source_next_band(window->source, window->rows + slot * window->row_bytes, rows, &got, &error);
    pthread_mutex_lock(&window->lock);
    window->loading = false;
    if (status == TW_OK && got < 1)
        tw_fail(&error, TW_ERROR_INPUT, "%s: only %lld of %lld rows", tw_source_label(window->source), (long long)window->end,
                (long long)window->height);
    if (error.code != TW_OK)
        window->failure = error;
    else
        window->end += got;
    window->first = tw_max64(window->first, tw_min64(window->wanted_from, window->end));
    pthread_cond_broadcast(&window->changed);
}

tw_status tw_window_wait(tw_window *window, int64_t end, tw_error *err)
{
    tw_status status = TW_OK;
    pthread_mutex_lock(&window->lock);
    while (window->end < end && status == TW_OK) {
        if (window->failure.code != TW_OK)
            status = tw_fail(err, window->failure.code, "%s", window->failure.message);
        else if (window->stopped || tw_context_cancelled(window->context))
            status = tw_fail(err, TW_ERROR_INTERRUPTED, "interrupted");
        else if (!window->loading && window->end - window->first < window->capacity)
            load_some(window, end);
        else
            tw_wait_briefly(&window->changed, &window->lock);
    }
    pthread_mutex_unlock(&window->lock);
    return status;
}

void tw_window_release(tw_window *window, int64_t start)
{
    pthread_mutex_lock(&window->lock);
    window->wanted_from = tw_max64(window->wanted_from, start);
    window->first = tw_max64(window->first, tw_min64(window->wanted_from, window->end));
    pthread_cond_broadcast(&window->changed);
    pthread_mutex_unlock(&window->lock);
}

void tw_window_stop(tw_window *window)
{
    pthread_mutex_lock(&window->lock);
    window->stopped = true;
    pthread_cond_broadcast(&window->changed);
    pthread_mutex_unlock(&window->lock);
}
