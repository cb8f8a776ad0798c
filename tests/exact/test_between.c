/* SPDX-License-Identifier: MIT */
/** tile == whole for the built-in net of frames in between, on details of a real photograph, in float32: over tiles, threads and budgets,
 *  for motion of some pixels and of 300. */
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "tilewright/tilewright.h"

#define BOUND (0.01 / 255)

enum { WIDTH = 704, HEIGHT = 512, BANDS = 3, SAMPLES = WIDTH * HEIGHT * BANDS };

typedef struct option {
    const char *name, *value;
} option;

static tw_session *session;
static VipsImage *photo;

/* A detail as floats, 1 white; `shift` pixels to the right of where details begin. */
static float *detail(int shift)
{
    VipsImage *crop = NULL;
    size_t bytes = 0;
    g_assert_cmpint(vips_crop(photo, &crop, 600 + shift, 300 + shift / 3, WIDTH, HEIGHT, NULL), ==, 0);
    unsigned char *stored = vips_image_write_to_memory(crop, &bytes);
    g_assert_cmpuint(bytes, ==, SAMPLES);
    float *samples = g_new(float, SAMPLES);
    for (int i = 0; i < SAMPLES; i++)
        samples[i] = (float)stored[i] / 255;
    g_free(stored);
    g_object_unref(crop);
    return samples;
}

static void *place(void *user, tw_pixels *result)
{
    g_assert_cmpint(result->width * result->height * result->bands, ==, SAMPLES);
    return user;
}

static float *run(float *const frames[2], const option *options, tw_report *report)
{
    const tw_pixels layout = {.width = WIDTH, .height = HEIGHT, .bands = BANDS, .sample = TW_SAMPLE_F32};
    float *result = g_new(float, SAMPLES);
    tw_error err = TW_ERROR_NONE;
    tw_job *job = NULL;
    g_assert_cmpint(tw_job_new(session, "interpolate", &job, &err), ==, TW_OK);
    for (; options->name; options++)
        g_assert_cmpint(tw_job_set(job, options->name, options->value, &err), ==, TW_OK);
    for (int i = 0; i < 2; i++)
        g_assert_cmpint(tw_job_input_pixels(job, &layout, frames[i], "frame", &err), ==, TW_OK);
    g_assert_cmpint(tw_job_output_pixels(job, place, result, &err), ==, TW_OK);
    if (tw_job_run(job, &err) != TW_OK)
        g_error("%s", err.message);
    *report = *tw_job_report(job);
    tw_job_free(job);
    return result;
}

static double farthest(const float *a, const float *b)
{
    double most = 0;
    for (int i = 0; i < SAMPLES; i++) {
        double apart = fabs((double)a[i] - (double)b[i]);
        most = apart <= most ? most : isnan(apart) ? INFINITY : apart;
    }
    return most;
}

static void test_motion(const void *data)
{
    static const option WHOLE[] = {{"schedule", "whole"}, {"memory", "4G"}, {"scene-cut", "0"}, {0}};
    static const option WAYS[][5] = {{{"tile", "192"}, {"threads", "1"}, {"scene-cut", "0"}, {0}},
                                     {{"tile", "192"}, {"threads", "2"}, {"scene-cut", "0"}, {0}},
                                     {{"tile", "256"}, {"threads", "2"}, {"scene-cut", "0"}, {0}},
                                     {{"tile", "512"}, {"threads", "2"}, {"scene-cut", "0"}, {0}},
                                     {{"memory", "200M"}, {"threads", "2"}, {"scene-cut", "0"}, {0}},
                                     {{"memory", "1G"}, {"threads", "2"}, {"scene-cut", "0"}, {0}}};
    float *frames[2] = {detail(0), detail(GPOINTER_TO_INT(data))};
    tw_report report;
    float *whole = run(frames, WHOLE, &report);
    g_assert_cmpfloat(farthest(whole, frames[0]), >, 0.1); /* a frame that is repeated would prove nothing */
    g_assert_cmpfloat(farthest(whole, frames[1]), >, 0.1);
    double worst = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(WAYS); i++) {
        float *tiled = run(frames, WAYS[i], &report);
        worst = MAX(worst, farthest(whole, tiled));
        if (i < 3)
            g_assert_cmpint(report.tiles, >, 1);
        g_free(tiled);
    }
    g_test_message("largest difference %.5f/255", worst * 255);
    g_assert_cmpfloat(worst, <=, BOUND);
    g_free(whole);
    g_free(frames[0]);
    g_free(frames[1]);
}

int main(int argc, char **argv)
{
    const char *photos = g_getenv("TILEWRIGHT_TEST_PHOTOS");
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    if (!photos) {
        g_printerr("TILEWRIGHT_TEST_PHOTOS must name its folder (make test sets it)\n");
        return 99;
    }
    char *path = g_build_filename(photos, "usr/share/backgrounds/mate/nature/Garden.jpg", NULL);
    photo = vips_image_new_from_file(path, "access", VIPS_ACCESS_RANDOM, NULL);
    g_assert_nonnull(photo);
    g_assert_cmpint(photo->Bands, ==, BANDS);
    tw_error err = TW_ERROR_NONE;
    g_assert_cmpint(tw_session_new(&session, &err), ==, TW_OK);
    g_test_add_data_func("/between/motion/12", GINT_TO_POINTER(12), test_motion);
    g_test_add_data_func("/between/motion/300", GINT_TO_POINTER(300), test_motion);
    int result = g_test_run();
    tw_session_free(session);
    g_object_unref(photo);
    g_free(path);
    return result;
}
