/* SPDX-License-Identifier: MIT */
#include "ahead.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "op.h"

typedef struct entry {
    cli_ahead *ahead;
    tw_job *job; /* NULL: a place */
    int64_t number;
    GPtrArray *warnings; /* the thread's that runs the job, until `done` */
    tw_error error;      /* the same */
    bool done;           /* under the lock */
} entry;

struct cli_ahead {
    tw_session *session;
    tw_queue *queue; /* NULL before the first job */
    GQueue entries;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* some entry's `done` */
    int64_t held, held_each;
    int processors;            /* that all jobs may use together */
    int window, jobs, threads; /* jobs that may be in, jobs that are, threads of each */
    char memory[32];           /* the budget in bytes */
    const char *shape;         /* the option that fixes a job's tile, NULL: none, and its value */
    char tile[48];
};

cli_ahead *cli_ahead_new(const cli_args *args, tw_session *session, int64_t held, int64_t held_each)
{
    cli_ahead *a = g_new0(cli_ahead, 1);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    a->session = session;
    a->held = held;
    a->held_each = held_each;
    a->processors = atoi(cli_get(args, "threads"));
    if (a->processors < 1)
        a->processors = tw_processors();
    a->window = 1;
    return a;
}

static void free_entry(entry *e)
{
    cli_job_free(e->job);
    if (e->warnings)
        g_ptr_array_free(e->warnings, TRUE);
    g_free(e);
}

void cli_ahead_free(cli_ahead *a)
{
    if (!a)
        return;
    tw_queue_free(a->queue);
    for (entry *e; (e = g_queue_pop_head(&a->entries));)
        free_entry(e);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    g_free(a);
}

/* --- how many at a time ---------------------------------------------------------------------------------------------- */

/* All jobs have the tile that one would have alone with the whole budget: it must not follow from the number of threads. */
static tw_status set_options(cli_ahead *a, tw_job *job, tw_error *err)
{
    char threads[16];
    g_snprintf(threads, sizeof threads, "%d", a->threads);
    TW_TRY(tw_job_set(job, "threads", threads, err));
    TW_TRY(tw_job_set(job, "memory", a->memory, err));
    return a->shape ? tw_job_set(job, a->shape, a->tile, err) : TW_OK;
}

/* The number in a refusal is a job's. */
static tw_status add_held(const cli_ahead *a, tw_status status, tw_error *err)
{
    int64_t held = a->held + a->held_each;
    tw_error error = *err;
    if (status != TW_ERROR_BUDGET || held == 0)
        return status;
    *err = (tw_error)TW_ERROR_NONE;
    return tw_fail(err, TW_ERROR_BUDGET, "%s, and %lldM more for the frames that are held", error.message,
                   (long long)(held >> 20) + 1);
}

/* A queue that runs `n` at a time with `window` of them in, if the budget holds that many: *workers of all together, else 0. */
static tw_status try_queue(cli_ahead *a, tw_job *job, int n, int window, tw_queue **out, int64_t *workers, tw_error *err)
{
    tw_queue_settings settings = {.size = sizeof settings, .memory = a->memory, .most_running = n, .shares = n};
    settings.held_bytes = a->held + window * a->held_each;
    *out = NULL;
    *workers = 0;
    a->window = window;
    a->threads = (a->processors + n - 1) / n;
    tw_error ignored = TW_ERROR_NONE;
    if (tw_queue_new(a->session, &settings, out, &ignored) != TW_OK)
        return tw_fail(err, TW_ERROR_BUDGET, "the budget cannot hold the stream's own frames: they take %lldM",
                       (long long)(settings.held_bytes >> 20) + 1);
    TW_TRY(set_options(a, job, err));
    TW_TRY(add_held(a, tw_queue_plan(*out, job, err), err));
    if (tw_queue_side_by_side(*out, job) == n)
        *workers = (int64_t)n * tw_job_report(job)->workers;
    return TW_OK;
}

/* One at a time with the budget: what the tile follows from. *alone: it stays so, and its tile is not our business. */
static tw_status plan_one(cli_ahead *a, tw_job *job, bool *alone, int64_t *workers, tw_error *err)
{
    TW_TRY(add_held(a, tw_job_plan(job, err), err));
    const tw_report *report = tw_job_report(job);
    *alone = !report->exact || strcmp(report->device, "cpu") != 0;
    g_snprintf(a->memory, sizeof a->memory, "%" PRId64, report->budget_bytes);
    TW_TRY(try_queue(a, job, 1, 1, &a->queue, workers, err));
    if (*alone)
        return TW_OK;
    if (strcmp(report->schedule, "whole") == 0) {
        a->shape = "schedule";
        g_strlcpy(a->tile, "whole", sizeof a->tile);
    } else {
        a->shape = "tile";
        g_snprintf(a->tile, sizeof a->tile, "%" PRId64 "x%" PRId64, report->tile[0], report->tile[1]);
    }
    return TW_OK;
}

static tw_status choose(cli_ahead *a, tw_job *job, tw_error *err)
{
    bool alone = true;
    int64_t one = 0, more = 0;
    TW_TRY(plan_one(a, job, &alone, &one, err));
    for (int n = alone ? 1 : a->processors; n > 0; n /= 2) {
        tw_error ignored = TW_ERROR_NONE;
        tw_queue *queue;
        tw_status status = try_queue(a, job, n, n + 1, &queue, &more, &ignored);
        if (status == TW_OK && more >= one) {
            tw_queue_free(a->queue);
            a->queue = queue;
            return TW_OK;
        }
        tw_queue_free(queue);
    }
    a->window = 1;
    a->threads = a->processors;
    return TW_OK;
}

/* --- in and out ------------------------------------------------------------------------------------------------------ */

static void on_warning(void *user, const char *line)
{
    entry *e = user;
    g_ptr_array_add(e->warnings, g_strdup(line));
}

static void on_ended(void *user, tw_job *job, const tw_error *error)
{
    entry *e = user;
    cli_ahead *a = e->ahead;
    pthread_mutex_lock(&a->lock);
    e->error = *error;
    e->done = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static tw_status start(cli_ahead *a, entry *e, tw_error *err)
{
    tw_queue_events events = {.user = e, .ended = on_ended};
    if (!a->queue)
        TW_TRY(choose(a, e->job, err));
    TW_TRY(set_options(a, e->job, err));
    tw_job_on_warning(e->job, on_warning, e);
    return tw_queue_add(a->queue, e->job, 0, &events, NULL, err);
}

tw_status cli_ahead_put(cli_ahead *a, tw_job *job, int64_t number, tw_error *err)
{
    entry *e = g_new0(entry, 1);
    *e = (entry){.ahead = a, .job = job, .number = number, .done = !job, .error = TW_ERROR_NONE};
    e->warnings = g_ptr_array_new_with_free_func(g_free);
    tw_status status = job ? start(a, e, err) : TW_OK;
    if (status != TW_OK) {
        free_entry(e);
        return status;
    }
    a->jobs += job != NULL;
    g_queue_push_tail(&a->entries, e);
    return TW_OK;
}

tw_status cli_ahead_take(cli_ahead *a, tw_job **job, int64_t *number, GPtrArray **warnings, tw_error *err)
{
    entry *e = g_queue_pop_head(&a->entries);
    pthread_mutex_lock(&a->lock);
    while (!e->done)
        pthread_cond_wait(&a->changed, &a->lock);
    pthread_mutex_unlock(&a->lock);
    a->jobs -= e->job != NULL;
    *number = e->number;
    *warnings = g_steal_pointer(&e->warnings);
    *job = NULL;
    tw_status status = e->error.code;
    if (status == TW_OK)
        *job = g_steal_pointer(&e->job);
    else
        *err = e->error;
    free_entry(e);
    return status;
}

int cli_ahead_window(const cli_ahead *a)
{
    return a->window;
}

bool cli_ahead_empty(const cli_ahead *a)
{
    return a->entries.length == 0;
}

bool cli_ahead_due(cli_ahead *a)
{
    entry *e = g_queue_peek_head(&a->entries);
    pthread_mutex_lock(&a->lock);
    bool due = e && (e->done || a->jobs >= a->window);
    pthread_mutex_unlock(&a->lock);
    return due;
}
