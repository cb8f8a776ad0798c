/* SPDX-License-Identifier: MIT */
/** One row from the result's samples to what a container holds: fewer bits, alpha laid over white. */
#ifndef TW_IMAGE_PIXELS_H
#define TW_IMAGE_PIXELS_H

#include "image/picture.h"

/** Rounds to nearest and clamps. `to` has the colours of `from`, its depth or a lower one, and alpha or (flattened) none. */
void tw_pixels_convert(const tw_picture *from, const void *in, const tw_picture *to, void *out, int64_t pixels);

#endif
