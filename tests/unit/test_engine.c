/* SPDX-License-Identifier: MIT */
/** The caller's own engine: opened and closed once a batch, tiled as it asks, retried when it fails; and a session whose model stays
 *  loaded while pictures come and go. Everything through the public API. */
#include <pthread.h>

#include "job_fixture.h"

#define BATCHES  10
#define PICTURES 5
#ifdef __SANITIZE_ADDRESS__ /* keeps freed memory for a while */
#define SLACK INT64_MAX
#else
#define SLACK (INT64_C(2) << 20)
#endif

static char *small_png, *picture, *result;

static tw_session *new_session(void)
{
    tw_session *session = NULL;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_session_new(&session, &err), err);
    return session;
}

/* The picture through an engine in a session of its own; what it did is left in `c`. */
static void run_counter(counter *c, bool thread_safe, const char *input, const setting *settings, tw_report *report)
{
    tw_error err = TW_ERROR_NONE;
    tw_session *session = new_session();
    add_counter(session, "counter", c, thread_safe);
    assert_ok(upscale(session, input, result, settings, report, &err), err);
    tw_session_free(session);
    g_assert_cmpint(c->closes, ==, 1);
}

static void *whole_run(counter like, const char *input, size_t *bytes)
{
    static const setting whole[] = {{"model", "counter"}, {"schedule", "whole"}, {"overwrite", "true"}, {0}};
    tw_report report;
    run_counter(&like, true, input, whole, &report);
    g_assert_cmpint(like.calls, ==, 1);
    g_assert_cmpstr(report.schedule, ==, "whole");
    return read_samples(result, bytes);
}

/* --- one open and one close a batch, memory flat ------------------------------------------------------------------ */

static void run_batch(counter *c, int batch)
{
    static const setting settings[] = {{"model", "counter"}, {"tile", "32"}, {"overwrite", "true"}, {"threads", "2"}, {0}};
    tw_error err = TW_ERROR_NONE;
    tw_session *session = new_session();
    add_counter(session, "counter", c, batch % 3 == 0);
    for (int i = 0; i < PICTURES; i++) {
        int before = c->calls;
        assert_ok(upscale(session, small_png, result, settings, NULL, &err), err);
        g_assert_cmpint(c->calls - before, >=, 20);
        g_assert_cmpint(c->closes, ==, batch); /* never inside a batch */
    }
    if (batch % 2) {
        assert_ok(tw_session_close_engine(session, "counter", &err), err);
        g_assert_cmpint(c->closes, ==, batch + 1);
    }
    tw_session_free(session);
    g_assert_cmpint(c->closes, ==, batch + 1);
}

static void test_batches(void)
{
    counter c = {.scale = 2, .reach = 1, .overlap = 1};
    int64_t resident = 0;
    for (int batch = 0; batch < BATCHES; batch++) {
        run_batch(&c, batch);
        if (batch == 2)
            resident = status_bytes("VmRSS:");
    }
    int64_t grown = status_bytes("VmRSS:") - resident;
    g_test_message("%d tiles, %d closes, grown by %lld KiB from batch 3 to %d", c.calls, c.closes, (long long)grown >> 10,
                   BATCHES);
    g_assert_cmpint(grown, <, SLACK);
}

/* The embedded net in one session: the last picture of many equals the first, and memory stays. */
static void test_model_stays(void)
{
    static const setting settings[] = {{"model", "photo-2x"}, {"tile", "64"}, {"overwrite", "true"}, {"threads", "2"}, {0}};
    char *other = make_picture("other.png", 130, 190, 3);
    tw_error err = TW_ERROR_NONE;
    tw_session *session = new_session();
    int64_t resident = 0;
    size_t bytes;
    assert_ok(upscale(session, small_png, result, settings, NULL, &err), err);
    void *first = read_samples(result, &bytes);
    for (int i = 0; i < 12; i++) {
        assert_ok(upscale(session, i % 2 ? small_png : other, result, settings, NULL, &err), err);
        if (i == 3)
            resident = status_bytes("VmRSS:");
    }
    int64_t grown = status_bytes("VmRSS:") - resident;
    g_test_message("grown by %lld KiB over 8 pictures", (long long)grown >> 10);
    g_assert_cmpint(grown, <, SLACK);
    assert_same_samples(result, first, bytes);
    tw_session_free(session);
    g_free(first);
    g_remove(other);
    g_free(other);
}

/* --- failing ------------------------------------------------------------------------------------------------------ */

static void test_one_failure(void)
{
    static const setting settings[] = {{"model", "counter"}, {"tile", "40"}, {"overwrite", "true"}, {0}};
    counter calm = {.scale = 3, .reach = 2, .overlap = 2}, upset = calm;
    tw_report report;
    size_t bytes;
    run_counter(&calm, false, picture, settings, &report);
    g_assert_cmpint(calm.calls, ==, report.tiles);
    void *expected = read_samples(result, &bytes);
    upset.fail_at = 3;
    run_counter(&upset, false, picture, settings, NULL);
    g_assert_cmpint(upset.calls, ==, calm.calls + 4); /* the tile that failed, in four */
    assert_same_samples(result, expected, bytes);
    g_free(expected);
}

static void test_always_fails(void)
{
    static const setting settings[] = {{"model", "counter"}, {"tile", "40"}, {0}};
    counter c = {.scale = 2, .reach = 1, .overlap = 1, .fail_at = -1};
    tw_error err = TW_ERROR_NONE;
    tw_session *session = new_session();
    char *output = in_folder("never.png");
    add_counter(session, "counter", &c, true);
    assert_fails(upscale(session, picture, output, settings, NULL, &err), TW_ERROR_RUN, err, "engine failed on a");
    g_assert_nonnull(strstr(err.message, "code 17"));
    g_assert_cmpint(files_with("never.png"), ==, 0);
    g_assert_cmpint(c.closes, ==, 0);
    c.fail_at = 0; /* the session is still good */
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(upscale(session, picture, output, settings, NULL, &err), err);
    tw_session_free(session);
    g_assert_cmpint(c.closes, ==, 1);
    g_remove(output);
    g_free(output);
}

/* Values far outside are black or white; what is no number fails, rather than look black. */
static bool finite_nonsense;
static int nonsense(void *user, const float *in, int32_t width, int32_t height, float *out)
{
    static const float wild[] = {1e30f, -1e30f, INFINITY, NAN, -INFINITY};
    for (int64_t i = 0; i < (int64_t)width * height * 3; i++)
        out[i] = wild[i % (finite_nonsense ? 2 : 5)];
    return 0;
}

static int32_t scale_one(void *user)
{
    return 1;
}

static void test_nonsense(void)
{
    static const setting settings[] = {{"model", "nonsense"}, {"tile", "50"}, {"overwrite", "true"}, {0}};
    tw_engine_callbacks engine = {.size = sizeof engine, .process_rgb = nonsense, .scale_factor = scale_one};
    tw_error err = TW_ERROR_NONE;
    tw_session *session = new_session();
    size_t bytes;
    assert_ok(tw_session_add_engine(session, "nonsense", &engine, &err), err);
    finite_nonsense = false;
    g_assert_cmpint(upscale(session, small_png, result, settings, NULL, &err), ==, TW_ERROR_RUN);
    g_assert_nonnull(strstr(err.message, "nonsense: the net gave values that are no numbers around"));
    finite_nonsense = true;
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(upscale(session, small_png, result, settings, NULL, &err), err);
    uint8_t *samples = read_samples(result, &bytes);
    for (size_t i = 0; i < bytes; i++)
        g_assert_cmpint(samples[i], ==, i % 2 ? 0 : 255);
    g_free(samples);
    tw_session_free(session);
}

/* --- one call at a time ------------------------------------------------------------------------------------------- */

typedef struct second_job {
    tw_session *session;
    const char *output;
    tw_status status;
} second_job;

static void *run_second(void *user)
{
    static const setting settings[] = {{"model", "counter"}, {"tile", "32"}, {"threads", "4"}, {"overwrite", "true"}, {0}};
    second_job *job = user;
    tw_error err = TW_ERROR_NONE;
    job->status = upscale(job->session, small_png, job->output, settings, NULL, &err);
    return NULL;
}

/* Two jobs in two threads share the engine. */
static int most_inside(bool thread_safe)
{
    counter c = {.scale = 2, .reach = 1, .overlap = 1, .pause_ms = 3};
    tw_session *session = new_session();
    char *other = in_folder("second.png");
    second_job jobs[2] = {{session, result, TW_OK}, {session, other, TW_OK}};
    pthread_t threads[2];
    add_counter(session, "counter", &c, thread_safe);
    for (int i = 0; i < 2; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, run_second, &jobs[i]), ==, 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        g_assert_cmpint(jobs[i].status, ==, TW_OK);
    }
    tw_session_free(session);
    g_remove(other);
    g_free(other);
    g_assert_cmpint(c.closes, ==, 1);
    return c.most_inside;
}

static void test_one_at_a_time(void)
{
    g_assert_cmpint(most_inside(false), ==, 1);
    g_assert_cmpint(most_inside(true), >, 1); /* else the first line proves nothing */
}

/* --- how it wants to be tiled ------------------------------------------------------------------------------------- */

static void test_tile_hint(void)
{
    static const setting settings[] = {{"model", "counter"}, {"overwrite", "true"}, {0}};
    counter c = {.scale = 2, .reach = 3, .overlap = 3, .tile = 40};
    tw_report report;
    run_counter(&c, true, picture, settings, &report);
    g_assert_cmpint(report.tile[0], <=, 40);
    g_assert_cmpint(report.tile[1], <=, 40);
    g_assert_cmpint(report.tile[0], >, 30);
    g_assert_cmpint(c.largest, <=, 46);
    g_assert_cmpint(report.halo[0], ==, 3);
    /* An option given wins. */
    static const setting larger[] = {{"model", "counter"}, {"overwrite", "true"}, {"tile", "100"}, {0}};
    counter d = {.scale = 2, .reach = 3, .overlap = 3, .tile = 40};
    run_counter(&d, true, picture, larger, &report);
    g_assert_cmpint(d.largest, >, 46);
}

/* With a receptive field no larger than the overlap, tiles give the whole run's floats bit by bit. */
static void check_exact(counter like, const char *input)
{
    static const char *const tiles[] = {"16", "37x20", "64", "90"};
    size_t bytes;
    void *expected = whole_run(like, input, &bytes);
    for (size_t i = 0; i < G_N_ELEMENTS(tiles); i++) {
        setting settings[] = {
            {"model", "counter"}, {"tile", tiles[i]}, {"overwrite", "true"}, {"threads", i % 2 ? "2" : "1"}, {0}};
        counter c = like;
        tw_report report;
        run_counter(&c, true, input, settings, &report);
        g_assert_cmpint(report.tiles, >, 1);
        g_assert_cmpint(report.exact, ==, 1);
        g_assert_cmpint(c.odd_sizes, ==, 0);
        assert_same_samples(result, expected, bytes);
    }
    g_free(expected);
}

static void test_overlap(void)
{
    for (int reach = 0; reach <= 4; reach += 2)
        for (int scale = 1; scale <= 3; scale++)
            check_exact((counter){.scale = scale, .reach = reach, .overlap = reach}, picture);
    char *alpha = make_picture("alpha.png", 131, 140, 4), *grey = make_picture("grey.png", 131, 140, 1);
    check_exact((counter){.scale = 2, .reach = 2, .overlap = 2}, alpha);
    check_exact((counter){.scale = 2, .reach = 2, .overlap = 3}, grey);
    g_remove(alpha);
    g_remove(grey);
    g_free(alpha);
    g_free(grey);
}

static void test_overlap_too_small(void)
{
    static const setting settings[] = {{"model", "counter"}, {"tile", "37"}, {"overwrite", "true"}, {0}};
    counter like = {.scale = 2, .reach = 4, .overlap = 3}, c = like;
    size_t bytes, others;
    void *expected = whole_run(like, picture, &bytes);
    run_counter(&c, true, picture, settings, NULL);
    void *got = read_samples(result, &others);
    g_assert_cmpuint(bytes, ==, others);
    g_assert_cmpint(memcmp(got, expected, bytes), !=, 0); /* the comparison has teeth */
    g_free(got);
    g_free(expected);
}

static void test_multiple(void)
{
    check_exact((counter){.scale = 2, .reach = 1, .overlap = 1, .multiple = 4}, picture);
    check_exact((counter){.scale = 1, .reach = 2, .overlap = 2, .multiple = 7}, picture);
    check_exact((counter){.scale = 3, .reach = 1, .overlap = 5, .multiple = 16}, picture);
    check_exact((counter){.scale = 4, .reach = 2, .overlap = 2, .multiple = 64}, picture);
    /* Test-time augmentation goes through the engine, too. */
    static const setting settings[] = {{"model", "counter"}, {"tile", "32"}, {"overwrite", "true"}, {"tta", "true"}, {0}};
    counter c = {.scale = 2, .reach = 1, .overlap = 1, .multiple = 16};
    tw_report report;
    run_counter(&c, true, picture, settings, &report);
    g_assert_cmpint(c.calls, ==, 8 * report.tiles);
    g_assert_cmpint(c.odd_sizes, ==, 0);
}

/* The smallest budget that is named must do for engines that want large tiles: nothing is refused or retried. */
static void check_budget(counter like, const char *tta)
{
    tw_session *session = new_session();
    tw_error err = TW_ERROR_NONE;
    add_counter(session, "counter", &like, true);
    setting settings[] = {{"model", "counter"}, {"overwrite", "true"}, {"tta", tta}, {"memory", "1M"}, {0}};
    assert_fails(upscale(session, picture, result, settings, NULL, &err), TW_ERROR_BUDGET, err, "would do is ");
    g_assert_cmpint(like.calls, ==, 0);
    char memory[32];
    g_snprintf(memory, sizeof memory, "%s", strstr(err.message, "would do is ") + strlen("would do is "));
    settings[3].value = memory;
    err = (tw_error)TW_ERROR_NONE;
    tw_report report;
    assert_ok(upscale(session, picture, result, settings, &report, &err), err);
    g_assert_cmpint(like.calls, ==, report.tiles * (strcmp(tta, "true") == 0 ? 8 : 1));
    g_assert_cmpint(report.planned_peak_bytes, <=, report.budget_bytes);
    tw_session_free(session);
}

static void test_budget(void)
{
    check_budget((counter){.scale = 2, .reach = 1, .overlap = 1}, "false");
    check_budget((counter){.scale = 8, .reach = 1, .overlap = 1, .multiple = 64}, "false");
    check_budget((counter){.scale = 6, .reach = 1, .overlap = 1, .multiple = 32}, "true");
}

static void test_inexact(void)
{
    static const setting settings[] = {{"model", "counter"}, {"tile", "40"}, {"overwrite", "true"}, {0}};
    counter c = {.scale = 2, .reach = 1, .overlap = 4, .inexact = true};
    tw_report report;
    run_counter(&c, true, picture, settings, &report);
    g_assert_cmpint(report.exact, ==, 0);
    g_assert_cmpfloat(report.error_bound, <, 0);
    /* A narrower context than the engine asks for makes an exact one inexact; a wider one does not. */
    static const setting narrow[] = {{"model", "counter"}, {"tile", "40"}, {"overwrite", "true"}, {"halo", "3"}, {0}};
    static const setting wide[] = {{"model", "counter"}, {"tile", "40"}, {"overwrite", "true"}, {"halo", "5"}, {0}};
    counter d = {.scale = 2, .reach = 4, .overlap = 4}, e = d;
    run_counter(&d, true, picture, narrow, &report);
    g_assert_cmpint(report.exact, ==, 0);
    run_counter(&e, true, picture, wide, &report);
    g_assert_cmpint(report.exact, ==, 1);
}

/* --- misuse ------------------------------------------------------------------------------------------------------- */

static void close_inside(void *user)
{
    tw_error err = TW_ERROR_NONE;
    assert_fails(tw_session_close_engine(user, "counter", &err), TW_ERROR_USAGE, err, "in use");
}

static void close_while_planned(void *user, tw_tiling_config *config)
{
    close_inside(((counter *)user)->in_call_user);
    config->tile = 50;
}

static void test_close_in_use(void)
{
    static const setting settings[] = {{"model", "counter"}, {"overwrite", "true"}, {0}};
    tw_session *session = new_session();
    counter c = {.scale = 2, .in_call = close_inside, .in_call_user = session};
    tw_engine_callbacks engine = {
        .size = sizeof engine, .user = &c, .process_rgb = counter_process, .scale_factor = counter_scale};
    engine.tiling_config = close_while_planned;
    engine.close = counter_close;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_session_add_engine(session, "counter", &engine, &err), err);
    assert_ok(upscale(session, small_png, result, settings, NULL, &err), err);
    g_assert_cmpint(c.closes, ==, 0);
    assert_ok(tw_session_close_engine(session, "counter", &err), err);
    g_assert_cmpint(c.closes, ==, 1);
    assert_fails(upscale(session, small_png, result, settings, NULL, &err), err.code, err, "counter"); /* it is gone */
    g_assert_cmpint(err.code, !=, TW_OK);
    tw_session_free(session);
    g_assert_cmpint(c.closes, ==, 1);
}

static void test_refusals(void)
{
    static const setting settings[] = {{"model", "bad"}, {"overwrite", "true"}, {0}};
    tw_session *session = new_session();
    tw_error err = TW_ERROR_NONE;
    counter c = {.scale = 2};
    add_counter(session, "counter", &c, true);
    tw_engine_callbacks engine = {
        .size = sizeof engine, .user = &c, .process_rgb = counter_process, .scale_factor = counter_scale};
    assert_fails(tw_session_add_engine(session, "counter", &engine, &err), TW_ERROR_USAGE, err, "counter exists already");
    err = (tw_error)TW_ERROR_NONE;
    engine.size = 8;
    assert_fails(tw_session_add_engine(session, "old", &engine, &err), TW_ERROR_USAGE, err, "size");
    err = (tw_error)TW_ERROR_NONE;
    engine.size = sizeof engine;
    engine.process_rgb = NULL;
    assert_fails(tw_session_add_engine(session, "empty", &engine, &err), TW_ERROR_USAGE, err, "process_rgb");
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(tw_session_close_engine(session, "nobody", &err), TW_ERROR_USAGE, err, "no engine nobody");
    static const counter bad[] = {{.scale = 0}, {.scale = 65}, {.scale = 2, .overlap = -1}, {.scale = 2, .overlap = 1 << 20}};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        counter copy = bad[i];
        err = (tw_error)TW_ERROR_NONE;
        add_counter(session, "bad", &copy, true);
        assert_fails(upscale(session, small_png, result, settings, NULL, &err), TW_ERROR_USAGE, err, "make no sense");
        err = (tw_error)TW_ERROR_NONE;
        assert_ok(tw_session_close_engine(session, "bad", &err), err);
        g_assert_cmpint(copy.closes, ==, 1);
    }
    tw_session_free(session);
}

int main(int argc, char **argv)
{
    folder_open();
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    small_png = make_picture("small.png", 160, 120, 3);
    picture = make_picture("picture.tif", 150, 107, 3);
    result = in_folder("result.tif");
    g_test_add_func("/engine/batches", test_batches);
    g_test_add_func("/engine/model-stays", test_model_stays);
    g_test_add_func("/engine/one-failure", test_one_failure);
    g_test_add_func("/engine/always-fails", test_always_fails);
    g_test_add_func("/engine/nonsense", test_nonsense);
    g_test_add_func("/engine/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/engine/tile-hint", test_tile_hint);
    g_test_add_func("/engine/overlap", test_overlap);
    g_test_add_func("/engine/overlap-too-small", test_overlap_too_small);
    g_test_add_func("/engine/multiple", test_multiple);
    g_test_add_func("/engine/budget", test_budget);
    g_test_add_func("/engine/inexact", test_inexact);
    g_test_add_func("/engine/close-in-use", test_close_in_use);
    g_test_add_func("/engine/refusals", test_refusals);
    int status = g_test_run();
    g_free(small_png);
    g_free(picture);
    g_free(result);
    folder_close();
    return status;
}
