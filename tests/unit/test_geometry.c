/* SPDX-License-Identifier: MIT */
/* The geometry against ncnn itself: which input samples move an output, whether a tile of what need() asks for gives
 * the whole run's samples, and the known figures of the real packs. */
#include <math.h>
#include <stdio.h>

#include "geometry_checks.h"
#include "random_graph.h"

/* ---- each layer type ---- */

typedef struct layer_case {
    const char *lines; /* after the Input layer, which gives blob a (3 channels); the result is the last blob */
    int layers, blobs;
    bool exact_ends;
} layer_case;

static const layer_case layer_cases[] = {
    {"Convolution c 1 1 a z 0=8 1=3 4=1 6=216", 2, 2, true},
    {"Convolution c 1 1 a z 0=8 1=5 11=3 4=2 14=0 6=360", 2, 2, true},
    {"Convolution c 1 1 a z 0=8 1=3 3=2 4=1 6=216", 2, 2, true},
    {"Convolution c 1 1 a z 0=8 1=3 3=3 13=2 4=0 15=2 14=1 16=0 6=216", 2, 2, true},
    {"Convolution c 1 1 a z 0=8 1=2 3=2 6=96", 2, 2, true},
    {"Convolution c 1 1 a z 0=8 1=3 2=3 4=3 6=216", 2, 2, false},
    {"Convolution c 1 1 a z 0=8 1=3 4=-233 6=216", 2, 2, true},
    {"Convolution c 1 1 a z 0=8 1=4 4=-234 6=384", 2, 2, true},
    {"Convolution c 1 1 a z 0=8 1=3 3=2 4=-233 6=216", 2, 2, true},
    {"ConvolutionDepthWise c 1 1 a z 0=3 1=3 4=1 6=27 7=3", 2, 2, true},
    {"Deconvolution c 1 1 a z 0=8 1=2 3=2 6=96", 2, 2, true},
    {"Deconvolution c 1 1 a z 0=8 1=4 3=2 4=1 6=384", 2, 2, true},
    {"Deconvolution c 1 1 a z 0=8 1=4 3=2 4=3 6=384", 2, 2, true},
    {"Deconvolution c 1 1 a z 0=8 1=5 3=3 4=2 6=600", 2, 2, true},
    {"Deconvolution c 1 1 a z 0=8 1=3 3=2 4=1 18=1 6=216", 2, 2, true},
    {"DeconvolutionDepthWise c 1 1 a z 0=3 1=4 3=2 4=1 6=48 7=3", 2, 2, true},
    {"Pooling p 1 1 a z 0=0 1=2 2=2", 2, 2, true},
    {"Pooling p 1 1 a z 0=0 1=3 2=2", 2, 2, true},
    {"Pooling p 1 1 a z 0=1 1=3 2=2 3=1 5=1", 2, 2, true},
    {"Pooling p 1 1 a z 0=1 1=3 2=1 5=2", 2, 2, true},
    {"Pooling p 1 1 a z 0=1 1=4 2=1 5=3", 2, 2, true},
    {"Interp i 1 1 a z 0=1 1=2.0 2=2.0", 2, 2, true},
    {"Interp i 1 1 a z 0=1 1=3.0 2=4.0", 2, 2, true},
    {"Interp i 1 1 a z 0=1 1=0.5 2=0.75", 2, 2, true},
    {"Interp i 1 1 a z 0=2 1=2.0 2=4.0", 2, 2, true},
    {"Interp i 1 1 a z 0=2 1=0.5 2=0.25", 2, 2, true},
    {"Interp i 1 1 a z 0=2 1=0.75 2=1.5", 2, 2, false},
    {"Interp i 1 1 a z 0=2 1=3.0 2=3.0", 2, 2, false}, /* at whole positions one tap weighs nothing */
    {"Interp i 1 1 a z 0=3 1=2.0 2=4.0", 2, 2, true},
    {"Interp i 1 1 a z 0=3 1=0.5 2=0.75", 2, 2, true},
    {"Convolution c 1 1 a b 0=16 1=1 6=48\nPixelShuffle p 1 1 b z 0=2", 3, 3, true},
    {"Convolution c 1 1 a b 0=27 1=1 6=81\nPixelShuffle p 1 1 b z 0=3 1=1", 3, 3, true},
    {"Reorg r 1 1 a z 0=2", 2, 2, true},
    {"Crop c 1 1 a z -23309=2,4,3 -23310=2,-4,-5 -23311=2,-2,-1", 2, 2, true},
    {"Crop c 1 1 a z -23309=2,0,2 -23310=2,-233,-1 -23311=2,1,2", 2, 2, true},
    {"Crop c 1 1 a z 0=2 1=3 3=-233 4=-233 5=-233 6=1 7=4", 2, 2, true},
    {"Split s 1 2 a b c\nConvolution d 1 1 c e 0=3 1=5 6=225\nSplit t 1 2 e f g\nCrop h 2 1 b f i 0=2 1=2\nEltwise j 2 1 i g z "
     "0=1",
     6, 8, true},
    {"Padding p 1 1 a z 0=1 1=2 2=3 3=4", 2, 2, true},
    {"Padding p 1 1 a z 0=1 1=2 2=3 3=4 4=1", 2, 2, true},
    {"Padding p 1 1 a z 0=1 1=2 2=3 3=4 4=2", 2, 2, false},
    {"Slice s 1 2 a b c -23300=2,1,-233\nConcat d 2 1 c b z", 3, 4, true},
    {"PReLU p 1 1 a z 0=3", 2, 2, true},
    {"BinaryOp p 1 1 a z 0=2 1=1 2=3.0", 2, 2, true},
    {"TanH p 1 1 a z", 2, 2, true},
    {"MemoryData m 0 1 b 0=1 1=1 2=3\nBinaryOp p 2 1 a b z 0=2", 3, 3, true},
};

static void test_layers(void)
{
    GRand *rand = g_rand_new_with_seed(1);
    for (size_t i = 0; i < G_N_ELEMENTS(layer_cases); i++) {
        const layer_case *c = &layer_cases[i];
        g_autofree char *text = g_strdup_printf("7767517\n%d %d\nInput in 0 1 a 2=3\n%s\n", c->layers, c->blobs, c->lines);
        test_net *t = net_from_text(text, rand, true, false);
        for (int n = 17; n <= 20; n++) {
            int w = usable_size(t, n), h = usable_size(t, n + 6);
            g_assert_cmpint(w, >, 0);
            check_impulses(t, w, h, c->exact_ends, text);
        }
        net_free(t);
    }
    g_rand_free(rand);
}

/* front() is the most that lo/hi allow, for every map of the table. */
static void test_front(void)
{
    GRand *rand = g_rand_new_with_seed(2);
    for (size_t i = 0; i < G_N_ELEMENTS(layer_cases); i++) {
        const layer_case *c = &layer_cases[i];
        g_autofree char *text = g_strdup_printf("7767517\n%d %d\nInput in 0 1 a 2=3\n%s\n", c->layers, c->blobs, c->lines);
        test_net *t = net_from_text(text, rand, true, false);
        int n = usable_size(t, 24);
        g_autofree int64_t *lengths = g_new(int64_t, t->graph->n_blobs);
        g_assert_true(tw_geometry_lengths(t->graph, t->geometry, 0, n, lengths, NULL));
        for (int l = 1; l < t->graph->n_layers; l++) {
            const tw_layer *layer = &t->graph->layers[l];
            if (layer->n_inputs == 0)
                continue;
            int64_t n_in = lengths[layer->inputs[0]], n_out = lengths[layer->outputs[0]];
            tw_map map = tw_map_at(tw_layer_map(t->geometry, t->graph, l, 0, 0), n_in);
            for (int64_t f = 0; f < n_in; f++) {
                int64_t most = 0, front = tw_clamp64(tw_map_front(&map, f), 0, n_out);
                while (most < n_out && tw_map_window(&map, (tw_span){0, most + 1}, n_in).hi <= f &&
                       tw_map_hi(&map, most, n_in) <= f)
                    most++;
                g_assert_cmpint(front, <=, most);
                if (map.edge == TW_EDGE_ZERO)
                    g_assert_cmpint(front, ==, most);
            }
        }
        net_free(t);
    }
    g_rand_free(rand);
}

/* ---- random graphs ---- */

/* Random U-nets over odd grids may run for sizes only that are no multiple of the grid; those are refused, rightly. */
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

static void test_random_impulses(void)
{
    int done = 0;
    for (guint32 seed = 1; done < 200; seed++) {
        GRand *rand = g_rand_new_with_seed(seed);
        bool loose;
        g_autofree char *text = random_graph_text(rand, true, &loose);
        if (is_refused(text)) {
            g_rand_free(rand);
            continue;
        }
        test_net *t = net_from_text(text, rand, true, false);
        int w = usable_size(t, 18), h = usable_size(t, 15);
        if (w > 0 && h > 0 && w <= 56 && h <= 56) {
            g_assert_true(t->geometry->exact);
            check_impulses(t, w, h, !loose && !strstr(text, "7.5"), text);
            done++;
        }
        net_free(t);
        g_rand_free(rand);
    }
}

static void test_random_tiles(void)
{
    int done = 0;
    for (guint32 seed = 1001; done < 250; seed++) {
        GRand *rand = g_rand_new_with_seed(seed);
        g_autofree char *text = random_graph_text(rand, false, NULL);
        if (is_refused(text)) {
            g_rand_free(rand);
            continue;
        }
        test_net *t = net_from_text(text, rand, false, seed % 2);
        int w = usable_size(t, 40), h = usable_size(t, 31);
        if (w > 0 && h > 0 && w <= 90 && h <= 90) {
            test_image image = image_random(w, h, t->geometry->input_channels[0], rand);
            test_image whole = net_run(t, &image, t->geometry->output, 0, NULL, NULL);
            g_assert_nonnull(whole.data);
            for (int k = 0; k < 6; k++)
                check_tile(t, &image, &whole, random_core(rand, whole.w), random_core(rand, whole.h), 1e-4, text);
            g_free(image.data);
            g_free(whole.data);
            done++;
        }
        net_free(t);
        g_rand_free(rand);
    }
}

/* ---- real packs ---- */

static void check_pack(const char *name, int scale, int l, int r, int canvas, int align, int multiple, int barriers)
{
    test_net *t = net_from_pack(name, true);
    const tw_geometry *g = t->geometry;
    g_test_message("%s: halo %d %d, canvas %d, align %d, multiple %d, %d barriers", name, (int)g->halo[0], (int)g->halo[2],
                   (int)g->canvas[0], (int)g->align, (int)g->size_multiple, g->n_barriers);
    g_assert_true(g->exact);
    g_assert_cmpint(g->scale.num, ==, scale);
    g_assert_cmpint(g->scale.den, ==, 1);
    for (int axis = 0; axis < 2; axis++) {
        g_assert_cmpint(g->halo[axis], ==, l);
        g_assert_cmpint(g->halo[axis + 2], ==, r);
        g_assert_cmpint(g->canvas[axis], ==, canvas);
        g_assert_cmpint(g->canvas[axis + 2], ==, canvas);
        int64_t picture = 24 * multiple - 2 * canvas % multiple,
                n = picture + 2 * canvas; /* the result is exactly scale * picture */
        n = tw_ceil_div(n, multiple) * multiple;
        g_assert_cmpint(tw_geometry_length(t->graph, g, g->output, axis, n), ==, scale * (n - 2 * canvas));
    }
    g_assert_cmpint(g->align, ==, align);
    g_assert_cmpint(g->size_multiple, ==, multiple);
    g_assert_cmpint(g->n_barriers, ==, barriers);
    g_assert_cmpint(g->input_channels[0], ==, 3);
    for (int i = 0; i < barriers; i++)
        g_assert_cmpint(g->barriers[i].level, ==, i);
    net_free(t);
}

static void test_packs(void)
{
    check_pack("realesr-animevideov3-x2", 2, 19, 19, 0, 1, 1, 0);
    check_pack("realesr-animevideov3-x3", 3, 19, 19, 0, 1, 1, 0);
    check_pack("realesr-animevideov3-x4", 4, 18, 18, 0, 1, 1, 0);
    check_pack("realesrgan-x4plus", 4, 349, 349, 0, 1, 1, 0);
    check_pack("realesrgan-x4plus-anime", 4, 94, 94, 0, 1, 1, 0);
    check_pack("waifu2x-upconv7-anime-2x", 2, 7, 7, 7, 1, 1, 0);
    check_pack("waifu2x-cunet-2x", 2, 18, 18, 18, 2, 2, 4);
    check_pack("waifu2x-cunet-noise0", 1, 28, 28, 28, 4, 4, 4);
    check_pack("realcugan-2x-se-no-denoise", 2, 18, 18, 18, 2, 2, 4);
    check_pack("realcugan-3x-se-no-denoise", 3, 14, 14, 14, 4, 4, 4);
    check_pack("realcugan-4x-se-no-denoise", 4, 19, 19, 19, 2, 2, 4);
    check_pack("span-x2-ch48", 2, 21, 21, 0, 1, 1, 0);
    check_pack("span-x4-ch52", 4, 21, 21, 0, 1, 1, 0);
}

/* Without Winograd the samples are computed apart from each other: a tile of exactly the halo differs in no bit worth
 * the name, and a tile of one pixel less does. */
static void test_pack_tiles(void)
{
    static const char *const names[] = {"realesr-animevideov3-x3", "realesr-animevideov3-x4", "waifu2x-upconv7-anime-2x",
                                        "span-x2-ch48"};
    GRand *rand = g_rand_new_with_seed(5);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        test_net *t = net_from_pack(names[i], false);
        test_image image = image_smooth(72, 66, 3), whole = net_run(t, &image, t->geometry->output, 0, NULL, NULL);
        for (int k = 0; k < 4; k++)
            check_tile(t, &image, &whole, random_core(rand, whole.w), random_core(rand, whole.h), 1e-6, names[i]);
        g_free(image.data);
        g_free(whole.data);
        net_free(t);
    }
    g_rand_free(rand);
}

typedef struct vectors {
    int n, blobs[16];
    ncnn_mat_t mats[16];
} vectors;

static void add_vector(vectors *v, int blob, const double *values, int n)
{
    float *data = ncnn_mat_get_data(v->mats[v->n] = ncnn_mat_create_1d(n, NULL));
    for (int i = 0; i < n; i++)
        data[i] = (float)values[i];
    v->blobs[v->n++] = blob;
}

/* One tile's share of a barrier's sums: only owned samples. Returns how many there were. */
static int64_t add_owned(test_net *t, const test_image *image, int blob, tw_span x, tw_span y, vectors *known, double *sums)
{
    const tw_geometry *g = t->geometry;
    tw_span out[2] = {x, y}, in[2], own[2];
    int64_t size[2] = {image->w, image->h};
    for (int axis = 0; axis < 2; axis++) {
        tw_ratio rate = axis ? g->blobs[blob].rate_y : g->blobs[blob].rate;
        in[axis] = tw_geometry_need(t->graph, g, axis, size[axis], out[axis]);
        in[axis].lo -= in[axis].lo % g->align;
        in[axis].hi = MIN(tw_ceil_div(in[axis].hi, g->align) * g->align, size[axis]);
        own[axis].lo =
            tw_geometry_owned_from(t->graph, g, blob, axis, size[axis], out[axis].lo) - in[axis].lo * rate.num / rate.den;
        own[axis].hi =
            tw_geometry_owned_from(t->graph, g, blob, axis, size[axis], out[axis].hi) - in[axis].lo * rate.num / rate.den;
    }
    test_image part = image_cut(image, (int)in[0].lo, (int)in[1].lo, (int)(in[0].hi - in[0].lo), (int)(in[1].hi - in[1].lo));
    test_image tile = net_run(t, &part, blob, known->n, known->blobs, known->mats);
    g_assert_cmpint(own[0].hi, <=, tile.w);
    g_assert_cmpint(own[1].hi, <=, tile.h);
    for (int c = 0; c < tile.c; c++)
        for (int64_t j = own[1].lo; j < own[1].hi; j++)
            for (int64_t i = own[0].lo; i < own[0].hi; i++)
                sums[c] += *image_at(&tile, c, (int)j, (int)i);
    g_free(part.data);
    g_free(tile.data);
    return (own[0].hi - own[0].lo) * (own[1].hi - own[1].lo);
}

static void check_barriers(const char *name)
{
    test_net *t = net_from_pack(name, true);
    const tw_geometry *g = t->geometry;
    int w = usable_size(t, 150), h = usable_size(t, 120);
    test_image image = image_smooth(w, h, 3), whole = net_run(t, &image, g->output, 0, NULL, NULL);
    vectors known = {0};
    int64_t step = 40 * g->scale.num;
    for (int b = 0; b < g->n_barriers; b++) { /* in order of their levels */
        double sums[512] = {0};
        int64_t n = 0, blob = g->barriers[b].input_blob;
        for (int64_t y = 0; y < whole.h; y += step)
            for (int64_t x = 0; x < whole.w; x += step)
                n += add_owned(t, &image, (int)blob, (tw_span){x, MIN(x + step, whole.w)}, (tw_span){y, MIN(y + step, whole.h)},
                               &known, sums);
        g_assert_cmpint(n, ==,
                        tw_geometry_length(t->graph, g, (int)blob, 0, w) * tw_geometry_length(t->graph, g, (int)blob, 1, h));
        for (int c = 0; c < g->blobs[blob].channels; c++)
            sums[c] /= (double)n;
        test_image mean = net_run(t, &image, g->barriers[b].output_blob, 0, NULL, NULL);
        for (int c = 0; c < mean.w; c++)
            g_assert_cmpfloat(fabs(mean.data[c] - sums[c]), <=, 1e-4 * (1 + fabs(sums[c])));
        g_free(mean.data);
        add_vector(&known, g->barriers[b].output_blob, sums, g->blobs[blob].channels);
    }
    test_image again = net_run(t, &image, g->output, known.n, known.blobs, known.mats);
    for (int i = 0; i < whole.w * whole.h * whole.c; i++)
        g_assert_cmpfloat(fabs(whole.data[i] - again.data[i]), <=, 1e-4);
    for (int i = 0; i < known.n; i++)
        ncnn_mat_destroy(known.mats[i]);
    g_free(again.data);
    g_free(image.data);
    g_free(whole.data);
    net_free(t);
}

/* Means summed over the owned samples of tiles, level by level, are the whole run's. */
static void test_barriers(void)
{
    check_barriers("realcugan-2x-se-no-denoise");
    check_barriers("realcugan-3x-se-no-denoise");
    check_barriers("realcugan-4x-se-no-denoise");
    check_barriers("waifu2x-cunet-noise0");
}

/* Cores that partition the output own a partition of every barrier's input, and see what they own. */
static void test_owned(void)
{
    static const char *const names[] = {"realcugan-2x-se-no-denoise", "realcugan-3x-se-no-denoise",
                                        "realcugan-4x-se-no-denoise", "waifu2x-cunet-2x", "waifu2x-cunet-noise0"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        test_net *t = net_from_pack(names[i], true);
        const tw_geometry *g = t->geometry;
        int n = usable_size(t, 160);
        g_autofree int64_t *lengths = g_new(int64_t, t->graph->n_blobs);
        g_autofree int64_t *room = g_new(int64_t, t->graph->n_blobs);
        g_autofree tw_span *spans = g_new(tw_span, t->graph->n_blobs);
        g_assert_true(tw_geometry_lengths(t->graph, g, 0, n, lengths, NULL));
        int64_t n_out = lengths[g->output], step = 17 * g->align * g->scale.num / g->scale.den;
        for (int b = 0; b < g->n_barriers; b++) {
            int blob = g->barriers[b].input_blob;
            int64_t last = 0;
            for (int64_t o = 0; o < n_out; o += step) {
                int64_t end = MIN(o + step, n_out), from = tw_geometry_owned_from(t->graph, g, blob, 0, n, o);
                int64_t to = tw_geometry_owned_from(t->graph, g, blob, 0, n, end);
                g_assert_cmpint(from, ==, last);
                g_assert_cmpint(to, >, from);
                tw_geometry_need_in(t->graph, g, 0, lengths, (tw_span){o, end}, spans, room);
                g_assert_cmpint(spans[blob].lo, <=, from);
                g_assert_cmpint(spans[blob].hi, >=, to);
                last = to;
            }
            g_assert_cmpint(last, ==, lengths[blob]);
        }
        net_free(t);
    }
}

/* RIFE: only the graphs are at hand. */
static void test_rife(void)
{
    static const struct {
        const char *name;
        int l, r, align;
    } cases[] = {{"rife-v4.6.param", 565, 541, 32}, {"rife-v4.25.param", 1199, 1150, 64}};
    const char *folder = g_getenv("TILEWRIGHT_TEST_GRAPHS");
    if (!folder) { /* no package carries them; the closest nets of our own are among the random graphs */
        g_test_skip("TILEWRIGHT_TEST_GRAPHS names no folder with the RIFE graphs");
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_build_filename(folder, cases[i].name, NULL), *text = NULL;
        gsize length;
        if (!g_file_get_contents(path, &text, &length, NULL))
            g_error("%s is missing: TILEWRIGHT_TEST_GRAPHS must name the folder with the RIFE graphs", path);
        tw_error err = TW_ERROR_NONE;
        tw_graph *graph;
        tw_geometry *g;
        g_assert_cmpint(tw_graph_parse(text, length, path, &graph, &err), ==, TW_OK);
        g_assert_cmpint(tw_geometry_of(graph, path, &g, &err), ==, TW_OK);
        g_assert_true(g->exact && g->warps);
        for (int axis = 0; axis < 2; axis++) {
            g_assert_cmpint(g->halo[axis], ==, cases[i].l);
            g_assert_cmpint(g->halo[axis + 2], ==, cases[i].r);
        }
        g_assert_cmpint(g->align, ==, cases[i].align);
        g_assert_cmpint(g->size_multiple, ==, cases[i].align);
        g_assert_cmpint(g->motion, >=, 250);
        g_assert_cmpint(g->n_inputs, ==, 3);
        g_assert_cmpint(g->input_channels[2], ==, 1);
        tw_geometry_free(g);
        tw_graph_free(graph);
    }
}

/* ---- verdicts and refusals ---- */

static tw_status geometry_of_lines(const char *lines, int layers, int blobs, tw_geometry **g, tw_error *err)
{
    g_autofree char *text = g_strdup_printf("7767517\n%d %d\nInput in 0 1 a 2=3\n%s\n", layers, blobs, lines);
    tw_graph *graph;
    tw_status status = tw_graph_parse(text, strlen(text), "case", &graph, err);
    g_assert_cmpint(status, ==, TW_OK);
    status = tw_geometry_of(graph, "case", g, err);
    tw_graph_free(graph);
    return status;
}

static void test_inexact(void)
{
    static const struct {
        const char *lines, *why;
        int layers, blobs;
    } cases[] = {
        {"InstanceNorm n 1 1 a z 0=3", "statistics", 2, 2},
        {"Interp i 1 1 a z 0=2 3=100 4=100", "size of the whole", 2, 2},
        {"Interp i 1 1 a z 0=2 1=2.0 2=2.0 6=1", "corners", 2, 2},
        {"Interp i 1 1 a z 0=2 1=0.333333333 2=0.333333333", "binary", 2, 2},
        {"Crop i 1 1 a z -23309=1,0 -23310=1,100 -23311=1,2", "fixed", 2, 2},
        {"MemoryData m 0 1 b 0=64 1=64 2=3\nBinaryOp o 2 1 a b z 0=0", "constant", 3, 3},
        {"Softmax s 1 1 a z 0=2 1=1", "softmax", 2, 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        tw_error err = TW_ERROR_NONE;
        tw_geometry *g;
        g_assert_cmpint(geometry_of_lines(cases[i].lines, cases[i].layers, cases[i].blobs, &g, &err), ==, TW_OK);
        g_assert_false(g->exact);
        if (!strstr(g->why_inexact, cases[i].why))
            g_error("'%s' does not say '%s'", g->why_inexact, cases[i].why);
        tw_geometry_free(g);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *lines, *why;
        int layers, blobs;
    } cases[] = {
        {"Strange n 1 1 a z", "unknown layer type", 2, 2},
        {"Convolution n 1 1 a z 0=8 1=100000 6=216", "parameter 1", 2, 2},
        {"Convolution n 1 1 a z 0=8 1=3 3=0 6=216", "parameter 3", 2, 2},
        {"Convolution n 1 1 a z 0=8 1=3 4=-7 6=216", "negative padding", 2, 2},
        {"ReLU n 1 1 a b\nReLU m 1 1 a c\nEltwise o 2 1 b c z", "Split", 4, 4},
        {"Interp n 1 1 a z 0=1 1=1e9 2=1e9", "fraction", 2, 2},
        {"Split s 1 2 a b c\nConvolution d 1 1 c e 0=3 1=5 6=225\nEltwise j 2 1 b e z 0=1", "no common size", 4, 5},
        {"Pooling p 1 1 a z 0=1 4=1", "not a picture", 2, 2},
        {"Crop p 1 1 a z -23309=2,60000,60000 -23310=2,-70000,-60000 -23311=2,1,2", "65536", 2, 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        tw_error err = TW_ERROR_NONE;
        tw_geometry *g = NULL;
        g_assert_cmpint(geometry_of_lines(cases[i].lines, cases[i].layers, cases[i].blobs, &g, &err), ==, TW_ERROR_INPUT);
        g_assert_null(g);
        if (!strstr(err.message, cases[i].why))
            g_error("'%s' does not say '%s'", err.message, cases[i].why);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/geometry/layers", test_layers);
    g_test_add_func("/geometry/front", test_front);
    g_test_add_func("/geometry/random-impulses", test_random_impulses);
    g_test_add_func("/geometry/random-tiles", test_random_tiles);
    g_test_add_func("/geometry/inexact", test_inexact);
    g_test_add_func("/geometry/refused", test_refused);
    g_test_add_func("/geometry/packs", test_packs);
    g_test_add_func("/geometry/pack-tiles", test_pack_tiles);
    g_test_add_func("/geometry/owned", test_owned);
    g_test_add_func("/geometry/barriers", test_barriers);
    g_test_add_func("/geometry/rife", test_rife);
    return g_test_run();
}
