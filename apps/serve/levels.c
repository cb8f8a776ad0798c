/* SPDX-License-Identifier: MIT */
/* The levels of a picture: tiled files, made one after the other, each of the one before. */
#include <glib.h>
#include <unistd.h>

#include "base/wait.h"
#include "picture_parts.h"

#define RETRY_SECONDS 3                /* after a failure for want of room and the like; before, all who wait get it */
#define SMALLEST      (2 * SERVE_TILE) /* levels end here: what is smaller is made of the last one */

/* Holds the lock. */
static void wake_all(serve_picture *picture)
{
    for (guint i = 0; i < picture->sleepers->len; i++) {
        const sleeper *w = &g_array_index(picture->sleepers, sleeper, i);
        w->wake(w->user);
    }
    g_array_set_size(picture->sleepers, 0);
}

static void begin_level(serve_picture *picture);

char *serve_picture_level(const serve_picture *picture, int level)
{
    char name[32];
    g_snprintf(name, sizeof name, "level-%d.tif", level);
    return serve_picture_path(picture, name);
}

/* Holds the lock. */
static void count(serve_picture *picture, int64_t bytes)
{
    picture->bytes += bytes;
    serve_spool_count(picture->owner->spool, bytes);
}

/* Holds the lock. */
static void drop_levels(serve_picture *picture)
{
    while (picture->levels.n > 0) {
        char *path = serve_picture_level(picture, --picture->levels.n);
        count(picture, -serve_file_bytes(path));
        unlink(path);
        g_free(path);
    }
}

/* Holds the lock. */
static void end_levels(serve_picture *picture, const tw_error *error)
{
    picture->failure = *error;
    picture->failed = tw_seconds_now();
    picture->state = error->code == TW_OK ? LEVELS_READY : LEVELS_FAILED;
    if (error->code != TW_OK)
        drop_levels(picture);
    if (picture->job)
        serve_job_unref(picture->job);
    picture->job = NULL;
    wake_all(picture);
    serve_picture_give_back(picture); /* the queue's */
}

/* Holds the lock. */
static void add_level(serve_picture *picture, const tw_job *job)
{
    serve_levels *levels = &picture->levels;
    char *path = serve_picture_level(picture, levels->n);
    int64_t bytes = serve_file_bytes(path);
    const tw_report *report = tw_job_report(job);
    int n = levels->n++;
    levels->width[n] = n ? (levels->width[n - 1] + 1) / 2 : report->width;
    levels->height[n] = n ? (levels->height[n - 1] + 1) / 2 : report->height;
    count(picture, bytes);
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
    char *map = serve_picture_path(picture, "as-it-is.tfm"), *to = serve_picture_level(picture, levels->n), fit[48] = "";
    char *from = levels->n ? serve_picture_level(picture, levels->n - 1) : g_strdup(picture->source);
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
    sleeper w = {wake, user};
    pthread_mutex_lock(&picture->owner->lock);
    bool again = picture->failure.code != TW_ERROR_INPUT && tw_seconds_now() - picture->failed > RETRY_SECONDS;
    if (picture->state == LEVELS_NONE || (picture->state == LEVELS_FAILED && again))
        begin_levels(picture);
    bool ready = picture->state != LEVELS_MAKING;
    *out = picture->levels;
    *error = picture->failure;
    if (!ready) {
        g_array_append_val(picture->sleepers, w);
        pause(user);
    }
    pthread_mutex_unlock(&picture->owner->lock);
    return ready;
}
