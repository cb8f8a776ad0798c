/* SPDX-License-Identifier: MIT */
/** tile == whole, for every installed model and the embedded one: over tile sizes, threads and budgets, through the public API, on a
 *  crop of a real photograph in float32, so that nothing is hidden by rounding. */
#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "model/embedded.h"
#include "tilewright/tilewright.h"

#define BOUND (0.01 / 255)

static char *folder, *picture, *large_net_picture;
static tw_session *session;

typedef struct option {
    const char *name, *value;
} option;

/* Runs the model and returns the result's floats; `report` may be NULL. */
static float *run(const char *input, const char *model, const option *options, int n, size_t *count, tw_report *report)
{
    tw_error err = TW_ERROR_NONE;
    tw_job *job = NULL;
    char *output = g_build_filename(folder, "out.tif", NULL);
    g_assert_cmpint(tw_job_new(session, "upscale", &job, &err), ==, TW_OK);
    tw_job_set(job, "model", model, &err);
    tw_job_set(job, "overwrite", "true", &err);
    tw_job_set(job, "tiff-compression", "none", &err);
    for (int i = 0; i < n; i++)
        tw_job_set(job, options[i].name, options[i].value, &err);
    tw_job_input(job, input, &err);
    tw_job_output(job, output, &err);
    tw_job_run(job, &err);
    if (err.code != TW_OK)
        g_error("%s: %s", model, err.message);
    if (report)
        *report = *tw_job_report(job);
    tw_job_free(job);

    VipsImage *image = vips_image_new_from_file(output, NULL);
    size_t bytes;
    g_assert_nonnull(image);
    g_assert_cmpint(vips_image_get_format(image), ==, VIPS_FORMAT_FLOAT);
    float *values = vips_image_write_to_memory(image, &bytes);
    *count = bytes / sizeof(float);
    g_object_unref(image);
    g_free(output);
    return values;
}

static double largest_difference(const float *a, const float *b, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double difference = fabs((double)a[i] - (double)b[i]);
        if (!(difference <= worst)) /* a NaN counts */
            worst = isnan(difference) ? INFINITY : difference;
    }
    return worst;
}

static double spread(const float *a, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i], squares += (double)a[i] * a[i];
    return sqrt(squares / (double)n - sum / (double)n * (sum / (double)n));
}

static bool is_large(const char *model)
{
    return strncmp(model, "realesrgan", 10) == 0;
}

static void check_model(const void *data)
{
    const char *model = data;
    const char *input = is_large(model) ? large_net_picture : picture;
    static const option tilings[] = {{"carry", "16"},   {"carry", "48"},    {"carry", "97"},  {"carry", "256"},
                                     {"halo", "33x57"}, {"carry", "48x20"}, {"halo", "48x32"}};
    size_t n, m;
    option whole[] = {{"schedule", "whole"}, {"memory", "12G"}};
    float *reference = run(input, model, whole, 2, &n, NULL);
    g_assert_cmpfloat(spread(reference, n), >, 0.02);             /* a flat result would prove nothing */
    int n_tilings = (int)G_N_ELEMENTS(tilings) - is_large(model); /* halos larger than the picture: one is enough */
    double worst = 0;
    for (int i = 0; i < n_tilings; i++) {
        option tiled[] = {{"schedule", tilings[i].name}, {"tile", tilings[i].value}, {"memory", "4G"}, {"threads", "2"}};
        tw_report report;
        float *got = run(input, model, tiled, 4, &m, &report);
        g_assert_cmpuint(m, ==, n);
        g_assert_cmpstr(report.schedule, ==, tilings[i].name);
        if (strcmp(tilings[i].value, "256") != 0)
            g_assert_cmpint(report.tiles, >, 1);
        double difference = largest_difference(reference, got, n);
        worst = MAX(worst, difference);
        if (difference > BOUND)
            g_test_message("%s %s tile %s: %g/255", model, tilings[i].name, tilings[i].value, difference * 255);
        g_assert_cmpfloat(difference, <=, BOUND);
        g_free(got);
    }
    g_test_message("%s: largest difference %.5f/255", model, worst * 255);
    g_free(reference);
}

/* For one tile size the number of threads changes no byte. */
static void check_threads(const void *data)
{
    static const char *const threads[] = {"1", "2", "3", "4"};
    float *first = NULL;
    size_t n = 0, m;
    for (int i = 0; i < 8; i++) {
        option options[] = {
            {"tile", "24"}, {"memory", "2G"}, {"threads", threads[i % 4]}, {"schedule", i < 4 ? "carry" : "halo"}};
        float *got = run(picture, data, options, 4, &m, NULL);
        if (i % 4 == 0) {
            g_free(first);
            first = got;
            n = m;
            continue;
        }
        g_assert_cmpmem(first, n * sizeof(float), got, m * sizeof(float));
        g_free(got);
    }
    g_free(first);
}

/* Budgets from ample down to the smallest that the refusal names: the same picture. */
static void check_budgets(const void *data)
{
    const char *model = data;
    size_t n, m;
    option ample[] = {{"memory", "2G"}};
    float *reference = run(picture, model, ample, 1, &n, NULL);
    tw_error err = TW_ERROR_NONE;
    tw_job *job = NULL;
    tw_job_new(session, "upscale", &job, &err);
    tw_job_set(job, "model", model, &err);
    tw_job_set(job, "memory", "1M", &err);
    tw_job_set(job, "overwrite", "true", &err);
    tw_job_input(job, picture, &err);
    tw_job_output(job, "/tmp/never-written.tif", &err);
    g_assert_cmpint(tw_job_plan(job, &err), ==, TW_ERROR_BUDGET);
    const char *number = strstr(err.message, "would do is ");
    g_assert_nonnull(number);
    long long smallest = strtoll(number + strlen("would do is "), NULL, 10);
    tw_job_free(job);
    for (int i = 0; i < 3; i++) {
        char memory[32];
        g_snprintf(memory, sizeof memory, "%lldM", smallest + i * i * 8);
        option tight[] = {{"memory", memory}};
        float *got = run(picture, model, tight, 1, &m, NULL);
        g_assert_cmpuint(m, ==, n);
        g_assert_cmpfloat(largest_difference(reference, got, n), <=, BOUND);
        g_free(got);
    }
    g_free(reference);
}

/* Sizes that tempt off-by-one: every one must run and equal the whole. */
static void check_sizes(const void *data)
{
    static const int sizes[][2] = {{1, 1}, {7, 3}, {33, 1000}, {1000, 33}, {65, 64}};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        char *small = g_build_filename(folder, "small.tif", NULL);
        VipsImage *image = vips_image_new_from_file(picture, NULL), *part = NULL;
        int w = vips_image_get_width(image), h = vips_image_get_height(image);
        VipsImage *wide = NULL;
        g_assert_cmpint(vips_replicate(image, &wide, sizes[i][0] / w + 1, sizes[i][1] / h + 1, NULL), ==, 0);
        g_assert_cmpint(vips_crop(wide, &part, 0, 0, sizes[i][0], sizes[i][1], NULL), ==, 0);
        g_assert_cmpint(vips_tiffsave(part, small, NULL), ==, 0);
        g_object_unref(part);
        g_object_unref(wide);
        g_object_unref(image);
        size_t n, m;
        option whole[] = {{"schedule", "whole"}};
        static const option tilings[] = {{"carry", "16"}, {"carry", "97"}, {"halo", "16"}};
        float *reference = run(small, data, whole, 1, &n, NULL);
        for (size_t k = 0; k < G_N_ELEMENTS(tilings); k++) {
            option tiled[] = {{"schedule", tilings[k].name}, {"tile", tilings[k].value}};
            float *got = run(small, data, tiled, 2, &m, NULL);
            g_assert_cmpuint(m, ==, n);
            g_assert_cmpfloat(largest_difference(reference, got, n), <=, BOUND);
            g_free(got);
        }
        g_free(reference);
        g_free(small);
    }
}

/* The picture as a TIFF in tiles, which regions are read from directly, with an alpha that is nowhere the same. */
static char *tiled_with_alpha(void)
{
    char *path = g_build_filename(folder, "tiled.tif", NULL);
    VipsImage *image = vips_image_new_from_file(picture, NULL), *band = NULL, *both = NULL;
    g_assert_cmpint(vips_extract_band(image, &band, 1, NULL), ==, 0);
    g_assert_cmpint(vips_bandjoin2(image, band, &both, NULL), ==, 0);
    g_assert_cmpint(vips_tiffsave(both, path, "tile", TRUE, "tile_width", 32, "tile_height", 32, NULL), ==, 0);
    g_object_unref(both);
    g_object_unref(band);
    g_object_unref(image);
    return path;
}

static double region_difference(const float *whole, const int size[2], int bands, int scale, const int r[4], const float *part)
{
    double worst = 0;
    size_t row = (size_t)r[2] * (size_t)scale * (size_t)bands;
    for (int y = 0; y < r[3] * scale; y++) {
        size_t from = ((size_t)(r[1] * scale + y) * (size_t)(size[0] * scale) + (size_t)(r[0] * scale)) * (size_t)bands;
        worst = MAX(worst, largest_difference(whole + from, part + (size_t)y * row, row));
    }
    return worst;
}

/* --region: that part of what the whole picture gives, wherever it lies, from rows and from tiles, with any tiles of ours. */
static void check_regions(const void *data)
{
    static const int regions[][4] = {{0, 0, 118, 101}, {0, 0, 1, 1},    {117, 100, 1, 1},
                                     {37, 41, 29, 23}, {64, 0, 54, 64}, {0, 90, 118, 11}};
    static const char *const tiles[] = {"0", "24", "33x20"};
    char *tiled = tiled_with_alpha(), *inputs[] = {picture, tiled};
    double worst = 0;
    for (int i = 0; i < 2; i++) {
        size_t n, m;
        tw_report report;
        option whole[] = {{"schedule", "whole"}, {"memory", "4G"}};
        float *reference = run(inputs[i], data, whole, 2, &n, &report);
        int scale = (int)(report.width / report.in_width), size[] = {(int)report.in_width, (int)report.in_height};
        for (size_t k = 0; k < G_N_ELEMENTS(regions); k++) {
            const int *r = regions[k];
            char text[64];
            g_snprintf(text, sizeof text, "%d,%d,%d,%d", r[0], r[1], r[2], r[3]);
            option part[] = {{"region", text}, {"tile", tiles[k % 3]}, {"memory", "4G"}};
            float *got = run(inputs[i], data, part, 3, &m, &report);
            g_assert_cmpuint(m, ==, (size_t)r[2] * (size_t)r[3] * (size_t)(scale * scale * (3 + i)));
            g_assert_true(report.exact);
            double difference = region_difference(reference, size, 3 + i, scale, r, got);
            worst = MAX(worst, difference);
            g_assert_cmpfloat(difference, <=, BOUND);
            g_free(got);
        }
        g_free(reference);
    }
    g_test_message("%s: largest difference of a region %.5f/255", (const char *)data, worst * 255);
    g_free(tiled);
}

static char *crop(const char *photo, int x, int y, int w, int h, const char *name)
{
    VipsImage *image = vips_image_new_from_file(photo, NULL), *part = NULL, *scaled = NULL, *real = NULL;
    char *path = g_build_filename(folder, name, NULL);
    if (!image)
        g_error("no photograph %s: %s", photo, vips_error_buffer());
    g_assert_cmpint(vips_crop(image, &part, x, y, w, h, NULL), ==, 0);
    g_assert_cmpint(vips_linear1(part, &scaled, 1 / 255.0, 0, NULL), ==, 0);
    g_assert_cmpint(vips_cast_float(scaled, &real, NULL), ==, 0);
    g_assert_cmpint(vips_tiffsave(real, path, NULL), ==, 0);
    g_object_unref(real);
    g_object_unref(scaled);
    g_object_unref(part);
    g_object_unref(image);
    return path;
}

int main(int argc, char **argv)
{
    const char *models = g_getenv("TILEWRIGHT_TEST_MODELS"), *photos = g_getenv("TILEWRIGHT_TEST_PHOTOS");
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    if (!models || !photos) {
        g_printerr("TILEWRIGHT_TEST_MODELS and TILEWRIGHT_TEST_PHOTOS must name their folders (make test sets them)\n");
        return 99;
    }
    g_setenv("TILEWRIGHT_MODELS", models, TRUE);
    folder = g_dir_make_tmp("tilewright-exact-XXXXXX", NULL);
    char *photo = g_build_filename(photos, "usr/share/backgrounds/mate/nature/Garden.jpg", NULL);
    picture = crop(photo, 1200, 700, 118, 101, "photo.tif");
    large_net_picture = crop(photo, 1200, 700, 128, 20, "small-photo.tif"); /* wider than the halo of x4plus-anime */
    tw_error err = TW_ERROR_NONE;
    tw_session_new(&session, &err);

    GPtrArray *names = g_ptr_array_new();
    for (const tw_embedded_model *own = tw_embedded_models; own->name; own++)
        if (strcmp(own->name, "between") != 0) /* test_between.c */
            g_ptr_array_add(names, g_strdup(own->name));
    GDir *dir = g_dir_open(models, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        if (g_str_has_suffix(name, ".param"))
            g_ptr_array_add(names, g_strndup(name, strlen(name) - strlen(".param")));
    g_assert_cmpuint(names->len, >, 20);
    for (guint i = 0; i < names->len; i++) {
        char *path = g_strconcat("/exact/model/", names->pdata[i], NULL);
        g_test_add_data_func(path, names->pdata[i], check_model);
        g_free(path);
    }
    static const char *const of_regions[] = {"photo-2x", "photo-3x", "realesr-animevideov3-x4", "realcugan-2x-se-no-denoise",
                                             "waifu2x-cunet-noise0-2x"};
    for (size_t i = 0; i < G_N_ELEMENTS(of_regions); i++) {
        char *name = g_strconcat("/exact/regions/", of_regions[i], NULL);
        g_test_add_data_func(name, of_regions[i], check_regions);
        g_free(name);
    }
    static const char *const representative[] = {"photo-2x", "realesr-animevideov3-x2", "realcugan-2x-se-no-denoise"};
    for (size_t i = 0; i < G_N_ELEMENTS(representative); i++) {
        char *name = g_strconcat("/exact/threads/", representative[i], NULL);
        g_test_add_data_func(name, representative[i], check_threads);
        name = g_strconcat("/exact/budgets/", representative[i], NULL);
        g_test_add_data_func(name, representative[i], check_budgets);
        name = g_strconcat("/exact/sizes/", representative[i], NULL);
        g_test_add_data_func(name, representative[i], check_sizes);
    }
    int status = g_test_run();
    tw_session_free(session);
    return status;
}
