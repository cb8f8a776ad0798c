/* SPDX-License-Identifier: MIT */
/** How far a smaller context is from a larger one, measured on the tiles of the picture that have most detail. The tiles are small,
 *  so that their borders, where a context that is too small shows, are near everywhere. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "ops/upscale/state.h"

#define PLACES 6
#define AGAIN  2   /* places where what an earlier run found is looked at again */
#define CORE   48  /* input pixels, then the next multiple of the alignment */
#define MOST   104 /* context that others are compared with, where a larger one is not exact or would take long */
#define LEAST  8   /* the smallest such context that says anything */

typedef struct prober {
    tw_op_state *state;
    int64_t reference_halo; /* as state->fixed_halo */
    int n;
    tw_rect cores[PLACES]; /* result pixels */
    tw_crop crops[PLACES];
    float *reference[PLACES]; /* the cores' samples: rows, room for three colours, columns */
    float *line;
    int64_t asked;       /* the context in question */
    const tw_cuts *cuts; /* NULL: tiles are the cores themselves */
    float *sum;          /* edges: samples of a core, as tiles are blended there */
} prober;

/* --- what it takes ----------------------------------------------------------------------------------------------- */

static int64_t core_of(const tw_op_state *state)
{
    return tw_ceil_div(CORE, state->align) * state->align;
}

/* Steps in which contexts are tried. */
static int64_t step_of(const tw_op_state *state)
{
    return state->model ? tw_max64(state->model->geometry->align, 1) : state->align;
}

static tw_op_state with_halo(const tw_op_state *state, int64_t halo)
{
    tw_op_state other = *state;
    other.fixed_halo = halo;
    other.whole = false;
    return other;
}

/* `halo` as state->fixed_halo. */
static int64_t bytes_with(const tw_op_state *state, int64_t halo)
{
    tw_op_state other = with_halo(state, halo);
    int64_t core = core_of(state) * state->scale, margin = state->in.alpha ? 2 * TW_BLEED : 0;
    int64_t crop = (tw_upscale_tile_length(&other, 0, core) + margin) * (tw_upscale_tile_length(&other, 1, core) + margin) *
                   tw_picture_pixel_bytes(&state->in);
    int64_t samples = (3 * core * core * PLACES + 3 * core) * (int64_t)sizeof(float);
    return tw_upscale_bytes(&other, 0, core, core) + PLACES * crop + samples + tw_picture_row_bytes(&state->in) +
           tw_upscale_places_bytes(&state->in, core_of(state), 0);
}

static bool fits(const tw_op_state *state, int64_t halo, int64_t room)
{
    tw_op_state other = with_halo(state, halo);
    int64_t core = core_of(state) * state->scale;
    return bytes_with(state, halo) <= room &&
           (!tw_op_device_used(&state->device) ||
            tw_upscale_vram(&other, 0, core, core) <= tw_op_device_cap(&state->device, state->model->graph));
}

/* The exact context as a number for state->fixed_halo, -1 for the net's own. */
static int64_t own_halo(const tw_op_state *state)
{
    return state->model ? -1 : tw_upscale_exact_halo(state);
}

/* The context in question, 0: it is to be found. */
static int64_t asked_of(const tw_op_state *state)
{
    return state->tolerance > 0 && !state->measured.known ? 0 : state->fixed_halo;
}

/* What others are compared with: the exact context, where that is known, not much dearer, and fits; else a number of pixels, at least
 * twice a context that was given. It may be too small to say anything. */
static int64_t reference_of(const tw_op_state *state, int64_t room, bool *exact)
{
    int64_t halo = tw_max64(MOST, 2 * asked_of(state));
    int64_t known = tw_upscale_exact_halo(state);
    *exact = known >= 0 && known <= halo && fits(state, own_halo(state), room);
    if (*exact)
        return own_halo(state);
    while (halo > 1 && !fits(state, halo, room))
        halo -= tw_max64(halo / 8, 1);
    return halo;
}

static bool says_anything(const tw_op_state *state, int64_t reference, bool exact)
{
    int64_t least = asked_of(state) > 0 ? 2 * asked_of(state) : tw_max64(LEAST, 2 * step_of(state));
    return exact || reference >= least;
}

int64_t tw_upscale_probe_bytes(const tw_op_state *state, int64_t room)
{
    bool exact;
    int64_t reference = reference_of(state, room, &exact);
    if (says_anything(state, reference, exact))
        return bytes_with(state, reference);
    return state->tolerance > 0 ? bytes_with(state, tw_max64(LEAST, 2 * step_of(state))) : 0;
}

/* Pixels to each side that the reference reads at most. */
static int64_t reference_reach(const tw_op_state *state, int64_t reference)
{
    return reference >= 0 ? reference : tw_upscale_exact_halo(state);
}

int64_t tw_upscale_probe_cuts_bytes(const tw_op_state *state, int64_t room, int64_t tiles)
{
    bool exact;
    int64_t reference = reference_of(state, room, &exact), core = core_of(state) * state->scale;
    bool wanted = state->to_measure || state->measured.known;
    if (!wanted || state->fixed_halo < 0 || !says_anything(state, reference, exact))
        return 0;
    int64_t bytes = tw_max64(bytes_with(state, reference), bytes_with(state, reference_reach(state, reference)));
    return bytes + 3 * core * core * (int64_t)sizeof(float) + tw_upscale_places_bytes(&state->in, core_of(state), tiles);
}

/* --- pixels ------------------------------------------------------------------------------------------------------ */

static tw_rect grown(const tw_op_state *state, tw_rect rect, int64_t by)
{
    int64_t right = tw_min64(rect.x + rect.w + by, state->out.width),
            bottom = tw_min64(rect.y + rect.h + by, state->out.height);
    int64_t x = tw_max64(rect.x - by, 0), y = tw_max64(rect.y - by, 0);
    return (tw_rect){x, y, right - x, bottom - y};
}

/* What is computed around a core, where no edge is nearer, so that the context at its border is as wide as the reference's. */
static tw_rect around_core(const prober *p, tw_rect core, int64_t halo)
{
    int64_t more = tw_max64(reference_reach(p->state, p->reference_halo) - halo, 0);
    return grown(p->state, core, more * p->state->scale);
}

/* What has to be read of the picture for a core, with the reference's context and around edges. */
static tw_rect crop_of(const prober *p, tw_rect core)
{
    tw_rect a = tw_upscale_need(p->state, 0, 0, core);
    if (!p->cuts)
        return a;
    tw_op_state asked = with_halo(p->state, p->asked);
    tw_rect b = tw_upscale_need(&asked, 0, 0, around_core(p, core, p->asked));
    int64_t x = tw_min64(a.x, b.x), y = tw_min64(a.y, b.y);
    return (tw_rect){x, y, tw_max64(a.x + a.w, b.x + b.w) - x, tw_max64(a.y + a.h, b.y + b.h) - y};
}

static tw_status make_room(prober *p, int64_t core, tw_error *err)
{
    tw_account *account = tw_context_account(p->state->context);
    int64_t bytes = 3 * core * (int64_t)sizeof(float);
    p->line = tw_alloc(account, (size_t)bytes);
    if (!p->line)
        return tw_fail_memory(err, "samples to be measured", bytes);
    for (int i = 0; i < p->n; i++) {
        tw_crop *crop = &p->crops[i];
        crop->rect = crop_of(p, p->cores[i]);
        bytes = crop->rect.w * crop->rect.h * tw_picture_pixel_bytes(&p->state->in);
        crop->pixels = tw_alloc(account, (size_t)bytes);
        if (!crop->pixels)
            return tw_fail_memory(err, "pixels to be measured", bytes);
        bytes = 3 * p->cores[i].w * p->cores[i].h * (int64_t)sizeof(float);
        p->reference[i] = tw_alloc(account, (size_t)bytes);
        if (!p->reference[i])
            return tw_fail_memory(err, "samples to be measured", bytes);
    }
    bytes = 3 * core * core * (int64_t)sizeof(float);
    if (p->cuts && !(p->sum = tw_alloc(account, (size_t)bytes)))
        return tw_fail_memory(err, "samples to be measured", bytes);
    return TW_OK;
}

static void release(prober *p)
{
    p->state->crop = NULL;
    for (int i = 0; i < p->n; i++) {
        tw_free(p->crops[i].pixels);
        tw_free(p->reference[i]);
    }
    tw_free(p->line);
    tw_free(p->sum);
}

static tw_status fill_crops(prober *p, tw_source *source, char *row, tw_error *err)
{
    int64_t pixel = tw_picture_pixel_bytes(&p->state->in), end = 0;
    for (int i = 0; i < p->n; i++)
        end = tw_max64(end, p->crops[i].rect.y + p->crops[i].rect.h);
    for (int64_t y = 0; y < end; y++) {
        int64_t got = 0;
        TW_TRY(tw_context_check(p->state->context, err));
        TW_TRY(tw_source_next_band(source, row, 1, &got, err));
        for (int i = 0; i < p->n; i++) {
            const tw_crop *crop = &p->crops[i];
            if (y >= crop->rect.y && y < crop->rect.y + crop->rect.h)
                memcpy(crop->pixels + (y - crop->rect.y) * crop->rect.w * pixel, row + crop->rect.x * pixel,
                       (size_t)(crop->rect.w * pixel));
        }
    }
    return TW_OK;
}

static tw_status read_crops(prober *p, tw_source *source, tw_error *err)
{
    int64_t bytes = tw_picture_row_bytes(&p->state->in);
    TW_TRY(tw_source_rewind(source, err));
    char *row = tw_alloc(tw_context_account(p->state->context), (size_t)bytes);
    if (!row)
        return tw_fail_memory(err, "row of the input", bytes);
    tw_status status = fill_crops(p, source, row, err);
    tw_free(row);
    return status;
}

/* --- nets -------------------------------------------------------------------------------------------------------- */

/* Keeps the core's samples as the reference, or tells how far they are from it at most, in 1/255. */
static void take_core(prober *p, int place, const tw_tensor *result, int64_t x0, int64_t y0, double *difference)
{
    tw_rect core = p->cores[place];
    int64_t n = p->state->out.colours * core.w;
    for (int64_t y = 0; y < core.h; y++) {
        float *reference = p->reference[place] + 3 * y * core.w;
        tw_upscale_row(p->state, result, x0, y0 + y, core.w, difference ? p->line : reference);
        for (int64_t i = 0; difference && i < n; i++)
            *difference = fmax(*difference, 255 * fabs((double)p->line[i] - (double)reference[i]));
    }
}

/* `write` of the place with a context of `halo`; its first sample is number `origin` of the result. `new_means`: those of this tile
 * stand for the picture's. */
static tw_status compute_part(prober *p, int place, int64_t halo, tw_rect write, bool new_means, tw_tensor *result,
                              int64_t origin[2], tw_error *err)
{
    tw_op_state *state = p->state;
    tw_tensor tile = {0}, alpha = {0};
    TW_TRY(tw_context_check(state->context, err));
    state->fixed_halo = halo;
    state->crop = &p->crops[place];
    tw_step step = {.out = write, .write = write, .pass = state->levels};
    step.in[0] = tw_upscale_need(state, 0, 0, write);
    tw_span x = tw_upscale_canvas_span(state, 0, (tw_span){write.x, write.x + write.w});
    tw_span y = tw_upscale_canvas_span(state, 1, (tw_span){write.y, write.y + write.h});
    origin[0] = write.x - x.lo * state->scale;
    origin[1] = write.y - y.lo * state->scale;
    tw_status status = tw_upscale_load(state, &step, x, y, &tile, &alpha, err);
    for (int level = 0; level < state->levels && status == TW_OK && new_means; level++) {
        step.pass = level;
        status = tw_upscale_collect(state, &step, &tile, x, y, err);
        if (status == TW_OK)
            status = tw_upscale_reduce(state, &step, err);
        g_free(step.value);
        step.value = NULL;
        if (status == TW_OK)
            status = tw_upscale_end_pass(state, level, err);
    }
    if (status == TW_OK)
        status = tw_upscale_net(state, &step, &tile, tw_upscale_means(state), result, err);
    tw_tensor_release(&tile);
    tw_tensor_release(&alpha);
    return status;
}

/* `difference` NULL: the reference itself. */
static tw_status compute(prober *p, int place, int64_t halo, double *difference, tw_error *err)
{
    tw_tensor result = {0};
    int64_t origin[2];
    tw_status status = compute_part(p, place, halo, p->cores[place], place == 0 && !difference, &result, origin, err);
    if (status == TW_OK)
        take_core(p, place, &result, origin[0], origin[1], difference);
    tw_tensor_release(&result);
    return status;
}

/* The greatest difference over all places; beyond `enough` the rest need not be looked at. */
static tw_status error_of(prober *p, int64_t halo, double enough, double *error, tw_error *err)
{
    *error = 0;
    for (int i = 0; i < p->n && *error < enough; i++)
        TW_TRY(compute(p, i, halo, error, err));
    return TW_OK;
}

/* The smallest context, in steps, whose error is under the bound. */
static tw_status search(prober *p, bool exact, tw_measured *out, tw_error *err)
{
    const tw_op_state *state = p->state;
    double tolerance = state->tolerance, error = 0;
    int64_t step = step_of(state), own = tw_upscale_exact_halo(state);
    int64_t low = 0, high = exact ? tw_ceil_div(own, step) : p->reference_halo / 2 / step;
    if (!exact) {
        TW_TRY(error_of(p, high * step, INFINITY, &error, err));
        if (error >= tolerance && own < 0)
            return tw_fail(err, TW_ERROR_USAGE,
                           "%s: no context of up to %lld pixels keeps the error under %g/255, it is %.3g/255 there",
                           state->name, (long long)(high * step), tolerance, error);
        if (error >= tolerance)
            low = high = tw_ceil_div(own, step);
    }
    out->bound = error;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        TW_TRY(error_of(p, middle * step, tolerance, &error, err));
        if (error < tolerance) {
            high = middle;
            out->bound = error;
        } else {
            low = middle + 1;
        }
    }
    out->halo = own >= 0 && high * step >= own ? -1 : high * step;
    return TW_OK;
}

/* Finds the places, reads them, and computes the reference. */
static tw_status prepare(prober *p, tw_source *source, int places, tw_error *err)
{
    tw_op_state *state = p->state;
    int64_t core = core_of(state);
    TW_TRY(tw_upscale_places(state, source, core, p->cuts, places, p->cores, &p->n, err));
    for (int i = 0; i < p->n; i++)
        p->cores[i] = (tw_rect){p->cores[i].x * state->scale, p->cores[i].y * state->scale, p->cores[i].w * state->scale,
                                p->cores[i].h * state->scale};
    state->fixed_halo = p->reference_halo;
    TW_TRY(make_room(p, core * state->scale, err));
    TW_TRY(read_crops(p, source, err));
    for (int i = 0; i < p->n; i++)
        TW_TRY(compute(p, i, p->reference_halo, NULL, err));
    return TW_OK;
}

static tw_status measure(prober *p, tw_source *source, int places, bool exact, tw_measured *out, tw_error *err)
{
    const tw_op_state *state = p->state;
    TW_TRY(prepare(p, source, places, err));
    *out = (tw_measured){.known = true, .halo = p->asked, .tiles = p->n, .against = exact ? -1 : p->reference_halo};
    bool look_again = state->tolerance > 0 && places == AGAIN;
    return state->tolerance > 0 && !look_again ? search(p, exact, out, err) : error_of(p, p->asked, INFINITY, &out->bound, err);
}

/* With the context that the state has now. */
static tw_status measure_at(tw_op_state *state, tw_source *source, int64_t room, int places, tw_measured *out, tw_error *err)
{
    int64_t asked = state->fixed_halo;
    prober p = {.state = state, .asked = asked};
    bool exact;
    p.reference_halo = reference_of(state, room, &exact);
    *out = (tw_measured){.known = true, .halo = asked, .bound = -1};
    if (!says_anything(state, p.reference_halo, exact))
        return TW_OK;
    tw_status status = measure(&p, source, places, exact, out, err);
    release(&p);
    state->fixed_halo = asked;
    return status;
}

tw_status tw_upscale_probe(tw_op_state *state, tw_source *source, int64_t room, tw_measured *out, tw_error *err)
{
    tw_measured known = state->measured;
    if (known.remembered) {
        TW_TRY(measure_at(state, source, room, AGAIN, out, err));
        if (out->bound < state->tolerance) {
            known.bound = fmax(known.bound, out->bound);
            *out = known;
            return TW_OK;
        }
        state->measured = (tw_measured){.known = false};
        TW_TRY(tw_source_rewind(source, err));
    }
    return measure_at(state, source, room, PLACES, out, err);
}

/* --- edges that were moved ----------------------------------------------------------------------------------------- */

static tw_span tile_span(const tw_cuts *cuts, int axis, int64_t tile)
{
    return (tw_span){cuts->at[axis][tile].overlap.lo, cuts->at[axis][tile + 1].overlap.hi};
}

static tw_span common(tw_span a, tw_span b)
{
    return (tw_span){tw_max64(a.lo, b.lo), tw_min64(a.hi, b.hi)};
}

/* Weights of a tile along an axis over `span`, which lies in it. */
static float *weights_of(const prober *p, int axis, int64_t tile, tw_span span)
{
    tw_span before = p->cuts->at[axis][tile].overlap, after = p->cuts->at[axis][tile + 1].overlap;
    int64_t most = tw_max64(tw_max64(tw_span_length(before), tw_span_length(after)), 1);
    float *weights = g_new(float, span.hi - span.lo);
    int32_t *rise = g_new(int32_t, most), *fall = g_new(int32_t, most);
    tw_ramp_fill(p->state->blend, tw_span_length(before), rise, fall);
    for (int64_t i = span.lo; i < span.hi; i++)
        weights[i - span.lo] = i < before.hi ? (float)rise[i - before.lo] / TW_RAMP_ONE : 1;
    tw_ramp_fill(p->state->blend, tw_span_length(after), rise, fall);
    for (int64_t i = tw_max64(span.lo, after.lo); i < span.hi; i++)
        weights[i - span.lo] = (float)fall[i - after.lo] / TW_RAMP_ONE;
    g_free(rise);
    g_free(fall);
    return weights;
}

/* Adds what one tile gives to a core: `part` of it, weighted. */
static void add_part(prober *p, tw_rect core, tw_rect part, const tw_tensor *result, int64_t x0, int64_t y0,
                     const float *across, const float *down)
{
    for (int64_t y = 0; y < part.h; y++) {
        tw_upscale_row(p->state, result, x0, y0 + y, part.w, p->line);
        float *sum = p->sum + 3 * (part.y - core.y + y) * core.w + part.x - core.x;
        for (int band = 0; band < p->state->out.colours; band++)
            for (int64_t x = 0; x < part.w; x++)
                sum[band * core.w + x] += p->line[band * part.w + x] * across[x] * down[y];
    }
}

static tw_status compute_tile(prober *p, int place, int64_t column, int64_t row, tw_error *err)
{
    tw_rect core = p->cores[place], wide = around_core(p, core, p->asked);
    tw_span tile_x = tile_span(p->cuts, 0, column), tile_y = tile_span(p->cuts, 1, row);
    tw_span x = common(tile_x, (tw_span){core.x, core.x + core.w}), y = common(tile_y, (tw_span){core.y, core.y + core.h});
    if (tw_span_empty(x) || tw_span_empty(y))
        return TW_OK;
    tw_rect write =
        tw_rect_of(common(tile_x, (tw_span){wide.x, wide.x + wide.w}), common(tile_y, (tw_span){wide.y, wide.y + wide.h}));
    tw_tensor result = {0};
    int64_t origin[2];
    TW_TRY(compute_part(p, place, p->asked, write, false, &result, origin, err));
    float *across = weights_of(p, 0, column, x), *down = weights_of(p, 1, row, y);
    add_part(p, core, tw_rect_of(x, y), &result, origin[0] + x.lo - write.x, origin[1] + y.lo - write.y, across, down);
    g_free(across);
    g_free(down);
    tw_tensor_release(&result);
    return TW_OK;
}

/* The greatest difference of what is blended at a place. */
static tw_status compute_edges(prober *p, int place, double *difference, tw_error *err)
{
    tw_rect core = p->cores[place];
    memset(p->sum, 0, (size_t)(3 * core.w * core.h) * sizeof(float));
    for (int64_t row = 0; row < p->cuts->count[1]; row++) {
        tw_span y = tile_span(p->cuts, 1, row);
        for (int64_t column = 0; column < p->cuts->count[0] && y.lo < core.y + core.h && y.hi > core.y; column++)
            TW_TRY(compute_tile(p, place, column, row, err));
    }
    for (int64_t y = 0; y < core.h; y++)
        for (int64_t i = 0; i < p->state->out.colours * core.w; i++) {
            int64_t at = 3 * y * core.w + i;
            *difference = fmax(*difference, 255 * fabs((double)p->sum[at] - (double)p->reference[place][at]));
        }
    return TW_OK;
}

static tw_status measure_cuts(prober *p, tw_source *source, double *error, tw_error *err)
{
    TW_TRY(prepare(p, source, PLACES, err));
    for (int i = 0; i < p->n; i++)
        TW_TRY(compute_edges(p, i, error, err));
    return TW_OK;
}

tw_status tw_upscale_probe_cuts(tw_op_state *state, tw_source *source, int64_t room, const tw_cuts *cuts, tw_measured *measured,
                                tw_error *err)
{
    prober p = {.state = state, .asked = state->fixed_halo, .cuts = cuts};
    double error = 0;
    bool exact;
    p.reference_halo = reference_of(state, room, &exact);
    if (state->fixed_halo < 0 || !says_anything(state, p.reference_halo, exact))
        return TW_OK;
    tw_status status = measure_cuts(&p, source, &error, err);
    state->fixed_halo = p.asked;
    if (status == TW_OK && p.n > 0)
        *measured = (tw_measured){
            .known = true, .halo = measured->halo, .bound = error, .tiles = p.n, .against = exact ? -1 : p.reference_halo};
    release(&p);
    return status;
}
