/* SPDX-License-Identifier: MIT */
/** From sums to figures. All of it happens once, at the end, so that doubles do no harm. */
#include <jansson.h>
#include <math.h>

#include "ops/compare/state.h"

#define INVISIBLE 0.001 /* in 1/255: gradients of this size are no seam, whatever their ratio */

static double decibels(double mse_of_one)
{
    return mse_of_one > 0 ? -10 * log10(mse_of_one) : INFINITY;
}

void tw_compare_conclude(tw_op_state *state)
{
    const tw_compare_sums *t = &state->total;
    tw_compare_result *r = &state->result;
    double pixels = (double)state->area.w * (double)state->area.h, white = (double)state->white;
    double samples = pixels * state->picture.colours;
    double luma_unit = ldexp(1, state->luma_shift) / (1000 * white * 255); /* the peak is 255, though Y ends at 235 */
    r->psnr = decibels((double)t->squares / (white * white) / samples);
    r->psnr_y = decibels((double)t->luma_squares * luma_unit * luma_unit / pixels);
    r->ssim = t->windows > 0 ? ldexp((double)t->ssim, -TW_SSIM_BITS) / (double)t->windows : NAN;
    double colour_windows = (double)t->windows * (state->planes - 1);
    r->ssim_rgb = colour_windows > 0 ? ldexp((double)t->ssim_colours, -TW_SSIM_BITS) / colour_windows : NAN;
    r->max = (double)t->max * 255 / white;
    r->mean = (double)t->absolute * 255 / white / samples;

    tw_span span[2] = {{state->area.x, state->area.x + state->area.w}, {state->area.y, state->area.y + state->area.h}};
    int bands = tw_picture_bands(&state->picture);
    for (int axis = 0; axis < 2; axis++) {
        double across = (double)(axis == 0 ? state->area.h : state->area.w) * bands;
        double floor = INVISIBLE / 255 * white;
        r->seam[axis] = tw_compare_seam(state->lines[axis], span[axis], state->grid[axis], across, floor);
    }
}

/* JSON has neither infinity nor NaN. */
static void set_real(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, isfinite(value) ? json_real(value) : json_null());
}

static void set_int(json_t *object, const char *key, int64_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

static void report_difference(const tw_op_state *state, json_t *json)
{
    const tw_compare_sums *t = &state->total;
    double pixels = (double)state->area.w * (double)state->area.h;
    set_real(json, "max_difference", state->result.max);
    if (state->picture.depth != TW_F32)
        set_int(json, "max_difference_levels", t->max);
    json_t *at = t->max > 0 ? json_object() : json_null();
    if (t->max > 0) {
        set_int(at, "x", t->max_x);
        set_int(at, "y", t->max_y);
        set_int(at, "band", t->max_band);
    }
    json_object_set_new(json, "max_difference_at", at);
    set_real(json, "mean_difference", state->result.mean);
    set_int(json, "differing_samples", t->differing);
    set_real(json, "differing_fraction", (double)t->differing / (pixels * tw_picture_bands(&state->picture)));
    json_t *levels = json_array(), *shift = json_array();
    for (int i = 0; i < TW_LEVELS; i++)
        json_array_append_new(levels, json_integer(t->levels[i]));
    for (int i = 0; i < state->picture.colours; i++)
        json_array_append_new(shift, json_real((double)t->shift[i] * 255 / (double)state->white / pixels));
    json_object_set_new(json, "levels", levels);
    json_object_set_new(json, "colour_shift", shift);
}

static void report_seam(const tw_op_state *state, json_t *json)
{
    const tw_seam *x = &state->result.seam[0], *y = &state->result.seam[1];
    set_real(json, "seam_score", x->score > y->score ? x->score : y->score); /* a seam along one axis is a seam */
    json_t *period = x->period || y->period ? json_array() : json_null();
    if (x->period || y->period) {
        json_array_append_new(period, json_integer(x->period));
        json_array_append_new(period, json_integer(y->period));
    }
    json_object_set_new(json, "seam_period", period);
}

void tw_compare_report(const tw_op_state *state, void *json)
{
    static const int bits[] = {[TW_U8] = 8, [TW_U16] = 16, [TW_F32] = 32};
    const tw_compare_result *r = &state->result;
    set_int(json, "depth", bits[state->picture.depth]);
    set_int(json, "crop", state->area.x);
    if (!state->lines[0]) /* a plan: nothing was measured */
        return;
    json_object_set_new(json, "identical", json_boolean(state->total.differing == 0));
    set_real(json, "psnr", r->psnr);
    set_real(json, "psnr_y", r->psnr_y);
    set_real(json, "ssim", r->ssim);
    if (state->planes > 1)
        set_real(json, "ssim_rgb", r->ssim_rgb);
    report_difference(state, json);
    report_seam(state, json);
}
