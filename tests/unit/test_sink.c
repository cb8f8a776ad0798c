/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/encode.h"
#include "image_fixture.h"

static tw_status write_rows(tw_sink *sink, const tw_picture *p, int64_t rows, tw_error *err)
{
    for (int64_t y = 0; y < rows; y++) {
        TW_TRY(tw_sink_reserve(sink, y + 1, err));
        pattern_row(p, 0, p->width, y, tw_sink_row(sink, y));
        tw_sink_done(sink, (tw_rect){0, y, p->width, 1});
    }
    return TW_OK;
}

static tw_status write_picture(fixture *f, const tw_place *place, const tw_picture *p, const tw_source *source,
                               const tw_sink_options *o, tw_error *err)
{
    tw_sink *sink;
    TW_TRY(tw_sink_check(place, p, source, o, NULL, err));
    TW_TRY(tw_sink_open(f->context, place, p, source, o, 5, &sink, err));
    tw_status status = write_rows(sink, p, p->height, err);
    if (status == TW_OK)
        status = tw_sink_commit(sink, err);
    tw_sink_close(sink);
    return status;
}

static tw_source *reopen(fixture *f, const tw_place *place)
{
    tw_source *s;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_source_open(f->context, place, NULL, &s, &err), err);
    return s;
}

/* What `p` becomes in a container: samples by the rules of docs/colour.md, computed in double. */
static char *expected_pixels(const tw_picture *p, const tw_picture *q)
{
    char *in = pattern_pixels(p), *out = malloc((size_t)(q->height * tw_picture_row_bytes(q)));
    int from = tw_picture_bands(p), to = tw_picture_bands(q);
    for (int64_t i = 0; i < p->width * p->height; i++)
        for (int b = 0; b < to; b++) {
            double v[5];
            for (int k = 0; k < from; k++)
                v[k] = p->depth == TW_U8    ? ((uint8_t *)in)[i * from + k] / 255.0
                       : p->depth == TW_U16 ? ((uint16_t *)in)[i * from + k] / 65535.0
                                            : ((float *)in)[i * from + k];
            double w = p->alpha && !q->alpha ? 1 + (v[b] - 1) * MIN(1.0, v[p->colours]) : v[b];
            double c = CLAMP(w, 0.0, 1.0);
            if (q->depth == TW_U8)
                ((uint8_t *)out)[i * to + b] = (uint8_t)(c * 255.0 + 0.5);
            else if (q->depth == TW_U16)
                ((uint16_t *)out)[i * to + b] = (uint16_t)(c * 65535.0 + 0.5);
            else
                ((float *)out)[i * to + b] = (float)w;
        }
    free(in);
    return out;
}

static void round_trip(fixture *f, const char *name, const tw_picture *p, const tw_sink_options *o, tw_depth most, bool alpha,
                       bool grey, double tolerance)
{
    char *path = in_dir(f, name);
    tw_place place = {.path = path};
    tw_error err = TW_ERROR_NONE;
    g_string_truncate(f->warnings, 0);
    assert_ok(write_picture(f, &place, p, NULL, o, &err), err);
    g_assert_cmpint(f->warnings->len > 0, ==, p->depth > most || (p->alpha && !alpha));
    tw_source *s = reopen(f, &place);
    const tw_picture *q = tw_source_picture(s);
    g_test_message("%s, %d colours, alpha %d, depth %d", name, p->colours, p->alpha, p->depth);
    g_assert_cmpint(q->width, ==, p->width);
    g_assert_cmpint(q->height, ==, p->height);
    if (!g_str_has_suffix(name, ".gif")) /* libvips' GIFs may tell a transparent colour that no pixel has */
        g_assert_cmpint(q->alpha, ==, p->alpha && alpha);
    g_assert_cmpint(q->colours, ==, p->colours == 1 && grey ? 1 : 3);
    if (tolerance >= 0 && q->colours == p->colours) {
        g_assert_cmpint(q->depth, ==, MIN(p->depth, most));
        char *want = expected_pixels(p, q), *have = read_all(s, 64);
        double off = largest_difference(q, want, have);
        if (off > tolerance)
            g_error("%s, %d colours, alpha %d, depth %d: off by %g", name, p->colours, p->alpha, p->depth, off);
        free(want);
        free(have);
    }
    tw_source_close(s);
    g_assert_cmpint(files_in(f->dir), ==, 1);
    g_remove(path);
    g_free(path);
}

static void test_formats(fixture *f, gconstpointer data)
{
    static const struct {
        const char *name;
        tw_sink_options options;
        tw_depth most;
        bool alpha, grey;
        double tolerance; /* < 0: pixels are not compared */
    } CASES[] = {
        {"a.png", {.compression = -1}, TW_U16, true, true, 0},
        {"b.png", {.compression = 1}, TW_U16, true, true, 0},
        {"a.tif", {0}, TW_F32, true, true, 0},
        {"b.tif", {.tiff_compression = "none"}, TW_F32, true, true, 0},
        {"c.tif", {.tiff_compression = "lzw"}, TW_F32, true, true, 0},
        {"d.tif", {.tiff_compression = "zstd"}, TW_F32, true, true, 0},
        {"a.jpg", {.quality = 98}, TW_U8, false, true, 60 / 255.0},
        {"a.webp", {.lossless = true}, TW_U8, true, false, -1},
        {"b.webp", {.quality = 80}, TW_U8, true, false, -1},
        {"a.ppm", {0}, TW_U16, false, true, 1.01 / 65535.0}, /* float alpha over white */
        {"a.gif", {0}, TW_U8, true, false, -1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++)
        for (int colours = 1; colours <= 3; colours += 2)
            for (int alpha = 0; alpha <= 1; alpha++)
                for (int depth = 0; depth <= 2; depth++) {
                    tw_picture p = {233, 157, colours, alpha != 0, (tw_depth)depth};
                    round_trip(f, CASES[i].name, &p, &CASES[i].options, CASES[i].most, CASES[i].alpha, CASES[i].grey,
                               CASES[i].tolerance);
                }
}

/* Codecs that live in libvips' modules; slow, so one small picture each. */
static void test_modern_formats(fixture *f, gconstpointer data)
{
    static const struct {
        const char *name;
        tw_depth most;
    } CASES[] = {{"a.jxl", TW_F32}, {"a.avif", TW_U8}, {"a.heic", TW_U8}};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++)
        for (int alpha = 0; alpha <= 1; alpha++) {
            tw_picture p = {90, 70, 3, alpha != 0, TW_U8};
            round_trip(f, CASES[i].name, &p, &(tw_sink_options){0}, CASES[i].most, true, false, 60 / 255.0);
        }
    tw_picture deep = {90, 70, 3, true, TW_U16};
    round_trip(f, "b.jxl", &deep, &(tw_sink_options){.lossless = true}, TW_F32, true, false, 0);
}

typedef struct writer {
    tw_sink *sink;
    const tw_picture *picture;
    const tw_rect *rects;
    int n;
    _Atomic int *next;
} writer;

/* Takes rectangles in order; a random rest makes some lag. */
static void *write_rects(void *user)
{
    writer *w = user;
    int64_t pixel = tw_picture_pixel_bytes(w->picture);
    for (int i; (i = (*w->next)++) < w->n;) {
        tw_rect r = w->rects[i];
        tw_error err = TW_ERROR_NONE;
        assert_ok(tw_sink_reserve(w->sink, r.y + r.h, &err), err);
        if (i % 7 == 0)
            g_usleep(2000);
        for (int64_t y = r.y; y < r.y + r.h; y++)
            pattern_row(w->picture, r.x, r.w, y, (char *)tw_sink_row(w->sink, y) + r.x * pixel);
        tw_sink_done(w->sink, r);
    }
    return NULL;
}

/* Columns of different tile heights, sorted by where they end: they align to nothing and lag behind each other. */
static int cut_rects(const tw_picture *p, tw_rect *rects)
{
    int n = 0;
    for (int64_t x = 0, column = 0; x < p->width; column++) {
        int64_t w = tw_min64(37 + column * 11, p->width - x), step = 5 + column * 3;
        for (int64_t y = 0; y < p->height; y += step)
            rects[n++] = (tw_rect){x, y, w, tw_min64(step, p->height - y)};
        x += w;
    }
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && rects[k].y + rects[k].h < rects[k - 1].y + rects[k - 1].h; k--) {
            tw_rect t = rects[k];
            rects[k] = rects[k - 1];
            rects[k - 1] = t;
        }
    return n;
}

static void test_rectangles(fixture *f, gconstpointer data)
{
    tw_picture p = {500, 400, 3, true, TW_U16};
    static const char *const NAMES[] = {"a.png", "a.tif"};
    tw_rect rects[1000];
    int n = cut_rects(&p, rects);
    for (int round = 0; round < 6; round++) {
        char *path = in_dir(f, NAMES[round % 2]);
        tw_place place = {.path = path};
        tw_sink_options o = {.compression = 1, .overwrite = true};
        tw_sink *sink;
        tw_error err = TW_ERROR_NONE;
        pthread_t threads[4];
        _Atomic int next = 0;
        assert_ok(tw_sink_open(f->context, &place, &p, NULL, &o, 60 + round * 30, &sink, &err), err);
        writer w = {sink, &p, rects, n, &next};
        for (int i = 0; i < 4; i++)
            pthread_create(&threads[i], NULL, write_rects, &w);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        assert_ok(tw_sink_commit(sink, &err), err);
        tw_sink_close(sink);
        tw_source *s = reopen(f, &place);
        char *have = read_all(s, 50), *want = pattern_pixels(&p);
        g_assert_cmpfloat(largest_difference(&p, have, want), ==, 0);
        free(have);
        free(want);
        tw_source_close(s);
        g_free(path);
    }
}

static bool same_blob(VipsImage *a, VipsImage *b, const char *name)
{
    const void *x, *y;
    size_t n, m;
    if (vips_image_get_blob(a, name, &x, &n) || vips_image_get_blob(b, name, &y, &m)) {
        vips_error_clear();
        return false;
    }
    return n == m && memcmp(x, y, n) == 0;
}

static bool same_text(VipsImage *a, VipsImage *b, const char *name)
{
    const char *x, *y;
    if (vips_image_get_string(a, name, &x) || vips_image_get_string(b, name, &y)) {
        vips_error_clear();
        return false;
    }
    return strcmp(x, y) == 0;
}

/* A picture with every kind of metadata, as a JPEG. */
static VipsImage *rich_image(const fixture *f, const char *name)
{
    tw_picture p = {320, 200, 3, false, TW_U8};
    VipsImage *plain = pattern_image(&p), *image = NULL, *back = NULL;
    VipsBlob *profile;
    size_t n;
    g_assert_true(vips_profile_load("p3", &profile, NULL) == 0);
    g_assert_true(vips_copy(plain, &image, "xres", 300 / 25.4, "yres", 150 / 25.4, NULL) == 0);
    const void *bytes = vips_blob_get(profile, &n);
    vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, bytes, n);
    vips_area_unref(VIPS_AREA(profile));
    static const char XMP[] = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF/></x:xmpmeta>";
    static const char IPTC[] = "Photoshop 3.0\0"
                               "8BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x78\0\x05hello";
    vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, XMP, sizeof XMP - 1);
    vips_image_set_blob_copy(image, VIPS_META_IPTC_NAME, IPTC, sizeof IPTC - 1);
    vips_image_set_string(image, "exif-ifd0-Make", "Tile Camera (Tile Camera, ASCII, 12 components, 12 bytes)");
    vips_image_set_string(image, "exif-ifd2-FNumber", "28/10 (f/2.8, Rational, 1 components, 8 bytes)");
    vips_image_set_int(image, VIPS_META_ORIENTATION, 6);
    char *path = in_dir(f, name);
    g_assert_true(vips_image_write_to_file(image, path, NULL) == 0);
    back = vips_image_new_from_file(path, NULL);
    g_assert_nonnull(back);
    g_object_unref(plain);
    g_object_unref(image);
    g_free(path);
    return back;
}

static void test_metadata(fixture *f, gconstpointer data)
{
    static const struct {
        const char *name;
        bool icc, exif, xmp, iptc, resolution, orientation;
    } CASES[] = {
        {"a.jpg", true, true, true, true, true, true},       {"a.png", true, true, true, false, true, true},
        {"a.webp", true, true, true, false, false, true},    {"a.tif", true, false, true, true, true, true},
        {"a.gif", false, false, false, false, false, false}, {"a.jxl", true, false, false, false, false, false},
        {"a.avif", true, true, true, false, false, false},
    };
    VipsImage *rich = rich_image(f, "rich.jpg");
    char *from = in_dir(f, "rich.jpg");
    tw_place input = {.path = from};
    tw_source *source = reopen(f, &input);
    g_assert_cmpint(tw_source_orientation(source), ==, 6);
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        tw_picture p = {160, 400, 3, false, TW_U8};
        char *path = in_dir(f, CASES[i].name);
        tw_place place = {.path = path};
        tw_error err = TW_ERROR_NONE;
        g_string_truncate(f->warnings, 0);
        assert_ok(write_picture(f, &place, &p, source, NULL, &err), err);
        VipsImage *back = vips_image_new_from_file(path, NULL);
        const char *w = f->warnings->str;
        g_test_message("%s", w);
        if (g_str_has_suffix(path, ".jxl")) /* libjxl keeps the meaning and writes a profile of its own */
            g_assert_cmpint(vips_image_get_typeof(back, VIPS_META_ICC_NAME), !=, 0);
        else
            g_assert_cmpint(same_blob(rich, back, VIPS_META_ICC_NAME), ==, CASES[i].icc);
        g_assert_cmpint(strstr(w, "profile") != NULL, ==, !CASES[i].icc);
        g_assert_cmpint(same_text(rich, back, "exif-ifd0-Make"), ==, CASES[i].exif);
        g_assert_cmpint(same_text(rich, back, "exif-ifd2-FNumber"), ==, CASES[i].exif);
        g_assert_cmpint(strstr(w, "EXIF") != NULL, ==, !CASES[i].exif);
        g_assert_cmpint(same_blob(rich, back, VIPS_META_XMP_NAME), ==, CASES[i].xmp);
        g_assert_cmpint(strstr(w, "XMP") != NULL, ==, !CASES[i].xmp);
        if (!g_str_has_suffix(path, ".tif")) /* see test_iptc */
            g_assert_cmpint(same_blob(rich, back, VIPS_META_IPTC_NAME), ==, CASES[i].iptc);
        g_assert_cmpint(strstr(w, "IPTC") != NULL, ==, !CASES[i].iptc);
        g_assert_cmpint(fabs(back->Xres - rich->Xres) < 0.05 && fabs(back->Yres - rich->Yres) < 0.05, ==, CASES[i].resolution);
        g_assert_cmpint(strstr(w, "resolution") != NULL, ==, !CASES[i].resolution);
        g_assert_cmpint(tw_sink_holds_orientation(&place, NULL), ==, CASES[i].orientation);
        if (CASES[i].orientation)
            g_assert_cmpint(vips_image_get_orientation(back), ==, 6);
        if (CASES[i].exif) {
            const char *width;
            g_assert_true(vips_image_get_string(back, "exif-ifd2-PixelXDimension", &width) == 0);
            g_assert_true(g_str_has_prefix(width, "160 "));
        }
        g_object_unref(back);
        g_free(path);
    }
    tw_source_close(source);
    g_object_unref(rich);
    g_free(from);
}

/* JPEG -> TIFF -> JPEG: the records change their coat twice. */
static void test_iptc(fixture *f, gconstpointer data)
{
    VipsImage *rich = rich_image(f, "rich.jpg"), *back;
    static const char *const NAMES[] = {"rich.jpg", "mid.tif", "back.jpg"};
    tw_picture p = {160, 400, 3, false, TW_U8};
    char *paths[3];
    tw_error err = TW_ERROR_NONE;
    for (int i = 0; i < 3; i++)
        paths[i] = in_dir(f, NAMES[i]);
    for (int i = 0; i < 2; i++) {
        tw_place from = {.path = paths[i]}, to = {.path = paths[i + 1]};
        tw_source *s = reopen(f, &from);
        assert_ok(write_picture(f, &to, &p, s, NULL, &err), err);
        tw_source_close(s);
    }
    g_assert_nonnull(back = vips_image_new_from_file(paths[2], NULL));
    g_assert_true(same_blob(rich, back, VIPS_META_IPTC_NAME));
    g_object_unref(back);
    g_object_unref(rich);
    for (int i = 0; i < 3; i++)
        g_free(paths[i]);
}

static void test_refusals(fixture *f, gconstpointer data)
{
    static const struct {
        const char *name;
        tw_picture picture;
        tw_sink_options options;
        const char *text;
    } CASES[] = {
        {"a.jpg", {65536, 10, 3, false, TW_U8}, {0}, "65536 x 10 pixels; JPEG holds at most 65500"},
        {"a.webp", {16384, 10, 3, false, TW_U8}, {0}, "WebP holds at most 16383"},
        {"a.gif", {10, 65536, 3, false, TW_U8}, {0}, "GIF holds at most 65535"},
        {"a.png", {3000000000LL, 10, 3, false, TW_U8}, {0}, "PNG holds at most 2147483647"},
        {"a.jpg", {65536, 10, 3, false, TW_U8}, {.final_width = 70000, .final_height = 10}, "70000 x 10"},
        {"a.heic", {10, 100, 3, false, TW_U8}, {0}, "HEIF needs at least 24"},
        {"a.xyz", {10, 10, 3, false, TW_U8}, {0}, "does not tell a format"},
        {"a", {10, 10, 3, false, TW_U8}, {.format = "bmp"}, "unknown format 'bmp'"},
        {"a.jpg", {10, 10, 3, false, TW_U8}, {.quality = 101}, "quality 101"},
        {"a.tif", {10, 10, 3, false, TW_U8}, {.tiff_compression = "zip"}, "unknown TIFF compression"},
        {"there.png", {10, 10, 3, false, TW_U8}, {0}, "exists already"},
    };
    char *there = in_dir(f, "there.png");
    g_assert_true(g_file_set_contents(there, "x", 1, NULL));
    g_free(there);
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        char *path = in_dir(f, CASES[i].name);
        tw_place place = {.path = path};
        tw_error err = TW_ERROR_NONE;
        tw_sink_cost cost;
        tw_sink *sink;
        assert_fails(tw_sink_check(&place, &CASES[i].picture, NULL, &CASES[i].options, &cost, &err), TW_ERROR_USAGE, err,
                     CASES[i].text);
        err = (tw_error)TW_ERROR_NONE;
        assert_fails(tw_sink_open(f->context, &place, &CASES[i].picture, NULL, &CASES[i].options, 4, &sink, &err),
                     TW_ERROR_USAGE, err, CASES[i].text);
        g_free(path);
    }
    g_assert_cmpint(files_in(f->dir), ==, 1);
    tw_picture fits = {65536, 10, 3, false, TW_U8};
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_sink_check(&(tw_place){.path = "/none/a.jpg"}, &fits, NULL,
                            &(tw_sink_options){.final_width = 60000, .final_height = 10}, NULL, &err),
              err);
}

/* Quick where it is waited for and does not grow. Nothing is written here. */
static void test_tiff_auto(fixture *f, gconstpointer data)
{
    static const struct {
        tw_picture p;
        VipsForeignTiffCompression compression;
    } CASES[] = {{{8192, 8192, 3, false, TW_U8}, VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE},
                 {{8193, 8193, 3, false, TW_U8}, VIPS_FOREIGN_TIFF_COMPRESSION_LZW},
                 {{20000, 20000, 3, true, TW_U16}, VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE},
                 {{20000, 20000, 1, false, TW_F32}, VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE}};
    tw_place place = {.path = "a.tif"};
    tw_sink_options options = {.tiff_compression = "auto", .compression = -1};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        tw_encoding e;
        tw_error err = TW_ERROR_NONE;
        assert_ok(tw_encoding_decide(&place, &CASES[i].p, &options, &e, &err), err);
        g_assert_cmpint(e.tiff, ==, CASES[i].compression);
        assert_ok(tw_encoding_decide(&place, &CASES[i].p, NULL, &e, &err), err);
        g_assert_cmpint(e.tiff, ==, VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE);
    }
}

static void test_no_commit(fixture *f, gconstpointer data)
{
    tw_picture p = {300, 200, 3, false, TW_U8};
    static const char *const NAMES[] = {"a.png", "a.jpg", "a.webp", "a.tif"};
    for (size_t i = 0; i < G_N_ELEMENTS(NAMES); i++)
        for (int rows = 0; rows <= 200; rows += 100) {
            char *path = in_dir(f, NAMES[i]);
            tw_place place = {.path = path};
            tw_error err = TW_ERROR_NONE;
            tw_sink *sink;
            assert_ok(tw_sink_open(f->context, &place, &p, NULL, NULL, 200, &sink, &err), err);
            g_assert_cmpint(files_in(f->dir), ==, 0); /* it gets a name when it is complete */
            assert_ok(write_rows(sink, &p, rows, &err), err);
            if (rows == 100)
                assert_fails(tw_sink_commit(sink, &err), TW_ERROR_RUN, err, "not every row");
            tw_sink_close(sink);
            g_assert_cmpint(files_in(f->dir), ==, 0);
            g_free(path);
        }
}

static void *cancel_later(void *user)
{
    g_usleep(50 * 1000);
    tw_context_cancel(user);
    return NULL;
}

static void test_cancel(fixture *f, gconstpointer data)
{
    tw_picture p = {300, 200, 3, false, TW_U8};
    char *path = in_dir(f, "a.png");
    tw_place place = {.path = path};
    tw_error err = TW_ERROR_NONE;
    tw_sink *sink;
    pthread_t thread;
    assert_ok(tw_sink_open(f->context, &place, &p, NULL, NULL, 10, &sink, &err), err);
    pthread_create(&thread, NULL, cancel_later, f->context);
    gint64 start = g_get_monotonic_time();
    g_assert_cmpint(tw_sink_reserve(sink, 100, &err), ==, TW_ERROR_INTERRUPTED); /* never gets room: nobody writes */
    tw_sink_close(sink);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 1000 * 1000);
    g_assert_cmpint(files_in(f->dir), ==, 0);
    pthread_join(thread, NULL);
    g_free(path);
}

static void test_overwrite(fixture *f, gconstpointer data)
{
    tw_picture p = {30, 20, 3, false, TW_U8};
    char *path = in_dir(f, "a.png"), *bytes;
    tw_place place = {.path = path};
    tw_error err = TW_ERROR_NONE;
    tw_sink *sink;
    /* A file that appears while the sink is open survives. */
    assert_ok(tw_sink_open(f->context, &place, &p, NULL, NULL, 20, &sink, &err), err);
    assert_ok(write_rows(sink, &p, 20, &err), err);
    g_assert_true(g_file_set_contents(path, "mine", 4, NULL));
    assert_fails(tw_sink_commit(sink, &err), TW_ERROR_USAGE, err, "exists already");
    tw_sink_close(sink);
    g_assert_true(g_file_get_contents(path, &bytes, NULL, NULL));
    g_assert_cmpstr(bytes, ==, "mine");
    g_free(bytes);
    g_assert_cmpint(files_in(f->dir), ==, 1);

    chmod(path, 0604);
    char *alias = in_dir(f, "b.png");
    g_assert_true(symlink("a.png", alias) == 0);
    err = (tw_error)TW_ERROR_NONE;
    place.path = alias;
    assert_ok(write_picture(f, &place, &p, NULL, &(tw_sink_options){.overwrite = true}, &err), err);
    struct stat status;
    g_assert_true(lstat(alias, &status) == 0 && S_ISLNK(status.st_mode));
    g_assert_true(lstat(path, &status) == 0 && status.st_size > 50 && (status.st_mode & 0777) == 0604);
    g_free(alias);
    g_free(path);
}

static void test_unwritable(fixture *f, gconstpointer data)
{
    tw_picture p = {400, 300, 3, false, TW_U8};
    tw_error err = TW_ERROR_NONE;
    assert_fails(write_picture(f, &(tw_place){.path = "/none/such/a.png"}, &p, NULL, NULL, &err), TW_ERROR_RUN, err,
                 "/none/such/a.png: cannot be created in /none/such: No such file");
    tw_sink_options o = {.overwrite = true, .compression = -1};
    static const char *const FORMATS[] = {"png", "jpeg", "webp", "tiff"};
    for (size_t i = 0; i < G_N_ELEMENTS(FORMATS); i++) {
        err = (tw_error)TW_ERROR_NONE;
        o.format = FORMATS[i];
        assert_fails(write_picture(f, &(tw_place){.path = "/dev/full"}, &p, NULL, &o, &err), TW_ERROR_RUN, err,
                     "No space left");
    }
    char *path = in_dir(f, "a.png");
    struct rlimit old, small = {2000, 2000};
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < 2; i++) {
        err = (tw_error)TW_ERROR_NONE;
        o.format = i ? "tiff" : "png";
        tw_status status = write_picture(f, &(tw_place){.path = path}, &p, NULL, &o, &err);
        int left = files_in(f->dir);
        setrlimit(RLIMIT_FSIZE, i ? &old : &small);
        assert_fails(status, TW_ERROR_RUN, err, "cannot be written");
        g_assert_cmpint(left, ==, 0);
    }
    g_free(path);
}

static void test_memory_output(fixture *f, gconstpointer data)
{
    static const char *const FORMATS[] = {"png", "jpeg", "tiff", "webp"};
    tw_picture p = {300, 200, 3, false, TW_U8};
    for (size_t i = 0; i < G_N_ELEMENTS(FORMATS); i++) {
        tw_place place = {0};
        tw_error err = TW_ERROR_NONE;
        tw_sink *sink;
        size_t n;
        assert_ok(tw_sink_open(f->context, &place, &p, NULL, &(tw_sink_options){.format = FORMATS[i]}, 20, &sink, &err), err);
        assert_ok(write_rows(sink, &p, 200, &err), err);
        assert_ok(tw_sink_commit(sink, &err), err);
        void *bytes = tw_sink_steal_bytes(sink, &n);
        tw_sink_close(sink);
        tw_place input = {.bytes = bytes, .length = n};
        tw_source *s = reopen(f, &input);
        g_assert_cmpstr(tw_source_format(s), ==, FORMATS[i]);
        free(read_all(s, 30));
        tw_source_close(s);
        g_free(bytes);
    }
}

static void test_standard_output(fixture *f, gconstpointer data)
{
    static const char *const FORMATS[] = {"png", "tiff"};
    tw_picture p = {300, 200, 3, false, TW_U8};
    for (size_t i = 0; i < G_N_ELEMENTS(FORMATS); i++) {
        char *path = in_dir(f, "out");
        fflush(stdout);
        int old = dup(1), file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
        dup2(file, 1);
        tw_error err = TW_ERROR_NONE;
        tw_status status = write_picture(f, &(tw_place){.path = "-"}, &p, NULL, &(tw_sink_options){.format = FORMATS[i]}, &err);
        dup2(old, 1);
        close(old);
        close(file);
        assert_ok(status, err);
        tw_place place = {.path = path};
        tw_source *s = reopen(f, &place);
        char *have = read_all(s, 50), *want = pattern_pixels(&p);
        g_assert_cmpfloat(largest_difference(&p, have, want), ==, 0);
        free(have);
        free(want);
        tw_source_close(s);
        g_free(path);
    }
}

static void test_final_size(fixture *f, gconstpointer data)
{
    static const struct {
        int64_t w, h;
    } SIZES[] = {{150, 100}, {300, 200}, {77, 150}, {37, 21}, {400, 311}, {30, 20}, {10, 190}, {290, 9}, {1, 1}};
    for (size_t i = 0; i < G_N_ELEMENTS(SIZES); i++)
        for (int alpha = 0; alpha < 2; alpha++) {
            tw_picture p = {300, 200, 3, alpha != 0, alpha ? TW_U16 : TW_U8};
            char *path = in_dir(f, "a.png");
            tw_place place = {.path = path};
            tw_sink_options o = {.final_width = SIZES[i].w, .final_height = SIZES[i].h, .overwrite = true, .compression = -1};
            tw_error err = TW_ERROR_NONE;
            assert_ok(write_picture(f, &place, &p, NULL, &o, &err), err);
            tw_source *s = reopen(f, &place);
            g_assert_cmpint(tw_source_picture(s)->width, ==, SIZES[i].w);
            g_assert_cmpint(tw_source_picture(s)->height, ==, SIZES[i].h);
            g_assert_cmpint(tw_source_picture(s)->depth, ==, p.depth);
            g_assert_cmpint(tw_source_picture(s)->alpha, ==, p.alpha);
            free(read_all(s, 10));
            tw_source_close(s);
            g_free(path);
        }
}

/* In a process of its own: encodes noise and prints told and measured growth. */
static int memory_child(const char *path, const char *format)
{
    fixture f;
    fixture_open(&f);
    tw_picture p = {4000, 3000, 3, false, TW_U8};
    tw_place place = {.path = path};
    tw_sink_options o = {.format = format, .compression = 1};
    if (strcmp(format, "resize") == 0)
        o = (tw_sink_options){.format = "jpeg", .final_width = 1500, .final_height = 1000};
    if (strcmp(format, "tiles") == 0)
        o = (tw_sink_options){.format = "tiff", .tiff_tile = 256};
    tw_error err = TW_ERROR_NONE;
    tw_sink_cost cost;
    tw_sink *sink;
    assert_ok(tw_sink_check(&place, &p, NULL, &o, &cost, &err), err); /* starts libvips, which the source's cost counts */
    int64_t before = peak_memory(), own = 16 * tw_picture_row_bytes(&p);
    assert_ok(tw_sink_open(f.context, &place, &p, NULL, &o, 16, &sink, &err), err);
    assert_ok(write_rows(sink, &p, p.height, &err), err);
    assert_ok(tw_sink_commit(sink, &err), err);
    tw_sink_close(sink);
    printf("%lld %lld\n", (long long)cost.fixed, (long long)(peak_memory() - before - own));
    g_remove(path);
    fixture_close(&f);
    return 0;
}

static const char *self;

static void test_memory(fixture *f, gconstpointer data)
{
    static const char *const FORMATS[] = {"png", "jpeg", "tiff", "webp", "resize", "tiles"};
    char *path = in_dir(f, "a.out");
    for (size_t i = 0; i < G_N_ELEMENTS(FORMATS); i++) {
        char *argv[] = {(char *)self, (char *)"--case", (char *)FORMATS[i], path, NULL}, *out;
        int status;
        long long told = 0, used = 0;
        g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, &status, NULL));
        g_assert_cmpint(status, ==, 0);
        g_assert_cmpint(sscanf(out, "%lld %lld", &told, &used), ==, 2);
        g_test_message("%s: told %.1f MiB, used %.1f MiB", FORMATS[i], (double)told / 1048576, (double)used / 1048576);
        if (!g_getenv("TW_SANITIZED"))
            g_assert_cmpint(told, >=, used);
        g_free(out);
    }
    g_free(path);
}

static void set_up(fixture *f, gconstpointer data)
{
    fixture_open(f);
}
static void tear_down(fixture *f, gconstpointer data)
{
    fixture_close(f);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--case") == 0)
        return memory_child(argv[3], argv[2]);
    self = argv[0];
    g_test_init(&argc, &argv, NULL);
    /* g_test makes warnings fatal before our silent handler can swallow those of libvips. */
    g_log_set_always_fatal((GLogLevelFlags)(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK));
    if (VIPS_INIT(argv[0]))
        return 1;
#define ADD(name) g_test_add("/sink/" #name, fixture, NULL, set_up, test_##name, tear_down)
    ADD(formats);
    ADD(modern_formats);
    ADD(rectangles);
    ADD(metadata);
    ADD(iptc);
    ADD(refusals);
    ADD(tiff_auto);
    ADD(no_commit);
    ADD(cancel);
    ADD(overwrite);
    ADD(unwritable);
    ADD(memory_output);
    ADD(standard_output);
    ADD(final_size);
    ADD(memory);
    return g_test_run();
}
