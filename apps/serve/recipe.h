/* SPDX-License-Identifier: MIT */
/** How a part of a picture is made from its levels. Pure; any thread. */
#ifndef TW_SERVE_RECIPE_H
#define TW_SERVE_RECIPE_H

#include "iiif.h"
#include "pictures.h"

/** A rectangle of a level, enlarged by `scale` where that is more than 1, then shrunk to a size and turned. */
typedef struct recipe {
    int level, scale;
    int64_t x, y, w, h, width, height;
    int64_t cells[4]; /* x, y, w, h: the cells of SERVE_TILE pixels around it, which are enlarged; scale > 1 */
    int rotation;
    bool mirrored;
    const char *format;
} recipe;

/** Of IIIF: from the smallest level that still has as many pixels as are wanted; enlarged by the least whole scale that has them. */
void recipe_image(const serve_levels *levels, const iiif_image *image, recipe *out);
/** Of Deep Zoom, "LEVEL/COLUMN_ROW.png" or .jpg. False with `error`. */
bool recipe_tile(const serve_levels *levels, const char *text, recipe *out, serve_error *error);
/** Map of pixels of the result, turned and mirrored, to those of the rectangle w x h at x, y, as serve_pictures_map has it. */
void recipe_map(const recipe *r, int64_t x, int64_t y, int64_t w, int64_t h, int64_t m[6]);

#endif
