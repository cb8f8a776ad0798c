/* SPDX-License-Identifier: MIT */
/** What a picture is, as far as the other rooms need to know. */
#ifndef TW_IMAGE_PICTURE_H
#define TW_IMAGE_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tw_depth { TW_U8, TW_U16, TW_F32 } tw_depth;

/** Bytes of one sample. */
static inline int tw_depth_bytes(tw_depth depth)
{
    return depth == TW_U8 ? 1 : depth == TW_U16 ? 2 : 4;
}
/** The sample value that means white / opaque: 255, 65535, 1. */
static inline float tw_depth_white(tw_depth depth)
{
    return depth == TW_U8 ? 255.f : depth == TW_U16 ? 65535.f : 1.f;
}

/** Rows of pixels as they travel between rooms: interleaved samples, native byte order, rows without padding.
 *  colour bands are 1 (grey) or 3 (RGB); `alpha` adds one band, straight (not premultiplied), last.
 *  Palettes, 1-bit, CMYK and Lab pictures have become RGB or grey before this point (docs/colour.md). */
typedef struct tw_picture {
    int64_t width, height;
    int colours; /* 1 or 3 */
    bool alpha;
    tw_depth depth;
} tw_picture;

static inline int tw_picture_bands(const tw_picture *p)
{
    return p->colours + (p->alpha ? 1 : 0);
}
static inline int64_t tw_picture_pixel_bytes(const tw_picture *p)
{
    return (int64_t)tw_picture_bands(p) * tw_depth_bytes(p->depth);
}
static inline int64_t tw_picture_row_bytes(const tw_picture *p)
{
    return p->width * tw_picture_pixel_bytes(p);
}

/** A picture's address: a file, standard input/output ("-"), or encoded bytes in memory. */
typedef struct tw_place {
    const char *path;  /* NULL for memory; "-": stdin or stdout */
    const void *bytes; /* encoded picture in memory, input only */
    size_t length;
    int64_t most;      /* output to memory only: bytes of the result, 0: no limit */
    const char *label; /* how messages name it; NULL: the path */
} tw_place;

#endif
