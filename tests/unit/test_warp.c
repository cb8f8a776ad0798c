/* SPDX-License-Identifier: MIT */
/* warp against a plain sum in double that shares nothing with it; the same bytes whatever tiles, threads, budget and way of reading; sizes and
 * budgets by a table; what must not be applied is refused, and nothing is left. */
#include "warp_checks.h"

/* --- the reference ------------------------------------------------------------------------------------------------- */

static int mirrored(int i, int n)
{
    i = abs(i) % (2 * n - 2);
    return i < n ? i : 2 * n - 2 - i;
}

static double value_at(const image *p, const char *kind, bool mirror, double x, double y, int band)
{
    double sum = 0, total = 0;
    for (int j = (int)floor(y) - 2; j <= (int)floor(y) + 3; j++)
        for (int i = (int)floor(x) - 2; i <= (int)floor(x) + 3; i++) {
            double w = weight(kind, i - x) * weight(kind, j - y);
            int a = mirror ? mirrored(i, p->width) : CLAMP(i, 0, p->width - 1),
                b = mirror ? mirrored(j, p->height) : CLAMP(j, 0, p->height - 1);
            sum += w * p->v[(b * p->width + a) * p->bands + band];
            total += w;
        }
    return sum / total;
}

static double cover_at(double s, int n)
{
    return CLAMP(fmin(s + 1, n - s), 0, 1);
}

static double expected(const image *p, const char *kind, const char *outside, double x, double y, int band)
{
    bool mirror = strcmp(outside, "mirror") == 0, edge = strcmp(outside, "edge") == 0;
    double cover = mirror || edge ? 1 : cover_at(x, p->width) * cover_at(y, p->height);
    if (strcmp(kind, "nearest") == 0) {
        int a = (int)floor(x + 0.5), b = (int)floor(y + 0.5);
        bool in = a >= 0 && b >= 0 && a < p->width && b < p->height;
        if (!in && !mirror && !edge)
            return 0;
        a = mirror ? mirrored(a, p->width) : CLAMP(a, 0, p->width - 1);
        b = mirror ? mirrored(b, p->height) : CLAMP(b, 0, p->height - 1);
        return p->v[(b * p->width + a) * p->bands + band];
    }
    if (!mirror) { /* beyond a pixel outside there is nothing but the border pixel */
        x = CLAMP(x, -1, p->width);
        y = CLAMP(y, -1, p->height);
    }
    return cover > 0 ? cover * value_at(p, kind, mirror, x, y, band) : 0; /* the background is 0 */
}

static void check_against_reference(const map *f, const image *p, const char *kind, const char *outside)
{
    char *field = store_map(f, "f.tfm"), *input = store(p, "in.tif"), *output = in_folder("out.tif");
    double white = white_of(p->format), worst = 0;
    must_warp(input, output, field, (const setting[]){{"interpolate", kind}, {"outside", outside}, {0}});
    image got = stored(output);
    g_assert_true(got.width == WIDTH && got.height == HEIGHT && got.format == p->format);
    int bands = MIN(got.bands, p->bands);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int band = 0; band < bands; band++) {
                double at[2];
                map_at(f, x, y, at);
                double want = expected(p, kind, outside, at[0], at[1], band), is = got.v[(y * WIDTH + x) * got.bands + band];
                bool tie = strcmp(kind, "nearest") == 0 &&
                           (fabs(at[0] - floor(at[0]) - 0.5) < 1e-9 || fabs(at[1] - floor(at[1]) - 0.5) < 1e-9);
                if (p->format != VIPS_FORMAT_FLOAT)
                    want = CLAMP(want, 0, white);
                if (!tie)
                    worst = fmax(worst, fabs(is - want));
            }
    double allowed = p->format == VIPS_FORMAT_FLOAT ? 2e-5 : 0.5 + 2e-5 * white;
    if (worst > allowed)
        g_error("%s, outside %s, %d bands of format %d: differs by %g, %g allowed", kind, outside, p->bands, p->format, worst,
                allowed);
    g_free(got.v);
    g_free(field);
    g_free(input);
    g_free(output);
}

static void test_reference(void)
{
    static const char *const KINDS[] = {"nearest", "bilinear", "bicubic", "lanczos3"}, *const OUTSIDES[] = {"background",
                                                                                                            "mirror", "edge"};
    static const VipsBandFormat FORMATS[] = {VIPS_FORMAT_UCHAR, VIPS_FORMAT_USHORT, VIPS_FORMAT_FLOAT};
    for (int format = 0; format < 3; format++)
        for (int bands = 1; bands <= 3; bands += 2) {
            image p = made(bands, FORMATS[format]);
            for (int kind = 0; kind < 4; kind++)
                for (int outside = 0; outside < 3; outside++)
                    check_against_reference(outside == 1 ? &QUARTER : &GENTLE, &p, KINDS[kind], OUTSIDES[outside]);
            g_free(p.v);
        }
}

static double analytic(double x, double y)
{
    return 127 + 55 * sin(x / 2.3) * cos(y / 2.9) + 45 * sin((x + 2 * y) / 7);
}

/* Of a picture that is known everywhere: the truth is the function, not a sum of pixels. */
static void test_analytic(void)
{
    static const struct {
        const char *kind;
        double rms; /* levels of 8 bit, rounding of input and result included */
    } CASES[] = {{"bicubic", 0.45}, {"lanczos3", 0.5}, {"bilinear", 0.95}};
    image p = made(1, VIPS_FORMAT_UCHAR);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        p.v[i] = floor(analytic(i % WIDTH, i / WIDTH) + 0.5);
    char *field = store_map(&GENTLE, "f.tfm"), *input = store(&p, "in.png"), *output = in_folder("out.png");
    for (size_t k = 0; k < G_N_ELEMENTS(CASES); k++) {
        double squares = 0, at[2];
        int n = 0;
        must_warp(input, output, field, (const setting[]){{"interpolate", CASES[k].kind}, {0}});
        image got = stored(output);
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            map_at(&GENTLE, i % WIDTH, i / WIDTH, at);
            if (at[0] < 3 || at[1] < 3 || at[0] > WIDTH - 4 || at[1] > HEIGHT - 4)
                continue;
            squares += pow(got.v[i] - analytic(at[0], at[1]), 2);
            n++;
        }
        g_test_message("%s: rms %.3f levels", CASES[k].kind, sqrt(squares / n));
        g_assert_cmpfloat(sqrt(squares / n), <=, CASES[k].rms);
        g_free(got.v);
    }
    g_free(p.v);
    g_free(field);
    g_free(input);
    g_free(output);
}

/* Colours under one alpha everywhere are those without it, and its edges do not darken. */
static void test_alpha(void)
{
    image with = made(4, VIPS_FORMAT_UCHAR), without = made(3, VIPS_FORMAT_UCHAR);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        with.v[4 * i + 3] = 100;
    char *field = store_map(&GENTLE, "f.tfm"), *a = store(&with, "a.png"), *b = store(&without, "b.png"),
         *out[2] = {in_folder("oa.png"), in_folder("ob.png")};
    must_warp(a, out[0], field, NULL);
    must_warp(b, out[1], field, (const setting[]){{"outside", "transparent"}, {0}});
    image got[2] = {stored(out[0]), stored(out[1])};
    g_assert_true(got[0].bands == 4 && got[1].bands == 4);
    int full = 0, none = 0;
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        double alpha = got[1].v[4 * i + 3];
        full += alpha == 255;
        none += alpha == 0;
        g_assert_cmpfloat(fabs(got[0].v[4 * i + 3] - alpha * 100 / 255), <=, 1);
        for (int c = 0; alpha > 0 && c < 3; c++)
            g_assert_cmpfloat(fabs(got[0].v[4 * i + c] - got[1].v[4 * i + c]), <=, 1);
    }
    g_assert_true(full > WIDTH * HEIGHT / 2 && none > 100 && full + none < WIDTH * HEIGHT);
    for (int i = 0; i < 2; i++) {
        g_free(got[i].v);
        g_free(out[i]);
    }
    g_free(with.v);
    g_free(without.v);
    g_free(field);
    g_free(a);
    g_free(b);
}

static void test_identity(void)
{
    static const map SAME = {{1, 0, 0, 0, 1, 0}, 0};
    for (int bands = 1; bands <= 4; bands++)
        for (int k = 0; k < 2; k++) {
            image p = made(bands, k ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR);
            char *field = store_map(&SAME, "same.tfm"), *input = store(&p, "in.png"), *output = in_folder("out.png");
            size_t bytes;
            void *before = read_samples(input, &bytes);
            static const char *const KINDS[] = {"nearest", "bilinear", "bicubic", "lanczos3"};
            for (int kind = 0; kind < 4; kind++) {
                must_warp(input, output, field, (const setting[]){{"interpolate", KINDS[kind]}, {0}});
                assert_same_samples(output, before, bytes);
            }
            g_free(before);
            g_free(p.v);
            g_free(field);
            g_free(input);
            g_free(output);
        }
}

/* Tiles, threads, budgets; streamed (gentle) and read at random (a quarter turn), stored in rows and in tiles. */
static void test_same_bytes(void)
{
    static const setting WAYS[][4] = {{{"threads", "1"}, {0}},
                                      {{"tile", "256"}, {"threads", "2"}, {0}},
                                      {{"tile", "64x48"}, {"threads", "4"}, {0}},
                                      {{"tile", "4096"}, {"threads", "2"}, {0}},
                                      {{"memory", "128M"}, {"threads", "2"}, {0}},
                                      {{"memory", "1G"}, {"threads", "4"}, {0}},
                                      {{"no-tiled-warping", "true"}, {0}},
                                      {{"max-warp-pixels", "1000"}, {0}}};
    static const char *const INPUTS[] = {"big.png", "big.tif[tile,tile-width=128,tile-height=128]"};
    for (int turned = 0; turned < 2; turned++) {
        char *field = store_map(turned ? &QUARTER : &GENTLE, "f.tfm"), *output = in_folder("out.png");
        void *first = NULL;
        size_t bytes = 0;
        for (int k = 0; k < 2; k++) {
            char *input = make_picture(INPUTS[k], 700, 500, 3);
            *strchrnul(input, '[') = 0;
            for (size_t i = 0; i < G_N_ELEMENTS(WAYS); i++) {
                must_warp(input, output, field, WAYS[i]);
                if (first)
                    assert_same_samples(output, first, bytes);
                else
                    first = read_samples(output, &bytes);
            }
            g_free(input);
        }
        g_free(first);
        g_free(field);
        g_free(output);
    }
}

/* Displacements of two float bands in a TIFF, read at random. */
static void test_tiff_field(void)
{
    image p = made(2, VIPS_FORMAT_FLOAT);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        p.v[2 * i] = 3.5, p.v[2 * i + 1] = -2.25;
    static const map SHIFT = {{1, 0, 3.5, 0, 1, -2.25}, 0};
    char *tiff = store(&p, "shifts.tif"), *field = store_map(&SHIFT, "f.tfm"), *output = in_folder("out.png");
    char *input = make_picture("in.png", WIDTH, HEIGHT, 3);
    size_t bytes;
    must_warp(input, output, field, NULL);
    char *first = read_samples(output, &bytes);
    must_warp(input, output, tiff, NULL);
    assert_same_samples(output, first, bytes);
    char *paths[] = {tiff, field, output, input, first, (char *)p.v};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        g_free(paths[i]);
}

/* --- sizes and budgets --------------------------------------------------------------------------------------------- */

static void test_sizes(void)
{
    static const struct {
        setting settings[3];
        int width, height;
    } CASES[] = {{{{0}}, 60, 40},
                 {{{"size", "80x30"}, {0}}, 80, 30},
                 {{{"like", "like.png"}, {0}}, 50, 20},
                 {{{"like", "like.png"}, {"size", "80x30"}, {0}}, 50, 20},
                 {{{"quality", "80"}, {"interpolate", "bilinear"}, {0}}, 60, 40},
                 {{{"max-warp-pixels", "auto"}, {"threads", "1"}, {0}}, 60, 40},
                 {{{"max-warp-pixels", "10"}, {0}}, 60, 40},
                 {{{"no-tiled-warping", "true"}, {"background", "7"}, {0}}, 60, 40}};
    char *field = store_map(&GENTLE, "f.tfm"), *input = make_picture("in.png", 60, 40, 3),
         *like = make_picture("like.png", 50, 20, 1), *output = in_folder("out.png");
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        setting s[3];
        for (int k = 0; k < 3; k++)
            s[k] = (setting){CASES[i].settings[k].name,
                             g_strcmp0(CASES[i].settings[k].name, "like") == 0 ? like : CASES[i].settings[k].value};
        must_warp(input, output, field, s);
        image got = stored(output);
        g_assert_cmpint(got.width, ==, CASES[i].width);
        g_assert_cmpint(got.height, ==, CASES[i].height);
        g_free(got.v);
    }
    g_free(field);
    g_free(input);
    g_free(like);
    g_free(output);
}

static char *text_field(const char *name, const char *text)
{
    char *path = in_folder(name);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

static void test_refusals(void)
{
#define TFM "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\n"
    map folded = GENTLE;
    folded.amplitude = 60;
    char *input = make_picture("in.png", 60, 40, 3), *large = make_picture("large.png", 3000, 2500, 3),
         *fields[] = {
             store_map(&folded, "folded.tfm"),
             text_field("nan.tfm", TFM "Parameters: 1 0 0 nan 0 0\nFixedParameters: 0 0\n"),
             text_field("cut.tfm", TFM "Parameters: 1 0 0"),
             text_field("flat.tfm", TFM "Parameters: 1 1 1 1 0 0\nFixedParameters: 0 0\n"),
             text_field("hostile.mhd",
                        "ObjectType = Image\nNDims = 2\nDimSize = 900000000000 900000000000\nElementNumberOfChannels = 2\n"
                        "ElementType = MET_FLOAT\nElementDataFile = LOCAL\n"),
             store_map(&GENTLE, "gentle.tfm")};
    static const char *const TEXTS[] = {"folded.tfm", "nan.tfm", "cut.tfm", "flat.tfm", "900000000000"};
    for (size_t i = 0; i < G_N_ELEMENTS(TEXTS); i++)
        refused(input, fields[i], NULL, TW_ERROR_INPUT, TEXTS[i]);
    refused(large, fields[5], (const setting[]){{"no-tiled-warping", "true"}, {"memory", "64M"}, {0}}, TW_ERROR_BUDGET,
            "budget");
    refused(input, fields[5], (const setting[]){{"memory", "20M"}, {0}}, TW_ERROR_BUDGET, "budget");
    refused(input, fields[5], (const setting[]){{"background", "300"}, {0}}, TW_ERROR_USAGE, "300");
    refused(input, "none.tfm", NULL, TW_ERROR_INPUT, "none.tfm");
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        g_free(fields[i]);
    g_free(input);
    g_free(large);
}

int main(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;
    folder_open();
    g_test_init(&argc, &argv, NULL);
    assert_ok(tw_session_new(&session, &err), err);
    g_test_add_func("/warp/reference", test_reference);
    g_test_add_func("/warp/analytic", test_analytic);
    g_test_add_func("/warp/alpha", test_alpha);
    g_test_add_func("/warp/identity", test_identity);
    g_test_add_func("/warp/same_bytes", test_same_bytes);
    g_test_add_func("/warp/tiff_field", test_tiff_field);
    g_test_add_func("/warp/sizes", test_sizes);
    g_test_add_func("/warp/refusals", test_refusals);
    int result = g_test_run();
    tw_session_free(session);
    folder_close();
    return result;
}
