/* SPDX-License-Identifier: MIT */
#include <glib.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/options.h"

#define CHECK g_assert_true

static const tw_option own[] = {
    {.name = "scale", .letter = 's', .type = TW_OPTION_INT, .min = 1, .max = 8, .fallback = "2", .help = "h", .since = "0.1"},
    {.name = "strength", .type = TW_OPTION_REAL, .min = 0, .max = 1, .help = "h", .since = "0.1"},
    {.name = "tta", .letter = 'x', .type = TW_OPTION_FLAG, .help = "h", .since = "0.1"},
    {.name = "like", .type = TW_OPTION_GEOMETRY, .help = "h", .since = "0.1"},
    {.name = NULL},
};
static const tw_option common[] = {
    {.name = "memory", .type = TW_OPTION_SIZE, .fallback = "50%", .help = "h", .since = "0.1"},
    {.name = "tile", .letter = 't', .alias = "tile-size", .type = TW_OPTION_INT, .max = 65536, .unit = "px", .help = "h"},
    {.name = "device", .type = TW_OPTION_CHOICE, .choices = "auto|cpu|gpu|gpu:N", .fallback = "auto", .help = "h"},
    {.name = "halo", .type = TW_OPTION_CHOICE, .choices = "exact|N|auto:EPS", .fallback = "exact", .help = "h"},
    {.name = "enable-tiling", .type = TW_OPTION_BOOL, .help = "h"},
    {.name = "max-pixels", .type = TW_OPTION_INT, .max = 9e15, .help = "h"},
    {.name = "scratch", .type = TW_OPTION_FILE, .help = "h"},
    {.name = NULL},
};
static const tw_option *const tables[] = {own, common, NULL};

static void test_sizes(void)
{
    static const struct {
        const char *text;
        int64_t bytes; /* -1: refused */
    } cases[] = {
        {"512M", INT64_C(512) << 20},
        {"2G", INT64_C(2) << 30},
        {"1.5G", INT64_C(3) << 29},
        {"50%", 500},
        {"0", 0},
        {"4096", 4096},
        {"64k", 65536},
        {"1GiB", INT64_C(1) << 30},
        {"1MB", 1 << 20},
        {"10b", 10},
        {".5K", 512},
        {"100%", 1000},
        {"8T", INT64_C(8) << 40},
        {"33.3%", 333},
        {"", -1},
        {"M", -1},
        {"-1", -1},
        {"1e9", -1},
        {"0x10", -1},
        {"inf", -1},
        {" 1", -1},
        {"1 M", -1},
        {"1X", -1},
        {"101%", -1},
        {"9223372036854775808", -1},
        {"99999999T", -1},
        {".", -1},
        {"1,5G", -1},
        {"1MM", -1},
        {"%", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t bytes = -1;
        bool ok = tw_parse_size(cases[i].text, 1000, &bytes);
        if (ok != (cases[i].bytes >= 0) || bytes != cases[i].bytes)
            g_error("size \"%s\": %" PRId64 " instead of %" PRId64, cases[i].text, bytes, cases[i].bytes);
    }
    CHECK(!tw_parse_size(NULL, 1000, &(int64_t){0}));
}

static void test_format(void)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {INT64_C(431) << 20, "431.0 MiB"},
        {(INT64_C(1) << 30) - 1, "1.0 GiB"},
        {(INT64_C(1) << 30) + (INT64_C(1) << 29), "1.5 GiB"},
        {INT64_MAX, "8.0 EiB"},
        {-2048, "-2.0 KiB"},
    };
    char buffer[24];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        g_assert_cmpstr(tw_format_size(cases[i].bytes, buffer, sizeof buffer), ==, cases[i].text);
}

static void accepts(tw_options *o, const char *name, const char *value)
{
    tw_error err = TW_ERROR_NONE;
    tw_options_set(o, name, value, &err);
    g_assert_cmpstr(err.message, ==, "");
}

static void refuses(tw_options *o, const char *name, const char *value, const char *message)
{
    tw_error err = TW_ERROR_NONE;
    g_assert_cmpint(tw_options_set(o, name, value, &err), ==, TW_ERROR_USAGE);
    g_assert_cmpstr(err.message, ==, message);
}

static void test_values(void)
{
    tw_options *o = tw_options_new(tables);
    int64_t w, h;

    CHECK(tw_options_int(o, "scale") == 2 && !tw_options_given(o, "scale"));
    accepts(o, "scale", "4");
    CHECK(tw_options_int(o, "scale") == 4 && tw_options_given(o, "scale"));
    CHECK(tw_options_text(o, "like") == NULL && !tw_options_bool(o, "tta"));
    accepts(o, "tta", NULL);
    CHECK(tw_options_bool(o, "tta"));
    accepts(o, "tta", "false");
    CHECK(!tw_options_bool(o, "tta"));
    accepts(o, "strength", "0.25");
    CHECK(tw_options_real(o, "strength") == 0.25);
    accepts(o, "like", "640x480");
    tw_options_geometry(o, "like", &w, &h);
    CHECK(w == 640 && h == 480);
    accepts(o, "like", "0");
    accepts(o, "like", "96");
    tw_options_geometry(o, "like", &w, &h);
    CHECK(w == 96 && h == 96);
    CHECK(tw_options_size(o, "memory", 1000) == 500);
    accepts(o, "tile-size", "96");
    CHECK(tw_options_int(o, "tile") == 96 && tw_options_given(o, "tile_size"));
    accepts(o, "max_pixels", "100000000000");
    CHECK(tw_options_int(o, "max-pixels") == INT64_C(100000000000));
    for (const char *const *v = (const char *const[]){"auto", "cpu", "gpu", "gpu:0", "gpu:12", NULL}; *v; v++)
        accepts(o, "device", *v);
    for (const char *const *v = (const char *const[]){"exact", "18", "auto:0.5", NULL}; *v; v++)
        accepts(o, "halo", *v);
    tw_options_free(o);
}

static void test_refusals(void)
{
    tw_options *o = tw_options_new(tables);
    refuses(o, "memroy", "1G", "unknown option --memroy; did you mean --memory?");
    refuses(o, "frobnicate", "1", "unknown option --frobnicate");
    refuses(o, "scale", "9", "--scale: \"9\" is not a whole number from 1 to 8");
    refuses(o, "scale", "2.5", "--scale: \"2.5\" is not a whole number from 1 to 8");
    refuses(o, "scale", NULL, "--scale needs a value");
    refuses(o, "tile", "-1", "--tile: \"-1\" is not a whole number from 0 to 65536 px");
    refuses(o, "strength", "nan", "--strength: \"nan\" is not a number from 0 to 1");
    refuses(o, "max-pixels", "many", "--max-pixels: \"many\" is not a whole number from 0 to 9000000000000000");
    refuses(o, "max-pixels", "99999999999999999999",
            "--max-pixels: \"99999999999999999999\" is not a whole number from 0 to 9000000000000000");
    refuses(o, "enable-tiling", "maybe", "--enable-tiling: \"maybe\" is neither true nor false");
    refuses(o, "memory", "12Q", "--memory: \"12Q\" is not a size such as 512M, 1.5G, 50% or 4096");
    refuses(o, "like", "640x", "--like: \"640x\" is not a size in pixels such as 640 or 640x480");
    refuses(o, "like", "0x5", "--like: \"0x5\" is not a size in pixels such as 640 or 640x480");
    refuses(o, "like", "-5", "--like: \"-5\" is not a size in pixels such as 640 or 640x480");
    refuses(o, "device", "gpus", "--device: \"gpus\" is not one of auto, cpu, gpu, gpu:N; did you mean \"gpu\"?");
    refuses(o, "device", "gpu:N", "--device: \"gpu:N\" is not one of auto, cpu, gpu, gpu:N; did you mean \"gpu:N\"?");
    refuses(o, "halo", "-3", "--halo: \"-3\" is not one of exact, N, auto:EPS");
    refuses(o, "scratch", "", "--scratch: the file name is empty");
    tw_options_free(o);
    tw_options_free(NULL);
}

static void test_copy(void)
{
    tw_options *o = tw_options_new(tables);
    accepts(o, "scale", "4");
    tw_options *copy = tw_options_copy(o);
    CHECK(copy && tw_options_int(copy, "scale") == 4 && tw_options_given(copy, "scale"));
    accepts(copy, "scale", "3");
    CHECK(tw_options_int(o, "scale") == 4);
    tw_options_free(copy);
    CHECK(tw_options_letter(o, 't') == &common[1] && tw_options_letter(o, 'q') == NULL && tw_options_letter(o, 0) == NULL);
    CHECK(tw_options_find(o, "tile_size") == &common[1] && tw_options_find(o, "tiles") == NULL);
    tw_options_free(o);
}

static void test_nearest(void)
{
    CHECK(tw_edit_distance("upscale", "upscale") == 0);
    CHECK(tw_edit_distance("upsacle", "upscale") == 1);
    CHECK(tw_edit_distance("", "abc") == 3);
    CHECK(tw_edit_distance("kitten", "sitting") == 3);
    tw_nearest best = {0};
    tw_nearest_offer(&best, "quit", "threads");
    CHECK(best.name == NULL);
    tw_nearest_offer(&best, "thread", "threads");
    CHECK(best.name && strcmp(best.name, "threads") == 0);
}

int main(int argc, char **argv)
{
    /* A host with a decimal comma must change nothing; the locale may be missing, which tests nothing but harms nothing. */
    setlocale(LC_ALL, "de_DE.UTF-8");
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options/sizes", test_sizes);
    g_test_add_func("/options/format", test_format);
    g_test_add_func("/options/values", test_values);
    g_test_add_func("/options/refusals", test_refusals);
    g_test_add_func("/options/copy", test_copy);
    g_test_add_func("/options/nearest", test_nearest);
    return g_test_run();
}
