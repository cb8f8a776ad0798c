/* SPDX-License-Identifier: MIT */
#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/wait.h"
#include "picture_parts.h"

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
void serve_picture_give_back(serve_picture *picture)
{
    if (--picture->references > 0)
        return;
    serve_pictures *owner = picture->owner;
    if (picture->folder)
        serve_spool_remove(owner->spool, picture->folder, picture->bytes);
    serve_order_clear(owner->jobs, &picture->order);
    g_queue_clear_full(&picture->kept, free_kept);
    g_array_free(picture->sleepers, TRUE);
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
    serve_picture_give_back(picture);
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
    picture->sleepers = g_array_new(FALSE, FALSE, sizeof(sleeper));
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
    serve_picture_give_back(picture);
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

bool serve_picture_take(serve_picture *picture, int64_t bytes)
{
    serve_pictures *p = picture->owner;
    bool taken;
    pthread_mutex_lock(&p->lock);
    while (!(taken = serve_spool_take(p->spool, bytes)) && picture->kept.length > 1)
        drop_kept(picture);
    pthread_mutex_unlock(&p->lock);
    return taken;
}

void serve_picture_give(serve_picture *picture, int64_t bytes)
{
    serve_spool_count(picture->owner->spool, -bytes);
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
