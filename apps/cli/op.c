/* SPDX-License-Identifier: MIT */
#include "op.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "commands.h"
#include "report.h"
#include "signals.h"
#include "terminal.h"

static void on_warning(void *user, const char *line)
{
    cli_warn(line);
}

static void on_progress(void *user, double fraction)
{
    cli_progress(fraction);
}

tw_status cli_job_begin(const cli_args *args, tw_session *session, tw_job **out, tw_error *err)
{
    *out = NULL;
    TW_TRY(tw_job_new(session, args->op->name, out, err));
    cli_signals_watch(*out);
    tw_job_on_warning(*out, on_warning, NULL);
    tw_status status = cli_apply(args, *out, err);
    if (status != TW_OK) {
        cli_job_free(*out);
        *out = NULL;
    }
    return status;
}

tw_status cli_job_new(const cli_args *args, tw_session *session, const char *input, const char *output, tw_job **out,
                      tw_error *err)
{
    TW_TRY(cli_job_begin(args, session, out, err));
    tw_status status = TW_OK;
    for (guint i = 0; i < args->inputs->len && status == TW_OK; i++)
        status = tw_job_input(*out, i == 0 && input ? input : g_ptr_array_index(args->inputs, i), err);
    if (!output)
        output = args->output;
    if (status == TW_OK && output)
        status = tw_job_output(*out, output, err);
    if (status != TW_OK) {
        cli_job_free(*out);
        *out = NULL;
    }
    return status;
}

void cli_job_free(tw_job *job)
{
    if (!job)
        return;
    cli_signals_forget(job);
    tw_job_free(job);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool reads_stdin(const cli_args *args)
{
    for (guint i = 0; i < args->inputs->len; i++)
        if (strcmp(g_ptr_array_index(args->inputs, i), "-") == 0)
            return true;
    return false;
}

static void print_json(tw_job *job)
{
    char *text = tw_job_json(job);
    fprintf(cli_results(), "%s\n", text ? text : "null");
    tw_bytes_free(text);
}

static tw_status plan(tw_job *job, tw_error *err)
{
    TW_TRY(tw_job_plan(job, err));
    if (cli_json()) {
        print_json(job);
        return TW_OK;
    }
    char *text = tw_job_explain(job);
    fputs(text ? text : "", stdout);
    if (text && *text && text[strlen(text) - 1] != '\n')
        putchar('\n');
    tw_bytes_free(text);
    return TW_OK;
}

static tw_status run(const cli_args *args, tw_job *job, tw_error *err)
{
    /* Standard input can be read once only, and that is the run's. */
    if (!cli_quiet() && !cli_json() && !reads_stdin(args)) {
        TW_TRY(tw_job_plan(job, err));
        cli_print_plan(tw_job_report(job));
    }
    tw_job_on_progress(job, on_progress, NULL);
    tw_status status = tw_job_run(job, err);
    cli_progress_end();
    TW_TRY(status);
    if (cli_json())
        print_json(job);
    else if (!cli_quiet())
        cli_print_summary(cli_results(), job);
    return TW_OK;
}

/* `upscale a.png folder/` means folder/a.png, as cp means it. NULL when the output is no folder. */
static char *name_inside_folder(const cli_args *args)
{
    const char *input = g_ptr_array_index(args->inputs, 0);

    if (!args->output || !is_folder(args->output) || strcmp(input, "-") == 0)
        return NULL;
    const char *slash = strrchr(input, '/');
    return g_build_filename(args->output, slash ? slash + 1 : input, NULL);
}

static tw_status run_one(const cli_args *args, bool plan_only, tw_error *err)
{
    tw_session *session = NULL;
    tw_job *job = NULL;
    char *output = name_inside_folder(args);
    tw_status status = tw_session_new(&session, err);

    if (status == TW_OK)
        status = cli_job_new(args, session, NULL, output, &job, err);
    if (status == TW_OK)
        status = plan_only ? plan(job, err) : run(args, job, err);
    cli_job_free(job);
    tw_session_free(session);
    g_free(output);
    return status;
}

int cli_op(const char *op, int argc, char **argv, bool plan_only)
{
    tw_error err = TW_ERROR_NONE;
    cli_args args;
    int code = TW_OK;

    tw_status status = cli_args_parse(&args, op, argc, argv, &err);
    if (status == TW_OK && args.help) {
        cli_print_command_help(stdout, op);
        goto cleanup;
    }
    if (status == TW_OK) {
        cli_terminal_setup(&args);
        if (!plan_only && args.output && strcmp(args.output, "-") == 0 && isatty(STDOUT_FILENO))
            status = tw_fail(&err, TW_ERROR_USAGE, "-: a picture is not written to a terminal; redirect standard output");
    }
    if (status == TW_OK) {
        cli_signals_start();
        const char *first = g_ptr_array_index(args.inputs, 0);
        if (cli_is_sequence(&args))
            code = is_folder(first) ? cli_frames(&args, plan_only) : cli_stream(&args, plan_only);
        else if (is_folder(first) && args.op->has_output)
            code = cli_folder(&args, plan_only);
        else
            status = run_one(&args, plan_only, &err);
    }
    if (status != TW_OK)
        code = cli_fail(&err);
cleanup:
    cli_args_clear(&args);
    return code;
}

int cli_plan(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;

    if (argc > 0 && cli_find_op(argv[0]))
        return cli_op(argv[0], argc - 1, argv + 1, true);
    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        cli_print_command_help(stdout, "plan");
        return TW_OK;
    }
    if (argc == 0)
        tw_fail(&err, TW_ERROR_USAGE, "plan needs an operator; usage: tilewright plan OP ARGS [options]");
    else
        cli_fail_unknown_command("operator", argv[0], &err);
    return cli_fail(&err);
}
