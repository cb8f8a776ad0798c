/* SPDX-License-Identifier: MIT */
/** One line of JSON as a command, and a `run` command as a job. The keys of a run are the operator's options with _ for -, by
 *  the tables of the library (docs/protocol.md). */
#ifndef TW_BATCH_REQUEST_H
#define TW_BATCH_REQUEST_H

#include <jansson.h>
#include <stdbool.h>

#include "tilewright/tilewright.h"

#define BATCH_PROTOCOL   1
#define BATCH_LINE_LIMIT (1 << 20) /* bytes, both ways */
#define BATCH_ID_LIMIT   128       /* bytes */
#define BATCH_INPUTS     4
#define BATCH_INLINE                                                                                                           \
    ((BATCH_LINE_LIMIT - 16384) / 4 * 3) /* bytes of a result in its line, the event's other members left room */

typedef enum batch_command { BATCH_RUN, BATCH_CANCEL, BATCH_STATUS, BATCH_BUDGET, BATCH_SHUTDOWN } batch_command;

typedef struct batch_request {
    batch_command command;
    json_t *json;       /* owned */
    const char *id;     /* of the job, in `json`; NULL: none */
    const char *memory; /* of `budget`; NULL: not to be changed */
    bool cancel;        /* of `shutdown` */
    bool texts;         /* options may be texts whatever their type, as fields of a form are */
} batch_request;

/** A value that jobs have where their lines say nothing else. */
typedef struct batch_default {
    const char *name, *value;
} batch_default;

/** What a `run` asks for. All owned. */
typedef struct batch_work {
    char *id;
    tw_job *job;
    char *inputs[BATCH_INPUTS]; /* paths; NULL: inline */
    void *bytes[BATCH_INPUTS];  /* inline pictures, decoded */
    int64_t inline_bytes;
    char *output; /* path; NULL: none, or inline */
    char *format; /* of an inline result; NULL: none */
    int32_t priority;
    bool resume, hash;
} batch_work;

/** A JSON object in UTF-8, bounded in its number of values and its depth; TW_ERROR_USAGE in one line. */
tw_status batch_parse(const char *text, size_t length, json_t **out, tw_error *err);
/** True where the option `name` is called `key`, _ for -. */
bool batch_same_key(const char *key, const char *name);

/** TW_ERROR_USAGE in one line without the line's number. Clear the request in any case. */
tw_status batch_request_read(const char *text, size_t length, batch_request *out, tw_error *err);
void batch_request_clear(batch_request *request);

/** Of a BATCH_RUN. `defaults` end with a NULL name. On failure *out is NULL. */
tw_status batch_work_new(const batch_request *request, tw_session *session, const batch_default *defaults, batch_work **out,
                         tw_error *err);
/** Frees the job, too. NULL is allowed. */
void batch_work_free(batch_work *work);

#endif
