/* SPDX-License-Identifier: MIT */
/* verify IN: the user's own proof, on a crop of a picture, that tiles give what the whole would have given. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"
#include "commands.h"
#include "signals.h"
#include "terminal.h"
#include "verify.h"

#define LARGEST_SIDE  512
#define SMALLEST_SIDE 48
#define TILE          "(plan|0|[1-9][0-9]{0,5}(x[1-9][0-9]{0,5})?)"

static const char *const channel_names[] = {"red", "green", "blue"};

/* Steps of the whole command: which is run, and how many there will be. */
static struct {
    int now, count;
} steps;

static void show_progress(double fraction)
{
    cli_progress((steps.now + (fraction < 1 ? fraction : 0.999)) / steps.count);
}

/* --- options --------------------------------------------------------------------------------------------------------- */

static tw_status read_options(cli_proof *p, tw_error *err)
{
    const char *tiles = cli_get(p->args, "tiles");

    if (p->args->inputs->len != 1)
        return tw_fail(err, TW_ERROR_USAGE, "verify takes one picture, %u given; usage: tilewright verify IN",
                       p->args->inputs->len);
    p->path = g_ptr_array_index(p->args->inputs, 0);
    if (strcmp(p->path, "-") == 0)
        return tw_fail(err, TW_ERROR_USAGE, "-: verify plans its picture before it reads it, so it must be a file");
    p->bound = g_ascii_strtod(cli_get(p->args, "bound"), NULL);
    p->tiles = g_strsplit(tiles, ",", -1);
    if (!g_regex_match_simple("^" TILE "(," TILE ")*$", tiles, 0, 0))
        return tw_fail(err, TW_ERROR_USAGE, "--tiles: \"%s\" is not a list of sizes in pixels such as 16,48x32,plan", tiles);
    return TW_OK;
}

/* --- the crop and the reference -------------------------------------------------------------------------------------- */

static const cli_way whole_way = {.schedule = "whole", .halo = "exact"};

/* Bytes held beside a run: the crop, a shifted one, the reference, and the result's file, which doubles as it grows. */
static int64_t held_beside(const cli_floats *crop, const cli_facts *f)
{
    return 2 * (int64_t)crop->length + 3 * f->width * f->height * 3 * (int64_t)sizeof(float);
}

static tw_status try_crop(cli_proof *p, int64_t width, int64_t height, tw_error *err)
{
    cli_facts facts;

    if (width * height > UINT32_MAX / 12)
        return tw_fail(err, TW_ERROR_BUDGET, "--crop %" PRId64 "x%" PRId64 ": more than 4 GiB of samples", width, height);
    cli_floats_free(&p->crop);
    p->crop = cli_floats_new(width, height);
    TW_TRY(cli_verifier_plan(p->verifier, NULL, &p->crop, &whole_way, &facts, err));
    int64_t held = held_beside(&p->crop, &facts), needed = facts.planned_peak + held;
    if (needed > p->planned.budget)
        return tw_fail(err, TW_ERROR_BUDGET,
                       "the budget of %.1f MiB cannot hold the whole run over %" PRId64 "x%" PRId64
                       " pixels with its result: the smallest that would do is %" PRId64 "M",
                       (double)p->planned.budget / (1 << 20), width, height, (needed >> 20) + 1);
    p->beside = held;
    return TW_OK;
}

/* As large as was asked for, else as large as the whole run fits the budget. */
static tw_status choose_crop(cli_proof *p, tw_error *err)
{
    const char *asked = cli_get(p->args, "crop");
    int64_t most_w = LARGEST_SIDE, most_h = LARGEST_SIDE;
    tw_status status;

    if (asked) {
        const char *x = strpbrk(asked, "xX");
        most_w = g_ascii_strtoll(asked, NULL, 10);
        most_h = x ? g_ascii_strtoll(x + 1, NULL, 10) : most_w;
        if (most_w == 0)
            return tw_fail(err, TW_ERROR_USAGE, "--crop: a crop of 0 pixels proves nothing");
    }
    int64_t w = MIN(most_w, p->planned.in_width), h = MIN(most_h, p->planned.in_height);
    for (;;) {
        tw_error refusal = TW_ERROR_NONE;
        status = try_crop(p, w, h, &refusal);
        if (status == TW_OK)
            break;
        if (status != TW_ERROR_BUDGET || asked || MAX(w, h) <= SMALLEST_SIDE)
            return tw_fail(err, status, "%s", refusal.message);
        w = MAX(w * 3 / 4, MIN(w, SMALLEST_SIDE));
        h = MAX(h * 3 / 4, MIN(h, SMALLEST_SIDE));
    }
    p->x = (p->planned.in_width - w) / 2;
    p->y = (p->planned.in_height - h) / 2;
    return TW_OK;
}

static void learn_reach(cli_reach *r, const char *model)
{
    tw_error ignored = TW_ERROR_NONE;
    char *text = NULL;

    if (tw_models_info(model, &text, &ignored) == TW_OK) {
        json_t *info = json_loads(text, 0, NULL), *why = json_object_get(info, "why_inexact");
        for (size_t i = 0; i < 4; i++)
            r->halo[i] = json_integer_value(json_array_get(json_object_get(info, "halo"), i));
        r->align = json_integer_value(json_object_get(info, "align"));
        r->scale = (int64_t)json_number_value(json_object_get(info, "scale"));
        if (json_integer_value(json_object_get(info, "passes")) > 1)
            r->no_shift = g_strdup("the model has whole-picture layers, which change with the picture");
        else if (json_string_value(why))
            r->no_shift = g_strdup(json_string_value(why));
        json_decref(info);
    }
    tw_bytes_free(text);
}

static tw_status run_whole(cli_proof *p, tw_error *err)
{
    cli_verifier_set_memory(p->verifier, p->planned.budget - (int64_t)p->crop.length);
    TW_TRY(cli_verifier_read(p->verifier, p->path, p->planned.in_width, p->x, p->y, &p->crop, err));
    cli_verifier_set_memory(p->verifier, p->planned.budget - p->beside);
    TW_TRY(cli_verifier_plan(p->verifier, NULL, &p->crop, &whole_way, &p->whole, err));
    learn_reach(&p->reach, p->whole.model);
    p->reference = cli_floats_new(p->whole.width, p->whole.height);
    return cli_verifier_keep(p->verifier, &p->crop, &whole_way, &p->whole, &p->reference, err);
}

/* --- results --------------------------------------------------------------------------------------------------------- */

static bool for_people(void)
{
    return !cli_quiet() && !cli_json();
}

/* "813,44 red" */
static const char *place(const cli_difference *d, char *buffer, size_t n)
{
    snprintf(buffer, n, "%" PRId64 ",%" PRId64 " %s", d->x, d->y, channel_names[d->channel]);
    return buffer;
}

static void print_head(const cli_proof *p)
{
    const cli_facts *w = &p->whole;
    char peak[24];

    if (!for_people())
        return;
    FILE *file = cli_results_begin();
    fprintf(file, "%s: %" PRId64 "x%" PRId64 " at %" PRId64 ",%" PRId64 " of %" PRId64 "x%" PRId64 ", %s on %s\n", p->path,
            p->crop.width, p->crop.height, p->x, p->y, p->planned.in_width, p->planned.in_height, w->model, w->device);
    fprintf(file, "compared with the whole run of %.2f s and %s; bound %g/255\n\n", w->seconds,
            tw_format_size(w->peak, peak, sizeof peak), p->bound);
    fprintf(file, "%-16s %-8s %-9s %5s %7s %11s %10s %s\n", "run", "schedule", "tile", "tiles", "workers", "peak", "1/255",
            "greatest at");
    cli_results_end();
}

/* Tiles with such a context are no tiles. */
static void warn_wide(const cli_proof *p)
{
    const int64_t *halo = p->reach.halo;

    if (MIN(halo[0], halo[2]) >= p->crop.width && MIN(halo[1], halo[3]) >= p->crop.height) {
        char *line = g_strdup_printf("%s reads %" PRId64 " pixels to each side, so every tile of %" PRId64 "x%" PRId64
                                     " sees all of it; a larger --crop proves more",
                                     p->whole.model, halo[0], p->crop.width, p->crop.height);
        cli_warn(line);
        g_free(line);
    }
}

static void print_trial(const cli_trial *t)
{
    const cli_facts *f = &t->facts;
    char tile[48], peak[24], at[64];

    FILE *file = cli_results_begin();
    if (t->skipped) {
        fprintf(file, "%-16s %s\n", t->what, t->skipped);
    } else {
        snprintf(tile, sizeof tile, "%" PRId64 "x%" PRId64, f->tile[0], f->tile[1]);
        fprintf(file, "%-16s %-8s %-9s %5" PRId64 " %7d %11s %10.5f %-16s %s\n", t->what, f->schedule, tile, f->tiles,
                f->workers, tw_format_size(f->peak, peak, sizeof peak), t->difference.value,
                t->difference.value > 0 ? place(&t->difference, at, sizeof at) : "", t->pass ? "PASS" : "FAIL");
    }
    cli_results_end();
}

static void on_trial(const cli_trial *t)
{
    steps.now++;
    show_progress(0);
    if (for_people())
        print_trial(t);
}

static json_t *trial_json(const cli_trial *t)
{
    const cli_facts *f = &t->facts;
    const cli_difference *d = &t->difference;

    if (t->skipped)
        return json_pack("{s:s,s:o}", "run", t->what, "skipped", cli_text_value(t->skipped));
    json_t *object =
        json_pack("{s:s,s:s,s:[II],s:[IIII],s:I,s:i,s:i,s:I,s:f}", "run", t->what, "schedule", f->schedule, "tile",
                  (json_int_t)f->tile[0], (json_int_t)f->tile[1], "halo", (json_int_t)f->halo[0], (json_int_t)f->halo[1],
                  (json_int_t)f->halo[2], (json_int_t)f->halo[3], "tiles", (json_int_t)f->tiles, "passes", f->passes, "workers",
                  f->workers, "job_peak_bytes", (json_int_t)f->peak, "seconds", f->seconds);
    json_object_set_new(object, "difference", isfinite(d->value) ? json_real(d->value) : json_null());
    json_object_set_new(
        object, "at",
        json_pack("{s:I,s:I,s:s}", "x", (json_int_t)d->x, "y", (json_int_t)d->y, "channel", channel_names[d->channel]));
    json_object_set_new(object, "pass", json_boolean(t->pass));
    return object;
}

static void print_json(const cli_proof *p, const cli_difference *worst, bool pass)
{
    json_t *runs = json_array();

    for (guint i = 0; i < p->trials->len; i++)
        json_array_append_new(runs, trial_json(&g_array_index(p->trials, cli_trial, i)));
    json_t *object =
        json_pack("{s:i,s:s,s:[o],s:I,s:I,s:[IIII],s:I,s:I,s:o,s:s,s:f,s:{s:f,s:I},s:o}", "schema", 1, "op", "verify", "input",
                  cli_text_value(p->path), "input_width", (json_int_t)p->planned.in_width, "input_height",
                  (json_int_t)p->planned.in_height, "crop", (json_int_t)p->x, (json_int_t)p->y, (json_int_t)p->crop.width,
                  (json_int_t)p->crop.height, "width", (json_int_t)p->whole.width, "height", (json_int_t)p->whole.height,
                  "model", cli_text_value(p->whole.model), "device", p->whole.device, "bound", p->bound, "whole", "seconds",
                  p->whole.seconds, "job_peak_bytes", (json_int_t)p->whole.peak, "runs", runs);
    json_object_set_new(object, "difference", isfinite(worst->value) ? json_real(worst->value) : json_null());
    json_object_set_new(object, "pass", json_boolean(pass));
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(10));
    puts(text ? text : "null");
    free(text);
    json_decref(object);
}

/* What came out of the trials; a proof that compared nothing is none. */
static tw_status conclude(const cli_proof *p, tw_error *err)
{
    const cli_trial *worst = NULL;
    unsigned ran = 0, failed = 0;
    char at[64];

    for (guint i = 0; i < p->trials->len; i++) {
        const cli_trial *t = &g_array_index(p->trials, cli_trial, i);
        if (t->skipped)
            continue;
        ran++;
        failed += !t->pass;
        if (!worst || t->difference.value > worst->difference.value)
            worst = t;
    }
    if (!worst) {
        const cli_trial *first = &g_array_index(p->trials, cli_trial, 0);
        return tw_fail(err, first->status == TW_OK ? TW_ERROR_USAGE : first->status, "%s: nothing was compared; %s: %s",
                       p->path, first->what, first->skipped);
    }
    if (cli_json())
        print_json(p, &worst->difference, failed == 0);
    else if (!cli_quiet() && failed == 0)
        printf("\nPASS: %u runs, greatest difference %.5f/255\n", ran, worst->difference.value);
    if (failed == 0)
        return TW_OK;
    place(&worst->difference, at, sizeof at);
    return tw_fail(err, TW_ERROR_RUN,
                   "%s: %u of %u runs differ from the whole by more than %g/255; the greatest is %.5f at %s (%s)", p->path,
                   failed, ran, p->bound, worst->difference.value, at, worst->what);
}

/* --- the command ----------------------------------------------------------------------------------------------------- */

static tw_status prove(cli_proof *p, tw_error *err)
{
    const cli_way as_typed = {0};

    TW_TRY(read_options(p, err));
    TW_TRY(cli_verifier_new(p->args, show_progress, &p->verifier, err));
    steps.count = 1 + cli_count_trials(p);
    TW_TRY(cli_verifier_plan(p->verifier, p->path, NULL, &as_typed, &p->planned, err));
    TW_TRY(choose_crop(p, err));
    TW_TRY(run_whole(p, err));
    steps.now = 1;
    print_head(p);
    warn_wide(p);
    TW_TRY(cli_run_trials(p, err));
    cli_progress(1);
    cli_progress_end();
    return TW_OK;
}

static void clear_trial(gpointer data)
{
    cli_trial *trial = data;
    g_free(trial->skipped);
}

static int verify(const cli_args *args)
{
    cli_proof p = {.args = args, .on_trial = on_trial, .trials = g_array_new(FALSE, TRUE, sizeof(cli_trial))};
    tw_error err = TW_ERROR_NONE;
    int code;

    g_array_set_clear_func(p.trials, clear_trial);
    cli_signals_start();
    tw_status status = prove(&p, &err);
    cli_progress_end();
    if (status != TW_OK) {
        code = cli_fail(&err);
    } else {
        code = conclude(&p, &err);
        if (code == TW_ERROR_RUN) /* standard output has its object */
            cli_complain(err.message);
        else if (code != TW_OK)
            cli_fail(&err);
    }
    cli_verifier_free(p.verifier);
    cli_floats_free(&p.crop);
    cli_floats_free(&p.reference);
    g_array_free(p.trials, TRUE);
    g_strfreev(p.tiles);
    g_free(p.reach.no_shift);
    return code;
}

int cli_verify(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;
    cli_args args;
    int code;
    tw_status status = cli_args_parse(&args, "verify", argc, argv, &err);

    if (status == TW_OK && args.help) {
        cli_print_command_help(stdout, "verify");
        code = TW_OK;
    } else if (status == TW_OK) {
        cli_terminal_setup(&args);
        code = verify(&args);
    } else {
        code = cli_fail(&err);
    }
    cli_args_clear(&args);
    return code;
}
