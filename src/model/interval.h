/* SPDX-License-Identifier: MIT */
/** The interval calculus: how one layer maps samples on one axis. The halo geometry reads it backwards (which inputs
 *  does an output read), the carry schedule forwards (how many outputs exist once so many inputs do: carry.h). Internal
 *  to the library; everything that looks at a layer's reach goes through these functions. */
#ifndef TW_MODEL_INTERVAL_H
#define TW_MODEL_INTERVAL_H

#include "model/geometry.h"

typedef enum tw_map_kind {
    TW_MAP_NONE, /* nothing is read along this axis: a vector, a constant, a blob read only for its size */
    /* out o reads in [o*stride - pad, o*stride - pad + extent): convolution, pooling, crop, reorg, pointwise */
    TW_MAP_WINDOW,
    /* in i writes out [i*stride - pad, i*stride - pad + extent): deconvolution, pixel shuffle */
    TW_MAP_TRANSPOSED,
    /* factor up/down; out o reads in [floor(x)-before, floor(x)+after], x = o*down/up, or of centres if `centred` */
    TW_MAP_RESIZE,
} tw_map_kind;

typedef enum tw_edge {
    TW_EDGE_ZERO,    /* outside the blob lie constants */
    TW_EDGE_REPEAT,  /* the border sample */
    TW_EDGE_REFLECT, /* reflect-101 */
} tw_edge;

typedef struct tw_map {
    tw_map_kind kind;
    int64_t extent, stride;
    int64_t pad, pad_end; /* samples in front and behind; negative ones crop. For TRANSPOSED: samples cut from the output */
    int64_t up, down, before, after;
    bool centred;
    bool round_up; /* pooling that keeps the last partial window */
    int same;      /* 1: pad to ceil(n/stride) with the odd sample behind, 2: in front. pad follows from n (tw_map_at) */
    tw_edge edge;
    int64_t fixed; /* > 0: the output has this length whatever the input's (not tileable) */
} tw_map;

/** A map that reads just its own sample. */
tw_map tw_map_identity(void);

/** The map with its paddings settled for an input of n samples; every function below wants a settled map. */
tw_map tw_map_at(const tw_map *map, int64_t n_in);

/** Output samples for n_in input samples; may be <= 0 (the input is too small). */
int64_t tw_map_length(const tw_map *map, int64_t n_in);

/** First input sample that output `o` or a later one reads. Unclipped: outside lies what `edge` says. */
int64_t tw_map_lo(const tw_map *map, int64_t o, int64_t n_in);

/** One past the last input sample that output `o` or an earlier one reads. Not clipped. */
int64_t tw_map_hi(const tw_map *map, int64_t o, int64_t n_in);

/** Outputs before the result need no input from sample f on. The end of the blob is left out of account: as if it went on for
 *  ever, so that the result grows evenly with f and may lie below 0 or behind the last output. */
int64_t tw_map_front(const tw_map *map, int64_t f);

/** The input samples, inside [0, n_in), that the outputs [out.lo, out.hi) read; lo == hi when there are none. */
tw_span tw_map_window(const tw_map *map, tw_span out, int64_t n_in);

/** The map by which layer `layer` reads its `input`-th input on `axis` (0: x, 1: y); kind TW_MAP_NONE where it reads no
 *  samples. */
const tw_map *tw_layer_map(const tw_geometry *geometry, const tw_graph *graph, int layer, int input, int axis);

/** Lengths of all blobs (graph->n_blobs of them; 0 for those without extent) for a canvas of n samples. False when some
 *  layer's input is too small for it. `agree` (may be NULL) tells whether all branches that meet have the same length:
 *  a run that is defined. */
bool tw_geometry_lengths(const tw_graph *graph, const tw_geometry *geometry, int axis, int64_t n, int64_t *lengths,
                         bool *agree);

/** Backward closure: on entry spans[] holds what is wanted of each blob (lo == hi: nothing), on return which samples of each
 *  blob have a part in it. */
void tw_geometry_close(const tw_graph *graph, const tw_geometry *geometry, int axis, const int64_t *lengths, tw_span *spans);

/** tw_geometry_need for lengths that are already known. spans[], one per blob, is overwritten with what has a part in the
 *  output; room[], one per blob, is overwritten. */
tw_span tw_geometry_need_in(const tw_graph *graph, const tw_geometry *geometry, int axis, const int64_t *lengths,
                            tw_span output, tw_span *spans, int64_t *room);

static inline int64_t tw_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
static inline tw_span tw_span_join(tw_span a, tw_span b)
{
    if (tw_span_empty(a))
        return b;
    if (tw_span_empty(b))
        return a;
    return (tw_span){tw_min64(a.lo, b.lo), tw_max64(a.hi, b.hi)};
}

#endif
