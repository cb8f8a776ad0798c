/* SPDX-License-Identifier: MIT */
/* A thread waits for the signals instead of a handler: what they end may be blocked in a write, or hold a lock. */
#include "base/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

#define STACK_BYTES (128 * 1024)

typedef struct watch {
    void (*first)(void *user);
    void *user;
    sigset_t set;
} watch;

static void *wait_for_signals(void *data)
{
    watch *w = data;
    int number;
    sigwait(&w->set, &number);
    w->first(w->user);
    sigwait(&w->set, &number);
    _exit(TW_ERROR_INTERRUPTED);
}

int tw_signals_start(void (*first)(void *user), void *user)
{
    watch *w = malloc(sizeof *w); /* the thread's, for ever */
    pthread_attr_t attributes;
    pthread_t thread;
    if (!w)
        return ENOMEM;
    *w = (watch){.first = first, .user = user};
    sigemptyset(&w->set);
    sigaddset(&w->set, SIGINT);
    sigaddset(&w->set, SIGTERM);
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, &w->set, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int code = pthread_create(&thread, &attributes, wait_for_signals, w);
    pthread_attr_destroy(&attributes);
    if (code != 0) {
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        free(w);
    }
    return code;
}
