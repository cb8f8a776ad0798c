/* SPDX-License-Identifier: MIT */
/* A y4m stream with frames in between. Two frames are held, as they came and as pictures; the given ones are written as they came. What
 * that takes is taken off the budget of the jobs. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/newfile.h"
#include "commands.h"
#include "op.h"
#include "pairs.h"
#include "signals.h"
#include "terminal.h"
#include "y4m.h"

typedef struct stream {
    const cli_args *args;
    tw_session *session;
    FILE *in;
    tw_newfile *file; /* NULL: standard output */
    const char *label;
    cli_y4m video;
    int factor;
    uint8_t *frames[2], *pictures[2], *between;
    size_t lengths[2];
    char lines[2][256];
    int64_t budget; /* of each job */
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

/* A job between the two frames that are held. */
static tw_status pair_job(stream *s, double time, tw_job **job, tw_error *err)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE], label[2][64];
    TW_TRY(cli_job_begin(s->args, s->session, job, err));
    tw_status status = tw_job_set(*job, "time", g_ascii_dtostr(text, sizeof text, time), err);
    if (status == TW_OK && s->budget > 0) {
        g_snprintf(text, sizeof text, "%" PRId64, s->budget);
        status = tw_job_set(*job, "memory", text, err);
    }
    for (int i = 0; i < 2 && status == TW_OK; i++) {
        g_snprintf(label[i], sizeof label[i], "frame %" PRId64, s->read - 2 + i);
        status = tw_job_input_bytes(*job, s->pictures[i], s->lengths[i], label[i], err);
    }
    if (status == TW_OK)
        status = tw_job_output_bytes(*job, "ppm", err);
    return status;
}

static tw_status make_between(stream *s, int number, tw_error *err)
{
    tw_job *job = NULL;
    void *bytes = NULL;
    size_t length = 0;
    tw_status status = pair_job(s, (double)number / s->factor, &job, err);
    if (status == TW_OK)
        status = tw_job_run(job, err);
    if (status == TW_OK)
        bytes = tw_job_take_bytes(job, &length);
    if (status == TW_OK && !cli_y4m_from_picture(&s->video, bytes, length, s->between))
        status = tw_fail(err, TW_ERROR_RUN, "frame %" PRId64 ": the result is no picture of the stream's size", s->read - 1);
    if (status == TW_OK)
        cli_pairs_count(&s->pairs, job);
    cli_job_free(job);
    tw_bytes_free(bytes);
    TW_TRY(status);
    return write_frame(s, "FRAME", s->between, err);
}

/* What the frames take comes off the budget that a job would have; a result in memory is held while it becomes a frame. */
static tw_status find_budget(stream *s, tw_error *err)
{
    int64_t held = 3 * s->video.frame_bytes + 5 * cli_y4m_picture_bytes(&s->video);
    tw_job *job = NULL;
    tw_status status = pair_job(s, 0.5, &job, err);
    if (status == TW_OK)
        status = tw_job_plan(job, err);
    if (status == TW_OK)
        s->budget = tw_job_report(job)->budget_bytes - held;
    cli_job_free(job);
    if (status == TW_OK && s->budget < 1)
        status = tw_fail(err, TW_ERROR_BUDGET, "the budget cannot hold the stream's own frames: they take %lldM",
                         (long long)(held >> 20) + 1);
    return status;
}

static void swap(stream *s)
{
    uint8_t *frame = s->frames[0], *picture = s->pictures[0];
    char line[256];
    s->frames[0] = s->frames[1], s->frames[1] = frame;
    s->pictures[0] = s->pictures[1], s->pictures[1] = picture;
    size_t length = s->lengths[0];
    s->lengths[0] = s->lengths[1], s->lengths[1] = length;
    memcpy(line, s->lines[0], sizeof line);
    memcpy(s->lines[0], s->lines[1], sizeof line);
    memcpy(s->lines[1], line, sizeof line);
}

static tw_status run_all(stream *s, tw_error *err)
{
    bool more = false;
    g_autofree char *header = cli_y4m_header(&s->video, s->factor);
    TW_TRY(write_out(s, header, strlen(header), err));
    for (;;) {
        if (cli_interrupted())
            return tw_fail(err, TW_ERROR_INTERRUPTED, "interrupted");
        TW_TRY(cli_y4m_read(s->in, s->label, &s->video, s->read, s->frames[1], s->lines[1], &more, err));
        if (!more)
            break;
        s->read++;
        s->lengths[1] = cli_y4m_to_picture(&s->video, s->frames[1], s->pictures[1]);
        if (s->read == 2)
            TW_TRY(find_budget(s, err));
        for (int i = 1; i < s->factor && s->read > 1; i++)
            TW_TRY(make_between(s, i, err));
        TW_TRY(write_frame(s, s->lines[1], s->frames[1], err));
        swap(s);
        cli_progress_frames(s->read);
    }
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
    size_t frame = (size_t)s->video.frame_bytes, picture = (size_t)cli_y4m_picture_bytes(&s->video);
    s->between = g_try_malloc(frame);
    for (int i = 0; i < 2; i++) {
        s->frames[i] = g_try_malloc(frame);
        s->pictures[i] = g_try_malloc(picture);
        if (!s->frames[i] || !s->pictures[i] || !s->between)
            return tw_fail_memory(err, "frames", (long long)(frame + picture));
    }
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
    for (int i = 0; i < 2; i++) {
        g_free(s.frames[i]);
        g_free(s.pictures[i]);
    }
    g_free(s.between);
    if (s.in && s.in != stdin)
        fclose(s.in);
    cli_y4m_clear(&s.video);
    tw_session_free(s.session);
    return status == TW_OK ? TW_OK : cli_fail(&err);
}
