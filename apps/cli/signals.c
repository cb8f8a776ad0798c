/* SPDX-License-Identifier: MIT */
/* The lock keeps a job from being cancelled while it is being freed. */
#include "signals.h"

#include <glib.h>
#include <pthread.h>

#include "base/signals.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GPtrArray *jobs; /* NULL before the first one */
static bool interrupted;

static void cancel_jobs(void *user)
{
    pthread_mutex_lock(&lock);
    interrupted = true;
    for (guint i = 0; jobs && i < jobs->len; i++)
        tw_job_cancel(g_ptr_array_index(jobs, i));
    pthread_mutex_unlock(&lock);
}

/* Without the thread the signals go on ending the process. */
void cli_signals_start(void)
{
    tw_signals_start(cancel_jobs, NULL);
}

void cli_signals_watch(tw_job *job)
{
    pthread_mutex_lock(&lock);
    if (!jobs)
        jobs = g_ptr_array_new();
    g_ptr_array_add(jobs, job);
    if (interrupted)
        tw_job_cancel(job);
    pthread_mutex_unlock(&lock);
}

void cli_signals_forget(tw_job *job)
{
    pthread_mutex_lock(&lock);
    g_ptr_array_remove_fast(jobs, job);
    pthread_mutex_unlock(&lock);
}

bool cli_interrupted(void)
{
    pthread_mutex_lock(&lock);
    bool result = interrupted;
    pthread_mutex_unlock(&lock);
    return result;
}
