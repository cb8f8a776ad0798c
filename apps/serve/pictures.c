/* SPDX-License-Identifier: MIT */
#include "pictures.h"

#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/wait.h"
#include "job_parts.h"

#define SMALLEST (2 * SERVE_TILE) /* levels end here: what is smaller is made of the last one */

typedef enum levels_state { LEVELS_NONE, LEVELS_MAKING, LEVELS_READY, LEVELS_FAILED } levels_state;

typedef struct kept_file {
    char *name;
    int64_t bytes;
} kept_file;

struct serve_picture {
    serve_pictures *owner;
    int references;
    bool listed, sent;
    serve_order order; /* of one that was sent; else only its id */
    serve_job *job;    /* whose result it is, while levels are made */
    char *source;
    char *folder; /* in the spool */
    int64_t bytes;
    double used; /* seconds */
    levels_state state;
    serve_levels levels;
    tw_error failure;
    GArray *waiters;
    GQueue kept; /* kept_file, the one used last at the end */
};

struct serve_pictures {
    tw_session *session;
    tw_queue *queue;
    serve_spool *spool;
    serve_jobs *jobs;
    const batch_default *defaults;
    int32_t keep;
    pthread_mutex_t lock; /* guards what follows, and all pictures */
    GHashTable *by_id;
};

serve_pictures *serve_pictures_new(tw_session *session, tw_queue *queue, serve_spool *spool, serve_jobs *jobs,
                                   const batch_default *defaults, int32_t keep_seconds)
{
    serve_pictures *p = g_new0(serve_pictures, 1);
    p->session = session, p->queue = queue, p->spool = spool, p->jobs = jobs;
    p->defaults = defaults, p->keep = keep_seconds;
    p->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

static void free_kept(void *p)
{
    kept_file *file = p;
    g_free(file->name);
    g_free(file);
}

/* Holds the lock. */
static void give_back(serve_picture *picture)
{
    if (--picture->references > 0)
        return;
    serve_pictures *owner = picture->owner;
    if (picture->folder)
        serve_spool_remove(owner->spool, picture->folder, picture->bytes);
    serve_order_clear(owner->jobs, &picture->order);
    g_queue_clear_full(&picture->kept, free_kept);
    g_array_free(picture->waiters, TRUE);
    g_free(picture->folder);
    g_free(picture->source);
    g_free(picture);
}

/* Holds the lock. Whoever still has a reference keeps it. */
static void forget(serve_picture *picture)
{
    if (!picture->listed)
        return;
    picture->listed = false;
    g_hash_table_remove(picture->owner->by_id, picture->order.id);
    give_back(picture);
}

void serve_pictures_free(serve_pictures *p)
{
    GHashTableIter iter;
    void *picture;
    if (!p)
        return;
    g_hash_table_iter_init(&iter, p->by_id);
    while (g_hash_table_iter_next(&iter, NULL, &picture)) {
        forget(picture);
        g_hash_table_iter_init(&iter, p->by_id);
    }
    g_hash_table_destroy(p->by_id);
    pthread_mutex_destroy(&p->lock);
    g_free(p);
}

/* Holds the lock. */
static serve_picture *add(serve_pictures *p, const char *source)
{
    serve_picture *picture = g_new0(serve_picture, 1);
    *picture = (serve_picture){.owner = p, .references = 1, .listed = true, .source = g_strdup(source)};
    picture->waiters = g_array_new(FALSE, FALSE, sizeof(waiter));
    picture->used = tw_seconds_now();
    g_queue_init(&picture->kept);
    return picture;
}

bool serve_pictures_add(serve_pictures *p, serve_order *order, serve_error *error)
{
    const json_t *input = json_object_get(order->json, "input");
    const char *path = json_string_value(json_is_array(input) ? json_array_get(input, 0) : input);
    if (!path || (json_is_array(input) && json_array_size(input) > 1))
        serve_refuse(error, 422, "one picture is sent at a time");
    if (error->status) {
        serve_order_clear(p->jobs, order);
        return false;
    }
    pthread_mutex_lock(&p->lock);
    serve_picture *picture = add(p, path);
    picture->sent = true;
    picture->order = *order;
    *order = (serve_order){.folder = NULL};
    g_hash_table_insert(p->by_id, picture->order.id, picture);
    pthread_mutex_unlock(&p->lock);
    return true;
}

bool serve_pictures_delete(serve_pictures *p, const char *id)
{
    pthread_mutex_lock(&p->lock);
    serve_picture *picture = g_hash_table_lookup(p->by_id, id);
    bool found = picture && picture->sent;
    if (found)
        forget(picture);
    pthread_mutex_unlock(&p->lock);
    return found;
}

/* Holds the lock. */
static serve_picture *of_job(serve_pictures *p, serve_job *job)
{
    serve_picture *picture = g_hash_table_lookup(p->by_id, serve_job_id(job));
    if (picture)
        return picture;
    picture = add(p, serve_job_result(job));
    memcpy(picture->order.id, serve_job_id(job), SERVE_ID + 1);
    g_hash_table_insert(p->by_id, picture->order.id, picture);
    return picture;
}

static bool shows(serve_job *job)
{
    const char *path = serve_job_result(job);
    return serve_job_state(job) == SERVE_DONE && path && g_str_has_prefix(serve_media_type(path), "image/");
}

serve_picture *serve_pictures_find(serve_pictures *p, const char *id, bool *is_job)
{
    serve_job *job = serve_jobs_find(p->jobs, id);
    bool visible = job && shows(job);
    pthread_mutex_lock(&p->lock);
    serve_picture *picture = visible ? of_job(p, job) : g_hash_table_lookup(p->by_id, id);
    if (picture && !picture->sent && !visible)
        picture = NULL;
    if (picture) {
        picture->references++;
        picture->used = tw_seconds_now();
    }
    pthread_mutex_unlock(&p->lock);
    if (is_job)
        *is_job = job != NULL;
    if (job)
        serve_job_unref(job);
    return picture;
}

void serve_picture_unref(serve_picture *picture)
{
    serve_pictures *p = picture->owner;
    pthread_mutex_lock(&p->lock);
    give_back(picture);
    pthread_mutex_unlock(&p->lock);
}

/* --- files made on demand ------------------------------------------------------------------------------------------ */

/* Holds the lock. The one used longest ago goes. */
static void drop_kept(serve_picture *picture)
{
    kept_file *file = g_queue_pop_head(&picture->kept);
    char *path = serve_picture_path(picture, file->name);
    unlink(path);
    g_free(path);
    picture->bytes -= file->bytes;
    serve_spool_count(picture->owner->spool, -file->bytes);
    free_kept(file);
}

static int same_name(const void *file, const void *name)
{
    return strcmp(((const kept_file *)file)->name, name);
}

void serve_picture_keep(serve_picture *picture, const char *name)
{
    serve_pictures *p = picture->owner;
    char *path = serve_picture_path(picture, name);
    pthread_mutex_lock(&p->lock);
    GList *link = g_queue_find_custom(&picture->kept, name, same_name);
    if (link) {
        g_queue_unlink(&picture->kept, link);
        g_queue_push_tail_link(&picture->kept, link);
    } else {
        kept_file *file = g_new0(kept_file, 1);
        *file = (kept_file){g_strdup(name), serve_file_bytes(path)};
        picture->bytes += file->bytes;
        serve_spool_count(p->spool, file->bytes);
        g_queue_push_tail(&picture->kept, file);
    }
    while (serve_spool_full(p->spool) && picture->kept.length > 1)
        drop_kept(picture);
    pthread_mutex_unlock(&p->lock);
    g_free(path);
}

/* Holds the lock of the pictures, not that of the jobs. */
static bool is_over(serve_picture *picture, double now)
{
    serve_pictures *p = picture->owner;
    if (picture->sent)
        return now - picture->used > p->keep;
    serve_job *job = serve_jobs_find(p->jobs, picture->order.id);
    if (job)
        serve_job_unref(job);
    return !job;
}

void serve_pictures_prune(serve_pictures *p)
{
    double now = tw_seconds_now();
    pthread_mutex_lock(&p->lock);
    GList *all = g_hash_table_get_values(p->by_id);
    for (GList *i = all; i; i = i->next) {
        serve_picture *picture = i->data;
        while (serve_spool_full(p->spool) && picture->kept.length > 0)
            drop_kept(picture);
        if (is_over(picture, now))
            forget(picture);
    }
    g_list_free(all);
    pthread_mutex_unlock(&p->lock);
}

/* --- jobs ---------------------------------------------------------------------------------------------------------- */

tw_job *serve_pictures_job(serve_pictures *p, const char *op, const char *input, const char *output, const char *const *options,
                           tw_error *err)
{
    tw_job *job = NULL;
    tw_error ignored = TW_ERROR_NONE;
    tw_status status = tw_job_new(p->session, op, &job, err);
    for (const batch_default *d = p->defaults; status == TW_OK && d->name; d++)
        tw_job_set(job, d->name, d->value, &ignored); /* those of other operators are of no concern */
    for (; status == TW_OK && options[0]; options += 2)
        status = tw_job_set(job, options[0], options[1], err);
    if (status == TW_OK)
        status = tw_job_set(job, "overwrite", "true", err);
    if (status == TW_OK)
        status = tw_job_input(job, input, err);
    if (status == TW_OK)
        status = tw_job_output(job, output, err);
    if (status == TW_OK)
        return job;
    tw_job_free(job);
    return NULL;
}

bool serve_pictures_map(const char *path, const int64_t m[6])
{
    char *text =
        g_strdup_printf("#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\n"
                        "Parameters: %lld %lld %lld %lld %lld %lld\nFixedParameters: 0 0\n",
                        (long long)m[0], (long long)m[1], (long long)m[2], (long long)m[3], (long long)m[4], (long long)m[5]);
    bool written = g_file_set_contents(path, text, -1, NULL);
    g_free(text);
    return written;
}

/* --- levels -------------------------------------------------------------------------------------------------------- */

/* Holds the lock. */
static void wake_all(serve_picture *picture)
{
    for (guint i = 0; i < picture->waiters->len; i++) {
        const waiter *w = &g_array_index(picture->waiters, waiter, i);
        w->wake(w->user);
    }
    g_array_set_size(picture->waiters, 0);
}

static void begin_level(serve_picture *picture);

/* Holds the lock. */
static void end_levels(serve_picture *picture, const tw_error *error)
{
    picture->failure = *error;
    picture->state = error->code == TW_OK ? LEVELS_READY : LEVELS_FAILED;
    if (picture->job)
        serve_job_unref(picture->job);
    picture->job = NULL;
    wake_all(picture);
    give_back(picture); /* the queue's */
}

static char *level_path(const serve_picture *picture, int level)
{
    char name[32];
    g_snprintf(name, sizeof name, "level-%d.tif", level);
    return serve_picture_path(picture, name);
}

/* Holds the lock. */
static void add_level(serve_picture *picture, const tw_job *job)
{
    serve_levels *levels = &picture->levels;
    char *path = level_path(picture, levels->n);
    int64_t bytes = serve_file_bytes(path);
    const tw_report *report = tw_job_report(job);
    int n = levels->n++;
    levels->width[n] = n ? (levels->width[n - 1] + 1) / 2 : report->width;
    levels->height[n] = n ? (levels->height[n - 1] + 1) / 2 : report->height;
    picture->bytes += bytes;
    serve_spool_count(picture->owner->spool, bytes);
    g_free(path);
}

static void on_level(void *user, tw_job *job, const tw_error *error)
{
    serve_picture *picture = user;
    serve_pictures *p = picture->owner;
    serve_levels *levels = &picture->levels;
    pthread_mutex_lock(&p->lock);
    if (error->code == TW_OK)
        add_level(picture, job);
    tw_job_free(job);
    int last = levels->n - 1;
    if (error->code == TW_OK && MAX(levels->width[last], levels->height[last]) > SMALLEST)
        begin_level(picture);
    else
        end_levels(picture, error);
    pthread_mutex_unlock(&p->lock);
}

/* The picture upright, or the level before at half its size. */
static tw_job *level_job(serve_picture *picture, tw_error *err)
{
    static const int64_t as_it_is[6] = {1, 0, 0, 1, 0, 0};
    const serve_levels *levels = &picture->levels;
    char *map = serve_picture_path(picture, "as-it-is.tfm"), *to = level_path(picture, levels->n), fit[48] = "";
    char *from = levels->n ? level_path(picture, levels->n - 1) : g_strdup(picture->source);
    if (levels->n)
        g_snprintf(fit, sizeof fit, "%lldx%lld", (long long)(levels->width[levels->n - 1] + 1) / 2,
                   (long long)(levels->height[levels->n - 1] + 1) / 2);
    const char *const options[] = {"field",
                                   map,
                                   "interpolate",
                                   "nearest",
                                   "orient",
                                   "true",
                                   "tiff-tile",
                                   "256",
                                   "tiff-compression",
                                   "lzw",
                                   *fit ? "fit" : NULL,
                                   fit,
                                   NULL};
    tw_job *job = NULL;
    if (serve_spool_full(picture->owner->spool))
        tw_fail(err, TW_ERROR_RUN, "the server has no room for the levels of the picture");
    else if (!serve_pictures_map(map, as_it_is))
        tw_fail(err, TW_ERROR_RUN, "the server cannot write");
    else
        job = serve_pictures_job(picture->owner, "warp", from, to, options, err);
    g_free(from);
    g_free(to);
    g_free(map);
    return job;
}

/* Holds the lock. The picture has a reference of the queue's. */
static void begin_level(serve_picture *picture)
{
    tw_error err = TW_ERROR_NONE;
    tw_queue_events events = {.user = picture, .ended = on_level};
    tw_job *job = level_job(picture, &err);
    if (job && tw_queue_add(picture->owner->queue, job, 1, &events, NULL, &err) == TW_OK)
        return;
    tw_job_free(job);
    end_levels(picture, &err);
}

/* Holds the lock. */
static void begin_levels(serve_picture *picture)
{
    tw_error err = TW_ERROR_NONE;
    char *name = g_strconcat(picture->order.id, "-view", NULL);
    picture->references++;
    picture->state = LEVELS_MAKING;
    picture->levels.n = 0;
    if (!picture->sent)
        picture->job = serve_jobs_find(picture->owner->jobs, picture->order.id);
    if (!picture->folder)
        picture->folder = serve_spool_folder(picture->owner->spool, name);
    g_free(name);
    if (picture->folder) {
        begin_level(picture);
        return;
    }
    tw_fail(&err, TW_ERROR_RUN, "the server cannot make a folder");
    end_levels(picture, &err);
}

bool serve_picture_ready(serve_picture *picture, serve_levels *out, tw_error *error, void (*pause)(void *user),
                         void (*wake)(void *user), void *user)
{
    waiter w = {wake, user};
    pthread_mutex_lock(&picture->owner->lock);
    if (picture->state == LEVELS_NONE)
        begin_levels(picture);
    bool ready = picture->state != LEVELS_MAKING;
    *out = picture->levels;
    *error = picture->failure;
    if (ready && picture->state == LEVELS_FAILED && error->code != TW_ERROR_INPUT) {
        picture->state = LEVELS_NONE; /* what was missing may be there next time */
    } else if (!ready) {
        g_array_append_val(picture->waiters, w);
        pause(user);
    }
    pthread_mutex_unlock(&picture->owner->lock);
    return ready;
}

/* --- small answers ------------------------------------------------------------------------------------------------- */

char *serve_picture_path(const serve_picture *picture, const char *name)
{
    return g_build_filename(picture->folder, name, NULL);
}

const char *serve_picture_id(const serve_picture *picture)
{
    return picture->order.id;
}

const char *serve_picture_option(const serve_picture *picture, const char *name)
{
    return picture->order.json ? json_string_value(json_object_get(picture->order.json, name)) : NULL;
}

serve_pictures *serve_picture_owner(const serve_picture *picture)
{
    return picture->owner;
}

tw_queue *serve_pictures_queue(const serve_pictures *pictures)
{
    return pictures->queue;
}

char *serve_pictures_tidy(const serve_pictures *pictures, const char *text)
{
    GString *out = g_string_new(text);
    char *prefix = g_strconcat(serve_spool_path(pictures->spool), "/", NULL);
    g_string_replace(out, prefix, "", 0);
    g_free(prefix);
    return g_string_free(out, FALSE);
}
