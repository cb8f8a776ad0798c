/* SPDX-License-Identifier: MIT */
#include <glib.h>
#include <inttypes.h>

#include "base/wait.h"
#include "http.h"

static void head(GString *out, const char *name, const char *type, const char *help)
{
    g_string_append_printf(out, "# HELP tilewright_%s %s\n# TYPE tilewright_%s %s\n", name, help, name, type);
}

static void whole(GString *out, const char *name, const char *type, const char *help, int64_t value)
{
    head(out, name, type, help);
    g_string_append_printf(out, "tilewright_%s %" PRId64 "\n", name, value);
}

static void real(GString *out, const char *name, const char *label, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(out, "tilewright_%s%s %s\n", name, label, g_ascii_formatd(text, sizeof text, "%.9g", value));
}

static void add_jobs(GString *out, const serve_counts *counts)
{
    whole(out, "jobs_accepted_total", "counter", "Jobs that were taken.", counts->accepted);
    head(out, "jobs_ended_total", "counter", "Jobs that have ended, by how.");
    for (int i = SERVE_DONE; i < SERVE_STATES; i++)
        g_string_append_printf(out, "tilewright_jobs_ended_total{state=\"%s\"} %" PRId64 "\n", serve_state_name((serve_state)i),
                               counts->ended[i]);
    head(out, "job_seconds", "summary", "Seconds from start to end of jobs that are done.");
    real(out, "job_seconds", "{quantile=\"0.5\"}", counts->p50);
    real(out, "job_seconds", "{quantile=\"0.95\"}", counts->p95);
    real(out, "job_seconds_sum", "", counts->seconds_sum);
    g_string_append_printf(out, "tilewright_job_seconds_count %" PRId64 "\n", counts->ended[SERVE_DONE]);
    whole(out, "input_bytes_total", "counter", "Bytes of the pictures of jobs that are done.", (int64_t)counts->input_bytes);
    whole(out, "output_bytes_total", "counter", "Bytes of their results.", (int64_t)counts->output_bytes);
    whole(out, "jobs_kept", "gauge", "Jobs that can be asked for.", counts->kept);
}

static void add_memory(GString *out, serve_http *http)
{
    tw_queue_state state;
    tw_queue_look(http->queue, &state);
    whole(out, "jobs_waiting", "gauge", "Jobs that wait.", state.waiting);
    whole(out, "jobs_running", "gauge", "Jobs that run.", state.running);
    whole(out, "memory_budget_bytes", "gauge", "Bound of the peak resident memory.", state.budget_bytes);
    whole(out, "memory_planned_bytes", "gauge", "What of it is promised to the program and running jobs.", state.planned_bytes);
    whole(out, "memory_resident_bytes", "gauge", "Resident memory now.", batch_process_resident());
    whole(out, "memory_peak_bytes", "gauge", "Peak of the resident memory.", batch_process_peak());
    whole(out, "store_bytes", "gauge", "Uploads and results on disk.", serve_spool_used(http->spool));
}

char *serve_metrics(serve_http *http)
{
    GString *out = g_string_new("");
    serve_counts counts;
    serve_jobs_count(http->jobs, &counts);
    add_jobs(out, &counts);
    add_memory(out, http);
    whole(out, "http_requests_total", "counter", "Requests.", atomic_load(&http->requests));
    head(out, "http_errors_total", "counter", "Requests that were answered by an error, by class of its status.");
    for (int i = 4; i < 6; i++)
        g_string_append_printf(out, "tilewright_http_errors_total{class=\"%dxx\"} %" PRId64 "\n", i,
                               (int64_t)atomic_load(&http->errors[i == 5]));
    head(out, "jobs_refused_total", "counter", "Jobs that were sent away for now.");
    g_string_append_printf(out, "tilewright_jobs_refused_total{status=\"429\"} %" PRId64 "\n", atomic_load(&http->refused[0]));
    g_string_append_printf(out, "tilewright_jobs_refused_total{status=\"503\"} %" PRId64 "\n", atomic_load(&http->refused[1]));
    whole(out, "event_streams", "gauge", "Streams of events that are open.", atomic_load(&http->streams));
    head(out, "uptime_seconds", "gauge", "Seconds since the start.");
    real(out, "uptime_seconds", "", tw_seconds_now() - http->start);
    return g_string_free(out, FALSE);
}
