/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

tw_status tw_fail(tw_error *err, tw_status code, const char *format, ...)
{
    if (!err)
        return code;
    if (err->code != TW_OK)
        return err->code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    for (char *c = err->message; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    err->code = code;
    return code;
}

tw_status tw_fail_memory(tw_error *err, const char *what, long long bytes)
{
    return tw_fail(err, TW_ERROR_BUDGET, "%s: %lld bytes do not fit the memory budget", what, bytes);
}
