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

static tw_grid with_pitch(int64_t width, int64_t height, int64_t pitch_w, int64_t pitch_h)
{
    tw_grid grid = {
        .width = width, .height = height, .tile_w = pitch_w, .tile_h = pitch_h, .pitch_w = pitch_w, .pitch_h = pitch_h};
    grid.columns = tw_ceil_div(width, pitch_w);
    grid.rows = tw_ceil_div(height, pitch_h);
    return grid;
}

tw_grid tw_grid_of(int64_t width, int64_t height, int64_t tile_w, int64_t tile_h, int64_t align)
{
    return with_pitch(width, height, even_tile(width, tile_w, align), even_tile(height, tile_h, align));
}

/* Where edges may move, tiles are planned an eighth longer than the pitch. Then there are about an eighth more edges on each axis, and as
 * tiles may be as short as half the pitch, a row of them leaves each edge many places. More slack finds smoother places, but not by as
 * much as the edges that it adds: measured on photographs (docs/blending.md). */
static int64_t even_pitch(int64_t length, int64_t tile, int64_t align)
{
    return even_tile(length, tile >= length ? tile : tw_max64(tile * 8 / 9, align), align);
}

/* Half a pitch to each side. */
static int64_t shift_of(int64_t pitch, int64_t count, int64_t align)
{
    return count > 1 ? pitch / 2 / align * align : 0;
}

static int64_t start_of(const tw_grid *grid, int axis, int64_t edge)
{
    if (grid->cuts)
        return grid->cuts->at[axis][edge].at;
    return axis ? tw_min64(edge * grid->pitch_h, grid->height) : tw_min64(edge * grid->pitch_w, grid->width);
}

static tw_span core_of(const tw_grid *grid, int axis, int64_t tile)
{
    return (tw_span){start_of(grid, axis, tile), start_of(grid, axis, tile + 1)};
}

tw_rect tw_grid_rect(const tw_grid *grid, int64_t index)
{
    return tw_rect_of(core_of(grid, 0, index % grid->columns), core_of(grid, 1, index / grid->columns));
}

/* Half of what two tiles share; a tile's two halves must not meet. */
static int64_t reach_of(const tw_pass *pass, int64_t tile, int64_t pitch, int64_t count)
{
    if (count < 2 || pass->blend == TW_RAMP_NONE || pass->result != TW_RESULT_PICTURE)
        return 0;
    int64_t ramp = tw_max64(pass->ramp > 0 ? pass->ramp : (tile + 5) / 10, pass->ramp_least);
    return tw_clamp64((ramp + 1) / 2, 0, pitch / 2);
}

tw_grid tw_grid_of_pass(const tw_pass *pass, int64_t tile_w, int64_t tile_h)
{
    tw_grid grid = tw_grid_of(pass->width, pass->height, tile_w, tile_h, pass->align);
    if (pass->seams) {
        int64_t align = pass->align;
        grid = with_pitch(pass->width, pass->height, even_pitch(pass->width, tile_w, align),
                          even_pitch(pass->height, tile_h, align));
        if (grid.columns > 1)
            grid.tile_w = tw_max64(tile_w / align * align, align);
        if (grid.rows > 1)
            grid.tile_h = tw_max64(tile_h / align * align, align);
        grid.shift_w = shift_of(grid.pitch_w, grid.columns, align);
        grid.shift_h = shift_of(grid.pitch_h, grid.rows, align);
    }
    grid.reach_w = reach_of(pass, grid.tile_w, grid.pitch_w, grid.columns);
    grid.reach_h = reach_of(pass, grid.tile_h, grid.pitch_h, grid.rows);
    return grid;
}

/* Around an edge at `at`, the next one being at `next`. */
static tw_span overlap_of(int64_t at, int64_t next, int64_t reach)
{
    return at == 0 || at == next ? (tw_span){at, at} : (tw_span){at - reach, at + tw_min64(reach, (next - at) / 2)};
}

tw_span tw_grid_overlap(const tw_grid *grid, int axis, int64_t edge)
{
    int64_t count = axis ? grid->rows : grid->columns, reach = axis ? grid->reach_h : grid->reach_w;
    int64_t at = start_of(grid, axis, edge);
    if (grid->cuts && reach > 0)
        return grid->cuts->at[axis][edge].overlap;
    return overlap_of(at, start_of(grid, axis, tw_min64(edge + 1, count)), reach);
}

int64_t tw_grid_cut_bytes(const tw_grid *grid)
{
    return (grid->columns + grid->rows + 2) * (int64_t)sizeof(tw_cut);
}

void tw_grid_lay_cuts(int64_t count, const int64_t *positions, const int64_t *reaches, tw_cut *cuts)
{
    for (int64_t i = 0; i <= count; i++)
        cuts[i] = (tw_cut){positions[i], overlap_of(positions[i], positions[tw_min64(i + 1, count)], reaches[i])};
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
