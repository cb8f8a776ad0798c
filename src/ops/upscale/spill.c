/* SPDX-License-Identifier: MIT */
/** Blobs that one stage of a carried run leaves to later ones. A file holds a blob's new blocks by step, planar and packed tight:
 *  all tile rows above, then this row's blocks from the left. Steps of all stages cut a blob alike. */
#include <string.h>

#include "ops/upscale/state.h"

static int number_of(const tw_op_state *state, int blob)
{
    for (int i = 0; i < state->stages.n_spills; i++)
        if (state->stages.spills[i].blob == blob)
            return i;
    return -1;
}

static int64_t bytes_of(const tw_op_state *state, int blob)
{
    const tw_model *m = state->model;
    int64_t w = tw_geometry_length(m->graph, m->geometry, blob, 0, state->axis[0].canvas);
    int64_t h = tw_geometry_length(m->graph, m->geometry, blob, 1, state->axis[1].canvas);
    return w * h * m->geometry->blobs[blob].channels * (int64_t)sizeof(float);
}

int64_t tw_upscale_spill_bytes(const tw_op_state *state)
{
    const tw_stages *s = &state->stages;
    int64_t most = 0;
    for (int pass = 0; pass < s->n; pass++) {
        int64_t bytes = 0;
        for (int i = 0; i < s->n_spills; i++)
            bytes += s->spills[i].first <= pass && pass <= s->spills[i].last ? bytes_of(state, s->spills[i].blob) : 0;
        most = tw_max64(most, bytes);
    }
    return most;
}

typedef struct place {
    int64_t w, h, c;
    int64_t offset; /* bytes */
} place;

static place place_of(const tw_op_state *state, const tw_step *step, int blob)
{
    const tw_carry_walk *walk = state->walk;
    tw_span x = tw_carry_new(walk, blob, 0, step->column), y = tw_carry_new(walk, blob, 1, step->row);
    place p = {x.hi - x.lo, y.hi - y.lo, state->model->geometry->blobs[blob].channels, 0};
    p.offset = (y.lo * walk->length[0][blob] + p.h * x.lo) * p.c * (int64_t)sizeof(float);
    return p;
}

tw_status tw_upscale_recall(tw_op_state *state, const tw_step *step, int blob, tw_tensor *out, tw_error *err)
{
    place p = place_of(state, step, blob);
    const tw_carry *carry = state->carry;
    tw_scratch_file *file = state->spills[number_of(state, blob)];
    tw_engine_worker *worker = state->workers[step->worker];
    if (p.w == 0 || p.h == 0) {
        TW_TRY(tw_engine_tensor(worker, carry->dummy[0][blob], carry->dummy[1][blob], p.c, out, err));
        memset(out->data, 0, (size_t)(out->plane * p.c) * sizeof(float));
        return TW_OK;
    }
    TW_TRY(tw_engine_tensor(worker, p.w, p.h, p.c, out, err));
    int64_t samples = p.w * p.h, planes = out->plane == samples ? 1 : p.c, bytes = samples * p.c / planes * 4;
    for (int64_t c = 0; c < planes; c++)
        TW_TRY(tw_scratch_read(file, out->data + c * out->plane, bytes, p.offset + c * bytes, err));
    return TW_OK;
}

static bool leaves(const tw_op_state *state, int pass, int blob)
{
    int number = number_of(state, blob);
    return number >= 0 && state->stages.spills[number].first == pass;
}

tw_status tw_upscale_spill(tw_op_state *state, const tw_step *step, int blob, const tw_tensor *samples, tw_error *err)
{
    place p = place_of(state, step, blob);
    if (p.w == 0 || p.h == 0 || !leaves(state, step->pass, blob))
        return TW_OK;
    if (samples->w != p.w || samples->h != p.h || samples->c != p.c)
        return tw_fail(err, TW_ERROR_RUN, "%s: a blob to be left has another size than its step", state->name);
    tw_scratch_file *file = state->spills[number_of(state, blob)];
    int64_t plane = p.w * p.h, planes = samples->plane == plane ? 1 : p.c, bytes = plane * p.c / planes * 4;
    for (int64_t c = 0; c < planes; c++)
        TW_TRY(tw_scratch_write(file, samples->data + c * samples->plane, bytes, p.offset + c * bytes, err));
    return TW_OK;
}

tw_status tw_upscale_open_spills(tw_op_state *state, int pass, tw_error *err)
{
    const tw_stage *stage = &state->stages.stage[pass];
    for (int i = 0; i < stage->n_targets; i++) {
        int blob = stage->targets[i], number = number_of(state, blob);
        if (number >= 0 && leaves(state, pass, blob) && !state->spills[number])
            TW_TRY(tw_scratch_open(tw_context_scratch(state->context), bytes_of(state, blob), &state->spills[number], err));
    }
    return TW_OK;
}

void tw_upscale_close_spills(tw_op_state *state, int pass)
{
    for (int i = 0; i < state->stages.n_spills; i++)
        if (state->stages.spills[i].last <= pass) {
            tw_scratch_close(state->spills[i]);
            state->spills[i] = NULL;
        }
}
