/* SPDX-License-Identifier: MIT */
/* The graph's text line by line: names, inputs and outputs are written anew, parameters are copied but for paddings. */
#include "model/rewrite.h"

#include <float.h>
#include <glib.h>
#include <string.h>

#include "model/fuse.h"
#include "model/layers.h"

typedef struct writer {
    tw_carry *c;
    const char *label;
    tw_error *err;
    GString *text;
    GArray *windows;
    int n_layers, n_blobs, n_fused;
    int absorbed;     /* the layer that the one in front of it does too */
    const char *line; /* of the original layer that is being written */
    int layer;
} writer;

static const tw_layer *layer_of(const writer *w)
{
    return &w->c->graph->layers[w->layer];
}

static tw_status refuse(writer *w, const char *why)
{
    const tw_layer *l = layer_of(w);
    return tw_fail(w->err, TW_ERROR_USAGE, "%s cannot be carried: layer %.80s (%.40s): %s", w->label, l->name, l->type, why);
}

/* ---- maps ---- */

static bool is_own_sample(const tw_map *m)
{
    return m->kind == TW_MAP_WINDOW && m->extent == 1 && m->stride == 1 && m->pad == 0 && m->pad_end == 0;
}

/* New samples are computed from new samples alone, whatever lies beside them. */
static bool is_direct(const tw_map *m)
{
    if (m->kind == TW_MAP_TRANSPOSED)
        return m->extent == m->stride && m->pad == 0 && m->pad_end == 0;
    if (m->kind == TW_MAP_RESIZE)
        return m->down == 1 && m->before == 0 && m->after == 0;
    return m->kind == TW_MAP_NONE || is_own_sample(m);
}

static int64_t times(const tw_map *m)
{
    return m->kind == TW_MAP_TRANSPOSED ? m->stride : m->kind == TW_MAP_RESIZE ? m->up : 1;
}

static bool reads_samples(const writer *w, int input)
{
    return tw_carry_map(w->c, w->layer, input, 0).kind != TW_MAP_NONE;
}

/* ---- lines ---- */

static const char *next_line(const char **at)
{
    *at += strspn(*at, " \t\r\n\v\f"); /* as the parser: g_ascii_isspace does not count \v */
    const char *line = *at;
    *at += strcspn(*at, "\n");
    return line;
}

/* Copies the parameters of the current line, without the scalar keys listed (-1 ends the list). */
static void copy_parameters(writer *w, const int *without)
{
    const tw_layer *l = layer_of(w);
    const char *p = w->line;
    for (int i = 0; i < 4 + l->n_inputs + l->n_outputs; i++) {
        p += strspn(p, " \t\r\v\f");
        p += strcspn(p, " \t\r\v\f\n");
    }
    while (*p && *p != '\n') {
        size_t blank = strspn(p, " \t\r\v\f"), n = blank + strcspn(p + blank, " \t\r\v\f\n");
        bool drop = n == blank;
        for (const int *key = without; *key >= 0 && !drop; key++)
            drop = g_ascii_strtoll(p + blank, NULL, 10) == *key;
        if (!drop)
            g_string_append_len(w->text, p, (gssize)n);
        p += n;
    }
}

static void begin(writer *w, const char *type, const char *name, int n_in, int n_out)
{
    g_string_append_printf(w->text, "%s %s %d %d", type, name, n_in, n_out);
    w->n_layers++;
    w->n_blobs += n_out;
}

/* The line of the current layer; inputs[i] NULL: the original's. `output` NULL: the original's. */
static void write_layer(writer *w, char *const *inputs, int n_in, const char *output, const int *without, const char *added)
{
    const tw_layer *l = layer_of(w);
    begin(w, l->type, l->name, n_in, l->n_outputs);
    for (int i = 0; i < n_in; i++)
        g_string_append_printf(w->text, " %s", inputs && inputs[i] ? inputs[i] : w->c->graph->blobs[l->inputs[i]].name);
    for (int i = 0; i < l->n_outputs; i++)
        g_string_append_printf(w->text, " %s", output ? output : w->c->graph->blobs[l->outputs[i]].name);
    copy_parameters(w, without);
    g_string_append_printf(w->text, "%s%s\n", *added ? " " : "", added);
}

/* ---- whole-picture layers ---- */

static bool is_barrier(const writer *w, int layer)
{
    for (int i = 0; i < w->c->geometry->n_barriers; i++)
        if (w->c->geometry->barriers[i].layer == layer)
            return true;
    return false;
}

/* What such a layer gives is injected; it reads nothing here. */
static void write_barrier(writer *w)
{
    const tw_layer *l = layer_of(w);
    begin(w, "Input", l->name, 0, 1);
    g_string_append_printf(w->text, " %s\n", w->c->graph->blobs[l->outputs[0]].name);
}

static bool feeds_barrier(const writer *w, int blob)
{
    for (int i = w->layer; i < w->c->graph->n_layers; i++)
        for (int k = 0; k < w->c->graph->layers[i].n_inputs && is_barrier(w, i); k++)
            if (w->c->graph->layers[i].inputs[k] == blob)
                return true;
    return false;
}

/* A Split without the arms that nobody would take up. */
static void write_split(writer *w)
{
    const tw_layer *l = layer_of(w);
    GString *arms = g_string_new(NULL);
    int n = 0;
    for (int i = 0; i < l->n_outputs; i++)
        if (!feeds_barrier(w, l->outputs[i])) {
            g_string_append_printf(arms, " %s", w->c->graph->blobs[l->outputs[i]].name);
            n++;
        }
    if (n > 0) {
        begin(w, "Split", l->name, 1, n);
        g_string_append_printf(w->text, " %s%s\n", w->c->graph->blobs[l->inputs[0]].name, arms->str);
    }
    for (int i = 0; i < l->n_outputs; i++)
        for (int axis = 0; axis < 2; axis++)
            w->c->dummy[axis][l->outputs[i]] = w->c->dummy[axis][l->inputs[0]];
    g_string_free(arms, TRUE);
}

/* ---- windows ---- */

/* A window on an input; returns the name of its blob, which is `output` or made up. The caller frees it. */
static char *add_window(writer *w, tw_carry_window window, const char *input, const char *output)
{
    char name[32];
    g_snprintf(name, sizeof name, "tw:%d", (int)w->windows->len);
    char *result = g_strdup(output ? output : name);
    begin(w, "TwWindow", name, 1, 1);
    g_string_append_printf(w->text, " %s %s 0=%d\n", input, result, (int)w->windows->len);
    g_array_append_val(w->windows, window);
    return result;
}

static tw_carry_window window_of(const writer *w, int input, int reader, int reader_input)
{
    const tw_layer *l = layer_of(w);
    tw_carry_window window = {.blob = tw_graph_unsplit(w->c->graph, l->inputs[input]),
                              .out = w->c->graph->layers[reader].outputs[0]};
    for (int axis = 0; axis < 2; axis++) {
        tw_map map = window.map[axis] = tw_carry_map(w->c, reader, reader_input, axis);
        window.dummy[axis] = map.kind == TW_MAP_WINDOW ? (int)map.extent : map.kind == TW_MAP_RESIZE ? (int)map.down : 1;
    }
    return window;
}

static void set_dummy(writer *w, int blob, int x, int y)
{
    w->c->dummy[0][blob] = x;
    w->c->dummy[1][blob] = y;
}

/* Border rule and fill of the reader's padding. */
static float fill_of(const tw_layer *reader)
{
    if (g_str_has_prefix(reader->type, "Convolution"))
        return (float)tw_layer_real(reader, 18, 0);
    if (!strcmp(reader->type, "Padding"))
        return (float)tw_layer_real(reader, 5, 0);
    return !strcmp(reader->type, "Pooling") && tw_layer_int(reader, 0, 0) == 0 ? -FLT_MAX : 0;
}

static bool is_convolution(const tw_layer *l)
{
    return !strcmp(l->type, "Convolution") || !strcmp(l->type, "ConvolutionDepthWise");
}

static bool layer_is_direct(const writer *w, int layer)
{
    for (int i = 0; i < w->c->graph->layers[layer].n_inputs; i++)
        for (int axis = 0; axis < 2; axis++) {
            tw_map map = tw_carry_map(w->c, layer, i, axis);
            if (!is_direct(&map))
                return false;
        }
    return true;
}

/* A deconvolution whose kernel is smaller than its stride leaves samples that nothing is read for. */
static bool leaves_gaps(const writer *w)
{
    tw_map x = tw_carry_map(w->c, w->layer, 0, 0), y = tw_carry_map(w->c, w->layer, 0, 1);
    return x.extent < x.stride || y.extent < y.stride;
}

/* The convolution that alone reads the Concat being written, or -1. Its window can then stand in front of each input, which are
 * kept once for all who read them. */
static int hoisting_reader(const writer *w)
{
    const tw_graph *graph = w->c->graph;
    const tw_layer *l = layer_of(w);
    int blob = l->outputs[0];
    if (strcmp(l->type, "Concat") || graph->blobs[blob].consumers != 1)
        return -1;
    for (int i = w->layer + 1; i < graph->n_layers; i++)
        for (int k = 0; k < graph->layers[i].n_inputs; k++)
            if (graph->layers[i].inputs[k] == blob)
                return is_convolution(&graph->layers[i]) && !layer_is_direct(w, i) ? i : -1;
    return -1;
}

/* ---- layers ---- */

static const int nothing[] = {-1};
static const int conv_pads[] = {4, 14, 15, 16, 18, 31, -1};
static const int pool_pads[] = {3, 5, 13, 14, 15, -1};
static const int deconv_pads[] = {4, 14, 15, 16, -1};
static const int interp_sizes[] = {1, 2, 3, 4, 5, -1};

static void hoist(writer *w, int reader)
{
    const tw_layer *l = layer_of(w);
    char **inputs = g_new0(char *, l->n_inputs);
    for (int i = 0; i < l->n_inputs; i++) {
        tw_carry_window window = window_of(w, i, reader, 0);
        window.fill = fill_of(&w->c->graph->layers[reader]);
        w->c->hoisted[l->outputs[0]] = (int)w->windows->len;
        set_dummy(w, l->outputs[0], window.dummy[0], window.dummy[1]);
        inputs[i] = add_window(w, window, w->c->graph->blobs[l->inputs[i]].name, NULL);
    }
    write_layer(w, inputs, l->n_inputs, NULL, nothing, "");
    for (int i = 0; i < l->n_inputs; i++)
        g_free(inputs[i]);
    g_free(inputs);
}

/* The input that decides how large the layer's dummy block is: one that needs no delay. */
static int prompt_input(const writer *w)
{
    const tw_layer *l = layer_of(w);
    for (int i = 0; i < l->n_inputs; i++)
        if (reads_samples(w, i) && w->c->lag[0][l->inputs[i]] == w->c->lag[0][l->outputs[0]] &&
            w->c->lag[1][l->inputs[i]] == w->c->lag[1][l->outputs[0]])
            return i;
    return -1;
}

/* Layers whose samples stand each for itself: only inputs that came earlier than the latest are delayed. */
static void write_direct(writer *w)
{
    const tw_layer *l = layer_of(w);
    tw_carry *c = w->c;
    char **inputs = g_new0(char *, l->n_inputs + 1);
    int joined = 0, prompt = -1;
    for (int i = 0; i < l->n_inputs; i++)
        joined += reads_samples(w, i);
    if (joined > 1)
        prompt = prompt_input(w);
    for (int axis = 0; axis < 2; axis++)
        for (int i = 0; i < l->n_inputs && joined > 0; i++) {
            if (!reads_samples(w, i) || (joined > 1 && prompt >= 0 && i != prompt))
                continue;
            tw_map map = tw_carry_map(c, w->layer, i, axis);
            int size = joined > 1 && prompt < 0 ? 1 : c->dummy[axis][l->inputs[i]] * (int)times(&map);
            for (int k = 0; k < l->n_outputs; k++)
                c->dummy[axis][l->outputs[k]] = size;
        }
    for (int i = 0; i < l->n_inputs && joined > 1; i++) {
        int in = l->inputs[i], out = l->outputs[0];
        bool same = c->lag[0][in] == c->lag[0][out] && c->lag[1][in] == c->lag[1][out] && c->dummy[0][in] == c->dummy[0][out] &&
                    c->dummy[1][in] == c->dummy[1][out];
        if (!reads_samples(w, i) || same)
            continue;
        tw_carry_window window = window_of(w, i, w->layer, i);
        window.dummy[0] = c->dummy[0][out], window.dummy[1] = c->dummy[1][out];
        inputs[i] = add_window(w, window, c->graph->blobs[in].name, NULL);
    }
    write_layer(w, inputs, l->n_inputs, NULL, nothing, "");
    for (int i = 0; i < l->n_inputs; i++)
        g_free(inputs[i]);
    g_free(inputs);
}

/* A window, the layer without its paddings, and where it computes too much a cut behind it. */
static void write_windowed(writer *w, const int *without, const char *added, bool cuts)
{
    const tw_layer *l = layer_of(w);
    tw_carry *c = w->c;
    int in = l->inputs[0], out = l->outputs[0];
    bool hoisted = c->hoisted[in] >= 0;
    tw_carry_window window = window_of(w, 0, w->layer, 0);
    window.fill = fill_of(l);
    char *input = hoisted ? NULL : add_window(w, window, c->graph->blobs[in].name, NULL);
    char *raw = cuts ? g_strdup_printf("%s<", input) : NULL;
    write_layer(w, &input, 1, raw, without, added);
    if (cuts) {
        window.cuts = true;
        window.dummy[0] = window.dummy[1] = 1;
        g_free(add_window(w, window, raw, c->graph->blobs[out].name));
    }
    set_dummy(w, out, 1, 1);
    g_free(raw);
    g_free(input);
}

/* Our own convolution: it looks through the window by itself, unless that stands further in front. */
static void write_fused(writer *w, const tw_fused *fused)
{
    const tw_layer *l = layer_of(w), *last = l + fused->absorbs;
    tw_carry *c = w->c;
    char slope[G_ASCII_DTOSTR_BUF_SIZE], name[32];
    int window = -1, in = l->inputs[0], out = last->outputs[0];
    if (c->hoisted[in] < 0) {
        tw_carry_window reads = window_of(w, 0, w->layer, 0);
        window = (int)w->windows->len;
        g_array_append_val(w->windows, reads);
    }
    g_snprintf(name, sizeof name, "tw:conv:%d", w->n_fused++);
    begin(w, "TwConvolution", name, 1, 1);
    g_string_append_printf(w->text, " %s %s 0=%d 1=3 5=%d 6=%d 20=%d 21=%d 22=%s\n", c->graph->blobs[in].name,
                           c->graph->blobs[out].name, tw_layer_int(l, 0, 0), tw_layer_int(l, 5, 0), tw_layer_int(l, 6, 0),
                           fused->slopes, window, g_ascii_formatd(slope, sizeof slope, "%.9e", (double)fused->slope));
    set_dummy(w, l->outputs[0], 1, 1);
    set_dummy(w, out, 1, 1);
    w->absorbed = fused->absorbs ? w->layer + 1 : -1;
}

/* ncnn's feature mask says what a layer must not use. */
static void write_convolution(writer *w)
{
    enum { NO_WINOGRAD = 64 };
    char added[32];
    tw_fused fused;
    if (tw_fuse(w->c, w->layer, &fused)) {
        write_fused(w, &fused);
        return;
    }
    int mask = tw_layer_int(layer_of(w), 31, 0) | (w->c->plain ? NO_WINOGRAD : 0);
    g_snprintf(added, sizeof added, "31=%d", mask);
    write_windowed(w, conv_pads, mask ? added : "", false);
}

/* Crops and paddings are windows and nothing else. */
static void write_window_alone(writer *w)
{
    const tw_layer *l = layer_of(w);
    tw_carry_window window = window_of(w, 0, w->layer, 0);
    window.fill = fill_of(l);
    window.dummy[0] = window.dummy[1] = 1;
    g_free(add_window(w, window, w->c->graph->blobs[l->inputs[0]].name, w->c->graph->blobs[l->outputs[0]].name));
    set_dummy(w, l->outputs[0], 1, 1);
}

static tw_status write_pooling(writer *w)
{
    const tw_layer *l = layer_of(w);
    bool average = tw_layer_int(l, 0, 0) == 1, counts_padding = tw_layer_int(l, 6, 0);
    for (int axis = 0; axis < 2; axis++) {
        tw_map m = tw_carry_map(w->c, w->layer, 0, axis);
        if (average && !counts_padding && (m.pad > 0 || m.pad_end > 0))
            return refuse(w, "its averages at the border count what lies inside");
    }
    write_windowed(w, pool_pads, "5=1", false);
    return TW_OK;
}

static void write_interp(writer *w)
{
    char added[G_ASCII_DTOSTR_BUF_SIZE * 2 + 8], x[G_ASCII_DTOSTR_BUF_SIZE], y[G_ASCII_DTOSTR_BUF_SIZE];
    tw_map mx = tw_carry_map(w->c, w->layer, 0, 0), my = tw_carry_map(w->c, w->layer, 0, 1);
    g_ascii_formatd(x, sizeof x, "%.9e", (double)mx.up / (double)mx.down);
    g_ascii_formatd(y, sizeof y, "%.9e", (double)my.up / (double)my.down);
    g_snprintf(added, sizeof added, "1=%s 2=%s", y, x);
    bool direct = is_direct(&mx) && is_direct(&my);
    if (direct) {
        write_layer(w, NULL, 1, NULL, interp_sizes, added);
        set_dummy(w, layer_of(w)->outputs[0], w->c->dummy[0][layer_of(w)->inputs[0]] * (int)times(&mx),
                  w->c->dummy[1][layer_of(w)->inputs[0]] * (int)times(&my));
    } else {
        write_windowed(w, interp_sizes, added, true);
    }
}

static tw_status write_spatial(writer *w)
{
    const tw_layer *l = layer_of(w);
    const tw_geometry *g = w->c->geometry;
    bool same_channels = l->n_inputs > 0 && g->blobs[l->inputs[0]].channels == g->blobs[l->outputs[0]].channels;
    for (int i = 0; i < l->n_inputs; i++)
        if (reads_samples(w, i) && g->blobs[l->inputs[i]].channels < 1)
            return refuse(w, "nobody knows how many channels it reads");
    if (w->c->geometry->reach[w->layer].reads == TW_READS_WARP)
        return refuse(w, "it reads where a flow points");
    if (!strcmp(l->type, "Interp")) {
        write_interp(w);
        return TW_OK;
    }
    int reader = hoisting_reader(w);
    if (reader >= 0)
        hoist(w, reader);
    else if (g->reach[w->layer].reads == TW_READS_ALL && layer_is_direct(w, w->layer))
        write_direct(w);
    else if (is_convolution(l))
        write_convolution(w);
    else if (!strcmp(l->type, "Pooling"))
        return write_pooling(w);
    else if (!strcmp(l->type, "Reorg"))
        write_windowed(w, nothing, "", false);
    else if (g_str_has_prefix(l->type, "Deconvolution") && !tw_layer_int(l, 18, 0) && !tw_layer_int(l, 19, 0) &&
             !leaves_gaps(w))
        write_windowed(w, deconv_pads, "", true);
    else if (same_channels && (!strcmp(l->type, "Crop") || (!strcmp(l->type, "Padding") && !tw_layer_int(l, 6, 0))))
        write_window_alone(w);
    else
        return refuse(w, "no rule for it");
    return TW_OK;
}

tw_status tw_carry_rewrite(tw_carry *carry, const char *text, const char *label, tw_error *err)
{
    writer w = {.c = carry, .label = label, .err = err, .text = g_string_new(NULL), .absorbed = -1};
    tw_status status = TW_OK;
    w.windows = g_array_new(FALSE, TRUE, sizeof(tw_carry_window));
    next_line(&text);
    next_line(&text);
    for (w.layer = 0; w.layer < carry->graph->n_layers && status == TW_OK; w.layer++) {
        const tw_layer *l = layer_of(&w);
        w.line = next_line(&text);
        if (w.layer == w.absorbed)
            continue;
        bool spatial = carry->geometry->reach[w.layer].spatial && l->n_inputs > 0;
        if (is_barrier(&w, w.layer))
            write_barrier(&w);
        else if (spatial && !strcmp(l->type, "Split"))
            write_split(&w);
        else if (spatial)
            status = write_spatial(&w);
        else
            write_layer(&w, NULL, l->n_inputs, NULL, nothing, "");
    }
    carry->text = g_strdup_printf("7767517\n%d %d\n%s", w.n_layers, w.n_blobs, w.text->str);
    carry->n_windows = (int)w.windows->len;
    carry->windows = (tw_carry_window *)(void *)g_array_free(w.windows, FALSE);
    g_string_free(w.text, TRUE);
    return status;
}
