/* SPDX-License-Identifier: MIT */
/* batch: what was typed, for apps/batch. */
#include "../batch/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "commands.h"
#include "terminal.h"

/* Options of jobs, tried on one: a wrong word is an error of the command, not of every job. */
tw_status cli_read_defaults(const cli_args *args, GArray *defaults, tw_error *err)
{
    tw_session *session = NULL;
    tw_job *job = NULL;
    tw_status status = tw_session_new(&session, err);

    if (status == TW_OK)
        status = tw_job_new(session, tw_op_at(0)->name, &job, err);
    if (status == TW_OK)
        status = cli_apply(args, job, err);
    tw_job_free(job);
    tw_session_free(session);
    for (guint i = 0; i < args->table->len && status == TW_OK; i++) {
        const cli_option *option = &g_array_index(args->table, cli_option, i);
        batch_default given = {option->info.name, cli_get(args, option->info.name)};
        if (!option->own && cli_given(args, given.name) && strcmp(given.name, "memory") != 0)
            g_array_append_val(defaults, given);
    }
    return status;
}

static tw_status check_words(const cli_args *args, tw_error *err)
{
    if (args->inputs->len == 0)
        return TW_OK;
    return tw_fail(err, TW_ERROR_USAGE,
                   "batch: \"%s\": jobs come as lines on standard input; usage: tilewright batch [options]",
                   (const char *)g_ptr_array_index(args->inputs, 0));
}

int cli_batch(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;
    cli_args args;
    GArray *defaults = g_array_new(TRUE, TRUE, sizeof(batch_default));
    int code = cli_args_parse(&args, "batch", argc, argv, &err);

    if (code == TW_OK && args.help) {
        cli_print_command_help(stdout, "batch");
    } else if (code == TW_OK) {
        cli_terminal_setup(&args);
        code = check_words(&args, &err);
        if (code == TW_OK)
            code = cli_read_defaults(&args, defaults, &err);
        batch_settings settings = {cli_get(&args, "memory"), cli_get(&args, "device"), atoi(cli_get(&args, "jobs")),
                                   (const batch_default *)(void *)defaults->data, cli_quiet()};
        if (code == TW_OK)
            code = batch_run(&settings);
    }
    if (err.code != TW_OK)
        code = cli_fail(&err);
    g_array_free(defaults, TRUE);
    cli_args_clear(&args);
    return code;
}
