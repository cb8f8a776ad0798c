/* SPDX-License-Identifier: MIT */
/** The carry schedule's calculus and its rewrite of a graph: a net that is run step by step over blocks of its input in raster
 *  order, where every layer gets the new samples of its blob and what was kept of the old ones, so that nothing is computed twice
 *  and the result is that of one run on the whole.
 *
 *  Per axis a blob's frontier (how many of its samples exist) after the input has come to c, a multiple of the geometry's align, is
 *  rate * c - lag: one number per blob. It is clipped to the blob's true length only when samples are counted, so the input runs
 *  on virtually behind its end, every step has at most tile * rate new samples of a blob (no enlarged first or last tile), and steps
 *  in which a layer has nothing new carry a smallest dummy block that the next window drops.
 *
 *  Winograd convolutions round by blocks of 4 or 6 outputs. In deep nets without padding (RealCUGAN) blocks that begin elsewhere than
 *  those of a whole run turn rounding into 0.03/255; there frontiers wait until they stand at a block's end.
 *
 *  A window stands in front of each layer that looks sideways, or where branches of different lag meet: it gives [kept | new], and
 *  what the layer's border rule says outside the picture. Internal to the library. */
#ifndef TW_MODEL_CARRY_H
#define TW_MODEL_CARRY_H

#include "model/interval.h"

/** Whole-picture layers that one net can have. */
#define TW_MAX_BARRIERS 192

/** In the rewritten net windows[N] is a layer of its own, "TwWindow", named "tw:N", or part of a "TwConvolution" (its parameter 21). */
typedef struct tw_carry_window {
    int blob;      /* whose samples it reads: a blob of the original graph, the one behind all Splits */
    int out;       /* whose new samples decide what is read, or what is left of a cut */
    tw_map map[2]; /* how `out` reads `blob` */
    int dummy[2];  /* the size of its block when `out` has nothing new */
    float fill;    /* what lies outside the picture */
    bool cuts;     /* its input is computed from the window before: it cuts the new samples of `out` out of that */
} tw_carry_window;

typedef struct tw_carry {
    const tw_graph *graph; /* the original */
    const tw_geometry *geometry;
    bool plain;
    int64_t align; /* tiles are multiples of it: the geometry's align, or more to keep convolutions in step */
    char *text;    /* the rewritten net */
    tw_graph *net; /* the same, parsed */
    int n_windows;
    tw_carry_window *windows;
    int *layer_of;   /* per window: its layer in the rewritten net */
    int64_t *lag[2]; /* per blob of the original graph, in its samples */
    int *dummy[2];   /* per blob of the original graph: the size of its block when it has nothing new */
    double *macs;    /* per layer of the rewritten net: its part of the whole work */
    int *hoisted;    /* per blob of the original graph: the window whose size it has (a Concat of windows), or -1 */
} tw_carry;

/** `text` is what `graph` was parsed from. Everything is borrowed. `plain`: without Winograd convolutions, whose weights take four to
 *  seven times the room; slower. TW_ERROR_USAGE says why a net cannot be carried. */
tw_status tw_carry_of(const tw_graph *graph, const tw_geometry *geometry, const char *text, const char *label, bool plain,
                      tw_carry **out, tw_error *err);
/** NULL is allowed. */
void tw_carry_free(tw_carry *carry);

/** Samples of one blob that are kept for all its readers, on each axis: so many behind its frontier. */
typedef struct tw_carry_kept {
    int blob; /* of the original graph */
    int channels;
    int64_t keep[2];
    int first_reader, n_readers; /* windows: part of walk->readers */
} tw_carry_kept;

/** One walk over a canvas: from injected blobs (the input, usually) to targets, in steps of tile[] canvas samples. */
typedef struct tw_carry_walk {
    const tw_carry *carry;
    int64_t tile[2];    /* multiples of carry->align */
    int64_t steps[2];   /* the last ones are behind the canvas: what lags comes out */
    int64_t *length[2]; /* per blob of the original graph */
    bool *active;       /* per window: the walk passes it */
    int n_kept;
    tw_carry_kept *kept;
    int *kept_of; /* per blob of the original graph: index into kept, or -1 */
    int *readers;
    double work; /* multiply-accumulates over those of the whole net */
    int layers;  /* of the rewritten net, that are run */
} tw_carry_walk;

/** `canvas`: samples on x and y. `targets`: blobs of the original graph that are wanted; `sources`: blobs that are injected (behind
 *  them nothing is run). TW_ERROR_USAGE where this size cannot be carried. */
tw_status tw_carry_walk_new(const tw_carry *carry, const int64_t canvas[2], const int64_t tile[2], int n_targets,
                            const int *targets, int n_sources, const int *sources, tw_carry_walk **out, tw_error *err);
void tw_carry_walk_free(tw_carry_walk *walk);

/** Samples of a blob of the original graph that step `step` of an axis makes; lo == hi: none. */
tw_span tw_carry_new(const tw_carry_walk *walk, int blob, int axis, int64_t step);
/** What window `window` gives in that step, not clipped to the blob; lo == hi where its layer has nothing new. For a cut: the
 *  samples of its input that it leaves. */
tw_span tw_carry_window_span(const tw_carry_walk *walk, int window, int axis, int64_t step);
/** Samples of kept[k] that are kept when step `step` begins: [lo, frontier). */
tw_span tw_carry_kept_span(const tw_carry_walk *walk, int k, int axis, int64_t step);

/** Floats of the rows kept for column step `step` of x; and of the columns kept between two steps of a row, at most. */
int64_t tw_carry_row_floats(const tw_carry_walk *walk, int64_t step);
int64_t tw_carry_column_floats(const tw_carry_walk *walk);
/** The largest, and the sum, of tw_carry_row_floats over all steps. */
void tw_carry_rows_floats(const tw_carry_walk *walk, int64_t *largest, int64_t *sum);

/** Most samples of a blob of the rewritten net (index into carry->net) on an axis in any step of a walk with this tile. */
int64_t tw_carry_extent(const tw_carry *carry, int blob, int axis, int64_t tile);
/** Channels of a blob of the rewritten net. */
int tw_carry_channels(const tw_carry *carry, int blob);

#endif
