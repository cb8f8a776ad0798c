/* SPDX-License-Identifier: MIT */
/** What one job carries through every room: its memory account, scratch, cancellation, progress and warnings.
 *  No process globals: several jobs live side by side. */
#ifndef TW_BASE_CONTEXT_H
#define TW_BASE_CONTEXT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/account.h"
#include "base/error.h"
#include "base/scratch.h"

/** Called with a fraction in [0, 1] that never falls; at most ten times a second, and once with 1. Any thread, one at a time. */
typedef void (*tw_progress_fn)(void *user, double fraction);
/** One line without newline, for example "photo.webp: WebP cannot hold resolution". Any thread, one at a time. */
typedef void (*tw_warning_fn)(void *user, const char *line);

typedef struct tw_context tw_context;

/** Takes over neither account nor scratch; both must outlive it. */
tw_context *tw_context_new(tw_account *account, tw_scratch *scratch);
void tw_context_free(tw_context *context);
tw_account *tw_context_account(const tw_context *context);
/** May be NULL between runs. */
tw_scratch *tw_context_scratch(const tw_context *context);
void tw_context_set_scratch(tw_context *context, tw_scratch *scratch);

void tw_context_on_progress(tw_context *context, tw_progress_fn fn, void *user);
void tw_context_on_warning(tw_context *context, tw_warning_fn fn, void *user);

/** Async-signal-safe; any thread. */
void tw_context_cancel(tw_context *context);
bool tw_context_cancelled(const tw_context *context);
/** TW_ERROR_INTERRUPTED with its message when cancelled, else TW_OK. */
tw_status tw_context_check(const tw_context *context, tw_error *err);

/** Announces the units of work of the whole job, then counts them; work-weighted, monotonic. */
void tw_progress_start(tw_context *context, int64_t total);
void tw_progress_add(tw_context *context, int64_t done);
void tw_progress_finish(tw_context *context);
/** What is started from now on stands for the part from `from` to `to` of the whole job, which is from 0 to 1 at first. */
void tw_progress_part(tw_context *context, double from, double to);

void tw_warn(tw_context *context, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
