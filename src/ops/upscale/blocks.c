/* SPDX-License-Identifier: MIT */
#include "ops/upscale/blocks.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"

enum { SIDE = 8, PLACES = SIDE * SIDE, TERMS = 5, ORDERS = 3, BINS = 1024, PER_LEVEL = 4, MOST_STEP = 63 };

/* Windows that tell a step, at least; how well the coefficients of a term must keep to steps; and how much more all terms together fail
 * to at any other place than at the grid's. Measured on pictures of the training set: at quality 75 and below terms keep to steps by 0.9 and
 * more, and fail 6 times as much elsewhere; without a grid, in drawings whose patterns repeat, by 0.6 at most, at many places alike. */
enum { LEAST_WINDOWS = 24 };
#define LEAST_SCORE 0.5
#define AHEAD       1.5

/* The terms that are seldom quantised to 0: order in y and x, and their step in libjpeg's luma table at quality 50 (ITU-T T.81, K.1). */
static const struct {
    int y, x, step;
} terms[TERMS] = {{0, 1, 11}, {1, 0, 12}, {1, 1, 12}, {0, 2, 10}, {2, 0, 14}};

struct tw_blocks {
    int64_t width, rows;
    float basis[ORDERS][SIDE];
    uint32_t count[PLACES][TERMS][BINS];
    float *luma[SIDE];      /* of the last rows, in a ring */
    uint8_t *clipped[SIDE]; /* 1 where a sample is black or white */
    float *along[ORDERS];   /* cosine transform in y of each column of the last SIDE rows */
    float *terms[TERMS];
    uint8_t *bad; /* clipped samples of each column; of each window */
};

static int64_t rounded(int64_t bytes)
{
    return (bytes + 15) / 16 * 16;
}

int64_t tw_blocks_bytes(int64_t width)
{
    int64_t floats = rounded(width * (int64_t)sizeof(float)), flags = rounded(width);
    return rounded(sizeof(tw_blocks)) + (SIDE + ORDERS + TERMS) * floats + (SIDE + 1) * flags;
}

static void *cut(char **at, int64_t bytes)
{
    void *piece = *at;
    *at += rounded(bytes);
    return piece;
}

tw_blocks *tw_blocks_new(void *room, int64_t width)
{
    char *at = room;
    tw_blocks *b = cut(&at, sizeof *b);
    memset(b, 0, sizeof *b);
    b->width = width;
    for (int i = 0; i < SIDE; i++) {
        b->luma[i] = cut(&at, width * (int64_t)sizeof(float));
        b->clipped[i] = cut(&at, width);
        for (int k = 0; k < ORDERS; k++)
            b->basis[k][i] = (float)((k ? 0.5 : sqrt(0.125)) * cos((2 * i + 1) * k * G_PI / 16));
    }
    for (int k = 0; k < ORDERS; k++)
        b->along[k] = cut(&at, width * (int64_t)sizeof(float));
    for (int t = 0; t < TERMS; t++)
        b->terms[t] = cut(&at, width * (int64_t)sizeof(float));
    b->bad = cut(&at, width);
    return b;
}

/* JFIF's luma. */
static void load(tw_blocks *b, const uint8_t *row, int bands, int colours)
{
    float *luma = b->luma[b->rows % SIDE];
    uint8_t *clipped = b->clipped[b->rows % SIDE];
    for (int64_t x = 0; x < b->width; x++, row += bands) {
        int red = row[0], green = row[colours > 1], blue = row[colours > 1 ? 2 : 0];
        luma[x] = 0.299f * (float)red + 0.587f * (float)green + 0.114f * (float)blue;
        clipped[x] = MIN(MIN(red, green), blue) == 0 || MAX(MAX(red, green), blue) == 255;
    }
}

/* Terms of the windows whose last row is the one that was added. */
static void transform(tw_blocks *b)
{
    int64_t windows = b->width - SIDE + 1;
    memset(b->bad, 0, (size_t)b->width);
    for (int k = 0; k < ORDERS; k++)
        memset(b->along[k], 0, (size_t)b->width * sizeof(float));
    for (int i = 0; i < SIDE; i++) {
        const float *luma = b->luma[(b->rows + 1 + i) % SIDE];
        const uint8_t *clipped = b->clipped[i];
        for (int k = 0; k < ORDERS; k++)
            for (int64_t x = 0; x < b->width; x++)
                b->along[k][x] += b->basis[k][i] * luma[x];
        for (int64_t x = 0; x < b->width; x++)
            b->bad[x] += clipped[x];
    }
    for (int t = 0; t < TERMS; t++) {
        const float *along = b->along[terms[t].y], *basis = b->basis[terms[t].x];
        for (int64_t x = 0; x < windows; x++) {
            float sum = 0;
            for (int i = 0; i < SIDE; i++)
                sum += basis[i] * along[x + i];
            b->terms[t][x] = fabsf(sum) * PER_LEVEL + 0.5f;
        }
    }
}

static void count(tw_blocks *b)
{
    int64_t windows = b->width - SIDE + 1;
    int64_t row = (b->rows + 1) % SIDE, bad = 0;
    for (int i = 0; i < SIDE - 1; i++)
        bad += b->bad[i];
    for (int64_t x = 0; x < windows; x++) {
        bad += b->bad[x + SIDE - 1];
        for (int t = 0; t < TERMS && bad == 0; t++)
            if (b->terms[t][x] < BINS)
                b->count[row * SIDE + x % SIDE][t][(int)b->terms[t][x]]++;
        bad -= b->bad[x];
    }
}

void tw_blocks_add(tw_blocks *b, const uint8_t *row, int bands, int colours)
{
    load(b, row, bands, colours);
    if (b->rows + 1 >= SIDE && b->width >= SIDE) {
        transform(b);
        count(b);
    }
    b->rows++;
}

/* How well the coefficients that are no 0 keep to multiples of a step: 1 all, 0 none more than others. */
static double score(const uint32_t *counts, int step, const float *cosine)
{
    double sum = 0, n = 0;
    for (int bin = (int)(0.6 * step * PER_LEVEL); bin < BINS; bin++) {
        sum += counts[bin] * (double)cosine[bin];
        n += counts[bin];
    }
    return n < LEAST_WINDOWS ? 0 : sum / n;
}

typedef struct found {
    double score;
    int step;
} found;

/* The step of each term at each place. What keeps to a step keeps to its half, too, hardly less well: the larger one wins. */
static void find_steps(const tw_blocks *b, found best[PLACES][TERMS])
{
    float cosine[BINS];
    for (int step = 2; step <= MOST_STEP; step++) {
        for (int bin = 0; bin < BINS; bin++)
            cosine[bin] = (float)cos(2 * G_PI * bin / (PER_LEVEL * step));
        for (int place = 0; place < PLACES; place++)
            for (int t = 0; t < TERMS; t++) {
                double s = score(b->count[place][t], step, cosine);
                if (s > 0.1 && s > best[place][t].score - 0.02)
                    best[place][t] = (found){s, step};
            }
    }
}

/* Of the middle ratio of the steps to the table's. */
static int quality_of(const found *steps)
{
    double ratios[TERMS];
    int n = 0;
    for (int t = 0; t < TERMS; t++)
        if (steps[t].score > LEAST_SCORE)
            ratios[n++] = 100.0 * steps[t].step / terms[t].step;
    if (n < 3)
        return 0;
    qsort(ratios, (size_t)n, sizeof *ratios, tw_ascending);
    double ratio = ratios[n / 2], quality = ratio <= 100 ? (200 - ratio) / 2 : 5000 / ratio;
    return (int)CLAMP(quality + 0.5, 1, 100);
}

int tw_blocks_quality(tw_blocks *b)
{
    found best[PLACES][TERMS] = {{{0}}};
    double most = 0, second = 0;
    int at = 0;
    find_steps(b, best);
    for (int place = 0; place < PLACES; place++) {
        double sum = 0;
        for (int t = 0; t < TERMS; t++)
            sum += best[place][t].score;
        second = MAX(second, MIN(sum, most));
        if (sum > most)
            most = sum, at = place;
    }
    return TERMS - second > AHEAD * (TERMS - most) ? quality_of(best[at]) : 0;
}
