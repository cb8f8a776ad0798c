/* SPDX-License-Identifier: MIT */
/* The folder is locked while its server lives: one that can be locked is left over. */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PREFIX "tilewright-serve-"
#define SPARE  (INT64_C(64) << 20) /* bytes of the file system that are left to others */

struct serve_spool {
    char *path;
    int lock;
    int64_t limit;
    atomic_int_least64_t used;
};

/* Two levels: job folders and their files. */
static void remove_tree(const char *path, int depth)
{
    GDir *dir = depth > 0 ? g_dir_open(path, 0, NULL) : NULL;
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        char *inner = g_build_filename(path, name, NULL);
        if (unlink(inner) != 0 && (errno == EISDIR || errno == EPERM))
            remove_tree(inner, depth - 1);
        g_free(inner);
    }
    if (dir)
        g_dir_close(dir);
    rmdir(path);
}

static int lock_folder(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == getuid() && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void sweep(const char *base)
{
    GDir *dir = g_dir_open(base, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        if (!g_str_has_prefix(name, PREFIX))
            continue;
        char *path = g_build_filename(base, name, NULL);
        int fd = lock_folder(path);
        if (fd >= 0) {
            remove_tree(path, 3);
            close(fd);
        }
        g_free(path);
    }
    if (dir)
        g_dir_close(dir);
}

tw_status serve_spool_new(const char *dir, int64_t limit, serve_spool **out, tw_error *err)
{
    const char *base = dir ? dir : g_getenv("TMPDIR") ? g_getenv("TMPDIR") : "/var/tmp";
    char *real = realpath(base, NULL);
    *out = NULL;
    if (!real)
        return tw_fail(err, TW_ERROR_RUN, "%s: %s", base, g_strerror(errno));
    serve_spool *spool = g_new0(serve_spool, 1);
    sweep(real);
    spool->path = g_build_filename(real, PREFIX "XXXXXX", NULL);
    free(real);
    spool->limit = limit;
    spool->lock = -1;
    if (!g_mkdtemp(spool->path) || (spool->lock = lock_folder(spool->path)) < 0) {
        tw_fail(err, TW_ERROR_RUN, "%s: no folder can be made for uploads: %s", base, g_strerror(errno));
        g_free(spool->path);
        g_free(spool);
        return TW_ERROR_RUN;
    }
    *out = spool;
    return TW_OK;
}

void serve_spool_free(serve_spool *spool)
{
    if (!spool)
        return;
    remove_tree(spool->path, 3);
    close(spool->lock);
    g_free(spool->path);
    g_free(spool);
}

const char *serve_spool_path(const serve_spool *spool)
{
    return spool->path;
}

char *serve_spool_folder(serve_spool *spool, const char *id)
{
    char *path = g_build_filename(spool->path, id, NULL);
    if (mkdir(path, 0700) == 0)
        return path;
    g_free(path);
    return NULL;
}

void serve_spool_remove(serve_spool *spool, const char *folder, int64_t bytes)
{
    remove_tree(folder, 1);
    atomic_fetch_sub(&spool->used, bytes);
}

bool serve_spool_take(serve_spool *spool, int64_t bytes)
{
    struct statvfs fs;
    if (atomic_fetch_add(&spool->used, bytes) + bytes <= spool->limit && fstatvfs(spool->lock, &fs) == 0 &&
        (int64_t)fs.f_bavail * (int64_t)fs.f_frsize > bytes + SPARE)
        return true;
    atomic_fetch_sub(&spool->used, bytes);
    return false;
}

void serve_spool_count(serve_spool *spool, int64_t bytes)
{
    atomic_fetch_add(&spool->used, bytes);
}

bool serve_spool_full(serve_spool *spool)
{
    return atomic_load(&spool->used) >= spool->limit;
}

int64_t serve_spool_used(serve_spool *spool)
{
    return atomic_load(&spool->used);
}
