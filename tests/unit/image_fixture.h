/* SPDX-License-Identifier: MIT */
/** What the tests of the image room share: a context, a temporary folder, warnings that are kept, test pictures. */
#ifndef TW_TESTS_IMAGE_FIXTURE_H
#define TW_TESTS_IMAGE_FIXTURE_H

#include <math.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "image/sink.h"

typedef struct fixture {
    tw_account *account;
    tw_scratch *scratch;
    tw_context *context;
    char *dir;
    GString *warnings; /* one line each */
} fixture;

static inline void keep_warning(void *user, const char *line)
{
    g_string_append_printf(user, "%s\n", line);
}

static inline void fixture_open(fixture *f)
{
    f->account = tw_account_new(NULL, "test", 0);
    f->scratch = tw_scratch_new(NULL, 0);
    f->context = tw_context_new(f->account, f->scratch);
    f->dir = g_dir_make_tmp("tw-image-XXXXXX", NULL);
    f->warnings = g_string_new(NULL);
    tw_context_on_warning(f->context, keep_warning, f->warnings);
}

/* Number of files in the folder, hidden ones too. */
static inline int files_in(const char *dir)
{
    GDir *d = g_dir_open(dir, 0, NULL);
    int n = 0;
    while (d && g_dir_read_name(d))
        n++;
    if (d)
        g_dir_close(d);
    return n;
}

static inline void fixture_close(fixture *f)
{
    GDir *d = g_dir_open(f->dir, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(d))) {
        char *path = g_build_filename(f->dir, name, NULL);
        g_remove(path);
        g_free(path);
    }
    g_dir_close(d);
    g_rmdir(f->dir);
    g_free(f->dir);
    g_string_free(f->warnings, TRUE);
    tw_context_free(f->context);
    tw_scratch_free(f->scratch);
    g_assert_cmpint(tw_account_used(f->account), ==, 0);
    tw_account_free(f->account);
}

/* The path of a file in the folder; freed by the caller. */
static inline char *in_dir(const fixture *f, const char *name)
{
    return g_build_filename(f->dir, name, NULL);
}

#define assert_ok(status, err)                                                                                                 \
    do {                                                                                                                       \
        if ((status) != TW_OK)                                                                                                 \
            g_error("%s:%d: %s", __FILE__, __LINE__, (err).message);                                                           \
    } while (0)

#define assert_fails(status, code_, err, text)                                                                                 \
    do {                                                                                                                       \
        g_assert_cmpint((status), ==, (code_));                                                                                \
        if (!strstr((err).message, (text)) || strchr((err).message, '\n'))                                                     \
            g_error("%s:%d: '%s' does not hold '%s' in one line", __FILE__, __LINE__, (err).message, (text));                  \
    } while (0)

/* Sample of a test picture: smooth, so that lossy codecs stay close, different in every band and direction. 0..1. */
static inline double pattern(int64_t x, int64_t y, int band)
{
    double v = band == 0   ? (double)(x % 256) / 255.0
               : band == 1 ? (double)(y % 256) / 255.0
               : band == 2 ? (double)((x + y) / 2 % 256) / 255.0
                           : 0.25 + (double)(x % 128) / 255.0;
    return v;
}

static inline void pattern_row(const tw_picture *p, int64_t x0, int64_t n, int64_t y, void *row)
{
    int bands = tw_picture_bands(p);
    for (int64_t i = 0; i < n * bands; i++) {
        int band = (int)(i % bands);
        double v = pattern(x0 + i / bands, y, p->alpha && band == bands - 1 ? 3 : band);
        if (p->depth == TW_U8)
            ((uint8_t *)row)[i] = (uint8_t)(v * 255.0 + 0.5);
        else if (p->depth == TW_U16)
            ((uint16_t *)row)[i] = (uint16_t)(v * 65535.0 + 0.5);
        else
            ((float *)row)[i] = (float)v;
    }
}

static inline char *pattern_pixels(const tw_picture *p)
{
    char *pixels = malloc((size_t)(p->height * tw_picture_row_bytes(p)));
    for (int64_t y = 0; y < p->height; y++)
        pattern_row(p, 0, p->width, y, pixels + y * tw_picture_row_bytes(p));
    return pixels;
}

/* A libvips image of the pattern; the caller unrefs it. */
static inline VipsImage *pattern_image(const tw_picture *p)
{
    static const VipsBandFormat FORMATS[] = {VIPS_FORMAT_UCHAR, VIPS_FORMAT_USHORT, VIPS_FORMAT_FLOAT};
    static const VipsInterpretation RGB[] = {VIPS_INTERPRETATION_sRGB, VIPS_INTERPRETATION_RGB16, VIPS_INTERPRETATION_scRGB};
    static const VipsInterpretation GREY[] = {VIPS_INTERPRETATION_B_W, VIPS_INTERPRETATION_GREY16, VIPS_INTERPRETATION_B_W};
    char *pixels = pattern_pixels(p);
    VipsImage *raw = vips_image_new_from_memory_copy(pixels, (size_t)(p->height * tw_picture_row_bytes(p)), (int)p->width,
                                                     (int)p->height, tw_picture_bands(p), FORMATS[p->depth]);
    VipsImage *image = NULL;
    g_assert_true(raw && vips_copy(raw, &image, "interpretation", p->colours == 1 ? GREY[p->depth] : RGB[p->depth], NULL) == 0);
    g_object_unref(raw);
    free(pixels);
    return image;
}

/* Largest difference of two buffers of samples, as a fraction of white. */
static inline double largest_difference(const tw_picture *p, const void *a, const void *b)
{
    double most = 0;
    for (int64_t i = 0; i < p->width * p->height * tw_picture_bands(p); i++) {
        double d = p->depth == TW_U8    ? (((const uint8_t *)a)[i] - ((const uint8_t *)b)[i]) / 255.0
                   : p->depth == TW_U16 ? (((const uint16_t *)a)[i] - ((const uint16_t *)b)[i]) / 65535.0
                                        : (double)((const float *)a)[i] - ((const float *)b)[i];
        most = MAX(most, d < 0 ? -d : d);
    }
    return most;
}

/* All rows of a source, in bands of `rows`. */
static inline char *read_all(tw_source *source, int64_t rows)
{
    const tw_picture *p = tw_source_picture(source);
    tw_error err = TW_ERROR_NONE;
    char *pixels = malloc((size_t)(p->height * tw_picture_row_bytes(p)));
    int64_t y = 0, got;
    do {
        assert_ok(tw_source_next_band(source, pixels + y * tw_picture_row_bytes(p), rows, &got, &err), err);
        y += got;
    } while (got);
    g_assert_cmpint(y, ==, p->height);
    return pixels;
}

/* Growth of the process's peak memory is measured in a child that is this program anew: --case NAME. */
static inline int64_t peak_memory(void)
{
    char line[256];
    long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtoll(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return kib * 1024;
}

#endif
