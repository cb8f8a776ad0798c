/* SPDX-License-Identifier: MIT */
/** Random .param texts with every layer that the carry schedule has a rule for, and the joins that make it hard: arms that lag
 *  behind each other, several readers of one blob, Concats in a row. */
#ifndef TW_TEST_CARRY_GRAPH_H
#define TW_TEST_CARRY_GRAPH_H

#include <stdbool.h>

#include "random_graph.h"

typedef struct carry_graph {
    random_graph g;
    int up, down; /* samples of the growing blob per input sample */
} carry_graph;

static inline int some_channels(random_graph *g)
{
    return (const int[]){3, 8, 16, 20}[pick(g, 4)];
}

/* ---- layers ---- */

static inline void carry_convolution(random_graph *g, int k, int s, int d, const char *pads, int out)
{
    static const char *const activations[] = {"9=0", "9=1", "9=2 -23310=1,0.2", "9=4", "9=5"};
    add_layer(g, "Convolution", "0=%d 1=%d 2=%d 3=%d %s 5=%d 6=%d %s", out, k, d, s, pads, pick(g, 2),
              k * k * g->channels * out, activations[pick(g, 5)]);
    g->channels = out;
}

/* Any kernel with one of the paddings there are; `keeps`: only those after which the size is the same (or half). */
static inline void any_convolution(carry_graph *c, bool keeps)
{
    random_graph *g = &c->g;
    static const int kernels[] = {1, 2, 3, 3, 5};
    int k = kernels[pick(g, 5)], d = pick(g, 4) ? 1 : 2, s = !keeps && c->down < 4 && pick(g, 4) == 0 ? 2 : 1;
    int p = d * (k - 1) / 2, kind = pick(g, 4);
    char pads[64] = "";
    if (keeps && k == 2)
        kind = 1;
    if (kind == 1)
        g_snprintf(pads, sizeof pads, "4=-233");
    else if (kind == 2)
        g_snprintf(pads, sizeof pads, "4=%d 18=%.1f", p, 0.1 + 0.3 * pick(g, 3));
    else if (kind == 3 || keeps)
        g_snprintf(pads, sizeof pads, "4=%d", p);
    carry_convolution(g, k, s, d, pads, some_channels(g));
    c->down *= s;
}

/* As many groups as channels, or fewer. */
static inline void grouped_convolution(carry_graph *c, bool plain)
{
    random_graph *g = &c->g;
    if (g->channels % 4)
        carry_convolution(g, 1, 1, 1, "4=0", (const int[]){8, 16, 20}[pick(g, 3)]);
    int ch = g->channels, groups = plain ? ch : pick(g, 2) ? 2 : 4, k = 3 + 2 * (pick(g, 4) == 0);
    add_layer(g, "ConvolutionDepthWise", "0=%d 1=%d 4=%d 5=1 6=%d 7=%d", ch, k, pick(g, 3) ? k / 2 : 0,
              k * k * ch * (ch / groups), groups);
}

static inline void carry_up(carry_graph *c, int kind)
{
    random_graph *g = &c->g;
    int ch = some_channels(g);
    switch (kind) {
    case 0:
        add_deconvolution(g, 2, 2, 0, ch);
        break;
    case 1:
        add_deconvolution(g, 4, 2, 1, ch);
        break;
    case 2:
        add_layer(g, "DeconvolutionDepthWise", "0=%d 1=4 3=2 4=1 5=1 6=%d 7=%d", g->channels, 16 * g->channels, g->channels);
        break;
    case 3:
        carry_convolution(g, 1, 1, 1, "4=0", 12);
        add_layer(g, "PixelShuffle", "0=2 1=%d", pick(g, 2));
        g->channels = 3;
        break;
    default:
        add_layer(g, "Interp", "0=%d 1=2.0 2=2.0", kind - 3); /* nearest, linear, cubic */
        break;
    }
    c->up *= 2;
}

static inline void carry_down(carry_graph *c, int kind)
{
    random_graph *g = &c->g;
    int ch = some_channels(g);
    switch (kind) {
    case 0:
        carry_convolution(g, 2, 2, 1, "4=0", ch);
        break;
    case 1:
        carry_convolution(g, 3, 2, 1, "4=1", ch);
        break;
    case 2:
        carry_convolution(g, 3, 2, 1, "4=-233", ch);
        break;
    case 3:
        add_layer(g, "Pooling", "0=%d 1=2 2=2 5=%d", pick(g, 2), pick(g, 2));
        break;
    case 4:
        add_layer(g, "Pooling", "0=0 1=3 2=2 3=1 5=1");
        break;
    case 5:
        add_layer(g, "Reorg", "0=2");
        g->channels *= 4;
        carry_convolution(g, 1, 1, 1, "4=0", 8);
        break;
    default:
        add_layer(g, "Interp", "0=%d 1=5.000000e-01 2=5.000000e-01", kind - 5);
        break;
    }
    c->down *= 2;
}

static inline void carry_pointwise(random_graph *g)
{
    switch (pick(g, 10)) {
    case 0:
        add_layer(g, "BatchNorm", "0=%d", g->channels);
        break;
    case 1:
    case 2:
        if (g->channels % 2)
            carry_convolution(g, 1, 1, 1, "4=0", 16);
        add_layer(g, "ShuffleChannel", "0=2");
        break;
    case 3:
        add_layer(g, "Swish", "%s", "");
        break;
    case 4:
        add_layer(g, "ReLU", "0=0.2");
        break;
    case 5:
        add_layer(g, "PReLU", "0=%d", g->channels);
        break;
    case 6:
        add_layer(g, "Scale", "0=%d 1=1", g->channels);
        break;
    default:
        add_pointwise(g);
        break;
    }
}

/* ---- blocks ---- */

/* A U-net: on the way down padded, or every convolution valid and the skip cropped. */
static inline void carry_unet(carry_graph *c)
{
    random_graph *g = &c->g;
    int ch = g->channels, other = add_split(g), up = c->up, down = c->down;
    if (pick(g, 2)) {
        carry_down(c, pick(g, 9));
        any_convolution(c, true);
        carry_up(c, pick(g, 7));
    } else {
        carry_convolution(g, 2, 2, 1, "4=0", 8);
        carry_convolution(g, 3, 1, 1, "4=0", some_channels(g));
        bool twice = pick(g, 2);
        if (twice)
            carry_convolution(g, 3, 1, 1, "4=0", 16);
        int cut = twice ? 4 : 2, trim = pick(g, 2), at;
        add_deconvolution(g, trim ? 4 : 2, 2, trim ? 3 : 0, ch);
        cut += trim * 2;
        at = g->at;
        g->at = other;
        add_layer(g, "Crop", "-23309=2,%d,%d -23310=2,-%d,-%d -23311=2,-2,-1", cut, cut, cut, cut);
        other = g->at;
        g->at = at;
    }
    c->up = up;
    c->down = down;
    add_join(g, other, ch);
}

static inline void add_pair(random_graph *g, const char *type, int other, const char *parameters)
{
    g_string_append_printf(g->lines, "%s l%d 2 1 b%d b%d b%d %s\n", type, g->layers++, other, g->at, g->blobs, parameters);
    g->at = g->blobs++;
}

/* Three arms of one blob, each with another lag. */
static inline void carry_arms(carry_graph *c)
{
    random_graph *g = &c->g;
    int ch = g->channels, from = g->at, arms[3];
    g_string_append_printf(g->lines, "Split l%d 1 3 b%d b%d b%d b%d\n", g->layers++, from, g->blobs, g->blobs + 1,
                           g->blobs + 2);
    for (int i = 0; i < 3; i++)
        arms[i] = g->blobs++;
    for (int i = 0; i < 3; i++) {
        g->at = arms[i];
        g->channels = ch;
        if (i == 1)
            carry_convolution(g, 3, 1, 1, "4=1", ch);
        else if (i == 2 && pick(g, 2))
            carry_convolution(g, 5, 1, 1, "4=2", ch);
        else if (i == 2)
            add_layer(g, "Pooling", "0=1 1=3 2=1 3=1 5=1 6=1");
        arms[i] = g->at;
    }
    add_pair(g, "BinaryOp", arms[1], "0=0");
    add_join(g, arms[0], ch);
}

/* Concats of all that came before, each read by one convolution; or by two. */
static inline void carry_dense(carry_graph *c)
{
    random_graph *g = &c->g;
    int shared = pick(g, 3) == 0;
    for (int n = 2 + pick(g, 2); n > 0; n--) {
        int ch = g->channels, other = add_split(g), more = pick(g, 2) ? 8 : 4;
        carry_convolution(g, 3, 1, 1, n % 2 ? "4=1" : "4=1 18=0.3", more);
        add_pair(g, "Concat", other, "0=0");
        g->channels = ch + more;
        if (shared && n == 1) {
            other = add_split(g);
            add_pair(g, "Eltwise", other, "0=1");
        }
    }
    carry_convolution(g, 3, 1, 1, "4=1", some_channels(g));
}

/* A gate by the mean of the whole picture. */
static inline void carry_gate(carry_graph *c)
{
    random_graph *g = &c->g;
    if (pick(g, 2))
        any_convolution(c, true);
    int ch = g->channels, other = add_split(g);
    add_layer(g, "Pooling", "0=1 4=1");
    add_layer(g, "InnerProduct", "0=%d 1=1 2=%d 9=4", ch, ch * ch);
    add_pair(g, "BinaryOp", other, "0=2");
}

static inline void carry_border(carry_graph *c)
{
    random_graph *g = &c->g;
    switch (pick(g, 5)) {
    case 0:
        add_layer(g, "Padding", "0=%d 1=%d 2=%d 3=%d 4=0 5=%.1f", pick(g, 3), pick(g, 3), pick(g, 3), pick(g, 3),
                  0.4 * pick(g, 2));
        break;
    case 1:
        add_layer(g, "Padding", "0=%d 1=%d 2=%d 3=%d 4=1", pick(g, 4), pick(g, 4), pick(g, 4), pick(g, 4));
        break;
    case 2:
        add_layer(g, "Padding", "0=%d 1=%d 2=%d 3=%d 4=2", pick(g, 4), pick(g, 4), pick(g, 4), pick(g, 4));
        break;
    case 3:
        add_layer(g, "Crop", "-23309=2,%d,%d -23310=2,-%d,-%d -23311=2,-2,-1", pick(g, 4), 1 + pick(g, 3), 1 + pick(g, 3),
                  1 + pick(g, 3));
        break;
    default: /* what nothing can carry: refused */
        if (pick(g, 6) == 0)
            add_layer(g, "Pooling", "0=1 1=3 2=1 3=1 5=1");
        else
            add_layer(g, "Pooling", "0=%d 1=3 2=1 3=1 5=1 6=1", pick(g, 2));
        break;
    }
}

/* Another blob tells the size: of a crop, or of a resize. */
static inline void carry_reference(carry_graph *c)
{
    random_graph *g = &c->g;
    int ch = g->channels, other = add_split(g), size;
    if (pick(g, 2)) {
        carry_convolution(g, 5, 1, 1, "4=0", ch);
        size = add_split(g);
        g_string_append_printf(g->lines, "Crop l%d 2 1 b%d b%d b%d 0=2 1=2\n", g->layers++, other, size, g->blobs);
        other = g->blobs++;
        add_join(g, other, ch);
    } else {
        carry_convolution(g, 2, 2, 1, "4=0", some_channels(g));
        g_string_append_printf(g->lines, "Interp l%d 2 1 b%d b%d b%d 0=%d 5=1\n", g->layers++, g->at, other, g->blobs,
                               1 + pick(g, 3));
        g->at = g->blobs++;
    }
}

static inline void carry_wide(carry_graph *c)
{
    random_graph *g = &c->g;
    int ch = some_channels(g), tall = pick(g, 2);
    switch (pick(g, 3)) {
    case 0:
        add_layer(g, "Convolution", "0=%d 1=%d 11=%d 4=%d 14=%d 5=1 6=%d", ch, tall ? 1 : 5, tall ? 3 : 2, pick(g, 3),
                  pick(g, 2), (tall ? 3 : 10) * g->channels * ch);
        g->channels = ch;
        break;
    case 1:
        add_layer(g, "Convolution", "0=%d 1=3 4=%d 15=%d 14=%d 16=%d 5=1 6=%d", ch, pick(g, 3), pick(g, 3), pick(g, 3),
                  pick(g, 3), 9 * g->channels * ch);
        g->channels = ch;
        break;
    default:
        add_layer(g, "Interp", "0=%d 1=7.500000e-01 2=7.500000e-01", 1 + pick(g, 3));
        break;
    }
}

static inline void carry_more(carry_graph *c)
{
    random_graph *g = &c->g;
    if (pick(g, 3)) {
        carry_up(c, pick(g, 7));
    } else if (pick(g, 3)) {
        add_layer(g, "Interp", "0=%d 1=3.0 2=3.0", 1 + pick(g, 3));
        c->up *= 3;
    } else {
        add_deconvolution(g, 4, 2, 3, some_channels(g));
        c->up *= 2;
    }
}

static inline void carry_block(carry_graph *c)
{
    random_graph *g = &c->g;
    int kind = pick(g, 24), ch = g->channels, other;
    if (kind >= 8 && kind <= 10 && c->up / c->down >= 4)
        kind = 11;
    else if (kind >= 11 && kind <= 14 && c->down / c->up >= 4)
        kind = 8;
    switch (kind) {
    case 0:
        any_convolution(c, false);
        break;
    case 1:
        grouped_convolution(c, pick(g, 2));
        break;
    case 2: /* a residual */
        other = add_split(g);
        for (int n = 1 + pick(g, 2); n > 0; n--)
            any_convolution(c, true);
        add_join(g, other, ch);
        break;
    case 3:
        carry_unet(c);
        break;
    case 4:
        carry_arms(c);
        break;
    case 5:
        carry_dense(c);
        break;
    case 6:
    case 7:
        carry_border(c);
        break;
    case 8:
    case 9:
    case 10:
        carry_more(c);
        break;
    case 11:
    case 12:
    case 13:
    case 14:
        carry_down(c, pick(g, 9));
        break;
    case 15:
        carry_reference(c);
        break;
    case 16:
        carry_wide(c);
        break;
    case 17:
    case 18:
        carry_gate(c);
        break;
    default:
        carry_pointwise(g);
        break;
    }
}

/** The text of a random graph of three input channels; free with g_free. */
static inline char *carry_graph_text(GRand *rand)
{
    carry_graph c = {
        .g = {.rand = rand, .lines = g_string_new(NULL), .layers = 1, .blobs = 1, .channels = 3}, .up = 1, .down = 1};
    if (pick(&c.g, 2))
        any_convolution(&c, false);
    for (int n = 2 + pick(&c.g, 4); n > 0; n--)
        carry_block(&c);
    if (c.g.layers == 1)
        add_layer(&c.g, "ReLU", "0=0");
    char *text = g_strdup_printf("7767517\n%d %d\nInput in 0 1 b0 2=3\n%s", c.g.layers, c.g.blobs, c.g.lines->str);
    g_string_free(c.g.lines, TRUE);
    return text;
}

static inline void add_wide_convolution(random_graph *g)
{
    add_convolution(g, 3, 1, 1, 1, 16 * (1 + pick(g, 4)));
    if (pick(g, 3) == 0)
        add_layer(g, "PReLU", "0=%d", pick(g, 2) ? g->channels : 1);
    else if (pick(g, 3) == 0)
        add_layer(g, "ReLU", "0=%g", pick(g, 2) ? 0.2 : 0.0);
}

/** Compact and dense nets as upscalers are made of: 3 x 3 convolutions of many channels; free with g_free. */
static inline char *wide_graph_text(GRand *rand)
{
    random_graph g = {.rand = rand, .lines = g_string_new(NULL), .layers = 1, .blobs = 1, .channels = 3};
    add_wide_convolution(&g);
    for (int n = 1 + pick(&g, 3); n > 0; n--) {
        if (pick(&g, 2)) {
            add_wide_convolution(&g);
            continue;
        }
        int channels = g.channels, other = add_split(&g);
        add_wide_convolution(&g);
        add_join(&g, other, channels);
        add_wide_convolution(&g);
    }
    char *text = g_strdup_printf("7767517\n%d %d\nInput in 0 1 b0 2=3\n%s", g.layers, g.blobs, g.lines->str);
    g_string_free(g.lines, TRUE);
    return text;
}

/** A chain of layers whose numbers no net would have; free with g_free. */
static inline char *odd_chain_text(GRand *rand)
{
    GString *lines = g_string_new("");
    int n = g_rand_int_range(rand, 1, 5);
    for (int i = 0; i < n; i++) {
        int k = g_rand_int_range(rand, 1, 7), s = g_rand_int_range(rand, 1, 4), d = g_rand_int_range(rand, 1, 4), p[4];
        for (int j = 0; j < 4; j++)
            p[j] = g_rand_int_range(rand, 0, 5);
        const char *type = g_rand_boolean(rand) ? "Convolution" : "Deconvolution";
        if (g_rand_int_range(rand, 0, 4) == 0)
            g_string_append_printf(lines, "Padding l%d 1 1 b%d b%d 0=%d 1=%d 2=%d 3=%d 4=%d\n", i, i, i + 1, p[0], p[1], p[2],
                                   p[3], g_rand_int_range(rand, 0, 3));
        else
            g_string_append_printf(lines, "%s l%d 1 1 b%d b%d 0=3 1=%d 2=%d 3=%d 4=%d 15=%d 14=%d 16=%d 6=%d\n", type, i, i,
                                   i + 1, k, d, s, p[0], p[1], p[2], p[3], 9 * k * k);
    }
    char *text = g_strdup_printf("7767517\n%d %d\nInput in 0 1 b0 2=3\n%s", n + 1, n + 1, lines->str);
    g_string_free(lines, TRUE);
    return text;
}

#endif
