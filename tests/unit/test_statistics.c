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
    int status = g_test_run();
    g_free(picture);
    g_free(result);
    folder_close();
    return status;
}
