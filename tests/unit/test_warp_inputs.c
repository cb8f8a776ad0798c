/* SPDX-License-Identifier: MIT */
/* Inputs of warp that are read at random: from their own tiles where a TIFF has some, through scratch where not; damaged ones. */
#include "warp_checks.h"

/* Displacements that turn about and swing, so that they are read at random: nothing bounds them. The file is tiled itself: no scratch. */
static char *store_swing(void)
{
    image p = {WIDTH, HEIGHT, 2, VIPS_FORMAT_FLOAT, g_new(double, WIDTH *HEIGHT * 2)};
    for (int y = 0, i = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++, i += 2) {
            p.v[i] = y - x + 20 * sin(x / 9.0);
            p.v[i + 1] = x - y + 5.3;
        }
    char *full = store(&p, "swing.tif[tile,tile-width=64,tile-height=64]");
    *strchrnul(full, '[') = 0;
    g_free(p.v);
    return full;
}

static void must_warp_from(const char *input, const char *output, const char *field, bool tiles)
{
    tw_error err = TW_ERROR_NONE;
    tw_job *job = NULL;
    assert_ok(tw_job_new(session, "warp", &job, &err), err);
    assert_ok(tw_job_set(job, "field", field, &err), err);
    assert_ok(tw_job_set(job, "overwrite", "true", &err), err);
    assert_ok(tw_job_input(job, input, &err), err);
    assert_ok(tw_job_output(job, output, &err), err);
    assert_ok(tw_job_plan(job, &err), err);
    char *text = tw_job_explain(job);
    g_assert_nonnull(strstr(text, tiles ? "from its own tiles" : "through a scratch copy, because this TIFF has strips"));
    tw_bytes_free(text);
    assert_ok(tw_job_run(job, &err), err);
    g_assert_cmpint(tw_job_report(job)->scratch_bytes > 0, ==, !tiles);
    char *json = tw_job_json(job);
    g_assert_nonnull(strstr(json, tiles ? "\"source_from\":\"tiles\"" : "\"source_from\":\"scratch\""));
    tw_bytes_free(json);
    tw_job_free(job);
}

static void test_same(void)
{
    static const VipsBandFormat FORMATS[] = {VIPS_FORMAT_UCHAR, VIPS_FORMAT_USHORT, VIPS_FORMAT_FLOAT};
    char *field = store_swing(), *output = in_folder("out.tif");
    for (int bands = 1; bands <= 4; bands++)
        for (int k = 0; k < 3; k++) {
            image p = made(bands, FORMATS[k]);
            char *strips = store(&p, "strips.tif"),
                 *tiles = store(&p, "tiles.tif[tile,tile-width=48,tile-height=32,compression=deflate]");
            *strchrnul(tiles, '[') = 0;
            size_t bytes;
            must_warp_from(strips, output, field, false);
            void *expected = read_samples(output, &bytes);
            must_warp_from(tiles, output, field, true);
            assert_same_samples(output, expected, bytes);
            char *owned[] = {strips, tiles, expected, (char *)p.v};
            for (size_t i = 0; i < G_N_ELEMENTS(owned); i++)
                g_free(owned[i]);
        }
    g_free(field);
    g_free(output);
}

/* A third of its bytes, in the middle, are nonsense. */
static void test_damaged(void)
{
    char *field = store_swing(), *bytes;
    image p = made(3, VIPS_FORMAT_UCHAR);
    char *input = store(&p, "damaged.tif[tile,tile-width=32,tile-height=32,compression=deflate]");
    gsize n;
    *strchrnul(input, '[') = 0;
    g_assert_true(g_file_get_contents(input, &bytes, &n, NULL));
    memset(bytes + n / 3, 0x5a, n / 3);
    g_assert_true(g_file_set_contents(input, bytes, (gssize)n, NULL));
    g_log_set_always_fatal(G_LOG_FATAL_MASK); /* libvips warns */
    refused(input, field, NULL, TW_ERROR_INPUT, "damaged.tif: truncated or damaged: no tile at ");
    g_free(bytes);
    g_free(p.v);
    g_free(input);
    g_free(field);
}

/* --- many bands ---------------------------------------------------------------------------------------------------- */

/* One band of it. */
static char *store_band(const image *p, int band, const char *name)
{
    image one = {p->width, p->height, 1, p->format, g_new(double, p->width * p->height)};
    for (int i = 0; i < p->width * p->height; i++)
        one.v[i] = p->v[i * p->bands + band];
    char *path = store(&one, name);
    g_free(one.v);
    return path;
}

/* Every band as it comes out of a picture that has no other. */
static void check_bands(const image *p, const char *input, const char *field, const setting *settings)
{
    char *output = in_folder("many-out.tif"), *alone = in_folder("one-out.tif");
    must_warp(input, output, field, settings);
    image got = stored(output);
    g_assert_cmpint(got.bands, ==, p->bands);
    g_assert_cmpint(got.format, ==, p->format);
    for (int band = 0; band<p->bands; band += p->bands> 9 ? 7 : 1) {
        char *one = store_band(p, band, "one.tif");
        must_warp(one, alone, field, settings);
        image want = stored(alone);
        for (int i = 0; i < got.width * got.height; i++)
            if (got.v[i * got.bands + band] != want.v[i])
                g_error("%d bands, band %d, sample %d: %g, alone %g", p->bands, band, i, got.v[i * got.bands + band],
                        want.v[i]);
        g_free(want.v);
        g_free(one);
    }
    g_free(got.v);
    g_free(output);
    g_free(alone);
}

static void test_many_bands(void)
{
    static const struct {
        int bands;
        VipsBandFormat format;
        const char *name;
        setting settings[4];
    } CASES[] = {
        {5, VIPS_FORMAT_UCHAR, "many.tif", {{"threads", "2"}, {0}}},
        {6, VIPS_FORMAT_UCHAR, "many.tif", {{"interpolate", "nearest"}, {"background", "7"}, {0}}},
        {7, VIPS_FORMAT_USHORT, "many.tif", {{"interpolate", "lanczos3"}, {"background", "999"}, {0}}},
        {8, VIPS_FORMAT_FLOAT, "many.tif[tile,tile-width=64,tile-height=64]", {{"interpolate", "bilinear"}, {0}}},
        {11, VIPS_FORMAT_USHORT, "many.tif[tile,tile-width=64,tile-height=64,compression=lzw]", {{"outside", "mirror"}, {0}}},
        {64, VIPS_FORMAT_FLOAT, "many.tif", {{"outside", "edge"}, {"tile", "64x48"}, {"threads", "3"}, {0}}},
        {64, VIPS_FORMAT_UCHAR, "many.tif", {{"interpolate", "nearest"}, {0}}},
    };
    char *fields[] = {store_map(&GENTLE, "f.tfm"), store_swing()};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++)
        for (int k = 0; k < 2; k++) {
            image p = made(CASES[i].bands, CASES[i].format);
            char *input = store(&p, CASES[i].name);
            *strchrnul(input, '[') = 0;
            check_bands(&p, input, fields[k], CASES[i].settings);
            g_free(input);
            g_free(p.v);
        }
    g_free(fields[0]);
    g_free(fields[1]);
}

/* A value for each band, and none for alpha. */
static void test_many_backgrounds(void)
{
    image p = made(6, VIPS_FORMAT_UCHAR);
    map far = GENTLE;
    far.m[2] = far.m[5] = 5000;
    char *input = store(&p, "many.tif"), *field = store_map(&far, "far.tfm"), *output = in_folder("many-out.tif");
    static const char *const KINDS[] = {"nearest", "bicubic"};
    for (int kind = 0; kind < 2; kind++) {
        must_warp(input, output, field, (const setting[]){{"background", "1,2,3,4,5,6"}, {"interpolate", KINDS[kind]}, {0}});
        image got = stored(output);
        for (int i = 0; i < got.width * got.height * 6; i++)
            g_assert_cmpfloat(got.v[i], ==, i % 6 + 1);
        g_free(got.v);
    }
    refused(input, field, (const setting[]){{"background", "1,2"}, {0}}, TW_ERROR_USAGE, "2 values for a picture of 6 bands");
    g_free(input);
    g_free(field);
    g_free(output);
    g_free(p.v);
}

static void test_too_many(void)
{
    image p = made(6, VIPS_FORMAT_UCHAR), q = made(65, VIPS_FORMAT_UCHAR);
    char *input = store(&p, "many.tif"), *more = store(&q, "more.tif"), *field = store_map(&GENTLE, "f.tfm"),
         *output = in_folder("out.tif");
    refused(input, field, NULL, TW_ERROR_USAGE, "PNG cannot hold 6 bands");
    refused(input, field, (const setting[]){{"format", "jxl"}, {0}}, TW_ERROR_USAGE, "JPEG XL cannot hold 6 bands");
    refused(input, field, (const setting[]){{"format", "tiff"}, {"outside", "transparent"}, {0}}, TW_ERROR_USAGE, "6 bands");
    refused(more, field, (const setting[]){{"format", "tiff"}, {0}}, TW_ERROR_INPUT, "65 bands; at most 64");
    tw_error err = TW_ERROR_NONE;
    assert_fails(upscale(session, input, output, NULL, NULL, &err), TW_ERROR_INPUT, err, "6 bands; at most 4");
    char *owned[] = {input, more, field, output, (char *)p.v, (char *)q.v};
    for (size_t i = 0; i < G_N_ELEMENTS(owned); i++)
        g_free(owned[i]);
}

int main(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;
    folder_open();
    g_test_init(&argc, &argv, NULL);
    assert_ok(tw_session_new(&session, &err), err);
    g_test_add_func("/warp-inputs/same", test_same);
    g_test_add_func("/warp-inputs/damaged", test_damaged);
    g_test_add_func("/warp-inputs/many-bands", test_many_bands);
    g_test_add_func("/warp-inputs/many-backgrounds", test_many_backgrounds);
    g_test_add_func("/warp-inputs/too-many", test_too_many);
    int result = g_test_run();
    tw_session_free(session);
    folder_close();
    return result;
}
