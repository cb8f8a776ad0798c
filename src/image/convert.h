/* SPDX-License-Identifier: MIT */
/** From what a decoder gives to what the other rooms know: grey or RGB, 8 bit, 16 bit or float (docs/colour.md). */
#ifndef TW_IMAGE_CONVERT_H
#define TW_IMAGE_CONVERT_H

#include "image/room.h"

/** Replaces *image by its converted form and describes it. `context` NULL: no warnings (a reopened source).
 *  `many`: 5 to TW_MOST_BANDS bands stay what they are. */
tw_status tw_convert(tw_context *context, const char *label, bool many, VipsImage **image, tw_picture *picture, tw_error *err);

#endif
