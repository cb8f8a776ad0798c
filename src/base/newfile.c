/* SPDX-License-Identifier: MIT */
#include "base/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tw_newfile {
    char *label, *final, *temp, *folder;
    FILE *stream;
    int failed; /* errno of the first write that failed */
};

/* .NAME.XXXXXX.partial; a long NAME is cut so that the whole stays below NAME_MAX. */
static int create(tw_newfile *file)
{
    char *name = g_path_get_basename(file->final);
    int fd = -1;
    for (int tries = 0; tries < 100 && fd < 0; tries++) {
        g_free(file->temp);
        file->temp = g_strdup_printf("%s/.%.200s.%06x.partial", file->folder, name, g_random_int() & 0xffffff);
        fd = open(file->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    int code = errno;
    g_free(name);
    if (fd < 0)
        g_clear_pointer(&file->temp, g_free);
    errno = code;
    return fd;
}

tw_status tw_newfile_open(const char *path, tw_newfile **out, tw_error *err)
{
    *out = NULL;
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (exists && !S_ISREG(old.st_mode))
        return tw_fail(err, TW_ERROR_USAGE, "%s: is not a file that can be replaced", path);
    tw_newfile *file = g_new0(tw_newfile, 1);
    char *real = realpath(path, NULL);
    file->label = g_strdup(path);
    file->final = g_strdup(real ? real : path);
    file->folder = g_path_get_dirname(file->final);
    free(real);
    int fd = create(file);
    file->stream = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!file->stream) {
        tw_fail(err, TW_ERROR_RUN, "%s: cannot be created in %s: %s", path, file->folder, strerror(errno));
        if (fd >= 0)
            close(fd);
        tw_newfile_close(file);
        return TW_ERROR_RUN;
    }
    if (exists)
        file->failed = fchmod(fd, old.st_mode & 0777) && errno != EPERM && errno != ENOSYS ? errno : 0;
    *out = file;
    return TW_OK;
}

void tw_newfile_write(tw_newfile *file, const void *data, size_t bytes)
{
    if (!file->failed && bytes > 0 && fwrite(data, 1, bytes, file->stream) != bytes)
        file->failed = errno;
}

void tw_newfile_print(tw_newfile *file, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!file->failed && vfprintf(file->stream, format, args) < 0)
        file->failed = errno;
    va_end(args);
}

void tw_newfile_number(tw_newfile *file, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE + 1] = " ";
    g_ascii_formatd(text + 1, sizeof text - 1, "%.17g", value);
    tw_newfile_write(file, text, strlen(text));
}

static int sync_folder(const char *name)
{
    int folder = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = folder < 0 || fsync(folder) == 0 ? 0 : errno;
    if (folder >= 0)
        close(folder);
    return code == EINVAL ? 0 : code; /* EINVAL: this file system does not sync folders */
}

tw_status tw_newfile_commit(tw_newfile *file, tw_error *err)
{
    if (!file->failed && (fflush(file->stream) || fsync(fileno(file->stream))))
        file->failed = errno;
    if (!file->failed && rename(file->temp, file->final))
        file->failed = errno;
    if (!file->failed) {
        g_clear_pointer(&file->temp, g_free);
        file->failed = sync_folder(file->folder);
    }
    return file->failed ? tw_fail(err, TW_ERROR_RUN, "%s: cannot be written: %s", file->label, strerror(file->failed)) : TW_OK;
}

void tw_newfile_close(tw_newfile *file)
{
    if (!file)
        return;
    if (file->stream)
        fclose(file->stream);
    if (file->temp)
        unlink(file->temp);
    g_free(file->temp);
    g_free(file->final);
    g_free(file->folder);
    g_free(file->label);
    g_free(file);
}
