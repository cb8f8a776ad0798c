/* SPDX-License-Identifier: MIT */
/** What the files of this room share: libvips once per process, its errors as ours, and the list of containers. */
#ifndef TW_IMAGE_ROOM_H
#define TW_IMAGE_ROOM_H

#include <vips/vips.h>

#include "base/context.h"
#include "image/picture.h"

typedef enum tw_codec {
    TW_CODEC_NONE,
    TW_CODEC_JPEG,
    TW_CODEC_PNG,
    TW_CODEC_WEBP,
    TW_CODEC_TIFF,
    TW_CODEC_GIF,
    TW_CODEC_JXL,
    TW_CODEC_HEIF,
    TW_CODEC_AVIF,
    TW_CODEC_PPM,
    TW_CODEC_COUNT
} tw_codec;

/** "jpeg", "png", ...: the names that options and reports use. */
const char *tw_codec_name(tw_codec codec);
/** "JPEG", "JPEG XL", ...: for messages. */
const char *tw_codec_title(tw_codec codec);
/** From a name as options spell it ("jpg" and "jpeg" alike); TW_CODEC_NONE when unknown. NULL is allowed. */
tw_codec tw_codec_named(const char *name);
/** From the suffix of a path; TW_CODEC_NONE when unknown. NULL is allowed. */
tw_codec tw_codec_of_path(const char *path);

/** Starts libvips (once per process): operation cache off, warnings silent, none of its modules loaded. Any thread. */
tw_status tw_vips_start(tw_error *err);
/** Loads the libvips module of this codec (HEIF, AVIF and JPEG XL live in modules), once. True when it can be used. */
bool tw_vips_module(tw_codec codec);
/** Fails with the format's text followed by ": " and libvips' own error, in one line; empties libvips' buffer. */
tw_status tw_vips_fail(tw_error *err, tw_status code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** Takes libvips' error text, in one line of at most n - 1 bytes; empties libvips' buffer. */
void tw_vips_take_error(char *text, size_t n);

/** How messages name a place. */
const char *tw_place_label(const tw_place *place, bool output);
static inline bool tw_place_is_std(const tw_place *place)
{
    return place->path && place->path[0] == '-' && !place->path[1];
}

/** libvips' sample format for a depth. */
static inline VipsBandFormat tw_vips_format(tw_depth depth)
{
    return depth == TW_U8 ? VIPS_FORMAT_UCHAR : depth == TW_U16 ? VIPS_FORMAT_USHORT : VIPS_FORMAT_FLOAT;
}

#endif
