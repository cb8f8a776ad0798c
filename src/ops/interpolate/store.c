/* SPDX-License-Identifier: MIT */
#include "ops/interpolate/store.h"

#include <string.h>

#define SIDE  64 /* of a block: its channels lie one behind the other */
#define BLOCK (SIDE * SIDE)

static int64_t blocks_of(int64_t n)
{
    return tw_ceil_div(n, SIDE);
}

int64_t tw_store_bytes(int64_t w, int64_t h, int channels)
{
    return blocks_of(w) * blocks_of(h) * channels * BLOCK * (int64_t)sizeof(float);
}

tw_status tw_store_open(tw_context *context, int64_t w, int64_t h, int channels, bool in_memory, tw_store *out, tw_error *err)
{
    int64_t bytes = tw_store_bytes(w, h, channels);
    *out = (tw_store){.w = w, .h = h, .channels = channels};
    if (!in_memory)
        return tw_scratch_open(tw_context_scratch(context), bytes, &out->file, err);
    out->memory = tw_alloc(tw_context_account(context), (size_t)bytes);
    return out->memory ? TW_OK : tw_fail_memory(err, "blobs between stages", bytes);
}

void tw_store_close(tw_store *store)
{
    tw_free(store->memory);
    if (store->file)
        tw_scratch_close(store->file);
    *store = (tw_store){0};
}

/* The part of a rectangle that lies in one block, and where that block's channels begin, in floats. */
typedef struct part {
    tw_rect rect;
    int64_t at;
} part;

static part part_at(const tw_store *store, tw_rect rect, int64_t x, int64_t y)
{
    part p = {{x, y, 0, 0}, (y / SIDE * blocks_of(store->w) + x / SIDE) * store->channels * BLOCK};
    p.rect.w = tw_min64((x / SIDE + 1) * SIDE, rect.x + rect.w) - x;
    p.rect.h = tw_min64((y / SIDE + 1) * SIDE, rect.y + rect.h) - y;
    return p;
}

static void copy_rows(float *to, int64_t to_stride, const float *from, int64_t from_stride, int64_t w, int64_t h)
{
    for (int64_t y = 0; y < h; y++)
        memcpy(to + y * to_stride, from + y * from_stride, (size_t)w * sizeof *to);
}

static tw_status read_part(const tw_store *store, const part *p, float *to, int64_t stride, int64_t plane, tw_error *err)
{
    float rows[BLOCK];
    int64_t top = p->rect.y % SIDE * SIDE, left = p->rect.x % SIDE, bytes = p->rect.h * SIDE * (int64_t)sizeof *rows;
    for (int c = 0; c < store->channels; c++) {
        int64_t at = p->at + c * BLOCK + top;
        if (store->file)
            TW_TRY(tw_scratch_read(store->file, rows, bytes, at * (int64_t)sizeof *rows, err));
        copy_rows(to + c * plane, stride, (store->file ? rows : store->memory + at) + left, SIDE, p->rect.w, p->rect.h);
    }
    return TW_OK;
}

/* Whole rows of a block go at once, parts of rows one by one: what lies beside them may be another worker's. */
static tw_status write_part(const tw_store *store, const part *p, const float *from, int64_t stride, int64_t plane,
                            tw_error *err)
{
    float rows[BLOCK];
    int64_t top = p->rect.y % SIDE * SIDE, left = p->rect.x % SIDE, size = (int64_t)sizeof *rows;
    for (int c = 0; c < store->channels; c++, from += plane) {
        int64_t at = p->at + c * BLOCK + top + left;
        if (!store->file) {
            copy_rows(store->memory + at, SIDE, from, stride, p->rect.w, p->rect.h);
        } else if (p->rect.w == SIDE) {
            copy_rows(rows, SIDE, from, stride, SIDE, p->rect.h);
            TW_TRY(tw_scratch_write(store->file, rows, p->rect.h * SIDE * size, at * size, err));
        } else {
            for (int64_t y = 0; y < p->rect.h; y++)
                TW_TRY(tw_scratch_write(store->file, from + y * stride, p->rect.w * size, (at + y * SIDE) * size, err));
        }
    }
    return TW_OK;
}

tw_status tw_store_read(const tw_store *store, tw_rect rect, float *to, int64_t stride, int64_t plane, tw_error *err)
{
    part p;
    for (int64_t y = rect.y; y < rect.y + rect.h; y += p.rect.h)
        for (int64_t x = rect.x; x < rect.x + rect.w; x += p.rect.w) {
            p = part_at(store, rect, x, y);
            TW_TRY(read_part(store, &p, to + (y - rect.y) * stride + x - rect.x, stride, plane, err));
        }
    return TW_OK;
}

tw_status tw_store_write(const tw_store *store, tw_rect rect, const float *from, int64_t stride, int64_t plane, tw_error *err)
{
    part p;
    for (int64_t y = rect.y; y < rect.y + rect.h; y += p.rect.h)
        for (int64_t x = rect.x; x < rect.x + rect.w; x += p.rect.w) {
            p = part_at(store, rect, x, y);
            TW_TRY(write_part(store, &p, from + (y - rect.y) * stride + x - rect.x, stride, plane, err));
        }
    return TW_OK;
}
