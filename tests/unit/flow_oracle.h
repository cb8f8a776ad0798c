/* SPDX-License-Identifier: MIT */
/** A flow net as others run it: the whole graph at once by ncnn, with a Warp that takes picture and flow. Written apart from the engine's. */
#ifndef TW_TEST_FLOW_ORACLE_H
#define TW_TEST_FLOW_ORACLE_H

#include "ncnn_run.h"

typedef struct flow_oracle {
    ncnn_net_t net;
    ncnn_allocator_t allocator;
} flow_oracle;

static inline float oracle_tap(const float *plane, int w, int h, int64_t x, int64_t y)
{
    x = CLAMP(x, 0, w - 1);
    y = CLAMP(y, 0, h - 1);
    return plane[y * w + x];
}

static inline int oracle_warp(const ncnn_layer_t layer, const ncnn_mat_t *bottoms, int n, ncnn_mat_t *tops, int n_tops,
                              const ncnn_option_t option)
{
    (void)layer, (void)n, (void)n_tops, (void)option;
    int w = ncnn_mat_get_w(bottoms[0]), h = ncnn_mat_get_h(bottoms[0]), c = ncnn_mat_get_c(bottoms[0]);
    const float *fx = ncnn_mat_get_channel_data(bottoms[1], 0), *fy = ncnn_mat_get_channel_data(bottoms[1], 1);
    tops[0] = ncnn_mat_create_3d(w, h, c, NULL);
    for (int k = 0; k < c; k++) {
        const float *from = ncnn_mat_get_channel_data(bottoms[0], k);
        float *to = ncnn_mat_get_channel_data(tops[0], k);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double px = (double)x + (double)fx[y * w + x], py = (double)y + (double)fy[y * w + x];
                int64_t x0 = (int64_t)floor(px), y0 = (int64_t)floor(py);
                double a = px - floor(px), b = py - floor(py);
                double upper = oracle_tap(from, w, h, x0, y0) * (1 - a) + oracle_tap(from, w, h, x0 + 1, y0) * a;
                double lower = oracle_tap(from, w, h, x0, y0 + 1) * (1 - a) + oracle_tap(from, w, h, x0 + 1, y0 + 1) * a;
                to[y * w + x] = (float)(upper * (1 - b) + lower * b);
            }
    }
    return 0;
}

static inline ncnn_layer_t oracle_new(void *user)
{
    (void)user;
    ncnn_layer_t layer = ncnn_layer_create();
    layer->forward_n = oracle_warp;
    return layer;
}

static inline void oracle_free(ncnn_layer_t layer, void *user)
{
    (void)user;
    ncnn_layer_destroy(layer);
}

static inline flow_oracle *flow_oracle_open(const char *param)
{
    flow_oracle *o = g_new0(flow_oracle, 1);
    g_autofree char *stem = g_strndup(param, strlen(param) - strlen(".param")), *bin = g_strconcat(stem, ".bin", NULL);
    o->net = ncnn_net_create();
    o->allocator = ncnn_allocator_create_unlocked_pool_allocator();
    ncnn_option_t option = test_option(o->allocator, true);
    ncnn_net_set_option(o->net, option);
    ncnn_option_destroy(option);
    ncnn_net_register_custom_layer_by_type(o->net, "rife.Warp", oracle_new, oracle_free, NULL);
    g_assert_cmpint(ncnn_net_load_param(o->net, param), ==, 0);
    g_assert_cmpint(ncnn_net_load_model(o->net, bin), ==, 0);
    return o;
}

static inline void flow_oracle_close(flow_oracle *o)
{
    ncnn_net_destroy(o->net);
    ncnn_allocator_destroy(o->allocator);
    g_free(o);
}

/** Any blob, of two pictures (0..1) whose size is a multiple of what the net needs. */
static inline test_image flow_oracle_run(flow_oracle *o, const test_image *a, const test_image *b, double t, const char *blob)
{
    test_image time = image_new(a->w, a->h, 1), result;
    for (int i = 0; i < a->w * a->h; i++)
        time.data[i] = (float)t;
    ncnn_mat_t in[3] = {mat_of(a, NULL), mat_of(b, NULL), mat_of(&time, NULL)}, out = NULL;
    static const char *const names[] = {"in0", "in1", "in2"};
    ncnn_extractor_t ex = ncnn_extractor_create(o->net);
    for (int i = 0; i < 3; i++)
        g_assert_cmpint(ncnn_extractor_input(ex, names[i], in[i]), ==, 0);
    g_assert_cmpint(ncnn_extractor_extract(ex, blob, &out), ==, 0);
    result = image_of(out);
    ncnn_mat_destroy(out);
    ncnn_extractor_destroy(ex);
    for (int i = 0; i < 3; i++)
        ncnn_mat_destroy(in[i]);
    g_free(time.data);
    return result;
}

/** A frame of a made scene at its stored depth, in 1/255: waves and edges that move by `shift` pixels, those in the middle faster. */
static inline test_image flow_frame(int w, int h, double shift)
{
    test_image image = image_new(w, h, 3);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                bool front = hypot(x - 0.4 * w - shift, y - 0.5 * h) < 0.2 * h;
                double u = x - (front ? shift : shift / 4), v = 0.5 + 0.2 * sin(u / 23 + c) * cos(y / 19.0 + front);
                v += 0.1 * sin((u + 2 * y) / 5 + c) + (sin(u / 31) * sin(y / 29.0) > 0.1 ? 0.12 : -0.08);
                *image_at(&image, c, y, x) = (float)(round(CLAMP(v, 0, 1) * 255) / 255);
            }
    return image;
}

#endif
