/* SPDX-License-Identifier: MIT */
/* The kernel resolves names beneath the root: neither "..", nor a link, nor what changes meanwhile leads out of it. */
#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SCAN_BYTES (64 << 10)

static int open_beneath(int root_fd, const char *name, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root_fd, name, &how, sizeof how);
}

/* Of an open file. */
static char *real_path(int fd)
{
    char link[40], path[4096];
    g_snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path);
    return n > 0 && n < (ssize_t)sizeof path ? g_strndup(path, (gsize)n) : NULL;
}

/* Names may be written from the root on, or with it. */
static const char *relative(const char *root, const char *name)
{
    size_t length = strlen(root);
    if (g_str_has_prefix(name, root) && name[length] == '/')
        name += length + strspn(name + length, "/");
    return name;
}

static bool refuse_path(serve_error *error, const char *name, int code)
{
    if (code == EXDEV || code == ELOOP)
        return serve_refuse(error, 403, "%.200s: not under the server's root", name);
    if (code == ENOENT || code == ENOTDIR)
        return serve_refuse(error, 422, "%.200s: %s", name, g_strerror(ENOENT));
    return serve_refuse(error, code == EACCES || code == EPERM ? 403 : 422, "%.200s: %s", name, g_strerror(code));
}

static bool has_root(const char *root, const char *name, serve_error *error)
{
    if (!root)
        return serve_refuse(error, 403, "%.200s: the server has no root whose files could be named; upload them", name);
    return *name ? true : serve_refuse(error, 422, "a file name is empty");
}

char *serve_path_inside(const char *root, int root_fd, const char *name, serve_error *error)
{
    struct stat st;
    if (!has_root(root, name, error))
        return NULL;
    int fd = open_beneath(root_fd, relative(root, name), O_RDONLY);
    if (fd < 0) {
        refuse_path(error, name, errno);
        return NULL;
    }
    char *path = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? real_path(fd) : NULL;
    close(fd);
    if (!path)
        serve_refuse(error, 422, "%.200s: not a file", name);
    return path;
}

char *serve_path_new(const char *root, int root_fd, const char *name, serve_error *error)
{
    struct stat st;
    if (!has_root(root, name, error))
        return NULL;
    char *folder = g_path_get_dirname(relative(root, name)), *base = g_path_get_basename(name), *path = NULL;
    int fd = open_beneath(root_fd, folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        refuse_path(error, name, errno);
    else if (strcmp(base, ".") == 0 || strcmp(base, "..") == 0 || strchr(base, '/') || g_str_has_suffix(name, "/"))
        serve_refuse(error, 422, "%.200s: not a file name", name);
    else if (fstatat(fd, base, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
        serve_refuse(error, 403, "%.200s: there is something that is no file", name);
    else {
        char *real = real_path(fd);
        path = real ? g_build_filename(real, base, NULL) : NULL;
        g_free(real);
    }
    if (fd >= 0)
        close(fd);
    g_free(folder);
    g_free(base);
    return path;
}

/* --- fields -------------------------------------------------------------------------------------------------------- */

/* True when the value that follows a key is `none` and nothing else. */
static bool says_none(const char *value, const char *none)
{
    value += strspn(value, " \t=\"");
    return none && g_str_has_prefix(value, none) && (!value[strlen(none)] || strchr("\" \t\r\n", value[strlen(none)]));
}

/* Where a field's file names another one. What stands behind the key may say that there is none. */
static bool names_other(const char *block)
{
    static const struct {
        const char *key, *none;
    } keys[] = {{"elementdatafile", "local"},
                {"initialtransformparameterfilename", "noinitialtransform"},
                {"initialtransformparametersfilename", "noinitialtransform"},
                {"data file", NULL},
                {"\ndatafile", NULL}};
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        for (const char *at = block; (at = strstr(at, keys[i].key));) {
            at += strlen(keys[i].key);
            if (!says_none(at, keys[i].none))
                return true;
        }
    return false;
}

bool serve_path_alone(const char *path, const char *name, serve_error *error)
{
    const size_t overlap = 256;
    char *block = g_malloc(SCAN_BYTES + 1);
    size_t kept = 0, n;
    bool other = false;
    FILE *file = fopen(path, "re");
    while (file && !other && (n = fread(block + kept, 1, SCAN_BYTES - kept, file)) > 0) {
        size_t length = kept + n;
        for (size_t i = kept; i < length; i++)
            block[i] = block[i] ? g_ascii_tolower(block[i]) : ' ';
        block[length] = 0;
        other = names_other(block);
        kept = MIN(overlap, length);
        memmove(block, block + length - kept, kept);
    }
    if (file)
        fclose(file);
    g_free(block);
    return other ? serve_refuse(error, 422, "%.200s: names another file, which is not taken over HTTP", name) : true;
}

const char *serve_path_suffix(const char *name, char out[12])
{
    const char *dot = name ? strrchr(name, '.') : NULL;
    size_t length = dot ? strlen(dot) : 0;
    out[0] = 0;
    if (length < 2 || length > 9)
        return out;
    for (size_t i = 1; i < length; i++)
        if (!g_ascii_isalnum(dot[i]))
            return out;
    memcpy(out, dot, length + 1);
    return out;
}
