/* SPDX-License-Identifier: MIT */
/* Numbered frames of a folder, with frames in between: frame first + i becomes first + i * factor, and is copied as it is. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ahead.h"
#include "base/error.h"
#include "base/newfile.h"
#include "commands.h"
#include "listing.h"
#include "op.h"
#include "pairs.h"
#include "signals.h"
#include "terminal.h"

typedef struct frames {
    const cli_args *args;
    tw_session *session;
    GArray *items; /* cli_item; outputs are not used */
    char *prefix, *suffix;
    int64_t first;
    int digits, factor;
    bool resume, plan_only;
    cli_ahead *ahead;
    int64_t copied, skipped;
    cli_pairs pairs;
} frames;

/* Splits "frame_0012.png" at its last digits; false: it has none. */
static bool split_name(const char *path, char **prefix, int64_t *number, int *digits, char **suffix)
{
    g_autofree char *name = g_path_get_basename(path);
    const char *dot = strrchr(name, '.'), *end = dot ? dot : name + strlen(name);
    const char *begin = end;
    while (begin > name && g_ascii_isdigit(begin[-1]))
        begin--;
    if (begin == end || end - begin > 15)
        return false;
    *number = g_ascii_strtoll(begin, NULL, 10);
    *digits = (int)(end - begin);
    *prefix = g_strndup(name, (gsize)(begin - name));
    *suffix = g_strdup(end);
    return true;
}

static tw_status check_names(frames *f, tw_error *err)
{
    const char *in = g_ptr_array_index(f->args->inputs, 0);
    if (f->items->len < 2)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %u frames; two at least have something in between", in, f->items->len);
    for (guint i = 0; i < f->items->len; i++) {
        const cli_item *item = &g_array_index(f->items, cli_item, i);
        g_autofree char *prefix = NULL, *suffix = NULL;
        int64_t number;
        int digits;
        if (!split_name(item->input, &prefix, &number, &digits, &suffix))
            return tw_fail(err, TW_ERROR_INPUT, "%s: frames have a number in front of their suffix", item->input);
        if (i == 0) {
            f->prefix = g_steal_pointer(&prefix);
            f->suffix = g_steal_pointer(&suffix);
            f->first = number;
            f->digits = digits;
            continue;
        }
        if (strcmp(prefix, f->prefix) != 0 || strcmp(suffix, f->suffix) != 0)
            return tw_fail(err, TW_ERROR_INPUT, "%s: of another sequence than %s", item->input,
                           g_array_index(f->items, cli_item, 0).input);
        if (number != f->first + (int64_t)i)
            return tw_fail(err, TW_ERROR_INPUT, "%s: frame %" PRId64 " is missing in front of it", item->input,
                           f->first + (int64_t)i);
    }
    return TW_OK;
}

static char *name_of(const frames *f, int64_t index)
{
    g_autofree char *name = g_strdup_printf("%s%0*" PRId64 "%s", f->prefix, f->digits, f->first + index, f->suffix);
    return g_build_filename(f->args->output, name, NULL);
}

/* A result under its name is complete, but for one of zero bytes, which other programs leave behind. */
static bool is_there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static tw_status copy_file(const char *from, const char *to, tw_error *err)
{
    char block[65536];
    FILE *in = fopen(from, "rbe");
    tw_newfile *out = NULL;
    if (!in)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %s", from, g_strerror(errno));
    tw_status status = tw_newfile_open(to, &out, err);
    for (size_t n; status == TW_OK && (n = fread(block, 1, sizeof block, in)) > 0;)
        tw_newfile_write(out, block, n);
    if (status == TW_OK && ferror(in))
        status = tw_fail(err, TW_ERROR_INPUT, "%s: %s", from, g_strerror(errno));
    if (status == TW_OK)
        status = tw_newfile_commit(out, err);
    tw_newfile_close(out);
    fclose(in);
    return status;
}

static tw_status new_job(frames *f, guint pair, int number, const char *output, tw_job **out, tw_error *err)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    const cli_item *a = &g_array_index(f->items, cli_item, pair), *b = a + 1;
    TW_TRY(cli_job_begin(f->args, f->session, out, err));
    tw_status status = tw_job_set(*out, "time", g_ascii_dtostr(text, sizeof text, (double)number / f->factor), err);
    if (status == TW_OK && (f->plan_only || (f->resume && !is_there(output)))) /* at most an empty file is there */
        status = tw_job_set(*out, "overwrite", "true", err);
    if (status == TW_OK)
        status = tw_job_input(*out, a->input, err);
    if (status == TW_OK)
        status = tw_job_input(*out, b->input, err);
    if (status == TW_OK)
        status = tw_job_output(*out, output, err);
    if (status != TW_OK) {
        cli_job_free(*out);
        *out = NULL;
    }
    return status;
}

/* Frame `index` of the result is a given one. */
static tw_status copy_given(frames *f, int64_t index, tw_error *err)
{
    g_autofree char *output = name_of(f, index);
    if (!f->resume && !cli_flag(f->args, "overwrite") && g_file_test(output, G_FILE_TEST_EXISTS))
        return tw_fail(err, TW_ERROR_USAGE, "%s exists; --overwrite replaces it, --resume keeps it", output);
    TW_TRY(copy_file(g_array_index(f->items, cli_item, index / f->factor).input, output, err));
    f->copied++;
    return TW_OK;
}

/* Begins one frame of the result. */
static tw_status begin(frames *f, int64_t index, tw_error *err)
{
    g_autofree char *output = name_of(f, index);
    tw_job *job = NULL;
    int number = (int)(index % f->factor);
    if (f->resume && is_there(output)) {
        f->skipped++;
        return TW_OK;
    }
    if (number > 0)
        TW_TRY(new_job(f, (guint)(index / f->factor), number, output, &job, err));
    return cli_ahead_put(f->ahead, job, index, err);
}

static tw_status end_next(frames *f, tw_error *err)
{
    tw_job *job;
    int64_t index;
    g_autoptr(GPtrArray) warnings = NULL;
    TW_TRY(cli_ahead_take(f->ahead, &job, &index, &warnings, err));
    if (!job)
        return copy_given(f, index, err);
    cli_pairs_count(&f->pairs, job, warnings);
    cli_job_free(job);
    return TW_OK;
}

static tw_status open_all(frames *f, tw_error *err)
{
    const char *in = g_ptr_array_index(f->args->inputs, 0), *out = f->args->output;
    if (strcmp(out, "-") == 0 || g_str_has_suffix(out, ".y4m"))
        return tw_fail(err, TW_ERROR_USAGE, "%s: the result of a folder is a folder", out);
    if (cli_given(f->args, "time") || cli_given(f->args, "format"))
        return tw_fail(err, TW_ERROR_USAGE, "--%s: frames of a folder have --factor and keep their format",
                       cli_given(f->args, "time") ? "time" : "format");
    if (cli_same_folder(in, out))
        return tw_fail(err, TW_ERROR_USAGE, "%s: results cannot go to the folder of their inputs", out);
    TW_TRY(cli_list_folder(in, out, NULL, &f->items, err));
    TW_TRY(check_names(f, err));
    TW_TRY(tw_session_new(&f->session, err));
    f->ahead = cli_ahead_new(f->args, f->session, 0, 0);
    if (!f->plan_only && g_mkdir_with_parents(out, 0777) != 0)
        return tw_fail(err, TW_ERROR_RUN, "%s: the folder cannot be made: %s", out, g_strerror(errno));
    return TW_OK;
}

/* All pairs are alike. */
static tw_status plan_one(frames *f, tw_error *err)
{
    g_autofree char *output = name_of(f, 1);
    tw_job *job = NULL;
    TW_TRY(new_job(f, 0, 1, output, &job, err));
    tw_status status = tw_job_plan(job, err);
    if (status == TW_OK) {
        char *explained = cli_json() ? tw_job_json(job) : tw_job_explain(job);
        printf("%s%s", explained ? explained : "", cli_json() ? "\n" : "");
        tw_bytes_free(explained);
    }
    cli_job_free(job);
    return status;
}

static tw_status run_all(frames *f, tw_error *err)
{
    int64_t count = (int64_t)(f->items->len - 1) * f->factor + 1;
    for (int64_t i = 0; i < count; i++) {
        if (cli_interrupted())
            return tw_fail(err, TW_ERROR_INTERRUPTED, "interrupted; finished frames stay, --resume goes on from here");
        TW_TRY(begin(f, i, err));
        while (cli_ahead_due(f->ahead) || (i + 1 == count && !cli_ahead_empty(f->ahead)))
            TW_TRY(end_next(f, err));
        cli_progress((double)(i + 1) / (double)count);
    }
    return TW_OK;
}

int cli_frames(const cli_args *args, bool plan_only)
{
    frames f = {.args = args, .plan_only = plan_only, .resume = cli_flag(args, "resume"), .pairs = cli_pairs_begin()};
    tw_error err = TW_ERROR_NONE;
    f.factor = atoi(cli_get(args, "factor"));
    tw_status status = open_all(&f, &err);
    if (status == TW_OK)
        status = plan_only ? plan_one(&f, &err) : run_all(&f, &err);
    cli_progress_end();
    cli_ahead_free(f.ahead);
    if (status == TW_OK && !plan_only)
        cli_pairs_print(&f.pairs, args->output, f.items->len,
                        json_pack("{s:I,s:I}", "copied", (json_int_t)f.copied, "skipped", (json_int_t)f.skipped));
    if (f.items)
        g_array_free(f.items, TRUE);
    g_free(f.prefix);
    g_free(f.suffix);
    tw_session_free(f.session);
    return status == TW_OK ? TW_OK : cli_fail(&err);
}
