/* SPDX-License-Identifier: MIT */
/** Whole jobs of made pairs, in the session of the test program. */
#ifndef TW_TESTS_PAIR_RUN_H
#define TW_TESTS_PAIR_RUN_H

#include "pair_fixture.h"

static tw_session *session;

/* ---- one run ---- */

typedef struct result {
    float *samples;
    tw_report report;
    char *json;
} result;

static inline result run(const char *const frames[2], const setting *settings)
{
    g_autofree char *out = in_folder("out.tif");
    tw_error err = TW_ERROR_NONE;
    tw_job *job = pair_job(session, frames, out, settings);
    result r = {0};
    size_t bytes;
    assert_ok(tw_job_run(job, &err), err);
    r.report = *tw_job_report(job);
    r.json = tw_job_json(job);
    r.samples = read_samples(out, &bytes);
    tw_job_free(job);
    return r;
}

static inline void result_free(result *r)
{
    g_free(r->samples);
    tw_bytes_free(r->json);
}

typedef struct frames {
    float *truth;
    char *paths[2];
    int64_t samples;
} frames;

static inline frames frames_of(const scene *s)
{
    frames f = {.samples = (int64_t)s->w * s->h * 3, .truth = scene_frame(s, 0.5)};
    for (int i = 0; i < 2; i++) {
        g_autofree float *samples = scene_frame(s, i);
        f.paths[i] = write_floats(i ? "b.tif" : "a.tif", samples, s->w, s->h);
    }
    return f;
}

static inline void frames_free(frames *f)
{
    g_free(f->truth);
    for (int i = 0; i < 2; i++)
        g_free(f->paths[i]);
}

static inline void drop(const char *name, matcher *m)
{
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_session_close_engine(session, name, &err), err);
    g_assert_cmpint(atomic_load(&m->closes), ==, 1);
}

static inline tw_status try_run(const frames *f, const setting *settings, tw_error *err)
{
    g_autofree char *out = in_folder("out.tif");
    tw_job *job = pair_job(session, (const char *const *)f->paths, out, settings);
    *err = (tw_error)TW_ERROR_NONE;
    tw_status status = tw_job_run(job, err);
    tw_job_free(job);
    return status;
}

#endif
