/* SPDX-License-Identifier: MIT */
/** A job's report as lines for people. */
#ifndef TW_CLI_REPORT_H
#define TW_CLI_REPORT_H

#include <stdio.h>

#include "tilewright/tilewright.h"

/** The plan in one line on standard error. */
void cli_print_plan(const tw_report *report);
/** What was done, in a few lines. */
void cli_print_summary(FILE *file, const tw_job *job);
/** The same in one line, for folders: "a.png -> out/a.png: 640x480 -> 1280x960, 1.2 s, 71.0 MiB". */
void cli_print_brief(FILE *file, const tw_report *report);

#endif
