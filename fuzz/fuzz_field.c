/* SPDX-License-Identifier: MIT */
/* libFuzzer: any bytes as a field file, else as landmarks. What is read can be checked, bounded and evaluated, and where a point goes lies
 * within the bounds. */
#define _GNU_SOURCE
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "field/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void evaluate(tw_field *field, tw_error *err)
{
    enum { N = 5 };
    double x[N], y[N], lo[2], hi[2];
    if (tw_field_check(field, "fuzz", true, err) != TW_OK || tw_field_measure(field, err) != TW_OK)
        return;
    bool bounded = tw_field_bounds(field, (tw_rect){-2, 3, N, 1}, lo, hi);
    void *scratch = malloc((size_t)tw_field_scratch(field, N) + 1);
    if (tw_field_row(field, -2, 3, N, x, y, scratch, err) == TW_OK)
        for (int i = 0; bounded && i < N; i++)
            must(!isfinite(x[i]) || !isfinite(y[i]) || (x[i] >= lo[0] && x[i] <= hi[0] && y[i] >= lo[1] && y[i] <= hi[1]));
    free(scratch);
}

static void landmarks(const char *path)
{
    tw_error err = TW_ERROR_NONE;
    tw_landmarks points;
    if (tw_landmarks_read(path, &points, &err) == TW_OK)
        for (int64_t i = 0; i < 4 * points.count; i++)
            must(isfinite(points.points[i]));
    must(err.code == TW_OK || (err.code == TW_ERROR_INPUT && err.message[0] && !strchr(err.message, '\n')));
    free(points.points);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    tw_error err = TW_ERROR_NONE;
    tw_field *field = NULL;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (tw_field_read(path, &field, NULL, &err) == TW_OK)
        evaluate(field, &err);
    else
        landmarks(path);
    must(!strchr(err.message, '\n') && (err.code == TW_OK || err.message[0]));
    must(err.code == TW_OK || err.code == TW_ERROR_INPUT);
    tw_field_free(field);
    close(fd);
    return 0;
}
