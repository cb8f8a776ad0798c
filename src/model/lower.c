/* SPDX-License-Identifier: MIT */
/* Line by line: a layer that is lowered becomes several lines, all others are copied. */
#include "model/lower.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#include "model/layers.h"
#include "model/moment.h"

typedef struct writer {
    const tw_graph *graph;
    const tw_geometry *geometry;
    const tw_layer *layer;
    GString *text;
    GStringChunk *names;
    int n_layers, n_blobs;
    int made;    /* names so far */
    int barrier; /* of the geometry's, which come in the order of their layers: the first that is not behind the current layer */
} writer;

/* ---- names and lines ---- */

/* A blob name that the graph does not have; lives as long as the writer. */
static const char *new_blob(writer *w)
{
    char name[32];
    do
        g_snprintf(name, sizeof name, "tl:%d", w->made++);
    while (tw_graph_blob(w->graph, name) >= 0);
    return g_string_chunk_insert(w->names, name);
}

static const char *input_of(const writer *w)
{
    return w->graph->blobs[w->layer->inputs[0]].name;
}

static const char *output_of(const writer *w)
{
    return w->graph->blobs[w->layer->outputs[0]].name;
}

/* `rest`: number of inputs and outputs, their blobs, parameters. */
static void line(writer *w, int outputs, const char *type, const char *what, const char *rest, ...) G_GNUC_PRINTF(5, 6);
static void line(writer *w, int outputs, const char *type, const char *what, const char *rest, ...)
{
    va_list args;
    g_string_append_printf(w->text, "%s %.200s/%s ", type, w->layer->name, what);
    va_start(args, rest);
    g_string_append_vprintf(w->text, rest, args);
    va_end(args);
    g_string_append_c(w->text, '\n');
    w->n_layers++;
    w->n_blobs += outputs;
}

static void moment_line(writer *w, const char *type, int groups, const char *from, const char *to)
{
    g_string_append_printf(w->text, "%s %s%d:%d 1 1 %s %s\n", type, TW_MOMENT_NAME, groups, w->made++, from, to);
    w->n_layers++;
    w->n_blobs++;
}

static const char *number(double value, char *room)
{
    return g_ascii_formatd(room, G_ASCII_DTOSTR_BUF_SIZE, "%.9e", value);
}

/* ---- normalising ---- */

typedef struct norm {
    int groups;  /* 0: each channel alone */
    bool spread; /* divides by the deviation */
    bool behind; /* eps is added to the deviation, else to the variance */
    double eps;
    int scales; /* channels that gamma and beta are read for; 0: none */
} norm;

/* 1 / sqrt(variance + eps), or 1 / (sqrt(variance) + eps). */
static const char *inverse_deviation(writer *w, const norm *n, const char *from)
{
    char eps[G_ASCII_DTOSTR_BUF_SIZE];
    const char *v = new_blob(w), *a = new_blob(w), *b = new_blob(w), *inverse = new_blob(w);
    moment_line(w, "TwVariance", n->groups, from, v);
    number(n->eps, eps);
    if (n->behind) {
        line(w, 1, "UnaryOp", "deviation", "1 1 %s %s 0=5", v, a);
        line(w, 1, "BinaryOp", "eps", "1 1 %s %s 0=0 1=1 2=%s", a, b, eps);
    } else {
        line(w, 1, "BinaryOp", "eps", "1 1 %s %s 0=0 1=1 2=%s", v, a, eps);
        line(w, 1, "UnaryOp", "deviation", "1 1 %s %s 0=5", a, b);
    }
    line(w, 1, "BinaryOp", "inverse", "1 1 %s %s 0=8 1=1 2=1.0", b, inverse);
    return inverse;
}

static void write_norm(writer *w, const norm *n)
{
    const char *own = new_blob(w), *for_mean = new_blob(w), *for_variance = n->spread ? new_blob(w) : "", *mean = new_blob(w);
    line(w, n->spread ? 3 : 2, "Split", "split", "1 %d %s %s %s %s", n->spread ? 3 : 2, input_of(w), own, for_mean,
         for_variance);
    moment_line(w, "TwMean", n->groups, for_mean, mean);
    const char *centred = n->spread ? new_blob(w) : output_of(w);
    line(w, 1, "BinaryOp", "centre", "2 1 %s %s %s 0=1", own, mean, centred);
    if (!n->spread)
        return;
    const char *inverse = inverse_deviation(w, n, for_variance), *scaled = n->scales ? new_blob(w) : output_of(w);
    line(w, 1, "BinaryOp", "scale", "2 1 %s %s %s 0=2", centred, inverse, scaled);
    if (n->scales)
        line(w, 1, "Scale", "affine", "1 1 %s %s 0=%d 1=1", scaled, output_of(w), n->scales);
}

static int channels_of(const writer *w)
{
    return w->geometry->blobs[w->layer->inputs[0]].channels;
}

static bool norm_of(const writer *w, norm *out)
{
    const tw_layer *l = w->layer;
    if (!strcmp(l->type, "InstanceNorm")) {
        int channels = tw_layer_int(l, 0, 0), affine = tw_layer_int(l, 2, 1);
        *out = (norm){.spread = true, .eps = tw_layer_real(l, 1, 0.001), .scales = affine ? channels : 0};
        return !affine || (channels > 0 && channels == channels_of(w));
    }
    if (!strcmp(l->type, "GroupNorm")) {
        int groups = tw_layer_int(l, 0, 1), channels = tw_layer_int(l, 1, 0), affine = tw_layer_int(l, 3, 1);
        *out = (norm){.groups = groups, .spread = true, .eps = tw_layer_real(l, 2, 0.001), .scales = affine ? channels : 0};
        return channels > 0 && channels == channels_of(w) && groups > 0 && channels % groups == 0;
    }
    if (!strcmp(l->type, "MVN")) {
        *out = (norm){.groups = tw_layer_int(l, 1, 0) ? 1 : 0,
                      .spread = tw_layer_int(l, 0, 0) != 0,
                      .behind = true,
                      .eps = tw_layer_real(l, 2, 0.0001)};
        return channels_of(w) > 0;
    }
    return false;
}

/* ---- reductions ---- */

enum { SUM, ABSOLUTE_SUM, SQUARE_SUM, MEAN, MAXIMUM, MINIMUM, PRODUCT, L1, L2, LOG_SUM, LOG_SUM_EXP, OPERATIONS };

/* What comes before and after rows and columns are reduced. */
static const struct {
    const char *before;
    int reduce;
    const char *after;
} reductions[OPERATIONS] = {
    [SUM] = {NULL, SUM, NULL},      [ABSOLUTE_SUM] = {"0=0", SUM, NULL}, [SQUARE_SUM] = {"0=4", SUM, NULL},
    [MEAN] = {NULL, MEAN, NULL},    [MAXIMUM] = {NULL, MAXIMUM, NULL},   [MINIMUM] = {NULL, MINIMUM, NULL},
    [PRODUCT] = {NULL, -1, NULL},   [L1] = {"0=0", SUM, NULL},           [L2] = {"0=4", SUM, "0=5"},
    [LOG_SUM] = {NULL, SUM, "0=8"}, [LOG_SUM_EXP] = {"0=7", SUM, "0=8"},
};

static bool is_reduction(const writer *w)
{
    const tw_layer *l = w->layer;
    int operation = tw_layer_int(l, 0, 0), axes = tw_reduced_axes(l);
    bool known = !strcmp(l->type, "Reduction") && operation >= 0 && operation < OPERATIONS && reductions[operation].reduce >= 0;
    bool old = tw_layer_param(l, 3) && !tw_layer_int(l, 5, 0); /* axes that ncnn refuses to read */
    return known && !old && (axes == 6 || axes == 7);
}

/* The next of the chain's blobs: the layer's output when nothing follows. */
static const char *next_blob(writer *w, bool last)
{
    return last ? output_of(w) : new_blob(w);
}

static void write_reduction(writer *w)
{
    const tw_layer *l = w->layer;
    int operation = tw_layer_int(l, 0, 0), reduce = reductions[operation].reduce, keep = tw_layer_int(l, 4, 0) != 0;
    double coeff = tw_layer_real(l, 2, 1);
    bool all = tw_reduced_axes(l) == 7, scales = coeff != 1;
    const char *after = reductions[operation].after, *at = input_of(w), *to;
    if (reductions[operation].before) {
        line(w, 1, "UnaryOp", "before", "1 1 %s %s %s", at, to = new_blob(w), reductions[operation].before);
        at = to;
    }
    to = next_blob(w, !all && !after && !scales);
    line(w, 1, "Reduction", "picture", "1 1 %s %s 0=%d 1=0 -23303=2,1,2 4=%d 5=1", at, to, reduce, all ? 1 : keep);
    at = to;
    if (all) {
        to = next_blob(w, !after && !scales);
        line(w, 1, "Reduction", "channels", "1 1 %s %s 0=%d 1=1 4=%d", at, to, reduce, keep);
        at = to;
    }
    if (after) {
        to = next_blob(w, !scales);
        line(w, 1, "UnaryOp", "after", "1 1 %s %s %s", at, to, after);
        at = to;
    }
    if (scales) {
        char factor[G_ASCII_DTOSTR_BUF_SIZE];
        line(w, 1, "BinaryOp", "coeff", "1 1 %s %s 0=2 1=1 2=%s", at, output_of(w), number(coeff, factor));
    }
}

/* ---- the graph ---- */

/* Only what the geometry has found to need the whole picture, and could not do with a statistic alone. */
static bool needs_it(writer *w, int layer)
{
    const tw_geometry *g = w->geometry;
    while (w->barrier < g->n_barriers && g->barriers[w->barrier].layer < layer)
        w->barrier++;
    return w->barrier < g->n_barriers && g->barriers[w->barrier].layer == layer &&
           g->barriers[w->barrier].kind == TW_BARRIER_OTHER && w->layer->n_inputs == 1 && w->layer->n_outputs == 1;
}

static bool write_lowered(writer *w, int layer)
{
    norm n;
    if (!needs_it(w, layer))
        return false;
    if (norm_of(w, &n))
        write_norm(w, &n);
    else if (is_reduction(w))
        write_reduction(w);
    else
        return false;
    return true;
}

static const char *next_line(const char **at, int *n)
{
    *at += strspn(*at, " \t\r\n\v\f"); /* as the parser: g_ascii_isspace does not count \v */
    const char *begin = *at;
    *n = (int)strcspn(begin, "\n");
    *at += *n;
    return begin;
}

char *tw_lower(const tw_graph *graph, const tw_geometry *geometry, const char *text)
{
    writer w = {.graph = graph, .geometry = geometry, .text = g_string_new(NULL), .names = g_string_chunk_new(256)};
    bool any = false;
    int n;
    next_line(&text, &n);
    next_line(&text, &n);
    for (int i = 0; i < graph->n_layers; i++) {
        const char *begin = next_line(&text, &n);
        w.layer = &graph->layers[i];
        if (write_lowered(&w, i)) {
            any = true;
            continue;
        }
        g_string_append_len(w.text, begin, n);
        g_string_append_c(w.text, '\n');
        w.n_layers++;
        w.n_blobs += w.layer->n_outputs;
    }
    char *result = any ? g_strdup_printf("7767517\n%d %d\n%s", w.n_layers, w.n_blobs, w.text->str) : NULL;
    g_string_free(w.text, TRUE);
    g_string_chunk_free(w.names);
    return result;
}
