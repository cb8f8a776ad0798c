/* SPDX-License-Identifier: MIT */
#include "ops/register/pieces.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#include "ops/register/kernels.h"

#define SIDE   256 /* of a piece, pixels of the level */
#define SQUARE 32  /* of the checkerboard */
#define FROM   768 /* side of the moving pixels that a piece may need */

/* --- pictures in text ---------------------------------------------------------------------------------------------- */

static void put(guint8 *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (guint8)(value >> 8 * i);
}

/* A bitmap (BMP) of 24 bit, bottom row first, as base64. */
void tw_page_picture(tw_newfile *file, const uint32_t *rgb, int w, int h, const char *style, const char *label)
{
    size_t stride = ((size_t)w * 3 + 3) / 4 * 4, bytes = 54 + stride * (size_t)h;
    guint8 *bmp = g_malloc0(bytes);
    memcpy(bmp, "BM", 2);
    put(bmp + 2, (uint32_t)bytes, 4);
    put(bmp + 10, 54, 4);
    put(bmp + 14, 40, 4);
    put(bmp + 18, (uint32_t)w, 4);
    put(bmp + 22, (uint32_t)h, 4);
    put(bmp + 26, 1, 2);
    put(bmp + 28, 24, 2);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            put(bmp + 54 + stride * (size_t)(h - 1 - y) + 3 * (size_t)x, rgb[y * w + x], 3);
    char *text = g_base64_encode(bmp, bytes);
    tw_newfile_print(file, "<img class=\"%s\" alt=\"%s\" src=\"data:image/bmp;base64,", style, label);
    tw_newfile_write(file, text, strlen(text));
    tw_newfile_print(file, "\">");
    g_free(text);
    g_free(bmp);
}

/* --- pieces -------------------------------------------------------------------------------------------------------- */

typedef struct piece {
    float *fixed, *moving; /* SIDE squared; below 0: not there */
    double *x, *y;         /* the same */
    float *from;           /* FROM squared */
    void *room;
    uint32_t *rgb; /* SIDE squared */
} piece;

static tw_status read_piece(const tw_op_state *state, int level, tw_rect at, piece *p, bool *good, tw_error *err)
{
    tw_rect box;
    *good = tw_place_pixels(state, at, FROM, p->x, p->y, &box);
    if (!*good)
        return TW_OK;
    TW_TRY(tw_levels_read_floats(&state->pyramid[0], level, at, p->fixed, SIDE, p->room, err));
    TW_TRY(tw_levels_read_floats(&state->pyramid[1], level, box, p->from, FROM, p->room, err));
    tw_samples samples = {p->from, box.x, box.y, box.w, box.h, FROM};
    for (int j = 0; j < SIDE; j++)
        tw_kernels()->interpolate(&samples, p->x + j * SIDE, p->y + j * SIDE, SIDE, p->moving + j * SIDE);
    return TW_OK;
}

/* The moving piece gets the fixed one's mean and contrast: what is left to see is where things lie. */
static void match(piece *p)
{
    double n = 0, f = 0, m = 0, ff = 0, mm = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        if (p->fixed[i] >= 0 && p->moving[i] >= 0) {
            double a = (double)p->fixed[i], b = (double)p->moving[i];
            n++, f += a, m += b, ff += a * a, mm += b * b;
        }
    double vf = ff - f * f / fmax(n, 1), vm = mm - m * m / fmax(n, 1);
    float gain = vf > 0 && vm > 0 ? (float)sqrt(vf / vm) : 1, mean_f = (float)(f / fmax(n, 1)),
          mean_m = (float)(m / fmax(n, 1));
    for (int i = 0; i < SIDE * SIDE; i++)
        if (p->moving[i] >= 0)
            p->moving[i] = fmaxf(0, (p->moving[i] - mean_m) * gain + mean_f);
}

static uint32_t grey(float v)
{
    return v < 0 ? 0x603030 : (uint32_t)fminf(v + 0.5f, 255) * 0x010101u;
}

enum { SHOW_FIXED = 1, SHOW_MOVING = 2, SHOW_BOTH = 3 };

static void show(tw_newfile *file, const piece *p, int what, const char *label)
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            bool moving = what == SHOW_MOVING || (what == SHOW_BOTH && (x / SQUARE + y / SQUARE) % 2);
            p->rgb[y * SIDE + x] = grey((moving ? p->moving : p->fixed)[y * SIDE + x]);
        }
    tw_page_picture(file, p->rgb, SIDE, SIDE, "", label);
}

static tw_status show_pieces(tw_op_state *state, int level, piece *p, tw_newfile *file, tw_error *err)
{
    int64_t w = state->pyramid[0].width[level], h = state->pyramid[0].height[level];
    tw_newfile_print(
        file,
        "<h2>Pieces</h2><p>Left: squares of the fixed and of the moving picture in turn. Right: one after the other. Contrast "
        "is matched, one pixel is one pixel%s.</p><div class=\"pieces\">",
        level ? " of the level that was measured" : "");
    for (int k = 0; k < 6; k++) {
        tw_rect at = {w * (2 * (k % 2) + 1) / 4 - SIDE / 2, h * (2 * (k / 2) + 1) / 6 - SIDE / 2, SIDE, SIDE};
        bool good;
        TW_TRY(read_piece(state, level, at, p, &good, err));
        if (!good)
            continue;
        match(p);
        show(file, p, SHOW_BOTH, "checkerboard");
        tw_newfile_print(file, "<div class=\"blink\">");
        show(file, p, SHOW_FIXED, "fixed");
        show(file, p, SHOW_MOVING, "moving, warped");
        tw_newfile_print(file, "</div>");
    }
    tw_newfile_print(file, "</div>");
    return TW_OK;
}

tw_status tw_page_pieces(tw_op_state *state, int level, tw_newfile *file, tw_error *err)
{
    const int64_t square = SIDE * SIDE, bytes = 2 * square * 4 + 2 * square * 8 + FROM * FROM * 4 + square * 4 + TW_LEVEL_ROOM;
    char *block = tw_alloc(tw_context_account(state->context), (size_t)bytes);
    if (!block)
        return tw_fail_memory(err, "pieces", (long long)bytes);
    piece p = {.x = (double *)block};
    p.y = p.x + square;
    p.fixed = (float *)(p.y + square);
    p.moving = p.fixed + square;
    p.from = p.moving + square;
    p.rgb = (uint32_t *)(p.from + FROM * FROM);
    p.room = p.rgb + square;
    tw_status status = show_pieces(state, level, &p, file, err);
    tw_free(block);
    return status;
}
