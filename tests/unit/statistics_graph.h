/* SPDX-License-Identifier: MIT */
/** Random .param texts with the layers that need numbers of the whole picture: normalising ones, reductions, global pooling. */
#ifndef TW_TEST_STATISTICS_GRAPH_H
#define TW_TEST_STATISTICS_GRAPH_H

#include "random_graph.h"

/** Kinds of such layers; a graph has one kind, or one after the other. */
enum {
    GRAPH_INSTANCE,
    GRAPH_INSTANCE_PLAIN,
    GRAPH_GROUP,
    GRAPH_GROUP_PLAIN,
    GRAPH_MVN,
    GRAPH_POOLING,
    GRAPH_REDUCTION, /* and the operation */
    GRAPH_KINDS = GRAPH_REDUCTION + 11,
    GRAPH_PRODUCT = GRAPH_REDUCTION + 6, /* has no rule */
};

static inline void statistics_convolution(random_graph *g, int k, int s, int out)
{
    add_layer(g, "Convolution", "0=%d 1=%d 3=%d 4=%d 5=1 6=%d", out, k, s, k / 2, k * k * g->channels * out);
    g->channels = out;
}

/* Both arms together again. */
static inline void statistics_join(random_graph *g, int other, int operation)
{
    g_string_append_printf(g->lines, "BinaryOp l%d 2 1 b%d b%d b%d 0=%d\n", g->layers++, other, g->at, g->blobs, operation);
    g->at = g->blobs++;
}

/* What a reduction of the picture gives is added to it, made small where it grows with the picture. */
static inline void statistics_reduction(random_graph *g, int operation)
{
    bool sums = operation < 3 || (operation > 6 && operation < 9);
    bool all = pick(g, 3) == 0, scaled = pick(g, 2) == 0, keep = pick(g, 2);
    add_layer(g, "Sigmoid", "%s", ""); /* logarithms want something positive */
    int other = add_split(g);
    GString *rest = g_string_new(NULL);
    g_string_append_printf(rest, "0=%d 4=%d", operation, keep);
    if (!all)
        g_string_append(rest, pick(g, 2) ? " 1=0 -23303=2,1,2 5=1" : " 1=0 -23303=2,-1,-2 5=1");
    else if (pick(g, 2))
        g_string_append(rest, " 1=0 -23303=3,0,1,2 5=1");
    if (scaled)
        g_string_append(rest, sums ? " 2=0.0001" : " 2=0.7");
    add_layer(g, "Reduction", "%s", rest->str);
    g_string_free(rest, TRUE);
    if (sums && !scaled)
        add_layer(g, "BinaryOp", "0=2 1=1 2=0.0001");
    statistics_join(g, other, 0);
}

static inline void statistics_layer(random_graph *g, int kind)
{
    static const int groups[] = {1, 2, 4, 8};
    int other;
    switch (kind) {
    case GRAPH_INSTANCE:
        add_layer(g, "InstanceNorm", "0=%d 1=%s", g->channels, pick(g, 2) ? "1e-5" : "0.001000");
        break;
    case GRAPH_INSTANCE_PLAIN:
        add_layer(g, "InstanceNorm", "0=%d 1=1.000000e-05 2=0", pick(g, 2) ? g->channels : 0);
        break;
    case GRAPH_GROUP:
        add_layer(g, "GroupNorm", "0=%d 1=%d 2=1e-5", groups[pick(g, 4)], g->channels);
        break;
    case GRAPH_GROUP_PLAIN:
        add_layer(g, "GroupNorm", "0=%d 1=%d 3=0", groups[pick(g, 4)], g->channels);
        break;
    case GRAPH_MVN:
        add_layer(g, "MVN", "0=%d 1=%d 2=%s", pick(g, 3) != 0, pick(g, 2), pick(g, 2) ? "1e-3" : "0.000100");
        break;
    case GRAPH_POOLING:
        other = add_split(g);
        add_layer(g, "Pooling", pick(g, 2) ? "0=%d 4=1" : "0=%d 7=1 8=1", pick(g, 3) == 0);
        statistics_join(g, other, pick(g, 2));
        break;
    default:
        statistics_reduction(g, kind - GRAPH_REDUCTION);
        break;
    }
}

static inline char *statistics_text(random_graph *g)
{
    char *text = g_strdup_printf("7767517\n%d %d\nInput in 0 1 b0 2=3\n%s", g->layers, g->blobs, g->lines->str);
    g_string_free(g->lines, TRUE);
    return text;
}

/** Convolutions with one layer of `kind` between them, and `more` of any kind behind it; free with g_free. */
static inline char *statistics_graph_text(GRand *rand, int kind, int more)
{
    random_graph g = {.rand = rand, .lines = g_string_new(NULL), .layers = 1, .blobs = 1, .channels = 3};
    bool half = pick(&g, 3) == 0;
    if (pick(&g, 4))
        statistics_convolution(&g, 3, half ? 2 : 1, 8);
    else
        half = false, statistics_convolution(&g, 1, 1, 8);
    for (; more >= 0; more--) {
        statistics_layer(&g, kind);
        if (pick(&g, 2))
            add_layer(&g, "ReLU", "0=0.1");
        if (pick(&g, 3))
            statistics_convolution(&g, 3, 1, 8);
        do
            kind = pick(&g, GRAPH_KINDS);
        while (kind == GRAPH_PRODUCT);
    }
    if (half)
        add_layer(&g, "Interp", "0=1 1=2.0 2=2.0");
    statistics_convolution(&g, 3, 1, 3);
    return statistics_text(&g);
}

static inline void style_norm(random_graph *g, bool relu)
{
    add_layer(g, "InstanceNorm", "0=%d 1=1.000000e-05 2=1", g->channels);
    if (relu)
        add_layer(g, "ReLU", "%s", "");
}

/* A mirror in front, as these nets have it, and nothing else padded. */
static inline void style_convolution(random_graph *g, int k, int s, int out)
{
    int p = k / 2;
    add_layer(g, "Padding", "0=%d 1=%d 2=%d 3=%d 4=2", p, p, p, p);
    add_layer(g, "Convolution", "0=%d 1=%d 3=%d 5=1 6=%d", out, k, s, k * k * g->channels * out);
    g->channels = out;
}

/** Fast style transfer: down to a quarter, `blocks` residual blocks, up again, an instance norm behind each convolution; free with
 *  g_free. */
static inline char *style_graph_text(GRand *rand, int width, int blocks)
{
    random_graph g = {.rand = rand, .lines = g_string_new(NULL), .layers = 1, .blobs = 1, .channels = 3};
    style_convolution(&g, 9, 1, width);
    style_norm(&g, true);
    for (int i = 0; i < 2; i++) {
        style_convolution(&g, 3, 2, g.channels * 2);
        style_norm(&g, true);
    }
    for (int i = 0; i < blocks; i++) {
        int other = add_split(&g);
        style_convolution(&g, 3, 1, g.channels);
        style_norm(&g, true);
        style_convolution(&g, 3, 1, g.channels);
        style_norm(&g, false);
        statistics_join(&g, other, 0);
    }
    for (int i = 0; i < 2; i++) {
        add_layer(&g, "Interp", "0=1 1=2.0 2=2.0");
        style_convolution(&g, 3, 1, g.channels / 2);
        style_norm(&g, true);
    }
    style_convolution(&g, 9, 1, 3);
    return statistics_text(&g);
}

#endif
