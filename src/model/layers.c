/* SPDX-License-Identifier: MIT */
/* One function per family of layer types, and the table that names them. Parameters are bounded here, before anything
 * multiplies. */
#include "model/layers.h"

#include <glib.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "model/convolve.h"
#include "model/moment.h"
#include "model/packing.h"

/* ---- helpers for the families ---- */

const tw_layer *tw_shaper_layer(const tw_shaper *s)
{
    return &s->graph->layers[s->layer];
}

tw_status tw_shaper_fail(tw_shaper *s, const char *what)
{
    const tw_layer *l = tw_shaper_layer(s);
    return tw_fail(s->err, TW_ERROR_INPUT, "%s: layer %.80s (%.40s): %s", s->label, l->name, l->type, what);
}

void tw_shaper_inexact(tw_shaper *s, const char *why)
{
    const tw_layer *l = tw_shaper_layer(s);
    if (!s->geometry->exact)
        return;
    s->geometry->exact = false;
    s->geometry->why_inexact = g_strdup_printf("layer %.80s (%.40s): %s", l->name, l->type, why);
}

/* Index of the first input with an extent, or -1. */
static int main_input(const tw_shaper *s)
{
    const tw_layer *l = tw_shaper_layer(s);
    for (int i = 0; i < l->n_inputs; i++)
        if (s->geometry->blobs[l->inputs[i]].spatial)
            return i;
    return -1;
}

tw_blob_geometry *tw_shaper_in(const tw_shaper *s, int i)
{
    return &s->geometry->blobs[tw_shaper_layer(s)->inputs[i]];
}

static tw_status set_axis(tw_shaper *s, int axis, const tw_map *map, int in, int out, tw_ratio *rate)
{
    double per_sample = (double)rate->den / (double)rate->num, shift = 0;
    if (map->kind == TW_MAP_WINDOW) {
        shift = ((double)(map->extent - map->stride) / 2 - (double)map->pad) * per_sample;
        if (map->same)
            shift = 0;
        *rate = tw_ratio_times(*rate, 1, map->stride);
    } else if (map->kind == TW_MAP_TRANSPOSED) {
        shift = (((double)map->pad - (double)map->extent / 2) / (double)map->stride + 0.5) * per_sample;
        *rate = tw_ratio_times(*rate, map->stride, 1);
    } else if (map->kind == TW_MAP_RESIZE) {
        *rate = tw_ratio_times(*rate, map->up, map->down);
    }
    if (rate->num == 0)
        return tw_shaper_fail(s, "the scale of its output is outside 1/4096..4096");
    s->origin[axis][out] = s->origin[axis][in] + shift;
    return TW_OK;
}

static tw_status set_maps(tw_shaper *s, const tw_map *x, const tw_map *y, int channels)
{
    const tw_layer *l = tw_shaper_layer(s);
    struct tw_layer_reach *reach = &s->geometry->reach[s->layer];
    int from = main_input(s);
    reach->map[0] = *x;
    reach->map[1] = *y;
    reach->spatial = from >= 0;
    if (channels < 0 || channels > TW_MAX_CHANNELS)
        return tw_shaper_fail(s, "number of channels out of range");
    for (int i = 0; i < l->n_outputs; i++) {
        tw_blob_geometry *out = &s->geometry->blobs[l->outputs[i]];
        *out = (tw_blob_geometry){.spatial = from >= 0, .rate = {1, 1}, .rate_y = {1, 1}, .channels = channels};
        if (from < 0)
            continue;
        int in = l->inputs[from];
        out->rate = s->geometry->blobs[in].rate;
        out->rate_y = s->geometry->blobs[in].rate_y;
        TW_TRY(set_axis(s, 0, x, in, l->outputs[i], &out->rate));
        TW_TRY(set_axis(s, 1, y, in, l->outputs[i], &out->rate_y));
    }
    return TW_OK;
}

static tw_status set_same(tw_shaper *s, int channels)
{
    tw_map same = tw_map_identity();
    return set_maps(s, &same, &same, channels);
}

/* A layer that needs the whole image. `vector`: its outputs have no extent. */
static tw_status barrier(tw_shaper *s, tw_barrier_kind kind, bool vector, int channels, const char *why)
{
    const tw_layer *l = tw_shaper_layer(s);
    tw_geometry *g = s->geometry;
    int in = l->inputs[main_input(s)], out = l->n_outputs ? l->outputs[0] : in;
    if (kind == TW_BARRIER_OTHER)
        tw_shaper_inexact(s, why);
    g->barriers[g->n_barriers++] =
        (tw_barrier){.kind = kind, .layer = s->layer, .input_blob = in, .output_blob = out, .level = s->level[in], .group = 1};
    TW_TRY(set_same(s, channels));
    if (!vector)
        return TW_OK;
    g->reach[s->layer].spatial = false;
    for (int i = 0; i < l->n_outputs; i++) {
        g->blobs[l->outputs[i]].spatial = false;
        s->level[l->outputs[i]]++;
    }
    return TW_OK;
}

/* One number for each channel of the picture, in as many dimensions as ncnn gives it. */
static tw_status statistic(tw_shaper *s, tw_barrier_kind kind, int group, bool flat)
{
    TW_TRY(barrier(s, kind, true, tw_shaper_in(s, 0)->channels, NULL));
    tw_barrier *b = &s->geometry->barriers[s->geometry->n_barriers - 1];
    b->group = group;
    b->flat = flat;
    return TW_OK;
}

/* Channels of the outputs of a layer that joins its inputs one to one; vectors and one-channel blobs are spread. */
static int joined_channels(const tw_shaper *s)
{
    int channels = 0;
    for (int i = 0; i < tw_shaper_layer(s)->n_inputs; i++)
        channels = MAX(channels, tw_shaper_in(s, i)->channels);
    return channels;
}

/* Inputs with an extent must agree in rate: else no tile of the one is a tile of the other. */
static void check_join(tw_shaper *s)
{
    int from = main_input(s);
    const tw_layer *l = tw_shaper_layer(s);
    for (int i = 0; from >= 0 && i < l->n_inputs; i++) {
        const tw_blob_geometry *a = tw_shaper_in(s, from), *b = tw_shaper_in(s, i);
        if (s->extended[l->inputs[i]])
            tw_shaper_inexact(s, "joins a picture with a constant of fixed size");
        else if (b->spatial && (a->rate.num != b->rate.num || a->rate.den != b->rate.den || a->rate_y.num != b->rate_y.num ||
                                a->rate_y.den != b->rate_y.den))
            tw_shaper_inexact(s, "joins inputs of different scales");
    }
}

/* ---- the families ---- */

static tw_status shape_pointwise(tw_shaper *s)
{
    check_join(s);
    return set_same(s, joined_channels(s));
}

static tw_status shape_input(tw_shaper *s)
{
    tw_geometry *g = s->geometry;
    const tw_layer *l = tw_shaper_layer(s);
    if (l->n_inputs != 0 || l->n_outputs != 1)
        return tw_shaper_fail(s, "an input has one output and no input");
    if (g->n_inputs == (int)G_N_ELEMENTS(g->inputs))
        return tw_shaper_fail(s, "more than 8 inputs");
    int64_t channels;
    TW_TRY(tw_shaper_int(s, 2, 0, 0, TW_MAX_CHANNELS, &channels));
    tw_blob_geometry *out = &g->blobs[l->outputs[0]];
    *out = (tw_blob_geometry){.spatial = true,
                              .rate = {1, 1},
                              .rate_y = {1, 1},
                              .channels = channels ? (int)channels : g->input_channels[g->n_inputs]};
    g->inputs[g->n_inputs++] = l->outputs[0];
    return TW_OK;
}

static tw_status shape_constant(tw_shaper *s)
{
    const tw_layer *l = tw_shaper_layer(s);
    int64_t w, h, c;
    TW_TRY(tw_shaper_int(s, 0, 0, 0, INT_MAX, &w));
    TW_TRY(tw_shaper_int(s, 1, 0, 0, INT_MAX, &h));
    TW_TRY(tw_shaper_int(s, 2, 0, 0, INT_MAX, &c));
    if (l->n_inputs != 0 || l->n_outputs != 1)
        return tw_shaper_fail(s, "a constant has one output and no input");
    s->extended[l->outputs[0]] = (c > 0 && (w > 1 || h > 1)) || (c == 0 && h > 0 && w > 1);
    int64_t channels = c > 0 ? c : h > 0 ? h : w;
    return set_same(s, (int)tw_min64(channels, TW_MAX_CHANNELS));
}

/* The axis parameter as distance from the channels of a three-dimensional blob: 0 channels, 1 rows, 2 columns. */
static int axis_of(double axis)
{
    if (!(axis >= -3 && axis <= 2))
        return 3;
    return (int)(axis < 0 ? axis + 3 : axis);
}

static tw_status shape_concat(tw_shaper *s)
{
    const tw_layer *l = tw_shaper_layer(s);
    int64_t sum = 0;
    bool known = true;
    for (int i = 0; i < l->n_inputs; i++) {
        sum += tw_shaper_in(s, i)->channels;
        known = known && tw_shaper_in(s, i)->channels > 0;
        if (main_input(s) >= 0 && !tw_shaper_in(s, i)->spatial)
            tw_shaper_inexact(s, "joins a picture and a vector");
    }
    check_join(s);
    if (main_input(s) >= 0 && axis_of(tw_layer_real(l, 0, 0)) != 0)
        tw_shaper_inexact(s, "joins pictures side by side");
    return set_same(s, known && sum <= TW_MAX_CHANNELS ? (int)sum : 0);
}

static tw_status shape_slice(tw_shaper *s)
{
    const tw_layer *l = tw_shaper_layer(s);
    const tw_param *slices = tw_layer_param(l, 0);
    if (l->n_inputs != 1)
        return tw_shaper_fail(s, "needs one input");
    if (main_input(s) >= 0 && axis_of(tw_layer_real(l, 1, 0)) != 0)
        tw_shaper_inexact(s, "cuts a picture into fixed parts");
    TW_TRY(set_same(s, 0));
    int64_t left = tw_shaper_in(s, 0)->channels;
    if (left == 0 || !slices || !slices->values || tw_layer_param(l, 2))
        return TW_OK;
    for (int i = 0; i < l->n_outputs && i < slices->n && left > 0; i++) {
        double v = slices->values[i];
        int64_t part = v == -233 ? left / (l->n_outputs - i) : v >= 0 && v <= (double)left ? (int64_t)v : left;
        s->geometry->blobs[l->outputs[i]].channels = (int)part;
        left -= part;
    }
    return TW_OK;
}

static tw_status shape_shuffle(tw_shaper *s)
{
    int64_t r;
    TW_TRY(tw_shaper_int(s, 0, 1, 1, TW_MAX_STRIDE, &r));
    tw_map up = {.kind = TW_MAP_TRANSPOSED, .extent = r, .stride = r};
    return set_maps(s, &up, &up, tw_shaper_in(s, 0)->channels / (int)(r * r));
}

static tw_status shape_reorg(tw_shaper *s)
{
    int64_t r;
    TW_TRY(tw_shaper_int(s, 0, 1, 1, TW_MAX_STRIDE, &r));
    tw_map down = {.kind = TW_MAP_WINDOW, .extent = r, .stride = r};
    int64_t channels = tw_shaper_in(s, 0)->channels * r * r;
    return set_maps(s, &down, &down, (int)tw_min64(channels, (int64_t)TW_MAX_CHANNELS + 1));
}

static tw_status shape_softmax(tw_shaper *s)
{
    if (main_input(s) >= 0 && axis_of(tw_layer_real(tw_shaper_layer(s), 0, 0)) != 0)
        return barrier(s, TW_BARRIER_OTHER, false, joined_channels(s), "a softmax over rows or columns of the whole picture");
    return shape_pointwise(s);
}

/* Normalize over channels at each sample is pointwise; over the picture it is not. */
static tw_status shape_normalize(tw_shaper *s)
{
    const tw_layer *l = tw_shaper_layer(s);
    if (main_input(s) >= 0 && (tw_layer_int(l, 0, 0) || !tw_layer_int(l, 4, 1)))
        return barrier(s, TW_BARRIER_OTHER, false, joined_channels(s), "normalises over the whole picture");
    return shape_pointwise(s);
}

static tw_status shape_lrn(tw_shaper *s)
{
    if (main_input(s) >= 0 && tw_layer_int(tw_shaper_layer(s), 0, 0) != 0)
        tw_shaper_inexact(s, "local normalisation inside a channel is not supported in tiles");
    return shape_pointwise(s);
}

static tw_status shape_norm(tw_shaper *s)
{
    if (main_input(s) < 0)
        return shape_pointwise(s);
    return barrier(s, TW_BARRIER_OTHER, false, joined_channels(s), "its statistics need the whole picture");
}

/* Layers that mix positions freely; a vector passes. */
static tw_status shape_mixing(tw_shaper *s)
{
    if (main_input(s) < 0)
        return set_same(s, joined_channels(s));
    return barrier(s, TW_BARRIER_OTHER, false, 0, "depends on the size of the whole picture");
}

static tw_status shape_dense(tw_shaper *s)
{
    int64_t channels;
    TW_TRY(tw_shaper_int(s, 0, 0, 1, TW_MAX_CHANNELS, &channels));
    if (main_input(s) < 0)
        return set_same(s, (int)channels);
    return barrier(s, TW_BARRIER_OTHER, true, (int)channels, "is fully connected to the whole picture");
}

int tw_reduced_axes(const tw_layer *l)
{
    const tw_param *axes = tw_layer_param(l, 3);
    if (tw_layer_int(l, 1, 1) || !axes || !axes->values || axes->n == 0)
        return 7;
    int bits = 0;
    for (int i = 0; i < axes->n; i++) {
        bits |= 1 << axis_of(axes->values[i]);
    }
    return bits;
}

static tw_status shape_reduction(tw_shaper *s)
{
    const tw_layer *l = tw_shaper_layer(s);
    int axes = tw_reduced_axes(l), channels = tw_shaper_in(s, 0)->channels;
    if (axes & 1)
        channels = 1;
    if (main_input(s) < 0 || axes == 1)
        return set_same(s, channels);
    static const tw_barrier_kind kinds[] = {[0] = TW_BARRIER_SUM,  [1] = TW_BARRIER_OTHER, [2] = TW_BARRIER_OTHER,
                                            [3] = TW_BARRIER_MEAN, [4] = TW_BARRIER_MAX,   [5] = TW_BARRIER_MIN};
    int operation = tw_layer_int(l, 0, 0);
    bool known = operation >= 0 && operation < (int)G_N_ELEMENTS(kinds) && axes == 6 && tw_layer_real(l, 2, 1) == 1;
    if (known && kinds[operation] != TW_BARRIER_OTHER)
        return statistic(s, kinds[operation], 1, !tw_layer_int(l, 4, 0));
    return barrier(s, TW_BARRIER_OTHER, true, channels, "reduces the whole picture");
}

static tw_status shape_moment(tw_shaper *s)
{
    const tw_layer *l = tw_shaper_layer(s);
    int channels = tw_shaper_in(s, 0)->channels;
    int64_t group = tw_moment_channels(l->name, channels);
    if (main_input(s) < 0)
        return set_same(s, channels);
    if (group < 1)
        return barrier(s, TW_BARRIER_OTHER, true, channels, "nobody knows how many channels are one group");
    return statistic(s, !strcmp(l->type, "TwMean") ? TW_BARRIER_MEAN : TW_BARRIER_VARIANCE, (int)group, true);
}

static tw_status shape_pooling(tw_shaper *s)
{
    const tw_layer *l = tw_shaper_layer(s);
    int channels = tw_shaper_in(s, 0)->channels;
    if (main_input(s) < 0)
        return set_same(s, channels);
    tw_barrier_kind kind = tw_layer_int(l, 0, 0) == 1 ? TW_BARRIER_MEAN : TW_BARRIER_MAX;
    if (tw_layer_int(l, 4, 0))
        return statistic(s, kind, 1, true);
    if (tw_layer_int(l, 7, 0))
        return tw_layer_int(l, 8, 0) == 1 && tw_layer_int(l, 18, 1) == 1
                   ? statistic(s, kind, 1, false)
                   : barrier(s, TW_BARRIER_OTHER, true, channels, "its bins depend on the size of the whole picture");
    tw_map x, y;
    TW_TRY(tw_pooling_maps(s, &x, &y));
    return set_maps(s, &x, &y, channels);
}

static tw_status shape_warp(tw_shaper *s)
{
    const tw_layer *l = tw_shaper_layer(s);
    if (!strcmp(l->type, "TwWarp")) /* what it samples is no blob of the run */
        return set_same(s, tw_layer_int(l, 0, 0));
    if (l->n_inputs != 2)
        return tw_shaper_fail(s, "needs a picture and a flow");
    const tw_blob_geometry *in = tw_shaper_in(s, 0);
    int64_t m = in->spatial ? tw_ceil_div(s->motion * in->rate.num, in->rate.den) : 0;
    tw_map warp = {.kind = TW_MAP_WINDOW, .extent = 2 * m + 2, .stride = 1, .pad = m, .pad_end = m + 1, .edge = TW_EDGE_REPEAT};
    check_join(s);
    s->geometry->warps = true;
    s->geometry->reach[s->layer].reads = TW_READS_WARP;
    return set_maps(s, &warp, &warp, in->channels);
}

static tw_status shape_gridsample(tw_shaper *s)
{
    tw_shaper_inexact(s, "its grid is relative to the size of the whole picture");
    return set_same(s, tw_shaper_in(s, 0)->channels);
}

static tw_status shape_convolution(tw_shaper *s)
{
    const tw_layer *l = tw_shaper_layer(s);
    bool transposed = g_str_has_prefix(l->type, "Deconvolution");
    int64_t channels;
    TW_TRY(tw_shaper_int(s, 0, 0, 1, TW_MAX_CHANNELS, &channels));
    if (l->n_inputs != 1 || (!transposed && tw_layer_int(l, 19, 0)) || tw_layer_int(l, 28, 0))
        return tw_shaper_fail(s, "weights that come from another blob are not supported");
    if (main_input(s) < 0)
        return set_same(s, (int)channels);
    tw_map x, y;
    TW_TRY(tw_convolution_maps(s, transposed, &x, &y));
    TW_TRY(set_maps(s, &x, &y, (int)channels));
    const tw_blob_geometry *b = transposed ? tw_shaper_in(s, 0) : &s->geometry->blobs[l->outputs[0]];
    double area = (double)b->rate.num / (double)b->rate.den * (double)b->rate_y.num / (double)b->rate_y.den;
    s->geometry->macs_per_pixel += area * MAX(tw_layer_real(l, 6, 0), 0);
    return TW_OK;
}

static tw_status shape_interp(tw_shaper *s)
{
    tw_map x, y;
    if (main_input(s) != 0) {
        tw_shaper_inexact(s, "resizes a vector to the size of the whole picture");
        return set_same(s, tw_shaper_in(s, 0)->channels);
    }
    TW_TRY(tw_interp_maps(s, &x, &y));
    return set_maps(s, &x, &y, tw_shaper_in(s, 0)->channels);
}

static tw_status shape_crop(tw_shaper *s)
{
    tw_map x, y;
    int channels = tw_shaper_in(s, 0)->channels;
    TW_TRY(tw_crop_maps(s, &x, &y, &channels));
    return set_maps(s, &x, &y, channels);
}

static tw_status shape_padding(tw_shaper *s)
{
    tw_map x, y;
    if (main_input(s) < 0)
        return set_same(s, 0);
    TW_TRY(tw_padding_maps(s, &x, &y));
    if (tw_layer_int(tw_shaper_layer(s), 7, 0) || tw_layer_int(tw_shaper_layer(s), 8, 0))
        return set_maps(s, &x, &y, 0);
    return set_maps(s, &x, &y, tw_shaper_in(s, 0)->channels);
}

/* ---- the table ---- */

static const struct {
    tw_status (*shape)(tw_shaper *s);
    int min_inputs;
    const char *types; /* names between blanks */
} families[] = {
    {shape_convolution, 1, "Convolution ConvolutionDepthWise Deconvolution DeconvolutionDepthWise"},
    {shape_pointwise, 1,
     "Split BinaryOp Eltwise PReLU ReLU Swish Sigmoid AbsVal BatchNorm Bias BNLL CELU Cast Clip DeepCopy "
     "Dropout ELU Erf Exp GELU HardSigmoid HardSwish Log Mish Noop Power SELU Scale Shrink ShuffleChannel "
     "Softplus TanH Threshold UnaryOp"},
    {shape_concat, 1, "Concat"},
    {shape_crop, 1, "Crop"},
    {shape_slice, 1, "Slice"},
    {shape_interp, 1, "Interp"},
    {shape_shuffle, 1, "PixelShuffle"},
    {shape_reorg, 1, "Reorg"},
    {shape_padding, 1, "Padding"},
    {shape_pooling, 1, "Pooling"},
    {shape_input, 0, "Input"},
    {shape_constant, 0, "MemoryData"},
    {shape_dense, 1, "InnerProduct"},
    {shape_warp, 1, "rife.Warp Warp TwWarp"},
    {shape_gridsample, 1, "GridSample"},
    {shape_reduction, 1, "Reduction"},
    {shape_moment, 1, "TwMean TwVariance"},
    {shape_softmax, 1, "Softmax"},
    {shape_normalize, 1, "Normalize"},
    {shape_lrn, 1, "LRN"},
    {shape_norm, 1, "InstanceNorm GroupNorm LayerNorm RMSNorm MVN"},
    {shape_mixing, 1,
     "Reshape Flatten Permute Squeeze ExpandDims MatMul Gemm Tile MultiHeadAttention SDPA Fold Unfold Flip "
     "ArgMax GLU DeformableConv2D CopyTo CumulativeSum"},
};

tw_status tw_layer_shape(tw_shaper *s)
{
    const tw_layer *l = tw_shaper_layer(s);
    for (int i = 0; i < l->n_outputs; i++)
        for (int k = 0; k < l->n_inputs; k++)
            s->level[l->outputs[i]] = MAX(s->level[l->outputs[i]], s->level[l->inputs[k]]);
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
        if (!tw_type_listed(l->type, families[i].types))
            continue;
        if (l->n_inputs < families[i].min_inputs || l->n_outputs < 1)
            return tw_shaper_fail(s, "too few inputs or outputs");
        s->geometry->weights += tw_layer_weights(l);
        return families[i].shape(s);
    }
    return tw_shaper_fail(s, "unknown layer type");
}
