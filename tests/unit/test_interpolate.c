/* SPDX-License-Identifier: MIT */
/* Frames in between, whole jobs: the result is that of the net as others run it, whatever the tile, the threads and the budget. */
#include "job_fixture.h"

#include "flow_oracle.h"
#include "flow_weights.h"

static char *models[5];
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
        int multiple = strstr(models[m], "4.25") ? 64 : 32;
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
        g_autofree float *whole = run(
            &p, (const setting[]){{"model", models[m]}, {"schedule", "whole"}, {"scene-cut", "0"}, {NULL, NULL}}, NULL, NULL);
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
    int code = g_test_run();
    tw_session_free(session);
    for (int i = 0; models[i]; i++)
        g_free(models[i]);
    folder_close();
    return code;
}
