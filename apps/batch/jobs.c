/* SPDX-License-Identifier: MIT */
/* Every run that is taken ends in exactly one event with its id: a result or an error. */
#include "jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/wait.h"
#include "stats.h"

#define JOB_BYTES  4096 /* about what a job takes before it starts, its line left out */
#define HASH_BYTES (256 << 10)

struct batch_jobs {
    tw_session *session;
    tw_queue *queue;
    batch_events *events;
    void (*changed)(void *user);
    void *user;
    double start; /* seconds */
    atomic_bool hurry;
    pthread_mutex_t inline_lock;

    pthread_mutex_t lock; /* guards what follows */
    GHashTable *by_id;    /* those that have not ended */
    int64_t left, held;
    int64_t processed, skipped, errors, cancelled;
    tw_status first_error;
    double input_bytes, output_bytes;
    batch_times latency, waited;
};

typedef struct one {
    batch_jobs *jobs;
    batch_work *work;
    int64_t ticket, held;
    double taken, started; /* seconds; started 0: it waits */
    double fraction;
} one;

batch_jobs *batch_jobs_new(tw_session *session, tw_queue *queue, batch_events *events, void (*changed)(void *user), void *user)
{
    batch_jobs *jobs = g_new0(batch_jobs, 1);
    jobs->session = session;
    jobs->queue = queue;
    jobs->events = events;
    jobs->changed = changed;
    jobs->user = user;
    jobs->start = tw_seconds_now();
    jobs->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_mutex_init(&jobs->inline_lock, NULL);
    return jobs;
}

void batch_jobs_free(batch_jobs *jobs)
{
    g_hash_table_destroy(jobs->by_id);
    pthread_mutex_destroy(&jobs->lock);
    pthread_mutex_destroy(&jobs->inline_lock);
    g_free(jobs);
}

void batch_jobs_count_error(batch_jobs *jobs, const tw_error *error)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->errors++;
    if (jobs->first_error == TW_OK)
        jobs->first_error = error->code;
    pthread_mutex_unlock(&jobs->lock);
}

/* --- results ------------------------------------------------------------------------------------------------------- */

/* NULL where it cannot be read, is no file (a pipe might never end), or the batch is to end at once. */
static char *file_hash(const batch_jobs *jobs, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return NULL;
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    unsigned char *block = g_malloc(HASH_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && !atomic_load(&jobs->hurry)) {
        n = read(fd, block, HASH_BYTES);
        if (n > 0)
            g_checksum_update(sum, block, n);
        else if (n < 0 && errno == EINTR)
            n = 1;
    }
    char *text = n == 0 ? g_strdup(g_checksum_get_string(sum)) : NULL;
    if (fd >= 0)
        close(fd);
    g_free(block);
    g_checksum_free(sum);
    return text;
}

static int64_t file_bytes(const char *path)
{
    struct stat st;
    return path && stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static void set_hash(json_t *event, char *hash)
{
    json_object_set_new(event, "sha256", hash ? json_string(hash) : json_null());
    g_free(hash);
}

static void set_file(const batch_jobs *jobs, const batch_work *work, bool hash, json_t *event)
{
    json_object_set_new(event, "output", json_string(work->output));
    json_object_set_new(event, "bytes", json_integer(file_bytes(work->output)));
    if (hash)
        set_hash(event, file_hash(jobs, work->output));
}

static void set_inline(const batch_work *work, json_t *event)
{
    size_t length = 0;
    unsigned char *bytes = tw_job_take_bytes(work->job, &length);
    char *text = g_base64_encode(bytes, length);
    json_object_set_new(event, "output", json_null());
    json_object_set_new(event, "bytes", json_integer((json_int_t)length));
    if (work->hash)
        set_hash(event, g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, length));
    json_object_set_new(event, "base64", json_string(text));
    g_free(text);
    tw_bytes_free(bytes);
}

static void set_report(const tw_job *job, const char *key, json_t *event)
{
    char *text = tw_job_json(job);
    json_t *report = text ? json_loads(text, 0, NULL) : NULL;
    json_object_set_new(event, key, report ? report : json_null());
    tw_bytes_free(text);
}

static void send_result(const one *o, double now)
{
    const batch_work *work = o->work;
    json_t *event = batch_event("result", work->id);
    if (work->format)
        set_inline(work, event);
    else if (work->output)
        set_file(o->jobs, work, work->hash, event);
    else
        json_object_set_new(event, "output", json_null());
    json_object_set_new(event, "job_peak_bytes", json_integer(tw_job_report(work->job)->job_peak_bytes));
    json_object_set_new(event, "seconds", batch_seconds(now - o->started));
    json_object_set_new(event, "waited", batch_seconds(o->started - o->taken));
    set_report(work->job, "report", event);
    batch_send(o->jobs->events, event);
}

/* Several copies of an inline result exist for a moment: of one at a time. */
static void tell_result(const one *o, double now)
{
    if (o->work->format)
        pthread_mutex_lock(&o->jobs->inline_lock);
    send_result(o, now);
    if (o->work->format)
        pthread_mutex_unlock(&o->jobs->inline_lock);
}

static void count_done(batch_jobs *jobs, const one *o, double now)
{
    const batch_work *work = o->work;
    double in = (double)work->inline_bytes, out = (double)file_bytes(work->output);
    for (int i = 0; i < BATCH_INPUTS; i++)
        in += (double)file_bytes(work->inputs[i]);
    pthread_mutex_lock(&jobs->lock);
    jobs->processed++;
    jobs->input_bytes += in;
    jobs->output_bytes += out;
    batch_times_add(&jobs->latency, now - o->started);
    batch_times_add(&jobs->waited, o->started - o->taken);
    pthread_mutex_unlock(&jobs->lock);
}

/* --- events of the queue ------------------------------------------------------------------------------------------- */

static void on_planned(void *user, tw_job *job)
{
    one *o = user;
    json_t *event = batch_event("plan", o->work->id);
    set_report(job, "plan", event);
    batch_send(o->jobs->events, event);
}

static void on_started(void *user, tw_job *job)
{
    one *o = user;
    pthread_mutex_lock(&o->jobs->lock);
    if (o->started == 0)
        o->started = tw_seconds_now();
    pthread_mutex_unlock(&o->jobs->lock);
}

static void on_progress(void *user, double fraction)
{
    one *o = user;
    json_t *event;
    pthread_mutex_lock(&o->jobs->lock);
    bool grown = fraction > o->fraction; /* a run that begins anew begins at 0 */
    if (grown)
        o->fraction = fraction;
    pthread_mutex_unlock(&o->jobs->lock);
    if (!grown && fraction > 0)
        return;
    event = batch_event("progress", o->work->id);
    json_object_set_new(event, "fraction", json_real(fraction));
    if (fraction < 1)
        batch_send_if_ready(o->jobs->events, event);
    else
        batch_send(o->jobs->events, event); /* the last one is always told */
}

static void on_warning(void *user, const char *line)
{
    one *o = user;
    json_t *event = batch_event("warning", o->work->id);
    json_object_set_new(event, "message", batch_text(line));
    batch_send(o->jobs->events, event);
}

/* What failed for want of something that comes and goes may be sent again as it is. */
static bool is_retryable(const one *o, tw_status code)
{
    bool wrote = o->work->output || o->work->format; /* others fail by what they found */
    return (code == TW_ERROR_RUN && wrote) || code == TW_ERROR_DEVICE || code == TW_ERROR_INTERRUPTED ||
           (code == TW_ERROR_BUDGET && o->started > 0);
}

static void on_ended(void *user, tw_job *job, const tw_error *error)
{
    one *o = user;
    batch_jobs *jobs = o->jobs;
    double now = tw_seconds_now();
    pthread_mutex_lock(&jobs->lock); /* the id is free before the event says so */
    g_hash_table_remove(jobs->by_id, o->work->id);
    jobs->cancelled += error->code == TW_ERROR_INTERRUPTED;
    pthread_mutex_unlock(&jobs->lock);
    if (error->code == TW_OK) {
        count_done(jobs, o, now);
        tell_result(o, now);
    } else {
        if (error->code != TW_ERROR_INTERRUPTED)
            batch_jobs_count_error(jobs, error);
        batch_send_error(jobs->events, o->work->id, error, is_retryable(o, error->code), 0);
    }
    pthread_mutex_lock(&jobs->lock);
    jobs->held -= o->held;
    jobs->left--;
    pthread_mutex_unlock(&jobs->lock);
    batch_work_free(o->work);
    g_free(o);
    jobs->changed(jobs->user);
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

/* A result under its name is complete, except one of zero bytes, which other programs leave behind. */
static bool is_finished(const batch_work *work)
{
    struct stat st;
    return work->resume && work->output && stat(work->output, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static void skip(batch_jobs *jobs, const batch_work *work)
{
    json_t *event = batch_event("result", work->id);
    set_file(jobs, work, false, event);
    json_object_set_new(event, "skipped", json_true());
    pthread_mutex_lock(&jobs->lock);
    jobs->skipped++;
    pthread_mutex_unlock(&jobs->lock);
    batch_send(jobs->events, event);
}

static tw_status add(batch_jobs *jobs, batch_work *work, size_t length, tw_error *err)
{
    static const tw_queue_events calls = {NULL, on_planned, on_started, on_ended};
    tw_queue_events events = calls;
    one *o = g_new0(one, 1);
    *o = (one){.jobs = jobs, .work = work, .taken = tw_seconds_now()};
    o->held = JOB_BYTES + (int64_t)length + work->inline_bytes;
    events.user = o;
    tw_job_on_progress(work->job, on_progress, o);
    tw_job_on_warning(work->job, on_warning, o);
    pthread_mutex_lock(&jobs->lock); /* an end that comes at once waits for it */
    g_hash_table_insert(jobs->by_id, work->id, o);
    jobs->left++;
    jobs->held += o->held;
    tw_status status = tw_queue_add(jobs->queue, work->job, work->priority, &events, &o->ticket, err);
    if (status != TW_OK) {
        g_hash_table_remove(jobs->by_id, work->id);
        jobs->left--;
        jobs->held -= o->held;
        g_free(o);
    }
    pthread_mutex_unlock(&jobs->lock);
    return status;
}

static bool in_use(batch_jobs *jobs, const char *id)
{
    pthread_mutex_lock(&jobs->lock);
    bool used = g_hash_table_contains(jobs->by_id, id);
    pthread_mutex_unlock(&jobs->lock);
    return used;
}

void batch_jobs_run(batch_jobs *jobs, const batch_request *request, const batch_default *defaults, int64_t line, size_t length)
{
    tw_error err = TW_ERROR_NONE;
    batch_work *work = NULL;
    const char *id = request->id;
    if (in_use(jobs, id)) {
        tw_fail(&err, TW_ERROR_USAGE, "line %lld: a job \"%s\" waits or runs already", (long long)line, id);
        id = NULL; /* that job goes on */
    } else {
        batch_work_new(request, jobs->session, defaults, &work, &err);
    }
    if (err.code == TW_OK && is_finished(work))
        skip(jobs, work);
    else if (err.code == TW_OK && add(jobs, work, length, &err) == TW_OK)
        return;
    if (err.code != TW_OK) {
        batch_jobs_count_error(jobs, &err);
        batch_send_error(jobs->events, id, &err, err.code == TW_ERROR_RUN, line);
    }
    batch_work_free(work);
}

bool batch_jobs_cancel(batch_jobs *jobs, const char *id)
{
    pthread_mutex_lock(&jobs->lock);
    const one *o = g_hash_table_lookup(jobs->by_id, id);
    int64_t ticket = o ? o->ticket : 0;
    pthread_mutex_unlock(&jobs->lock);
    return ticket > 0 && tw_queue_cancel(jobs->queue, ticket);
}

void batch_jobs_cancel_all(batch_jobs *jobs)
{
    atomic_store(&jobs->hurry, true);
    tw_queue_cancel_all(jobs->queue);
}

int64_t batch_jobs_left(batch_jobs *jobs, int64_t *held)
{
    pthread_mutex_lock(&jobs->lock);
    int64_t left = jobs->left;
    *held = jobs->held;
    pthread_mutex_unlock(&jobs->lock);
    return left;
}

/* --- figures ------------------------------------------------------------------------------------------------------- */

static void set_counts(const batch_jobs *jobs, json_t *event)
{
    json_object_set_new(event, "processed", json_integer(jobs->processed));
    json_object_set_new(event, "skipped", json_integer(jobs->skipped));
    json_object_set_new(event, "errors", json_integer(jobs->errors));
    json_object_set_new(event, "cancelled", json_integer(jobs->cancelled));
}

void batch_jobs_status(batch_jobs *jobs, json_t *event)
{
    GHashTableIter iter;
    gpointer key, value;
    json_t *running = json_array();
    pthread_mutex_lock(&jobs->lock);
    g_hash_table_iter_init(&iter, jobs->by_id);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        const one *o = value;
        if (o->started > 0)
            json_array_append_new(running, json_pack("{s:s,s:f}", "id", (const char *)key, "fraction", o->fraction));
    }
    set_counts(jobs, event);
    pthread_mutex_unlock(&jobs->lock);
    json_object_set_new(event, "running", running);
    json_object_set_new(event, "peak_bytes", json_integer(batch_process_peak()));
    json_object_set_new(event, "resident_bytes", json_integer(batch_process_resident()));
}

static json_t *times_json(const batch_times *times)
{
    json_t *json = json_object();
    json_object_set_new(json, "mean", batch_seconds(batch_times_mean(times)));
    json_object_set_new(json, "p95", batch_seconds(batch_times_quantile(times, 0.95)));
    return json;
}

tw_status batch_jobs_summary(batch_jobs *jobs, json_t *event)
{
    double seconds = tw_seconds_now() - jobs->start;
    pthread_mutex_lock(&jobs->lock);
    set_counts(jobs, event);
    json_object_set_new(event, "seconds", batch_seconds(seconds));
    json_object_set_new(event, "latency", times_json(&jobs->latency));
    json_object_set_new(event, "waited", times_json(&jobs->waited));
    json_object_set_new(event, "input_mb", batch_seconds(jobs->input_bytes / 1e6));
    json_object_set_new(event, "output_mb", batch_seconds(jobs->output_bytes / 1e6));
    json_object_set_new(event, "peak_bytes", json_integer(batch_process_peak()));
    tw_status status = jobs->first_error;
    pthread_mutex_unlock(&jobs->lock);
    return status;
}
