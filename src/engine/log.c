/* SPDX-License-Identifier: MIT */
#include "engine/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read by ncnn under this name. */
extern FILE *tw_ncnn_stderr;
FILE *tw_ncnn_stderr;

static _Thread_local char last[200];

static ssize_t keep_line(void *cookie, const char *text, size_t n)
{
    size_t length = n;
    (void)cookie;
    while (length > 0 && text[length - 1] == '\n')
        length--;
    if (length > 0) { /* ncnn writes the end of the line by itself */
        length = length < sizeof last ? length : sizeof last - 1;
        memcpy(last, text, length);
        last[length] = 0;
    }
    return (ssize_t)n;
}

/* Before the constructors of ncnn. TILEWRIGHT_NCNN_LOG=1 lets everything through, to look for faults. */
__attribute__((constructor(101))) static void open_log(void)
{
    const char *wanted = getenv("TILEWRIGHT_NCNN_LOG");
    if (!wanted || strcmp(wanted, "1") != 0)
        tw_ncnn_stderr = fopencookie(NULL, "w", (cookie_io_functions_t){.write = keep_line});
    if (!tw_ncnn_stderr)
        tw_ncnn_stderr = stderr;
    else
        setvbuf(tw_ncnn_stderr, NULL, _IONBF, 0);
}

const char *tw_log_last(void)
{
    return last;
}

void tw_log_clear(void)
{
    last[0] = 0;
}
