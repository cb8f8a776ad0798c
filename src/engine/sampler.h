/* SPDX-License-Identifier: MIT */
/** The layer "TwWarp" of flow nets (model/flow.h): takes a flow in samples of the picture that it samples, and gives that picture where
 *  the flow points, bilinearly, the border repeated. The picture is read block by block, however large it is, by its own coordinates:
 *  the result does not depend on the tile by a bit. Positions are the sample's own plus a whole and a broken part of the flow, so that
 *  nothing is rounded in large pictures. CPU only. */
#ifndef TW_ENGINE_SAMPLER_H
#define TW_ENGINE_SAMPLER_H

#include "base/account.h"
#include "base/error.h"
#include "base/rect.h"
#include "model/flow.h"

#define TW_SAMPLER_BLOCK 64 /* samples of a block's side, and one more that it shares with the next */

/** A whole picture or blob. */
typedef struct tw_sampled {
    int64_t w, h;
    int channels;
    /** Fills channel planes of rect.w * rect.h samples each, one behind the other; `rect` lies inside. Called by the cache's thread. */
    tw_status (*read)(void *user, tw_rect rect, float *to, tw_error *err);
    void *user;
} tw_sampled;

/** Blocks of one source that one worker holds. */
typedef struct tw_sampler tw_sampler;

/** What `blocks` blocks of a source of that size take. Pure. */
int64_t tw_sampler_bytes(int64_t w, int64_t h, int channels, int blocks);
tw_status tw_sampler_new(const tw_sampled *source, int blocks, tw_account *account, tw_sampler **out, tw_error *err);
/** NULL is allowed. */
void tw_sampler_free(tw_sampler *cache);

/** Samples at the ends of a flow of w x h (two planes `flow_plane` floats apart) whose first sample stands at (x, y) of the source, as
 *  a Warp does. `out`: channel planes `out_plane` floats apart. */
tw_status tw_sampler_warp(tw_sampler *sampler, const float *flow, int64_t flow_plane, int64_t w, int64_t h, int64_t x,
                          int64_t y, float *out, int64_t out_plane, tw_error *err);

/** What the Warps of one run sample: by place in tw_flow.blobs, with the place of the tile's first sample in it. */
typedef struct tw_sampler_view {
    struct {
        tw_sampler *cache; /* NULL: not sampled in this stage */
        int64_t x, y;
    } at[TW_FLOW_BLOBS];
    tw_error error; /* of a read that failed */
} tw_sampler_view;

#endif
