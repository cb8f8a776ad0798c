/* SPDX-License-Identifier: MIT */
/** The operator's state and the parts it is made of. Private to src/ops/interpolate.
 *
 *  Passes: thumbnails of both frames, by which the pair is judged; then the stages of the net (model/flow.h), each over tiles of its
 *  own plane; the last one gives the result. Where the pair shows two scenes, or the same twice, stages do nothing and the last pass
 *  copies the nearer frame. With --flow-scale 0.5 the net sees frames half as large, its stages leave the flows and shares by which it
 *  would end, and one more pass warps and mixes the frames themselves by them. The canvas is the picture, widened on the right and below to what the net needs. */
#ifndef TW_INTERPOLATE_STATE_H
#define TW_INTERPOLATE_STATE_H

#include "engine/engine.h"
#include "ops/device.h"
#include "ops/interpolate/store.h"
#include "ops/op.h"

#define TW_THUMB 32 /* cells on a side */

typedef enum tw_frame_pad { TW_FRAME_REPLICATE, TW_FRAME_REFLECT, TW_FRAME_ZERO } tw_frame_pad;

/** Sums over the cells of the thumbnails, in 1/65535 of white. Integers: their order does not matter. */
typedef struct tw_thumbs {
    int64_t sum[2][TW_THUMB * TW_THUMB];
    int64_t apart[TW_THUMB * TW_THUMB]; /* of the samples' distances */
} tw_thumbs;

typedef enum tw_pair_kind { TW_PAIR_MOVES, TW_PAIR_SAME, TW_PAIR_STATIC, TW_PAIR_CUT, TW_PAIR_AT_FRAME } tw_pair_kind;

/** What the thumbnails tell. */
typedef struct tw_pair {
    tw_pair_kind kind;
    bool judged;
    double ssim;
    int nearer; /* the frame that is repeated */
} tw_pair;

/** One frame as a worker reads it. */
typedef struct tw_frame {
    const struct tw_op_state *state;
    int input;
    char *rows;  /* room for some rows of the picture */
    float *pair; /* the worker's */
} tw_frame;

typedef struct tw_interpolate_worker {
    tw_engine_worker *engine;
    tw_account *account;
    char *room;  /* rows of pictures */
    float *line; /* one of the result */
    float *pair; /* two canvas rows of a frame, before it is reduced; NULL: it is not */
    tw_frame frames[2];
    tw_sampler *samplers[TW_FLOW_BLOBS]; /* NULL but while a stage samples it */
    tw_sampler *full[2];                 /* of the frames themselves, where the net sees them reduced */
} tw_interpolate_worker;

struct tw_op_state {
    struct tw_sealed *sealed; /* sealed.h; NULL: a net that runs in stages */
    tw_context *context;
    tw_pool *pool;
    const tw_model *model;
    const tw_flow *flow;
    tw_op_device device;
    tw_source *source[2];
    tw_picture in; /* of both frames, and of the result */
    double time;
    tw_frame_pad pad;
    int reduce;        /* the net sees the frames this many times smaller: 1 or 2 */
    int64_t canvas[2]; /* as the net sees it */
    double cut_below, static_above;
    bool in_memory; /* kept blobs */
    bool whole;
    tw_thumbs thumbs;
    tw_pair pair;
    tw_store stores[TW_FLOW_BLOBS];
    tw_engine *engine;
    int n_workers;
    tw_interpolate_worker *workers;
};

/* frame.c */

/** Bytes of a worker's room for rows. Pure. */
int64_t tw_frame_room(const tw_picture *picture);
/** Samples of the frame itself, continued beyond its border, in the net's value range and order: three planes `plane` floats apart,
 *  rows without gaps. */
tw_status tw_frame_read(const tw_frame *frame, tw_rect rect, float *to, int64_t plane, tw_error *err);
/** The same of the canvas: where it is reduced, means of 2 x 2. */
tw_status tw_frame_read_canvas(const tw_frame *frame, tw_rect canvas, float *to, int64_t plane, tw_error *err);
/** The picture's own rows [y, y + rows) of columns `x`, as stored, in the worker's room; as many rows as fit, at least one. */
tw_status tw_frame_rows(const tw_frame *frame, tw_span x, int64_t y, int64_t *rows, tw_error *err);

/** Bytes of two rows before they are reduced. */
static inline int64_t tw_pair_bytes(const tw_op_state *state)
{
    return 2 * state->canvas[0] * 2 * 3 * (int64_t)sizeof(float);
}

/* thumb.c */

tw_status tw_thumb_run(tw_op_state *state, tw_step *step, tw_error *err);
tw_status tw_thumb_reduce(tw_op_state *state, const tw_step *step, tw_error *err);
/** Judges the pair by the sums. */
tw_pair tw_thumb_judge(const tw_op_state *state);

/* stage.c */

/** Bytes of a worker for a core of w x h samples of the stage's plane. Pure. */
int64_t tw_stage_bytes(const tw_op_state *state, int stage, int64_t w, int64_t h);
/** Device bytes of the same; more than any budget where a buffer is beyond the device's limit. Pure. */
int64_t tw_stage_vram(const tw_op_state *state, int stage, int64_t w, int64_t h);
/** Bytes of what stages leave to each other, at most at the same time. Pure. */
int64_t tw_stage_kept(const tw_op_state *state);
/** Bytes of a worker besides: its samplers in the stage that has most, room for rows and a line. Pure. */
int64_t tw_worker_bytes(const tw_op_state *state);
/** Makes room for what a stage leaves; drops what no later one reads, and the samplers. No worker runs meanwhile. */
tw_status tw_stage_begin(tw_op_state *state, int stage, tw_error *err);
void tw_stage_end(tw_op_state *state, int stage);
tw_status tw_stage_run(tw_op_state *state, tw_step *step, int stage, tw_error *err);

/* compose.c: the frames warped and mixed by what a net left that saw them reduced */

/** Bytes of a worker for w x h pixels of the result. Pure. */
int64_t tw_compose_bytes(int64_t w, int64_t h);
tw_status tw_compose_run(tw_op_state *state, tw_step *step, tw_error *err);
/** A sampler of one frame as it is. */
tw_status tw_compose_sampler(tw_op_state *state, tw_interpolate_worker *worker, int frame, tw_error *err);
#define TW_SAMPLER_BLOCKS                                                                                                      \
    48 /* of a sampled picture that a worker holds: a patch of 64 x 64 with 150 pixels of motion around it */

/* finish.c */

/** Rows of the result out of the last stage's, whose sample 0,0 is canvas sample x, y. */
tw_status tw_finish(tw_op_state *state, const tw_step *step, const tw_tensor *result, int64_t x, int64_t y, tw_error *err);
/** Alpha of the result, which goes from one frame's to the other's with time. */
tw_status tw_finish_alpha(tw_op_state *state, const tw_step *step, tw_error *err);
/** Rows of the frame that is repeated. */
tw_status tw_finish_repeat(tw_op_state *state, const tw_step *step, tw_error *err);

#endif
