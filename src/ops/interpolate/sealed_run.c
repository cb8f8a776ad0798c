/* SPDX-License-Identifier: MIT */
/* The passes of a sealed model. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "blend/pixels.h"
#include "ops/interpolate/sealed.h"

/* --- memory between passes ---------------------------------------------------------------------------------------- */

tw_status tw_sealed_start(tw_op_state *state, tw_error *err)
{
    tw_sealed *s = state->sealed;
    if (!s->callbacks)
        TW_TRY(tw_pool_engine(state->pool, state->model, NULL, -1, tw_sealed_net_weights(state), &state->engine, err));
    if (state->whole || s->distance)
        return TW_OK;
    size_t bytes = (size_t)(s->low[0] * s->low[1] * 3) * sizeof(float);
    float **const blocks[] = {&s->small[0], &s->small[1], &s->middle, &s->disagree};
    for (int i = 0; i < 4; i++) {
        bytes = i == 3 ? bytes / 3 : bytes;
        *blocks[i] = tw_alloc(tw_context_account(state->context), bytes);
        if (!*blocks[i])
            return tw_fail_memory(err, "small frames", (int64_t)bytes);
        memset(*blocks[i], 0, bytes);
    }
    return TW_OK;
}

void tw_sealed_end_pass(tw_op_state *state, int pass)
{
    tw_sealed *s = state->sealed;
    if (tw_sealed_role_of(state, pass) != TW_SEALED_GLOBAL)
        return;
    for (int i = 0; i < 2; i++) {
        tw_free(s->small[i]);
        s->small[i] = NULL;
    }
}

/* --- tiles -------------------------------------------------------------------------------------------------------- */

static float clipped(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static tw_mismatch compare(const tw_sealed_tile tiles[2], tw_rect both)
{
    tw_mismatch m = {.samples = 3 * both.w * both.h, .places = 1};
    for (int64_t y = both.y; y < both.y + both.h; y++) {
        const float *rows[2];
        for (int i = 0; i < 2; i++)
            rows[i] = tiles[i].out.data + 3 * ((y - tiles[i].at.y) * tiles[i].at.w + both.x - tiles[i].at.x);
        for (int64_t k = 0; k < 3 * both.w; k++) {
            double apart = fabs((double)clipped(rows[0][k]) - (double)clipped(rows[1][k]));
            m.sum += apart;
            m.most = fmax(m.most, apart);
        }
    }
    return m;
}

/* A tile, and one that lies half a tile further: towards the middle, so that it is no smaller. */
static tw_status run_compare(tw_op_state *state, tw_step *step, tw_error *err)
{
    tw_interpolate_worker *worker = &state->workers[step->worker];
    tw_rect a = step->out, b = a;
    b.x += a.x + a.w / 2 < state->in.width / 2 ? a.w / 2 : -tw_min64(a.x, a.w / 2);
    b.y += a.y + a.h / 2 < state->in.height / 2 ? a.h / 2 : -tw_min64(a.y, a.h / 2);
    b.w = tw_min64(b.w, state->in.width - b.x), b.h = tw_min64(b.h, state->in.height - b.y);
    if (a.x == b.x && a.y == b.y)
        return TW_OK;
    tw_span x = {tw_max64(a.x, b.x), tw_min64(a.x + a.w, b.x + b.w)}, y = {tw_max64(a.y, b.y), tw_min64(a.y + a.h, b.y + b.h)};
    tw_sealed_tile tiles[2] = {0};
    tw_status status = tw_sealed_make(state, worker, a, &tiles[0], err);
    if (status == TW_OK)
        status = tw_sealed_make(state, worker, b, &tiles[1], err);
    if (status == TW_OK) {
        tw_mismatch *value = g_new(tw_mismatch, 1);
        *value = compare(tiles, tw_rect_of(x, y));
        step->value = value;
    }
    for (int i = 0; i < 2; i++)
        tw_sealed_release(&tiles[i]);
    return status;
}

void tw_sealed_reduce(tw_op_state *state, const tw_step *step)
{
    const tw_mismatch *value = step->value;
    tw_mismatch *all = &state->sealed->mismatch;
    all->sum += value->sum;
    all->most = fmax(all->most, value->most);
    all->samples += value->samples;
    all->places += value->places;
}

/* Grey is the mean of what the model made of three equal channels. */
static void store_tile(tw_op_state *state, const tw_step *step, const tw_sealed_tile *tile)
{
    float *line = state->workers[step->worker].line;
    tw_rect write = step->write;
    for (int64_t y = write.y; y < write.y + write.h; y++)
        for (int band = 0; band < state->in.colours; band++) {
            const float *from = tile->out.data + 3 * ((y - tile->at.y) * tile->at.w + write.x - tile->at.x);
            for (int64_t x = 0; x < write.w; x++, from += 3)
                line[x] = state->in.colours == 3 ? from[band] : (from[0] + from[1] + from[2]) / 3;
            tw_step_store(step, y, band, line);
        }
}

static tw_status run_result(tw_op_state *state, const tw_step *step, tw_error *err)
{
    tw_sealed_tile tile = {0};
    tw_status status = tw_sealed_make(state, &state->workers[step->worker], step->write, &tile, err);
    if (status == TW_OK)
        store_tile(state, step, &tile);
    tw_sealed_release(&tile);
    return status == TW_OK && state->in.alpha ? tw_finish_alpha(state, step, err) : status;
}

/* Rows of the frame that is repeated, through the sums of tiles that overlap. */
static tw_status repeat(tw_op_state *state, const tw_step *step, tw_error *err)
{
    tw_interpolate_worker *worker = &state->workers[step->worker];
    const tw_frame *frame = &worker->frames[state->pair.nearer];
    const tw_picture *in = &state->in;
    tw_span x = {step->write.x, step->write.x + step->write.w};
    int64_t row = step->write.w * tw_picture_pixel_bytes(in), rows;
    for (int64_t y = step->write.y; y < step->write.y + step->write.h; y += rows) {
        rows = step->write.y + step->write.h - y;
        TW_TRY(tw_frame_rows(frame, x, y, &rows, err));
        for (int64_t k = 0; k < rows; k++)
            for (int band = 0; band < tw_picture_bands(in); band++) {
                tw_pixels_load(frame->rows + k * row, in->depth, tw_picture_bands(in), band, step->write.w, worker->line);
                tw_step_store(step, y + k, band, worker->line);
            }
    }
    return TW_OK;
}

tw_status tw_sealed_run(tw_op_state *state, tw_step *step, tw_error *err)
{
    tw_sealed_role role = tw_sealed_role_of(state, step->pass);
    if (role == TW_SEALED_THUMBS)
        return tw_thumb_run(state, step, err);
    if (state->pair.kind != TW_PAIR_MOVES)
        return role == TW_SEALED_RESULT ? repeat(state, step, err) : TW_OK;
    return role == TW_SEALED_SHRINK    ? tw_sealed_shrink(state, step, err)
           : role == TW_SEALED_GLOBAL  ? tw_sealed_global(state, step, err)
           : role == TW_SEALED_COMPARE ? run_compare(state, step, err)
                                       : run_result(state, step, err);
}
