/* SPDX-License-Identifier: MIT */
#include "recipe.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

static int64_t level_size(int64_t size, int level)
{
    return (size + (INT64_C(1) << level) - 1) >> level;
}

static int deepest(const serve_levels *levels)
{
    int n = 0;
    while (level_size(MAX(levels->width[0], levels->height[0]), n) > 1)
        n++;
    return n;
}

/* Along one axis: cells touched by [at, at + n) of `size` pixels. */
static void take_cells(int64_t at, int64_t n, int64_t size, int64_t *from, int64_t *length)
{
    *from = at / SERVE_TILE * SERVE_TILE;
    *length = MIN((at + n + SERVE_TILE - 1) / SERVE_TILE * SERVE_TILE, size) - *from;
}

void recipe_image(const serve_levels *levels, const iiif_image *i, recipe *r)
{
    *r = (recipe){.scale = 1, .x = i->x, .y = i->y, .w = i->w, .h = i->h, .width = i->width, .height = i->height};
    r->rotation = i->rotation, r->mirrored = i->mirrored, r->format = i->format;
    while (r->scale < IIIF_MOST_UP && (i->width > r->scale * i->w || i->height > r->scale * i->h))
        r->scale++;
    take_cells(i->x, i->w, levels->width[0], &r->cells[0], &r->cells[2]);
    take_cells(i->y, i->h, levels->height[0], &r->cells[1], &r->cells[3]);
    for (int k = 1; k < levels->n && r->scale == 1 && i->width <= i->w >> k && i->height <= i->h >> k; k++) {
        r->level = k;
        r->x = i->x >> k, r->y = i->y >> k;
        r->w = MIN(level_size(i->x + i->w, k), levels->width[k]) - r->x;
        r->h = MIN(level_size(i->y + i->h, k), levels->height[k]) - r->y;
    }
}

bool recipe_tile(const serve_levels *levels, const char *text, recipe *r, serve_error *error)
{
    int level, column, row, end = 0, last = deepest(levels);
    bool read = sscanf(text, "%6d/%8d_%8d.%n", &level, &column, &row, &end) == 3 && end > 0;
    bool png = read && strcmp(text + end, "png") == 0, jpeg = read && strcmp(text + end, "jpg") == 0;
    if (!read || (!png && !jpeg) || level < 0 || column < 0 || row < 0 || level > last)
        return serve_refuse(error, 404, "there is no tile %.60s", text);
    int k = last - level;
    int64_t width = level_size(levels->width[0], k), height = level_size(levels->height[0], k);
    int64_t x = (int64_t)column * SERVE_TILE, y = (int64_t)row * SERVE_TILE;
    if (x >= width || y >= height)
        return serve_refuse(error, 404, "there is no tile %.60s", text);
    int64_t left = MAX(x - 1, 0), top = MAX(y - 1, 0);
    *r = (recipe){.level = MIN(k, levels->n - 1), .scale = 1, .x = left, .y = top, .format = png ? "png" : "jpg"};
    r->width = r->w = MIN(x + SERVE_TILE + 1, width) - left;
    r->height = r->h = MIN(y + SERVE_TILE + 1, height) - top;
    if (k >= levels->n) /* all of the last level, which is smaller than two tiles */
        r->w = levels->width[levels->n - 1], r->h = levels->height[levels->n - 1];
    return true;
}

void recipe_map(const recipe *r, int64_t x, int64_t y, int64_t w, int64_t h, int64_t m[6])
{
    static const int turns[4][4] = {{1, 0, 0, 1}, {0, 1, -1, 0}, {-1, 0, 0, -1}, {0, -1, 1, 0}};
    const int *t = turns[r->rotation / 90];
    int sign = r->mirrored ? -1 : 1;
    m[0] = sign * t[0], m[1] = sign * t[1], m[2] = t[2], m[3] = t[3];
    m[4] = x + (m[0] + m[1] < 0 ? w - 1 : 0);
    m[5] = y + (m[2] + m[3] < 0 ? h - 1 : 0);
}
