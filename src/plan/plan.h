/* SPDX-License-Identifier: MIT */
/** The plan: schedule, tile, workers and predicted peak, from model, picture size and budget alone (never from timings or the
 *  number of threads, which only decide workers and the predicted time). Refuses what cannot fit, naming the smallest budget. */
#ifndef TW_PLAN_PLAN_H
#define TW_PLAN_PLAN_H

#include "image/sink.h"
#include "ops/op.h"

/** Resident bytes of the process before any picture: libraries, libvips, ncnn's code. Measured, with margin (tests hold it). */
#define TW_BASE_BYTES (INT64_C(40) << 20)

typedef enum tw_schedule_kind { TW_SCHEDULE_AUTO, TW_SCHEDULE_CARRY, TW_SCHEDULE_HALO, TW_SCHEDULE_WHOLE } tw_schedule_kind;

typedef struct tw_plan {
    tw_schedule_kind schedule;
    int64_t tile_w, tile_h; /* core in pixels of the pass plane (the result) */
    int64_t in_tile[2];     /* the same in input pixels */
    int64_t tiles;          /* of one pass */
    int passes, workers;
    int64_t ring_rows;  /* rows of the result in flight */
    int64_t blend_rows; /* rows of sums in flight where tiles are blended, 0: they do not overlap */
    int64_t overlap[2]; /* input pixels that neighbouring tiles share, x and y; 0: none */
    bool seams;         /* edges between tiles are moved to where the input has least detail */
    int64_t shift[2];   /* input pixels that an edge moves at most, x and y */
    int64_t window_rows[TW_MAX_INPUTS];
    int64_t worker_bytes; /* cap of each worker's arena */
    int slots;            /* carry: tile rows in flight */
    tw_thrift thrift;     /* carry: how memory is saved */
    int64_t kept_bytes;   /* carry: what is kept, in memory */
    int64_t budget;
    /* What takes memory; planned_peak is the sum. */
    int64_t base_bytes, source_bytes, window_bytes, sink_bytes, ring_bytes, blend_bytes, cut_bytes, weight_bytes, workers_bytes,
        planned_peak;                  /* and kept_bytes */
    int64_t vram_budget, planned_vram; /* device memory, weights included; 0: no device */
    int64_t scratch_bytes;
    int64_t smallest; /* after TW_ERROR_BUDGET: the budget that would do; 0: the budget is not what is short */
    double overhead;  /* work over that of one pass without context */
    double work;      /* multiply-accumulates of all passes, halos included */
    double seconds;   /* predicted; 0: not calibrated */
    char why[512];    /* one or two sentences */
} tw_plan;

typedef struct tw_plan_request {
    const tw_op_class *op;
    const tw_op_state *state;
    int n_inputs;
    tw_source *const *sources;
    const tw_picture *result;      /* NULL: not a picture */
    const tw_sink_cost *sink_cost; /* NULL: no sink */
    int64_t budget;                /* bytes */
    int64_t base_bytes;            /* 0: TW_BASE_BYTES */
    tw_schedule_kind schedule;
    int64_t tile_w, tile_h; /* asked for, input pixels; 0: chosen */
    bool tile_may_shrink;   /* the tile is an upper wish: smaller where the budget needs it */
    int cpus;               /* most workers */
    double macs_per_second; /* of one worker, calibrated; 0: unknown */
} tw_plan_request;

/** "carry", "halo" or "whole". Static text. */
const char *tw_schedule_name(tw_schedule_kind kind);
/** Bytes of a process that decodes the inputs and nothing else; needs no operator and no state. */
int64_t tw_plan_before_op(const tw_plan_request *request);
/** Bytes of a process that decodes the inputs and holds the weights, but no tile and no row of a result. */
int64_t tw_plan_before_tiles(const tw_plan_request *request);

/** TW_ERROR_BUDGET names the budget and the smallest one that would do. */
tw_status tw_plan_make(const tw_plan_request *request, tw_plan *out, tw_error *err);

/** True for pictures that are not worth cutting; follows from their sizes alone. */
bool tw_plan_is_small(int n_inputs, tw_source *const *sources);

#endif
