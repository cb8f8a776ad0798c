/* SPDX-License-Identifier: MIT */
/** How much context tiles read: all that the net reads, a number, or as much as keeps the measured error under a bound. */
#include <glib.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ops/upscale/state.h"

#define ASSUMED 32 /* input pixels, in a plan made before anything is measured */

int64_t tw_upscale_exact_halo(const tw_op_state *state)
{
    if (state->callbacks)
        return state->tiling.inexact ? -1 : state->tiling.overlap;
    const tw_geometry *g = state->model->geometry;
    int64_t halo = 0;
    if (!g->exact)
        return -1;
    for (int i = 0; i < 4; i++) /* a fixed context lies around the core and what the canvas adds to it */
        halo = tw_max64(halo, g->halo[i] - g->canvas[i]);
    return halo;
}

static tw_status choose_exact(const tw_op_state *state, tw_error *err)
{
    if (!state->exact && state->model && !state->whole)
        return tw_fail(err, TW_ERROR_USAGE,
                       "%s cannot be tiled exactly: %s; give --halo N, --halo auto:EPS or --schedule whole", state->name,
                       state->model->geometry->why_inexact);
    return TW_OK;
}

static tw_status choose_tolerated(tw_op_state *state, const tw_op_request *request, const char *text, tw_error *err)
{
    double bound = g_ascii_strtod(text + strlen("auto:"), NULL); /* the table has checked that it is a number */
    int64_t exact = tw_upscale_exact_halo(state);
    if (!(bound > 0) || bound > 255)
        return tw_fail(err, TW_ERROR_USAGE, "--halo %s: the error is given in 1/255, more than 0 and at most 255", text);
    if (exact == 0 || state->whole) /* nothing can be saved */
        return TW_OK;
    state->tolerance = bound;
    if (request->measured && request->measured->known)
        state->measured = *request->measured;
    else
        tw_upscale_recall_measured(state, &state->measured);
    if (state->measured.known && state->measured.halo < 0 && exact > 0)
        return TW_OK;
    state->to_measure = !request->measured || !request->measured->known; /* what is remembered is looked at again */
    state->fixed_halo = state->measured.known ? state->measured.halo : exact > 0 ? tw_min64(exact, ASSUMED) : ASSUMED;
    state->exact = false;
    return TW_OK;
}

tw_status tw_upscale_choose_halo(tw_op_state *state, const tw_op_request *request, tw_error *err)
{
    const char *text = tw_options_text(request->options, "halo");
    if (strcmp(text, "exact") == 0)
        return choose_exact(state, err);
    if (g_str_has_prefix(text, "auto:"))
        return choose_tolerated(state, request, text, err);
    int64_t halo = strtoll(text, NULL, 10), exact = tw_upscale_exact_halo(state); /* the table has checked the number */
    if (exact >= 0 && halo >= exact)                                              /* a wider context changes nothing */
        return TW_OK;
    if (request->measured && request->measured->known)
        state->measured = *request->measured;
    state->to_measure = !state->whole && !state->measured.known;
    state->fixed_halo = halo;
    state->exact = false;
    return TW_OK;
}

/* Errors add up where context and means are both too few. */
double tw_upscale_error(const tw_op_state *state)
{
    double error = 0;
    if (state->fixed_halo >= 0 || !state->model || !state->model->geometry->exact)
        error = state->measured.known ? state->measured.bound : -1;
    if (state->sync != TW_SYNC_EXACT)
        error = error < 0 || !state->compared.known ? -1 : error + state->compared.bound;
    return error;
}

static void report_against(const tw_op_state *state, json_t *json)
{
    const tw_measured *m = &state->measured;
    GString *text = g_string_new(NULL);
    if (m->known && m->against < 0)
        g_string_append(text, "the exact context");
    else if (m->known)
        g_string_append_printf(text, "a context of %lld pixels", (long long)m->against);
    if (state->compared.known && state->reference_exact)
        g_string_append_printf(text, "%sthe exact means", m->known ? " and " : "");
    else if (state->compared.known)
        g_string_append_printf(text, "%smeans of %lld tiles", m->known ? " and " : "", (long long)state->reference_tiles);
    json_object_set_new(json, "error_measured_against", json_string(text->str));
    g_string_free(text, TRUE);
}

void tw_upscale_report_measured(const tw_op_state *state, void *json)
{
    const tw_measured *m = &state->measured, *compared = &state->compared;
    static const char *const sync[] = {"exact", "fast", "off"};
    if (state->exact || state->whole)
        return;
    if (state->sync != TW_SYNC_EXACT)
        json_object_set_new(json, "sync", json_string(sync[state->sync]));
    if (state->to_measure && !m->known)
        json_object_set_new(json, "to_be_measured", json_string(state->tolerance > 0 ? "halo" : "error_bound"));
    else if (state->sync != TW_SYNC_EXACT && !compared->known)
        json_object_set_new(json, "to_be_measured", json_string("error_bound"));
    if (tw_upscale_error(state) < 0)
        return;
    int64_t tiles = m->known && compared->known ? tw_min64(m->tiles, compared->tiles) : m->tiles + compared->tiles;
    json_object_set_new(json, "error_measured_on", json_integer(tiles));
    report_against(state, json);
    json_object_set_new(json, "error_remembered", json_boolean(m->remembered));
}
