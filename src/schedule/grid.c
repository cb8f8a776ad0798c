/* SPDX-License-Identifier: MIT */
#include "schedule/schedule.h"

#include <math.h>

/* Evens tiles out, so that the last one is not a sliver: as few tiles as the size allows, then all nearly equal. */
static int64_t even_tile(int64_t length, int64_t tile, int64_t align)
{
    if (tile >= length) /* before rounding down: a tile that holds all is not cut */
        return tw_ceil_div(length, align) * align;
    tile = tw_max64(tile / align * align, align);
    int64_t count = tw_ceil_div(length, tile);
    return tw_ceil_div(tw_ceil_div(length, count), align) * align;
}

tw_grid tw_grid_of(int64_t width, int64_t height, int64_t tile_w, int64_t tile_h, int64_t align)
{
    tw_grid grid = {width, height, even_tile(width, tile_w, align), even_tile(height, tile_h, align), 0, 0, 0, 0};
    grid.columns = tw_ceil_div(width, grid.tile_w);
    grid.rows = tw_ceil_div(height, grid.tile_h);
    return grid;
}

tw_rect tw_grid_rect(const tw_grid *grid, int64_t index)
{
    int64_t x = index % grid->columns * grid->tile_w, y = index / grid->columns * grid->tile_h;
    return (tw_rect){x, y, tw_min64(grid->tile_w, grid->width - x), tw_min64(grid->tile_h, grid->height - y)};
}

/* Half of what two tiles share; a tile's two halves must not meet. */
static int64_t reach_of(const tw_pass *pass, int64_t tile, int64_t count)
{
    if (count < 2 || pass->blend == TW_RAMP_NONE || pass->result != TW_RESULT_PICTURE)
        return 0;
    int64_t ramp = tw_max64(pass->ramp > 0 ? pass->ramp : (tile + 5) / 10, pass->ramp_least);
    return tw_clamp64((ramp + 1) / 2, 0, tile / 2);
}

tw_grid tw_grid_of_pass(const tw_pass *pass, int64_t tile_w, int64_t tile_h)
{
    tw_grid grid = tw_grid_of(pass->width, pass->height, tile_w, tile_h, pass->align);
    grid.reach_w = reach_of(pass, grid.tile_w, grid.columns);
    grid.reach_h = reach_of(pass, grid.tile_h, grid.rows);
    return grid;
}

tw_span tw_grid_overlap(const tw_grid *grid, int axis, int64_t edge)
{
    int64_t length = axis ? grid->height : grid->width, tile = axis ? grid->tile_h : grid->tile_w;
    int64_t at = tw_min64(edge * tile, length), reach = axis ? grid->reach_h : grid->reach_w;
    if (at == 0 || at == length)
        return (tw_span){at, at};
    return (tw_span){at - reach, at + tw_min64(reach, (length - at) / 2)};
}

tw_rect tw_grid_write_row(const tw_grid *grid, int64_t row)
{
    tw_span y = {tw_grid_overlap(grid, 1, row).lo, tw_grid_overlap(grid, 1, row + 1).hi};
    return tw_rect_of((tw_span){0, grid->width}, y);
}

tw_rect tw_grid_write(const tw_grid *grid, int64_t index)
{
    int64_t column = index % grid->columns;
    tw_rect write = tw_grid_write_row(grid, index / grid->columns);
    write.x = tw_grid_overlap(grid, 0, column).lo;
    write.w = tw_grid_overlap(grid, 0, column + 1).hi - write.x;
    return write;
}

int64_t tw_grid_blend_rows(const tw_grid *grid, bool lookahead)
{
    if (!tw_grid_blends(grid))
        return 0;
    return tw_min64((lookahead ? 2 : 1) * grid->tile_h + 2 * grid->reach_h, grid->height);
}

void tw_grid_taken(const tw_grid *grid, int64_t sample, int64_t taken[2])
{
    taken[0] = grid->columns;
    taken[1] = grid->rows;
    if (sample <= 0 || sample >= tw_grid_count(grid))
        return;
    double columns = sqrt((double)sample * (double)grid->columns / (double)grid->rows);
    taken[0] = tw_clamp64((int64_t)lround(columns), 1, grid->columns);
    taken[1] = tw_clamp64(sample / taken[0], 1, grid->rows);
    taken[0] = tw_clamp64(sample / taken[1], 1, grid->columns);
}

int64_t tw_grid_taken_area(const tw_grid *grid, int64_t sample)
{
    int64_t taken[2], width = 0, height = 0;
    tw_grid_taken(grid, sample, taken);
    if (taken[0] == grid->columns && taken[1] == grid->rows)
        return grid->width * grid->height;
    for (int64_t i = 0; i < taken[0]; i++)
        width += tw_grid_rect(grid, tw_grid_taken_at(i, taken[0], grid->columns)).w;
    for (int64_t i = 0; i < taken[1]; i++)
        height += tw_grid_rect(grid, tw_grid_taken_at(i, taken[1], grid->rows) * grid->columns).h;
    return width * height;
}
