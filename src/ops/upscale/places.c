/* SPDX-License-Identifier: MIT */
/** Where a picture has most detail, found while its rows pass. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "ops/upscale/state.h"

/* A column or row of cells. A cell counts where its column or its row does. */
typedef struct strip {
    tw_span span;
    bool counts;
} strip;

typedef struct finder {
    int64_t n[2]; /* columns and rows of cells */
    strip *strips[2];
    double *detail; /* of the cells of the row of cells that passes */
    int64_t row;    /* which one that is */
    double *best;   /* detail of the cells found so far, most first */
    tw_rect *cells;
    int most, found;
} finder;

/* --- cells --------------------------------------------------------------------------------------------------------- */

static int64_t even_count(int64_t length, int64_t side)
{
    return tw_max64(length / side, 1);
}

static void lay_even(int64_t length, int64_t side, strip *strips, int64_t *n)
{
    *n = even_count(length, side);
    for (int64_t i = 0; i < *n; i++)
        strips[i] = (strip){{i * side, tw_min64((i + 1) * side, length)}, true};
}

static int64_t cut_count(int64_t length, int64_t side, int64_t tiles)
{
    return tw_ceil_div(length, side) + 2 * tiles;
}

/* A strip around each edge, no wider than `side` and no further than the middle of a tile; between them what counts where it crosses
 * one of the other axis. */
static void lay_at_cuts(const tw_cut *cuts, int64_t tiles, int64_t scale, int64_t side, strip *strips, int64_t *n)
{
    int64_t end = 0;
    *n = 0;
    for (int64_t i = 1; i <= tiles; i++) {
        int64_t before = cuts[i - 1].at / scale, at = cuts[i].at / scale;
        int64_t after = i < tiles ? cuts[i + 1].at / scale : at;
        int64_t from = i < tiles ? at - tw_min64(side / 2, (at - before) / 2) : at;
        for (; end < from; end = tw_min64(end + side, from))
            strips[(*n)++] = (strip){{end, tw_min64(end + side, from)}, false};
        end = at + tw_min64(side / 2, (after - at) / 2);
        if (from < end)
            strips[(*n)++] = (strip){{from, end}, true};
    }
}

int64_t tw_upscale_places_bytes(const tw_picture *picture, int64_t side, int64_t tiles)
{
    int64_t columns = cut_count(picture->width, side, tiles), rows = cut_count(picture->height, side, tiles);
    return tw_upscale_each_row_bytes(picture) + columns * (int64_t)sizeof(double) + (columns + rows) * (int64_t)sizeof(strip);
}

/* --- what lies in them --------------------------------------------------------------------------------------------- */

/* Keeps a cell among the best; of equals the one that came first. */
static void offer(finder *f, double detail, tw_rect cell)
{
    int at = f->found;
    while (at > 0 && detail > f->best[at - 1])
        at--;
    if (at == f->most || !isfinite(detail))
        return;
    int last = f->found < f->most ? f->found++ : f->most - 1;
    for (int i = last; i > at; i--) {
        f->best[i] = f->best[i - 1];
        f->cells[i] = f->cells[i - 1];
    }
    f->best[at] = detail;
    f->cells[at] = cell;
}

static void end_cells(finder *f, const strip *row)
{
    for (int64_t cell = 0; cell < f->n[0]; cell++) {
        const strip *column = &f->strips[0][cell];
        if (row->counts || column->counts)
            offer(f, f->detail[cell], tw_rect_of(column->span, row->span));
        f->detail[cell] = 0;
    }
}

static void add_row(void *user, int64_t y, const float *row, const float *above)
{
    finder *f = user;
    if (f->row == f->n[1]) /* what is left behind the last cells */
        return;
    for (int64_t cell = 0; cell < f->n[0]; cell++) {
        double sum = 0;
        for (int64_t x = f->strips[0][cell].span.lo; x < f->strips[0][cell].span.hi; x++) {
            sum += x > 0 ? fabsf(row[x] - row[x - 1]) : 0;
            sum += above ? fabsf(row[x] - above[x]) : 0;
        }
        f->detail[cell] += sum;
    }
    const strip *at = &f->strips[1][f->row];
    if (y + 1 == at->span.hi) {
        end_cells(f, at);
        f->row++;
    }
}

tw_status tw_upscale_places(const tw_op_state *state, tw_source *source, int64_t side, const tw_cuts *cuts, int most,
                            tw_rect *cells, int *found, tw_error *err)
{
    finder f = {.cells = cells, .most = most};
    int64_t lengths[] = {state->in.width, state->in.height}, bytes = 0;
    for (int axis = 0; axis < 2; axis++)
        f.n[axis] = cuts ? cut_count(lengths[axis], side, cuts->count[axis]) : even_count(lengths[axis], side);
    bytes = f.n[0] * (int64_t)sizeof(double) + (f.n[0] + f.n[1]) * (int64_t)sizeof(strip);
    *found = 0;
    f.detail = tw_alloc(tw_context_account(state->context), (size_t)bytes);
    if (!f.detail)
        return tw_fail_memory(err, "cells to be measured", bytes);
    f.strips[0] = (strip *)(f.detail + f.n[0]);
    f.strips[1] = f.strips[0] + f.n[0];
    for (int axis = 0; axis < 2; axis++)
        if (cuts)
            lay_at_cuts(cuts->at[axis], cuts->count[axis], state->scale, side, f.strips[axis], &f.n[axis]);
        else
            lay_even(lengths[axis], side, f.strips[axis], &f.n[axis]);
    memset(f.detail, 0, (size_t)f.n[0] * sizeof(double));
    f.best = g_new0(double, most);
    tw_status status = tw_upscale_each_row(state->context, source, add_row, &f, err);
    *found = f.found;
    g_free(f.best);
    tw_free(f.detail);
    return status;
}
