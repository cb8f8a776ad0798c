/* SPDX-License-Identifier: MIT */
/** `tilewright batch`: JSON lines in, JSON lines out, one session and one memory budget for all jobs (docs/protocol.md). */
#ifndef TW_BATCH_BATCH_H
#define TW_BATCH_BATCH_H

#include "request.h"

typedef struct batch_settings {
    const char *memory, *device;   /* options of the command; NULL: the default */
    int32_t most_running;          /* 0: the default */
    const batch_default *defaults; /* ends with a NULL name */
    bool quiet;
} batch_settings;

/** Runs until the input ends, `shutdown`, or a signal; before any other thread exists. Returns the exit code. */
int batch_run(const batch_settings *settings);

#endif
