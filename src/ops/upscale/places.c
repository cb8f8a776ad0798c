/* SPDX-License-Identifier: MIT */
/** Where a picture has most detail, found while its rows pass. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "blend/pixels.h"
#include "ops/upscale/state.h"

typedef struct finder {
    tw_picture picture;
    int64_t side, columns, rows;
    char *pixels;
    float *above, *row, *band; /* the sum of the colours of two rows, and one band of the second */
    double *detail;            /* of the cells of the row of cells that passes */
    double *best;              /* detail of the cells found so far, most first */
    tw_rect *cells;
    int most, found;
} finder;

int64_t tw_upscale_places_bytes(const tw_picture *picture, int64_t side)
{
    return tw_picture_row_bytes(picture) + 3 * picture->width * (int64_t)sizeof(float) +
           (picture->width / side + 1) * (int64_t)sizeof(double);
}

/* The row as one plane: the sum of its colours. */
static void flatten(const finder *f)
{
    int64_t n = f->picture.width;
    int bands = tw_picture_bands(&f->picture);
    tw_pixels_load(f->pixels, f->picture.depth, bands, 0, n, f->row);
    for (int c = 1; c < f->picture.colours; c++) {
        tw_pixels_load(f->pixels, f->picture.depth, bands, c, n, f->band);
        for (int64_t x = 0; x < n; x++)
            f->row[x] += f->band[x];
    }
}

static void add_row(const finder *f, bool first)
{
    for (int64_t cell = 0; cell < f->columns; cell++) {
        int64_t from = cell * f->side, to = tw_min64(from + f->side, f->picture.width);
        double sum = 0;
        for (int64_t x = from; x < to; x++) {
            sum += x > 0 ? fabsf(f->row[x] - f->row[x - 1]) : 0;
            sum += first ? 0 : fabsf(f->row[x] - f->above[x]);
        }
        f->detail[cell] += sum;
    }
}

/* Keeps a cell among the best; of equals the one that came first. */
static void offer(finder *f, double detail, tw_rect cell)
{
    int at = f->found;
    while (at > 0 && detail > f->best[at - 1])
        at--;
    if (at == f->most || !isfinite(detail))
        return;
    int last = f->found < f->most ? f->found++ : f->most - 1;
    for (int i = last; i > at; i--) {
        f->best[i] = f->best[i - 1];
        f->cells[i] = f->cells[i - 1];
    }
    f->best[at] = detail;
    f->cells[at] = cell;
}

static void end_cells(finder *f, int64_t row)
{
    int64_t y = row * f->side;
    for (int64_t cell = 0; cell < f->columns; cell++) {
        int64_t x = cell * f->side;
        offer(f, f->detail[cell],
              (tw_rect){x, y, tw_min64(f->side, f->picture.width - x), tw_min64(f->side, f->picture.height - y)});
        f->detail[cell] = 0;
    }
}

static tw_status read_rows(finder *f, tw_context *context, tw_source *source, tw_error *err)
{
    for (int64_t y = 0; y < f->picture.height; y++) {
        int64_t got = 0;
        TW_TRY(tw_context_check(context, err));
        TW_TRY(tw_source_next_band(source, f->pixels, 1, &got, err));
        flatten(f);
        add_row(f, y == 0);
        float *free_row = f->above;
        f->above = f->row;
        f->row = free_row;
        bool last_of_picture = y + 1 == f->picture.height && f->picture.height < f->side;
        if ((y + 1) % f->side == 0 || last_of_picture)
            end_cells(f, y / f->side);
    }
    return TW_OK;
}

tw_status tw_upscale_places(tw_context *context, tw_source *source, int64_t side, int most, tw_rect *cells, int *found,
                            tw_error *err)
{
    finder f = {.picture = *tw_source_picture(source), .side = side, .cells = cells, .most = most};
    f.columns = tw_max64(f.picture.width / side, 1);
    f.rows = tw_max64(f.picture.height / side, 1);
    int64_t row = f.picture.width * (int64_t)sizeof(float), bytes = tw_upscale_places_bytes(&f.picture, side);
    char *block = tw_alloc(tw_context_account(context), (size_t)bytes);
    *found = 0;
    if (!block)
        return tw_fail_memory(err, "rows to be measured", bytes);
    f.detail = (double *)block; /* first, for its alignment */
    memset(f.detail, 0, (size_t)f.columns * sizeof(double));
    f.above = (float *)(block + f.columns * (int64_t)sizeof(double));
    f.row = f.above + f.picture.width;
    f.band = f.row + f.picture.width;
    f.pixels = (char *)f.above + 3 * row;
    f.best = g_new0(double, most);
    tw_status status = read_rows(&f, context, source, err);
    *found = f.found;
    g_free(f.best);
    tw_free(block);
    return status;
}
