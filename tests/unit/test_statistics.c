/* SPDX-License-Identifier: MIT */
/* Layers that need numbers of the whole picture: what they are lowered to against ncnn's own layers, and tiles of whole jobs against
 * the run in one piece. */
#include "job_fixture.h"
#include "model/lower.h"
#include "model/model.h"
#include "model/stages.h"
#include "ncnn_run.h"
#include "statistics_graph.h"

#define BOUND (0.01 / 255) /* of the result's deviation, where that is more than 1 */

static double spread(const float *a, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i], squares += (double)a[i] * (double)a[i];
    return sqrt(MAX(squares / (double)n - sum / (double)n * (sum / (double)n), 0));
}

static double difference(const float *a, const float *b, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= most)) /* what is no number counts */
            most = isnan(d) ? INFINITY : d;
    }
    return most;
}

static size_t samples_of(const test_image *image)
{
    return (size_t)image->w * (size_t)image->h * (size_t)image->c;
}

/* ---- lowering ---- */

/* The text with its layers lowered; NULL where there are none. */
static char *lowered(const char *text)
{
    tw_error err = TW_ERROR_NONE;
    tw_graph *graph;
    tw_geometry *geometry;
    assert_ok(tw_graph_parse(text, strlen(text), "test", &graph, &err), err);
    assert_ok(tw_geometry_of(graph, "test", &geometry, &err), err);
    char *result = tw_lower(graph, geometry, text);
    g_assert_true(result || geometry->exact);
    tw_geometry_free(geometry);
    tw_graph_free(graph);
    return result;
}

/* Both texts with the same weights. */
static double lowering_error(char *text, char *low, guint32 seed)
{
    GRand *rand = g_rand_new_with_seed(seed);
    test_net *own = net_from_text(text, rand, false, true), *other = net_new(low, strlen(low), "lowered");
    ncnn_option_t option = test_option(other->allocator, true);
    ncnn_net_set_option(other->net, option);
    ncnn_option_destroy(option);
    g_assert_cmpint(ncnn_net_load_param_memory(other->net, low), ==, 0);
    g_assert_cmpint(ncnn_net_load_model_memory(other->net, own->weights->data), ==, (int)own->weights->len - 64);
    g_assert_true(other->geometry->exact);
    test_image image = image_random(44, 38, 3, rand);
    test_image a = net_run(own, &image, own->geometry->output, 0, NULL, NULL),
               b = net_run(other, &image, other->geometry->output, 0, NULL, NULL);
    g_assert_cmpint(test_peak, <=, tw_memory_tile(other->graph, other->geometry, false, image.w, image.h));
    g_assert_cmpint(a.w, ==, b.w);
    g_assert_cmpint(a.h, ==, b.h);
    g_assert_cmpint(a.c, ==, b.c);
    double error = difference(a.data, b.data, samples_of(&a)) / MAX(spread(a.data, samples_of(&a)), 0.05);
    g_free(image.data);
    g_free(a.data);
    g_free(b.data);
    net_free(own);
    net_free(other);
    g_rand_free(rand);
    return error;
}

static void test_lowering(void)
{
    double worst = 0;
    for (int kind = 0; kind < GRAPH_KINDS; kind++)
        for (guint32 seed = 1; seed <= 25 && kind != GRAPH_PRODUCT; seed++) {
            GRand *rand = g_rand_new_with_seed(seed * 100 + (guint32)kind);
            g_autofree char *text = statistics_graph_text(rand, kind, 0), *low = lowered(text);
            g_rand_free(rand);
            if (!low)
                continue;
            double error = lowering_error(text, low, seed);
            if (!(error <= 1e-4)) /* sums in float: ncnn's own error */
                g_error("%g\n%s\n%s", error, text, low);
            worst = MAX(worst, error);
            g_autofree char *again = lowered(low);
            g_assert_null(again);
        }
    g_test_message("largest difference %.2g of the deviation", worst);
}

/* What needs no lowering stays as it is; what has no rule is refused as before. */
static void test_left_alone(void)
{
    static const char *const plain[] = {
        "Pooling l 1 1 b c 0=1 4=1",
        "Pooling l 1 1 b c 0=0 4=1",
        "Reduction l 1 1 b c 0=3 1=0 -23303=2,1,2 4=1 5=1",
        "Reduction l 1 1 b c 0=0 1=0 -23303=2,1,2 5=1",
    };
    static const char *const refused[] = {
        "LayerNorm l 1 1 b c 0=16 1=1e-5 2=1",        "GroupNorm l 1 1 b c 0=4 1=3 2=1e-5 3=0",
        "InstanceNorm l 1 1 b c 0=5 1=1e-5 2=1",      "Reduction l 1 1 b c 0=6 1=0 -23303=2,1,2 5=1",
        "Reduction l 1 1 b c 0=0 1=0 -23303=1,1 5=1",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(plain) + G_N_ELEMENTS(refused); i++) {
        bool exact = i < G_N_ELEMENTS(plain);
        tw_error err = TW_ERROR_NONE;
        tw_graph *graph;
        tw_geometry *geometry;
        g_autofree char *text =
            g_strdup_printf("7767517\n4 5\nInput in 0 1 a 2=3\nSplit s 1 2 a b d\n%s\nBinaryOp m 2 1 d c e 0=0\n",
                            exact ? plain[i] : refused[i - G_N_ELEMENTS(plain)]);
        assert_ok(tw_graph_parse(text, strlen(text), "test", &graph, &err), err);
        assert_ok(tw_geometry_of(graph, "test", &geometry, &err), err);
        g_assert_cmpint(geometry->exact, ==, exact);
        g_assert_null(tw_lower(graph, geometry, text));
        tw_geometry_free(geometry);
        tw_graph_free(graph);
    }
}

/* ---- jobs ---- */

static char *picture, *result;

/* Writes a model with random weights; returns the .param's path. */
static char *make_model(const char *text, guint32 seed)
{
    tw_error err = TW_ERROR_NONE;
    tw_graph *graph;
    GRand *rand = g_rand_new_with_seed(seed);
    char *path = in_folder("net.param"), *bin = in_folder("net.bin");
    assert_ok(tw_graph_parse(text, strlen(text), "test", &graph, &err), err);
    GByteArray *weights = random_weights(graph, rand, false);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_true(g_file_set_contents(bin, (const char *)weights->data, (gssize)weights->len, NULL));
    g_byte_array_free(weights, TRUE);
    tw_graph_free(graph);
    g_rand_free(rand);
    g_free(bin);
    return path;
}

typedef struct outcome {
    float *samples;
    size_t n;
    tw_report report;
} outcome;

static tw_status try_run(const char *input, const setting *settings, outcome *out, tw_error *err)
{
    tw_session *own = NULL; /* models are remembered by path */
    assert_ok(tw_session_new(&own, err), *err);
    tw_job *job = upscale_job(own, input, result, settings);
    assert_ok(tw_job_set(job, "overwrite", "true", err), *err);
    tw_status status = tw_job_run(job, err);
    if (status == TW_OK) {
        size_t bytes;
        out->report = *tw_job_report(job);
        out->samples = read_samples(result, &bytes);
        out->n = bytes / sizeof(float);
        g_assert_cmpint(out->report.job_peak_bytes, <=, out->report.planned_peak_bytes);
    }
    tw_job_free(job);
    tw_session_free(own);
    return status;
}

static outcome must_run(const char *input, const setting *settings, const char *text)
{
    outcome out = {0};
    tw_error err = TW_ERROR_NONE;
    if (try_run(input, settings, &out, &err) != TW_OK)
        g_error("%s\n%s", err.message, text);
    return out;
}

/* A way of tiling, with one, two and three threads: near the whole run, and the same bytes for all of them. */
static double check_way(const char *text, const char *model, const char *input, const char *schedule, const char *tile,
                        const outcome *whole)
{
    static const char *const threads[] = {"1", "2", "3"};
    outcome first = {0};
    double error = 0;
    for (int i = 0; i < 3; i++) {
        setting settings[] = {{"model", model}, {"schedule", schedule},  {"tile", tile},
                              {"memory", "2G"}, {"threads", threads[i]}, {0}};
        outcome got = must_run(input, settings, text);
        g_assert_cmpuint(got.n, ==, whole->n);
        g_assert_cmpint(got.report.exact, ==, 1);
        if (i > 0) {
            g_assert_cmpmem(first.samples, first.n * sizeof(float), got.samples, got.n * sizeof(float));
            g_free(got.samples);
            continue;
        }
        first = got;
        g_assert_cmpint(got.report.tiles, >, 1);
        double sigma = spread(whole->samples, whole->n);
        error = difference(whole->samples, got.samples, whole->n) / MAX(sigma, 1);
        if (!(error <= BOUND))
            g_error("%s, tile %s: %g/255, deviation %g\n%s", schedule, tile, error * 255, sigma, text);
    }
    g_free(first.samples);
    return error;
}

static outcome run_whole(const char *text, const char *model, const char *input)
{
    setting settings[] = {{"model", model}, {"schedule", "whole"}, {"memory", "4G"}, {0}};
    outcome whole = must_run(input, settings, text);
    return whole;
}

static double check_tilings(const char *text, const char *input, guint32 seed, const char *const *tiles)
{
    g_autofree char *model = make_model(text, seed);
    outcome whole = run_whole(text, model, input);
    double worst = 0;
    if (spread(whole.samples, whole.n) < 0.02)
        g_error("a flat result proves nothing\n%s", text);
    for (int i = 0; tiles[i]; i++) {
        worst = MAX(worst, check_way(text, model, input, "carry", tiles[i], &whole));
        worst = MAX(worst, check_way(text, model, input, "halo", tiles[i], &whole));
    }
    g_free(whole.samples);
    return worst;
}

static void test_kind(const void *data)
{
    static const char *const ways[][4] = {{"16", "48", NULL}, {"24x8", "37", NULL}, {"8", "40x56", NULL}};
    int kind = GPOINTER_TO_INT(data);
    double worst = 0;
    for (guint32 seed = 1; seed <= 4; seed++) {
        GRand *rand = g_rand_new_with_seed(seed * 1000 + (guint32)kind);
        g_autofree char *text = statistics_graph_text(rand, kind, (int)seed % 3);
        g_rand_free(rand);
        worst = MAX(worst, check_tilings(text, picture, seed, ways[seed % 3]));
    }
    g_test_message("largest difference %.5f/255", worst * 255);
}

static void test_style(void)
{
    static const char *const tiles[] = {"32", "64x24", NULL};
    GRand *rand = g_rand_new_with_seed(7);
    g_autofree char *text = style_graph_text(rand, 16, 5);
    g_rand_free(rand);
    g_test_message("largest difference %.5f/255", 255 * check_tilings(text, picture, 3, tiles));
}

/* ---- hostile pictures ---- */

/* A flat picture, or nearly: values around `level` that differ by `grain`. */
static char *make_flat(const char *name, double level, double grain)
{
    int w = 75, h = 61;
    float *pixels = g_new(float, w *h * 3);
    for (int i = 0; i < w * h * 3; i++)
        pixels[i] = (float)(level + grain * (sample_of(i % (3 * w) / 3, i / (3 * w), i % 3) / 255.0 - 0.5));
    VipsImage *image = vips_image_new_from_memory_copy(pixels, (size_t)(w * h * 3) * sizeof(float), w, h, 3, VIPS_FORMAT_FLOAT),
              *typed = NULL;
    char *path = in_folder(name);
    g_assert_cmpint(vips_copy(image, &typed, "interpretation", VIPS_INTERPRETATION_scRGB, NULL), ==, 0);
    g_assert_cmpint(vips_image_write_to_file(typed, path, NULL), ==, 0);
    g_object_unref(typed);
    g_object_unref(image);
    g_free(pixels);
    return path;
}

/* Norms of the picture itself, `shift` added to it. */
static char *shifted_text(const char *norm, const char *shift)
{
    int type = (int)strcspn(norm, " ");
    return g_strdup_printf("7767517\n4 4\nInput in 0 1 a 2=3\nBinaryOp up 1 1 a u 0=0 1=1 2=%s\n%.*s n 1 1 u v%s\n"
                           "Convolution c 1 1 v z 0=3 1=3 4=1 5=1 6=81\n",
                           shift, type, norm, norm + type);
}

static const char *const norms[] = {"InstanceNorm 0=3 1=1e-5", "GroupNorm 0=1 1=3 2=1e-5", "MVN 0=1 1=0 2=1e-4"};

/* Without variance all is eps: each sample has the norm's offset, exactly, however it is tiled. */
static void test_flat(void)
{
    g_autofree char *flat = make_flat("flat.tif", 0.3, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(norms); i++) {
        g_autofree char *text = shifted_text(norms[i], "0.1"), *model = make_model(text, 5);
        outcome whole = run_whole(text, model, flat);
        check_way(text, model, flat, "carry", "16", &whole);
        check_way(text, model, flat, "halo", "24", &whole);
        for (int c = 0; c < 3; c++) /* away from the border every sample is that of the middle */
            for (int y = 1; y < 60; y++)
                for (int x = 1; x < 74; x++)
                    g_assert_cmpfloat(
                        fabs((double)whole.samples[(y * 75 + x) * 3 + c] - (double)whole.samples[(30 * 75 + 37) * 3 + c]), <=,
                        1e-5);
        g_free(whole.samples);
    }
}

/* A mean of a thousand deviations: the variance is not the difference of two large numbers. Double precision is the judge. */
static void test_large_mean(void)
{
    g_autofree char *grain = make_flat("grain.tif", 0.5, 0.4);
    for (size_t i = 0; i < G_N_ELEMENTS(norms); i++) {
        g_autofree char *text = shifted_text(norms[i], "100"), *model = make_model(text, 5);
        outcome whole = run_whole(text, model, grain);
        g_assert_cmpfloat(spread(whole.samples, whole.n), >, 0.3);
        double error =
            MAX(check_way(text, model, grain, "carry", "16", &whole), check_way(text, model, grain, "halo", "24", &whole));
        g_test_message("%s: %.5f/255", norms[i], error * 255);
        g_free(whole.samples);
    }
}

/* The norm's own result, from the picture's samples in double precision. */
static void test_by_hand(void)
{
    static const char text[] = "7767517\n3 3\nInput in 0 1 a 2=3\nBinaryOp up 1 1 a u 0=0 1=1 2=100\n"
                               "InstanceNorm n 1 1 u z 0=3 1=1e-5 2=0\n";
    g_autofree char *grain = make_flat("grain.tif", 0.5, 0.4), *model = make_model(text, 5);
    setting settings[] = {{"model", model}, {"schedule", "carry"}, {"tile", "16"}, {0}};
    outcome got = must_run(grain, settings, text);
    size_t bytes, n = got.n / 3;
    float *samples = read_samples(grain, &bytes);
    for (size_t c = 0; c < 3; c++) {
        double sum = 0, squares = 0, mean, worst = 0;
        for (size_t i = 0; i < n; i++)
            sum += (double)(samples[3 * i + c] + 100.f);
        mean = sum / (double)n;
        for (size_t i = 0; i < n; i++)
            squares += pow((double)(samples[3 * i + c] + 100.f) - mean, 2);
        for (size_t i = 0; i < n; i++) {
            double right = ((double)(samples[3 * i + c] + 100.f) - mean) / sqrt(squares / (double)n + 1e-5);
            worst = MAX(worst, fabs(right - (double)got.samples[3 * i + c]));
        }
        g_test_message("mean %g, deviation %g: off by %.2g", mean, sqrt(squares / (double)n), worst);
        g_assert_cmpfloat(worst, <=, 1e-4); /* the mean is a float: half an ulp of it over the deviation */
    }
    g_free(samples);
    g_free(got.samples);
}

static void assert_refused(const char *text, const char *why)
{
    g_autofree char *model = make_model(text, 5);
    static const char *const schedules[] = {"carry", "halo"};
    for (int i = 0; i < 2; i++) {
        setting settings[] = {{"model", model}, {"schedule", schedules[i]}, {"tile", "16"}, {0}};
        tw_error err = TW_ERROR_NONE;
        outcome out;
        assert_fails(try_run(picture, settings, &out, &err), TW_ERROR_RUN, err, why);
    }
}

/* What the sums cannot hold is said, not wrong. */
static void test_too_large(void)
{
    static const char form[] = "7767517\n5 6\nInput in 0 1 a 2=3\nSplit s 1 2 a b c\nBinaryOp up 1 1 b u 0=2 1=1 2=%s\n%s\n"
                               "BinaryOp m 2 1 c v z 0=4\n";
    g_autofree char *sum = g_strdup_printf(form, "1e20", "Reduction r 1 1 u v 0=0 1=0 -23303=2,1,2 5=1"),
                    *nan = g_strdup_printf(form, "3e38", "Reduction r 1 1 u v 0=8 1=0 -23303=2,1,2 5=1"),
                    *mean = g_strdup_printf(form, "1e20", "InstanceNorm r 1 1 u v 0=3 2=0");
    assert_refused(sum, "too large to be summed");
    assert_refused(nan, "too large to be summed");
    assert_refused(mean, "too large to be summed");
}

/* ---- limits ---- */

static void set_up(const char *text, tw_graph **graph, tw_geometry **geometry, tw_carry **carry, char **low)
{
    tw_error err = TW_ERROR_NONE;
    *low = lowered(text);
    assert_ok(tw_graph_parse(*low, strlen(*low), "test", graph, &err), err);
    assert_ok(tw_geometry_of(*graph, "test", geometry, &err), err);
    assert_ok(tw_carry_of(*graph, *geometry, *low, "test", false, carry, &err), err);
}

/* A net with 27 norms in a row: what is left in scratch is found soon, and it pays. */
static void test_stages(void)
{
    GRand *rand = g_rand_new_with_seed(7);
    g_autofree char *text = style_graph_text(rand, 32, 11), *low = NULL;
    tw_graph *graph;
    tw_geometry *geometry;
    tw_carry *carry;
    tw_stages *none = g_new(tw_stages, 1), *some = g_new(tw_stages, 1);
    tw_error err = TW_ERROR_NONE;
    set_up(text, &graph, &geometry, &carry, &low);
    g_assert_cmpint(geometry->n_barriers, ==, 2 * 27);
    assert_ok(tw_stages_of(carry, 0, none, &err), err);
    double begun = seconds_now();
    assert_ok(tw_stages_of(carry, 1e9, some, &err), err);
    double seconds = seconds_now() - begun;
    g_test_message("%.2f s; %d stages: work %.1f, or %.2f with %d blobs in scratch, %.0f bytes a pixel at once", seconds,
                   some->n, none->work, some->work, some->n_spills, some->held);
    g_assert_cmpint(some->n, ==, 28);
    g_assert_cmpint(none->n_spills, ==, 0);
    g_assert_cmpfloat(none->work, >, 10);
    g_assert_cmpfloat(some->work, <, 1.5);
    g_assert_cmpfloat(seconds, <, 5);
    double sum = 0;
    for (int i = 0; i < some->n_spills; i++) {
        const tw_blob_geometry *b = &geometry->blobs[some->spills[i].blob];
        sum += 4.0 * b->channels * b->rate.num * b->rate_y.num / (double)(b->rate.den * b->rate_y.den);
        g_assert_cmpint(some->spills[i].first, <, some->spills[i].last);
    }
    g_assert_cmpfloat(some->held, <, sum / 2);
    g_free(none);
    g_free(some);
    tw_carry_free(carry);
    tw_geometry_free(geometry);
    tw_graph_free(graph);
    g_rand_free(rand);
}

/* ---- means of a part of the picture ---- */

/* A sample that is all tiles is exact; each tile for itself is not, and says how far off it is. */
static void test_sync(void)
{
    GRand *rand = g_rand_new_with_seed(11);
    for (int kind = 0; kind < GRAPH_KINDS; kind++) {
        if (kind == GRAPH_PRODUCT)
            continue;
        g_autofree char *text = statistics_graph_text(rand, kind, 0), *model = make_model(text, 4);
        outcome whole = run_whole(text, model, picture);
        static const char *const modes[] = {"fast", "off"};
        for (int i = 0; i < 2; i++) {
            setting settings[] = {{"model", model},  {"schedule", "halo"}, {"tile", "24"},
                                  {"blend", "none"}, {"sync", modes[i]},   {0}};
            outcome got = must_run(picture, settings, text);
            double error = difference(whole.samples, got.samples, whole.n);
            g_test_message("kind %d, %s: said %g/255, is %g/255", kind, modes[i], got.report.error_bound, error * 255);
            g_assert_cmpint(got.report.exact, ==, 0);
            g_assert_cmpfloat(fabs(got.report.error_bound - error * 255), <=, 0.02 + 0.001 * error * 255);
            if (i == 0)
                g_assert_cmpfloat(error, <=, BOUND * MAX(spread(whole.samples, whole.n), 1));
            g_free(got.samples);
        }
        g_free(whole.samples);
    }
    g_rand_free(rand);
}

/* Eight orientations, each with its own numbers; a grid of two samples on odd sides. */
static void test_turned(void)
{
    static const int kinds[] = {GRAPH_INSTANCE, GRAPH_GROUP, GRAPH_POOLING, GRAPH_REDUCTION};
    static const char strided[] = "7767517\n4 4\nInput in 0 1 a 2=3\nConvolution d 1 1 a b 0=8 1=3 3=2 4=1 6=216\n"
                                  "Interp i 1 1 b c 0=1 1=2.0 2=2.0\nConvolution e 1 1 c d 0=3 1=3 4=1 6=216\n";
    GRand *rand = g_rand_new_with_seed(5);
    for (size_t i = 0; i <= G_N_ELEMENTS(kinds); i++) {
        bool plain = i == G_N_ELEMENTS(kinds);
        g_autofree char *text = plain ? g_strdup(strided) : statistics_graph_text(rand, kinds[i], 0),
                        *model = make_model(text, 4);
        setting one[] = {{"model", model}, {"schedule", "whole"}, {"tta", "true"}, {0}};
        setting tiled[] = {{"model", model}, {"schedule", "halo"}, {"tile", "24"}, {"tta", "true"}, {0}};
        outcome a = must_run(picture, one, text), b = must_run(picture, tiled, text);
        double error = difference(a.samples, b.samples, a.n);
        g_test_message("%.5f/255", error * 255);
        g_assert_cmpfloat(error, <=, BOUND * MAX(spread(a.samples, a.n), 1));
        g_free(a.samples);
        g_free(b.samples);
    }
    g_rand_free(rand);
}

/* Norms without end: refused for their number, and soon. */
static void test_hostile(void)
{
    const int n = 2000;
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "7767517\n%d %d\nInput in 0 1 b0 2=3\n", n + 1, n + 1);
    for (int i = 0; i < n; i++)
        g_string_append_printf(text, "InstanceNorm n%d 1 1 b%d b%d 0=3 2=0\n", i, i, i + 1);
    g_autofree char *model = make_model(text->str, 1);
    setting settings[] = {{"model", model}, {0}};
    tw_error err = TW_ERROR_NONE;
    outcome out;
    double begun = seconds_now();
    assert_fails(try_run(picture, settings, &out, &err), TW_ERROR_USAGE, err, "4000 whole-picture layers, at most 192");
    g_assert_cmpfloat(seconds_now() - begun, <, 10);
    g_string_free(text, TRUE);
}

int main(int argc, char **argv)
{
    folder_open();
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    picture = make_picture("picture.tif", 75, 61, 3);
    result = in_folder("result.tif");
    g_test_add_func("/statistics/lowering", test_lowering);
    g_test_add_func("/statistics/left-alone", test_left_alone);
    for (int kind = 0; kind < GRAPH_KINDS; kind++) {
        g_autofree char *name = g_strdup_printf("/statistics/tiles/%d", kind);
        if (kind != GRAPH_PRODUCT)
            g_test_add_data_func(name, GINT_TO_POINTER(kind), test_kind);
    }
    g_test_add_func("/statistics/style", test_style);
    g_test_add_func("/statistics/flat", test_flat);
    g_test_add_func("/statistics/large-mean", test_large_mean);
    g_test_add_func("/statistics/by-hand", test_by_hand);
    g_test_add_func("/statistics/too-large", test_too_large);
    g_test_add_func("/statistics/stages", test_stages);
    g_test_add_func("/statistics/sync", test_sync);
    g_test_add_func("/statistics/turned", test_turned);
    g_test_add_func("/statistics/hostile", test_hostile);
    int status = g_test_run();
    g_free(picture);
    g_free(result);
    folder_close();
    return status;
}
