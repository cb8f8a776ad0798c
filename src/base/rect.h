/* SPDX-License-Identifier: MIT */
/** Rectangles and intervals in pixels, 64 bit. Intervals are half open: [lo, hi). */
#ifndef TW_BASE_RECT_H
#define TW_BASE_RECT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tw_span {
    int64_t lo, hi;
} tw_span;

static inline int64_t tw_span_length(tw_span span)
{
    return span.hi - span.lo;
}

static inline bool tw_span_empty(tw_span span)
{
    return span.hi <= span.lo;
}

typedef struct tw_rect {
    int64_t x, y, w, h;
} tw_rect;

static inline int64_t tw_min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t tw_max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static inline int64_t tw_clamp64(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}
static inline int64_t tw_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}
/** Least common multiple of two positive numbers. */
static inline int64_t tw_lcm64(int64_t a, int64_t b)
{
    int64_t x = a, y = b;
    while (y) {
        int64_t r = x % y;
        x = y;
        y = r;
    }
    return a / x * b;
}

static inline tw_rect tw_rect_of(tw_span x, tw_span y)
{
    return (tw_rect){x.lo, y.lo, x.hi - x.lo, y.hi - y.lo};
}

/** Index of a pixel beyond an axis of length n by reflect-101 (edge not repeated), repeated for tiny n; n = 1 replicates. */
static inline int64_t tw_reflect101(int64_t i, int64_t n)
{
    if (n == 1)
        return 0;
    int64_t period = 2 * (n - 1);
    i %= period;
    if (i < 0)
        i += period;
    return i < n ? i : period - i;
}

#endif
