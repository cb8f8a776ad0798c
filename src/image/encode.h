/* SPDX-License-Identifier: MIT */
/** What the sink has decided about its output, and the call of the libvips encoder. */
#ifndef TW_IMAGE_ENCODE_H
#define TW_IMAGE_ENCODE_H

#include "image/room.h"
#include "image/sink.h"

typedef struct tw_encoding {
    tw_codec codec;     /* TW_CODEC_NONE: a receiver takes the samples as they are */
    tw_picture result;  /* what writers give */
    tw_picture encoded; /* what the container gets: depth and alpha as it can hold them, final size */
    int quality, compression;
    bool lossless;
    VipsForeignTiffCompression tiff;
    int tiff_tile; /* 0: strips */
} tw_encoding;

/** Decides; TW_ERROR_USAGE for unknown formats, options and results that the container cannot hold. */
tw_status tw_encoding_decide(const tw_place *place, const tw_picture *result, const tw_sink_options *options, tw_encoding *out,
                             tw_error *err);
/** The encoded size is another than the result's. */
bool tw_encoding_resizes(const tw_encoding *e);
/** Bytes that the rows of a row of tiles take, 0: there are none. */
int64_t tw_encoding_tile_cost(const tw_encoding *e);
/** Bytes that resampling to the final size holds, 0: none. */
int64_t tw_encoding_resize_cost(const tw_encoding *e);
/** Resamples when sizes differ. Takes over *image and gives its replacement; non-zero: libvips' error is set. */
int tw_encoding_resize(const tw_encoding *e, VipsImage **image);
/** Runs the encoder to the end. Non-zero: libvips' error is set. */
int tw_encoding_save(const tw_encoding *e, VipsImage *image, VipsTarget *target);
/** True when the encoder goes back in what it has written. */
bool tw_encoding_jumps(const tw_encoding *e);

#endif
