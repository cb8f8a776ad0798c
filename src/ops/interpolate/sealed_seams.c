/* SPDX-License-Identifier: MIT */
/* Edges between tiles of a sealed model go where both frames, each moved along the motion, show the same: there, tiles agree best. */
#include <math.h>
#include <string.h>

#include "blend/pixels.h"
#include "ops/interpolate/sealed.h"

#define UNITS 4096 /* of detail, per white */

typedef struct reader {
    const tw_op_state *state;
    float *small[2], *line;
    char *pixels;
} reader;

static int64_t small_bytes(const tw_op_state *state)
{
    return state->sealed->low[0] * state->sealed->low[1] * 3 * (int64_t)sizeof(float);
}

static int64_t reader_bytes(const tw_op_state *state)
{
    return 2 * small_bytes(state) + state->in.width * (int64_t)sizeof(float) + tw_picture_row_bytes(&state->in) + 64;
}

int64_t tw_sealed_detail_bytes(const tw_op_state *state)
{
    const tw_sealed *s = state->sealed;
    return reader_bytes(state) + tw_motion_bytes(s->low[0], s->low[1]) + tw_motion_work_bytes(s->low[0], s->low[1]);
}

static int64_t pixels_of(int64_t cell, int64_t side, int64_t all)
{
    return tw_min64((cell + 1) * side, all) - cell * side;
}

static tw_status shrink(reader *r, tw_source *source, float *small, tw_error *err)
{
    const tw_sealed *s = r->state->sealed;
    const tw_picture *in = &r->state->in;
    memset(small, 0, (size_t)small_bytes(r->state));
    for (int64_t y = 0; y < in->height; y++) {
        int64_t got = 0;
        TW_TRY(tw_context_check(r->state->context, err));
        TW_TRY(tw_source_next_band(source, r->pixels, 1, &got, err));
        for (int c = 0; c < 3; c++) {
            float *to = small + 3 * (y / s->shrink * s->low[0]) + c;
            tw_pixels_load(r->pixels, in->depth, tw_picture_bands(in), in->colours == 3 ? c : 0, in->width, r->line);
            for (int64_t x = 0; x < in->width; x++)
                to[3 * (x / s->shrink)] += r->line[x];
        }
    }
    for (int64_t y = 0; y < s->low[1]; y++)
        for (int64_t x = 0; x < s->low[0]; x++)
            for (int c = 0; c < 3; c++)
                small[3 * (y * s->low[0] + x) + c] /=
                    (float)(pixels_of(x, s->shrink, in->width) * pixels_of(y, s->shrink, in->height));
    return TW_OK;
}

/* Blocks of small frames, as columns and rows of pixels. */
static void spread(const tw_op_state *state, const tw_motion *motion, int64_t *columns, int64_t *rows)
{
    int64_t side = state->sealed->shrink * TW_MOTION_BLOCK;
    memset(columns, 0, (size_t)state->in.width * sizeof *columns);
    memset(rows, 0, (size_t)state->in.height * sizeof *rows);
    for (int64_t block = 0; block < motion->columns * motion->rows; block++) {
        int64_t column = block % motion->columns, row = block / motion->columns;
        int64_t x_end = tw_min64((column + 1) * side, state->in.width), y_end = tw_min64((row + 1) * side, state->in.height);
        int64_t apart = (int64_t)lrintf(motion->residual[block] * UNITS); /* at most twice white */
        for (int64_t x = column * side; x < x_end; x++)
            columns[x] += apart * (y_end - row * side);
        for (int64_t y = row * side; y < y_end; y++)
            rows[y] += apart * (x_end - column * side);
    }
}

static tw_status measure(reader *r, tw_source *const *sources, int64_t *columns, int64_t *rows, tw_error *err)
{
    const tw_op_state *state = r->state;
    const tw_sealed *s = state->sealed;
    tw_motion motion;
    for (int i = 0; i < 2; i++)
        TW_TRY(shrink(r, sources[i], r->small[i], err));
    TW_TRY(tw_source_rewind(sources[1], err)); /* the first is by who asked */
    TW_TRY(tw_motion_find(tw_context_account(state->context), r->small[0], r->small[1], s->low[0], s->low[1], state->time,
                          s->coarse, &motion, err));
    spread(state, &motion, columns, rows);
    tw_motion_free(&motion);
    return TW_OK;
}

tw_status tw_sealed_detail(const tw_op_state *state, tw_source *const *sources, int64_t *columns, int64_t *rows, tw_error *err)
{
    int64_t bytes = reader_bytes(state), low = small_bytes(state) / (int64_t)sizeof(float);
    TW_TRY(tw_source_will_rewind(sources[1], err));
    float *block = tw_alloc(tw_context_account(state->context), (size_t)bytes);
    if (!block)
        return tw_fail_memory(err, "small frames", bytes);
    reader r = {state, {block, block + low}, block + 2 * low, NULL};
    r.pixels = (char *)(r.line + state->in.width);
    tw_status status = measure(&r, sources, columns, rows, err);
    tw_free(block);
    return status;
}
