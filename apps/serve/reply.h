/* SPDX-License-Identifier: MIT */
/** Answers. */
#ifndef TW_SERVE_REPLY_H
#define TW_SERVE_REPLY_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

/** Status 0: no error. */
typedef struct serve_error {
    unsigned status;
    const char *code;
    int retry_after; /* seconds; 0: none is told */
    bool any_origin; /* pages of other sites may read it */
    char message[1024];
} serve_error;

/** Fills `error` unless it holds one; false, for returning. The code follows from the status. */
bool serve_refuse(serve_error *error, unsigned status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Takes over `json`. `location` may be NULL. */
enum MHD_Result serve_reply_json(struct MHD_Connection *connection, unsigned status, json_t *json, const char *location);
enum MHD_Result serve_reply_error(struct MHD_Connection *connection, const serve_error *error);
/** `text` is static, or copied. */
enum MHD_Result serve_reply_text(struct MHD_Connection *connection, unsigned status, const char *type, const char *text,
                                 bool copy);
/** A file that does not change: whole or the range that is asked for. `tag`: what names its contents, without quotes. */
enum MHD_Result serve_reply_file(struct MHD_Connection *connection, const char *path, const char *type, const char *tag,
                                 const char *name);

/** The header `name`, or NULL. */
const char *serve_header(struct MHD_Connection *connection, const char *name);

#endif
