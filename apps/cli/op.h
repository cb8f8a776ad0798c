/* SPDX-License-Identifier: MIT */
/** One job made from what was typed. */
#ifndef TW_CLI_OP_H
#define TW_CLI_OP_H

#include "args.h"

/** A job with the settings, warnings printed, and no progress. `input` and `output` stand for those typed; NULL: as typed.
 *  On failure *out is NULL. */
tw_status cli_job_new(const cli_args *args, tw_session *session, const char *input, const char *output, tw_job **out,
                      tw_error *err);
/** The same without inputs and output. */
tw_status cli_job_begin(const cli_args *args, tw_session *session, tw_job **out, tw_error *err);
/** Frees what cli_job_new made; NULL is allowed. */
void cli_job_free(tw_job *job);

#endif
