/* SPDX-License-Identifier: MIT */
/** Which rows of the input a part of the result reads, proven by the field's bounds before any pixel is there. */
#include <glib.h>

#include "ops/warp/state.h"

/* Rows stream in one direction: a band counts what any band below it reads as still needed. */
void tw_warp_lay_bands(tw_op_state *state)
{
    int64_t height = state->out.height;
    state->band_rows = tw_max64(16, tw_ceil_div(height, TW_WARP_BANDS));
    state->n_bands = tw_ceil_div(height, state->band_rows);
    state->bands = g_new0(tw_warp_band, state->n_bands);
    int64_t first = state->in.height;
    for (int64_t i = state->n_bands - 1; i >= 0; i--) {
        int64_t y = i * state->band_rows;
        tw_rect rows = {0, y, state->out.width, tw_min64(state->band_rows, height - y)};
        double lo[2], hi[2];
        state->bounded = tw_field_bounds(state->field, rows, lo, hi);
        if (!state->bounded)
            return;
        state->bands[i].rows = tw_warp_reads(&state->plane, 1, lo[1], hi[1]);
        first = tw_min64(first, state->bands[i].rows.lo);
        state->bands[i].first = first;
    }
}

tw_rect tw_warp_need(const tw_op_state *state, int pass, int input, tw_rect out)
{
    tw_rect all = {0, 0, state->in.width, state->in.height};
    if (!state->bounded || out.h < 1)
        return all;
    int64_t first = out.y / state->band_rows, last = (out.y + out.h - 1) / state->band_rows, end = 0;
    for (int64_t i = first; i <= last; i++)
        end = tw_max64(end, state->bands[i].rows.hi);
    return (tw_rect){0, state->bands[first].first, state->in.width, end - state->bands[first].first};
}
