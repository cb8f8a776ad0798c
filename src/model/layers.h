/* SPDX-License-Identifier: MIT */
/** What each layer type does to a blob: its interval map, rate, channels, work, and whether it needs the whole image.
 *  Internal: geometry.c walks the graph and calls tw_layer_shape once per layer. */
#ifndef TW_MODEL_LAYERS_H
#define TW_MODEL_LAYERS_H

#include "model/interval.h"

/** Bounds that keep every later product of coordinates inside 64 bits. */
enum {
    TW_MAX_RATE = 4096, /* numerator and denominator of a blob's rate */
    TW_MAX_KERNEL = 1024,
    TW_MAX_DILATION = 1024,
    TW_MAX_STRIDE = 256,
    TW_MAX_PAD = 65536,
    TW_MAX_CHANNELS = 1 << 20,
};

/** Which inputs are read through the layer's map; the others (vectors aside) through the identity or not at all. */
typedef enum tw_reads {
    TW_READS_ALL,
    TW_READS_FIRST, /* the second input only gives a size */
    TW_READS_WARP,  /* the first through the map, the second (a flow) at its own sample */
} tw_reads;

struct tw_layer_reach {
    tw_map map[2];
    tw_reads reads;
    bool spatial; /* reads samples at all */
};

/** The walk's state. */
typedef struct tw_shaper {
    const tw_graph *graph;
    const char *label;
    tw_error *err;
    tw_geometry *geometry;
    double *origin[2]; /* per blob: where its sample 0 begins, in input samples */
    bool *extended;    /* per blob: a constant with an extent of its own, which no tile can match */
    int *level;        /* per blob: barriers in a row that must be known before it */
    int64_t motion;    /* flow bound in input samples for the layers that warp */
    int layer;
} tw_shaper;

/** Fills the reach of layer `shaper->layer` and the blob geometry of its outputs. TW_ERROR_INPUT for unknown types and
 *  parameters. */
tw_status tw_layer_shape(tw_shaper *shaper);

/** lcm-free helper: a * b reduced; {0, 0} when it leaves the bounds. */
tw_ratio tw_ratio_times(tw_ratio a, int64_t num, int64_t den);

/** Bits of the axes that a Reduction of a picture runs over: 1 channels, 2 rows, 4 columns. */
int tw_reduced_axes(const tw_layer *layer);

/** Weights that the layer's parameters announce. */
int64_t tw_layer_weights(const tw_layer *layer);

#endif
