/* SPDX-License-Identifier: MIT */
/** Plain pixels in memory, in and out: what comes is what an uncompressed TIFF would have carried; nobody's memory is touched but
 *  where it was offered. Everything through the public API. */
#include "job.h"
#include "job_fixture.h"

#define WIDTH  133
#define HEIGHT 71
#define GAP    24 /* bytes behind each row */
#define MARK   0xA5

static const int SAMPLE_BYTES[] = {1, 2, 4};
static char *in_tif, *out_tif;
static tw_session *session;

/* --- pictures ---------------------------------------------------------------------------------------------------- */

static int64_t row_of(const tw_pixels *p)
{
    return p->width * p->bands * SAMPLE_BYTES[p->sample];
}

/* Rows `row_bytes` apart; g_free. */
static uint8_t *make_pixels(const tw_pixels *p)
{
    uint8_t *pixels = g_malloc((gsize)(p->row_bytes * p->height));
    memset(pixels, MARK, (size_t)(p->row_bytes * p->height));
    for (int64_t y = 0; y < p->height; y++)
        for (int64_t i = 0; i < p->width * p->bands; i++) {
            void *row = pixels + y * p->row_bytes;
            int value = sample_of((int)(i / p->bands), (int)y, (int)(i % p->bands));
            if (p->sample == TW_SAMPLE_U8)
                ((uint8_t *)row)[i] = (uint8_t)value;
            else if (p->sample == TW_SAMPLE_U16)
                ((uint16_t *)row)[i] = (uint16_t)(value * 257 - (int)(i % 100));
            else
                ((float *)row)[i] = (float)value / 250.f - 0.01f;
        }
    return pixels;
}

/* Without the gaps; g_free. */
static uint8_t *dense(const tw_pixels *p, const uint8_t *pixels)
{
    int64_t row = row_of(p);
    uint8_t *out = g_malloc((gsize)(row * p->height));
    for (int64_t y = 0; y < p->height; y++)
        memcpy(out + y * row, pixels + y * p->row_bytes, (size_t)row);
    return out;
}

static void store_tiff(const tw_pixels *p, const uint8_t *pixels, const char *path, int orientation)
{
    static const VipsBandFormat FORMATS[] = {VIPS_FORMAT_UCHAR, VIPS_FORMAT_USHORT, VIPS_FORMAT_FLOAT};
    static const VipsInterpretation RGB[] = {VIPS_INTERPRETATION_sRGB, VIPS_INTERPRETATION_RGB16, VIPS_INTERPRETATION_scRGB};
    static const VipsInterpretation GREY[] = {VIPS_INTERPRETATION_B_W, VIPS_INTERPRETATION_GREY16, VIPS_INTERPRETATION_B_W};
    uint8_t *flat = dense(p, pixels);
    VipsImage *image = vips_image_new_from_memory_copy(flat, (size_t)(row_of(p) * p->height), (int)p->width, (int)p->height,
                                                       p->bands, FORMATS[p->sample]);
    VipsImage *typed = NULL;
    VipsInterpretation meaning = p->bands < 3 ? GREY[p->sample] : p->bands < 5 ? RGB[p->sample] : VIPS_INTERPRETATION_MULTIBAND;
    g_assert_cmpint(vips_copy(image, &typed, "interpretation", meaning, NULL), ==, 0);
    if (orientation > 1)
        vips_image_set_int(typed, VIPS_META_ORIENTATION, orientation);
    g_assert_cmpint(vips_image_write_to_file(typed, path, NULL), ==, 0);
    g_object_unref(typed);
    g_object_unref(image);
    g_free(flat);
}

/* --- taking what comes --------------------------------------------------------------------------------------------- */

typedef struct taken {
    tw_pixels result;
    uint8_t *pixels;   /* g_free */
    int64_t gap, next; /* bytes added to each row; the row to come */
    int begins, calls;
    int refuse_after; /* this call of rows refuses (1: the first), 0: none */
    tw_job *cancel;
} taken;

static void *place(void *user, tw_pixels *result)
{
    taken *t = user;
    t->begins++;
    g_assert_cmpint(result->row_bytes, ==, row_of(result));
    result->row_bytes += t->gap;
    t->result = *result;
    t->pixels = g_malloc((gsize)(result->row_bytes * result->height));
    memset(t->pixels, MARK, (size_t)(result->row_bytes * result->height));
    return t->pixels;
}

static int begin(void *user, const tw_pixels *result)
{
    taken *t = user;
    t->begins++;
    g_assert_cmpint(result->row_bytes, ==, row_of(result));
    t->result = *result;
    t->pixels = g_malloc((gsize)(result->row_bytes * result->height));
    return 0;
}

static int take(void *user, int64_t y, int64_t n, const void *pixels)
{
    taken *t = user;
    g_assert_cmpint(y, ==, t->next);
    g_assert_cmpint(n, >=, 1);
    g_assert_cmpint(y + n, <=, t->result.height);
    if (++t->calls == t->refuse_after)
        return 42;
    if (t->cancel && t->calls == 2)
        tw_job_cancel(t->cancel);
    memcpy(t->pixels + y * t->result.row_bytes, pixels, (size_t)(n * t->result.row_bytes));
    t->next += n;
    return 0;
}

static tw_job *new_job(const char *op, const setting *settings)
{
    tw_error err = TW_ERROR_NONE;
    tw_job *job = NULL;
    assert_ok(tw_job_new(session, op, &job, &err), err);
    for (; settings && settings->name; settings++)
        assert_ok(tw_job_set(job, settings->name, settings->value, &err), err);
    return job;
}

/* The same request, from TIFF to TIFF; g_free. */
static void *by_files(const char *op, const setting *settings, size_t *bytes)
{
    tw_error err = TW_ERROR_NONE;
    tw_job *job = new_job(op, settings);
    assert_ok(tw_job_set(job, "tiff-compression", "none", &err), err);
    assert_ok(tw_job_set(job, "overwrite", "true", &err), err);
    assert_ok(tw_job_input(job, in_tif, &err), err);
    assert_ok(tw_job_output(job, out_tif, &err), err);
    assert_ok(tw_job_run(job, &err), err);
    tw_job_free(job);
    return read_samples(out_tif, bytes);
}

/* The request through memory both ways gives the file's samples; gaps stay as they were. */
static void same_as_files(const char *op, const setting *settings, const tw_pixels *p, tw_report *report)
{
    size_t bytes;
    uint8_t *pixels = make_pixels(p), *before = g_memdup2(pixels, (gsize)(p->row_bytes * p->height));
    store_tiff(p, pixels, in_tif, 1);
    void *expected = by_files(op, settings, &bytes);
    for (int by_rows = 0; by_rows < 2; by_rows++) {
        taken t = {.gap = GAP};
        tw_pixels told;
        tw_error err = TW_ERROR_NONE;
        tw_job *job = new_job(op, settings);
        assert_ok(tw_job_input_pixels(job, p, pixels, "array", &err), err);
        if (by_rows)
            assert_ok(tw_job_output_rows(job, begin, take, &t, &err), err);
        else
            assert_ok(tw_job_output_pixels(job, place, &t, &err), err);
        g_assert_cmpint(tw_job_result_pixels(job, &told), ==, 0);
        assert_ok(tw_job_plan(job, &err), err);
        g_assert_cmpint(t.begins, ==, 0);
        assert_ok(tw_job_run(job, &err), err);
        g_assert_cmpint(t.begins, ==, 1);
        g_assert_cmpint(tw_job_result_pixels(job, &told), ==, 1);
        g_assert_true(told.width == t.result.width && told.height == t.result.height && told.bands == t.result.bands &&
                      told.sample == t.result.sample);
        g_assert_cmpint(tw_job_report(job)->width, ==, told.width);
        g_assert_cmpstr(tw_job_report(job)->input, ==, "array");
        g_assert_null(tw_job_report(job)->output);
        if (report)
            *report = *tw_job_report(job);
        if (by_rows)
            g_assert_cmpint(t.next, ==, t.result.height);
        else
            for (int64_t y = 0; y < t.result.height; y++)
                for (int i = 0; i < GAP; i++)
                    g_assert_cmpint(t.pixels[y * t.result.row_bytes + row_of(&t.result) + i], ==, MARK);
        uint8_t *have = dense(&t.result, t.pixels);
        g_assert_cmpmem(have, (size_t)(row_of(&t.result) * t.result.height), expected, bytes);
        tw_job_free(job);
        g_free(have);
        g_free(t.pixels);
    }
    g_assert_cmpmem(pixels, (size_t)(p->row_bytes * p->height), before, (size_t)(p->row_bytes * p->height));
    g_free(expected);
    g_free(before);
    g_free(pixels);
}

static tw_pixels layout(int bands, tw_sample sample, int64_t gap)
{
    tw_pixels p = {WIDTH, HEIGHT, 0, bands, sample};
    p.row_bytes = row_of(&p) + gap;
    return p;
}

/* --- the same samples ------------------------------------------------------------------------------------------------ */

static void test_all_kinds(void)
{
    static const setting settings[] = {{"model", "counter"}, {"tile", "32"}, {"threads", "2"}, {0}};
    for (int bands = 1; bands <= 4; bands++)
        for (int sample = TW_SAMPLE_U8; sample <= TW_SAMPLE_F32; sample++) {
            tw_pixels p = layout(bands, (tw_sample)sample, sample == TW_SAMPLE_U16 ? GAP : 0);
            same_as_files("upscale", settings, &p, NULL);
        }
}

/* Resampled after the net: libvips pulls the rows. */
static void test_final_size(void)
{
    static const setting settings[] = {{"model", "counter"}, {"tile", "32"}, {"scale", "1.37"}, {0}};
    for (int bands = 3; bands <= 4; bands++)
        for (int sample = TW_SAMPLE_U8; sample <= TW_SAMPLE_F32; sample++) {
            tw_pixels p = layout(bands, (tw_sample)sample, 0);
            same_as_files("upscale", settings, &p, NULL);
        }
}

static char *turn_field(void)
{
    char *field = in_folder("turn.tfm");
    const char *text = "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\n"
                       "Parameters: 0.1 -1 1 0.1 66 35\nFixedParameters: 66 35\n";
    g_assert_true(g_file_set_contents(field, text, -1, NULL));
    return field;
}

/* Bands of no known meaning, where the operator takes them from files, too. */
static void test_many_bands(void)
{
    static const int BANDS[] = {5, 8, 64};
    char *field = turn_field();
    const setting settings[] = {{"field", field}, {"tile", "32"}, {0}};
    for (size_t i = 0; i < G_N_ELEMENTS(BANDS); i++)
        for (int sample = TW_SAMPLE_U8; sample <= TW_SAMPLE_F32; sample++) {
            tw_pixels p = layout(BANDS[i], (tw_sample)sample, sample == TW_SAMPLE_U16 ? GAP : 0);
            same_as_files("warp", settings, &p, NULL);
        }
    g_free(field);
}

/* A quarter turn reads at random: from the caller's memory, without scratch. */
static void test_at_random(void)
{
    char *field = turn_field();
    const setting settings[] = {{"field", field}, {"tile", "32"}, {"memory", "80M"}, {0}};
    tw_pixels p = layout(3, TW_SAMPLE_U16, GAP);
    tw_report report;
    same_as_files("warp", settings, &p, &report);
    g_assert_cmpint(report.scratch_bytes, ==, 0);
    /* Too little for a window over most rows of a wide picture. */
    tw_pixels wide = {9000, 2000, 0, 3, TW_SAMPLE_U16};
    uint8_t *pixels = g_malloc0((gsize)(row_of(&wide) * wide.height)); /* untouched: nothing resident */
    tw_error err = TW_ERROR_NONE;
    tw_job *job = new_job("warp", settings);
    assert_ok(tw_job_input_pixels(job, &wide, pixels, NULL, &err), err);
    assert_ok(tw_job_output_pixels(job, place, NULL, &err), err);
    assert_ok(tw_job_plan(job, &err), err);
    g_assert_cmpint(tw_job_report(job)->scratch_bytes, ==, 0);
    char *json = tw_job_json(job);
    g_assert_nonnull(strstr(json, "\"source_access\":\"random\""));
    tw_bytes_free(json);
    tw_job_free(job);
    g_free(pixels);
    g_free(field);
}

/* A file's orientation is applied to pixels, which cannot carry it. */
static void test_orientation(void)
{
    static const setting settings[] = {{"model", "counter"}, {0}};
    tw_pixels p = layout(3, TW_SAMPLE_U8, 0);
    uint8_t *pixels = make_pixels(&p);
    taken t = {0};
    tw_error err = TW_ERROR_NONE;
    store_tiff(&p, pixels, in_tif, 6);
    tw_job *job = new_job("upscale", settings);
    assert_ok(tw_job_input(job, in_tif, &err), err);
    assert_ok(tw_job_output_pixels(job, place, &t, &err), err);
    assert_ok(tw_job_run(job, &err), err);
    g_assert_cmpint(t.result.width, ==, 2 * HEIGHT);
    g_assert_cmpint(t.result.height, ==, 2 * WIDTH);
    tw_job_free(job);
    g_free(t.pixels);
    g_free(pixels);
}

static void test_two_inputs(void)
{
    tw_pixels p = layout(3, TW_SAMPLE_U8, 0), q = layout(3, TW_SAMPLE_U8, GAP);
    uint8_t *a = make_pixels(&p), *b = make_pixels(&q);
    b[5 * q.row_bytes + 7] ^= 16;
    tw_error err = TW_ERROR_NONE;
    tw_job *job = new_job("compare", NULL);
    assert_ok(tw_job_input_pixels(job, &p, a, "a", &err), err);
    assert_ok(tw_job_input_pixels(job, &q, b, NULL, &err), err);
    assert_fails(tw_job_input_pixels(job, &q, b, NULL, &err), TW_ERROR_USAGE, err, "at most 2 inputs");
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(tw_job_run(job, &err), err);
    char *json = tw_job_json(job);
    g_test_message("%s", json);
    g_assert_nonnull(strstr(json, "\"input\":[\"a\",\"pixels\"]"));
    g_assert_nonnull(strstr(json, "\"max_difference\":16"));
    tw_pixels none;
    g_assert_cmpint(tw_job_result_pixels(job, &none), ==, 0);
    assert_fails(tw_job_output_pixels(job, place, NULL, &err), TW_ERROR_USAGE, err, "compare writes no output");
    tw_bytes_free(json);
    tw_job_free(job);
    g_free(a);
    g_free(b);
}

/* A file to rows, and pixels to a file. */
static void test_mixed(void)
{
    static const setting settings[] = {
        {"model", "counter"}, {"tile", "32"}, {"tiff-compression", "none"}, {"overwrite", "true"}, {0}};
    tw_pixels p = layout(4, TW_SAMPLE_U8, 0);
    uint8_t *pixels = make_pixels(&p);
    size_t bytes;
    tw_error err = TW_ERROR_NONE;
    store_tiff(&p, pixels, in_tif, 1);
    void *expected = by_files("upscale", settings, &bytes);
    taken t = {0};
    tw_job *job = new_job("upscale", settings);
    assert_ok(tw_job_input(job, in_tif, &err), err);
    assert_ok(tw_job_output_rows(job, begin, take, &t, &err), err);
    assert_ok(tw_job_run(job, &err), err);
    tw_job_free(job);
    g_assert_cmpmem(t.pixels, (size_t)(t.result.row_bytes * t.result.height), expected, bytes);
    g_remove(out_tif);
    job = new_job("upscale", settings);
    assert_ok(tw_job_input_pixels(job, &p, pixels, NULL, &err), err);
    assert_ok(tw_job_output(job, out_tif, &err), err);
    assert_ok(tw_job_run(job, &err), err);
    tw_job_free(job);
    assert_same_samples(out_tif, expected, bytes);
    g_free(t.pixels);
    g_free(expected);
    g_free(pixels);
}

/* --- refusals -------------------------------------------------------------------------------------------------------- */

static void test_bad_inputs(void)
{
    static const struct {
        tw_pixels layout;
        const char *text;
    } CASES[] = {
        {{0, 5, 0, 3, TW_SAMPLE_U8}, "0 x 5 pixels"},
        {{5, -1, 0, 3, TW_SAMPLE_U8}, "5 x -1 pixels"},
        {{INT64_C(1) << 31, 1, 0, 1, TW_SAMPLE_U8}, "2147483648 x 1 pixels"},
        {{5, 5, 0, 0, TW_SAMPLE_U8}, "0 bands"},
        {{5, 5, 0, 5, TW_SAMPLE_U8}, "5 bands; 1 to 4 are supported"},
        {{5, 5, 0, 3, (tw_sample)3}, "type 3"},
        {{5, 5, 0, 3, (tw_sample)-1}, "type -1"},
        {{5, 5, 29, 3, TW_SAMPLE_U16}, "rows of 30 bytes lie 29 bytes apart"},
        {{5, 5, -30, 3, TW_SAMPLE_U16}, "rows of 30 bytes lie -30 bytes apart"},
    };
    uint8_t pixels[256] = {0};
    tw_job *job = new_job("upscale", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        tw_error err = TW_ERROR_NONE;
        assert_fails(tw_job_input_pixels(job, &CASES[i].layout, pixels, "x", &err), TW_ERROR_INPUT, err, CASES[i].text);
    }
    tw_error err = TW_ERROR_NONE;
    tw_pixels good = {5, 5, 0, 3, TW_SAMPLE_U8};
    assert_fails(tw_job_input_pixels(job, &good, NULL, "x", &err), TW_ERROR_INPUT, err, "x: no pixels");
    tw_job_free(job);
    static const char *const FEW[] = {"interpolate", "register", "compare"};
    for (size_t i = 0; i <= G_N_ELEMENTS(FEW); i++) {
        tw_pixels many = {1, 1, 0, i < G_N_ELEMENTS(FEW) ? 5 : 65, TW_SAMPLE_U8};
        job = new_job(i < G_N_ELEMENTS(FEW) ? FEW[i] : "warp", NULL);
        err = (tw_error)TW_ERROR_NONE;
        assert_fails(tw_job_input_pixels(job, &many, pixels, "x", &err), TW_ERROR_INPUT, err,
                     i < G_N_ELEMENTS(FEW) ? "x: 5 bands; 1 to 4 are supported" : "x: 65 bands; 1 to 64 are supported");
        tw_job_free(job);
    }
    /* --max-pixels holds for them, too. */
    const setting few[] = {{"max-pixels", "24"}, {0}};
    taken t = {0};
    err = (tw_error)TW_ERROR_NONE;
    job = new_job("upscale", few);
    assert_ok(tw_job_input_pixels(job, &good, pixels, "x", &err), err);
    assert_ok(tw_job_output_pixels(job, place, &t, &err), err);
    assert_fails(tw_job_run(job, &err), TW_ERROR_INPUT, err, "x: 5 x 5 is 25 pixels, more than the limit of 24");
    g_assert_cmpint(t.begins, ==, 0);
    tw_job_free(job);
}

static void *no_place(void *user, tw_pixels *result)
{
    return NULL;
}

static void *narrow_place(void *user, tw_pixels *result)
{
    result->row_bytes--;
    return user;
}

static int no_begin(void *user, const tw_pixels *result)
{
    return 7;
}

static tw_job *small_job(const tw_pixels *p, const uint8_t *pixels)
{
    static const setting settings[] = {{"model", "counter"}, {"tile", "16"}, {0}};
    tw_error err = TW_ERROR_NONE;
    tw_job *job = new_job("upscale", settings);
    assert_ok(tw_job_input_pixels(job, p, pixels, "x", &err), err);
    return job;
}

static void test_bad_outputs(void)
{
    tw_pixels p = layout(3, TW_SAMPLE_U8, 0);
    uint8_t *pixels = make_pixels(&p);
    tw_job *job = small_job(&p, pixels);
    tw_error err = TW_ERROR_NONE;
    assert_fails(tw_job_run(job, &err), TW_ERROR_USAGE, err, "needs an output");
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(tw_job_output_pixels(job, NULL, NULL, &err), TW_ERROR_USAGE, err, "no place");
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(tw_job_output_rows(job, NULL, NULL, NULL, &err), TW_ERROR_USAGE, err, "nobody takes the rows");
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(tw_job_output_pixels(job, no_place, NULL, &err), err);
    assert_fails(tw_job_run(job, &err), TW_ERROR_RUN, err, "no place for 266 x 142 pixels");
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(tw_job_output_pixels(job, narrow_place, pixels, &err), err);
    assert_fails(tw_job_run(job, &err), TW_ERROR_RUN, err, "rows of 798 bytes are to lie 797 bytes apart");
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(tw_job_output_rows(job, no_begin, take, NULL, &err), err);
    assert_fails(tw_job_run(job, &err), TW_ERROR_RUN, err, "takes no 266 x 142 pixels (code 7)");
    for (int resampled = 0; resampled < 2; resampled++) {
        taken t = {.refuse_after = 3};
        err = (tw_error)TW_ERROR_NONE;
        assert_ok(tw_job_output_rows(job, begin, take, &t, &err), err);
        assert_fails(tw_job_run(job, &err), TW_ERROR_RUN, err, "(code 42)");
        g_assert_cmpint(t.calls, ==, 3);
        g_free(t.pixels);
        err = (tw_error)TW_ERROR_NONE;
        assert_ok(tw_job_set(job, "scale", "1.5", &err), err);
    }
    tw_job_free(job);
    g_free(pixels);
}

static void test_cancelled(void)
{
    tw_pixels p = layout(3, TW_SAMPLE_U8, 0);
    uint8_t *pixels = make_pixels(&p);
    tw_job *job = small_job(&p, pixels);
    taken t = {.cancel = job};
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_job_output_rows(job, begin, take, &t, &err), err);
    assert_fails(tw_job_run(job, &err), TW_ERROR_INTERRUPTED, err, "");
    g_assert_cmpint(t.calls, >=, 2);
    g_assert_cmpint(t.next, <, t.result.height);
    tw_job_free(job);
    g_free(t.pixels);
    g_free(pixels);
}

/* The n-th counted allocation fails, for all n: the samples or an error, and nothing is kept. */
static void test_allocations(void)
{
    tw_pixels p = layout(3, TW_SAMPLE_U8, 0);
    uint8_t *pixels = make_pixels(&p);
    taken expected = {0};
    int64_t failures = 0, n = 0;
    for (bool over = false; !over; n++) {
        taken t = {0};
        tw_error err = TW_ERROR_NONE;
        tw_job *job = small_job(&p, pixels);
        assert_ok(tw_job_set(job, "threads", "1", &err), err);
        assert_ok(n % 2 ? tw_job_output_rows(job, begin, take, &t, &err) : tw_job_output_pixels(job, place, &t, &err), err);
        tw_account_fail_at(job->account, n); /* 0: none */
        tw_status status = tw_job_run(job, &err);
        g_assert_cmpint(tw_account_used(job->account), ==, 0);
        over = n > 0 && !tw_account_take(job->account, 0); /* the failure comes only now: the job was done before */
        if (n == 0)
            expected = t;
        if (status == TW_OK)
            g_assert_cmpmem(t.pixels, (size_t)(t.result.row_bytes * t.result.height), expected.pixels,
                            (size_t)(expected.result.row_bytes * expected.result.height));
        else if (status != TW_ERROR_RUN && status != TW_ERROR_BUDGET)
            g_error("allocation %lld: status %d: %s", (long long)n, status, err.message);
        failures += status != TW_OK;
        g_assert_true(!over || status == TW_OK);
        tw_job_free(job);
        if (n > 0)
            g_free(t.pixels);
    }
    g_test_message("%lld allocations, %lld jobs failed", (long long)n - 2, (long long)failures);
    g_assert_cmpint(failures, >=, 2);
    g_free(expected.pixels);
    g_free(pixels);
}

int main(int argc, char **argv)
{
    folder_open();
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    in_tif = in_folder("in.tif");
    out_tif = in_folder("out.tif");
    tw_error err = TW_ERROR_NONE;
    counter engine = {.scale = 2, .reach = 1, .overlap = 1};
    assert_ok(tw_session_new(&session, &err), err);
    add_counter(session, "counter", &engine, true);
    g_test_add_func("/pixels/all-kinds", test_all_kinds);
    g_test_add_func("/pixels/final-size", test_final_size);
    g_test_add_func("/pixels/many-bands", test_many_bands);
    g_test_add_func("/pixels/at-random", test_at_random);
    g_test_add_func("/pixels/orientation", test_orientation);
    g_test_add_func("/pixels/two-inputs", test_two_inputs);
    g_test_add_func("/pixels/mixed", test_mixed);
    g_test_add_func("/pixels/bad-inputs", test_bad_inputs);
    g_test_add_func("/pixels/bad-outputs", test_bad_outputs);
    g_test_add_func("/pixels/cancelled", test_cancelled);
    g_test_add_func("/pixels/allocations", test_allocations);
    int status = g_test_run();
    tw_session_free(session);
    g_free(in_tif);
    g_free(out_tif);
    folder_close();
    return status;
}
