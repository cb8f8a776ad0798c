/* SPDX-License-Identifier: MIT */
/** What many frames in between come to: how many were made, how many of them repeat a frame (scene cuts, stills), memory and time. */
#ifndef TW_CLI_PAIRS_H
#define TW_CLI_PAIRS_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "tilewright/tilewright.h"

/** Begins as cli_pairs_begin gives it. */
typedef struct cli_pairs {
    int64_t made, repeated, peak_bytes;
    bool still;    /* the last one repeats a frame because nothing moves */
    int64_t since; /* monotonic microseconds */
} cli_pairs;

cli_pairs cli_pairs_begin(void);
/** A job that is done, and its warnings, which are printed: of frames in which nothing moves only the first one's. */
void cli_pairs_count(cli_pairs *pairs, tw_job *job, const GPtrArray *warnings);
/** Prints the result for people or programs, which takes `more` (may be NULL) over: members after "frames". */
void cli_pairs_print(const cli_pairs *pairs, const char *output, int64_t frames, json_t *more);

#endif
