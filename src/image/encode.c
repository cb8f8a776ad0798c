/* SPDX-License-Identifier: MIT */
#include "image/encode.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "base/rect.h"
#include "image/codec_table.h"

#define GIB         (1024LL * 1024 * 1024)
#define MANY_PIXELS (64LL << 20) /* from here on the encoder is what a warp waits for */

static tw_status decide_codec(const tw_place *place, const tw_sink_options *options, tw_encoding *e, tw_error *err)
{
    const char *label = tw_place_label(place, true), *format = options ? options->format : NULL;
    e->codec = format ? tw_codec_named(format) : tw_codec_of_path(place->path);
    if (e->codec == TW_CODEC_NONE && format)
        return tw_fail(err, TW_ERROR_USAGE, "%s: unknown format '%s' (png, jpeg, webp, tiff, gif, jxl, avif, heif, ppm)", label,
                       format);
    if (e->codec == TW_CODEC_NONE)
        return tw_fail(err, TW_ERROR_USAGE,
                       "%s: its name does not tell a format; name one (png, jpeg, webp, tiff, gif, jxl, avif, "
                       "heif, ppm)",
                       label);
    return TW_OK;
}

/* Measured on 8 MP of a scan of cloth, one core, libvips 8.14: CPU seconds and MB
 *             8 bit        16 bit, noisy
 * none        0.01  24.0   0.03  48.0
 * deflate     1.04  14.5   1.67  40.1
 * LZW         0.31  16.3   0.80  55.6
 * zstd 1      0.05  13.1   0.10  41.5
 * zstd 10     1.03  13.5   1.89  40.0    (libvips' default)
 * Every program reads deflate and LZW; many do not read zstd. LZW makes noise of 16 bit larger than it was. */
static VipsForeignTiffCompression auto_compression(const tw_picture *result)
{
    bool many = result->depth == TW_U8 && result->height > 0 && result->width > MANY_PIXELS / result->height;
    return many ? VIPS_FOREIGN_TIFF_COMPRESSION_LZW : VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE;
}

static tw_status decide_options(const char *label, const tw_sink_options *o, tw_encoding *e, tw_error *err)
{
    static const struct {
        const char *name;
        VipsForeignTiffCompression value;
    } NAMES[] = {{"none", VIPS_FOREIGN_TIFF_COMPRESSION_NONE},
                 {"lzw", VIPS_FOREIGN_TIFF_COMPRESSION_LZW},
                 {"deflate", VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE},
                 {"zstd", VIPS_FOREIGN_TIFF_COMPRESSION_ZSTD}};
    int fallback = e->codec == TW_CODEC_JPEG ? 92 : e->codec == TW_CODEC_AVIF || e->codec == TW_CODEC_HEIF ? 70 : 90;
    e->quality = o && o->quality ? o->quality : fallback;
    e->compression = o && o->compression >= 0 ? o->compression : -1;
    e->lossless = o && o->lossless;
    e->tiff_tile = o && e->codec == TW_CODEC_TIFF ? o->tiff_tile : 0;
    if (e->tiff_tile < 0 || e->tiff_tile % 16)
        return tw_fail(err, TW_ERROR_USAGE, "%s: the side of TIFF tiles is a multiple of 16, not %d", label, e->tiff_tile);
    e->tiff = VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE;
    if (e->quality < 1 || e->quality > 100)
        return tw_fail(err, TW_ERROR_USAGE, "%s: quality %d lies outside 1..100", label, e->quality);
    if (e->compression > 9)
        return tw_fail(err, TW_ERROR_USAGE, "%s: compression %d lies outside 0..9", label, e->compression);
    if (!o || !o->tiff_compression)
        return TW_OK;
    if (strcasecmp(o->tiff_compression, "auto") == 0) {
        e->tiff = auto_compression(&e->result);
        return TW_OK;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(NAMES); i++)
        if (strcasecmp(o->tiff_compression, NAMES[i].name) == 0) {
            e->tiff = NAMES[i].value;
            return TW_OK;
        }
    return tw_fail(err, TW_ERROR_USAGE, "%s: unknown TIFF compression '%s' (auto, none, lzw, deflate, zstd)", label,
                   o->tiff_compression);
}

static tw_status check_limits(const char *label, const tw_encoding *e, tw_error *err)
{
    int64_t side = tw_codec_max_side(e->codec), w = e->encoded.width, h = e->encoded.height;
    if (w < 1 || h < 1)
        return tw_fail(err, TW_ERROR_USAGE, "%s: a picture of %lld x %lld pixels cannot be written", label, (long long)w,
                       (long long)h);
    if (w > side || h > side)
        return tw_fail(err, TW_ERROR_USAGE, "%s: %lld x %lld pixels; %s holds at most %lld on a side", label, (long long)w,
                       (long long)h, tw_codec_title(e->codec), (long long)side);
    if (tw_min64(w, h) < tw_codec_min_side(e->codec))
        return tw_fail(err, TW_ERROR_USAGE, "%s: %lld x %lld pixels; %s needs at least %lld on a side", label, (long long)w,
                       (long long)h, tw_codec_title(e->codec), (long long)tw_codec_min_side(e->codec));
    if (e->result.width > INT32_MAX || e->result.height > INT32_MAX)
        return tw_fail(err, TW_ERROR_USAGE, "%s: %lld x %lld pixels; at most %d on a side can be written", label,
                       (long long)e->result.width, (long long)e->result.height, INT32_MAX);
    return TW_OK;
}

tw_status tw_encoding_decide(const tw_place *place, const tw_picture *result, const tw_sink_options *options, tw_encoding *e,
                             tw_error *err)
{
    const char *label = tw_place_label(place, true);
    *e = (tw_encoding){.result = *result, .encoded = *result};
    if (!place->receiver) {
        TW_TRY(decide_codec(place, options, e, err));
        TW_TRY(decide_options(label, options, e, err));
        if (tw_picture_is_many(result) && e->codec != TW_CODEC_TIFF)
            return tw_fail(err, TW_ERROR_USAGE, "%s: %s cannot hold %d bands; TIFF can", label, tw_codec_title(e->codec),
                           tw_picture_bands(result));
        tw_depth most = tw_codec_max_depth(e->codec);
        e->encoded.depth = result->depth < most ? result->depth : most;
        e->encoded.alpha = result->alpha && tw_codec_has_alpha(e->codec);
    }
    if (options && (options->final_width > 0) != (options->final_height > 0))
        return tw_fail(err, TW_ERROR_USAGE, "%s: the final size needs a width and a height", label);
    if (options && options->final_width > 0) {
        e->encoded.width = options->final_width;
        e->encoded.height = options->final_height;
    }
    return check_limits(label, e, err);
}

bool tw_encoding_resizes(const tw_encoding *e)
{
    return e->encoded.width != e->result.width || e->encoded.height != e->result.height;
}

/* Lanczos3 reads 6 rows per output row, times the factor when it shrinks, and libvips asks for 16 output rows at once. The rows
 * come once only, so a cache must keep what the next request reads again. */
static int64_t cache_rows(const tw_encoding *e)
{
    double factor = (double)e->result.height / (double)e->encoded.height;
    return 32 + (int64_t)(32.0 * (factor > 1.0 ? factor : 1.0));
}

/* The cache, the rows of one request in between steps (float when alpha is premultiplied), and the strips that come out. */
int64_t tw_encoding_resize_cost(const tw_encoding *e)
{
    if (!tw_encoding_resizes(e))
        return 0;
    tw_picture sample = e->encoded, step = e->encoded;
    sample.width = e->result.width;
    step.width = tw_max64(e->result.width, e->encoded.width);
    step.depth = e->encoded.alpha ? TW_F32 : e->encoded.depth;
    int64_t rows = tw_min64(cache_rows(e) + 8, e->result.height);
    return rows * tw_picture_row_bytes(&sample) + (48 + (e->encoded.alpha ? rows / 3 : 0)) * tw_picture_row_bytes(&step) +
           (2 << 20);
}

/* libvips fills one row of tiles while the one before is written. */
int64_t tw_encoding_tile_cost(const tw_encoding *e)
{
    return 3 * tw_min64(e->tiff_tile, e->encoded.height) * tw_picture_row_bytes(&e->encoded);
}

static int resize_plain(const tw_encoding *e, VipsImage *in, VipsImage **out)
{
    return vips_resize(in, out, (double)e->encoded.width / in->Xsize, "vscale", (double)e->encoded.height / in->Ysize, NULL);
}

/* Straight alpha cannot be filtered: the colour of clear pixels would bleed in. */
static int resize_alpha(const tw_encoding *e, VipsImage *in, VipsImage **out)
{
    VipsImage *t[5] = {NULL};
    double white = tw_depth_white(e->encoded.depth);
    int failed = vips_premultiply(in, &t[0], "max_alpha", white, NULL) || resize_plain(e, t[0], &t[1]) ||
                 vips_unpremultiply(t[1], &t[2], "max_alpha", white, NULL);
    if (!failed && e->encoded.depth == TW_F32) {
        *out = g_object_ref(t[2]);
    } else if (!failed) {
        /* vips_cast clips but truncates. */
        failed = vips_rint(t[2], &t[3], NULL) || vips_cast(t[3], &t[4], tw_vips_format(e->encoded.depth), NULL) ||
                 vips_copy(t[4], out, "interpretation", in->Type, NULL);
    }
    for (int i = 0; i < 5; i++)
        g_clear_object(&t[i]);
    return failed;
}

int tw_encoding_resize(const tw_encoding *e, VipsImage **image)
{
    if (!tw_encoding_resizes(e))
        return 0;
    VipsImage *in_order = NULL, *out = NULL;
    int64_t tiles = tw_ceil_div(cache_rows(e), 8);
    int failed = vips_tilecache(*image, &in_order, "tile_width", (*image)->Xsize, "tile_height", 8, "max_tiles",
                                (int)tw_min64(tiles, INT_MAX), "access", VIPS_ACCESS_SEQUENTIAL, NULL);
    if (!failed)
        failed = e->encoded.alpha ? resize_alpha(e, in_order, &out) : resize_plain(e, in_order, &out);
    g_clear_object(&in_order);
    if (failed)
        return -1;
    g_object_unref(*image);
    *image = out;
    if (out->Xsize == e->encoded.width && out->Ysize == e->encoded.height)
        return 0;
    vips_error("resize", "%d x %d pixels where %d x %d were wanted", out->Xsize, out->Ysize, (int)e->encoded.width,
               (int)e->encoded.height);
    return -1;
}

bool tw_encoding_jumps(const tw_encoding *e)
{
    return e->codec == TW_CODEC_TIFF;
}

/* A compressed file may be larger than its pixels, with LZW by half; offsets of a classic TIFF end at 4 GB. */
static bool needs_bigtiff(const tw_encoding *e)
{
    int64_t most = e->tiff == VIPS_FOREIGN_TIFF_COMPRESSION_LZW ? 5 * GIB / 2 : 3 * GIB;
    return tw_picture_row_bytes(&e->encoded) * e->encoded.height > most;
}

static int save_tiff(const tw_encoding *e, VipsImage *image, VipsTarget *target)
{
    VipsForeignTiffPredictor predictor =
        e->encoded.depth == TW_F32 ? VIPS_FOREIGN_TIFF_PREDICTOR_FLOAT : VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL;
    gboolean tiled = e->tiff_tile > 0;
    /* libvips' strips of 128 rows would be held here and by every reader. The level is zstd's; libvips 8.15 takes it for deflate, too. */
    return vips_call("tiffsave_target", image, target, "compression", e->tiff, "predictor", predictor, "tile", tiled,
                     "tile_width", tiled ? e->tiff_tile : 128, "tile_height", tiled ? e->tiff_tile : 16, "level", 1, "bigtiff",
                     needs_bigtiff(e), NULL);
}

/* Measured on 6 MP of noisy gradients, CPU seconds and MB: level 6 unfiltered (libvips' default) 0.75 13.9, level 1 0.55 9.4,
 * level 2 0.55 9.3, level 3 0.96 9.1, level 4 1.65 7.9, level 6 4.3 7.9, the last four with all filters. Level 2 keeps up with the
 * fastest models. */
static int save_png(const tw_encoding *e, VipsImage *image, VipsTarget *target)
{
    int level = e->compression >= 0 ? e->compression : 2;
    VipsForeignPngFilter filter = level > 0 ? VIPS_FOREIGN_PNG_FILTER_ALL : VIPS_FOREIGN_PNG_FILTER_NONE;
    return vips_call("pngsave_target", image, target, "compression", level, "filter", filter, NULL);
}

int tw_encoding_save(const tw_encoding *e, VipsImage *image, VipsTarget *target)
{
    bool lossless = e->lossless;
    switch (e->codec) {
    case TW_CODEC_PNG:
        return save_png(e, image, target);
    case TW_CODEC_JPEG:
        /* AUTO: 4:4:4 from quality 90 on. Optimised coding tables would hold the whole picture. */
        return vips_call("jpegsave_target", image, target, "Q", e->quality, "subsample_mode", VIPS_FOREIGN_SUBSAMPLE_AUTO,
                         NULL);
    case TW_CODEC_WEBP:
        /* Above effort 2 the lossy encoder keeps all tokens of the picture: 25 bytes a pixel of noise where 1 takes 7, for 2 % in
         * size (and 1 is smaller on smooth pictures). Alpha is coded losslessly: 30 bytes at 0, 38 above. */
        return vips_call("webpsave_target", image, target, "Q", e->quality, "lossless", lossless, "effort",
                         lossless           ? 4
                         : e->encoded.alpha ? 0
                                            : 1,
                         NULL);
    case TW_CODEC_TIFF:
        return save_tiff(e, image, target);
    case TW_CODEC_GIF:
        return vips_call("gifsave_target", image, target, NULL);
    case TW_CODEC_JXL:
        return lossless ? vips_call("jxlsave_target", image, target, "lossless", TRUE, NULL)
                        : vips_call("jxlsave_target", image, target, "Q", e->quality, NULL);
    case TW_CODEC_HEIF:
        return vips_call("heifsave_target", image, target, "Q", e->quality, "lossless", lossless, "compression",
                         VIPS_FOREIGN_HEIF_COMPRESSION_HEVC, "bitdepth", 8, NULL);
    case TW_CODEC_AVIF:
        return vips_call("heifsave_target", image, target, "Q", e->quality, "lossless", lossless, "compression",
                         VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "bitdepth", 8, NULL);
    case TW_CODEC_PPM:
        return vips_call("ppmsave_target", image, target, "format",
                         e->encoded.colours == 1 ? VIPS_FOREIGN_PPM_FORMAT_PGM : VIPS_FOREIGN_PPM_FORMAT_PPM, NULL);
    default:
        vips_error("tilewright", "no encoder");
        return -1;
    }
}
