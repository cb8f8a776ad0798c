/* SPDX-License-Identifier: MIT */
/** The n-th counted allocation of a job fails, for n = 1.. : once, twice in a row (the first refusal alone only makes an arena give
 *  its warm memory back), or from there on for ever. Never a crash, a leak, or a file that is not the picture. */
#include "job.h"
#include "unit/flow_weights.h"
#include "unit/job_fixture.h"

#define FAR INT64_C(1000000)

typedef struct scene {
    const char *input, *output;
    const setting *settings;
    uint8_t *expected;
    size_t bytes;
    int64_t takes;      /* of one undisturbed job, its session included */
    bool varies;        /* with several workers it is not always the same number */
    const char *second; /* the other frame: the pair is interpolated; NULL: one picture is enlarged */
} scene;

static tw_session *new_session(counter *c)
{
    tw_error err = TW_ERROR_NONE;
    tw_session *session = NULL;
    assert_ok(tw_session_new(&session, &err), err);
    add_counter(session, "counter", c, true);
    return session;
}

static tw_job *pair_job(tw_session *session, const scene *s)
{
    tw_error err = TW_ERROR_NONE;
    tw_job *job;
    assert_ok(tw_job_new(session, "interpolate", &job, &err), err);
    for (const setting *one = s->settings; one->name; one++)
        assert_ok(tw_job_set(job, one->name, one->value, &err), err);
    assert_ok(tw_job_input(job, s->input, &err), err);
    assert_ok(tw_job_input(job, s->second, &err), err);
    assert_ok(tw_job_output(job, s->output, &err), err);
    return job;
}

static tw_status run_job(tw_session *session, const scene *s, tw_error *err)
{
    tw_job *job = s->second ? pair_job(session, s) : upscale_job(session, s->input, s->output, s->settings);
    tw_status status = tw_job_run(job, err);
    g_assert_cmpint(tw_account_used(job->account), ==, 0); /* nothing leaks, whatever happened */
    tw_job_free(job);
    return status;
}

static void measure(scene *s)
{
    counter c = {.scale = 2, .reach = 1, .overlap = 1};
    tw_session *session = new_session(&c);
    tw_error err = TW_ERROR_NONE;
    tw_account_fail_at(session->account, FAR);
    assert_ok(run_job(session, s, &err), err);
    for (s->takes = FAR - 1; tw_account_take(session->account, 0); s->takes--)
        ;
    s->expected = read_samples(s->output, &s->bytes);
    g_assert_cmpint(s->takes, >, 10);
    g_remove(s->output);
    tw_session_free(session);
}

static void assert_nearly(const scene *s)
{
    size_t bytes;
    uint8_t *samples = read_samples(s->output, &bytes);
    g_assert_cmpuint(bytes, ==, s->bytes);
    for (size_t i = 0; i < bytes; i++)
        g_assert_cmpint(abs(samples[i] - s->expected[i]), <=, 1);
    g_free(samples);
}

/* True when the job succeeded in spite of the failure. */
static bool fail_one(const scene *s, int64_t n, int64_t count)
{
    counter c = {.scale = 2, .reach = 1, .overlap = 1};
    tw_session *session = new_session(&c);
    tw_error err = TW_ERROR_NONE;
    tw_account_fail_range(session->account, n, count);
    tw_status status = run_job(session, s, &err);
    if (status == TW_OK) {
        assert_nearly(s);
        g_remove(s->output);
    } else {
        if (status != TW_ERROR_BUDGET && status != TW_ERROR_RUN)
            g_error("allocation %lld: status %d: %s", (long long)n, status, err.message);
        g_assert_cmpint((int)strlen(err.message), >, 10);
        g_assert_cmpint(files_with("result"), ==, 0);
        /* The session is still good for the next job. */
        tw_account_fail_at(session->account, 0);
        err = (tw_error)TW_ERROR_NONE;
        if (n % 8 == 0) {
            assert_ok(run_job(session, s, &err), err);
            assert_nearly(s);
            g_remove(s->output);
        }
    }
    tw_session_free(session);
    g_assert_cmpint(c.closes, ==, 1);
    return status == TW_OK;
}

static int64_t after(int64_t n, const scene *s, int64_t step)
{
    return n <= s->takes ? MIN(n + step, s->takes + 1) : n + 1;
}

/* Every allocation up to `dense`, then every `step`-th, and the one beyond the last. */
static void check(scene *s, int64_t dense, int64_t step)
{
    static const int64_t counts[] = {1, 2, INT64_MAX};
    measure(s);
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        int64_t tried = 0, survived = 0;
        for (int64_t n = 1; n <= s->takes + 1; n = after(n, s, n < dense ? 1 : step), tried++)
            survived += fail_one(s, n, counts[i]);
        g_test_message("%lld allocations, %lld failures of %s: %lld survived", (long long)s->takes, (long long)tried,
                       i == 0   ? "one"
                       : i == 1 ? "two"
                                : "all from there on",
                       (long long)survived);
        if (!s->varies) /* the one beyond the last */
            g_assert_cmpint(survived, >=, 1);
        if (counts[i] == INT64_MAX)
            g_assert_cmpint(survived, <, tried);
    }
    g_free(s->expected);
}

static char *rgb, *alpha, *output;

static void test_net_tiles(void)
{
    static const setting settings[] = {{"model", "photo-2x"}, {"tile", "50"}, {"threads", "1"}, {0}};
    scene s = {rgb, output, settings, NULL, 0, 0, false, NULL};
    check(&s, 1000, 1);
}

static void test_net_whole_alpha(void)
{
    static const setting settings[] = {{"model", "photo-2x"}, {"schedule", "whole"}, {0}};
    scene s = {alpha, output, settings, NULL, 0, 0, false, NULL};
    check(&s, 1000, 1);
}

static void test_net_tta(void)
{
    static const setting settings[] = {{"model", "photo-2x"}, {"schedule", "whole"}, {"tta", "true"}, {0}};
    scene s = {alpha, output, settings, NULL, 0, 0, false, NULL};
    check(&s, 1000, 1);
}

static void test_callbacks(void)
{
    static const setting settings[] = {{"model", "counter"}, {"tile", "50"}, {"threads", "1"}, {0}};
    scene s = {rgb, output, settings, NULL, 0, 0, false, NULL};
    check(&s, 1000, 1);
}

static void test_two_workers(void)
{
    static const setting settings[] = {{"model", "photo-2x"}, {"tile", "40"}, {"threads", "2"}, {0}};
    scene s = {rgb, output, settings, NULL, 0, 0, true, NULL};
    check(&s, 12, 5);
}

/* A net with barriers: sums of several passes. */
static void test_barriers(void)
{
    static const setting settings[] = {{"model", "realcugan-2x-se-no-denoise"}, {"tile", "60"}, {"threads", "1"}, {0}};
    if (!g_getenv("TILEWRIGHT_TEST_MODELS")) {
        g_test_skip("TILEWRIGHT_TEST_MODELS is not set");
        return;
    }
    scene s = {alpha, output, settings, NULL, 0, 0, false, NULL};
    check(&s, 0, 13);
}

/* Two frames, alpha and all; at full size, and the net at half of it. */
static void test_frames(void)
{
    char *model = flow_small_model(FLOW_FEATURES, test_folder), *second = make_picture("second.png", 61, 50, 4);
    VipsImage *wide = vips_image_new_from_file(second, "access", VIPS_ACCESS_SEQUENTIAL, NULL), *part = NULL;
    char *moved = in_folder("moved.png");
    g_assert_true(wide && vips_extract_area(wide, &part, 1, 0, 60, 50, NULL) == 0 &&
                  vips_image_write_to_file(part, moved, NULL) == 0);
    g_object_unref(part);
    g_object_unref(wide);
    for (int i = 0; i < 2; i++) {
        const setting settings[] = {{"model", model}, {"tile", "40"}, {"threads", "1"}, {"flow-scale", i ? "0.5" : "1"}, {0}};
        scene s = {alpha, output, settings, NULL, 0, 0, false, moved};
        check(&s, 60, 7);
    }
    g_free(moved);
    g_free(second);
    g_free(model);
}

int main(int argc, char **argv)
{
    folder_open();
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    if (g_getenv("TILEWRIGHT_TEST_MODELS"))
        g_setenv("TILEWRIGHT_MODELS", g_getenv("TILEWRIGHT_TEST_MODELS"), TRUE);
    rgb = make_picture("rgb.png", 110, 98, 3);
    alpha = make_picture("alpha.png", 60, 50, 4);
    output = in_folder("result.png");
    g_test_add_func("/fail/allocations/callbacks", test_callbacks);
    g_test_add_func("/fail/allocations/net-tiles", test_net_tiles);
    g_test_add_func("/fail/allocations/net-whole-alpha", test_net_whole_alpha);
    g_test_add_func("/fail/allocations/net-tta", test_net_tta);
    g_test_add_func("/fail/allocations/two-workers", test_two_workers);
    g_test_add_func("/fail/allocations/barriers", test_barriers);
    g_test_add_func("/fail/allocations/frames", test_frames);
    int status = g_test_run();
    g_free(rgb);
    g_free(alpha);
    g_free(output);
    folder_close();
    return status;
}
