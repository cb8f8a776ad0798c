/* SPDX-License-Identifier: MIT */
/** Means that are not those of the whole picture: passes over a sample of its tiles, and one that measures what that does to results.
 *  The reference that others are compared with is a sample four times as large; where that is all tiles, it is exact. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "ops/upscale/state.h"

#define SAMPLE   32 /* tiles whose means are used */
#define COMPARED 12 /* tiles that are computed both ways */

void tw_upscale_choose_sync(tw_op_state *state, const tw_options *options)
{
    const char *text = tw_options_text(options, "sync");
    if (!state->model || state->model->geometry->n_barriers == 0 || !state->model->geometry->exact ||
        strcmp(text, "exact") == 0)
        return; /* no means, or none that could be exact */
    state->sync = strcmp(text, "fast") == 0 ? TW_SYNC_FAST : TW_SYNC_OFF;
    state->exact = false;
}

/* Passes over barriers whose means go to results. */
static int own_levels(const tw_op_state *state)
{
    return state->sync == TW_SYNC_OFF ? 0 : state->levels;
}

static int reference_levels(const tw_op_state *state)
{
    return state->sync == TW_SYNC_EXACT ? 0 : state->levels;
}

int tw_upscale_passes(const tw_op_state *state)
{
    if (state->whole)
        return 1;
    return own_levels(state) + reference_levels(state) + (state->sync != TW_SYNC_EXACT) + 1;
}

tw_role tw_upscale_role(const tw_op_state *state, int pass)
{
    int own = state->whole ? 0 : own_levels(state), all = state->whole ? 0 : own + reference_levels(state);
    if (pass < own)
        return (tw_role){TW_ROLE_MEANS, false, pass, state->sync == TW_SYNC_FAST ? SAMPLE : 0};
    if (pass < all)
        return (tw_role){TW_ROLE_MEANS, true, pass - own, 4 * SAMPLE};
    if (pass == all && state->sync != TW_SYNC_EXACT && !state->whole)
        return (tw_role){TW_ROLE_COMPARE, false, 0, COMPARED};
    return (tw_role){TW_ROLE_RESULT, false, 0, 0};
}

const tw_known *tw_upscale_means(const tw_op_state *state)
{
    return state->whole || state->sync == TW_SYNC_OFF || !state->model ? NULL : state->known;
}

/* The greatest difference in the tile's core, in 1/255. `lines`: six rows of the core. */
static double difference(const tw_op_state *state, tw_rect core, int64_t x0, int64_t y0, const tw_tensor *a, const tw_tensor *b,
                         float *lines)
{
    double most = 0;
    float *other = lines + 3 * core.w;
    for (int64_t y = 0; y < core.h; y++) {
        tw_upscale_row(state, a, x0, y0 + y, core.w, lines);
        tw_upscale_row(state, b, x0, y0 + y, core.w, other);
        for (int64_t i = 0; i < state->out.colours * core.w; i++)
            most = fmax(most, 255 * fabs((double)lines[i] - (double)other[i]));
    }
    return most;
}

tw_status tw_upscale_compare(tw_op_state *state, tw_step *step, const tw_tensor *tile, tw_span canvas_x, tw_span canvas_y,
                             tw_error *err)
{
    tw_tensor used = {0}, better = {0}, lines = {0};
    tw_rect core = step->out;
    tw_status status = tw_upscale_net(state, step, tile, tw_upscale_means(state), &used, err);
    if (status == TW_OK)
        status = tw_upscale_net(state, step, tile, state->reference, &better, err);
    if (status == TW_OK)
        status = tw_engine_tensor(state->workers[step->worker], core.w, 6, 1, &lines, err);
    if (status == TW_OK) {
        double *most = step->value = g_new(double, 1);
        *most = difference(state, core, core.x - canvas_x.lo * state->scale, core.y - canvas_y.lo * state->scale, &used,
                           &better, lines.data);
    }
    tw_tensor_release(&lines);
    tw_tensor_release(&better);
    tw_tensor_release(&used);
    return status;
}

void tw_upscale_reduce_compared(tw_op_state *state, const tw_step *step)
{
    const double *most = step->value;
    state->compared.known = true;
    state->compared.tiles++;
    state->compared.bound = fmax(state->compared.bound, *most);
}
