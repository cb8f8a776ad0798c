/* SPDX-License-Identifier: MIT */
/* Frames as nets see them: any rectangle of the canvas, from pictures that are read at random. */
#include <string.h>

#include "blend/pixels.h"
#include "ops/interpolate/state.h"

int64_t tw_frame_room(const tw_picture *picture)
{
    return tw_max64(tw_picture_row_bytes(picture), 64 << 10) + 64;
}

/* Picture index of a canvas index beyond the border; -1: nothing. */
static int64_t picture_index(const tw_op_state *state, int64_t i, int64_t n)
{
    if (i < n)
        return i;
    if (state->pad == TW_FRAME_ZERO)
        return -1;
    return state->pad == TW_FRAME_REPLICATE ? n - 1 : tw_reflect101(i, n);
}

/* What the canvas columns show of the picture's. */
static tw_span picture_span(const tw_op_state *state, tw_span canvas, int64_t n)
{
    tw_span span = {tw_min64(canvas.lo, n), tw_min64(canvas.hi, n)};
    for (int64_t i = tw_max64(canvas.lo, n); i < canvas.hi; i++) {
        int64_t at = picture_index(state, i, n);
        if (at < 0)
            continue;
        span = tw_span_empty(span) ? (tw_span){at, at + 1} : (tw_span){tw_min64(span.lo, at), tw_max64(span.hi, at + 1)};
    }
    return span;
}

tw_status tw_frame_rows(const tw_frame *frame, tw_span x, int64_t y, int64_t *rows, tw_error *err)
{
    const tw_op_state *state = frame->state;
    int64_t row = tw_span_length(x) * tw_picture_pixel_bytes(&state->in);
    *rows = tw_clamp64((tw_frame_room(&state->in) - 64) / row, 1, *rows);
    tw_rect rect = {x.lo, y, tw_span_length(x), *rows};
    return tw_source_read_rect(state->source[frame->input], rect, frame->rows, err);
}

/* One canvas row of one channel; `row` holds the picture's columns from `x.lo` on, NULL: it shows nothing. */
static void canvas_row(const tw_op_state *state, const char *row, int band, tw_span x, tw_span canvas, float *to)
{
    const tw_picture *in = &state->in;
    int64_t inside = tw_clamp64(in->width - canvas.lo, 0, tw_span_length(canvas)), pixel = tw_picture_pixel_bytes(in);
    int bands = tw_picture_bands(in), from = in->colours == 3 ? band : 0;
    memset(to, 0, (size_t)tw_span_length(canvas) * sizeof *to);
    if (!row)
        return;
    if (inside > 0)
        tw_pixels_load(row + (canvas.lo - x.lo) * pixel, in->depth, bands, from, inside, to);
    for (int64_t i = canvas.lo + inside; i < canvas.hi; i++) {
        int64_t at = picture_index(state, i, in->width);
        if (at >= 0)
            tw_pixels_load(row + (at - x.lo) * pixel, in->depth, bands, from, 1, to + i - canvas.lo);
    }
}

static void fill_rows(const tw_op_state *state, const char *row, tw_span x, tw_rect canvas, int64_t y, float *to, int64_t plane)
{
    const tw_model_record *record = &state->model->record;
    tw_span columns = {canvas.x, canvas.x + canvas.w};
    for (int c = 0; c < 3; c++) {
        float *line = to + c * plane + (y - canvas.y) * canvas.w;
        canvas_row(state, row, record->bgr ? 2 - c : c, x, columns, line);
        for (int64_t i = 0; i < canvas.w; i++)
            line[i] = (line[i] - record->mean[c]) * record->norm[c];
    }
}

tw_status tw_frame_read(const tw_frame *frame, tw_rect canvas, float *to, int64_t plane, tw_error *err)
{
    const tw_op_state *state = frame->state;
    tw_span x = picture_span(state, (tw_span){canvas.x, canvas.x + canvas.w}, state->in.width);
    int64_t row_bytes = tw_span_length(x) * tw_picture_pixel_bytes(&state->in), end = canvas.y + canvas.h, rows;
    for (int64_t y = canvas.y; y < end; y += rows) {
        int64_t from = picture_index(state, y, state->in.height);
        rows = y < state->in.height ? tw_min64(end, state->in.height) - y : 1;
        bool shown = from >= 0 && !tw_span_empty(x);
        if (shown)
            TW_TRY(tw_frame_rows(frame, x, from, &rows, err));
        for (int64_t i = 0; i < rows; i++)
            fill_rows(state, shown ? frame->rows + i * row_bytes : NULL, x, canvas, y + i, to, plane);
    }
    return TW_OK;
}

/* One reduced row of three channels; the two rows that it comes from are read by columns that fit the room. */
static tw_status reduced_row(const tw_frame *frame, tw_rect canvas, int64_t y, float *to, int64_t plane, tw_error *err)
{
    int64_t n = 2 * canvas.w;
    TW_TRY(tw_frame_read(frame, (tw_rect){2 * canvas.x, 2 * y, n, 2}, frame->pair, 2 * n, err));
    for (int c = 0; c < 3; c++) {
        const float *upper = frame->pair + c * 2 * n, *lower = upper + n;
        for (int64_t x = 0; x < canvas.w; x++)
            to[c * plane + x] = (upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1]) * 0.25f;
    }
    return TW_OK;
}

tw_status tw_frame_read_canvas(const tw_frame *frame, tw_rect canvas, float *to, int64_t plane, tw_error *err)
{
    if (frame->state->reduce == 1)
        return tw_frame_read(frame, canvas, to, plane, err);
    for (int64_t y = 0; y < canvas.h; y++)
        TW_TRY(reduced_row(frame, canvas, canvas.y + y, to + y * canvas.w, plane, err));
    return TW_OK;
}
