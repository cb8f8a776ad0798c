/* SPDX-License-Identifier: MIT */
#include "ops/interpolate/motion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS 8
#define SIDE   24   /* the shorter side of the coarsest level is no less, where the pictures' is not */
#define WINDOW 6    /* half of the side of what is compared around a block's centre */
#define STIFF  1e-3 /* difference, 1 = white, that a pixel away from the neighbours' motion must save */
#define WIDE                                                                                                                   \
    6 /* pixels around the coarsest level's motion that the next one searches: small things have motions of their own */
#define MOST     1.f /* what is compared is no larger than this; no number: this */
#define SMALLEST 1e-9

/* One halving of both pictures: grey, 1 = white. */
typedef struct level {
    int64_t w, h, columns, rows;
    const float *grey[2];
    float *v[2];
} level;

typedef struct finder {
    double time;
    int levels, coarse;
    level at[LEVELS];
    float *spare[2]; /* for medians */
} finder;

static int64_t blocks_of(int64_t n)
{
    return tw_ceil_div(n, TW_MOTION_BLOCK);
}

int64_t tw_motion_bytes(int64_t w, int64_t h)
{
    return 3 * blocks_of(w) * blocks_of(h) * (int64_t)sizeof(float) + 64;
}

int64_t tw_motion_work_bytes(int64_t w, int64_t h)
{
    int64_t floats = 2 * blocks_of(w) * blocks_of(h);
    for (int i = 0; i < LEVELS; i++, w = (w + 1) / 2, h = (h + 1) / 2)
        floats += 2 * w * h + 2 * blocks_of(w) * blocks_of(h);
    return floats * (int64_t)sizeof(float) + 64;
}

/* --- pyramid ------------------------------------------------------------------------------------------------------- */

static void fill_grey(const float *rgb, int64_t n, float *to)
{
    for (int64_t i = 0; i < n; i++) {
        float sum = (rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2]) / 3;
        to[i] = sum > -MOST && sum < 2 * MOST ? sum : MOST;
    }
}

static void halve(const float *from, int64_t w, int64_t h, float *to)
{
    for (int64_t y = 0; y < (h + 1) / 2; y++)
        for (int64_t x = 0; x < (w + 1) / 2; x++) {
            int64_t x1 = tw_min64(2 * x + 1, w - 1), y1 = tw_min64(2 * y + 1, h - 1);
            to[y * ((w + 1) / 2) + x] =
                (from[2 * y * w + 2 * x] + from[2 * y * w + x1] + from[y1 * w + 2 * x] + from[y1 * w + x1]) / 4;
        }
}

static float *lay_level(level *l, int64_t w, int64_t h, float *at)
{
    *l = (level){.w = w, .h = h, .columns = blocks_of(w), .rows = blocks_of(h)};
    for (int i = 0; i < 2; i++, at += w * h)
        l->grey[i] = at;
    for (int i = 0; i < 2; i++, at += l->columns * l->rows)
        l->v[i] = at;
    return at;
}

static void build(finder *f, const float *const rgb[2], int64_t w, int64_t h, float *room)
{
    for (int i = 0; i < 2; i++, room += blocks_of(w) * blocks_of(h))
        f->spare[i] = room;
    for (f->levels = 0; f->levels < LEVELS; f->levels++, w = (w + 1) / 2, h = (h + 1) / 2) {
        level *l = &f->at[f->levels];
        if (f->levels > f->coarse && tw_min64(w, h) < SIDE)
            break;
        room = lay_level(l, w, h, room);
        for (int i = 0; i < 2; i++)
            if (f->levels == 0)
                fill_grey(rgb[i], w * h, (float *)l->grey[i]);
            else
                halve(l[-1].grey[i], l[-1].w, l[-1].h, (float *)l->grey[i]);
    }
}

/* --- comparing ------------------------------------------------------------------------------------------------------ */

static bool inside(const level *l, double x, double y)
{
    return x >= 0 && y >= 0 && x <= (double)(l->w - 1) && y <= (double)(l->h - 1);
}

static float sample(const level *l, int picture, double x, double y)
{
    int64_t x0 = (int64_t)x, y0 = (int64_t)y, x1 = tw_min64(x0 + 1, l->w - 1), y1 = tw_min64(y0 + 1, l->h - 1);
    float fx = (float)(x - (double)x0), fy = (float)(y - (double)y0);
    const float *above = l->grey[picture] + y0 * l->w, *below = l->grey[picture] + y1 * l->w;
    float top = above[x0] + (above[x1] - above[x0]) * fx, bottom = below[x0] + (below[x1] - below[x0]) * fx;
    return top + (bottom - top) * fy;
}

/* Mean difference around a block's centre; the part that is the same for all pixels counts half, as a light that changes is no motion.
 * Where less than a quarter of the window is to be seen in both pictures, `unknown`. Infinite where it is more than `most`, at times. */
static double difference(const finder *f, const level *l, int64_t block, const double v[2], double unknown, double most)
{
    double cx = (double)(block % l->columns * TW_MOTION_BLOCK) + (TW_MOTION_BLOCK - 1) / 2.0;
    double cy = (double)(block / l->columns * TW_MOTION_BLOCK) + (TW_MOTION_BLOCK - 1) / 2.0;
    float apart[4 * WINDOW * WINDOW], sum = 0, strays = 0;
    double size = 0;
    int seen = 0;
    for (int j = -WINDOW; j < WINDOW; j++) {
        if (seen >= WINDOW * WINDOW && size > 2 * 4 * WINDOW * WINDOW * most) /* what is to come cannot help */
            return INFINITY;
        for (int i = -WINDOW; i < WINDOW; i++) {
            double x = cx + i + 0.5, y = cy + j + 0.5;
            double ax = x - v[0] * f->time, ay = y - v[1] * f->time;
            double bx = x + v[0] * (1 - f->time), by = y + v[1] * (1 - f->time);
            if (!inside(l, ax, ay) || !inside(l, bx, by))
                continue;
            apart[seen] = sample(l, 0, ax, ay) - sample(l, 1, bx, by);
            sum += apart[seen];
            size += (double)fabsf(apart[seen++]);
        }
    }
    if (seen < WINDOW * WINDOW)
        return unknown;
    float mean = sum / (float)seen;
    for (int k = 0; k < seen; k++)
        strays += fabsf(apart[k] - mean);
    return (double)(strays / (float)seen + fabsf(mean) / 2);
}

/* --- search --------------------------------------------------------------------------------------------------------- */

typedef struct search {
    const finder *f;
    const level *l;
    int64_t block;
    double expected[2]; /* where neighbours go */
    double unknown;     /* cost of what cannot be seen: less than that of what does not match, once neighbours are known */
    double best[2], cost;
} search;

static void try_shift(search *s, double x, double y)
{
    const double v[2] = {x, y};
    double stray = STIFF * hypot(x - s->expected[0], y - s->expected[1]);
    if (stray > s->cost)
        return;
    double cost = difference(s->f, s->l, s->block, v, s->unknown, s->cost - stray) + stray;
    if (cost < s->cost - SMALLEST) {
        s->cost = cost;
        s->best[0] = x, s->best[1] = y;
    }
}

static void refine(search *s, double by, int times)
{
    for (int k = 0; k < times; k++) {
        const double from[2] = {s->best[0], s->best[1]};
        for (int j = -1; j <= 1; j++)
            for (int i = -1; i <= 1; i++)
                try_shift(s, from[0] + i * by, from[1] + j * by);
        if (from[0] == s->best[0] && from[1] == s->best[1])
            break;
    }
}

/* Anywhere up to two thirds of the picture. */
static void search_all(search *s)
{
    int64_t most_x = 2 * s->l->w / 3, most_y = 2 * s->l->h / 3;
    for (int64_t y = -most_y; y <= most_y; y++)
        for (int64_t x = -most_x; x <= most_x; x++)
            try_shift(s, (double)x, (double)y);
}

static void search_around(search *s, int reach)
{
    const double from[2] = {s->best[0], s->best[1]};
    for (int j = -reach; j <= reach; j++)
        for (int i = -reach; i <= reach; i++)
            try_shift(s, from[0] + i, from[1] + j);
}

/* Where the coarser level's blocks around it go. */
static void search_near(search *s, const level *coarser, bool wide)
{
    int64_t column = s->block % s->l->columns / 2, row = s->block / s->l->columns / 2;
    int64_t own = tw_min64(row, coarser->rows - 1) * coarser->columns + tw_min64(column, coarser->columns - 1);
    for (int i = 0; i < 2; i++)
        s->expected[i] = 2 * (double)coarser->v[i][own];
    try_shift(s, s->expected[0], s->expected[1]);
    for (int64_t y = tw_max64(row - 1, 0); y < tw_min64(row + 2, coarser->rows); y++)
        for (int64_t x = tw_max64(column - 1, 0); x < tw_min64(column + 2, coarser->columns); x++) {
            int64_t at = y * coarser->columns + x;
            try_shift(s, 2 * (double)coarser->v[0][at], 2 * (double)coarser->v[1][at]);
        }
    if (wide)
        search_around(s, WIDE);
    refine(s, 1, 2);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Medians of 3 x 3 blocks: a block that erred alone follows its neighbours. */
static void smooth(const finder *f, level *l)
{
    for (int i = 0; i < 2; i++) {
        for (int64_t row = 0; row < l->rows; row++)
            for (int64_t column = 0; column < l->columns; column++) {
                float around[9];
                for (int k = 0; k < 9; k++) {
                    int64_t x = tw_clamp64(column + k % 3 - 1, 0, l->columns - 1),
                            y = tw_clamp64(row + k / 3 - 1, 0, l->rows - 1);
                    around[k] = l->v[i][y * l->columns + x];
                }
                qsort(around, 9, sizeof *around, by_value);
                f->spare[i][row * l->columns + column] = around[4];
            }
        memcpy(l->v[i], f->spare[i], (size_t)(l->columns * l->rows) * sizeof(float));
    }
}

static void find_level(const finder *f, int number)
{
    level *l = (level *)&f->at[number];
    for (int64_t block = 0; block < l->columns * l->rows; block++) {
        search s = {.f = f, .l = l, .block = block, .cost = INFINITY};
        s.unknown = number == f->levels - 1 ? 0.25 : 0.03;
        if (number == f->levels - 1)
            search_all(&s);
        else
            search_near(&s, l + 1, number == f->levels - 2);
        if (number <= f->coarse) {
            refine(&s, 0.5, 1);
            refine(&s, 0.25, 1);
        }
        for (int i = 0; i < 2; i++)
            l->v[i][block] = (float)s.best[i];
    }
    smooth(f, l);
}

/* --- result --------------------------------------------------------------------------------------------------------- */

static void give(const finder *f, tw_motion *out)
{
    const level *l = &f->at[0], *found = &f->at[f->coarse];
    double times = (double)(1 << f->coarse);
    for (int64_t block = 0; block < out->columns * out->rows; block++) {
        int64_t column = tw_min64((block % out->columns) >> f->coarse, found->columns - 1);
        int64_t row = tw_min64((block / out->columns) >> f->coarse, found->rows - 1);
        double v[2];
        for (int i = 0; i < 2; i++) {
            v[i] = times * (double)found->v[i][row * found->columns + column];
            out->v[i][block] = (float)v[i];
        }
        out->residual[block] = (float)difference(f, l, block, v, 0, INFINITY);
    }
}

tw_status tw_motion_find(tw_account *account, const float *a, const float *b, int64_t w, int64_t h, double time, int coarse,
                         tw_motion *out, tw_error *err)
{
    finder f = {.time = time, .coarse = coarse};
    *out = (tw_motion){.w = w, .h = h, .columns = blocks_of(w), .rows = blocks_of(h)};
    out->block = tw_alloc(account, (size_t)tw_motion_bytes(w, h));
    void *room = tw_alloc(account, (size_t)tw_motion_work_bytes(w, h));
    if (!out->block || !room) {
        tw_free(room);
        tw_motion_free(out);
        return tw_fail_memory(err, "motion", tw_motion_bytes(w, h) + tw_motion_work_bytes(w, h));
    }
    out->v[0] = out->block;
    out->v[1] = out->v[0] + out->columns * out->rows;
    out->residual = out->v[1] + out->columns * out->rows;
    build(&f, (const float *const[2]){a, b}, w, h, room);
    for (int number = f.levels - 1; number >= f.coarse; number--)
        find_level(&f, number);
    give(&f, out);
    tw_free(room);
    return TW_OK;
}

void tw_motion_free(tw_motion *motion)
{
    tw_free(motion->block);
    *motion = (tw_motion){0};
}

void tw_motion_at(const tw_motion *motion, double x, double y, double v[2])
{
    double u = (x + 0.5) / TW_MOTION_BLOCK - 0.5, w = (y + 0.5) / TW_MOTION_BLOCK - 0.5;
    u = fmin(fmax(u, 0), (double)(motion->columns - 1));
    w = fmin(fmax(w, 0), (double)(motion->rows - 1));
    int64_t x0 = (int64_t)u, y0 = (int64_t)w;
    int64_t right = x0 + 1 < motion->columns, below = y0 + 1 < motion->rows ? motion->columns : 0;
    for (int i = 0; i < 2; i++) {
        const float *at = motion->v[i] + y0 * motion->columns + x0;
        double top = (double)at[0] + (u - (double)x0) * (double)(at[right] - at[0]);
        double bottom = (double)at[below] + (u - (double)x0) * (double)(at[below + right] - at[below]);
        v[i] = top + (w - (double)y0) * (bottom - top);
    }
}

/* Some of the blocks in a rectangle of them: all, or those that are nearer to one of two motions. */
typedef struct group {
    const tw_motion *motion;
    tw_rect blocks;
    bool all;
    int which;
    double v[2][2];
    double far; /* which 1 without a second motion: those further than this from the first */
} group;

static double distance(const tw_motion *motion, int64_t block, const double v[2])
{
    return fmax(fabs((double)motion->v[0][block] - v[0]), fabs((double)motion->v[1][block] - v[1]));
}

static bool belongs(const group *g, int64_t block)
{
    if (g->all)
        return true;
    double first = distance(g->motion, block, g->v[0]);
    bool second = g->far > 0 ? first > g->far : distance(g->motion, block, g->v[1]) < first;
    return second == (g->which == 1);
}

/* How many belong, and how many of them are no more than `value`. */
static int64_t count(const group *g, int axis, double value, int64_t *below)
{
    int64_t n = 0;
    *below = 0;
    for (int64_t i = 0; i < g->blocks.w * g->blocks.h; i++) {
        int64_t block = (g->blocks.y + i / g->blocks.w) * g->motion->columns + g->blocks.x + i % g->blocks.w;
        bool in = belongs(g, block);
        n += in;
        *below += in && (double)g->motion->v[axis][block] <= value;
    }
    return n;
}

/* The value that half of the blocks are no more than. By halving the range: there may be any number of them. */
static void median_of(const group *g, double v[2])
{
    for (int axis = 0; axis < 2; axis++) {
        double most = (double)tw_max64(g->motion->w, g->motion->h), lo = -most, hi = most;
        while (hi - lo > 1e-2) {
            int64_t below, all = count(g, axis, (lo + hi) / 2, &below);
            if (2 * below >= all)
                hi = (lo + hi) / 2;
            else
                lo = (lo + hi) / 2;
        }
        v[axis] = (lo + hi) / 2;
    }
}

int tw_motion_groups(const tw_motion *motion, tw_rect rect, double apart, double v[2][2])
{
    group g = {.motion = motion, .all = true};
    int64_t below;
    g.blocks.x = tw_clamp64(rect.x / TW_MOTION_BLOCK, 0, motion->columns - 1);
    g.blocks.y = tw_clamp64(rect.y / TW_MOTION_BLOCK, 0, motion->rows - 1);
    g.blocks.w = tw_clamp64(tw_ceil_div(rect.x + rect.w, TW_MOTION_BLOCK) - g.blocks.x, 1, motion->columns - g.blocks.x);
    g.blocks.h = tw_clamp64(tw_ceil_div(rect.y + rect.h, TW_MOTION_BLOCK) - g.blocks.y, 1, motion->rows - g.blocks.y);
    median_of(&g, v[0]);
    memcpy(g.v, v, sizeof v[0]);
    g.all = false;
    g.which = 1;
    g.far = apart;
    if (16 * count(&g, 0, 0, &below) < g.blocks.w * g.blocks.h)
        return 1;
    median_of(&g, g.v[1]);
    g.far = 0;
    int64_t second = count(&g, 0, 0, &below), first = g.blocks.w * g.blocks.h - second;
    if (first == 0 || second == 0)
        return 1;
    for (int i = 0; i < 2; i++) {
        g.which = i;
        median_of(&g, v[second > first ? 1 - i : i]);
    }
    return 2;
}
