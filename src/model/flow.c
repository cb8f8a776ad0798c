/* SPDX-License-Identifier: MIT */
#include "model/flow.h"

#include <glib.h>
#include <string.h>

#include "model/layers.h"
#include "model/memory.h"
#include "model/packing.h"
#include "model/workspace.h"

#define MOST_KNOWN 16384 /* 1.3 MB; a plan asks for some hundreds */

void tw_flow_free(tw_flow *flow)
{
    if (!flow)
        return;
    g_free(flow->text);
    tw_geometry_free(flow->geometry);
    tw_graph_free(flow->net);
    tw_memo_free(flow->known);
    g_free(flow);
}

static bool is_warp(const tw_layer *l)
{
    return tw_type_listed(l->type, "rife.Warp Warp");
}

static bool is_convolution(const tw_layer *l)
{
    return !strncmp(l->type, "Convolution", 11) || !strncmp(l->type, "Deconvolution", 13);
}

/* ---- which blobs ---- */

static int place_of(const tw_flow *flow, int blob)
{
    for (int i = 0; i < flow->n_blobs; i++)
        if (flow->blobs[i].blob == blob)
            return i;
    return -1;
}

static bool add(tw_flow *flow, int blob, bool sampled)
{
    int place = place_of(flow, blob);
    if (place < 0 && flow->n_blobs == TW_FLOW_BLOBS)
        return false;
    if (place < 0)
        flow->blobs[place = flow->n_blobs++] = (tw_flow_blob){.blob = blob, .made = -1, .last = -1};
    flow->blobs[place].sampled |= sampled;
    return true;
}

static int64_t compare_rates(tw_ratio a, tw_ratio b)
{
    return a.num * b.den - b.num * a.den;
}

/* What the layer hands on, or -1. */
static int cut_of(const tw_graph *graph, const tw_geometry *g, const tw_layer *l)
{
    if (strcmp(l->type, "Interp") != 0 || !g->blobs[l->inputs[0]].spatial)
        return -1;
    int64_t growth = compare_rates(g->blobs[l->outputs[0]].rate, g->blobs[l->inputs[0]].rate);
    return growth > 0 ? tw_graph_unsplit(graph, l->inputs[0]) : growth < 0 ? l->outputs[0] : -1;
}

/* An Interp of what is everywhere the same gives the same. */
static bool is_time(const tw_flow *flow, const tw_graph *graph, const tw_layer *l)
{
    int kind = tw_layer_int(l, 0, 0), place = l->n_inputs == 1 ? place_of(flow, tw_graph_unsplit(graph, l->inputs[0])) : -1;
    return strcmp(l->type, "Interp") == 0 && (kind == 1 || kind == 2) && place >= 0 && flow->blobs[place].time;
}

static const tw_layer *producer(const tw_graph *graph, int blob, const char *type)
{
    const tw_layer *l = &graph->layers[graph->blobs[tw_graph_unsplit(graph, blob)].producer];
    return strcmp(l->type, type) == 0 || (is_warp(l) && strcmp(type, "Warp") == 0) ? l : NULL;
}

static bool is_binary(const tw_layer *l, int operation, int inputs)
{
    return l && tw_layer_int(l, 0, 0) == operation && l->n_inputs == inputs;
}

/* One side of the sum: a frame, warped, times its share. */
static bool find_side(const tw_graph *graph, const tw_geometry *g, int blob, int flows[2], int shares[2])
{
    const tw_layer *times = producer(graph, blob, "BinaryOp");
    if (!is_binary(times, 2, 2))
        return false;
    for (int i = 0; i < 2; i++) {
        const tw_layer *warp = producer(graph, times->inputs[i], "Warp");
        for (int frame = 0; warp && frame < 2; frame++)
            if (tw_graph_unsplit(graph, warp->inputs[0]) == g->inputs[frame]) {
                flows[frame] = tw_graph_unsplit(graph, warp->inputs[1]);
                shares[frame] = tw_graph_unsplit(graph, times->inputs[1 - i]);
                return true;
            }
    }
    return false;
}

/* warp(a) * share + warp(b) * (1 - share) */
static bool find_ending(const tw_graph *graph, const tw_geometry *g, int blobs[3])
{
    const tw_layer *sum = producer(graph, g->output, "BinaryOp");
    int flows[2] = {-1, -1}, shares[2] = {-1, -1};
    if (!is_binary(sum, 0, 2) || !find_side(graph, g, sum->inputs[0], flows, shares) ||
        !find_side(graph, g, sum->inputs[1], flows, shares) || flows[0] < 0 || flows[1] < 0)
        return false;
    const tw_layer *rest = producer(graph, shares[1], "BinaryOp");
    if (!is_binary(rest, 7, 1) || tw_layer_real(rest, 2, 0) != 1 || tw_graph_unsplit(graph, rest->inputs[0]) != shares[0])
        return false;
    blobs[0] = flows[0], blobs[1] = flows[1], blobs[2] = shares[0];
    return g->blobs[blobs[0]].channels == 2 && g->blobs[blobs[1]].channels == 2 && g->blobs[blobs[2]].channels == 1;
}

/* What the last stage leaves: the result, or what it is made of. */
static tw_status add_end(tw_flow *flow, const tw_graph *graph, const tw_geometry *g, const char *label, bool ends, bool *room,
                         tw_error *err)
{
    int blobs[3] = {g->output}, n = ends ? 3 : 1;
    if (ends && !find_ending(graph, g, blobs))
        return tw_fail(err, TW_ERROR_USAGE, "%s does not end in two warped frames and their shares", label);
    flow->output = ends ? -1 : flow->n_blobs;
    for (int i = 0; i < n && *room; i++) {
        flow->ending[i] = flow->n_blobs;
        *room = place_of(flow, blobs[i]) < 0 && add(flow, blobs[i], false);
    }
    return TW_OK;
}

/* What the flow is picked out of or a multiple of. */
static int origin(const tw_graph *graph, int flow)
{
    for (int blob = tw_graph_unsplit(graph, flow);;) {
        const tw_layer *l = &graph->layers[graph->blobs[blob].producer];
        if (l->n_inputs != 1 || (strcmp(l->type, "Crop") != 0 && strcmp(l->type, "BinaryOp") != 0))
            return blob;
        blob = tw_graph_unsplit(graph, l->inputs[0]);
    }
}

/* Whether a convolution lies between the blob and what earlier stages leave. */
static bool estimated_here(const tw_flow *flow, const tw_graph *graph, int blob)
{
    bool *wanted = g_new0(bool, graph->n_blobs), found = false;
    wanted[blob] = true;
    for (int i = graph->blobs[blob].producer; i >= 0 && !found; i--) {
        const tw_layer *l = &graph->layers[i];
        bool run = false;
        for (int k = 0; k < l->n_outputs; k++)
            run = run || (wanted[l->outputs[k]] && place_of(flow, l->outputs[k]) < 0);
        found = run && is_convolution(l);
        for (int k = 0; k < l->n_inputs && run; k++)
            wanted[l->inputs[k]] = true;
    }
    g_free(wanted);
    return found;
}

/* Whether another estimate is made of what the layer gives. */
static bool estimated_on(const tw_graph *graph, const tw_layer *from)
{
    bool *reached = g_new0(bool, graph->n_blobs), found = false;
    reached[from->outputs[0]] = true;
    for (int i = (int)(from - graph->layers) + 1; i < graph->n_layers && !found; i++) {
        const tw_layer *l = &graph->layers[i];
        bool reads = false;
        for (int k = 0; k < l->n_inputs; k++)
            reads = reads || reached[l->inputs[k]];
        found = reads && is_convolution(l);
        for (int k = 0; k < l->n_outputs && reads; k++)
            reached[l->outputs[k]] = true;
    }
    g_free(reached);
    return found;
}

/* What a Warp samples, and what its flow comes from where one stage would make that and the estimate behind it. */
static bool add_warp(tw_flow *flow, const tw_graph *graph, const tw_layer *l)
{
    int known = origin(graph, l->inputs[1]);
    if (!add(flow, tw_graph_unsplit(graph, l->inputs[0]), true))
        return false;
    return !estimated_on(graph, l) || !estimated_here(flow, graph, known) || add(flow, known, false);
}

static bool add_layer(tw_flow *flow, const tw_graph *graph, const tw_geometry *g, const tw_layer *l)
{
    int cut = cut_of(graph, g, l);
    if (is_warp(l))
        return add_warp(flow, graph, l);
    if (is_time(flow, graph, l)) {
        if (!add(flow, l->outputs[0], false))
            return false;
        flow->blobs[place_of(flow, l->outputs[0])].time = true;
        return true;
    }
    return cut < 0 || add(flow, cut, false);
}

static tw_status find_blobs(tw_flow *flow, const tw_graph *graph, const tw_geometry *g, const char *label, bool ends,
                            tw_error *err)
{
    bool room = true;
    for (int i = 0; i < g->n_inputs; i++)
        room = room && add(flow, g->inputs[i], false);
    flow->n_inputs = flow->n_blobs;
    flow->blobs[2].time = flow->n_inputs > 2;
    for (int i = 0; i < graph->n_layers && room; i++)
        room = add_layer(flow, graph, g, &graph->layers[i]);
    TW_TRY(add_end(flow, graph, g, label, ends, &room, err));
    if (!room)
        return tw_fail(err, TW_ERROR_USAGE, "%s: more than %d blobs between stages", label, TW_FLOW_BLOBS);
    for (int i = 0; i < flow->n_blobs; i++) {
        const tw_flow_blob *own = &flow->blobs[i];
        const tw_blob_geometry *b = &g->blobs[own->blob];
        if (!b->spatial || b->channels < 1 || compare_rates(b->rate, b->rate_y) != 0 || (own->time && own->sampled))
            return tw_fail(err, TW_ERROR_USAGE, "%s: blob %.80s is no picture that stages could hand on", label,
                           graph->blobs[own->blob].name);
    }
    return TW_OK;
}

/* ---- the text ---- */

static const char *next_line(const char **at)
{
    *at += strspn(*at, " \t\r\n\v\f");
    const char *line = *at;
    *at += strcspn(*at, "\n");
    return line;
}

/* Blobs and weights stay what and where they are; Warps lose the input that they sample. */
static char *rewrite(const tw_flow *flow, const tw_graph *graph, const tw_geometry *g, const char *text)
{
    GString *out = g_string_new("7767517\n");
    const char *at = text;
    next_line(&at);
    next_line(&at);
    g_string_append_printf(out, "%d %d\n", graph->n_layers, graph->n_blobs);
    for (int i = 0; i < graph->n_layers; i++) {
        const tw_layer *l = &graph->layers[i];
        const char *line = next_line(&at);
        if (!is_warp(l)) {
            g_string_append_len(out, line, at - line);
        } else {
            int source = place_of(flow, tw_graph_unsplit(graph, l->inputs[0]));
            g_string_append_printf(out, "TwWarp tw:%d:%.200s 1 1 %s %s 0=%d", source, l->name, graph->blobs[l->inputs[1]].name,
                                   graph->blobs[l->outputs[0]].name, g->blobs[l->outputs[0]].channels);
        }
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

/* ---- stages ---- */

static int source_of(const tw_layer *l)
{
    return strcmp(l->type, "TwWarp") ? -1 : (int)g_ascii_strtoll(l->name + strlen("tw:"), NULL, 10);
}

/* A blob belongs to the first stage at whose beginning everything is there that it is made of. */
static void find_levels(tw_flow *flow, int *level)
{
    const tw_graph *net = flow->net;
    for (int i = 0; i < net->n_layers; i++) {
        const tw_layer *l = &net->layers[i];
        int own = 0, source = source_of(l);
        if (source >= 0)
            own = flow->blobs[source].made + 1;
        for (int k = 0; k < l->n_inputs; k++)
            own = MAX(own, level[l->inputs[k]]);
        for (int k = 0; k < l->n_outputs; k++) {
            int place = place_of(flow, l->outputs[k]);
            level[l->outputs[k]] = own;
            if (place >= flow->n_inputs && !flow->blobs[place].time) {
                flow->blobs[place].made = own;
                level[l->outputs[k]] = own + 1;
            }
        }
    }
}

/* Blobs of one level are made together where they have one rate. Turns levels into numbers of stages; how many there are. */
static int number_stages(tw_flow *flow)
{
    int levels[TW_FLOW_BLOBS], n = 0, last = 0;
    for (int i = 0; i < flow->n_blobs; i++) {
        levels[i] = flow->blobs[i].made;
        last = MAX(last, levels[i]);
    }
    for (int level = 0; level <= last; level++)
        for (int i = flow->n_inputs; i < flow->n_blobs; i++) {
            bool begins = levels[i] == level;
            for (int k = flow->n_inputs; k < i && begins; k++)
                begins = levels[k] != level || compare_rates(tw_flow_rate(flow, k), tw_flow_rate(flow, i)) != 0;
            for (int k = i; k < flow->n_blobs && begins; k++)
                if (levels[k] == level && compare_rates(tw_flow_rate(flow, k), tw_flow_rate(flow, i)) == 0)
                    flow->blobs[k].made = n;
            n += begins;
        }
    return n;
}

static void add_source(tw_flow *flow, int number, int place)
{
    tw_flow_stage *stage = &flow->stages[number];
    for (int i = 0; i < stage->n_sources; i++)
        if (stage->sources[i] == place)
            return;
    stage->sources[stage->n_sources++] = place;
    flow->blobs[place].last = MAX(flow->blobs[place].last, number);
}

/* What one layer of a stage asks of the tiles. */
static void count_layer(tw_flow *flow, tw_flow_stage *stage, const tw_layer *l)
{
    const tw_blob_geometry *out = &flow->geometry->blobs[l->outputs[0]],
                           *in = l->n_inputs ? &flow->geometry->blobs[l->inputs[0]] : out;
    if (!out->spatial)
        return;
    stage->grid = tw_lcm64(stage->grid, tw_lcm64(out->rate.den, in->rate.den));
    if (is_convolution(l)) {
        tw_ratio rate = l->type[0] == 'C' ? out->rate : in->rate;
        stage->macs += (double)rate.num * (double)rate.num / (double)(rate.den * rate.den) * tw_layer_real(l, 6, 0);
    }
    if (strcmp(l->type, "Convolution") != 0)
        return;
    tw_kernel kernel = tw_kernel_of(l, in->channels);
    int64_t side = tw_work_winograd_side(&kernel);
    if (side > 0)
        stage->align = tw_lcm64(stage->align, side * out->rate.den);
}

/* Back from the targets to what earlier stages left. */
static void walk_stage(tw_flow *flow, int number, bool *wanted)
{
    const tw_graph *net = flow->net;
    tw_flow_stage *stage = &flow->stages[number];
    memset(wanted, 0, (size_t)net->n_blobs * sizeof *wanted);
    for (int i = 0; i < flow->n_blobs; i++)
        if (flow->blobs[i].made == number) {
            wanted[flow->blobs[i].blob] = true;
            stage->rate = tw_flow_rate(flow, i);
            stage->targets[stage->n_targets++] = i;
        }
    stage->grid = stage->align = 1;
    for (int i = net->n_layers - 1; i >= 0; i--) {
        const tw_layer *l = &net->layers[i];
        bool run = false;
        for (int k = 0; k < l->n_outputs; k++) {
            int place = place_of(flow, l->outputs[k]);
            if (!wanted[l->outputs[k]])
                continue;
            if (place >= 0 && flow->blobs[place].made < number)
                add_source(flow, number, place);
            else
                run = true;
        }
        if (!run)
            continue;
        count_layer(flow, stage, l);
        if (source_of(l) >= 0) {
            stage->samples[source_of(l)] = true;
            flow->blobs[source_of(l)].last = MAX(flow->blobs[source_of(l)].last, number);
        }
        for (int k = 0; k < l->n_inputs; k++)
            wanted[l->inputs[k]] = true;
    }
    stage->align = tw_lcm64(stage->align, stage->grid);
}

/* A core in the middle of a picture that has no borders, between blocks of any side. */
static void find_halo(tw_flow *flow, int number, bool blocks)
{
    static const int64_t n = INT64_C(3) << 32, middle = INT64_C(3) << 30, core = 3 << 16;
    tw_flow_stage *stage = &flow->stages[number];
    int64_t grid = stage->grid, align = stage->align;
    stage->grid = stage->align = 1;
    stage->blocks = blocks;
    for (int axis = 0; axis < 2; axis++) {
        tw_ratio rate = stage->rate;
        tw_span out = {middle * rate.num / rate.den, (middle + core) * rate.num / rate.den};
        tw_span need = tw_flow_need(flow, number, axis, n, out);
        stage->halo[axis] = middle - need.lo;
        stage->halo[axis + 2] = need.hi - middle - core;
    }
    stage->grid = grid;
    stage->align = align;
}

/* Work of a tile of 512 samples of the plane with its halo, over that of its core. */
static double overhead(const tw_flow_stage *stage)
{
    double work = 1;
    for (int axis = 0; axis < 2; axis++)
        work *= 1 + (double)((stage->halo[axis] + stage->halo[axis + 2]) * stage->rate.num) / (512.0 * (double)stage->rate.den);
    return work;
}

/* Rounding in an early stage grows in those behind it: there tiles give the very bits of a whole run, where that is not too dear. */
static void choose_halo(tw_flow *flow, int number)
{
    tw_flow_stage *stage = &flow->stages[number];
    find_halo(flow, number, false);
    double plain = overhead(stage);
    find_halo(flow, number, true);
    if ((overhead(stage) - plain) * stage->macs > 0.15 * flow->geometry->macs_per_pixel)
        find_halo(flow, number, false);
}

static tw_status find_stages(tw_flow *flow, const char *label, tw_error *err)
{
    int *level = g_new0(int, flow->net->n_blobs);
    bool *wanted = g_new0(bool, flow->net->n_blobs);
    tw_status status = TW_OK;
    find_levels(flow, level);
    flow->n_stages = number_stages(flow);
    for (int i = flow->ending[0]; i < flow->n_blobs; i++)
        flow->blobs[i].last = flow->n_stages - (flow->output >= 0); /* an ending is read after all stages */
    if (flow->n_stages > TW_FLOW_STAGES)
        status = tw_fail(err, TW_ERROR_USAGE, "%s: %d stages, at most %d are handled", label, flow->n_stages, TW_FLOW_STAGES);
    for (int i = flow->n_stages - 1; i >= 0 && status == TW_OK; i--) {
        walk_stage(flow, i, wanted);
        if (flow->stages[i].n_targets == 0 || flow->stages[i].align > 4096)
            status =
                tw_fail(err, TW_ERROR_USAGE, "%s: no tile of stage %d has a beginning that all its layers share", label, i);
        else
            choose_halo(flow, i);
    }
    g_free(level);
    g_free(wanted);
    return status;
}

tw_status tw_flow_of(const tw_graph *graph, const tw_geometry *geometry, const char *text, const char *label, bool ends,
                     tw_flow **out, tw_error *err)
{
    *out = NULL;
    if (!geometry->warps || geometry->n_inputs < 2 || geometry->n_inputs > 3)
        return tw_fail(err, TW_ERROR_USAGE, "%s: not a net that warps two pictures", label);
    if (!geometry->exact || geometry->n_barriers > 0 || geometry->canvas[0] > 0)
        return tw_fail(err, TW_ERROR_USAGE, "%s cannot be run in stages: %s", label,
                       geometry->why_inexact ? geometry->why_inexact : "it needs the whole picture, or more than it");
    if (compare_rates(geometry->blobs[geometry->output].rate, (tw_ratio){1, 1}) != 0)
        return tw_fail(err, TW_ERROR_USAGE, "%s: its result has another size than its pictures", label);
    tw_flow *flow = g_new0(tw_flow, 1);
    flow->known = tw_memo_new(MOST_KNOWN);
    tw_status status = find_blobs(flow, graph, geometry, label, ends, err);
    if (status == TW_OK) {
        flow->text = rewrite(flow, graph, geometry, text);
        status = tw_graph_parse(flow->text, strlen(flow->text), label, &flow->net, err);
    }
    if (status == TW_OK)
        status = tw_geometry_of(flow->net, label, &flow->geometry, err);
    if (status == TW_OK)
        status = find_stages(flow, label, err);
    if (status != TW_OK)
        tw_flow_free(flow);
    else
        *out = flow;
    return status;
}
