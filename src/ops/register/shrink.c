/* SPDX-License-Identifier: MIT */
/** Grey, and the next level. */
#include <string.h>

#include "ops/register/levels.h"

/* --- grey -------------------------------------------------------------------------------------------------------- */

/* BT.601, of 2^16. */
#define RED   19595u
#define GREEN 38470u
#define BLUE  7471u

static uint32_t word_of(float v)
{
    return v > 0 ? v < 1 ? (uint32_t)(v * 65535.0f + 0.5f) : 65535u : 0; /* NaN is black */
}

#define GREY_ROW(type, word, half)                                                                                             \
    do {                                                                                                                       \
        const type *p = row;                                                                                                   \
        for (int64_t i = 0; i < n; i++, p += bands) {                                                                          \
            uint32_t v = word(p[0]);                                                                                           \
            if (colours == 3)                                                                                                  \
                v = (RED * v + GREEN * word(p[1]) + BLUE * word(p[2])) >> 16;                                                  \
            grey[i] = picture->alpha && p[bands - 1] < (half) ? 0 : (uint16_t)(v > 0 ? v : 1);                                 \
        }                                                                                                                      \
    } while (0)

#define EIGHT(v)   ((uint32_t)(v)*257u)
#define SIXTEEN(v) ((uint32_t)(v))

void tw_grey_row(const tw_picture *picture, const void *row, int64_t n, uint16_t *grey)
{
    int bands = tw_picture_bands(picture), colours = picture->colours;
    if (picture->depth == TW_U8)
        GREY_ROW(uint8_t, EIGHT, 128);
    else if (picture->depth == TW_U16)
        GREY_ROW(uint16_t, SIXTEEN, 32768);
    else
        GREY_ROW(float, word_of, 0.5f);
}

/* --- half the size ----------------------------------------------------------------------------------------------- */

#define TAPS  5
#define WHOLE 256 /* weight of all taps */

/* A ring of rows that were summed along x. */
typedef struct shrink_rows {
    uint32_t *sum[TAPS], *weight[TAPS];
    bool holes[TAPS];
} shrink_rows;

static shrink_rows lay_rows(char *room, int64_t w)
{
    shrink_rows rows = {.holes = {false}};
    uint32_t *at = (uint32_t *)((uintptr_t)(room + 3) & ~(uintptr_t)3);
    for (int i = 0; i < TAPS; i++, at += 2 * w)
        rows.sum[i] = at, rows.weight[i] = at + w;
    return rows;
}

int64_t tw_levels_shrink_room(int64_t w, int64_t h)
{
    return TW_LEVEL_ROOM + 64 + 2 * TAPS * w * 4 + w * h * 2 + (2 * w + 3) * TW_LEVEL_SIDE * 2;
}

static void along_row(const uint16_t *p, int64_t w, uint32_t *sum, uint32_t *weight, bool *holes)
{
    uint32_t least = 65535;
    for (int64_t i = 0; i < 2 * w + 3; i++)
        least = p[i] < least ? p[i] : least;
    *holes = least == 0;
    for (int64_t x = 0; x < w; x++)
        sum[x] = (uint32_t)(p[2 * x] + p[2 * x + 4]) + 4u * (uint32_t)(p[2 * x + 1] + p[2 * x + 3]) + 6u * p[2 * x + 2];
    for (int64_t x = 0; *holes && x < w; x++)
        weight[x] =
            (p[2 * x] > 0) + (p[2 * x + 4] > 0) + 4u * ((p[2 * x + 1] > 0) + (p[2 * x + 3] > 0)) + 6u * (p[2 * x + 2] > 0);
}

static void down_rows(const shrink_rows *rows, int64_t first, int64_t w, uint16_t *out)
{
    static const uint32_t tap[TAPS] = {1, 4, 6, 4, 1};
    const uint32_t *s[TAPS];
    bool holes = false;
    for (int k = 0; k < TAPS; k++) {
        s[k] = rows->sum[(first + k) % TAPS];
        holes |= rows->holes[(first + k) % TAPS];
    }
    for (int64_t x = 0; !holes && x < w; x++)
        out[x] = (uint16_t)((s[0][x] + s[4][x] + 4 * (s[1][x] + s[3][x]) + 6 * s[2][x] + WHOLE / 2) / WHOLE);
    for (int64_t x = 0; holes && x < w; x++) {
        uint32_t sum = 0, weight = 0;
        for (int k = 0; k < TAPS; k++) {
            int slot = (int)((first + k) % TAPS);
            sum += tap[k] * rows->sum[slot][x];
            weight += tap[k] * (rows->holes[slot] ? rows->weight[slot][x] : 16);
        }
        out[x] = (uint16_t)(weight >= WHOLE * 3 / 4 ? tw_max64(1, (sum + weight / 2) / weight) : 0);
    }
}

tw_status tw_levels_shrink(const tw_levels *levels, int from, tw_rect rect, void *room, tw_error *err)
{
    int64_t w = rect.w, h = rect.h, wide = 2 * w + 3;
    char *tile = room;
    uint16_t *band = (uint16_t *)(tile + TW_LEVEL_ROOM), *out = band + wide * TW_LEVEL_SIDE;
    shrink_rows rows = lay_rows((char *)(out + w * h), w);
    for (int64_t y = 0; y < 2 * h + 3; y++) {
        if (y % TW_LEVEL_SIDE == 0) {
            tw_rect part = {2 * rect.x - 2, 2 * rect.y - 2 + y, wide, tw_min64(TW_LEVEL_SIDE, 2 * h + 3 - y)};
            TW_TRY(tw_levels_read(levels, from, part, band, wide, tile, err));
        }
        int slot = (int)(y % TAPS);
        along_row(band + y % TW_LEVEL_SIDE * wide, w, rows.sum[slot], rows.weight[slot], &rows.holes[slot]);
        if (y >= TAPS - 1 && y % 2 == 0)
            down_rows(&rows, y - (TAPS - 1), w, out + (y - (TAPS - 1)) / 2 * w);
    }
    return tw_levels_write(levels, from + 1, rect, out, w, tile, err);
}
