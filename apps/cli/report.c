/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/options.h"
#include "terminal.h"

/* "1024x768 -> 4096x3072", or only the first for operators without a picture. */
static const char *sizes(const tw_report *r, char *buffer, size_t n)
{
    int used = snprintf(buffer, n, "%" PRId64 "x%" PRId64, r->in_width, r->in_height);
    if (r->output && used > 0 && (size_t)used < n)
        snprintf(buffer + used, n - (size_t)used, " -> %" PRId64 "x%" PRId64, r->width, r->height);
    return buffer;
}

void cli_print_plan(const tw_report *r)
{
    char size[96], peak[24], budget[24], time[40] = "";

    tw_format_size(r->planned_peak_bytes, peak, sizeof peak);
    tw_format_size(r->budget_bytes, budget, sizeof budget);
    if (r->planned_seconds > 0)
        snprintf(time, sizeof time, ", about %.0f s", r->planned_seconds < 1 ? 1 : r->planned_seconds);
    cli_note("plan: %s, %s, tile %" PRId64 "x%" PRId64 ", %d worker%s, %s of %s%s", sizes(r, size, sizeof size),
             r->schedule ? r->schedule : "stream", r->tile[0], r->tile[1], (int)r->workers, r->workers == 1 ? "" : "s", peak,
             budget, time);
}

void cli_print_brief(FILE *file, const tw_report *r)
{
    char size[96], peak[24];
    fprintf(file, "%s -> %s: %s, %.2f s, %s\n", r->input, r->output, sizes(r, size, sizeof size), r->seconds,
            tw_format_size(r->peak_bytes, peak, sizeof peak));
}

/* Members that every report has are printed by name; an operator's own ones are its result. */
static bool is_common_member(const char *key)
{
    static const char *const common[] = {
        "schema",
        "op",
        "input",
        "output",
        "input_width",
        "input_height",
        "width",
        "height",
        "model",
        "device",
        "schedule",
        "tile",
        "halo",
        "tiles",
        "workers",
        "passes",
        "exact",
        "error_bound",
        "budget_bytes",
        "planned_peak_bytes",
        "peak_bytes",
        "job_peak_bytes",
        "scratch_bytes",
        "planned_seconds",
        "seconds",
        "megapixels_per_second",
        "estimated_peak_bytes",
        "warnings",
        NULL,
    };
    for (const char *const *name = common; *name; name++)
        if (strcmp(*name, key) == 0)
            return true;
    return false;
}

/* 24.5; a b c; x 5, y 7 */
static void print_value(FILE *file, json_t *value)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    const char *key, *between = "";
    json_t *part;
    size_t i;

    if (json_is_real(value))
        fputs(g_ascii_formatd(number, sizeof number, "%.6g", json_real_value(value)), file);
    else if (json_is_integer(value))
        fprintf(file, "%lld", (long long)json_integer_value(value));
    else if (json_is_string(value))
        fputs(json_string_value(value), file);
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", file);
    json_array_foreach(value, i, part)
    {
        fputs(i ? " " : "", file);
        print_value(file, part);
    }
    json_object_foreach(value, key, part)
    {
        fprintf(file, "%s%s ", between, key);
        print_value(file, part);
        between = ", ";
    }
}

/* The report of an operator that went on with the result: what it wrote. */
static bool print_next(FILE *file, json_t *value)
{
    json_t *output = json_object_get(value, "output"), *seconds = json_object_get(value, "seconds");
    if (!json_object_get(value, "op") || !json_is_string(output))
        return false;
    fprintf(file, "%s, %lldx%lld", json_string_value(output), (long long)json_integer_value(json_object_get(value, "width")),
            (long long)json_integer_value(json_object_get(value, "height")));
    if (seconds)
        fprintf(file, ", %.2f s", json_number_value(seconds));
    return true;
}

static void print_member(FILE *file, const char *key, json_t *value)
{
    char name[64];

    snprintf(name, sizeof name, "%s", key);
    g_strdelimit(name, "_", ' ');
    fprintf(file, "  %-14s ", name);
    if (!print_next(file, value))
        print_value(file, value);
    fputc('\n', file);
}

static void print_own_members(FILE *file, const tw_job *job)
{
    char *text = tw_job_json(job);
    json_t *object = text ? json_loads(text, 0, NULL) : NULL;
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value) if (!is_common_member(key) && !json_is_null(value)) print_member(file, key, value);
    json_decref(object);
    tw_bytes_free(text);
}

static void print_exactness(FILE *file, const tw_report *r)
{
    if (r->exact)
        fprintf(file, "  exact          yes: within %.2g/255 of the untiled run\n", r->error_bound);
    else if (r->error_bound >= 0 && r->error_measured_on == 0)
        fprintf(file, "  exact          no: about %.2g/255 from the untiled run, not measured here\n", r->error_bound);
    else if (r->error_bound >= 0)
        fprintf(file, "  exact          no: %.2g/255 from the untiled run, measured on %d tile%s\n", r->error_bound,
                (int)r->error_measured_on, r->error_measured_on == 1 ? "" : "s");
    else
        fprintf(file, "  exact          no: not measured\n");
}

static void print_way(FILE *file, const tw_report *r)
{
    if (r->model)
        fprintf(file, "  model          %s on %s\n", r->model, r->device ? r->device : "cpu");
    fprintf(file, "  schedule       %s, tile %" PRId64 "x%" PRId64 ", halo %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
            r->schedule ? r->schedule : "stream", r->tile[0], r->tile[1], r->halo[0], r->halo[1], r->halo[2], r->halo[3]);
    fprintf(file, ", %d pass%s, %d worker%s\n", (int)r->passes, r->passes == 1 ? "" : "es", (int)r->workers,
            r->workers == 1 ? "" : "s");
    if (r->model)
        print_exactness(file, r);
}

static void print_means(FILE *file, const tw_report *r)
{
    char planned[24], peak[24], budget[24], scratch[24];

    fprintf(file, "  memory         planned %s, peak %s, budget %s\n",
            tw_format_size(r->planned_peak_bytes, planned, sizeof planned), tw_format_size(r->peak_bytes, peak, sizeof peak),
            tw_format_size(r->budget_bytes, budget, sizeof budget));
    if (r->scratch_bytes > 0)
        fprintf(file, "  scratch        %s\n", tw_format_size(r->scratch_bytes, scratch, sizeof scratch));
    fprintf(file, "  time           %.2f s, %.3g MP/s\n", r->seconds, r->megapixels_per_second);
}

void cli_print_summary(FILE *file, const tw_job *job)
{
    const tw_report *r = tw_job_report(job);
    char size[96];

    if (r->output)
        fprintf(file, "%s: %s\n", strcmp(r->output, "-") == 0 ? "standard output" : r->output, sizes(r, size, sizeof size));
    else
        fprintf(file, "%s%s%s: %s\n", r->input, r->input2 ? " and " : "", r->input2 ? r->input2 : "",
                sizes(r, size, sizeof size));
    if (!r->output)
        print_own_members(file, job);
    print_way(file, r);
    print_means(file, r);
}
