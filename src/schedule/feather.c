/* SPDX-License-Identifier: MIT */
#include "schedule/feather.h"

#include <glib.h>
#include <pthread.h>

#include "blend/accumulate.h"

#define WIDTHS 7 /* of overlaps along an axis: five that tw_seams_widen gives, and that of a last tile which is a sliver */

/* Weights around an edge where `width` samples overlap. */
typedef struct ramp {
    int64_t width;
    int32_t *rise, *fall;
} ramp;

struct tw_feather {
    const tw_schedule_request *request;
    tw_grid grid;
    tw_accumulator *accumulator;
    int32_t *weights; /* all ramps */
    ramp ramps[2][WIDTHS];
    int widths[2]; /* how many there are */
    pthread_mutex_t lock;
    int64_t final, given; /* rows that no later tile touches; rows that the sink has */
    bool giving;
};

/* Samples of all widths along an axis, at most. */
static int64_t all_widths(int64_t reach, int64_t shift)
{
    return shift > 0 ? WIDTHS * 6 * reach : 2 * 2 * reach;
}

static int64_t weights_bytes(const tw_grid *grid)
{
    return 2 * (all_widths(grid->reach_w, grid->shift_w) + all_widths(grid->reach_h, grid->shift_h)) * (int64_t)sizeof(int32_t);
}

int64_t tw_grid_blend_bytes(const tw_grid *grid, const tw_picture *result, int64_t rows)
{
    return rows > 0 ? tw_accumulator_bytes(result, rows) + weights_bytes(grid) : 0;
}

static int64_t edges_of(const tw_grid *grid, int axis)
{
    return axis ? grid->rows : grid->columns;
}

static const ramp *ramp_of(const tw_feather *feather, int axis, tw_span overlap)
{
    const ramp *r = feather->ramps[axis];
    for (int i = 0; i + 1 < feather->widths[axis] && r->width != overlap.hi - overlap.lo; i++)
        r++;
    return r;
}

/* The ramps of all widths that there are. */
static void fill_ramps(tw_feather *feather, tw_ramp_kind kind)
{
    int32_t *place = feather->weights;
    for (int axis = 0; axis < 2; axis++)
        for (int64_t edge = 1; edge < edges_of(&feather->grid, axis); edge++) {
            tw_span overlap = tw_grid_overlap(&feather->grid, axis, edge);
            int64_t width = overlap.hi - overlap.lo;
            int *n = &feather->widths[axis];
            if (*n > 0 && ramp_of(feather, axis, overlap)->width == width)
                continue;
            ramp *r = &feather->ramps[axis][(*n)++];
            *r = (ramp){width, place, place + width};
            place += 2 * width;
            tw_ramp_fill(kind, width, r->rise, r->fall);
        }
}

tw_status tw_feather_new(const tw_schedule_request *request, const tw_grid *grid, tw_ramp_kind kind, int64_t rows,
                         tw_feather **out, tw_error *err)
{
    tw_feather *feather = g_new0(tw_feather, 1);
    feather->request = request;
    feather->grid = *grid;
    pthread_mutex_init(&feather->lock, NULL);
    *out = NULL;
    tw_status status = tw_accumulator_new(request->context, request->result, rows, &feather->accumulator, err);
    if (status == TW_OK) {
        feather->weights = tw_alloc(tw_context_account(request->context), (size_t)weights_bytes(grid));
        if (!feather->weights)
            status = tw_fail_memory(err, "weights of overlapping tiles", weights_bytes(grid));
    }
    if (status != TW_OK) {
        tw_feather_free(feather);
        return status;
    }
    fill_ramps(feather, kind);
    *out = feather;
    return TW_OK;
}

void tw_feather_free(tw_feather *feather)
{
    if (!feather)
        return;
    tw_accumulator_free(feather->accumulator);
    tw_free(feather->weights);
    pthread_mutex_destroy(&feather->lock);
    g_free(feather);
}

tw_status tw_feather_reserve(tw_feather *feather, int64_t end, tw_error *err)
{
    return tw_accumulator_reserve(feather->accumulator, end, err);
}

/* Weight of row y of a tile in tile row `row`. */
static int32_t weight_down(const tw_feather *feather, int64_t row, int64_t y)
{
    tw_span before = tw_grid_overlap(&feather->grid, 1, row), after = tw_grid_overlap(&feather->grid, 1, row + 1);
    if (y < before.hi)
        return ramp_of(feather, 1, before)->rise[y - before.lo];
    if (y >= after.lo)
        return ramp_of(feather, 1, after)->fall[y - after.lo];
    return TW_RAMP_ONE;
}

void tw_feather_store(tw_feather *feather, int64_t index, tw_rect write, int64_t y, int band, const float *samples)
{
    int64_t column = index % feather->grid.columns, end = write.x + write.w;
    tw_span before = tw_grid_overlap(&feather->grid, 0, column), after = tw_grid_overlap(&feather->grid, 0, column + 1);
    int32_t down = weight_down(feather, index / feather->grid.columns, y);
    const struct {
        tw_span span;
        const int32_t *weights; /* of the span */
    } parts[] = {
        {before, ramp_of(feather, 0, before)->rise},
        {{before.hi, after.lo}, NULL},
        {after, ramp_of(feather, 0, after)->fall},
    };
    for (int i = 0; i < 3; i++) {
        int64_t from = tw_max64(parts[i].span.lo, write.x), to = tw_min64(parts[i].span.hi, end);
        if (from < to)
            tw_accumulator_add(feather->accumulator, from, y, band, to - from, samples + (from - write.x),
                               parts[i].weights ? parts[i].weights + (from - parts[i].span.lo) : NULL, down);
    }
}

static tw_status give_row(tw_feather *feather, int64_t y, tw_error *err)
{
    tw_sink *sink = feather->request->sink;
    TW_TRY(tw_sink_reserve(sink, y + 1, err));
    tw_accumulator_take(feather->accumulator, y, tw_sink_row(sink, y));
    tw_sink_done(sink, (tw_rect){0, y, feather->grid.width, 1});
    return TW_OK;
}

tw_status tw_feather_advance(tw_feather *feather, int64_t complete, tw_error *err)
{
    tw_status status = TW_OK;
    pthread_mutex_lock(&feather->lock);
    feather->final = tw_max64(feather->final, tw_grid_overlap(&feather->grid, 1, complete).lo);
    if (!feather->giving) {
        feather->giving = true;
        while (feather->given < feather->final && status == TW_OK) {
            int64_t y = feather->given++;
            pthread_mutex_unlock(&feather->lock);
            status = give_row(feather, y, err);
            pthread_mutex_lock(&feather->lock);
        }
        feather->giving = false;
    }
    pthread_mutex_unlock(&feather->lock);
    return status;
}

void tw_feather_stop(tw_feather *feather)
{
    tw_accumulator_stop(feather->accumulator);
}
