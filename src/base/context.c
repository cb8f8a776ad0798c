/* SPDX-License-Identifier: MIT */
#include "base/context.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct tw_context {
    tw_account *account;
    tw_scratch *scratch;
    atomic_int cancelled;
    pthread_mutex_t lock; /* progress and warnings: one call at a time */
    tw_progress_fn on_progress;
    void *progress_user;
    tw_warning_fn on_warning;
    void *warning_user;
    int64_t total, done;
    double from, to; /* what is counted stands for this part of the job */
    double reported;
    int64_t reported_at; /* monotonic milliseconds */
};

tw_context *tw_context_new(tw_account *account, tw_scratch *scratch)
{
    tw_context *context = calloc(1, sizeof *context);
    if (!context)
        return NULL;
    context->account = account;
    context->scratch = scratch;
    context->to = 1;
    pthread_mutex_init(&context->lock, NULL);
    return context;
}

void tw_context_free(tw_context *context)
{
    if (!context)
        return;
    pthread_mutex_destroy(&context->lock);
    free(context);
}

tw_account *tw_context_account(const tw_context *context)
{
    return context->account;
}

tw_scratch *tw_context_scratch(const tw_context *context)
{
    return context->scratch;
}

void tw_context_set_scratch(tw_context *context, tw_scratch *scratch)
{
    context->scratch = scratch;
}

void tw_context_on_progress(tw_context *context, tw_progress_fn fn, void *user)
{
    context->on_progress = fn;
    context->progress_user = user;
}

void tw_context_on_warning(tw_context *context, tw_warning_fn fn, void *user)
{
    context->on_warning = fn;
    context->warning_user = user;
}

void tw_context_cancel(tw_context *context)
{
    atomic_store(&context->cancelled, 1);
}

bool tw_context_cancelled(const tw_context *context)
{
    return atomic_load(&((tw_context *)context)->cancelled) != 0;
}

tw_status tw_context_check(const tw_context *context, tw_error *err)
{
    if (tw_context_cancelled(context))
        return tw_fail(err, TW_ERROR_INTERRUPTED, "interrupted");
    return TW_OK;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void report(tw_context *context, double fraction)
{
    fraction = context->from + (context->to - context->from) * fraction;
    if (!context->on_progress || fraction <= context->reported)
        return;
    context->reported = fraction;
    context->reported_at = now_ms();
    context->on_progress(context->progress_user, fraction);
}

void tw_progress_start(tw_context *context, int64_t total)
{
    pthread_mutex_lock(&context->lock);
    context->total = total > 0 ? total : 1;
    context->done = 0;
    if (context->from == 0)
        context->reported = -1;
    report(context, 0);
    pthread_mutex_unlock(&context->lock);
}

void tw_progress_add(tw_context *context, int64_t done)
{
    pthread_mutex_lock(&context->lock);
    context->done += done;
    if (now_ms() - context->reported_at >= 100) {
        double fraction = (double)context->done / (double)context->total;
        /* 1 is said by tw_progress_finish alone: the file is not yet safe when the last tile is. */
        report(context, fraction > 0.999 ? 0.999 : fraction);
    }
    pthread_mutex_unlock(&context->lock);
}

void tw_progress_finish(tw_context *context)
{
    pthread_mutex_lock(&context->lock);
    report(context, 1);
    pthread_mutex_unlock(&context->lock);
}

void tw_progress_part(tw_context *context, double from, double to)
{
    context->from = from;
    context->to = to;
}

void tw_warn(tw_context *context, const char *format, ...)
{
    if (!context->on_warning)
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    pthread_mutex_lock(&context->lock);
    context->on_warning(context->warning_user, line);
    pthread_mutex_unlock(&context->lock);
}
