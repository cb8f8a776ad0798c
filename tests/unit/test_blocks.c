/* SPDX-License-Identifier: MIT */
/** Traces of JPEG in pictures that are none any more: qualities told from pixels alone, wherever the grid lies; and none seen where
 *  none are. */
#include <math.h>

#include "job_fixture.h"
#include "ops/upscale/blocks.h"

#define WIDTH  500
#define HEIGHT 400
#define BANDS  3

/* Waves of several lengths and a little noise, never black nor white. */
static void paint(uint8_t *pixels)
{
    GRand *rand = g_rand_new_with_seed(7);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < BANDS; c++) {
                double wave =
                    40 * sin(x * 0.11 + y * 0.031) + 30 * sin(x * 0.023 - y * 0.19 + c) + 20 * sin(x * 0.4) * cos(y * 0.37);
                *pixels++ = (uint8_t)CLAMP(128 + wave + g_rand_double_range(rand, -6, 6), 1, 254);
            }
    g_rand_free(rand);
}

/* As JPEG keeps it, decoded again. */
static void encode(uint8_t *pixels, int quality)
{
    VipsImage *in = vips_image_new_from_memory(pixels, WIDTH * HEIGHT * BANDS, WIDTH, HEIGHT, BANDS, VIPS_FORMAT_UCHAR), *out;
    void *bytes;
    size_t length;
    g_assert_cmpint(vips_copy(in, &out, "interpretation", VIPS_INTERPRETATION_sRGB, NULL), ==, 0);
    g_assert_cmpint(vips_jpegsave_buffer(out, &bytes, &length, "Q", quality, NULL), ==, 0);
    g_object_unref(in);
    g_object_unref(out);
    g_assert_cmpint(vips_jpegload_buffer(bytes, length, &out, NULL), ==, 0);
    size_t size;
    void *decoded = vips_image_write_to_memory(out, &size);
    g_assert_cmpuint(size, ==, WIDTH * HEIGHT * BANDS);
    memcpy(pixels, decoded, size);
    g_free(decoded);
    g_free(bytes);
    g_object_unref(out);
}

/* Of a part of the picture, which moves the grid. */
static int told(const uint8_t *pixels, int left, int top, int width, int height)
{
    void *room = g_malloc((gsize)tw_blocks_bytes(width));
    tw_blocks *blocks = tw_blocks_new(room, width);
    for (int y = top; y < top + height; y++)
        tw_blocks_add(blocks, pixels + ((int64_t)y * WIDTH + left) * BANDS, BANDS, BANDS);
    int quality = tw_blocks_quality(blocks);
    g_free(room);
    return quality;
}

static void qualities(void)
{
    uint8_t *clean = g_malloc(WIDTH * HEIGHT * BANDS), *pixels = g_malloc(WIDTH * HEIGHT * BANDS);
    paint(clean);
    g_assert_cmpint(told(clean, 0, 0, WIDTH, HEIGHT), ==, 0);
    static const int tried[] = {25, 40, 55, 70, 80};
    for (size_t i = 0; i < G_N_ELEMENTS(tried); i++) {
        memcpy(pixels, clean, WIDTH * HEIGHT * BANDS);
        encode(pixels, tried[i]);
        for (int k = 0; k < 9; k += 4) {
            int quality = told(pixels, k, 9 - k, WIDTH - 9, HEIGHT - 9);
            g_test_message("quality %d at %d,%d: %d told", tried[i], k, 9 - k, quality);
            g_assert_cmpint(ABS(quality - tried[i]), <=, 2);
        }
    }
    g_free(clean);
    g_free(pixels);
}

/* Squares of eight pixels are blocks to the eye, but no JPEG made them. */
static void squares(void)
{
    uint8_t *pixels = g_malloc(WIDTH * HEIGHT * BANDS);
    GRand *rand = g_rand_new_with_seed(9);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < BANDS; c++) {
                uint8_t *at = pixels + ((int64_t)y * WIDTH + x) * BANDS + c;
                *at = x % 8 == 0 && y % 8 == 0 ? (uint8_t)g_rand_int_range(rand, 20, 230)
                                               : at[x % 8 ? -BANDS : -(int64_t)WIDTH * BANDS];
            }
    g_assert_cmpint(told(pixels, 0, 0, WIDTH, HEIGHT), ==, 0);
    g_rand_free(rand);
    g_free(pixels);
}

static void nothing(void)
{
    uint8_t *pixels = g_malloc0(WIDTH * HEIGHT * BANDS);
    g_assert_cmpint(told(pixels, 0, 0, WIDTH, HEIGHT), ==, 0);
    g_assert_cmpint(told(pixels, 0, 0, 1, 1), ==, 0);
    g_assert_cmpint(told(pixels, 0, 0, 7, 20), ==, 0);
    g_assert_cmpint(told(pixels, 0, 0, 20, 7), ==, 0);
    memset(pixels, 128, WIDTH * HEIGHT * BANDS);
    g_assert_cmpint(told(pixels, 0, 0, WIDTH, HEIGHT), ==, 0);
    g_free(pixels);
}

/* Whole: a PNG of what was a JPEG gets the restore net, planned and run; a clean one, or one that cannot be read twice for nothing, does
 * not. */
static void assert_net(const char *input, bool run, const char *net, const char *why)
{
    tw_error err = TW_ERROR_NONE;
    tw_session *session;
    tw_job *job;
    char *output = in_folder("out.png");
    assert_ok(tw_session_new(&session, &err), err);
    assert_ok(tw_job_new(session, "upscale", &job, &err), err);
    assert_ok(tw_job_input(job, input, &err), err);
    assert_ok(tw_job_output(job, output, &err), err);
    assert_ok(tw_job_set(job, "overwrite", "true", &err), err);
    assert_ok(run ? tw_job_run(job, &err) : tw_job_plan(job, &err), err);
    const tw_report *report = tw_job_report(job);
    char *json = tw_job_json(job);
    g_assert_cmpstr(report->model, ==, net);
    if (!strstr(json, why))
        g_error("%s holds no '%s'", json, why);
    if (run)
        g_assert_cmpint(report->job_peak_bytes, <=, report->planned_peak_bytes);
    tw_bytes_free(json);
    tw_job_free(job);
    tw_session_free(session);
    g_free(output);
}

static void save(const uint8_t *pixels, const char *path)
{
    VipsImage *image = vips_image_new_from_memory(pixels, WIDTH * HEIGHT * BANDS, WIDTH, HEIGHT, BANDS, VIPS_FORMAT_UCHAR);
    g_assert_cmpint(vips_image_write_to_file(image, path, NULL), ==, 0);
    g_object_unref(image);
}

static void jobs(void)
{
    uint8_t *pixels = g_malloc(WIDTH * HEIGHT * BANDS);
    char *clean = in_folder("clean.png"), *damaged = in_folder("damaged.png"), *whole = in_folder("whole.webp[lossless]");
    paint(pixels);
    save(pixels, clean);
    encode(pixels, 40);
    save(pixels, damaged);
    save(pixels, whole);
    *strchr(whole, '[') = '\0';
    for (int run = 0; run < 2; run++) {
        assert_net(clean, run, "photo-2x", "nor do blocks tell");
        assert_net(damaged, run, "restore-2x", "once a JPEG of quality 39");
        assert_net(whole, run, "photo-2x", "the input is no JPEG\"");
    }
    g_free(pixels);
    g_free(clean);
    g_free(damaged);
    g_free(whole);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder_open();
    if (vips_init(argv[0]))
        g_error("libvips");
    g_test_add_func("/blocks/qualities", qualities);
    g_test_add_func("/blocks/squares", squares);
    g_test_add_func("/blocks/nothing", nothing);
    g_test_add_func("/blocks/jobs", jobs);
    int status = g_test_run();
    folder_close();
    return status;
}
