/* SPDX-License-Identifier: MIT */
/** Sessions and jobs: the public API over prepare, schedule and report. */
#include "job.h"

#include <jansson.h>
#include <string.h>

#include "base/wait.h"
#include "plan/calibration.h"
#include "schedule/schedule.h"
#include "tilewright/tilewright.h"

const char *tw_version(void)
{
    return TW_VERSION;
}

void tw_bytes_free(void *bytes)
{
    g_free(bytes);
}

tw_status tw_session_new(tw_session **out, tw_error *err)
{
    tw_session *session = g_new0(tw_session, 1);
    session->account = tw_account_new(NULL, "session", 0);
    session->pool = tw_pool_new(session->account);
    *out = session;
    return TW_OK;
}

void tw_session_free(tw_session *session)
{
    if (!session)
        return;
    tw_pool_free(session->pool);
    tw_account_free(session->account);
    g_free(session);
}

tw_status tw_session_add_engine(tw_session *session, const char *name, const tw_engine_callbacks *engine, tw_error *err)
{
    return tw_pool_add_callbacks(session->pool, name, engine, err);
}

tw_status tw_session_close_engine(tw_session *session, const char *name, tw_error *err)
{
    return tw_pool_close_callbacks(session->pool, name, err);
}

tw_status tw_job_new(tw_session *session, const char *op, tw_job **out, tw_error *err)
{
    const tw_op_class *class = tw_op_find(op);
    *out = NULL;
    if (!class)
        return tw_fail(err, TW_ERROR_USAGE, "unknown operator %s", op);
    tw_job *job = g_new0(tw_job, 1);
    const tw_option *tables[] = {class->options, tw_common_options, NULL};
    job->session = session;
    job->op = class;
    job->options = tw_options_new(tables);
    job->account = tw_account_new(session->account, "job", 0);
    job->context = tw_context_new(job->account, NULL);
    *out = job;
    return TW_OK;
}

static void forget_report(tw_job *job)
{
    g_free(job->model);
    g_free(job->device);
    g_free(job->explained);
    json_decref(job->extra);
    job->model = job->device = job->explained = NULL;
    job->extra = NULL;
    job->report = (tw_report){0};
    job->result = (tw_pixels){0};
}

void tw_job_free(tw_job *job)
{
    if (!job)
        return;
    forget_report(job);
    for (int i = 0; i < job->n_inputs; i++)
        g_free(job->owned[i]);
    g_free(job->output_path);
    g_free(job->output_format);
    g_free(job->result_bytes);
    tw_options_free(job->options);
    tw_context_free(job->context);
    tw_account_free(job->account);
    g_free(job);
}

tw_status tw_job_set(tw_job *job, const char *name, const char *value, tw_error *err)
{
    return tw_options_set(job->options, name, value, err);
}

tw_status tw_job_add_input(tw_job *job, tw_place place, const char *text, tw_error *err)
{
    if (job->n_inputs >= job->op->info.max_inputs)
        return tw_fail(err, TW_ERROR_USAGE, "%s takes at most %d input%s", job->op->info.name, job->op->info.max_inputs,
                       job->op->info.max_inputs == 1 ? "" : "s");
    char *copy = g_strdup(text);
    if (place.bytes || place.raw)
        place.label = copy;
    else
        place.path = copy;
    job->owned[job->n_inputs] = copy;
    job->inputs[job->n_inputs++] = place;
    return TW_OK;
}

tw_status tw_job_input(tw_job *job, const char *path, tw_error *err)
{
    return tw_job_add_input(job, (tw_place){0}, path, err);
}

tw_status tw_job_input_bytes(tw_job *job, const void *bytes, size_t length, const char *label, tw_error *err)
{
    if (!bytes || length == 0)
        return tw_fail(err, TW_ERROR_INPUT, "%s: 0 bytes", label ? label : "input");
    return tw_job_add_input(job, (tw_place){.bytes = bytes, .length = length}, label ? label : "input", err);
}

tw_status tw_job_set_output(tw_job *job, const char *path, const char *format, tw_error *err)
{
    if (!job->op->info.has_output)
        return tw_fail(err, TW_ERROR_USAGE, "%s writes no output%s%s", job->op->info.name, path ? ": " : "", path ? path : "");
    g_free(job->output_path);
    g_free(job->output_format);
    job->output_path = g_strdup(path);
    job->output_format = g_strdup(format);
    job->output = (tw_place){.path = job->output_path, .most = job->output.most, .label = path ? NULL : "result"};
    return TW_OK;
}

tw_status tw_job_output(tw_job *job, const char *path, tw_error *err)
{
    return tw_job_set_output(job, path, NULL, err);
}

tw_status tw_job_output_bytes(tw_job *job, const char *format, tw_error *err)
{
    return tw_job_set_output(job, NULL, format, err);
}

void tw_job_limit_bytes(tw_job *job, int64_t most)
{
    job->output.most = most;
}

void tw_job_on_progress(tw_job *job, void (*fn)(void *user, double fraction), void *user)
{
    tw_context_on_progress(job->context, fn, user);
}

void tw_job_on_warning(tw_job *job, void (*fn)(void *user, const char *line), void *user)
{
    tw_context_on_warning(job->context, fn, user);
}

void tw_job_cancel(tw_job *job)
{
    tw_context_cancel(job->context);
}

tw_status tw_job_plan(tw_job *job, tw_error *err)
{
    tw_run run;
    forget_report(job);
    tw_status status = tw_run_prepare(job, false, &run, err);
    if (status == TW_OK)
        status = tw_next_plan(&run, err);
    if (status == TW_OK)
        tw_report_fill(job, &run, 0);
    tw_run_close(&run);
    return status;
}

static tw_status compute(tw_run *run, tw_sink *sink, tw_error *err)
{
    tw_job *job = run->job;
    tw_schedule_request request = {.context = job->context, .op = job->op, .state = run->state, .plan = &run->plan};
    request.n_inputs = job->n_inputs;
    request.sources = run->sources;
    request.sink = sink;
    request.result = sink ? &run->result : NULL;
    request.cuts = run->cuts.at[0] ? &run->cuts : NULL;
    double seconds = 0;
    TW_TRY(tw_schedule_run(&request, &seconds, err));
    run->compute_seconds = seconds;
    if (seconds > 0.2) /* shorter runs say little about speed */
        tw_calibration_write(run->facts.model_hash, tw_options_text(run->options, "device"),
                             tw_schedule_name(run->plan.schedule), run->plan.work / (seconds * run->plan.workers));
    return sink ? tw_sink_commit(sink, err) : TW_OK;
}

static tw_status run_prepared(tw_run *run, tw_error *err)
{
    tw_job *job = run->job;
    tw_sink *sink = NULL;
    double start = tw_seconds_now();
    if (job->op->result == TW_RESULT_PICTURE)
        TW_TRY(tw_sink_open(job->context, &job->output, &run->result, run->sources[0], &run->sink_options, run->plan.ring_rows,
                            &sink, err));
    tw_status status = compute(run, sink, err);
    if (status == TW_OK && sink && !job->output.path && !job->output.receiver) {
        g_free(job->result_bytes);
        job->result_bytes = tw_sink_steal_bytes(sink, &job->result_length);
    }
    tw_sink_close(sink);
    if (status != TW_OK)
        return status;
    tw_progress_finish(job->context);
    tw_run_facts(run); /* errors that were measured on the way */
    tw_report_fill(job, run, tw_seconds_now() - start);
    return TW_OK;
}

/* Pixels that were looked at may have changed the plan. */
static tw_status check_grant(const tw_run *run, tw_error *err)
{
    tw_job *job = run->job;
    int64_t peak = tw_max64(run->plan.planned_peak, run->next_peak);
    job->asked = job->granted > 0 && peak > job->granted ? peak : 0;
    if (job->asked == 0)
        return TW_OK;
    return tw_fail(err, TW_ERROR_BUDGET, "the run needs %lld bytes of memory, and its plan had asked for %lld",
                   (long long)job->asked, (long long)job->granted);
}

tw_status tw_job_run(tw_job *job, tw_error *err)
{
    tw_run run;
    tw_job *next = NULL;
    forget_report(job);
    job->asked = 0;
    tw_status status = tw_run_prepare(job, true, &run, err);
    if (status == TW_OK)
        status = tw_next_plan(&run, err);
    if (status == TW_OK)
        status = check_grant(&run, err);
    if (status == TW_OK)
        status = tw_context_check(job->context, err);
    if (status == TW_OK)
        status = run_prepared(&run, err);
    if (status == TW_OK)
        status = tw_next_make(&run, &next, err);
    tw_run_close(&run);
    if (next)
        status = tw_next_run(job, next, err);
    tw_next_free(next);
    return status;
}

void *tw_job_take_bytes(tw_job *job, size_t *length)
{
    void *bytes = job->result_bytes;
    *length = bytes ? job->result_length : 0;
    job->result_bytes = NULL;
    return bytes;
}
