/* SPDX-License-Identifier: MIT */
/* Frames in between, whole jobs: the result is that of the net as others run it, whatever the tile, the threads and the budget. */
#include "job_fixture.h"

#include "flow_oracle.h"
#include "flow_weights.h"

static char *models[6];
static tw_session *session;

/* ---- frames ---- */

static char *write_frame(const char *name, const test_image *image)
{
    gsize n = (gsize)image->w * (gsize)image->h * (gsize)image->c;
    float *pixels = g_new(float, n);
    for (int y = 0, i = 0; y < image->h; y++)
        for (int x = 0; x < image->w; x++)
            for (int c = 0; c < image->c; c++)
                pixels[i++] = *image_at(image, c, y, x);
    VipsImage *plain = vips_image_new_from_memory(pixels, n * sizeof *pixels, image->w, image->h, image->c, VIPS_FORMAT_FLOAT);
    VipsImage *typed = NULL;
    char *path = in_folder(name);
    g_assert_cmpint(vips_copy(plain, &typed, "interpretation", VIPS_INTERPRETATION_scRGB, NULL), ==, 0);
    g_assert_cmpint(vips_image_write_to_file(typed, path, NULL), ==, 0);
    g_object_unref(typed);
    g_object_unref(plain);
    g_free(pixels);
    return path;
}

typedef struct pair {
    test_image a, b;
    char *path_a, *path_b;
} pair;

static pair pair_open(int w, int h, double motion)
{
    pair p = {flow_frame(w, h, 0), flow_frame(w, h, motion), NULL, NULL};
    p.path_a = write_frame("a.tif", &p.a);
    p.path_b = write_frame("b.tif", &p.b);
    return p;
}

static void pair_close(pair *p)
{
    g_free(p->a.data);
    g_free(p->b.data);
    g_free(p->path_a);
    g_free(p->path_b);
}

/* ---- jobs ---- */

static tw_status interpolate(const char *a, const char *b, const char *out, const setting *settings, tw_report *report,
                             char **json, tw_error *err)
{
    tw_job *job;
    assert_ok(tw_job_new(session, "interpolate", &job, err), *err);
    assert_ok(tw_job_set(job, "overwrite", "true", err), *err);
    for (; settings->name; settings++)
        assert_ok(tw_job_set(job, settings->name, settings->value, err), *err);
    assert_ok(tw_job_input(job, a, err), *err);
    assert_ok(tw_job_input(job, b, err), *err);
    assert_ok(tw_job_output(job, out, err), *err);
    tw_status status = tw_job_run(job, err);
    if (report)
        *report = *tw_job_report(job);
    if (json) {
        char *text = tw_job_json(job);
        *json = g_strdup(text);
        tw_bytes_free(text);
    }
    tw_job_free(job);
    return status;
}

/* Interleaved float samples of a result; freed by the caller. */
static float *run(const pair *p, const setting *settings, tw_report *report, char **json)
{
    g_autofree char *out = in_folder("out.tif");
    tw_error err = TW_ERROR_NONE;
    size_t bytes;
    assert_ok(interpolate(p->path_a, p->path_b, out, settings, report, json, &err), err);
    float *samples = read_samples(out, &bytes);
    g_assert_cmpint((int64_t)bytes, ==, (int64_t)p->a.w * p->a.h * 3 * 4);
    return samples;
}

static double apart(const float *a, const float *b, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most * 255;
}

/* ---- tests ---- */

/* The oracle sees the frames as the net does: padded on the right and below with their border. */
static test_image padded(const test_image *image, int multiple)
{
    test_image out =
        image_new((image->w + multiple - 1) / multiple * multiple, (image->h + multiple - 1) / multiple * multiple, image->c);
    for (int c = 0; c < out.c; c++)
        for (int y = 0; y < out.h; y++)
            for (int x = 0; x < out.w; x++)
                *image_at(&out, c, y, x) = *image_at(image, c, MIN(y, image->h - 1), MIN(x, image->w - 1));
    return out;
}

static void test_oracle(void)
{
    for (int m = 0; models[m]; m++) {
        pair p = pair_open(430, 300, 60);
        g_autofree float *mine =
            run(&p, (const setting[]){{"model", models[m]}, {"schedule", "whole"}, {"time", "0.3"}, {NULL, NULL}}, NULL, NULL);
        flow_oracle *oracle = flow_oracle_open(models[m]);
        int multiple = strstr(models[m], "4.25") ? 64 : strstr(models[m], "level") ? 8 : 32;
        test_image a = padded(&p.a, multiple), b = padded(&p.b, multiple);
        test_image whole = flow_oracle_run(oracle, &a, &b, 0.3, "out0");
        double most = 0;
        for (int y = 0; y < p.a.h; y++)
            for (int x = 0; x < p.a.w; x++)
                for (int c = 0; c < 3; c++)
                    most = fmax(most, fabs((double)mine[(y * p.a.w + x) * 3 + c] - (double)*image_at(&whole, c, y, x)));
        g_test_message("%s: %.5f/255 from the net run at once", models[m], most * 255);
        g_assert_cmpfloat(most * 255, <, 0.01);
        g_free(whole.data);
        g_free(a.data);
        g_free(b.data);
        flow_oracle_close(oracle);
        pair_close(&p);
    }
}

static void test_tiles(void)
{
    static const char *const tiles[] = {"64", "192", "256", "512"};
    for (int m = 0; models[m]; m++) {
        pair p = pair_open(1100, 700, 300);
        int64_t n = (int64_t)p.a.w * p.a.h * 3;
        tw_report one;
        g_autofree float *whole =
            run(&p, (const setting[]){{"model", models[m]}, {"tile-size", "0"}, {"scene-cut", "0"}, {NULL, NULL}}, &one, NULL);
        g_assert_cmpint(one.tiles, ==, 1);
        for (size_t t = 0; t < G_N_ELEMENTS(tiles); t++) {
            tw_report report;
            g_autofree char *json = NULL;
            g_autofree float *tiled = run(
                &p,
                (const setting[]){
                    {"model", models[m]}, {"tile", tiles[t]}, {"scene-cut", "0"}, {"threads", t % 2 ? "2" : "1"}, {NULL, NULL}},
                &report, &json);
            g_assert_nonnull(strstr(json, "\"pair\":\"interpolated\""));
            g_assert_cmpint(report.tiles, >=, 4);
            g_assert_cmpint(report.tile[0], <=, atoi(tiles[t]));
            double most = apart(whole, tiled, n);
            g_test_message("%s tile %s: %.6f/255 from whole", models[m], tiles[t], most);
            g_assert_cmpfloat(most, <, 0.01);
        }
        pair_close(&p);
    }
}

/* What the budget leaves room for: kept blobs in memory, or in scratch; large tiles, or small ones. */
static void test_budgets(void)
{
    static const char *const budgets[] = {"4G", "300M", "160M"};
    bool spilled = false, kept = false;
    pair p = pair_open(1000, 700, 40);
    g_autofree float *whole = run(&p, (const setting[]){{"model", models[1]}, {"schedule", "whole"}, {NULL, NULL}}, NULL, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(budgets); i++) {
        g_autofree char *json = NULL;
        tw_report report;
        g_autofree float *tiled =
            run(&p, (const setting[]){{"model", models[1]}, {"memory", budgets[i]}, {NULL, NULL}}, &report, &json);
        double most = apart(whole, tiled, (int64_t)p.a.w * p.a.h * 3);
        spilled |= strstr(json, "\"kept\":\"scratch\"") != NULL;
        kept |= strstr(json, "\"kept\":\"memory\"") != NULL;
        g_test_message("%s: tile %d, %d workers, %s, %.6f/255 from whole", budgets[i], (int)report.tile[0], (int)report.workers,
                       spilled ? "scratch" : "memory", most);
        g_assert_cmpfloat(most, <, 0.01);
        g_assert_cmpint(report.planned_peak_bytes, <=, report.budget_bytes);
    }
    g_assert_true(spilled && kept);
    pair_close(&p);
}

static void expect_pair(const pair *p, const char *time, const char *kind, const float *same_as)
{
    g_autofree char *json = NULL, *wanted = g_strdup_printf("\"pair\":\"%s\"", kind);
    g_autofree float *out = run(p, (const setting[]){{"model", models[0]}, {"time", time}, {NULL, NULL}}, NULL, &json);
    if (!strstr(json, wanted))
        g_error("%s expected: %s", kind, json);
    if (same_as)
        g_assert_cmpmem(out, (gsize)p->a.w * (gsize)p->a.h * 12, same_as, (gsize)p->a.w * (gsize)p->a.h * 12);
}

static float *interleaved(const test_image *image)
{
    float *out = g_new(float, image->w * image->h * 3);
    for (int y = 0; y < image->h; y++)
        for (int x = 0; x < image->w; x++)
            for (int c = 0; c < 3; c++)
                out[(y * image->w + x) * 3 + c] = *image_at(image, c, y, x);
    return out;
}

static void test_pairs(void)
{
    pair p = pair_open(300, 200, 12);
    g_autofree float *a = interleaved(&p.a), *b = interleaved(&p.b);
    expect_pair(&p, "0.5", "interpolated", NULL);
    expect_pair(&p, "0", "at a frame", a);
    expect_pair(&p, "1", "at a frame", b);
    g_free(p.path_b);
    p.path_b = g_strdup(p.path_a);
    expect_pair(&p, "0.7", "identical", a);
    g_free(p.path_b);
    for (int i = 0; i < p.b.w * p.b.h * 3; i++) /* another scene: the negative */
        p.b.data[i] = 1 - p.a.data[i];
    p.path_b = write_frame("negative.tif", &p.b);
    g_autofree float *negative = interleaved(&p.b);
    expect_pair(&p, "0.4", "scene cut", a);
    expect_pair(&p, "0.6", "scene cut", negative);
    for (int i = 0; i < p.b.w * p.b.h * 3; i++) /* noise below a level */
        p.b.data[i] = p.a.data[i] + (float)(i % 3 - 1) * 0.001f;
    g_free(p.path_b);
    p.path_b = write_frame("noise.tif", &p.b);
    expect_pair(&p, "0.2", "static", a);
    *image_at(&p.b, 0, 100, 150) = 1; /* something small that moves is motion */
    for (int y = 90; y < 110; y++)
        for (int x = 140; x < 160; x++)
            for (int c = 0; c < 3; c++)
                *image_at(&p.b, c, y, x) = 0.5f;
    g_free(p.path_b);
    p.path_b = write_frame("small.tif", &p.b);
    expect_pair(&p, "0.5", "interpolated", NULL);
    pair_close(&p);
}

/* 8 and 16 bit, grey and alpha: what the same frames in float give, to the rounding; alpha goes from one to the other. */
static void test_kinds(void)
{
    for (int bands = 1; bands <= 4; bands++) {
        g_autofree char *a = make_picture("kind-a.png", 150, 100, bands), *b = in_folder("kind-b.png");
        g_autofree char *out = in_folder("kind-out.png");
        size_t bytes, other;
        tw_error err = TW_ERROR_NONE;
        tw_report report;
        g_autofree uint8_t *first = read_samples(a, &bytes);
        g_autofree uint8_t *shifted = g_memdup2(first, bytes);
        for (size_t i = 0; i < bytes; i++) /* brighter, other alpha */
            shifted[i] = (uint8_t)MIN(first[i] + 10 + (bands % 2 == 0 && i % (size_t)bands == (size_t)bands - 1 ? 40 : 0), 255);
        VipsImage *image = vips_image_new_from_memory(shifted, bytes, 150, 100, bands, VIPS_FORMAT_UCHAR), *typed = NULL;
        g_assert_cmpint(
            vips_copy(image, &typed, "interpretation", bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL),
            ==, 0);
        g_assert_cmpint(vips_image_write_to_file(typed, b, NULL), ==, 0);
        g_object_unref(typed);
        g_object_unref(image);
        const setting settings[] = {{"model", models[0]}, {"time", "0.25"}, {NULL, NULL}};
        assert_ok(interpolate(a, b, out, settings, &report, NULL, &err), err);
        g_autofree uint8_t *result = read_samples(out, &other);
        g_assert_cmpint((int64_t)other, ==, (int64_t)bytes);
        for (size_t i = (size_t)bands - 1; bands % 2 == 0 && i < bytes; i += (size_t)bands)
            g_assert_cmpint(abs(result[i] - (int)lround(first[i] * 0.75 + shifted[i] * 0.25)), <=, 0);
    }
}

static void test_refusals(void)
{
    pair p = pair_open(64, 48, 3);
    g_autofree char *out = in_folder("refused.tif"), *larger = make_picture("larger.tif", 65, 48, 3),
                    *grey = make_picture("grey.tif", 64, 48, 1), *none = in_folder("none.tif"), *empty = in_folder("empty.tif");
    g_assert_true(g_file_set_contents(empty, "", 0, NULL));
    const setting good[] = {{"model", models[0]}, {NULL, NULL}};
    const struct {
        const char *b;
        setting settings[3];
        tw_status code;
        const char *message;
    } cases[] = {
        {larger, {good[0]}, TW_ERROR_INPUT, "frames must have one size"},
        {grey, {good[0]}, TW_ERROR_INPUT, "frames must be of one kind"},
        {none, {good[0]}, TW_ERROR_INPUT, "none.tif"},
        {empty, {good[0]}, TW_ERROR_INPUT, "empty.tif"},
        {p.path_b, {{"model", "photo-2x"}}, TW_ERROR_USAGE, "not a net that warps two pictures"},
        {p.path_b, {good[0], {"sample-steps", "4"}}, TW_ERROR_USAGE, "--sample-steps 4"},
        {p.path_b, {good[0], {"device", "gpu:97"}}, TW_ERROR_DEVICE, "gpu:97"},
        {p.path_b, {good[0], {"memory", "30M"}}, TW_ERROR_BUDGET, "smallest that would do"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        tw_error err = TW_ERROR_NONE;
        assert_fails(interpolate(p.path_a, cases[i].b, out, cases[i].settings, NULL, NULL, &err), cases[i].code, err,
                     cases[i].message);
        g_assert_false(exists(out));
    }
    pair_close(&p);
}

static test_image halved(const test_image *image)
{
    test_image out = image_new(image->w / 2, image->h / 2, image->c);
    for (int c = 0; c < out.c; c++)
        for (int y = 0; y < out.h; y++)
            for (int x = 0; x < out.w; x++)
                *image_at(&out, c, y, x) = (*image_at(image, c, 2 * y, 2 * x) + *image_at(image, c, 2 * y, 2 * x + 1) +
                                            *image_at(image, c, 2 * y + 1, 2 * x) + *image_at(image, c, 2 * y + 1, 2 * x + 1)) /
                                           4;
    return out;
}

/* Linear, the border repeated. */
static double sample(const test_image *image, int c, double x, double y)
{
    double u = CLAMP(x, 0, image->w - 1), v = CLAMP(y, 0, image->h - 1);
    int left = (int)floor(u), top = (int)floor(v), right = MIN(left + 1, image->w - 1), below = MIN(top + 1, image->h - 1);
    double a = u - left, b = v - top;
    double upper = *image_at(image, c, top, left) * (1 - a) + *image_at(image, c, top, right) * a;
    return upper * (1 - b) + (*image_at(image, c, below, left) * (1 - a) + *image_at(image, c, below, right) * a) * b;
}

/* The net sees half the size; the frames themselves are warped and mixed. */
static void test_reduced(void)
{
    static const char *const tiles[] = {"100", "256"};
    pair p = pair_open(600, 430, 50);
    const setting whole_settings[] = {{"model", models[0]}, {"flow-scale", "0.5"}, {"tile", "0"}, {NULL, NULL}};
    g_autofree float *whole = run(&p, whole_settings, NULL, NULL);
    flow_oracle *oracle = flow_oracle_open(models[0]);
    test_image a = padded(&p.a, 64), b = padded(&p.b, 64), half_a = halved(&a), half_b = halved(&b);
    test_image flow = flow_oracle_run(oracle, &half_a, &half_b, 0.5, "flow");
    test_image mask = flow_oracle_run(oracle, &half_a, &half_b, 0.5, "mask");
    double most = 0;
    for (int y = 0; y < p.a.h; y++)
        for (int x = 0; x < p.a.w; x++) {
            double u = (x + 0.5) / 2 - 0.5, v = (y + 0.5) / 2 - 0.5, f[4], share = sample(&mask, 0, u, v);
            for (int k = 0; k < 4; k++)
                f[k] = 2 * sample(&flow, k, u, v);
            for (int c = 0; c < 3; c++) {
                double one = sample(&a, c, x + f[0], y + f[1]), other = sample(&b, c, x + f[2], y + f[3]);
                most = fmax(most, fabs(one * share + other * (1 - share) - (double)whole[(y * p.a.w + x) * 3 + c]));
            }
        }
    g_test_message("half: %.5f/255 from the net run at once", most * 255);
    g_assert_cmpfloat(most * 255, <, 0.02); /* motion is doubled, and its rounding with it */
    for (size_t t = 0; t < G_N_ELEMENTS(tiles); t++) {
        const setting settings[] = {{"model", models[0]}, {"flow-scale", "0.5"}, {"tile", tiles[t]}, {NULL, NULL}};
        g_autofree float *tiled = run(&p, settings, NULL, NULL);
        double difference = apart(whole, tiled, (int64_t)p.a.w * p.a.h * 3);
        g_test_message("half, tile %s: %.6f/255 from whole", tiles[t], difference);
        g_assert_cmpfloat(difference, <, 0.01);
    }
    test_image *all[] = {&a, &b, &half_a, &half_b, &flow, &mask};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        g_free(all[i]->data);
    flow_oracle_close(oracle);
    pair_close(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    tw_error err = TW_ERROR_NONE;
    folder_open();
    if (VIPS_INIT(argv[0]))
        g_error("libvips");
    flow_models(test_folder, models);
    assert_ok(tw_session_new(&session, &err), err);
    g_test_add_func("/interpolate/oracle", test_oracle);
    g_test_add_func("/interpolate/tiles", test_tiles);
    g_test_add_func("/interpolate/reduced", test_reduced);
    g_test_add_func("/interpolate/budgets", test_budgets);
    g_test_add_func("/interpolate/pairs", test_pairs);
    g_test_add_func("/interpolate/kinds", test_kinds);
    g_test_add_func("/interpolate/refusals", test_refusals);
    int code = g_test_run();
    tw_session_free(session);
    for (int i = 0; models[i]; i++)
        g_free(models[i]);
    folder_close();
    return code;
}
