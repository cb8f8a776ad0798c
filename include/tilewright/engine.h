/* SPDX-License-Identifier: MIT */
/** An engine of the caller's own: a function that turns a tile into a larger (or equal) tile. tilewright cuts the picture, asks
 *  for every tile inside the memory budget, crops or feathers the results and encodes them. */
#ifndef TILEWRIGHT_ENGINE_H
#define TILEWRIGHT_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "tilewright/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How the engine wants to be tiled. All in input pixels; zero what does not matter. */
typedef struct tw_tiling_config {
    int32_t tile;     /**< preferred tile side, 0: chosen by the plan */
    int32_t overlap;  /**< context the engine needs on every side; exact when its receptive field is no larger */
    int32_t multiple; /**< width and height of every tile are made a multiple of this, 0 or 1: any size */
    int32_t inexact;  /**< not 0: results depend on the tile (attention, global statistics); overlaps are feathered, and the
                            report says exact: false */
    int64_t bytes_per_pixel; /**< memory one call needs per input pixel, for the plan; 0: 64 */
} tw_tiling_config;

/** The engine interface. `size` is sizeof(tw_engine_callbacks) of the caller (ABI check).
 *  process_rgb: `in` holds width * height pixels of interleaved RGB float32, range 0..1 (1 = white), rows without gaps; write
 *  (width * scale) * (height * scale) pixels of the same kind to `out`. Return 0, or anything else to fail the tile (it is retried
 *  smaller once, then the job fails with TW_ERROR_RUN). Called from worker threads: at most one call at a time unless
 *  `thread_safe` is not 0. Buffers belong to tilewright and are valid during the call only.
 *  close: called exactly once, by tw_session_close_engine or tw_session_free, never inside a batch; may be NULL. */
typedef struct tw_engine_callbacks {
    size_t size;
    void *user;
    int (*process_rgb)(void *user, const float *in, int32_t width, int32_t height, float *out);
    int32_t (*scale_factor)(void *user);
    void (*tiling_config)(void *user, tw_tiling_config *config);
    void (*close)(void *user);
    int32_t thread_safe;
} tw_engine_callbacks;

#ifdef __cplusplus
}
#endif
#endif
