/* SPDX-License-Identifier: MIT */
#include "ops/register/register.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#include "field/files.h"
#include "ops/register/begin.h"
#include "ops/register/journal.h"
#include "ops/register/masks.h"
#include "ops/register/options.h"
#include "ops/register/page.h"
#include "ops/register/pieces.h"
#include "ops/register/selftest.h"
#include "ops/register/state.h"

#define LEAST_SIDE  64   /* pixels of a picture */
#define LEAST_USED  0.02 /* of the windows: with fewer there is no field */
#define TILE_HINT   1024
#define REACH       72 /* pixels of its level that a window and its search reach over a tile's edge */
#define BLOCK_SLACK 4096

static void close_register(tw_op_state *state)
{
    if (!state)
        return;
    for (int i = 0; i < state->n_workers; i++)
        tw_free(state->workers[i].block);
    for (int i = 0; i < 2; i++) {
        tw_levels_close(&state->pyramid[i]);
        tw_correlator_free(&state->correlator[i]);
    }
    tw_masks_close(state);
    tw_backward_end(state);
    tw_free(state->nodes);
    tw_lattice_free(state->lattice);
    tw_lattice_free(state->level_lattice);
    tw_lattice_free(state->known);
    tw_field_free(state->init);
    g_free(state->workers);
    g_free(state->path);
    g_free(state->page);
    g_free(state->warped);
    g_free(state->journal);
    g_free(state->journal_key);
    g_free(state);
}

/* --- what to do ---------------------------------------------------------------------------------------------------- */

static tw_status check_pictures(const tw_op_request *request, tw_error *err)
{
    bool alone = tw_options_bool(request->options, "selftest");
    if (request->n_inputs != (alone ? 1 : 2))
        return tw_fail(err, TW_ERROR_USAGE, "register takes two pictures, with --selftest one, not %d", request->n_inputs);
    for (int i = 0; i < request->n_inputs; i++) {
        const tw_source *source = request->sources[i];
        const tw_picture *p = tw_source_picture(source);
        if (p->width < LEAST_SIDE || p->height < LEAST_SIDE)
            return tw_fail(err, TW_ERROR_INPUT, "%s: %lldx%lld pixels; register needs %d on each side", tw_source_label(source),
                           (long long)p->width, (long long)p->height, LEAST_SIDE);
    }
    return TW_OK;
}

static tw_status check_output(tw_op_state *state, const tw_options *options, tw_error *err)
{
    static const char *const ENDINGS[] = {".tfm", ".txt", ".mhd", ".nrrd"};
    const char *path = tw_options_text(options, "field");
    if (!path && !tw_options_bool(options, "selftest"))
        return tw_fail(err, TW_ERROR_USAGE, "register needs --field FILE, where the field is written");
    state->path = g_strdup(path);
    state->step = tw_options_int(options, "displacement-step");
    bool known = !path;
    for (size_t i = 0; i < G_N_ELEMENTS(ENDINGS); i++)
        known |= path && g_str_has_suffix(path, ENDINGS[i]);
    if (!known)
        return tw_fail(err, TW_ERROR_USAGE, "--field %s: fields are written as .tfm, .txt, .mhd or .nrrd", path);
    state->page = g_strdup(tw_options_text(options, "report"));
    if (state->page && !g_str_has_suffix(state->page, ".html"))
        return tw_fail(err, TW_ERROR_USAGE, "--report %s: the page is an .html file", state->page);
    state->warped = g_strdup(tw_options_text(options, "warped"));
    state->keep_full = tw_options_bool(options, "keep-full-resolution");
    if (state->warped && !path)
        return tw_fail(err, TW_ERROR_USAGE, "--warped %s: --selftest warps nothing", state->warped);
    for (int i = 0; i < 2; i++) {
        const char *file = i ? state->page : path;
        if (file && !tw_options_bool(options, "overwrite") && g_file_test(file, G_FILE_TEST_EXISTS))
            return tw_fail(err, TW_ERROR_USAGE, "%s exists; --overwrite replaces it", file);
    }
    return TW_OK;
}

static tw_status add_landmarks(tw_op_state *state, const char *path, tw_error *err)
{
    tw_landmarks marks;
    TW_TRY(tw_landmarks_read(path, &marks, err));
    tw_fit_point *points = g_new0(tw_fit_point, (gsize)tw_max64(marks.count, 1));
    for (int64_t i = 0; i < marks.count; i++) {
        const double *p = marks.points + 4 * i;
        points[i] = (tw_fit_point){.x = p[0], .y = p[1], .d = {p[2] - p[0], p[3] - p[1]}, .w = {1, 0, 1}};
    }
    tw_fit fit = {.most = 1, .huber = 1e9, .rounds = 1};
    bool found = tw_fit_affine(&fit, points, marks.count, marks.count < 6, &state->affine);
    g_free(points);
    g_free(marks.points);
    return found ? TW_OK
                 : tw_fail(err, TW_ERROR_INPUT, "%s: %lld landmarks tell no map; 4 or more, not all on a line, do", path,
                           (long long)marks.count);
}

static tw_status read_init(tw_op_state *state, const tw_options *options, tw_error *err)
{
    const char *path = tw_options_text(options, "init");
    tw_field *field;
    state->affine = (tw_affine)TW_AFFINE_IDENTITY;
    state->given = path != NULL;
    if (!path)
        return TW_OK;
    if (g_str_has_suffix(path, ".csv"))
        return add_landmarks(state, path, err);
    TW_TRY(tw_field_read(path, &field, NULL, err));
    tw_status status = tw_field_check(field, path, false, err);
    if (status == TW_OK && !tw_field_is_affine(field, &state->affine))
        state->init = field;
    else
        tw_field_free(field);
    return status;
}

static int levels_for(int64_t side)
{
    int levels = 1;
    for (; side > TW_REGISTER_GLOBAL && levels < TW_MOST_LEVELS; levels++)
        side = (side + 1) / 2;
    return levels;
}

/* The finest level that the options allow; coarser by one with each `thrift`. */
static void choose_finest(tw_op_state *state, const tw_op_request *request)
{
    const tw_options *options = request->options;
    const tw_levels *p = &state->pyramid[0];
    const char *pixels = tw_options_text(options, "max-registration-pixels");
    int64_t most = strcmp(pixels, "auto") == 0 ? INT64_MAX : g_ascii_strtoll(pixels, NULL, 10), w, h;
    tw_options_geometry(options, "registration-size", &w, &h);
    if (w == 0)
        w = h = INT64_MAX;
    state->finest = 0;
    while (state->finest < state->levels - 1 && (p->width[state->finest] > w || p->height[state->finest] > h ||
                                                 p->width[state->finest] > most / p->height[state->finest]))
        state->finest++;
    int wanted = state->finest;
    state->finest = MIN(wanted + request->thrift, state->levels - 1);
    state->can_save =
        !request->whole && tw_options_bool(request->options, "allow-downsampling") && state->finest < state->levels - 1;
    state->saved = state->finest > wanted;
}

static void add_round(tw_op_state *state, tw_round_kind kind, int level, int window, int search)
{
    state->passes[state->n_passes++] = (tw_register_pass){TW_PASS_ROUND, level, {kind, level, window, search}};
}

static void lay_passes(tw_op_state *state)
{
    int top = state->levels - 1;
    for (int i = 0; i < 2; i++)
        state->passes[state->n_passes++] =
            (tw_register_pass){.kind = i && state->known ? TW_PASS_SELF : TW_PASS_GREY, .level = i};
    for (int l = 1; l <= top; l++)
        state->passes[state->n_passes++] = (tw_register_pass){.kind = TW_PASS_SHRINK, .level = l};
    for (int l = top; l >= state->finest; l--) {
        if (l == top)
            add_round(state, TW_ROUND_CORRELATE, l, 64, 16);
        if (l == top || l > state->finest)
            add_round(state, TW_ROUND_CORRELATE, l, 64, 8);
        if (l > state->finest)
            add_round(state, TW_ROUND_REFINE, l, 64, 0);
    }
    add_round(state, TW_ROUND_REFINE, state->finest, 128, 0);
    add_round(state, TW_ROUND_REFINE, state->finest, 128, 0);
    if (state->check_backward)
        add_round(state, TW_ROUND_BACK, state->finest, 128, 0);
    add_round(state, TW_ROUND_CHECK, state->finest, 128, 0);
}

static tw_status open_state(tw_op_state *state, const tw_op_request *request, tw_error *err)
{
    const tw_options *options = request->options;
    static const char *const MODELS[] = {"similarity", "affine", "lattice"};
    int64_t side = 0;
    TW_TRY(check_output(state, options, err));
    TW_TRY(read_init(state, options, err));
    TW_TRY(tw_masks_open(state, request, err));
    for (int i = 0; i < 3; i++)
        if (strcmp(tw_options_text(options, "transform"), MODELS[i]) == 0)
            state->model = i;
    state->allow_ambiguous = tw_options_bool(options, "allow-ambiguous");
    state->check_backward = tw_options_bool(options, "check-backward");
    for (int i = 0; i < 2; i++)
        side = tw_max64(side, tw_max64(state->picture[i].width, state->picture[i].height));
    state->levels = levels_for(side);
    for (int i = 0; i < 2; i++)
        state->pyramid[i] = tw_levels_plan(state->picture[i].width, state->picture[i].height, state->levels);
    choose_finest(state, request);
    state->spacing = tw_options_given(options, "spacing") ? tw_options_real(options, "spacing")
                                                          : 64.0 * (double)(INT64_C(1) << state->finest);
    if (tw_options_bool(options, "selftest"))
        TW_TRY(tw_selftest_begin(state, err));
    lay_passes(state);
    TW_TRY(tw_journal_open(state, request, err));
    return tw_journal_read(state, err);
}

static tw_status open_register(const tw_op_request *request, tw_op_state **out, tw_error *err)
{
    *out = NULL;
    TW_TRY(check_pictures(request, err));
    tw_op_state *state = g_new0(tw_op_state, 1);
    state->context = request->context;
    for (int i = 0; i < 2; i++) {
        const tw_source *source = request->sources[i < request->n_inputs ? i : 0];
        state->label[i] = i < request->n_inputs ? tw_source_label(source) : "itself, warped";
        state->picture[i] = *tw_source_picture(source);
    }
    tw_status status = open_state(state, request, err);
    if (status == TW_OK)
        *out = state;
    else
        close_register(state);
    return status;
}

/* --- what the plan asks -------------------------------------------------------------------------------------------- */

static int64_t control_points(const tw_op_state *state)
{
    double spacing = state->spacing;
    return ((int64_t)((double)state->picture[0].width / spacing) + 5) *
           ((int64_t)((double)state->picture[0].height / spacing) + 5);
}

static int64_t correlator_bytes(int64_t n)
{
    return (n * (n / 2 + 8) + 4 * n) * 4 + BLOCK_SLACK;
}

static void register_facts(const tw_op_state *state, tw_op_facts *out)
{
    int64_t nodes = tw_grid_most_nodes(state), points = control_points(state);
    *out = (tw_op_facts){.macs = 400, .scale = 1, .exact = true, .tile_hint = TILE_HINT};
    out->can_save = state->can_save;
    for (int i = 0; i < 4; i++)
        out->halo[i] = REACH;
    /* Lattices: the one there is, the level's, the next one. */
    int64_t fitting = nodes * (int64_t)sizeof(tw_fit_point) + tw_fit_bytes(points / 4, 4, nodes) + 3 * points * 16;
    out->weight_bytes = nodes * (int64_t)sizeof(tw_node) + tw_max64(fitting, tw_global_bytes(state)) + correlator_bytes(64) +
                        correlator_bytes(128) + 16 * BLOCK_SLACK + (state->page ? TW_PIECES_BYTES : 0);
    for (int i = 0; i < 2; i++) {
        out->scratch_bytes += state->pyramid[i].offset[state->levels];
        if (state->mask[i]) {
            out->weight_bytes += tw_source_cost_of(state->mask[i])->random;
            out->scratch_bytes += tw_source_cost_of(state->mask[i])->scratch;
        }
    }
}

static int register_passes(const tw_op_state *state)
{
    return state->n_passes;
}

static void register_pass(const tw_op_state *state, int pass, tw_pass *out)
{
    const tw_register_pass *p = &state->passes[pass];
    *out = (tw_pass){.result = TW_RESULT_VALUES, .align = p->kind == TW_PASS_ROUND ? 1 : TW_LEVEL_SIDE};
    const tw_levels *a = &state->pyramid[0], *b = &state->pyramid[1];
    if (p->kind == TW_PASS_GREY) {
        out->width = state->picture[p->level].width, out->height = state->picture[p->level].height;
        out->access[p->level] = TW_ACCESS_RECT;
        return;
    }
    if (p->kind == TW_PASS_SELF) {
        out->width = state->picture[0].width, out->height = state->picture[0].height;
        return;
    }
    if (p->kind == TW_PASS_ROUND)
        a = tw_round_levels(state, &p->round);
    out->width = a->width[p->level], out->height = a->height[p->level];
    if (p->kind == TW_PASS_SHRINK) { /* of both pictures */
        out->width = tw_max64(out->width, b->width[p->level]);
        out->height = tw_max64(out->height, b->height[p->level]);
    }
}

static tw_rect register_need(const tw_op_state *state, int pass, int input, tw_rect out)
{
    const tw_register_pass *p = &state->passes[pass];
    return p->kind == TW_PASS_GREY && p->level == input ? out : (tw_rect){0, 0, 0, 0};
}

static int64_t register_bytes(const tw_op_state *state, int pass, int64_t w, int64_t h)
{
    const tw_register_pass *p = &state->passes[pass];
    if (p->kind == TW_PASS_GREY)
        return w * h * 2 + TW_LEVEL_ROOM + tw_mask_bytes(state, p->level, w) + BLOCK_SLACK;
    if (p->kind == TW_PASS_SELF)
        return tw_selftest_bytes(state, w, h) + BLOCK_SLACK;
    if (p->kind == TW_PASS_SHRINK)
        return tw_levels_shrink_room(w, h) + BLOCK_SLACK;
    return tw_measure_bytes(p->round.window, tw_round_stride(state, &p->round), w, h) + BLOCK_SLACK;
}

/* --- running ------------------------------------------------------------------------------------------------------- */

static tw_status start_register(tw_op_state *state, const tw_start *start, tw_error *err)
{
    tw_account *account = tw_context_account(state->context);
    const tw_levels *fixed = &state->pyramid[0];
    TW_TRY(tw_result_check_folders(state, err));
    if (state->journal_strange)
        tw_warn(state->context, "%s is of other pictures or options: begun anew", state->journal);
    if (state->saved)
        tw_warn(state->context, "the budget holds registration at %lldx%lld pixels, not at more",
                (long long)fixed->width[state->finest], (long long)fixed->height[state->finest]);
    int64_t bytes = tw_max64(tw_grid_most_nodes(state), 1) * (int64_t)sizeof(tw_node);
    state->workers = g_new0(tw_register_worker, start->workers);
    state->n_workers = start->workers;
    for (int i = 0; i < 2; i++) {
        TW_TRY(tw_levels_open(&state->pyramid[i], tw_context_scratch(state->context), err));
        TW_TRY(tw_correlator_new(account, i ? 128 : 64, 0.18, &state->correlator[i], err));
        if (state->mask[i])
            TW_TRY(tw_source_will_rewind(state->mask[i], err));
    }
    state->nodes = tw_alloc(account, (size_t)bytes);
    if (!state->nodes)
        return tw_fail_memory(err, "nodes", (long long)bytes);
    return state->init ? tw_begin_with(state, err) : TW_OK;
}

static tw_status make_room(tw_op_state *state, const tw_step *step, tw_error *err)
{
    tw_register_worker *worker = &state->workers[step->worker];
    int64_t bytes = register_bytes(state, step->pass, step->out.w, step->out.h);
    if (bytes <= worker->bytes)
        return TW_OK;
    tw_free(worker->block);
    worker->block = tw_alloc(tw_context_account(state->context), (size_t)bytes);
    worker->bytes = worker->block ? bytes : 0;
    return worker->block ? TW_OK : tw_fail_memory(err, "tile", (long long)bytes);
}

static tw_status make_grey(tw_op_state *state, const tw_step *step, int input, tw_error *err)
{
    tw_rect out = step->out;
    uint16_t *grey = (uint16_t *)(state->workers[step->worker].block + TW_LEVEL_ROOM);
    char *room = (char *)(grey + out.w * out.h);
    room += -(uintptr_t)room % 64;
    for (int64_t y = 0; y < out.h; y++) {
        tw_grey_row(&state->picture[input], tw_step_row(step, input, out.y + y), out.w, grey + y * out.w);
        TW_TRY(tw_mask_row(state, input, (tw_rect){out.x, out.y + y, out.w, 1}, room, grey + y * out.w, err));
    }
    return tw_levels_write(&state->pyramid[input], 0, out, grey, out.w, state->workers[step->worker].block, err);
}

static tw_status shrink(tw_op_state *state, const tw_step *step, int level, tw_error *err)
{
    for (int i = 0; i < 2; i++) {
        const tw_levels *levels = &state->pyramid[i];
        tw_span x = {step->out.x, tw_min64(step->out.x + step->out.w, levels->width[level])};
        tw_span y = {step->out.y, tw_min64(step->out.y + step->out.h, levels->height[level])};
        if (!tw_span_empty(x) && !tw_span_empty(y))
            TW_TRY(tw_levels_shrink(levels, level - 1, tw_rect_of(x, y), state->workers[step->worker].block, err));
    }
    return TW_OK;
}

static tw_status run_register(tw_op_state *state, tw_step *step, tw_error *err)
{
    const tw_register_pass *pass = &state->passes[step->pass];
    TW_TRY(make_room(state, step, err));
    if (pass->kind == TW_PASS_GREY)
        return make_grey(state, step, pass->level, err);
    if (pass->kind == TW_PASS_SELF)
        return tw_selftest_run(state, step->out, step->worker, err);
    if (pass->kind == TW_PASS_SHRINK)
        return shrink(state, step, pass->level, err);
    return tw_measure(state, &pass->round, step->out, step->worker, err);
}

static tw_status reduce_register(tw_op_state *state, const tw_step *step, tw_error *err)
{
    return TW_OK;
}

static tw_status end_round(tw_op_state *state, const tw_round *round, tw_error *err)
{
    if (round->kind == TW_ROUND_BACK) {
        TW_TRY(tw_check_nodes(state, round, &state->result.backward, err));
        tw_backward_end(state);
        return TW_OK;
    }
    if (round->kind == TW_ROUND_CHECK) {
        TW_TRY(tw_check_nodes(state, round, &state->result.hold_out, err));
        if (state->known)
            tw_selftest_end(state);
        TW_TRY(tw_result_write(state, err));
        TW_TRY(state->page ? tw_page_write(state, round, err) : TW_OK);
        tw_journal_remove(state);
        return TW_OK;
    }
    TW_TRY(tw_nodes_fit(state, round, err));
    const tw_register_result *r = &state->result;
    if ((double)r->used < LEAST_USED * (double)r->nodes || r->used < 4)
        return tw_fail(err, TW_ERROR_RUN,
                       "%s and %s: only %lld of %lld windows were found again (%lld are blank, %lld unclear, %lld outliers)",
                       state->label[0], state->label[1], (long long)r->used, (long long)r->nodes, (long long)r->blank,
                       (long long)r->lost, (long long)r->outliers);
    if (r->ambiguous > 0.5 && !state->allow_ambiguous)
        return tw_fail(err, TW_ERROR_RUN,
                       "%s and %s: ambiguous: %.0f %% of the windows are unclear: they fit at several places, as in a pattern "
                       "that repeats, or "
                       "nowhere; --init FILE gives a (better) first map, --allow-ambiguous takes the best",
                       state->label[0], state->label[1], 100 * r->ambiguous);
    return TW_OK;
}

static tw_status note_round(const tw_op_state *state, int number, tw_error *err)
{
    int rounds = state->rounds_before;
    if (state->passes[number].round.kind >= TW_ROUND_BACK)
        return TW_OK;
    for (int i = 0; i <= number; i++)
        rounds += state->passes[i].kind == TW_PASS_ROUND;
    return tw_journal_write(state, rounds, err);
}

static tw_status end_pass(tw_op_state *state, int number, tw_error *err)
{
    const tw_register_pass *pass = &state->passes[number], *next = number + 1 < state->n_passes ? pass + 1 : NULL;
    if (pass->kind == TW_PASS_ROUND) {
        TW_TRY(end_round(state, &pass->round, err));
        TW_TRY(note_round(state, number, err));
    }
    if (!next || next->kind != TW_PASS_ROUND)
        return TW_OK;
    if (pass->kind != TW_PASS_ROUND && !state->given)
        TW_TRY(tw_global_find(state, err));
    if (next->round.kind == TW_ROUND_BACK)
        TW_TRY(tw_backward_begin(state, err));
    return tw_field_to_level(state, next->round.level, err);
}

const tw_op_class tw_register_class = {
    .info =
        {.name = "register",
         .summary = "find the field that lays one picture over another",
         .usage = "FIXED MOVING | --selftest PICTURE",
         .about =
             "Finds where every point of the fixed picture lies in the moving one and writes that as a field, which warp "
             "applies: turn, "
             "scale and shift on a coarse level, then the shifts of small windows, level by level, fitted by one cubic "
             "B-spline "
             "lattice. Pyramids of both pictures lie in scratch; nothing but some tiles and the lattice is in memory. What is "
             "measured depends on the pixels around a node alone, so that the field does not depend on tiles, threads or the "
             "budget by a bit. "
             "Windows between the nodes, which no fit has seen, tell the error.",
         .min_inputs = 1,
         .max_inputs = 2,
         .has_output = 0},
    .options = tw_register_options,
    .result = TW_RESULT_VALUES,
    .open = open_register,
    .close = close_register,
    .facts = register_facts,
    .passes = register_passes,
    .pass = register_pass,
    .need = register_need,
    .bytes = register_bytes,
    .start = start_register,
    .run = run_register,
    .reduce = reduce_register,
    .end_pass = end_pass,
    .next = tw_result_next,
    .report = tw_register_report,
};
