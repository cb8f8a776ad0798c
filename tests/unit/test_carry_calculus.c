/* SPDX-License-Identifier: MIT */
/* Where a carried net's windows stand, without an engine: every sample that a new output reads, by the layers' own definitions, lies
 * in the window, and is kept or new. And which nets are refused. */
#include <math.h>
#include <string.h>

#include "carry_checks.h"
#include "carry_graph.h"
#include "model/interval.h"

#define MOST_READ 64

/* ---- what a layer's output reads, by definition ---- */

static int64_t key(const tw_layer *l, int axis, int x, int y, int fallback)
{
    int value = tw_layer_int(l, x, fallback);
    return axis ? tw_layer_int(l, y, value) : value;
}

/* Samples of a window in front of which `pad` lie; -233: so many that the output has ceil(n / stride). */
static int in_window(int64_t o, int64_t n, int64_t k, int64_t d, int64_t s, int64_t pad, int64_t *reads)
{
    int64_t all = MAX((n - 1) / s * s + d * (k - 1) + 1 - n, 0);
    for (int64_t j = 0; j < k; j++)
        reads[j] = o * s - (pad == -233 ? all / 2 : pad) + j * d;
    return (int)k;
}

static int under_kernel(const tw_layer *l, int axis, int64_t o, int64_t n, int64_t *reads)
{
    int64_t k = key(l, axis, 1, 11, 1), d = key(l, axis, 2, 12, 1), s = key(l, axis, 3, 13, 1), p = key(l, axis, 4, 14, 0);
    int found = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j++)
            if (i * s + j * d - p == o)
                reads[found++] = i;
    return found;
}

static int around(const tw_layer *l, int64_t o, int64_t n, double factor, int64_t *reads)
{
    static const int before[] = {0, 0, 0, 1}, after[] = {0, 0, 1, 2};
    int type = tw_layer_int(l, 0, 0), found = 0;
    int64_t at = (int64_t)floor(type == 1 ? (double)o / factor + 1e-9 : ((double)o + 0.5) / factor - 0.5 + 1e-9);
    for (int64_t i = at - before[type]; i <= at + after[type]; i++)
        reads[found++] = CLAMP(i, 0, n - 1);
    return found;
}

static int crop_from(const tw_layer *l, int axis)
{
    const tw_param *starts = tw_layer_param(l, 9);
    if (!starts || l->n_inputs > 1)
        return (int)key(l, axis, 0, 1, 0);
    return (int)starts->values[starts->n - (axis ? 2 : 1)];
}

/* Places that output `o` of layer `l` reads of an input of n samples; they may lie outside. */
static int reads_of(const tw_layer *l, int axis, int64_t o, int64_t n, int64_t n_out, int64_t *reads)
{
    reads[0] = o;
    if (!strcmp(l->type, "Convolution") || !strcmp(l->type, "ConvolutionDepthWise"))
        return in_window(o, n, key(l, axis, 1, 11, 1), key(l, axis, 2, 12, 1), key(l, axis, 3, 13, 1), key(l, axis, 4, 14, 0),
                         reads);
    if (!strcmp(l->type, "Pooling"))
        return in_window(o, n, key(l, axis, 1, 11, 1), 1, key(l, axis, 2, 12, 1), key(l, axis, 3, 13, 0), reads);
    if (strstr(l->type, "Deconvolution"))
        return under_kernel(l, axis, o, n, reads);
    if (!strcmp(l->type, "Interp")) {
        double factor = tw_layer_real(l, axis ? 1 : 2, 0);
        return around(l, o, n, factor > 0 ? factor : (double)n_out / (double)n, reads);
    }
    if (!strcmp(l->type, "Reorg"))
        return in_window(o, n, 2, 1, 2, 0, reads);
    if (!strcmp(l->type, "PixelShuffle"))
        reads[0] = o / 2;
    else if (!strcmp(l->type, "Crop"))
        reads[0] = o + crop_from(l, axis);
    else if (!strcmp(l->type, "Padding"))
        reads[0] = o - key(l, axis, 2, 0, 0) * (axis == 0) - tw_layer_int(l, 0, 0) * (axis == 1);
    return 1;
}

/* ---- walks ---- */

static int64_t checked;

static void check_reads(const tw_carry_walk *walk, int window, int axis, int64_t step, const char *text)
{
    const tw_carry_window *w = &walk->carry->windows[window];
    const tw_layer *l = &walk->carry->graph->layers[walk->carry->graph->blobs[w->out].producer];
    tw_span out = tw_carry_new(walk, w->out, axis, step), span = tw_carry_window_span(walk, window, axis, step);
    int64_t n = walk->length[axis][w->blob], reads[MOST_READ];
    for (int64_t o = out.lo; o < out.hi; o++) {
        int found = reads_of(l, axis, o, n, walk->length[axis][w->out], reads);
        for (int i = 0; i < found; i++, checked++)
            if (!is_in(reads[i], span))
                g_error("axis %d, step %d: %s gives %d, reads %d, window [%d %d)\n%s", axis, (int)step, l->name, (int)o,
                        (int)reads[i], (int)span.lo, (int)span.hi, text);
    }
}

/* A cut leaves the new outputs of what its layer makes of the window in front of it, which begins at a whole sample. */
static void check_cut(const tw_carry_walk *walk, int window, int axis, int64_t step, const char *text)
{
    const tw_carry_window *w = &walk->carry->windows[window];
    const tw_map *m = &w->map[axis];
    tw_span out = tw_carry_new(walk, w->out, axis, step), cut = tw_carry_window_span(walk, window, axis, step);
    if (out.hi <= out.lo)
        return;
    tw_span read = tw_carry_window_span(walk, window - 1, axis, step);
    int64_t n = read.hi - read.lo, from, length;
    if (m->kind == TW_MAP_TRANSPOSED) {
        from = read.lo * m->stride - m->pad;
        length = (n - 1) * m->stride + m->extent;
    } else {
        g_assert_cmpint(read.lo * m->up % m->down, ==, 0);
        from = read.lo * m->up / m->down;
        length = n * m->up / m->down;
    }
    if (cut.lo + from != out.lo || cut.hi > length)
        g_error("axis %d, step %d: window [%d %d) gives [%d %d), of that [%d %d) is taken for [%d %d)\n%s", axis, (int)step,
                (int)read.lo, (int)read.hi, (int)from, (int)(from + length), (int)cut.lo, (int)cut.hi, (int)out.lo, (int)out.hi,
                text);
}

static void check_all(const tw_carry_walk *walk, const char *text)
{
    check_walk(walk, 1, &walk->carry->geometry->output, text);
    for (int axis = 0; axis < 2; axis++)
        for (int64_t step = 0; step < walk->steps[axis]; step++)
            for (int i = 0; i < walk->carry->n_windows; i++)
                if (walk->active[i] && walk->carry->windows[i].cuts)
                    check_cut(walk, i, axis, step, text);
                else if (walk->active[i])
                    check_reads(walk, i, axis, step, text);
}

static int check_graph(const char *text, GRand *rand)
{
    tw_error err = TW_ERROR_NONE;
    tw_graph *graph;
    tw_geometry *g = NULL;
    tw_carry *c = NULL;
    int walks = 0;
    g_assert_cmpint(tw_graph_parse(text, strlen(text), "random", &graph, &err), ==, TW_OK);
    if (tw_geometry_of(graph, "random", &g, &err) == TW_OK && tw_carry_of(graph, g, text, "random", false, &c, &err) == TW_OK) {
        for (int i = 0; i < 4; i++) {
            int64_t canvas[2], tile[2];
            tw_carry_walk *walk;
            for (int axis = 0; axis < 2; axis++) {
                canvas[axis] = tw_ceil_div(g_rand_int_range(rand, 1, 140), g->size_multiple) * g->size_multiple;
                tile[axis] = c->align * (i == 0 ? 1 : g_rand_int_range(rand, 1, 12));
            }
            if (tw_carry_walk_new(c, canvas, tile, 1, &g->output, 1, &g->input, &walk, &err) != TW_OK)
                continue;
            check_all(walk, text);
            tw_carry_walk_free(walk);
            walks++;
        }
    }
    tw_carry_free(c);
    tw_geometry_free(g);
    tw_graph_free(graph);
    return walks;
}

static void test_random_graphs(void)
{
    int walks = 0;
    for (guint32 seed = 5001; walks < 1500; seed++) {
        GRand *rand = g_rand_new_with_seed(seed);
        g_autofree char *text = carry_graph_text(rand);
        walks += check_graph(text, rand);
        g_rand_free(rand);
    }
    g_test_message("%d walks, %lld reads", walks, (long long)checked);
}

static void test_odd_chains(void)
{
    int walks = 0;
    checked = 0;
    for (guint32 seed = 1; walks < 3000; seed++) {
        GRand *rand = g_rand_new_with_seed(seed);
        g_autofree char *text = odd_chain_text(rand);
        walks += check_graph(text, rand);
        g_rand_free(rand);
    }
    g_test_message("%d walks, %lld reads", walks, (long long)checked);
}

/* ---- refusals ---- */

static void test_refused(void)
{
    static const struct {
        const char *lines, *why;
        int layers, blobs;
    } cases[] = {
        {"InstanceNorm n 1 1 a z 0=3", "statistics", 2, 2},
        {"Pooling p 1 1 a z 0=1 1=3 2=1 3=1 5=1", "count what lies inside", 2, 2},
        {"Deconvolution c 1 1 a z 0=8 1=3 3=2 4=1 18=1 6=216", "no rule", 2, 2},
        {"Deconvolution c 1 1 a z 0=8 1=1 3=2 6=24", "no rule", 2, 2}, /* samples that nothing is read for */
        {"Crop c 1 1 a z -23309=3,1,1,1 -23310=3,3,-1,-1 -23311=3,0,1,2", "no rule", 2, 2},
        {"Convolution c 1 1 a f 0=2 1=3 4=1 6=54\nInput in2 0 1 b 2=3\nrife.Warp w 2 1 b f z", "where a flow points", 4, 4},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strdup_printf("7767517\n%d %d\nInput in 0 1 a 2=3\n%s\n", cases[i].layers, cases[i].blobs, cases[i].lines);
        tw_error err = TW_ERROR_NONE;
        tw_graph *graph;
        tw_geometry *g;
        tw_carry *c;
        g_assert_cmpint(tw_graph_parse(text, strlen(text), "case", &graph, &err), ==, TW_OK);
        g_assert_cmpint(tw_geometry_of(graph, "case", &g, &err), ==, TW_OK);
        g_assert_cmpint(tw_carry_of(graph, g, text, "case", false, &c, &err), ==, TW_ERROR_USAGE);
        g_assert_null(c);
        if (!strstr(err.message, cases[i].why) || !strstr(err.message, "case cannot be carried"))
            g_error("'%s' does not say '%s'", err.message, cases[i].why);
        tw_geometry_free(g);
        tw_graph_free(graph);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/carry-calculus/refused", test_refused);
    g_test_add_func("/carry-calculus/random-graphs", test_random_graphs);
    g_test_add_func("/carry-calculus/odd-chains", test_odd_chains);
    return g_test_run();
}
