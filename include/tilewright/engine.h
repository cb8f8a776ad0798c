/* SPDX-License-Identifier: MIT */
/** An engine of the caller's own: a function that turns a tile into a larger (or equal) tile, or one that makes the frame between two.
 *  tilewright cuts the picture, asks for every tile inside the memory budget, crops or feathers the results and encodes them. */
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

/** What a model of two pictures is like. All zero: any time, at once, without noise. */
typedef struct tw_pair_config {
    int32_t steps; /**< not 0: it reaches its result in steps, so many by default; the caller of the job may say how many
                                 (sample-steps) */
    int32_t noise_channels; /**< 0: it takes no noise; at most 64 */
    int32_t
        noise_stride; /**< pixels of the frame, along each axis, that one sample of noise stands for; 0 or 1: one. Tiles begin at
                                 multiples of it, and their sides are multiples of it */
    int32_t middle_only; /**< not 0: it knows the time 0.5 only */
} tw_pair_config;

/** One pair of tiles. Lives during the call, as all it points to.
 *  a, b: width * height pixels of interleaved RGB float32, 0..1, rows without gaps: the two frames around the same place of the result.
 *  Each may have been shifted by whole pixels along the motion there, and what lies outside one frame shows the other.
 *  x, y: where the tile lies in the plane that is made, pixels. `plane` tells two planes of one frame apart: 0 the frame itself, 1 the small
 *  one of the global pass.
 *  noise: noise_channels planes of (width / noise_stride) * (height / noise_stride) samples, normally distributed with mean 0 and
 *  variance 1; NULL without noise_channels. Each is a function of seed, plane, channel and place (x / noise_stride + column, y /
 *  noise_stride + row) alone: tiles that overlap get the same. Engines that draw more noise of their own should key it alike.
 *  steps: 0 for models that have none. */
typedef struct tw_pair_tile {
    const float *a, *b;
    const float *noise;
    int64_t x, y;
    double time; /**< 0: frame a, 1: frame b */
    uint64_t seed;
    int32_t width, height;
    int32_t steps;
    int32_t plane;
} tw_pair_tile;

/** The engine interface. `size` is sizeof(tw_engine_callbacks) of the caller (ABI check).
 *  process_rgb: `in` holds width * height pixels of interleaved RGB float32, range 0..1 (1 = white), rows without gaps; write
 *  (width * scale) * (height * scale) pixels of the same kind to `out`. Return 0, or anything else to fail the tile (it is retried
 *  smaller once, then the job fails with TW_ERROR_RUN). Called from worker threads: at most one call at a time unless
 *  `thread_safe` is not 0. Buffers belong to tilewright and are valid during the call only. NULL, as scale_factor then may be, where
 *  process_pair is set.
 *  close: called exactly once, by tw_session_close_engine or tw_session_free, never inside a batch; may be NULL.
 *
 *  process_pair: for `interpolate`: writes the frame at tile->time, width * height pixels like `a` and `b`, to `out`. Threads, buffers and
 *  the value returned as for process_rgb. tiling_config then means: `tile` is the side of what a call is given, 0: 512; `overlap` what two
 *  neighbouring tiles share, 0: an eighth of that; `inexact` says nothing, tiles of a pair are never exact.
 *  pair_config: may be NULL. A struct that ends before process_pair, as that of version 0.1, is taken, too. */
typedef struct tw_engine_callbacks {
    size_t size;
    void *user;
    int (*process_rgb)(void *user, const float *in, int32_t width, int32_t height, float *out);
    int32_t (*scale_factor)(void *user);
    void (*tiling_config)(void *user, tw_tiling_config *config);
    void (*close)(void *user);
    int32_t thread_safe;
    int (*process_pair)(void *user, const tw_pair_tile *tile, float *out);
    void (*pair_config)(void *user, tw_pair_config *config);
} tw_engine_callbacks;

#ifdef __cplusplus
}
#endif
#endif
