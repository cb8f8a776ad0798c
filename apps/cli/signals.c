/* SPDX-License-Identifier: MIT */
/* The lock keeps a job from being cancelled while it is being freed. */
#include "signals.h"

#include <pthread.h>
#include <stddef.h>

#include "base/signals.h"

#define MOST_JOBS 2

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tw_job *jobs[MOST_JOBS];
static bool interrupted;

static void cancel_jobs(void *user)
{
    pthread_mutex_lock(&lock);
    interrupted = true;
    for (int i = 0; i < MOST_JOBS; i++)
        if (jobs[i])
            tw_job_cancel(jobs[i]);
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
    for (int i = 0; i < MOST_JOBS; i++) {
        if (!jobs[i]) {
            jobs[i] = job;
            break;
        }
    }
    if (interrupted)
        tw_job_cancel(job);
    pthread_mutex_unlock(&lock);
}

void cli_signals_forget(tw_job *job)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_JOBS; i++)
        if (jobs[i] == job)
            jobs[i] = NULL;
    pthread_mutex_unlock(&lock);
}

bool cli_interrupted(void)
{
    pthread_mutex_lock(&lock);
    bool result = interrupted;
    pthread_mutex_unlock(&lock);
    return result;
}
