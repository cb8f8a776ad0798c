/* SPDX-License-Identifier: MIT */
/** What the user typed: option settings, inputs and output, read by the operators' tables. */
#ifndef TW_CLI_ARGS_H
#define TW_CLI_ARGS_H

#include <glib.h>
#include <stdbool.h>

#include "tilewright/tilewright.h"

/** One option that the command knows: the operator's, or (own) the command line's. */
typedef struct cli_option {
    tw_option_info info;
    bool own; /* not passed on to the job */
} cli_option;

typedef struct cli_setting {
    const char *name; /* the long name of the table, whatever form was typed */
    char *value;
    char *source; /* the configuration file it came from; NULL: typed */
} cli_setting;

typedef struct cli_args {
    const char *command;  /* "upscale", "models" */
    const tw_op_info *op; /* NULL for commands that are no operator */
    GArray *table;        /* of cli_option */
    GArray *settings;     /* of cli_setting; the last one of a name counts */
    GPtrArray *inputs;    /* of char *, owned */
    char *output;         /* NULL: none */
    char *models_folder;  /* the ncnn tools' -m; NULL: none */
    bool help;
} cli_args;

/** Names and letters of other upscalers' commands that have no option of their own; for --help and the docs. */
typedef struct cli_compatible {
    char letter;
    const char *value; /* placeholder */
    const char *help;
} cli_compatible;

/** Ends with letter 0. */
extern const cli_compatible cli_compatibles[];

/** False where the operator has no such option, or lists the letter itself. */
bool cli_compatible_applies(const cli_compatible *compatible, const GArray *table, const tw_op_info *op);

/** Operator `name`, or NULL. */
const tw_op_info *cli_find_op(const char *name);
/** The options of the operator or command `command` and the command line's own, as a GArray of cli_option. */
GArray *cli_table_new(const char *command);

/** Fills `args` from argv[0..argc), the words after the operator's name. Free with cli_args_clear in any case. */
tw_status cli_args_parse(cli_args *args, const char *command, int argc, char **argv, tw_error *err);
void cli_args_clear(cli_args *args);

/** True for what every operator has, word for word. */
bool cli_is_common(const tw_option_info *info);

/** The option called `name` (long name or alias, - and _ alike), or NULL. */
const cli_option *cli_table_find(const GArray *table, const char *name);
/** Checks the value of one of the command line's own options; others pass, the job checks them. */
tw_status cli_check_own(const cli_option *option, const char *value, tw_error *err);
/** "unknown option X", with the nearest name. */
tw_status cli_fail_unknown(const GArray *table, const char *typed, tw_error *err);

/** One input, where the operator takes two: frames of a folder or of a stream. */
bool cli_is_sequence(const cli_args *args);

/** Value in force: the last setting, else the default; NULL: none. */
const char *cli_get(const cli_args *args, const char *name);
bool cli_flag(const cli_args *args, const char *name);
bool cli_given(const cli_args *args, const char *name);

/** Gives every setting to the job. */
tw_status cli_apply(const cli_args *args, tw_job *job, tw_error *err);

#endif
