/* SPDX-License-Identifier: MIT */
/** What was planned and done, as a struct, as JSON and as lines for people. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"

static void append_size(GString *text, const char *what, int64_t bytes, const char *note)
{
    char size[32];
    if (bytes > 0)
        g_string_append_printf(text, "  %-34s %10s%s%s\n", what, tw_format_size(bytes, size, sizeof size), note ? "  " : "",
                               note ? note : "");
}

/* What the lines of the plan add up to. */
static int64_t plan_bytes(const tw_plan *plan)
{
    return plan->base_bytes + plan->source_bytes + plan->window_bytes + plan->weight_bytes + plan->workers_bytes +
           plan->kept_bytes + plan->ring_bytes + plan->blend_bytes + plan->cut_bytes + plan->sink_bytes;
}

/* How large errors are, and how that is known. */
static void explain_error(GString *text, const tw_job *job, const tw_run *run)
{
    const char *against = json_string_value(json_object_get(job->extra, "error_measured_against"));
    const char *wanted = json_string_value(json_object_get(job->extra, "to_be_measured"));
    if (wanted && strcmp(wanted, "halo") == 0)
        g_string_append(text, "the halo is to be measured on the picture: this is the plan for a guess\n");
    else if (wanted)
        g_string_append(text, "the error is to be measured on the picture\n");
    if (against)
        g_string_append_printf(text, "the error is %.2g/255, measured on %d tiles against %s%s\n", run->facts.error_bound,
                               (int)job->report.error_measured_on, against,
                               json_is_true(json_object_get(job->extra, "error_remembered")) ? ", by an earlier run" : "");
}

/* Inputs that are read at random, from where, and why. */
static void explain_access(GString *text, const tw_job *job, const tw_run *run)
{
    tw_pass pass;
    job->op->pass(run->state, run->plan.passes - 1, &pass);
    for (int i = 0; i < job->n_inputs; i++) {
        const char *copied = tw_source_cost_of(run->sources[i])->why_copied;
        if (pass.access[i] != TW_ACCESS_RANDOM || !run->facts.why_random)
            continue;
        g_string_append_printf(text, "the input is read at random, because %s: ", run->facts.why_random);
        if (copied)
            g_string_append_printf(text, "through a scratch copy, because %s\n", copied);
        else
            g_string_append(text, "from its own tiles\n");
    }
}

static char *explain(const tw_job *job, const tw_run *run)
{
    const tw_plan *plan = &run->plan;
    const tw_report *r = &job->report;
    char budget[32], peak[32];
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%s: %lldx%lld -> %lldx%lld\n", r->input, (long long)r->in_width, (long long)r->in_height,
                           (long long)r->width, (long long)r->height);
    if (run->facts.why_model)
        g_string_append_printf(text, "model %s: %s\n", run->facts.model, run->facts.why_model);
    g_string_append_printf(text, "schedule %s, tile %lldx%lld, halo %lld,%lld,%lld,%lld, %lld tile%s, %d pass%s, %d worker%s\n",
                           r->schedule, (long long)r->tile[0], (long long)r->tile[1], (long long)r->halo[0],
                           (long long)r->halo[1], (long long)r->halo[2], (long long)r->halo[3], (long long)r->tiles,
                           r->tiles == 1 ? "" : "s", r->passes, r->passes == 1 ? "" : "es", r->workers,
                           r->workers == 1 ? "" : "s");
    g_string_append_printf(text, "because: %s\n", plan->why);
    if (!r->exact)
        g_string_append_printf(text, "not exact: %s\n", run->facts.why_inexact ? run->facts.why_inexact : "");
    explain_error(text, job, run);
    explain_access(text, job, run);
    if (plan->blend_rows > 0)
        g_string_append_printf(text, "neighbouring tiles are blended over %lldx%lld pixels%s\n", (long long)plan->overlap[0],
                               (long long)plan->overlap[1], plan->seams ? ", more where there is detail" : "");
    if (plan->seams)
        g_string_append_printf(
            text,
            "seams content: edges between tiles move by up to %lldx%lld pixels, to where the picture has least "
            "detail\n",
            (long long)plan->shift[0], (long long)plan->shift[1]);
    if (run->cuts.at[0])
        g_string_append_printf(text, "%.0f %% of the detail along even edges lies along them\n", 100 * run->seam_detail);
    g_string_append_printf(text, "planned peak %s of a budget of %s (%s):\n",
                           tw_format_size(plan->planned_peak, peak, sizeof peak),
                           tw_format_size(plan->budget, budget, sizeof budget),
                           job->most_bytes > 0 && plan->budget == job->most_bytes ? "its share"
                           : tw_options_given(job->options, "memory")             ? "as asked"
                                                                                  : job->limits.memory_why);
    append_size(text, "program and libraries", plan->base_bytes, NULL);
    append_size(text, "decoder", plan->source_bytes, tw_source_cost_of(run->sources[0])->why);
    append_size(text, "rows of the input", plan->window_bytes, NULL);
    append_size(text, "weights", plan->weight_bytes, NULL);
    append_size(text, "workers' tiles", plan->workers_bytes, NULL);
    append_size(text, "kept from tile to tile", plan->kept_bytes, NULL);
    append_size(text, "rows of the result", plan->ring_bytes, NULL);
    append_size(text, "rows being blended", plan->blend_bytes, NULL);
    append_size(text, "edges between tiles", plan->cut_bytes, NULL);
    append_size(text, "encoder", plan->sink_bytes, run->sink_cost.why);
    append_size(text, "device memory", plan->planned_vram, "on the device");
    if (run->measuring_bytes > plan_bytes(plan))
        append_size(text, "measuring, before the tiles", run->measuring_bytes - plan_bytes(plan), "more than all that");
    append_size(text, "scratch file", plan->scratch_bytes, "on disk");
    if (plan->seconds > 0)
        g_string_append_printf(text, "about %.1f s on this machine\n", plan->seconds);
    if (run->next_explained)
        g_string_append_printf(text, "then %s", run->next_explained);
    return g_string_free(text, FALSE);
}

static json_t *rounded(double value)
{
    return json_real((double)(int64_t)(value * 1e6 + (value < 0 ? -0.5 : 0.5)) / 1e6);
}

void tw_report_fill(tw_job *job, const tw_run *run, double seconds)
{
    const tw_plan *plan = &run->plan;
    const tw_picture *in = tw_source_picture(run->sources[0]);
    tw_report *r = &job->report;
    job->plan = *plan;
    job->model = g_strdup(run->facts.model);
    g_strlcpy(job->model_hash, run->facts.model_hash ? run->facts.model_hash : "", sizeof job->model_hash);
    job->extra = json_object();
    if (job->op->report)
        job->op->report(run->state, job->extra);
    if (run->facts.why_model)
        json_object_set_new(job->extra, "model_because", json_string(run->facts.why_model));
    if (plan->blend_rows > 0)
        json_object_set_new(job->extra, "overlap",
                            json_pack("[II]", (json_int_t)plan->overlap[0], (json_int_t)plan->overlap[1]));
    if (plan->seams)
        json_object_set_new(job->extra, "seams", json_string("content"));
    if (run->cuts.at[0])
        json_object_set_new(job->extra, "seam_detail", rounded(run->seam_detail));
    if (plan->vram_budget > 0) {
        json_object_set_new(job->extra, "vram_budget_bytes", json_integer(plan->vram_budget));
        json_object_set_new(job->extra, "planned_vram_bytes", json_integer(plan->planned_vram));
    }
    tw_pass pass;
    job->op->pass(run->state, plan->passes - 1, &pass);
    if (pass.uneven && pass.access[0] == TW_ACCESS_RECT)
        json_object_set_new(job->extra, "window", json_pack("[II]", (json_int_t)in->width, (json_int_t)plan->window_rows[0]));
    const char *device = json_string_value(json_object_get(job->extra, "device"));
    const char *wanted = tw_options_text(run->options, "device");
    job->device = g_strdup(device ? device : strncmp(wanted, "gpu", 3) == 0 ? wanted : "cpu");
    *r = (tw_report){.op = job->op->info.name, .model = job->model, .device = job->device};
    r->input = job->inputs[0].path ? job->inputs[0].path : job->inputs[0].label;
    if (job->n_inputs > 1)
        r->input2 = job->inputs[1].path ? job->inputs[1].path : job->inputs[1].label;
    r->output = job->output.path;
    r->in_width = in->width, r->in_height = in->height;
    if (job->op->result == TW_RESULT_PICTURE) {
        r->width = run->sink_options.final_width > 0 ? run->sink_options.final_width : run->result.width;
        r->height = run->sink_options.final_height > 0 ? run->sink_options.final_height : run->result.height;
        job->result =
            tw_pixels_of(&(tw_picture){r->width, r->height, run->result.colours, run->result.alpha, run->result.depth});
    }
    r->schedule = tw_schedule_name(plan->schedule);
    r->tile[0] = plan->in_tile[0], r->tile[1] = plan->in_tile[1];
    if (plan->schedule != TW_SCHEDULE_CARRY)
        memcpy(r->halo, run->facts.halo, sizeof r->halo);
    r->tiles = plan->tiles;
    r->workers = plan->workers, r->passes = plan->passes;
    r->exact = run->facts.exact;
    r->error_bound = run->facts.error_bound;
    r->error_measured_on = (int32_t)json_integer_value(json_object_get(job->extra, "error_measured_on"));
    r->budget_bytes = plan->budget;
    r->planned_peak_bytes = tw_max64(plan->planned_peak, run->next_peak);
    r->scratch_bytes = tw_max64(plan->scratch_bytes, run->next_scratch);
    r->planned_seconds = plan->seconds;
    if (seconds > 0) {
        r->seconds = seconds;
        json_object_set_new(job->extra, "compute_seconds", json_real(run->compute_seconds));
        r->megapixels_per_second = (double)in->width * (double)in->height / 1e6 / seconds;
        r->peak_bytes = tw_process_peak();
        r->job_peak_bytes = tw_account_peak(job->account);
    }
    job->explained = explain(job, run);
}

const tw_report *tw_job_report(const tw_job *job)
{
    return &job->report;
}

char *tw_job_explain(const tw_job *job)
{
    return g_strdup(job->explained);
}

/* File names are bytes; JSON is UTF-8. */
static json_t *text_json(const char *text)
{
    if (!text)
        return json_null();
    char *valid = g_utf8_make_valid(text, -1);
    json_t *json = json_string(valid);
    g_free(valid);
    return json;
}

static json_t *facts_json(const tw_report *r)
{
    json_t *input = json_array();
    json_array_append_new(input, text_json(r->input));
    if (r->input2)
        json_array_append_new(input, text_json(r->input2));
    json_t *json = json_pack("{s:i,s:s,s:o,s:o,s:I,s:I,s:I,s:I,s:o,s:s,s:s,s:[II],s:[IIII],s:I,s:i,s:i,s:b}", "schema", 1, "op",
                             r->op, "input", input, "output", text_json(r->output), "input_width", (json_int_t)r->in_width,
                             "input_height", (json_int_t)r->in_height, "width", (json_int_t)r->width, "height",
                             (json_int_t)r->height, "model", text_json(r->model), "device", r->device, "schedule", r->schedule,
                             "tile", (json_int_t)r->tile[0], (json_int_t)r->tile[1], "halo", (json_int_t)r->halo[0],
                             (json_int_t)r->halo[1], (json_int_t)r->halo[2], (json_int_t)r->halo[3], "tiles",
                             (json_int_t)r->tiles, "workers", r->workers, "passes", r->passes, "exact", r->exact);
    return json;
}

char *tw_job_json(const tw_job *job)
{
    const tw_report *r = &job->report;
    json_t *json = facts_json(r);
    if (!json)
        return NULL;
    json_object_set_new(json, "error_bound", r->error_bound < 0 ? json_null() : json_real(r->error_bound));
    json_object_set_new(json, "budget_bytes", json_integer(r->budget_bytes));
    json_object_set_new(json, "planned_peak_bytes", json_integer(r->planned_peak_bytes));
    if (r->scratch_bytes > 0)
        json_object_set_new(json, "scratch_bytes", json_integer(r->scratch_bytes));
    if (r->planned_seconds > 0)
        json_object_set_new(json, "planned_seconds", rounded(r->planned_seconds));
    if (r->seconds > 0) {
        json_object_set_new(json, "peak_bytes", json_integer(r->peak_bytes));
        json_object_set_new(json, "job_peak_bytes", json_integer(r->job_peak_bytes));
        json_object_set_new(json, "seconds", rounded(r->seconds));
        json_object_set_new(json, "megapixels_per_second", rounded(r->megapixels_per_second));
    }
    json_object_update_missing(json, job->extra);
    char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10));
    char *copy = g_strdup(text); /* tw_bytes_free is g_free */
    free(text);
    json_decref(json);
    return copy;
}
