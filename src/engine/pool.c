/* SPDX-License-Identifier: MIT */
#include "engine/pool.h"

#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "engine/engine_class.h"

typedef struct model_entry {
    char *name;
    tw_model *model;
} model_entry;

typedef struct engine_entry {
    const tw_model *model; /* NULL: the caller's own */
    char *name;
    const tw_carry *carry;
    int device;
    int64_t weight_bytes;
    tw_engine *engine;
    tw_engine_callbacks callbacks;
} engine_entry;

struct tw_pool {
    pthread_mutex_t lock;
    tw_account *account;
    GPtrArray *models;  /* model_entry */
    GPtrArray *engines; /* engine_entry */
};

static void free_model_entry(void *p)
{
    model_entry *entry = p;
    tw_model_free(entry->model);
    g_free(entry->name);
    g_free(entry);
}

static void free_engine_entry(void *p)
{
    engine_entry *entry = p;
    tw_engine_unref(entry->engine);
    g_free(entry->name);
    g_free(entry);
}

tw_pool *tw_pool_new(tw_account *account)
{
    tw_pool *pool = g_new0(tw_pool, 1);
    pthread_mutex_init(&pool->lock, NULL);
    pool->account = account;
    pool->models = g_ptr_array_new_with_free_func(free_model_entry);
    pool->engines = g_ptr_array_new_with_free_func(free_engine_entry);
    return pool;
}

void tw_pool_free(tw_pool *pool)
{
    if (!pool)
        return;
    g_ptr_array_free(pool->engines, TRUE); /* before the models they read */
    g_ptr_array_free(pool->models, TRUE);
    pthread_mutex_destroy(&pool->lock);
    g_free(pool);
}

static engine_entry *find_callbacks(tw_pool *pool, const char *name)
{
    for (guint i = 0; i < pool->engines->len; i++) {
        engine_entry *entry = pool->engines->pdata[i];
        if (!entry->model && strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

tw_status tw_pool_add_callbacks(tw_pool *pool, const char *name, const tw_engine_callbacks *callbacks, tw_error *err)
{
    pthread_mutex_lock(&pool->lock);
    tw_engine *engine = NULL;
    tw_status status = TW_OK;
    if (find_callbacks(pool, name))
        status = tw_fail(err, TW_ERROR_USAGE, "engine %s exists already", name);
    if (status == TW_OK)
        status = tw_engine_open_callbacks(name, callbacks, &engine, err);
    if (status == TW_OK) {
        engine_entry *entry = g_new0(engine_entry, 1);
        entry->name = g_strdup(name);
        entry->engine = engine;
        tw_engine_known_callbacks(callbacks, &entry->callbacks);
        g_ptr_array_add(pool->engines, entry);
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

tw_status tw_pool_close_callbacks(tw_pool *pool, const char *name, tw_error *err)
{
    pthread_mutex_lock(&pool->lock);
    engine_entry *entry = find_callbacks(pool, name);
    tw_status status = TW_OK;
    if (!entry)
        status = tw_fail(err, TW_ERROR_USAGE, "no engine %s", name);
    else if (atomic_load(&entry->engine->refs) > 1)
        status = tw_fail(err, TW_ERROR_USAGE, "engine %s is in use", name);
    else
        g_ptr_array_remove(pool->engines, entry);
    pthread_mutex_unlock(&pool->lock);
    return status;
}

const tw_engine_callbacks *tw_pool_callbacks(tw_pool *pool, const char *name)
{
    pthread_mutex_lock(&pool->lock);
    engine_entry *entry = find_callbacks(pool, name);
    pthread_mutex_unlock(&pool->lock);
    return entry ? &entry->callbacks : NULL;
}

tw_status tw_pool_callback_engine(tw_pool *pool, const char *name, tw_engine **out, tw_error *err)
{
    pthread_mutex_lock(&pool->lock);
    engine_entry *entry = find_callbacks(pool, name);
    *out = entry ? tw_engine_ref(entry->engine) : NULL;
    pthread_mutex_unlock(&pool->lock);
    return *out ? TW_OK : tw_fail(err, TW_ERROR_USAGE, "no engine %s", name);
}

tw_status tw_pool_model(tw_pool *pool, const char *name, const tw_model **out, tw_error *err)
{
    tw_status status = TW_OK;
    *out = NULL;
    pthread_mutex_lock(&pool->lock);
    for (guint i = 0; i < pool->models->len && !*out; i++) {
        model_entry *entry = pool->models->pdata[i];
        if (strcmp(entry->name, name) == 0)
            *out = entry->model;
    }
    if (!*out) {
        tw_model *model = NULL;
        status = tw_model_open(name, &model, err);
        if (status == TW_OK) {
            model_entry *entry = g_new0(model_entry, 1);
            entry->name = g_strdup(name);
            entry->model = model;
            g_ptr_array_add(pool->models, entry);
            *out = model;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

static void close_other_form(tw_pool *pool, const tw_model *model, const tw_carry *carry)
{
    for (guint i = 0; i < pool->engines->len; i++) {
        engine_entry *entry = pool->engines->pdata[i];
        if (entry->model == model && entry->carry != carry && atomic_load(&entry->engine->refs) == 1)
            g_ptr_array_remove_index(pool->engines, i--);
    }
}

tw_status tw_pool_engine(tw_pool *pool, const tw_model *model, const tw_carry *carry, int device, int64_t weight_bytes,
                         tw_engine **out, tw_error *err)
{
    tw_status status = TW_OK;
    *out = NULL;
    pthread_mutex_lock(&pool->lock);
    for (guint i = 0; i < pool->engines->len && !*out; i++) {
        engine_entry *entry = pool->engines->pdata[i];
        if (entry->model == model && entry->carry == carry && entry->device == device)
            *out = tw_engine_ref(entry->engine);
    }
    close_other_form(pool, model, carry);
    if (!*out) {
        tw_engine *engine = NULL;
        status = tw_engine_open_ncnn(model, carry, device, pool->account, weight_bytes, &engine, err);
        if (status == TW_OK) {
            engine_entry *entry = g_new0(engine_entry, 1);
            entry->model = model;
            entry->carry = carry;
            entry->device = device;
            entry->weight_bytes = weight_bytes;
            entry->engine = engine;
            g_ptr_array_add(pool->engines, entry);
            *out = tw_engine_ref(engine);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

static bool is_idle(const engine_entry *entry, const char *except)
{
    return entry->model && atomic_load(&entry->engine->refs) == 1 && (!except || strcmp(entry->model->hash, except) != 0);
}

int64_t tw_pool_idle_bytes(tw_pool *pool, const char *except)
{
    int64_t bytes = 0;
    pthread_mutex_lock(&pool->lock);
    for (guint i = 0; i < pool->engines->len; i++) {
        const engine_entry *entry = pool->engines->pdata[i];
        bytes += is_idle(entry, except) ? entry->weight_bytes : 0;
    }
    pthread_mutex_unlock(&pool->lock);
    return bytes;
}

void tw_pool_close_idle(tw_pool *pool, const char *except, int64_t bytes)
{
    pthread_mutex_lock(&pool->lock);
    for (guint i = 0; i < pool->engines->len && bytes > 0; i++) {
        const engine_entry *entry = pool->engines->pdata[i];
        if (!is_idle(entry, except))
            continue;
        bytes -= entry->weight_bytes;
        g_ptr_array_remove_index(pool->engines, i--);
    }
    pthread_mutex_unlock(&pool->lock);
}
