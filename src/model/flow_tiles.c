/* SPDX-License-Identifier: MIT */
/* What tiles of a flow net's stages read and take. */
#include <glib.h>
#include <string.h>

#include "model/flow.h"
#include "model/memory.h"
#include "model/workspace.h"

static bool is_source(const tw_flow *flow, const tw_flow_stage *stage, int blob)
{
    for (int i = 0; i < stage->n_sources; i++)
        if (flow->blobs[stage->sources[i]].blob == blob)
            return true;
    return false;
}

/* A Winograd convolution computes blocks of outputs at once: which samples of a block's inputs there are is seen in the rounding of all
 * its outputs, not only of those that read them. */
static tw_span whole_blocks(const tw_flow *flow, const tw_layer *l, tw_span out)
{
    if (strcmp(l->type, "Convolution") != 0 || tw_span_empty(out))
        return out;
    tw_kernel kernel = tw_kernel_of(l, flow->geometry->blobs[l->inputs[0]].channels);
    int64_t side = tw_max64(tw_work_winograd_side(&kernel), 1);
    return (tw_span){out.lo / side * side, tw_ceil_div(out.hi, side) * side};
}

/* As tw_geometry_close, but no further back than the stage's sources. */
static void close_stage(const tw_flow *flow, const tw_flow_stage *stage, int axis, const int64_t *lengths, tw_span *spans)
{
    const tw_graph *net = flow->net;
    for (int i = net->n_layers - 1; i >= 0; i--) {
        const tw_layer *l = &net->layers[i];
        tw_span out = {0, 0};
        for (int k = 0; k < l->n_outputs; k++)
            if (!is_source(flow, stage, l->outputs[k]))
                out = tw_span_join(out, spans[l->outputs[k]]);
        if (stage->blocks)
            out = whole_blocks(flow, l, out);
        for (int k = 0; k < l->n_inputs && !tw_span_empty(out); k++) {
            int in = l->inputs[k];
            tw_map map = tw_map_at(tw_layer_map(flow->geometry, net, i, k, axis), lengths[in]);
            spans[in] = tw_span_join(spans[in], tw_map_window(&map, out, lengths[in]));
        }
    }
}

static tw_span of_input(tw_span span, tw_ratio rate)
{
    return (tw_span){span.lo * rate.den / rate.num, tw_ceil_div(span.hi * rate.den, rate.num)};
}

int64_t tw_flow_length(const tw_flow *flow, int stage, int64_t n)
{
    return n * flow->stages[stage].rate.num / flow->stages[stage].rate.den;
}

tw_span tw_flow_need(const tw_flow *flow, int number, int axis, int64_t n, tw_span out)
{
    const tw_flow_stage *stage = &flow->stages[number];
    tw_span need = {0, 0};
    int64_t *lengths = g_new(int64_t, flow->net->n_blobs);
    tw_span *spans = g_new0(tw_span, flow->net->n_blobs);
    tw_geometry_lengths(flow->net, flow->geometry, axis, n, lengths, NULL);
    for (int i = 0; i < stage->n_targets; i++) {
        int blob = flow->blobs[stage->targets[i]].blob;
        spans[blob] = (tw_span){tw_max64(out.lo, 0), tw_min64(out.hi, lengths[blob])};
    }
    close_stage(flow, stage, axis, lengths, spans);
    for (int i = 0; i < flow->net->n_blobs; i++)
        if (!tw_span_empty(spans[i]))
            need = tw_span_join(need, of_input(spans[i], flow->geometry->blobs[i].rate));
    g_free(lengths);
    g_free(spans);
    return (tw_span){need.lo / stage->align * stage->align, tw_min64(tw_ceil_div(need.hi, stage->grid) * stage->grid, n)};
}

int64_t tw_flow_most(const tw_flow *flow, int number, int axis, int64_t n, int64_t length)
{
    const tw_flow_stage *stage = &flow->stages[number];
    int64_t core = tw_ceil_div(length * stage->rate.den, stage->rate.num);
    return tw_min64(core + stage->halo[axis] + stage->halo[axis + 2] + (stage->blocks ? 2 : 1) * stage->align + stage->grid, n);
}

typedef struct ends {
    int sources[TW_FLOW_BLOBS], targets[TW_FLOW_BLOBS]; /* blobs of the net */
} ends;

static ends ends_of(const tw_flow *flow, const tw_flow_stage *stage)
{
    ends e = {0};
    for (int i = 0; i < stage->n_sources; i++)
        e.sources[i] = flow->blobs[stage->sources[i]].blob;
    for (int i = 0; i < stage->n_targets; i++)
        e.targets[i] = flow->blobs[stage->targets[i]].blob;
    return e;
}

int64_t tw_flow_bytes(const tw_flow *flow, int number, int64_t w, int64_t h)
{
    const tw_flow_stage *stage = &flow->stages[number];
    int64_t key[3] = {number, w, h}, bytes[2] = {0};
    if (!tw_memo_find(flow->known, key, bytes)) {
        ends e = ends_of(flow, stage);
        bytes[0] = tw_memory_run(flow->net, flow->geometry, stage->n_sources, e.sources, stage->n_targets, e.targets, w, h);
        tw_memo_keep(flow->known, key, bytes);
    }
    return bytes[0];
}

/* Bytes of a blob for w x h input samples. */
static int64_t blob_bytes(const tw_flow *flow, int place, int64_t w, int64_t h)
{
    tw_ratio rate = tw_flow_rate(flow, place);
    return (w * rate.num / rate.den) * (h * rate.num / rate.den) * tw_flow_channels(flow, place) * (int64_t)sizeof(float);
}

tw_flow_device tw_flow_bytes_device(const tw_flow *flow, int number, int64_t w, int64_t h)
{
    const tw_flow_stage *stage = &flow->stages[number];
    ends e = ends_of(flow, stage);
    tw_flow_device d;
    d.bytes = tw_memory_run_device(flow->net, flow->geometry, stage->n_sources, e.sources, stage->n_targets, e.targets, w, h,
                                   &d.largest, &d.host);
    /* a tensor and its staging; a result's staging, as it comes (four channels interleaved), and in planes */
    for (int i = 0; i < stage->n_sources; i++)
        d.host += 2 * blob_bytes(flow, stage->sources[i], w, h);
    for (int i = 0; i < stage->n_targets; i++)
        d.host += 3 * blob_bytes(flow, stage->targets[i], w, h);
    return d;
}
