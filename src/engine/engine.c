/* SPDX-License-Identifier: MIT */
#include "engine/engine.h"

#include <stdlib.h>

#include "engine/engine_class.h"

tw_engine *tw_engine_ref(tw_engine *engine)
{
    atomic_fetch_add(&engine->refs, 1);
    return engine;
}

void tw_engine_unref(tw_engine *engine)
{
    if (engine && atomic_fetch_sub(&engine->refs, 1) == 1)
        engine->class->close(engine);
}

const char *tw_engine_device(const tw_engine *engine)
{
    return engine->device;
}

void tw_engine_layers(const tw_engine *engine, int *on_device, int *on_cpu)
{
    *on_device = engine->layers_on_device;
    *on_cpu = engine->layers_on_cpu;
}

tw_status tw_engine_worker_new(tw_engine *engine, tw_account *account, tw_engine_worker **out, tw_error *err)
{
    tw_engine_worker *worker = calloc(1, sizeof *worker);
    tw_arena *arena = tw_arena_new(account);
    *out = NULL;
    if (!worker || !arena) {
        free(worker);
        tw_arena_free(arena);
        return tw_fail_memory(err, "engine worker", sizeof *worker);
    }
    worker->engine = tw_engine_ref(engine);
    worker->account = account;
    worker->arena = arena;
    *out = worker;
    return TW_OK;
}

void tw_engine_worker_free(tw_engine_worker *worker)
{
    if (!worker)
        return;
    if (worker->engine->class->close_worker)
        worker->engine->class->close_worker(worker);
    tw_arena_free(worker->arena);
    tw_engine_unref(worker->engine);
    free(worker);
}

void tw_engine_worker_cap_device(tw_engine_worker *worker, int64_t bytes)
{
    worker->device_cap = bytes;
}

void tw_engine_worker_reserve_device(tw_engine_worker *worker, int64_t bytes)
{
    worker->reserve = bytes;
}

static void give_tensor(tw_tensor *tensor)
{
    tw_arena_give(tensor->owner);
}

tw_status tw_engine_tensor(tw_engine_worker *worker, int64_t w, int64_t h, int64_t c, tw_tensor *out, tw_error *err)
{
    int64_t plane = tw_plane_floats(w, h);
    int64_t bytes = plane * c * (int64_t)sizeof(float) + 64;
    void *block = tw_arena_take(worker->arena, (size_t)bytes);
    *out = (tw_tensor){0};
    if (!block)
        return tw_fail_memory(err, "tile", bytes);
    *out = (tw_tensor){w, h, c, plane, block, block, give_tensor};
    return TW_OK;
}

tw_status tw_engine_run(tw_engine_worker *worker, tw_engine_call *call, tw_error *err)
{
    for (int i = 0; i < call->n_out; i++)
        *call->out[i].tensor = (tw_tensor){0};
    tw_status status = worker->engine->class->run(worker, call, err);
    if (status != TW_OK)
        for (int i = 0; i < call->n_out; i++)
            tw_tensor_release(call->out[i].tensor);
    return status;
}
