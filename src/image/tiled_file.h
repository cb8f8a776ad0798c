/* SPDX-License-Identifier: MIT */
/** A file that stores its pixels in tiles, read by rectangle: only the tiles that a rectangle touches are decoded, and libvips keeps those
 *  of two rows of tiles. Nothing is copied to scratch. */
#ifndef TW_IMAGE_TILED_FILE_H
#define TW_IMAGE_TILED_FILE_H

#include "base/rect.h"
#include "image/probe.h"
#include "image/room.h"

typedef struct tw_tiled_file tw_tiled_file;

/** NULL: pictures that are stored like this are read by rectangle, as `stored`. Else why they are not; static. */
const char *tw_tiled_file_cannot(const tw_probe *probe, int applied_orientation);
/** Bytes of memory while it is read, per calling thread, besides what decoding it holds (tw_codec_load_cost). */
int64_t tw_tiled_file_reading(const tw_picture *stored);

/** Takes over `image`, opened for random access and converted to `stored`. Strings of `label` must outlive it. */
tw_status tw_tiled_file_new(tw_context *context, const char *label, VipsImage *image, const tw_picture *stored,
                            const tw_probe *probe, tw_tiled_file **out, tw_error *err);
/** NULL is allowed. */
void tw_tiled_file_free(tw_tiled_file *file);
/** `rect` inside the picture; rows of rect.w pixels without gaps. Any thread. A tile that is missing or damaged: TW_ERROR_INPUT,
 *  then and ever after. */
tw_status tw_tiled_file_read(tw_tiled_file *file, tw_rect rect, void *pixels, tw_error *err);

#endif
