/* SPDX-License-Identifier: MIT */
/* serve: what was typed, for apps/serve. */
#include "../serve/serve.h"

#include <stdlib.h>

#include "base/error.h"
#include "commands.h"
#include "terminal.h"

static tw_status check_words(const cli_args *args, tw_error *err)
{
    if (args->inputs->len == 0)
        return TW_OK;
    return tw_fail(err, TW_ERROR_USAGE, "serve: \"%s\": jobs come over HTTP; usage: tilewright serve [options]",
                   (const char *)g_ptr_array_index(args->inputs, 0));
}

static int number(const cli_args *args, const char *name)
{
    return atoi(cli_get(args, name));
}

static int run(const cli_args *args, const batch_default *defaults)
{
    serve_settings settings = {.memory = cli_get(args, "memory"),
                               .most_running = number(args, "jobs"),
                               .defaults = defaults,
                               .bind = cli_get(args, "bind"),
                               .port = number(args, "port"),
                               .root = cli_get(args, "root"),
                               .token_file = cli_get(args, "token-file"),
                               .scratch = cli_get(args, "scratch"),
                               .max_body = cli_get(args, "max-body"),
                               .store = cli_get(args, "store"),
                               .most_waiting = number(args, "max-waiting"),
                               .keep = number(args, "keep"),
                               .grace = number(args, "grace"),
                               .timeout = number(args, "timeout"),
                               .quiet = cli_quiet()};
    return serve_run(&settings);
}

int cli_serve(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;
    cli_args args;
    GArray *defaults = g_array_new(TRUE, TRUE, sizeof(batch_default));
    int code = cli_args_parse(&args, "serve", argc, argv, &err);

    if (code == TW_OK && args.help) {
        cli_print_command_help(stdout, "serve");
    } else if (code == TW_OK) {
        cli_terminal_setup(&args);
        code = check_words(&args, &err);
        if (code == TW_OK)
            code = cli_read_defaults(&args, defaults, &err);
        if (code == TW_OK)
            code = run(&args, (const batch_default *)(void *)defaults->data);
    }
    if (err.code != TW_OK)
        code = cli_fail(&err);
    g_array_free(defaults, TRUE);
    cli_args_clear(&args);
    return code;
}
