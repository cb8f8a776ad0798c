/* SPDX-License-Identifier: MIT */
/** A queue of jobs that share one memory budget: each is planned when its turn comes and runs beside the others as soon as
 *  its planned peak fits beside theirs. For programs that take requests from others: a batch, a server. */
#ifndef TILEWRIGHT_QUEUE_H
#define TILEWRIGHT_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "tilewright/error.h"
#include "tilewright/job.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Thread-safe: any call from any thread, but tw_queue_free, which is the last one. */
typedef struct tw_queue tw_queue;

/** Zero what does not matter. `size` is sizeof(tw_queue_settings) of the caller (ABI check). */
typedef struct tw_queue_settings {
    size_t size;
    const char *memory;   /**< bound of the peak resident memory of the process, as option `memory`; NULL: "50%" */
    int64_t held_bytes;   /**< what the program itself holds besides, within that bound */
    int32_t most_running; /**< jobs at a time; 0: one more than processors */
    int32_t shares;       /**< a job is planned with one of so many equal parts of what jobs may take, or with all; 0: 2 */
} tw_queue_settings;

/** Processors that the process may use, by its affinity and its cgroup; at least 1. Any thread. */
TW_API int32_t tw_processors(void);

/** What happens to one job. Called from threads of the queue, for one job one after the other; any may be NULL. They may call
 *  the queue, but not tw_queue_wait nor tw_queue_free. The job is the callback's while it runs. */
typedef struct tw_queue_events {
    void *user;
    void (*planned)(void *user, tw_job *job); /**< its report is the plan; again where the plan had to be made anew */
    void (*started)(void *user, tw_job *job); /**< it has its memory; again where pixels asked for more than the plan did */
    /** The last call; the job is the caller's again and may be freed in it. `error->code` is TW_OK for a job that is done;
     *  TW_ERROR_BUDGET without `started` before means that it can never fit. For a job that is cancelled before its turn
     *  the call comes from the thread that cancels, before that returns. */
    void (*ended)(void *user, tw_job *job, const tw_error *error);
} tw_queue_events;

typedef struct tw_queue_state {
    int64_t budget_bytes;     /**< bound in force */
    int64_t planned_bytes;    /**< of that: program, held_bytes, running jobs, weights kept for later jobs */
    int32_t waiting, running; /**< jobs; one that is being planned is running */
} tw_queue_state;

/** On success *out is the caller's, for tw_queue_free, else NULL. The settings are copied; the session must outlive the queue.
 *  TW_ERROR_BUDGET where the bound cannot even hold the program and held_bytes, TW_ERROR_USAGE for settings of another version
 *  or out of range. */
TW_API tw_status tw_queue_new(tw_session *session, const tw_queue_settings *settings, tw_queue **out, tw_error *err);
/** Cancels every job and waits for the end of each, `ended` included. NULL is allowed. Not from an event. */
TW_API void tw_queue_free(tw_queue *queue);

/** Adds a job of the queue's session that has its inputs, options and output: the queue's until `ended` is called. Jobs begin
 *  by falling priority, equal ones in the order they came in; none overtakes one that waits for memory. A job's own option
 *  `memory` counts where it is less than its share: half of what jobs may take together (`shares`), or all where that is
 *  needed. No event is called from inside. `ticket` (may be NULL) names the job from now on. The events are copied. After a failure the job is
 *  still the caller's: TW_ERROR_USAGE for a job of another session, TW_ERROR_RUN where no thread can be started. */
TW_API tw_status tw_queue_add(tw_queue *queue, tw_job *job, int32_t priority, const tw_queue_events *events, int64_t *ticket,
                              tw_error *err);
/** Plans a job that is not in the queue as the queue would, alone, for those who want to see that before they add it. Errors as
 *  of tw_job_plan; the job stays the caller's. */
TW_API tw_status tw_queue_plan(tw_queue *queue, tw_job *job, tw_error *err);
/** How many jobs like this one, which tw_queue_plan has planned, would run at a time if there were no others: at most
 *  most_running, 0 where not even one fits, 1 on a device. */
TW_API int32_t tw_queue_side_by_side(tw_queue *queue, const tw_job *job);
/** Its `ended` gets TW_ERROR_INTERRUPTED, unless it was done already. False (0) where no such job waits or runs. */
TW_API int tw_queue_cancel(tw_queue *queue, int64_t ticket);
/** The same for each job that waits or runs; `ended` of those that wait has been called when it returns. */
TW_API void tw_queue_cancel_all(tw_queue *queue);
/** Another bound, as option `memory` is written, for all jobs that have not started yet. TW_ERROR_USAGE for what is no size,
 *  TW_ERROR_BUDGET where it cannot even hold the program and held_bytes; then the old one stays. */
TW_API tw_status tw_queue_set_memory(tw_queue *queue, const char *memory, tw_error *err);

/** What is promised and how many jobs there are, at this moment. */
TW_API void tw_queue_look(tw_queue *queue, tw_queue_state *out);
/** 0: it runs; N: the N-th of those that wait; -1: no such job. */
TW_API int64_t tw_queue_place(tw_queue *queue, int64_t ticket);
/** Returns when no job waits or runs, all `ended` calls included. Not from an event. */
TW_API void tw_queue_wait(tw_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
