/* SPDX-License-Identifier: MIT */
/** Checks of a carried walk, sample by sample, with no engine: blobs come in parts without gaps, and whatever a window shows is there. */
#ifndef TW_TEST_CARRY_CHECKS_H
#define TW_TEST_CARRY_CHECKS_H

#include <glib.h>

#include "model/carry.h"

static inline bool is_in(int64_t i, tw_span span)
{
    return i >= span.lo && i < span.hi;
}

/* Where a sample outside the blob comes from; -1: from nowhere, it is the fill. */
static inline int64_t shown(int64_t i, int64_t n, tw_edge edge)
{
    while (edge == TW_EDGE_REFLECT && n > 1 && (i < 0 || i >= n))
        i = i < 0 ? -i : 2 * (n - 1) - i;
    if (edge != TW_EDGE_ZERO)
        i = CLAMP(i, 0, n - 1);
    return i < 0 || i >= n ? -1 : i;
}

/* Old samples that are kept and new ones: what there is of kept[k] in a step. */
static inline tw_span there_is(const tw_carry_walk *walk, int k, int axis, int64_t step)
{
    tw_span kept = tw_carry_kept_span(walk, k, axis, step), fresh = tw_carry_new(walk, walk->kept[k].blob, axis, step);
    g_assert_cmpint(kept.hi, ==, fresh.lo);
    g_assert_cmpint(kept.lo, <=, kept.hi);
    g_assert_cmpint(kept.lo, >=, 0);
    return (tw_span){kept.lo, fresh.hi};
}

static inline void check_window(const tw_carry_walk *walk, int window, int axis, int64_t step, const char *text)
{
    const tw_carry_window *w = &walk->carry->windows[window];
    tw_span out = tw_carry_new(walk, w->out, axis, step), span = tw_carry_window_span(walk, window, axis, step);
    if (out.hi <= out.lo) {
        g_assert_cmpint(span.hi, <=, span.lo);
        return;
    }
    g_assert_cmpint(span.hi, >, span.lo);
    if (w->cuts) {
        g_assert_cmpint(span.hi - span.lo, ==, out.hi - out.lo);
        g_assert_cmpint(span.lo, >=, 0);
        return;
    }
    tw_span there = there_is(walk, walk->kept_of[w->blob], axis, step);
    for (int64_t i = span.lo; i < span.hi; i++) {
        int64_t at = shown(i, walk->length[axis][w->blob], w->map[axis].edge);
        if (at >= 0 && !is_in(at, there))
            g_error("axis %d, step %d: window %d [%d %d) shows %d at %d, there is [%d %d) of %d\n%s", axis, (int)step, window,
                    (int)span.lo, (int)span.hi, (int)at, (int)i, (int)there.lo, (int)there.hi, (int)walk->length[axis][w->blob],
                    text);
    }
}

/* No more is kept than planned, and nothing that is gone already. */
static inline void check_kept(const tw_carry_walk *walk, int k, int axis, int64_t step, const char *text)
{
    tw_span there = there_is(walk, k, axis, step), next = tw_carry_kept_span(walk, k, axis, step + 1);
    if (next.hi - next.lo > walk->kept[k].keep[axis] || next.lo < there.lo || next.hi != there.hi)
        g_error("axis %d, step %d: [%d %d) of [%d %d) is kept, %d planned\n%s", axis, (int)step, (int)next.lo, (int)next.hi,
                (int)there.lo, (int)there.hi, (int)walk->kept[k].keep[axis], text);
}

/* Each blob's parts follow each other without gaps; the targets' fill them. */
static inline void check_parts(const tw_carry_walk *walk, int axis, int n_targets, const int *targets)
{
    const tw_geometry *g = walk->carry->geometry;
    for (int b = 0; b < walk->carry->graph->n_blobs; b++) {
        tw_ratio rate = axis ? g->blobs[b].rate_y : g->blobs[b].rate;
        int64_t at = 0;
        for (int64_t step = 0; step < walk->steps[axis] && g->blobs[b].spatial; step++) {
            tw_span part = tw_carry_new(walk, b, axis, step);
            g_assert_cmpint(part.lo, ==, at);
            g_assert_cmpint(part.hi, >=, at);
            g_assert_cmpint((part.hi - at) * rate.den, <=, walk->tile[axis] * rate.num); /* no step is larger than others */
            at = part.hi;
        }
        g_assert_cmpint(at, <=, walk->length[axis][b]);
        for (int i = 0; i < n_targets; i++)
            if (b == targets[i])
                g_assert_cmpint(at, ==, walk->length[axis][b]);
    }
}

/* The rooms that were planned hold what each step keeps. */
static inline void check_rooms(const tw_carry_walk *walk)
{
    int64_t largest, sum, rows = 0, columns = tw_carry_column_floats(walk);
    tw_carry_rows_floats(walk, &largest, &sum);
    for (int64_t i = 0; i < walk->steps[0]; i++) {
        g_assert_cmpint(tw_carry_row_floats(walk, i), <=, largest);
        rows += tw_carry_row_floats(walk, i);
    }
    g_assert_cmpint(rows, <=, sum);
    for (int64_t j = 0; j < walk->steps[1]; j++)
        for (int64_t i = 0; i < walk->steps[0]; i++) {
            int64_t floats = 0;
            for (int k = 0; k < walk->n_kept; k++) {
                tw_span x = tw_carry_kept_span(walk, k, 0, i + 1), y = there_is(walk, k, 1, j);
                floats += (x.hi - x.lo) * (y.hi - y.lo) * walk->kept[k].channels;
            }
            g_assert_cmpint(floats, <=, columns);
        }
}

static inline void check_walk(const tw_carry_walk *walk, int n_targets, const int *targets, const char *text)
{
    check_rooms(walk);
    for (int axis = 0; axis < 2; axis++) {
        check_parts(walk, axis, n_targets, targets);
        for (int64_t step = 0; step < walk->steps[axis]; step++) {
            for (int i = 0; i < walk->carry->n_windows; i++)
                if (walk->active[i])
                    check_window(walk, i, axis, step, text);
            for (int k = 0; k < walk->n_kept; k++)
                check_kept(walk, k, axis, step, text);
        }
    }
}

#endif
