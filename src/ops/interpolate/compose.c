/* SPDX-License-Identifier: MIT */
/* Flows and shares of frames half as large, enlarged linearly, warp and mix the frames themselves. */
#include <math.h>

#include "ops/interpolate/state.h"

#define LEFT 5 /* channels that the net left: two flows and a share */

static tw_status read_frame(void *user, tw_rect rect, float *to, tw_error *err)
{
    return tw_frame_read(user, rect, to, rect.w * rect.h, err);
}

tw_status tw_compose_sampler(tw_op_state *state, tw_interpolate_worker *worker, int frame, tw_error *err)
{
    tw_sampled source = {2 * state->canvas[0], 2 * state->canvas[1], 3, read_frame, &worker->frames[frame]};
    if (worker->full[frame])
        return TW_OK;
    return tw_sampler_new(&source, TW_SAMPLER_BLOCKS, tw_context_account(state->context), &worker->full[frame], err);
}

/* Small samples around [lo, hi) of the large ones. */
static tw_span small_span(int64_t lo, int64_t hi, int64_t n)
{
    return (tw_span){tw_max64((lo - 1) / 2 - (lo < 1), 0), tw_min64(hi / 2 + 1, n)};
}

int64_t tw_compose_bytes(int64_t w, int64_t h)
{
    int64_t small = tw_plane_floats(w / 2 + 4, h / 2 + 4) * LEFT, large = tw_plane_floats(w, h) * (LEFT + 6);
    return (small + large) * (int64_t)sizeof(float) + (512 << 10);
}

/* What lies between two small samples; beyond the border, the border. */
typedef struct between {
    int64_t first, second;
    float part;
} between;

static between between_of(int64_t i, tw_span have)
{
    int64_t lower = (i - 1) / 2 - (i < 1); /* floor((i - 1) / 2): large sample i lies at (i + 0.5) / 2 - 0.5 */
    float part = i % 2 ? 0.25f : 0.75f;
    return (between){tw_clamp64(lower, have.lo, have.hi - 1) - have.lo, tw_clamp64(lower + 1, have.lo, have.hi - 1) - have.lo,
                     part};
}

static void enlarge(const tw_tensor *small, int64_t channel, tw_span x, tw_span y, tw_rect rect, float times, float *to)
{
    const float *plane = small->data + channel * small->plane;
    for (int64_t row = 0; row < rect.h; row++) {
        between v = between_of(rect.y + row, y);
        const float *upper = plane + v.first * small->w, *lower = plane + v.second * small->w;
        for (int64_t i = 0; i < rect.w; i++) {
            between u = between_of(rect.x + i, x);
            float a = upper[u.first] * (1 - u.part) + upper[u.second] * u.part;
            float b = lower[u.first] * (1 - u.part) + lower[u.second] * u.part;
            to[row * rect.w + i] = (a * (1 - v.part) + b * v.part) * times;
        }
    }
}

typedef struct mixing {
    tw_tensor small, large, warped,
        result; /* large: what was left, enlarged; the first frame warped; the second, then the mixture */
} mixing;

static tw_status read_left(tw_op_state *state, const tw_step *step, mixing *m, tw_error *err)
{
    tw_engine_worker *engine = state->workers[step->worker].engine;
    tw_rect out = step->write;
    tw_span x = small_span(out.x, out.x + out.w, state->canvas[0]), y = small_span(out.y, out.y + out.h, state->canvas[1]);
    TW_TRY(tw_engine_tensor(engine, tw_span_length(x), tw_span_length(y), LEFT, &m->small, err));
    TW_TRY(tw_engine_tensor(engine, out.w, out.h, LEFT, &m->large, err));
    for (int i = 0; i < 3; i++)
        TW_TRY(tw_store_read(&state->stores[state->flow->ending[i]], tw_rect_of(x, y), m->small.data + 2 * i * m->small.plane,
                             m->small.w, m->small.plane, err));
    for (int c = 0; c < LEFT; c++)
        enlarge(&m->small, c, x, y, out, c < 4 ? 2 : 1, m->large.data + c * m->large.plane);
    return TW_OK;
}

static tw_status warp(tw_op_state *state, const tw_step *step, int frame, const mixing *m, tw_tensor *to, tw_error *err)
{
    tw_interpolate_worker *worker = &state->workers[step->worker];
    tw_rect out = step->write;
    TW_TRY(tw_engine_tensor(worker->engine, out.w, out.h, 3, to, err));
    TW_TRY(tw_compose_sampler(state, worker, frame, err));
    return tw_sampler_warp(worker->full[frame], m->large.data + 2 * frame * m->large.plane, m->large.plane, out.w, out.h, out.x,
                           out.y, to->data, to->plane, err);
}

static void mix(mixing *m)
{
    const float *share = m->large.data + 4 * m->large.plane;
    for (int c = 0; c < 3; c++) {
        const float *first = m->warped.data + c * m->warped.plane;
        float *second = m->result.data + c * m->result.plane;
        for (int64_t i = 0; i < m->result.w * m->result.h; i++)
            second[i] = first[i] * share[i] + second[i] * (1 - share[i]);
    }
}

tw_status tw_compose_run(tw_op_state *state, tw_step *step, tw_error *err)
{
    mixing m = {{0}, {0}, {0}, {0}};
    tw_status status = read_left(state, step, &m, err);
    if (status == TW_OK)
        status = warp(state, step, 0, &m, &m.warped, err);
    if (status == TW_OK)
        status = warp(state, step, 1, &m, &m.result, err);
    if (status == TW_OK) {
        mix(&m);
        status = tw_finish(state, step, &m.result, step->write.x, step->write.y, err);
    }
    tw_tensor_release(&m.result);
    tw_tensor_release(&m.warped);
    tw_tensor_release(&m.large);
    tw_tensor_release(&m.small);
    return status;
}
