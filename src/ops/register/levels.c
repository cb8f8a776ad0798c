/* SPDX-License-Identifier: MIT */
#include "ops/register/levels.h"

#include <string.h>

#define SIDE       TW_LEVEL_SIDE
#define TILE_BYTES (SIDE * SIDE * (int64_t)sizeof(uint16_t))

tw_levels tw_levels_plan(int64_t width, int64_t height, int count)
{
    tw_levels levels = {.count = count};
    for (int l = 0; l < count; l++) {
        levels.width[l] = width, levels.height[l] = height;
        levels.offset[l + 1] = levels.offset[l] + tw_ceil_div(width, SIDE) * tw_ceil_div(height, SIDE) * TILE_BYTES;
        width = (width + 1) / 2, height = (height + 1) / 2;
    }
    return levels;
}

tw_status tw_levels_open(tw_levels *levels, tw_scratch *scratch, tw_error *err)
{
    return tw_scratch_open(scratch, levels->offset[levels->count], &levels->file, err);
}

void tw_levels_close(tw_levels *levels)
{
    if (levels->file)
        tw_scratch_close(levels->file);
    levels->file = NULL;
}

static int64_t tile_at(const tw_levels *levels, int level, int64_t tx, int64_t ty)
{
    return levels->offset[level] + (ty * tw_ceil_div(levels->width[level], SIDE) + tx) * TILE_BYTES;
}

tw_status tw_levels_write(const tw_levels *levels, int level, tw_rect rect, const uint16_t *pixels, int64_t stride, void *room,
                          tw_error *err)
{
    uint16_t *tile = room;
    for (int64_t y = 0; y < rect.h; y += SIDE)
        for (int64_t x = 0; x < rect.w; x += SIDE) {
            int64_t w = tw_min64(SIDE, rect.w - x), h = tw_min64(SIDE, rect.h - y);
            for (int64_t r = 0; r < h; r++) {
                memcpy(tile + r * SIDE, pixels + (y + r) * stride + x, (size_t)w * sizeof *tile);
                memset(tile + r * SIDE + w, 0, (size_t)(SIDE - w) * sizeof *tile);
            }
            TW_TRY(tw_scratch_write(levels->file, tile, h * SIDE * 2,
                                    tile_at(levels, level, (rect.x + x) / SIDE, (rect.y + y) / SIDE), err));
        }
    return TW_OK;
}

typedef void (*take_row)(const uint16_t *from, int64_t n, void *to, int64_t at);

static void take_words(const uint16_t *from, int64_t n, void *to, int64_t at)
{
    memcpy((uint16_t *)to + at, from, (size_t)n * sizeof *from);
}

static void take_floats(const uint16_t *from, int64_t n, void *to, int64_t at)
{
    float *out = (float *)to + at;
    for (int64_t i = 0; i < n; i++)
        out[i] = from[i] ? (float)from[i] * (1.0f / 257) : -1;
}

/* The part of a tile that `rect` covers. */
static tw_status read_tile(const tw_levels *levels, int level, tw_rect rect, int64_t tx, int64_t ty, take_row take, void *to,
                           int64_t stride, uint16_t *tile, tw_error *err)
{
    int64_t x0 = tw_max64(rect.x, tx * SIDE), x1 = tw_min64(rect.x + rect.w, (tx + 1) * SIDE);
    int64_t y0 = tw_max64(rect.y, ty * SIDE), y1 = tw_min64(rect.y + rect.h, (ty + 1) * SIDE);
    x1 = tw_min64(x1, levels->width[level]), y1 = tw_min64(y1, levels->height[level]);
    int64_t first = (y0 % SIDE) * SIDE + x0 % SIDE, bytes = ((y1 - y0 - 1) * SIDE + x1 - x0) * 2;
    TW_TRY(tw_scratch_read(levels->file, tile, bytes, tile_at(levels, level, tx, ty) + first * 2, err));
    for (int64_t y = y0; y < y1; y++)
        take(tile + (y - y0) * SIDE, x1 - x0, to, (y - rect.y) * stride + x0 - rect.x);
    return TW_OK;
}

static tw_status read_tiles(const tw_levels *levels, int level, tw_rect rect, take_row take, void *to, int64_t stride,
                            void *room, tw_error *err)
{
    tw_span x = {tw_max64(rect.x, 0), tw_min64(rect.x + rect.w, levels->width[level])};
    tw_span y = {tw_max64(rect.y, 0), tw_min64(rect.y + rect.h, levels->height[level])};
    if (tw_span_empty(x) || tw_span_empty(y))
        return TW_OK;
    for (int64_t ty = y.lo / SIDE; ty * SIDE < y.hi; ty++)
        for (int64_t tx = x.lo / SIDE; tx * SIDE < x.hi; tx++)
            TW_TRY(read_tile(levels, level, rect, tx, ty, take, to, stride, room, err));
    return TW_OK;
}

static bool sticks_out(const tw_levels *levels, int level, tw_rect rect)
{
    return rect.x < 0 || rect.y < 0 || rect.x + rect.w > levels->width[level] || rect.y + rect.h > levels->height[level];
}

tw_status tw_levels_read(const tw_levels *levels, int level, tw_rect rect, uint16_t *pixels, int64_t stride, void *room,
                         tw_error *err)
{
    for (int64_t y = 0; sticks_out(levels, level, rect) && y < rect.h; y++)
        memset(pixels + y * stride, 0, (size_t)rect.w * sizeof *pixels);
    return read_tiles(levels, level, rect, take_words, pixels, stride, room, err);
}

tw_status tw_levels_read_floats(const tw_levels *levels, int level, tw_rect rect, float *pixels, int64_t stride, void *room,
                                tw_error *err)
{
    for (int64_t y = 0; sticks_out(levels, level, rect) && y < rect.h; y++)
        for (int64_t x = 0; x < rect.w; x++)
            pixels[y * stride + x] = -1;
    return read_tiles(levels, level, rect, take_floats, pixels, stride, room, err);
}
