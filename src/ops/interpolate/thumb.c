/* SPDX-License-Identifier: MIT */
/* Is there motion between the frames that a net could follow? Told by thumbnails of 32 x 32 means, once for the whole pair. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "ops/interpolate/state.h"

#define WINDOW 8 /* of the similarity */

/* Grey times the number of colours, 65535 white. */
static int64_t grey_of(const tw_picture *picture, const char *pixel)
{
    int64_t sum = 0;
    for (int band = 0; band < picture->colours; band++)
        if (picture->depth == TW_U8)
            sum += ((const uint8_t *)pixel)[band] * 257;
        else if (picture->depth == TW_U16)
            sum += ((const uint16_t *)pixel)[band];
        else
            sum += (int64_t)(65535 * fminf(fmaxf(((const float *)pixel)[band], -16), 16)); /* no number: 16 */
    return sum;
}

static int64_t cell_of(int64_t i, int64_t n)
{
    return i * TW_THUMB / n;
}

/* Adds the rows of both frames; `rows` holds those of the first, the second's lie in its frame's room. */
static void add_rows(const tw_picture *in, const char *const rows[2], tw_rect rect, tw_thumbs *thumbs)
{
    int64_t pixel = tw_picture_pixel_bytes(in);
    for (int64_t y = 0; y < rect.h; y++)
        for (int64_t x = 0; x < rect.w; x++) {
            int64_t cell = cell_of(rect.y + y, in->height) * TW_THUMB + cell_of(rect.x + x, in->width), grey[2];
            for (int i = 0; i < 2; i++) {
                grey[i] = grey_of(in, rows[i] + (y * rect.w + x) * pixel);
                thumbs->sum[i][cell] += grey[i];
            }
            thumbs->apart[cell] += llabs(grey[0] - grey[1]);
        }
}

tw_status tw_thumb_run(tw_op_state *state, tw_step *step, tw_error *err)
{
    tw_interpolate_worker *worker = &state->workers[step->worker];
    tw_thumbs *thumbs = g_new0(tw_thumbs, 1);
    tw_span x = {step->write.x, step->write.x + step->write.w};
    int64_t end = step->write.y + step->write.h, rows;
    tw_status status = TW_OK;
    for (int64_t y = step->write.y; y < end && status == TW_OK; y += rows) {
        rows = end - y;
        for (int i = 0; i < 2 && status == TW_OK; i++)
            status = tw_frame_rows(&worker->frames[i], x, y, &rows, err);
        if (status == TW_OK)
            add_rows(&state->in, (const char *const[2]){worker->frames[0].rows, worker->frames[1].rows},
                     (tw_rect){x.lo, y, step->write.w, rows}, thumbs);
    }
    if (status != TW_OK)
        g_free(thumbs);
    else
        step->value = thumbs;
    return status;
}

tw_status tw_thumb_reduce(tw_op_state *state, const tw_step *step, tw_error *err)
{
    const tw_thumbs *from = step->value;
    (void)err;
    for (int cell = 0; cell < TW_THUMB * TW_THUMB; cell++) {
        for (int i = 0; i < 2; i++)
            state->thumbs.sum[i][cell] += from->sum[i][cell];
        state->thumbs.apart[cell] += from->apart[cell];
    }
    return TW_OK;
}

/* Pixels along an axis that fall into a cell. */
static int64_t pixels_of(int64_t cell, int64_t n)
{
    return tw_ceil_div((cell + 1) * n, TW_THUMB) - tw_ceil_div(cell * n, TW_THUMB);
}

/* Mean grey of a cell, 0 to 1; pictures smaller than a thumbnail have empty cells, which show what the one before shows. */
static double mean_of(const tw_op_state *state, const int64_t *sums, int x, int y)
{
    while (x > 0 && pixels_of(x, state->in.width) == 0)
        x--;
    while (y > 0 && pixels_of(y, state->in.height) == 0)
        y--;
    int64_t n = pixels_of(x, state->in.width) * pixels_of(y, state->in.height) * state->in.colours;
    return (double)sums[y * TW_THUMB + x] / (65535.0 * (double)tw_max64(n, 1));
}

static double window_ssim(const tw_op_state *state, int left, int top)
{
    double sum[2] = {0, 0}, square[2] = {0, 0}, product = 0;
    static const double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03, n = WINDOW * WINDOW;
    for (int y = top; y < top + WINDOW; y++)
        for (int x = left; x < left + WINDOW; x++) {
            double v[2];
            for (int i = 0; i < 2; i++) {
                v[i] = mean_of(state, state->thumbs.sum[i], x, y);
                sum[i] += v[i];
                square[i] += v[i] * v[i];
            }
            product += v[0] * v[1];
        }
    double a = sum[0] / n, b = sum[1] / n;
    double va = square[0] / n - a * a, vb = square[1] / n - b * b, covariance = product / n - a * b;
    return (2 * a * b + c1) * (2 * covariance + c2) / ((a * a + b * b + c1) * (va + vb + c2));
}

static double ssim(const tw_op_state *state)
{
    double sum = 0;
    int windows = 0;
    for (int y = 0; y + WINDOW <= TW_THUMB; y += WINDOW / 2)
        for (int x = 0; x + WINDOW <= TW_THUMB; x += WINDOW / 2, windows++)
            sum += window_ssim(state, x, y);
    return sum / windows;
}

tw_pair tw_thumb_judge(const tw_op_state *state)
{
    tw_pair pair = {.judged = true, .ssim = ssim(state), .nearer = state->time > 0.5};
    double most = 0;
    for (int y = 0; y < TW_THUMB; y++)
        for (int x = 0; x < TW_THUMB; x++)
            most = fmax(most, mean_of(state, state->thumbs.apart, x, y));
    if (state->time <= 0 || state->time >= 1)
        pair.kind = TW_PAIR_AT_FRAME;
    else if (most == 0 && state->static_above < 1)
        pair.kind = TW_PAIR_SAME;
    else if (pair.ssim > state->static_above && most < 1.0 / 255)
        pair.kind = TW_PAIR_STATIC;
    else if (state->cut_below > 0 && pair.ssim < state->cut_below)
        pair.kind = TW_PAIR_CUT;
    return pair;
}
