/* SPDX-License-Identifier: MIT */
/** What the first bytes tell before libvips looks: the container, and whether its decoder has to hold the whole picture. */
#ifndef TW_IMAGE_PROBE_H
#define TW_IMAGE_PROBE_H

#include "image/input.h"

typedef struct tw_probe {
    tw_codec codec;
    bool whole;               /* the decoder holds the whole picture */
    const char *why;          /* static; NULL when it streams */
    double samples_per_pixel; /* JPEG: of all components, subsampling counted */
    int quality;              /* JPEG: 1 to 100 as libjpeg counts it, 0: not known */
    /* TIFF, first page */
    int64_t tile_width, tile_height; /* 0: strips */
    int64_t strip_rows;              /* rows of one strip */
    bool pyramid;                    /* later pages are smaller copies of the first */
    int compression;                 /* the tag's number, 1: none */
    bool separate;                   /* one plane after the other */
    int64_t iptc_at, iptc_length;    /* where its IPTC records lie: libvips 8.14 reads a quarter of them */
} tw_probe;

/** TW_ERROR_INPUT when these are not a picture's bytes. */
tw_status tw_probe_input(tw_input *input, tw_probe *probe, tw_error *err);

#endif
