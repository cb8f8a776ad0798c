/* SPDX-License-Identifier: MIT */
/** Random .param texts: chains, skips, U-nets with and without padding, resizing, crops; for the model tests. */
#ifndef TW_TEST_RANDOM_GRAPH_H
#define TW_TEST_RANDOM_GRAPH_H

#include <glib.h>

typedef struct random_graph {
    GRand *rand;
    GString *lines;
    int layers, blobs;
    int at, channels; /* the blob that grows, named b<at> */
    bool positive;    /* only layers that pass an impulse on, never turning it to zero */
    bool loose;       /* has layers whose interval is wider than what they read: mirrors, gaps, negative taps */
} random_graph;

static inline int pick(random_graph *g, int n)
{
    return g_rand_int_range(g->rand, 0, n);
}

static inline void add_layer(random_graph *g, const char *type, const char *format, ...) G_GNUC_PRINTF(3, 4);
static inline void add_layer(random_graph *g, const char *type, const char *format, ...)
{
    va_list args;
    g_string_append_printf(g->lines, "%s l%d 1 1 b%d b%d ", type, g->layers, g->at, g->blobs);
    va_start(args, format);
    g_string_append_vprintf(g->lines, format, args);
    va_end(args);
    g_string_append_c(g->lines, '\n');
    g->layers++;
    g->at = g->blobs++;
}

static inline void add_convolution(random_graph *g, int k, int s, int p, int d, int out)
{
    static const char *const activations[] = {"9=0", "9=1", "9=2 -23310=1,0.1"};
    add_layer(g, "Convolution", "0=%d 1=%d 2=%d 3=%d 4=%d 5=%d 6=%d %s", out, k, d, s, p, g->positive ? 0 : pick(g, 2),
              k * k * g->channels * out, activations[pick(g, 3)]);
    g->channels = out;
    g->loose = g->loose || d > 1;
}

static inline void add_deconvolution(random_graph *g, int k, int s, int p, int out)
{
    add_layer(g, "Deconvolution", "0=%d 1=%d 3=%d 4=%d 5=%d 6=%d", out, k, s, p, g->positive ? 0 : pick(g, 2),
              k * k * g->channels * out);
    g->channels = out;
}

/* Splits the growing blob; the other arm is returned. */
static inline int add_split(random_graph *g)
{
    g_string_append_printf(g->lines, "Split l%d 1 2 b%d b%d b%d\n", g->layers++, g->at, g->blobs, g->blobs + 1);
    g->at = g->blobs;
    g->blobs += 2;
    return g->at + 1;
}

static inline void add_join(random_graph *g, int other, int other_channels)
{
    int kind = other_channels == g->channels ? pick(g, 3) : 2;
    static const char *const types[] = {"BinaryOp", "Eltwise", "Concat"}, *const params[] = {"0=0", "0=1", "0=0"};
    g_string_append_printf(g->lines, "%s l%d 2 1 b%d b%d b%d %s\n", types[kind], g->layers++, other, g->at, g->blobs,
                           params[kind]);
    g->at = g->blobs++;
    if (kind == 2)
        g->channels += other_channels;
}

static inline void add_up(random_graph *g)
{
    switch (pick(g, 5)) {
    case 0:
        add_convolution(g, 1, 1, 0, 1, 4 * (1 + pick(g, 4)));
        add_layer(g, "PixelShuffle", "0=2");
        g->channels /= 4;
        break;
    case 1:
        add_deconvolution(g, 2, 2, 0, 4 + 4 * pick(g, 4));
        break;
    case 2:
        add_deconvolution(g, 4, 2, 1, 3 + pick(g, 14));
        break;
    case 3:
        add_layer(g, "Interp", "0=1 1=2.0 2=2.0");
        break;
    default:
        add_layer(g, "Interp", "0=2 1=2.000000e+00 2=2.000000e+00");
        break;
    }
}

static inline void add_down(random_graph *g)
{
    switch (pick(g, 5)) {
    case 0:
        add_convolution(g, 2, 2, 0, 1, 4 + pick(g, 13));
        break;
    case 1:
        add_convolution(g, 3, 2, 1, 1, 4 + pick(g, 13));
        break;
    case 2:
        add_layer(g, "Pooling", "0=%d 1=2 2=2 5=%d", pick(g, 2), pick(g, 2));
        break;
    case 3:
        add_layer(g, "Reorg", "0=2");
        g->channels *= 4;
        add_convolution(g, 1, 1, 0, 1, 8);
        break;
    default:
        add_layer(g, "Interp", "0=2 1=5.000000e-01 2=5.000000e-01");
        break;
    }
}

static inline void add_pointwise(random_graph *g)
{
    static const char *const any[] = {"Sigmoid", "TanH", "Swish", "HardSwish", "GELU", "ELU", "Mish", "AbsVal"};
    int other, half;
    switch (pick(g, g->positive ? 5 : 7)) {
    case 0:
        add_layer(g, "ReLU", "0=0.1");
        break;
    case 1:
        add_layer(g, "PReLU", "0=%d", g->channels);
        break;
    case 2:
        add_layer(g, "BinaryOp", "0=2 1=1 2=0.5");
        break;
    case 3: /* slice and put together the other way round */
        half = g->channels / 2;
        if (half < 1)
            break;
        g_string_append_printf(g->lines, "Slice l%d 1 2 b%d b%d b%d -23300=2,%d,-233 1=0\n", g->layers++, g->at, g->blobs,
                               g->blobs + 1, half);
        g_string_append_printf(g->lines, "Concat l%d 2 1 b%d b%d b%d 0=0\n", g->layers++, g->blobs + 1, g->blobs, g->blobs + 2);
        g->at = g->blobs + 2;
        g->blobs += 3;
        break;
    case 4:
        add_layer(g, "Scale", "0=%d", g->channels);
        break;
    case 5:
        add_layer(g, any[pick(g, G_N_ELEMENTS(any))], "%s", "");
        break;
    default: /* a gate */
        other = add_split(g);
        add_layer(g, "Sigmoid", "%s", "");
        g_string_append_printf(g->lines, "BinaryOp l%d 2 1 b%d b%d b%d 0=2\n", g->layers++, other, g->at, g->blobs);
        g->at = g->blobs++;
        break;
    }
}

static inline void add_block(random_graph *g)
{
    int other, c, n;
    switch (pick(g, 11)) {
    case 0:
        for (n = 1 + pick(g, 3); n > 0; n--) {
            int k = (const int[]){1, 2, 3, 5}[pick(g, 4)], d = pick(g, 4) ? 1 : 2;
            add_convolution(g, k, 1, pick(g, 2) ? d * (k - 1) / 2 : 0, d, 3 + pick(g, 30));
        }
        break;
    case 1: /* residual */
        c = g->channels;
        other = add_split(g);
        for (n = 1 + pick(g, 3); n > 0; n--)
            add_convolution(g, 3, 1, 1, 1, n == 1 && pick(g, 2) ? c : 4 + pick(g, 13));
        add_join(g, other, c);
        break;
    case 2: /* a padded U-net */
        c = g->channels;
        other = add_split(g);
        add_down(g);
        add_convolution(g, 3, 1, 1, 1, 8 + pick(g, 9));
        add_up(g);
        add_join(g, other, c);
        break;
    case 3: /* one with valid convolutions, its skip cropped */
        c = g->channels;
        other = add_split(g);
        add_convolution(g, 2, 2, 0, 1, 8);
        add_convolution(g, 3, 1, 0, 1, 16);
        add_convolution(g, 3, 1, 0, 1, 8);
        add_deconvolution(g, 2, 2, 0, c);
        n = g->at;
        g->at = other;
        add_layer(g, "Crop", "-23309=2,4,4 -23310=2,-4,-4 -23311=2,-2,-1");
        other = g->at;
        g->at = n;
        add_join(g, other, c);
        break;
    case 4:
        add_up(g);
        break;
    case 5:
        add_layer(g, "Interp", "0=%d 1=%s 2=%s", 1 + pick(g, 2), "7.500000e-01", "7.500000e-01");
        break;
    case 6: {
        int type = pick(g, 3);
        add_layer(g, "Padding", "0=%d 1=%d 2=%d 3=%d 4=%d", pick(g, 3), pick(g, 3), pick(g, 3), pick(g, 3), type);
        g->loose = g->loose || type == 2;
        break;
    }
    case 7:
        add_layer(g, "Crop", "-23309=3,0,%d,%d -23310=3,%d,-%d,-%d -23311=3,0,1,2", 1 + pick(g, 2), pick(g, 3), g->channels,
                  1 + pick(g, 3), 1 + pick(g, 2));
        break;
    case 8:
        add_layer(g, "Pooling", "0=%d 1=3 2=%d 3=1 5=%d", pick(g, 2), 1 + pick(g, 2), pick(g, 2));
        break;
    case 9:
        if (!g->positive) {
            add_layer(g, "Interp", "0=3 1=2.0 2=2.0");
            break;
        }
        G_GNUC_FALLTHROUGH;
    default:
        add_pointwise(g);
        break;
    }
}

/** The text of a random graph; free with g_free. */
static inline char *random_graph_text(GRand *rand, bool positive, bool *loose)
{
    random_graph g = {.rand = rand, .lines = g_string_new(NULL), .layers = 1, .blobs = 1, .channels = 3, .positive = positive};
    for (int n = 1 + pick(&g, 4); n > 0; n--)
        add_block(&g);
    if (pick(&g, 2))
        add_convolution(&g, 3, 1, 1, 1, 3);
    if (g.layers == 1)
        add_layer(&g, "ReLU", "0=0");
    char *text = g_strdup_printf("7767517\n%d %d\nInput in 0 1 b0\n%s", g.layers, g.blobs, g.lines->str);
    g_string_free(g.lines, TRUE);
    if (loose)
        *loose = g.loose;
    return text;
}

#endif
