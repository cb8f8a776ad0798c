/* SPDX-License-Identifier: MIT */
/* A tile where one or two things move: the model for each motion, and of both results, pixel by pixel, the one whose frames agree. */
#include <math.h>

#include "ops/interpolate/sealed.h"

#define APART   8     /* pixels of the frame by which two motions differ at least; less is for the model to follow */
#define AROUND  6     /* pixels around one in which frames are compared */
#define CERTAIN 0.05f /* difference, 1 = white, per colour, at which nothing of the worse result is left */

/* Differences of the shifted frames, as means over squares. */
static tw_status measure(tw_interpolate_worker *worker, tw_sealed_tile *tile, tw_error *err)
{
    int64_t w = tile->at.w, h = tile->at.h;
    tw_tensor rows;
    TW_TRY(tw_engine_tensor(worker->engine, w, h, 1, &tile->apart, err));
    TW_TRY(tw_engine_tensor(worker->engine, w, h, 1, &rows, err));
    const float *a = tile->in[0].data, *b = tile->in[1].data;
    for (int64_t i = 0; i < w * h; i++)
        tile->apart.data[i] =
            (fabsf(a[3 * i] - b[3 * i]) + fabsf(a[3 * i + 1] - b[3 * i + 1]) + fabsf(a[3 * i + 2] - b[3 * i + 2])) / 3;
    for (int64_t i = 0; i < w * h; i++) {
        int64_t x = i % w, lo = tw_max64(x - AROUND, 0), hi = tw_min64(x + AROUND, w - 1);
        rows.data[i] = 0;
        for (int64_t k = i - x + lo; k <= i - x + hi; k++)
            rows.data[i] += tile->apart.data[k];
        rows.data[i] /= (float)(hi - lo + 1);
    }
    for (int64_t i = 0; i < w * h; i++) {
        int64_t y = i / w, lo = tw_max64(y - AROUND, 0), hi = tw_min64(y + AROUND, h - 1);
        tile->apart.data[i] = 0;
        for (int64_t k = lo; k <= hi; k++)
            tile->apart.data[i] += rows.data[k * w + i % w];
        tile->apart.data[i] /= (float)(hi - lo + 1);
    }
    tw_tensor_release(&rows);
    return TW_OK;
}

/* Between the two where it is not clear which agrees better. */
static void mix(tw_sealed_tile *tile, const tw_sealed_tile *other)
{
    for (int64_t i = 0; i < tile->at.w * tile->at.h; i++) {
        float share = 0.5f + (tile->apart.data[i] - other->apart.data[i]) / (2 * CERTAIN);
        share = share < 0 ? 0 : share > 1 ? 1 : share;
        for (int64_t k = 3 * i; k < 3 * i + 3; k++)
            tile->out.data[k] += (other->out.data[k] - tile->out.data[k]) * share;
    }
}

static tw_status make_one(tw_op_state *state, tw_interpolate_worker *worker, const double v[2], bool measured,
                          tw_sealed_tile *tile, tw_error *err)
{
    tw_sealed_shift(state, tile, v);
    TW_TRY(tw_sealed_compute(state, worker, tile, err));
    TW_TRY(tw_sealed_disagree(state, worker, tile, err));
    if (measured)
        TW_TRY(measure(worker, tile, err));
    tw_sealed_release_inputs(tile);
    return TW_OK;
}

tw_status tw_sealed_make(tw_op_state *state, tw_interpolate_worker *worker, tw_rect write, tw_sealed_tile *tile, tw_error *err)
{
    const tw_sealed *s = state->sealed;
    tw_rect at = tw_sealed_place(s, write, state->in.width, state->in.height);
    double v[2][2], pixels = (double)s->shrink;
    *tile = (tw_sealed_tile){.at = at};
    if (state->whole || s->distance)
        return tw_sealed_compute(state, worker, tile, err);
    tw_rect small = {at.x / s->shrink, at.y / s->shrink, at.w / s->shrink + 1, at.h / s->shrink + 1};
    int motions = tw_motion_groups(&s->motion, small, fmax(APART / pixels, 1), v);
    TW_TRY(make_one(state, worker, v[0], motions > 1, tile, err));
    if (motions > 1) {
        tw_sealed_tile other = {.at = at};
        tw_status status = make_one(state, worker, v[1], true, &other, err);
        if (status == TW_OK) {
            mix(tile, &other);
            tw_sealed_agree(tile, &other);
        }
        tw_sealed_release(&other);
        TW_TRY(status);
    }
    return tw_sealed_tone(state, worker, tile, err);
}
