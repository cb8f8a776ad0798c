/* SPDX-License-Identifier: MIT */
/** A flow net in stages: a net of two pictures that estimates motion from coarse to fine and warps by it. It is cut where the estimate
 *  passes on: at what an Interp reduces or enlarges, at what a Warp samples, and, where the next estimate is made at the same scale, at
 *  what the flow of a Warp is picked out of. Each stage runs tile by tile over what earlier ones left, with a halo of its own; a Warp
 *  samples the whole of its picture through the engine, so that no motion is too large and none costs halo. Found by structure, not by
 *  names. Internal to the library. */
#ifndef TW_MODEL_FLOW_H
#define TW_MODEL_FLOW_H

#include "base/memo.h"
#include "model/interval.h"

#define TW_FLOW_BLOBS  64
#define TW_FLOW_STAGES 32

/** A blob that stages hand on: an input of the net, what is kept between stages, the result. */
typedef struct tw_flow_blob {
    int blob; /* of the net, behind all Splits */
    int made,
        last; /* the stage that computes it (inputs and the time: -1), the last stage that reads it (the result: the last one; an ending: one more) */
    bool sampled; /* Warps read it wherever the flow points */
    bool time;    /* everywhere the time: the third input, or that resized; it is filled, not computed */
} tw_flow_blob;

/** Numbers are places in tw_flow.blobs. */
typedef struct tw_flow_stage {
    int n_sources, n_targets;
    int sources[TW_FLOW_BLOBS]; /* read around a tile */
    int targets[TW_FLOW_BLOBS];
    bool samples[TW_FLOW_BLOBS]; /* its Warps sample this one */
    tw_ratio rate;               /* of the plane that its tiles partition, and of its targets: over input samples */
    int64_t grid;                /* input samples: tiles begin and end at multiples */
    int64_t align;               /* they begin at multiples of this one, so that blocks of convolutions lie as in a whole run */
    bool blocks;     /* tiles hold all that has a part in the rounding of their core, so that they give its very bits */
    int64_t halo[4]; /* l,t,r,b: input samples read around a core in the middle, before alignment */
    double macs;     /* per input sample */
} tw_flow_stage;

typedef struct tw_flow {
    char *text;    /* the net as it runs: "TwWarp" layers named "tw:N:..." take a flow and sample blobs[N] */
    tw_graph *net; /* the same, parsed */
    tw_geometry *geometry;
    int n_blobs, n_inputs; /* the inputs come first */
    tw_flow_blob blobs[TW_FLOW_BLOBS];
    int output;    /* place in blobs; -1: the ending is what the last stage leaves */
    int ending[3]; /* without output: places of both frames' flows and of the first one's share */
    int n_stages;
    tw_flow_stage stages[TW_FLOW_STAGES];
    tw_memo *known; /* bytes of runs, by stage and size: plans ask for the same ones again and again */
} tw_flow;

/** `text` is what `graph` was parsed from. TW_ERROR_USAGE says why the net is none, or cannot be run in stages. With `ends` the last stage
 *  leaves the flows by which the net would warp both frames at last, and the first frame's share of what it mixes of them (the second's
 *  is the rest), instead of the result: TW_ERROR_USAGE where it does not end so. Both forms have the same text. */
tw_status tw_flow_of(const tw_graph *graph, const tw_geometry *geometry, const char *text, const char *label, bool ends,
                     tw_flow **out, tw_error *err);
/** NULL is allowed. */
void tw_flow_free(tw_flow *flow);

/** The input samples, of n, that a run must have to compute [out) of the stage's plane: on its grid, inside [0, n). n is a multiple of
 *  the geometry's size_multiple. Pure. */
tw_span tw_flow_need(const tw_flow *flow, int stage, int axis, int64_t n, tw_span out);
/** Samples of the stage's plane for an input of n. */
int64_t tw_flow_length(const tw_flow *flow, int stage, int64_t n);
/** Input samples that a core of `length` samples of the plane needs at most. */
int64_t tw_flow_most(const tw_flow *flow, int stage, int axis, int64_t n, int64_t length);
/** Upper bound of the bytes of one run on w x h input samples, sources and targets included. */
int64_t tw_flow_bytes(const tw_flow *flow, int stage, int64_t w, int64_t h);
/** The same of a run on a Vulkan device: device bytes, its largest buffer, and the host's. */
typedef struct tw_flow_device {
    int64_t bytes, largest, host;
} tw_flow_device;
tw_flow_device tw_flow_bytes_device(const tw_flow *flow, int stage, int64_t w, int64_t h);

static inline const char *tw_flow_name(const tw_flow *flow, int place)
{
    return flow->net->blobs[flow->blobs[place].blob].name;
}
static inline tw_ratio tw_flow_rate(const tw_flow *flow, int place)
{
    return flow->geometry->blobs[flow->blobs[place].blob].rate;
}
static inline int tw_flow_channels(const tw_flow *flow, int place)
{
    return flow->geometry->blobs[flow->blobs[place].blob].channels;
}

#endif
