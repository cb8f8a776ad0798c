/* SPDX-License-Identifier: MIT */
/** Everything that is printed while work goes on, and how errors are printed. Standard output stays for results. */
#ifndef TW_CLI_TERMINAL_H
#define TW_CLI_TERMINAL_H

#include <jansson.h>
#include <stdio.h>

#include "args.h"

/** Reads --quiet, --json, --progress and whether the picture goes to standard output. */
void cli_terminal_setup(const cli_args *args);
/** Only what decides how an error is printed: for words that did not parse. */
void cli_terminal_guess(int argc, char **argv);

bool cli_quiet(void);
bool cli_json(void);
/** Where results for people or programs go: standard output, unless the picture goes there. */
FILE *cli_results(void);

/** The same for one line while others may draw: takes the bar away and keeps it away until cli_results_end. */
FILE *cli_results_begin(void);
void cli_results_end(void);

/** Thread-safe; draws or prints by the mode. */
void cli_progress(double fraction);
/** The same for a stream, whose end is not known: so many frames were read. */
void cli_progress_frames(int64_t frames);
/** Removes the bar. */
void cli_progress_end(void);
/** One line for people on standard error; not with --quiet, nor among JSON lines. Thread-safe. */
void cli_note(const char *format, ...) G_GNUC_PRINTF(1, 2);
/** `tilewright: warning: line`, or {"warning":line} among JSON lines; not with --quiet. Thread-safe. */
void cli_warn(const char *line);
/** `tilewright: message` on standard error, even with --quiet. Thread-safe. */
void cli_complain(const char *message);

/** A JSON string: names need not be UTF-8, JSON has to be. */
json_t *cli_text_value(const char *text);

/** Prints the error as text and, with --json, as an object; returns the exit code. */
int cli_fail(const tw_error *err);

#endif
