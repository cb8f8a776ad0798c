/* SPDX-License-Identifier: MIT */
/** From samples to what the result shows. Colours were weighted with alpha, so that nothing of what lies under transparent pixels comes
 *  out; where a point is transparent itself, or lies on a pixel, it keeps that pixel's hidden colour. */
#include <string.h>

#include "ops/warp/state.h"

#define NOTHING 4e-6f /* alpha below half a level of 16 bit */

static bool closed(const tw_op_state *state)
{
    return state->plane.outside == TW_OUTSIDE_MIRROR || state->plane.outside == TW_OUTSIDE_EDGE;
}

static float sample_at(tw_depth depth, const char *pixel, int band)
{
    if (depth == TW_U8)
        return (float)((const uint8_t *)pixel)[band];
    if (depth == TW_U16)
        return (float)((const uint16_t *)pixel)[band];
    return ((const float *)pixel)[band];
}

/* The pixel that a point lies on, or nearest to, as it is stored: colours and alpha, 1 opaque. */
static void stored_pixel(const tw_op_state *state, const tw_warp_worker *worker, const tw_warp_window *window, int64_t i,
                         float *lanes)
{
    const tw_warp_points *p = &worker->points;
    int64_t before = tw_warp_taps(state->plane.kind) / 2 - 1, at = p->at[i] + before * (window->stride + 1);
    int64_t row = at / window->stride + (p->part[1][i] > 0.5f), column = at % window->stride + (p->part[0][i] > 0.5f);
    int64_t x = tw_warp_pixel(&state->plane, 0, window->x + column) - worker->origin;
    const char *pixel = worker->rows[row] + x * tw_picture_pixel_bytes(&state->in);
    for (int band = 0; band < state->in.colours; band++)
        lanes[band] = sample_at(state->in.depth, pixel, band);
    lanes[3] = sample_at(state->in.depth, pixel, state->in.colours) / tw_depth_white(state->in.depth);
}

static void free_colours(const tw_op_state *state, const tw_warp_worker *worker, const tw_warp_window *window, int64_t n,
                         float *line)
{
    const tw_warp_points *p = &worker->points;
    for (int64_t i = 0; i < n; i++) {
        float *lanes = line + 4 * i, alpha = lanes[3];
        bool on_pixel = p->part[0][i] == 0 && p->part[1][i] == 0;
        if (on_pixel || !(alpha > NOTHING))
            stored_pixel(state, worker, window, i, lanes);
        else
            for (int band = 0; band < 3; band++)
                lanes[band] /= alpha;
        if (!on_pixel)
            lanes[3] = alpha > 0 ? alpha < 1 ? alpha : 1 : 0;
    }
}

/* `lanes` lie over the background with alpha times cover. */
static void lay_over(const float *background, float cover, float *lanes)
{
    float share = cover * lanes[3], rest = (1 - cover) * background[3], alpha = share + rest;
    for (int band = 0; band < 3; band++)
        if (alpha > 0)
            lanes[band] = (share * lanes[band] + rest * background[band]) / alpha;
        else if (cover == 0)
            lanes[band] = background[band];
    lanes[3] = alpha;
}

static void lay_opaque(const tw_op_state *state, const float *background, const float *cover, int64_t n, float *line)
{
    for (int64_t i = 0; i < n; i++)
        for (int lane = 0; cover[i] < 1 && lane < state->lanes; lane++) {
            float *v = &line[i * state->lanes + lane];
            *v = cover[i] > 0 ? *v * cover[i] + background[lane] * (1 - cover[i]) : background[lane];
        }
}

void tw_warp_finish(const tw_op_state *state, const tw_warp_worker *worker, const tw_warp_window *window, int first,
                    const float *cover, int64_t n, float *line)
{
    if (state->in.alpha)
        free_colours(state, worker, window, n, line);
    if (!state->out.alpha) {
        if (cover && !closed(state))
            lay_opaque(state, state->background + first, cover, n, line);
        return;
    }
    float white = tw_depth_white(state->out.depth);
    for (int64_t i = 0; i < n; i++) {
        float *lanes = line + 4 * i;
        if (!state->in.alpha)
            lanes[3] = 1;
        if (cover && cover[i] < 1 && !closed(state))
            lay_over(state->background, cover[i], lanes);
        lanes[3] *= white;
    }
}

void tw_warp_pick(const tw_op_state *state, const tw_warp_worker *worker, int64_t top, const double *x, const double *y,
                  const float *cover, int64_t n, char *out)
{
    int64_t from_bytes = tw_picture_pixel_bytes(&state->in), to_bytes = tw_picture_pixel_bytes(&state->out);
    float background[TW_MOST_BANDS], opaque[4] = {0, 0, 0, tw_depth_white(state->out.depth)};
    memcpy(background, state->background, sizeof background);
    if (state->out.alpha)
        background[3] *= opaque[3];
    char outside[4 * TW_MOST_BANDS], full[4 * TW_MOST_BANDS] = {0}; /* a pixel of each; of the opaque one alpha is used */
    for (int first = 0; first < tw_picture_bands(&state->out); first += 4)
        tw_warp_store(background + first, 4, first, 1, &state->out, outside);
    tw_warp_store(opaque, 4, 0, 1, &state->out, full);
    for (int64_t i = 0; i < n; i++, out += to_bytes) {
        if (cover[i] == 0) {
            memcpy(out, outside, (size_t)to_bytes);
            continue;
        }
        const char *pixel = worker->rows[(int64_t)y[i] - top] + ((int64_t)x[i] - worker->origin) * from_bytes;
        memcpy(out, full, (size_t)to_bytes);
        memcpy(out, pixel, (size_t)from_bytes);
    }
}
