/* SPDX-License-Identifier: MIT */
/** `tilewright serve`: jobs over HTTP, one session and one memory budget for all of them (docs/http.md). */
#ifndef TW_SERVE_SERVE_H
#define TW_SERVE_SERVE_H

#include "../batch/request.h"

typedef struct serve_settings {
    const char *memory; /* NULL: the default */
    int32_t most_running;
    const batch_default *defaults; /* ends with a NULL name */
    const char *bind;              /* address */
    int port;                      /* 0: any that is free */
    const char *root;              /* folder of pictures that requests may name; NULL: none */
    const char *token_file;        /* NULL: no token is asked for */
    const char *scratch;           /* folder for uploads and results; NULL: TMPDIR, else /var/tmp */
    const char *max_body, *store;  /* sizes */
    int32_t most_waiting;          /* jobs */
    int32_t keep, grace, timeout;  /* seconds */
    bool quiet;
} serve_settings;

/** Runs until a signal; before any other thread exists. Returns the exit code. */
int serve_run(const serve_settings *settings);

#endif
