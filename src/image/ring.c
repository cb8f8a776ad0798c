/* SPDX-License-Identifier: MIT */
#include "image/ring.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/wait.h"

struct tw_ring {
    tw_context *context;
    tw_picture picture;
    int64_t rows, row_bytes;
    char *pixels;
    int64_t *missing; /* pixels not done yet, of the row that a place holds */
    int64_t first;    /* rows below it were released */
    int64_t ready;    /* rows below it are complete */
    bool stopped;
    tw_error why;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

tw_status tw_ring_new(tw_context *context, const tw_picture *picture, int64_t rows, tw_ring **out, tw_error *err)
{
    *out = NULL;
    tw_ring *ring = calloc(1, sizeof *ring);
    if (!ring)
        return tw_fail_memory(err, "ring of output rows", sizeof *ring);
    ring->context = context;
    ring->picture = *picture;
    ring->rows = tw_clamp64(rows, 1, picture->height);
    ring->row_bytes = tw_picture_row_bytes(picture);
    pthread_mutex_init(&ring->lock, NULL);
    tw_condition_init(&ring->changed);
    ring->pixels = tw_alloc(tw_context_account(context), (size_t)(ring->rows * ring->row_bytes));
    ring->missing = tw_alloc(tw_context_account(context), (size_t)ring->rows * sizeof *ring->missing);
    if (!ring->pixels || !ring->missing) {
        tw_ring_free(ring);
        return tw_fail_memory(err, "ring of output rows", rows * tw_picture_row_bytes(picture));
    }
    for (int64_t i = 0; i < ring->rows; i++)
        ring->missing[i] = picture->width;
    *out = ring;
    return TW_OK;
}

void tw_ring_free(tw_ring *ring)
{
    if (!ring)
        return;
    tw_free(ring->pixels);
    tw_free(ring->missing);
    pthread_cond_destroy(&ring->changed);
    pthread_mutex_destroy(&ring->lock);
    free(ring);
}

tw_status tw_ring_reserve(tw_ring *ring, int64_t end, tw_error *err)
{
    tw_status status = TW_OK;
    end = tw_min64(end, ring->picture.height);
    pthread_mutex_lock(&ring->lock);
    while (status == TW_OK && (ring->stopped || end > ring->first + ring->rows)) {
        status = tw_context_check(ring->context, err);
        if (status == TW_OK && ring->stopped)
            status = ring->why.code != TW_OK ? tw_fail(err, ring->why.code, "%s", ring->why.message)
                                             : tw_fail(err, TW_ERROR_RUN, "the output was closed");
        if (status == TW_OK)
            tw_wait_briefly(&ring->changed, &ring->lock);
    }
    pthread_mutex_unlock(&ring->lock);
    return status != TW_OK ? status : tw_context_check(ring->context, err);
}

void *tw_ring_row(tw_ring *ring, int64_t y)
{
    return ring->pixels + y % ring->rows * ring->row_bytes;
}

void tw_ring_done(tw_ring *ring, tw_rect rect)
{
    pthread_mutex_lock(&ring->lock);
    for (int64_t y = rect.y; y < rect.y + rect.h; y++)
        ring->missing[y % ring->rows] -= rect.w;
    int64_t before = ring->ready, limit = tw_min64(ring->first + ring->rows, ring->picture.height);
    while (ring->ready < limit && ring->missing[ring->ready % ring->rows] <= 0)
        ring->ready++;
    if (ring->ready > before)
        pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

const void *tw_ring_take(tw_ring *ring, int64_t y)
{
    int64_t n;
    return tw_ring_take_rows(ring, y, &n);
}

const void *tw_ring_take_rows(tw_ring *ring, int64_t y, int64_t *n)
{
    pthread_mutex_lock(&ring->lock);
    bool cancelled = tw_context_cancelled(ring->context); /* rows that wait are not encoded any more, either */
    while (!ring->stopped && y >= ring->ready && !cancelled) {
        tw_wait_briefly(&ring->changed, &ring->lock);
        cancelled = tw_context_cancelled(ring->context);
    }
    bool there = !ring->stopped && y >= ring->first && y < ring->ready;
    *n = tw_min64(ring->ready - y, ring->rows - y % ring->rows);
    pthread_mutex_unlock(&ring->lock);
    return there && !cancelled ? tw_ring_row(ring, y) : NULL;
}

void tw_ring_release(tw_ring *ring, int64_t y)
{
    pthread_mutex_lock(&ring->lock);
    for (; ring->first <= y; ring->first++)
        ring->missing[ring->first % ring->rows] = ring->picture.width;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

void tw_ring_stop(tw_ring *ring, const tw_error *why)
{
    pthread_mutex_lock(&ring->lock);
    if (!ring->stopped && why)
        ring->why = *why;
    ring->stopped = true;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

bool tw_ring_complete(tw_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    bool complete = ring->ready == ring->picture.height;
    pthread_mutex_unlock(&ring->lock);
    return complete;
}
