/* SPDX-License-Identifier: MIT */
/** The caller's own engine behind the same calls: planar tensors become interleaved RGB and back. */
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_class.h"

typedef struct callback_engine {
    tw_engine base;
    tw_engine_callbacks callbacks;
    pthread_mutex_t one_at_a_time;
} callback_engine;

static void close_callbacks(tw_engine *base)
{
    callback_engine *engine = (callback_engine *)base;
    if (engine->callbacks.close)
        engine->callbacks.close(engine->callbacks.user);
    pthread_mutex_destroy(&engine->one_at_a_time);
    free(engine);
}

static void interleave(const tw_tensor *from, float *to)
{
    for (int64_t c = 0; c < 3; c++) {
        const float *plane = from->data + c * from->plane;
        for (int64_t i = 0, n = from->w * from->h; i < n; i++)
            to[i * 3 + c] = plane[i];
    }
}

static void deinterleave(const float *from, tw_tensor *to)
{
    for (int64_t c = 0; c < 3; c++) {
        float *plane = to->data + c * to->plane;
        for (int64_t i = 0, n = to->w * to->h; i < n; i++)
            plane[i] = from[i * 3 + c];
    }
}

static tw_status run_callbacks(tw_engine_worker *worker, tw_engine_call *call, tw_error *err)
{
    callback_engine *engine = (callback_engine *)worker->engine;
    const tw_engine_callbacks *user = &engine->callbacks;
    const tw_tensor *in = call->in[0].tensor;
    if (!user->process_rgb)
        return tw_fail(err, TW_ERROR_RUN, "engine %s takes two frames", engine->base.device);
    int64_t scale = user->scale_factor(user->user);
    if (call->n_in != 1 || call->n_out != 1 || in->c != 3)
        return tw_fail(err, TW_ERROR_RUN, "engine %s takes one RGB tile", engine->base.device);
    int64_t in_pixels = in->w * in->h, out_pixels = in_pixels * scale * scale;
    float *rgb = tw_arena_take(worker->arena, (size_t)in_pixels * 3 * sizeof(float));
    float *result = tw_arena_take(worker->arena, (size_t)out_pixels * 3 * sizeof(float));
    tw_status status = TW_OK;
    if (!rgb || !result) {
        status = tw_fail_memory(err, "tile of the caller's engine", (in_pixels + out_pixels) * 12);
    } else {
        interleave(in, rgb);
        if (!user->thread_safe)
            pthread_mutex_lock(&engine->one_at_a_time);
        int code = user->process_rgb(user->user, rgb, (int32_t)in->w, (int32_t)in->h, result);
        if (!user->thread_safe)
            pthread_mutex_unlock(&engine->one_at_a_time);
        if (code != 0)
            status = tw_fail(err, TW_ERROR_RUN, "the caller's engine failed on a %lldx%lld tile (code %d)", (long long)in->w,
                             (long long)in->h, code);
    }
    if (status == TW_OK)
        status = tw_engine_tensor(worker, in->w * scale, in->h * scale, 3, call->out[0].tensor, err);
    if (status == TW_OK)
        deinterleave(result, call->out[0].tensor);
    tw_arena_give(result);
    tw_arena_give(rgb);
    return status;
}

tw_status tw_engine_run_pair(tw_engine_worker *worker, const tw_pair_tile *tile, float *out, tw_error *err)
{
    callback_engine *engine = (callback_engine *)worker->engine;
    const tw_engine_callbacks *user = &engine->callbacks;
    if (!user->thread_safe)
        pthread_mutex_lock(&engine->one_at_a_time);
    int code = user->process_pair(user->user, tile, out);
    if (!user->thread_safe)
        pthread_mutex_unlock(&engine->one_at_a_time);
    return code == 0 ? TW_OK
                     : tw_fail(err, TW_ERROR_RUN, "engine %s failed on a pair of %dx%d pixels at %lld,%lld (code %d)",
                               engine->base.device, tile->width, tile->height, (long long)tile->x, (long long)tile->y, code);
}

static const tw_engine_class callback_class = {run_callbacks, close_callbacks, NULL};

bool tw_engine_known_callbacks(const tw_engine_callbacks *callbacks, tw_engine_callbacks *out)
{
    *out = (tw_engine_callbacks){0};
    if (callbacks->size != sizeof *callbacks && callbacks->size != offsetof(tw_engine_callbacks, process_pair))
        return false;
    memcpy(out, callbacks, callbacks->size);
    return true;
}

tw_status tw_engine_open_callbacks(const char *name, const tw_engine_callbacks *callbacks, tw_engine **out, tw_error *err)
{
    tw_engine_callbacks known;
    *out = NULL;
    if (!tw_engine_known_callbacks(callbacks, &known) || !(known.process_pair || (known.process_rgb && known.scale_factor)) ||
        (known.process_rgb && !known.scale_factor))
        return tw_fail(err, TW_ERROR_USAGE, "engine %s: size, process_rgb and scale_factor must be set, or process_pair", name);
    callback_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return tw_fail_memory(err, "engine", sizeof *engine);
    engine->base.class = &callback_class;
    engine->base.refs = 1;
    snprintf(engine->base.device, sizeof engine->base.device, "%s", name);
    engine->callbacks = known;
    pthread_mutex_init(&engine->one_at_a_time, NULL);
    *out = &engine->base;
    return TW_OK;
}
