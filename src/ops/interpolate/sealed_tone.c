/* SPDX-License-Identifier: MIT */
/* Tones that do not depend on the tile. The frame is divided into cells, the samples of the small frames, at the same places for every tile.
 * What the cells' means of a tile differ from the small frame in between is added to the tile, bilinear between cells: smoothed, which is
 * the tone that the model gave this tile, and as it is where the tile's frames agree less than the small ones do there, so that the
 * structure, too, comes from the small frame. */
#include <math.h>
#include <string.h>

#include "ops/interpolate/sealed.h"

#define PARTS  4 /* of a cell: three colours, and how many pixels; then how far the frames disagree */
#define SMOOTH 2 /* cells to each side, twice */
#define CERTAIN                                                                                                                \
    0.05f /* what the tile's frames disagree more than the small ones, 1 = white, where all structure is the small frame's */

typedef struct cells {
    tw_span x, y; /* that the tile shows */
    int64_t side; /* pixels of a cell's side */
    float *data;
} cells;

static cells cells_of(const tw_sealed *s, const tw_sealed_tile *tile)
{
    cells c = {.side = s->shrink};
    c.x = (tw_span){tile->at.x / c.side, tw_min64(tw_ceil_div(tile->at.x + tile->at.w, c.side), s->low[0])};
    c.y = (tw_span){tile->at.y / c.side, tw_min64(tw_ceil_div(tile->at.y + tile->at.h, c.side), s->low[1])};
    return c;
}

static int64_t number_of(const cells *c)
{
    return tw_span_length(c->x) * tw_span_length(c->y);
}

static tw_status take_cells(tw_interpolate_worker *worker, cells *c, tw_tensor *tensor, tw_error *err)
{
    TW_TRY(tw_engine_tensor(worker->engine, PARTS * tw_span_length(c->x), tw_span_length(c->y), 1, tensor, err));
    c->data = tensor->data;
    memset(c->data, 0, (size_t)(number_of(c) * PARTS) * sizeof(float));
    return TW_OK;
}

static float *cell_at(const cells *c, int64_t x, int64_t y)
{
    return c->data + PARTS * ((y - c->y.lo) * tw_span_length(c->x) + x - c->x.lo);
}

/* Means; only what lies in the picture counts, as for the small frames. `less` (NULL: nothing) is subtracted. */
static void fill_cells(const tw_op_state *state, const tw_sealed_tile *tile, const float *samples, const float *less,
                       const cells *c)
{
    int64_t w = tw_min64(tile->at.w, state->in.width - tile->at.x), h = tw_min64(tile->at.h, state->in.height - tile->at.y);
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            float *cell = cell_at(c, (tile->at.x + x) / c->side, (tile->at.y + y) / c->side);
            int64_t at = 3 * (y * tile->at.w + x);
            for (int i = 0; i < 3; i++)
                cell[i] += less ? samples[at + i] - less[at + i] : samples[at + i];
            cell[3]++;
        }
    for (int64_t k = 0; k < number_of(c); k++)
        for (int i = 0; i < 3; i++)
            c->data[PARTS * k + i] /= c->data[PARTS * k + 3];
}

tw_status tw_sealed_disagree(const tw_op_state *state, tw_interpolate_worker *worker, tw_sealed_tile *tile, tw_error *err)
{
    cells c = cells_of(state->sealed, tile);
    TW_TRY(take_cells(worker, &c, &tile->disagree, err));
    fill_cells(state, tile, tile->in[0].data, tile->in[1].data, &c);
    for (int64_t k = 0; k < number_of(&c); k++) {
        float *cell = c.data + PARTS * k;
        cell[3] = (fabsf(cell[0]) + fabsf(cell[1]) + fabsf(cell[2])) / 3;
    }
    return TW_OK;
}

void tw_sealed_agree(tw_sealed_tile *tile, const tw_sealed_tile *other)
{
    for (int64_t k = 3; k < tile->disagree.w * tile->disagree.h; k += PARTS)
        tile->disagree.data[k] = fminf(tile->disagree.data[k], other->disagree.data[k]);
}

static void subtract_cells(const tw_sealed *s, const cells *c)
{
    for (int64_t y = c->y.lo; y < c->y.hi; y++)
        for (int64_t x = c->x.lo; x < c->x.hi; x++)
            for (int i = 0; i < 3; i++)
                cell_at(c, x, y)[i] = s->middle[3 * (y * s->low[0] + x) + i] - cell_at(c, x, y)[i];
}

/* Those of the cells along an axis that the tile shows whole; all where it shows none. */
static tw_span whole_cells(tw_span shown, int64_t from, int64_t length, int64_t all, int64_t side)
{
    tw_span whole = {tw_ceil_div(from, side), from + length >= all ? shown.hi : (from + length) / side};
    return tw_span_empty(whole) ? shown : whole;
}

/* The mean of a part of a cell says little: those at the tile's edges are what the next ones are. */
static void replace_parts(const tw_op_state *state, const tw_sealed_tile *tile, const cells *c)
{
    tw_span across = whole_cells(c->x, tile->at.x, tile->at.w, state->in.width, c->side);
    tw_span down = whole_cells(c->y, tile->at.y, tile->at.h, state->in.height, c->side);
    for (int64_t y = c->y.lo; y < c->y.hi; y++)
        for (int64_t x = c->x.lo; x < c->x.hi; x++) {
            int64_t u = tw_clamp64(x, across.lo, across.hi - 1), v = tw_clamp64(y, down.lo, down.hi - 1);
            if (u != x || v != y)
                memcpy(cell_at(c, x, y), cell_at(c, u, v), PARTS * sizeof(float));
        }
}

/* Means of 2 * SMOOTH + 1 cells in a row or a column, fewer at the ends. */
static void smooth_along(const cells *c, bool down, const float *from, float *to)
{
    int64_t w = tw_span_length(c->x), h = tw_span_length(c->y), step = down ? w : 1;
    for (int64_t k = 0; k < w * h; k++) {
        int64_t at = down ? k / w : k % w, lo = tw_max64(at - SMOOTH, 0), hi = tw_min64(at + SMOOTH, (down ? h : w) - 1);
        for (int i = 0; i < PARTS; i++) {
            float sum = 0;
            for (int64_t n = lo; n <= hi; n++)
                sum += from[PARTS * (k + (n - at) * step) + i];
            to[PARTS * k + i] = sum / (float)(hi - lo + 1);
        }
    }
}

static void smooth(const cells *c, float *room, float *to)
{
    smooth_along(c, false, c->data, room);
    smooth_along(c, true, room, to);
    smooth_along(c, false, to, room);
    smooth_along(c, true, room, to);
}

/* Of each cell, what is added to the tile. */
static void choose_cells(const tw_sealed *s, const cells *c, const float *smoothed, const float *disagree)
{
    for (int64_t y = c->y.lo; y < c->y.hi; y++)
        for (int64_t x = c->x.lo; x < c->x.hi; x++) {
            float *cell = cell_at(c, x, y);
            int64_t at = cell - c->data;
            float share = (disagree[at + 3] - s->disagree[y * s->low[0] + x]) / CERTAIN;
            share = share < 0 ? 0 : share > 1 ? 1 : share;
            for (int i = 0; i < 3; i++)
                cell[i] = smoothed[at + i] + (cell[i] - smoothed[at + i]) * share;
        }
}

/* Two cells and the second one's share, for the centre of a pixel. */
static int64_t between(tw_span span, int64_t side, int64_t pixel, float *share)
{
    float at = ((float)(pixel % side) + 0.5f) / (float)side - 0.5f;
    int64_t cell = pixel / side;
    if (at < 0)
        cell--, at++;
    *share = at;
    if (cell < span.lo || cell + 1 >= span.hi) {
        *share = cell < span.lo ? 0 : *share;
        if (cell + 1 >= span.hi)
            *share = 0;
        return tw_clamp64(cell, span.lo, span.hi - 1);
    }
    return cell;
}

static void add_row(const cells *c, tw_sealed_tile *tile, int64_t y)
{
    float down, across, *row = tile->out.data + 3 * y * tile->at.w;
    int64_t top = between(c->y, c->side, tile->at.y + y, &down), below = tw_min64(top + 1, c->y.hi - 1);
    for (int64_t x = 0; x < tile->at.w; x++) {
        int64_t left = between(c->x, c->side, tile->at.x + x, &across), right = tw_min64(left + 1, c->x.hi - 1);
        const float *a = cell_at(c, left, top), *b = cell_at(c, right, top);
        const float *p = cell_at(c, left, below), *q = cell_at(c, right, below);
        for (int i = 0; i < 3; i++) {
            float upper = a[i] + (b[i] - a[i]) * across, lower = p[i] + (q[i] - p[i]) * across;
            row[3 * x + i] += upper + (lower - upper) * down;
        }
    }
}

tw_status tw_sealed_tone(tw_op_state *state, tw_interpolate_worker *worker, tw_sealed_tile *tile, tw_error *err)
{
    const tw_sealed *s = state->sealed;
    cells c = cells_of(s, tile);
    tw_tensor room[2] = {0};
    TW_TRY(take_cells(worker, &c, &tile->cells, err));
    tw_status status = TW_OK;
    for (int i = 0; i < 2 && status == TW_OK; i++)
        status = tw_engine_tensor(worker->engine, tile->cells.w, tile->cells.h, 1, &room[i], err);
    if (status == TW_OK) {
        fill_cells(state, tile, tile->out.data, NULL, &c);
        subtract_cells(s, &c);
        replace_parts(state, tile, &c);
        smooth(&c, room[0].data, room[1].data);
        choose_cells(s, &c, room[1].data, tile->disagree.data);
        for (int64_t y = 0; y < tile->at.h; y++)
            add_row(&c, tile, y);
    }
    for (int i = 0; i < 2; i++)
        tw_tensor_release(&room[1 - i]);
    tw_tensor_release(&tile->cells);
    tw_tensor_release(&tile->disagree);
    return status;
}
