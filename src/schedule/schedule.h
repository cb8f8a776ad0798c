/* SPDX-License-Identifier: MIT */
/** Walks an operator's passes tile by tile: which rows must be there, which worker takes which step, where results go, what is
 *  retried. Knows rectangles and rows, not what pixels mean. `halo` reads core + context per tile; `whole` is the same walk
 *  with one tile; `carry` takes its steps from the operator's spans instead of need(). */
#ifndef TW_SCHEDULE_SCHEDULE_H
#define TW_SCHEDULE_SCHEDULE_H

#include "image/sink.h"
#include "ops/op.h"
#include "plan/plan.h"

/** Everything one run needs; all borrowed. `sink` is NULL for operators whose result is not a picture. */
typedef struct tw_schedule_request {
    tw_context *context;
    const tw_op_class *op;
    tw_op_state *state;
    const tw_plan *plan;
    int n_inputs;
    tw_source *const *sources;
    tw_sink *sink;
    const tw_picture *result;
    const tw_cuts *cuts; /* those that were moved, of a plan with `seams`; NULL: even ones */
} tw_schedule_request;

/** Runs all passes. The first failure (or cancellation) stops every worker and is returned. `seconds` (may be NULL): from the first
 *  step to the last, weights being loaded before. */
tw_status tw_schedule_run(const tw_schedule_request *request, double *seconds, tw_error *err);

/** Partition of a plane into tiles of at most tile_w x tile_h, in raster order, sizes evened out and aligned. Edges lie at multiples of
 *  the pitch until they are moved: it is the tile's side, or less where they may move. Pure. */
typedef struct tw_grid {
    int64_t width, height, tile_w, tile_h, columns, rows;
    int64_t pitch_w, pitch_h;
    int64_t shift_w, shift_h; /* edges may move so far from there */
    int64_t reach_w, reach_h; /* how far tiles reach over their inner edges to be blended; 0: not at all */
    const tw_cuts *cuts;      /* moved ones, borrowed; NULL: even */
} tw_grid;

tw_grid tw_grid_of(int64_t width, int64_t height, int64_t tile_w, int64_t tile_h, int64_t align);
tw_rect tw_grid_rect(const tw_grid *grid, int64_t index);
/** The grid of a pass, with the overlap that it asks for, at most half a pitch to each side of an edge. With pass->seams tiles have
 *  slack. */
tw_grid tw_grid_of_pass(const tw_pass *pass, int64_t tile_w, int64_t tile_h);
/** The tile widened to what its step computes. */
tw_rect tw_grid_write(const tw_grid *grid, int64_t index);
/** The same for a whole row of tiles. */
tw_rect tw_grid_write_row(const tw_grid *grid, int64_t row);
/** Where tiles overlap around the edge in front of column (axis 0) or row (axis 1) `edge`; empty at the plane's borders. A last
 *  tile that is a sliver takes no more than its half: the overlap then lies in its neighbour. */
tw_span tw_grid_overlap(const tw_grid *grid, int axis, int64_t edge);
/** Bytes of the edges of both axes, for tw_cuts. */
int64_t tw_grid_cut_bytes(const tw_grid *grid);
/** Lays the edges along an axis of `count` tiles at count + 1 positions of the plane; tiles overlap by so much to each side of each. */
void tw_grid_lay_cuts(int64_t count, const int64_t *positions, const int64_t *reaches, tw_cut *cuts);
/** Rows of sums in flight when tiles overlap, with the next tile row begun or not, and the bytes they take. */
int64_t tw_grid_blend_rows(const tw_grid *grid, bool lookahead);
int64_t tw_grid_blend_bytes(const tw_grid *grid, const tw_picture *result, int64_t rows);
/** Columns and rows of the lattice of tiles, spread evenly over the grid, that a pass takes: about `sample` of them, or all (0, or as
 *  many as there are). */
void tw_grid_taken(const tw_grid *grid, int64_t sample, int64_t taken[2]);
/** The column (or row) of a grid of `count` that is number `i` of the `taken` ones. */
static inline int64_t tw_grid_taken_at(int64_t i, int64_t taken, int64_t count)
{
    return (2 * i + 1) * count / (2 * taken);
}
/** Samples of the plane that the taken tiles own. */
int64_t tw_grid_taken_area(const tw_grid *grid, int64_t sample);
static inline bool tw_grid_blends(const tw_grid *grid)
{
    return grid->reach_w > 0 || grid->reach_h > 0;
}
static inline int64_t tw_grid_count(const tw_grid *grid)
{
    return grid->columns * grid->rows;
}

#endif
