/* SPDX-License-Identifier: MIT */
/** A sink encodes one picture from rows that are completed in any order near the front. It holds a ring of `rows` full-width
 *  rows at output depth; writers fill rectangles that align to nothing and may lag; when the front row is complete it goes to the
 *  encoder, which runs in a thread of the sink's own. Output goes to a temporary name beside the final one, is fsynced (file and
 *  folder) and renamed by tw_sink_commit; anything else leaves nothing under the final name. */
#ifndef TW_IMAGE_SINK_H
#define TW_IMAGE_SINK_H

#include "base/context.h"
#include "base/rect.h"
#include "image/picture.h"
#include "image/source.h"

typedef struct tw_sink tw_sink;

typedef struct tw_sink_options {
    const char *format; /* "png", "jpeg", "webp", "tiff", "gif", "jxl", "avif", "heif", "raw"?; NULL: from the path's suffix */
    int quality;        /* 1..100 for lossy formats, 0: the format's default (JPEG 92, WebP 90, AVIF 70, JXL 90) */
    bool lossless;      /* WebP, AVIF, JXL; TIFF and PNG always are */
    int compression;    /* PNG: zlib level 0..9, -1: 2 (fast, a third smaller than libvips' default); 0 is uncompressed */
    const char *
        tiff_compression; /* "none", "lzw", "deflate", "zstd"; NULL: "deflate". "auto": LZW for more than 64 MP of 8 bit, else deflate */
    int tiff_tile;  /* side of the tiles of a TIFF, a multiple of 16; 0: strips */
    bool overwrite; /* else an existing file is TW_ERROR_USAGE before work starts */
    int64_t final_width,
        final_height; /* resample to this size after the rows arrive (Lanczos3 by libvips, streamed); 0: as is */
} tw_sink_options;

/** Takes a result as it is, instead of a container: begin once, by the thread that opens the sink; rows [y, y + n), without gaps and
 *  in order, by the sink's own thread. Both fill `err` when they fail. */
typedef struct tw_receiver {
    void *user;
    tw_status (*begin)(void *user, const tw_picture *result, tw_error *err);
    tw_status (*rows)(void *user, int64_t y, int64_t n, const void *pixels, tw_error *err);
} tw_receiver;

/** What encoding will hold; from picture size and format alone, so `plan` can ask without opening anything. */
typedef struct tw_sink_cost {
    int64_t fixed;   /* bytes libvips and the codec hold, the ring not included, nor starting libvips (the source counts it) */
    bool whole;      /* the codec holds the whole picture */
    const char *why; /* for example "WebP encoder: 13 bytes a pixel"; static; NULL when it streams */
} tw_sink_cost;

/** Checks that the container can hold the result (TW_ERROR_USAGE names the limit) and what it costs.
 *  `result` is what the writers will give, before any final resampling. `source` (may be NULL) gives orientation and metadata. */
tw_status tw_sink_check(const tw_place *place, const tw_picture *result, const tw_source *source,
                        const tw_sink_options *options, tw_sink_cost *cost, tw_error *err);
/** True when the container can carry an orientation tag (else the source must be opened with `orient`). */
bool tw_sink_holds_orientation(const tw_place *place, const tw_sink_options *options);

/** Opens the temporary file, copies metadata from `source` (may be NULL; warns of what the container cannot hold), starts the
 *  encoder. `ring_rows` bounds the rows in flight. Output depth: `result->depth`, or 8 bit where the container has no more. */
tw_status tw_sink_open(tw_context *context, const tw_place *place, const tw_picture *result, const tw_source *source,
                       const tw_sink_options *options, int64_t ring_rows, tw_sink **out, tw_error *err);

/** Blocks until rows up to `end` (exclusive) have room in the ring; fails when the encoder failed or the job was cancelled.
 *  Deadlock rule: call it only for rows whose predecessors are complete or being computed by somebody who already holds room. */
tw_status tw_sink_reserve(tw_sink *sink, int64_t end, tw_error *err);
/** Address of reserved row y: interleaved samples at the result's depth, width * bands of them. */
void *tw_sink_row(tw_sink *sink, int64_t y);
/** The rectangle's samples are final. Every pixel exactly once. */
void tw_sink_done(tw_sink *sink, tw_rect rect);

/** Wakes every writer that waits in tw_sink_reserve; they fail. Called when one of them failed. */
void tw_sink_stop(tw_sink *sink);

/** Waits for the encoder, fsyncs, renames. After failure, or without commit, tw_sink_close removes the temporary file. */
tw_status tw_sink_commit(tw_sink *sink, tw_error *err);
void tw_sink_close(tw_sink *sink);

/** For output to memory (place->path NULL): the encoded bytes after commit; the caller frees with g_free. */
void *tw_sink_steal_bytes(tw_sink *sink, size_t *length);

#endif
