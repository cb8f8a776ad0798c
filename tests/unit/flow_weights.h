/* SPDX-License-Identifier: MIT */
/** Weights for the graphs of flow nets, which no package carries: the same bytes on every machine, from a linear congruential
 *  generator. Convolutions keep the size of their signal (uniform, variance 2 / inputs), those inside residual blocks add a third of it,
 *  constants that scale a branch are 0.3. What makes the motion of a stage (the last layer in front of its PixelShuffle) is scaled by
 *  `gain`, half of it in each further stage, so that the motion of all stages together is tens of pixels and changes from one sample of
 *  the coarsest stage to the next, and finer ones correct it ever less, as in a real net. The masks stay small, so that both pictures
 *  show. */
#ifndef TW_TEST_FLOW_WEIGHTS_H
#define TW_TEST_FLOW_WEIGHTS_H

#include <glib.h>
#include <math.h>
#include <string.h>

#include "flow_graph.h"
#include "model/graph.h"

static inline float flow_random(guint64 *state, double half_range)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(((double)(*state >> 40) / (double)(1 << 23) - 1) * half_range);
}

static inline const tw_layer *flow_reader(const tw_graph *graph, const tw_layer *layer)
{
    for (int i = 0; i < graph->n_layers; i++)
        for (int k = 0; k < graph->layers[i].n_inputs; k++)
            if (graph->layers[i].inputs[k] == layer->outputs[0])
                return &graph->layers[i];
    return layer;
}

static inline GByteArray *flow_weights(const tw_graph *graph, double gain)
{
    GByteArray *bytes = g_byte_array_new();
    guint64 state = 7;
    int stage = 0;
    for (int i = 0; i < graph->n_layers; i++) {
        const tw_layer *l = &graph->layers[i];
        bool transposed = !strcmp(l->type, "Deconvolution");
        if (!strcmp(l->type, "MemoryData"))
            for (int k = 0; k < MAX(tw_layer_int(l, 0, 1), 1) * MAX(tw_layer_int(l, 1, 1), 1) * MAX(tw_layer_int(l, 2, 1), 1);
                 k++)
                g_byte_array_append(bytes, (const guint8 *)&(float){0.3f}, 4);
        if (strcmp(l->type, "Convolution") != 0 && !transposed)
            continue;
        int count = tw_layer_int(l, 6, 0), out = tw_layer_int(l, 0, 1);
        int stride = tw_layer_int(l, 3, 1), inputs = count / out / (transposed ? stride * stride : 1);
        bool makes_flow = !strcmp(flow_reader(graph, l)->type, "PixelShuffle");
        bool residual = !transposed && stride == 1 && tw_layer_int(l, 9, 0) == 0;
        double half_range = sqrt(3.0 * 2.0 / inputs) * (residual ? 0.3 : 1);
        g_byte_array_append(bytes, (const guint8 *)&(guint32){0}, 4);
        for (int k = 0; k < count; k++) {
            /* Of a deconvolution: outputs first, then inputs; every four outputs are one channel of the shuffled blob. */
            int channel = k / (count / out) / 4;
            double scale = !makes_flow ? 1 : channel < 4 ? gain / (1 << stage) : 0.02;
            float w = flow_random(&state, half_range * scale);
            g_byte_array_append(bytes, (const guint8 *)&w, 4);
        }
        stage += makes_flow;
        for (int k = 0; tw_layer_int(l, 5, 0) && k < out; k++) {
            float b = flow_random(&state, makes_flow ? 0 : 0.1);
            g_byte_array_append(bytes, (const guint8 *)&b, 4);
        }
    }
    return bytes;
}

/** Gains with which the nets move by 8 pixels rms and more, and by 100 and more somewhere; test_flow asserts it. */
static inline double flow_gain(const tw_graph *graph)
{
    for (int i = 0; i < graph->n_layers; i++)
        if (!strcmp(graph->layers[i].type, "MemoryData")) /* v4.25: its branches are scaled by constants */
            return 4;
    return tw_graph_blob(graph, "flow") >= 0 ? 4 : 2.5; /* the small nets; v4.6 */
}

/** Writes <folder>/<name>.param and weights beside it; the path, freed by the caller. */
static inline char *flow_model_write(const tw_graph *graph, const char *text, gsize length, const char *folder,
                                     const char *name)
{
    g_autofree char *bin = g_strdup_printf("%s/%s.bin", folder, name);
    char *param = g_strdup_printf("%s/%s.param", folder, name);
    GByteArray *bytes = flow_weights(graph, flow_gain(graph));
    if (!g_file_set_contents(param, text, (gssize)length, NULL) ||
        !g_file_set_contents(bin, (const char *)bytes->data, bytes->len, NULL))
        g_error("%s cannot be written", param);
    g_byte_array_free(bytes, TRUE);
    return param;
}

/** The small nets: "small", "small-features", "small-level". */
static inline char *flow_small_model(flow_kind kind, const char *folder)
{
    static const char *const names[] = {"small", "small-features", "small-level"};
    g_autofree char *text = flow_graph_text(kind);
    tw_graph *graph;
    tw_error err = TW_ERROR_NONE;
    if (tw_graph_parse(text, strlen(text), "small flow net", &graph, &err) != TW_OK)
        g_error("%s", err.message);
    char *param = flow_model_write(graph, text, strlen(text), folder, names[kind]);
    tw_graph_free(graph);
    return param;
}

/** <TILEWRIGHT_TEST_GRAPHS>/<name>.param; NULL where that names no folder: no package carries the graphs. */
static inline char *flow_model(const char *name, const char *folder)
{
    const char *graphs = g_getenv("TILEWRIGHT_TEST_GRAPHS");
    if (!graphs)
        return NULL;
    g_autofree char *from = g_strdup_printf("%s/%s.param", graphs, name), *text = NULL;
    gsize length;
    tw_graph *graph;
    tw_error err = TW_ERROR_NONE;
    if (!g_file_get_contents(from, &text, &length, NULL))
        g_error("%s is missing: TILEWRIGHT_TEST_GRAPHS must name the folder with the RIFE graphs", from);
    if (tw_graph_parse(text, length, from, &graph, &err) != TW_OK)
        g_error("%s", err.message);
    char *param = flow_model_write(graph, text, length, folder, name);
    tw_graph_free(graph);
    return param;
}

/** All of them: the small ones, then those of RIFE that are at hand; NULL after the last. */
static inline void flow_models(const char *folder, char *models[6])
{
    int n = 0;
    for (int kind = FLOW_SMALL; kind <= FLOW_LEVEL; kind++)
        models[n++] = flow_small_model((flow_kind)kind, folder);
    for (int i = 0; i < 2; i++)
        if ((models[n] = flow_model(i ? "rife-v4.25" : "rife-v4.6", folder)))
            n++;
    models[n] = NULL;
}

#endif
