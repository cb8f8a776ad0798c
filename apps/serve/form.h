/* SPDX-License-Identifier: MIT */
/** The body of a request for a job, as it comes in: pictures to files of the spool, options to JSON. One thread at a time. */
#ifndef TW_SERVE_FORM_H
#define TW_SERVE_FORM_H

#include <microhttpd.h>

#include "jobs.h"
#include "reply.h"

typedef struct serve_form serve_form;

/** What a server allows in requests. */
typedef struct serve_limits {
    const char *root; /* real path; NULL: none */
    int root_fd;
    int64_t most_body;             /* bytes */
    const batch_default *defaults; /* of jobs; those that bound them are the server's alone */
} serve_limits;

/** For the body that the headers of `connection` announce. NULL with `error` filled: it is none of the kinds that are known. */
serve_form *serve_form_new(struct MHD_Connection *connection, const serve_limits *limits, serve_jobs *jobs, serve_spool *spool,
                           serve_error *error);
/** NULL is allowed. */
void serve_form_free(serve_form *form);

/** Takes the next piece. What is wrong is kept for serve_form_order; the rest is then passed over. */
void serve_form_take(serve_form *form, const char *data, size_t length);
/** The operator where none is named; static. */
void serve_form_op(serve_form *form, const char *op);
/** At the end of the body: what was asked for. Afterwards the form holds nothing. */
bool serve_form_order(serve_form *form, serve_order *out, serve_error *error);

#endif
