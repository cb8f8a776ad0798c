/* SPDX-License-Identifier: MIT */
/* One thread answers requests, one makes plans, the queue's run jobs, and the first one waits for signals. */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/options.h"
#include "base/wait.h"
#include "http.h"

#define MIB          (INT64_C(1) << 20)
#define HELD_BYTES   (24 * MIB) /* connections, jobs that wait and that have ended, what answers them */
#define TOKEN_BYTES  4096
#define LOOK_MS      5000
#define BEAT_SECONDS 10 /* and LOOK_MS at most */

typedef struct server {
    serve_http http;
    char *root;
    int signals, wake;
    tw_session *session;
} server;

static tw_status read_token(const char *path, char **out, tw_error *err)
{
    char *text = NULL;
    gsize length = 0;
    if (!path)
        return TW_OK;
    if (!g_file_get_contents(path, &text, &length, NULL))
        return tw_fail(err, TW_ERROR_INPUT, "%s: the token cannot be read", path);
    g_strstrip(text);
    if (!*text || length > TOKEN_BYTES || strpbrk(text, " \r\n")) {
        g_free(text);
        return tw_fail(err, TW_ERROR_INPUT, "%s: a token is one word of at most %d bytes", path, TOKEN_BYTES);
    }
    *out = text;
    return TW_OK;
}

static tw_status open_root(server *s, const char *path, tw_error *err)
{
    s->http.limits.root_fd = -1;
    if (!path)
        return TW_OK;
    char *real = realpath(path, NULL);
    s->root = g_strdup(real);
    free(real);
    s->http.limits.root = s->root;
    s->http.limits.root_fd = s->root ? open(s->root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (s->http.limits.root_fd < 0)
        return tw_fail(err, TW_ERROR_INPUT, "root: %s: %s", path, g_strerror(errno));
    return TW_OK;
}

static tw_status watch_signals(server *s, tw_error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return s->signals >= 0 && s->wake >= 0 ? TW_OK
                                           : tw_fail(err, TW_ERROR_RUN, "signals cannot be watched: %s", g_strerror(errno));
}

static void wake_up(void *user)
{
    eventfd_write(((server *)user)->wake, 1);
}

static tw_status read_size(const char *name, const char *text, int64_t *out, tw_error *err)
{
    if (tw_parse_size(text, 0, out) && *out > 0)
        return TW_OK;
    return tw_fail(err, TW_ERROR_USAGE, "%s: \"%s\" is not a size such as 512M or 2G", name, text);
}

static tw_status set_up(server *s, int *port, tw_error *err)
{
    const serve_settings *settings = s->http.settings;
    tw_queue_settings queue = {.size = sizeof queue, .memory = settings->memory, .held_bytes = HELD_BYTES};
    queue.most_running = settings->most_running;
    int64_t store;
    s->http.limits.defaults = settings->defaults;
    TW_TRY(read_size("max-body", settings->max_body, &s->http.limits.most_body, err));
    TW_TRY(read_size("store", settings->store, &store, err));
    TW_TRY(read_token(settings->token_file, &s->http.token, err));
    TW_TRY(open_root(s, settings->root, err));
    TW_TRY(watch_signals(s, err));
    TW_TRY(tw_session_new(&s->session, err));
    TW_TRY(tw_queue_new(s->session, &queue, &s->http.queue, err));
    TW_TRY(serve_spool_new(settings->scratch, store, &s->http.spool, err));
    s->http.jobs = serve_jobs_new(s->session, s->http.queue, s->http.spool, s->root, settings->keep, wake_up, s);
    s->http.planner = serve_planner_new();
    s->http.pictures =
        serve_pictures_new(s->session, s->http.queue, s->http.spool, s->http.jobs, settings->defaults, settings->keep);
    s->http.start = tw_seconds_now();
    return serve_http_start(&s->http, port, err);
}

static void tear_down(server *s)
{
    serve_planner_close(s->http.planner);
    if (s->http.queue) { /* who waits for a job is woken by its end; requests look at the queue until they are stopped */
        tw_queue_cancel_all(s->http.queue);
        tw_queue_wait(s->http.queue);
    }
    serve_http_stop(&s->http);
    tw_queue_free(s->http.queue);
    serve_planner_free(s->http.planner);
    serve_pictures_free(s->http.pictures);
    serve_jobs_free(s->http.jobs);
    serve_spool_free(s->http.spool);
    tw_session_free(s->session);
    if (s->http.limits.root_fd >= 0)
        close(s->http.limits.root_fd);
    if (s->signals >= 0)
        close(s->signals);
    if (s->wake >= 0)
        close(s->wake);
    g_free(s->http.token);
    g_free(s->root);
}

/* True when a signal came. */
static bool wait_for(server *s, int milliseconds)
{
    struct pollfd fds[] = {{s->signals, POLLIN, 0}, {s->wake, POLLIN, 0}};
    struct signalfd_siginfo info;
    eventfd_t count;
    poll(fds, 2, milliseconds);
    eventfd_read(s->wake, &count);
    return read(s->signals, &info, sizeof info) == (ssize_t)sizeof info;
}

/* Jobs get the time of grace to end; a second signal takes it from them. Streams then tell the last event. */
static void end(server *s)
{
    double last = tw_seconds_now() + s->http.settings->grace;
    tw_queue_state state;
    atomic_store(&s->http.draining, true);
    tw_queue_look(s->http.queue, &state);
    if (!s->http.settings->quiet)
        fprintf(stderr, "tilewright: serve: ends; %d jobs run and %d wait\n", state.running, state.waiting);
    while (state.waiting + state.running > 0 && tw_seconds_now() < last && !wait_for(s, 100)) {
        serve_jobs_beat(s->http.jobs, BEAT_SECONDS);
        tw_queue_look(s->http.queue, &state);
    }
    tw_queue_cancel_all(s->http.queue);
    tw_queue_wait(s->http.queue);
    for (int i = 0; i < 20 && atomic_load(&s->http.streams) + atomic_load(&s->http.views) > 0; i++)
        wait_for(s, 100);
}

int serve_run(const serve_settings *settings)
{
    server s = {.http = {.settings = settings, .limits = {.root_fd = -1}}, .signals = -1, .wake = -1};
    tw_error err = TW_ERROR_NONE;
    int port = 0, code = set_up(&s, &port, &err);
    if (code == TW_OK) {
        bool six = strchr(settings->bind, ':') != NULL;
        printf("tilewright: serving http://%s%s%s:%d\n", six ? "[" : "", settings->bind, six ? "]" : "", port);
        fflush(stdout);
        while (!wait_for(&s, LOOK_MS)) {
            serve_pictures_prune(s.http.pictures);
            serve_jobs_prune(s.http.jobs);
            serve_jobs_beat(s.http.jobs, BEAT_SECONDS);
        }
        end(&s);
    } else {
        fprintf(stderr, "tilewright: %s\n", err.message);
    }
    tear_down(&s);
    return code;
}
