/* SPDX-License-Identifier: MIT */
/* Carried nets against whole runs in ncnn: random graphs, canvases and tiles. */
#include "carry_graph.h"
#include "carry_run.h"

#define GRAPHS   1500
#define OFTEN    30   /* every kind of layer occurs at least so often */
#define SLACK    2e-4 /* of the output's standard deviation */
#define FLATTEST 0.01 /* a flatter output would prove nothing */

/* ---- what occurs ---- */

enum { END = -1, SET = 10001, AS_0, NOT_AS_0 }; /* values: the key is there; equals parameter 0; does not */

typedef struct kind {
    const char *name, *type;
    double is[8]; /* key, value, ..., END */
} kind;

static const kind kinds[] = {
    {"k1", "Convolution", {1, 1, END}},
    {"k2", "Convolution", {1, 2, END}},
    {"k3", "Convolution", {1, 3, END}},
    {"k5", "Convolution", {1, 5, END}},
    {"stride 2", "Convolution", {3, 2, END}},
    {"dilated", "Convolution", {2, 2, END}},
    {"zero padding", "Convolution", {4, 1, END}},
    {"k3 not padded", "Convolution", {1, 3, 4, 0, END}},
    {"same padding", "Convolution", {1, 3, 4, -233, END}},
    {"same padding, stride 2", "Convolution", {3, 2, 4, -233, END}},
    {"pad value", "Convolution", {18, SET, END}},
    {"plain", "ConvolutionDepthWise", {7, AS_0, END}},
    {"grouped", "ConvolutionDepthWise", {7, NOT_AS_0, END}},
    {"k2s2", "Deconvolution", {1, 2, 3, 2, END}},
    {"k4s2p1", "Deconvolution", {1, 4, 3, 2, 4, 1, END}},
    {"k4s2p3", "Deconvolution", {1, 4, 3, 2, 4, 3, END}},
    {"k4s2p1", "DeconvolutionDepthWise", {1, 4, 3, 2, 4, 1, END}},
    {"max k2s2", "Pooling", {0, 0, 1, 2, 2, 2, END}},
    {"max k3s2p1", "Pooling", {0, 0, 1, 3, 2, 2, END}},
    {"average k2s2", "Pooling", {0, 1, 1, 2, 2, 2, END}},
    {"average k3s1p1", "Pooling", {0, 1, 1, 3, 6, 1, END}},
    {"mean of all", "Pooling", {4, 1, END}},
    {"nearest x2", "Interp", {0, 1, 1, 2, END}},
    {"nearest x3", "Interp", {0, 1, 1, 3, END}},
    {"nearest x1/2", "Interp", {0, 1, 1, 0.5, END}},
    {"linear x2", "Interp", {0, 2, 1, 2, END}},
    {"linear x3", "Interp", {0, 2, 1, 3, END}},
    {"linear x1/2", "Interp", {0, 2, 1, 0.5, END}},
    {"cubic x2", "Interp", {0, 3, 1, 2, END}},
    {"cubic x3", "Interp", {0, 3, 1, 3, END}},
    {"cubic x1/2", "Interp", {0, 3, 1, 0.5, END}},
    {"", "PixelShuffle", {END}},
    {"", "Reorg", {END}},
    {"", "Crop", {END}},
    {"constant", "Padding", {4, 0, END}},
    {"replicate", "Padding", {4, 1, END}},
    {"reflect", "Padding", {4, 2, END}},
    {"", "Concat", {END}},
    {"", "BinaryOp", {END}},
    {"", "Eltwise", {END}},
    {"", "Split", {END}},
    {"", "PReLU", {END}},
    {"", "ReLU", {END}},
    {"", "Sigmoid", {END}},
    {"", "Swish", {END}},
    {"", "Scale", {END}},
    {"", "BatchNorm", {END}},
    {"", "ShuffleChannel", {END}},
    {"", "Slice", {END}},
};

static int occurred[G_N_ELEMENTS(kinds)], hoisted, lagging, left;
static int fused[3]; /* our own convolutions; with an activation; behind a window that stands further in front */

static bool is_kind(const kind *k, const tw_layer *l)
{
    if (strcmp(k->type, l->type))
        return false;
    for (const double *is = k->is; *is != END; is += 2) {
        double value = tw_layer_real(l, (int)is[0], 0);
        bool as_0 = value == tw_layer_real(l, 0, 0);
        if (is[1] == SET ? value == 0 : is[1] == AS_0 ? !as_0 : is[1] == NOT_AS_0 ? as_0 : value != is[1])
            return false;
    }
    return true;
}

/* Two windows of one blob whose layers lag differently behind it. */
static bool readers_lag(const tw_carry *c)
{
    for (int i = 0; i < c->n_windows; i++)
        for (int j = 0; j < i; j++) {
            const tw_carry_window *a = &c->windows[i], *b = &c->windows[j];
            if (!a->cuts && !b->cuts && a->blob == b->blob && c->lag[0][a->out] != c->lag[0][b->out])
                return true;
        }
    return false;
}

static void count(const carried *c)
{
    const tw_graph *graph = c->whole->graph;
    tw_error err = TW_ERROR_NONE;
    tw_stages stages;
    g_assert_cmpint(tw_stages_of(c->carry, 1e9, &stages, &err), ==, TW_OK);
    left += stages.n_spills > 0;
    for (int i = 0; i < graph->n_layers; i++)
        for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
            occurred[k] += is_kind(&kinds[k], &graph->layers[i]);
    for (int i = 0; i < graph->n_blobs; i++)
        hoisted += c->carry->hoisted[i] >= 0;
    lagging += readers_lag(c->carry);
    for (int i = 0; i < c->carry->net->n_layers; i++) {
        const tw_layer *l = &c->carry->net->layers[i];
        bool ours = !strcmp(l->type, "TwConvolution");
        fused[0] += ours;
        fused[1] += ours && (tw_layer_int(l, 20, 0) > 0 || tw_layer_real(l, 22, 1) != 1);
        fused[2] += ours && tw_layer_int(l, 21, -1) < 0;
    }
}

/* ---- sizes ---- */

/* A mirror wants more samples than it adds. */
static bool is_defined(const tw_graph *graph, const int64_t *lengths)
{
    for (int i = 0; i < graph->n_layers; i++) {
        const tw_layer *l = &graph->layers[i];
        int64_t n = l->n_inputs ? lengths[l->inputs[0]] : 0;
        for (int side = 0; side < 4 && !strcmp(l->type, "Padding") && tw_layer_int(l, 4, 0) == 2; side++)
            if (n <= tw_layer_int(l, side, 0))
                return false;
    }
    return true;
}

/* The smallest size from `wish` on that runs on both axes; 0: none up to 60. */
static int runs_from(const carried *c, int wish)
{
    const tw_geometry *g = c->whole->geometry;
    int64_t m = g->size_multiple;
    g_autofree int64_t *lengths = g_new(int64_t, c->whole->graph->n_blobs);
    for (int64_t n = tw_ceil_div(wish, m) * m; n <= 60 + m; n += m) {
        bool fits = true;
        for (int axis = 0; axis < 2; axis++) {
            bool agree;
            fits = fits && tw_geometry_lengths(c->whole->graph, g, axis, n, lengths, &agree) && agree &&
                   is_defined(c->whole->graph, lengths);
        }
        if (fits)
            return (int)n;
    }
    return 0;
}

static int64_t some_tile(GRand *rand, const carried *c, int size)
{
    int64_t align = c->carry->align;
    switch (g_rand_int_range(rand, 0, 4)) {
    case 0:
        return align;
    case 1: /* larger than the picture */
        return tw_ceil_div(size, align) * align + align;
    default:
        return align * g_rand_int_range(rand, 1, (int)tw_ceil_div(size, align) + 1);
    }
}

/* ---- random graphs ---- */

static double worst;
static int walks, refused_ends;

static double spread(const test_image *image)
{
    double sum = 0, squares = 0, n = (double)image->w * image->h * image->c;
    for (int i = 0; i < (int)n; i++)
        sum += image->data[i], squares += (double)image->data[i] * image->data[i];
    return sqrt(MAX(squares / n - sum / n * (sum / n), 0));
}

static void compare(const test_image *whole, const test_image *got, double sigma, const char *where, const char *text)
{
    g_assert_cmpint(got->w, ==, whole->w);
    g_assert_cmpint(got->h, ==, whole->h);
    g_assert_cmpint(got->c, ==, whole->c);
    for (int i = 0; i < whole->w * whole->h * whole->c; i++) {
        double difference = fabs((double)whole->data[i] - (double)got->data[i]) / sigma;
        if (!(difference <= SLACK))
            g_error("%s: sample %d %d of channel %d is %g, carried %g (deviation %g)\n%s", where, i % whole->w,
                    i / whole->w % whole->h, i / whole->w / whole->h, (double)whole->data[i], (double)got->data[i], sigma,
                    text);
        worst = MAX(worst, difference);
    }
}

/* Whatever the stages left, against the whole run; false: this size cannot be carried. */
static bool check_tile(const carried *c, const test_image *image, const int64_t tile[2], double held, const char *text)
{
    g_autofree char *why = NULL,
                    *where = g_strdup_printf("canvas %dx%d, tile %dx%d", image->w, image->h, (int)tile[0], (int)tile[1]);
    test_image *blobs = carried_run(c, image, tile, held, &why);
    if (!blobs && !strstr(why, "the averages at the end"))
        g_error("%s: %s\n%s\n%s", where, why, text, c->carry->text);
    for (int i = 0; blobs && i < c->whole->graph->n_blobs; i++) {
        if (!blobs[i].data || i == c->whole->geometry->input)
            continue;
        test_image whole = whole_run(c, image, i);
        compare(&whole, &blobs[i], MAX(spread(&whole), FLATTEST), where, text);
        g_free(whole.data);
    }
    if (blobs)
        blobs_free(c, blobs);
    return blobs != NULL;
}

/* False when the output is too flat. */
static bool check_size(const carried *c, GRand *rand, int w, int h, const char *text)
{
    const tw_geometry *g = c->whole->geometry;
    test_image image = image_random(w, h, g->input_channels[0], rand), whole = whole_run(c, &image, g->output);
    g_assert_nonnull(whole.data);
    double sigma = spread(&whole);
    bool counts = sigma >= FLATTEST && isfinite(sigma);
    for (int k = 0; k < 2 && counts; k++) {
        int64_t tile[2] = {some_tile(rand, c, w), some_tile(rand, c, h)};
        bool ran = check_tile(c, &image, tile, k ? 1e9 : 0, text); /* spills, or computes anew */
        walks += ran;
        refused_ends += !ran;
    }
    g_free(image.data);
    g_free(whole.data);
    return counts;
}

static bool is_refused(const char *text)
{
    tw_error err = TW_ERROR_NONE;
    tw_graph *graph;
    tw_geometry *g;
    g_assert_cmpint(tw_graph_parse(text, strlen(text), "random", &graph, &err), ==, TW_OK);
    tw_status status = tw_geometry_of(graph, "random", &g, &err);
    if (status != TW_OK && !strstr(err.message, "no common size"))
        g_error("%s\n%s", err.message, text);
    tw_geometry_free(g);
    tw_graph_free(graph);
    return status != TW_OK;
}

/* False when the graph does not count: too flat, or without a size that runs. */
static bool check_graph(carried *c, GRand *rand, const char *text)
{
    int smallest = runs_from(c, 1), w = runs_from(c, g_rand_int_range(rand, 7, 37)),
        h = runs_from(c, g_rand_int_range(rand, 5, 33));
    if (w == 0 || h == 0 || !check_size(c, rand, w, h, text))
        return false;
    check_size(c, rand, smallest, g_rand_boolean(rand) ? smallest : h, text);
    count(c);
    return true;
}

/* Not even in principle: an average over what lies inside has no padding that stands for it. */
static bool is_expected(const char *why)
{
    return strstr(why, "its averages at the border count what lies inside");
}

/* Tries random graphs until `wanted` count. */
static void try_graphs(char *(*text_of)(GRand *), int wanted, int *refused, int *flat)
{
    int done = 0;
    for (guint32 seed = 1; done < wanted; seed++) {
        GRand *rand = g_rand_new_with_seed(seed);
        g_autofree char *text = text_of(rand);
        if (!is_refused(text)) {
            tw_error err = TW_ERROR_NONE;
            carried c = {.whole = net_from_text(text, rand, false, true)};
            g_autofree char *named = g_strdup_printf("seed %u\n%s", seed, text);
            if (carried_open(&c, text, NULL, &err) != TW_OK) {
                if (!is_expected(err.message))
                    g_error("%s\n%s", err.message, named);
                ++*refused;
            } else if (check_graph(&c, rand, named)) {
                done++;
            } else {
                ++*flat;
            }
            carried_free(&c);
        }
        g_rand_free(rand);
    }
}

static void test_random(void)
{
    int refused = 0, flat = 0;
    try_graphs(carry_graph_text, GRAPHS, &refused, &flat);
    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
        g_test_message("%4d %s %s", occurred[k], kinds[k].type, kinds[k].name);
    g_test_message("%d graphs, %d walks, %d Concats of "
                   "windows, %d graphs with readers that lag apart, %d with blobs left to later "
                   "stages; largest difference %.2g of the deviation; not counted: %d refused, %d too flat, %d walks",
                   GRAPHS, walks, hoisted, lagging, left, worst, refused, flat, refused_ends);
    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
        g_assert_cmpint(occurred[k], >=, OFTEN);
    g_assert_cmpint(hoisted, >=, OFTEN);
    g_assert_cmpint(lagging, >=, OFTEN);
    g_assert_cmpint(left, >=, OFTEN);
    g_assert_cmpint(refused, <=, GRAPHS / 20);
    g_assert_cmpint(refused_ends, <=, walks / 10);
}

static void test_wide(void)
{
    enum { WIDE = 200 };
    int refused = 0, flat = 0;
    worst = 0;
    memset(fused, 0, sizeof fused);
    try_graphs(wide_graph_text, WIDE, &refused, &flat);
    g_test_message(
        "%d graphs, %d convolutions of ours, %d with an activation, %d behind a Concat; largest difference %.2g of the "
        "deviation; not counted: %d refused, %d too flat",
        WIDE, fused[0], fused[1], fused[2], worst, refused, flat);
    for (int k = 0; k < 3; k++)
        g_assert_cmpint(fused[k], >=, tw_machine_here().fuses ? OFTEN : 0);
}

static void test_odd_chains(void)
{
    int before = walks;
    worst = 0;
    for (guint32 seed = 1; walks - before < 1000; seed++) {
        GRand *rand = g_rand_new_with_seed(seed);
        g_autofree char *text = odd_chain_text(rand), *named = g_strdup_printf("seed %u\n%s", seed, text);
        if (!is_refused(text)) {
            tw_error err = TW_ERROR_NONE;
            carried c = {.whole = net_from_text(text, rand, false, true)};
            if (carried_open(&c, text, NULL, &err) == TW_OK)
                check_graph(&c, rand, named);
            else if (!strstr(err.message, "no rule for it")) /* gaps between the samples of a deconvolution */
                g_error("%s\n%s", err.message, named);
            carried_free(&c);
        }
        g_rand_free(rand);
    }
    g_test_message("%d walks; largest difference %.2g of the deviation", walks - before, worst);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/carry/random", test_random);
    g_test_add_func("/carry/wide", test_wide);
    g_test_add_func("/carry/odd-chains", test_odd_chains);
    return g_test_run();
}
