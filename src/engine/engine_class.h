/* SPDX-License-Identifier: MIT */
/** What an engine implementation fills in. Private to src/engine. */
#ifndef TW_ENGINE_CLASS_H
#define TW_ENGINE_CLASS_H

#include <stdatomic.h>

#include "engine/arena.h"
#include "engine/engine.h"

typedef struct tw_engine_class {
    tw_status (*run)(tw_engine_worker *worker, tw_engine_call *call, tw_error *err);
    void (*close)(tw_engine *engine);
    void (*close_worker)(tw_engine_worker *worker); /* frees `device`; NULL: there is none */
} tw_engine_class;

/* First member of each implementation's own struct. */
struct tw_engine {
    const tw_engine_class *class;
    atomic_int refs;
    char device[256];
    int layers_on_device, layers_on_cpu;
};

struct tw_engine_worker {
    tw_engine *engine;
    tw_account *account;
    tw_arena *arena;
    int64_t device_cap; /* 0: no limit */
    int64_t reserve;    /* device bytes foreseen for the next run */
    void *device;       /* the implementation's own */
};

#endif
