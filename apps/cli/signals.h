/* SPDX-License-Identifier: MIT */
/** SIGINT and SIGTERM cancel the running jobs; a second one ends the process at once. */
#ifndef TW_CLI_SIGNALS_H
#define TW_CLI_SIGNALS_H

#include <stdbool.h>

#include "tilewright/tilewright.h"

/** Before any other thread exists: they inherit the mask. */
void cli_signals_start(void);
/** At most two jobs at a time. A job that comes after the signal is cancelled at once. */
void cli_signals_watch(tw_job *job);
/** Before the job is freed. */
void cli_signals_forget(tw_job *job);
bool cli_interrupted(void);

#endif
