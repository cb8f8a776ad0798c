/* SPDX-License-Identifier: MIT */
/** Checks of the geometry against ncnn: impulses tell which input samples have a part in an output, tiles whether
 *  need() is enough. */
#ifndef TW_TEST_GEOMETRY_CHECKS_H
#define TW_TEST_GEOMETRY_CHECKS_H

#include <math.h>

#include "ncnn_run.h"

/* Lengths that make the graph run, around `wish`; 0 when none does. */
static inline int usable_size(const test_net *t, int wish)
{
    int64_t m = t->geometry->size_multiple;
    g_autofree int64_t *lengths = g_new(int64_t, t->graph->n_blobs);
    for (int64_t n = tw_ceil_div(wish, m) * m; n < 4 * wish + 2 * m; n += m) {
        bool x, y, big = true;
        if (!tw_geometry_lengths(t->graph, t->geometry, 0, n, lengths, &x) || !x)
            continue;
        for (int i = 0; i < t->graph->n_blobs; i++)
            big = big && (lengths[i] == 0 || lengths[i] >= 4); /* ncnn's bicubic has its own rules below */
        if (big && tw_geometry_lengths(t->graph, t->geometry, 1, n, lengths, &y) && y)
            return (int)n;
    }
    return 0;
}

/* Runs an image whose only non-zero samples are one full column (axis 0) or row, for every position, and one without any; marks
 * moved[o][i] where they differ. (ncnn's tanh makes something of nothing on some processors.) */
static inline void find_moved(test_net *t, int axis, int n, int other, bool *moved, int n_out)
{
    int c = t->geometry->input_channels[0];
    test_image still = {0};
    for (int i = -1; i < n; i++) {
        test_image in = axis == 0 ? image_new(n, other, c) : image_new(other, n, c);
        for (int k = 0; i >= 0 && k < c; k++)
            for (int j = 0; j < other; j++)
                *(axis == 0 ? image_at(&in, k, j, i) : image_at(&in, k, i, j)) = 1;
        test_image out = net_run(t, &in, t->geometry->output, 0, NULL, NULL);
        g_assert_nonnull(out.data);
        g_assert_cmpint(axis == 0 ? out.w : out.h, ==, n_out);
        g_free(in.data);
        if (i < 0) {
            still = out;
            continue;
        }
        for (int k = 0; k < out.c; k++)
            for (int y = 0; y < out.h; y++)
                for (int x = 0; x < out.w; x++)
                    if (*image_at(&out, k, y, x) != *image_at(&still, k, y, x))
                        moved[(axis == 0 ? x : y) * n + i] = true;
        g_free(out.data);
    }
    g_free(still.data);
}

static inline void check_impulses(test_net *t, int w, int h, bool exact_ends, const char *text)
{
    for (int axis = 0; axis < 2; axis++) {
        int n = axis ? h : w;
        int n_out = (int)tw_geometry_length(t->graph, t->geometry, t->geometry->output, axis, n);
        g_autofree bool *moved = g_new0(bool, (gsize)n *(gsize)n_out);
        g_autofree int64_t *lengths = g_new(int64_t, t->graph->n_blobs);
        g_autofree tw_span *spans = g_new(tw_span, t->graph->n_blobs);
        find_moved(t, axis, n, axis ? w : h, moved, n_out);
        g_assert_true(tw_geometry_lengths(t->graph, t->geometry, axis, n, lengths, NULL));
        for (int o = 0; o < n_out; o++) {
            memset(spans, 0, (gsize)t->graph->n_blobs * sizeof *spans);
            spans[t->geometry->output] = (tw_span){o, o + 1};
            tw_geometry_close(t->graph, t->geometry, axis, lengths, spans);
            tw_span need = spans[t->geometry->input],
                    tile = tw_geometry_need(t->graph, t->geometry, axis, n, (tw_span){o, o + 1});
            g_assert_true(need.hi <= need.lo || (tile.lo <= need.lo && tile.hi >= need.hi));
            int first = n, last = -1;
            for (int i = 0; i < n; i++)
                if (moved[o * n + i]) {
                    first = MIN(first, i);
                    last = i;
                }
            bool inside = last < 0 || (first >= need.lo && last < need.hi);
            bool ends = !exact_ends || (last < 0 ? need.hi <= need.lo : first == need.lo && last == need.hi - 1);
            if (!inside || !ends)
                g_error("axis %d, %d samples: output %d moves with %d..%d, need says [%d, %d)\n%s", axis, n, o, first, last,
                        (int)need.lo, (int)need.hi, text);
        }
    }
}

/* The tile of what a core needs, on the grid, gives the core's samples of the whole run. */
static inline void check_tile(test_net *t, const test_image *image, const test_image *whole, tw_span x, tw_span y,
                              double tolerance, const char *text)
{
    const tw_geometry *g = t->geometry;
    tw_span in[2], out[2] = {x, y};
    int64_t size[2] = {image->w, image->h}, shift[2];
    for (int axis = 0; axis < 2; axis++) {
        in[axis] = tw_geometry_need(t->graph, g, axis, size[axis], out[axis]);
        in[axis].lo -= in[axis].lo % g->align;
        in[axis].hi = MIN(tw_ceil_div(in[axis].hi, g->align) * g->align, size[axis]);
        shift[axis] = in[axis].lo * g->scale.num / g->scale.den;
    }
    test_image part = image_cut(image, (int)in[0].lo, (int)in[1].lo, (int)(in[0].hi - in[0].lo), (int)(in[1].hi - in[1].lo));
    test_image tile = net_run(t, &part, g->output, 0, NULL, NULL);
    if (!tile.data)
        g_error("the tile does not run\n%s", text);
    for (int c = 0; c < whole->c; c++)
        for (int64_t j = y.lo; j < y.hi; j++)
            for (int64_t i = x.lo; i < x.hi; i++) {
                double a = *image_at(whole, c, (int)j, (int)i),
                       b = *image_at(&tile, c, (int)(j - shift[1]), (int)(i - shift[0]));
                if (!(fabs(a - b) <= tolerance * (1 + fabs(a))))
                    g_error("core x [%d, %d) y [%d, %d): sample %d %d %d is %g, in the tile %g\n%s", (int)x.lo, (int)x.hi,
                            (int)y.lo, (int)y.hi, c, (int)j, (int)i, a, b, text);
            }
    g_free(part.data);
    g_free(tile.data);
}

static inline tw_span random_core(GRand *rand, int n)
{
    int lo = g_rand_int_range(rand, 0, n), hi = g_rand_int_range(rand, lo, MIN(n, lo + 12)) + 1;
    return (tw_span){lo, hi};
}

#endif
