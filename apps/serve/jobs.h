/* SPDX-License-Identifier: MIT */
/** The jobs of a server by their ids, from the request that asks for one until it is deleted or forgotten. Thread-safe. */
#ifndef TW_SERVE_JOBS_H
#define TW_SERVE_JOBS_H

#include "../batch/request.h"
#include "../batch/stats.h"
#include "spool.h"

#define SERVE_ID 32 /* characters */

typedef enum serve_state { SERVE_WAITING, SERVE_RUNNING, SERVE_DONE, SERVE_FAILED, SERVE_CANCELLED, SERVE_STATES } serve_state;

typedef struct serve_jobs serve_jobs;
typedef struct serve_job serve_job;

/** What a job is made of; taken over by serve_jobs_add, also where that fails. */
/** Results beside the result: the moving picture laid over the fixed one, and the page that --report writes. */
typedef enum serve_second { SERVE_WARPED, SERVE_PAGE, SERVE_SECONDS } serve_second;

typedef struct serve_order {
    char id[SERVE_ID + 1];
    char *folder;                /* in the spool; NULL: none */
    int64_t bytes;               /* counted in the spool */
    char *result;                /* path of the file that will be the result; NULL: none */
    char *second[SERVE_SECONDS]; /* paths of what register makes besides; NULL: none */
    json_t *json;                /* a run as batch has it: op, input, output, options */
    bool texts;                  /* options are texts, as typed */
} serve_order;

typedef struct serve_counts {
    int64_t ended[SERVE_STATES], accepted;
    int64_t kept; /* jobs that can be asked for */
    double mean_seconds, seconds_sum, p50, p95;
    double input_bytes, output_bytes;
} serve_counts;

/** `changed` is called, from any thread, when a job has ended. `root`: stripped from paths in what is told; NULL: none. */
serve_jobs *serve_jobs_new(tw_session *session, tw_queue *queue, serve_spool *spool, const char *root, int32_t keep_seconds,
                           void (*changed)(void *user), void *user);
/** After the last job has ended and the last reference is given back. */
void serve_jobs_free(serve_jobs *jobs);

/** Fills `id` with what nobody can guess. */
void serve_jobs_id(char id[SERVE_ID + 1]);
/** On success *out is a reference. */
tw_status serve_jobs_add(serve_jobs *jobs, serve_order *order, const batch_default *defaults, serve_job **out, tw_error *err);
/** The plan of such a job as JSON, freed with g_free; nothing is added, and the order is cleared. NULL with an error. */
char *serve_jobs_plan(serve_jobs *jobs, serve_order *order, const batch_default *defaults, tw_error *err);
void serve_order_clear(serve_jobs *jobs, serve_order *order);

/** A reference, or NULL. */
serve_job *serve_jobs_find(serve_jobs *jobs, const char *id);
void serve_job_unref(serve_job *job);
/** Cancels what waits or runs: true. Forgets what has ended, with its files: false. */
bool serve_job_delete(serve_job *job);
/** Forgets what ended too long ago, and the oldest where there are too many or too many bytes. */
void serve_jobs_prune(serve_jobs *jobs);
void serve_jobs_count(serve_jobs *jobs, serve_counts *out);

/** The job as clients see it. */
json_t *serve_job_json(serve_job *job);
serve_state serve_job_state(serve_job *job);
const char *serve_state_name(serve_state state);
const char *serve_job_id(const serve_job *job);
/** Path of the result, or NULL: the operator has none. */
const char *serve_job_result(const serve_job *job);
/** Path of what it makes besides, or NULL. */
const char *serve_job_second(const serve_job *job, serve_second which);
/** Under which it is asked for: /v1/jobs/ID/NAME, and told in the job. */
const char *serve_second_name(serve_second which);
/** Media type by the end of a file's name. */
const char *serve_media_type(const char *path);

/** For streams of events: true when there is news since *seen, which is then updated; else `wake` is called, once, when there is
 *  some, or by serve_jobs_beat, and `pause` at once, with the lock held. */
bool serve_job_news(serve_job *job, int64_t *seen, void (*pause)(void *user), void (*wake)(void *user, bool news), void *user);
/** Wakes who has waited for news for `seconds`, so that a connection is never silent for long. */
void serve_jobs_beat(serve_jobs *jobs, double seconds);

#endif
