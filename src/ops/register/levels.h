/* SPDX-License-Identifier: MIT */
/** A picture's grey pyramid in scratch: 16 bit, in tiles, each level half as wide and as high as the one below. Pixel (x, y) of level l lies
 *  at (2^l x, 2^l y) of the picture. 0 marks what is not valid: transparent, or too near to the border to be averaged. */
#ifndef TW_REGISTER_LEVELS_H
#define TW_REGISTER_LEVELS_H

#include "base/context.h"
#include "base/rect.h"
#include "image/picture.h"

#define TW_LEVEL_SIDE  128 /* of a tile */
#define TW_MOST_LEVELS 20
/** Bytes of room for reading and writing, per thread. */
#define TW_LEVEL_ROOM (TW_LEVEL_SIDE * TW_LEVEL_SIDE * 2)

typedef struct tw_levels {
    int count;
    int64_t width[TW_MOST_LEVELS], height[TW_MOST_LEVELS];
    int64_t offset[TW_MOST_LEVELS + 1]; /* bytes in the file; the last one is its length */
    tw_scratch_file *file;              /* NULL: only planned */
} tw_levels;

/** Sizes and bytes. Pure. */
tw_levels tw_levels_plan(int64_t width, int64_t height, int count);
tw_status tw_levels_open(tw_levels *levels, tw_scratch *scratch, tw_error *err);
void tw_levels_close(tw_levels *levels);

/** Writes a rectangle that begins at multiples of TW_LEVEL_SIDE and ends there or at the picture's border; pixels from its first one
 *  on. Any thread. */
tw_status tw_levels_write(const tw_levels *levels, int level, tw_rect rect, const uint16_t *pixels, int64_t stride, void *room,
                          tw_error *err);
/** Any rectangle; 0 outside of the picture. Any thread. */
tw_status tw_levels_read(const tw_levels *levels, int level, tw_rect rect, uint16_t *pixels, int64_t stride, void *room,
                         tw_error *err);
/** The same as floats: 0 .. 255, -1 for what is not valid. */
tw_status tw_levels_read_floats(const tw_levels *levels, int level, tw_rect rect, float *pixels, int64_t stride, void *room,
                                tw_error *err);

/** One row of pixels to grey: luma of BT.601 in 1 .. 65535, 0 where alpha is below a half. */
void tw_grey_row(const tw_picture *picture, const void *row, int64_t n, uint16_t *grey);

/** Level `from` + 1 of `rect` (as tw_levels_write has it) from level `from`: binomial 1 4 6 4 1 on either axis; at least three quarters of
 *  its weight must be valid. */
tw_status tw_levels_shrink(const tw_levels *levels, int from, tw_rect rect, void *room, tw_error *err);
/** Bytes of `room` for that, for rectangles of w x h. */
int64_t tw_levels_shrink_room(int64_t w, int64_t h);

#endif
