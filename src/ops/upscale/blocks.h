/* SPDX-License-Identifier: MIT */
/** Traces that JPEG's blocks leave in a picture that is no JPEG any more. Private to src/ops/upscale. */
#ifndef TW_OPS_UPSCALE_BLOCKS_H
#define TW_OPS_UPSCALE_BLOCKS_H

#include <stdint.h>

#include "base/error.h"

/** Coefficients of every 8x8 window of the rows that were added, one histogram for each place that the grid may have. */
typedef struct tw_blocks tw_blocks;

/** Bytes for rows of so many pixels. */
int64_t tw_blocks_bytes(int64_t width);
/** Made in `room` of that many bytes, 16-byte aligned; nothing to be freed. */
tw_blocks *tw_blocks_new(void *room, int64_t width);
/** The next row: 8-bit samples, interleaved, of which the first `colours` (1 or 3) of `bands` count. */
void tw_blocks_add(tw_blocks *blocks, const uint8_t *row, int bands, int colours);
/** Quality on libjpeg's scale, 1 to 100, that the picture was once encoded with, told by the steps that its coefficients keep to
 *  wherever the grid lies; 0: none is seen. Windows with black or white samples tell nothing, as clipping moved them. */
int tw_blocks_quality(tw_blocks *blocks);

#endif
