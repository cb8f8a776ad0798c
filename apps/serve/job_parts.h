/* SPDX-License-Identifier: MIT */
/** What a job is made of: for jobs.c and job_json.c alone. */
#ifndef TW_SERVE_JOB_PARTS_H
#define TW_SERVE_JOB_PARTS_H

#include <glib.h>
#include <pthread.h>

#include "jobs.h"

typedef struct waiter {
    void (*wake)(void *user, bool news);
    void *user;
    double since; /* seconds of the monotonic clock */
} waiter;

struct serve_job {
    serve_jobs *jobs;
    int references;
    serve_order order; /* without its json */
    char *op;
    batch_work *work; /* NULL once it has ended */
    int64_t ticket;
    serve_state state;
    bool listed;
    double taken, started, ended; /* seconds of the monotonic clock */
    double fraction;
    char *plan, *report; /* JSON */
    char *error;
    const char *error_code;
    GPtrArray *warnings;
    int64_t version;
    GArray *waiters;
};

struct serve_jobs {
    tw_session *session;
    tw_queue *queue;
    serve_spool *spool;
    char *spool_prefix, *root_prefix;
    int32_t keep;
    void (*changed)(void *user);
    void *user;
    pthread_mutex_t lock; /* guards what follows, and all jobs */
    GHashTable *by_id;
    GQueue ended; /* in that order */
    serve_counts counts;
    batch_times times;
};

int64_t serve_file_bytes(const char *path);

#endif
