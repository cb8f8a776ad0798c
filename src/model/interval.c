/* SPDX-License-Identifier: MIT */
/* One layer on one axis. Only integer arithmetic: the bounds that geometry.c puts on strides, pads and rates keep it
 * inside 64 bits. */
#include "model/interval.h"

#include "model/layers.h"

static int64_t ceil_of(int64_t a, int64_t b)
{
    return -tw_floor_div(-a, b);
}

tw_map tw_map_identity(void)
{
    return (tw_map){.kind = TW_MAP_WINDOW, .extent = 1, .stride = 1, .up = 1, .down = 1};
}

tw_map tw_map_at(const tw_map *map, int64_t n_in)
{
    tw_map m = *map;
    if (m.same && m.kind == TW_MAP_WINDOW) {
        int64_t total = m.extent + (n_in - 1) / m.stride * m.stride - n_in;
        total = tw_max64(total, 0);
        m.pad = m.same == 1 ? total / 2 : total - total / 2;
        m.pad_end = total - m.pad;
        m.same = 0;
    }
    return m;
}

int64_t tw_map_length(const tw_map *map, int64_t n_in)
{
    tw_map m = tw_map_at(map, n_in);
    if (m.fixed > 0)
        return m.fixed;
    switch (m.kind) {
    case TW_MAP_WINDOW: {
        int64_t room = n_in + m.pad + m.pad_end - m.extent;
        if (room < 0)
            return 0;
        return (m.round_up ? ceil_of(room, m.stride) : room / m.stride) + 1;
    }
    case TW_MAP_TRANSPOSED:
        return (n_in - 1) * m.stride + m.extent - m.pad - m.pad_end;
    case TW_MAP_RESIZE:
        return tw_floor_div(n_in * m.up, m.down);
    case TW_MAP_NONE:
        break;
    }
    return 0;
}

/* floor of the position in the input that output o stands at */
static int64_t position(const tw_map *m, int64_t o)
{
    if (m->centred)
        return tw_floor_div((2 * o + 1) * m->down - m->up, 2 * m->up);
    return tw_floor_div(o * m->down, m->up);
}

int64_t tw_map_lo(const tw_map *m, int64_t o, int64_t n_in)
{
    switch (m->kind) {
    case TW_MAP_WINDOW: {
        int64_t lo = o * m->stride - m->pad;
        /* the mirrored tail reads back to n_in - 1 - pad_end */
        return m->edge == TW_EDGE_REFLECT && m->pad_end > 0 ? tw_min64(lo, n_in - 1 - m->pad_end) : lo;
    }
    case TW_MAP_TRANSPOSED:
        return ceil_of(o + m->pad - (m->extent - 1), m->stride);
    case TW_MAP_RESIZE:
        return position(m, o) - m->before;
    case TW_MAP_NONE:
        break;
    }
    return 0;
}

int64_t tw_map_hi(const tw_map *m, int64_t o, int64_t n_in)
{
    (void)n_in;
    switch (m->kind) {
    case TW_MAP_WINDOW: {
        int64_t hi = o * m->stride - m->pad + m->extent;
        return m->edge == TW_EDGE_REFLECT && m->pad > 0 ? tw_max64(hi, m->pad + 1) : hi;
    }
    case TW_MAP_TRANSPOSED:
        return tw_floor_div(o + m->pad, m->stride) + 1;
    case TW_MAP_RESIZE:
        return position(m, o) + m->after + 1;
    case TW_MAP_NONE:
        break;
    }
    return 0;
}

int64_t tw_map_front(const tw_map *m, int64_t f)
{
    int64_t k;
    switch (m->kind) {
    case TW_MAP_WINDOW: {
        int64_t front = tw_floor_div(f + m->pad - m->extent, m->stride) + 1;
        bool early = (m->edge == TW_EDGE_REFLECT && f < m->pad + 1) || (m->edge == TW_EDGE_REPEAT && f < 1);
        return early ? tw_min64(front, 0) : front;
    }
    case TW_MAP_TRANSPOSED:
        return f * m->stride - m->pad;
    case TW_MAP_RESIZE: /* how many o have position(o) + after + 1 <= f */
        k = f - m->after;
        return m->centred ? ceil_of((2 * k + 1) * m->up - m->down, 2 * m->down) : ceil_of(k * m->up, m->down);
    case TW_MAP_NONE:
        break;
    }
    return INT64_MAX / 4; /* waits for nothing */
}

tw_span tw_map_window(const tw_map *m, tw_span out, int64_t n_in)
{
    if (out.hi <= out.lo || m->kind == TW_MAP_NONE || n_in < 1)
        return (tw_span){0, 0};
    int64_t lo = tw_map_lo(m, out.lo, n_in), hi = tw_map_hi(m, out.hi - 1, n_in);
    if (m->edge != TW_EDGE_ZERO || m->kind == TW_MAP_RESIZE) {
        lo = tw_clamp64(lo, 0, n_in - 1); /* outside lies the border sample: at least that one is read */
        hi = tw_clamp64(hi, lo + 1, n_in);
    }
    lo = tw_clamp64(lo, 0, n_in);
    hi = tw_clamp64(hi, 0, n_in);
    return hi > lo ? (tw_span){lo, hi} : (tw_span){0, 0};
}

tw_ratio tw_ratio_times(tw_ratio a, int64_t num, int64_t den)
{
    int64_t n = a.num * num, d = a.den * den;
    int64_t x = n, y = d;
    while (y) {
        int64_t r = x % y;
        x = y;
        y = r;
    }
    n /= x;
    d /= x;
    if (n < 1 || d < 1 || n > TW_MAX_RATE || d > TW_MAX_RATE)
        return (tw_ratio){0, 0};
    return (tw_ratio){n, d};
}
