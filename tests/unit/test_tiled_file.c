/* SPDX-License-Identifier: MIT */
/* Tiled TIFFs read by rectangle: the same samples as from first row to last, from several threads, without scratch, within the bytes that
 * are told; what is missing is an error. */
#include <pthread.h>

#include "image_fixture.h"

static const char *self;

static void write_tiff(const char *path, const tw_picture *p, const char *options)
{
    VipsImage *image = pattern_image(p);
    char *full = g_strconcat(path, options, NULL);
    if (vips_image_write_to_file(image, full, NULL))
        g_error("%s: %s", full, vips_error_buffer());
    g_object_unref(image);
    g_free(full);
}

static void put16(GByteArray *to, int value)
{
    const guint8 bytes[2] = {(guint8)value, (guint8)(value >> 8)};
    g_byte_array_append(to, bytes, 2);
}

static void put32(GByteArray *to, int value)
{
    put16(to, value & 65535);
    put16(to, value >> 16);
}

/* 8 bit RGB in tiles of 64x48, not compressed, the directory first; `planes`: one plane after the other. libvips writes neither. */
static void write_tiles(const char *path, const tw_picture *p, bool planes)
{
    enum { W = 64, H = 48, ENTRIES = 11 };
    int across = (int)tw_ceil_div(p->width, W), down = (int)tw_ceil_div(p->height, H);
    int n = (planes ? 3 : 1) * across * down, bands = planes ? 1 : 3, tile = W * H * bands;
    const int at = 8 + 2 + 12 * ENTRIES + 4, bits = at + 8 * n, first = bits + 8;
    const int entries[ENTRIES][4] = {
        {256, 3, 1, (int)p->width},
        {257, 3, 1, (int)p->height},
        {258, 3, 3, bits},
        {259, 3, 1, 1},
        {262, 3, 1, 2},
        {277, 3, 1, 3},
        {284, 3, 1, planes ? 2 : 1},
        {322, 3, 1, W},
        {323, 3, 1, H},
        {324, 4, n, at},
        {325, 4, n, at + 4 * n},
    };
    GByteArray *file = g_byte_array_new();
    g_byte_array_append(file, (const guint8 *)"II*\0", 4);
    put32(file, 8);
    put16(file, ENTRIES);
    for (int i = 0; i < ENTRIES; i++) {
        put16(file, entries[i][0]);
        put16(file, entries[i][1]);
        put32(file, entries[i][2]);
        put32(file, entries[i][3]);
    }
    put32(file, 0);
    for (int i = 0; i < n; i++)
        put32(file, first + i * tile);
    for (int i = 0; i < n; i++)
        put32(file, tile);
    for (int i = 0; i < 4; i++)
        put16(file, 8);
    char *pixels = pattern_pixels(p);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < tile; k++) {
            int64_t x = i % across * W + k / bands % W, y = i / across % down * H + k / bands / W;
            int band = planes ? i / (across * down) : k % 3;
            guint8 v = x < p->width && y < p->height ? (guint8)pixels[(y * p->width + x) * 3 + band] : 0;
            g_byte_array_append(file, &v, 1);
        }
    free(pixels);
    g_assert_true(g_file_set_contents(path, (const char *)file->data, (gssize)file->len, NULL));
    g_byte_array_unref(file);
}

static tw_source *must_open(fixture *f, const tw_place *place)
{
    tw_source *s;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_source_open(f->context, place, NULL, &s, &err), err);
    return s;
}

typedef struct reader {
    tw_source *source;
    const char *all;
    unsigned seed;
} reader;

static void *read_rects(void *user)
{
    reader *r = user;
    const tw_picture *p = tw_source_picture(r->source);
    int64_t pixel = tw_picture_pixel_bytes(p);
    for (int i = 0; i < 30; i++) {
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

/* By four threads, the same samples as the rows have; no scratch, whose limit here is nothing. */
static void check_file(fixture *f, const char *path)
{
    tw_place place = {.path = path};
    tw_source *s = must_open(f, &place);
    const tw_source_cost *cost = tw_source_cost_of(s);
    g_assert_null(cost->why_copied);
    g_assert_cmpint(cost->scratch, ==, 0);
    char *all = read_all(s, 50);
    tw_scratch *none = tw_scratch_new(f->dir, 1);
    tw_context_set_scratch(f->context, none);
    pthread_t threads[4];
    reader readers[4];
    for (int k = 0; k < 4; k++) {
        readers[k] = (reader){s, all, (unsigned)k + 1};
        pthread_create(&threads[k], NULL, read_rects, &readers[k]);
    }
    for (int k = 0; k < 4; k++)
        pthread_join(threads[k], NULL);
    tw_context_set_scratch(f->context, f->scratch);
    tw_scratch_free(none);
    free(all);
    tw_source_close(s);
}

static void test_same(fixture *f, gconstpointer data)
{
    static const char *const OPTIONS[] = {
        "[tile,tile-width=64,tile-height=32]",
        "[tile,tile-width=128,tile-height=128,compression=lzw]",
        "[tile,tile-width=48,tile-height=80,compression=deflate,predictor=horizontal]",
        "[tile,tile-width=256,tile-height=256,compression=zstd,bigtiff]",
        "[tile,tile-width=64,tile-height=64,pyramid,compression=deflate]",
        "[tile,tile-width=64,tile-height=64,compression=jpeg]",
    };
    char *path = in_dir(f, "a.tif");
    for (int depth = TW_U8; depth <= TW_F32; depth++)
        for (int bands = 1; bands <= 4; bands++)
            for (size_t i = 0; i < G_N_ELEMENTS(OPTIONS); i++) {
                tw_picture p = {300, 200, bands < 3 ? 1 : 3, bands % 2 == 0, (tw_depth)depth};
                if (strstr(OPTIONS[i], "jpeg") && (depth != TW_U8 || bands % 2 == 0))
                    continue; /* which has no such samples */
                write_tiff(path, &p, OPTIONS[i]);
                check_file(f, path);
            }
    g_free(path);
}

/* libvips does not read them: said when the header is read, not after minutes. */
static void test_planes(fixture *f, gconstpointer data)
{
    char *path = in_dir(f, "planes.tif");
    tw_picture p = {300, 200, 3, false, TW_U8};
    write_tiles(path, &p, true);
    tw_place place = {.path = path};
    tw_source *s;
    tw_error err = TW_ERROR_NONE;
    assert_fails(tw_source_open(f->context, &place, NULL, &s, &err), TW_ERROR_INPUT, err, "planes.tif: tiles of one band each");
    write_tiles(path, &p, false);
    check_file(f, path);
    g_free(path);
}

/* Strips, other formats, and what is turned on the way go through scratch, and say why. */
static void test_copied(fixture *f, gconstpointer data)
{
    static const struct {
        const char *name, *options, *why;
        bool orient;
    } CASES[] = {{"a.tif", "", "strips", false}, {"a.png", "", "first row", false}, {"b.tif", "[tile]", "turned", true}};
    tw_picture p = {300, 200, 3, false, TW_U8};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        char *path = in_dir(f, CASES[i].name), *full = g_strconcat(path, CASES[i].options, NULL);
        VipsImage *image = pattern_image(&p);
        vips_image_set_int(image, VIPS_META_ORIENTATION, 6);
        g_assert_cmpint(vips_image_write_to_file(image, full, NULL), ==, 0);
        g_object_unref(image);
        tw_place place = {.path = path};
        tw_source *s;
        tw_error err = TW_ERROR_NONE;
        assert_ok(tw_source_open(f->context, &place, &(tw_source_options){.orient = CASES[i].orient}, &s, &err), err);
        g_assert_nonnull(strstr(tw_source_cost_of(s)->why_copied, CASES[i].why));
        g_assert_cmpint(tw_source_cost_of(s)->scratch, >=, 300 * 200 * 3);
        tw_source_close(s);
        g_free(full);
        g_free(path);
    }
}

static void test_truncated(fixture *f, gconstpointer data)
{
    tw_picture p = {300, 200, 3, false, TW_U8};
    char *whole = in_dir(f, "whole.tif"), *part = in_dir(f, "part.tif"), *bytes, *pixels = malloc(300 * 200 * 3);
    gsize n;
    write_tiles(whole, &p, false); /* whose directory comes first */
    g_assert_true(g_file_get_contents(whole, &bytes, &n, NULL));
    g_assert_true(g_file_set_contents(part, bytes, (gssize)(n * 6 / 10), NULL));
    tw_place place = {.path = part};
    tw_source *s = must_open(f, &place);
    tw_error err = TW_ERROR_NONE;
    assert_fails(tw_source_read_rect(s, (tw_rect){0, 0, 300, 200}, pixels, &err), TW_ERROR_INPUT, err, "part.tif: truncated");
    err = (tw_error)TW_ERROR_NONE; /* and again: nothing of the failure is taken for a tile */
    assert_fails(tw_source_read_rect(s, (tw_rect){0, 0, 300, 200}, pixels, &err), TW_ERROR_INPUT, err, "part.tif: truncated");
    tw_source_close(s);
    free(pixels);
    g_free(bytes);
    g_free(whole);
    g_free(part);
}

/* --- memory -------------------------------------------------------------------------------------------------------- */

/* Columns of blocks from left to right, as a quarter turn reads them. */
static void *read_columns(void *user)
{
    reader *r = user;
    const tw_picture *p = tw_source_picture(r->source);
    char *pixels = malloc((size_t)(128 * 128 * tw_picture_pixel_bytes(p)));
    for (int64_t x = 128 * (int64_t)r->seed; x + 128 <= p->width; x += 4 * 128)
        for (int64_t y = 0; y + 128 <= p->height; y += 128) {
            tw_error err = TW_ERROR_NONE;
            assert_ok(tw_source_read_rect(r->source, (tw_rect){x, y, 128, 128}, pixels, &err), err);
        }
    free(pixels);
    return NULL;
}

/* In a process of its own: prints what is told, what it took, and what holding the whole picture would have taken. */
static int memory_child(const char *path)
{
    fixture f;
    fixture_open(&f);
    tw_place place = {.path = path};
    int64_t before = peak_memory();
    tw_source *s = must_open(&f, &place);
    const tw_picture *p = tw_source_picture(s);
    pthread_t threads[4];
    reader readers[4];
    for (unsigned k = 0; k < 4; k++) {
        readers[k] = (reader){s, NULL, k};
        pthread_create(&threads[k], NULL, read_columns, &readers[k]);
    }
    for (int k = 0; k < 4; k++)
        pthread_join(threads[k], NULL);
    int64_t own = 4 * 128 * 128 * tw_picture_pixel_bytes(p);
    printf("%lld %lld %lld\n", (long long)tw_source_cost_of(s)->random, (long long)(peak_memory() - before - own),
           (long long)(p->height * tw_picture_row_bytes(p)));
    tw_source_close(s);
    fixture_close(&f);
    return 0;
}

static void test_memory(fixture *f, gconstpointer data)
{
    static const char *const OPTIONS[] = {"[tile,tile-width=256,tile-height=256]",
                                          "[tile,tile-width=512,tile-height=512,compression=deflate]",
                                          "[tile,tile-width=256,tile-height=256,compression=jpeg]"};
    tw_picture p = {3000, 12000, 3, false, TW_U8};
    char *path = in_dir(f, "a.tif");
    for (size_t i = 0; i < G_N_ELEMENTS(OPTIONS); i++) {
        write_tiff(path, &p, OPTIONS[i]);
        char *argv[] = {(char *)self, (char *)"--case", path, NULL}, *out;
        long long told = 0, used = 0, whole = 0;
        int status;
        g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, &status, NULL));
        g_assert_cmpint(status, ==, 0);
        g_assert_cmpint(sscanf(out, "%lld %lld %lld", &told, &used, &whole), ==, 3);
        g_test_message("%s: told %.1f MiB, used %.1f MiB, all of it %.1f MiB", OPTIONS[i], (double)told / 1048576,
                       (double)used / 1048576, (double)whole / 1048576);
        g_assert_cmpint(told, <, whole);
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
    if (argc == 3 && strcmp(argv[1], "--case") == 0)
        return memory_child(argv[2]);
    self = argv[0];
    if (VIPS_INIT(argv[0]))
        return 99;
    vips_cache_set_max(0);
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK); /* libvips warns of the tiles that are missing */
#define ADD(name) g_test_add("/tiled-file/" #name, fixture, NULL, set_up, test_##name, tear_down)
    ADD(same);
    ADD(planes);
    ADD(copied);
    ADD(truncated);
    ADD(memory);
    return g_test_run();
}
