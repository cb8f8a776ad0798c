/* SPDX-License-Identifier: MIT */
/* Interpolation by models that cannot be looked into: nets, kinds of pictures, budgets. */
#include "job.h"
#include "pair_run.h"

/* ---- nets ---- */

/* Writes the mean of both pictures as a net; `timed`: with a third input, by which the second one is weighed. */
static char *mean_net(const char *name, bool timed)
{
    g_autofree char *param = g_strdup_printf("%s.param", name), *bin = g_strdup_printf("%s.bin", name),
                    *bin_path = in_folder(bin);
    char *path = in_folder(param);
    const char *text = timed ? "7767517\n9 12\nInput in0 0 1 in0\nInput in1 0 1 in1\nInput in2 0 1 in2 2=1\n"
                               "Split s 1 2 in0 a0 a1\nSplit ts 1 3 in2 t0 t1 t2\nConcat t 3 1 t0 t1 t2 t 0=0\n"
                               "BinaryOp d 2 1 in1 a0 d 0=1\nBinaryOp m 2 1 d t m 0=2\nBinaryOp p 2 1 a1 m out0 0=0\n"
                             : "7767517\n4 4\nInput in0 0 1 in0\nInput in1 0 1 in1\nBinaryOp sum 2 1 in0 in1 s 0=0\n"
                               "BinaryOp half 1 1 s out0 0=2 1=1 2=0.5\n";
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_true(g_file_set_contents(bin_path, "", 0, NULL));
    return path;
}

/* A mean follows no motion at all: all that is right of it is what tiles were moved. */
static void test_nets(void)
{
    scene s = {.w = 900, .h = 640, .pan = {60, 24}, .no_object = true};
    frames f = frames_of(&s);
    g_autofree char *half = mean_net("half", false), *timed = mean_net("timed", true);
    const char *const *paths = (const char *const *)f.paths;
    result ours = run(paths, (const setting[]){{"model", half}, {"tile", "160"}, {"static", "1"}, {NULL, NULL}});
    result plain = run(paths, (const setting[]){{"model", half}, {"tile", "160"}, {"blend", "distance"}, {NULL, NULL}});
    double of[2] = {psnr_of(ours.samples, f.truth, f.samples), psnr_of(plain.samples, f.truth, f.samples)};
    g_test_message("PSNR of a mean: %.2f dB moved tiles, %.2f plain ones", of[0], of[1]);
    g_assert_cmpfloat(of[0], >, of[1] + 10);
    g_assert_cmpint(ours.report.job_peak_bytes, <=, ours.report.planned_peak_bytes);
    g_assert_cmpint(ours.report.tiles, >, 12);
    result_free(&ours);
    result quarter = run(paths, (const setting[]){{"model", timed}, {"tile", "160"}, {"time", "0.25"}, {NULL, NULL}});
    g_autofree float *truth = scene_frame(&s, 0.25);
    double at_quarter = psnr_of(quarter.samples, truth, f.samples);
    g_test_message("at a quarter of the time: %.2f dB", at_quarter);
    g_assert_cmpfloat(at_quarter, >, of[1] + 10);
    tw_error err;
    assert_fails(try_run(&f, (const setting[]){{"model", half}, {"time", "0.25"}, {NULL, NULL}}, &err), TW_ERROR_USAGE, err,
                 "knows the middle only");
    assert_fails(try_run(&f, (const setting[]){{"model", half}, {"sample-steps", "4"}, {NULL, NULL}}, &err), TW_ERROR_USAGE,
                 err, "reaches its result at once");
    result_free(&quarter);
    result_free(&plain);
    frames_free(&f);
}

static void test_refused_nets(void)
{
    static const struct {
        const char *graph, *said;
    } cases[] = {
        {"7767517\n4 4\nInput in0 0 1 in0\nInput in1 0 1 in1 2=1\nConcat c 2 1 in0 in1 c 0=0\n"
         "UnaryOp a 1 1 c out0 0=0\n",
         "input 1 has 1 channels"},
        {"7767517\n4 4\nInput in0 0 1 in0\nInput in1 0 1 in1\nBinaryOp sum 2 1 in0 in1 s 0=0\n"
         "Interp up 1 1 s out0 0=1 1=2.0 2=2.0\n",
         "its result has another size"},
    };
    scene s = {.w = 130, .h = 110, .pan = {5, 0}};
    frames f = frames_of(&s);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = in_folder("wrong.param"), *bin = in_folder("wrong.bin");
        tw_error err = TW_ERROR_NONE;
        tw_session *before = session;
        g_assert_true(g_file_set_contents(path, cases[i].graph, -1, NULL));
        g_assert_true(g_file_set_contents(bin, "", 0, NULL));
        assert_ok(tw_session_new(&session, &err), err); /* models are read once a session */
        assert_fails(try_run(&f, (const setting[]){{"model", path}, {NULL, NULL}}, &err), TW_ERROR_USAGE, err, cases[i].said);
        tw_session_free(session);
        session = before;
    }
    frames_free(&f);
}

/* ---- pictures ---- */

/* Any size, grey or colour, with alpha or without: a picture twice gives that picture, to the byte. */
static void test_pictures(void)
{
    static const int sizes[][2] = {{1, 1}, {300, 1}, {1, 90}, {7, 250}, {97, 61}, {130, 200}};
    static const char *const blends[] = {"motion", "distance"}, *const tiles[] = {"16", "40x24", NULL};
    matcher m = {.tile = 64, .overlap = 16, .multiple = 8, .reach = 2, .config = {.noise_channels = 1, .noise_stride = 4}};
    add_matcher(session, "matcher", &m);
    for (size_t i = 0; i < G_N_ELEMENTS(sizes) * 4; i++) {
        int bands = (int)i % 4 + 1;
        g_autofree char *path = make_picture("same.png", sizes[i / 4][0], sizes[i / 4][1], bands), *out = in_folder("made.png");
        size_t bytes;
        g_autofree void *expected = read_samples(path, &bytes);
        for (int k = 0; k < 6; k++) {
            tw_error err = TW_ERROR_NONE;
            const setting settings[] = {{"model", "matcher"},
                                        {"static", "1"},
                                        {"scene-cut", "0"},
                                        {"blend", blends[k % 2]},
                                        {tiles[k / 2] ? "tile" : NULL, tiles[k / 2]},
                                        {NULL, NULL}};
            tw_job *job = pair_job(session, (const char *const[]){path, path}, out, settings);
            assert_ok(tw_job_run(job, &err), err);
            assert_same_samples(out, expected, bytes);
            tw_job_free(job);
        }
    }
    g_assert_cmpint(atomic_load(&m.odd_sizes), ==, 0);
    g_assert_cmpint(atomic_load(&m.calls), >, 1000);
    drop("matcher", &m);
}

/* Alpha goes from one frame's to the other's with time, through overlapping tiles too. */
static void test_alpha(void)
{
    enum { W = 150, H = 90 };
    matcher m = {.tile = 64, .overlap = 16, .reach = 2};
    uint8_t *pixels[2] = {g_malloc(W * H * 4), g_malloc(W * H * 4)};
    char *paths[2];
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < W * H * 4; k++)
            pixels[i][k] = k % 4 == 3 ? (uint8_t)(i ? 200 : k / 4 % W) : sample_of(k / 4 % W, k / 4 / W, k % 4);
        VipsImage *image = vips_image_new_from_memory(pixels[i], W * H * 4, W, H, 4, VIPS_FORMAT_UCHAR);
        paths[i] = in_folder(i ? "alpha-b.png" : "alpha-a.png");
        VipsImage *typed = NULL;
        g_assert_cmpint(vips_copy(image, &typed, "interpretation", VIPS_INTERPRETATION_sRGB, NULL), ==, 0);
        g_assert_cmpint(vips_image_write_to_file(typed, paths[i], NULL), ==, 0);
        g_object_unref(typed);
        g_object_unref(image);
    }
    g_autofree char *out = in_folder("alpha.png");
    tw_error err = TW_ERROR_NONE;
    size_t bytes;
    add_matcher(session, "matcher", &m);
    tw_job *job = pair_job(session, (const char *const *)paths, out,
                           (const setting[]){{"model", "matcher"}, {"time", "0.25"}, {"static", "1"}, {NULL, NULL}});
    assert_ok(tw_job_run(job, &err), err);
    g_autofree uint8_t *made = read_samples(out, &bytes);
    for (int k = 3; k < W * H * 4; k += 4)
        g_assert_cmpfloat(fabs(made[k] - (0.75 * pixels[0][k] + 0.25 * 200)), <=, 0.51);
    tw_job_free(job);
    drop("matcher", &m);
    for (int i = 0; i < 2; i++) {
        g_free(paths[i]);
        g_free(pixels[i]);
    }
}

/* The least budget that a refusal names does, with smaller tiles; and no run takes more than it planned. */
static void test_budgets(void)
{
    scene s = {.w = 1400, .h = 1000, .pan = {30, 10}};
    frames f = frames_of(&s);
    g_autofree char *net = mean_net("budget", false);
    const char *const *paths = (const char *const *)f.paths;
    tw_error err;
    assert_fails(try_run(&f, (const setting[]){{"model", net}, {"memory", "30M"}, {NULL, NULL}}, &err), TW_ERROR_BUDGET, err,
                 "smallest that would do is ");
    int least = atoi(strstr(err.message, "would do is ") + strlen("would do is "));
    g_autofree char *smallest = g_strdup_printf("%dM", least);
    result little = run(paths, (const setting[]){{"model", net}, {"memory", smallest}, {NULL, NULL}});
    result much = run(paths, (const setting[]){{"model", net}, {"memory", "1G"}, {NULL, NULL}});
    g_test_message("%s: %d tiles, %.1f MiB of %.1f planned; 1G: %d tiles, %.1f MiB of %.1f; PSNR %.2f and %.2f dB", smallest,
                   (int)little.report.tiles, (double)little.report.job_peak_bytes / (1 << 20),
                   (double)little.report.planned_peak_bytes / (1 << 20), (int)much.report.tiles,
                   (double)much.report.job_peak_bytes / (1 << 20), (double)much.report.planned_peak_bytes / (1 << 20),
                   psnr_of(little.samples, f.truth, f.samples), psnr_of(much.samples, f.truth, f.samples));
    g_assert_cmpint(little.report.planned_peak_bytes, <=, (int64_t)least << 20);
    g_assert_cmpint(little.report.job_peak_bytes, <=, little.report.planned_peak_bytes);
    g_assert_cmpint(much.report.job_peak_bytes, <=, much.report.planned_peak_bytes);
    g_assert_cmpint(little.report.tiles, >, much.report.tiles);
    result_free(&little);
    result_free(&much);
    frames_free(&f);
}

/* ---- memory that is out ---- */

/* One job in a session of its own, in which `count` allocations fail, beginning with the n-th; returns how many there were at least. */
static tw_status run_short(const char *path, int64_t n, int64_t count, int64_t *takes)
{
    matcher m = {.tile = 64, .overlap = 16, .reach = 2, .config = {.noise_channels = 1}};
    g_autofree char *out = in_folder("short.png");
    tw_error err = TW_ERROR_NONE;
    tw_session *own;
    assert_ok(tw_session_new(&own, &err), err);
    add_matcher(own, "matcher", &m);
    tw_job *job =
        pair_job(own, (const char *const[]){path, path}, out,
                 (const setting[]){{"model", "matcher"}, {"static", "1"}, {"tile", "48"}, {"threads", "1"}, {NULL, NULL}});
    tw_account_fail_range(own->account, n, count);
    tw_status status = tw_job_run(job, &err);
    g_assert_cmpint(tw_account_used(job->account), ==, 0); /* nothing leaks, whatever happened */
    if (status != TW_OK) {
        g_assert_true(status == TW_ERROR_BUDGET || status == TW_ERROR_RUN);
        g_assert_cmpint((int)strlen(err.message), >, 10);
        g_assert_cmpint(files_with("short"), ==, 0);
    } else {
        size_t bytes, expected_bytes;
        g_autofree uint8_t *made = read_samples(out, &bytes), *expected = read_samples(path, &expected_bytes);
        g_assert_cmpmem(made, bytes, expected, expected_bytes);
        g_remove(out);
    }
    for (*takes = n - 1; n > 100000 && tw_account_take(own->account, 0); --*takes)
        ;
    tw_job_free(job);
    tw_session_free(own);
    g_assert_cmpint(atomic_load(&m.closes), ==, 1);
    return status;
}

static void test_no_memory(void)
{
    g_autofree char *path = make_picture("memory.png", 97, 61, 3);
    int64_t takes, ignored;
    g_assert_cmpint(run_short(path, 1000000, 1, &takes), ==, TW_OK);
    int failed = 0, all = 0;
    g_assert_cmpint(takes, >, 30);
    for (int64_t n = 1; n <= takes; n++, all++) {
        run_short(path, n, 1, &ignored);
        failed += run_short(path, n, INT64_MAX, &ignored) != TW_OK;
    }
    g_test_message("%d allocations; %d jobs failed where none succeeded from there on", all, failed);
    g_assert_cmpint(failed, >, all / 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    tw_error err = TW_ERROR_NONE;
    folder_open();
    if (VIPS_INIT(argv[0]))
        g_error("libvips");
    assert_ok(tw_session_new(&session, &err), err);
    g_test_add_func("/pair-kinds/nets", test_nets);
    g_test_add_func("/pair-kinds/refused-nets", test_refused_nets);
    g_test_add_func("/pair-kinds/pictures", test_pictures);
    g_test_add_func("/pair-kinds/alpha", test_alpha);
    g_test_add_func("/pair-kinds/budgets", test_budgets);
    g_test_add_func("/pair-kinds/no-memory", test_no_memory);
    int code = g_test_run();
    tw_session_free(session);
    folder_close();
    return code;
}
