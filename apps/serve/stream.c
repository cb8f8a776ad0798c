/* SPDX-License-Identifier: MIT */
/* Server-sent events. While a job has no news its connection sleeps, and costs no thread. */
#include <glib.h>
#include <string.h>

#include "http.h"

#define MOST_STREAMS 64
#define BLOCK_BYTES  4096

typedef struct stream {
    serve_http *http;
    serve_job *job;
    struct MHD_Connection *connection;
    int64_t seen;
    char *text; /* that is being sent; NULL: none */
    size_t length, sent;
    bool last;
    atomic_bool silent; /* woken so that something is sent */
} stream;

static void pause_stream(void *user)
{
    MHD_suspend_connection(((stream *)user)->connection);
}

static void wake_stream(void *user, bool news)
{
    stream *s = user;
    atomic_store(&s->silent, !news);
    MHD_resume_connection(s->connection);
}

static void set_text(stream *s, char *text)
{
    s->text = text;
    s->length = strlen(text);
    s->sent = 0;
}

static void next_event(stream *s)
{
    json_t *json = serve_job_json(s->job);
    const char *state = json_string_value(json_object_get(json, "state"));
    char *data = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(10));
    s->last = strcmp(state, "waiting") != 0 && strcmp(state, "running") != 0;
    set_text(s, g_strdup_printf("id: %lld\nevent: %s\ndata: %s\n\n", (long long)s->seen, state, data ? data : "null"));
    free(data);
    json_decref(json);
}

static ssize_t read_stream(void *user, uint64_t position, char *buffer, size_t most)
{
    stream *s = user;
    if (!s->text && s->last)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!s->text && atomic_exchange(&s->silent, false))
        set_text(s, g_strdup(":\n\n"));
    if (!s->text && !serve_job_news(s->job, &s->seen, pause_stream, wake_stream, s))
        return 0;
    if (!s->text)
        next_event(s);
    size_t n = MIN(most, s->length - s->sent);
    memcpy(buffer, s->text + s->sent, n);
    s->sent += n;
    if (s->sent == s->length) {
        g_free(s->text);
        s->text = NULL;
    }
    return (ssize_t)n;
}

static void free_stream(void *user)
{
    stream *s = user;
    atomic_fetch_sub(&s->http->streams, 1);
    serve_job_unref(s->job);
    g_free(s->text);
    g_free(s);
}

enum MHD_Result serve_stream(serve_http *http, struct MHD_Connection *connection, serve_job *job)
{
    serve_error error = {0};
    if (atomic_load(&http->streams) >= MOST_STREAMS) {
        serve_job_unref(job);
        serve_refuse(&error, 503, "%d streams of events are open; ask for the job's state instead", MOST_STREAMS);
        error.retry_after = 5;
        return serve_reply_error(connection, &error);
    }
    stream *s = g_new0(stream, 1);
    *s = (stream){.http = http, .job = job, .connection = connection};
    atomic_fetch_add(&http->streams, 1);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, s, free_stream);
    if (!response) {
        free_stream(s);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", "text/event-stream");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}
