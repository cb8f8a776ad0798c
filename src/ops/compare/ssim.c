/* SPDX-License-Identifier: MIT */
/** SSIM of the luma, and of each colour where that is asked for, as in Wang et al. 2004: 11x11 Gaussian windows, sigma 1.5, K 0.01 and
 *  0.03, range 255, only windows that lie inside the area. The window is separable, and its means are sums of integers:
 *  horizontal ones are kept in a ring of eleven rows, vertical ones are made when a row is complete. */
#include "ops/compare/state.h"

/* The Gaussian in units of 2^-22: the outermost of the eleven first, the middle one last. The eleven sum to 2^22. */
static const int64_t tap[TW_SSIM_REACH + 1] = {4313, 31872, 150998, 458692, 893410, 1115734};
#define TAP_BITS      22
#define MEAN_SHIFT    4  /* of horizontal means: room for the vertical ones in 63 bits */
#define PRODUCT_SHIFT 22 /* of products' horizontal means */

/* Float samples outside of 0..white are clamped: SSIM is defined for a range. */
static void make_luma(const tw_op_state *state, tw_compare_rows *rows)
{
    const int shift = TW_SCALE_BITS - TW_LUMA_BITS;
    int bands = tw_picture_bands(&state->picture), colours = state->picture.colours;
    for (int i = 0; i < 2; i++)
        for (int64_t x = 0; x < rows->in.w; x++) {
            int64_t sum = 0;
            for (int band = 0; band < colours; band++)
                sum += state->luma_weight[band] * tw_clamp64(rows->sample[i][x * bands + band], 0, state->white);
            sum = (sum * state->luma_scale + (INT64_C(1) << (shift - 1))) >> shift;
            rows->plane[i][x] = (16 << TW_LUMA_BITS) + sum;
        }
}

/* One colour, in the units of luma. */
static void make_colour(const tw_op_state *state, tw_compare_rows *rows, int band)
{
    int bands = tw_picture_bands(&state->picture);
    int64_t units = INT64_C(255) << TW_LUMA_BITS;
    for (int i = 0; i < 2; i++)
        for (int64_t x = 0; x < rows->in.w; x++) {
            int64_t sample = tw_clamp64(rows->sample[i][x * bands + band], 0, state->white);
            rows->plane[i][x] = (2 * sample * units + state->white) / (2 * state->white);
        }
}

/* Plane 0 is luma, the others are the colours. */
static void make_plane(const tw_op_state *state, tw_compare_rows *rows, int plane)
{
    if (plane == 0)
        make_luma(state, rows);
    else
        make_colour(state, rows, plane - 1);
    const int64_t *a = rows->plane[0], *b = rows->plane[1];
    for (int64_t x = 0; x < rows->in.w; x++) {
        rows->product[0][x] = a[x] * a[x];
        rows->product[1][x] = b[x] * b[x];
        rows->product[2][x] = a[x] * b[x];
    }
}

static int64_t *ring_row(const tw_compare_rows *rows, int plane, int64_t y, int moment)
{
    return rows->ring + ((plane * TW_SSIM_TAPS + y % TW_SSIM_TAPS) * TW_SSIM_MOMENTS + moment) * rows->in.w;
}

static void along_row(const int64_t *from, int64_t n, int shift, int64_t *to)
{
    int64_t rounding = (INT64_C(1) << shift) >> 1;
    for (int64_t x = 0; x < n; x++) {
        int64_t sum = tap[TW_SSIM_REACH] * from[x + TW_SSIM_REACH];
        for (int k = 0; k < TW_SSIM_REACH; k++)
            sum += tap[k] * (from[x + k] + from[x + TW_SSIM_TAPS - 1 - k]);
        to[x] = (sum + rounding) >> shift;
    }
}

static void down_columns(const tw_compare_rows *rows, int plane, int64_t top, int moment, int64_t n, int64_t *to)
{
    const int64_t *row[TW_SSIM_TAPS];
    for (int k = 0; k < TW_SSIM_TAPS; k++)
        row[k] = ring_row(rows, plane, top + k, moment);
    for (int64_t x = 0; x < n; x++) {
        int64_t sum = tap[TW_SSIM_REACH] * row[TW_SSIM_REACH][x];
        for (int k = 0; k < TW_SSIM_REACH; k++)
            sum += tap[k] * (row[k][x] + row[TW_SSIM_TAPS - 1 - k][x]);
        to[x] = sum;
    }
}

/* Not inlined: were it compiled twice, as the body and the tail of a loop, one could fuse multiply and add where the
 * other does not, and a window's value would depend on its place in the tile. */
__attribute__((noinline)) static double window_ssim(const int64_t moment[TW_SSIM_MOMENTS])
{
    const double c1 = (0.01 * 255) * (0.01 * 255), c2 = (0.03 * 255) * (0.03 * 255);
    const double mean_unit = 1.0 / (double)(INT64_C(1) << (2 * TAP_BITS + TW_LUMA_BITS - MEAN_SHIFT));
    const double product_unit = 1.0 / (double)(INT64_C(1) << (2 * TAP_BITS + 2 * TW_LUMA_BITS - PRODUCT_SHIFT));
    double a = (double)moment[0] * mean_unit, b = (double)moment[1] * mean_unit;
    double aa = (double)moment[2] * product_unit - a * a, bb = (double)moment[3] * product_unit - b * b;
    double ab = (double)moment[4] * product_unit - a * b;
    return (2 * a * b + c1) * (2 * ab + c2) / ((a * a + b * b + c1) * (aa + bb + c2));
}

static void take_plane(const tw_op_state *state, tw_compare_rows *rows, int plane, int64_t y)
{
    int64_t n = rows->centres.hi - rows->centres.lo, from = rows->centres.lo - TW_SSIM_REACH - rows->in.x;
    make_plane(state, rows, plane);
    const int64_t *line[TW_SSIM_MOMENTS] = {rows->plane[0], rows->plane[1], rows->product[0], rows->product[1],
                                            rows->product[2]};
    for (int m = 0; m < TW_SSIM_MOMENTS; m++)
        along_row(line[m] + from, n, m < 2 ? MEAN_SHIFT : PRODUCT_SHIFT, ring_row(rows, plane, y, m));
}

/* Of the windows whose last row is y. */
static __int128 plane_ssim(const tw_compare_rows *rows, int plane, int64_t y)
{
    int64_t n = rows->centres.hi - rows->centres.lo;
    __int128 sum = 0;
    for (int m = 0; m < TW_SSIM_MOMENTS; m++)
        down_columns(rows, plane, y - TW_SSIM_TAPS + 1, m, n, rows->moment[m]);
    for (int64_t x = 0; x < n; x++) {
        int64_t moment[TW_SSIM_MOMENTS];
        for (int m = 0; m < TW_SSIM_MOMENTS; m++)
            moment[m] = rows->moment[m][x];
        sum += (int64_t)(window_ssim(moment) * (double)(INT64_C(1) << TW_SSIM_BITS));
    }
    return sum;
}

void tw_compare_windows(const tw_op_state *state, tw_compare_rows *rows, int64_t y, tw_compare_sums *sums)
{
    int64_t n = rows->centres.hi - rows->centres.lo, centre = y - TW_SSIM_REACH;
    if (n <= 0)
        return;
    for (int plane = 0; plane < state->planes; plane++)
        take_plane(state, rows, plane, y);
    if (centre < rows->core.y || centre < state->area.y + TW_SSIM_REACH || centre >= rows->core.y + rows->core.h)
        return;
    sums->ssim += plane_ssim(rows, 0, y);
    for (int plane = 1; plane < state->planes; plane++)
        sums->ssim_colours += plane_ssim(rows, plane, y);
    sums->windows += n;
}
