/* SPDX-License-Identifier: MIT */
#include "model/weights.h"

#include <inttypes.h>
#include <string.h>

/* What the first word of a weight block says about it (ncnn, modelbin). */
#define TAG_FLOAT16 0x01306B47u
#define TAG_INT8    0x000D4B38u
#define TAG_FLOAT32 0x0002C056u
#define COUNT_MAX   ((int64_t)1 << 32)

typedef struct walk {
    const char *label;
    int64_t length, at;
    tw_weights_peek peek;
    void *user;
} walk;

typedef enum step { STEP_OK, STEP_SHORT, STEP_UNKNOWN, STEP_BAD } step;

static int64_t align4(int64_t n)
{
    return (n + 3) / 4 * 4;
}

/* A block of `n` plain floats. */
static step raw(walk *w, int64_t n)
{
    if (n < 0 || n > COUNT_MAX)
        return STEP_BAD;
    w->at += n * 4;
    return w->at <= w->length ? STEP_OK : STEP_SHORT;
}

/* A block whose first word tells its type: float32, float16, int8, or a table of 256 floats and one byte each. */
static step tagged(walk *w, int64_t n)
{
    uint32_t tag = 0;
    if (n < 0 || n > COUNT_MAX)
        return STEP_BAD;
    if (n == 0)
        return STEP_OK;
    if (!w->peek(w->user, w->at, &tag))
        return STEP_SHORT;
    w->at += 4;
    if (tag == TAG_FLOAT16)
        w->at += align4(n * 2);
    else if (tag == TAG_INT8)
        w->at += align4(n);
    else if (tag == 0 || tag == TAG_FLOAT32)
        w->at += n * 4;
    else
        w->at += 256 * 4 + align4(n);
    return w->at <= w->length ? STEP_OK : STEP_SHORT;
}

static step weights_and_bias(walk *w, int64_t weights, int64_t bias)
{
    step s = tagged(w, weights);
    return s == STEP_OK ? raw(w, bias) : s;
}

static bool one_of(const char *type, const char *const *list)
{
    while (*list && strcmp(*list, type) != 0)
        list++;
    return *list != NULL;
}

static step memory_data(walk *w, const tw_layer *l)
{
    double n = 1;
    const int keys[] = {0, 1, 11, 2};
    for (int k = 0; k < 4; k++) {
        int side = tw_layer_int(l, keys[k], 0);
        n *= side ? side : 1;
    }
    if (!(n >= 0 && n <= (double)COUNT_MAX))
        return STEP_BAD;
    return tw_layer_int(l, 21, 1) == 1 ? raw(w, (int64_t)n) : tagged(w, (int64_t)n);
}

static step layer(walk *w, const tw_layer *l)
{
    static const char *const convolutions[] = {"Convolution", "ConvolutionDepthWise", "Deconvolution", "DeconvolutionDepthWise",
                                               NULL};
    static const char *const unknown[] = {"Convolution1D",
                                          "ConvolutionDepthWise1D",
                                          "Convolution3D",
                                          "ConvolutionDepthWise3D",
                                          "Deconvolution1D",
                                          "DeconvolutionDepthWise1D",
                                          "Deconvolution3D",
                                          "DeconvolutionDepthWise3D",
                                          "DeformableConv2D",
                                          "Embed",
                                          "GRU",
                                          "Gemm",
                                          "LSTM",
                                          "MultiHeadAttention",
                                          "Normalize",
                                          "Quantize",
                                          "RMSNorm",
                                          "RNN",
                                          "Requantize",
                                          "Dequantize",
                                          NULL};
    const char *type = l->type;
    int64_t first = tw_layer_int(l, 0, 0);
    if (one_of(type, convolutions)) {
        if (tw_layer_int(l, type[0] == 'C' ? 19 : 28, 0)) /* the weights are an input */
            return STEP_OK;
        if (tw_layer_int(l, 8, 0)) /* int8 scales follow */
            return STEP_UNKNOWN;
        return weights_and_bias(w, tw_layer_int(l, 6, 0), tw_layer_int(l, 5, 0) ? first : 0);
    }
    if (strcmp(type, "InnerProduct") == 0)
        return tw_layer_int(l, 8, 0) ? STEP_UNKNOWN
                                     : weights_and_bias(w, tw_layer_int(l, 2, 0), tw_layer_int(l, 1, 0) ? first : 0);
    if (strcmp(type, "MemoryData") == 0)
        return memory_data(w, l);
    if (strcmp(type, "PReLU") == 0 || strcmp(type, "Bias") == 0)
        return raw(w, first);
    if (strcmp(type, "Scale") == 0)
        return first == -233 ? STEP_OK : raw(w, first * (tw_layer_int(l, 1, 0) ? 2 : 1));
    if (strcmp(type, "BatchNorm") == 0)
        return raw(w, first * 4);
    if (strcmp(type, "InstanceNorm") == 0 || strcmp(type, "LayerNorm") == 0)
        return raw(w, tw_layer_int(l, 2, 1) ? first * 2 : 0);
    if (strcmp(type, "GroupNorm") == 0)
        return raw(w, tw_layer_int(l, 3, 1) ? (int64_t)tw_layer_int(l, 1, 0) * 2 : 0);
    return one_of(type, unknown) ? STEP_UNKNOWN : STEP_OK;
}

tw_status tw_weights_check(const tw_graph *graph, const char *label, int64_t length, tw_weights_peek peek, void *user,
                           tw_error *err)
{
    walk w = {label, length, 0, peek, user};
    for (int i = 0; i < graph->n_layers; i++) {
        const tw_layer *l = &graph->layers[i];
        switch (layer(&w, l)) {
        case STEP_OK:
            break;
        case STEP_UNKNOWN:
            return TW_OK;
        case STEP_BAD:
            return tw_fail(err, TW_ERROR_INPUT, "%s: layer '%.60s' of the graph has an impossible weight count", label,
                           l->name);
        case STEP_SHORT:
            return tw_fail(err, TW_ERROR_INPUT,
                           "%s: %" PRId64 " bytes end inside layer '%.60s', which needs them up to %" PRId64
                           "; truncated, or of another .param",
                           label, length, l->name, w.at);
        }
    }
    if (w.at != length)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %" PRId64 " bytes, the graph needs %" PRId64 "; of another .param?", label,
                       length, w.at);
    return TW_OK;
}
