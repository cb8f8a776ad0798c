/* SPDX-License-Identifier: MIT */
/** One request from headers to finished file: what src/job*.c share. The public side is include/tilewright/job.h. */
#ifndef TW_JOB_INTERNAL_H
#define TW_JOB_INTERNAL_H

#include <glib.h>

#include "budget/limits.h"
#include "engine/pool.h"
#include "image/sink.h"
#include "ops/op.h"
#include "plan/plan.h"
#include "tilewright/job.h"
#include "tilewright/pixels.h"

struct tw_session {
    tw_account *account;
    tw_pool *pool;
};

/** The caller's side of a result in memory: `place`, or `rows` and perhaps `begin`. */
typedef struct tw_taker {
    void *(*place)(void *user, tw_pixels *result);
    int (*begin)(void *user, const tw_pixels *result);
    int (*rows)(void *user, int64_t y, int64_t n, const void *pixels);
    void *user;
    char *at;            /* the first row, as placed */
    int64_t row, stride; /* bytes of a row, and from one to the next */
} tw_taker;

struct tw_job {
    tw_session *session;
    const tw_op_class *op;
    tw_options *options; /* as given */
    tw_account *account;
    tw_context *context;
    int n_inputs;
    tw_place inputs[TW_MAX_INPUTS];
    char *owned[TW_MAX_INPUTS];
    tw_raw raws[TW_MAX_INPUTS];   /* inputs that are pixels */
    const struct tw_field *field; /* to apply; NULL: that of an option, if of any */
    int thrift;                   /* to begin with */
    tw_place output;
    char *output_path, *output_format;
    void *result_bytes;
    size_t result_length;
    tw_taker taker;
    tw_receiver receiver;
    tw_pixels result; /* of the report; no width: there is none */
    tw_report report;
    char *model, *device; /* strings of the report */
    void *extra;          /* json_t: members the operator added */
    tw_plan plan;
    tw_limits limits;
    char *explained;
    char model_hash[65]; /* of the plan's model; empty: none */
    int64_t most_bytes;  /* the budget is no larger than this, 0: no such bound */
    int64_t granted;     /* a run whose plan needs more than this is given up with TW_ERROR_BUDGET, 0: no such bound */
    int64_t asked;       /* what it needed then, else 0 */
};

/** Appends an input. `text` is copied, as the path or the label. */
tw_status tw_job_add_input(tw_job *job, tw_place place, const char *text, tw_error *err);
/** What the result goes to; all NULL: rows are to be taken. */
tw_status tw_job_set_output(tw_job *job, const char *path, const char *format, tw_error *err);
/** A picture without gaps, as the public API tells of it. */
tw_pixels tw_pixels_of(const tw_picture *picture);

/** Everything one plan or run holds between headers and finish. */
typedef struct tw_run {
    tw_job *job;
    tw_options *options; /* with the profile's values filled in */
    tw_scratch *scratch;
    tw_source *sources[TW_MAX_INPUTS];
    tw_op_state *state;
    tw_op_facts facts;
    tw_measured measured;
    tw_seen seen;
    int64_t looking_bytes;   /* peak of the process while it was looked at the inputs; 0: it was not */
    int thrift;              /* how often the operator was asked to take less memory */
    int64_t measuring_bytes; /* peak of the process while that is measured; 0: nothing is */
    tw_picture result;
    tw_sink_options sink_options;
    tw_sink_cost sink_cost;
    tw_plan plan;
    tw_cuts cuts;                    /* where edges between tiles were moved to; none: even */
    int64_t next_peak, next_scratch; /* planned, of the operator that goes on with the result; 0: none does */
    char *next_explained;
    double seam_detail;     /* what lies along them, over what lies along even ones */
    double compute_seconds; /* from the first step to the last */
} tw_run;

/** Opens headers, checks the output, makes the plan. With `to_run` it may also read pixels, to measure what the plan needs to know.
 *  tw_run_close is safe after any outcome. */
tw_status tw_run_prepare(tw_job *job, bool to_run, tw_run *run, tw_error *err);
void tw_run_close(tw_run *run);

/** The memory budget in force, bytes. */
int64_t tw_run_budget(const tw_run *run);

/** Opens the operator, anew if it is open: with what is measured by now. */
tw_status tw_run_open_op(tw_run *run, bool whole, tw_error *err);
/** Of the operator as it is open now, without what is asked of schedule and tiles. */
tw_plan_request tw_run_plan_request(const tw_run *run);

/** job_seams.c: moves the edges between tiles, where the plan says so, and measures the error that is left. What that takes is counted
 *  with and without `to_run`; pixels are read with it only. */
tw_status tw_run_move_edges(tw_run *run, bool to_run, tw_error *err);

/** job_next.c: plans what goes on with the result, if anything does; makes its job, once that ran, which tw_next_free frees; runs it as a
 *  part of `job`, whose report tells of it. */
tw_status tw_next_plan(tw_run *run, tw_error *err);
tw_status tw_next_make(tw_run *run, tw_job **out, tw_error *err);
tw_status tw_next_run(tw_job *job, tw_job *next, tw_error *err);
void tw_next_free(tw_job *next);

/** The operator's facts as they are now, with what the plan adds to them. */
void tw_run_facts(tw_run *run);

/** Fills job->report, extra and explained from a prepared (seconds 0) or finished run. */
void tw_report_fill(tw_job *job, const tw_run *run, double seconds);

#endif
