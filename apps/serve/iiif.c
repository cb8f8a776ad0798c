/* SPDX-License-Identifier: MIT */
#include "iiif.h"

#include <glib.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define TILE      256
#define MOST_SIDE 1e15

/* Up to `most` numbers with commas between them; those that are left out are -1, where `gaps` allows it. Returns how many, 0: bad. */
static int read_numbers(const char *text, bool real, bool gaps, int most, double *out)
{
    int n = 0;
    for (;;) {
        size_t length = strspn(text, real ? "0123456789." : "0123456789");
        char *end = NULL;
        if (n == most || length > 24 || (length == 0 && !gaps))
            return 0;
        out[n] = length ? g_ascii_strtod(text, &end) : -1;
        if (length && (end != text + length || !(out[n] <= MOST_SIDE)))
            return 0;
        n++;
        text += length;
        if (*text != ',')
            return *text ? 0 : n;
        text++;
    }
}

static bool bad(serve_error *error, const char *what, const char *text)
{
    return serve_refuse(error, 400, "%s \"%.60s\" cannot be read", what, text);
}

/* --- region -------------------------------------------------------------------------------------------------------- */

static bool set_region(iiif_image *out, const double v[4], int64_t width, int64_t height)
{
    int64_t left = llround(v[0]), top = llround(v[1]);
    int64_t right = llround(fmin(v[0] + v[2], (double)width)), bottom = llround(fmin(v[1] + v[3], (double)height));
    out->x = left, out->y = top, out->w = right - left, out->h = bottom - top;
    return out->w > 0 && out->h > 0;
}

static bool read_region(const char *text, int64_t width, int64_t height, iiif_image *out, serve_error *error)
{
    double v[4], side = (double)MIN(width, height), scale[2] = {(double)width / 100, (double)height / 100};
    bool percent = g_str_has_prefix(text, "pct:");
    if (strcmp(text, "full") == 0) {
        double all[] = {0, 0, (double)width, (double)height};
        return set_region(out, all, width, height);
    }
    if (strcmp(text, "square") == 0) {
        double middle[] = {floor(((double)width - side) / 2), floor(((double)height - side) / 2), side, side};
        return set_region(out, middle, width, height);
    }
    if (read_numbers(percent ? text + 4 : text, percent, false, 4, v) != 4)
        return bad(error, "the region", text);
    for (int i = 0; percent && i < 4; i++)
        v[i] *= scale[i % 2];
    return set_region(out, v, width, height) || serve_refuse(error, 400, "the region \"%.60s\" shows nothing", text);
}

/* --- size ---------------------------------------------------------------------------------------------------------- */

static void fit(iiif_image *out, double scale)
{
    out->width = MAX(1, llround((double)out->w * scale));
    out->height = MAX(1, llround((double)out->h * scale));
}

/* As large as may be sent. */
static void fit_most(iiif_image *out)
{
    double most = sqrt((double)IIIF_MOST_AREA / ((double)out->w * (double)out->h)), limit = out->up ? IIIF_MOST_UP : 1;
    fit(out, fmin(limit, most));
    if (most < limit) { /* rounding must not pass the bound */
        out->width = MAX(1, (int64_t)floor((double)out->w * most));
        out->height = MAX(1, (int64_t)floor((double)out->h * most));
    }
}

static bool set_size(iiif_image *out, const double v[2], bool confined)
{
    double x = v[0] / (double)out->w, y = v[1] / (double)out->h;
    if (v[0] == 0 || v[1] == 0 || (v[0] < 0 && v[1] < 0) || (confined && (v[0] < 0 || v[1] < 0)))
        return false;
    if (confined)
        fit(out, fmin(fmin(x, y), out->up ? INFINITY : 1));
    else if (v[0] < 0 || v[1] < 0)
        fit(out, v[0] < 0 ? y : x);
    if (v[0] > 0 && !confined)
        out->width = (int64_t)v[0];
    if (v[1] > 0 && !confined)
        out->height = (int64_t)v[1];
    return true;
}

static bool read_size(const char *given, iiif_image *out, serve_error *error)
{
    double v[2];
    const char *text = given + (*given == '^');
    bool confined = *text == '!';
    out->up = *given == '^';
    if (strcmp(text, "max") == 0) {
        fit_most(out);
        return true;
    }
    if (g_str_has_prefix(text, "pct:")) {
        if (read_numbers(text + 4, true, false, 1, v) != 1 || v[0] == 0)
            return bad(error, "the size", given);
        fit(out, v[0] / 100);
    } else if (read_numbers(text + confined, false, !confined, 2, v) != 2 || !set_size(out, v, confined)) {
        return bad(error, "the size", given);
    }
    if (!out->up && (out->width > out->w || out->height > out->h))
        return serve_refuse(error, 400, "the size \"%.60s\" is larger than the region; ^ asks for that", given);
    if (out->width > IIIF_MOST_UP * out->w || out->height > IIIF_MOST_UP * out->h)
        return serve_refuse(error, 501, "the size \"%.60s\" is more than %d times the region", given, IIIF_MOST_UP);
    if (out->width > IIIF_MOST_AREA / out->height)
        return serve_refuse(error, 400, "the size \"%.60s\" is more than %" PRId64 " pixels", given, IIIF_MOST_AREA);
    return true;
}

/* --- the rest ------------------------------------------------------------------------------------------------------ */

static bool read_rotation(const char *given, iiif_image *out, serve_error *error)
{
    double v;
    const char *text = given + (*given == '!');
    out->mirrored = *given == '!';
    if (read_numbers(text, true, false, 1, &v) != 1 || v > 360)
        return bad(error, "the rotation", given);
    out->rotation = v == 360 ? 0 : (int)v;
    if (v != floor(v) || out->rotation % 90)
        return serve_refuse(error, 501, "the rotation \"%.60s\" is no multiple of 90", given);
    return true;
}

static const char *one_of(const char *text, const char *const *names)
{
    while (*names && strcmp(*names, text) != 0)
        names++;
    return *names;
}

static bool read_word(const char *what, const char *text, const char *const *known, const char *const *others, const char **out,
                      serve_error *error)
{
    *out = one_of(text, known);
    if (*out)
        return true;
    return one_of(text, others) ? serve_refuse(error, 501, "the %s \"%.20s\" is not made", what, text) : bad(error, what, text);
}

static bool read_kind(char *text, iiif_image *out, serve_error *error)
{
    static const char *const qualities[] = {"default", "color", NULL}, *const no_qualities[] = {"gray", "bitonal", NULL};
    static const char *const formats[] = {"png", "jpg", "webp", NULL};
    static const char *const no_formats[] = {"tif", "gif", "jp2", "pdf", NULL};
    char *dot = strrchr(text, '.');
    if (!dot)
        return bad(error, "the quality and format", text);
    *dot = 0;
    return read_word("quality", text, qualities, no_qualities, &out->quality, error) &&
           read_word("format", dot + 1, formats, no_formats, &out->format, error);
}

bool iiif_read(const char *text, int64_t width, int64_t height, iiif_image *out, serve_error *error)
{
    char **parts = g_strsplit(text, "/", 5);
    *out = (iiif_image){0};
    bool ok = g_strv_length(parts) == 4;
    if (!ok)
        serve_refuse(error, 400, "a picture is asked for as REGION/SIZE/ROTATION/QUALITY.FORMAT");
    ok = ok && read_region(parts[0], width, height, out, error) && read_size(parts[1], out, error) &&
         read_rotation(parts[2], out, error) && read_kind(parts[3], out, error);
    g_strfreev(parts);
    return ok;
}

char *iiif_canonical(const iiif_image *i, int64_t width, int64_t height)
{
    GString *text = g_string_new(NULL);
    bool full = i->w == width && i->h == height, larger = i->width > i->w || i->height > i->h;
    if (full)
        g_string_append(text, "full/");
    else
        g_string_append_printf(text, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "/", i->x, i->y, i->w, i->h);
    if (i->width == i->w && i->height == i->h)
        g_string_append(text, "max/");
    else
        g_string_append_printf(text, "%s%" PRId64 ",%" PRId64 "/", larger ? "^" : "", i->width, i->height);
    g_string_append_printf(text, "%s%d/default.%s", i->mirrored ? "!" : "", i->rotation, i->format);
    return g_string_free(text, FALSE);
}

json_t *iiif_info(const char *base, int64_t width, int64_t height, int levels)
{
    json_t *sizes = json_array(), *factors = json_array();
    for (int i = levels - 1; i >= 0; i--)
        if (((width + (INT64_C(1) << i) - 1) >> i) <= IIIF_MOST_AREA / ((height + (INT64_C(1) << i) - 1) >> i))
            json_array_append_new(sizes, json_pack("{s:I,s:I}", "width", (json_int_t)((width + (INT64_C(1) << i) - 1) >> i),
                                                   "height", (json_int_t)((height + (INT64_C(1) << i) - 1) >> i)));
    for (int i = 0; i < levels; i++)
        json_array_append_new(factors, json_integer(INT64_C(1) << i));
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:o,s:[{s:i,s:o}]}", "@context", IIIF_CONTEXT, "id", base,
                             "type", "ImageService3", "protocol", "http://iiif.io/api/image", "profile", "level2", "width",
                             (json_int_t)width, "height", (json_int_t)height, "maxArea", (json_int_t)IIIF_MOST_AREA, "sizes",
                             sizes, "tiles", "width", TILE, "scaleFactors", factors);
    json_object_set_new(json, "extraFormats", json_pack("[s]", "webp"));
    json_object_set_new(json, "extraQualities", json_pack("[s]", "color"));
    json_object_set_new(json, "extraFeatures", json_pack("[s,s,s]", "canonicalLinkHeader", "mirroring", "sizeUpscaling"));
    return json;
}
