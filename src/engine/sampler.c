/* SPDX-License-Identifier: MIT */
#include "engine/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/layer.h"
#include "engine/sampler_layer.h"

#define SIDE  (TW_SAMPLER_BLOCK + 1)
#define LANES 4

/* Four channels of one sample. */
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t wholes __attribute__((vector_size(LANES * sizeof(int32_t))));

/* ---- blocks ---- */

typedef struct slot {
    int64_t block;         /* -1: empty */
    int64_t stride, plane; /* a row, and a group of four channels, behind the one before */
    lanes *samples;
    bool used; /* since the hand came by */
} slot;

struct tw_sampler {
    tw_sampled source;
    int64_t across, down;
    int32_t *slot_of; /* per block of the source, -1: not there */
    int n_slots, hand;
    slot *slots;
    float *planes; /* a block as it is read */
};

static int64_t block_lanes(int channels)
{
    return (int64_t)SIDE * SIDE * tw_ceil_div(channels, LANES);
}

/* Bytes of one block. */
static int64_t planes_bytes(int channels)
{
    return (int64_t)SIDE * SIDE * channels * (int64_t)sizeof(float);
}

static int64_t blocks_of(int64_t n)
{
    return tw_ceil_div(n, TW_SAMPLER_BLOCK);
}

int64_t tw_sampler_bytes(int64_t w, int64_t h, int channels, int blocks)
{
    int64_t table = blocks_of(w) * blocks_of(h) * (int64_t)sizeof(int32_t);
    int64_t block = block_lanes(channels) * (int64_t)sizeof(lanes) + (int64_t)sizeof(slot);
    return table + blocks * block + planes_bytes(channels) + 16384;
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
    int64_t count = cache->across * cache->down, size = block_lanes(source->channels);
    cache->slot_of = tw_alloc(account, (size_t)count * sizeof *cache->slot_of);
    cache->slots = tw_alloc(account, (size_t)blocks * sizeof *cache->slots);
    cache->planes = tw_alloc(account, (size_t)planes_bytes(source->channels));
    lanes *samples = tw_alloc(account, (size_t)(blocks * size) * sizeof *samples);
    if (!cache->slot_of || !cache->slots || !cache->planes || !samples) {
        tw_free(samples);
        tw_free(cache->planes);
        tw_free(cache->slots);
        tw_free(cache->slot_of);
        free(cache);
        return tw_fail_memory(err, "blocks to warp", tw_sampler_bytes(source->w, source->h, source->channels, blocks));
    }
    memset(cache->slot_of, 0xff, (size_t)count * sizeof *cache->slot_of);
    for (int i = 0; i < blocks; i++)
        cache->slots[i] = (slot){.block = -1, .samples = samples + i * size};
    *out = cache;
    return TW_OK;
}

void tw_sampler_free(tw_sampler *cache)
{
    if (!cache)
        return;
    tw_free(cache->slots[0].samples);
    tw_free(cache->planes);
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

/* Planes as groups of four channels; the last group repeats the last channel for what it lacks. */
static void interleave(const float *planes, int channels, int64_t plane, lanes *to)
{
    for (int c = 0; c < channels; c += LANES, to += plane) {
        const float *from[LANES];
        for (int k = 0; k < LANES; k++)
            from[k] = planes + (c + k < channels ? c + k : channels - 1) * plane;
        for (int64_t i = 0; i < plane; i++)
            to[i] = (lanes){from[0][i], from[1][i], from[2][i], from[3][i]};
    }
}

static const slot *load_block(tw_sampler *cache, int64_t bx, int64_t by, tw_error *err)
{
    int64_t block = by * cache->across + bx;
    slot *s = free_slot(cache);
    tw_rect rect = {bx * TW_SAMPLER_BLOCK, by * TW_SAMPLER_BLOCK, SIDE, SIDE};
    rect.w = tw_min64(rect.w, cache->source.w - rect.x);
    rect.h = tw_min64(rect.h, cache->source.h - rect.y);
    if (cache->source.read(cache->source.user, rect, cache->planes, err) != TW_OK)
        return NULL;
    interleave(cache->planes, cache->source.channels, rect.w * rect.h, s->samples);
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

static inline lanes load(const float *from)
{
    lanes v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void store(float *to, lanes v)
{
    memcpy(to, &v, sizeof v);
}

static inline bool all(wholes mask)
{
    int64_t halves[2];
    memcpy(halves, &mask, sizeof halves);
    return (halves[0] & halves[1]) == -1;
}

/* Places of four neighbours. */
typedef struct four {
    wholes x, y;
    lanes a, b;
} four;

/* place() of four neighbours, `step` samples apart, by the same arithmetic. No picture has a side of 2^30. */
static inline void places(int64_t own, int step, const float *flow, int64_t n, wholes *at, lanes *part)
{
    lanes given = load(flow);
    wholes near = (given < 1e9f) & (given > -1e9f);
    given = (lanes)((wholes)given & near);
    wholes there = __builtin_convertvector(given, wholes);
    there += given < __builtin_convertvector(there, lanes);
    lanes between = given - __builtin_convertvector(there, lanes) + 0; /* never -0 */
    there += (int32_t)own + step * (wholes){0, 1, 2, 3};
    wholes last = (wholes){1, 1, 1, 1} * (int32_t)(n - 1), before = there < 0, behind = there >= last;
    *part = (lanes)((wholes)between & ~(before | behind));
    *at = (there & ~(before | behind)) | (last & behind & ~before);
    for (int k = 0; k < LANES && !all(near); k++) {
        float own_part;
        (*at)[k] = (int32_t)place(own + step * k, flow[k], n, &own_part);
        (*part)[k] = own_part;
    }
}

/* The sample between four, all channels. */
static inline void mix(const warping *w, const slot *s, const lanes *p, bool right, bool below, float a, float b, float *out)
{
    int64_t next = right, under = below ? s->stride : 0;
    for (int c = 0; c < w->cache->source.channels; c += LANES, p += s->plane) {
        lanes upper = p[0] * (1 - a) + p[next] * a, lower = p[under] * (1 - a) + p[under + next] * a;
        lanes all = upper * (1 - b) + lower * b;
        int64_t left = w->cache->source.channels - c;
        out[0] = all[0];
        if (left > 1)
            out[w->out_plane] = all[1];
        if (left > 2)
            out[2 * w->out_plane] = all[2];
        if (left > 3)
            out[3 * w->out_plane] = all[3];
        out += LANES * w->out_plane;
    }
}

#define SPREAD(v, k) __builtin_shufflevector(v, v, k, k, k, k)

static inline lanes mix_inside(const lanes *p, int64_t stride, lanes a, lanes b)
{
    lanes upper = p[0] * (1 - a) + p[1] * a, lower = p[stride] * (1 - a) + p[stride + 1] * a;
    return upper * (1 - b) + lower * b;
}

/* Four neighbours, all inside one block and none at the border. */
static inline void mix_four(const warping *w, const slot *s, const int32_t at[LANES], lanes a, lanes b, float *out)
{
    const lanes *p = s->samples;
    for (int c = 0; c < w->cache->source.channels; c += LANES, p += s->plane, out += LANES * w->out_plane) {
        lanes r0 = mix_inside(p + at[0], s->stride, SPREAD(a, 0), SPREAD(b, 0));
        lanes r1 = mix_inside(p + at[1], s->stride, SPREAD(a, 1), SPREAD(b, 1));
        lanes r2 = mix_inside(p + at[2], s->stride, SPREAD(a, 2), SPREAD(b, 2));
        lanes r3 = mix_inside(p + at[3], s->stride, SPREAD(a, 3), SPREAD(b, 3));
        lanes low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
        lanes high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7), high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
        int left = w->cache->source.channels - c;
        store(out, __builtin_shufflevector(low01, low23, 0, 1, 4, 5));
        if (left > 1)
            store(out + w->out_plane, __builtin_shufflevector(low01, low23, 2, 3, 6, 7));
        if (left > 2)
            store(out + 2 * w->out_plane, __builtin_shufflevector(high01, high23, 0, 1, 4, 5));
        if (left > 3)
            store(out + 3 * w->out_plane, __builtin_shufflevector(high01, high23, 2, 3, 6, 7));
    }
}

/* Samples of the block that the last one came from. */
typedef struct held {
    const slot *slot; /* NULL: none */
    int32_t left, top;
    int32_t inside[2]; /* samples on each axis that are followed by another one of the picture */
} held;

static bool hold(const warping *w, int32_t x, int32_t y, held *h, tw_error *err)
{
    const tw_sampled *source = &w->cache->source;
    h->left = x / TW_SAMPLER_BLOCK * TW_SAMPLER_BLOCK;
    h->top = y / TW_SAMPLER_BLOCK * TW_SAMPLER_BLOCK;
    h->inside[0] = (int32_t)tw_min64(TW_SAMPLER_BLOCK, source->w - 1 - h->left);
    h->inside[1] = (int32_t)tw_min64(TW_SAMPLER_BLOCK, source->h - 1 - h->top);
    h->slot = find_block(w->cache, x / TW_SAMPLER_BLOCK, y / TW_SAMPLER_BLOCK, err);
    return h->slot != NULL;
}

/* Up to four neighbours, wherever they come from. */
static bool mix_each(const warping *w, const four *f, int64_t n, held *h, float *out, tw_error *err)
{
    const tw_sampled *source = &w->cache->source;
    for (int64_t k = 0; k < n; k++) {
        int32_t x = f->x[k], y = f->y[k];
        bool there = h->slot && (uint32_t)(x - h->left) < TW_SAMPLER_BLOCK && (uint32_t)(y - h->top) < TW_SAMPLER_BLOCK;
        if (!there && !hold(w, x, y, h, err))
            return false;
        const lanes *p = h->slot->samples + (y - h->top) * h->slot->stride + x - h->left;
        mix(w, h->slot, p, x + 1 < source->w, y + 1 < source->h, f->a[k], f->b[k], out + k);
    }
    return true;
}

static bool warp_row(const warping *w, int64_t y, int64_t from, int64_t to, tw_error *err)
{
    const tw_sampled *source = &w->cache->source;
    const float *fx = w->flow + y * w->width, *fy = fx + w->flow_plane;
    float *out = w->out + y * w->width;
    held h = {0};
    four f;
    int64_t x = from;
    for (; x + LANES <= to; x += LANES) {
        places(w->x + x, 1, fx + x, source->w, &f.x, &f.a);
        places(w->y + y, 0, fy + x, source->h, &f.y, &f.b);
        wholes right = f.x - h.left, down = f.y - h.top;
        wholes inside = (right >= 0) & (right < h.inside[0]) & (down >= 0) & (down < h.inside[1]);
        if (h.slot && all(inside)) {
            wholes at = down * (int32_t)h.slot->stride + right;
            mix_four(w, h.slot, (const int32_t[]){at[0], at[1], at[2], at[3]}, f.a, f.b, out + x);
        } else if (!mix_each(w, &f, LANES, &h, out + x, err)) {
            return false;
        }
    }
    for (; x < to; x++) {
        float a, b;
        f.x[0] = (int32_t)place(w->x + x, fx[x], source->w, &a);
        f.y[0] = (int32_t)place(w->y + y, fy[x], source->h, &b);
        f.a[0] = a, f.b[0] = b;
        if (!mix_each(w, &f, 1, &h, out + x, err))
            return false;
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
