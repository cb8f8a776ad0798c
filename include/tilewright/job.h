/* SPDX-License-Identifier: MIT */
/** Sessions and jobs: one request is one job; jobs of a session share weights and engines. Texts that are given (names, values,
 *  paths, labels) are UTF-8 and copied; NULL is allowed only where it is said. `char *` and `void *` that are returned are the
 *  caller's, for tw_bytes_free. Callbacks and their `user` must stay until the job is freed; they may cancel the job, and make
 *  no other call on it. */
#ifndef TILEWRIGHT_JOB_H
#define TILEWRIGHT_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "tilewright/engine.h"
#include "tilewright/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Shares loaded models between jobs. Thread-safe: jobs of one session may run in different threads. */
typedef struct tw_session tw_session;
/** One request: operator, inputs, options, output. Used by one thread at a time, but tw_job_cancel may come from any. */
typedef struct tw_job tw_job;

/** What was planned or done; the same facts as `--json`. Strings belong to the job and live until it is run again or freed. */
typedef struct tw_report {
    const char *op;
    const char *input;  /**< first input as named by the caller */
    const char *input2; /**< second input, NULL */
    const char *output; /**< NULL for operators without one */
    int64_t in_width, in_height;
    int64_t width, height; /**< of the result, pixels */
    const char *model;     /**< NULL for operators without a model */
    const char *device;    /**< "cpu" or the GPU's name */
    const char *schedule;  /**< "halo", "whole", "carry", "stream" */
    int64_t tile[2];       /**< core of a tile in input pixels */
    int64_t halo[4];       /**< left, top, right, bottom, input pixels */
    int64_t tiles;         /**< number of tiles of one pass */
    int32_t workers, passes;
    int32_t exact;        /**< 1: equals the whole-image run within error_bound */
    double error_bound;   /**< in 1/255; 0.01 for exact results, the measured error otherwise, -1: unknown */
    int64_t budget_bytes; /**< the memory budget in force */
    int64_t planned_peak_bytes;
    int64_t peak_bytes;           /**< VmHWM of this process after the run; 0 in a plan */
    int64_t job_peak_bytes;       /**< peak of this job's own account; 0 in a plan */
    int64_t scratch_bytes;        /**< predicted scratch file bytes; of a pipe those taken before the plan */
    double planned_seconds;       /**< 0: not calibrated yet on this machine */
    double seconds;               /**< 0 in a plan */
    double megapixels_per_second; /**< input pixels */
    int32_t error_measured_on;    /**< tiles that error_bound was measured on, 0: it is none that was measured */
} tw_report;

/** On success *out is the caller's, for tw_session_free. Models are loaded by the first job that needs them. Any thread. */
TW_API tw_status tw_session_new(tw_session **out, tw_error *err);
/** Frees engines, the caller's own by their `close`; jobs and queues must be freed before. NULL is allowed. One thread, the
 *  last call. */
TW_API void tw_session_free(tw_session *session);
/** Registers the caller's engine under `name`; jobs use it with option model = name. The struct is copied; what `user` points
 *  to must stay until `close`. TW_ERROR_USAGE for a name that is taken, a struct of another version, or functions that are
 *  missing. Any thread. */
TW_API tw_status tw_session_add_engine(tw_session *session, const char *name, const tw_engine_callbacks *engine, tw_error *err);
/** Calls the engine's close once. TW_ERROR_USAGE while a job uses it, and where no engine has that name. Any thread. */
TW_API tw_status tw_session_close_engine(tw_session *session, const char *name, tw_error *err);

/** `op`: "upscale", "compare", ... TW_ERROR_USAGE for an unknown one. On success *out is the caller's, for tw_job_free, else
 *  NULL; the session must outlive it. Any thread. */
TW_API tw_status tw_job_new(tw_session *session, const char *op, tw_job **out, tw_error *err);
/** Not while it runs, nor while it is a queue's. NULL is allowed. */
TW_API void tw_job_free(tw_job *job);
/** Options by the names of `tilewright OP --help`, without dashes; values as text. The last value of a name counts.
 *  TW_ERROR_USAGE for unknown names, values of another type or out of range, with what is allowed. */
TW_API tw_status tw_job_set(tw_job *job, const char *name, const char *value, tw_error *err);
/** Appends an input: a file, or "-" for standard input. It is opened by tw_job_plan and tw_job_run, which tell what is wrong
 *  with it. TW_ERROR_USAGE for more inputs than the operator takes. */
TW_API tw_status tw_job_input(tw_job *job, const char *path, tw_error *err);
/** Appends an encoded picture of `length` bytes in memory (any format a file could have). The bytes stay the caller's, as they
 *  are, until the job is freed; no plan counts them. `label` (NULL: "input") names them in messages. TW_ERROR_INPUT for NULL
 *  and for 0 bytes; TW_ERROR_USAGE for more inputs than the operator takes. */
TW_API tw_status tw_job_input_bytes(tw_job *job, const void *bytes, size_t length, const char *label, tw_error *err);
/** The result: a file, or "-" for standard output (then option `format` or the default "png" decides). The last output that was
 *  set counts. TW_ERROR_USAGE for operators that give no picture. */
TW_API tw_status tw_job_output(tw_job *job, const char *path, tw_error *err);
/** The result as encoded bytes in `format` ("png", "jpeg", ...), see tw_job_take_bytes. TW_ERROR_USAGE for operators that give
 *  no picture; an unknown format is refused by tw_job_plan and tw_job_run. */
TW_API tw_status tw_job_output_bytes(tw_job *job, const char *format, tw_error *err);
/** Most bytes of such a result, 0: no limit. A longer one is TW_ERROR_USAGE after the run; it was never in memory. */
TW_API void tw_job_limit_bytes(tw_job *job, int64_t most);

/** Fraction in [0, 1], never falling; at most ten calls a second, the last with 1. Called from a worker thread, one at a time.
 *  NULL: none. */
TW_API void tw_job_on_progress(tw_job *job, void (*fn)(void *user, double fraction), void *user);
/** One line at a time without its end, from any thread, one at a time; the line is valid during the call. NULL: none. */
TW_API void tw_job_on_warning(tw_job *job, void (*fn)(void *user, const char *line), void *user);

/** Reads headers, makes the plan, changes nothing. upscale without a model also looks at the first megapixels of what is no
 *  JPEG; of a pipe, what was read is gone then. TW_ERROR_INPUT for inputs that cannot be read, TW_ERROR_USAGE for requests that
 *  make no sense, TW_ERROR_BUDGET with the smallest budget that would do, TW_ERROR_DEVICE. */
TW_API tw_status tw_job_plan(tw_job *job, tw_error *err);
/** Plans and runs, in this thread and in workers that end with it; again, for a job that has run. On any failure nothing is
 *  left under the output's name. Errors as of tw_job_plan, and TW_ERROR_RUN. */
TW_API tw_status tw_job_run(tw_job *job, tw_error *err);
/** Any thread, also a signal handler; returns at once. The run returns TW_ERROR_INTERRUPTED, and so does every later one of
 *  this job. */
TW_API void tw_job_cancel(tw_job *job);

/** Valid after tw_job_plan or tw_job_run returned TW_OK, the job's until the next one begins. All zero before. */
TW_API const tw_report *tw_job_report(const tw_job *job);
/** The report as one JSON object on one line (docs/cli.md); operators add members of their own. Free with tw_bytes_free.
 *  After TW_OK of tw_job_plan or tw_job_run. */
TW_API char *tw_job_json(const tw_job *job);
/** The plan as lines for people: what takes memory, why this schedule and tile. Free with tw_bytes_free. NULL where there is no
 *  plan. */
TW_API char *tw_job_explain(const tw_job *job);
/** Encoded bytes of a job with tw_job_output_bytes, once for each run. Free with tw_bytes_free. NULL, and *length 0, where
 *  there are none. */
TW_API void *tw_job_take_bytes(tw_job *job, size_t *length);
/** Frees what calls of this library returned. NULL is allowed. Any thread. */
TW_API void tw_bytes_free(void *bytes);

#ifdef __cplusplus
}
#endif
#endif
