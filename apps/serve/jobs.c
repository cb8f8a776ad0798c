/* SPDX-License-Identifier: MIT */
#include "job_parts.h"

#include <glib.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../batch/events.h"
#include "base/error.h"
#include "base/wait.h"

#define MOST_KEPT 256 /* jobs that have ended */

static const char *const state_names[] = {"waiting", "running", "done", "failed", "cancelled"};

const char *serve_state_name(serve_state state)
{
    return state_names[state];
}

serve_jobs *serve_jobs_new(tw_session *session, tw_queue *queue, serve_spool *spool, const char *root, int32_t keep_seconds,
                           void (*changed)(void *user), void *user)
{
    serve_jobs *jobs = g_new0(serve_jobs, 1);
    *jobs = (serve_jobs){
        .session = session, .queue = queue, .spool = spool, .keep = keep_seconds, .changed = changed, .user = user};
    jobs->spool_prefix = g_strconcat(serve_spool_path(spool), "/", NULL);
    jobs->root_prefix = root ? g_strconcat(root, "/", NULL) : NULL;
    jobs->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    g_queue_init(&jobs->ended);
    pthread_mutex_init(&jobs->lock, NULL);
    return jobs;
}

static void give_back(serve_job *job)
{
    if (--job->references > 0)
        return;
    serve_order_clear(job->jobs, &job->order);
    g_ptr_array_free(job->warnings, TRUE);
    g_array_free(job->waiters, TRUE);
    g_free(job->op);
    g_free(job->plan);
    g_free(job->report);
    g_free(job->error);
    g_free(job);
}

/* Holds the lock. Whoever still has a reference keeps it. */
static void forget(serve_jobs *jobs, serve_job *job)
{
    if (!job->listed)
        return;
    job->listed = false;
    g_hash_table_remove(jobs->by_id, job->order.id);
    g_queue_remove(&jobs->ended, job);
    give_back(job);
}

void serve_jobs_free(serve_jobs *jobs)
{
    if (!jobs)
        return;
    while (!g_queue_is_empty(&jobs->ended))
        forget(jobs, g_queue_peek_head(&jobs->ended));
    g_hash_table_destroy(jobs->by_id);
    pthread_mutex_destroy(&jobs->lock);
    g_free(jobs->spool_prefix);
    g_free(jobs->root_prefix);
    g_free(jobs);
}

void serve_jobs_id(char id[SERVE_ID + 1])
{
    unsigned char bytes[SERVE_ID / 2];
    while (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        ;
    for (size_t i = 0; i < sizeof bytes; i++)
        g_snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

void serve_order_clear(serve_jobs *jobs, serve_order *order)
{
    if (order->folder)
        serve_spool_remove(jobs->spool, order->folder, order->bytes);
    g_free(order->folder);
    g_free(order->result);
    for (int i = 0; i < SERVE_SECONDS; i++)
        g_free(order->second[i]);
    json_decref(order->json);
    *order = (serve_order){.folder = NULL};
}

/* --- what is told -------------------------------------------------------------------------------------------------- */

/* Folders of this machine are nobody's business: names inside the root, and of uploads, remain. */
static char *tidy(const serve_jobs *jobs, const char *folder, const char *text)
{
    GString *out = g_string_new(text);
    if (folder) {
        char *prefix = g_strconcat(folder, "/", NULL);
        g_string_replace(out, prefix, "", 0);
        g_free(prefix);
    }
    g_string_replace(out, jobs->spool_prefix, "", 0);
    if (jobs->root_prefix)
        g_string_replace(out, jobs->root_prefix, "", 0);
    char *valid = g_utf8_make_valid(out->str, (gssize)out->len);
    g_string_free(out, TRUE);
    return valid;
}

static char *report_of(const serve_job *o, const tw_job *job)
{
    char *text = tw_job_json(job);
    char *tidied = text ? tidy(o->jobs, o->order.folder, text) : NULL;
    tw_bytes_free(text);
    return tidied;
}

/* Holds the lock. */
static void tell(serve_job *o)
{
    o->version++;
    for (guint i = 0; i < o->waiters->len; i++) {
        const waiter *w = &g_array_index(o->waiters, waiter, i);
        w->wake(w->user, true);
    }
    g_array_set_size(o->waiters, 0);
}

bool serve_job_news(serve_job *job, int64_t *seen, void (*pause)(void *user), void (*wake)(void *user, bool news), void *user)
{
    waiter w = {wake, user, tw_seconds_now()};
    pthread_mutex_lock(&job->jobs->lock);
    bool news = job->version != *seen;
    *seen = job->version;
    if (!news) {
        g_array_append_val(job->waiters, w);
        pause(user);
    }
    pthread_mutex_unlock(&job->jobs->lock);
    return news;
}

/* They stand in the order in which they began to wait. */
static void beat(serve_job *o, double before)
{
    guint n = 0;
    for (; n < o->waiters->len && g_array_index(o->waiters, waiter, n).since < before; n++) {
        const waiter *w = &g_array_index(o->waiters, waiter, n);
        w->wake(w->user, false);
    }
    g_array_remove_range(o->waiters, 0, n);
}

void serve_jobs_beat(serve_jobs *jobs, double seconds)
{
    double before = tw_seconds_now() - seconds;
    GHashTableIter all;
    gpointer job;
    pthread_mutex_lock(&jobs->lock);
    g_hash_table_iter_init(&all, jobs->by_id);
    while (g_hash_table_iter_next(&all, NULL, &job))
        beat(job, before);
    pthread_mutex_unlock(&jobs->lock);
}

/* --- events of the queue ------------------------------------------------------------------------------------------- */

static void on_planned(void *user, tw_job *job)
{
    serve_job *o = user;
    char *plan = report_of(o, job);
    pthread_mutex_lock(&o->jobs->lock);
    g_free(o->plan);
    o->plan = plan;
    tell(o);
    pthread_mutex_unlock(&o->jobs->lock);
}

static void on_started(void *user, tw_job *job)
{
    serve_job *o = user;
    pthread_mutex_lock(&o->jobs->lock);
    if (o->started == 0)
        o->started = tw_seconds_now();
    o->state = SERVE_RUNNING;
    tell(o);
    pthread_mutex_unlock(&o->jobs->lock);
}

static void on_progress(void *user, double fraction)
{
    serve_job *o = user;
    pthread_mutex_lock(&o->jobs->lock);
    if (fraction > o->fraction) { /* a run that begins anew begins at 0 */
        o->fraction = fraction;
        tell(o);
    }
    pthread_mutex_unlock(&o->jobs->lock);
}

static void on_warning(void *user, const char *line)
{
    serve_job *o = user;
    pthread_mutex_lock(&o->jobs->lock);
    if (o->warnings->len < 16)
        g_ptr_array_add(o->warnings, tidy(o->jobs, o->order.folder, line));
    pthread_mutex_unlock(&o->jobs->lock);
}

int64_t serve_file_bytes(const char *path)
{
    struct stat st;
    return path && stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static const char *error_word(tw_status code)
{
    return code == TW_ERROR_USAGE         ? "usage"
           : code == TW_ERROR_INPUT       ? "input"
           : code == TW_ERROR_BUDGET      ? "budget"
           : code == TW_ERROR_DEVICE      ? "device"
           : code == TW_ERROR_INTERRUPTED ? "cancelled"
                                          : "failed";
}

static bool is_in(const char *path, const char *folder)
{
    return path && folder && g_str_has_prefix(path, folder);
}

/* Holds the lock. Uploads are of no use any more. */
static void settle(serve_jobs *jobs, serve_job *o, tw_job *job, const tw_error *error)
{
    double in = 0;
    int64_t out = serve_file_bytes(o->order.result), second = 0;
    for (int i = 0; i < SERVE_SECONDS; i++)
        second += serve_file_bytes(o->order.second[i]);
    int64_t freed = -second;
    for (int i = 0; i < BATCH_INPUTS; i++) {
        in += (double)serve_file_bytes(o->work->inputs[i]);
        if (is_in(o->work->inputs[i], o->order.folder)) {
            freed += serve_file_bytes(o->work->inputs[i]);
            unlink(o->work->inputs[i]);
        }
    }
    if (is_in(o->order.result, o->order.folder))
        freed -= out;
    o->order.bytes -= freed;
    serve_spool_count(jobs->spool, -freed);
    o->state = error->code == TW_OK ? SERVE_DONE : error->code == TW_ERROR_INTERRUPTED ? SERVE_CANCELLED : SERVE_FAILED;
    if (error->code != TW_OK) {
        o->error = tidy(jobs, o->order.folder, error->message);
        o->error_code = error_word(error->code);
    } else {
        o->fraction = 1;
        jobs->counts.input_bytes += in;
        jobs->counts.output_bytes += (double)(out + second);
        batch_times_add(&jobs->times, o->ended - o->started);
    }
    jobs->counts.ended[o->state]++;
}

static void on_ended(void *user, tw_job *job, const tw_error *error)
{
    serve_job *o = user;
    serve_jobs *jobs = o->jobs;
    char *report = error->code == TW_OK ? report_of(o, job) : NULL;
    pthread_mutex_lock(&jobs->lock);
    o->ended = tw_seconds_now();
    o->report = report;
    settle(jobs, o, job, error);
    batch_work *work = o->work;
    o->work = NULL;
    g_queue_push_tail(&jobs->ended, o);
    tell(o);
    give_back(o); /* the queue's */
    pthread_mutex_unlock(&jobs->lock);
    batch_work_free(work);
    jobs->changed(jobs->user);
}

/* --- requests ------------------------------------------------------------------------------------------------------ */

static serve_job *job_new(serve_jobs *jobs, serve_order *order, batch_work *work)
{
    serve_job *o = g_new0(serve_job, 1);
    *o = (serve_job){.jobs = jobs, .references = 3, .order = *order, .work = work, .listed = true, .taken = tw_seconds_now()};
    o->op = g_strdup(json_string_value(json_object_get(order->json, "op")));
    json_decref(order->json);
    o->order.json = NULL;
    *order = (serve_order){.folder = NULL};
    o->warnings = g_ptr_array_new_with_free_func(g_free);
    o->waiters = g_array_new(FALSE, FALSE, sizeof(waiter));
    o->version = 1;
    return o;
}

static void fail_tidily(const serve_jobs *jobs, const serve_order *order, const tw_error *from, tw_error *err)
{
    char *message = tidy(jobs, order->folder, from->message);
    tw_fail(err, from->code, "%.1000s", message);
    g_free(message);
}

tw_status serve_jobs_add(serve_jobs *jobs, serve_order *order, const batch_default *defaults, serve_job **out, tw_error *err)
{
    batch_request request = {.command = BATCH_RUN, .json = order->json, .id = order->id, .texts = order->texts};
    tw_queue_events events = {NULL, on_planned, on_started, on_ended};
    tw_error own = TW_ERROR_NONE;
    batch_work *work = NULL;
    *out = NULL;
    if (batch_work_new(&request, jobs->session, defaults, &work, &own) != TW_OK) {
        fail_tidily(jobs, order, &own, err);
        serve_order_clear(jobs, order);
        return err->code;
    }
    serve_job *o = job_new(jobs, order, work);
    events.user = o;
    tw_job_on_progress(work->job, on_progress, o);
    tw_job_on_warning(work->job, on_warning, o);
    pthread_mutex_lock(&jobs->lock); /* an end that comes at once waits for it */
    g_hash_table_insert(jobs->by_id, o->order.id, o);
    tw_status status = tw_queue_add(jobs->queue, work->job, work->priority, &events, &o->ticket, err);
    if (status == TW_OK) {
        jobs->counts.accepted++;
        *out = o;
    } else {
        o->work = NULL;
        o->references = 1;
        forget(jobs, o);
    }
    pthread_mutex_unlock(&jobs->lock);
    if (status != TW_OK)
        batch_work_free(work);
    return status;
}

char *serve_jobs_plan(serve_jobs *jobs, serve_order *order, const batch_default *defaults, tw_error *err)
{
    batch_request request = {.command = BATCH_RUN, .json = order->json, .id = order->id, .texts = order->texts};
    tw_error own = TW_ERROR_NONE;
    batch_work *work = NULL;
    char *plan = NULL, *text = NULL;
    tw_status status = batch_work_new(&request, jobs->session, defaults, &work, &own);
    if (status == TW_OK)
        status = tw_queue_plan(jobs->queue, work->job, &own);
    if (status == TW_OK)
        text = tw_job_json(work->job);
    if (status != TW_OK)
        fail_tidily(jobs, order, &own, err);
    else
        plan = tidy(jobs, order->folder, text ? text : "null");
    tw_bytes_free(text);
    batch_work_free(work);
    serve_order_clear(jobs, order);
    return plan;
}

serve_job *serve_jobs_find(serve_jobs *jobs, const char *id)
{
    pthread_mutex_lock(&jobs->lock);
    serve_job *job = g_hash_table_lookup(jobs->by_id, id);
    if (job)
        job->references++;
    pthread_mutex_unlock(&jobs->lock);
    return job;
}

void serve_job_unref(serve_job *job)
{
    serve_jobs *jobs = job->jobs;
    pthread_mutex_lock(&jobs->lock);
    give_back(job);
    pthread_mutex_unlock(&jobs->lock);
}

bool serve_job_delete(serve_job *job)
{
    serve_jobs *jobs = job->jobs;
    pthread_mutex_lock(&jobs->lock);
    bool live = job->work != NULL;
    int64_t ticket = job->ticket;
    if (!live)
        forget(jobs, job);
    pthread_mutex_unlock(&jobs->lock);
    if (live)
        tw_queue_cancel(jobs->queue, ticket);
    return live;
}

void serve_jobs_prune(serve_jobs *jobs)
{
    double now = tw_seconds_now();
    pthread_mutex_lock(&jobs->lock);
    serve_job *oldest;
    while ((oldest = g_queue_peek_head(&jobs->ended)) &&
           (now - oldest->ended > jobs->keep || jobs->ended.length > MOST_KEPT || serve_spool_full(jobs->spool)))
        forget(jobs, oldest);
    pthread_mutex_unlock(&jobs->lock);
}

void serve_jobs_count(serve_jobs *jobs, serve_counts *out)
{
    pthread_mutex_lock(&jobs->lock);
    *out = jobs->counts;
    out->kept = g_hash_table_size(jobs->by_id);
    out->seconds_sum = jobs->times.sum;
    out->mean_seconds = batch_times_mean(&jobs->times);
    out->p50 = batch_times_quantile(&jobs->times, 0.5);
    out->p95 = batch_times_quantile(&jobs->times, 0.95);
    pthread_mutex_unlock(&jobs->lock);
}
