/* SPDX-License-Identifier: MIT */
/* Where windows stand and what they read: frontiers of all blobs, windows of all layers, and the walk over a canvas. */
#include "model/carry.h"

#include <glib.h>
#include <string.h>

#include "model/layers.h"
#include "model/rewrite.h"
#include "model/workspace.h"

/* A place so far in that nothing sees a border, and a multiple of every align. */
static const int64_t far_in = (int64_t)1 << 40;

static int64_t middle(const tw_geometry *g)
{
    return far_in / (12 * g->align) * (12 * g->align);
}

static tw_ratio rate_of(const tw_geometry *g, int blob, int axis)
{
    return axis ? g->blobs[blob].rate_y : g->blobs[blob].rate;
}

/* Not clipped to the blob. `cut` is a multiple of align. */
static int64_t frontier(const tw_carry *c, int blob, int axis, int64_t cut)
{
    tw_ratio rate = rate_of(c->geometry, blob, axis);
    return cut / rate.den * rate.num - c->lag[axis][blob];
}

/* ---- frontiers ---- */

tw_map tw_carry_map(const tw_carry *c, int layer, int input, int axis)
{
    return tw_map_at(tw_layer_map(c->geometry, c->graph, layer, input, axis), middle(c->geometry));
}

/* How far the outputs have come when the input has come to f. Where a border shows samples of the picture, the first outputs wait
 * for those. */
static int64_t front_of(const tw_map *map, int64_t f)
{
    if (map->kind == TW_MAP_RESIZE) /* its windows end where its ratio has a common sample */
        return tw_map_front(map, tw_floor_div(f, map->down) * map->down);
    int64_t front = tw_map_front(map, f);
    if (map->kind != TW_MAP_WINDOW || map->edge == TW_EDGE_ZERO || map->pad <= 0)
        return front;
    return tw_min64(front, map->edge == TW_EDGE_REFLECT ? f - map->pad : f);
}

static int64_t layer_front(const tw_carry *c, int layer, int axis)
{
    const tw_layer *l = &c->graph->layers[layer];
    int64_t front = INT64_MAX;
    for (int i = 0; i < l->n_inputs; i++) {
        tw_map map = tw_carry_map(c, layer, i, axis);
        if (map.kind != TW_MAP_NONE)
            front = tw_min64(front, front_of(&map, frontier(c, l->inputs[i], axis, middle(c->geometry))));
    }
    return front;
}

/* The block of outputs that must not be cut; 1: any cut does. */
static int64_t block_of(const tw_carry *c, int layer)
{
    const tw_layer *l = &c->graph->layers[layer];
    if (c->geometry->canvas[0] == 0 || strcmp(l->type, "Convolution"))
        return 1;
    tw_kernel kernel = tw_kernel_of(l, c->geometry->blobs[l->inputs[0]].channels);
    return tw_max64(tw_work_winograd_side(&kernel), 1);
}

static void find_lags(tw_carry *c)
{
    c->align = c->geometry->align;
    for (int i = 0; i < c->graph->n_layers; i++) {
        const tw_layer *l = &c->graph->layers[i];
        for (int axis = 0; axis < 2 && c->geometry->reach[i].spatial && l->n_inputs > 0; axis++) {
            int64_t block = block_of(c, i), front = tw_floor_div(layer_front(c, i, axis), block) * block;
            if (block > 1)
                c->align = 12 * c->geometry->align;
            for (int k = 0; k < l->n_outputs; k++) {
                tw_ratio rate = rate_of(c->geometry, l->outputs[k], axis);
                /* what paddings let come early waits, else first steps were larger than the others */
                c->lag[axis][l->outputs[k]] = tw_max64(middle(c->geometry) / rate.den * rate.num - front, 0);
            }
        }
    }
}

/* The window that a layer of the rewritten net looks through; -1: none. */
static int window_of(const tw_layer *l)
{
    if (!strcmp(l->type, "TwWindow"))
        return tw_layer_int(l, 0, 0);
    return strcmp(l->type, "TwConvolution") ? -1 : tw_layer_int(l, 21, -1);
}

static void find_layers(tw_carry *c)
{
    c->layer_of = g_new(int, c->n_windows + 1);
    for (int i = 0; i < c->net->n_layers; i++)
        if (window_of(&c->net->layers[i]) >= 0)
            c->layer_of[window_of(&c->net->layers[i])] = i;
}

static void find_work(tw_carry *c)
{
    double sum = 0;
    c->macs = g_new0(double, c->net->n_layers);
    for (int i = 0; i < c->net->n_layers; i++) {
        const tw_layer *l = &c->net->layers[i];
        bool transposed = g_str_has_prefix(l->type, "Deconvolution");
        if (!transposed && !g_str_has_prefix(l->type, "Convolution") && strcmp(l->type, "TwConvolution"))
            continue;
        int blob = transposed ? l->inputs[0] : l->outputs[0];
        int64_t tile = 64 * c->geometry->align;
        double area = (double)tw_carry_extent(c, blob, 0, tile) * (double)tw_carry_extent(c, blob, 1, tile);
        c->macs[i] = area * tw_layer_real(l, 6, 0);
        sum += c->macs[i];
    }
    for (int i = 0; i < c->net->n_layers && sum > 0; i++)
        c->macs[i] /= sum;
}

tw_status tw_carry_of(const tw_graph *graph, const tw_geometry *geometry, const char *text, const char *label, bool plain,
                      tw_carry **out, tw_error *err)
{
    *out = NULL;
    if (!geometry->exact)
        return tw_fail(err, TW_ERROR_USAGE, "%s cannot be carried: %s", label, geometry->why_inexact);
    if (geometry->n_barriers > TW_MAX_BARRIERS)
        return tw_fail(err, TW_ERROR_USAGE, "%s cannot be carried: %d whole-picture layers, at most %d are handled", label,
                       geometry->n_barriers, TW_MAX_BARRIERS);
    tw_carry *c = g_new0(tw_carry, 1);
    c->graph = graph;
    c->geometry = geometry;
    c->plain = plain;
    c->hoisted = g_new(int, graph->n_blobs);
    for (int i = 0; i < graph->n_blobs; i++)
        c->hoisted[i] = -1;
    for (int axis = 0; axis < 2; axis++) {
        c->lag[axis] = g_new0(int64_t, graph->n_blobs);
        c->dummy[axis] = g_new(int, graph->n_blobs);
        for (int i = 0; i < graph->n_blobs; i++)
            c->dummy[axis][i] = 1;
    }
    find_lags(c);
    tw_status status = tw_carry_rewrite(c, text, label, err);
    if (status == TW_OK)
        status = tw_graph_parse(c->text, strlen(c->text), label, &c->net, err);
    if (status == TW_OK) {
        find_layers(c);
        find_work(c);
        *out = c;
    } else {
        tw_carry_free(c);
    }
    return status;
}

void tw_carry_free(tw_carry *c)
{
    if (!c)
        return;
    tw_graph_free(c->net);
    for (int axis = 0; axis < 2; axis++) {
        g_free(c->lag[axis]);
        g_free(c->dummy[axis]);
    }
    g_free(c->hoisted);
    g_free(c->macs);
    g_free(c->windows);
    g_free(c->layer_of);
    g_free(c->text);
    g_free(c);
}

/* ---- windows ---- */

/* What outputs [out.lo, out.hi) are computed from. A resize starts and ends where its ratio has a common sample. */
static tw_span reads(const tw_map *map, tw_span out, int64_t n_in)
{
    if (map->kind == TW_MAP_WINDOW) /* places, not what lies behind them: a mirror shows samples farther in */
        return (tw_span){out.lo * map->stride - map->pad, (out.hi - 1) * map->stride - map->pad + map->extent};
    tw_span span = {tw_map_lo(map, out.lo, n_in), tw_map_hi(map, out.hi - 1, n_in)};
    if (map->kind == TW_MAP_RESIZE) { /* it repeats the border sample by itself, but there alone */
        span.lo = tw_floor_div(tw_max64(span.lo, 0), map->down) * map->down;
        span.hi = tw_min64(tw_ceil_div(span.hi, map->down) * map->down, n_in);
    } else if (map->kind == TW_MAP_TRANSPOSED) {
        span.lo = tw_max64(span.lo, 0);
        span.hi = tw_min64(span.hi, n_in);
    }
    return span;
}

/* Output sample that the first sample of the window's result is. */
static int64_t result_from(const tw_map *map, tw_span window)
{
    return map->kind == TW_MAP_TRANSPOSED ? window.lo * map->stride - map->pad : window.lo / map->down * map->up;
}

static int64_t result_length(const tw_map *map, int64_t n)
{
    return map->kind == TW_MAP_TRANSPOSED ? (n - 1) * map->stride + map->extent : n * map->up / map->down;
}

/* The first sample that an output from `next` on reads; at least the border sample where borders are repeated. */
static int64_t still_read(const tw_map *map, int64_t next, int64_t n_in)
{
    int64_t lo = tw_map_lo(map, next, n_in), most = n_in - (map->edge != TW_EDGE_ZERO || map->kind == TW_MAP_RESIZE);
    if (map->kind == TW_MAP_RESIZE)
        lo = tw_floor_div(lo, map->down) * map->down;
    return tw_clamp64(lo, 0, most);
}

/* Samples that window `w` wants kept in front of the frontier, anywhere in a large picture. */
static int64_t keeps(const tw_carry *c, const tw_carry_window *w, int axis)
{
    const tw_map *map = &w->map[axis];
    int64_t at = middle(c->geometry), lo = tw_map_lo(map, frontier(c, w->out, axis, at), INT64_MAX / 4);
    int64_t rest = map->edge == TW_EDGE_ZERO && map->kind != TW_MAP_RESIZE ? 0 : 1 + tw_max64(map->pad_end, 0);
    if (map->kind == TW_MAP_RESIZE)
        lo = tw_floor_div(lo, map->down) * map->down;
    return tw_max64(tw_max64(frontier(c, w->blob, axis, at) - lo, 0), rest);
}

/* ---- the walk ---- */

/* Marks what is run for the targets: layers of the rewritten net, from the back. */
static void find_active(tw_carry_walk *walk, int n_targets, const int *targets, int n_sources, const int *sources)
{
    const tw_carry *c = walk->carry;
    bool *wanted = g_new0(bool, c->net->n_blobs);
    for (int i = 0; i < n_targets; i++)
        wanted[tw_graph_blob(c->net, c->graph->blobs[targets[i]].name)] = true;
    for (int i = c->net->n_layers - 1; i >= 0; i--) {
        const tw_layer *l = &c->net->layers[i];
        bool run = false;
        for (int k = 0; k < l->n_outputs; k++)
            run |= wanted[l->outputs[k]];
        for (int s = 0; s < n_sources && run; s++)
            for (int k = 0; k < l->n_outputs; k++)
                run &= strcmp(c->net->blobs[l->outputs[k]].name, c->graph->blobs[sources[s]].name) != 0;
        if (!run)
            continue;
        walk->work += c->macs[i];
        walk->layers++;
        if (window_of(l) >= 0)
            walk->active[window_of(l)] = true;
        for (int k = 0; k < l->n_inputs; k++)
            wanted[l->inputs[k]] = true;
    }
    g_free(wanted);
}

/* The windows that read each kept blob, as one list cut into parts. */
static void list_readers(tw_carry_walk *walk)
{
    const tw_carry *c = walk->carry;
    walk->readers = g_new(int, c->n_windows + 1);
    int n = 0;
    for (int k = 0; k < walk->n_kept; k++) {
        walk->kept[k].first_reader = n;
        n += walk->kept[k].n_readers;
        walk->kept[k].n_readers = 0;
    }
    for (int i = 0; i < c->n_windows; i++) {
        if (!walk->active[i] || c->windows[i].cuts)
            continue;
        tw_carry_kept *kept = &walk->kept[walk->kept_of[c->windows[i].blob]];
        walk->readers[kept->first_reader + kept->n_readers++] = i;
    }
}

static void find_kept(tw_carry_walk *walk)
{
    const tw_carry *c = walk->carry;
    walk->kept = g_new0(tw_carry_kept, c->n_windows + 1);
    walk->kept_of = g_new(int, c->graph->n_blobs);
    for (int i = 0; i < c->graph->n_blobs; i++)
        walk->kept_of[i] = -1;
    for (int i = 0; i < c->n_windows; i++) {
        const tw_carry_window *w = &c->windows[i];
        if (!walk->active[i] || w->cuts)
            continue;
        int *k = &walk->kept_of[w->blob];
        if (*k < 0) {
            *k = walk->n_kept++;
            walk->kept[*k] = (tw_carry_kept){.blob = w->blob, .channels = c->geometry->blobs[w->blob].channels};
        }
        walk->kept[*k].n_readers++;
        for (int axis = 0; axis < 2; axis++) {
            int64_t most = tw_min64(keeps(c, w, axis), walk->length[axis][w->blob]);
            walk->kept[*k].keep[axis] = tw_max64(walk->kept[*k].keep[axis], most);
        }
    }
    list_readers(walk);
}

static int64_t steps_for(const tw_carry_walk *walk, int blob, int axis)
{
    tw_ratio rate = rate_of(walk->carry->geometry, blob, axis);
    int64_t per_step = walk->tile[axis] / rate.den * rate.num;
    return tw_ceil_div(walk->length[axis][blob] + walk->carry->lag[axis][blob], per_step);
}

/* An average over a window that hangs over the end is divided by what lies inside: no fill does that. */
static tw_status check_ends(const tw_carry_walk *walk, tw_error *err)
{
    const tw_carry *c = walk->carry;
    for (int i = 0; i < c->n_windows; i++)
        for (int axis = 0; axis < 2; axis++) {
            const tw_carry_window *w = &c->windows[i];
            const tw_map *m = &w->map[axis];
            const tw_layer *l = &c->graph->layers[c->graph->blobs[w->out].producer];
            int64_t n = walk->length[axis][w->blob];
            if (m->round_up && tw_layer_int(l, 0, 0) == 1 && (n + m->pad + m->pad_end - m->extent) % m->stride)
                return tw_fail(err, TW_ERROR_USAGE, "layer %s: the averages at the end of %lld samples cannot be carried",
                               l->name, (long long)n);
        }
    return TW_OK;
}

tw_status tw_carry_walk_new(const tw_carry *carry, const int64_t canvas[2], const int64_t tile[2], int n_targets,
                            const int *targets, int n_sources, const int *sources, tw_carry_walk **out, tw_error *err)
{
    tw_carry_walk *walk = g_new0(tw_carry_walk, 1);
    bool fits = true;
    *out = NULL;
    walk->carry = carry;
    walk->active = g_new0(bool, carry->n_windows + 1);
    for (int axis = 0; axis < 2; axis++) {
        bool agree = false;
        walk->tile[axis] = tile[axis];
        walk->length[axis] = g_new0(int64_t, carry->graph->n_blobs);
        fits &= tw_geometry_lengths(carry->graph, carry->geometry, axis, canvas[axis], walk->length[axis], &agree) && agree;
    }
    tw_status status = fits ? check_ends(walk, err)
                            : tw_fail(err, TW_ERROR_USAGE, "the net is not defined for a canvas of %lldx%lld",
                                      (long long)canvas[0], (long long)canvas[1]);
    if (status != TW_OK) {
        tw_carry_walk_free(walk);
        return status;
    }
    find_active(walk, n_targets, targets, n_sources, sources);
    find_kept(walk);
    for (int axis = 0; axis < 2; axis++)
        for (int i = 0; i < n_targets; i++)
            walk->steps[axis] = tw_max64(walk->steps[axis], steps_for(walk, targets[i], axis));
    *out = walk;
    return TW_OK;
}

void tw_carry_walk_free(tw_carry_walk *walk)
{
    if (!walk)
        return;
    g_free(walk->length[0]);
    g_free(walk->length[1]);
    g_free(walk->active);
    g_free(walk->kept);
    g_free(walk->readers);
    g_free(walk->kept_of);
    g_free(walk);
}

/* How much of the blob there is when `step` begins. */
static int64_t reached(const tw_carry_walk *walk, int blob, int axis, int64_t step)
{
    if (step <= 0)
        return 0;
    return tw_clamp64(frontier(walk->carry, blob, axis, step * walk->tile[axis]), 0, walk->length[axis][blob]);
}

tw_span tw_carry_new(const tw_carry_walk *walk, int blob, int axis, int64_t step)
{
    return (tw_span){reached(walk, blob, axis, step), reached(walk, blob, axis, step + 1)};
}

tw_span tw_carry_window_span(const tw_carry_walk *walk, int window, int axis, int64_t step)
{
    const tw_carry_window *w = &walk->carry->windows[window];
    tw_span out = tw_carry_new(walk, w->out, axis, step);
    if (out.hi <= out.lo)
        return (tw_span){0, 0};
    tw_span span = reads(&w->map[axis], out, walk->length[axis][w->blob]);
    if (!w->cuts)
        return span;
    int64_t from = result_from(&w->map[axis], span);
    return (tw_span){out.lo - from, out.hi - from};
}

tw_span tw_carry_kept_span(const tw_carry_walk *walk, int k, int axis, int64_t step)
{
    const tw_carry *c = walk->carry;
    const tw_carry_kept *kept = &walk->kept[k];
    int blob = kept->blob;
    int64_t hi = reached(walk, blob, axis, step), lo = hi;
    for (int i = 0; i < kept->n_readers; i++) {
        const tw_carry_window *w = &c->windows[walk->readers[kept->first_reader + i]];
        int64_t next = reached(walk, w->out, axis, step);
        if (next < walk->length[axis][w->out])
            lo = tw_min64(lo, still_read(&w->map[axis], next, walk->length[axis][blob]));
    }
    return (tw_span){lo, hi};
}

/* ---- sizes ---- */

int64_t tw_carry_row_floats(const tw_carry_walk *walk, int64_t step)
{
    int64_t floats = 0;
    for (int k = 0; k < walk->n_kept; k++) {
        tw_span x = tw_carry_new(walk, walk->kept[k].blob, 0, step);
        floats += (x.hi - x.lo) * walk->kept[k].keep[1] * walk->kept[k].channels;
    }
    return floats;
}

int64_t tw_carry_column_floats(const tw_carry_walk *walk)
{
    int64_t floats = 0;
    for (int k = 0; k < walk->n_kept; k++) {
        const tw_carry_kept *kept = &walk->kept[k];
        tw_ratio rate = rate_of(walk->carry->geometry, kept->blob, 1);
        int64_t rows = kept->keep[1] + walk->tile[1] / rate.den * rate.num;
        floats += tw_min64(rows, walk->length[1][kept->blob]) * kept->keep[0] * kept->channels;
    }
    return floats;
}

void tw_carry_rows_floats(const tw_carry_walk *walk, int64_t *largest, int64_t *sum)
{
    *largest = *sum = 0;
    for (int k = 0; k < walk->n_kept; k++) {
        const tw_carry_kept *kept = &walk->kept[k];
        tw_ratio rate = rate_of(walk->carry->geometry, kept->blob, 0);
        int64_t length = walk->length[0][kept->blob], rows = kept->keep[1] * kept->channels;
        *sum += length * rows;
        *largest += tw_min64(walk->tile[0] / rate.den * rate.num, length) * rows;
    }
}

static int64_t window_extent(const tw_carry *c, const tw_carry_window *w, int axis, int64_t tile)
{
    int64_t at = middle(c->geometry);
    tw_span out = {frontier(c, w->out, axis, at), frontier(c, w->out, axis, at + tile)};
    tw_span span = reads(&w->map[axis], out, INT64_MAX / 4);
    return tw_max64(span.hi - span.lo, w->dummy[axis]);
}

int64_t tw_carry_extent(const tw_carry *c, int blob, int axis, int64_t tile)
{
    const tw_layer *maker = &c->net->layers[c->net->blobs[blob].producer];
    int original = tw_graph_blob(c->graph, c->net->blobs[blob].name);
    if (!strcmp(maker->type, "TwWindow") && !c->windows[tw_layer_int(maker, 0, 0)].cuts)
        return window_extent(c, &c->windows[tw_layer_int(maker, 0, 0)], axis, tile);
    if (original < 0) { /* before a cut */
        const tw_layer *window = &c->net->layers[c->net->blobs[maker->inputs[0]].producer];
        const tw_carry_window *w = &c->windows[tw_layer_int(window, 0, 0)];
        return result_length(&w->map[axis], window_extent(c, w, axis, tile));
    }
    if (c->hoisted[original] >= 0)
        return window_extent(c, &c->windows[c->hoisted[original]], axis, tile);
    if (!c->geometry->blobs[original].spatial)
        return 1;
    tw_ratio rate = rate_of(c->geometry, original, axis);
    return tw_max64(tile / rate.den * rate.num, c->dummy[axis][original]);
}

int tw_carry_channels(const tw_carry *c, int blob)
{
    int original = tw_graph_blob(c->graph, c->net->blobs[blob].name);
    const tw_layer *maker = &c->net->layers[c->net->blobs[blob].producer];
    if (original >= 0)
        return c->geometry->blobs[original].channels;
    if (!strcmp(maker->type, "TwWindow"))
        return c->geometry->blobs[c->windows[tw_layer_int(maker, 0, 0)].blob].channels;
    maker = &c->net->layers[c->net->blobs[maker->inputs[0]].producer]; /* in front of a cut */
    return c->geometry->blobs[c->windows[tw_layer_int(maker, 0, 0)].out].channels;
}
