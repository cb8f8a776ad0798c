/* SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "commands.h"
#include "terminal.h"

static const char verify_about[] =
    "Runs the model over a part from the middle of a picture: once whole, then with several tiles, with 1 to 4 threads, with "
    "every "
    "schedule, and with the picture moved under the grid of tiles. The results are compared in float32, before any rounding: "
    "the "
    "greatest difference of each, in 1/255, and the place of it in the result are printed. Nothing is written. Alpha is left "
    "out.\n\n"
    "The exit code is 0 when every difference is within the bound and 1 when one is not. A run that the model or the budget "
    "does not allow is named with the reason and counts for neither; where no run at all could be compared, that is an error.";

static const char batch_about[] =
    "Reads commands from standard input, one JSON object a line, and writes events to standard output, one a line: hello, then "
    "for "
    "each job its plan, its progress and its result or its error, and last a summary. Logs are on standard error. The models "
    "are "
    "loaded once. Jobs start in the order they come in and run side by side as far as the peaks of their plans fit the budget "
    "of "
    "the whole process; a job that can never fit is refused with the smallest budget that would do. A line that cannot be "
    "understood is answered by an error and harms nothing. The end of the input finishes what was taken; when nobody reads "
    "the events, what is under way is cancelled.\n\n"
    "The options of every operator that are given here hold for each job that does not say otherwise, but --memory, which is "
    "what "
    "all of them may take together. All commands and events: docs/protocol.md.\n\n"
    "The exit code is 0 when every job was done, otherwise that of the first error.";

static const char serve_about[] =
    "Takes jobs over HTTP, on this machine alone unless told otherwise, and shows a page for people who have a browser. A job "
    "is sent to /v1/jobs as a "
    "picture with options, by their names of every operator; its state, its progress as it goes, and its result are then asked "
    "for by its id. The models are loaded once. Jobs start in the order they come in and run side by side as far as the peaks "
    "of their plans fit the budget of the whole process; a job that can never fit is refused with the smallest budget that "
    "would do. Uploads go to files, not to memory.\n\n"
    "The options of every operator that are given here hold for each job that does not say otherwise, but --memory, which is "
    "what all of them may take together. Every request and answer: docs/http.md.\n\n"
    "The exit code is 0 after SIGTERM or SIGINT.";

const cli_command cli_commands[] = {
    {"plan", "OP ARGS", "what an operator would do: schedule, tile, memory, time; reads headers only", cli_plan, NULL},
    {"verify", "IN", "prove on a picture of yours that tiles give what the whole would have given", cli_verify, verify_about},
    {"batch", "<JOBS >EVENTS", "jobs as JSON lines on standard input, events as JSON lines on standard output", cli_batch,
     batch_about},
    {"serve", "[options]", "jobs over HTTP, on this machine alone unless told otherwise", cli_serve, serve_about},
    {"models", "list | info M | add FILE | install PACK", "the models an operator can use", cli_models, NULL},
    {"help", "[OP]", "this text, or an operator's options", cli_help, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* glibc keeps what is freed: one arena per thread, and blocks up to 32 MB once it has seen them freed. Under a memory budget
 * that counts as ours, so: few arenas, and every large block straight from and back to the system (a fixed threshold also
 * stops glibc from raising it by itself). */
static void return_memory_to_system(void)
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

tw_status cli_fail_unknown_command(const char *what, const char *name, tw_error *err)
{
    tw_nearest best = {0};
    const tw_op_info *op;

    for (size_t i = 0; (op = tw_op_at(i)); i++)
        tw_nearest_offer(&best, name, op->name);
    for (const cli_command *c = cli_commands; c->name; c++)
        tw_nearest_offer(&best, name, c->name);
    if (best.name)
        return tw_fail(err, TW_ERROR_USAGE, "unknown %s \"%s\"; did you mean %s?", what, name, best.name);
    return tw_fail(err, TW_ERROR_USAGE, "unknown %s \"%s\"; see tilewright help", what, name);
}

static int dispatch(const char *name, int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;

    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("tilewright %s\n", tw_version());
        return TW_OK;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return cli_help(argc, argv);
    for (const cli_command *c = cli_commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c->run(argc, argv);
    if (cli_find_op(name))
        return cli_op(name, argc, argv, false);
    if (name[0] == '-')
        tw_fail(&err, TW_ERROR_USAGE, "the operator comes first: tilewright OP ARGS [options]; see tilewright help");
    else
        cli_fail_unknown_command("command", name, &err);
    return cli_fail(&err);
}

/* setlocale is never called: numbers are read and written the same way everywhere. */
int main(int argc, char **argv)
{
    return_memory_to_system();
    /* A reader that has gone away is a write error to report, and partial output to remove, not a death. */
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        cli_print_overview(stderr);
        return TW_ERROR_USAGE;
    }
    cli_terminal_guess(argc, argv);
    int code = dispatch(argv[1], argc - 2, argv + 2);
    if (fflush(stdout) != 0 && code == TW_OK) {
        cli_complain("standard output cannot be written");
        code = TW_ERROR_RUN;
    }
    return code;
}
