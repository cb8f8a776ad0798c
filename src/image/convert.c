/* SPDX-License-Identifier: MIT */
#include "image/convert.h"

#include <stdio.h>

typedef struct conversion {
    tw_context *context; /* NULL: silent */
    const char *label;
    tw_error *err;
} conversion;

/* Takes the place of *image; the new image holds a reference to the old. */
static void replace(VipsImage **image, VipsImage *by)
{
    g_object_unref(*image);
    *image = by;
}

static tw_status failed(const conversion *c, const char *what)
{
    return tw_vips_fail(c->err, TW_ERROR_INPUT, "%s: %s", c->label, what);
}

#define WARN(c, ...)                                                                                                           \
    do {                                                                                                                       \
        if ((c)->context)                                                                                                      \
            tw_warn((c)->context, __VA_ARGS__);                                                                                \
    } while (0)

static bool is_cmyk(const VipsImage *image)
{
    return image->Type == VIPS_INTERPRETATION_CMYK && image->Bands >= 4;
}

static bool is_lab_like(const VipsImage *image)
{
    switch (image->Type) {
    case VIPS_INTERPRETATION_LAB:
    case VIPS_INTERPRETATION_LABS:
    case VIPS_INTERPRETATION_LABQ:
    case VIPS_INTERPRETATION_LCH:
    case VIPS_INTERPRETATION_CMC:
    case VIPS_INTERPRETATION_XYZ:
    case VIPS_INTERPRETATION_YXY:
    case VIPS_INTERPRETATION_HSV:
        return image->Bands >= 3 || image->Coding == VIPS_CODING_LABQ;
    default:
        return false;
    }
}

static tw_status from_cmyk(const conversion *c, VipsImage **image)
{
    VipsImage *rgb = NULL;
    bool own = vips_image_get_typeof(*image, VIPS_META_ICC_NAME) != 0;
    int depth = (*image)->BandFmt == VIPS_FORMAT_UCHAR ? 8 : 16;
    if (vips_icc_transform(*image, &rgb, "srgb", "embedded", TRUE, "input_profile", "cmyk", "intent", VIPS_INTENT_RELATIVE,
                           "depth", depth, NULL))
        return failed(c, "CMYK cannot be converted to RGB");
    WARN(c, "%s: CMYK converted to sRGB through %s", c->label,
         own ? "its own profile" : "a generic CMYK profile (it has none)");
    replace(image, rgb);
    return TW_OK;
}

static tw_status from_lab(const conversion *c, VipsImage **image)
{
    VipsImage *rgb = NULL;
    const char *name = vips_enum_nick(VIPS_TYPE_INTERPRETATION, (*image)->Type);
    if (vips_colourspace(*image, &rgb, VIPS_INTERPRETATION_RGB16, NULL))
        return failed(c, "its colour space cannot be converted to RGB");
    WARN(c, "%s: %s converted to 16-bit sRGB", c->label, name);
    replace(image, rgb);
    if (vips_image_get_typeof(*image, VIPS_META_ICC_NAME)) {
        /* The profile described the old samples. Metadata of a shared image may not be changed. */
        if (vips_copy(*image, &rgb, NULL))
            return failed(c, "no memory");
        vips_image_remove(rgb, VIPS_META_ICC_NAME);
        replace(image, rgb);
    }
    return TW_OK;
}

/* u32 keeps its 24 leading bits; double loses what float cannot hold. */
static tw_status to_float(const conversion *c, VipsImage **image)
{
    VipsImage *out = NULL;
    bool whole = (*image)->BandFmt == VIPS_FORMAT_UINT;
    const char *name = vips_enum_nick(VIPS_TYPE_BAND_FORMAT, (*image)->BandFmt);
    if (whole ? vips_linear1(*image, &out, 1.0 / 4294967295.0, 0.0, NULL) : vips_cast(*image, &out, VIPS_FORMAT_FLOAT, NULL))
        return failed(c, "its samples cannot be converted to float");
    replace(image, out);
    if (out->BandFmt != VIPS_FORMAT_FLOAT) {
        if (vips_cast(*image, &out, VIPS_FORMAT_FLOAT, NULL))
            return failed(c, "its samples cannot be converted to float");
        replace(image, out);
    }
    WARN(c, "%s: %s samples converted to float", c->label, name);
    return TW_OK;
}

static tw_status to_known_depth(const conversion *c, VipsImage **image, tw_depth *depth)
{
    switch ((*image)->BandFmt) {
    case VIPS_FORMAT_UCHAR:
        *depth = TW_U8;
        return TW_OK;
    case VIPS_FORMAT_USHORT:
        *depth = TW_U16;
        return TW_OK;
    case VIPS_FORMAT_FLOAT:
        *depth = TW_F32;
        return TW_OK;
    case VIPS_FORMAT_UINT:
    case VIPS_FORMAT_DOUBLE:
        *depth = TW_F32;
        return to_float(c, image);
    default:
        return tw_fail(c->err, TW_ERROR_INPUT, "%s: samples of type %s are not supported (8 and 16 bit unsigned, float)",
                       c->label, vips_enum_nick(VIPS_TYPE_BAND_FORMAT, (*image)->BandFmt));
    }
}

/* Bands that carry a meaning are converted by it; of others there may be many. */
static tw_status check_bands(const conversion *c, const VipsImage *image, bool many)
{
    bool named = is_cmyk(image) || is_lab_like(image);
    int most = is_cmyk(image) ? 5 : many && !named ? TW_MOST_BANDS : 4;
    if (image->Coding != VIPS_CODING_NONE || image->Bands <= most)
        return TW_OK;
    return tw_fail(c->err, TW_ERROR_INPUT, "%s: %d bands; at most %d%s are supported", c->label, image->Bands, most,
                   most == 4 ? " (RGB and alpha)" : "");
}

tw_status tw_convert(tw_context *context, const char *label, bool many, VipsImage **image, tw_picture *picture, tw_error *err)
{
    conversion c = {context, label, err};
    TW_TRY(check_bands(&c, *image, many));
    if (is_cmyk(*image))
        TW_TRY(from_cmyk(&c, image));
    else if (is_lab_like(*image))
        TW_TRY(from_lab(&c, image));
    else if ((*image)->Coding != VIPS_CODING_NONE)
        return tw_fail(err, TW_ERROR_INPUT, "%s: coding %s is not supported", label,
                       vips_enum_nick(VIPS_TYPE_CODING, (*image)->Coding));
    if ((*image)->Type == VIPS_INTERPRETATION_MULTIBAND && (*image)->Bands == 4)
        WARN(&c, "%s: 4 bands of no known meaning are read as RGB and alpha", label);
    TW_TRY(to_known_depth(&c, image, &picture->depth));
    picture->width = (*image)->Xsize;
    picture->height = (*image)->Ysize;
    picture->colours = (*image)->Bands > 4 ? (*image)->Bands : (*image)->Bands >= 3 ? 3 : 1;
    picture->alpha = (*image)->Bands == 2 || (*image)->Bands == 4;
    return TW_OK;
}
