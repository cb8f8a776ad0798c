/* SPDX-License-Identifier: MIT */
/** The jobs of a batch by their ids, from the line that asks for one to the event that ends it. Thread-safe. */
#ifndef TW_BATCH_JOBS_H
#define TW_BATCH_JOBS_H

#include "events.h"
#include "request.h"

typedef struct batch_jobs batch_jobs;

/** `changed` is called, from any thread, when a job has ended. */
batch_jobs *batch_jobs_new(tw_session *session, tw_queue *queue, batch_events *events, void (*changed)(void *user), void *user);
/** After the last job has ended. */
void batch_jobs_free(batch_jobs *jobs);

/** Takes a run of line `line`, `length` bytes long. What is wrong with it is told by an error event. */
void batch_jobs_run(batch_jobs *jobs, const batch_request *request, const batch_default *defaults, int64_t line, size_t length);
/** False when there is no such job. */
bool batch_jobs_cancel(batch_jobs *jobs, const char *id);
/** Checksums that are being made are given up, too. */
void batch_jobs_cancel_all(batch_jobs *jobs);
void batch_jobs_count_error(batch_jobs *jobs, const tw_error *error);

/** Jobs that have not ended, and bytes that those hold which have not. */
int64_t batch_jobs_left(batch_jobs *jobs, int64_t *held);
/** Members for a status event: running jobs and counts. */
void batch_jobs_status(batch_jobs *jobs, json_t *event);
/** Members of the summary. Returns the code of the first error, else TW_OK. */
tw_status batch_jobs_summary(batch_jobs *jobs, json_t *event);

#endif
