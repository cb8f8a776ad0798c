/* SPDX-License-Identifier: MIT */
/** The commands. Each gets the words after its own name and returns the exit code. */
#ifndef TW_CLI_COMMANDS_H
#define TW_CLI_COMMANDS_H

#include <stdio.h>

#include "args.h"

/** An operator: `tilewright upscale ...`; `plan_only` for `tilewright plan upscale ...`. */
int cli_op(const char *op, int argc, char **argv, bool plan_only);
int cli_plan(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_batch(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_models(int argc, char **argv);
int cli_help(int argc, char **argv);

/** The options of jobs that `batch` or `serve` was given, but memory, as batch_default without the end. Strings are the
 *  arguments'. */
tw_status cli_read_defaults(const cli_args *args, GArray *defaults, tw_error *err);

/** Every picture of a folder; `args` are parsed and the first input is a folder. */
int cli_folder(const cli_args *args, bool plan_only);

/** Frames of a folder, or of a y4m stream (a file, or standard input), with frames in between. */
int cli_frames(const cli_args *args, bool plan_only);
int cli_stream(const cli_args *args, bool plan_only);

/** What `tilewright` without words prints. */
void cli_print_overview(FILE *file);
void cli_print_command_help(FILE *file, const char *command);
/** All tables as JSON, for the generator of docs, man pages and completion. */
int cli_print_tables(void);

/** The commands that are no operators, for help and suggestions. Ends with a NULL name. */
typedef struct cli_command {
    const char *name, *usage, *summary;
    int (*run)(int argc, char **argv);
    const char *about; /* paragraphs for a man page of its own; NULL: none */
} cli_command;
extern const cli_command cli_commands[];

/** TW_ERROR_USAGE with the nearest operator or command. */
tw_status cli_fail_unknown_command(const char *what, const char *name, tw_error *err);

#endif
