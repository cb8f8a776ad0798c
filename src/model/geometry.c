/* SPDX-License-Identifier: MIT */
/* Questions to a graph whose layers' reach is known: lengths for a size, the backward closure, what an output needs and
 * owns. */
#include "model/geometry.h"

#include <glib.h>
#include <string.h>

#include "model/layers.h"

static const int64_t longest = (int64_t)1 << 48;

/* ---- lengths and closure ---- */

const tw_map *tw_layer_map(const tw_geometry *geometry, const tw_graph *graph, int layer, int input, int axis)
{
    static const tw_map nothing = {.kind = TW_MAP_NONE};
    static const tw_map same = {.kind = TW_MAP_WINDOW, .extent = 1, .stride = 1, .up = 1, .down = 1};
    const struct tw_layer_reach *reach = &geometry->reach[layer];
    const tw_layer *l = &graph->layers[layer];
    bool reads = geometry->blobs[l->inputs[input]].spatial;
    /* a barrier reads its blob at every sample, but not for the sake of any output tile */
    if (!reads || !reach->spatial || (reach->reads == TW_READS_FIRST && input > 0))
        return &nothing;
    if (reach->reads == TW_READS_WARP && input > 0)
        return &same;
    return &reach->map[axis];
}

static int64_t layer_length(const tw_graph *graph, const tw_geometry *g, int layer, int axis, const int64_t *lengths,
                            bool *agree)
{
    const tw_layer *l = &graph->layers[layer];
    const struct tw_layer_reach *reach = &g->reach[layer];
    int64_t n_in = 0, n_out;
    for (int i = 0; i < l->n_inputs; i++) {
        int64_t n = lengths[l->inputs[i]];
        if (n == 0 || (reach->reads == TW_READS_FIRST && i > 0))
            continue;
        if (n_in == 0)
            n_in = n;
        else if (n != n_in)
            *agree = false;
    }
    if (reach->map[axis].same && reach->map[axis].stride > 1 && n_in % reach->map[axis].stride)
        *agree = false; /* the padding would differ between a tile and the whole */
    n_out = tw_map_length(&reach->map[axis], n_in);
    if (reach->reads == TW_READS_FIRST) {
        int64_t wanted = lengths[l->inputs[1]];
        if (reach->map[axis].kind == TW_MAP_WINDOW ? wanted > n_out : wanted != n_out)
            *agree = false;
        n_out = wanted;
    }
    return n_out;
}

bool tw_geometry_lengths(const tw_graph *graph, const tw_geometry *g, int axis, int64_t n, int64_t *lengths, bool *agree)
{
    bool meet = true;
    memset(lengths, 0, (size_t)graph->n_blobs * sizeof *lengths);
    for (int i = 0; i < g->n_inputs; i++)
        lengths[g->inputs[i]] = n;
    for (int i = 0; i < graph->n_layers; i++) {
        const tw_layer *l = &graph->layers[i];
        if (!g->reach[i].spatial)
            continue;
        int64_t length = layer_length(graph, g, i, axis, lengths, &meet);
        if (length < 1 || length > longest)
            return false;
        for (int k = 0; k < l->n_outputs; k++)
            lengths[l->outputs[k]] = length;
    }
    if (agree)
        *agree = meet;
    return true;
}

void tw_geometry_close(const tw_graph *graph, const tw_geometry *g, int axis, const int64_t *lengths, tw_span *spans)
{
    for (int i = graph->n_layers - 1; i >= 0; i--) {
        const tw_layer *l = &graph->layers[i];
        tw_span out = {0, 0};
        for (int k = 0; k < l->n_outputs; k++)
            out = tw_span_join(out, spans[l->outputs[k]]);
        if (out.hi <= out.lo)
            continue;
        for (int k = 0; k < l->n_inputs; k++) {
            int in = l->inputs[k];
            tw_map map = tw_map_at(tw_layer_map(g, graph, i, k, axis), lengths[in]);
            spans[in] = tw_span_join(spans[in], tw_map_window(&map, out, lengths[in]));
        }
    }
}

static void close_from(const tw_graph *graph, const tw_geometry *g, int axis, const int64_t *lengths, tw_span output,
                       tw_span *spans)
{
    memset(spans, 0, (size_t)graph->n_blobs * sizeof *spans);
    spans[g->output] = output;
    tw_geometry_close(graph, g, axis, lengths, spans);
}

/* ---- owned intervals ---- */

/* from: closure of [output, end); all: closure of the whole output. */
static int64_t owned_from(const tw_graph *graph, const tw_geometry *g, int blob, const int64_t *lengths, int64_t output,
                          const tw_span *from, const tw_span *all)
{
    int64_t n_out = lengths[g->output], n = lengths[blob];
    if (output <= 0)
        return 0;
    if (output >= n_out)
        return n;
    int seen = tw_graph_unsplit(graph, blob); /* a barrier often hangs on its own arm of a Split */
    if (all[seen].hi > all[seen].lo)
        return from[seen].hi > from[seen].lo ? from[seen].lo : n;
    return tw_clamp64((int64_t)((double)output / (double)n_out * (double)n), 0, n); /* the output does not read it at all */
}

int64_t tw_geometry_owned_from(const tw_graph *graph, const tw_geometry *geometry, int blob, int axis, int64_t n,
                               int64_t output)
{
    int64_t *lengths = g_new(int64_t, graph->n_blobs), result = 0;
    tw_span *from = g_new(tw_span, graph->n_blobs), *all = g_new(tw_span, graph->n_blobs);
    if (tw_geometry_lengths(graph, geometry, axis, n, lengths, NULL)) {
        int64_t n_out = lengths[geometry->output];
        close_from(graph, geometry, axis, lengths, (tw_span){tw_clamp64(output, 0, n_out), n_out}, from);
        close_from(graph, geometry, axis, lengths, (tw_span){0, n_out}, all);
        result = owned_from(graph, geometry, blob, lengths, output, from, all);
    }
    g_free(lengths);
    g_free(from);
    g_free(all);
    return result;
}

/* Adds to spans[] what the core owns of each barrier's input. */
static void want_owned(const tw_graph *graph, const tw_geometry *g, int axis, const int64_t *lengths, tw_span output,
                       tw_span *spans)
{
    int64_t n_out = lengths[g->output];
    tw_span *from = g_new(tw_span, graph->n_blobs), *to = g_new(tw_span, graph->n_blobs), *all = g_new(tw_span, graph->n_blobs);
    close_from(graph, g, axis, lengths, (tw_span){output.lo, n_out}, from);
    close_from(graph, g, axis, lengths, (tw_span){output.hi, n_out}, to);
    close_from(graph, g, axis, lengths, (tw_span){0, n_out}, all);
    for (int i = 0; i < g->n_barriers; i++) {
        int blob = g->barriers[i].input_blob;
        tw_span own = {owned_from(graph, g, blob, lengths, output.lo, from, all),
                       owned_from(graph, g, blob, lengths, output.hi, to, all)};
        if (g->barriers[i].kind != TW_BARRIER_OTHER)
            spans[blob] = tw_span_join(spans[blob], own);
    }
    g_free(from);
    g_free(to);
    g_free(all);
}

/* ---- public questions ---- */

int64_t tw_geometry_length(const tw_graph *graph, const tw_geometry *geometry, int blob, int axis, int64_t n)
{
    int64_t *lengths = g_new(int64_t, graph->n_blobs);
    int64_t length = tw_geometry_lengths(graph, geometry, axis, n, lengths, NULL) ? lengths[blob] : 0;
    g_free(lengths);
    return length;
}

/* How many input samples more a run on just `tile` needs at either end so that its blobs hold spans[]. Such a run's blobs begin
 * with the sample that stands at the tile's first one, and end where the tile lets them: a crop inside the net takes its share
 * from the tile's ends, where the whole run loses it at the picture's. */
static tw_span missing(const tw_graph *graph, const tw_geometry *g, int axis, int64_t n, tw_span tile, const tw_span *spans,
                       int64_t *lengths)
{
    tw_span more = {0, 0};
    if (!tw_geometry_lengths(graph, g, axis, tile.hi - tile.lo, lengths, NULL))
        return (tw_span){tile.lo > 0 ? g->align : 0, tile.hi < n ? g->align : 0};
    for (int i = 0; i < graph->n_blobs; i++) {
        if (spans[i].hi <= spans[i].lo)
            continue;
        tw_ratio rate = axis ? g->blobs[i].rate_y : g->blobs[i].rate;
        int64_t first = tile.lo / rate.den * rate.num, end = first + lengths[i];
        if (first > spans[i].lo)
            more.lo = tw_max64(more.lo, tw_ceil_div((first - spans[i].lo) * rate.den, rate.num));
        if (end < spans[i].hi && tile.hi < n)
            more.hi = tw_max64(more.hi, tw_ceil_div((spans[i].hi - end) * rate.den, rate.num));
    }
    return more;
}

static tw_span to_grid(tw_span in, int64_t align, int64_t n)
{
    return (tw_span){in.lo / align * align, tw_min64(tw_ceil_div(in.hi, align) * align, n)};
}

tw_span tw_geometry_need_in(const tw_graph *graph, const tw_geometry *g, int axis, const int64_t *lengths, tw_span output,
                            tw_span *spans, int64_t *room)
{
    int64_t n = lengths[g->input];
    tw_span input = {0, 0};
    output.lo = tw_max64(output.lo, 0);
    output.hi = tw_min64(output.hi, lengths[g->output]);
    memset(spans, 0, (size_t)graph->n_blobs * sizeof *spans);
    if (output.hi <= output.lo)
        return input;
    if (g->n_barriers > 0)
        want_owned(graph, g, axis, lengths, output, spans);
    spans[g->output] = tw_span_join(spans[g->output], output);
    tw_geometry_close(graph, g, axis, lengths, spans);
    for (int i = 0; i < g->n_inputs; i++)
        input = tw_span_join(input, spans[g->inputs[i]]);
    if (input.hi <= input.lo) { /* an output made of padding alone still needs a tile to lie in */
        tw_ratio scale = axis ? g->blobs[g->output].rate_y : g->blobs[g->output].rate;
        input.lo = tw_clamp64(output.lo * scale.den / scale.num, 0, n - 1);
        input.hi = input.lo + 1;
    }
    for (int tries = 0; tries < 100; tries++) {
        tw_span tile = to_grid(input, g->align, n), more = missing(graph, g, axis, n, tile, spans, room);
        if (more.lo <= 0 && more.hi <= 0)
            return input;
        if (more.lo > 0)
            input.lo = tw_max64(tile.lo - more.lo, 0);
        if (more.hi > 0)
            input.hi = tw_min64(tile.hi + more.hi, n);
        if (input.lo == 0 && input.hi == n)
            return input;
    }
    return (tw_span){0, n};
}

tw_span tw_geometry_need(const tw_graph *graph, const tw_geometry *geometry, int axis, int64_t n, tw_span output)
{
    int64_t *lengths = g_new(int64_t, graph->n_blobs), *room = g_new(int64_t, graph->n_blobs);
    tw_span *spans = g_new(tw_span, graph->n_blobs), input = {0, 0};
    if (tw_geometry_lengths(graph, geometry, axis, n, lengths, NULL))
        input = tw_geometry_need_in(graph, geometry, axis, lengths, output, spans, room);
    g_free(lengths);
    g_free(room);
    g_free(spans);
    return input;
}
