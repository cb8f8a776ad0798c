/* SPDX-License-Identifier: MIT */
/* One engine call, played through without numbers: ncnn runs layers depth first from the output, frees a blob after its
 * reader (light mode), copies where the packing of channels changes or a shared blob would be overwritten, and needs
 * workspace inside layers. The highest sum on the way is the answer. Every block counts as the engine's allocator would
 * count it. */
#include "model/memory.h"

#include <glib.h>
#include <string.h>

#include "model/layers.h"
#include "model/packing.h"
#include "model/workspace.h"

/* A piece of memory; blobs that a Split makes share one. */
typedef struct box {
    int64_t bytes, w, h;
    int channels, pack;
    int refs;
} box;

typedef struct play {
    const tw_graph *graph;
    const struct tw_layer_reach *reach; /* NULL: no layer pads (a carried net) */
    bool *unread;                       /* per blob: its reader does not run, as what it gives is injected; NULL: none */
    bool device;                        /* a Vulkan device: other workspace, four lanes */
    int *channels;
    tw_machine machine;
    int64_t *length[2];
    int64_t now, peak;
    int64_t largest; /* single block */
    int64_t host;    /* of layers that the CPU runs for a device: both sides, each with staging and in another packing */
    box **blobs;     /* per graph blob; NULL: not there */
} play;

static const tw_layer *layer_at(const play *p, int i)
{
    return &p->graph->layers[i];
}

/* ---- boxes ---- */

static void take(play *p, int64_t bytes)
{
    p->now += bytes;
    p->largest = tw_max64(p->largest, bytes);
    p->peak = tw_max64(p->peak, p->now);
}

static void give(play *p, int64_t bytes)
{
    p->now -= bytes;
}

static int64_t size_of(int64_t w, int64_t h, int64_t channels, int pack)
{
    if ((double)w * (double)h * (double)(channels + pack) >
        1e13) /* of a hostile graph: no machine has it, and the sums stay finite */
        return (int64_t)1 << 44;
    int64_t plane = (w * h * 4 * pack + 15) / 16 * 16;
    return tw_work_rounded(plane * tw_ceil_div(channels, pack) + 4);
}

static box *box_new(play *p, int64_t w, int64_t h, int channels, int pack)
{
    box *b = g_new(box, 1);
    *b = (box){.w = w, .h = h, .channels = channels, .pack = pack, .refs = 1};
    b->bytes = size_of(w, h, channels, pack);
    take(p, b->bytes);
    return b;
}

static void box_drop(play *p, box *b)
{
    if (b && --b->refs == 0) {
        give(p, b->bytes);
        g_free(b);
    }
}

static int widest_pack(const play *p, int channels)
{
    for (int pack = p->machine.lanes; pack > 1; pack /= 2)
        if (pack != 2 && channels % pack == 0)
            return pack;
    return 1;
}

static int channels_of(const play *p, int blob)
{
    int c = p->channels[blob];
    return c > 0 ? c : 64; /* unknown only in nets that are not exact anyway */
}

static box *box_for(play *p, int blob, int pack)
{
    int64_t w = tw_max64(p->length[0][blob], 1), h = tw_max64(p->length[1][blob], 1);
    return box_new(p, w, h, channels_of(p, blob), pack);
}

/* ---- one layer ---- */

/* ncnn's Vulkan layers take either packing. */
static bool takes_packs(const play *p, const tw_layer *l)
{
    return p->device || tw_layer_packs(l);
}

/* The input as the layer wants it: an own copy where it would be overwritten under another reader, repacked where it
 * must be. */
static box *held_input(play *p, const tw_layer *l, int blob)
{
    box *b = p->blobs[blob];
    if (tw_layer_in_place(l) && b->refs > 1)
        b = box_new(p, b->w, b->h, b->channels, b->pack);
    else
        b->refs++;
    int pack = tw_layer_any_pack(l) ? b->pack : takes_packs(p, l) ? widest_pack(p, b->channels) : 1;
    if (pack == b->pack)
        return b;
    box *packed = box_new(p, b->w, b->h, b->channels, pack);
    box_drop(p, b);
    return packed;
}

/* The padded copy that convolutions and poolings make of their input; 0 when nothing is padded. */
static int64_t bordered_bytes(const play *p, int layer, const box *in)
{
    if (!p->reach || !p->reach[layer].spatial)
        return 0;
    const tw_map *maps = p->reach[layer].map;
    tw_map x = tw_map_at(&maps[0], in->w), y = tw_map_at(&maps[1], in->h);
    /* a window that hangs over the end is padded too */
    int64_t more_x = x.round_up ? x.stride - 1 : 0, more_y = y.round_up ? y.stride - 1 : 0;
    if (x.pad <= 0 && x.pad_end <= 0 && y.pad <= 0 && y.pad_end <= 0 && more_x + more_y == 0)
        return 0;
    return size_of(in->w + x.pad + x.pad_end + more_x, in->h + y.pad + y.pad_end + more_y, in->channels, in->pack);
}

/* Workspace for the moment: counted, then gone. */
static void touch(play *p, int64_t bytes)
{
    take(p, bytes);
    give(p, bytes);
}

/* Convolutions in groups: copies of both sides where a group's channels pack less widely than all of them. Fills one
 * group's kernel; -1 where every channel stands alone, which needs none of it. */
static int64_t group_bytes(const play *p, const tw_layer *l, const box *in, int64_t in_bytes, int64_t out_bytes, tw_kernel *k)
{
    int group = MAX(tw_layer_int(l, 7, 1), 1), out = channels_of(p, l->outputs[0]);
    if (group == in->channels && group == out)
        return -1;
    *k = tw_kernel_of(l, MAX(in->channels / group, 1));
    k->out = MAX(k->out / group, 1);
    return (widest_pack(p, (int)k->in) < in->pack ? in_bytes : 0) +
           (widest_pack(p, (int)k->out) < widest_pack(p, out) ? out_bytes : 0);
}

/* On a device: Winograd's transformed input and result, whole (blocks of 4 x 4, 36 values each). */
static void touch_device_convolution(play *p, const tw_kernel *k, const box *in, const box *out)
{
    if (!tw_work_device_winograd(k))
        return;
    int64_t blocks = tw_ceil_div(out->w, 4) * tw_ceil_div(out->h, 4);
    int64_t from = size_of(blocks, 1, in->channels * 36, in->pack), to = size_of(blocks, 1, out->channels * 36, out->pack);
    take(p, from);
    touch(p, to);
    give(p, from);
}

/* On a device: the product in front of its folding together. */
static int64_t device_columns(const tw_kernel *k, const box *in, int pack)
{
    int64_t rows = k->kw * k->kh * k->out;
    return k->in >= 8 && rows >= 8 ? size_of(in->w * in->h, 1, (int)MIN(rows, 1 << 24), pack) : 0;
}

static box *run_convolution(play *p, int layer, const box *in)
{
    const tw_layer *l = layer_at(p, layer);
    int64_t bordered = bordered_bytes(p, layer, in), work;
    take(p, bordered);
    box *out = box_for(p, l->outputs[0], widest_pack(p, channels_of(p, l->outputs[0])));
    if (p->device && !strcmp(l->type, "Convolution")) {
        tw_kernel k = tw_kernel_of(l, in->channels);
        touch_device_convolution(p, &k, in, out);
        work = 0;
    } else if (!strcmp(l->type, "Convolution")) {
        tw_kernel k = tw_kernel_of(l, in->channels);
        work = tw_work_convolution(&p->machine, &k, out->w, out->h);
    } else {
        tw_kernel k;
        work = group_bytes(p, l, in, tw_max64(bordered, in->bytes), out->bytes, &k);
        if (work >= 0 && !p->device)
            work += tw_work_convolution(&p->machine, &k, out->w, out->h);
        work = tw_max64(work, 0);
    }
    touch(p, work);
    give(p, bordered);
    return out;
}

/* Window, convolution and activation in one: nothing stands between input and output. */
static box *run_fused(play *p, int layer, const box *in)
{
    const tw_layer *l = layer_at(p, layer);
    box *out = box_for(p, l->outputs[0], widest_pack(p, channels_of(p, l->outputs[0])));
    touch(p, tw_work_rounded(tw_work_fused(in->channels, out->channels, p->machine.lanes, out->w, out->h) + 4));
    return out;
}

static box *run_deconvolution(play *p, int layer, const box *in)
{
    const tw_layer *l = layer_at(p, layer);
    tw_kernel k = tw_kernel_of(l, in->channels);
    const tw_map *maps = p->reach ? p->reach[layer].map : NULL;
    bool cut = maps && (maps[0].pad > 0 || maps[0].pad_end > 0 || maps[1].pad > 0 || maps[1].pad_end > 0);
    int pack = widest_pack(p, channels_of(p, l->outputs[0]));
    int64_t full_w = (in->w - 1) * k.sw + k.dw * (k.kw - 1) + 1 + tw_layer_int(l, 18, 0);
    int64_t full_h = (in->h - 1) * k.sh + k.dh * (k.kh - 1) + 1 + tw_layer_int(l, 19, tw_layer_int(l, 18, 0));
    int64_t full = cut ? size_of(full_w, full_h, channels_of(p, l->outputs[0]), pack) : 0;
    take(p, full);
    box *out = NULL;
    if (!cut)
        out = box_for(p, l->outputs[0], pack);
    if (p->device && !strcmp(l->type, "Deconvolution")) {
        touch(p, device_columns(&k, in, pack));
    } else if (!strcmp(l->type, "Deconvolution")) {
        touch(p, tw_work_deconvolution(&p->machine, &k, in->w, in->h));
    } else {
        int64_t copies = group_bytes(p, l, in, in->bytes, tw_max64(full, out ? out->bytes : 0), &k);
        int64_t work = p->device ? 0 : tw_work_deconvolution(&p->machine, &k, in->w, in->h);
        touch(p, copies < 0 ? 0 : copies + work);
    }
    if (cut)
        out = box_for(p, l->outputs[0], pack);
    give(p, full);
    return out;
}

static box *run_concat(play *p, int layer, box *const *in)
{
    const tw_layer *l = layer_at(p, layer);
    int narrowest = p->machine.lanes, wide = widest_pack(p, channels_of(p, l->outputs[0]));
    for (int i = 0; i < l->n_inputs; i++)
        narrowest = MIN(narrowest, in[i]->pack);
    box *out = box_for(p, l->outputs[0], wide);
    if (narrowest < wide)
        touch(p, size_of(out->w, out->h, out->channels, narrowest));
    return out;
}

static box *run_crop(play *p, int layer, const box *in)
{
    const tw_layer *l = layer_at(p, layer);
    int channels = channels_of(p, l->outputs[0]);
    bool whole_packs = widest_pack(p, channels) == in->pack && tw_crop_first(l, in->channels) % in->pack == 0;
    int64_t unpacked = whole_packs || in->pack == 1 ? 0 : size_of(in->w, in->h, in->channels, 1);
    take(p, unpacked);
    box *out = box_for(p, l->outputs[0], whole_packs ? in->pack : 1);
    give(p, unpacked);
    return out;
}

static void run_slice(play *p, int layer, const box *in)
{
    const tw_layer *l = layer_at(p, layer);
    int narrowest = in->pack;
    for (int i = 0; i < l->n_outputs; i++) {
        int pack = widest_pack(p, channels_of(p, l->outputs[i]));
        narrowest = MIN(narrowest, pack);
        p->blobs[l->outputs[i]] = box_for(p, l->outputs[i], pack);
    }
    if (narrowest < in->pack)
        touch(p, size_of(in->w, in->h, in->channels, narrowest));
}

static box *run_constant(play *p, int layer)
{
    const tw_layer *l = layer_at(p, layer);
    int64_t w = MAX(tw_layer_int(l, 0, 0), 1), h = MAX(tw_layer_int(l, 1, 0), 1), c = MAX(tw_layer_int(l, 2, 0), 1);
    double floats = (double)w * (double)h * (double)c;
    if (floats > 1e9) /* no tile fits beside it; keep the sums finite */
        w = 1 << 30, h = c = 1;
    return box_new(p, w, h, (int)MIN(c, 1 << 20), 1);
}

/* Layers that compute anew: output, and what goes on inside. */
static box *run_other(play *p, int layer, const box *in)
{
    const tw_layer *l = layer_at(p, layer);
    box *out;
    if (!strcmp(l->type, "Pooling")) {
        int64_t bordered = bordered_bytes(p, layer, in);
        take(p, bordered);
        out = box_for(p, l->outputs[0], takes_packs(p, l) ? in->pack : 1);
        give(p, bordered);
        return out;
    }
    if (!strcmp(l->type, "TwWindow"))
        return box_for(p, l->outputs[0], in->pack);
    out = box_for(p, l->outputs[0], takes_packs(p, l) ? widest_pack(p, channels_of(p, l->outputs[0])) : 1);
    static const char simple[] =
        "BinaryOp Eltwise Interp PixelShuffle Reorg rife.Warp Warp TwWarp Padding Reduction InnerProduct Cast "
        "DeepCopy TwMean TwVariance";
    if (!strcmp(l->type, "Padding") && in->pack != out->pack)
        touch(p, size_of(in->w, in->h, in->channels, 1));
    if (p->device && !strcmp(l->type, "TwWarp"))
        p->host += 3 * (in->bytes + out->bytes);
    if (!tw_type_listed(l->type, simple)) /* attention, reshapes, grids: not tiled exactly; generous */
        touch(p, 2 * (in->bytes + out->bytes));
    return out;
}

static void run_layer(play *p, int layer)
{
    const tw_layer *l = layer_at(p, layer);
    box **in = g_new0(box *, l->n_inputs + 1), *out = NULL;
    for (int i = 0; i < l->n_inputs; i++)
        in[i] = held_input(p, l, l->inputs[i]);
    if (!strcmp(l->type, "MemoryData") || l->n_inputs == 0) {
        out = run_constant(p, layer);
    } else if (!strcmp(l->type, "Split")) {
        for (int i = 1; i < l->n_outputs; i++, in[0]->refs++)
            p->blobs[l->outputs[i]] = in[0];
        out = in[0];
        out->refs++;
    } else if (tw_layer_in_place(l)) {
        out = in[0];
        out->refs++;
    } else if (!strcmp(l->type, "Slice")) {
        run_slice(p, layer, in[0]);
    } else if (!strncmp(l->type, "Convolution", 11)) {
        out = run_convolution(p, layer, in[0]);
    } else if (!strcmp(l->type, "TwConvolution")) {
        out = run_fused(p, layer, in[0]);
    } else if (!strncmp(l->type, "Deconvolution", 13)) {
        out = run_deconvolution(p, layer, in[0]);
    } else if (!strcmp(l->type, "Concat")) {
        out = run_concat(p, layer, in);
    } else if (!strcmp(l->type, "Crop")) {
        out = run_crop(p, layer, in[0]);
    } else {
        out = run_other(p, layer, in[0]);
    }
    if (out)
        p->blobs[l->outputs[0]] = out;
    for (int i = 0; i < l->n_inputs; i++) {
        box_drop(p, in[i]);
        if (p->unread && p->unread[l->inputs[i]])
            continue;
        box_drop(p, p->blobs[l->inputs[i]]);
        p->blobs[l->inputs[i]] = NULL;
    }
    /* outputs beyond the first of an in-place layer, and those of layers that are not modelled, do not come to be */
    g_free(in);
}

/* ---- the whole call ---- */

/* Depth first from the output, inputs in order, as ncnn asks for them; with its own stack, as graphs may be deep. */
static void play_from(play *p, int blob)
{
    struct frame {
        int layer, next;
    } *stack = g_new(struct frame, p->graph->n_layers + 1);
    bool *begun = g_new0(bool, p->graph->n_layers);
    int depth = 0;
    stack[depth++] = (struct frame){p->graph->blobs[blob].producer, 0};
    while (depth > 0) {
        struct frame *f = &stack[depth - 1];
        const tw_layer *l = layer_at(p, f->layer);
        while (f->next < l->n_inputs && p->blobs[l->inputs[f->next]])
            f->next++;
        if (f->next < l->n_inputs) {
            int producer = p->graph->blobs[l->inputs[f->next]].producer;
            if (begun[producer]) /* a blob with two readers: refused by the geometry */
                break;
            begun[producer] = true;
            stack[depth++] = (struct frame){producer, 0};
            continue;
        }
        run_layer(p, f->layer);
        depth--;
    }
    g_free(stack);
    g_free(begun);
}

static play play_of(const tw_graph *graph, bool device)
{
    play p = {.graph = graph, .device = device, .machine = tw_machine_here()};
    if (device)
        p.machine.lanes = 4;
    p.length[0] = g_new0(int64_t, graph->n_blobs);
    p.length[1] = g_new0(int64_t, graph->n_blobs);
    p.channels = g_new0(int, graph->n_blobs);
    p.blobs = g_new0(box *, graph->n_blobs);
    return p;
}

/* Inputs are there; plays until each output is, in order, and clears the stage. */
static void play_call(play *p, int n_inputs, const int *inputs, int n_outputs, const int *outputs)
{
    GPtrArray *held = g_ptr_array_new(); /* tensors of the caller */
    for (int i = 0; i < n_inputs; i++) {
        box *in = p->blobs[inputs[i]] = box_for(p, inputs[i], 1);
        in->refs++;
        g_ptr_array_add(held, in);
    }
    for (int i = 0; i < n_outputs; i++) {
        if (!p->blobs[outputs[i]])
            play_from(p, outputs[i]);
        box *out = p->blobs[outputs[i]];
        if (out && out->pack > 1) /* handed out unpacked */
            g_ptr_array_add(held, box_new(p, out->w, out->h, out->channels, 1));
        else if (out)
            out->refs++, g_ptr_array_add(held, out);
    }
    for (int i = 0; i < p->graph->n_blobs; i++)
        box_drop(p, p->blobs[i]);
    for (guint i = 0; i < held->len; i++)
        box_drop(p, held->pdata[i]);
    g_ptr_array_free(held, TRUE);
}

static void play_end(play *p)
{
    g_free(p->length[0]);
    g_free(p->length[1]);
    g_free(p->channels);
    g_free(p->unread);
    g_free(p->blobs);
}

static play play_run(const tw_graph *graph, const tw_geometry *geometry, bool device, bool injected, int n_in, const int *in,
                     int n_out, const int *out, const int64_t size[2])
{
    play p = play_of(graph, device);
    p.reach = geometry->reach;
    p.unread = g_new0(bool, graph->n_blobs);
    for (int i = 0; injected && i < geometry->n_barriers; i++)
        p.unread[geometry->barriers[i].input_blob] = true;
    for (int i = 0; i < graph->n_blobs; i++)
        p.channels[i] = geometry->blobs[i].channels;
    if (tw_geometry_lengths(graph, geometry, 0, size[0], p.length[0], NULL) &&
        tw_geometry_lengths(graph, geometry, 1, size[1], p.length[1], NULL))
        play_call(&p, n_in, in, n_out, out);
    play_end(&p);
    return p;
}

int64_t tw_memory_run(const tw_graph *graph, const tw_geometry *geometry, int n_sources, const int *sources, int n_targets,
                      const int *targets, int64_t w, int64_t h)
{
    return play_run(graph, geometry, false, false, n_sources, sources, n_targets, targets, (int64_t[2]){w, h}).peak;
}

static void to_net(const tw_carry *carry, int n, const int *blobs, int *to)
{
    for (int i = 0; i < n; i++)
        to[i] = tw_graph_blob(carry->net, carry->graph->blobs[blobs[i]].name);
}

int64_t tw_memory_tile_carried(const tw_carry *carry, const tw_stage *stage, const int64_t tile[2])
{
    play p = play_of(carry->net, false);
    int sources[TW_MAX_SPILLS + 1], targets[2 * TW_MAX_SPILLS];
    for (int i = 0; i < carry->net->n_blobs; i++) {
        p.channels[i] = tw_carry_channels(carry, i);
        p.length[0][i] = tw_carry_extent(carry, i, 0, tile[0]);
        p.length[1][i] = tw_carry_extent(carry, i, 1, tile[1]);
    }
    to_net(carry, stage->n_sources, stage->sources, sources);
    to_net(carry, stage->n_targets, stage->targets, targets);
    play_call(&p, stage->n_sources, sources, stage->n_targets, targets);
    play_end(&p);
    return p.peak;
}

int64_t tw_memory_tile(const tw_graph *graph, const tw_geometry *geometry, bool injected, int64_t w, int64_t h)
{
    return play_run(graph, geometry, false, injected, geometry->n_inputs, geometry->inputs, 1, &geometry->output,
                    (int64_t[2]){w, h})
        .peak;
}

int64_t tw_memory_run_device(const tw_graph *graph, const tw_geometry *geometry, int n_sources, const int *sources,
                             int n_targets, const int *targets, int64_t w, int64_t h, int64_t *largest, int64_t *host)
{
    static const int64_t block = 4 << 20; /* the engine takes device memory in blocks of at least so much */
    play p = play_run(graph, geometry, true, true, n_sources, sources, n_targets, targets, (int64_t[2]){w, h});
    *largest = p.largest;
    *host = p.host;
    return p.peak + p.peak / 8 + 2 * block; /* gaps that no blob fits into */
}

int64_t tw_memory_tile_device(const tw_graph *graph, const tw_geometry *geometry, int64_t w, int64_t h, int64_t *largest)
{
    int64_t host;
    return tw_memory_run_device(graph, geometry, geometry->n_inputs, geometry->inputs, 1, &geometry->output, w, h, largest,
                                &host);
}
