/* SPDX-License-Identifier: MIT */
#include "ops/upscale/state.h"

#include "model/memory.h"

static tw_span by_number(const tw_op_state *state, int axis, tw_span out, int64_t halo)
{
    const tw_axis *a = &state->axis[axis];
    tw_span span = {out.lo / state->scale - halo, tw_ceil_div(out.hi, state->scale) + halo};
    if (state->model) { /* the canvas lies around the picture: result 0 reads canvas 0 .. 2 * before */
        span.hi += a->canvas - a->picture;
    }
    return (tw_span){tw_max64(span.lo, 0), tw_min64(span.hi, a->canvas)};
}

static tw_span net_span(const tw_op_state *state, int axis, tw_span out)
{
    if (state->fixed_halo >= 0)
        return by_number(state, axis, out, state->fixed_halo);
    return tw_geometry_need(state->model->graph, state->model->geometry, axis, state->axis[axis].canvas, out);
}

tw_span tw_upscale_canvas_span(const tw_op_state *state, int axis, tw_span out)
{
    int64_t n = state->axis[axis].canvas, align = state->align;
    if (state->whole)
        return (tw_span){0, n};
    tw_span span = net_span(state, axis, out);
    if (state->tta) { /* the same tile mirrored must do, too */
        int64_t length = n * state->scale;
        tw_span mirrored = net_span(state, axis, (tw_span){length - out.hi, length - out.lo});
        span.lo = tw_min64(span.lo, n - mirrored.hi);
        span.hi = tw_max64(span.hi, n - mirrored.lo);
    }
    span.lo = span.lo / align * align;
    span.hi = tw_min64(tw_ceil_div(span.hi, align) * align, n);
    return span;
}

int64_t tw_upscale_picture_index(const tw_op_state *state, int axis, int64_t canvas)
{
    int64_t n = state->axis[axis].picture, i = canvas - state->axis[axis].before;
    if (i >= 0 && i < n)
        return i;
    if (state->pad == TW_PAD_ZERO)
        return -1;
    return state->pad == TW_PAD_REPLICATE ? tw_clamp64(i, 0, n - 1) : tw_reflect101(i, n);
}

static void cover(const tw_op_state *state, int axis, int64_t from, int64_t to, tw_span *span)
{
    for (int64_t c = from; c < to; c++) {
        int64_t i = tw_upscale_picture_index(state, axis, c);
        if (i < 0)
            continue;
        span->lo = tw_min64(span->lo, i);
        span->hi = tw_max64(span->hi, i + 1);
    }
}

tw_span tw_upscale_picture_span(const tw_op_state *state, int axis, tw_span canvas)
{
    const tw_axis *a = &state->axis[axis];
    int64_t end = a->before + a->picture;
    tw_span inside = {tw_clamp64(canvas.lo - a->before, 0, a->picture - 1), tw_clamp64(canvas.hi - a->before, 1, a->picture)};
    cover(state, axis, canvas.lo, tw_min64(canvas.hi, a->before), &inside);
    cover(state, axis, tw_max64(canvas.lo, end), canvas.hi, &inside);
    return inside;
}

static tw_span widen(tw_span span, int64_t by, int64_t n)
{
    return (tw_span){tw_max64(span.lo - by, 0), tw_min64(span.hi + by, n)};
}

tw_rect tw_upscale_need(const tw_op_state *state, int pass, int input, tw_rect out)
{
    out = tw_upscale_in_whole(state, pass, out);
    tw_span x = {out.x, out.x + out.w}, y = {out.y, out.y + out.h};
    x = tw_upscale_picture_span(state, 0, tw_upscale_canvas_span(state, 0, x));
    y = tw_upscale_picture_span(state, 1, tw_upscale_canvas_span(state, 1, y));
    if (state->in.alpha) {
        x = widen(x, TW_BLEED, state->in.width);
        y = widen(y, TW_BLEED, state->in.height);
    }
    return tw_rect_of(x, y);
}

int64_t tw_upscale_tile_length(const tw_op_state *state, int axis, int64_t n)
{
    const tw_axis *a = &state->axis[axis];
    if (state->whole || n >= a->result)
        return a->canvas;
    int64_t core = tw_ceil_div(n, state->scale), around;
    if (state->fixed_halo >= 0)
        around = 2 * state->fixed_halo + (state->model ? a->canvas - a->picture : 0);
    else {
        const int64_t *halo = state->model->geometry->halo; /* counted on the canvas */
        around = halo[axis] + halo[axis + 2];
        if (state->tta)
            around = 2 * tw_max64(halo[axis], halo[axis + 2]);
    }
    return tw_min64(core + around + 2 * (state->align - 1) + 1, a->canvas);
}

int64_t tw_upscale_bytes(const tw_op_state *state, int pass, int64_t w, int64_t h)
{
    tw_role role = tw_upscale_role(state, pass);
    int64_t tile_w = tw_upscale_tile_length(state, 0, w), tile_h = tw_upscale_tile_length(state, 1, h);
    int64_t margin = state->in.alpha ? 2 * TW_BLEED : 0;
    int64_t picture = (tile_w + margin) * (tile_h + margin) * 4 * (state->in.alpha ? 7 : 3);
    int64_t result = tile_w * tile_h * state->scale * state->scale * 12;
    int64_t bytes = picture + w * 8 + (tile_w + margin) * 8 + (64 << 10);
    bytes += tw_upscale_direct_bytes(state, tile_w + margin, tile_h + margin);
    if (state->callbacks) {
        int64_t own = state->tiling.bytes_per_pixel > 0 ? state->tiling.bytes_per_pixel : 64;
        bytes += tile_w * tile_h * (own + 36) + 2 * result; /* planar and interleaved, both ways */
    } else {
        int64_t net =
            tw_op_device_used(&state->device)
                ? tw_upscale_host_tile(state, role.kind == TW_ROLE_MEANS ? role.level : state->levels, tile_w, tile_h)
                : tw_memory_tile(state->model->graph, state->model->geometry, tw_upscale_means(state) != NULL, tile_w, tile_h);
        bytes += net + net / 16 + (512 << 10); /* holes between blocks of the arena, heads of small ones */
    }
    if (role.kind == TW_ROLE_COMPARE) /* the other result */
        bytes += result + 24 * w;
    if (state->tta) /* a turned tile, and the sum of the results */
        bytes += tile_w * tile_h * 12 + 2 * result;
    return bytes;
}

int64_t tw_upscale_vram(const tw_op_state *state, int pass, int64_t w, int64_t h)
{
    (void)pass; /* the last one's peak bounds all */
    return tw_op_device_used(&state->device)
               ? tw_upscale_device_tile(state, tw_upscale_tile_length(state, 0, w), tw_upscale_tile_length(state, 1, h))
               : 0;
}
