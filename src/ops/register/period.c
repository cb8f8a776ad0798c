/* SPDX-License-Identifier: MIT */
/** Does the fixed picture repeat? Windows of its levels are correlated with themselves. */
#include <math.h>

#include "ops/register/global.h"

#define SIDE   128
#define SEARCH 56
#define NEAR   5 /* pixels around no shift at all */
#define PLACES 3 /* on each axis */
#define AGREE  6 /* of the nine that must tell the same period */
#define LEVELS 4

static float at(const float *map, int x, int y)
{
    return map[(y & (SIDE - 1)) * SIDE + (x & (SIDE - 1))];
}

static bool is_top(const float *map, int x, int y)
{
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++)
            if ((dx || dy) && at(map, x + dx, y + dy) > at(map, x, y))
                return false;
    return true;
}

/* Length of the shift after which a window is most like itself; 0: there is none. Of shifts that are nearly as good the shortest one. */
static double period_of(const tw_correlator *c, const float *window, float *f, float *m, float *room, double shift[2])
{
    const float *map;
    double sum = 0, period = 0;
    float best = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        sum += (double)window[i];
    for (int i = 0; i < SIDE * SIDE; i++)
        f[i] = m[i] = (window[i] - (float)(sum / (SIDE * SIDE))) * c->hann[i % SIDE] * c->hann[i / SIDE];
    tw_correlate_map(c, f, m, SEARCH, room, &map);
    for (int y = 0; y < SEARCH - 1; y++)
        for (int x = -SEARCH; x < SEARCH; x++) {
            float v = at(map, x, y);
            double length = hypot(x, y);
            if (length <= NEAR || !(v > 0) || !is_top(map, x, y))
                continue;
            if (v > best * 1.05f || (v > best * 0.95f && length < period))
                best = fmaxf(v, best), period = length, shift[0] = x, shift[1] = y;
        }
    return period;
}

static int how_many(const double *found, int n, double period)
{
    int count = 0;
    for (int k = 0; k < n; k++)
        count += period > 0 && fabs(found[k] - period) < 0.04 * period;
    return count;
}

static tw_status look_at(tw_op_state *state, int level, float *block, double *period, tw_error *err)
{
    const tw_levels *levels = &state->pyramid[0];
    float *window = block, *f = window + SIDE * SIDE, *m = f + SIDE * SIDE, *room = m + SIDE * SIDE;
    double found[PLACES * PLACES], shift[PLACES * PLACES][2];
    for (int k = 0; k < PLACES * PLACES; k++) {
        tw_rect rect = {levels->width[level] * (k % PLACES + 1) / (PLACES + 1) - SIDE / 2,
                        levels->height[level] * (k / PLACES + 1) / (PLACES + 1) - SIDE / 2, SIDE, SIDE};
        TW_TRY(tw_levels_read_floats(levels, level, rect, window, SIDE, room, err));
        found[k] = period_of(&state->correlator[1], window, f, m, room, shift[k]);
    }
    *period = 0;
    for (int k = 0; k < PLACES * PLACES && *period == 0; k++)
        if (how_many(found, PLACES * PLACES, found[k]) >= AGREE)
            *period = found[k], state->result.repeat[0] = shift[k][0], state->result.repeat[1] = shift[k][1];
    return TW_OK;
}

tw_status tw_period_find(tw_op_state *state, tw_error *err)
{
    tw_account *account = tw_context_account(state->context);
    size_t bytes = (size_t)(3 * SIDE * SIDE + tw_correlate_room(&state->correlator[1])) * sizeof(float);
    float *block = tw_alloc(account, bytes + TW_LEVEL_ROOM);
    if (!block)
        return tw_fail_memory(err, "window", (long long)bytes);
    tw_status status = TW_OK;
    for (int level = 0; level < tw_min64(LEVELS, state->levels) && status == TW_OK && state->result.period == 0; level++) {
        double period = 0;
        if (state->pyramid[0].width[level] >= SIDE && state->pyramid[0].height[level] >= SIDE)
            status = look_at(state, level, block, &period, err);
        state->result.period = period * (double)(INT64_C(1) << level);
        for (int axis = 0; axis < 2 && period > 0; axis++)
            state->result.repeat[axis] *= (double)(INT64_C(1) << level);
    }
    tw_free(block);
    return status;
}
