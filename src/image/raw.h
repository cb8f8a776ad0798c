/* SPDX-License-Identifier: MIT */
/** Pictures that are plain pixels in memory already. */
#ifndef TW_IMAGE_RAW_H
#define TW_IMAGE_RAW_H

#include "base/rect.h"
#include "image/picture.h"

/** What a source of them costs: the pixels are there already, but libvips starts all the same (codec_table.c), since what is
 *  made of them may be encoded. */
#define TW_RAW_COST (INT64_C(4) << 20)

/** Copies a rectangle inside the picture to `out`, rows without gaps. Any thread. */
void tw_raw_read(const tw_raw *raw, tw_rect rect, void *out);

#endif
