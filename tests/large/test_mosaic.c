/* SPDX-License-Identifier: MIT */
/** A huge picture through a small budget: test_mosaic WIDTH HEIGHT MEMORY WINDOWS FOLDER
 *  Makes an uncompressed TIFF mosaic of the photographs in $TILEWRIGHT_TEST_PHOTOS, upscales it 2x with the embedded model under
 *  MEMORY, asserts planned >= VmHWM and VmHWM <= MEMORY, and compares WINDOWS random windows of the result with the same windows
 *  upscaled alone with their context: at most one level apart. Prints what it measured. */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "large_checks.h"
#include "tilewright/tilewright.h"

#define CONTEXT 40 /* more than any halo of the embedded model */
#define SIDE    64

static G_GNUC_NORETURN void die(const char *what)
{
    g_printerr("mosaic: %s: %s\n", what, vips_error_buffer());
    exit(1);
}

/* Photographs of one size side by side, repeated until they cover the mosaic, each repeat turned so that windows differ. */
static void make_mosaic(const char *photos, int width, int height, const char *path)
{
    VipsImage *tiles[4], *row, *wide, *part;
    static const char *const names[] = {"Garden.jpg", "Storm.jpg", "FreshFlower.jpg", "YellowFlower.jpg"};
    for (int i = 0; i < 4; i++) {
        char *name = g_build_filename(photos, "usr/share/backgrounds/mate/nature", names[i], NULL);
        VipsImage *photo = vips_image_new_from_file(name, NULL), *crop;
        if (!photo || vips_crop(photo, &crop, 0, 0, 1024, 768, NULL) || !(tiles[i] = vips_image_copy_memory(crop)))
            die(name);
        g_object_unref(crop);
        g_object_unref(photo);
        g_free(name);
    }
    if (vips_arrayjoin(tiles, &row, 4, "across", 2, NULL) ||
        vips_replicate(row, &wide, width / 2048 + 1, height / 1536 + 1, NULL) ||
        vips_crop(wide, &part, 0, 0, width, height, NULL) || vips_tiffsave(part, path, "bigtiff", TRUE, NULL))
        die(path);
    g_object_unref(part);
    g_object_unref(wide);
    g_object_unref(row);
    for (int i = 0; i < 4; i++)
        g_object_unref(tiles[i]);
}

/* The window of the mosaic with its context, upscaled alone; the memory holds interleaved RGB of the whole little picture. */
static uint8_t *alone(tw_session *session, VipsImage *mosaic, int x, int y, int w, int h, size_t *bytes)
{
    tw_error err = TW_ERROR_NONE;
    tw_job *job;
    VipsImage *part, *result;
    void *encoded, *answer;
    size_t length;
    if (vips_crop(mosaic, &part, x, y, w, h, NULL) || vips_pngsave_buffer(part, &encoded, &length, "compression", 1, NULL))
        die("window");
    g_object_unref(part);
    tw_job_new(session, "upscale", &job, &err);
    tw_job_set(job, "model", "photo-2x", &err); /* windows may look otherwise than the whole */
    tw_job_set(job, "schedule", "whole", &err);
    tw_job_set(job, "memory", "2G", &err);
    tw_job_input_bytes(job, encoded, length, "window", &err);
    tw_job_output_bytes(job, "png", &err);
    if (tw_job_run(job, &err) != TW_OK) {
        g_printerr("mosaic: window: %s\n", err.message);
        exit(1);
    }
    answer = tw_job_take_bytes(job, &length);
    if (!(result = vips_image_new_from_buffer(answer, length, "", NULL)))
        die("window");
    uint8_t *pixels = vips_image_write_to_memory(result, bytes);
    g_object_unref(result);
    tw_bytes_free(answer);
    tw_job_free(job);
    g_free(encoded);
    return pixels;
}

static int compare_window(tw_session *session, VipsImage *mosaic, VipsImage *result, GRand *random)
{
    int width = vips_image_get_width(mosaic), height = vips_image_get_height(mosaic);
    int x = g_rand_int_range(random, 0, MAX(width - SIDE, 1)), y = g_rand_int_range(random, 0, MAX(height - SIDE, 1));
    int x0 = MAX(x - CONTEXT, 0), y0 = MAX(y - CONTEXT, 0);
    int x1 = MIN(x + SIDE + CONTEXT, width), y1 = MIN(y + SIDE + CONTEXT, height);
    int w = MIN(SIDE, width - x), h = MIN(SIDE, height - y), worst = 0;
    size_t n, m;
    VipsImage *part;
    uint8_t *expected = alone(session, mosaic, x0, y0, x1 - x0, y1 - y0, &n);
    if (vips_crop(result, &part, 2 * x, 2 * y, 2 * w, 2 * h, NULL))
        die("result");
    uint8_t *got = vips_image_write_to_memory(part, &m);
    if (!got)
        die("result");
    for (int v = 0; v < 2 * h; v++)
        for (int u = 0; u < 2 * w * 3; u++) {
            size_t at = ((size_t)(2 * (y - y0) + v) * (size_t)(2 * (x1 - x0)) + (size_t)(2 * (x - x0))) * 3 + (size_t)u;
            worst = MAX(worst, abs(expected[at] - got[(size_t)v * (size_t)(2 * w) * 3 + (size_t)u]));
        }
    g_object_unref(part);
    g_free(got);
    g_free(expected);
    return worst;
}

int main(int argc, char **argv)
{
    const char *photos = g_getenv("TILEWRIGHT_TEST_PHOTOS");
    if (argc != 6 || !photos || VIPS_INIT(argv[0])) {
        g_printerr("usage: TILEWRIGHT_TEST_PHOTOS=FOLDER test_mosaic WIDTH HEIGHT MEMORY WINDOWS FOLDER\n");
        return 2;
    }
    int width = atoi(argv[1]), height = atoi(argv[2]), windows = atoi(argv[4]), worst = 0;
    char *mosaic = g_build_filename(argv[5], "mosaic.tif", NULL), *output = g_build_filename(argv[5], "mosaic-2x.tif", NULL);
    tw_error err = TW_ERROR_NONE;
    tw_session *session;
    make_mosaic(photos, width, height, mosaic);

    /* In a process of its own: this one's peak already holds what making the mosaic took. */
    run_within("mosaic", (const char *const[]){"upscale", mosaic, output, "--model", "photo-2x", "--memory", argv[3],
                                               "--overwrite", "--tiff-compression", "none", NULL});
    tw_session_new(&session, &err);
    GRand *random = g_rand_new_with_seed(7);
    VipsImage *whole = vips_image_new_from_file(mosaic, NULL), *result = vips_image_new_from_file(output, NULL);
    if (!whole || !result || vips_image_get_height(result) != 2 * height)
        die(output);
    for (int i = 0; i < windows; i++)
        worst = MAX(worst, compare_window(session, whole, result, random));
    g_object_unref(result);
    g_object_unref(whole);
    g_print("mosaic: %dx%d, %d windows, largest difference %d of 255 levels\n", width, height, windows, worst);
    tw_session_free(session);
    g_unlink(mosaic);
    g_unlink(output);
    return worst <= 1 ? 0 : 1;
}
