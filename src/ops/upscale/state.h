/* SPDX-License-Identifier: MIT */
/** The operator's state and the parts it is made of. Private to src/ops/upscale. */
#ifndef TW_UPSCALE_STATE_H
#define TW_UPSCALE_STATE_H

#include "engine/engine.h"
#include "model/stages.h"
#include "ops/op.h"
#include "ops/upscale/choose.h"
#include "ops/device.h"
#include "ops/upscale/device.h"

#define TW_BLEED 6 /* pixels that colour is carried under transparent ones */
#define TW_TURNS 8 /* orientations of test-time augmentation */

typedef enum tw_pad { TW_PAD_REFLECT, TW_PAD_REPLICATE, TW_PAD_ZERO } tw_pad;

/** One axis: the picture, the canvas around it (what the net sees) and the result. */
typedef struct tw_axis {
    int64_t picture; /* samples of the picture */
    int64_t before;  /* canvas samples in front of it */
    int64_t canvas;  /* samples of the canvas */
    int64_t result;  /* samples of the result */
} tw_axis;

/** What one net pass over a barrier collects, one barrier after the other: how many samples of each channel, and their sums in units
 *  of 2^-40 (of variances also those of their squares), so that their order never matters. Of maxima and minima the greatest or least
 *  as an integer that is ordered as floats are. */
typedef struct tw_sums {
    int64_t n;
    __int128 sum[];
} tw_sums;

/** A barrier's vector, one number for each channel, known after its pass, one vector for each orientation in use. */
typedef struct tw_known {
    int64_t channels;
    float *value[TW_TURNS];
    tw_tensor vector[TW_TURNS]; /* the same, as an input */
    __int128 *total;            /* while its pass runs: turns * channels sums, or pairs of them */
    int64_t count[TW_TURNS];    /* samples of each channel that were summed */
} tw_known;

/** Where the means of whole-picture layers come from. */
typedef enum tw_sync {
    TW_SYNC_EXACT, /* all of the picture */
    TW_SYNC_FAST,  /* a sample of its tiles */
    TW_SYNC_OFF,   /* each tile has its own */
} tw_sync;

/** What a pass does. */
typedef struct tw_role {
    enum { TW_ROLE_MEANS, TW_ROLE_COMPARE, TW_ROLE_RESULT } kind;
    bool reference; /* MEANS: those that others are compared with */
    int level;      /* MEANS: of these barriers */
    int64_t sample; /* tiles; 0: all */
} tw_role;

/** Rows of a part of the picture in memory, which steps read instead of a window. */
typedef struct tw_crop {
    tw_rect rect;
    char *pixels; /* rows without gaps */
} tw_crop;

struct tw_op_state {
    tw_context *context;
    tw_pool *pool;
    const tw_model *model;                /* NULL: callbacks */
    const tw_engine_callbacks *callbacks; /* NULL: model */
    tw_tiling_config tiling;              /* of callbacks */
    const char *name;
    tw_chosen chosen; /* where nobody named one */
    tw_picture in, out;
    int64_t final_width, final_height; /* 0: as is */
    int64_t scale, align;
    tw_axis axis[2]; /* x, y */
    tw_pad pad;
    int64_t fixed_halo; /* -1: exact */
    double tolerance;   /* --halo auto:EPS, in 1/255; 0: none */
    bool to_measure;
    tw_measured measured;
    const tw_crop *crop; /* while something is measured */
    bool part;           /* only `region` of the result is asked for, in its pixels */
    tw_rect region;
    tw_source *direct; /* the last pass reads rectangles of this; NULL: rows through a window */
    bool whole, tta, exact;
    tw_ramp_kind blend; /* none where results are exact */
    int64_t ramp;       /* input pixels that tiles share, 0: by the tile */
    bool blend_in_vain; /* asked for where nothing is blended */
    bool seams;         /* edges between tiles move */
    bool seams_in_vain; /* they should, where nothing is seen of them */
    tw_op_device device;
    int levels;              /* passes over barriers before the last one */
    tw_known *known;         /* one per barrier */
    tw_sync sync;            /* other than exact: of nets with barriers only */
    tw_known *reference;     /* means that are better than those in use, to tell how far off these are */
    int64_t reference_tiles; /* that they come from */
    bool reference_exact;    /* they come from all of the picture */
    tw_measured compared;    /* what that told */
    bool carried;            /* from start on */
    const tw_carry *carry;   /* the form of the net that is carried */
    int64_t tile[2];
    int slots;
    tw_thrift thrift;
    tw_carry_walk *walk; /* of the pass, with what it keeps */
    tw_kept *kept;
    tw_stages stages;
    tw_scratch_file *spills[TW_MAX_SPILLS];
    int n_workers;
    tw_engine *engine;
    tw_engine_worker **workers;
    tw_account **accounts;
};

/* extent.c: pure geometry */

/** Canvas span that result span `out` reads on an axis (0: x, 1: y), aligned, inside the canvas. */
tw_span tw_upscale_canvas_span(const tw_op_state *state, int axis, tw_span out);
/** Picture span that a canvas span touches, padding by reflection included. */
tw_span tw_upscale_picture_span(const tw_op_state *state, int axis, tw_span canvas);
/** Picture index of a canvas index, or -1 for zero padding. */
int64_t tw_upscale_picture_index(const tw_op_state *state, int axis, int64_t canvas);
/** The picture rectangle a step reads: net, alpha and colour bleed. */
tw_rect tw_upscale_need(const tw_op_state *state, int pass, int input, tw_rect out);
int64_t tw_upscale_bytes(const tw_op_state *state, int pass, int64_t w, int64_t h);
int64_t tw_upscale_vram(const tw_op_state *state, int pass, int64_t w, int64_t h);

/** Canvas samples of a tile whose core is `n` result samples, at the worst place. */
int64_t tw_upscale_tile_length(const tw_op_state *state, int axis, int64_t n);

/* region.c: a part of the result */

/** TW_ERROR_USAGE for one that is not inside the picture, and where parts would not be those of the whole. After all else is chosen. */
tw_status tw_upscale_choose_region(tw_op_state *state, const tw_op_request *request, tw_error *err);
/** Where a rectangle of the pass's plane lies in the result of the whole picture. */
tw_rect tw_upscale_in_whole(const tw_op_state *state, int pass, tw_rect rect);
/** Makes the plane of the last pass the part's. */
void tw_upscale_region_pass(const tw_op_state *state, int pass, tw_pass *out);
bool tw_upscale_reads_directly(const tw_op_state *state, int pass);
/** Reads step->in[0]: rows without gaps in `pixels`. */
tw_status tw_upscale_read_directly(tw_op_state *state, const tw_step *step, tw_tensor *pixels, tw_error *err);
/** Bytes that takes for a rectangle of w x h; 0 where none is read. */
int64_t tw_upscale_direct_bytes(const tw_op_state *state, int64_t w, int64_t h);
void tw_upscale_report_region(const tw_op_state *state, void *json);

/* halo.c: how much context */

/** TW_ERROR_USAGE for values that make no sense, and for exact tiles of what cannot be tiled exactly. */
tw_status tw_upscale_choose_halo(tw_op_state *state, const tw_op_request *request, tw_error *err);
/** The smallest fixed context that changes nothing, -1: none does. */
int64_t tw_upscale_exact_halo(const tw_op_state *state);
/** What was measured of this run so far, in 1/255; -1: not all that makes it inexact. */
double tw_upscale_error(const tw_op_state *state);
/** Adds what was measured, and against what, to the report. */
void tw_upscale_report_measured(const tw_op_state *state, void *json);

/* remember.c: what was measured, in the user's cache */

/** Fills `out` with the halo that an earlier run found for state->tolerance, with this version of the engine; leaves it alone where
 *  none did. */
void tw_upscale_recall_measured(const tw_op_state *state, tw_measured *out);
/** Failure to write is not an error. */
void tw_upscale_remember(const tw_op_state *state, const tw_measured *measured);

/* detail.c: what rows hold */

/** Row `y` of a picture as one plane, the sum of its colours (1 = white), and the row above it, NULL for the first. */
typedef void tw_row_fn(void *user, int64_t y, const float *row, const float *above);
/** Reads `source` from its first row to its end. */
tw_status tw_upscale_each_row(tw_context *context, tw_source *source, tw_row_fn *fn, void *user, tw_error *err);
int64_t tw_upscale_each_row_bytes(const tw_picture *picture);
/** As tw_op_class has it. */
tw_status tw_upscale_detail(const tw_op_state *state, tw_source *const *sources, int64_t *columns, int64_t *rows,
                            tw_error *err);
int64_t tw_upscale_detail_bytes(const tw_op_state *state);

/* places.c */

/** The cells of `side` x `side` input pixels with the most detail (sum of absolute differences of neighbours), at most `most`, most
 *  first; a picture smaller than a cell is one. With `cuts` (may be NULL) those around edges, no larger than that. Reads `source` to
 *  its end. Counts `*found`. */
tw_status tw_upscale_places(const tw_op_state *state, tw_source *source, int64_t side, const tw_cuts *cuts, int most,
                            tw_rect *cells, int *found, tw_error *err);
/** Bytes that takes, with cuts of `tiles` tiles along an axis at most. */
int64_t tw_upscale_places_bytes(const tw_picture *picture, int64_t side, int64_t tiles);

/* probe.c: how large errors are */

/** Finds the smallest context whose error is under state->tolerance, or the error of the one that was given. One that an earlier run
 *  found is only looked at again, on fewer tiles, and kept where it is good enough. */
tw_status tw_upscale_probe(tw_op_state *state, tw_source *source, int64_t room, tw_measured *out, tw_error *err);
int64_t tw_upscale_probe_bytes(const tw_op_state *state, int64_t room);
/** The error of tiles, blended as they will be, around edges that were moved. */
tw_status tw_upscale_probe_cuts(tw_op_state *state, tw_source *source, int64_t room, const tw_cuts *cuts, tw_measured *measured,
                                tw_error *err);
int64_t tw_upscale_probe_cuts_bytes(const tw_op_state *state, int64_t room, int64_t tiles);

/* carried.c: steps that read new pixels only */
tw_status tw_upscale_carry(const tw_op_state *state, int64_t tile[2], tw_thrift thrift, tw_carry_cost *out, tw_error *err);
tw_status tw_upscale_begin_pass(tw_op_state *state, int pass, int64_t steps[2], tw_error *err);
void tw_upscale_carry_span(const tw_op_state *state, int pass, int axis, int64_t step, tw_span *in, tw_span *out);
tw_status tw_upscale_commit(tw_op_state *state, const tw_step *step, tw_error *err);
void tw_upscale_end_walk(tw_op_state *state);
tw_status tw_upscale_run_carried(tw_op_state *state, tw_step *step, tw_error *err);

/* spill.c: blobs between the stages of a carried run, in scratch */

/** Bytes of those that are there at the same time, at most. */
int64_t tw_upscale_spill_bytes(const tw_op_state *state);
/** Makes the files of what a stage leaves. */
tw_status tw_upscale_open_spills(tw_op_state *state, int pass, tw_error *err);
/** The step's samples of a blob that an earlier stage left; a dummy block where there are none. */
tw_status tw_upscale_recall(tw_op_state *state, const tw_step *step, int blob, tw_tensor *out, tw_error *err);
/** Leaves them, if the blob is one to be left and this is the stage that does so. */
tw_status tw_upscale_spill(tw_op_state *state, const tw_step *step, int blob, const tw_tensor *samples, tw_error *err);
/** Closes the files that no stage after `pass` reads. */
void tw_upscale_close_spills(tw_op_state *state, int pass);

/* tile.c: pixels of one step */

/** The canvas tile [x) by [y), unless that is empty, and the alpha of the step's rectangle. */
tw_status tw_upscale_load(tw_op_state *state, const tw_step *step, tw_span x, tw_span y, tw_tensor *tile, tw_tensor *alpha,
                          tw_error *err);
/** Stores step->write out of a result whose sample (x0, y0) is its first. */
tw_status tw_upscale_store(tw_op_state *state, const tw_step *step, const tw_tensor *result, const tw_tensor *alpha, int64_t x0,
                           int64_t y0, tw_error *err);
/** Row y of a result from x on, in the picture's range: `n` samples of each colour of the result, one colour after the other. `line`
 *  has room for three. */
void tw_upscale_row(const tw_op_state *state, const tw_tensor *result, int64_t x, int64_t y, int64_t n, float *line);
tw_status tw_upscale_run(tw_op_state *state, tw_step *step, tw_error *err);

/* net.c: one net call on a canvas tile: plain, or averaged over eight orientations */

/** Runs the net to its end: result tensor of the tile. `means` NULL: the tile has its own. */
tw_status tw_upscale_net(tw_op_state *state, const tw_step *step, const tw_tensor *tile, const tw_known *means,
                         tw_tensor *result, tw_error *err);
/** Adds what the barriers of the first `levels` levels gave to a call; of those only that are marked, `only` NULL: of all. */
void tw_upscale_inject(tw_op_state *state, const tw_known *means, int turn, int levels, const bool *only, tw_engine_call *call);
/** Runs the net in orientation `turn` up to named blobs. */
tw_status tw_upscale_blobs(tw_op_state *state, const tw_step *step, int turn, const tw_tensor *tile, const tw_known *means,
                           int levels, int n, const char *const *blobs, tw_tensor *results, tw_error *err);
/** Copies a tile turned: bit 0 mirrors x, bit 1 mirrors y, bit 2 swaps axes (after mirroring). */
void tw_upscale_turn(const tw_tensor *from, int turn, tw_tensor *to);

/* sync.c: where the means of whole-picture layers come from, and how far off they are */

void tw_upscale_choose_sync(tw_op_state *state, const tw_options *options);
int tw_upscale_passes(const tw_op_state *state);
tw_role tw_upscale_role(const tw_op_state *state, int pass);
/** The means that results are made with; NULL: each tile has its own. */
const tw_known *tw_upscale_means(const tw_op_state *state);
/** COMPARE passes: how far the tile with the means in use is from the tile with the reference. */
tw_status tw_upscale_compare(tw_op_state *state, tw_step *step, const tw_tensor *tile, tw_span canvas_x, tw_span canvas_y,
                             tw_error *err);
void tw_upscale_reduce_compared(tw_op_state *state, const tw_step *step);

/* barrier.c: numbers of the whole picture in passes */
void tw_upscale_lay_barriers(tw_op_state *state);
tw_status tw_upscale_collect(tw_op_state *state, tw_step *step, const tw_tensor *tile, tw_span canvas_x, tw_span canvas_y,
                             tw_error *err);
/** The same of a carried step: all that is new, and every sample is new once. */
tw_status tw_upscale_collect_fresh(tw_op_state *state, tw_step *step, const tw_stage *stage, const tw_tensor *results,
                                   tw_error *err);
tw_status tw_upscale_reduce(tw_op_state *state, const tw_step *step, tw_error *err);
tw_status tw_upscale_end_pass(tw_op_state *state, int pass, tw_error *err);
void tw_upscale_forget(tw_op_state *state);

/* alpha.c */

/** Carries colour under transparent pixels: every pixel whose alpha is 0 takes the mean of the visible ones within TW_BLEED. */
void tw_alpha_bleed(tw_tensor *tile, const float *alpha, tw_tensor *copy);
/** One row of the enlarged alpha: Catmull-Rom, edges repeated; `row` and `x` are result coordinates of the whole picture. */
void tw_alpha_row(const float *alpha, tw_rect in, const tw_picture *picture, int64_t scale, int64_t row, int64_t x, int64_t n,
                  float *scratch, float *to);

#endif
