/* SPDX-License-Identifier: MIT */
/* One tile of a sealed model: both frames around it, moved together, and the model. */
#include <math.h>
#include <string.h>

#include "blend/pixels.h"
#include "ops/interpolate/noise.h"
#include "ops/interpolate/sealed.h"

/* --- places ------------------------------------------------------------------------------------------------------- */

/* Wide enough for the multiple; inside the plane where the plane is as long, so that there is less to be made up. */
static tw_span place_on(const tw_sealed *s, int64_t from, int64_t length, int64_t all)
{
    int64_t lo = tw_max64(from - s->context, 0) / s->stride * s->stride;
    int64_t hi = tw_min64(from + length + s->context, all);
    int64_t side = tw_ceil_div(hi - lo, s->multiple) * s->multiple;
    if (lo + side > all)
        lo = tw_min64(lo, tw_ceil_div(tw_max64(all - side, 0), s->stride) * s->stride);
    return (tw_span){lo, lo + side};
}

tw_rect tw_sealed_place(const tw_sealed *s, tw_rect write, int64_t w, int64_t h)
{
    return tw_rect_of(place_on(s, write.x, write.w, w), place_on(s, write.y, write.h, h));
}

/* The longest place of such a length. */
static int64_t longest(const tw_sealed *s, int64_t length)
{
    return tw_ceil_div(length + 2 * s->context + s->stride - 1, s->multiple) * s->multiple;
}

static int64_t cells_of(const tw_sealed *s, int64_t side)
{
    return side / s->shrink + 2;
}

int64_t tw_sealed_tile_bytes(const tw_op_state *state, int64_t w, int64_t h)
{
    const tw_sealed *s = state->sealed;
    int64_t side[2] = {longest(s, w), longest(s, h)}, pixels = side[0] * side[1];
    int64_t own = !s->callbacks ? 0 : s->tiling.bytes_per_pixel > 0 ? s->tiling.bytes_per_pixel : 64;
    int64_t noise = s->config.noise_channels * (pixels / (s->stride * s->stride)) * (int64_t)sizeof(float);
    int64_t cells = cells_of(s, side[0]) * cells_of(s, side[1]) * 5 * 4 * (int64_t)sizeof(float);
    int64_t bytes = pixels * (own + 36 + (s->distance ? 0 : 24)) + noise + cells;
    return bytes + bytes / 16 + (256 << 10) +
           (s->callbacks ? 0 : tw_sealed_net_bytes(state, side[0], side[1])); /* holes between blocks of the arena */
}

/* --- frames ------------------------------------------------------------------------------------------------------- */

/* Part of a tile that shows a plane of w x h pixels, from the tile's corner on. */
static tw_rect shown_part(const tw_sealed_tile *tile, int frame, int64_t w, int64_t h)
{
    int64_t x = tile->at.x + tile->shift[frame][0], y = tile->at.y + tile->shift[frame][1];
    tw_span across = {tw_max64(-x, 0), tw_min64(w - x, tile->at.w)}, down = {tw_max64(-y, 0), tw_min64(h - y, tile->at.h)};
    return tw_rect_of(across, down);
}

static void put_rows(const tw_op_state *state, tw_interpolate_worker *worker, const char *pixels, int64_t n, float *to)
{
    const tw_picture *in = &state->in;
    for (int c = 0; c < 3; c++) {
        tw_pixels_load(pixels, in->depth, tw_picture_bands(in), in->colours == 3 ? c : 0, n, worker->line);
        for (int64_t i = 0; i < n; i++)
            to[3 * i + c] = worker->line[i];
    }
}

static tw_status read_frame(const tw_op_state *state, tw_interpolate_worker *worker, tw_sealed_tile *tile, int i, tw_rect part,
                            tw_error *err)
{
    int64_t row = part.w * tw_picture_pixel_bytes(&state->in), rows;
    tw_span x = {tile->at.x + tile->shift[i][0] + part.x, tile->at.x + tile->shift[i][0] + part.x + part.w};
    for (int64_t y = part.y; y < part.y + part.h; y += rows) {
        rows = part.y + part.h - y;
        TW_TRY(tw_frame_rows(&worker->frames[i], x, tile->at.y + tile->shift[i][1] + y, &rows, err));
        for (int64_t k = 0; k < rows; k++)
            put_rows(state, worker, worker->frames[i].rows + k * row, part.w,
                     tile->in[i].data + 3 * ((y + k) * tile->at.w + part.x));
    }
    return TW_OK;
}

static bool holds(tw_rect r, int64_t x, int64_t y)
{
    return x >= r.x && y >= r.y && x < r.x + r.w && y < r.y + r.h;
}

/* What one frame does not show is what the other shows: they were moved together. What neither shows is replicated. */
static void make_up(tw_sealed_tile *tile, const tw_rect part[2])
{
    for (int i = 0; i < 2; i++)
        for (int64_t y = 0; y < tile->at.h; y++)
            for (int64_t x = 0; x < tile->at.w; x++) {
                if (holds(part[i], x, y))
                    continue;
                int from = holds(part[1 - i], x, y) ? 1 - i : i;
                int64_t u = tw_clamp64(x, part[from].x, part[from].x + part[from].w - 1);
                int64_t v = tw_clamp64(y, part[from].y, part[from].y + part[from].h - 1);
                memcpy(tile->in[i].data + 3 * (y * tile->at.w + x), tile->in[from].data + 3 * (v * tile->at.w + u),
                       3 * sizeof(float));
            }
}

static tw_status read_pair(tw_op_state *state, tw_interpolate_worker *worker, tw_sealed_tile *tile, tw_error *err)
{
    tw_rect part[2];
    for (int i = 0; i < 2; i++)
        TW_TRY(tw_engine_tensor(worker->engine, 3 * tile->at.w, tile->at.h, 1, &tile->in[i], err));
    if (tile->plane) {
        tw_sealed_move_small(state, tile);
        return TW_OK;
    }
    for (int i = 0; i < 2; i++) {
        part[i] = shown_part(tile, i, state->in.width, state->in.height);
        TW_TRY(read_frame(state, worker, tile, i, part[i], err));
    }
    make_up(tile, part);
    return TW_OK;
}

/* --- motion ------------------------------------------------------------------------------------------------------- */

/* No frame is moved so far that less than half a tile of it is left. */
static int64_t bounded(int64_t shift, int64_t at, int64_t side, int64_t all)
{
    int64_t least = tw_max64(tw_min64(tw_min64(side, all - at) / 2, all / 2), 1);
    return tw_clamp64(shift, least - side - at, all - least - at);
}

void tw_sealed_shift(const tw_op_state *state, tw_sealed_tile *tile, const double v[2])
{
    for (int a = 0; a < 2; a++) {
        int64_t all = a ? state->in.height : state->in.width;
        int64_t at = a ? tile->at.y : tile->at.x, side = a ? tile->at.h : tile->at.w;
        int64_t whole = llround(v[a] * (double)state->sealed->shrink), before = llround((double)whole * state->time);
        tile->shift[0][a] = bounded(-before, at, side, all);
        tile->shift[1][a] = bounded(whole - before, at, side, all);
    }
}

/* --- the model ---------------------------------------------------------------------------------------------------- */

static tw_status fill_noise(const tw_sealed *s, tw_interpolate_worker *worker, tw_sealed_tile *tile, tw_error *err)
{
    int64_t w = tile->at.w / s->stride, h = tile->at.h / s->stride;
    TW_TRY(tw_engine_tensor(worker->engine, w, h * s->config.noise_channels, 1, &tile->noise, err));
    float *to = tile->noise.data;
    for (int c = 0; c < s->config.noise_channels; c++)
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x++)
                *to++ = tw_noise_at(s->seed, tile->plane, c, tile->at.x / s->stride + x, tile->at.y / s->stride + y);
    return TW_OK;
}

static tw_status check_numbers(const tw_sealed *s, const tw_sealed_tile *tile, tw_error *err)
{
    for (int64_t i = 0; i < tile->out.w * tile->out.h; i++)
        if (!isfinite(tile->out.data[i]))
            return tw_fail(err, TW_ERROR_RUN, "%s gave values that are no numbers at %lld,%lld", s->name,
                           (long long)(tile->at.x + i % tile->out.w / 3), (long long)(tile->at.y + i / tile->out.w));
    return TW_OK;
}

tw_status tw_sealed_compute(tw_op_state *state, tw_interpolate_worker *worker, tw_sealed_tile *tile, tw_error *err)
{
    const tw_sealed *s = state->sealed;
    if (tile->at.w > INT32_MAX || tile->at.h > INT32_MAX)
        return tw_fail(err, TW_ERROR_RUN, "%s: a tile of %lldx%lld is too large", s->name, (long long)tile->at.w,
                       (long long)tile->at.h);
    TW_TRY(read_pair(state, worker, tile, err));
    if (s->config.noise_channels > 0)
        TW_TRY(fill_noise(s, worker, tile, err));
    TW_TRY(tw_engine_tensor(worker->engine, 3 * tile->at.w, tile->at.h, 1, &tile->out, err));
    if (!s->callbacks) {
        TW_TRY(tw_sealed_run_net(state, worker, tile, err));
        return check_numbers(s, tile, err);
    }
    tw_pair_tile call = {.a = tile->in[0].data, .b = tile->in[1].data, .noise = tile->noise.data, .time = state->time};
    call.x = tile->at.x, call.y = tile->at.y;
    call.width = (int32_t)tile->at.w, call.height = (int32_t)tile->at.h;
    call.seed = s->seed;
    call.steps = s->steps;
    call.plane = tile->plane;
    TW_TRY(tw_engine_run_pair(worker->engine, &call, tile->out.data, err));
    return check_numbers(s, tile, err);
}

void tw_sealed_release_inputs(tw_sealed_tile *tile)
{
    tw_tensor_release(&tile->noise);
    tw_tensor_release(&tile->in[1]);
    tw_tensor_release(&tile->in[0]);
}

void tw_sealed_release(tw_sealed_tile *tile)
{
    tw_tensor_release(&tile->apart);
    tw_tensor_release(&tile->cells);
    tw_tensor_release(&tile->disagree);
    tw_tensor_release(&tile->out);
    tw_sealed_release_inputs(tile);
}
