/* SPDX-License-Identifier: MIT */
/* A thread waits for the signals instead of a handler: it may take a lock, so no job is cancelled while it is being freed. */
#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#define MOST_JOBS   2
#define STACK_BYTES (128 * 1024)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tw_job *jobs[MOST_JOBS];
static bool interrupted;

static void *wait_for_signals(void *data)
{
    sigset_t *set = data;
    int number;

    sigwait(set, &number);
    pthread_mutex_lock(&lock);
    interrupted = true;
    for (int i = 0; i < MOST_JOBS; i++)
        if (jobs[i])
            tw_job_cancel(jobs[i]);
    pthread_mutex_unlock(&lock);

    sigwait(set, &number);
    _exit(TW_ERROR_INTERRUPTED);
}

void cli_signals_start(void)
{
    static sigset_t set;
    pthread_attr_t attributes;
    pthread_t thread;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    /* Without the thread the signals must go on ending the process. */
    if (pthread_create(&thread, &attributes, wait_for_signals, &set) != 0)
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    else
        pthread_detach(thread);
    pthread_attr_destroy(&attributes);
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
