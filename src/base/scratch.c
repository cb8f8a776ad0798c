/* SPDX-License-Identifier: MIT */
#include "base/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct tw_scratch {
    char *dir;
    int64_t limit;
    _Atomic int64_t used;
};

struct tw_scratch_file {
    tw_scratch *scratch;
    int fd;
    int64_t bytes;
};

tw_scratch *tw_scratch_new(const char *dir, int64_t limit)
{
    tw_scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return NULL;
    if (!dir)
        dir = getenv("TMPDIR");
    scratch->dir = strdup(dir && *dir ? dir : "/var/tmp");
    scratch->limit = limit;
    if (!scratch->dir) {
        free(scratch);
        return NULL;
    }
    return scratch;
}

void tw_scratch_free(tw_scratch *scratch)
{
    if (!scratch)
        return;
    free(scratch->dir);
    free(scratch);
}

const char *tw_scratch_dir(const tw_scratch *scratch)
{
    return scratch->dir;
}

int64_t tw_scratch_available(const tw_scratch *scratch)
{
    struct statvfs fs;
    int64_t space = 0;
    if (statvfs(scratch->dir, &fs) == 0)
        space = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    if (scratch->limit > 0) {
        int64_t left = scratch->limit - atomic_load(&((tw_scratch *)scratch)->used);
        if (left < space)
            space = left;
    }
    return space < 0 ? 0 : space;
}

/* A file without a name; where the file system has no O_TMPFILE, a named one that is unlinked at once. */
static int open_unnamed(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    size_t length = strlen(dir) + sizeof "/tilewright-XXXXXX";
    char *name = malloc(length);
    if (!name)
        return -1;
    strcpy(name, dir);
    strcat(name, "/tilewright-XXXXXX");
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    free(name);
    return fd;
}

tw_status tw_scratch_open(tw_scratch *scratch, int64_t bytes, tw_scratch_file **out, tw_error *err)
{
    *out = NULL;
    int64_t room = tw_scratch_available(scratch);
    if (bytes > room)
        return tw_fail(err, TW_ERROR_BUDGET, "scratch in %s: %lld bytes needed, %lld available", scratch->dir, (long long)bytes,
                       (long long)room);
    tw_scratch_file *file = calloc(1, sizeof *file);
    if (!file)
        return tw_fail_memory(err, "scratch file", sizeof *file);
    file->fd = open_unnamed(scratch->dir);
    if (file->fd < 0) {
        free(file);
        return tw_fail(err, TW_ERROR_RUN, "scratch in %s: %s", scratch->dir, strerror(errno));
    }
    int failed = bytes > 0 ? posix_fallocate(file->fd, 0, bytes) : 0;
    if (failed) {
        close(file->fd);
        free(file);
        return tw_fail(err, failed == ENOSPC ? TW_ERROR_BUDGET : TW_ERROR_RUN, "scratch in %s: cannot reserve %lld bytes: %s",
                       scratch->dir, (long long)bytes, strerror(failed));
    }
    file->scratch = scratch;
    file->bytes = bytes;
    atomic_fetch_add(&scratch->used, bytes);
    *out = file;
    return TW_OK;
}

void tw_scratch_close(tw_scratch_file *file)
{
    if (!file)
        return;
    close(file->fd);
    atomic_fetch_sub(&file->scratch->used, file->bytes);
    free(file);
}

tw_status tw_scratch_write(tw_scratch_file *file, const void *data, int64_t bytes, int64_t offset, tw_error *err)
{
    const char *from = data;
    if (offset < 0 || bytes > file->bytes - offset)
        return tw_fail(err, TW_ERROR_RUN, "scratch in %s: write at %lld beyond the %lld bytes reserved", file->scratch->dir,
                       (long long)offset, (long long)file->bytes);
    while (bytes > 0) {
        ssize_t n = pwrite(file->fd, from, (size_t)bytes, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return tw_fail(err, TW_ERROR_RUN, "scratch in %s: write at %lld: %s", file->scratch->dir, (long long)offset,
                           strerror(errno));
        from += n, offset += n, bytes -= n;
    }
    return TW_OK;
}

tw_status tw_scratch_read(tw_scratch_file *file, void *data, int64_t bytes, int64_t offset, tw_error *err)
{
    char *to = data;
    while (bytes > 0) {
        ssize_t n = pread(file->fd, to, (size_t)bytes, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return tw_fail(err, TW_ERROR_RUN, "scratch in %s: read at %lld: %s", file->scratch->dir, (long long)offset,
                           n == 0 ? "end of file" : strerror(errno));
        to += n, offset += n, bytes -= n;
    }
    return TW_OK;
}
