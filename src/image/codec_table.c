/* SPDX-License-Identifier: MIT */
#include "image/codec_table.h"
#define KIB 1024LL
#define MIB (1024LL * 1024)
int64_t tw_codec_load_cost(const tw_probe *probe, const tw_picture *stored, const VipsImage *decoded, int64_t input_length)
{ return 8 * MIB + 64 * tw_picture_row_bytes(stored); }
int64_t tw_codec_save_cost(tw_codec codec, const tw_picture *encoded, bool lossless, const char **why)
{ *why = NULL; return 8 * MIB + 64 * tw_picture_row_bytes(encoded); }
int64_t tw_codec_max_side(tw_codec codec)
{
    switch (codec) {
    case TW_CODEC_JPEG: return 65535;
    case TW_CODEC_WEBP: return 16383;
    case TW_CODEC_GIF: return 65535;
    case TW_CODEC_HEIF:
    case TW_CODEC_AVIF: return 16384;
    case TW_CODEC_JXL: return 1 << 30;
    default: return INT32_MAX;
    }
}
tw_depth tw_codec_max_depth(tw_codec codec)
{
    switch (codec) {
    case TW_CODEC_TIFF:
    case TW_CODEC_JXL: return TW_F32;
    case TW_CODEC_PNG:
    case TW_CODEC_PPM: return TW_U16;
    default: return TW_U8;
    }
}
bool tw_codec_has_alpha(tw_codec codec) { return codec != TW_CODEC_JPEG && codec != TW_CODEC_PPM; }
