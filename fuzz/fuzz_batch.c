/* SPDX-License-Identifier: MIT */
/* libFuzzer: what comes in on standard input of `tilewright batch`: the first byte says in which pieces. Every line is given once, in
 * bounds; every refusal is one line of UTF-8; a request that is taken becomes a job that can be freed. Nothing is run. */
#define _GNU_SOURCE
#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "batch/line.h"
#include "batch/request.h"

#define LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_refusal(tw_status status, const tw_error *err)
{
    must(err->code == status && status != TW_OK && err->message[0] && !strchr(err->message, '\n'));
    must(status == TW_ERROR_USAGE || status == TW_ERROR_INPUT);
}

static void take(tw_session *session, const char *text, size_t length)
{
    static const batch_default defaults[] = {{"threads", "1"}, {NULL, NULL}};
    batch_request request;
    batch_work *work = NULL;
    tw_error err = TW_ERROR_NONE;
    tw_status status = batch_request_read(text, length, &request, &err);
    if (status == TW_OK && request.command == BATCH_RUN) {
        must(request.id && strlen(request.id) <= BATCH_ID_LIMIT);
        status = batch_work_new(&request, session, defaults, &work, &err);
        must((status == TW_OK) == (work != NULL));
    }
    if (status != TW_OK)
        check_refusal(status, &err);
    batch_work_free(work);
    batch_request_clear(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tw_session *session;
    if (size == 0 || (!session && tw_session_new(&session, NULL) != TW_OK))
        return 0;
    int fd = memfd_create("lines", 0);
    size_t ends = 1, given = 0, piece = 1 + (size_t)data[0] * 16;
    batch_lines *lines = batch_lines_new(fd, LIMIT);
    for (size_t i = 1; i < size; i++)
        ends += data[i] == '\n';
    for (size_t at = 1; at <= size;) { /* the last piece is the end: no bytes */
        size_t n = MIN(piece, size - at);
        must(pwrite(fd, data + at, n, (off_t)at - 1) == (ssize_t)n);
        for (ptrdiff_t got = 0; got < (ptrdiff_t)n || n == 0;) {
            ptrdiff_t now = batch_lines_fill(lines);
            must(now >= 0 && (now > 0 || n == 0));
            got += now;
            char *text;
            size_t length;
            for (batch_line kind; (kind = batch_lines_next(lines, &text, &length)) != BATCH_LINE_NONE; given++) {
                must(text[length] == 0 && (length <= LIMIT) == (kind == BATCH_LINE_OK));
                if (kind == BATCH_LINE_OK)
                    take(session, text, length);
            }
            if (n == 0)
                break;
        }
        at += n > 0 ? n : 1;
    }
    must(given == ends || given == ends - 1); /* an empty last line is none */
    must(batch_lines_number(lines) == (int64_t)given);
    batch_lines_free(lines);
    close(fd);
    return 0;
}
