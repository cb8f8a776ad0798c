/* SPDX-License-Identifier: MIT */
/** Made scans (tests/pairs), jobs that register them, and how far a field is from their truth. */
#ifndef TW_TESTS_REGISTER_SCANS_H
#define TW_TESTS_REGISTER_SCANS_H

#include <jansson.h>

#include "field/files.h"
#include "job.h"
#include "job_fixture.h"

static tw_session *session;

/* --- pairs --------------------------------------------------------------------------------------------------------- */

typedef struct scans {
    char *fixed, *moving, *truth;
} scans;

/* `more`: NAME=VALUE words. */
static inline scans make(const char *size, const char *kind, const char *more)
{
    scans s = {in_folder("fixed.tif"), in_folder("moving.tif"), in_folder("truth.csv")};
    const char *photos = g_getenv("TILEWRIGHT_TEST_PHOTOS"), *program = g_getenv("MAKE_PAIR");
    if (!photos || !program)
        g_error("TILEWRIGHT_TEST_PHOTOS and MAKE_PAIR must be set (make test does it)");
    char *line = g_strdup_printf("%s %s %s %s %s %s photos=%s/usr/share/backgrounds/mate/nature %s", program, size, kind,
                                 s.fixed, s.moving, s.truth, photos, more);
    int status = -1;
    GError *error = NULL;
    if (!g_spawn_command_line_sync(line, NULL, NULL, &status, &error) || status != 0)
        g_error("%s: %s", line, error ? error->message : "failed");
    g_free(line);
    return s;
}

static inline void drop(scans *s)
{
    g_remove(s->fixed);
    g_remove(s->moving);
    g_free(s->fixed);
    g_free(s->moving);
    g_free(s->truth);
}

static inline tw_job *job_for(const scans *s, const char *field, const setting *settings)
{
    tw_job *job = NULL;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_job_new(session, "register", &job, &err), err);
    assert_ok(tw_job_set(job, "field", field, &err), err);
    for (; settings && settings->name; settings++)
        assert_ok(tw_job_set(job, settings->name, settings->value, &err), err);
    assert_ok(tw_job_input(job, s->fixed, &err), err);
    assert_ok(tw_job_input(job, s->moving, &err), err);
    return job;
}

static inline tw_status run(const scans *s, const char *field, const setting *settings, json_t **json, tw_error *err)
{
    tw_error own = TW_ERROR_NONE;
    tw_job *job = job_for(s, field, settings);
    assert_ok(tw_job_set(job, "overwrite", "true", &own), own);
    tw_status status = tw_job_run(job, err);
    if (status == TW_OK && json)
        *json = json_deep_copy(job->extra);
    tw_job_free(job);
    return status;
}

/* --- errors -------------------------------------------------------------------------------------------------------- */

typedef struct errors {
    double mean, p50, p90, p95, max;
    int64_t n;
} errors;

static inline int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline errors errors_of(const char *path, const char *truth)
{
    tw_error err = TW_ERROR_NONE;
    tw_landmarks marks;
    tw_field *field;
    assert_ok(tw_landmarks_read(truth, &marks, &err), err);
    assert_ok(tw_field_read(path, &field, NULL, &err), err);
    errors e = {.n = marks.count};
    double *length = g_new(double, (gsize)marks.count), at[2];
    void *scratch = g_malloc((gsize)tw_field_scratch(field, 1) + 1);
    for (int64_t i = 0; i < marks.count; i++) {
        const double *p = marks.points + 4 * i;
        assert_ok(tw_field_row(field, p[0], p[1], 1, &at[0], &at[1], scratch, &err), err);
        length[i] = hypot(at[0] - p[2], at[1] - p[3]);
        e.mean += length[i] / (double)marks.count;
    }
    qsort(length, (size_t)marks.count, sizeof *length, ascending);
    e.p50 = length[marks.count / 2];
    e.p90 = length[marks.count * 9 / 10];
    e.p95 = length[marks.count * 95 / 100];
    e.max = length[marks.count - 1];
    g_test_message("%lld points: mean %.4f, p50 %.4f, p90 %.4f, p95 %.4f, max %.3f", (long long)e.n, e.mean, e.p50, e.p90,
                   e.p95, e.max);
    g_free(scratch);
    g_free(length);
    g_free(marks.points);
    tw_field_free(field);
    return e;
}

static inline double told(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json_object_get(json, "hold_out"), key));
}

static inline void refused(const scans *s, const setting *settings, tw_status code, const char *text)
{
    tw_error err = TW_ERROR_NONE;
    char *field = in_folder("refused.tfm");
    assert_fails(run(s, field, settings, NULL, &err), code, err, text);
    g_assert_cmpint(files_with("refused"), ==, 0);
    g_free(field);
}

static inline char *contents(const char *path, gsize *length)
{
    char *bytes = NULL;
    if (!g_file_get_contents(path, &bytes, length, NULL))
        g_error("%s: not there", path);
    return bytes;
}

static inline void assert_same(const char *a, const char *b)
{
    gsize n[2];
    char *bytes[2] = {contents(a, &n[0]), contents(b, &n[1])};
    g_assert_cmpmem(bytes[0], n[0], bytes[1], n[1]);
    g_free(bytes[0]);
    g_free(bytes[1]);
}

#endif
