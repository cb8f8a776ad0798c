/* SPDX-License-Identifier: MIT */
/** The rows of a picture as one plane, and how much detail lies in each of its columns and rows. */
#include <math.h>
#include <string.h>

#include "blend/pixels.h"
#include "ops/upscale/state.h"

#define UNITS 4096 /* of detail, per white; 2^40 hold those of 2^25 samples at their most */
#define MOST  4.f  /* white; float pictures may hold anything */

typedef struct reader {
    tw_picture picture;
    char *pixels;
    float *above, *row, *band; /* the sum of the colours of two rows, and one band of the second */
} reader;

int64_t tw_upscale_each_row_bytes(const tw_picture *picture)
{
    return tw_picture_row_bytes(picture) + 3 * picture->width * (int64_t)sizeof(float);
}

static void flatten(const reader *r)
{
    int64_t n = r->picture.width;
    int bands = tw_picture_bands(&r->picture);
    tw_pixels_load(r->pixels, r->picture.depth, bands, 0, n, r->row);
    for (int c = 1; c < r->picture.colours; c++) {
        tw_pixels_load(r->pixels, r->picture.depth, bands, c, n, r->band);
        for (int64_t x = 0; x < n; x++)
            r->row[x] += r->band[x];
    }
}

static tw_status read_rows(reader *r, tw_context *context, tw_source *source, tw_row_fn *fn, void *user, tw_error *err)
{
    for (int64_t y = 0; y < r->picture.height; y++) {
        int64_t got = 0;
        TW_TRY(tw_context_check(context, err));
        TW_TRY(tw_source_next_band(source, r->pixels, 1, &got, err));
        flatten(r);
        fn(user, y, r->row, y > 0 ? r->above : NULL);
        float *free_row = r->above;
        r->above = r->row;
        r->row = free_row;
    }
    return TW_OK;
}

tw_status tw_upscale_each_row(tw_context *context, tw_source *source, tw_row_fn *fn, void *user, tw_error *err)
{
    reader r = {.picture = *tw_source_picture(source)};
    int64_t n = r.picture.width, bytes = tw_upscale_each_row_bytes(&r.picture);
    char *block = tw_alloc(tw_context_account(context), (size_t)bytes);
    if (!block)
        return tw_fail_memory(err, "rows to be measured", bytes);
    r.above = (float *)block;
    r.row = r.above + n;
    r.band = r.row + n;
    r.pixels = (char *)(r.band + n);
    tw_status status = read_rows(&r, context, source, fn, user, err);
    tw_free(block);
    return status;
}

/* --- columns and rows ---------------------------------------------------------------------------------------------- */

typedef struct profile {
    int64_t width, *columns, *rows;
} profile;

/* In fixed units, so that sums are what they are in any order; what is no number has no detail. */
static int64_t difference(float a, float b)
{
    float d = fabsf(a - b);
    return d < MOST ? (int64_t)lrintf(d * UNITS) : d >= MOST ? (int64_t)(MOST * UNITS) : 0;
}

static void add_row(void *user, int64_t y, const float *row, const float *above)
{
    profile *p = user;
    int64_t sum = 0;
    for (int64_t x = 0; x < p->width; x++) {
        int64_t detail = (x > 0 ? difference(row[x], row[x - 1]) : 0) + (above ? difference(row[x], above[x]) : 0);
        p->columns[x] += detail;
        sum += detail;
    }
    p->rows[y] = sum;
}

tw_status tw_upscale_detail(const tw_op_state *state, tw_source *const *sources, int64_t *columns, int64_t *rows, tw_error *err)
{
    profile p = {state->in.width, columns, rows};
    memset(columns, 0, (size_t)p.width * sizeof *columns);
    return tw_upscale_each_row(state->context, sources[0], add_row, &p, err);
}

int64_t tw_upscale_detail_bytes(const tw_op_state *state)
{
    return tw_upscale_each_row_bytes(&state->in);
}
