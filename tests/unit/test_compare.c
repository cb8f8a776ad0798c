/* SPDX-License-Identifier: MIT */
/* The operator through the real schedule: against a plain reference in double, bit for bit over tilings and workers. */
#include <jansson.h>

#include "image_fixture.h"
#include "ops/compare/compare.h"
#include "schedule/schedule.h"

#define MAX_SIDE 400

typedef struct pair {
    tw_picture picture[2];
    char *path[2];
    double *value[2]; /* white is 1; interleaved */
} pair;

typedef struct tiling {
    int64_t w, h;
    int workers;
} tiling;

static const tiling TILINGS[] = {{1000, 1000, 1}, {1000, 8, 2}, {8, 1000, 3}, {17, 5, 4}, {64, 48, 2}, {3, 2, 3}, {33, 70, 1}};
#define N_TILINGS ((int)(sizeof TILINGS / sizeof *TILINGS))

/* --- pictures ---------------------------------------------------------------------------------------------------- */

static uint32_t seed;

static double noise(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (double)(seed >> 8) / (double)(1 << 24) - 0.5;
}

static int64_t samples_of(const tw_picture *p)
{
    return p->width * p->height * tw_picture_bands(p);
}

/* Rounds a value to what the depth can hold and writes it. */
static double put(void *pixels, tw_depth depth, int64_t i, double v)
{
    if (depth == TW_F32)
        return ((float *)pixels)[i] = (float)v;
    double white = (double)tw_depth_white(depth);
    double level = floor(CLAMP(v, 0, 1) * white + 0.5);
    if (depth == TW_U8)
        ((uint8_t *)pixels)[i] = (uint8_t)level;
    else
        ((uint16_t *)pixels)[i] = (uint16_t)level;
    return level / white;
}

/* Stores both->value[i] as a TIFF and keeps what the depth left of it. */
static void store(const fixture *f, pair *both, int i)
{
    static const VipsBandFormat FORMATS[] = {VIPS_FORMAT_UCHAR, VIPS_FORMAT_USHORT, VIPS_FORMAT_FLOAT};
    static const VipsInterpretation MEANING[2][3] = {
        {VIPS_INTERPRETATION_B_W, VIPS_INTERPRETATION_GREY16, VIPS_INTERPRETATION_B_W},
        {VIPS_INTERPRETATION_sRGB, VIPS_INTERPRETATION_RGB16, VIPS_INTERPRETATION_scRGB}};
    const tw_picture *p = &both->picture[i];
    size_t bytes = (size_t)(p->height * tw_picture_row_bytes(p));
    void *pixels = g_malloc(bytes);
    for (int64_t k = 0; k < samples_of(p); k++)
        both->value[i][k] = put(pixels, p->depth, k, both->value[i][k]);
    VipsImage *raw =
        vips_image_new_from_memory(pixels, bytes, (int)p->width, (int)p->height, tw_picture_bands(p), FORMATS[p->depth]);
    VipsImage *image = NULL;
    char *name = g_strdup_printf("%d.tif", i);
    both->path[i] = in_dir(f, name);
    g_assert_true(raw && vips_copy(raw, &image, "interpretation", MEANING[p->colours == 3][p->depth], NULL) == 0);
    if (vips_tiffsave(image, both->path[i], NULL))
        g_error("%s: %s", both->path[i], vips_error_buffer());
    g_object_unref(image);
    g_object_unref(raw);
    g_free(pixels);
    g_free(name);
}

static double plain(int64_t x, int64_t y, int band)
{
    return 0.503 + 0.3 * sin((double)x * 0.13 + band) * cos((double)y * 0.07) + 0.1 * sin((double)(x * y) * 0.01);
}

/* A: a textured picture. B: the same with noise of this amplitude; nothing is stored yet. */
static pair make_pair(tw_picture a, tw_depth depth_b, double amplitude)
{
    pair p = {.picture = {a, a}};
    p.picture[1].depth = depth_b;
    int bands = tw_picture_bands(&a);
    seed = 1;
    for (int i = 0; i < 2; i++)
        p.value[i] = g_new(double, samples_of(&a));
    for (int64_t k = 0; k < samples_of(&a); k++) {
        int64_t x = k / bands % a.width, y = k / bands / a.width;
        p.value[0][k] = plain(x, y, (int)(k % bands));
        p.value[1][k] = p.value[0][k] + 2 * amplitude * noise();
    }
    return p;
}

static void free_pair(pair *p)
{
    for (int i = 0; i < 2; i++) {
        g_free(p->value[i]);
        g_free(p->path[i]);
    }
}

/* --- one run ----------------------------------------------------------------------------------------------------- */

typedef struct job {
    tw_place place[2];
    tw_source *source[2];
    tw_options *options;
    tw_op_state *state;
} job;

/* `settings`: "name=value" separated by spaces, or NULL. */
static tw_status open_job(fixture *f, const pair *p, const char *settings, job *j, tw_error *err)
{
    static const tw_option *tables[2];
    tw_source_options how = {0};
    tables[0] = tw_compare_class.options;
    *j = (job){.options = tw_options_new(tables)};
    char **words = g_strsplit(settings ? settings : "", " ", 0);
    for (char **word = words; *word && **word; word++) {
        char *value = strchr(*word, '=');
        *value++ = '\0';
        assert_ok(tw_options_set(j->options, *word, value, err), *err);
    }
    g_strfreev(words);
    for (int i = 0; i < 2; i++) {
        j->place[i] = (tw_place){.path = p->path[i]};
        assert_ok(tw_source_open(f->context, &j->place[i], &how, &j->source[i], err), *err);
        g_assert_cmpint(tw_source_picture(j->source[i])->depth, ==, p->picture[i].depth);
    }
    tw_op_request request = {.context = f->context, .options = j->options, .n_inputs = 2, .sources = j->source};
    return tw_compare_class.open(&request, &j->state, err);
}

static void close_job(job *j)
{
    tw_compare_class.close(j->state);
    for (int i = 0; i < 2; i++)
        tw_source_close(j->source[i]);
    tw_options_free(j->options);
}

static tw_plan plan_of(const job *j, tiling t)
{
    const tw_picture *p = tw_source_picture(j->source[0]);
    tw_grid grid = tw_grid_of(p->width, p->height, t.w, t.h, 1);
    tw_plan plan = {.tile_w = t.w, .tile_h = t.h, .workers = t.workers, .passes = 1, .schedule = TW_SCHEDULE_HALO};
    plan.window_rows[0] = plan.window_rows[1] = MIN(2 * grid.tile_h + 11, p->height);
    plan.worker_bytes = tw_compare_class.bytes(j->state, 0, grid.tile_w, grid.tile_h);
    return plan;
}

static tw_status run_job(fixture *f, job *j, tiling t, tw_error *err)
{
    tw_plan plan = plan_of(j, t);
    tw_schedule_request request = {.context = f->context, .op = &tw_compare_class, .state = j->state, .plan = &plan};
    request.n_inputs = 2;
    request.sources = j->source;
    return tw_schedule_run(&request, NULL, err);
}

static tw_status compare(fixture *f, const pair *p, const char *settings, tiling t, json_t **out, tw_error *err)
{
    job j;
    tw_status status = open_job(f, p, settings, &j, err);
    if (status == TW_OK)
        status = run_job(f, &j, t, err);
    if (status == TW_OK) {
        *out = json_object();
        tw_compare_class.report(j.state, *out);
    }
    close_job(&j);
    return status;
}

static json_t *must_compare(fixture *f, const pair *p, const char *settings, tiling t)
{
    tw_error err = TW_ERROR_NONE;
    json_t *json = NULL;
    assert_ok(compare(f, p, settings, t, &json, &err), err);
    return json;
}

static double real(const json_t *json, const char *key)
{
    const json_t *v = json_object_get(json, key);
    if (!v || !json_is_number(v))
        g_error("no number %s", key);
    return json_number_value(v);
}

static bool is_null(const json_t *json, const char *key)
{
    return json_is_null(json_object_get(json, key));
}

static void assert_near(const json_t *json, const char *key, double expected, double tolerance)
{
    double is = real(json, key);
    if (!(fabs(is - expected) <= tolerance))
        g_error("%s is %.12g instead of %.12g", key, is, expected);
}

/* --- the reference ----------------------------------------------------------------------------------------------- */

static double sample(const pair *p, int i, int64_t x, int64_t y, int band)
{
    const tw_picture *picture = &p->picture[i];
    return p->value[i][(y * picture->width + x) * tw_picture_bands(picture) + band];
}

static double luma(const pair *p, int i, int64_t x, int64_t y)
{
    if (p->picture[i].colours == 1)
        return 16 + 219 * sample(p, i, x, y, 0);
    return 16 + 65.481 * sample(p, i, x, y, 0) + 128.553 * sample(p, i, x, y, 1) + 24.966 * sample(p, i, x, y, 2);
}

/* band: of a colour, or -1 for luma */
static double plane_at(const pair *p, int i, int64_t x, int64_t y, int band)
{
    return band < 0 ? luma(p, i, x, y) : 255 * CLAMP(sample(p, i, x, y, band), 0, 1);
}

static double reference_ssim(const pair *p, int64_t x, int64_t y, int band)
{
    double sum = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0, c1 = 6.5025, c2 = 58.5225;
    for (int v = -5; v <= 5; v++)
        for (int u = -5; u <= 5; u++) {
            double w = exp(-(u * u + v * v) / 4.5);
            double i = plane_at(p, 0, x + u, y + v, band), j = plane_at(p, 1, x + u, y + v, band);
            sum += w, a += w * i, b += w * j, aa += w * i * i, bb += w * j * j, ab += w * i * j;
        }
    a /= sum, b /= sum, aa = aa / sum - a * a, bb = bb / sum - b * b, ab = ab / sum - a * b;
    return (2 * a * b + c1) * (2 * ab + c2) / ((a * a + b * b + c1) * (aa + bb + c2));
}

/* Over the bands from `band` on, up to `end`. */
static void check_ssim(const pair *p, int64_t crop, const json_t *json, const char *key, int band, int end)
{
    const tw_picture *picture = &p->picture[0];
    double sum = 0;
    int64_t n = 0;
    for (; band < end; band++)
        for (int64_t y = crop + 5; y < picture->height - crop - 5; y++)
            for (int64_t x = crop + 5; x < picture->width - crop - 5; x++, n++)
                sum += reference_ssim(p, x, y, band);
    if (n > 0)
        assert_near(json, key, sum / (double)n, 2e-6);
    else
        g_assert_true(is_null(json, key));
}

static void check_figures(const pair *p, int64_t crop, const json_t *json)
{
    const tw_picture *picture = &p->picture[0];
    int bands = tw_picture_bands(picture), max_band = 0;
    double squares = 0, luma_squares = 0, most = 0, absolute = 0, shift[3] = {0};
    int64_t differing = 0, pixels = 0, max_x = 0, max_y = 0, levels[4] = {0};
    for (int64_t y = crop; y < picture->height - crop; y++)
        for (int64_t x = crop; x < picture->width - crop; x++, pixels++) {
            double l = luma(p, 1, x, y) - luma(p, 0, x, y);
            luma_squares += l * l;
            for (int band = 0; band < bands; band++) {
                double d = sample(p, 1, x, y, band) - sample(p, 0, x, y, band);
                differing += fabs(d) > 1e-8;
                levels[MIN((int)(fabs(d) * 255 + 0.5), 3)]++;
                if (fabs(d) > most + 1e-9)
                    most = fabs(d), max_x = x, max_y = y, max_band = band;
                if (band < picture->colours)
                    squares += d * d, absolute += fabs(d), shift[band] += d;
            }
        }
    double n = (double)pixels * picture->colours;
    assert_near(json, "psnr", -10 * log10(squares / n), 1e-4);
    assert_near(json, "psnr_y", -10 * log10(luma_squares / (double)pixels / 65025), 1e-4);
    assert_near(json, "max_difference", most * 255, 1e-4);
    assert_near(json, "mean_difference", absolute * 255 / n, 1e-4);
    assert_near(json, "differing_samples", (double)differing, 0);
    assert_near(json, "differing_fraction", (double)differing / (double)(pixels * bands), 1e-12);
    const json_t *at = json_object_get(json, "max_difference_at"), *shifts = json_object_get(json, "colour_shift");
    assert_near(at, "x", (double)max_x, 0);
    assert_near(at, "y", (double)max_y, 0);
    assert_near(at, "band", max_band, 0);
    g_assert_cmpint((int)json_array_size(shifts), ==, picture->colours);
    for (int c = 0; c < picture->colours; c++) {
        double is = json_real_value(json_array_get(shifts, (size_t)c));
        g_assert_cmpfloat(fabs(is - shift[c] * 255 / (double)pixels), <, 1e-4);
    }
    for (size_t k = 0; k < 4; k++)
        g_assert_cmpint(json_integer_value(json_array_get(json_object_get(json, "levels"), k)), ==, levels[k]);
    check_ssim(p, crop, json, "ssim", -1, 0);
    check_ssim(p, crop, json, "ssim_rgb", 0, picture->colours);
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void test_figures(fixture *f, gconstpointer data)
{
    static const struct {
        tw_picture a;
        tw_depth b;
        int crop;
    } CASES[] = {
        {{83, 71, 3, false, TW_U8}, TW_U8, 0},   {{83, 71, 3, false, TW_U8}, TW_U8, 7},
        {{64, 40, 3, true, TW_U8}, TW_U8, 0},    {{60, 47, 1, false, TW_U16}, TW_U16, 3},
        {{41, 66, 3, false, TW_U16}, TW_U16, 0}, {{41, 66, 1, true, TW_U8}, TW_U8, 0},
        {{50, 50, 3, false, TW_F32}, TW_F32, 0}, {{50, 50, 3, false, TW_U8}, TW_U16, 0},
        {{50, 50, 3, false, TW_F32}, TW_U8, 0},  {{11, 11, 3, false, TW_U8}, TW_U8, 0},
        {{10, 30, 3, false, TW_U8}, TW_U8, 0},   {{1, 1, 1, false, TW_U8}, TW_U8, 0},
        {{1, 90, 3, false, TW_U8}, TW_U8, 0},    {{90, 1, 3, true, TW_U16}, TW_U16, 0},
        {{60, 47, 3, false, TW_U8}, TW_U8, 23},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        pair p = make_pair(CASES[i].a, CASES[i].b, 0.03);
        p.value[1][0] += 0.1; /* something to find even in one pixel */
        char *settings = g_strdup_printf("crop=%d ssim-rgb=true", CASES[i].crop);
        store(f, &p, 0);
        store(f, &p, 1);
        json_t *first = must_compare(f, &p, settings, TILINGS[0]);
        check_figures(&p, CASES[i].crop, first);
        for (int t = 1; t < N_TILINGS; t++) {
            json_t *other = must_compare(f, &p, settings, TILINGS[t]);
            g_assert_true(json_equal(first, other));
            json_decref(other);
        }
        json_decref(first);
        g_free(settings);
        free_pair(&p);
    }
}

static void test_identical(fixture *f, gconstpointer data)
{
    for (int depth = TW_U8; depth <= TW_F32; depth++) {
        pair p = make_pair((tw_picture){70, 60, 3, true, (tw_depth)depth}, (tw_depth)depth, 0);
        store(f, &p, 0);
        store(f, &p, 1);
        json_t *json = must_compare(f, &p, "max-difference=0 min-psnr=100", TILINGS[4]);
        g_assert_true(json_is_true(json_object_get(json, "identical")));
        g_assert_true(is_null(json, "psnr") && is_null(json, "psnr_y") && is_null(json, "max_difference_at"));
        g_assert_true(is_null(json, "seam_period"));
        assert_near(json, "ssim", 1, 1e-12);
        assert_near(json, "max_difference", 0, 0);
        assert_near(json, "seam_score", 1, 0);
        json_decref(json);
        free_pair(&p);
    }
}

/* An 8-bit picture and the same one widened to 16 bits are equal; a step of one 16-bit level is seen. */
static void test_depths(fixture *f, gconstpointer data)
{
    pair p = make_pair((tw_picture){30, 30, 3, false, TW_U8}, TW_U16, 0);
    store(f, &p, 0);
    memcpy(p.value[1], p.value[0], (size_t)samples_of(&p.picture[0]) * sizeof(double));
    store(f, &p, 1);
    json_t *json = must_compare(f, &p, NULL, TILINGS[3]);
    g_assert_true(json_is_true(json_object_get(json, "identical")));
    assert_near(json, "depth", 16, 0);
    json_decref(json);
    g_free(p.path[1]);
    p.value[1][(7 * 30 + 9) * 3 + 1] += 1.0 / 65535;
    store(f, &p, 1);
    json = must_compare(f, &p, NULL, TILINGS[3]);
    assert_near(json, "max_difference_levels", 1, 0);
    assert_near(json, "max_difference", 255.0 / 65535, 1e-12);
    assert_near(json, "differing_samples", 1, 0);
    json_decref(json);
    free_pair(&p);
}

static void test_levels_and_ties(fixture *f, gconstpointer data)
{
    pair p = make_pair((tw_picture){100, 60, 3, true, TW_U8}, TW_U8, 0);
    static const struct {
        int x, y, band, by;
    } CHANGES[] = {{50, 40, 0, 5}, {90, 20, 2, 5}, {20, 20, 3, -5}, {20, 20, 2, 1}, {0, 0, 0, 2}, {99, 59, 1, 1}};
    store(f, &p, 0);
    for (size_t i = 0; i < sizeof CHANGES / sizeof *CHANGES; i++)
        p.value[1][(CHANGES[i].y * 100 + CHANGES[i].x) * 4 + CHANGES[i].band] += CHANGES[i].by / 255.0;
    store(f, &p, 1);
    for (int t = 0; t < N_TILINGS; t++) {
        json_t *json = must_compare(f, &p, NULL, TILINGS[t]);
        const json_t *at = json_object_get(json, "max_difference_at"), *levels = json_object_get(json, "levels");
        static const int64_t counts[] = {24000 - 6, 2, 1, 3};
        assert_near(at, "x", 20, 0);
        assert_near(at, "y", 20, 0);
        assert_near(at, "band", 3, 0);
        for (size_t i = 0; i < 4; i++)
            g_assert_cmpint(json_integer_value(json_array_get(levels, i)), ==, counts[i]);
        assert_near(json, "differing_samples", 6, 0);
        json_decref(json);
    }
    free_pair(&p);
}

static void test_limits(fixture *f, gconstpointer data)
{
    pair p = make_pair((tw_picture){40, 40, 3, false, TW_U8}, TW_U8, 0);
    tw_error err = TW_ERROR_NONE;
    json_t *json = NULL;
    store(f, &p, 0);
    p.value[1][(12 * 40 + 31) * 3] += 3 / 255.0;
    store(f, &p, 1);
    json_decref(must_compare(f, &p, "max-difference=3 min-psnr=60", TILINGS[4]));
    assert_fails(compare(f, &p, "max-difference=2.5", TILINGS[4], &json, &err), TW_ERROR_RUN, err, "differ by 3/255 at 31,12");
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(compare(f, &p, "min-psnr=90", TILINGS[4], &json, &err), TW_ERROR_RUN, err, "less than --min-psnr 90");
    json_decref(must_compare(f, &p, "max-difference=0 crop=13", TILINGS[4])); /* the pixel is in the border */
    free_pair(&p);
}

static void test_refusals(fixture *f, gconstpointer data)
{
    pair a = make_pair((tw_picture){40, 30, 3, false, TW_U8}, TW_U8, 0);
    pair b = make_pair((tw_picture){40, 31, 1, true, TW_U8}, TW_U8, 0);
    tw_error err = TW_ERROR_NONE;
    json_t *json = NULL;
    store(f, &a, 0);
    store(f, &b, 1);
    pair p = {.picture = {a.picture[0], b.picture[1]}, .path = {a.path[0], b.path[1]}};
    assert_fails(compare(f, &p, NULL, TILINGS[0], &json, &err), TW_ERROR_INPUT, err, "40x30 RGB but");
    g_assert_nonnull(strstr(err.message, "40x31 grey with alpha"));
    p.picture[1] = p.picture[0];
    p.path[1] = p.path[0];
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(compare(f, &p, "crop=15", TILINGS[0], &json, &err), TW_ERROR_USAGE, err, "--crop 15");
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(compare(f, &p, "grid=1x8", TILINGS[0], &json, &err), TW_ERROR_USAGE, err, "--grid 1x8");
    free_pair(&a);
    free_pair(&b);
}

/* NaN, infinities and samples far outside of white give finite figures, the same for any tiling. */
static void test_wild_floats(fixture *f, gconstpointer data)
{
    pair p = make_pair((tw_picture){40, 40, 3, false, TW_F32}, TW_F32, 0.01);
    p.value[0][0] = p.value[1][0] = NAN;
    p.value[1][100] = NAN;
    p.value[0][201] = INFINITY;
    p.value[1][302] = -1e30;
    p.value[0][403] = 3;
    store(f, &p, 0);
    store(f, &p, 1);
    json_t *first = must_compare(f, &p, NULL, TILINGS[0]), *other = must_compare(f, &p, NULL, TILINGS[3]);
    g_assert_true(json_equal(first, other));
    g_assert_true(isfinite(real(first, "psnr")) && isfinite(real(first, "psnr_y")) && real(first, "ssim") <= 1);
    json_decref(first);
    json_decref(other);
    free_pair(&p);
}

static int64_t period_of(const json_t *json, size_t axis)
{
    return json_integer_value(json_array_get(json_object_get(json, "seam_period"), axis));
}

/* Each tile of 40x32 has an offset of its own: seams on both axes. Noise alone has none. */
static void test_seams(fixture *f, gconstpointer data)
{
    pair p = make_pair((tw_picture){MAX_SIDE, 300, 3, false, TW_U8}, TW_U8, 1.5 / 255);
    store(f, &p, 0);
    store(f, &p, 1);
    json_t *json = must_compare(f, &p, NULL, TILINGS[4]);
    g_assert_true(is_null(json, "seam_period"));
    assert_near(json, "seam_score", 1, 0);
    json_decref(json);
    json = must_compare(f, &p, "grid=40x32", TILINGS[4]);
    assert_near(json, "seam_score", 1, 0.05);
    json_decref(json);
    g_free(p.path[1]);

    double offset[11][11];
    for (int i = 0; i < 121; i++)
        offset[i / 11][i % 11] = 8 * noise() / 255;
    for (int64_t k = 0; k < samples_of(&p.picture[1]); k++)
        p.value[1][k] += offset[k / 3 / MAX_SIDE / 32][k / 3 % MAX_SIDE / 40];
    store(f, &p, 1);
    json_t *first = must_compare(f, &p, NULL, TILINGS[0]), *other = must_compare(f, &p, NULL, TILINGS[3]);
    g_assert_true(json_equal(first, other));
    g_assert_cmpint(period_of(first, 0), ==, 40);
    g_assert_cmpint(period_of(first, 1), ==, 32);
    g_assert_cmpfloat(real(first, "seam_score"), >, 1.5);
    json_decref(other);
    other = must_compare(f, &p, "grid=40x32", TILINGS[3]);
    assert_near(other, "seam_score", real(first, "seam_score"), 0);
    json_decref(other);
    other = must_compare(f, &p, "grid=37x29", TILINGS[3]);
    g_assert_cmpfloat(real(other, "seam_score"), <, 1.15);
    json_decref(other);
    other = must_compare(f, &p, "crop=11", TILINGS[3]); /* the grid is the picture's, not the area's */
    g_assert_cmpint(period_of(other, 0), ==, 40);
    g_assert_cmpint(period_of(other, 1), ==, 32);
    json_decref(other);
    json_decref(first);
    free_pair(&p);
}

/* What is taken stays below what facts and bytes say; every refused allocation is an error, and nothing leaks. */
static void test_memory(fixture *f, gconstpointer data)
{
    pair p = make_pair((tw_picture){200, 150, 3, false, TW_U16}, TW_U16, 0.01);
    store(f, &p, 0);
    store(f, &p, 1);
    for (int t = 0; t < N_TILINGS; t++) {
        tw_error err = TW_ERROR_NONE;
        fixture own = {.account = tw_account_new(NULL, "own", 0), .scratch = f->scratch};
        own.context = tw_context_new(own.account, own.scratch);
        job j;
        assert_ok(open_job(&own, &p, NULL, &j, &err), err);
        tw_plan plan = plan_of(&j, TILINGS[t]);
        tw_op_facts facts;
        tw_compare_class.facts(j.state, &facts);
        int64_t bound = facts.weight_bytes + plan.workers * plan.worker_bytes;
        for (int i = 0; i < 2; i++)
            bound += plan.window_rows[i] * 200 * 6 + 8192 + tw_source_cost_of(j.source[i])->sequential;
        assert_ok(run_job(&own, &j, TILINGS[t], &err), err);
        g_assert_cmpint(tw_account_peak(own.account), <=, bound);
        close_job(&j);
        int failed = 0;
        for (int n = 1; n < 12; n++) {
            err = (tw_error)TW_ERROR_NONE;
            assert_ok(open_job(&own, &p, NULL, &j, &err), err);
            tw_account_fail_at(own.account, n);
            failed += run_job(&own, &j, TILINGS[t], &err) == TW_ERROR_BUDGET;
            tw_account_fail_at(own.account, 0);
            close_job(&j);
            g_assert_cmpint(tw_account_used(own.account), ==, 0);
        }
        g_assert_cmpint(failed, >=, 3);
        tw_context_free(own.context);
        tw_account_free(own.account);
    }
    free_pair(&p);
}

/* need() is exactly the core and its halo, inside the picture. */
static void test_geometry(fixture *f, gconstpointer data)
{
    pair p = make_pair((tw_picture){200, 150, 1, false, TW_U8}, TW_U8, 0);
    tw_error err = TW_ERROR_NONE;
    job j;
    store(f, &p, 0);
    store(f, &p, 1);
    assert_ok(open_job(f, &p, NULL, &j, &err), err);
    tw_rect need = tw_compare_class.need(j.state, 0, 1, (tw_rect){50, 60, 20, 10});
    g_assert_true(need.x == 45 && need.y == 55 && need.w == 30 && need.h == 20);
    need = tw_compare_class.need(j.state, 0, 0, (tw_rect){0, 140, 200, 10});
    g_assert_true(need.x == 0 && need.y == 135 && need.w == 200 && need.h == 15);
    json_t *json = json_object(); /* of a plan: nothing was measured */
    tw_compare_class.report(j.state, json);
    g_assert_null(json_object_get(json, "psnr"));
    json_decref(json);
    close_job(&j);
    free_pair(&p);
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
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal((GLogLevelFlags)(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK));
    if (VIPS_INIT(argv[0]))
        return 1;
    vips_concurrency_set(1);
#define ADD(name) g_test_add("/compare/" #name, fixture, NULL, set_up, test_##name, tear_down)
    ADD(figures);
    ADD(identical);
    ADD(depths);
    ADD(levels_and_ties);
    ADD(limits);
    ADD(refusals);
    ADD(wild_floats);
    ADD(seams);
    ADD(memory);
    ADD(geometry);
    return g_test_run();
}
