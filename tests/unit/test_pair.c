/* SPDX-License-Identifier: MIT */
/* Engines that make the frame between two and cannot be looked into: whole jobs. */
#include <stddef.h>

#include "pair_run.h"

/* ---- tests ---- */

/* Mean difference of all samples between two tilings, in levels of 8 bit. */
static double tilings_apart(const frames *f, const float *samples, const char *blend)
{
    result other = run((const char *const *)f->paths,
                       (const setting[]){{"model", "matcher"}, {"blend", blend}, {"tile", "120"}, {NULL, NULL}});
    double sum = 0;
    for (int64_t k = 0; k < f->samples; k++)
        sum += fabs((double)samples[k] - (double)other.samples[k]);
    result_free(&other);
    return sum / (double)f->samples * 255;
}

/* Motion is twice the overlap and five times what the engine follows. */
static void test_motion(void)
{
    scene s = {.w = 900, .h = 640, .pan = {60, 24}, .object = {-36, 20}};
    matcher m = {.tile = 192, .overlap = 32, .multiple = 16, .reach = 12, .tint = 0.1f};
    frames f = frames_of(&s);
    add_matcher(session, "matcher", &m);
    result ours = run((const char *const *)f.paths, (const setting[]){{"model", "matcher"}, {NULL, NULL}});
    g_assert_cmpint(atomic_load(&m.most_side), <=, 192);
    result plain =
        run((const char *const *)f.paths, (const setting[]){{"model", "matcher"}, {"blend", "distance"}, {NULL, NULL}});
    result whole =
        run((const char *const *)f.paths, (const setting[]){{"model", "matcher"}, {"profile", "fast"}, {NULL, NULL}});
    double of[3] = {psnr_of(ours.samples, f.truth, f.samples), psnr_of(plain.samples, f.truth, f.samples),
                    psnr_of(whole.samples, f.truth, f.samples)};
    double mismatch[2] = {json_number(ours.json, "tile_mismatch"), json_number(plain.json, "tile_mismatch")};
    double apart[2] = {tilings_apart(&f, ours.samples, "motion"), tilings_apart(&f, plain.samples, "distance")};
    g_test_message("PSNR %.2f dB moved tiles (%d of them), %.2f plain ones (%d), %.2f the whole frame; mismatch of tiles %.2f "
                   "and %.2f levels; two tilings are %.2f and %.2f apart",
                   of[0], (int)ours.report.tiles, of[1], (int)plain.report.tiles, of[2], mismatch[0], mismatch[1], apart[0],
                   apart[1]);
    g_assert_cmpfloat(apart[0], <, apart[1] / 2);
    g_assert_cmpfloat(of[0], >, of[1] + 6);
    g_assert_cmpfloat(mismatch[0], <, mismatch[1] * 0.75);
    g_assert_false(ours.report.exact);
    g_assert_false(plain.report.exact);
    g_assert_true(whole.report.exact);
    g_assert_cmpint(whole.report.tiles, ==, 1);
    g_assert_cmpint(ours.report.tiles, >, 12);
    g_assert_cmpint(ours.report.job_peak_bytes, <=, ours.report.planned_peak_bytes);
    g_assert_cmpint(atomic_load(&m.odd_sizes), ==, 0);
    result_free(&ours);
    result_free(&plain);
    result_free(&whole);
    drop("matcher", &m);
    frames_free(&f);
}

/* Where the engine follows the motion by itself nothing is lost; and the result is the same for any number of threads. */
static void test_small_motion(void)
{
    scene s = {.w = 700, .h = 500, .pan = {6, -2}, .object = {-4, 2}};
    matcher m = {.tile = 192, .overlap = 32, .multiple = 16, .reach = 12};
    frames f = frames_of(&s);
    add_matcher(session, "matcher", &m);
    result ours = run((const char *const *)f.paths, (const setting[]){{"model", "matcher"}, {"threads", "1"}, {NULL, NULL}});
    result again = run((const char *const *)f.paths, (const setting[]){{"model", "matcher"}, {"threads", "3"}, {NULL, NULL}});
    result plain =
        run((const char *const *)f.paths, (const setting[]){{"model", "matcher"}, {"blend", "distance"}, {NULL, NULL}});
    double of[2] = {psnr_of(ours.samples, f.truth, f.samples), psnr_of(plain.samples, f.truth, f.samples)};
    g_test_message("PSNR %.2f dB moved tiles, %.2f plain ones", of[0], of[1]);
    g_assert_cmpfloat(of[0], >, of[1] - 0.3);
    g_assert_cmpmem(ours.samples, (size_t)f.samples * sizeof(float), again.samples, (size_t)f.samples * sizeof(float));
    result_free(&ours);
    result_free(&again);
    result_free(&plain);
    drop("matcher", &m);
    frames_free(&f);
}

/* An engine whose tone follows the mean of its tile leaves seams; with tones of the small frame there are none. */
static void test_tones(void)
{
    scene s = {.w = 700, .h = 500, .pan = {4, 2}, .no_object = true};
    matcher m = {.tile = 192, .overlap = 32, .reach = 8, .tint = 1};
    frames f = frames_of(&s);
    add_matcher(session, "matcher", &m);
    result ours = run((const char *const *)f.paths, (const setting[]){{"model", "matcher"}, {NULL, NULL}});
    result plain =
        run((const char *const *)f.paths, (const setting[]){{"model", "matcher"}, {"blend", "distance"}, {NULL, NULL}});
    double ours_apart = json_number(ours.json, "tile_mismatch"), plain_apart = json_number(plain.json, "tile_mismatch");
    g_test_message("mismatch of tiles %.3f levels, %.3f of plain ones", ours_apart, plain_apart);
    g_assert_cmpfloat(ours_apart, <, plain_apart / 4);
    g_assert_cmpfloat(ours.report.error_bound, <, plain.report.error_bound);
    g_assert_cmpint(ours.report.error_measured_on, >=, 2);
    result_free(&ours);
    result_free(&plain);
    drop("matcher", &m);
    frames_free(&f);
}

/* The same frame twice: repeated, and where it may not be repeated, made to be the same. */
static void test_static(void)
{
    scene s = {.w = 430, .h = 300, .no_object = true};
    matcher m = {.tile = 128, .overlap = 32, .reach = 8};
    static const char *const blends[] = {"motion", "distance"};
    for (int i = 0; i < 2; i++) {
        frames f = frames_of(&s);
        m.closes = m.calls = 0;
        add_matcher(session, "matcher", &m);
        result same =
            run((const char *const *)f.paths, (const setting[]){{"model", "matcher"}, {"blend", blends[i]}, {NULL, NULL}});
        g_assert_nonnull(strstr(same.json, "\"pair\":\"identical\""));
        g_assert_cmpint(atomic_load(&m.calls), ==, 0);
        result made = run((const char *const *)f.paths,
                          (const setting[]){{"model", "matcher"}, {"blend", blends[i]}, {"static", "1"}, {NULL, NULL}});
        g_assert_nonnull(strstr(made.json, "\"pair\":\"interpolated\""));
        g_assert_cmpint(atomic_load(&m.calls), >, 6);
        for (int64_t k = 0; k < f.samples; k++) {
            g_assert_cmpfloat(fabsf(same.samples[k] - f.truth[k]), <, 1e-6f); /* sums of tiles hold 2^-24 of white */
            g_assert_cmpfloat(fabsf(made.samples[k] - f.truth[k]), <, 4e-5f); /* a hundredth of a level of 8 bit */
        }
        g_assert_cmpfloat(json_number(made.json, "tile_mismatch_most"), <, 0.01);
        result_free(&same);
        result_free(&made);
        drop("matcher", &m);
        frames_free(&f);
    }
}

/* Means of the outermost pixels, in levels of 8 bit. */
static double border_apart(const float *a, const float *b, int w, int h)
{
    double sum = 0;
    int n = 0;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3 && (x < 3 || y < 3 || x >= w - 3 || y >= h - 3); c++, n++)
                sum += (double)a[(y * w + x) * 3 + c] - (double)b[(y * w + x) * 3 + c];
    return sum / n * 255;
}

static void test_borders(void)
{
    scene s = {.w = 430, .h = 300, .pan = {3, 2}, .shade = 0.25, .no_object = true};
    matcher m = {.tile = 128, .overlap = 32, .multiple = 32, .reach = 8};
    static const char *const blends[] = {"motion", "distance"};
    frames f = frames_of(&s);
    add_matcher(session, "matcher", &m);
    for (int i = 0; i < 2; i++) {
        result r =
            run((const char *const *)f.paths, (const setting[]){{"model", "matcher"}, {"blend", blends[i]}, {NULL, NULL}});
        double apart = border_apart(r.samples, f.truth, s.w, s.h);
        g_test_message("%s: borders are %.3f levels brighter", blends[i], apart);
        g_assert_cmpfloat(fabs(apart), <, 1);
        result_free(&r);
    }
    g_assert_cmpint(atomic_load(&m.odd_sizes), ==, 0);
    drop("matcher", &m);
    frames_free(&f);
}

/* ---- noise ---- */

/* What was seen at each place of the frame and of the small one. */
typedef struct seen {
    int w, h, channels, stride;
    float *noise[2]; /* NAN: nothing yet */
    int again;
    GMutex lock;
} seen;

static void see_noise(void *user, const tw_pair_tile *t)
{
    seen *s = user;
    int tw = t->width / s->stride, th = t->height / s->stride;
    g_assert_cmpint(t->x % s->stride, ==, 0);
    g_assert_cmpint(t->y % s->stride, ==, 0);
    g_mutex_lock(&s->lock);
    for (int c = 0; c < s->channels; c++)
        for (int y = 0; y < th; y++)
            for (int x = 0; x < tw; x++) {
                int64_t u = t->x / s->stride + x, v = t->y / s->stride + y;
                if (u >= s->w || v >= s->h)
                    continue;
                float *at = &s->noise[t->plane][(c * s->h + v) * s->w + u], given = t->noise[(c * th + y) * tw + x];
                g_assert_true(isfinite(given));
                if (isfinite(*at)) {
                    g_assert_cmpfloat(*at, ==, given);
                    s->again++;
                }
                *at = given;
            }
    g_mutex_unlock(&s->lock);
}

static void test_noise(void)
{
    scene s = {.w = 430, .h = 300, .pan = {40, 10}, .object = {-20, 0}};
    matcher m = {.tile = 128, .overlap = 32, .multiple = 12, .reach = 4, .config = {.noise_channels = 3, .noise_stride = 8}};
    seen all = {.w = 64, .h = 48, .channels = 3, .stride = 8};
    g_mutex_init(&all.lock);
    int n = all.w * all.h * all.channels;
    frames f = frames_of(&s);
    m.see = see_noise;
    m.see_user = &all;
    add_matcher(session, "matcher", &m);
    for (int i = 0; i < 2; i++) {
        all.noise[i] = g_new(float, n);
        for (int k = 0; k < n; k++)
            all.noise[i][k] = NAN;
    }
    static const char *const tiles[] = {"96", "64", "100x80"};
    for (int i = 0; i < 3; i++) { /* other tiles, other motion: the same noise */
        result r = run((const char *const *)f.paths,
                       (const setting[]){{"model", "matcher"}, {"tile", tiles[i]}, {"seed", "5"}, {NULL, NULL}});
        g_assert_cmpfloat(json_number(r.json, "seed"), ==, 5);
        result_free(&r);
    }
    g_assert_cmpint(all.again, >, 1000);
    g_assert_cmpint(atomic_load(&m.odd_sizes), ==, 0);
    float first = all.noise[0][0];
    for (int k = 0; k < n; k++)
        all.noise[0][k] = all.noise[1][k] = NAN;
    result r = run((const char *const *)f.paths, (const setting[]){{"model", "matcher"}, {"seed", "6"}, {NULL, NULL}});
    g_assert_cmpfloat(all.noise[0][0], !=, first);
    result_free(&r);
    drop("matcher", &m);
    for (int i = 0; i < 2; i++)
        g_free(all.noise[i]);
    g_mutex_clear(&all.lock);
    frames_free(&f);
}

/* ---- steps, plans, refusals ---- */

static void test_steps(void)
{
    scene s = {.w = 130, .h = 110, .pan = {5, 0}};
    matcher plain = {.tile = 96, .overlap = 16, .reach = 4}, steps = plain;
    frames f = frames_of(&s);
    tw_error err;
    steps.config.steps = 10;
    add_matcher(session, "plain", &plain);
    add_matcher(session, "steps", &steps);
    static const struct {
        setting settings[3];
        int steps;
    } cases[] = {
        {{{"model", "steps"}}, 10},
        {{{"model", "steps"}, {"sample-steps", "4"}}, 4},
        {{{"model", "steps"}, {"profile", "speed"}}, 6},
        {{{"model", "steps"}, {"profile", "quality"}}, 10},
        {{{"model", "plain"}, {"profile", "quality"}}, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        matcher *m = i == 4 ? &plain : &steps;
        assert_ok(try_run(&f, cases[i].settings, &err), err);
        g_assert_cmpint(atomic_load(&m->steps), ==, cases[i].steps);
    }
    assert_fails(try_run(&f, (const setting[]){{"model", "plain"}, {"sample-steps", "4"}, {NULL, NULL}}, &err), TW_ERROR_USAGE,
                 err, "--sample-steps 4: plain reaches its result at once");
    assert_fails(try_run(&f, (const setting[]){{"model", "plain"}, {"seed", "4"}, {NULL, NULL}}, &err), TW_ERROR_USAGE, err,
                 "--seed 4: plain takes no noise");
    assert_fails(try_run(&f, (const setting[]){{"model", "plain"}, {"device", "gpu"}, {NULL, NULL}}, &err), TW_ERROR_DEVICE,
                 err, "--device gpu");
    assert_fails(try_run(&f, (const setting[]){{"model", "plain"}, {"pad", "reflect"}, {NULL, NULL}}, &err), TW_ERROR_USAGE,
                 err, "--pad reflect");
    assert_fails(
        try_run(&f, (const setting[]){{"model", "plain"}, {"blend", "distance"}, {"flow-scale", "0.5"}, {NULL, NULL}}, &err),
        TW_ERROR_USAGE, err, "--flow-scale");
    drop("plain", &plain);
    drop("steps", &steps);
    frames_free(&f);
}

static void test_counts(void)
{
    static const struct {
        int w, h, tiles;
    } cases[] = {{1920, 1088, 15}, {2560, 1536, 24}, {3840, 2176, 45}};
    matcher m = {.tile = 512, .overlap = 64, .multiple = 64};
    tw_error err = TW_ERROR_NONE;
    add_matcher(session, "matcher", &m);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        VipsImage *black = NULL;
        g_autofree char *path = in_folder("black.png");
        g_assert_cmpint(vips_black(&black, cases[i].w, cases[i].h, "bands", 3, NULL), ==, 0);
        g_assert_cmpint(vips_image_write_to_file(black, path, NULL), ==, 0);
        g_object_unref(black);
        tw_job *job = pair_job(session, (const char *const[]){path, path}, path,
                               (const setting[]){{"model", "matcher"}, {"blend", "distance"}, {"memory", "1G"}, {NULL, NULL}});
        assert_ok(tw_job_plan(job, &err), err);
        const tw_report *r = tw_job_report(job);
        g_test_message("%dx%d: %d tiles that own %dx%d", cases[i].w, cases[i].h, (int)r->tiles, (int)r->tile[0],
                       (int)r->tile[1]);
        g_assert_cmpint(r->tiles, ==, cases[i].tiles);
        tw_job_free(job);
    }
    g_assert_cmpint(atomic_load(&m.calls), ==, 0);
    drop("matcher", &m);
}

static void test_failing(void)
{
    scene s = {.w = 430, .h = 300, .pan = {5, 0}};
    matcher m = {.tile = 128, .overlap = 32, .reach = 4, .fail_at = -1};
    frames f = frames_of(&s);
    tw_error err;
    add_matcher(session, "matcher", &m);
    assert_fails(try_run(&f, (const setting[]){{"model", "matcher"}, {NULL, NULL}}, &err), TW_ERROR_RUN, err,
                 "engine matcher failed on a pair of ");
    g_autofree char *out = in_folder("none.tif");
    g_assert_false(exists(out));
    assert_fails(try_run(&f, (const setting[]){{"model", "matcher"}, {"memory", "40M"}, {NULL, NULL}}, &err), TW_ERROR_BUDGET,
                 err, "smallest that would do");
    m.config.middle_only = 1;
    assert_fails(try_run(&f, (const setting[]){{"model", "matcher"}, {"time", "0.3"}, {NULL, NULL}}, &err), TW_ERROR_USAGE, err,
                 "--time 0.3: matcher knows the middle only");
    drop("matcher", &m);
    frames_free(&f);
}

/* Engines of two frames are no engines of one, nor the other way round; structs of version 0.1 still do. */
static void test_kinds(void)
{
    scene s = {.w = 130, .h = 110, .pan = {5, 0}};
    frames f = frames_of(&s);
    matcher m = {.tile = 96, .overlap = 16, .reach = 4};
    counter c = {.scale = 1};
    tw_error err = TW_ERROR_NONE;
    g_autofree char *out = in_folder("up.tif");
    add_matcher(session, "two", &m);
    tw_engine_callbacks old = {.size = offsetof(tw_engine_callbacks, process_pair), .user = &c, .process_rgb = counter_process};
    old.scale_factor = counter_scale;
    old.process_pair = matcher_process; /* beyond its end: not looked at */
    assert_ok(tw_session_add_engine(session, "one", &old, &err), err);
    assert_ok(
        upscale(session, f.paths[0], out, (const setting[]){{"model", "one"}, {"overwrite", "true"}, {NULL, NULL}}, NULL, &err),
        err);
    assert_fails(try_run(&f, (const setting[]){{"model", "one"}, {NULL, NULL}}, &err), TW_ERROR_USAGE, err,
                 "engine one takes one picture");
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(upscale(session, f.paths[0], out, (const setting[]){{"model", "two"}, {NULL, NULL}}, NULL, &err),
                 TW_ERROR_USAGE, err, "engine two takes two frames");
    err = (tw_error)TW_ERROR_NONE;
    old.size = sizeof old - 1;
    assert_fails(tw_session_add_engine(session, "odd", &old, &err), TW_ERROR_USAGE, err, "engine odd: size");
    err = (tw_error)TW_ERROR_NONE;
    tw_engine_callbacks empty = {.size = sizeof empty};
    assert_fails(tw_session_add_engine(session, "empty", &empty, &err), TW_ERROR_USAGE, err, "process_pair");
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(tw_session_close_engine(session, "one", &err), err);
    drop("two", &m);
    frames_free(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    tw_error err = TW_ERROR_NONE;
    folder_open();
    if (VIPS_INIT(argv[0]))
        g_error("libvips");
    assert_ok(tw_session_new(&session, &err), err);
    g_test_add_func("/pair/motion", test_motion);
    g_test_add_func("/pair/small-motion", test_small_motion);
    g_test_add_func("/pair/tones", test_tones);
    g_test_add_func("/pair/static", test_static);
    g_test_add_func("/pair/borders", test_borders);
    g_test_add_func("/pair/noise", test_noise);
    g_test_add_func("/pair/steps", test_steps);
    g_test_add_func("/pair/counts", test_counts);
    g_test_add_func("/pair/failing", test_failing);
    g_test_add_func("/pair/kinds", test_kinds);
    int code = g_test_run();
    tw_session_free(session);
    folder_close();
    return code;
}
