/* SPDX-License-Identifier: MIT */
#include "image/tiled_copy.h"

#include <stdlib.h>
#include <string.h>

#define SIDE      128        /* of a tile */
#define BAND_ROWS 16         /* rows pulled at once: each tile's part of them is one write */
#define CHUNK     (56 << 10) /* bytes read from a tile at once; larger ones would be mapped anew each time (tw_alloc) */

struct tw_tiled_copy {
    tw_context *context;
    tw_picture stored;
    int orientation;
    int64_t tile_w, tile_h, across; /* size of a tile, tiles in a row of tiles */
    int64_t pixel;                  /* bytes of one */
    tw_scratch_file *file;
};

/* Where a stored pixel (x, y) is shown: shown_x = xx * x + xy * y + (x_from_w ? W - 1 : 0) + (x_from_h ? H - 1 : 0), and so on. */
typedef struct turn {
    int8_t xx, xy, yx, yy;
} turn;

static const turn TURNS[9] = {
    [1] = {1, 0, 0, 1}, [2] = {-1, 0, 0, 1}, [3] = {-1, 0, 0, -1}, [4] = {1, 0, 0, -1},
    [5] = {0, 1, 1, 0}, [6] = {0, -1, 1, 0}, [7] = {0, -1, -1, 0}, [8] = {0, 1, -1, 0},
};

/* The offset that makes the first shown coordinate 0: an axis that runs backwards starts at its end. */
static int64_t shown_x0(const turn *t, const tw_picture *p)
{
    return t->xx < 0 ? p->width - 1 : t->xy < 0 ? p->height - 1 : 0;
}
static int64_t shown_y0(const turn *t, const tw_picture *p)
{
    return t->yx < 0 ? p->width - 1 : t->yy < 0 ? p->height - 1 : 0;
}

static tw_rect stored_rect(const tw_tiled_copy *copy, tw_rect shown)
{
    const turn *t = &TURNS[copy->orientation];
    int64_t left = shown.x - shown_x0(t, &copy->stored), top = shown.y - shown_y0(t, &copy->stored);
    int64_t right = left + shown.w - 1, bottom = top + shown.h - 1;
    /* A turn's matrix is its own inverse up to the transpose. */
    int64_t x0 = t->xx * left + t->yx * top, x1 = t->xx * right + t->yx * bottom;
    int64_t y0 = t->xy * left + t->yy * top, y1 = t->xy * right + t->yy * bottom;
    int64_t x = tw_min64(x0, x1), y = tw_min64(y0, y1);
    return (tw_rect){x, y, tw_max64(x0, x1) - x + 1, tw_max64(y0, y1) - y + 1};
}

int64_t tw_tiled_copy_scratch(const tw_picture *p)
{
    int64_t w = tw_min64(SIDE, p->width), h = tw_min64(SIDE, p->height);
    return tw_ceil_div(p->width, w) * w * tw_ceil_div(p->height, h) * h * tw_picture_pixel_bytes(p);
}

/* One band, and the part of it that belongs to one tile. */
int64_t tw_tiled_copy_making(const tw_picture *p)
{
    return BAND_ROWS * (tw_picture_row_bytes(p) + SIDE * tw_picture_pixel_bytes(p)) + 256;
}

int64_t tw_tiled_copy_reading(const tw_picture *p)
{
    return CHUNK + 256;
}

static int64_t tile_offset(const tw_tiled_copy *copy, int64_t tx, int64_t ty)
{
    return (ty * copy->across + tx) * copy->tile_w * copy->tile_h * copy->pixel;
}

/* Writes rows [y, y + rows), which lie in one row of tiles. */
static tw_status write_band(tw_tiled_copy *copy, const char *band, char *part, int64_t y, int64_t rows, tw_error *err)
{
    int64_t row_bytes = tw_picture_row_bytes(&copy->stored), line = copy->tile_w * copy->pixel;
    for (int64_t tx = 0; tx < copy->across; tx++) {
        int64_t from = tx * line, bytes = tw_min64(line, row_bytes - from);
        for (int64_t r = 0; r < rows; r++)
            memcpy(part + r * line, band + r * row_bytes + from, (size_t)bytes);
        int64_t at = tile_offset(copy, tx, y / copy->tile_h) + y % copy->tile_h * line;
        TW_TRY(tw_scratch_write(copy->file, part, (rows - 1) * line + bytes, at, err));
    }
    return TW_OK;
}

static tw_status fill(tw_tiled_copy *copy, tw_rows_fn rows, void *user, tw_error *err)
{
    int64_t row_bytes = tw_picture_row_bytes(&copy->stored);
    tw_account *account = tw_context_account(copy->context);
    char *band = tw_alloc(account, (size_t)(BAND_ROWS * row_bytes));
    char *part = tw_alloc(account, (size_t)(BAND_ROWS * copy->tile_w * copy->pixel));
    tw_status status =
        band && part ? TW_OK : tw_fail_memory(err, "rows for the scratch copy", tw_tiled_copy_making(&copy->stored));
    for (int64_t y = 0; status == TW_OK && y < copy->stored.height;) {
        int64_t left = tw_min64(copy->tile_h - y % copy->tile_h, copy->stored.height - y), n = tw_min64(BAND_ROWS, left);
        status = tw_context_check(copy->context, err);
        if (status == TW_OK)
            status = rows(user, band, n, err);
        if (status == TW_OK)
            status = write_band(copy, band, part, y, n, err);
        y += n;
    }
    tw_free(part);
    tw_free(band);
    return status;
}

tw_status tw_tiled_copy_make(tw_context *context, const tw_picture *stored, int orientation, tw_rows_fn rows, void *user,
                             tw_tiled_copy **out, tw_error *err)
{
    *out = NULL;
    tw_tiled_copy *copy = calloc(1, sizeof *copy);
    if (!copy)
        return tw_fail_memory(err, "scratch copy", sizeof *copy);
    copy->context = context;
    copy->stored = *stored;
    copy->orientation = orientation;
    copy->tile_w = tw_min64(SIDE, stored->width);
    copy->tile_h = tw_min64(SIDE, stored->height);
    copy->across = tw_ceil_div(stored->width, copy->tile_w);
    copy->pixel = tw_picture_pixel_bytes(stored);
    tw_status status = tw_scratch_open(tw_context_scratch(context), tw_tiled_copy_scratch(stored), &copy->file, err);
    if (status == TW_OK)
        status = fill(copy, rows, user, err);
    if (status != TW_OK) {
        tw_tiled_copy_free(copy);
        return status;
    }
    *out = copy;
    return TW_OK;
}

void tw_tiled_copy_free(tw_tiled_copy *copy)
{
    if (!copy)
        return;
    tw_scratch_close(copy->file);
    free(copy);
}

#define MOVE_PIXELS(type)                                                                                                      \
    do {                                                                                                                       \
        for (int64_t i = 0; i < n; i++)                                                                                        \
            memcpy(to + i * step, from + i * (int64_t)sizeof(type), sizeof(type));                                             \
    } while (0)

typedef struct bytes3 {
    uint8_t b[3];
} bytes3;
typedef struct bytes6 {
    uint8_t b[6];
} bytes6;
typedef struct bytes12 {
    uint8_t b[12];
} bytes12;
typedef struct bytes16 {
    uint8_t b[16];
} bytes16;

/* n pixels one after the other go to places `step` bytes apart; sizes known to the compiler make this a few moves. */
static void spread(char *to, int64_t step, const char *from, int64_t n, int64_t pixel)
{
    switch (step == pixel ? 0 : pixel) {
    case 0:
        memcpy(to, from, (size_t)(n * pixel));
        break;
    case 1:
        MOVE_PIXELS(uint8_t);
        break;
    case 2:
        MOVE_PIXELS(uint16_t);
        break;
    case 3:
        MOVE_PIXELS(bytes3);
        break;
    case 4:
        MOVE_PIXELS(uint32_t);
        break;
    case 6:
        MOVE_PIXELS(bytes6);
        break;
    case 8:
        MOVE_PIXELS(uint64_t);
        break;
    case 12:
        MOVE_PIXELS(bytes12);
        break;
    case 16:
        MOVE_PIXELS(bytes16);
        break;
    default: /* many bands */
        for (int64_t i = 0; i < n; i++)
            memcpy(to + i * step, from + i * pixel, (size_t)pixel);
    }
}

/* Copies the stored rectangle `r`, inside one tile, to its shown place in `pixels`, whose corner is shown.x, shown.y. */
static tw_status read_tile(tw_tiled_copy *copy, tw_rect r, tw_rect shown, char *pixels, char *chunk, tw_error *err)
{
    const turn *t = &TURNS[copy->orientation];
    int64_t line = copy->tile_w * copy->pixel, most = tw_max64(1, CHUNK / line);
    int64_t base = tile_offset(copy, r.x / copy->tile_w, r.y / copy->tile_h);
    int64_t inside_x = r.x % copy->tile_w * copy->pixel;
    int64_t step = (t->yx * shown.w + t->xx) * copy->pixel;
    for (int64_t done = 0; done < r.h; done += most) {
        int64_t rows = tw_min64(most, r.h - done), bytes = (rows - 1) * line + r.w * copy->pixel;
        int64_t at = base + (r.y + done) % copy->tile_h * line + inside_x;
        TW_TRY(tw_scratch_read(copy->file, chunk, bytes, at, err));
        for (int64_t k = 0; k < rows; k++) {
            int64_t y = r.y + done + k;
            int64_t to_x = t->xx * r.x + t->xy * y + shown_x0(t, &copy->stored) - shown.x;
            int64_t to_y = t->yx * r.x + t->yy * y + shown_y0(t, &copy->stored) - shown.y;
            spread(pixels + (to_y * shown.w + to_x) * copy->pixel, step, chunk + k * line, r.w, copy->pixel);
        }
    }
    return TW_OK;
}

tw_status tw_tiled_copy_read(tw_tiled_copy *copy, tw_rect rect, void *pixels, tw_error *err)
{
    tw_rect all = stored_rect(copy, rect);
    char *chunk = tw_alloc(tw_context_account(copy->context), CHUNK);
    if (!chunk)
        return tw_fail_memory(err, "reading the scratch copy", CHUNK);
    tw_status status = TW_OK;
    for (int64_t y = all.y; status == TW_OK && y < all.y + all.h;) {
        int64_t h = tw_min64(copy->tile_h - y % copy->tile_h, all.y + all.h - y);
        for (int64_t x = all.x; status == TW_OK && x < all.x + all.w;) {
            int64_t w = tw_min64(copy->tile_w - x % copy->tile_w, all.x + all.w - x);
            status = read_tile(copy, (tw_rect){x, y, w, h}, rect, pixels, chunk, err);
            x += w;
        }
        y += h;
    }
    tw_free(chunk);
    return status;
}
