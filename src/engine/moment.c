/* SPDX-License-Identifier: MIT */
#include "engine/moment.h"

#include "engine/layer.h"

#include <stdbool.h>

#include "model/moment.h"

/* Sum of the samples' distances from `from`, or of their squares. */
static double sum_of(const float *samples, int64_t n, double from, int squares)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)samples[i] - from;
        sum += squares ? d * d : d;
    }
    return sum;
}

static double group_mean(const ncnn_mat_t bottom, int64_t first, int64_t channels, double from, int squares)
{
    int64_t plane = (int64_t)ncnn_mat_get_w(bottom) * ncnn_mat_get_h(bottom);
    double sum = 0;
    for (int64_t c = first; c < first + channels; c++)
        sum += sum_of(ncnn_mat_get_channel_data(bottom, (int)c), plane, from, squares);
    return sum / (double)(plane * channels);
}

static int forward(const ncnn_layer_t layer, const ncnn_mat_t bottom, ncnn_mat_t *top, int variance)
{
    int64_t channels = ncnn_mat_get_c(bottom), group = tw_moment_channels(ncnn_layer_get_name(layer), channels);
    bool fits = ncnn_mat_get_dims(bottom) == 3 && ncnn_mat_get_elempack(bottom) == 1 && group > 0;
    *top = fits ? ncnn_mat_create_1d((int)channels, NULL) : ncnn_mat_create(); /* ncnn takes it apart whatever is returned */
    if (!fits)
        return -1;
    float *out = ncnn_mat_get_data(*top);
    if (!out)
        return -100;
    for (int64_t c = 0; c < channels; c += group) {
        double value = group_mean(bottom, c, group, 0, 0);
        if (variance)
            value = group_mean(bottom, c, group, value, 1);
        for (int64_t i = 0; i < group; i++)
            out[c + i] = (float)value;
    }
    return 0;
}

static int forward_mean(const ncnn_layer_t layer, const ncnn_mat_t bottom, ncnn_mat_t *top, const ncnn_option_t option)
{
    (void)option;
    return forward(layer, bottom, top, 0);
}

static int forward_variance(const ncnn_layer_t layer, const ncnn_mat_t bottom, ncnn_mat_t *top, const ncnn_option_t option)
{
    (void)option;
    return forward(layer, bottom, top, 1);
}

static ncnn_layer_t create_mean(void *user)
{
    (void)user;
    ncnn_layer_t layer = tw_layer_new();
    layer->forward_1 = forward_mean;
    return layer;
}

static ncnn_layer_t create_variance(void *user)
{
    ncnn_layer_t layer = create_mean(user);
    layer->forward_1 = forward_variance;
    return layer;
}

void tw_moment_register(ncnn_net_t net)
{
    ncnn_net_register_custom_layer_by_type(net, "TwMean", create_mean, tw_layer_free, NULL);
    ncnn_net_register_custom_layer_by_type(net, "TwVariance", create_variance, tw_layer_free, NULL);
}
