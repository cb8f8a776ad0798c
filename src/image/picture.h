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

#define TW_MOST_BANDS 64

/** Rows of pixels as they travel between rooms: interleaved samples, native byte order, rows without padding.
 *  colour bands are 1 (grey) or 3 (RGB); `alpha` adds one band, straight (not premultiplied), last. Where they were asked for
 *  (tw_source_options), 5 to TW_MOST_BANDS bands of no known meaning, without alpha.
 *  Palettes, 1-bit, CMYK and Lab pictures have become RGB or grey before this point (docs/colour.md). */
typedef struct tw_picture {
    int64_t width, height;
    int colours; /* 1, 3, or many */
    bool alpha;
    tw_depth depth;
} tw_picture;

/** More bands than grey or RGB with alpha. */
static inline bool tw_picture_is_many(const tw_picture *p)
{
    return p->colours > 3;
}
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

/** Pixels in memory that stays somebody else's; rows lie `stride` bytes apart. */
typedef struct tw_raw {
    tw_picture picture;
    int64_t stride;
    const void *pixels;
} tw_raw;

struct tw_receiver;

/** A picture's address: a file, standard input/output ("-"), encoded bytes or plain pixels in memory, or who takes the rows. */
typedef struct tw_place {
    const char *path;  /* NULL for memory; "-": stdin or stdout */
    const void *bytes; /* encoded picture in memory, input only */
    size_t length;
    int64_t most;                       /* output to memory only: bytes of the result, 0: no limit */
    const char *label;                  /* how messages name it; NULL: the path */
    const tw_raw *raw;                  /* plain pixels in memory, input only */
    const struct tw_receiver *receiver; /* takes the rows as they are, output only (sink.h) */
} tw_place;

#endif
