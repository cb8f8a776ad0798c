/* SPDX-License-Identifier: MIT */
#include "pairs.h"

#include <inttypes.h>
#include <string.h>

#include "terminal.h"

cli_pairs cli_pairs_begin(void)
{
    return (cli_pairs){.since = g_get_monotonic_time()};
}

void cli_pairs_count(cli_pairs *pairs, tw_job *job, const GPtrArray *warnings)
{
    char *text = tw_job_json(job);
    json_t *report = text ? json_loads(text, 0, NULL) : NULL;
    const char *kind = json_string_value(json_object_get(report, "pair"));
    int64_t peak = tw_job_report(job)->peak_bytes;
    pairs->made++;
    pairs->repeated += kind && strcmp(kind, "interpolated") != 0;
    pairs->peak_bytes = MAX(pairs->peak_bytes, peak);
    bool still = kind && (strcmp(kind, "identical") == 0 || strcmp(kind, "static") == 0);
    for (guint i = 0; i < warnings->len && !(still && pairs->still); i++)
        cli_warn(g_ptr_array_index(warnings, i));
    pairs->still = still;
    json_decref(report);
    tw_bytes_free(text);
}

static double seconds_of(const cli_pairs *pairs)
{
    return (double)(g_get_monotonic_time() - pairs->since) / 1e6;
}

void cli_pairs_print(const cli_pairs *pairs, const char *output, int64_t frames, json_t *more)
{
    FILE *file = cli_results();
    if (cli_json()) {
        json_t *object = json_pack("{s:i,s:s,s:I,s:I,s:I}", "schema", 1, "op", "interpolate", "frames", (json_int_t)frames,
                                   "made", (json_int_t)pairs->made, "repeated", (json_int_t)pairs->repeated);
        if (more)
            json_object_update(object, more);
        json_object_set_new(object, "peak_bytes", json_integer(pairs->peak_bytes));
        json_object_set_new(object, "seconds", json_real(seconds_of(pairs)));
        json_dumpf(object, file, JSON_COMPACT | JSON_REAL_PRECISION(6));
        fputc('\n', file);
        json_decref(object);
    } else if (!cli_quiet()) {
        fprintf(file, "%s: %" PRId64 " frames, %" PRId64 " made between them", output, frames, pairs->made);
        const char *key;
        json_t *value;
        json_object_foreach(more, key, value) fprintf(file, ", %" JSON_INTEGER_FORMAT " %s", json_integer_value(value), key);
        if (pairs->repeated > 0)
            fprintf(file, "; %" PRId64 " repeat a frame (scene cuts, stills)", pairs->repeated);
        fputc('\n', file);
    }
    json_decref(more);
}
