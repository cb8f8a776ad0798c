/* SPDX-License-Identifier: MIT */
/** --region: a part of what the whole picture gives. Canvas, net and places of tiles stay those of the whole picture, so that the
 *  pixels do, too; only the plane that the last pass partitions is the part's. Passes that sum over the picture still see all of it. */
#include <jansson.h>
#include <stdio.h>

#include "ops/upscale/state.h"

static tw_status parse(const char *text, tw_rect *out, tw_error *err)
{
    long long v[4];
    int used = 0;
    if (sscanf(text, "%18lld,%18lld,%18lld,%18lld%n", &v[0], &v[1], &v[2], &v[3], &used) != 4 || text[used])
        return tw_fail(err, TW_ERROR_USAGE, "--region %.100s: four whole numbers, as 0,0,640,480", text);
    *out = (tw_rect){v[0], v[1], v[2], v[3]};
    return TW_OK;
}

static tw_status check(const tw_op_state *state, const char *text, tw_rect r, tw_error *err)
{
    if (r.x < 0 || r.y < 0 || r.w < 1 || r.h < 1 || r.w > state->in.width - r.x || r.h > state->in.height - r.y)
        return tw_fail(err, TW_ERROR_USAGE, "--region %.100s: not inside the picture of %lldx%lld pixels", text,
                       (long long)state->in.width, (long long)state->in.height);
    if (state->final_width > 0)
        return tw_fail(err, TW_ERROR_USAGE,
                       "--region: parts of a result that is resampled after the net are not computed: %s enlarges by %lld",
                       state->name, (long long)state->scale);
    if (!state->exact && !state->whole)
        return tw_fail(err, TW_ERROR_USAGE,
                       "--region: parts are computed of exact tiles only, without --halo N, --halo auto:EPS and --sync");
    return TW_OK;
}

tw_status tw_upscale_choose_region(tw_op_state *state, const tw_op_request *request, tw_error *err)
{
    const char *text = tw_options_text(request->options, "region");
    tw_rect r = {0};
    if (!text)
        return TW_OK;
    TW_TRY(parse(text, &r, err));
    TW_TRY(check(state, text, r, err));
    int64_t s = state->scale;
    state->part = true;
    state->region = (tw_rect){r.x * s, r.y * s, r.w * s, r.h * s};
    state->out.width = r.w * s;
    state->out.height = r.h * s;
    if (!state->whole && !tw_source_cost_of(request->sources[0])->why_copied)
        state->direct = request->sources[0];
    return TW_OK;
}

static bool is_result(const tw_op_state *state, int pass)
{
    return tw_upscale_role(state, pass).kind == TW_ROLE_RESULT;
}

tw_rect tw_upscale_in_whole(const tw_op_state *state, int pass, tw_rect rect)
{
    if (state->part && is_result(state, pass)) {
        rect.x += state->region.x;
        rect.y += state->region.y;
    }
    return rect;
}

bool tw_upscale_reads_directly(const tw_op_state *state, int pass)
{
    return state->direct && is_result(state, pass);
}

void tw_upscale_region_pass(const tw_op_state *state, int pass, tw_pass *out)
{
    if (!state->part)
        return;
    if (is_result(state, pass)) {
        out->part = !state->whole;
        out->width = state->region.w;
        out->height = state->region.h;
        if (tw_upscale_reads_directly(state, pass))
            out->access[0] = TW_ACCESS_RANDOM;
        return;
    }
    out->share = (double)out->width * (double)out->height / ((double)state->region.w * (double)state->region.h);
}

int64_t tw_upscale_direct_bytes(const tw_op_state *state, int64_t w, int64_t h)
{
    return state->direct ? w * h * tw_picture_pixel_bytes(&state->in) : 0;
}

tw_status tw_upscale_read_directly(tw_op_state *state, const tw_step *step, tw_tensor *pixels, tw_error *err)
{
    tw_rect in = step->in[0];
    int64_t bytes = in.w * in.h * tw_picture_pixel_bytes(&state->in);
    TW_TRY(tw_engine_tensor(state->workers[step->worker], tw_ceil_div(bytes, sizeof(float)), 1, 1, pixels, err));
    return tw_source_read_rect(state->direct, in, pixels->data, err);
}

void tw_upscale_report_region(const tw_op_state *state, void *json)
{
    const tw_rect *r = &state->region;
    int64_t s = state->scale;
    if (state->part)
        json_object_set_new(json, "region",
                            json_pack("[I,I,I,I]", (json_int_t)(r->x / s), (json_int_t)(r->y / s), (json_int_t)(r->w / s),
                                      (json_int_t)(r->h / s)));
}
