/* SPDX-License-Identifier: MIT */
/** The geometry of a graph, per axis: which input pixels an output pixel reads, how blobs scale, where whole-image
 *  layers stand. Pure arithmetic on intervals; knows no pixels and no engine. Carry reads the same interval maps
 *  forwards. */
#ifndef TW_MODEL_GEOMETRY_H
#define TW_MODEL_GEOMETRY_H

#include "base/rect.h"
#include "model/graph.h"

/** A rational number > 0, reduced. */
typedef struct tw_ratio {
    int64_t num, den;
} tw_ratio;

typedef enum tw_barrier_kind {
    TW_BARRIER_MEAN,     /* global average pooling, mean reduction over h and w: needs sums over owned pixels */
    TW_BARRIER_VARIANCE, /* mean square of the distance from the mean: needs the sums of samples and of their squares */
    TW_BARRIER_SUM,
    TW_BARRIER_MAX,
    TW_BARRIER_MIN,
    TW_BARRIER_OTHER, /* attention, total sizes: tiling is not exact */
} tw_barrier_kind;

typedef struct tw_barrier {
    tw_barrier_kind kind;
    int layer;       /* the layer that needs the whole image */
    int input_blob;  /* the blob whose owned pixels are summed, or among which the greatest is looked for */
    int output_blob; /* the vector that a later pass injects */
    int level;       /* how many barriers, one behind the other, must be known before this one: its pass, from 0 */
    int group;       /* channels, one behind the other, that have one number together; 1: each has its own */
    bool flat;       /* the vector has one dimension, as ncnn's global pooling gives it; else it is a picture of one sample */
} tw_barrier;

typedef struct tw_blob_geometry {
    bool spatial;  /* false: a vector behind a barrier, or a constant */
    tw_ratio rate; /* samples per input sample; the same for both axes unless rate_y differs */
    tw_ratio rate_y;
    /** l,t,r,b: samples of this blob by which it is smaller than rate * canvas: crops, valid convolutions */
    int64_t shrink[4];
    int channels; /* 0: unknown */
} tw_blob_geometry;

typedef struct tw_geometry {
    int input;  /* blob of the (first) Input layer */
    int output; /* the blob no layer consumes (the last one produced when there are several) */
    int n_inputs;
    int inputs[8];  /* blobs of all Input layers */
    tw_ratio scale; /* output samples per input sample */
    /** l,t,r,b: input pixels read beyond the core, exact, worst case over cores whose ends are multiples of `align`.
     *  The core is in picture pixels; picture pixel i is canvas pixel i + canvas[0] (canvas[1] for y), and that is
     *  where the halo is counted: a tile of a valid-convolution net reads its core + halo of the canvas. */
    int64_t halo[4];
    int64_t halo_any[4]; /* the same for cores with any ends: at least halo[] */
    /** l,t,r,b: outer padding in input pixels that makes the result exactly scale * picture (0 for nets that pad
     *  themselves); where it cannot be exact the result is larger on the right and below: crop it. */
    int64_t canvas[4];
    int64_t align;         /* tile origins must be multiples of this (input pixels) */
    int64_t size_multiple; /* the canvas must be padded (right/bottom) to a multiple of this for the whole run to be defined */
    int n_barriers;
    tw_barrier *barriers;
    bool exact;              /* false when some layer cannot be tiled exactly, not even with passes */
    char *why_inexact;       /* which layer and why; NULL */
    tw_blob_geometry *blobs; /* one per graph blob */
    bool warps;              /* some layer samples its input where a computed flow points */
    int64_t motion; /* greatest |flow| in input pixels per axis that halo[] covers (exact only up to it); 0 without warps */
    struct tw_layer_reach *reach; /* one per layer: see interval.h */
    int input_channels[8];        /* of inputs[], deduced from the layers that read them */
    double macs_per_pixel;        /* multiply-accumulates per input pixel */
    int64_t weights;              /* weight count from the layers' own data sizes */
} tw_geometry;

/** Layer types that are not known are TW_ERROR_INPUT with layer name and type. */
tw_status tw_geometry_of(const tw_graph *graph, const char *label, tw_geometry **out, tw_error *err);
void tw_geometry_free(tw_geometry *geometry);

/** Length of blob `blob` for a canvas of `n` input samples on one axis (axis 0: x, 1: y). */
int64_t tw_geometry_length(const tw_graph *graph, const tw_geometry *geometry, int blob, int axis, int64_t n);

/** The interval of the input canvas (clipped to [0, n)) that a tile must have so that its run holds the output
 *  interval: what that reads, and what crops inside the net cut off the tile's ends. n: canvas length on that axis.
 *  Backward closure, clipped per layer to each blob's true extent (so in-net zero padding comes out right at the
 *  border). The tile is then widened: its beginning down to a multiple of `align`, its end up to one or to n; its
 *  output sample 0 is sample lo * scale of the whole. */
tw_span tw_geometry_need(const tw_graph *graph, const tw_geometry *geometry, int axis, int64_t n, tw_span output);

/** First sample of `blob` that output samples from `output` on read: a core [a, b) of the output owns [from(a),
 *  from(b)) of the blob. from(0) is 0 and from(length of the output) the blob's length, so cores that partition the
 *  output partition the blob; and tw_geometry_need covers what a core owns of every barrier's input. */
int64_t tw_geometry_owned_from(const tw_graph *graph, const tw_geometry *geometry, int blob, int axis, int64_t n,
                               int64_t output);

#endif
