/* SPDX-License-Identifier: MIT */
/** One step: rows -> planar tile (padding, colour bleed, the net's value range) -> net -> crop -> rows or sums of rows. */
#include <string.h>

#include "blend/pixels.h"
#include "ops/upscale/state.h"

/* `direct`: the step's own rectangle, where it was read. */
static const void *row_of(const tw_op_state *state, const tw_step *step, const tw_tensor *direct, int64_t y)
{
    const tw_crop *crop = state->crop;
    if (direct->data)
        return (const char *)direct->data + (y - step->in[0].y) * step->in[0].w * tw_picture_pixel_bytes(&state->in);
    if (!crop)
        return tw_step_row(step, 0, y);
    return crop->pixels +
           ((y - crop->rect.y) * crop->rect.w + step->in[0].x - crop->rect.x) * tw_picture_pixel_bytes(&state->in);
}

/* Picture samples of the step's input rectangle: three colour planes (grey three times), and alpha. */
static tw_status load_rows(tw_op_state *state, const tw_step *step, const tw_tensor *direct, tw_tensor *picture,
                           tw_tensor *alpha, tw_error *err)
{
    tw_engine_worker *worker = state->workers[step->worker];
    tw_rect in = step->in[0];
    int bands = tw_picture_bands(&state->in);
    TW_TRY(tw_engine_tensor(worker, in.w, in.h, 3, picture, err));
    if (state->in.alpha)
        TW_TRY(tw_engine_tensor(worker, in.w, in.h, 1, alpha, err));
    for (int64_t y = 0; y < in.h; y++) {
        const void *row = row_of(state, step, direct, in.y + y);
        for (int c = 0; c < 3; c++)
            tw_pixels_load(row, state->in.depth, bands, state->in.colours == 3 ? c : 0, in.w,
                           picture->data + c * picture->plane + y * in.w);
        if (state->in.alpha)
            tw_pixels_load(row, state->in.depth, bands, bands - 1, in.w, alpha->data + y * in.w);
    }
    if (!state->in.alpha)
        return TW_OK;
    tw_tensor copy = {0};
    TW_TRY(tw_engine_tensor(worker, in.w, in.h, 3, &copy, err));
    tw_alpha_bleed(picture, alpha->data, &copy);
    tw_tensor_release(&copy);
    return TW_OK;
}

static tw_status load_picture(tw_op_state *state, const tw_step *step, tw_tensor *picture, tw_tensor *alpha, tw_error *err)
{
    tw_tensor direct = {0};
    tw_status status = TW_OK;
    if (tw_upscale_reads_directly(state, step->pass))
        status = tw_upscale_read_directly(state, step, &direct, err);
    if (status == TW_OK)
        status = load_rows(state, step, &direct, picture, alpha, err);
    tw_tensor_release(&direct);
    return status;
}

/* One canvas row of one channel, in the net's value range. */
static void canvas_row(const tw_op_state *state, const tw_tensor *picture, int64_t band, tw_rect in, tw_span x, int64_t row,
                       float mean, float norm, float *to)
{
    int64_t py = tw_upscale_picture_index(state, 1, row);
    const float *from = picture->data + band * picture->plane + (py - in.y) * in.w;
    int64_t before = state->axis[0].before, inner = before + state->axis[0].picture;
    for (int64_t c = x.lo; c < x.hi; c++) {
        float v = 0;
        if (py >= 0 && c >= before && c < inner) {
            v = from[c - before - in.x];
        } else if (py >= 0) {
            int64_t px = tw_upscale_picture_index(state, 0, c);
            v = px >= 0 ? from[px - in.x] : 0;
        }
        to[c - x.lo] = (v - mean) * norm;
    }
}

/* The tile that the net reads. */
static tw_status make_tile(tw_op_state *state, const tw_step *step, const tw_tensor *picture, tw_span x, tw_span y,
                           tw_tensor *tile, tw_error *err)
{
    static const tw_model_record plain = {.norm = {1, 1, 1, 1}};
    const tw_model_record *record = state->model ? &state->model->record : &plain;
    int64_t w = x.hi - x.lo, h = y.hi - y.lo;
    TW_TRY(tw_engine_tensor(state->workers[step->worker], w, h, 3, tile, err));
    for (int64_t c = 0; c < 3; c++) {
        float *plane = tile->data + c * tile->plane;
        for (int64_t row = 0; row < h; row++) {
            float *to = plane + row * w;
            canvas_row(state, picture, record->bgr ? 2 - c : c, step->in[0], x, y.lo + row, record->mean[c], record->norm[c],
                       to);
        }
    }
    return TW_OK;
}

static void result_row(const tw_op_state *state, const tw_tensor *result, int64_t band, int64_t x, int64_t y, int64_t n,
                       float *to)
{
    static const tw_model_record plain = {.out_norm = {1, 1, 1, 1}};
    const tw_model_record *record = state->model ? &state->model->record : &plain;
    int64_t c = record->bgr ? 2 - band : band;
    const float *from = result->data + c * result->plane + y * result->w + x;
    for (int64_t i = 0; i < n; i++)
        to[i] = from[i] * record->out_norm[c] + record->out_mean[c];
}

void tw_upscale_row(const tw_op_state *state, const tw_tensor *result, int64_t x, int64_t y, int64_t n, float *line)
{
    for (int band = 0; band < 3; band++)
        result_row(state, result, band, x, y, n, line + band * n);
    for (int64_t i = 0; i < n && state->out.colours == 1; i++) /* grey: the mean of what the net made of three equal channels */
        line[i] = (line[i] + line[n + i] + line[2 * n + i]) * (1.f / 3.f);
}

/* No picture holds what is no number; stored, it would look like black. */
static bool all_are_numbers(const tw_tensor *result, int64_t x0, int64_t y0, tw_rect write)
{
    uint32_t bad = 0;
    for (int64_t c = 0; c < 3; c++)
        for (int64_t y = y0; y < y0 + write.h; y++) {
            const float *row = result->data + c * result->plane + y * result->w + x0;
            for (int64_t x = 0; x < write.w; x++) {
                uint32_t bits;
                memcpy(&bits, &row[x], sizeof bits);
                bad |= (bits & 0x7f800000) == 0x7f800000;
            }
        }
    return !bad;
}

/* Crops what the step owes out of the net's result. `line`: 4 rows of step->write.w. */
static void store(const tw_op_state *state, const tw_step *step, const tw_tensor *result, int64_t x0, int64_t y0, float *line)
{
    int64_t n = step->write.w;
    for (int64_t y = 0; y < step->write.h; y++) {
        tw_upscale_row(state, result, x0, y0 + y, n, line);
        for (int band = 0; band < state->out.colours; band++)
            tw_step_store(step, step->write.y + y, band, line + band * n);
    }
}

static void store_alpha(const tw_op_state *state, const tw_step *step, const tw_tensor *alpha, float *line, float *scratch)
{
    tw_rect at = tw_upscale_in_whole(state, step->pass, step->write);
    for (int64_t y = 0; y < at.h; y++) {
        tw_alpha_row(alpha->data, step->in[0], &state->in, state->scale, at.y + y, at.x, at.w, scratch, line);
        tw_step_store(step, step->write.y + y, tw_picture_bands(&state->out) - 1, line);
    }
}

tw_status tw_upscale_store(tw_op_state *state, const tw_step *step, const tw_tensor *result, const tw_tensor *alpha, int64_t x0,
                           int64_t y0, tw_error *err)
{
    tw_tensor line = {0}, scratch = {0};
    tw_engine_worker *worker = state->workers[step->worker];
    if (result->c < 3 || x0 + step->write.w > result->w || y0 + step->write.h > result->h)
        return tw_fail(err, TW_ERROR_RUN, "%s: the net gave %lldx%lldx%lld for a tile that needs %lldx%lldx3", state->name,
                       (long long)result->w, (long long)result->h, (long long)result->c, (long long)(x0 + step->write.w),
                       (long long)(y0 + step->write.h));
    if (!all_are_numbers(result, x0, y0, step->write))
        return tw_fail(err, TW_ERROR_RUN, "%s: the net gave values that are no numbers around %lld,%lld of the result",
                       state->name, (long long)step->write.x, (long long)step->write.y);
    tw_status status = tw_engine_tensor(worker, step->write.w, 4, 1, &line, err);
    if (status == TW_OK)
        status = tw_engine_tensor(worker, tw_max64(step->in[0].w, 1), 1, 1, &scratch, err);
    if (status == TW_OK) {
        store(state, step, result, x0, y0, line.data);
        if (state->in.alpha)
            store_alpha(state, step, alpha, line.data, scratch.data);
    }
    tw_tensor_release(&scratch);
    tw_tensor_release(&line);
    return status;
}

static tw_status finish(tw_op_state *state, const tw_step *step, const tw_tensor *tile, const tw_tensor *alpha, tw_span x,
                        tw_span y, tw_error *err)
{
    tw_tensor result = {0};
    tw_rect at = tw_upscale_in_whole(state, step->pass, step->write);
    int64_t x0 = at.x - x.lo * state->scale, y0 = at.y - y.lo * state->scale;
    tw_status status = tw_upscale_net(state, step, tile, tw_upscale_means(state), &result, err);
    if (status == TW_OK)
        status = tw_upscale_store(state, step, &result, alpha, x0, y0, err);
    tw_tensor_release(&result);
    return status;
}

tw_status tw_upscale_load(tw_op_state *state, const tw_step *step, tw_span x, tw_span y, tw_tensor *tile, tw_tensor *alpha,
                          tw_error *err)
{
    tw_tensor picture = {0};
    tw_status status = load_picture(state, step, &picture, alpha, err);
    if (status == TW_OK && x.hi > x.lo && y.hi > y.lo)
        status = make_tile(state, step, &picture, x, y, tile, err);
    tw_tensor_release(&picture);
    return status;
}

tw_status tw_upscale_run(tw_op_state *state, tw_step *step, tw_error *err)
{
    if (state->carried)
        return tw_upscale_run_carried(state, step, err);
    if (tw_upscale_reads_directly(state, step->pass))
        step->in[0] = tw_upscale_need(state, step->pass, 0, step->write);
    tw_rect at = tw_upscale_in_whole(state, step->pass, step->write);
    tw_span x = tw_upscale_canvas_span(state, 0, (tw_span){at.x, at.x + at.w});
    tw_span y = tw_upscale_canvas_span(state, 1, (tw_span){at.y, at.y + at.h});
    tw_tensor alpha = {0}, tile = {0};
    tw_status status = tw_upscale_load(state, step, x, y, &tile, &alpha, err);
    if (status == TW_OK) {
        tw_role role = tw_upscale_role(state, step->pass);
        if (role.kind == TW_ROLE_MEANS)
            status = tw_upscale_collect(state, step, &tile, x, y, err);
        else if (role.kind == TW_ROLE_COMPARE)
            status = tw_upscale_compare(state, step, &tile, x, y, err);
        else
            status = finish(state, step, &tile, &alpha, x, y, err);
    }
    tw_tensor_release(&tile);
    tw_tensor_release(&alpha);
    return status;
}
