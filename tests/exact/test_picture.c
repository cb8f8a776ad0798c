/* SPDX-License-Identifier: MIT */
/** Pictures stay what they were: a 16-bit RGBA PNG with ICC profile, EXIF and resolution comes out as one, and its edges keep their
 *  colour where they become transparent (no fringe of the black that lies under transparent pixels). Alpha, grey and 8 bit, too. */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <vips/vips.h>

#include "tilewright/tilewright.h"

#define SIDE 90

static char *folder;
static tw_session *session;

static VipsImage *upscaled(const char *input, const char *output, const char *tile)
{
    tw_error err = TW_ERROR_NONE;
    tw_job *job;
    tw_job_new(session, "upscale", &job, &err);
    tw_job_set(job, "tile", tile, &err);
    tw_job_set(job, "overwrite", "true", &err);
    tw_job_input(job, input, &err);
    tw_job_output(job, output, &err);
    if (tw_job_run(job, &err) != TW_OK)
        g_error("%s", err.message);
    tw_job_free(job);
    VipsImage *image = vips_image_new_from_file(output, NULL);
    g_assert_nonnull(image);
    return image;
}

/* A disc of one colour on transparent black, with a one-pixel soft edge. */
static VipsImage *disc(void)
{
    static uint16_t pixels[SIDE * SIDE * 4];
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double d = (SIDE / 2 - 12) - __builtin_sqrt((x - SIDE / 2) * (x - SIDE / 2) + (y - SIDE / 2) * (y - SIDE / 2));
            double alpha = d < 0 ? 0 : d > 1 ? 1 : d;
            uint16_t *p = pixels + (y * SIDE + x) * 4;
            p[0] = alpha > 0 ? 52000 : 0;
            p[1] = alpha > 0 ? 40000 : 0;
            p[2] = alpha > 0 ? 47000 : 0;
            p[3] = (uint16_t)(alpha * 65535);
        }
    VipsImage *image = vips_image_new_from_memory(pixels, sizeof pixels, SIDE, SIDE, 4, VIPS_FORMAT_USHORT), *rgb;
    g_assert_cmpint(vips_copy(image, &rgb, "interpretation", VIPS_INTERPRETATION_RGB16, "xres", 11.8, "yres", 11.8, NULL), ==,
                    0);
    g_object_unref(image);
    return rgb;
}

/* libvips writes EXIF into PNG only from a block that is there already: take one from a JPEG. */
static void give_exif(VipsImage *image)
{
    VipsImage *black, *small, *back;
    void *bytes;
    const void *exif;
    size_t length, n;
    g_assert_cmpint(vips_black(&black, 8, 8, NULL), ==, 0);
    g_assert_cmpint(vips_copy(black, &small, "xres", 11.8, "yres", 11.8, NULL), ==, 0);
    vips_image_set_string(small, "exif-ifd0-ImageDescription", "a disc (a disc, ASCII, 7 components, 7 bytes)");
    g_assert_cmpint(vips_jpegsave_buffer(small, &bytes, &length, NULL), ==, 0);
    back = vips_image_new_from_buffer(bytes, length, "", NULL);
    g_assert_cmpint(vips_image_get_blob(back, VIPS_META_EXIF_NAME, &exif, &n), ==, 0);
    vips_image_set_blob_copy(image, VIPS_META_EXIF_NAME, exif, n);
    vips_image_set_string(image, "exif-ifd0-ImageDescription", "a disc (a disc, ASCII, 7 components, 7 bytes)");
    g_object_unref(back);
    g_free(bytes);
    g_object_unref(small);
    g_object_unref(black);
}

static void test_rgba16(void)
{
    char *input = g_build_filename(folder, "disc.png", NULL), *output = g_build_filename(folder, "disc-2x.png", NULL);
    VipsImage *image = disc(), *tagged;
    const void *icc, *icc_out;
    size_t length, length_out, bytes;
    VipsBlob *profile;
    g_assert_cmpint(vips_profile_load("p3", &profile, NULL), ==, 0);
    g_assert_cmpint(vips_copy(image, &tagged, NULL), ==, 0);
    icc = vips_blob_get(profile, &length);
    vips_image_set_blob_copy(tagged, VIPS_META_ICC_NAME, icc, length);
    give_exif(tagged);
    g_assert_cmpint(vips_pngsave(tagged, input, "bitdepth", 16, NULL), ==, 0);

    VipsImage *result = upscaled(input, output, "32");
    g_assert_cmpint(vips_image_get_width(result), ==, 2 * SIDE);
    g_assert_cmpint(vips_image_get_bands(result), ==, 4);
    g_assert_cmpint(vips_image_get_format(result), ==, VIPS_FORMAT_USHORT);
    g_assert_cmpint(vips_image_get_blob(result, VIPS_META_ICC_NAME, &icc_out, &length_out), ==, 0);
    g_assert_cmpmem(icc, length, icc_out, length_out);
    g_assert_cmpint(vips_image_get_typeof(result, VIPS_META_EXIF_NAME), !=, 0);
    const char *text = NULL;
    g_assert_cmpint(vips_image_get_string(result, "exif-ifd0-ImageDescription", &text), ==, 0);
    g_assert_true(g_str_has_prefix(text, "a disc"));
    g_assert_cmpfloat(vips_image_get_xres(result), >, 11.7);

    /* Where anything shows, it is the disc's colour: within 2 % of white, though black lies under the transparent part. */
    uint16_t *pixels = vips_image_write_to_memory(result, &bytes);
    static const double colour[3] = {52000, 40000, 47000};
    int seen = 0;
    for (size_t i = 0; i < bytes / 8; i++) {
        if (pixels[4 * i + 3] < 2000)
            continue;
        seen++;
        for (int c = 0; c < 3; c++)
            g_assert_cmpfloat(ABS(pixels[4 * i + (size_t)c] - colour[c]), <, 0.02 * 65535);
    }
    g_assert_cmpint(seen, >, 1000);
    g_assert_cmpint(pixels[3], ==, 0);                                            /* the corner stays transparent */
    g_assert_cmpint(pixels[4 * ((size_t)SIDE * 2 * SIDE + SIDE) + 3], ==, 65535); /* the middle stays opaque, exactly */
    g_free(pixels);
    g_object_unref(result);
    vips_area_unref(VIPS_AREA(profile));
    g_object_unref(tagged);
    g_object_unref(image);
}

static void same_for_tiles(VipsImage *image, const char *name)
{
    char *input = g_build_filename(folder, name, NULL), *output = g_strconcat(input, "-2x.png", NULL);
    size_t n, m;
    g_assert_cmpint(vips_pngsave(image, input, NULL), ==, 0);
    VipsImage *a = upscaled(input, output, "200");
    uint8_t *one = vips_image_write_to_memory(a, &n);
    g_assert_cmpint(vips_image_get_bands(a), ==, vips_image_get_bands(image));
    g_assert_cmpint(vips_image_get_format(a), ==, vips_image_get_format(image));
    g_object_unref(a);
    VipsImage *b = upscaled(input, output, "24x32");
    uint8_t *many = vips_image_write_to_memory(b, &m);
    g_object_unref(b);
    g_assert_cmpuint(n, ==, m);
    size_t differing = 0;
    for (size_t i = 0; i < n; i++) {
        g_assert_cmpint(abs(one[i] - many[i]), <=, 1);
        differing += one[i] != many[i];
    }
    g_assert_cmpuint(differing, <=, n / 10000 + 1);
    g_free(one);
    g_free(many);
}

static void test_kinds(void)
{
    VipsImage *wide = disc(), *eight, *scaled, *grey, *grey_alpha;
    g_assert_cmpint(vips_linear1(wide, &scaled, 1 / 257.0, 0, "uchar", TRUE, NULL), ==, 0);
    g_assert_cmpint(vips_copy(scaled, &eight, "interpretation", VIPS_INTERPRETATION_sRGB, NULL), ==, 0);
    same_for_tiles(eight, "rgba8.png");
    g_assert_cmpint(vips_extract_band(eight, &grey, 3, NULL), ==, 0);
    grey->Type = VIPS_INTERPRETATION_B_W;
    same_for_tiles(grey, "grey8.png");
    g_assert_cmpint(vips_bandjoin2(grey, grey, &grey_alpha, NULL), ==, 0);
    same_for_tiles(grey_alpha, "grey-alpha8.png");
}

int main(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("tilewright-picture-XXXXXX", NULL);
    tw_session_new(&session, &err);
    g_test_add_func("/picture/rgba16", test_rgba16);
    g_test_add_func("/picture/kinds", test_kinds);
    int status = g_test_run();
    tw_session_free(session);
    return status;
}
