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

struct tw_session {
    tw_account *account;
    tw_pool *pool;
};

struct tw_job {
    tw_session *session;
    const tw_op_class *op;
    tw_options *options; /* as given */
    tw_account *account;
    tw_context *context;
    int n_inputs;
    tw_place inputs[TW_MAX_INPUTS];
    char *owned[TW_MAX_INPUTS];
    tw_place output;
    char *output_path, *output_format;
    void *result_bytes;
    size_t result_length;
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
    bool thrifty;            /* the operator is to take less memory than what would be quickest */
    int64_t measuring_bytes; /* peak of the process while that is measured; 0: nothing is */
    tw_picture result;
    tw_sink_options sink_options;
    tw_sink_cost sink_cost;
    tw_plan plan;
    tw_cuts cuts;           /* where edges between tiles were moved to; none: even */
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

/** The operator's facts as they are now, with what the plan adds to them. */
void tw_run_facts(tw_run *run);

/** Fills job->report, extra and explained from a prepared (seconds 0) or finished run. */
void tw_report_fill(tw_job *job, const tw_run *run, double seconds);

#endif
