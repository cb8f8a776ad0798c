/* SPDX-License-Identifier: MIT */
#include "image/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rect.h"

#define SEGMENT ((int64_t)8 << 20) /* scratch is reserved in steps, since a stream does not tell its length */

struct tw_input {
    tw_place place;
    tw_context *context;
    const char *label;
    int fd; /* the file or the stream, -1: memory */
    bool stream, forget;
    int64_t start;       /* where the picture starts in a seekable standard input */
    int64_t length;      /* -1: not known yet */
    int64_t read_to;     /* stream: bytes taken from fd */
    int64_t kept_to;     /* stream: bytes that lie in scratch */
    GPtrArray *segments; /* of tw_scratch_file */
    tw_error error;
    pthread_mutex_t lock; /* streams: everything from read_to on */
};

/* What one libvips source over an input remembers: where it reads. */
typedef struct reader {
    tw_input *input;
    int64_t at;
    bool seekable;
} reader;

static void close_segment(void *file)
{
    tw_scratch_close(file);
}

static tw_status open_file(tw_input *input, tw_error *err)
{
    const char *path = input->place.path;
    struct stat status;
    input->fd = tw_place_is_std(&input->place) ? dup(0) : open(path, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0 || fstat(input->fd, &status))
        return tw_fail(err, TW_ERROR_INPUT, "%s: cannot be opened: %s", input->label, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return tw_fail(err, TW_ERROR_INPUT, "%s: is a folder, not a picture", input->label);
    input->stream = !S_ISREG(status.st_mode);
    if (input->stream)
        return TW_OK;
    off_t at = tw_place_is_std(&input->place) ? lseek(input->fd, 0, SEEK_CUR) : 0;
    input->start = at > 0 ? at : 0;
    input->length = tw_max64(0, status.st_size - input->start);
    return TW_OK;
}

tw_status tw_input_open(tw_context *context, const tw_place *place, tw_input **out, tw_error *err)
{
    *out = NULL;
    tw_input *input = g_new0(tw_input, 1);
    input->place = *place; /* its strings and bytes stay the caller's */
    input->context = context;
    input->label = tw_place_label(place, false);
    input->fd = -1;
    input->length = -1;
    pthread_mutex_init(&input->lock, NULL);
    input->segments = g_ptr_array_new_with_free_func(close_segment);
    tw_status status = TW_OK;
    if (place->path)
        status = open_file(input, err);
    else
        input->length = (int64_t)place->length;
    char probe;
    if (status == TW_OK) {
        int64_t got = tw_input_read(input, &probe, 1, 0);
        status = tw_input_check(input, err);
        if (status == TW_OK && got < 0)
            status = tw_fail(err, TW_ERROR_INPUT, "%s: cannot be read: %s", input->label, strerror(errno));
        else if (status == TW_OK && got == 0)
            status = tw_fail(err, TW_ERROR_INPUT, "%s: is empty (0 bytes)", input->label);
    }
    if (status != TW_OK) {
        tw_input_close(input);
        return status;
    }
    *out = input;
    return TW_OK;
}

void tw_input_close(tw_input *input)
{
    if (!input)
        return;
    if (input->fd >= 0)
        close(input->fd);
    g_ptr_array_free(input->segments, TRUE);
    pthread_mutex_destroy(&input->lock);
    g_free(input);
}

const char *tw_input_label(const tw_input *input)
{
    return input->label;
}
int64_t tw_input_length(const tw_input *input)
{
    return input->length;
}
bool tw_input_is_stream(const tw_input *input)
{
    return input->stream;
}
int64_t tw_input_kept(const tw_input *input)
{
    return input->segments->len * SEGMENT;
}
int64_t tw_input_would_keep(const tw_input *input, int64_t bytes)
{
    return input->stream ? (bytes + SEGMENT - 1) / SEGMENT * SEGMENT : 0;
}
void tw_input_forget(tw_input *input)
{
    input->forget = true;
}

tw_status tw_input_check(const tw_input *input, tw_error *err)
{
    return input->error.code == TW_OK ? TW_OK : tw_fail(err, input->error.code, "%s", input->error.message);
}

/* Reads or writes [offset, offset + n) of the kept part, segment by segment. */
static bool kept(tw_input *input, void *buffer, int64_t n, int64_t offset, bool write)
{
    char *data = buffer;
    while (n > 0) {
        int64_t index = offset / SEGMENT, inside = offset % SEGMENT, step = tw_min64(n, SEGMENT - inside);
        while (index >= input->segments->len) {
            tw_scratch_file *file;
            if (tw_scratch_open(tw_context_scratch(input->context), SEGMENT, &file, &input->error) != TW_OK)
                return false;
            g_ptr_array_add(input->segments, file);
        }
        tw_scratch_file *file = g_ptr_array_index(input->segments, index);
        tw_status status = write ? tw_scratch_write(file, data, step, inside, &input->error)
                                 : tw_scratch_read(file, data, step, inside, &input->error);
        if (status != TW_OK)
            return false;
        data += step, offset += step, n -= step;
    }
    return true;
}

/* Takes what the pipe has, at most n bytes; 0 at its end, -1 on failure. */
static int64_t pull(tw_input *input, void *buffer, int64_t n)
{
    ssize_t got = -1;
    struct pollfd ready = {.fd = input->fd, .events = POLLIN};
    errno = EINTR;
    while (got < 0 && (errno == EINTR || errno == EAGAIN) && !tw_context_cancelled(input->context))
        if (poll(&ready, 1, 100) != 0)
            got = read(input->fd, buffer, (size_t)n);
        else
            errno = EAGAIN; /* nothing yet: look again whether the job was cancelled */
    if (got < 0 && tw_context_check(input->context, &input->error) != TW_OK)
        return -1;
    if (got < 0) {
        tw_fail(&input->error, TW_ERROR_INPUT, "%s: cannot be read: %s", input->label, strerror(errno));
        return -1;
    }
    if (got == 0)
        input->length = input->read_to;
    if (got > 0 && !input->forget) {
        if (!kept(input, buffer, got, input->read_to, true))
            return -1;
        input->kept_to = input->read_to + got;
    }
    input->read_to += got;
    return got;
}

static int64_t read_stream_locked(tw_input *input, void *buffer, int64_t n, int64_t offset)
{
    char skipped[4096];
    while (input->length < 0 && input->read_to < offset)
        if (pull(input, skipped, tw_min64(sizeof skipped, offset - input->read_to)) < 0)
            return -1;
    if (offset < input->read_to) {
        if (offset >= input->kept_to) {
            errno = ESPIPE;
            return -1;
        }
        n = tw_min64(n, input->kept_to - offset);
        return kept(input, buffer, n, offset, false) ? n : -1;
    }
    return input->length >= 0 ? 0 : pull(input, buffer, n);
}

/* A second decoder (read_rect) may run beside the first. */
static int64_t read_stream(tw_input *input, void *buffer, int64_t n, int64_t offset)
{
    pthread_mutex_lock(&input->lock);
    int64_t got = read_stream_locked(input, buffer, n, offset);
    pthread_mutex_unlock(&input->lock);
    return got;
}

static int64_t stream_length(tw_input *input)
{
    char skipped[4096];
    pthread_mutex_lock(&input->lock);
    while (input->length < 0 && pull(input, skipped, sizeof skipped) >= 0)
        continue;
    pthread_mutex_unlock(&input->lock);
    return input->length;
}

int64_t tw_input_read(tw_input *input, void *buffer, int64_t n, int64_t offset)
{
    char *to = buffer;
    int64_t total = 0;
    while (total < n) {
        int64_t got;
        if (input->fd < 0) {
            got = tw_clamp64(input->length - offset - total, 0, n - total);
            memcpy(to + total, (const char *)input->place.bytes + offset + total, (size_t)got);
        } else if (input->stream) {
            got = read_stream(input, to + total, n - total, offset + total);
        } else {
            got = pread(input->fd, to + total, (size_t)(n - total), input->start + offset + total);
            if (got < 0 && errno == EINTR)
                continue;
        }
        if (got < 0)
            return total ? total : -1;
        if (got == 0)
            break;
        total += got;
    }
    return total;
}

static gint64 on_read(VipsSourceCustom *source, void *buffer, gint64 n, void *user)
{
    reader *r = user;
    if (tw_context_cancelled(r->input->context))
        return -1;
    /* One pull per call, so that rows come out while a slow pipe still sends. */
    int64_t got = r->input->stream ? read_stream(r->input, buffer, n, r->at) : tw_input_read(r->input, buffer, n, r->at);
    if (got > 0)
        r->at += got;
    return got;
}

static gint64 on_seek(VipsSourceCustom *source, gint64 offset, int whence, void *user)
{
    reader *r = user;
    if (!r->seekable)
        return -1;
    if (whence == SEEK_END && r->input->length < 0 && stream_length(r->input) < 0)
        return -1;
    int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? r->at : r->input->length;
    if (base + offset < 0)
        return -1;
    return r->at = base + offset;
}

VipsSource *tw_input_vips(tw_input *input, bool seekable)
{
    if (!input->place.path)
        return vips_source_new_from_memory(input->place.bytes, input->place.length);
    if (!input->stream && !tw_place_is_std(&input->place))
        return vips_source_new_from_file(input->place.path);
    VipsSourceCustom *source = vips_source_custom_new();
    if (!source)
        return NULL;
    reader *r = g_new0(reader, 1);
    r->input = input;
    r->seekable = seekable || !input->stream;
    g_signal_connect(source, "read", G_CALLBACK(on_read), r);
    g_signal_connect_data(source, "seek", G_CALLBACK(on_seek), r, (GClosureNotify)(void (*)(void))g_free, (GConnectFlags)0);
    return VIPS_SOURCE(source);
}
