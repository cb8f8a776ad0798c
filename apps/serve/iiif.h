/* SPDX-License-Identifier: MIT */
/** What IIIF Image API 3.0 asks for: texts of a path to numbers, and back. Pure; any thread. */
#ifndef TW_SERVE_IIIF_H
#define TW_SERVE_IIIF_H

#include "reply.h"

#define IIIF_CONTEXT   "http://iiif.io/api/image/3/context.json"
#define IIIF_MOST_AREA (INT64_C(4096) * 4096) /* pixels of an answer */
#define IIIF_MOST_UP   4                      /* times the picture */

/** One picture that is asked for, of a picture of width x height. */
typedef struct iiif_image {
    int64_t x, y, w, h;           /* region, inside the picture */
    int64_t width, height;        /* that it gets, before it is turned */
    int rotation;                 /* 0, 90, 180, 270, clockwise, after mirroring */
    bool mirrored, up;            /* the size begins with ^ */
    const char *format, *quality; /* static: "png", "jpg", "webp"; "default", "color" */
} iiif_image;

/** Reads "REGION/SIZE/ROTATION/QUALITY.FORMAT". False with `error`: 400 for what cannot be read, 501 for what there is not. */
bool iiif_read(const char *text, int64_t width, int64_t height, iiif_image *out, serve_error *error);
/** The canonical form of the same. Freed with g_free. */
char *iiif_canonical(const iiif_image *image, int64_t width, int64_t height);
/** info.json of a picture whose address is `base`. */
json_t *iiif_info(const char *base, int64_t width, int64_t height, int levels);

#endif
