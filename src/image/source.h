/* SPDX-License-Identifier: MIT */
/** A source decodes one picture. Two faces: next_band (sequential, one thread) and read_rect (random, any thread).
 *  Opening reads the header only. Truncated files fail (libvips fail_on=truncated). */
#ifndef TW_IMAGE_SOURCE_H
#define TW_IMAGE_SOURCE_H

#include "base/context.h"
#include "base/rect.h"
#include "image/picture.h"

typedef struct tw_source tw_source;

typedef struct tw_source_options {
    int64_t max_pixels; /* refuse more than this many pixels (TW_ERROR_INPUT), 0: no limit */
    bool many_bands;    /* 5 to TW_MOST_BANDS bands are taken, too; else they are TW_ERROR_INPUT */
    bool orient;        /* apply the EXIF orientation (through scratch); else it stays a tag */
} tw_source_options;

/** Bytes that decoding will hold, known from the header: the plan counts them. */
typedef struct tw_source_cost {
    int64_t sequential;     /* bytes libvips and the codec hold while next_band runs, libvips itself included */
    int64_t random;         /* bytes held for read_rect, buffers included */
    int64_t scratch;        /* bytes of scratch file that read_rect (or `orient`) needs, 0: none */
    bool turned;            /* the orientation is applied: next_band needs the scratch, too */
    bool whole;             /* the codec itself holds the whole picture (named in `why`) */
    const char *why;        /* for example "progressive JPEG", "WebP"; NULL */
    const char *why_copied; /* read_rect makes a scratch copy first: why; NULL: it reads the file's own tiles. Static */
} tw_source_cost;

/** `place` strings and bytes must outlive the source. On success the caller owns *out. */
tw_status tw_source_open(tw_context *context, const tw_place *place, const tw_source_options *options, tw_source **out,
                         tw_error *err);
void tw_source_close(tw_source *source);

const tw_picture *tw_source_picture(const tw_source *source);
const tw_source_cost *tw_source_cost_of(const tw_source *source);
const char *tw_source_label(const tw_source *source);
/** EXIF orientation still to be applied by a viewer, 1..8; 1: upright. */
int tw_source_orientation(const tw_source *source);
/** Container of the file: "jpeg", "png", "webp", "tiff", "gif", "jxl", "heif", ...; "pixels" when there is none. */
const char *tw_source_format(const tw_source *source);

/** Quality that a JPEG was encoded with, 1 to 100 on libjpeg's scale, told by its luma table (ITU-T T.81); 0: not a JPEG, or unknown. */
int tw_source_quality(const tw_source *source);

/** Copies the next `rows` rows (as many as remain, if fewer) to `pixels`; `*got` rows. One thread at a time. */
tw_status tw_source_next_band(tw_source *source, void *pixels, int64_t rows, int64_t *got, tw_error *err);
/** Back to row 0 for another pass. Standard input is spooled to scratch on the first pass only when `tw_source_will_rewind` was called. */
tw_status tw_source_rewind(tw_source *source, tw_error *err);
/** Says before the first row that rewind or read_rect will be used. May write scratch. */
tw_status tw_source_will_rewind(tw_source *source, tw_error *err);

/** Says before the first row that this pass is the last: a stream keeps no more of its bytes in scratch. Until will_rewind. */
void tw_source_last_pass(tw_source *source);
/** Bytes of scratch that a stream's encoded bytes take so far; 0: no stream. */
int64_t tw_source_kept(const tw_source *source);
/** An upper bound of them once the first `rows` rows were read and are to be read again. */
int64_t tw_source_would_keep(const tw_source *source, int64_t rows);

/** Copies a rectangle inside the picture to `pixels` (rows of rect.w pixels, no gaps). Any thread. From a tiled TIFF only the
 *  tiles are decoded that the rectangle touches, unless it is turned; else from a tiled scratch copy made by the first call. */
tw_status tw_source_read_rect(tw_source *source, tw_rect rect, void *pixels, tw_error *err);

#endif
