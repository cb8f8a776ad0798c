/* SPDX-License-Identifier: MIT */
/* Small frames, and the one in between that the model makes of them at once. */
#include <math.h>
#include <string.h>

#include "blend/pixels.h"
#include "ops/interpolate/sealed.h"

static void add_row(const tw_op_state *state, int frame, tw_interpolate_worker *worker, const char *row, tw_span x, int64_t y)
{
    const tw_sealed *s = state->sealed;
    const tw_picture *in = &state->in;
    float *to = s->small[frame] + 3 * (y / s->shrink * s->low[0]);
    for (int c = 0; c < 3; c++) {
        tw_pixels_load(row, in->depth, tw_picture_bands(in), in->colours == 3 ? c : 0, tw_span_length(x), worker->line);
        for (int64_t i = x.lo; i < x.hi; i++)
            to[3 * (i / s->shrink) + c] += worker->line[i - x.lo];
    }
}

tw_status tw_sealed_shrink(tw_op_state *state, const tw_step *step, tw_error *err)
{
    const tw_sealed *s = state->sealed;
    tw_interpolate_worker *worker = &state->workers[step->worker];
    tw_span x = {step->out.x, step->out.x + step->out.w};
    int64_t row = step->out.w * tw_picture_pixel_bytes(&state->in), end = step->out.y + step->out.h, rows;
    for (int i = 0; i < 2; i++)
        for (int64_t y = step->out.y; y < end; y += rows) {
            rows = end - y;
            TW_TRY(tw_frame_rows(&worker->frames[i], x, y, &rows, err));
            for (int64_t k = 0; k < rows; k++)
                add_row(state, i, worker, worker->frames[i].rows + k * row, x, y + k);
        }
    for (int64_t y = step->out.y / s->shrink; y * s->shrink < end; y++)
        for (int64_t cell = x.lo / s->shrink; cell * s->shrink < x.hi; cell++) {
            int64_t n = (tw_min64((cell + 1) * s->shrink, x.hi) - cell * s->shrink) *
                        (tw_min64((y + 1) * s->shrink, end) - y * s->shrink);
            for (int c = 0; c < 3; c++)
                for (int i = 0; i < 2; i++)
                    s->small[i][3 * (y * s->low[0] + cell) + c] /= (float)n;
        }
    return TW_OK;
}

/* One pixel of a small frame, between pixels; false beyond its border. */
static bool sample(const tw_sealed *s, int frame, double x, double y, float *to)
{
    int64_t w = s->low[0], h = s->low[1];
    if (x < -0.5 || y < -0.5 || x > (double)w - 0.5 || y > (double)h - 0.5)
        return false;
    x = fmin(fmax(x, 0), (double)(w - 1));
    y = fmin(fmax(y, 0), (double)(h - 1));
    int64_t x0 = (int64_t)x, y0 = (int64_t)y, x1 = tw_min64(x0 + 1, w - 1), y1 = tw_min64(y0 + 1, h - 1);
    float fx = (float)(x - (double)x0), fy = (float)(y - (double)y0);
    const float *in = s->small[frame];
    for (int c = 0; c < 3; c++) {
        float top = in[3 * (y0 * w + x0) + c] * (1 - fx) + in[3 * (y0 * w + x1) + c] * fx;
        float bottom = in[3 * (y1 * w + x0) + c] * (1 - fx) + in[3 * (y1 * w + x1) + c] * fx;
        to[c] = top * (1 - fy) + bottom * fy;
    }
    return true;
}

/* Each pixel of the small frames is moved by its own motion: there is no detail that this could blur for the result. What one frame does
 * not show is what the other shows; beyond the right and lower border the last pixel is replicated. */
void tw_sealed_move_small(const tw_op_state *state, tw_sealed_tile *tile)
{
    const tw_sealed *s = state->sealed;
    for (int64_t y = 0; y < tile->at.h; y++)
        for (int64_t x = 0; x < tile->at.w; x++) {
            double u = (double)tw_min64(x, s->low[0] - 1), v = (double)tw_min64(y, s->low[1] - 1), moved[2];
            float *to[2] = {tile->in[0].data + 3 * (y * tile->at.w + x), tile->in[1].data + 3 * (y * tile->at.w + x)};
            tw_motion_at(&s->motion, u, v, moved);
            bool a = sample(s, 0, u - moved[0] * state->time, v - moved[1] * state->time, to[0]);
            bool b = sample(s, 1, u + moved[0] * (1 - state->time), v + moved[1] * (1 - state->time), to[1]);
            if (!a && !b)
                a = sample(s, 0, u, v, to[0]);
            if (!a || !b)
                memcpy(to[a], to[!a], 3 * sizeof(float));
        }
}

static void note_disagreement(tw_sealed *s, const tw_sealed_tile *tile)
{
    for (int64_t y = 0; y < s->low[1]; y++)
        for (int64_t x = 0; x < s->low[0]; x++) {
            const float *a = tile->in[0].data + 3 * (y * tile->at.w + x), *b = tile->in[1].data + 3 * (y * tile->at.w + x);
            s->disagree[y * s->low[0] + x] = (fabsf(a[0] - b[0]) + fabsf(a[1] - b[1]) + fabsf(a[2] - b[2])) / 3;
        }
}

tw_status tw_sealed_global(tw_op_state *state, const tw_step *step, tw_error *err)
{
    tw_sealed *s = state->sealed;
    tw_interpolate_worker *worker = &state->workers[step->worker];
    tw_sealed_tile tile = {.plane = 1};
    TW_TRY(tw_motion_find(tw_context_account(state->context), s->small[0], s->small[1], s->low[0], s->low[1], state->time,
                          s->coarse, &s->motion, err));
    tile.at = tw_sealed_place(s, (tw_rect){0, 0, s->low[0], s->low[1]}, s->low[0], s->low[1]);
    tw_status status = tw_sealed_compute(state, worker, &tile, err);
    if (status == TW_OK)
        note_disagreement(s, &tile);
    for (int64_t y = 0; y < s->low[1] && status == TW_OK; y++)
        memcpy(s->middle + 3 * y * s->low[0], tile.out.data + 3 * y * tile.at.w, (size_t)s->low[0] * 3 * sizeof(float));
    tw_sealed_release(&tile);
    return status;
}
