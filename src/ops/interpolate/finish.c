/* SPDX-License-Identifier: MIT */
/* From the net's result to rows of the picture. */
#include <string.h>

#include "blend/pixels.h"
#include "ops/interpolate/state.h"

/* One row of one colour. Grey is the mean of what the net made of three equal channels. */
static void result_row(const tw_op_state *state, const tw_tensor *result, int band, int64_t x, int64_t y, int64_t n, float *to)
{
    const tw_model_record *record = &state->model->record;
    int first = state->in.colours == 3 ? band : 0, last = state->in.colours == 3 ? band : 2;
    memset(to, 0, (size_t)n * sizeof *to);
    for (int colour = first; colour <= last; colour++) {
        int c = record->bgr ? 2 - colour : colour;
        const float *from = result->data + c * result->plane + y * result->w + x;
        float share = 1.f / (float)(last - first + 1);
        for (int64_t i = 0; i < n; i++)
            to[i] += (from[i] * record->out_norm[c] + record->out_mean[c]) * share;
    }
}

/* No picture holds what is no number; stored, it would look like black. */
static bool all_are_numbers(const float *line, int64_t n)
{
    uint32_t bad = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &line[i], sizeof bits);
        bad |= (bits & 0x7f800000) == 0x7f800000;
    }
    return !bad;
}

/* Alpha is not warped: it goes from one frame's to the other's with time. */
tw_status tw_finish_alpha(tw_op_state *state, const tw_step *step, tw_error *err)
{
    tw_interpolate_worker *worker = &state->workers[step->worker];
    tw_span x = {step->write.x, step->write.x + step->write.w};
    int64_t n = step->write.w, row = n * tw_picture_pixel_bytes(&state->in), rows;
    int band = state->in.colours, bands = tw_picture_bands(&state->in);
    float share = (float)state->time;
    for (int64_t y = step->write.y; y < step->write.y + step->write.h; y += rows) {
        rows = step->write.y + step->write.h - y;
        for (int i = 0; i < 2; i++)
            TW_TRY(tw_frame_rows(&worker->frames[i], x, y, &rows, err));
        for (int64_t k = 0; k < rows; k++) {
            for (int64_t i = 0; i < n; i++) {
                float a, b;
                int64_t at = k * row + i * tw_picture_pixel_bytes(&state->in);
                tw_pixels_load(worker->frames[0].rows + at, state->in.depth, bands, band, 1, &a);
                tw_pixels_load(worker->frames[1].rows + at, state->in.depth, bands, band, 1, &b);
                worker->line[i] = a * (1 - share) + b * share;
            }
            tw_step_store(step, y + k, band, worker->line);
        }
    }
    return TW_OK;
}

tw_status tw_finish(tw_op_state *state, const tw_step *step, const tw_tensor *result, int64_t x, int64_t y, tw_error *err)
{
    tw_interpolate_worker *worker = &state->workers[step->worker];
    tw_rect write = step->write;
    for (int64_t row = write.y; row < write.y + write.h; row++)
        for (int band = 0; band < state->in.colours; band++) {
            result_row(state, result, band, write.x - x, row - y, write.w, worker->line);
            if (!all_are_numbers(worker->line, write.w))
                return tw_fail(err, TW_ERROR_RUN, "%s: the net gave values that are no numbers around %lld,%lld of the result",
                               state->model->record.name, (long long)write.x, (long long)row);
            tw_step_store(step, row, band, worker->line);
        }
    return state->in.alpha ? tw_finish_alpha(state, step, err) : TW_OK;
}

tw_status tw_finish_repeat(tw_op_state *state, const tw_step *step, tw_error *err)
{
    const tw_frame *frame = &state->workers[step->worker].frames[state->pair.nearer];
    tw_span x = {step->write.x, step->write.x + step->write.w};
    int64_t row = step->write.w * tw_picture_pixel_bytes(&state->in), rows;
    int64_t before = (step->write.x - step->out.x) * tw_picture_pixel_bytes(&state->in);
    for (int64_t y = step->write.y; y < step->write.y + step->write.h; y += rows) {
        rows = step->write.y + step->write.h - y;
        TW_TRY(tw_frame_rows(frame, x, y, &rows, err));
        for (int64_t k = 0; k < rows; k++)
            memcpy((char *)tw_step_out(step, y + k) + before, frame->rows + k * row, (size_t)row);
    }
    return TW_OK;
}
