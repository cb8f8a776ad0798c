/* SPDX-License-Identifier: MIT */
#include "ops/compare/compare.h"

#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ops/compare/options.h"
#include "ops/compare/state.h"

#define BLOCK_SLACK (64 + 4096) /* tw_alloc's head and rounding */

static void close_compare(tw_op_state *state)
{
    if (!state)
        return;
    tw_free(state->lines[0]);
    tw_free(state->lines[1]);
    g_free(state);
}

/* --- what to compare --------------------------------------------------------------------------------------------- */

static const char *bands_name(const tw_picture *p)
{
    if (p->colours == 1)
        return p->alpha ? "grey with alpha" : "grey";
    return p->alpha ? "RGB with alpha" : "RGB";
}

static tw_status check_pictures(const tw_op_request *request, tw_error *err)
{
    const tw_picture *a = tw_source_picture(request->sources[0]), *b = tw_source_picture(request->sources[1]);
    const char *name_a = tw_source_label(request->sources[0]), *name_b = tw_source_label(request->sources[1]);
    if (a->width != b->width || a->height != b->height || a->colours != b->colours || a->alpha != b->alpha)
        return tw_fail(err, TW_ERROR_INPUT, "%s is %lldx%lld %s but %s is %lldx%lld %s: they must be alike", name_a,
                       (long long)a->width, (long long)a->height, bands_name(a), name_b, (long long)b->width,
                       (long long)b->height, bands_name(b));
    if (tw_source_orientation(request->sources[0]) != tw_source_orientation(request->sources[1]))
        tw_warn(request->context, "%s and %s have different orientation tags; the stored pixels are compared", name_a, name_b);
    return TW_OK;
}

static void choose_scale(tw_op_state *state)
{
    tw_depth depth = state->depth[0] > state->depth[1] ? state->depth[0] : state->depth[1];
    state->picture.depth = depth;
    state->white = depth == TW_U8 ? 255 : depth == TW_U16 ? 65535 : INT64_C(1) << 24;
    for (int k = 1; k < TW_LEVELS; k++) /* rounds up at half a level, as storing at 8 bit would */
        state->level[k] = tw_ceil_div((2 * k - 1) * state->white, 510);
    /* BT.601: Y = 16 + 65.481 R + 128.553 G + 24.966 B. Grey is R = G = B, so that a picture scores the same either
     * way. */
    static const int64_t rgb[3] = {65481, 128553, 24966}, grey[3] = {219000, 0, 0};
    memcpy(state->luma_weight, state->picture.colours == 3 ? rgb : grey, sizeof rgb);
    state->luma_scale = ((INT64_C(1) << TW_SCALE_BITS) + 500 * state->white) / (1000 * state->white);
    /* Float samples may lie far outside of white; without this the sum of squares could pass 128 bits. */
    state->luma_shift = depth == TW_F32 ? 10 : 0;
}

static double limit(const tw_options *options, const char *name)
{
    return tw_options_given(options, name) ? tw_options_real(options, name) : -1;
}

static tw_status choose_area(tw_op_state *state, const tw_options *options, tw_error *err)
{
    int64_t crop = tw_options_int(options, "crop"), w = state->picture.width, h = state->picture.height;
    if (2 * crop >= w || 2 * crop >= h)
        return tw_fail(err, TW_ERROR_USAGE, "--crop %lld leaves nothing of %lldx%lld pixels", (long long)crop, (long long)w,
                       (long long)h);
    state->area = (tw_rect){crop, crop, w - 2 * crop, h - 2 * crop};
    tw_options_geometry(options, "grid", &state->grid[0], &state->grid[1]);
    if (state->grid[0] == 1 || state->grid[1] == 1)
        return tw_fail(err, TW_ERROR_USAGE, "--grid %s: a side of 1 leaves no pixels between the lines",
                       tw_options_text(options, "grid"));
    state->planes = tw_options_bool(options, "ssim-rgb") ? 1 + state->picture.colours : 1;
    state->max_difference = limit(options, "max-difference");
    state->min_psnr = limit(options, "min-psnr");
    return TW_OK;
}

static tw_status open_compare(const tw_op_request *request, tw_op_state **out, tw_error *err)
{
    *out = NULL;
    TW_TRY(check_pictures(request, err));
    tw_op_state *state = g_new0(tw_op_state, 1);
    state->context = request->context;
    state->picture = *tw_source_picture(request->sources[0]);
    for (int i = 0; i < 2; i++) {
        state->label[i] = tw_source_label(request->sources[i]);
        state->depth[i] = tw_source_picture(request->sources[i])->depth;
    }
    choose_scale(state);
    tw_status status = choose_area(state, request->options, err);
    if (status != TW_OK) {
        close_compare(state);
        return status;
    }
    *out = state;
    return TW_OK;
}

/* --- what the plan asks ------------------------------------------------------------------------------------------ */

static void compare_facts(const tw_op_state *state, tw_op_facts *out)
{
    *out = (tw_op_facts){.macs = 200, .scale = 1, .exact = true};
    for (int i = 0; i < 4; i++)
        out->halo[i] = TW_SSIM_REACH;
    /* The line sums: made once and shared by the workers, as weights are. */
    out->weight_bytes = (state->picture.width + state->picture.height) * (int64_t)sizeof(int64_t) + 2 * BLOCK_SLACK;
}

static int compare_passes(const tw_op_state *state)
{
    return 1;
}

static void compare_pass(const tw_op_state *state, int pass, tw_pass *out)
{
    *out = (tw_pass){.result = TW_RESULT_VALUES, .align = 1};
    out->width = state->picture.width;
    out->height = state->picture.height;
    out->access[0] = out->access[1] = TW_ACCESS_RECT;
}

static tw_rect compare_need(const tw_op_state *state, int pass, int input, tw_rect out)
{
    tw_span x = {tw_max64(out.x - TW_SSIM_REACH, 0), tw_min64(out.x + out.w + TW_SSIM_REACH, state->picture.width)};
    tw_span y = {tw_max64(out.y - TW_SSIM_REACH, 0), tw_min64(out.y + out.h + TW_SSIM_REACH, state->picture.height)};
    return tw_rect_of(x, y);
}

/* Values wait for their turn while one slow step holds it. The window has room for at most three rows of tiles, more
 * only where tiles are lower than the halo; each worker is charged with all of them, which is more than enough. */
static int64_t compare_bytes(const tw_op_state *state, int pass, int64_t w, int64_t h)
{
    int64_t columns = tw_ceil_div(state->picture.width, w), all_rows = tw_ceil_div(state->picture.height, h);
    int64_t rows = tw_min64(3 + 16 / h, all_rows);
    return tw_compare_row_bytes(state, w) + BLOCK_SLACK + rows * columns * tw_compare_value_bytes(w, h);
}

/* --- running ----------------------------------------------------------------------------------------------------- */

static tw_status start_compare(tw_op_state *state, const tw_start *start, tw_error *err)
{
    const int64_t length[2] = {state->picture.width, state->picture.height};
    for (int axis = 0; axis < 2; axis++) {
        size_t bytes = (size_t)length[axis] * sizeof(int64_t);
        state->lines[axis] = tw_alloc(tw_context_account(state->context), bytes);
        if (!state->lines[axis])
            return tw_fail_memory(err, "line sums", (long long)bytes);
        memset(state->lines[axis], 0, bytes);
    }
    return TW_OK;
}

static void fold_max(tw_compare_sums *total, const tw_compare_sums *sums)
{
    bool earlier = sums->max_y < total->max_y || (sums->max_y == total->max_y && sums->max_x < total->max_x);
    if (sums->max < total->max || sums->max == 0 || (sums->max == total->max && !earlier))
        return;
    total->max = sums->max;
    total->max_x = sums->max_x, total->max_y = sums->max_y;
    total->max_band = sums->max_band;
}

static tw_status compare_reduce(tw_op_state *state, const tw_step *step, tw_error *err)
{
    const tw_compare_value *value = step->value;
    const tw_compare_sums *sums = &value->sums;
    tw_compare_sums *total = &state->total;
    fold_max(total, sums);
    total->differing += sums->differing;
    for (int i = 0; i < TW_LEVELS; i++)
        total->levels[i] += sums->levels[i];
    total->absolute += sums->absolute;
    total->squares += sums->squares;
    total->luma_squares += sums->luma_squares;
    for (int i = 0; i < 3; i++)
        total->shift[i] += sums->shift[i];
    total->ssim += sums->ssim;
    total->ssim_colours += sums->ssim_colours;
    total->windows += sums->windows;
    for (int64_t x = 0; x < value->core.w; x++)
        state->lines[0][value->core.x + x] += value->line[x];
    for (int64_t y = 0; y < value->core.h; y++)
        state->lines[1][value->core.y + y] += value->line[value->core.w + y];
    return TW_OK;
}

static const char *number(char *buffer, int n, double value)
{
    return g_ascii_formatd(buffer, n, "%.6g", value);
}

static tw_status compare_end_pass(tw_op_state *state, int pass, tw_error *err)
{
    char is[40], most[40];
    tw_compare_conclude(state);
    const tw_compare_result *r = &state->result;
    if (state->max_difference >= 0 && r->max > state->max_difference)
        return tw_fail(err, TW_ERROR_RUN, "%s and %s differ by %s/255 at %lld,%lld: more than --max-difference %s",
                       state->label[0], state->label[1], number(is, sizeof is, r->max), (long long)state->total.max_x,
                       (long long)state->total.max_y, number(most, sizeof most, state->max_difference));
    if (state->min_psnr >= 0 && r->psnr < state->min_psnr)
        return tw_fail(err, TW_ERROR_RUN, "%s and %s: PSNR %s dB is less than --min-psnr %s", state->label[0], state->label[1],
                       number(is, sizeof is, r->psnr), number(most, sizeof most, state->min_psnr));
    return TW_OK;
}

const tw_op_class tw_compare_class = {
    .info = {.name = "compare",
             .summary = "measure how far two pictures are apart: PSNR, SSIM, largest difference, seams",
             .usage = "A B",
             .about = "Reads two pictures of the same size and bands row by row, in bounded memory, and reports PSNR "
                      "over all colours and over BT.601 luma, the mean SSIM of the luma (11x11 Gaussian window, sigma "
                      "1.5), the largest and the mean difference in 1/255, how many samples differ, and how much the "
                      "difference jumps at the lines of a tile grid compared with elsewhere (1: no seam). Equal "
                      "pictures have no PSNR; the report says identical. With --max-difference or --min-psnr the "
                      "command fails when the pictures are further apart.",
             .min_inputs = 2,
             .max_inputs = 2,
             .has_output = 0},
    .options = tw_compare_options,
    .result = TW_RESULT_VALUES,
    .open = open_compare,
    .close = close_compare,
    .facts = compare_facts,
    .passes = compare_passes,
    .pass = compare_pass,
    .need = compare_need,
    .bytes = compare_bytes,
    .start = start_compare,
    .run = tw_compare_run,
    .reduce = compare_reduce,
    .end_pass = compare_end_pass,
    .report = tw_compare_report,
};
