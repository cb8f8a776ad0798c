/* SPDX-License-Identifier: MIT */
/** One step: coordinates of a block -> pixels that they read -> windows -> samples -> rows of the result. */
#include <string.h>

#include "ops/warp/state.h"

#define BLOCK_POINTS (TW_WARP_BLOCK * TW_WARP_BLOCK)

/* --- workers ----------------------------------------------------------------------------------------------------- */

static int64_t rounded(int64_t bytes)
{
    return tw_ceil_div(bytes, 64) * 64;
}

/* Pixels that are read at random at once, at most. */
static int64_t read_pixels(const tw_op_state *state)
{
    return tw_min64(1 << 18, TW_WARP_READ / tw_picture_pixel_bytes(&state->in));
}

/* Lays the parts of a worker's memory out, or with NULL only counts them. */
static int64_t lay(const tw_op_state *state, tw_warp_worker *worker, char *memory)
{
    const int64_t bytes[] = {
        BLOCK_POINTS * (int64_t)sizeof(double),
        BLOCK_POINTS * (int64_t)sizeof(double),
        BLOCK_POINTS * (int64_t)sizeof(float),
        TW_WARP_BLOCK * (int64_t)sizeof(bool),
        TW_WARP_WINDOW * state->lanes * (int64_t)sizeof(float),
        TW_WARP_WINDOW_ROWS * (int64_t)sizeof(char *),
        TW_WARP_RUN * 4 * (int64_t)sizeof(float),
        tw_field_scratch(state->field, TW_WARP_BLOCK),
        state->random ? read_pixels(state) * tw_picture_pixel_bytes(&state->in) : 0,
    };
    char *at[sizeof bytes / sizeof *bytes];
    int64_t total = 0;
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        at[i] = memory ? memory + total : NULL;
        total += rounded(bytes[i]);
    }
    if (memory) {
        worker->memory = memory;
        worker->x = (double *)at[0], worker->y = (double *)at[1];
        worker->cover = (float *)at[2];
        worker->covered = (bool *)at[3];
        worker->window = (float *)at[4];
        worker->rows = (const char **)at[5];
        worker->line = (float *)at[6];
        worker->scratch = at[7];
        worker->pixels = at[8];
    }
    return total;
}

int64_t tw_warp_worker_bytes(const tw_op_state *state)
{
    return lay(state, NULL, NULL) + 4096 + 64 + (int64_t)sizeof(tw_warp_worker); /* tw_alloc's head and rounding */
}

tw_status tw_warp_worker_open(const tw_op_state *state, tw_account *account, tw_warp_worker *worker, tw_error *err)
{
    int64_t bytes = lay(state, NULL, NULL);
    char *memory = tw_alloc(account, (size_t)bytes);
    if (!memory)
        return tw_fail_memory(err, "a worker's windows", bytes);
    lay(state, worker, memory);
    return TW_OK;
}

/* --- what is read ------------------------------------------------------------------------------------------------ */

/* Where pixels of the input lie in memory. */
typedef struct view {
    const tw_step *step; /* RECT: rows of its window */
    const char *pixels;  /* RANDOM */
    tw_rect rect;        /* pixels that are there */
} view;

typedef struct reading {
    tw_span taps[2], pixels[2];
} reading;

static reading reading_of(const tw_op_state *state, const tw_warp_worker *worker, tw_rect part)
{
    tw_warp_bounds bounds = tw_warp_no_bounds();
    reading r;
    for (int64_t y = part.y; y < part.y + part.h; y++)
        tw_warp_extend(&bounds, worker->x + y * TW_WARP_BLOCK + part.x, worker->y + y * TW_WARP_BLOCK + part.x, part.w);
    for (int axis = 0; axis < 2; axis++) {
        r.taps[axis] = tw_warp_taps_of(&state->plane, bounds.lo[axis], bounds.hi[axis]);
        r.pixels[axis] = tw_warp_pixels(&state->plane, axis, r.taps[axis]);
    }
    return r;
}

static bool divisible(tw_rect part)
{
    return part.w > 1 || part.h > 1;
}

static void halve(tw_rect part, tw_rect out[2])
{
    out[0] = out[1] = part;
    if (part.w >= part.h) {
        out[0].w = (part.w + 1) / 2;
        out[1].x += out[0].w, out[1].w -= out[0].w;
    } else {
        out[0].h = (part.h + 1) / 2;
        out[1].y += out[0].h, out[1].h -= out[0].h;
    }
}

static const char *view_row(const tw_op_state *state, const view *v, int64_t y)
{
    if (v->step)
        return tw_step_row(v->step, 0, y);
    return v->pixels + (y - v->rect.y) * v->rect.w * tw_picture_pixel_bytes(&state->in);
}

static tw_status check_view(const tw_op_state *state, const view *v, const reading *r, tw_error *err)
{
    tw_rect there = v->rect;
    if (r->pixels[0].lo >= there.x && r->pixels[0].hi <= there.x + there.w && r->pixels[1].lo >= there.y &&
        r->pixels[1].hi <= there.y + there.h)
        return TW_OK;
    return tw_fail(err, TW_ERROR_RUN, "%s: rows %lld to %lld of the input are read, its bounds promise %lld to %lld",
                   state->field_label, (long long)r->pixels[1].lo, (long long)r->pixels[1].hi, (long long)there.y,
                   (long long)(there.y + there.h));
}

/* --- patches ----------------------------------------------------------------------------------------------------- */

static void find_rows(const tw_op_state *state, tw_warp_worker *worker, const view *v, const reading *r)
{
    worker->origin = v->rect.x;
    for (int64_t i = 0; i < tw_span_length(r->taps[1]); i++)
        worker->rows[i] = view_row(state, v, tw_warp_pixel(&state->plane, 1, r->taps[1].lo + i));
}

/* Bands from `first` on. Borders are filled pixel by pixel: they are few. */
static void fill_window(const tw_op_state *state, tw_warp_worker *worker, const reading *r, int first, tw_warp_window *window)
{
    int64_t w = tw_span_length(r->taps[0]), h = tw_span_length(r->taps[1]), pixel = tw_picture_pixel_bytes(&state->in);
    *window = (tw_warp_window){worker->window, state->lanes, r->taps[0].lo, r->taps[1].lo, w};
    tw_span inner = {tw_max64(r->taps[0].lo, 0), tw_min64(r->taps[0].hi, state->in.width)};
    inner.lo = tw_min64(inner.lo, r->taps[0].hi);
    inner.hi = tw_max64(inner.lo, inner.hi);
    for (int64_t i = 0; i < h; i++) {
        float *to = worker->window + i * w * state->lanes;
        const char *row = worker->rows[i];
        if (!tw_span_empty(inner))
            tw_warp_load(&state->in, row + (inner.lo - worker->origin) * pixel, first, tw_span_length(inner), state->lanes,
                         to + (inner.lo - window->x) * state->lanes);
        for (int64_t x = r->taps[0].lo; x < r->taps[0].hi; x++) {
            if (x == inner.lo && !tw_span_empty(inner))
                x = inner.hi;
            if (x < r->taps[0].hi)
                tw_warp_load(&state->in, row + (tw_warp_pixel(&state->plane, 0, x) - worker->origin) * pixel, first, 1,
                             state->lanes, to + (x - window->x) * state->lanes);
        }
    }
}

static char *out_row(const tw_op_state *state, const tw_step *step, tw_rect block, tw_rect part, int64_t y)
{
    return (char *)tw_step_out(step, block.y + y) + (block.x + part.x - step->out.x) * tw_picture_pixel_bytes(&state->out);
}

static void pick_rows(const tw_op_state *state, const tw_step *step, tw_warp_worker *worker, const reading *r, tw_rect block,
                      tw_rect part)
{
    for (int64_t y = part.y; y < part.y + part.h; y++) {
        int64_t at = y * TW_WARP_BLOCK + part.x;
        tw_warp_pick(state, worker, r->taps[1].lo, worker->x + at, worker->y + at, worker->cover + at, part.w,
                     out_row(state, step, block, part, y));
    }
}

/* As many bands as there are lanes, from `first` on. */
static void take_rows(const tw_op_state *state, const tw_step *step, tw_warp_worker *worker, const reading *r, int first,
                      tw_rect block, tw_rect part)
{
    tw_warp_window window;
    tw_interpolation kind = state->plane.kind;
    fill_window(state, worker, r, first, &window);
    for (int64_t y = part.y; y < part.y + part.h; y++) {
        int64_t at = y * TW_WARP_BLOCK + part.x;
        const float *cover = worker->covered[y] ? NULL : worker->cover + at;
        tw_warp_place(kind, &window, worker->x + at, worker->y + at, part.w, &worker->points);
        tw_warp_sample(kind, &window, &worker->points, part.w, worker->line);
        tw_warp_finish(state, worker, &window, first, cover, part.w, worker->line);
        tw_warp_store(worker->line, state->lanes, first, part.w, &state->out, out_row(state, step, block, part, y));
    }
}

/* A patch whose window is too large is cut: one point's window always fits. */
static tw_status take_patch(const tw_op_state *state, const tw_step *step, tw_warp_worker *worker, const view *v, tw_rect block,
                            tw_rect part, tw_error *err)
{
    reading r = reading_of(state, worker, part);
    int64_t w = tw_span_length(r.taps[0]), h = tw_span_length(r.taps[1]);
    bool fits = h <= TW_WARP_WINDOW_ROWS && (state->plane.kind == TW_INTERPOLATE_NEAREST || w <= TW_WARP_WINDOW / h);
    if (!fits && divisible(part)) {
        tw_rect halves[2];
        halve(part, halves);
        for (int i = 0; i < 2; i++)
            TW_TRY(take_patch(state, step, worker, v, block, halves[i], err));
        return TW_OK;
    }
    TW_TRY(check_view(state, v, &r, err));
    find_rows(state, worker, v, &r);
    if (state->plane.kind == TW_INTERPOLATE_NEAREST)
        pick_rows(state, step, worker, &r, block, part);
    else
        for (int first = 0; first < tw_picture_bands(&state->in); first += 4)
            take_rows(state, step, worker, &r, first, block, part);
    return TW_OK;
}

static tw_status take_patches(const tw_op_state *state, const tw_step *step, tw_warp_worker *worker, const view *v,
                              tw_rect block, tw_rect part, tw_error *err)
{
    for (int64_t y = 0; y < part.h; y += TW_WARP_PATCH_ROWS)
        for (int64_t x = 0; x < part.w; x += TW_WARP_RUN) {
            tw_rect patch = {part.x + x, part.y + y, tw_min64(TW_WARP_RUN, part.w - x),
                             tw_min64(TW_WARP_PATCH_ROWS, part.h - y)};
            TW_TRY(take_patch(state, step, worker, v, block, patch, err));
        }
    return TW_OK;
}

/* --- blocks ------------------------------------------------------------------------------------------------------ */

/* Reads what a part of the block needs, or its halves when that is more than there is room for. */
static tw_status read_part(const tw_op_state *state, const tw_step *step, tw_warp_worker *worker, tw_rect block, tw_rect part,
                           tw_error *err)
{
    reading r = reading_of(state, worker, part);
    tw_rect rect = tw_rect_of(r.pixels[0], r.pixels[1]);
    if (rect.w > read_pixels(state) / rect.h && divisible(part)) {
        tw_rect halves[2];
        halve(part, halves);
        for (int i = 0; i < 2; i++)
            TW_TRY(read_part(state, step, worker, block, halves[i], err));
        return TW_OK;
    }
    TW_TRY(tw_context_check(state->context, err));
    TW_TRY(tw_source_read_rect(state->source, rect, worker->pixels, err));
    view v = {NULL, worker->pixels, rect};
    return take_patches(state, step, worker, &v, block, part, err);
}

static tw_status find_points(const tw_op_state *state, tw_warp_worker *worker, tw_rect block, tw_error *err)
{
    for (int64_t row = 0; row < block.h; row++) {
        int64_t at = row * TW_WARP_BLOCK;
        double *x = worker->x + at, *y = worker->y + at;
        TW_TRY(tw_field_row(state->field, (double)block.x, (double)(block.y + row), block.w, x, y, worker->scratch, err));
        if (!tw_warp_numbers(x, y, block.w))
            return tw_fail(err, TW_ERROR_INPUT, "%s: no number around %lld,%lld of the result", state->field_label,
                           (long long)block.x, (long long)(block.y + row));
        worker->covered[row] = tw_warp_settle(&state->plane, x, y, block.w, worker->cover + at);
    }
    return TW_OK;
}

static tw_status take_block(const tw_op_state *state, const tw_step *step, tw_warp_worker *worker, tw_rect block, tw_error *err)
{
    tw_rect all = {0, 0, block.w, block.h};
    TW_TRY(tw_context_check(state->context, err));
    TW_TRY(find_points(state, worker, block, err));
    if (state->random)
        return read_part(state, step, worker, block, all, err);
    view v = {step, NULL, step->in[0]};
    return take_patches(state, step, worker, &v, block, all, err);
}

tw_status tw_warp_run(tw_op_state *state, tw_step *step, tw_error *err)
{
    tw_warp_worker *worker = &state->workers[step->worker];
    tw_rect write = step->write;
    for (int64_t y = 0; y < write.h; y += TW_WARP_BLOCK)
        for (int64_t x = 0; x < write.w; x += TW_WARP_BLOCK) {
            tw_rect block = {write.x + x, write.y + y, tw_min64(TW_WARP_BLOCK, write.w - x),
                             tw_min64(TW_WARP_BLOCK, write.h - y)};
            TW_TRY(take_block(state, step, worker, block, err));
        }
    return TW_OK;
}
