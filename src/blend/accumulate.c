/* SPDX-License-Identifier: MIT */
#include "blend/accumulate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/rect.h"
#include "base/wait.h"
#include "blend/pixels.h"
#include "blend/ramp.h"

#define UNIT    16777216.0 /* sums per white */
#define LARGEST 127.f
#define STRIPES 32  /* locks; row y has lock y % STRIPES */
#define CHUNK   256 /* samples converted at once */

struct tw_accumulator {
    tw_context *context;
    tw_picture picture;
    int bands;
    int64_t rows;
    int32_t *sums; /* place of a row: one run of `width` sums for each band */
    pthread_mutex_t stripes[STRIPES];
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    int64_t first; /* rows below it were taken */
    bool stopped;
};

int64_t tw_accumulator_bytes(const tw_picture *picture, int64_t rows)
{
    return tw_clamp64(rows, 1, picture->height) * picture->width * tw_picture_bands(picture) * (int64_t)sizeof(int32_t);
}

tw_status tw_accumulator_new(tw_context *context, const tw_picture *picture, int64_t rows, tw_accumulator **out, tw_error *err)
{
    int64_t bytes = tw_accumulator_bytes(picture, rows);
    tw_accumulator *a = calloc(1, sizeof *a);
    *out = NULL;
    if (!a)
        return tw_fail_memory(err, "rows being blended", sizeof *a);
    a->context = context;
    a->picture = *picture;
    a->bands = tw_picture_bands(picture);
    a->rows = tw_clamp64(rows, 1, picture->height);
    a->sums = tw_alloc(tw_context_account(context), (size_t)bytes);
    if (!a->sums) {
        free(a);
        return tw_fail_memory(err, "rows being blended", bytes);
    }
    memset(a->sums, 0, (size_t)bytes);
    for (int i = 0; i < STRIPES; i++)
        pthread_mutex_init(&a->stripes[i], NULL);
    pthread_mutex_init(&a->lock, NULL);
    tw_condition_init(&a->changed);
    *out = a;
    return TW_OK;
}

void tw_accumulator_free(tw_accumulator *a)
{
    if (!a)
        return;
    tw_free(a->sums);
    for (int i = 0; i < STRIPES; i++)
        pthread_mutex_destroy(&a->stripes[i]);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

tw_status tw_accumulator_reserve(tw_accumulator *a, int64_t end, tw_error *err)
{
    tw_status status = TW_OK;
    end = tw_min64(end, a->picture.height);
    pthread_mutex_lock(&a->lock);
    while (status == TW_OK && (a->stopped || end > a->first + a->rows)) {
        status = a->stopped ? tw_fail(err, TW_ERROR_INTERRUPTED, "interrupted") : tw_context_check(a->context, err);
        if (status == TW_OK)
            tw_wait_briefly(&a->changed, &a->lock);
    }
    pthread_mutex_unlock(&a->lock);
    return status;
}

static int32_t *sums_at(tw_accumulator *a, int64_t x, int64_t y, int band)
{
    return a->sums + (y % a->rows * a->bands + band) * a->picture.width + x;
}

/* NaN becomes 0: comparisons with it are false. */
static inline int32_t quantised(float sample, double weight)
{
    float v = sample > -LARGEST ? sample < LARGEST ? sample : LARGEST : sample <= -LARGEST ? -LARGEST : 0;
    double d = (double)v * weight;
    return (int32_t)(d < 0 ? d - 0.5 : d + 0.5);
}

void tw_accumulator_add(tw_accumulator *a, int64_t x, int64_t y, int band, int64_t n, const float *samples,
                        const int32_t *across, int32_t down)
{
    int32_t *to = sums_at(a, x, y, band);
    double unit = UNIT / TW_RAMP_ONE * down;
    if (!across && down == TW_RAMP_ONE) { /* inside a tile, where nobody else writes */
        for (int64_t i = 0; i < n; i++)
            to[i] = quantised(samples[i], UNIT);
        return;
    }
    pthread_mutex_lock(&a->stripes[y % STRIPES]);
    if (across)
        for (int64_t i = 0; i < n; i++)
            to[i] += quantised(samples[i], unit / TW_RAMP_ONE * across[i]);
    else
        for (int64_t i = 0; i < n; i++)
            to[i] += quantised(samples[i], unit);
    pthread_mutex_unlock(&a->stripes[y % STRIPES]);
}

void tw_accumulator_take(tw_accumulator *a, int64_t y, void *row)
{
    int64_t pixel = tw_picture_pixel_bytes(&a->picture);
    float line[CHUNK];
    for (int band = 0; band < a->bands; band++)
        for (int64_t x = 0; x < a->picture.width; x += CHUNK) {
            int64_t n = tw_min64(CHUNK, a->picture.width - x);
            const int32_t *sums = sums_at(a, x, y, band);
            for (int64_t i = 0; i < n; i++)
                line[i] = (float)((double)sums[i] / UNIT);
            tw_pixels_store(line, n, (char *)row + x * pixel, a->picture.depth, a->bands, band);
        }
    memset(sums_at(a, 0, y, 0), 0, (size_t)(a->picture.width * a->bands) * sizeof(int32_t));
    pthread_mutex_lock(&a->lock);
    a->first = y + 1;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

void tw_accumulator_stop(tw_accumulator *a)
{
    pthread_mutex_lock(&a->lock);
    a->stopped = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}
