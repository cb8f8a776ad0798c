/* SPDX-License-Identifier: MIT */
/** A small flow net of the family that interpolation is for: motion estimated at 1/8, 1/2 and full size, each step from frames warped by
 *  what is known, a mask that chooses between them. With `features` it also warps what an encoder makes of each frame. Another one
 *  estimates twice at half the size, and reads the time resized. */
#ifndef TW_TEST_FLOW_GRAPH_H
#define TW_TEST_FLOW_GRAPH_H

#include <glib.h>
#include <stdbool.h>
#include <string.h>

typedef struct flow_line {
    char type[24], in[6][24], out[24], params[96];
    int n_in;
} flow_line;

typedef struct flow_builder {
    flow_line lines[160];
    int n;
} flow_builder;

/** `in`: names between blanks; the output is named `out`. */
static inline void flow_add(flow_builder *b, const char *type, const char *in, const char *out, const char *params)
{
    flow_line *l = &b->lines[b->n++];
    g_auto(GStrv) names = g_strsplit(in, " ", -1);
    g_strlcpy(l->type, type, sizeof l->type);
    g_strlcpy(l->out, out, sizeof l->out);
    g_strlcpy(l->params, params, sizeof l->params);
    for (int i = 0; names[i] && *names[i]; i++)
        g_strlcpy(l->in[l->n_in++], names[i], sizeof l->in[0]);
}

static inline void flow_convolution(flow_builder *b, const char *in, const char *out, int from, int to, int stride, bool active)
{
    g_autofree char *params =
        g_strdup_printf("0=%d 1=3 3=%d 4=1 5=1 6=%d%s", to, stride, from * to * 9, active ? " 9=2 -23310=1,2.000000e-01" : "");
    flow_add(b, "Convolution", in, out, params);
}

/** From `from` channels to 6 at the same scale, by c channels at a quarter of it and two residual blocks. */
static inline void flow_trunk(flow_builder *b, const char *in, const char *out, int from, int c)
{
    g_autofree char *params = g_strdup_printf("0=24 1=4 3=2 4=1 5=1 6=%d", c * 24 * 16);
    g_autofree char *half = g_strdup_printf("%s_half", out), *last = g_strdup_printf("%s_quarter", out);
    g_autofree char *large = g_strdup_printf("%s_large", out);
    flow_convolution(b, in, half, from, c / 2, 2, true);
    flow_convolution(b, half, last, c / 2, c, 2, true);
    for (int i = 0; i < 2; i++) {
        g_autofree char *branch = g_strdup_printf("%s_c%d", out, i), *sum = g_strdup_printf("%s_s%d", out, i);
        g_autofree char *both = g_strdup_printf("%s %s", branch, last);
        flow_convolution(b, last, branch, c, c, 1, false);
        flow_add(b, "BinaryOp", both, sum, "0=0");
        g_free(last);
        last = g_strdup_printf("%s_r%d", out, i);
        flow_add(b, "ReLU", sum, last, "0=2.000000e-01");
    }
    flow_add(b, "Deconvolution", last, large, params);
    flow_add(b, "PixelShuffle", large, out, "0=2");
}

/** Channels [lo, hi) of `in`. */
static inline void flow_channels(flow_builder *b, const char *in, const char *out, int lo, int hi)
{
    g_autofree char *params = g_strdup_printf("-23309=1,%d -23310=1,%d -23311=1,0", lo, hi);
    flow_add(b, "Crop", in, out, params);
}

static inline void flow_interp(flow_builder *b, const char *in, const char *out, double factor)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(text, sizeof text, "%e", factor);
    g_autofree char *params = g_strdup_printf("0=2 1=%s 2=%s", text, text);
    flow_add(b, "Interp", in, out, params);
}

/** Frames (and features) warped by the flow `flow`: `out` holds them, the time and the mask. */
static inline void flow_warped(flow_builder *b, const char *flow, const char *mask, const char *out, bool features)
{
    GString *all = g_string_new(NULL);
    for (int i = 0; i < 2; i++) {
        g_autofree char *half = g_strdup_printf("%s_h%d", out, i);
        flow_channels(b, flow, half, 2 * i, 2 * i + 2);
        for (int k = 0; k <= features; k++) {
            g_autofree char *both = g_strdup_printf("%s%d %s", k ? "feature" : "in", i, half);
            g_autofree char *warped = g_strdup_printf("%s_w%d%d", out, i, k);
            flow_add(b, "rife.Warp", both, warped, "");
            g_string_append_printf(all, "%s ", warped);
        }
    }
    g_string_append_printf(all, "in2 %s", mask);
    flow_add(b, "Concat", all->str, out, "");
    g_string_free(all, TRUE);
}

static inline void flow_encoder(flow_builder *b)
{
    for (int i = 0; i < 2; i++) {
        g_autofree char *in = g_strdup_printf("in%d", i), *low = g_strdup_printf("low%d", i),
                        *mid = g_strdup_printf("mid%d", i), *out = g_strdup_printf("feature%d", i);
        flow_convolution(b, in, low, 3, 16, 2, true);
        flow_convolution(b, low, mid, 16, 16, 1, true);
        flow_add(b, "Deconvolution", mid, out, "0=4 1=4 3=2 4=1 5=1 6=1024");
    }
}

/** Both frames warped by `flow`, mixed by `mask`. */
static inline void flow_ending(flow_builder *b)
{
    flow_add(b, "BinaryOp", "mask", "rest", "0=7 1=1 2=1.000000e+00");
    flow_channels(b, "flow", "end0", 0, 2);
    flow_channels(b, "flow", "end1", 2, 4);
    flow_add(b, "rife.Warp", "in0 end0", "warped0", "");
    flow_add(b, "rife.Warp", "in1 end1", "warped1", "");
    flow_add(b, "BinaryOp", "warped0 mask", "part_a", "0=2");
    flow_add(b, "BinaryOp", "warped1 rest", "part_b", "0=2");
    flow_add(b, "BinaryOp", "part_a part_b", "out0", "0=0");
}

static inline void flow_inputs(flow_builder *b)
{
    for (int i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("in%d", i);
        flow_add(b, "Input", "", name, "");
    }
}

/** The one that estimates twice at one scale. */
static inline void flow_build_level(flow_builder *b)
{
    flow_inputs(b);
    for (int i = 0; i < 3; i++) {
        g_autofree char *in = g_strdup_printf("in%d", i), *out = g_strdup_printf("half%d", i);
        flow_interp(b, in, out, 0.5);
    }
    flow_add(b, "Concat", "half0 half1 half2", "cat0", "");
    flow_trunk(b, "cat0", "f0", 7, 48);
    for (int i = 0; i < 2; i++) {
        g_autofree char *flow = g_strdup_printf("known%d", i), *both = g_strdup_printf("half%d known%d", i, i);
        g_autofree char *out = g_strdup_printf("seen%d", i);
        flow_channels(b, "f0", flow, 2 * i, 2 * i + 2);
        flow_add(b, "rife.Warp", both, out, "");
    }
    flow_add(b, "Concat", "seen0 seen1 half2 f0", "cat1", "");
    flow_trunk(b, "cat1", "f1", 13, 40);
    flow_add(b, "BinaryOp", "f0 f1", "both", "0=0");
    flow_interp(b, "both", "large", 2);
    flow_add(b, "BinaryOp", "large", "up", "0=2 1=1 2=1.000000e+01");
    flow_channels(b, "up", "flow", 0, 4);
    flow_channels(b, "up", "share", 4, 5);
    flow_add(b, "Sigmoid", "share", "mask", "");
    flow_ending(b);
}

static inline void flow_build(flow_builder *b, bool features)
{
    int more = features ? 8 : 0;
    flow_inputs(b);
    if (features)
        flow_encoder(b);
    flow_add(b, "Concat", "in0 in1 in2", "cat0", "");
    flow_interp(b, "cat0", "small0", 0.125);
    flow_trunk(b, "small0", "f0", 7, 48);
    flow_interp(b, "f0", "up0", 8);
    flow_channels(b, "up0", "raw0", 0, 4);
    flow_channels(b, "up0", "mask0", 4, 5);
    flow_add(b, "BinaryOp", "raw0", "flow0", "0=2 1=1 2=8.000000e+00");
    flow_warped(b, "flow0", "mask0", "cat1", features);
    flow_interp(b, "cat1", "small1", 0.5);
    flow_interp(b, "flow0", "thin1", 0.5);
    flow_add(b, "BinaryOp", "thin1", "part1", "0=3 1=1 2=2.000000e+00");
    flow_add(b, "Concat", "small1 part1", "both1", "");
    flow_trunk(b, "both1", "f1", 12 + more, 40);
    flow_interp(b, "f1", "up1", 2);
    flow_channels(b, "up1", "raw1", 0, 4);
    flow_channels(b, "up1", "more1", 4, 5);
    flow_add(b, "Eltwise", "flow0 raw1", "flow1", "0=1 -23301=2,1.000000e+00,2.000000e+00");
    flow_add(b, "BinaryOp", "mask0 more1", "mask1", "0=0");
    flow_warped(b, "flow1", "mask1", "cat2", features);
    flow_add(b, "Concat", "cat2 flow1", "both2", "");
    flow_trunk(b, "both2", "f2", 12 + more, 24);
    flow_channels(b, "f2", "raw2", 0, 4);
    flow_channels(b, "f2", "more2", 4, 5);
    flow_add(b, "BinaryOp", "flow1 raw2", "flow", "0=0");
    flow_add(b, "BinaryOp", "mask1 more2", "mask2", "0=0");
    flow_add(b, "Sigmoid", "mask2", "mask", "");
    flow_ending(b);
}

static inline int flow_readers(const flow_builder *b, const char *blob)
{
    int n = 0;
    for (int i = 0; i < b->n; i++)
        for (int k = 0; k < b->lines[i].n_in; k++)
            n += strcmp(b->lines[i].in[k], blob) == 0;
    return n;
}

typedef enum flow_kind { FLOW_SMALL, FLOW_FEATURES, FLOW_LEVEL } flow_kind;

/** The graph as text, freed by the caller: a Split behind every blob that several layers read. */
static inline char *flow_graph_text(flow_kind kind)
{
    flow_builder *b = g_new0(flow_builder, 1);
    GString *text = g_string_new(NULL);
    g_autoptr(GHashTable) used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int layers = 0, blobs = 0;
    if (kind == FLOW_LEVEL)
        flow_build_level(b);
    else
        flow_build(b, kind == FLOW_FEATURES);
    for (int i = 0; i < b->n; i++) {
        const flow_line *l = &b->lines[i];
        g_string_append_printf(text, "%s layer_%s %d 1", l->type, l->out, l->n_in);
        for (int k = 0; k < l->n_in; k++) {
            int arm = GPOINTER_TO_INT(g_hash_table_lookup(used, l->in[k]));
            g_hash_table_insert(used, g_strdup(l->in[k]), GINT_TO_POINTER(arm + 1));
            if (flow_readers(b, l->in[k]) > 1)
                g_string_append_printf(text, " %s.%d", l->in[k], arm);
            else
                g_string_append_printf(text, " %s", l->in[k]);
        }
        g_string_append_printf(text, " %s %s\n", l->out, l->params);
        layers++, blobs++;
        int readers = flow_readers(b, l->out);
        if (readers < 2)
            continue;
        g_string_append_printf(text, "Split split_%s 1 %d %s", l->out, readers, l->out);
        for (int k = 0; k < readers; k++)
            g_string_append_printf(text, " %s.%d", l->out, k);
        g_string_append_c(text, '\n');
        layers++, blobs += readers;
    }
    char *all = g_strdup_printf("7767517\n%d %d\n%s", layers, blobs, text->str);
    g_string_free(text, TRUE);
    g_free(b);
    return all;
}

#endif
