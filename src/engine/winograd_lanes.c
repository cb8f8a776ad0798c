/* SPDX-License-Identifier: MIT */
/* Compiled once for each width of registers (TW_LANES floats), with the processor's instructions of that width. */
#include "engine/winograd_lanes.h"

#include <string.h>

#if TW_LANES == 16
#define RUN tw_winograd_run_16
#elif TW_LANES == 8
#define RUN tw_winograd_run_8
#else
#define RUN tw_winograd_run_4
#endif

typedef float vec __attribute__((vector_size(TW_LANES * sizeof(float))));
typedef int32_t mask __attribute__((vector_size(TW_LANES * sizeof(int32_t))));
#define INLINE static inline __attribute__((always_inline))

enum { SIDE = TW_WINOGRAD_SIDE, REACH = TW_WINOGRAD_REACH, POINTS = TW_WINOGRAD_POINTS };

INLINE vec load(const float *from)
{
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store(float *to, vec v)
{
    memcpy(to, &v, sizeof v);
}

/* ---- transforms along one axis ---- */

static const float root_half = 0.70710678118654752F, root_two = 1.41421356237309505F;

/* Polynomials with zeros at all points but one, applied to the samples. */
INLINE void transform_in(const vec d[REACH], vec at[REACH])
{
    vec even = d[4] - 2.0F * d[2], odd = root_half * (d[3] - 2.0F * d[1]);
    vec even_two = d[4] - 0.5F * d[2], odd_two = root_two * (d[3] - 0.5F * d[1]);
    at[0] = d[0] - 2.5F * d[2] + d[4];
    at[1] = even + odd;
    at[2] = even - odd;
    at[3] = even_two + odd_two;
    at[4] = even_two - odd_two;
    at[5] = d[1] - 2.5F * d[3] + d[5];
}

/* Powers of the points. */
INLINE void transform_out(const vec at[REACH], vec y[SIDE])
{
    vec sum = at[1] + at[2], difference = at[1] - at[2], sum_two = at[3] + at[4], difference_two = at[3] - at[4];
    y[0] = at[0] + sum + sum_two;
    y[1] = root_half * difference + root_two * difference_two;
    y[2] = 0.5F * sum + 2.0F * sum_two;
    y[3] = (root_half * 0.5F) * difference + (root_two * 2.0F) * difference_two + at[5];
}

/* ---- one block ---- */

/* One sample of a row, wherever it lies. */
INLINE vec sample(const tw_winograd_call *call, const tw_winograd_row *row, int64_t x)
{
    if (!row->inside || x < call->begin || x >= call->end)
        return (vec){0};
    return load((x < call->seam ? row->left : row->main) + x * TW_LANES);
}

static void gather(const tw_winograd_call *call, const tw_winograd_row *rows, int64_t n_rows, int64_t x, vec d[REACH][REACH])
{
    for (int v = 0; v < REACH; v++)
        for (int u = 0; u < REACH; u++)
            d[v][u] = v < n_rows ? sample(call, rows + v, x + u) : (vec){0};
}

INLINE void block_in(const vec d[REACH][REACH], float *to, int64_t step)
{
    vec half[REACH][REACH];
    for (int u = 0; u < REACH; u++) {
        vec column[REACH], at[REACH];
        for (int v = 0; v < REACH; v++)
            column[v] = d[v][u];
        transform_in(column, at);
        for (int v = 0; v < REACH; v++)
            half[v][u] = at[v];
    }
    for (int v = 0; v < REACH; v++) {
        vec at[REACH];
        transform_in(half[v], at);
        for (int u = 0; u < REACH; u++)
            store(to + (v * REACH + u) * step, at[u]);
    }
}

static void read_block(const tw_winograd_call *call, const tw_winograd_row *rows, int64_t n_rows, int64_t x, float *to,
                       int64_t step)
{
    vec d[REACH][REACH];
    bool plain = n_rows >= REACH && x >= call->seam && x + REACH <= call->end;
    for (int v = 0; v < REACH && plain; v++)
        plain = rows[v].inside;
    if (plain) {
        for (int v = 0; v < REACH; v++)
            for (int u = 0; u < REACH; u++)
                d[v][u] = load(rows[v].main + (x + u) * TW_LANES);
        block_in(d, to, step);
    } else {
        gather(call, rows, n_rows, x, d);
        block_in(d, to, step);
    }
}

INLINE vec activated(vec v, const float *slope)
{
    vec low = v * load(slope);
    mask positive = v > (vec){0};
    return (vec)((positive & (mask)v) | (~positive & (mask)low));
}

static void write_block(const float *from, int64_t step, const float *bias, const float *slope, int64_t w, int64_t h, float *to,
                        int64_t row)
{
    vec half[SIDE][REACH], add = load(bias);
    for (int u = 0; u < REACH; u++) {
        vec at[REACH], y[SIDE];
        for (int v = 0; v < REACH; v++)
            at[v] = load(from + (v * REACH + u) * step);
        transform_out(at, y);
        for (int v = 0; v < SIDE; v++)
            half[v][u] = y[v];
    }
    for (int v = 0; v < SIDE && v < h; v++) {
        vec y[SIDE];
        transform_out(half[v], y);
        for (int u = 0; u < SIDE; u++) {
            vec value = y[u] + add;
            if (slope)
                value = activated(value, slope);
            if (u < w)
                store(to + v * row + u * TW_LANES, value);
        }
    }
}

/* ---- the product ---- */

/* `blocks` x (registers * lanes) results, kept in registers all the while. */
#define PRODUCT(blocks, registers)                                                                                             \
    static void product_##registers(const float *from, const float *weights, float *to, int64_t in, int64_t out)               \
    {                                                                                                                          \
        vec sum[blocks][registers];                                                                                            \
        for (int b = 0; b < (blocks); b++)                                                                                     \
            for (int r = 0; r < (registers); r++)                                                                              \
                sum[b][r] = (vec){0};                                                                                          \
        for (int64_t i = 0; i < in; i++) {                                                                                     \
            vec weight[registers];                                                                                             \
            for (int r = 0; r < (registers); r++)                                                                              \
                weight[r] = load(weights + (i * (registers) + r) * TW_LANES);                                                  \
            for (int b = 0; b < (blocks); b++)                                                                                 \
                for (int r = 0; r < (registers); r++)                                                                          \
                    sum[b][r] += weight[r] * from[b * in + i];                                                                 \
        }                                                                                                                      \
        for (int b = 0; b < (blocks); b++)                                                                                     \
            for (int r = 0; r < (registers); r++)                                                                              \
                store(to + b * out + r * TW_LANES, sum[b][r]);                                                                 \
    }

#if TW_LANES == 16 /* 32 registers */
PRODUCT(6, 4)
PRODUCT(6, 3)
PRODUCT(12, 2)
#else
PRODUCT(6, 2)
#endif
PRODUCT(12, 1)

/* All blocks by one group of channels, `registers` wide. Rows up to a multiple of a product's are computed too; nobody reads them. */
static void multiply(int registers, const float *from, const float *weights, float *to, int64_t n, int64_t in, int64_t out)
{
    int64_t at = 0;
    switch (registers) {
#if TW_LANES == 16
    case 4:
        for (; at < n; at += 6)
            product_4(from + at * in, weights, to + at * out, in, out);
        break;
    case 3:
        for (; at < n; at += 6)
            product_3(from + at * in, weights, to + at * out, in, out);
        break;
    case 2:
        for (; at < n; at += 12)
            product_2(from + at * in, weights, to + at * out, in, out);
        break;
#else
    case 2:
        for (; at < n; at += 6)
            product_2(from + at * in, weights, to + at * out, in, out);
        break;
#endif
    default:
        for (; at < n; at += 12)
            product_1(from + at * in, weights, to + at * out, in, out);
    }
}

/* ---- the whole ---- */

typedef struct blocks {
    int64_t across, first, n, room; /* blocks in a row; those of this turn; and as many as there is room for */
    float *in, *out;                /* [point][room][channels] */
} blocks;

static void read_blocks(const tw_winograd *w, const tw_winograd_call *call, const blocks *b)
{
    int64_t height = call->out_h + REACH - SIDE;
    for (int64_t pack = 0; pack < w->in / TW_LANES; pack++)
        for (int64_t i = 0; i < b->n; i++) {
            int64_t y = (b->first + i) / b->across * SIDE, x = (b->first + i) % b->across * SIDE;
            read_block(call, call->rows + pack * height + y, height - y, x, b->in + i * w->in + pack * TW_LANES,
                       b->room * w->in);
        }
}

/* What products take beyond the last block. */
static void clear_rest(const tw_winograd *w, const blocks *b)
{
    int64_t end = (b->n + 11) / 12 * 12;
    for (int64_t p = 0; p < POINTS; p++)
        memset(b->in + (p * b->room + b->n) * w->in, 0, (size_t)((end - b->n) * w->in) * sizeof(float));
}

static void multiply_blocks(const tw_winograd *w, const blocks *b)
{
    int64_t group = tw_winograd_group(TW_LANES);
    for (int64_t p = 0; p < POINTS; p++)
        for (int64_t o = 0; o < w->out; o += group) {
            int64_t wide = o + group < w->out ? group : w->out - o;
            multiply((int)(wide / TW_LANES), b->in + p * b->room * w->in, w->weights + (p * w->out + o) * w->in,
                     b->out + p * b->room * w->out + o, b->n, w->in, w->out);
        }
}

static void write_blocks(const tw_winograd *w, const tw_winograd_call *call, const blocks *b)
{
    for (int64_t o = 0; o < w->out; o += TW_LANES)
        for (int64_t i = 0; i < b->n; i++) {
            int64_t y = (b->first + i) / b->across * SIDE, x = (b->first + i) % b->across * SIDE;
            write_block(b->out + i * w->out + o, b->room * w->out, w->bias + o, w->slope ? w->slope + o : NULL, call->out_w - x,
                        call->out_h - y, call->to + o / TW_LANES * call->to_step + (y * call->out_w + x) * TW_LANES,
                        call->out_w * TW_LANES);
        }
}

void RUN(const tw_winograd *w, const tw_winograd_call *call)
{
    int64_t across = (call->out_w + SIDE - 1) / SIDE, all = across * ((call->out_h + SIDE - 1) / SIDE);
    blocks b = {.across = across, .room = (call->block + 11) / 12 * 12, .in = call->work};
    b.out = b.in + POINTS * b.room * w->in;
    for (; b.first < all; b.first += call->block) {
        b.n = all - b.first < call->block ? all - b.first : call->block;
        read_blocks(w, call, &b);
        clear_rest(w, &b);
        multiply_blocks(w, &b);
        write_blocks(w, call, &b);
    }
}
