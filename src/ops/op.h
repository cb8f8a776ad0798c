/* SPDX-License-Identifier: MIT */
/** What an operator is. Operators declare, they do not walk tiles: pure geometry, bytes, and a kernel for one step; the schedule
 *  walks. From the first day: N inputs, each by rectangle or by random access; results that are pictures or values; passes. */
#ifndef TW_OPS_OP_H
#define TW_OPS_OP_H

#include "base/context.h"
#include "base/options.h"
#include "base/rect.h"
#include "blend/ramp.h"
#include "engine/pool.h"
#include "image/picture.h"
#include "image/source.h"
#include "tilewright/job.h"
#include "tilewright/options.h"

#define TW_MAX_INPUTS 4

/** How one pass reads an input. */
typedef enum tw_access {
    TW_ACCESS_NONE,   /* not in this pass */
    TW_ACCESS_RECT,   /* need() is known before pixels are: rows stream through a window (tw_step_row) */
    TW_ACCESS_RANDOM, /* the kernel decides: flow-driven warps, search windows (tw_source_read_rect) */
} tw_access;

typedef enum tw_result_kind {
    TW_RESULT_PICTURE, /* the kernel writes its rectangle with tw_step_store or tw_step_out */
    TW_RESULT_VALUES,  /* the kernel sets step->value; reduce folds them in step order */
} tw_result_kind;

typedef struct tw_pass {
    tw_result_kind result;
    tw_access access[TW_MAX_INPUTS];
    int64_t width, height; /* the plane that tiles partition: the result's pixels, or the plane summed over */
    int64_t align;         /* tile edges are multiples of this, in pixels of that plane */
    tw_ramp_kind blend;    /* PICTURE, inexact results: neighbouring tiles overlap and are blended */
    int64_t ramp;          /* pixels of that plane that two tiles share across an edge; 0: a tenth of the tile's side */
    int64_t ramp_least;    /* at least so many; never more than a tile's side */
    int64_t sample;        /* VALUES: about so many tiles, spread evenly, stand for all; 0: all */
    bool as_before;        /* it reads, computes and takes what the pass before does */
    bool seams;            /* edges between tiles move to where the first input has little detail */
    bool uneven;           /* need() differs from tile row to tile row by more than the alignment: the plan asks for each */
    double share;          /* of the work of one run of the whole; 0: all of it */
    bool part;             /* the plane lies in a larger one: a single tile, too, has context around it */
    bool own_halo;         /* halo[] counts, not the facts': its planes have scales of their own */
    int64_t halo[4];       /* left, top, right, bottom, pixels of that plane */
} tw_pass;

/** Where two tiles meet along an axis, in pixels of the plane that tiles partition. */
typedef struct tw_cut {
    int64_t at;      /* one core ends and the next one begins */
    tw_span overlap; /* what both compute; empty where they are cropped, and at the plane's borders */
} tw_cut;

/** Edges that were moved, on x and y: count + 1 of them, the plane's borders first and last. */
typedef struct tw_cuts {
    int64_t count[2];
    tw_cut *at[2];
} tw_cuts;

/** One tile of one pass, in a worker's hands. */
typedef struct tw_step {
    int pass;
    int64_t index;
    int64_t column, row;       /* of the walk */
    int worker;                /* 0.. number of workers - 1 */
    tw_rect out;               /* the core: what this step owns */
    tw_rect write;             /* what it computes: `out`, wider where tiles overlap, a part of it when it is retried */
    tw_rect in[TW_MAX_INPUTS]; /* need(write), inside the picture */
    void *value;               /* VALUES: made by run (g_malloc), freed by the schedule after reduce */
    struct tw_runner *runner;  /* the schedule's own */
} tw_step;

/** Row `y` of a RECT input, address of pixel x = step->in[input].x; interleaved samples of the source's picture. */
const void *tw_step_row(const tw_step *step, int input, int64_t y);
/** Row `y` of the result, address of pixel x = step->out.x; interleaved samples of the result picture. Not with `blend`. */
void *tw_step_out(const tw_step *step, int64_t y);
/** Gives row `y` of one band of the result: step->write.w samples from x = step->write.x on, 1 = white. Every row and band of
 *  step->write once, and none before all that may fail is done: a step that fails is run again. */
void tw_step_store(const tw_step *step, int64_t y, int band, const float *samples);

/** What is measured of an inexact run before it is planned, or was by an earlier one. */
typedef struct tw_measured {
    bool known;
    bool remembered; /* by an earlier run of the same model, on another picture perhaps */
    int64_t halo;    /* input pixels; -1: exact */
    double bound;    /* greatest difference seen, in 1/255; -1: there was no room to measure it */
    int tiles;       /* where it was measured */
    int64_t against; /* context of what it was compared with, input pixels; -1: exact */
} tw_measured;

/** What a look at the pixels told before anything was chosen. */
typedef struct tw_seen {
    bool looked;
    int quality; /* that an input which is no JPEG was once encoded with as one, 1 to 100; 0: none is seen */
} tw_seen;

typedef struct tw_op_request {
    tw_context *context;
    const tw_options *options;
    tw_pool *pool; /* models and engines of the session */
    int n_inputs;
    tw_source *const *sources;
    int64_t budget;               /* bytes of memory that the run may take */
    const struct tw_field *field; /* to apply, instead of a file; NULL: there is none */
    bool whole;                   /* the schedule is one tile: barriers need no passes */
    const tw_measured *measured;
    const tw_seen *seen;
    int thrift; /* how often it said that it can save, because what it would take did not fit; 0: what is quickest */
} tw_op_request;

typedef struct tw_op_state tw_op_state; /* each operator's own */

/** Another operator that goes on with the result, in a job of its own. */
typedef struct tw_op_next {
    const char *op;
    int input;               /* which of the inputs it reads */
    const char *output;      /* where it writes */
    struct tw_field *field;  /* what it applies, the caller's to free; while nothing has run one that takes as much room */
    int64_t size[2], fit[2]; /* of its result; and what that is made to fit, 0: it stays */
} tw_op_next;

/** Ways to carry with less memory. */
typedef struct tw_thrift {
    bool spilled; /* what is kept from tile row to tile row lies in scratch */
    bool plain;   /* weights as they are, where faster convolutions want them blown up */
} tw_thrift;

/** What carrying takes for one tile size, over all passes. Bytes. */
typedef struct tw_carry_cost {
    int64_t weights;  /* resident once loaded, shared by workers */
    int64_t arena;    /* of one worker's tiles */
    int64_t room;     /* of one worker, for what a step is about to keep */
    int64_t columns;  /* kept from tile to tile, for each tile row in flight */
    int64_t records;  /* kept from tile row to tile row, over the whole width: memory, or scratch */
    int64_t scratch;  /* besides: what passes leave to each other */
    int64_t in_rows;  /* input rows that one tile row reads */
    int64_t steps[2]; /* of the last pass */
    double work;      /* multiply-accumulates of all passes over those of one run of the whole */
} tw_carry_cost;

/** What the plan decided, as the operator must know it. */
typedef struct tw_start {
    int workers;
    int64_t worker_bytes; /* cap of each one's arena */
    bool carried;
    int64_t tile[2];  /* carried: input pixels */
    int slots;        /* carried: tile rows in flight */
    tw_thrift thrift; /* carried */
} tw_start;

/** Facts of the operator that the plan and the report show. */
typedef struct tw_op_facts {
    const char *model; /* NULL: none */
    const char *model_hash;
    const char *why_model; /* it was chosen, not named: why; NULL otherwise */
    int64_t halo[4];       /* left, top, right, bottom, input pixels */
    int64_t weight_bytes;  /* resident once loaded, shared by workers */
    int64_t kept_bytes;    /* memory for what passes leave to each other */
    int64_t device_bytes;  /* host memory for an accelerator: its driver, and weights where it shares the host's memory */
    int64_t vram_budget;   /* bytes of device memory that may be used, 0: no device */
    int64_t vram_fixed;    /* of them: weights */
    double macs;           /* multiply-accumulates per input pixel and pass, halo not counted */
    double call_pixels;    /* input pixels whose work a call costs besides its own; makes tiles larger, where that is free */
    double scale;          /* result pixels per input pixel, one axis */
    bool exact;
    const char *why_inexact;
    double error_bound;     /* in 1/255; -1: unknown */
    bool to_measure;        /* `probe` finds out what is not known yet */
    int64_t tile_hint;      /* preferred tile side in input pixels, 0: none */
    bool one_worker;        /* a GPU, or an engine that takes one call at a time */
    int64_t scratch_bytes;  /* besides what inputs and kept rows take */
    bool can_save;          /* opened again with one more `thrift` it takes less memory */
    const char *why_random; /* an input is read at random: why; NULL otherwise */
    bool one_tile, tiles;   /* one tile where the budget allows it; never one tile */
} tw_op_facts;

typedef struct tw_op_class {
    tw_op_info info;
    const tw_option *options; /* its own table; the common one is added */
    tw_result_kind result;
    bool many_bands;       /* inputs may have more than RGB and alpha */
    bool no_tile_is_whole; /* --tile 0 asks for one tile, as the programs do that it stands in for */

    /** Checks options against the inputs' headers; loads no pixels and no weights. */
    tw_status (*open)(const tw_op_request *request, tw_op_state **out, tw_error *err);
    void (*close)(tw_op_state *state);
    void (*facts)(const tw_op_state *state, tw_op_facts *out);
    /** Picture the kernel writes, and the size it is resampled to afterwards (0: none). PICTURE operators only. */
    void (*picture)(const tw_op_state *state, tw_picture *out, int64_t *final_width, int64_t *final_height);

    int (*passes)(const tw_op_state *state);
    void (*pass)(const tw_op_state *state, int pass, tw_pass *out);
    /** The rectangle of input `i`, inside its picture, that output rectangle `out` reads. `out` is aligned in passes without
     *  `blend` only. Pure. */
    tw_rect (*need)(const tw_op_state *state, int pass, int input, tw_rect out);
    /** Upper bound of the bytes one worker holds for an output rectangle of w x h, tiles included. Pure. */
    int64_t (*bytes)(const tw_op_state *state, int pass, int64_t w, int64_t h);

    /** The same of device memory. NULL: it never uses a device. Pure. */
    int64_t (*vram)(const tw_op_state *state, int pass, int64_t w, int64_t h);

    /** Bytes that look() takes besides decoders; 0: the options and headers tell all. NULL: it never looks. Pure. */
    int64_t (*look_bytes)(const tw_op_request *request);
    /** How many rows of an input it reads. Pure. */
    int64_t (*look_rows)(const tw_op_request *request, int input);
    /** Looks at the first rows of the inputs, which are at their first row and are left anywhere, before open() chooses by them; plans
     *  do it, too, so that they are what the run will be. */
    tw_status (*look)(const tw_op_request *request, tw_seen *out, tw_error *err);

    /** Measures what the plan must know, on the pixels of the inputs, which are at their first row and are left anywhere. `room`:
     *  bytes it may take besides decoders and weights. NULL: nothing is ever measured. */
    tw_status (*probe)(tw_op_state *state, tw_source *const *sources, int64_t room, tw_measured *out, tw_error *err);
    /** Upper bound of the bytes that takes within `room`; more than that where there is no room for it. Pure. */
    int64_t (*probe_bytes)(const tw_op_state *state, int64_t room);

    /** Detail of the first input, from its first row on, which is left anywhere: for each column and each row the sum of the absolute
     *  differences of its samples to their neighbours, in fixed units, at most 2^40. NULL: edges never move. */
    tw_status (*detail)(const tw_op_state *state, tw_source *const *sources, int64_t *columns, int64_t *rows, tw_error *err);
    /** Bytes that takes besides the two arrays. Pure. */
    int64_t (*detail_bytes)(const tw_op_state *state);
    /** The error with edges that were moved, where probe() measured that of tiles anywhere: brings `measured` up to date, unless
     *  nothing was measured. Rows and room as in probe; the state is only good to be closed afterwards. */
    tw_status (*probe_cuts)(tw_op_state *state, tw_source *const *sources, int64_t room, const tw_cuts *cuts,
                            tw_measured *measured, tw_error *err);
    /** Upper bound of the bytes that takes within `room`, with so many tiles along an axis at most; 0: nothing is measured. Pure. */
    int64_t (*probe_cuts_bytes)(const tw_op_state *state, int64_t room, int64_t tiles);

    /** Carrying: steps in raster order over the input, each of which reads new pixels only and gives what they complete of the
     *  result; the operator keeps what later steps read. NULL: it never does. TW_ERROR_USAGE says why it cannot. `tile` in input
     *  pixels; it comes back as a multiple of what the operator needs. Pure. */
    tw_status (*carry)(const tw_op_state *state, int64_t tile[2], tw_thrift thrift, tw_carry_cost *out, tw_error *err);
    /** Makes room for what a carried pass keeps, and tells its number of steps on x and y; end_pass frees it. */
    tw_status (*begin_pass)(tw_op_state *state, int pass, int64_t steps[2], tw_error *err);
    /** What step `step` of an axis reads and gives. Spans of the result partition it; either may be empty. */
    void (*carry_span)(const tw_op_state *state, int pass, int axis, int64_t step, tw_span *in, tw_span *out);
    /** A carried step that ran is final: what it kept takes the place of what it read. */
    tw_status (*commit)(tw_op_state *state, const tw_step *step, tw_error *err);

    /** Loads weights and makes the workers. Once, before the first pass. */
    tw_status (*start)(tw_op_state *state, const tw_start *start, tw_error *err);
    /** One step, in the thread of step->worker. TW_ERROR_BUDGET: the schedule retries it in smaller pieces. */
    tw_status (*run)(tw_op_state *state, tw_step *step, tw_error *err);
    /** VALUES passes: folds one step's value; called in step order, one thread at a time. */
    tw_status (*reduce)(tw_op_state *state, const tw_step *step, tw_error *err);
    tw_status (*end_pass)(tw_op_state *state, int pass, tw_error *err);
    /** What goes on with the result; false: nothing does. NULL: nothing ever does. */
    bool (*next)(const tw_op_state *state, tw_op_next *out);
    /** Adds the operator's own members to the JSON report: a `json_t *` object. May be NULL. */
    void (*report)(const tw_op_state *state, void *json);
} tw_op_class;

/** Operator by name, or NULL. */
const tw_op_class *tw_op_find(const char *name);
/** The options every operator takes. */
extern const tw_option tw_common_options[];

#endif
