/* SPDX-License-Identifier: MIT */
/** For the model tests: a graph with weights, run by ncnn itself on one thread, float32, with every allocation counted. */
#ifndef TW_TEST_NCNN_RUN_H
#define TW_TEST_NCNN_RUN_H

#include <glib.h>
#include <math.h>
#include <ncnn/c_api.h>
#include <stdlib.h>
#include <string.h>

#include "engine/moment.h"
#include "model/interval.h"
#include "model/memory.h"
#include "model/workspace.h"

typedef struct test_net {
    tw_graph *graph;
    tw_geometry *geometry;
    ncnn_net_t net;
    ncnn_allocator_t allocator;
    GByteArray *weights; /* ncnn may point into it */
} test_net;

/** Channel planes without gaps. */
typedef struct test_image {
    int w, h, c;
    float *data;
} test_image;

static int64_t test_now, test_peak;

static inline void *test_take(ncnn_allocator_t allocator, size_t size)
{
    (void)allocator;
    int64_t counted = tw_work_rounded((int64_t)size);
    if (size > (size_t)1 << 40) /* a tile smaller than the net: ncnn's sizes go below zero */
        return NULL;
    char *block = aligned_alloc(64, (size + 64 + 64 + 63) / 64 * 64); /* head, and what ncnn reads past the end */
    if (!block)
        return NULL;
    memset(block, 0xff, (size + 64 + 64 + 63) / 64 * 64); /* not a number: what nobody wrote, nobody may use */
    memcpy(block, &counted, sizeof counted);
    test_now += counted;
    test_peak = MAX(test_peak, test_now);
    return block + 64;
}

static inline void test_give(ncnn_allocator_t allocator, void *data)
{
    (void)allocator;
    if (!data)
        return;
    int64_t counted;
    memcpy(&counted, (char *)data - 64, sizeof counted);
    test_now -= counted;
    free((char *)data - 64);
}

static inline void add_floats(GByteArray *bytes, GRand *rand, int64_t count, double lo, double hi)
{
    for (int64_t i = 0; i < count; i++) {
        float v = (float)g_rand_double_range(rand, lo, hi);
        g_byte_array_append(bytes, (const guint8 *)&v, sizeof v);
    }
}

/** Weights for every layer, in the order and form of a .bin file. `positive`: all in a range that nothing can cancel. */
static inline GByteArray *random_weights(const tw_graph *graph, GRand *rand, bool positive)
{
    GByteArray *bytes = g_byte_array_new();
    const guint32 float32 = 0;
    for (int i = 0; i < graph->n_layers; i++) {
        const tw_layer *l = &graph->layers[i];
        bool dense = !strcmp(l->type, "InnerProduct");
        if (dense || strstr(l->type, "onvolution")) {
            int count = tw_layer_int(l, dense ? 2 : 6, 0), out = tw_layer_int(l, 0, 1);
            double a = positive ? 0 : -3.0 / sqrt((double)count / out), b = 3.0 / sqrt((double)count / out);
            g_byte_array_append(bytes, (const guint8 *)&float32, 4);
            add_floats(bytes, rand, count, positive ? 0.05 : a, positive ? 0.2 : b);
            if (tw_layer_int(l, dense ? 1 : 5, 0))
                add_floats(bytes, rand, out, positive ? 0 : -0.1, positive ? 1e-30 : 0.1);
        } else if (!strcmp(l->type, "PReLU")) {
            add_floats(bytes, rand, tw_layer_int(l, 0, 0), 0.05, 0.3);
        } else if (!strcmp(l->type, "Scale") && tw_layer_int(l, 0, 0) > 0) {
            add_floats(bytes, rand, tw_layer_int(l, 0, 0) * (tw_layer_int(l, 1, 0) && !positive ? 2 : 1), 0.5, 1.5);
        } else if (!strcmp(l->type, "InstanceNorm") && tw_layer_int(l, 2, 1)) {
            add_floats(bytes, rand, tw_layer_int(l, 0, 0), 0.5, 1.5);
            add_floats(bytes, rand, tw_layer_int(l, 0, 0), -0.5, 0.5);
        } else if (!strcmp(l->type, "GroupNorm") && tw_layer_int(l, 3, 1)) {
            add_floats(bytes, rand, tw_layer_int(l, 1, 0), 0.5, 1.5);
            add_floats(bytes, rand, tw_layer_int(l, 1, 0), -0.5, 0.5);
        } else if (!strcmp(l->type, "BatchNorm")) {
            add_floats(bytes, rand, 4 * tw_layer_int(l, 0, 0), 0.5, 1.5);
        } else if (!strcmp(l->type, "MemoryData")) {
            int n = MAX(tw_layer_int(l, 0, 0), 1) * MAX(tw_layer_int(l, 1, 0), 1) * MAX(tw_layer_int(l, 2, 0), 1);
            add_floats(bytes, rand, n, 0.1, 0.9);
        }
    }
    return bytes;
}

static inline ncnn_option_t test_option(ncnn_allocator_t allocator, bool fast)
{
    ncnn_option_t option = ncnn_option_create();
    ncnn_option_set_num_threads(option, 1);
    ncnn_option_set_use_vulkan_compute(option, 0);
    ncnn_option_set_use_fp16_packed(option, 0);
    ncnn_option_set_use_fp16_storage(option, 0);
    ncnn_option_set_use_fp16_arithmetic(option, 0);
    ncnn_option_set_use_local_pool_allocator(option, 0);
    ncnn_option_set_use_winograd_convolution(option, fast);
    ncnn_option_set_use_sgemm_convolution(option, fast);
    ncnn_option_set_blob_allocator(option, allocator);
    ncnn_option_set_workspace_allocator(option, allocator);
    return option;
}

static inline test_net *net_new(char *text, size_t length, const char *label)
{
    test_net *t = g_new0(test_net, 1);
    tw_error err = TW_ERROR_NONE;
    if (tw_graph_parse(text, length, label, &t->graph, &err) != TW_OK ||
        tw_geometry_of(t->graph, label, &t->geometry, &err) != TW_OK)
        g_error("%s\n%s", err.message, text);
    t->allocator = ncnn_allocator_create_unlocked_pool_allocator();
    t->allocator->fast_malloc = test_take;
    t->allocator->fast_free = test_give;
    t->net = ncnn_net_create();
    tw_moment_register(t->net);
    return t;
}

/** A net from text with random weights. `fast`: with Winograd and matrix products, which do not keep samples apart. */
static inline test_net *net_from_text(char *text, GRand *rand, bool positive, bool fast)
{
    test_net *t = net_new(text, strlen(text), "test");
    ncnn_option_t option = test_option(t->allocator, fast);
    ncnn_net_set_option(t->net, option);
    ncnn_option_destroy(option);
    t->weights = random_weights(t->graph, rand, positive);
    g_byte_array_set_size(t->weights, t->weights->len + 64);
    g_assert_cmpint(ncnn_net_load_param_memory(t->net, text), ==, 0);
    g_assert_cmpint(ncnn_net_load_model_memory(t->net, t->weights->data), ==, (int)t->weights->len - 64);
    return t;
}

/** A smooth picture, as these nets know them: noise drives some of them (SPAN) to values where float rounding is
 *  visible. */
static inline test_image image_smooth(int w, int h, int c)
{
    test_image image = {w, h, c, g_new0(float, (gsize)w *(gsize)h *(gsize)c)};
    for (int k = 0; k < c; k++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                image.data[((gsize)k * (gsize)h + (gsize)y) * (gsize)w + (gsize)x] =
                    (float)(0.5 + 0.3 * sin(0.2 * x + k) * cos(0.17 * y) + 0.1 * ((x / 7 + y / 5) % 2));
    return image;
}

/** A net from <folder>/<name>.param and .bin, where folder is $TILEWRIGHT_TEST_MODELS. Fails loudly when it is not
 *  there. */
static inline test_net *net_from_pack(const char *name, bool fast)
{
    const char *folder = g_getenv("TILEWRIGHT_TEST_MODELS");
    if (!folder)
        g_error("TILEWRIGHT_TEST_MODELS is not set: it must name the folder with the model packs (tools/setup/models.sh prints "
                "it)");
    g_autofree char *param = g_strdup_printf("%s/%s.param", folder, name), *bin = g_strdup_printf("%s/%s.bin", folder, name);
    g_autofree char *text = NULL;
    gsize length;
    if (!g_file_get_contents(param, &text, &length, NULL))
        g_error("%s is missing: the folder in TILEWRIGHT_TEST_MODELS has no model of that name", param);
    test_net *t = net_new(text, length, name);
    ncnn_option_t option = test_option(t->allocator, fast);
    ncnn_net_set_option(t->net, option);
    ncnn_option_destroy(option);
    if (ncnn_net_load_param(t->net, param) != 0 || ncnn_net_load_model(t->net, bin) != 0)
        g_error("%s does not load", bin);
    return t;
}

static inline void net_free(test_net *t)
{
    ncnn_net_destroy(t->net);
    ncnn_allocator_destroy(t->allocator);
    tw_geometry_free(t->geometry);
    tw_graph_free(t->graph);
    if (t->weights)
        g_byte_array_free(t->weights, TRUE);
    g_free(t);
}

static inline test_image image_new(int w, int h, int c)
{
    return (test_image){w, h, c, g_new0(float, (gsize)w *(gsize)h *(gsize)c)};
}

static inline test_image image_random(int w, int h, int c, GRand *rand)
{
    test_image image = image_new(w, h, c);
    for (int i = 0; i < w * h * c; i++)
        image.data[i] = (float)g_rand_double(rand);
    return image;
}

static inline float *image_at(const test_image *image, int c, int y, int x)
{
    return &image->data[((gsize)c * (gsize)image->h + (gsize)y) * (gsize)image->w + (gsize)x];
}

static inline test_image image_cut(const test_image *image, int x, int y, int w, int h)
{
    test_image part = image_new(w, h, image->c);
    for (int c = 0; c < image->c; c++)
        for (int j = 0; j < h; j++)
            memcpy(image_at(&part, c, j, 0), image_at(image, c, y + j, x), (gsize)w * sizeof(float));
    return part;
}

static inline ncnn_mat_t mat_of(const test_image *image, ncnn_allocator_t allocator)
{
    ncnn_mat_t mat = ncnn_mat_create_3d(image->w, image->h, image->c, allocator);
    for (int c = 0; c < image->c; c++)
        memcpy(ncnn_mat_get_channel_data(mat, c), image_at(image, c, 0, 0), (gsize)image->w * (gsize)image->h * sizeof(float));
    return mat;
}

static inline test_image image_of(ncnn_mat_t mat)
{
    test_image image = image_new(ncnn_mat_get_w(mat), ncnn_mat_get_h(mat), ncnn_mat_get_c(mat));
    for (int c = 0; c < image.c; c++)
        memcpy(image_at(&image, c, 0, 0), ncnn_mat_get_channel_data(mat, c), (gsize)image.w * (gsize)image.h * sizeof(float));
    return image;
}

/** Runs on one image (every input gets it, cut to its channels) and returns blob `out`; resets and fills test_peak.
 *  Vectors that are injected: n_vectors pairs of blob index and mat. An empty image (data NULL) when ncnn refuses. */
static inline test_image net_run(test_net *t, const test_image *image, int out, int n_vectors, const int *blobs,
                                 ncnn_mat_t *vectors)
{
    test_image result = {0};
    ncnn_mat_t inputs[8], mat = NULL;
    int64_t before = test_now;
    test_peak = test_now;
    ncnn_extractor_t ex = ncnn_extractor_create(t->net);
    for (int i = 0; i < t->geometry->n_inputs; i++) {
        test_image part = *image;
        part.c = MIN(part.c, t->geometry->input_channels[i]);
        inputs[i] = mat_of(&part, t->allocator);
        g_assert_cmpint(ncnn_extractor_input(ex, t->graph->blobs[t->geometry->inputs[i]].name, inputs[i]), ==, 0);
    }
    for (int i = 0; i < n_vectors; i++)
        g_assert_cmpint(ncnn_extractor_input(ex, t->graph->blobs[blobs[i]].name, vectors[i]), ==, 0);
    if (ncnn_extractor_extract(ex, t->graph->blobs[out].name, &mat) == 0) {
        result = image_of(mat);
        ncnn_mat_destroy(mat);
    }
    ncnn_extractor_destroy(ex);
    for (int i = 0; i < t->geometry->n_inputs; i++)
        ncnn_mat_destroy(inputs[i]);
    test_peak -= before;
    return result;
}

#endif
