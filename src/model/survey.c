/* SPDX-License-Identifier: MIT */
/* The survey of a graph: a forward walk for rates, channels and barriers; then the size rule, the canvas and the halo,
 * found by asking the closure about one tile in the middle of a huge picture rather than by formula. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "model/layers.h"

enum { MAX_ALIGN = 1024, MAX_MOTION = 4096, MAX_HALO = 1 << 24 };

/* Room to work in: one of each per blob. */
typedef struct desk {
    int64_t *lengths, *room;
    tw_span *spans;
} desk;

/* A canvas so large that nothing in its middle sees a border. */
static const int64_t huge = (int64_t)1 << 34;

static tw_status find_align(tw_shaper *s)
{
    tw_geometry *g = s->geometry;
    g->align = 1;
    for (int i = 0; i < s->graph->n_blobs; i++) {
        if (!g->blobs[i].spatial)
            continue;
        g->align = tw_lcm64(tw_lcm64(g->align, g->blobs[i].rate.den), g->blobs[i].rate_y.den);
        if (g->align > MAX_ALIGN)
            return tw_fail(s->err, TW_ERROR_INPUT, "%s: the scales inside the graph have no common grid up to %d pixels",
                           s->label, MAX_ALIGN);
    }
    if (g->align * s->graph->n_layers > 20000000)
        return tw_fail(s->err, TW_ERROR_INPUT, "%s: a grid of %d pixels over %d layers is refused", s->label, (int)g->align,
                       s->graph->n_layers);
    return TW_OK;
}

static tw_ratio output_rate(const tw_geometry *g, int axis)
{
    return axis ? g->blobs[g->output].rate_y : g->blobs[g->output].rate;
}

/* Does a canvas of n samples run, and does its result lack no more than `missing` of scale * n? */
static bool runs(tw_shaper *s, int axis, int64_t n, int64_t missing, int64_t *lengths, bool *usable)
{
    const tw_geometry *g = s->geometry;
    if (!tw_geometry_lengths(s->graph, g, axis, n, lengths, usable))
        return false;
    *usable = *usable && lengths[g->output] >= tw_floor_div(n * output_rate(g, axis).num, output_rate(g, axis).den) - missing;
    return true;
}

/* The smallest divisor m of `align` such that every multiple of m is a size for which the branches meet and nothing is
 * cut off. */
static tw_status find_size_multiple(tw_shaper *s, int64_t *lengths)
{
    tw_geometry *g = s->geometry;
    int64_t base = huge / g->align * g->align, missing[2] = {0, 0};
    bool *meets = g_new(bool, g->align);
    tw_status status = TW_OK;
    for (int64_t r = 0; r < g->align && status == TW_OK; r++) {
        bool x = true, y = true;
        if (r == 0)
            for (int axis = 0; axis < 2; axis++)
                if (tw_geometry_lengths(s->graph, g, axis, base, lengths, NULL))
                    missing[axis] = base / output_rate(g, axis).den * output_rate(g, axis).num - lengths[g->output];
        if (!runs(s, 0, base + r, missing[0], lengths, &x) || !runs(s, 1, base + r, missing[1], lengths, &y))
            status = tw_fail(s->err, TW_ERROR_INPUT, "%s: some layer leaves nothing of any picture", s->label);
        meets[r] = x && y;
    }
    g->size_multiple = g->align;
    for (int64_t m = g->align; m >= 1 && status == TW_OK; m--) {
        bool all = g->align % m == 0;
        for (int64_t r = 0; r < g->align && all; r += m)
            all = meets[r];
        if (all)
            g->size_multiple = m;
    }
    if (status == TW_OK && g->exact && !meets[0])
        status = tw_fail(s->err, TW_ERROR_INPUT,
                         "%s: branches that meet have no common size for any picture whose size is a multiple of %d", s->label,
                         (int)g->align);
    g_free(meets);
    return status;
}

/* Samples by which each blob is smaller than rate * canvas, and where they are missing. */
static void find_shrink(tw_shaper *s, int axis, int64_t *lengths)
{
    tw_geometry *g = s->geometry;
    int64_t n = huge / g->align * g->align;
    tw_geometry_lengths(s->graph, g, axis, n, lengths, NULL);
    for (int i = 0; i < s->graph->n_blobs; i++) {
        tw_blob_geometry *b = &g->blobs[i];
        tw_ratio rate = axis ? b->rate_y : b->rate;
        if (!b->spatial)
            continue;
        int64_t missing = n / rate.den * rate.num - lengths[i];
        b->shrink[axis] = (int64_t)floor(s->origin[axis][i] * (double)rate.num / (double)rate.den + 0.5);
        b->shrink[axis + 2] = missing - b->shrink[axis];
    }
}

static void find_canvas(tw_geometry *g)
{
    const tw_blob_geometry *out = &g->blobs[g->output];
    for (int axis = 0; axis < 2; axis++) {
        int64_t missing = out->shrink[axis] + out->shrink[axis + 2];
        if (missing <= 0)
            continue;
        tw_ratio scale = output_rate(g, axis);
        int64_t total = tw_ceil_div(missing * scale.den, scale.num);
        int64_t first = tw_clamp64(tw_ceil_div(out->shrink[axis] * scale.den, scale.num), 0, total);
        g->canvas[axis] = first;
        g->canvas[axis + 2] = total - first;
    }
}

static int64_t scaled_up(int64_t v, tw_ratio scale)
{
    return tw_ceil_div(v * scale.num, scale.den);
}

/* Halo of the cores [a, a + align), a = first, first + step .. below first + align, in the middle of a huge canvas. */
static void find_halo(const tw_graph *graph, const tw_geometry *g, int axis, int64_t step, const desk *d, int64_t *halo)
{
    int64_t n = huge / g->align * g->align, middle = n / 2 / g->align * g->align;
    halo[axis] = halo[axis + 2] = 0;
    if (!tw_geometry_lengths(graph, g, axis, n, d->lengths, NULL))
        return;
    for (int64_t a = middle; a < middle + g->align; a += step) {
        int64_t b = a + g->align, shift = g->canvas[axis];
        tw_ratio scale = output_rate(g, axis);
        tw_span out = {scaled_up(a, scale), scaled_up(b, scale)};
        tw_span in = tw_geometry_need_in(graph, g, axis, d->lengths, out, d->spans, d->room);
        if (in.hi <= in.lo)
            continue;
        halo[axis] = tw_max64(halo[axis], a + shift - in.lo);
        halo[axis + 2] = tw_max64(halo[axis + 2], in.hi - (b + shift));
    }
}

static void find_halos(const tw_graph *graph, tw_geometry *g, const desk *d)
{
    for (int axis = 0; axis < 2; axis++) {
        find_halo(graph, g, axis, g->align, d, g->halo);
        find_halo(graph, g, axis, 1, d, g->halo_any);
    }
}

static void set_motion(const tw_graph *graph, tw_geometry *g, int64_t motion)
{
    g->motion = motion;
    for (int i = 0; i < graph->n_layers; i++) {
        if (g->reach[i].reads != TW_READS_WARP || !g->reach[i].spatial)
            continue;
        const tw_blob_geometry *in = &g->blobs[graph->layers[i].inputs[0]];
        for (int axis = 0; axis < 2; axis++) {
            tw_ratio rate = axis ? in->rate_y : in->rate;
            tw_map *map = &g->reach[i].map[axis];
            map->pad = tw_ceil_div(motion * rate.num, rate.den);
            map->pad_end = map->pad + 1;
            map->extent = 2 * map->pad + 2;
        }
    }
}

/* The greatest motion that costs no halo: other paths look far anyhow. */
static void find_motion(const tw_graph *graph, tw_geometry *g, const desk *d)
{
    int64_t still[4], lo = 0, hi = MAX_MOTION;
    memcpy(still, g->halo, sizeof still);
    while (lo < hi) {
        int64_t mid = (lo + hi + 1) / 2;
        set_motion(graph, g, mid);
        for (int axis = 0; axis < 2; axis++)
            find_halo(graph, g, axis, g->align, d, g->halo);
        if (memcmp(still, g->halo, sizeof still))
            hi = mid - 1;
        else
            lo = mid;
    }
    set_motion(graph, g, lo);
    find_halos(graph, g, d);
}

/* ---- the forward walk ---- */

/* Channels that a convolution's weights announce for its input; 0 when they do not say. */
static int64_t announced_channels(const tw_layer *l)
{
    if (strcmp(l->type, "Convolution") && strcmp(l->type, "Deconvolution"))
        return 0;
    int64_t kernel = (int64_t)tw_layer_int(l, 1, 0) * tw_layer_int(l, 11, tw_layer_int(l, 1, 0)), out = tw_layer_int(l, 0, 0);
    return kernel > 0 && out > 0 ? tw_layer_int(l, 6, 0) / out / kernel : 0;
}

static int mismatches(const tw_graph *graph, const tw_geometry *g)
{
    int n = 0;
    for (int i = 0; i < graph->n_layers; i++) {
        int64_t wanted = announced_channels(&graph->layers[i]);
        if (wanted > 0)
            n += g->blobs[graph->layers[i].inputs[0]].channels != wanted;
    }
    return n;
}

/* Finds the output, and refuses graphs without a beginning or an end. */
static tw_status find_ends(tw_shaper *s)
{
    tw_geometry *g = s->geometry;
    if (g->n_inputs == 0)
        return tw_fail(s->err, TW_ERROR_INPUT, "%s: the graph has no Input layer", s->label);
    g->input = g->inputs[0];
    g->output = -1;
    for (int i = 0; i < s->graph->n_blobs; i++)
        if (s->graph->blobs[i].consumers == 0 && (g->output < 0 || g->blobs[i].spatial || !g->blobs[g->output].spatial))
            g->output = i;
    if (g->output < 0)
        return tw_fail(s->err, TW_ERROR_INPUT, "%s: every blob is consumed: the graph has no output", s->label);
    const tw_blob_geometry *out = &g->blobs[g->output];
    if (!out->spatial)
        return tw_fail(s->err, TW_ERROR_INPUT, "%s: the output %.80s is not a picture", s->label,
                       s->graph->blobs[g->output].name);
    g->scale = out->rate;
    if ((out->rate.num != out->rate_y.num || out->rate.den != out->rate_y.den) && g->exact) {
        g->exact = false;
        g->why_inexact = g_strdup_printf("the output is scaled by %d/%d in x and %d/%d in y", (int)out->rate.num,
                                         (int)out->rate.den, (int)out->rate_y.num, (int)out->rate_y.den);
    }
    return TW_OK;
}

static tw_status walk(tw_shaper *s, const int channels[8])
{
    tw_geometry *g = s->geometry;
    const tw_graph *graph = s->graph;
    g_free(g->why_inexact);
    struct tw_layer_reach *reach = g->reach;
    tw_blob_geometry *blobs = g->blobs;
    tw_barrier *barriers = g->barriers;
    memset(reach, 0, (size_t)graph->n_layers * sizeof *reach);
    memset(blobs, 0, (size_t)graph->n_blobs * sizeof *blobs);
    *g = (tw_geometry){.exact = true, .reach = reach, .blobs = blobs, .barriers = barriers};
    memcpy(g->input_channels, channels, sizeof g->input_channels);
    for (int i = 0; i < graph->n_blobs; i++) {
        s->origin[0][i] = s->origin[1][i] = 0;
        s->extended[i] = false;
        s->level[i] = 0;
    }
    for (s->layer = 0; s->layer < graph->n_layers; s->layer++)
        TW_TRY(tw_layer_shape(s));
    for (int i = 0; i < graph->n_blobs; i++)
        if (graph->blobs[i].consumers > 1)
            return tw_fail(s->err, TW_ERROR_INPUT, "%s: blob %.80s is read %d times: a Split layer is missing", s->label,
                           graph->blobs[i].name, graph->blobs[i].consumers);
    for (int i = 0; i < g->n_inputs; i++)
        g->input_channels[i] = blobs[g->inputs[i]].channels;
    return find_ends(s);
}

/* Input layers seldom say their channels; the convolutions behind them do. Tries the usual ones until the weights fit. */
static tw_status walk_with_channels(tw_shaper *s)
{
    static const int usual[][8] = {
        {3, 3, 3, 3, 3, 3, 3, 3}, {3, 3, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1}, {4, 4, 4, 4, 4, 4, 4, 4}};
    int best = 0, fewest = -1, other[8];
    for (int i = 0; i < (int)G_N_ELEMENTS(usual); i++) {
        TW_TRY(walk(s, usual[i]));
        int wrong = mismatches(s->graph, s->geometry);
        if (wrong == 0)
            return TW_OK;
        if (fewest < 0 || wrong < fewest) {
            fewest = wrong;
            best = i;
        }
    }
    int64_t first = 0;
    for (int i = 0; i < s->graph->n_layers && first == 0; i++)
        first = announced_channels(&s->graph->layers[i]);
    for (int i = 0; i < 8; i++)
        other[i] = (int)tw_min64(first, TW_MAX_CHANNELS);
    TW_TRY(walk(s, other));
    return mismatches(s->graph, s->geometry) < fewest ? TW_OK : walk(s, usual[best]);
}

static tw_status survey(tw_shaper *s, const desk *d)
{
    tw_geometry *g = s->geometry;
    TW_TRY(walk_with_channels(s));
    TW_TRY(find_align(s));
    TW_TRY(find_size_multiple(s, d->lengths));
    for (int axis = 0; axis < 2; axis++)
        find_shrink(s, axis, d->lengths);
    find_canvas(g);
    find_halos(s->graph, g, d);
    for (int i = 0; i < 4; i++)
        if (g->halo[i] > MAX_HALO && g->exact) {
            g->exact = false;
            g->why_inexact = g_strdup("no tile short of the whole picture holds what it needs");
        }
    if (g->warps)
        find_motion(s->graph, g, d);
    return TW_OK;
}

tw_status tw_geometry_of(const tw_graph *graph, const char *label, tw_geometry **out, tw_error *err)
{
    tw_geometry *g = g_new0(tw_geometry, 1);
    g->reach = g_new0(struct tw_layer_reach, graph->n_layers);
    g->blobs = g_new0(tw_blob_geometry, graph->n_blobs);
    g->barriers = g_new0(tw_barrier, graph->n_layers);
    tw_shaper s = {.graph = graph, .label = label, .err = err, .geometry = g};
    s.origin[0] = g_new0(double, graph->n_blobs);
    s.origin[1] = g_new0(double, graph->n_blobs);
    s.extended = g_new0(bool, graph->n_blobs);
    s.level = g_new0(int, graph->n_blobs);
    desk d = {g_new0(int64_t, graph->n_blobs), g_new0(int64_t, graph->n_blobs), g_new0(tw_span, graph->n_blobs)};
    tw_status status = survey(&s, &d);
    g_free(s.origin[0]);
    g_free(s.origin[1]);
    g_free(s.extended);
    g_free(s.level);
    g_free(d.lengths);
    g_free(d.room);
    g_free(d.spans);
    *out = status == TW_OK ? g : NULL;
    if (status != TW_OK)
        tw_geometry_free(g);
    return status;
}

void tw_geometry_free(tw_geometry *geometry)
{
    if (!geometry)
        return;
    g_free(geometry->reach);
    g_free(geometry->blobs);
    g_free(geometry->barriers);
    g_free(geometry->why_inexact);
    g_free(geometry);
}
