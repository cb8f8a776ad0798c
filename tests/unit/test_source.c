/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image_fixture.h"

static const tw_picture RGB8 = {300, 200, 3, false, TW_U8};

static void write_with(const fixture *f, const char *name, const tw_picture *p, const char *suffix_options)
{
    VipsImage *image = pattern_image(p);
    char *path = in_dir(f, name), *full = g_strconcat(path, suffix_options, NULL);
    if (vips_image_write_to_file(image, full, NULL))
        g_error("%s: %s", full, vips_error_buffer());
    g_object_unref(image);
    g_free(full);
    g_free(path);
}

static tw_status open_named(fixture *f, const char *name, const tw_source_options *options, tw_source **out, tw_error *err)
{
    static tw_place places[64]; /* a place must outlive its source */
    static char paths[64][512];
    static int next;
    int i = next++ % 64;
    char *path = in_dir(f, name);
    g_strlcpy(paths[i], path, sizeof paths[i]);
    places[i] = (tw_place){.path = paths[i]};
    g_free(path);
    return tw_source_open(f->context, &places[i], options, out, err);
}

static tw_source *must_open(fixture *f, const char *name, const tw_source_options *options)
{
    tw_source *s;
    tw_error err = TW_ERROR_NONE;
    assert_ok(open_named(f, name, options, &s, &err), err);
    return s;
}

static void put_bytes(const fixture *f, const char *name, const char *bytes, gsize n)
{
    char *path = in_dir(f, name);
    g_assert_true(g_file_set_contents(path, bytes, (gssize)n, NULL));
    g_free(path);
}

static void cut(const fixture *f, const char *from, const char *to, double part)
{
    char *path = in_dir(f, from), *bytes;
    gsize n;
    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    put_bytes(f, to, bytes, (gsize)((double)n * part));
    g_free(bytes);
    g_free(path);
}

static void check_pixels(tw_source *s, const tw_picture *expected, double tolerance)
{
    const tw_picture *p = tw_source_picture(s);
    g_assert_cmpint(p->width, ==, expected->width);
    g_assert_cmpint(p->height, ==, expected->height);
    g_assert_cmpint(p->colours, ==, expected->colours);
    g_assert_cmpint(p->alpha, ==, expected->alpha);
    g_assert_cmpint(p->depth, ==, expected->depth);
    char *want = pattern_pixels(expected), *have = read_all(s, 7);
    g_assert_cmpfloat(largest_difference(p, want, have), <=, tolerance);
    free(want);
    free(have);
}

static void test_formats(fixture *f, gconstpointer data)
{
    static const struct {
        const char *name, *options, *format;
        double tolerance;
        bool alpha, deep, real, lossy_edges;
    } CASES[] = {
        {"a.png", "", "png", 0, true, true, false, false},
        {"b.png", "[interlace]", "png", 0, true, true, false, false},
        {"a.tif", "[compression=deflate,predictor=horizontal]", "tiff", 0, true, true, false, false},
        {"b.tif", "[tile,tile-width=64,tile-height=32,bigtiff]", "tiff", 0, true, true, true, false},
        {"c.tif", "[compression=lzw,tile,pyramid,tile-width=128,tile-height=128]", "tiff", 0, true, true, true, false},
        {"a.webp", "[lossless]", "webp", 0, true, false, false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++)
        for (int colours = 1; colours <= 3; colours += 2)
            for (int alpha = 0; alpha <= CASES[i].alpha; alpha++)
                for (int depth = 0; depth <= (CASES[i].real ? 2 : CASES[i].deep); depth++) {
                    tw_picture p = {300, 200, colours, alpha != 0, (tw_depth)depth};
                    write_with(f, CASES[i].name, &p, CASES[i].options);
                    if (strcmp(CASES[i].format, "webp") == 0)
                        p.colours = 3;
                    tw_source *s = must_open(f, CASES[i].name, NULL);
                    g_assert_cmpstr(tw_source_format(s), ==, CASES[i].format);
                    if (p.colours == colours)
                        check_pixels(s, &p, CASES[i].tolerance);
                    tw_source_close(s);
                }
    for (int colours = 1; colours <= 3; colours += 2) {
        tw_picture p = {250, 200, colours, false, TW_U8};
        write_with(f, "a.jpg", &p, "[Q=98,no-subsample]");
        tw_source *s = must_open(f, "a.jpg", NULL);
        check_pixels(s, &p, 40 / 255.0);
        tw_source_close(s);
    }
    g_assert_cmpstr(f->warnings->str, ==, "");
}

static void test_quality(fixture *f, gconstpointer data)
{
    (void)data;
    static const char *const more[] = {"", ",interlace", ",no-subsample", ",optimize-coding"};
    tw_picture p = {64, 48, 3, false, TW_U8};
    for (int quality = 5, i = 0; quality <= 100; quality += 5, i++) {
        g_autofree char *options = g_strdup_printf("[Q=%d%s]", quality, more[i % 4]);
        write_with(f, "a.jpg", &p, options);
        tw_source *s = must_open(f, "a.jpg", NULL);
        g_assert_cmpint(ABS(tw_source_quality(s) - quality), <=, quality < 10 ? 2 : 1);
        tw_source_close(s);
    }
    write_with(f, "a.png", &p, "");
    tw_source *s = must_open(f, "a.png", NULL);
    g_assert_cmpint(tw_source_quality(s), ==, 0);
    tw_source_close(s);
}

static void test_detection(fixture *f, gconstpointer data)
{
    static const struct {
        const char *name, *options, *why;
    } CASES[] = {{"a.jpg", "", NULL},    {"b.jpg", "[interlace]", "progressive JPEG"},
                 {"a.png", "", NULL},    {"b.png", "[interlace]", "interlaced PNG"},
                 {"a.webp", "", "WebP"}, {"a.tif", "", NULL}};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        write_with(f, CASES[i].name, &RGB8, CASES[i].options);
        tw_source *s = must_open(f, CASES[i].name, NULL);
        g_assert_cmpstr(tw_source_cost_of(s)->why, ==, CASES[i].why);
        g_assert_cmpint(tw_source_cost_of(s)->whole, ==, CASES[i].why != NULL);
        tw_source_close(s);
    }
}

static void test_refusals(fixture *f, gconstpointer data)
{
    tw_source *s;
    put_bytes(f, "empty.png", "", 0);
    put_bytes(f, "text.png", "hello, this is text", 19);
    put_bytes(f, "head.png", "\x89PNG\r\n\x1a\n", 8);
    static const struct {
        const char *name, *text;
    } CASES[] = {{"empty.png", "empty.png: is empty"},
                 {"text.png", "text.png: not a picture"},
                 {"head.png", "head.png: not a"},
                 {"none.png", "none.png: cannot be opened: No such file"},
                 {"", "is a folder"}};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        tw_error err = TW_ERROR_NONE;
        assert_fails(open_named(f, CASES[i].name, NULL, &s, &err), TW_ERROR_INPUT, err, CASES[i].text);
        g_assert_null(s);
    }
    tw_error err = TW_ERROR_NONE;
    write_with(f, "a.png", &RGB8, "");
    assert_fails(open_named(f, "a.png", &(tw_source_options){.max_pixels = 59999}, &s, &err), TW_ERROR_INPUT, err,
                 "60000 pixels");
    tw_source_close(must_open(f, "a.png", &(tw_source_options){.max_pixels = 60000}));
}

static void test_truncated(fixture *f, gconstpointer data)
{
    static const struct {
        const char *name, *options;
    } CASES[] = {{"a.jpg", ""},
                 {"b.jpg", "[interlace]"},
                 {"a.png", ""},
                 {"b.png", "[interlace]"},
                 {"a.webp", ""},
                 {"a.tif", ""},
                 {"b.tif", "[compression=deflate]"},
                 {"c.tif", "[tile,tile-width=64,tile-height=64]"},
                 {"a.ppm", ""}};
    tw_picture p = {400, 400, 3, false, TW_U8};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        write_with(f, CASES[i].name, &p, CASES[i].options);
        char *name = g_strconcat("cut-", CASES[i].name, NULL);
        cut(f, CASES[i].name, name, 0.6);
        tw_error err = TW_ERROR_NONE;
        tw_source *s;
        tw_status status = open_named(f, name, NULL, &s, &err);
        char *rows = malloc((size_t)(16 * tw_picture_row_bytes(&p)));
        int64_t got = 1;
        while (status == TW_OK && got)
            status = tw_source_next_band(s, rows, 16, &got, &err);
        if (s)
            g_test_message("%s", err.message);
        assert_fails(status, TW_ERROR_INPUT, err, name);
        free(rows);
        tw_source_close(s);
        g_free(name);
    }
}

/* Where a turned picture shows the stored pixel of an EXIF orientation. */
static void shown_at(int o, int64_t w, int64_t h, int64_t x, int64_t y, int64_t *sx, int64_t *sy)
{
    *sx = o == 2 || o == 3 ? w - 1 - x : o == 5 || o == 8 ? y : o == 6 || o == 7 ? h - 1 - y : x;
    *sy = o == 3 || o == 4 ? h - 1 - y : o == 5 || o == 6 ? x : o == 7 || o == 8 ? w - 1 - x : y;
}

static void test_orientation(fixture *f, gconstpointer data)
{
    for (int o = 1; o <= 8; o++)
        for (int depth = 0; depth < 2; depth++) {
            tw_picture p = {300, 137, 3, depth == 1, depth ? TW_U16 : TW_U8};
            VipsImage *image = pattern_image(&p);
            vips_image_set_int(image, VIPS_META_ORIENTATION, o);
            char *path = in_dir(f, "o.tif"), *stored = pattern_pixels(&p);
            g_assert_true(vips_image_write_to_file(image, path, NULL) == 0);
            g_object_unref(image);
            g_free(path);
            tw_source *s = must_open(f, "o.tif", NULL);
            g_assert_cmpint(tw_source_orientation(s), ==, o);
            check_pixels(s, &p, 0);
            tw_source_close(s);

            s = must_open(f, "o.tif", &(tw_source_options){.orient = true});
            const tw_picture *q = tw_source_picture(s);
            g_assert_cmpint(tw_source_orientation(s), ==, 1);
            g_assert_cmpint(q->width, ==, o >= 5 ? p.height : p.width);
            char *shown = read_all(s, 33);
            int64_t pixel = tw_picture_pixel_bytes(&p);
            for (int64_t y = 0; y < p.height; y++)
                for (int64_t x = 0; x < p.width; x++) {
                    int64_t sx, sy;
                    shown_at(o, p.width, p.height, x, y, &sx, &sy);
                    if (memcmp(shown + (sy * q->width + sx) * pixel, stored + (y * p.width + x) * pixel, (size_t)pixel))
                        g_error("orientation %d, pixel %d, %d", o, (int)x, (int)y);
                }
            char part[40 * 30 * 8];
            tw_error err = TW_ERROR_NONE;
            assert_ok(tw_source_read_rect(s, (tw_rect){100, 90, 30, 40}, part, &err), err);
            for (int64_t y = 0; y < 40; y++)
                g_assert_cmpmem(part + y * 30 * pixel, 30 * pixel, shown + ((90 + y) * q->width + 100) * pixel, 30 * pixel);
            tw_source_close(s);
            free(shown);
            free(stored);
        }
}

static void test_rewind(fixture *f, gconstpointer data)
{
    static const char *const NAMES[] = {"a.png", "a.jpg", "a.webp", "a.tif"};
    for (size_t i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        write_with(f, NAMES[i], &RGB8, "");
        tw_source *s = must_open(f, NAMES[i], NULL);
        tw_error err = TW_ERROR_NONE;
        assert_ok(tw_source_will_rewind(s, &err), err);
        char *first = read_all(s, 50), part[300 * 3 * 20];
        int64_t got, bytes = RGB8.height * tw_picture_row_bytes(&RGB8);
        assert_ok(tw_source_rewind(s, &err), err);
        assert_ok(tw_source_next_band(s, part, 20, &got, &err), err);
        assert_ok(tw_source_rewind(s, &err), err);
        char *second = read_all(s, 64);
        g_assert_cmpmem(first, (gsize)bytes, second, (gsize)bytes);
        free(first);
        free(second);
        tw_source_close(s);
    }
}

typedef struct rect_reader {
    tw_source *source;
    const char *all;
    unsigned seed;
} rect_reader;

static void *read_rects(void *user)
{
    rect_reader *r = user;
    const tw_picture *p = tw_source_picture(r->source);
    int64_t pixel = tw_picture_pixel_bytes(p);
    for (int i = 0; i < 50; i++) {
        int64_t x = rand_r(&r->seed) % p->width, y = rand_r(&r->seed) % p->height;
        tw_rect rect = {x, y, 1 + rand_r(&r->seed) % (p->width - x), 1 + rand_r(&r->seed) % (p->height - y)};
        char *pixels = malloc((size_t)(rect.w * rect.h * pixel));
        tw_error err = TW_ERROR_NONE;
        assert_ok(tw_source_read_rect(r->source, rect, pixels, &err), err);
        for (int64_t k = 0; k < rect.h; k++)
            g_assert_cmpmem(pixels + k * rect.w * pixel, (gsize)(rect.w * pixel), r->all + ((y + k) * p->width + x) * pixel,
                            (gsize)(rect.w * pixel));
        free(pixels);
    }
    return NULL;
}

static void test_read_rect(fixture *f, gconstpointer data)
{
    static const struct {
        const char *name, *options;
    } CASES[] = {{"a.png", ""}, {"a.jpg", ""}, {"b.tif", "[tile,tile-width=64,tile-height=32]"}, {"a.webp", ""}};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        write_with(f, CASES[i].name, &RGB8, CASES[i].options);
        tw_source *s = must_open(f, CASES[i].name, NULL);
        char *all = read_all(s, 200);
        pthread_t threads[4];
        rect_reader readers[4];
        for (int k = 0; k < 4; k++) {
            readers[k] = (rect_reader){s, all, (unsigned)k + 1};
            pthread_create(&threads[k], NULL, read_rects, &readers[k]);
        }
        for (int k = 0; k < 4; k++)
            pthread_join(threads[k], NULL);
        tw_error err = TW_ERROR_NONE;
        char pixel[16];
        assert_fails(tw_source_read_rect(s, (tw_rect){299, 0, 2, 1}, pixel, &err), TW_ERROR_RUN, err, "outside");
        tw_source_close(s);
        free(all);
    }
}

typedef struct feeder {
    int fd;
    char *bytes;
    gsize n;
} feeder;

static void *feed(void *user)
{
    feeder *p = user;
    for (gsize at = 0; at < p->n;) {
        ssize_t n = write(p->fd, p->bytes + at, MIN(p->n - at, 1000));
        if (n < 0)
            break;
        at += (gsize)n;
    }
    close(p->fd);
    return NULL;
}

/* Standard input becomes a pipe that gives the file's bytes, until pipe_end. */
typedef struct piped {
    feeder feeder;
    pthread_t thread;
    int old;
} piped;

static void pipe_start(fixture *f, const char *name, piped *p)
{
    char *path = in_dir(f, name);
    int ends[2];
    g_assert_true(g_file_get_contents(path, &p->feeder.bytes, &p->feeder.n, NULL) && pipe(ends) == 0);
    p->feeder.fd = ends[1];
    p->old = dup(0);
    dup2(ends[0], 0);
    close(ends[0]);
    pthread_create(&p->thread, NULL, feed, &p->feeder);
    g_free(path);
}

static void pipe_end(piped *p)
{
    dup2(p->old, 0);
    close(p->old);
    pthread_join(p->thread, NULL);
    g_free(p->feeder.bytes);
}

static void assert_same_rest(tw_source *want, tw_source *have, const tw_picture *picture)
{
    int64_t bytes = picture->height * tw_picture_row_bytes(picture);
    char *a = read_all(want, 50), *b = read_all(have, 50);
    g_assert_cmpmem(a, (gsize)bytes, b, (gsize)bytes);
    free(a);
    free(b);
}

static void test_pipe(fixture *f, gconstpointer data)
{
    static const char *const NAMES[] = {"a.png", "a.jpg", "a.webp", "a.tif", "a.ppm"};
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(NAMES); i++) {
        const char *name = NAMES[i / 2];
        bool twice = i % 2;
        piped p;
        tw_place place = {.path = "-"};
        tw_error err = TW_ERROR_NONE;
        write_with(f, name, &RGB8, "");
        pipe_start(f, name, &p);
        tw_source *s, *direct = must_open(f, name, NULL);
        assert_ok(tw_source_open(f->context, &place, NULL, &s, &err), err);
        if (twice)
            assert_ok(tw_source_will_rewind(s, &err), err);
        assert_same_rest(direct, s, &RGB8);
        if (twice) {
            assert_ok(tw_source_rewind(s, &err), err);
            assert_ok(tw_source_rewind(direct, &err), err);
            assert_same_rest(direct, s, &RGB8);
        }
        tw_source_close(s);
        tw_source_close(direct);
        pipe_end(&p);
    }
}

/* The first rows of a pipe are looked at, then all are read: no more of it stays in scratch than was looked at. */
static void test_pipe_look(fixture *f, gconstpointer data)
{
    static const char *const NAMES[] = {"a.png", "a.ppm", "a.jpg"};
    static const tw_picture TALL = {2000, 3400, 3, false, TW_U8};
    const int64_t LOOK = 100, SEGMENT = 8 << 20, LIMIT = 2 * SEGMENT;
    tw_scratch *scratch = tw_scratch_new(NULL, LIMIT);
    tw_context_set_scratch(f->context, scratch);
    for (size_t i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        piped p;
        tw_place place = {.path = "-"};
        tw_error err = TW_ERROR_NONE;
        write_with(f, NAMES[i], &TALL, g_str_has_suffix(NAMES[i], ".png") ? "[compression=0]" : "");
        pipe_start(f, NAMES[i], &p);
        tw_source *s, *direct = must_open(f, NAMES[i], NULL);
        assert_ok(tw_source_open(f->context, &place, NULL, &s, &err), err);
        g_assert_cmpint(tw_source_would_keep(s, LOOK), ==, SEGMENT);
        g_assert_cmpint(tw_source_would_keep(s, TALL.height), >=, p.feeder.n);
        g_assert_cmpint(tw_source_would_keep(direct, LOOK), ==, 0);
        assert_ok(tw_source_will_rewind(s, &err), err);
        char *rows = malloc((size_t)(LOOK * tw_picture_row_bytes(&TALL)));
        int64_t got;
        assert_ok(tw_source_next_band(s, rows, LOOK, &got, &err), err);
        free(rows);
        tw_source_last_pass(s);
        assert_ok(tw_source_rewind(s, &err), err);
        assert_same_rest(direct, s, &TALL);
        g_assert_cmpint(tw_source_kept(s), ==, SEGMENT);
        g_assert_cmpint(tw_source_kept(direct), ==, 0);
        tw_source_close(s);
        tw_source_close(direct);
        pipe_end(&p);
    }
    tw_context_set_scratch(f->context, f->scratch);
    tw_scratch_free(scratch);
}

static void test_memory_input(fixture *f, gconstpointer data)
{
    write_with(f, "a.png", &RGB8, "");
    char *path = in_dir(f, "a.png"), *bytes;
    gsize n;
    tw_error err = TW_ERROR_NONE;
    tw_source *s;
    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    tw_place place = {.bytes = bytes, .length = n, .label = "upload 7"};
    assert_ok(tw_source_open(f->context, &place, NULL, &s, &err), err);
    check_pixels(s, &RGB8, 0);
    tw_source_close(s);
    place.length = n / 2;
    assert_ok(tw_source_open(f->context, &place, NULL, &s, &err), err);
    char row[300 * 3];
    int64_t got = 1;
    tw_status status = TW_OK;
    while (status == TW_OK && got)
        status = tw_source_next_band(s, row, 1, &got, &err);
    assert_fails(status, TW_ERROR_INPUT, err, "upload 7: truncated");
    tw_source_close(s);
    g_free(bytes);
    g_free(path);
}

static void write_image(const fixture *f, VipsImage *image, const char *name)
{
    char *path = in_dir(f, name);
    if (vips_image_write_to_file(image, path, NULL))
        g_error("%s: %s", path, vips_error_buffer());
    g_free(path);
}

static void test_colour_rules(fixture *f, gconstpointer data)
{
    VipsImage *rgb = pattern_image(&RGB8), *other = NULL;
    tw_error err = TW_ERROR_NONE;
    tw_source *s;

    g_assert_true(vips_icc_export(rgb, &other, "output_profile", "cmyk", NULL) == 0);
    write_image(f, other, "cmyk.tif");
    write_image(f, other, "cmyk.jpg");
    g_clear_object(&other);
    for (int i = 0; i < 2; i++) {
        s = must_open(f, i ? "cmyk.jpg" : "cmyk.tif", NULL);
        g_assert_cmpint(tw_source_picture(s)->colours, ==, 3);
        g_assert_false(tw_source_picture(s)->alpha);
        g_assert_nonnull(strstr(f->warnings->str, "CMYK converted to sRGB through its own profile"));
        free(read_all(s, 100));
        tw_source_close(s);
    }
    g_string_truncate(f->warnings, 0);

    g_assert_true(vips_colourspace(rgb, &other, VIPS_INTERPRETATION_LAB, NULL) == 0);
    write_image(f, other, "lab.tif");
    g_clear_object(&other);
    s = must_open(f, "lab.tif", NULL);
    g_assert_cmpint(tw_source_picture(s)->depth, ==, TW_U16);
    g_assert_nonnull(strstr(f->warnings->str, "converted to 16-bit sRGB"));
    tw_picture p16 = RGB8;
    p16.depth = TW_U16;
    check_pixels(s, &p16, 0.02);
    tw_source_close(s);
    g_string_truncate(f->warnings, 0);

    VipsImage *five[2] = {rgb, rgb}, *six = NULL;
    g_assert_true(vips_bandjoin(five, &six, 2, NULL) == 0);
    write_image(f, six, "six.tif");
    assert_fails(open_named(f, "six.tif", NULL, &s, &err), TW_ERROR_INPUT, err, "six.tif: 6 bands");
    g_object_unref(six);

    g_assert_true(vips_cast(rgb, &other, VIPS_FORMAT_SHORT, NULL) == 0);
    write_image(f, other, "short.tif");
    g_clear_object(&other);
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(open_named(f, "short.tif", NULL, &s, &err), TW_ERROR_INPUT, err, "samples of type short");

    g_assert_true(vips_linear1(rgb, &other, 16843009.0, 0.0, NULL) == 0);
    VipsImage *whole = NULL;
    g_assert_true(vips_cast(other, &whole, VIPS_FORMAT_UINT, NULL) == 0);
    write_image(f, whole, "uint.tif");
    g_clear_object(&other);
    g_clear_object(&whole);
    s = must_open(f, "uint.tif", NULL);
    tw_picture p32 = RGB8;
    p32.depth = TW_F32;
    check_pixels(s, &p32, 0.5 / 255.0);
    g_assert_nonnull(strstr(f->warnings->str, "uint samples converted to float"));
    tw_source_close(s);

    write_with(f, "palette.png", &RGB8, "[palette]");
    s = must_open(f, "palette.png", NULL);
    g_assert_cmpint(tw_source_picture(s)->colours, ==, 3);
    tw_source_close(s);

    tw_picture grey = {300, 200, 1, false, TW_U8};
    write_with(f, "bit.png", &grey, "[bitdepth=1]");
    s = must_open(f, "bit.png", NULL);
    g_assert_cmpint(tw_source_picture(s)->colours, ==, 1);
    char *all = read_all(s, 10);
    for (int i = 0; i < 300 * 200; i++)
        g_assert_true(all[i] == 0 || (uint8_t)all[i] == 255);
    free(all);
    tw_source_close(s);
    g_object_unref(rgb);
}

static void test_cancel(fixture *f, gconstpointer data)
{
    write_with(f, "a.png", &RGB8, "");
    tw_source *s = must_open(f, "a.png", NULL);
    tw_error err = TW_ERROR_NONE;
    char row[300 * 3];
    int64_t got;
    tw_context_cancel(f->context);
    g_assert_cmpint(tw_source_next_band(s, row, 1, &got, &err), ==, TW_ERROR_INTERRUPTED);
    err = (tw_error)TW_ERROR_NONE;
    g_assert_cmpint(tw_source_read_rect(s, (tw_rect){0, 0, 1, 1}, row, &err), ==, TW_ERROR_INTERRUPTED);
    tw_source_close(s);
}

/* In a process of its own: decodes and prints told and measured growth. */
static int memory_child(const char *path, bool rects)
{
    fixture f;
    fixture_open(&f);
    tw_place place = {.path = path};
    tw_source *s;
    tw_error err = TW_ERROR_NONE;
    int64_t before = peak_memory(), got = 1;
    assert_ok(tw_source_open(f.context, &place, NULL, &s, &err), err);
    const tw_picture *p = tw_source_picture(s);
    int64_t own = 8 * tw_picture_row_bytes(p);
    char *rows = malloc((size_t)own);
    if (rects)
        assert_ok(tw_source_read_rect(s, (tw_rect){0, 0, p->width, 8}, rows, &err), err);
    else
        while (got)
            assert_ok(tw_source_next_band(s, rows, 8, &got, &err), err);
    const tw_source_cost *cost = tw_source_cost_of(s);
    printf("%lld %lld\n", (long long)(rects ? cost->random : cost->sequential), (long long)(peak_memory() - before - own));
    free(rows);
    tw_source_close(s);
    fixture_close(&f);
    return 0;
}

static const char *self;

static void check_memory(const char *path, const char *mode)
{
    char *argv[] = {(char *)self, (char *)"--case", (char *)mode, (char *)path, NULL}, *out;
    int status;
    long long told = 0, used = 0;
    g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpint(sscanf(out, "%lld %lld", &told, &used), ==, 2);
    g_test_message("%s %s: told %.1f MiB, used %.1f MiB", path, mode, (double)told / 1048576, (double)used / 1048576);
    if (!g_getenv("TW_SANITIZED"))
        g_assert_cmpint(told, >=, used);
    g_free(out);
}

static void test_memory(fixture *f, gconstpointer data)
{
    static const struct {
        const char *name, *options;
    } CASES[] = {{"a.png", "[compression=1]"},
                 {"a.jpg", ""},
                 {"b.jpg", "[interlace]"},
                 {"a.webp", "[effort=0]"},
                 {"a.tif", ""},
                 {"b.tif", "[tile,tile-width=256,tile-height=256]"},
                 {"c.tif", "[compression=deflate]"},
                 {"b.png", "[interlace,compression=1]"}};
    tw_picture p = {4000, 3000, 3, false, TW_U8};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        char *path = in_dir(f, CASES[i].name);
        write_with(f, CASES[i].name, &p, CASES[i].options);
        check_memory(path, "sequential");
        check_memory(path, "rects");
        g_remove(path);
        g_free(path);
    }
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
        return memory_child(argv[3], strcmp(argv[2], "rects") == 0);
    self = argv[0];
    g_test_init(&argc, &argv, NULL);
    /* g_test makes warnings fatal before our silent handler can swallow those of libvips. */
    g_log_set_always_fatal((GLogLevelFlags)(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK));
    if (VIPS_INIT(argv[0]))
        return 1;
    vips_concurrency_set(1);
#define ADD(name) g_test_add("/source/" #name, fixture, NULL, set_up, test_##name, tear_down)
    ADD(formats);
    ADD(quality);
    ADD(detection);
    ADD(refusals);
    ADD(truncated);
    ADD(orientation);
    ADD(rewind);
    ADD(read_rect);
    ADD(pipe);
    ADD(pipe_look);
    ADD(memory_input);
    ADD(colour_rules);
    ADD(cancel);
    ADD(memory);
    return g_test_run();
}
