/* SPDX-License-Identifier: MIT */
/* A y4m stream with frames in between. Frames are held as they came and as pictures while a job needs them; the given ones are written
 * as they came. What that takes is taken off the budget of the jobs. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ahead.h"
#include "base/error.h"
#include "base/newfile.h"
#include "commands.h"
#include "op.h"
#include "pairs.h"
#include "signals.h"
#include "terminal.h"
#include "y4m.h"

typedef struct slot {
    uint8_t *frame, *picture;
    size_t length; /* of the picture, bytes */
    char line[256];
} slot;

typedef struct stream {
    const cli_args *args;
    tw_session *session;
    FILE *in;
    tw_newfile *file; /* NULL: standard output */
    const char *label;
    cli_y4m video;
    int factor;
    cli_ahead *ahead;
    GArray *slots;
    uint8_t *between;
    int64_t read;
    cli_pairs pairs;
} stream;

static tw_status write_out(stream *s, const void *data, size_t bytes, tw_error *err)
{
    if (s->file) {
        tw_newfile_write(s->file, data, bytes);
        return TW_OK;
    }
    if (fwrite(data, 1, bytes, stdout) != bytes)
        return tw_fail(err, TW_ERROR_RUN, "standard output cannot be written: %s", g_strerror(errno));
    return TW_OK;
}

static tw_status write_frame(stream *s, const char *line, const uint8_t *frame, tw_error *err)
{
    TW_TRY(write_out(s, line, strlen(line), err));
    TW_TRY(write_out(s, "\n", 1, err));
    TW_TRY(write_out(s, frame, (size_t)s->video.frame_bytes, err));
    if (!s->file && fflush(stdout) != 0)
        return tw_fail(err, TW_ERROR_RUN, "standard output cannot be written: %s", g_strerror(errno));
    return TW_OK;
}

/* Where frame `k` is held: those that jobs need, and one more. */
static int slot_of(const stream *s, int64_t k)
{
    return (int)(k % (cli_ahead_window(s->ahead) + 1));
}

/* The slot of a frame that is to be read. */
static tw_status slot_for(stream *s, int64_t k, slot **out, tw_error *err)
{
    g_array_set_size(s->slots, MAX(s->slots->len, (guint)slot_of(s, k) + 1));
    slot *at = *out = &g_array_index(s->slots, slot, slot_of(s, k));
    size_t frame = (size_t)s->video.frame_bytes, picture = (size_t)cli_y4m_picture_bytes(&s->video);
    if (!at->frame)
        at->frame = g_try_malloc(frame);
    if (!at->picture)
        at->picture = g_try_malloc(picture);
    return at->frame && at->picture ? TW_OK : tw_fail_memory(err, "frames", (long long)(frame + picture));
}

/* A job between the frame that was read last and the one before it. */
static tw_status begin_between(stream *s, int number, tw_error *err)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE], label[64];
    tw_job *job = NULL;
    TW_TRY(cli_job_begin(s->args, s->session, &job, err));
    tw_status status = tw_job_set(job, "time", g_ascii_dtostr(text, sizeof text, (double)number / s->factor), err);
    for (int64_t k = s->read - 2; k < s->read && status == TW_OK; k++) {
        const slot *at = &g_array_index(s->slots, slot, slot_of(s, k));
        g_snprintf(label, sizeof label, "frame %" PRId64, k);
        status = tw_job_input_bytes(job, at->picture, at->length, label, err);
    }
    if (status == TW_OK)
        status = tw_job_output_bytes(job, "ppm", err);
    if (status != TW_OK) {
        cli_job_free(job);
        return status;
    }
    return cli_ahead_put(s->ahead, job, s->read - 1, err);
}

static tw_status write_between(stream *s, tw_job *job, int64_t number, const GPtrArray *warnings, tw_error *err)
{
    size_t length = 0;
    void *bytes = tw_job_take_bytes(job, &length);
    bool made = cli_y4m_from_picture(&s->video, bytes, length, s->between);
    cli_pairs_count(&s->pairs, job, warnings);
    tw_bytes_free(bytes);
    if (!made)
        return tw_fail(err, TW_ERROR_RUN, "frame %" PRId64 ": the result is no picture of the stream's size", number);
    return write_frame(s, "FRAME", s->between, err);
}

static tw_status write_next(stream *s, tw_error *err)
{
    tw_job *job;
    int64_t number;
    g_autoptr(GPtrArray) warnings = NULL;
    TW_TRY(cli_ahead_take(s->ahead, &job, &number, &warnings, err));
    const slot *at = &g_array_index(s->slots, slot, slot_of(s, number));
    tw_status status = job ? write_between(s, job, number, warnings, err) : write_frame(s, at->line, at->frame, err);
    cli_job_free(job);
    return status;
}

/* What is done, and what must be done before another job may begin. */
static tw_status write_due(stream *s, tw_error *err)
{
    while (cli_ahead_due(s->ahead))
        TW_TRY(write_next(s, err));
    return TW_OK;
}

static tw_status run_all(stream *s, tw_error *err)
{
    bool more = false;
    g_autofree char *header = cli_y4m_header(&s->video, s->factor);
    TW_TRY(write_out(s, header, strlen(header), err));
    for (;;) {
        slot *at;
        if (cli_interrupted())
            return tw_fail(err, TW_ERROR_INTERRUPTED, "interrupted");
        TW_TRY(slot_for(s, s->read, &at, err));
        TW_TRY(cli_y4m_read(s->in, s->label, &s->video, s->read, at->frame, at->line, &more, err));
        if (!more)
            break;
        s->read++;
        at->length = cli_y4m_to_picture(&s->video, at->frame, at->picture);
        for (int i = 1; i < s->factor && s->read > 1; i++) {
            TW_TRY(begin_between(s, i, err));
            TW_TRY(write_due(s, err));
        }
        TW_TRY(cli_ahead_put(s->ahead, NULL, s->read - 1, err));
        TW_TRY(write_due(s, err));
        cli_progress_frames(s->read);
    }
    while (!cli_ahead_empty(s->ahead))
        TW_TRY(write_next(s, err));
    return s->read > 0 ? TW_OK : tw_fail(err, TW_ERROR_INPUT, "%s: no frames", s->label);
}

static tw_status open_all(stream *s, tw_error *err)
{
    const char *in = g_ptr_array_index(s->args->inputs, 0), *out = s->args->output;
    s->label = in;
    s->factor = atoi(cli_get(s->args, "factor"));
    if (cli_given(s->args, "time"))
        return tw_fail(err, TW_ERROR_USAGE, "--time is for two pictures; a stream has --factor");
    if (strcmp(out, "-") != 0 && !g_str_has_suffix(out, ".y4m"))
        return tw_fail(err, TW_ERROR_USAGE, "%s: a stream is written as .y4m, or to - (standard output)", out);
    if (strcmp(out, "-") != 0 && !cli_flag(s->args, "overwrite") && g_file_test(out, G_FILE_TEST_EXISTS))
        return tw_fail(err, TW_ERROR_USAGE, "%s exists; --overwrite replaces it", out);
    s->in = strcmp(in, "-") == 0 ? stdin : fopen(in, "rbe");
    if (!s->in)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %s", in, g_strerror(errno));
    TW_TRY(cli_y4m_open(s->in, in, cli_get(s->args, "matrix"), &s->video, err));
    TW_TRY(tw_session_new(&s->session, err));
    int64_t frame = s->video.frame_bytes, picture = cli_y4m_picture_bytes(&s->video);
    /* A job holds the frame after it, its result, and that once more while it grows or becomes a frame. */
    s->ahead = cli_ahead_new(s->args, s->session, 2 * frame + picture, frame + 4 * picture);
    s->slots = g_array_new(FALSE, TRUE, sizeof(slot));
    s->between = g_try_malloc((size_t)frame);
    if (!s->between)
        return tw_fail_memory(err, "frames", (long long)frame);
    return strcmp(out, "-") == 0 ? TW_OK : tw_newfile_open(out, &s->file, err);
}

int cli_stream(const cli_args *args, bool plan_only)
{
    stream s = {.args = args, .pairs = cli_pairs_begin()};
    tw_error err = TW_ERROR_NONE;
    tw_status status = plan_only ? tw_fail(&err, TW_ERROR_USAGE, "a stream is not planned: plan interpolate with two pictures")
                                 : open_all(&s, &err);
    if (status == TW_OK)
        status = run_all(&s, &err);
    if (status == TW_OK && s.file)
        status = tw_newfile_commit(s.file, &err);
    cli_progress_end();
    if (status == TW_OK)
        cli_pairs_print(&s.pairs, args->output, s.read, NULL);
    tw_newfile_close(s.file);
    cli_ahead_free(s.ahead);
    for (guint i = 0; s.slots && i < s.slots->len; i++) {
        g_free(g_array_index(s.slots, slot, i).frame);
        g_free(g_array_index(s.slots, slot, i).picture);
    }
    if (s.slots)
        g_array_free(s.slots, TRUE);
    g_free(s.between);
    if (s.in && s.in != stdin)
        fclose(s.in);
    cli_y4m_clear(&s.video);
    tw_session_free(s.session);
    return status == TW_OK ? TW_OK : cli_fail(&err);
}
