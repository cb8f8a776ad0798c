/* SPDX-License-Identifier: MIT */
/** The models and engines of a session: loaded once, shared by reference between jobs. Thread-safe. */
#ifndef TW_ENGINE_POOL_H
#define TW_ENGINE_POOL_H

#include "engine/engine.h"

typedef struct tw_pool tw_pool;

tw_pool *tw_pool_new(tw_account *account);
/** Closes every engine; no job may use one any more. */
void tw_pool_free(tw_pool *pool);

/** The caller's engine under a name; its struct is copied. TW_ERROR_USAGE when the name is taken. */
tw_status tw_pool_add_callbacks(tw_pool *pool, const char *name, const tw_engine_callbacks *callbacks, tw_error *err);
/** Closes it; TW_ERROR_USAGE while workers use it or when there is none of that name. */
tw_status tw_pool_close_callbacks(tw_pool *pool, const char *name, tw_error *err);
/** The caller's functions registered under `name`, or NULL. */
const tw_engine_callbacks *tw_pool_callbacks(tw_pool *pool, const char *name);

/** The model by name or path, parsed once; owned by the pool. */
tw_status tw_pool_model(tw_pool *pool, const char *name, const tw_model **out, tw_error *err);
/** The engine of a model on a device (-1: CPU), as `carry` has it or its own (NULL), loaded once; give it back with tw_engine_unref. Engines of the same
 *  model in other forms are closed when nobody uses them: weights are held once. */
tw_status tw_pool_engine(tw_pool *pool, const tw_model *model, const tw_carry *carry, int device, int64_t weight_bytes,
                         tw_engine **out, tw_error *err);
/** Weights that are held though nobody uses them now, bytes; those of the model with the hash `except` (may be NULL) left out. */
int64_t tw_pool_idle_bytes(tw_pool *pool, const char *except);
/** Closes such engines, those opened first before others, until `bytes` are free. */
void tw_pool_close_idle(tw_pool *pool, const char *except, int64_t bytes);
tw_status tw_pool_callback_engine(tw_pool *pool, const char *name, tw_engine **out, tw_error *err);

#endif
