/* SPDX-License-Identifier: MIT */
/* Rectangles of displacements straight from a file: read where they are needed, nothing is held. */
#include "field/raster.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#define RUN      512 /* samples that are read at once */
#define SIDE_MAX (INT64_C(1) << 53)

/* Component c of sample (x, y) begins at start + x * step[0] + y * step[1] + c * component. */
typedef struct reader {
    tw_raster raster;
    int64_t step[2], component; /* bytes */
    int fd;
    char *path;
} reader;

static tw_status read_bytes(const reader *r, int64_t at, void *to, int64_t n, tw_error *err)
{
    for (int64_t done = 0; done < n;) {
        ssize_t got = pread(r->fd, (char *)to + done, (size_t)(n - done), at + done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return tw_fail(err, TW_ERROR_INPUT, "%s: %s at byte %" PRId64, r->path, got < 0 ? strerror(errno) : "ends",
                           at + done);
        done += got;
    }
    return TW_OK;
}

static float number(const reader *r, const char *bytes)
{
    if (r->raster.wide) {
        uint64_t bits;
        double value;
        memcpy(&bits, bytes, 8);
        bits = r->raster.big ? GUINT64_FROM_BE(bits) : GUINT64_FROM_LE(bits);
        memcpy(&value, &bits, 8);
        return (float)value;
    }
    uint32_t bits;
    float value;
    memcpy(&bits, bytes, 4);
    bits = r->raster.big ? GUINT32_FROM_BE(bits) : GUINT32_FROM_LE(bits);
    memcpy(&value, &bits, 4);
    return value;
}

/* One component of n samples from (x, y) on. */
static tw_status read_run(const reader *r, int64_t x, int64_t y, int c, int64_t n, float *pairs, tw_error *err)
{
    const tw_raster *raster = &r->raster;
    char bytes[RUN * 16];
    int64_t size = raster->wide ? 8 : 4, step = r->step[0];
    int64_t at = raster->start + x * step + y * r->step[1] + c * r->component;
    TW_TRY(read_bytes(r, at, bytes, (n - 1) * step + size, err));
    for (int64_t k = 0; k < n; k++) {
        float value = number(r, bytes + k * step);
        if (!isfinite(value))
            return tw_fail(err, TW_ERROR_INPUT, "%s: the displacement of sample (%" PRId64 ", %" PRId64 ") is %g", r->path,
                           x + k, y, (double)value);
        pairs[2 * k + c] = value;
    }
    return TW_OK;
}

static tw_status read_rect(void *user, tw_rect rect, float *pairs, tw_error *err)
{
    const reader *r = user;
    for (int64_t y = rect.y; y < rect.y + rect.h; y++)
        for (int64_t x = rect.x; x < rect.x + rect.w; x += RUN)
            for (int c = 0; c < 2; c++) {
                int64_t n = tw_min64(RUN, rect.x + rect.w - x), at = (y - rect.y) * rect.w + x - rect.x;
                TW_TRY(read_run(r, x, y, c, n, pairs + 2 * at, err));
            }
    return TW_OK;
}

static void close_reader(void *user)
{
    reader *r = user;
    close(r->fd);
    g_free(r->path);
    g_free(r);
}

static tw_status check_grid(const tw_raster *r, const char *label, tw_error *err)
{
    for (int a = 0; a < 2; a++) {
        if (r->size[a] < 1 || r->size[a] > SIDE_MAX)
            return tw_fail(err, TW_ERROR_INPUT, "%s: a size of %" PRId64 " samples", label, r->size[a]);
        if (!(r->spacing[a] > 0) || !isfinite(r->spacing[a]) || !isfinite(r->origin[a]))
            return tw_fail(err, TW_ERROR_INPUT, "%s: spacing %g, origin %g: a positive and a finite number are wanted", label,
                           r->spacing[a], r->origin[a]);
    }
    return TW_OK;
}

/* The product of two sides may have more than 64 bits. */
static tw_status check_length(const tw_raster *r, int fd, const char *path, const char *label, tw_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return tw_fail(err, TW_ERROR_INPUT, "%s: is no regular file", path);
    __int128 bytes = (__int128)r->size[0] * r->size[1] * (r->wide ? 16 : 8);
    if (r->start < 0 || bytes + r->start > st.st_size)
        return tw_fail(err, TW_ERROR_INPUT,
                       "%s: %" PRId64 " x %" PRId64 " displacements of %d bytes do not fit into the %lld bytes of %s", label,
                       r->size[0], r->size[1], r->wide ? 16 : 8, (long long)st.st_size, path);
    return TW_OK;
}

tw_status tw_raster_add(const tw_raster *raster, const char *path, const char *label, tw_field *field, tw_error *err)
{
    TW_TRY(check_grid(raster, label, err));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return tw_fail(err, TW_ERROR_INPUT, "%s: its numbers in %s: %s", label, path, strerror(errno));
    tw_status status = check_length(raster, fd, path, label, err);
    if (status != TW_OK) {
        close(fd);
        return status;
    }
    reader *r = g_new(reader, 1);
    int64_t bytes = raster->wide ? 8 : 4, step = raster->planes ? bytes : 2 * bytes, row = step * raster->size[0];
    int64_t component = raster->planes ? row * raster->size[1] : bytes;
    *r = (reader){*raster, {step, row}, component, fd, g_strdup(path)};
    tw_displacement d = {.width = raster->size[0],
                         .height = raster->size[1],
                         .least = {1, 1},
                         .most = {-1, -1},
                         .read = read_rect,
                         .close = close_reader,
                         .user = r};
    memcpy(d.origin, raster->origin, sizeof d.origin);
    memcpy(d.spacing, raster->spacing, sizeof d.spacing);
    tw_field_add_displacement(field, &d);
    return TW_OK;
}
