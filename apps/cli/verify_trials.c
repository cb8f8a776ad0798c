/* SPDX-License-Identifier: MIT */
/* The runs that are compared with the whole one: tiles, threads, schedules, and the picture moved under the grid of tiles. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "verify.h"

#define MOST_THREADS 4
#define MOST_WORK    40.0 /* of a tile nobody asked for, in whole runs: wide nets compute small tiles hundreds of times over */
#define FAIR_WORK    4.0

/* The choices of --schedule but auto and whole, as a list to free. */
gchar **cli_schedules(void)
{
    GPtrArray *found = g_ptr_array_new();
    tw_option_info info;

    for (size_t i = 0; tw_op_option_at("upscale", i, &info); i++) {
        gchar **all = strcmp(info.name, "schedule") == 0 ? g_strsplit(info.choices, "|", -1) : NULL;
        for (gchar **word = all; word && *word; word++)
            if (strcmp(*word, "auto") != 0 && strcmp(*word, "whole") != 0)
                g_ptr_array_add(found, g_strdup(*word));
        g_strfreev(all);
    }
    g_ptr_array_add(found, NULL);
    return (gchar **)g_ptr_array_free(found, FALSE);
}

/* How often the tiles with their context compute the crop. */
static double work_of(const cli_proof *p, const cli_facts *f)
{
    const int64_t *halo = f->halo[0] + f->halo[1] + f->halo[2] + f->halo[3] > 0 ? f->halo : p->reach.halo;
    double w = (double)MIN(f->tile[0] + halo[0] + halo[2], f->in_width),
           h = (double)MIN(f->tile[1] + halo[1] + halo[3], f->in_height);
    return (double)f->tiles * f->passes * w * h / ((double)f->in_width * (double)f->in_height);
}

static void end_trial(cli_proof *p, cli_trial *t)
{
    p->on_trial(t);
    g_array_append_val(p->trials, *t);
}

static void skip(cli_proof *p, const char *what, char *why)
{
    cli_trial t = {.skipped = why, .status = TW_ERROR_USAGE};
    snprintf(t.what, sizeof t.what, "%s", what);
    end_trial(p, &t);
}

/* What the plan refuses for this model or budget is no failure of the proof; NULL for what is. */
static char *refusal(const tw_error *err)
{
    return err->code == TW_ERROR_USAGE    ? g_strdup_printf("not for this model: %s", err->message)
           : err->code == TW_ERROR_BUDGET ? g_strdup_printf("not in this budget: %s", err->message)
                                          : NULL;
}

/* `sparing`: not when it would cost many times the whole run. *ran tells whether there was a comparison. */
static tw_status try_way(cli_proof *p, const char *what, const cli_floats *picture, const cli_way *way,
                         const cli_window *window, bool sparing, bool *ran, tw_error *err)
{
    tw_error inner = TW_ERROR_NONE;
    cli_trial t = {0};

    snprintf(t.what, sizeof t.what, "%s", what);
    t.status = cli_verifier_plan(p->verifier, NULL, picture, way, &t.facts, &inner);
    if (t.status != TW_OK)
        t.skipped = refusal(&inner);
    else if (t.facts.tiles <= 1 && strcmp(t.facts.schedule, "carry") != 0)
        t.skipped = g_strdup("one tile holds the whole crop");
    else if (sparing && strcmp(t.facts.schedule, "halo") == 0 && work_of(p, &t.facts) > MOST_WORK)
        t.skipped = g_strdup_printf("with its context it would be %.0f times the work of the whole; %s", work_of(p, &t.facts),
                                    "--tiles runs it all the same");
    else
        t.status = cli_verifier_compare(p->verifier, picture, way, &p->reference, window, &t.facts, &t.difference, &inner);
    if (t.status == TW_ERROR_INTERRUPTED)
        return tw_fail(err, t.status, "%s", inner.message);
    if (t.status != TW_OK && !t.skipped)
        return tw_fail(err, inner.code, "%s: %s", what, inner.message);
    t.pass = t.difference.value <= p->bound;
    *ran = !t.skipped;
    end_trial(p, &t);
    return TW_OK;
}

/* Many tiles at a fair price make the best base for threads, schedules and shifts. */
static void consider_base(cli_proof *p, const char *tile)
{
    const cli_facts *f = &g_array_index(p->trials, cli_trial, p->trials->len - 1).facts;
    double work = work_of(p, f);
    bool fair = work <= FAIR_WORK;

    if (p->base && (fair ? p->base_work <= FAIR_WORK && p->base_tiles >= f->tiles : p->base_work <= work))
        return;
    p->base = tile;
    p->base_work = work;
    p->base_tiles = f->tiles;
}

static cli_window everything(const cli_proof *p)
{
    return (cli_window){.x1 = p->whole.width, .y1 = p->whole.height};
}

static tw_status try_tiles(cli_proof *p, tw_error *err)
{
    const cli_window all = everything(p);
    bool sparing = !cli_given(p->args, "tiles"), ran;
    char what[64];

    snprintf(p->plan_tile, sizeof p->plan_tile, "%" PRId64 "x%" PRId64, p->planned.tile[0], p->planned.tile[1]);
    for (gchar **word = p->tiles; *word; word++) {
        const cli_way way = {.tile = strcmp(*word, "plan") == 0 || strcmp(*word, "0") == 0 ? p->plan_tile : *word};
        snprintf(what, sizeof what, "tile %s", *word);
        TW_TRY(try_way(p, what, &p->crop, &way, &all, sparing, &ran, err));
        if (ran)
            consider_base(p, way.tile);
    }
    return TW_OK;
}

static tw_status try_threads(cli_proof *p, tw_error *err)
{
    const cli_window all = everything(p);
    char what[64], number[16];
    bool ran;

    for (int n = 1; n <= MOST_THREADS; n++) {
        const cli_way way = {.tile = p->base, .threads = number};
        snprintf(number, sizeof number, "%d", n);
        snprintf(what, sizeof what, "threads %d", n);
        TW_TRY(try_way(p, what, &p->crop, &way, &all, false, &ran, err));
    }
    return TW_OK;
}

static tw_status try_schedules(cli_proof *p, tw_error *err)
{
    const cli_window all = everything(p);
    gchar **names = cli_schedules();
    tw_status status = TW_OK;
    char what[64];
    bool ran;

    for (gchar **name = names; *name && status == TW_OK; name++) {
        const cli_way way = {.tile = p->base, .schedule = *name};
        snprintf(what, sizeof what, "schedule %s", *name);
        status = try_way(p, what, &p->crop, &way, &all, false, &ran, err);
    }
    g_strfreev(names);
    return status;
}

/* Without k columns and rows at the left and top the grid of tiles falls elsewhere, and the result must not change where
 * neither run can see its border. k is a multiple of the model's grid. */
static tw_status try_shift(cli_proof *p, tw_error *err)
{
    const char *asked = cli_get(p->args, "shift");
    const cli_reach *r = &p->reach;
    int64_t align = MAX(r->align, 1), k = asked ? g_ascii_strtoll(asked, NULL, 10) : (11 / align + 1) * align;
    const int64_t *halo = r->align ? r->halo : g_array_index(p->trials, cli_trial, 0).facts.halo;
    int64_t w = p->crop.width - k, h = p->crop.height - k, scale = p->whole.width / p->crop.width;
    const cli_way way = {.tile = p->base};
    char what[64];
    bool ran;

    snprintf(what, sizeof what, "shift %" PRId64, k);
    char *why = k == 0        ? g_strdup("--shift 0")
                : k % align   ? g_strdup_printf("not a multiple of the model's %" PRId64, align)
                : r->no_shift ? g_strdup(r->no_shift)
                : r->scale && (p->whole.width != r->scale * p->crop.width || p->whole.height != r->scale * p->crop.height)
                    ? g_strdup("the result is resampled")
                : halo[0] + halo[2] >= w || halo[1] + halo[3] >= h
                    ? g_strdup_printf("the crop has nothing beyond the margin of %" PRId64 " pixels", MAX(halo[0], halo[1]))
                    : NULL;
    if (why) {
        skip(p, what, why);
        return TW_OK;
    }
    cli_floats shifted = cli_floats_new(w, h);
    for (int64_t y = 0; y < h; y++)
        memcpy(shifted.rgb + 3 * w * y, p->crop.rgb + 3 * (p->crop.width * (y + k) + k), 3 * sizeof(float) * (size_t)w);
    const cli_window window = {halo[0] * scale,       halo[1] * scale, (w - halo[2]) * scale,
                               (h - halo[3]) * scale, k * scale,       k * scale};
    tw_status status = try_way(p, what, &shifted, &way, &window, false, &ran, err);
    cli_floats_free(&shifted);
    return status;
}

int cli_count_trials(const cli_proof *p)
{
    gchar **names = cli_schedules();
    int n = (int)g_strv_length(p->tiles) + MOST_THREADS + (int)g_strv_length(names) + 1;
    g_strfreev(names);
    return n;
}

tw_status cli_run_trials(cli_proof *p, tw_error *err)
{
    TW_TRY(try_tiles(p, err));
    if (!p->base) /* a schedule that was asked for may still cut what the cheapest one does not */
        p->base = p->tiles[0];
    TW_TRY(try_threads(p, err));
    TW_TRY(try_schedules(p, err));
    return try_shift(p, err);
}
