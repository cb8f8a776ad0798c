/* SPDX-License-Identifier: MIT */
/** Errors as values: fail with a code and one line; a lower error is never overwritten. */
#ifndef TW_BASE_ERROR_H
#define TW_BASE_ERROR_H

#include "tilewright/error.h"

/** Writes the message unless `err` (may be NULL) already holds an error; returns the code that stands. */
tw_status tw_fail(tw_error *err, tw_status code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** The one message for an allocation that the system or an account refused. */
tw_status tw_fail_memory(tw_error *err, const char *what, long long bytes);

#define TW_TRY(call)                                                                                                           \
    do {                                                                                                                       \
        tw_status tw_try_status_ = (call);                                                                                     \
        if (tw_try_status_ != TW_OK)                                                                                           \
            return tw_try_status_;                                                                                             \
    } while (0)

#endif
