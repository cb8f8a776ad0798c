/* SPDX-License-Identifier: MIT */
/* One thread at a time takes the first job, plans it and waits for its memory, so that jobs start in order; then it runs the
 * job while another thread takes the next one. */
#include <pthread.h>
#include <string.h>

#include "queue_room.h"
#include "tilewright/queue.h"

#define STACK_BYTES (2 << 20) /* decoders run here, and some keep a row on the stack */
#define MOST_TRIES  3         /* runs of a job whose pixels ask for more than its plan did */

typedef struct entry {
    struct entry *next;
    int64_t ticket;
    int32_t priority;
    tw_job *job; /* NULL: `ended` is being called */
    tw_queue_events events;
    tw_grant grant;
    int64_t least; /* bytes it asked for when it ran before */
    int tries;
    bool cancelled;
} entry;

struct tw_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* anything below */
    tw_session *session;
    tw_room room;
    entry *waiting; /* in the order in which they start */
    entry *running; /* all others */
    int n_waiting;
    int64_t tickets;
    int64_t generation; /* of the budget: plans of an older one are made anew */
    pthread_t *threads;
    int most, n_threads, idle;
    bool door; /* somebody plans or waits for memory */
    bool ending;
};

/* --- lists --------------------------------------------------------------------------------------------------------- */

static void add_waiting(tw_queue *queue, entry *e)
{
    entry **at = &queue->waiting;
    while (*at && ((*at)->priority > e->priority || ((*at)->priority == e->priority && (*at)->ticket < e->ticket)))
        at = &(*at)->next;
    e->next = *at;
    *at = e;
    queue->n_waiting++;
}

static void take_out(entry **list, const entry *e)
{
    while (*list != e)
        list = &(*list)->next;
    *list = e->next;
}

static void to_running(tw_queue *queue, entry *e)
{
    take_out(&queue->waiting, e);
    queue->n_waiting--;
    e->next = queue->running;
    queue->running = e;
}

static entry *find(entry *list, int64_t ticket)
{
    while (list && list->ticket != ticket)
        list = list->next;
    return list;
}

/* --- one job ------------------------------------------------------------------------------------------------------- */

/* The functions of this part hold the lock when they are called and when they return. */

static void tell(const entry *e, void (*event)(void *user, tw_job *job))
{
    if (event)
        event(e->events.user, e->job);
}

static void finish(tw_queue *queue, entry *e, const tw_error *error)
{
    tw_job *job = e->job;
    e->job = NULL; /* from here on nobody can cancel it */
    job->most_bytes = job->granted = 0;
    pthread_mutex_unlock(&queue->lock);
    if (e->events.ended)
        e->events.ended(e->events.user, job, error);
    pthread_mutex_lock(&queue->lock);
    take_out(&queue->running, e);
    g_free(e);
    pthread_cond_broadcast(&queue->changed);
}

static tw_status plan(tw_queue *queue, entry *e, tw_error *err)
{
    int64_t share = tw_room_share(&queue->room), all = tw_room_for_jobs(&queue->room);
    pthread_mutex_unlock(&queue->lock);
    tw_status status = tw_room_plan(e->job, share, all, err);
    if (status == TW_OK)
        tell(e, e->events.planned);
    pthread_mutex_lock(&queue->lock);
    TW_TRY(status);
    e->grant = tw_room_grant(e->job, tw_min64(e->least, all));
    e->job->granted = TW_BASE_BYTES + e->grant.rest + e->grant.weights;
    return TW_OK;
}

/* While it waits here the budget may change, and cancelling must reach it. */
static tw_status enter(tw_queue *queue, entry *e, tw_error *err)
{
    int64_t generation = -1;
    while (!e->cancelled) {
        if (generation != queue->generation) {
            generation = queue->generation;
            TW_TRY(plan(queue, e, err));
        } else if (tw_room_fits(&queue->room, &e->grant)) {
            queue->room.grants[queue->room.count++] = &e->grant;
            return TW_OK;
        } else {
            pthread_cond_wait(&queue->changed, &queue->lock);
        }
    }
    return tw_fail(err, TW_ERROR_INTERRUPTED, "cancelled");
}

static void leave(tw_queue *queue, const entry *e)
{
    tw_room *room = &queue->room;
    int i = 0;
    while (room->grants[i] != &e->grant)
        i++;
    memmove(&room->grants[i], &room->grants[i + 1], (size_t)(--room->count - i) * sizeof(tw_grant *));
    pthread_cond_broadcast(&queue->changed);
}

/* True when the job is to be run again, with the memory that it asked for. */
static bool run(tw_queue *queue, entry *e, tw_error *err)
{
    queue->door = true;
    tw_status status = enter(queue, e, err);
    queue->door = false;
    pthread_cond_broadcast(&queue->changed);
    if (status != TW_OK)
        return false;
    pthread_mutex_unlock(&queue->lock);
    tell(e, e->events.started);
    tw_job_run(e->job, err);
    pthread_mutex_lock(&queue->lock);
    leave(queue, e);
    if (e->job->asked == 0 || e->cancelled || ++e->tries == MOST_TRIES)
        return false;
    e->least = e->job->asked;
    return true;
}

static void *work(void *data)
{
    tw_queue *queue = data;
    pthread_mutex_lock(&queue->lock);
    while (!queue->ending) {
        if (!queue->waiting || queue->door) {
            queue->idle++;
            pthread_cond_wait(&queue->changed, &queue->lock);
            queue->idle--;
            continue;
        }
        entry *e = queue->waiting;
        tw_error error = TW_ERROR_NONE;
        to_running(queue, e);
        if (run(queue, e, &error)) {
            take_out(&queue->running, e);
            add_waiting(queue, e);
        } else {
            finish(queue, e, &error);
        }
    }
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

/* --- the queue ----------------------------------------------------------------------------------------------------- */

int32_t tw_processors(void)
{
    tw_limits limits;
    tw_limits_read(&limits);
    return limits.cpus;
}

static tw_status set_budget(tw_queue *queue, const char *memory, tw_error *err)
{
    tw_limits limits;
    int64_t bytes = 0, least = TW_BASE_BYTES + queue->room.held;
    tw_limits_read(&limits);
    if (!tw_parse_size(memory, limits.memory, &bytes))
        return tw_fail(err, TW_ERROR_USAGE, "memory: \"%s\" is not a size such as 512M, 1.5G, 50%% or 4096", memory);
    if (bytes <= least)
        return tw_fail(err, TW_ERROR_BUDGET,
                       "the budget of %.1f MiB cannot hold a queue of jobs: program and queue take %.1f MiB",
                       (double)bytes / (1 << 20), (double)least / (1 << 20));
    queue->room.budget = bytes;
    queue->generation++;
    return TW_OK;
}

tw_status tw_queue_new(tw_session *session, const tw_queue_settings *settings, tw_queue **out, tw_error *err)
{
    tw_limits limits;
    *out = NULL;
    if (settings->size != sizeof *settings || settings->held_bytes < 0 || settings->most_running < 0 || settings->shares < 0)
        return tw_fail(err, TW_ERROR_USAGE, "queue: settings of another version, or below 0");
    tw_queue *queue = g_new0(tw_queue, 1);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    tw_limits_read(&limits);
    queue->session = session;
    queue->most = settings->most_running > 0 ? settings->most_running : limits.cpus + 1;
    queue->threads = g_new0(pthread_t, queue->most);
    queue->room = (tw_room){.pool = session->pool, .held = settings->held_bytes, .grants = g_new0(tw_grant *, queue->most)};
    queue->room.shares = settings->shares > 0 ? settings->shares : 2;
    tw_status status = set_budget(queue, settings->memory ? settings->memory : "50%", err);
    if (status != TW_OK)
        tw_queue_free(queue);
    else
        *out = queue;
    return status;
}

void tw_queue_free(tw_queue *queue)
{
    if (!queue)
        return;
    tw_queue_cancel_all(queue);
    tw_queue_wait(queue);
    pthread_mutex_lock(&queue->lock);
    queue->ending = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    for (int i = 0; i < queue->n_threads; i++)
        pthread_join(queue->threads[i], NULL);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    g_free(queue->room.grants);
    g_free(queue->threads);
    g_free(queue);
}

/* As many threads as there are jobs for, at most so many as may run. */
static void add_thread(tw_queue *queue)
{
    pthread_attr_t attributes;
    if (queue->idle >= queue->n_waiting || queue->n_threads >= queue->most)
        return;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    queue->n_threads += pthread_create(&queue->threads[queue->n_threads], &attributes, work, queue) == 0;
    pthread_attr_destroy(&attributes);
}

tw_status tw_queue_add(tw_queue *queue, tw_job *job, int32_t priority, const tw_queue_events *events, int64_t *ticket,
                       tw_error *err)
{
    if (job->session != queue->session)
        return tw_fail(err, TW_ERROR_USAGE, "queue: a job of another session");
    entry *e = g_new0(entry, 1);
    pthread_mutex_lock(&queue->lock);
    *e = (entry){.ticket = ++queue->tickets, .priority = priority, .job = job, .events = *events};
    if (ticket)
        *ticket = e->ticket;
    add_waiting(queue, e);
    add_thread(queue);
    tw_status status = TW_OK;
    if (queue->n_threads == 0) {
        status = tw_fail(err, TW_ERROR_RUN, "queue: no thread can be started");
        take_out(&queue->waiting, e);
        queue->n_waiting--;
        g_free(e);
    }
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return status;
}

tw_status tw_queue_plan(tw_queue *queue, tw_job *job, tw_error *err)
{
    if (job->session != queue->session)
        return tw_fail(err, TW_ERROR_USAGE, "queue: a job of another session");
    pthread_mutex_lock(&queue->lock);
    int64_t share = tw_room_share(&queue->room), all = tw_room_for_jobs(&queue->room);
    pthread_mutex_unlock(&queue->lock);
    tw_status status = tw_room_plan(job, share, all, err);
    job->most_bytes = 0;
    return status;
}

int32_t tw_queue_side_by_side(tw_queue *queue, const tw_job *job)
{
    tw_grant grant = tw_room_grant(job, 0);
    pthread_mutex_lock(&queue->lock);
    int64_t most = tw_min64(tw_room_most(&queue->room, &grant), queue->most);
    pthread_mutex_unlock(&queue->lock);
    return (int32_t)most;
}

static void cancel(tw_queue *queue, entry *e, bool waits)
{
    tw_error error = TW_ERROR_NONE;
    e->cancelled = true;
    if (waits) {
        to_running(queue, e);
        tw_fail(&error, TW_ERROR_INTERRUPTED, "cancelled");
        finish(queue, e, &error);
    } else {
        tw_job_cancel(e->job);
        pthread_cond_broadcast(&queue->changed);
    }
}

int tw_queue_cancel(tw_queue *queue, int64_t ticket)
{
    pthread_mutex_lock(&queue->lock);
    entry *waiting = find(queue->waiting, ticket), *e = waiting ? waiting : find(queue->running, ticket);
    int found = e && e->job;
    if (found)
        cancel(queue, e, waiting != NULL);
    pthread_mutex_unlock(&queue->lock);
    return found;
}

void tw_queue_cancel_all(tw_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    for (entry *e = queue->running; e; e = e->next)
        if (e->job)
            cancel(queue, e, false);
    while (queue->waiting)
        cancel(queue, queue->waiting, true);
    pthread_mutex_unlock(&queue->lock);
}

tw_status tw_queue_set_memory(tw_queue *queue, const char *memory, tw_error *err)
{
    pthread_mutex_lock(&queue->lock);
    tw_status status = set_budget(queue, memory, err);
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return status;
}

void tw_queue_look(tw_queue *queue, tw_queue_state *out)
{
    pthread_mutex_lock(&queue->lock);
    *out = (tw_queue_state){queue->room.budget, tw_room_planned(&queue->room), queue->n_waiting, 0};
    for (const entry *e = queue->running; e; e = e->next)
        out->running += e->job != NULL;
    pthread_mutex_unlock(&queue->lock);
}

int64_t tw_queue_place(tw_queue *queue, int64_t ticket)
{
    pthread_mutex_lock(&queue->lock);
    const entry *running = find(queue->running, ticket);
    int64_t place = running && running->job ? 0 : -1, i = 1;
    for (const entry *e = queue->waiting; e; e = e->next, i++)
        place = e->ticket == ticket ? i : place;
    pthread_mutex_unlock(&queue->lock);
    return place;
}

void tw_queue_wait(tw_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->waiting || queue->running)
        pthread_cond_wait(&queue->changed, &queue->lock);
    pthread_mutex_unlock(&queue->lock);
}
