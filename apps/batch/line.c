/* SPDX-License-Identifier: MIT */
#include "line.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_BYTES (64 << 10)

struct batch_lines {
    int fd;
    size_t limit;
    char *buffer; /* of `room` bytes; what was read lies at start..end */
    size_t room, start, end;
    size_t seen; /* of start..end: holds no line's end */
    int64_t number;
    bool skipping; /* the rest of a line that was too long */
    bool ended;
};

batch_lines *batch_lines_new(int fd, size_t limit)
{
    batch_lines *lines = calloc(1, sizeof *lines);
    if (!lines)
        return NULL;
    *lines = (batch_lines){.fd = fd, .limit = limit, .room = FIRST_BYTES};
    lines->buffer = malloc(lines->room);
    if (lines->buffer)
        return lines;
    free(lines);
    return NULL;
}

void batch_lines_free(batch_lines *lines)
{
    if (!lines)
        return;
    free(lines->buffer);
    free(lines);
}

/* Room for at least one more byte, and the 0 behind it. A long line's buffer is given back when it is done. */
static bool make_room(batch_lines *lines)
{
    size_t held = lines->end - lines->start, wanted = lines->room;
    if (lines->start > 0)
        memmove(lines->buffer, lines->buffer + lines->start, held);
    lines->start = 0;
    lines->end = held;
    if (held + 2 > lines->room)
        wanted = 2 * lines->room;
    else if (held + 2 <= FIRST_BYTES / 2)
        wanted = FIRST_BYTES;
    char *buffer = wanted == lines->room ? lines->buffer : realloc(lines->buffer, wanted);
    if (!buffer)
        return false;
    lines->buffer = buffer;
    lines->room = wanted;
    return true;
}

ptrdiff_t batch_lines_fill(batch_lines *lines)
{
    if (!make_room(lines)) {
        errno = ENOMEM;
        return -1;
    }
    ptrdiff_t n = read(lines->fd, lines->buffer + lines->end, lines->room - lines->end - 1);
    if (n > 0)
        lines->end += (size_t)n;
    lines->ended = n == 0;
    return n;
}

static batch_line give(batch_lines *lines, size_t length, size_t used, char **text, size_t *out)
{
    char *line = lines->buffer + lines->start;
    lines->start += used;
    lines->seen = 0;
    lines->number++;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    line[length] = 0;
    *text = line;
    *out = length;
    return length > lines->limit ? BATCH_LINE_TOO_LONG : BATCH_LINE_OK;
}

batch_line batch_lines_next(batch_lines *lines, char **text, size_t *length)
{
    for (;;) {
        char *line = lines->buffer + lines->start;
        size_t held = lines->end - lines->start;
        char *end = memchr(line + lines->seen, '\n', held - lines->seen);
        if (lines->skipping) {
            lines->skipping = !end;
            lines->start = end ? (size_t)(end + 1 - lines->buffer) : lines->end;
            if (end)
                continue;
            return BATCH_LINE_NONE;
        }
        if (end)
            return give(lines, (size_t)(end - line), (size_t)(end - line) + 1, text, length);
        if (held > lines->limit + 1) { /* one more may be "\r" */
            lines->skipping = true;
            return give(lines, held, held, text, length);
        }
        lines->seen = held;
        if (lines->ended && held > 0)
            return give(lines, held, held, text, length);
        return BATCH_LINE_NONE;
    }
}

int64_t batch_lines_number(const batch_lines *lines)
{
    return lines->number;
}
