/* SPDX-License-Identifier: MIT */
#include "schedule/schedule.h"

/* Evens tiles out, so that the last one is not a sliver: as few tiles as the size allows, then all nearly equal. */
static int64_t even_tile(int64_t length, int64_t tile, int64_t align)
{
    tile = tw_max64(tile / align * align, align);
    if (tile >= length)
        return tw_ceil_div(length, align) * align;
    int64_t count = tw_ceil_div(length, tile);
    return tw_ceil_div(tw_ceil_div(length, count), align) * align;
}

tw_grid tw_grid_of(int64_t width, int64_t height, int64_t tile_w, int64_t tile_h, int64_t align)
{
    tw_grid grid = {width, height, even_tile(width, tile_w, align), even_tile(height, tile_h, align), 0, 0};
    grid.columns = tw_ceil_div(width, grid.tile_w);
    grid.rows = tw_ceil_div(height, grid.tile_h);
    return grid;
}

tw_rect tw_grid_rect(const tw_grid *grid, int64_t index)
{
    int64_t x = index % grid->columns * grid->tile_w, y = index / grid->columns * grid->tile_h;
    return (tw_rect){x, y, tw_min64(grid->tile_w, grid->width - x), tw_min64(grid->tile_h, grid->height - y)};
}
