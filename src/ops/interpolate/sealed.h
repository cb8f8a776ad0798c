/* SPDX-License-Identifier: MIT */
/** Models of two pictures that cannot be cut into stages: sealed ones, which take a pair of tiles and give the frame in between. Private to
 *  src/ops/interpolate.
 *
 *  Passes after the thumbnails: both frames shrunk by areas until they fit one tile; on these the model once, and motion; the distance
 *  between tiles of two tilings, measured at some places; tiles of the result. A tile gets both frames shifted along the motion around it
 *  (where there are two, it is made twice, and each pixel is taken where the shifted frames agree better), and gives what is finer than a
 *  sample of the small frames; what is coarser comes from the small frame in between. With --blend distance
 *  tiles are given the frames as they are, and only the measuring comes before them; a whole run is one tile without any of this. */
#ifndef TW_INTERPOLATE_SEALED_H
#define TW_INTERPOLATE_SEALED_H

#include "ops/interpolate/motion.h"
#include "ops/interpolate/state.h"

#define TW_SEALED_TILE 512 /* side of what the model is given, where neither it nor the job says */

typedef enum tw_sealed_role {
    TW_SEALED_THUMBS,
    TW_SEALED_SHRINK,
    TW_SEALED_GLOBAL,
    TW_SEALED_COMPARE,
    TW_SEALED_RESULT,
} tw_sealed_role;

/** Tiles of two tilings, where both were computed. */
typedef struct tw_mismatch {
    double sum; /* of absolute differences of samples, 1 = white */
    double most;
    int64_t samples;
    int places;
} tw_mismatch;

/** One tile: what the model is given and gives. Its place may reach beyond the right and lower border. */
typedef struct tw_sealed_tile {
    tw_rect at;                  /* in the plane: the frame's, or the small one's */
    int plane;                   /* 0: the frame, 1: the small one */
    int64_t shift[2][2];         /* of each frame, on x and y: pixels are read so far from `at` */
    tw_tensor in[2], noise, out; /* interleaved RGB; planes of noise */
    tw_tensor apart;             /* difference of the shifted frames around each pixel */
    tw_tensor cells;             /* of the correction */
    tw_tensor disagree;          /* of cells: how far the shifted frames do */
} tw_sealed_tile;

typedef struct tw_sealed {
    char *name;
    const tw_engine_callbacks *callbacks; /* the pool's; NULL: a net, state->model */
    tw_tiling_config tiling;
    tw_pair_config config;
    int steps; /* 0: none */
    uint64_t seed;
    int coarse;      /* halvings of the small frames that motion leaves out */
    bool distance;   /* --blend distance */
    bool chosen;     /* the tile was named */
    int64_t side[2]; /* of what the model is given at most */
    int64_t overlap, multiple, stride;
    int64_t ramp, context; /* of neighbouring tiles; around what a step computes */
    int64_t shrink;        /* pixels of the frame along a side of a small one's */
    int64_t low[2];        /* size of the small frames */
    float *small[2];       /* interleaved RGB */
    float *middle;         /* the small frame in between */
    float *disagree;       /* of each sample: how far the moved small frames do, 1 = white */
    tw_motion motion;
    tw_mismatch mismatch;
} tw_sealed;

/* sealed.c */

/** An engine of the caller's own of that name, or the net that tw_sealed_net found: fills state->sealed. */
tw_status tw_sealed_open(tw_op_state *state, const tw_op_request *request, tw_error *err);
/** NULL is allowed. */
void tw_sealed_close(tw_sealed *sealed);
/** Refuses options that only sealed models have. */
tw_status tw_sealed_refuse(const tw_options *options, const char *model, tw_error *err);
void tw_sealed_facts(const tw_op_state *state, tw_op_facts *out);
int tw_sealed_passes(const tw_op_state *state);
tw_sealed_role tw_sealed_role_of(const tw_op_state *state, int pass);
void tw_sealed_pass(const tw_op_state *state, int pass, tw_pass *out);
int64_t tw_sealed_bytes(const tw_op_state *state, int pass, int64_t w, int64_t h);
/** Bytes of a worker besides its tiles. Pure. */
int64_t tw_sealed_worker_bytes(const tw_op_state *state);
void tw_sealed_report(const tw_op_state *state, void *json);

/* sealed_run.c */

tw_status tw_sealed_start(tw_op_state *state, tw_error *err);
tw_status tw_sealed_run(tw_op_state *state, tw_step *step, tw_error *err);
void tw_sealed_reduce(tw_op_state *state, const tw_step *step);
void tw_sealed_end_pass(tw_op_state *state, int pass);

/* sealed_net.c */

/** A net of that name that has two pictures and no stages, then in state->model. */
bool tw_sealed_net(tw_op_state *state, const char *name);
tw_status tw_sealed_open_net(tw_op_state *state, tw_error *err);
/** Bytes of the net for what it is given, and of its weights. Pure. */
int64_t tw_sealed_net_bytes(const tw_op_state *state, int64_t w, int64_t h);
int64_t tw_sealed_net_weights(const tw_op_state *state);
/** From tile->in to tile->out, which is there. */
tw_status tw_sealed_run_net(tw_op_state *state, tw_interpolate_worker *worker, tw_sealed_tile *tile, tw_error *err);

/* sealed_small.c */

/** Adds the frames' areas under step->out to the small frames. */
tw_status tw_sealed_shrink(tw_op_state *state, const tw_step *step, tw_error *err);
/** The motion, and the small frame in between. */
tw_status tw_sealed_global(tw_op_state *state, const tw_step *step, tw_error *err);
/** Fills tile->in with the small frames, each pixel moved along its motion. */
void tw_sealed_move_small(const tw_op_state *state, tw_sealed_tile *tile);

/* sealed_tile.c */

/** Where the model looks to give `write` of a plane of w x h pixels. Pure. */
tw_rect tw_sealed_place(const tw_sealed *sealed, tw_rect write, int64_t w, int64_t h);
/** Bytes of a tile at such a place. Pure. */
int64_t tw_sealed_tile_bytes(const tw_op_state *state, int64_t w, int64_t h);
/** Runs the model at tile->at of tile->plane, each frame shifted by tile->shift; what is in `tile` is left, to be released. */
tw_status tw_sealed_compute(tw_op_state *state, tw_interpolate_worker *worker, tw_sealed_tile *tile, tw_error *err);
void tw_sealed_release_inputs(tw_sealed_tile *tile);
void tw_sealed_release(tw_sealed_tile *tile);
/** Splits a motion, in pixels of the small frames, by time. */
void tw_sealed_shift(const tw_op_state *state, tw_sealed_tile *tile, const double v[2]);

/* sealed_mix.c */

/** What the frame in between is where a step computes `write`: tile->out at tile->at; all in `tile` is to be released, failed or not. */
tw_status tw_sealed_make(tw_op_state *state, tw_interpolate_worker *worker, tw_rect write, tw_sealed_tile *tile, tw_error *err);

/* sealed_tone.c */

/** Fills tile->disagree from its shifted frames: how far their means differ in each cell. */
tw_status tw_sealed_disagree(const tw_op_state *state, tw_interpolate_worker *worker, tw_sealed_tile *tile, tw_error *err);
/** Keeps the lesser of what two tiles at one place disagree. */
void tw_sealed_agree(tw_sealed_tile *tile, const tw_sealed_tile *other);
/** Gives tile->out the means of the small frame in between. */
tw_status tw_sealed_tone(tw_op_state *state, tw_interpolate_worker *worker, tw_sealed_tile *tile, tw_error *err);

/* sealed_seams.c */

/** As tw_op_class wants it: the difference between the frames, each moved along the motion. */
tw_status tw_sealed_detail(const tw_op_state *state, tw_source *const *sources, int64_t *columns, int64_t *rows, tw_error *err);
int64_t tw_sealed_detail_bytes(const tw_op_state *state);

#endif
