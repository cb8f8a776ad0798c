/* SPDX-License-Identifier: MIT */
#include "ops/register/journal.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/newfile.h"
#include "field/text.h"

#define FIRST_LINE "tilewright register journal 1"

/* Options that tell what is found; the others tell how, or where it is written. */
static const char *const TELLING[] = {"init",
                                      "mask-fixed",
                                      "mask-moving",
                                      "transform",
                                      "spacing",
                                      "max-registration-pixels",
                                      "registration-size",
                                      "allow-downsampling"};

static tw_status add_file(GString *text, const char *path, tw_error *err)
{
    GStatBuf now;
    if (g_stat(path, &now) != 0 || !S_ISREG(now.st_mode))
        return tw_fail(err, TW_ERROR_USAGE, "%s: --resume needs files that can be read again", path);
    g_string_append_printf(text, "%s %lld %lld\n", path, (long long)now.st_size, (long long)now.st_mtime);
    return TW_OK;
}

static tw_status describe(const tw_op_state *state, const tw_op_request *request, GString *text, tw_error *err)
{
    g_string_append_printf(text, "%d %d\n", state->finest, state->levels);
    for (int i = 0; i < request->n_inputs; i++)
        TW_TRY(add_file(text, state->label[i], err));
    for (size_t i = 0; i < G_N_ELEMENTS(TELLING); i++) {
        const char *value = tw_options_text(request->options, TELLING[i]);
        g_string_append_printf(text, "%s %s\n", TELLING[i], value ? value : "");
        if (value && i < 3)
            TW_TRY(add_file(text, value, err));
    }
    return TW_OK;
}

tw_status tw_journal_open(tw_op_state *state, const tw_op_request *request, tw_error *err)
{
    if (!tw_options_bool(request->options, "resume"))
        return TW_OK;
    if (!state->path)
        return tw_fail(err, TW_ERROR_USAGE, "--selftest has nothing to --resume");
    GString *text = g_string_new(NULL);
    tw_status status = describe(state, request, text, err);
    if (status == TW_OK) {
        state->journal = g_strdup_printf("%s.resume", state->path);
        state->journal_key = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text->str, -1);
    }
    g_string_free(text, TRUE);
    return status;
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

static void print_numbers(tw_newfile *file, const char *key, const double *values, int64_t n)
{
    tw_newfile_print(file, "%s", key);
    for (int64_t i = 0; i < n; i++)
        tw_newfile_number(file, values[i]);
    tw_newfile_print(file, "\n");
}

tw_status tw_journal_write(const tw_op_state *state, int rounds, tw_error *err)
{
    const tw_register_result *r = &state->result;
    const tw_lattice *l = state->lattice;
    tw_newfile *file = NULL;
    if (!state->journal)
        return TW_OK;
    TW_TRY(tw_newfile_open(state->journal, &file, err));
    tw_newfile_print(file, FIRST_LINE "\nkey %s\n", state->journal_key);
    const double whole[] = {rounds, r->global_score, r->global_second, r->period, r->repeat[0], r->repeat[1]};
    print_numbers(file, "whole", whole, G_N_ELEMENTS(whole));
    print_numbers(file, "affine", state->affine.m, 6);
    const double none[6] = {0}, shape[] = {l ? (double)l->columns : 0, l ? (double)l->rows : 0, l ? l->origin[0] : 0,
                                           l ? l->origin[1] : 0,       l ? l->spacing[0] : 0,   l ? l->spacing[1] : 0};
    print_numbers(file, "lattice", l ? shape : none, 6);
    for (int axis = 0; l && axis < 2; axis++)
        print_numbers(file, axis ? "y" : "x", l->u[axis], l->columns * l->rows);
    tw_status status = tw_newfile_commit(file, err);
    tw_newfile_close(file);
    return status;
}

void tw_journal_remove(const tw_op_state *state)
{
    if (state->journal)
        g_remove(state->journal);
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static tw_status numbers(tw_text *text, const char *key, int64_t n, double *out, tw_error *err)
{
    tw_words line, first;
    if (!tw_text_line(text, &line) || !tw_words_next(&line, &first) || !tw_words_are(&first, key))
        return tw_text_fail(text, text->line, err, "'%s' is missing", key);
    return tw_words_numbers(text, line, key, n, out, err);
}

static tw_status read_lattice(tw_op_state *state, tw_text *text, tw_error *err)
{
    double shape[6];
    TW_TRY(numbers(text, "lattice", 6, shape, err));
    if (shape[0] == 0)
        return TW_OK;
    if (!(shape[0] >= 4 && shape[0] <= 65536 && shape[1] >= 4 && shape[1] <= 65536 && shape[4] > 0 && shape[5] > 0))
        return tw_text_fail(text, text->line, err, "%g x %g is no lattice", shape[0], shape[1]);
    TW_TRY(tw_lattice_new((int64_t)shape[0], (int64_t)shape[1], shape + 2, shape + 4, &state->lattice, err));
    int64_t n = state->lattice->columns * state->lattice->rows;
    TW_TRY(numbers(text, "x", n, state->lattice->u[0], err));
    return numbers(text, "y", n, state->lattice->u[1], err);
}

/* Rounds that were run come off the passes; the last one, which tells the error, never was. */
static tw_status leave_out(tw_op_state *state, tw_text *text, double rounds, tw_error *err)
{
    int kept = 0, seen = 0;
    for (int i = 0; i < state->n_passes; i++)
        seen += state->passes[i].kind == TW_PASS_ROUND;
    if (!(rounds >= 1 && rounds < seen && rounds == (int)rounds))
        return tw_text_fail(text, text->line, err, "%g rounds of %d", rounds, seen);
    seen = 0;
    for (int i = 0; i < state->n_passes; i++)
        if (state->passes[i].kind != TW_PASS_ROUND || seen++ >= (int)rounds)
            state->passes[kept++] = state->passes[i];
    state->n_passes = kept;
    state->rounds_before = (int)rounds;
    return TW_OK;
}

static tw_status read_map(tw_op_state *state, tw_text *text, tw_error *err)
{
    tw_register_result *r = &state->result;
    double whole[6];
    TW_TRY(numbers(text, "whole", 6, whole, err));
    TW_TRY(numbers(text, "affine", 6, state->affine.m, err));
    TW_TRY(read_lattice(state, text, err));
    TW_TRY(leave_out(state, text, whole[0], err));
    r->global_score = whole[1], r->global_second = whole[2], r->period = whole[3];
    r->repeat[0] = whole[4], r->repeat[1] = whole[5];
    state->given = true;
    tw_field_free(state->init);
    state->init = NULL;
    return TW_OK;
}

tw_status tw_journal_read(tw_op_state *state, tw_error *err)
{
    tw_text text;
    tw_words line, first, key;
    if (!state->journal || !g_file_test(state->journal, G_FILE_TEST_EXISTS))
        return TW_OK;
    TW_TRY(tw_text_load(state->journal, TW_TEXT_MAX, false, &text, err));
    bool ours = tw_text_line(&text, &line) && tw_words_are(&line, FIRST_LINE) && tw_text_line(&text, &line) &&
                tw_words_next(&line, &first) && tw_words_are(&first, "key") && tw_words_next(&line, &key) &&
                tw_words_are(&key, state->journal_key);
    tw_status status = TW_OK;
    if (ours)
        status = read_map(state, &text, err);
    else
        state->journal_strange = true;
    tw_text_free(&text);
    return status;
}
