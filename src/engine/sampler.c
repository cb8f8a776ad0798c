/* SPDX-License-Identifier: MIT */
#include "engine/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/layer.h"
#include "engine/sampler_layer.h"

#define SIDE (TW_SAMPLER_BLOCK + 1)

/* ---- blocks ---- */

typedef struct slot {
    int64_t block; /* -1: empty */
    int64_t stride, plane;
    float *samples;
    bool used; /* since the hand came by */
} slot;

struct tw_sampler {
    tw_sampled source;
    int64_t across, down;
    int32_t *slot_of; /* per block of the source, -1: not there */
    int n_slots, hand;
    slot *slots;
};

static int64_t block_floats(int channels)
{
    return ((int64_t)SIDE * SIDE * channels + 15) / 16 * 16;
}

static int64_t blocks_of(int64_t n)
{
    return tw_ceil_div(n, TW_SAMPLER_BLOCK);
}

int64_t tw_sampler_bytes(int64_t w, int64_t h, int channels, int blocks)
{
    int64_t table = blocks_of(w) * blocks_of(h) * (int64_t)sizeof(int32_t);
    return table + blocks * (block_floats(channels) * (int64_t)sizeof(float) + (int64_t)sizeof(slot)) + 16384;
}

tw_status tw_sampler_new(const tw_sampled *source, int blocks, tw_account *account, tw_sampler **out, tw_error *err)
{
    tw_sampler *cache = calloc(1, sizeof *cache);
    *out = NULL;
    if (!cache)
        return tw_fail_memory(err, "blocks to warp", sizeof *cache);
    cache->source = *source;
    cache->across = blocks_of(source->w);
    cache->down = blocks_of(source->h);
    cache->n_slots = blocks;
    int64_t count = cache->across * cache->down, floats = block_floats(source->channels);
    cache->slot_of = tw_alloc(account, (size_t)count * sizeof *cache->slot_of);
    cache->slots = tw_alloc(account, (size_t)blocks * sizeof *cache->slots);
    float *samples = tw_alloc(account, (size_t)(blocks * floats) * sizeof *samples);
    if (!cache->slot_of || !cache->slots || !samples) {
        tw_free(samples);
        tw_free(cache->slots);
        tw_free(cache->slot_of);
        free(cache);
        return tw_fail_memory(err, "blocks to warp", tw_sampler_bytes(source->w, source->h, source->channels, blocks));
    }
    memset(cache->slot_of, 0xff, (size_t)count * sizeof *cache->slot_of);
    for (int i = 0; i < blocks; i++)
        cache->slots[i] = (slot){.block = -1, .samples = samples + i * floats};
    *out = cache;
    return TW_OK;
}

void tw_sampler_free(tw_sampler *cache)
{
    if (!cache)
        return;
    tw_free(cache->slots[0].samples);
    tw_free(cache->slots);
    tw_free(cache->slot_of);
    free(cache);
}

/* The next block that was not used since the hand passed it last. */
static slot *free_slot(tw_sampler *cache)
{
    for (;;) {
        slot *s = &cache->slots[cache->hand];
        cache->hand = (cache->hand + 1) % cache->n_slots;
        if (!s->used) {
            if (s->block >= 0)
                cache->slot_of[s->block] = -1;
            s->block = -1;
            return s;
        }
        s->used = false;
    }
}

static const slot *load_block(tw_sampler *cache, int64_t bx, int64_t by, tw_error *err)
{
    int64_t block = by * cache->across + bx;
    slot *s = free_slot(cache);
    tw_rect rect = {bx * TW_SAMPLER_BLOCK, by * TW_SAMPLER_BLOCK, SIDE, SIDE};
    rect.w = tw_min64(rect.w, cache->source.w - rect.x);
    rect.h = tw_min64(rect.h, cache->source.h - rect.y);
    if (cache->source.read(cache->source.user, rect, s->samples, err) != TW_OK)
        return NULL;
    s->block = block;
    s->stride = rect.w;
    s->plane = rect.w * rect.h;
    s->used = true;
    cache->slot_of[block] = (int32_t)(s - cache->slots);
    return s;
}

static inline const slot *find_block(tw_sampler *cache, int64_t bx, int64_t by, tw_error *err)
{
    int32_t at = cache->slot_of[by * cache->across + bx];
    if (at < 0)
        return load_block(cache, bx, by, err);
    cache->slots[at].used = true;
    return &cache->slots[at];
}

/* ---- sampling ---- */

/* A sample's place on one axis: a whole number inside [0, n) and what lies between it and the next. */
static inline int64_t place(int64_t own, float flow, int64_t n, float *part)
{
    if (!(fabsf(flow) < 1e9f)) { /* no number: neither is the result */
        *part = flow - flow;
        return own < n ? own : n - 1;
    }
    float whole = floorf(flow);
    int64_t at = own + (int64_t)whole;
    *part = flow - whole;
    if (at < 0) {
        *part = 0;
        return 0;
    }
    if (at >= n - 1) {
        *part = 0;
        return n - 1;
    }
    return at;
}

/* A flow and the picture at its ends, both as planes `*_plane` floats apart and `width` wide. */
typedef struct warping {
    tw_sampler *cache;
    const float *flow;
    float *out;
    int64_t width, flow_plane, out_plane;
    int64_t x, y; /* of their first sample in the source */
} warping;

static bool warp_row(const warping *w, int64_t y, int64_t from, int64_t to, tw_error *err)
{
    tw_sampler *cache = w->cache;
    const tw_sampled *source = &cache->source;
    const float *fx = w->flow + y * w->width, *fy = fx + w->flow_plane;
    const slot *s = NULL;
    int64_t left = 0, top = 0; /* of s */
    for (int64_t x = from; x < to; x++) {
        float a, b;
        int64_t px = place(w->x + x, fx[x], source->w, &a), py = place(w->y + y, fy[x], source->h, &b);
        if (!s || (uint64_t)(px - left) >= TW_SAMPLER_BLOCK || (uint64_t)(py - top) >= TW_SAMPLER_BLOCK) {
            s = find_block(cache, px / TW_SAMPLER_BLOCK, py / TW_SAMPLER_BLOCK, err);
            if (!s)
                return false;
            left = px / TW_SAMPLER_BLOCK * TW_SAMPLER_BLOCK;
            top = py / TW_SAMPLER_BLOCK * TW_SAMPLER_BLOCK;
        }
        const float *p = s->samples + (py - top) * s->stride + px - left;
        int64_t right = px + 1 < source->w, below = py + 1 < source->h ? s->stride : 0;
        float *out = w->out + y * w->width + x;
        for (int c = 0; c < source->channels; c++, p += s->plane, out += w->out_plane) {
            float upper = p[0] * (1 - a) + p[right] * a, lower = p[below] * (1 - a) + p[below + right] * a;
            *out = upper * (1 - b) + lower * b;
        }
    }
    return true;
}

/* In patches, so that few blocks are in use at a time. */
static bool warp_all(const warping *w, int64_t height, tw_error *err)
{
    for (int64_t y = 0; y < height; y += TW_SAMPLER_BLOCK)
        for (int64_t x = 0; x < w->width; x += TW_SAMPLER_BLOCK)
            for (int64_t row = y; row < tw_min64(y + TW_SAMPLER_BLOCK, height); row++)
                if (!warp_row(w, row, x, tw_min64(x + TW_SAMPLER_BLOCK, w->width), err))
                    return false;
    return true;
}

tw_status tw_sampler_warp(tw_sampler *sampler, const float *flow, int64_t flow_plane, int64_t w, int64_t h, int64_t x,
                          int64_t y, float *out, int64_t out_plane, tw_error *err)
{
    warping job = {sampler, flow, out, w, flow_plane, out_plane, x, y};
    return warp_all(&job, h, err) ? TW_OK : err->code;
}

/* ---- the layer ---- */

static _Thread_local tw_sampler_view *current;
static _Thread_local ncnn_allocator_t allocator;

void tw_sampler_enter(tw_sampler_view *view, ncnn_allocator_t blobs)
{
    current = view;
    allocator = blobs;
}

static int forward(const ncnn_layer_t layer, const ncnn_mat_t bottom, ncnn_mat_t *top, const ncnn_option_t option)
{
    (void)option;
    int place = atoi(ncnn_layer_get_name(layer) + strlen("tw:"));
    int w = ncnn_mat_get_w(bottom), h = ncnn_mat_get_h(bottom);
    bool known = current && place >= 0 && place < TW_FLOW_BLOBS && current->at[place].cache;
    if (!known || ncnn_mat_get_c(bottom) < 2 || ncnn_mat_get_elempack(bottom) != 1) {
        *top = ncnn_mat_create(); /* ncnn takes it apart whatever is returned */
        return -1;
    }
    warping job = {.cache = current->at[place].cache, .flow = ncnn_mat_get_channel_data(bottom, 0), .width = w};
    *top = ncnn_mat_create_3d(w, h, job.cache->source.channels, allocator);
    job.out = *top ? ncnn_mat_get_data(*top) : NULL;
    if (!job.out)
        return -100;
    job.flow_plane = (int64_t)ncnn_mat_get_cstep(bottom);
    job.out_plane = (int64_t)ncnn_mat_get_cstep(*top);
    job.x = current->at[place].x;
    job.y = current->at[place].y;
    return warp_all(&job, h, &current->error) ? 0 : -1;
}

static ncnn_layer_t create(void *user)
{
    (void)user;
    ncnn_layer_t layer = tw_layer_new();
    layer->forward_1 = forward;
    return layer;
}

void tw_sampler_register(ncnn_net_t net)
{
    ncnn_net_register_custom_layer_by_type(net, "TwWarp", create, tw_layer_free, NULL);
}
