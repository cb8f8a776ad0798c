/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH      30
#define SHORTEST_PAUSE 100000 /* microseconds between two lines: two jobs report ten times a second each */

typedef enum progress_mode { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_JSON } progress_mode;

/* Standard error belongs to the process, and so does this. */
static struct {
    pthread_mutex_t lock;
    progress_mode mode;
    bool quiet, json, picture_on_stdout;
    bool drawn;  /* a bar stands on the current line */
    double last; /* last fraction shown, and when */
    gint64 shown, started;
} terminal = {.lock = PTHREAD_MUTEX_INITIALIZER};

void cli_terminal_guess(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            terminal.json = true;
}

void cli_terminal_setup(const cli_args *args)
{
    const char *mode = cli_get(args, "progress");

    terminal.quiet = cli_flag(args, "quiet");
    terminal.json = cli_flag(args, "json");
    terminal.picture_on_stdout = args->output && strcmp(args->output, "-") == 0;
    terminal.mode = PROGRESS_NONE;
    if (mode && strcmp(mode, "json") == 0)
        terminal.mode = PROGRESS_JSON;
    else if (mode && (strcmp(mode, "bar") == 0 || (strcmp(mode, "auto") == 0 && !terminal.quiet && isatty(STDERR_FILENO))))
        terminal.mode = PROGRESS_BAR;
}

bool cli_quiet(void)
{
    return terminal.quiet;
}

bool cli_json(void)
{
    return terminal.json;
}

FILE *cli_results(void)
{
    return terminal.picture_on_stdout ? stderr : stdout;
}

static void clear_bar(void)
{
    if (terminal.drawn)
        fputs("\r\033[K", stderr);
    terminal.drawn = false;
}

static void draw_bar(double fraction)
{
    char bar[BAR_WIDTH + 1], left[32] = "";
    int filled = (int)(fraction * BAR_WIDTH);
    double seconds = (double)(g_get_monotonic_time() - terminal.started) / 1e6;

    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', (size_t)filled);
    bar[BAR_WIDTH] = '\0';
    /* The first instants say little about the rest. */
    if (fraction > 0.02 && fraction < 1 && seconds > 1) {
        int rest = (int)ceil(seconds / fraction * (1 - fraction));
        snprintf(left, sizeof left, " %d:%02d left", rest / 60, rest % 60);
    }
    fprintf(stderr, "\r%3d %% [%s]%s\033[K", (int)(fraction * 100), bar, left);
    terminal.drawn = true;
}

/* Holds the lock. The time, from which on, at the first call, it is counted. */
static gint64 progress_now(void)
{
    gint64 now = g_get_monotonic_time();
    if (terminal.started == 0)
        terminal.started = now;
    return now;
}

void cli_progress(double fraction)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];

    if (terminal.mode == PROGRESS_NONE)
        return;
    pthread_mutex_lock(&terminal.lock);
    gint64 now = progress_now();
    fraction = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
    if (fraction > terminal.last && (fraction == 1 || now - terminal.shown >= SHORTEST_PAUSE)) {
        terminal.last = fraction;
        terminal.shown = now;
        if (terminal.mode == PROGRESS_JSON)
            fprintf(stderr, "{\"progress\":%s}\n", g_ascii_formatd(number, sizeof number, "%.4g", fraction));
        else
            draw_bar(fraction);
    }
    pthread_mutex_unlock(&terminal.lock);
}

void cli_progress_frames(int64_t frames)
{
    if (terminal.mode == PROGRESS_NONE)
        return;
    pthread_mutex_lock(&terminal.lock);
    gint64 now = progress_now();
    if (now - terminal.shown >= SHORTEST_PAUSE) {
        double seconds = MAX((double)(now - terminal.started) / 1e6, 1e-3);
        terminal.shown = now;
        if (terminal.mode == PROGRESS_JSON)
            fprintf(stderr, "{\"frames\":%" PRId64 "}\n", frames);
        else
            fprintf(stderr, "\r%" PRId64 " frames, %.2f a second\033[K", frames, (double)frames / seconds);
        terminal.drawn = terminal.mode == PROGRESS_BAR;
    }
    pthread_mutex_unlock(&terminal.lock);
}

FILE *cli_results_begin(void)
{
    pthread_mutex_lock(&terminal.lock);
    clear_bar();
    fflush(stderr);
    return cli_results();
}

void cli_results_end(void)
{
    fflush(cli_results());
    pthread_mutex_unlock(&terminal.lock);
}

void cli_progress_end(void)
{
    pthread_mutex_lock(&terminal.lock);
    clear_bar();
    pthread_mutex_unlock(&terminal.lock);
}

void cli_note(const char *format, ...)
{
    va_list va;

    if (terminal.quiet || terminal.mode == PROGRESS_JSON)
        return;
    pthread_mutex_lock(&terminal.lock);
    clear_bar();
    va_start(va, format);
    vfprintf(stderr, format, va);
    va_end(va);
    fputc('\n', stderr);
    pthread_mutex_unlock(&terminal.lock);
}

void cli_complain(const char *message)
{
    pthread_mutex_lock(&terminal.lock);
    clear_bar();
    fprintf(stderr, "tilewright: %s\n", message);
    pthread_mutex_unlock(&terminal.lock);
}

json_t *cli_text_value(const char *text)
{
    char *valid = g_utf8_make_valid(text, -1);
    json_t *value = json_string(valid);
    g_free(valid);
    return value;
}

static void print_object(FILE *file, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    fprintf(file, "%s\n", text ? text : "null");
    free(text);
    json_decref(object);
}

void cli_warn(const char *line)
{
    if (terminal.mode != PROGRESS_JSON) {
        cli_note("tilewright: warning: %s", line);
        return;
    }
    if (terminal.quiet)
        return;
    pthread_mutex_lock(&terminal.lock);
    print_object(stderr, json_pack("{s:o}", "warning", cli_text_value(line)));
    pthread_mutex_unlock(&terminal.lock);
}

int cli_fail(const tw_error *err)
{
    cli_complain(err->message);
    if (terminal.json)
        print_object(cli_results(), json_pack("{s:i,s:{s:i,s:o}}", "schema", 1, "error", "code", (int)err->code, "message",
                                              cli_text_value(err->message)));
    return (int)err->code;
}
