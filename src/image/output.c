/* SPDX-License-Identifier: MIT */
#include "image/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum output_kind {
    OUTPUT_FILE,   /* temporary name, then renamed */
    OUTPUT_DIRECT, /* an open descriptor: standard output, a device, a pipe */
    OUTPUT_SPOOL,  /* unnamed file, copied to the descriptor on commit */
    OUTPUT_MEMORY  /* unnamed file, read on commit: encoders' own buffers double as they grow */
} output_kind;

struct tw_output {
    output_kind kind;
    const char *label;
    char *final, *temp, *folder;
    bool overwrite;
    int fd;       /* what the encoder writes */
    int copy_to;  /* OUTPUT_SPOOL: the descriptor behind it */
    int64_t most; /* OUTPUT_MEMORY: bytes, 0: no limit */
    void *bytes;
    size_t length;
};

static bool is_special(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

tw_status tw_output_may_write(const tw_place *place, bool overwrite, tw_error *err)
{
    struct stat status;
    if (!place->path || tw_place_is_std(place) || stat(place->path, &status))
        return TW_OK;
    const char *label = tw_place_label(place, true);
    if (S_ISDIR(status.st_mode))
        return tw_fail(err, TW_ERROR_USAGE, "%s: is a folder; a file name is needed", label);
    if (S_ISREG(status.st_mode) && !overwrite)
        return tw_fail(err, TW_ERROR_USAGE, "%s: exists already and is not to be overwritten", label);
    return TW_OK;
}

static void random_suffix(char *to, int n)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    unsigned char noise[16] = {0};
    if (getrandom(noise, sizeof noise, GRND_NONBLOCK) != sizeof noise)
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (unsigned char)(g_random_int() & 255);
    for (int i = 0; i < n; i++)
        to[i] = LETTERS[noise[i % 16] % 36];
    to[n] = 0;
}

/* .NAME.XXXXXX.partial in the folder of the final name; a long NAME is cut so that the whole stays below NAME_MAX. Makes the
 * name with `make` until one is free; 0 or errno. */
static int with_temp_name(tw_output *o, int (*make)(tw_output *o))
{
    char *name = g_path_get_basename(o->final), suffix[7];
    int code = EEXIST;
    for (int tries = 0; tries < 100 && code == EEXIST; tries++) {
        random_suffix(suffix, 6);
        g_free(o->temp);
        o->temp = g_strdup_printf("%s/.%.200s.%s.partial", o->folder, name, suffix);
        code = make(o) == 0 ? 0 : errno;
    }
    g_free(name);
    if (code)
        g_clear_pointer(&o->temp, g_free);
    return code;
}

static int create_named(tw_output *o)
{
    o->fd = open(o->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return o->fd >= 0 ? 0 : -1;
}

static int link_named(tw_output *o)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", o->fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, o->temp, AT_SYMLINK_FOLLOW);
}

/* A file without a name, so that a killed run leaves nothing; it gets one when it is complete. Where the file system or /proc
 * cannot do that, a file with a temporary name. */
static tw_status create_temp(tw_output *o, tw_error *err)
{
    struct stat old;
    int code = 0;
    o->fd = access("/proc/self/fd", X_OK) == 0 ? open(o->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666) : -1;
    if (o->fd < 0)
        code = with_temp_name(o, create_named);
    if (o->fd < 0)
        return tw_fail(err, TW_ERROR_RUN, "%s: cannot be created in %s: %s", o->label, o->folder, strerror(code));
    if (stat(o->final, &old) == 0 && fchmod(o->fd, old.st_mode & 0777))
        code = errno; /* a file system without modes: the new file keeps the default */
    return TW_OK;
}

static tw_status open_unnamed(tw_context *context, tw_output *o, tw_error *err)
{
    const char *dir = tw_scratch_dir(tw_context_scratch(context));
    o->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return o->fd >= 0 ? TW_OK : tw_fail(err, TW_ERROR_RUN, "%s: scratch in %s: %s", o->label, dir, strerror(errno));
}

static tw_status open_spool(tw_context *context, tw_output *o, tw_error *err)
{
    o->kind = OUTPUT_SPOOL;
    o->copy_to = o->fd;
    o->fd = -1;
    return open_unnamed(context, o, err);
}

static tw_status open_place(tw_context *context, tw_output *o, const tw_place *place, tw_error *err)
{
    if (!place->path) {
        o->kind = OUTPUT_MEMORY;
        o->most = place->most;
        return open_unnamed(context, o, err);
    }
    if (tw_place_is_std(place) || is_special(place->path)) {
        o->kind = OUTPUT_DIRECT;
        o->fd = tw_place_is_std(place) ? dup(1) : open(place->path, O_RDWR | O_CLOEXEC);
        if (o->fd < 0 && !tw_place_is_std(place))
            o->fd = open(place->path, O_WRONLY | O_CLOEXEC);
        return o->fd >= 0 ? TW_OK : tw_fail(err, TW_ERROR_RUN, "%s: cannot be opened: %s", o->label, strerror(errno));
    }
    /* A symbolic link stays one: the file that it names is replaced. */
    char *real = realpath(place->path, NULL);
    o->kind = OUTPUT_FILE;
    o->final = g_strdup(real ? real : place->path);
    free(real);
    o->folder = g_path_get_dirname(o->final);
    return create_temp(o, err);
}

tw_status tw_output_open(tw_context *context, const tw_place *place, bool overwrite, bool jumps, tw_output **out, tw_error *err)
{
    *out = NULL;
    TW_TRY(tw_output_may_write(place, overwrite, err));
    tw_output *o = g_new0(tw_output, 1);
    o->label = tw_place_label(place, true);
    o->overwrite = overwrite;
    o->fd = o->copy_to = -1;
    tw_status status = open_place(context, o, place, err);
    if (status == TW_OK && o->kind == OUTPUT_DIRECT && jumps)
        status = open_spool(context, o, err);
    if (status != TW_OK) {
        tw_output_close(o);
        return status;
    }
    *out = o;
    return TW_OK;
}

VipsTarget *tw_output_target(tw_output *o)
{
    return vips_target_new_to_descriptor(o->fd);
}

int tw_output_written(tw_output *o)
{
    return o->kind != OUTPUT_DIRECT && lseek(o->fd, 0, SEEK_SET) == 0 ? o->fd : -1;
}

/* Gives the file its name. Without `overwrite` a file that somebody made meanwhile must survive. */
static int put_in_place(tw_output *o)
{
    int code = o->temp ? 0 : with_temp_name(o, link_named);
    if (code) {
        errno = code;
        return -1;
    }
    if (o->overwrite)
        return rename(o->temp, o->final);
    if (renameat2(AT_FDCWD, o->temp, AT_FDCWD, o->final, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (link(o->temp, o->final) == 0)
        return unlink(o->temp);
    /* Neither call exists on this file system: the check is not atomic, but the best there is. */
    if (errno == EEXIST || access(o->final, F_OK) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(o->temp, o->final);
}

static tw_status commit_file(tw_output *o, tw_error *err)
{
    if (fsync(o->fd))
        return tw_fail(err, TW_ERROR_RUN, "%s: cannot be written to disk: %s", o->label, strerror(errno));
    if (put_in_place(o))
        return errno == EEXIST ? tw_fail(err, TW_ERROR_USAGE, "%s: exists already and is not to be overwritten", o->label)
                               : tw_fail(err, TW_ERROR_RUN, "%s: cannot be put in place: %s", o->label, strerror(errno));
    g_clear_pointer(&o->temp, g_free);
    int folder = open(o->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = folder < 0 || fsync(folder) == 0 ? 0 : errno;
    if (folder >= 0)
        close(folder);
    /* EINVAL: this file system does not sync folders. The picture itself is complete and in place. */
    return code == 0 || code == EINVAL
               ? TW_OK
               : tw_fail(err, TW_ERROR_RUN, "%s: folder cannot be synced: %s", o->label, strerror(code));
}

static tw_status write_all(int fd, const char *data, ssize_t n, const char *label, tw_error *err)
{
    while (n > 0) {
        ssize_t done = write(fd, data, (size_t)n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return tw_fail(err, TW_ERROR_RUN, "%s: cannot be written: %s", label, strerror(errno));
        data += done;
        n -= done;
    }
    return TW_OK;
}

static tw_status commit_spool(tw_output *o, tw_error *err)
{
    char block[16384];
    ssize_t n;
    for (off_t at = 0; (n = pread(o->fd, block, sizeof block, at)) != 0; at += n) {
        if (n < 0)
            return tw_fail(err, TW_ERROR_RUN, "%s: scratch cannot be read: %s", o->label, strerror(errno));
        TW_TRY(write_all(o->copy_to, block, n, o->label, err));
    }
    return TW_OK;
}

static tw_status commit_memory(tw_output *o, tw_error *err)
{
    struct stat status;
    size_t got = 0;
    ssize_t n = 1;
    if (fstat(o->fd, &status) || status.st_size == 0)
        return tw_fail(err, TW_ERROR_RUN, "%s: the encoder gave no bytes", o->label);
    if (o->most > 0 && status.st_size > o->most)
        return tw_fail(err, TW_ERROR_USAGE, "%s: %lld bytes, at most %lld are wanted in memory", o->label,
                       (long long)status.st_size, (long long)o->most);
    o->length = (size_t)status.st_size;
    o->bytes = g_try_malloc(o->length);
    if (!o->bytes)
        return tw_fail_memory(err, o->label, (long long)o->length);
    for (; got < o->length && n > 0; got += (size_t)MAX(n, 0))
        n = pread(o->fd, (char *)o->bytes + got, o->length - got, (off_t)got);
    return got == o->length ? TW_OK : tw_fail(err, TW_ERROR_RUN, "%s: scratch cannot be read: %s", o->label, strerror(errno));
}

tw_status tw_output_commit(tw_output *o, tw_error *err)
{
    switch (o->kind) {
    case OUTPUT_FILE:
        return commit_file(o, err);
    case OUTPUT_SPOOL:
        return commit_spool(o, err);
    case OUTPUT_MEMORY:
        return commit_memory(o, err);
    case OUTPUT_DIRECT:
        break;
    }
    return TW_OK;
}

void *tw_output_steal(tw_output *o, size_t *length)
{
    void *bytes = o->bytes;
    *length = bytes ? o->length : 0;
    o->bytes = NULL;
    return bytes;
}

void tw_output_close(tw_output *o)
{
    if (!o)
        return;
    if (o->fd >= 0)
        close(o->fd);
    if (o->copy_to >= 0)
        close(o->copy_to);
    if (o->temp)
        unlink(o->temp);
    g_free(o->temp);
    g_free(o->final);
    g_free(o->folder);
    g_free(o->bytes);
    g_free(o);
}
