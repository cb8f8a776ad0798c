/* SPDX-License-Identifier: MIT */
#include "image/metadata.h"

#include <math.h>
#include <string.h>

#include "image/iptc.h"

/* What libvips 8.14 writes into each container; tests/unit/test_sink.c reads every one back. */
enum { ICC = 1, EXIF = 2, XMP = 4, IPTC = 8, RESOLUTION = 16, ORIENTATION = 32 };

static const int HOLDS[TW_CODEC_COUNT] = {
    [TW_CODEC_JPEG] = ICC | EXIF | XMP | IPTC | RESOLUTION | ORIENTATION,
    [TW_CODEC_PNG] = ICC | EXIF | XMP | RESOLUTION | ORIENTATION,
    [TW_CODEC_WEBP] = ICC | EXIF | XMP | ORIENTATION,
    [TW_CODEC_TIFF] = ICC | XMP | IPTC | RESOLUTION | ORIENTATION,
    [TW_CODEC_GIF] = 0,
    [TW_CODEC_JXL] = ICC,
    [TW_CODEC_HEIF] = ICC | EXIF | XMP,
    [TW_CODEC_AVIF] = ICC | EXIF | XMP,
    [TW_CODEC_PPM] = 0,
};

bool tw_metadata_holds_orientation(tw_codec codec)
{
    return (HOLDS[codec] & ORIENTATION) != 0;
}

static bool wanted(const char *name)
{
    static const char *const NAMES[] = {VIPS_META_ICC_NAME,        VIPS_META_EXIF_NAME,       VIPS_META_XMP_NAME,
                                        VIPS_META_IPTC_NAME,       VIPS_META_PHOTOSHOP_NAME,  VIPS_META_ORIENTATION,
                                        VIPS_META_RESOLUTION_UNIT, VIPS_META_IMAGEDESCRIPTION};
    for (size_t i = 0; i < G_N_ELEMENTS(NAMES); i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    /* exif-ifd1 describes the thumbnail, which no longer shows the picture. libvips writes only the tags it finds here. */
    return (g_str_has_prefix(name, "exif-ifd") && name[8] != '1') || g_str_has_prefix(name, "png-comment-");
}

static void *copy_field(VipsImage *image, const char *name, GValue *value, void *to)
{
    if (wanted(name))
        vips_image_set(to, name, value);
    return NULL;
}

VipsImage *tw_metadata_take(VipsImage *image, bool upright)
{
    VipsImage *pixel = NULL, *kept = NULL;
    if (vips_black(&pixel, 1, 1, NULL) == 0)
        kept = vips_image_copy_memory(pixel);
    g_clear_object(&pixel);
    if (!kept)
        return NULL;
    vips_image_map(image, copy_field, kept);
    kept->Xres = image->Xres;
    kept->Yres = image->Yres;
    if (upright)
        vips_autorot_remove_angle(kept);
    return kept;
}

static double resolution(double value)
{
    return value > 0 && fabs(value - 1.0) > 1e-9 ? value : 72.0 / 25.4;
}
double tw_metadata_xres(const VipsImage *metadata)
{
    return resolution(metadata ? metadata->Xres : 0);
}
double tw_metadata_yres(const VipsImage *metadata)
{
    return resolution(metadata ? metadata->Yres : 0);
}

static bool has(VipsImage *metadata, const char *name)
{
    return vips_image_get_typeof(metadata, name) != 0;
}

/* A profile names its colour space at byte 16; encoders refuse or damage files whose profile and bands disagree. */
static bool profile_fits(VipsImage *metadata, int colours)
{
    const void *data;
    size_t length;
    if (vips_image_get_blob(metadata, VIPS_META_ICC_NAME, &data, &length))
        return false;
    return length > 128 && memcmp((const char *)data + 16, colours == 1 ? "GRAY" : "RGB ", 4) == 0;
}

void tw_metadata_put(VipsImage *metadata, VipsImage *to, tw_codec codec, int colours)
{
    if (!metadata)
        return;
    vips_image_map(metadata, copy_field, to);
    if (has(to, VIPS_META_ICC_NAME) && !profile_fits(to, colours))
        vips_image_remove(to, VIPS_META_ICC_NAME);
    tw_iptc_dress(to, codec);
}

void tw_metadata_losses(VipsImage *metadata, tw_codec codec, int colours, char *text, size_t n)
{
    text[0] = 0;
    if (!metadata)
        return;
    bool icc = has(metadata, VIPS_META_ICC_NAME);
    struct {
        bool lost;
        const char *name;
    } parts[] = {
        {icc && !(HOLDS[codec] & ICC), "the colour profile"},
        {icc && (HOLDS[codec] & ICC) && !profile_fits(metadata, colours), "a colour profile of another colour space"},
        {has(metadata, VIPS_META_EXIF_NAME) && !(HOLDS[codec] & EXIF), "EXIF"},
        {has(metadata, VIPS_META_XMP_NAME) && !(HOLDS[codec] & XMP), "XMP"},
        {has(metadata, VIPS_META_IPTC_NAME) && !(HOLDS[codec] & IPTC), "IPTC"},
        {fabs(tw_metadata_xres(metadata) - 72.0 / 25.4) > 0.01 && !(HOLDS[codec] & RESOLUTION), "resolution"},
        {vips_image_get_orientation(metadata) > 1 && !(HOLDS[codec] & ORIENTATION), "orientation"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (parts[i].lost) {
            if (text[0])
                g_strlcat(text, ", ", n);
            g_strlcat(text, parts[i].name, n);
        }
}
