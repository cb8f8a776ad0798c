/* SPDX-License-Identifier: MIT */
/** One step: rows of both pictures -> samples on one scale -> sums over the core. */
#include <glib.h>
#include <math.h>

#include "ops/compare/state.h"

#define FAR (INT64_C(256) << 24) /* float samples beyond 256 times white, and NaN, count as that */

int64_t tw_compare_row_bytes(const tw_op_state *state, int64_t w)
{
    int64_t n = tw_min64(w + 2 * TW_SSIM_REACH, state->picture.width), bands = tw_picture_bands(&state->picture);
    int64_t lines = 4 * bands + 2 + 3 + state->planes * TW_SSIM_TAPS * TW_SSIM_MOMENTS + TW_SSIM_MOMENTS;
    return n * lines * (int64_t)sizeof(int64_t);
}

int64_t tw_compare_value_bytes(int64_t w, int64_t h)
{
    return (int64_t)sizeof(tw_compare_value) + (w + h) * (int64_t)sizeof(int64_t) + 16; /* 16: malloc's own */
}

static void lay_rows(tw_compare_rows *rows, int64_t bands, int64_t *at)
{
    int64_t n = rows->in.w;
    int64_t **wide[] = {&rows->sample[0], &rows->sample[1], &rows->diff, &rows->above};
    int64_t **narrow[] = {&rows->plane[0], &rows->plane[1], &rows->product[0], &rows->product[1], &rows->product[2]};
    for (int i = 0; i < 4; i++, at += n * bands)
        *wide[i] = at;
    for (int i = 0; i < 5; i++, at += n)
        *narrow[i] = at;
    for (int i = 0; i < TW_SSIM_MOMENTS; i++, at += n)
        rows->moment[i] = at;
    rows->ring = at;
}

/* --- samples ----------------------------------------------------------------------------------------------------- */

static int64_t whole(float v)
{
    double scaled = (double)v * 16777216.0;
    if (!(scaled < (double)FAR))
        return FAR;
    return scaled > -(double)FAR ? llrint(scaled) : -FAR;
}

/* Half is rounded up, so that equal values of different depths meet on the same number wherever one exists. */
static void load_row(const void *row, tw_depth depth, int64_t white, int64_t n, int64_t *to)
{
    if (depth == TW_F32) {
        const float *from = row;
        for (int64_t i = 0; i < n; i++)
            to[i] = whole(from[i]);
    } else if (depth == TW_U16) {
        const uint16_t *from = row;
        for (int64_t i = 0; i < n; i++)
            to[i] = white == 65535 ? from[i] : (2 * from[i] * white + 65535) / (2 * 65535);
    } else {
        const uint8_t *from = row;
        for (int64_t i = 0; i < n; i++)
            to[i] = white == 255 ? from[i] : (2 * from[i] * white + 255) / (2 * 255);
    }
}

static void load_rows(const tw_op_state *state, const tw_step *step, tw_compare_rows *rows, int64_t y)
{
    int64_t bands = tw_picture_bands(&state->picture), n = rows->in.w * bands;
    for (int i = 0; i < 2; i++) {
        const char *row = tw_step_row(step, i, y);
        row += (rows->in.x - step->in[i].x) * bands * tw_depth_bytes(state->depth[i]);
        load_row(row, state->depth[i], state->white, n, rows->sample[i]);
    }
    int64_t *diff = rows->above; /* the row before moves up */
    rows->above = rows->diff;
    rows->diff = diff;
    for (int64_t i = 0; i < n; i++)
        diff[i] = rows->sample[1][i] - rows->sample[0][i];
}

/* --- sums -------------------------------------------------------------------------------------------------------- */

static inline int64_t magnitude(int64_t v)
{
    return v < 0 ? -v : v;
}

static void count_row(const tw_op_state *state, const tw_compare_rows *rows, int64_t y, tw_compare_sums *sums)
{
    int bands = tw_picture_bands(&state->picture);
    const int64_t *diff = rows->diff + (rows->core.x - rows->in.x) * bands;
    for (int64_t x = 0; x < rows->core.w; x++)
        for (int band = 0; band < bands; band++) {
            int64_t d = magnitude(diff[x * bands + band]);
            sums->differing += d != 0;
            sums->levels[(d >= state->level[1]) + (d >= state->level[2]) + (d >= state->level[3])]++;
            if (d > sums->max) {
                sums->max = d;
                sums->max_x = rows->core.x + x, sums->max_y = y;
                sums->max_band = band;
            }
        }
}

static void sum_colours(const tw_op_state *state, const tw_compare_rows *rows, tw_compare_sums *sums)
{
    int bands = tw_picture_bands(&state->picture), colours = state->picture.colours;
    const int64_t *diff = rows->diff + (rows->core.x - rows->in.x) * bands;
    int64_t rounding = (INT64_C(1) << state->luma_shift) >> 1;
    unsigned __int128 squares = 0, luma_squares = 0, absolute = 0;
    for (int64_t x = 0; x < rows->core.w; x++) {
        int64_t luma = 0;
        for (int band = 0; band < colours; band++) {
            int64_t signed_d = diff[x * bands + band];
            uint64_t d = (uint64_t)magnitude(signed_d);
            absolute += d;
            squares += (unsigned __int128)d * d;
            sums->shift[band] += signed_d;
            luma += state->luma_weight[band] * signed_d;
        }
        uint64_t d = (uint64_t)((magnitude(luma) + rounding) >> state->luma_shift);
        luma_squares += (unsigned __int128)d * d;
    }
    sums->absolute += absolute;
    sums->squares += squares;
    sums->luma_squares += luma_squares;
}

/* The picture's first column and row have nothing in front of them. */
static void sum_lines(const tw_op_state *state, const tw_compare_rows *rows, int64_t y, tw_compare_value *value)
{
    int64_t bands = tw_picture_bands(&state->picture), offset = (rows->core.x - rows->in.x) * bands;
    const int64_t *diff = rows->diff + offset, *above = rows->above + offset;
    for (int64_t x = rows->core.x > state->area.x ? 0 : 1; x < rows->core.w; x++)
        for (int64_t i = x * bands; i < (x + 1) * bands; i++)
            value->line[x] += magnitude(diff[i] - diff[i - bands]);
    if (y == state->area.y)
        return;
    int64_t sum = 0;
    for (int64_t i = 0; i < rows->core.w * bands; i++)
        sum += magnitude(diff[i] - above[i]);
    value->line[rows->core.w + y - rows->core.y] = sum;
}

/* --- the step ---------------------------------------------------------------------------------------------------- */

static tw_span overlap(int64_t lo, int64_t length, int64_t area_lo, int64_t area_length, int64_t more)
{
    tw_span span = {tw_max64(lo - more, area_lo), tw_min64(lo + length + more, area_lo + area_length)};
    span.hi = tw_max64(span.lo, span.hi);
    return span;
}

static tw_rect inside(const tw_op_state *state, tw_rect r, int64_t more)
{
    tw_rect a = state->area;
    return tw_rect_of(overlap(r.x, r.w, a.x, a.w, more), overlap(r.y, r.h, a.y, a.h, more));
}

static tw_status measure(tw_op_state *state, const tw_step *step, tw_compare_value *value, tw_error *err)
{
    tw_compare_rows rows = {.core = value->core, .in = inside(state, value->core, TW_SSIM_REACH)};
    int64_t bytes = tw_compare_row_bytes(state, rows.core.w);
    int64_t *memory = tw_alloc(tw_context_account(state->context), (size_t)bytes);
    if (!memory)
        return tw_fail_memory(err, "rows of a tile", bytes);
    lay_rows(&rows, tw_picture_bands(&state->picture), memory);
    rows.centres.lo = tw_max64(rows.core.x, state->area.x + TW_SSIM_REACH);
    rows.centres.hi = tw_min64(rows.core.x + rows.core.w, state->area.x + state->area.w - TW_SSIM_REACH);
    for (int64_t y = rows.in.y; y < rows.in.y + rows.in.h; y++) {
        load_rows(state, step, &rows, y);
        if (y >= rows.core.y && y < rows.core.y + rows.core.h) {
            count_row(state, &rows, y, &value->sums);
            sum_colours(state, &rows, &value->sums);
            sum_lines(state, &rows, y, value);
        }
        tw_compare_windows(state, &rows, y, &value->sums);
    }
    tw_free(memory);
    return TW_OK;
}

tw_status tw_compare_run(tw_op_state *state, tw_step *step, tw_error *err)
{
    tw_rect core = inside(state, step->out, 0);
    if (core.w == 0 || core.h == 0)
        core = (tw_rect){0};
    size_t bytes = sizeof(tw_compare_value) + (size_t)(core.w + core.h) * sizeof(int64_t);
    tw_compare_value *value = g_try_malloc0(bytes);
    if (!value)
        return tw_fail_memory(err, "sums of a tile", (long long)bytes);
    value->core = core;
    tw_status status = core.w > 0 ? measure(state, step, value, err) : TW_OK;
    if (status == TW_OK)
        step->value = value;
    else
        g_free(value);
    return status;
}
