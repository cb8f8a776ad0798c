/* SPDX-License-Identifier: MIT */
/* One thread reads commands; jobs run in the queue's. Standard input and output are taken away from everybody else: what a
 * library prints goes to standard error, and an output "/dev/stdout" cannot break a line. */
#include "batch.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/signals.h"
#include "jobs.h"
#include "line.h"

#define MIB        (INT64_C(1) << 20)
#define LINES_HELD (6 * MIB) /* a long line, what parsing makes of it, and a long event */

typedef struct batch {
    const batch_settings *settings;
    int in, out, wake;
    int64_t most_waiting; /* bytes that jobs hold before lines are left unread */
    tw_session *session;
    tw_queue *queue;
    batch_events *events;
    batch_lines *lines;
    batch_jobs *jobs;
    bool ended;   /* no more lines */
    bool stopped; /* all was cancelled */
    bool failed;
    atomic_bool interrupted;
    atomic_bool broken; /* nobody reads events */
} batch;

static void complain(const char *message)
{
    fprintf(stderr, "tilewright: %s\n", message);
}

/* --- set-up -------------------------------------------------------------------------------------------------------- */

static void wake_up(void *user)
{
    const batch *b = user;
    eventfd_write(b->wake, 1);
}

static void on_broken(void *user)
{
    batch *b = user;
    atomic_store(&b->broken, true);
    wake_up(b);
}

static tw_status take_streams(batch *b, tw_error *err)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    b->in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    b->out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    bool ok = null >= 0 && b->in >= 0 && b->out >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
              (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 || dup2(null, STDOUT_FILENO) >= 0); /* standard error may be closed */
    int code = errno;
    if (null > STDERR_FILENO)
        close(null);
    return ok ? TW_OK : tw_fail(err, TW_ERROR_RUN, "standard input and output cannot be taken over: %s", g_strerror(code));
}

static void on_signal(void *user)
{
    batch *b = user;
    atomic_store(&b->interrupted, true);
    wake_up(b);
}

static tw_status watch_signals(batch *b, tw_error *err)
{
    b->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int code = b->wake < 0 ? errno : tw_signals_start(on_signal, b);
    return code == 0 ? TW_OK : tw_fail(err, TW_ERROR_RUN, "signals cannot be watched: %s", g_strerror(code));
}

/* Jobs that wait may hold a 32nd of the budget: as large as it is, that is enough to read ahead. */
static tw_status open_queue(batch *b, tw_error *err)
{
    tw_queue_settings settings = {.size = sizeof settings, .memory = b->settings->memory, .held_bytes = LINES_HELD};
    settings.most_running = b->settings->most_running;
    tw_queue_state state;
    TW_TRY(tw_queue_new(b->session, &settings, &b->queue, err));
    tw_queue_look(b->queue, &state);
    b->most_waiting = state.budget_bytes / 32 < 2 * MIB   ? 2 * MIB
                      : state.budget_bytes / 32 > 8 * MIB ? 8 * MIB
                                                          : state.budget_bytes / 32;
    tw_queue_free(b->queue);
    b->queue = NULL;
    settings.held_bytes += b->most_waiting;
    return tw_queue_new(b->session, &settings, &b->queue, err);
}

static tw_status set_up(batch *b, tw_error *err)
{
    TW_TRY(take_streams(b, err));
    TW_TRY(watch_signals(b, err));
    TW_TRY(tw_session_new(&b->session, err));
    TW_TRY(open_queue(b, err));
    b->events = batch_events_new(b->out, on_broken, b);
    b->lines = batch_lines_new(b->in, BATCH_LINE_LIMIT);
    b->jobs = batch_jobs_new(b->session, b->queue, b->events, wake_up, b);
    return b->lines ? TW_OK : tw_fail_memory(err, "lines", BATCH_LINE_LIMIT);
}

static void tear_down(batch *b)
{
    tw_queue_free(b->queue);
    if (b->jobs)
        batch_jobs_free(b->jobs);
    batch_lines_free(b->lines);
    if (b->events)
        batch_events_free(b->events);
    tw_session_free(b->session);
    if (b->in >= 0)
        close(b->in);
    if (b->out >= 0)
        close(b->out);
}

/* --- events -------------------------------------------------------------------------------------------------------- */

static json_t *budget_event(const batch *b, const char *name)
{
    tw_queue_state state;
    json_t *event = batch_event(name, NULL);
    tw_queue_look(b->queue, &state);
    json_object_del(event, "id");
    json_object_set_new(event, "budget_bytes", json_integer(state.budget_bytes));
    json_object_set_new(event, "planned_bytes", json_integer(state.planned_bytes));
    json_object_set_new(event, "waiting", json_integer(state.waiting));
    return event;
}

static void say_hello(const batch *b)
{
    json_t *event = batch_event("hello", NULL), *devices = json_array(), *ops = json_array();
    tw_queue_state state;
    const tw_op_info *op;
    tw_queue_look(b->queue, &state);
    json_array_append_new(devices, json_string("cpu"));
    if (b->settings->device && strncmp(b->settings->device, "gpu", 3) == 0)
        json_array_append_new(devices, json_string(b->settings->device));
    for (size_t i = 0; (op = tw_op_at(i)); i++)
        json_array_append_new(ops, json_string(op->name));
    json_object_del(event, "id");
    json_object_set_new(event, "proto", json_integer(BATCH_PROTOCOL));
    json_object_set_new(event, "version", json_string(tw_version()));
    json_object_set_new(event, "devices", devices);
    json_object_set_new(event, "budget_bytes", json_integer(state.budget_bytes));
    json_object_set_new(event, "line_limit", json_integer(BATCH_LINE_LIMIT));
    json_object_set_new(event, "ops", ops);
    batch_send(b->events, event);
}

static void tell_status(const batch *b)
{
    json_t *event = budget_event(b, "status");
    batch_jobs_status(b->jobs, event);
    batch_send(b->events, event);
}

/* No id: an error with one is the end of that job. */
static void refuse(batch *b, const tw_error *error)
{
    tw_error named = TW_ERROR_NONE;
    int64_t line = batch_lines_number(b->lines);
    tw_fail(&named, error->code, "line %" PRId64 ": %.900s", line, error->message);
    batch_jobs_count_error(b->jobs, &named);
    batch_send_error(b->events, NULL, &named, false, line);
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

static void stop(batch *b, bool cancel)
{
    b->ended = true;
    if (cancel)
        batch_jobs_cancel_all(b->jobs);
}

static void change_budget(batch *b, const char *memory)
{
    tw_error err = TW_ERROR_NONE;
    if (memory && tw_queue_set_memory(b->queue, memory, &err) != TW_OK)
        refuse(b, &err);
    else
        batch_send(b->events, budget_event(b, "budget"));
}

static void carry_out(batch *b, const batch_request *request, size_t length)
{
    tw_error err = TW_ERROR_NONE;
    switch (request->command) {
    case BATCH_RUN:
        batch_jobs_run(b->jobs, request, b->settings->defaults, batch_lines_number(b->lines), length);
        break;
    case BATCH_CANCEL:
        if (batch_jobs_cancel(b->jobs, request->id))
            break;
        tw_fail(&err, TW_ERROR_USAGE, "no job \"%s\" waits or runs", request->id);
        refuse(b, &err);
        break;
    case BATCH_STATUS:
        tell_status(b);
        break;
    case BATCH_BUDGET:
        change_budget(b, request->memory);
        break;
    case BATCH_SHUTDOWN:
        stop(b, request->cancel);
        break;
    }
}

static bool is_blank(const char *text, size_t length)
{
    return strspn(text, " \t") == length;
}

static void take_line(batch *b, const char *text, size_t length)
{
    batch_request request;
    tw_error err = TW_ERROR_NONE;
    if (is_blank(text, length))
        return;
    if (batch_request_read(text, length, &request, &err) == TW_OK)
        carry_out(b, &request, length);
    else
        refuse(b, &err);
    batch_request_clear(&request);
}

static bool may_read(const batch *b)
{
    int64_t held;
    batch_jobs_left(b->jobs, &held);
    return !b->ended && held <= b->most_waiting;
}

/* Lines that are in memory already; stops where jobs hold enough. */
static void take_lines(batch *b)
{
    char *text;
    size_t length;
    while (may_read(b)) {
        batch_line line = batch_lines_next(b->lines, &text, &length);
        if (line == BATCH_LINE_NONE)
            return;
        if (line == BATCH_LINE_OK) {
            take_line(b, text, length);
            continue;
        }
        tw_error err = TW_ERROR_NONE;
        tw_fail(&err, TW_ERROR_USAGE, "longer than %d bytes", BATCH_LINE_LIMIT);
        refuse(b, &err);
    }
}

static void read_input(batch *b)
{
    ptrdiff_t n = batch_lines_fill(b->lines);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        fprintf(stderr, "tilewright: standard input cannot be read: %s\n", g_strerror(errno));
        b->failed = true;
    }
    take_lines(b);
    b->ended |= n <= 0 && may_read(b);
}

/* --- the loop ------------------------------------------------------------------------------------------------------ */

static void look_around(batch *b)
{
    bool broken = atomic_load(&b->broken);
    if (b->stopped || (!broken && !atomic_load(&b->interrupted)))
        return;
    if (broken)
        complain("standard output is closed: what was under way is cancelled");
    b->stopped = true;
    stop(b, true);
}

static bool goes_on(const batch *b)
{
    int64_t held;
    return !b->ended || batch_jobs_left(b->jobs, &held) > 0;
}

static void loop(batch *b)
{
    while (goes_on(b)) {
        take_lines(b); /* some may lie here since jobs held too much */
        struct pollfd fds[] = {
            {may_read(b) ? b->in : -1, POLLIN, 0}, {b->wake, POLLIN, 0}, {atomic_load(&b->broken) ? -1 : b->out, 0, 0}};
        if (!goes_on(b) || poll(fds, 3, -1) < 0)
            continue;
        eventfd_t count;
        if (fds[1].revents)
            eventfd_read(b->wake, &count);
        if (fds[2].revents & (POLLERR | POLLNVAL))
            atomic_store(&b->broken, true);
        look_around(b);
        if (fds[0].revents && !b->ended)
            read_input(b);
    }
}

static int finish(batch *b)
{
    json_t *event = batch_event("summary", NULL);
    json_object_del(event, "id");
    tw_status status = batch_jobs_summary(b->jobs, event);
    if (!b->settings->quiet)
        fprintf(stderr, "tilewright: batch: %lld done, %lld skipped, %lld failed, %lld cancelled\n",
                (long long)json_integer_value(json_object_get(event, "processed")),
                (long long)json_integer_value(json_object_get(event, "skipped")),
                (long long)json_integer_value(json_object_get(event, "errors")),
                (long long)json_integer_value(json_object_get(event, "cancelled")));
    batch_send(b->events, event);
    if (atomic_load(&b->interrupted))
        return TW_ERROR_INTERRUPTED;
    return b->failed || atomic_load(&b->broken) ? TW_ERROR_RUN : (int)status;
}

int batch_run(const batch_settings *settings)
{
    static batch b; /* the signals' thread knows it for ever */
    b = (batch){.settings = settings, .in = -1, .out = -1, .wake = -1};
    tw_error err = TW_ERROR_NONE;
    int code = set_up(&b, &err);
    if (code == TW_OK) {
        say_hello(&b);
        loop(&b);
        tw_queue_wait(b.queue);
        code = finish(&b);
    } else {
        complain(err.message);
    }
    tear_down(&b);
    return code;
}
