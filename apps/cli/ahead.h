/* SPDX-License-Identifier: MIT */
/** Jobs of one kind that are under way beside each other, inside one budget, and are taken out in the order they were put in.
 *
 *  A small picture gives few tiles, and a coarse stage of it one: processors would wait. As many jobs run at a time as there are
 *  processors, or the half, a quarter, ... of that, each with its part of threads and budget: so many that the budget holds all of them
 *  with the tile that one would have alone. Jobs on a device, and those whose result is not exact, run one at a time. One thread uses
 *  it.
 */
#ifndef TW_CLI_AHEAD_H
#define TW_CLI_AHEAD_H

#include "args.h"

typedef struct cli_ahead cli_ahead;

/** `held` bytes are the caller's own whatever happens, `held_each` for every job that is put in and not yet taken out. */
cli_ahead *cli_ahead_new(const cli_args *args, tw_session *session, int64_t held, int64_t held_each);
/** Cancels what runs. NULL is allowed. */
void cli_ahead_free(cli_ahead *ahead);

/** Jobs that may be put in without one being taken out; 1 before the first one came. */
int cli_ahead_window(const cli_ahead *ahead);
/** True when something is to be taken out: nothing would be waited for, or no other job may be put in. */
bool cli_ahead_due(cli_ahead *ahead);
bool cli_ahead_empty(const cli_ahead *ahead);

/** A job (cli_job_begin's; the callee's from now on, also after a failure) or, with NULL, only the place of something. Of the
 *  first job TW_ERROR_BUDGET and what planning says. */
tw_status cli_ahead_put(cli_ahead *ahead, tw_job *job, int64_t number, tw_error *err);
/** Waits for what was put in first. *job has run and is the caller's, for cli_job_free; NULL for a place, and after a failure, which
 *  is the job's. *warnings (strings; may be none) are the caller's, too. There must be something. */
tw_status cli_ahead_take(cli_ahead *ahead, tw_job **job, int64_t *number, GPtrArray **warnings, tw_error *err);

#endif
