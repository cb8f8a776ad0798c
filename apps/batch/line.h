/* SPDX-License-Identifier: MIT */
/** Lines from a descriptor, in bounded memory: a line that is longer than the limit is told once and passed over, however
 *  long. */
#ifndef TW_BATCH_LINE_H
#define TW_BATCH_LINE_H

#include <stddef.h>
#include <stdint.h>

typedef struct batch_lines batch_lines;

typedef enum batch_line {
    BATCH_LINE_NONE, /* nothing whole yet: fill */
    BATCH_LINE_OK,
    BATCH_LINE_TOO_LONG,
} batch_line;

/** `limit`: most bytes of a line, its end not counted. NULL when memory is out. */
batch_lines *batch_lines_new(int fd, size_t limit);
/** NULL is allowed. The descriptor stays open. */
void batch_lines_free(batch_lines *lines);

/** One read(): bytes read, 0 at the end of the input, -1 with errno (EAGAIN, EINTR: try again later). Only after
 *  BATCH_LINE_NONE. What follows the last line's end counts as a line at the end of the input. */
ptrdiff_t batch_lines_fill(batch_lines *lines);
/** The next line, `length` bytes without "\n" or "\r\n"; the text is 0-terminated, may hold zeros, and lives until the next
 *  call. */
batch_line batch_lines_next(batch_lines *lines, char **text, size_t *length);
/** Number of the line that was given last, from 1. */
int64_t batch_lines_number(const batch_lines *lines);

#endif
