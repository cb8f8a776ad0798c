/* SPDX-License-Identifier: MIT */
#include "image/codec_table.h"

#include "base/rect.h"

#define MIB (1024LL * 1024)

/* Growth of VmHWM, measured with tools/measure-codecs.sh on libvips 8.14.1 (libjpeg-turbo 2.1, libpng 1.6, libwebp 1.2.4,
 * libtiff 4.5, libjxl 0.7, libheif 1.15 with libaom 3.6 and x265 3.5, cgif 0.3), on smooth pictures and on noise: entropy coders
 * hold up to three times more for noise, and the bound counts that. `rows` are full rows of decoded (or encoded) samples that
 * libvips' line buffers hold; `pixel` what a codec holds of the whole picture. Each is measured + 5 to 15 %.
 *
 *               measured: load fixed, rows     | save fixed, rows  | bytes a pixel
 * PNG                     4.4 MiB, 100..106    | 4.8 MiB, 36       | interlaced: the decoded pixels
 * JPEG                    4.6 MiB, 122         | 5.0 MiB, 38       | progressive: 2 a coefficient
 * TIFF                    4.3 MiB, 116 + strips| 4.8 MiB, 58       | zstd: 24 MiB more to save
 * PPM                     4.3 MiB, 24 + file   | 4.6 MiB, 30       |
 * WebP                    4.6 MiB + file       | 4.8 MiB           | load 8.0..8.3; save 5.5..7.0, alpha 30, lossless 41
 * GIF                     4.6 MiB + file       | 4.8 MiB           | load 4.0..5.1; save 14 smooth, 46 noise
 * JPEG XL                 8.5 MiB + file       | 12 MiB            | load 7..22, alpha 45; save 49..56, alpha 70..78, lossless 84
 * AVIF                    8.5 MiB + file       | 16..19 MiB        | load 7.7, alpha 12.8; save 30..38, alpha and lossless 42
 * HEIF                    8.5 MiB + file       | 14.5 MiB          | load 7.7; save 22
 *
 * 3.2 MiB of each fixed cost is libvips itself, counted once: in the source. */
typedef struct codec_cost {
    double load_fixed, load_rows, load_pixel, load_pixel_alpha; /* MiB, rows, bytes, bytes */
    bool load_file;                                             /* the encoded bytes are mapped or held, too */
    double save_fixed, save_rows, save_pixel, save_alpha, save_lossless;
    const char *save_why;
} codec_cost;

static const codec_cost COSTS[TW_CODEC_COUNT] = {
    [TW_CODEC_JPEG] = {5.3, 134, 0, 0, false, 2.6, 44, 0, 0, 0, NULL},
    [TW_CODEC_PNG] = {5.2, 116, 0, 0, false, 2.6, 42, 0, 0, 0, NULL},
    [TW_CODEC_WEBP] = {5.6, 24, 8.6, 8.8, true, 3, 24, 7.6, 32, 44,
                       "WebP encoder: up to 8 bytes a pixel, 32 with alpha, 44 lossless"},
    [TW_CODEC_TIFF] = {5.2, 128, 0, 0, false, 2.6, 66, 0, 0, 0, NULL},
    [TW_CODEC_GIF] = {5.6, 24, 5.6, 5.6, true, 3, 24, 49, 49, 49, "GIF encoder: up to 49 bytes a pixel"},
    [TW_CODEC_JXL] = {11, 24, 21, 46, true, 10, 24, 61, 84, 91,
                      "JPEG XL encoder: up to 61 bytes a pixel, 84 with alpha, 91 lossless"},
    [TW_CODEC_HEIF] = {10, 24, 9, 14, true, 19, 24, 25, 34, 34,
                       "HEIF encoder: up to 25 bytes a pixel, 34 with alpha or lossless"},
    [TW_CODEC_AVIF] = {10, 24, 9, 14, true, 17, 24, 41, 46, 46,
                       "AVIF encoder: up to 41 bytes a pixel, 46 with alpha or lossless"},
    [TW_CODEC_PPM] = {5.2, 32, 0, 0, true, 2.6, 40, 0, 0, 0, NULL},
};

static int64_t mib(double n)
{
    return (int64_t)(n * (double)MIB);
}

/* libvips keeps two rows of tiles. Of strips up to 128 rows it decodes two at a time; higher ones it reads row by row, with the
 * compressed strip in memory. libtiff cuts a single uncompressed strip into small ones. */
static int64_t tiff_blocks(const tw_probe *probe, int64_t row, int64_t height, int64_t file)
{
    if (probe->tile_height > 0)
        return (int64_t)(2.4 * (double)(probe->tile_height * (row + row / 64 + 4096)));
    int64_t rows = tw_min64(probe->strip_rows > 0 ? probe->strip_rows : height, height);
    if (rows <= 128)
        return (int64_t)(2.2 * (double)(rows * row));
    if (probe->compression == 1 && rows >= height)
        return 0;
    int64_t strip = rows * row + rows * row / 8;
    return file >= 0 ? tw_min64(strip, file + file / 8) : strip;
}

/* Conversions add buffers of 16 rows between their steps; profiles their tables. */
static int64_t conversion_cost(const tw_picture *stored, const VipsImage *decoded)
{
    if (decoded->Type == VIPS_INTERPRETATION_CMYK)
        return 7 * MIB + 40 * tw_picture_row_bytes(stored);
    bool converted = decoded->BandFmt != tw_vips_format(stored->depth) || decoded->Coding != VIPS_CODING_NONE;
    return converted ? 2 * MIB + 80 * stored->width * tw_picture_bands(stored) * (int64_t)sizeof(float) : 0;
}

int64_t tw_codec_load_cost(const tw_probe *probe, const tw_picture *stored, const VipsImage *decoded, int64_t file)
{
    const codec_cost *cost = &COSTS[probe->codec];
    int64_t row = (int64_t)VIPS_IMAGE_SIZEOF_LINE(decoded),
            rim = probe->codec == TW_CODEC_HEIF || probe->codec == TW_CODEC_AVIF ? 96 : 0; /* frames are kept with one */
    int64_t pixels = (stored->width + rim) * (stored->height + rim);
    int64_t bytes = mib(cost->load_fixed) + (int64_t)(cost->load_rows * (double)row) + conversion_cost(stored, decoded);
    bytes += (int64_t)((stored->alpha ? cost->load_pixel_alpha : cost->load_pixel) * (double)pixels);
    if (probe->codec == TW_CODEC_JXL)
        bytes += pixels * tw_picture_bands(stored) * (tw_depth_bytes(stored->depth) - 1);
    if (cost->load_file && file > 0)
        bytes += file;
    if (probe->codec == TW_CODEC_JPEG && probe->whole)
        bytes += (int64_t)(2.1 * probe->samples_per_pixel * (double)pixels) + 32 * row;
    if (probe->codec == TW_CODEC_PNG && probe->whole)
        bytes += row * stored->height;
    if (probe->codec == TW_CODEC_TIFF)
        bytes += tiff_blocks(probe, row, stored->height, file);
    return bytes;
}

int64_t tw_codec_save_cost(tw_codec codec, const tw_picture *encoded, bool lossless, bool zstd, const char **why)
{
    const codec_cost *cost = &COSTS[codec];
    /* Block coders fill up to their block: a picture 8 rows high costs as much as one of 64. */
    int64_t block = codec == TW_CODEC_JXL || codec == TW_CODEC_HEIF || codec == TW_CODEC_AVIF ? 64 : 1;
    int64_t margin = codec == TW_CODEC_HEIF || codec == TW_CODEC_AVIF ? 96 : 0; /* frames are kept with a rim */
    double pixels = (double)(tw_ceil_div(encoded->width, block) * block + margin) *
                    (double)(tw_ceil_div(encoded->height, block) * block + margin);
    double pixel = lossless ? cost->save_lossless : encoded->alpha ? cost->save_alpha : cost->save_pixel;
    *why = cost->save_why;
    if (codec == TW_CODEC_JXL)
        pixel += 2.5 * (tw_depth_bytes(encoded->depth) - 1);
    return mib(cost->save_fixed) + (int64_t)(cost->save_rows * (double)tw_picture_row_bytes(encoded)) +
           (int64_t)(pixel * pixels) + (codec == TW_CODEC_TIFF && zstd ? 28 * MIB : 0);
}

int64_t tw_codec_max_side(tw_codec codec)
{
    switch (codec) {
    case TW_CODEC_JPEG:
        return 65500; /* libjpeg's own limit; the format ends at 65535 */
    case TW_CODEC_WEBP:
        return 16383;
    case TW_CODEC_GIF:
        return 65535;
    case TW_CODEC_HEIF:
    case TW_CODEC_AVIF:
        return 16384;
    case TW_CODEC_JXL:
        return 1 << 30;
    default:
        return INT32_MAX;
    }
}

int64_t tw_codec_min_side(tw_codec codec)
{
    return codec == TW_CODEC_HEIF ? 24 : 1;
}

tw_depth tw_codec_max_depth(tw_codec codec)
{
    switch (codec) {
    case TW_CODEC_TIFF:
    case TW_CODEC_JXL:
        return TW_F32;
    case TW_CODEC_PNG:
    case TW_CODEC_PPM:
        return TW_U16;
    default:
        return TW_U8;
    }
}

bool tw_codec_has_alpha(tw_codec codec)
{
    return codec != TW_CODEC_JPEG && codec != TW_CODEC_PPM;
}
