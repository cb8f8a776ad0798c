/* SPDX-License-Identifier: MIT */
/* The .param parser. One pass over the text, line by line, every token bounded by its line. Memory is at most a small
 * multiple of the text's length: no count in the text is trusted before the tokens that it announces have been seen. */
#include "model/graph.h"

#include <glib.h>
#include <limits.h>
#include <string.h>

enum {
    MAGIC = 7767517,
    MAX_LAYERS = 100000,
    MAX_BLOBS = 100000,
    MAX_NAME = 255, /* ncnn's own limit for types, names and strings */
    MAX_NUMBER = 127,
    MAX_KEYS = 64,
    OLD_ARRAY = -23300,
    LONGEST = 64 << 20, /* bytes of text; the longest graph in use is 116 KB */
};

typedef struct token {
    const char *at;
    int n;
} token;

typedef struct parser {
    const char *at, *end;     /* text not yet read */
    const char *p, *line_end; /* the current line, not yet read */
    int line;
    const char *label;
    tw_error *err;
    tw_graph *graph;
    GTree *names; /* blob name -> index + 1; a balanced tree, as no name can make it slow */
    int blob_room, layer_room;
} parser;

static tw_status bad(parser *s, const char *what, token t)
{
    char shown[49];
    int n = MIN(t.n, (int)sizeof shown - 1);
    for (int i = 0; i < n; i++)
        shown[i] = g_ascii_isprint(t.at[i]) ? t.at[i] : '?';
    shown[n] = 0;
    if (n)
        return tw_fail(s->err, TW_ERROR_INPUT, "%s: line %d: %s '%s'", s->label, s->line, what, shown);
    return tw_fail(s->err, TW_ERROR_INPUT, "%s: line %d: %s", s->label, s->line, what);
}

static const token none = {"", 0};

/* ---- lines, tokens, numbers ---- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Moves to the next line that holds anything; false at the end of the text. */
static bool next_line(parser *s)
{
    while (s->at < s->end) {
        const char *stop = memchr(s->at, '\n', (size_t)(s->end - s->at));
        s->p = s->at;
        s->line_end = stop ? stop : s->end;
        s->at = stop ? stop + 1 : s->end;
        s->line++;
        while (s->p < s->line_end && blank(*s->p))
            s->p++;
        if (s->p < s->line_end)
            return true;
    }
    return false;
}

/* The next token of the line: printable bytes (UTF-8 allowed) without blanks. n = 0 at the end of the line. */
static token next_token(parser *s)
{
    while (s->p < s->line_end && blank(*s->p))
        s->p++;
    token t = {s->p, 0};
    while (s->p < s->line_end && !blank(*s->p))
        s->p++;
    t.n = (int)(s->p - t.at);
    return t;
}

static tw_status name_token(parser *s, const char *what, token *out)
{
    token t = next_token(s);
    if (t.n == 0)
        return bad(s, what, none);
    if (t.n > MAX_NAME)
        return bad(s, "name longer than 255 bytes", t);
    for (int i = 0; i < t.n; i++)
        if ((unsigned char)t.at[i] < 0x21 || t.at[i] == 0x7f)
            return bad(s, "control character in a name", t);
    *out = t;
    return TW_OK;
}

static bool to_int(token t, int *out)
{
    if (t.n == 0)
        return false;
    int i = t.at[0] == '-' || t.at[0] == '+', first = i;
    int64_t v = 0;
    for (; i < t.n && g_ascii_isdigit(t.at[i]); i++) {
        v = v * 10 + (t.at[i] - '0');
        if (v > (int64_t)INT_MAX + 1)
            return false;
    }
    if (t.at[0] == '-')
        v = -v;
    if (i == first || i < t.n || v > INT_MAX)
        return false;
    *out = (int)v;
    return true;
}

/* An int or a decimal number as ncnn writes it; no hexadecimal, no inf, no nan, nothing beyond a float's range. */
static bool to_number(token t, double *out)
{
    char copy[MAX_NUMBER + 1];
    if (t.n < 1 || t.n > MAX_NUMBER)
        return false;
    bool digit = false;
    for (int i = 0; i < t.n; i++) {
        if (g_ascii_isdigit(t.at[i]))
            digit = true;
        else if (!strchr("+-.eE", t.at[i]) || !t.at[i])
            return false;
        copy[i] = t.at[i];
    }
    copy[t.n] = 0;
    char *stop;
    double v = g_ascii_strtod(copy, &stop);
    if (!digit || *stop || !(v >= -3.5e38 && v <= 3.5e38))
        return false;
    *out = v;
    return true;
}

/* A count that announces tokens on this line: refused when the line is too short to hold them. */
static tw_status count_token(parser *s, const char *what, int *out)
{
    token t = next_token(s);
    if (!to_int(t, out) || *out < 0)
        return bad(s, what, t);
    if (*out > (s->line_end - s->p) / 2)
        return bad(s, "the line is too short for its number of blobs", t);
    return TW_OK;
}

/* ---- key=value ---- */

static void free_param(tw_param *param)
{
    g_free(param->values);
    g_free(param->text);
}

static token number_until(const char **p, const char *end)
{
    token t = {*p, 0};
    while (*p < end && **p != ',')
        ++*p;
    t.n = (int)MIN(*p - t.at, MAX_NUMBER + 1);
    return t;
}

/* `text` holds "v", "v,", "v,v" or (old form) "n,v,v". */
static tw_status read_numbers(parser *s, token text, bool old_array, tw_param *out)
{
    const char *p = text.at, *end = text.at + text.n;
    int n = 1, declared = -1;
    for (int i = 0; i < text.n; i++)
        n += text.at[i] == ',';
    if (old_array) {
        token t = number_until(&p, end);
        if (!to_int(t, &declared) || declared < 0 || declared != n - 1)
            return bad(s, "wrong array length", text);
        n = declared;
        p += p < end;
    } else if (n > 1 && end[-1] == ',') {
        n--; /* "v," is an array of one */
        end--;
    }
    out->is_array = old_array || memchr(text.at, ',', (size_t)text.n);
    out->n = n;
    out->values = g_new0(double, MAX(n, 1));
    for (int i = 0; i < n; i++) {
        token t = number_until(&p, end);
        if (!to_number(t, &out->values[i]))
            return bad(s, "not a number:", t);
        p += p < end;
    }
    return TW_OK;
}

/* A string value starts at `at`: quoted (may hold blanks), or a word that the token already ended. */
static tw_status read_text(parser *s, const char *at, tw_param *out)
{
    const char *stop = s->p;
    if (*at == '"') {
        at++;
        stop = memchr(at, '"', (size_t)(s->line_end - at));
        if (!stop)
            return bad(s, "a quote that does not end", none);
        s->p = stop + 1;
        if (s->p < s->line_end && !blank(*s->p))
            return bad(s, "something follows a quoted string", none);
    }
    if (stop - at > MAX_NAME)
        return bad(s, "string longer than 255 bytes", none);
    for (const char *p = at; p < stop; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return bad(s, "control character in a string", none);
    out->text = g_strndup(at, (gsize)(stop - at));
    return TW_OK;
}

static tw_status read_param(parser *s, token t, tw_param *out)
{
    const char *equal = memchr(t.at, '=', (size_t)t.n);
    int key;
    if (!equal || !to_int((token){t.at, (int)(equal - t.at)}, &key))
        return bad(s, "not a key=value:", t);
    bool old_array = key <= OLD_ARRAY;
    if (old_array)
        key = key == INT_MIN ? -1 : OLD_ARRAY - key;
    if (key < 0 || key >= MAX_KEYS)
        return bad(s, "key outside 0..63:", t);
    out->key = key;
    token value = {equal + 1, (int)(t.at + t.n - (equal + 1))};
    if (value.n == 0)
        return bad(s, "a key without a value:", t);
    if (!old_array && (*value.at == '"' || g_ascii_isalpha(*value.at)))
        return read_text(s, value.at, out);
    return read_numbers(s, value, old_array, out);
}

static tw_status read_params(parser *s, tw_layer *layer)
{
    tw_param found[MAX_KEYS];
    int n = 0;
    tw_status status = TW_OK;
    for (token t = next_token(s); t.n > 0; t = next_token(s)) {
        tw_param one = {0};
        status = read_param(s, t, &one);
        if (status != TW_OK) {
            free_param(&one);
            break;
        }
        int i = 0;
        while (i < n && found[i].key != one.key)
            i++;
        if (i < n)
            free_param(&found[i]); /* as in ncnn, the last one stands */
        else
            n++;
        found[i] = one;
    }
    if (n) {
        layer->params = g_memdup2(found, (gsize)n * sizeof *found);
        layer->n_params = n;
    }
    return status;
}

/* ---- layers and blobs ---- */

static tw_status read_input(parser *s, int *out)
{
    token t;
    TW_TRY(name_token(s, "an input is missing", &t));
    char name[MAX_NAME + 1];
    memcpy(name, t.at, (size_t)t.n);
    name[t.n] = 0;
    int index = GPOINTER_TO_INT(g_tree_lookup(s->names, name)) - 1;
    if (index < 0)
        return bad(s, "a blob that no layer above produces:", t);
    s->graph->blobs[index].consumers++;
    *out = index;
    return TW_OK;
}

static tw_status read_output(parser *s, int layer_index, int *out)
{
    token t;
    tw_graph *g = s->graph;
    TW_TRY(name_token(s, "an output is missing", &t));
    if (g->n_blobs == s->blob_room)
        return bad(s, "more blobs than line 2 announces:", t);
    char *name = g_strndup(t.at, (gsize)t.n);
    if (g_tree_lookup(s->names, name)) {
        g_free(name);
        return bad(s, "a blob with two producers:", t);
    }
    g->blobs[g->n_blobs] = (tw_blob){.name = name, .producer = layer_index};
    *out = g->n_blobs++;
    g_tree_insert(s->names, name, GINT_TO_POINTER(g->n_blobs));
    return TW_OK;
}

static tw_status read_layer(parser *s)
{
    tw_graph *g = s->graph;
    if (g->n_layers == s->layer_room)
        return bad(s, "more layers than line 2 announces", none);
    int index = g->n_layers;
    tw_layer *layer = &g->layers[g->n_layers++];
    *layer = (tw_layer){0};
    token type, name;
    int n_inputs, n_outputs;
    TW_TRY(name_token(s, "a layer type is missing", &type));
    layer->type = g_strndup(type.at, (gsize)type.n);
    TW_TRY(name_token(s, "a layer name is missing", &name));
    layer->name = g_strndup(name.at, (gsize)name.n);
    TW_TRY(count_token(s, "wrong number of inputs", &n_inputs));
    TW_TRY(count_token(s, "wrong number of outputs", &n_outputs));
    if ((n_inputs + (int64_t)n_outputs) > (s->line_end - s->p) / 2)
        return bad(s, "the line is too short for its number of blobs in layer", name);
    layer->inputs = g_new0(int, n_inputs + 1);
    layer->outputs = g_new0(int, n_outputs + 1);
    for (; layer->n_inputs < n_inputs; layer->n_inputs++)
        TW_TRY(read_input(s, &layer->inputs[layer->n_inputs]));
    for (; layer->n_outputs < n_outputs; layer->n_outputs++)
        TW_TRY(read_output(s, index, &layer->outputs[layer->n_outputs]));
    return read_params(s, layer);
}

static tw_status read_header(parser *s)
{
    int magic, layers, blobs;
    token t = none;
    if (!next_line(s) || (t = next_token(s), !to_int(t, &magic)) || magic != MAGIC || next_token(s).n)
        return bad(s, "not an ncnn param text (the first line is not 7767517)", none);
    if (!next_line(s))
        return bad(s, "the line with the number of layers and blobs is missing", none);
    t = next_token(s);
    if (!to_int(t, &layers) || layers < 1 || layers > MAX_LAYERS)
        return bad(s, "number of layers outside 1..100000:", t);
    t = next_token(s);
    if (!to_int(t, &blobs) || blobs < 1 || blobs > MAX_BLOBS)
        return bad(s, "number of blobs outside 1..100000:", t);
    if (next_token(s).n)
        return bad(s, "something follows the number of blobs", none);
    if (layers > (s->end - s->at) / 6)
        return bad(s, "more layers announced than the text can hold", none);
    s->layer_room = layers;
    s->blob_room = (int)MIN(blobs, (s->end - s->at) / 2 + 1); /* a name takes two bytes at least */
    s->graph->layers = g_new0(tw_layer, layers);
    s->graph->blobs = g_new0(tw_blob, s->blob_room);
    return TW_OK;
}

static int by_name(gconstpointer a, gconstpointer b, gpointer unused)
{
    (void)unused;
    return strcmp(a, b);
}

static gboolean note_name(gpointer name, gpointer index, gpointer data)
{
    (void)name;
    int **next = data;
    *(*next)++ = GPOINTER_TO_INT(index) - 1;
    return FALSE;
}

static tw_status read_all(parser *s)
{
    TW_TRY(read_header(s));
    while (next_line(s))
        TW_TRY(read_layer(s));
    if (s->graph->n_layers != s->layer_room)
        return tw_fail(s->err, TW_ERROR_INPUT, "%s: %d layers, but line 2 announces %d", s->label, s->graph->n_layers,
                       s->layer_room);
    if (s->graph->n_blobs == 0)
        return tw_fail(s->err, TW_ERROR_INPUT, "%s: the graph has no blobs", s->label);
    int *next = s->graph->by_name = g_new(int, s->graph->n_blobs);
    g_tree_foreach(s->names, note_name, &next);
    return TW_OK;
}

tw_status tw_graph_parse(const char *text, size_t length, const char *label, tw_graph **out, tw_error *err)
{
    *out = NULL;
    if (length > LONGEST)
        return tw_fail(err, TW_ERROR_INPUT, "%s: a graph of %zu bytes is refused (limit %d)", label, length, LONGEST);
    parser s = {.at = text, .end = text + length, .label = label, .err = err};
    s.graph = g_new0(tw_graph, 1);
    s.names = g_tree_new_full(by_name, NULL, NULL, NULL);
    tw_status status = read_all(&s);
    g_tree_destroy(s.names);
    if (status == TW_OK)
        *out = s.graph;
    else
        tw_graph_free(s.graph);
    return status;
}

void tw_graph_free(tw_graph *graph)
{
    if (!graph)
        return;
    for (int i = 0; i < graph->n_layers; i++) {
        tw_layer *layer = &graph->layers[i];
        for (int k = 0; k < layer->n_params; k++)
            free_param(&layer->params[k]);
        g_free(layer->params);
        g_free(layer->inputs);
        g_free(layer->outputs);
        g_free(layer->type);
        g_free(layer->name);
    }
    for (int i = 0; i < graph->n_blobs; i++)
        g_free(graph->blobs[i].name);
    g_free(graph->layers);
    g_free(graph->blobs);
    g_free(graph->by_name);
    g_free(graph);
}

int tw_graph_blob(const tw_graph *graph, const char *name)
{
    int lo = 0, hi = graph->n_blobs;
    while (lo < hi) {
        int mid = (lo + hi) / 2, order = strcmp(name, graph->blobs[graph->by_name[mid]].name);
        if (order == 0)
            return graph->by_name[mid];
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return -1;
}

const tw_param *tw_layer_param(const tw_layer *layer, int key)
{
    for (int i = 0; i < layer->n_params; i++)
        if (layer->params[i].key == key)
            return &layer->params[i];
    return NULL;
}

int tw_graph_unsplit(const tw_graph *graph, int blob)
{
    for (const tw_layer *l = &graph->layers[graph->blobs[blob].producer]; l->n_inputs == 1 && !strcmp(l->type, "Split");
         l = &graph->layers[graph->blobs[blob].producer])
        blob = l->inputs[0];
    return blob;
}

double tw_layer_real(const tw_layer *layer, int key, double fallback)
{
    const tw_param *param = tw_layer_param(layer, key);
    return param && param->n == 1 && !param->is_array ? param->values[0] : fallback;
}

int tw_layer_int(const tw_layer *layer, int key, int fallback)
{
    double v = tw_layer_real(layer, key, fallback);
    return v >= INT_MIN && v <= INT_MAX ? (int)v : fallback;
}
