/* SPDX-License-Identifier: MIT */
/** What goes on with a result, as the warped picture after a field: a job of its own, within the peak that was planned for both. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "field/field.h"
#include "job.h"

#define SHARE 0.85 /* of the progress, the first operator's */

void tw_next_free(tw_job *next)
{
    if (!next)
        return;
    tw_field_free((tw_field *)next->field);
    tw_job_free(next);
}

static tw_status set_size(tw_job *next, const char *name, const int64_t size[2], tw_error *err)
{
    char text[48];
    if (size[0] == 0)
        return TW_OK;
    snprintf(text, sizeof text, "%lldx%lld", (long long)size[0], (long long)size[1]);
    return tw_job_set(next, name, text, err);
}

/* Options that every operator takes are both operators'. */
static tw_status set_options(const tw_job *job, tw_job *next, const tw_op_next *what, tw_error *err)
{
    for (const tw_option *option = tw_common_options; option->name; option++)
        if (tw_options_given(job->options, option->name))
            TW_TRY(tw_job_set(next, option->name, tw_options_text(job->options, option->name), err));
    TW_TRY(set_size(next, "size", what->size, err));
    return set_size(next, "fit", what->fit, err);
}

static tw_status fill(const tw_job *job, tw_job *next, const tw_op_next *what, tw_error *err)
{
    const tw_place *input = &job->inputs[what->input];
    TW_TRY(set_options(job, next, what, err));
    if (!what->field)
        return tw_fail_memory(err, "field", 0);
    tw_place same = {.bytes = input->bytes, .length = input->length, .raw = input->raw};
    TW_TRY(tw_job_add_input(next, same, input->path ? input->path : input->label, err));
    return tw_job_output(next, what->output, err);
}

static tw_status make(const tw_job *job, const tw_op_next *what, tw_job **out, tw_error *err)
{
    const tw_place *input = &job->inputs[what->input];
    *out = NULL;
    if (input->path && strcmp(input->path, "-") == 0)
        return tw_fail(err, TW_ERROR_USAGE, "%s: %s is read twice, and standard input cannot be", what->output, input->path);
    tw_job *next;
    TW_TRY(tw_job_new(job->session, what->op, &next, err));
    next->field = what->field;
    tw_status status = fill(job, next, what, err);
    if (status == TW_OK)
        *out = next;
    else
        tw_next_free(next);
    return status;
}

/* By the way that takes least, whatever the field will be. */
tw_status tw_next_plan(tw_run *run, tw_error *err)
{
    tw_op_next what = {0};
    tw_job *next;
    if (!run->job->op->next || !run->job->op->next(run->state, &what))
        return TW_OK;
    TW_TRY(make(run->job, &what, &next, err));
    next->thrift = 1;
    tw_status status = tw_job_plan(next, err);
    if (status == TW_OK) {
        run->next_peak = next->report.planned_peak_bytes;
        run->next_scratch = next->report.scratch_bytes;
        run->next_explained = tw_job_explain(next);
    }
    tw_next_free(next);
    tw_progress_part(run->job->context, 0, SHARE);
    return status;
}

tw_status tw_next_make(tw_run *run, tw_job **out, tw_error *err)
{
    tw_op_next what = {0};
    char memory[32];
    *out = NULL;
    if (!run->job->op->next || !run->job->op->next(run->state, &what))
        return TW_OK;
    TW_TRY(make(run->job, &what, out, err));
    snprintf(memory, sizeof memory, "%lld", (long long)run->job->report.planned_peak_bytes);
    tw_status status = tw_job_set(*out, "memory", memory, err);
    if (status == TW_OK)
        return TW_OK;
    tw_next_free(*out);
    *out = NULL;
    return status;
}

tw_status tw_next_run(tw_job *job, tw_job *next, tw_error *err)
{
    tw_context *context = next->context;
    tw_account *account = next->account;
    next->context = job->context; /* one progress, one cancellation, one peak */
    next->account = job->account;
    tw_progress_part(job->context, SHARE, 1);
    tw_status status = tw_job_run(next, err);
    next->context = context;
    next->account = account;
    tw_progress_part(job->context, 0, 1);
    TW_TRY(status);
    char *told = tw_job_json(next);
    json_object_set_new(job->extra, next->op->info.name, told ? json_loads(told, 0, NULL) : json_null());
    tw_bytes_free(told);
    tw_report *r = &job->report;
    r->seconds += next->report.seconds;
    r->peak_bytes = next->report.peak_bytes;
    r->job_peak_bytes = next->report.job_peak_bytes;
    return TW_OK;
}
