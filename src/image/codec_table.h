/* SPDX-License-Identifier: MIT */
/** What libvips and the codecs hold in memory, measured (tools/measure-codecs.sh), with a margin. */
#ifndef TW_IMAGE_CODEC_TABLE_H
#define TW_IMAGE_CODEC_TABLE_H

#include "image/probe.h"

/** Bytes that decoding `stored` row by row holds, buffers of libvips included, starting it included. */
int64_t tw_codec_load_cost(const tw_probe *probe, const tw_picture *stored, const VipsImage *decoded, int64_t input_length);
/** The same for encoding, libvips being started; `why` becomes a static text when the codec holds the whole picture. */
int64_t tw_codec_save_cost(tw_codec codec, const tw_picture *encoded, bool lossless, bool zstd, const char **why);
/** Largest width and height of a container; what the encoder accepts, not only what the format says. */
int64_t tw_codec_max_side(tw_codec codec);
/** Smallest: below it x265 gives no picture and libheif writes a file without one, with success. */
int64_t tw_codec_min_side(tw_codec codec);
/** Deepest samples that the encoder writes. */
tw_depth tw_codec_max_depth(tw_codec codec);
bool tw_codec_has_alpha(tw_codec codec);

#endif
