/* SPDX-License-Identifier: MIT */
/** Several processes on one output, and processes that are killed: what lies under the final name is always a whole picture. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "unit/job_fixture.h"

static const char *program;
static char *small, *large;

typedef struct child {
    pid_t pid;
    int error_fd;
} child;

/* tilewright ARGS, which end with NULL; its standard error can be read from the pipe. */
static child start_with(const char *const *args)
{
    const char *argv[16] = {program};
    for (int i = 0; args[i]; i++)
        argv[i + 1] = args[i];
    int ends[2];
    g_assert_cmpint(pipe(ends), ==, 0);
    child c = {fork(), ends[0]};
    g_assert_cmpint(c.pid, >=, 0);
    if (c.pid == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        execv(program, (char *const *)argv);
        _exit(127);
    }
    close(ends[1]);
    return c;
}

static child start(const char *input, const char *output, const char *extra)
{
    return start_with((const char *const[]){"upscale", input, output, "--threads", "1", "--quiet", extra, NULL});
}

/* The exit code, or minus the signal; the error's text is freed by the caller. */
static int finish(child c, char **text)
{
    GString *said = g_string_new(NULL);
    char block[512];
    int status = 0;
    for (ssize_t n; (n = read(c.error_fd, block, sizeof block)) != 0;)
        if (n > 0)
            g_string_append_len(said, block, n);
        else if (errno != EINTR)
            break;
    close(c.error_fd);
    while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (text)
        *text = g_string_free(said, FALSE);
    else
        g_string_free(said, TRUE);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void *reference(const char *input, size_t *bytes)
{
    char *output = in_folder("reference.png"), *said;
    g_assert_cmpint(finish(start(input, output, NULL), &said), ==, 0);
    void *samples = read_samples(output, bytes);
    g_remove(output);
    g_free(output);
    g_free(said);
    return samples;
}

static void test_two_on_one(void)
{
    size_t bytes;
    void *expected = reference(small, &bytes);
    char *output = in_folder("shared.png");
    for (int round = 0; round < 3; round++) {
        char *said[2];
        child both[2] = {start(small, output, NULL), start(small, output, NULL)};
        int codes[2] = {finish(both[0], &said[0]), finish(both[1], &said[1])};
        int loser = codes[0] == 0;
        g_assert_cmpint(codes[!loser], ==, 0);
        g_assert_cmpint(codes[loser], ==, TW_ERROR_USAGE);
        g_assert_nonnull(strstr(said[loser], "shared.png: exists already"));
        g_assert_cmpint(files_with("shared"), ==, 1); /* nothing of the loser's */
        assert_same_samples(output, expected, bytes);
        g_remove(output);
        g_free(said[0]);
        g_free(said[1]);
    }
    for (int round = 0; round < 2; round++) { /* both may: the last one's stays, whole */
        child both[2] = {start(small, output, "--overwrite"), start(small, output, "--overwrite")};
        g_assert_cmpint(finish(both[0], NULL), ==, 0);
        g_assert_cmpint(finish(both[1], NULL), ==, 0);
        g_assert_cmpint(files_with("shared"), ==, 1);
        assert_same_samples(output, expected, bytes);
    }
    g_remove(output);
    g_free(output);
    g_free(expected);
}

/* Bytes that the process has written so far, or -1 before it has written any. The output has no name until it is complete. */
static int64_t bytes_written(GPid pid)
{
    char path[64], *text = NULL;
    int64_t bytes = -1;
    g_snprintf(path, sizeof path, "/proc/%d/io", (int)pid);
    if (g_file_get_contents(path, &text, NULL, NULL) && strstr(text, "wchar: "))
        bytes = g_ascii_strtoll(strstr(text, "wchar: ") + 7, NULL, 10);
    g_free(text);
    return bytes > 0 ? bytes : -1;
}

/* Waits until the run has written `bytes`, then kills it. */
static void kill_at(const char *output, int64_t bytes)
{
    child c = start(large, output, NULL);
    double start_of_wait = seconds_now();
    while (bytes_written(c.pid) < bytes && seconds_now() - start_of_wait < 60)
        sleep_ms(2);
    kill(c.pid, SIGKILL);
    g_assert_cmpint(finish(c, NULL), ==, -SIGKILL);
    g_assert_false(exists(output));
}

static void test_killed(void)
{
    size_t bytes;
    void *expected = reference(large, &bytes);
    char *output = in_folder("killed.png"), *scratch = in_folder("scratch");
    static const int64_t at[] = {0, 1, 200000};
    for (size_t i = 0; i < G_N_ELEMENTS(at); i++)
        kill_at(output, at[i]);
    g_assert_cmpint(files_with(".partial"), ==, 0); /* what was written had no name yet */
    GDir *dir = g_dir_open(scratch, 0, NULL);
    g_assert_null(g_dir_read_name(dir)); /* scratch files never had a name */
    g_dir_close(dir);
    g_assert_cmpint(finish(start(large, output, NULL), NULL), ==, 0);
    assert_same_samples(output, expected, bytes);
    /* Killed while it overwrites: the old file stays as it was. */
    child c = start(small, output, "--overwrite");
    kill(c.pid, SIGKILL);
    finish(c, NULL);
    assert_same_samples(output, expected, bytes);
    g_assert_cmpint(files_with(".partial"), ==, 0);
    g_remove(output);
    g_free(output);
    g_free(scratch);
    g_free(expected);
}

/* Asked to end: nothing is left at all, not even the temporary file. */
static void test_interrupted(void)
{
    static const int after_ms[] = {30, 120, 400};
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < G_N_ELEMENTS(after_ms); i++) {
        char *output = in_folder("interrupted.png");
        child c = start(large, output, NULL);
        double began = seconds_now();
        while (bytes_written(c.pid) < 0 && seconds_now() - began < 30)
            sleep_ms(1);
        sleep_ms(after_ms[i]);
        kill(c.pid, signals[i]);
        began = seconds_now();
        int code = finish(c, NULL);
        if (code != 0) { /* else it was done already */
            g_assert_cmpint(code, ==, signals[i] == SIGHUP && code < 0 ? -SIGHUP : TW_ERROR_INTERRUPTED);
            g_assert_false(exists(output));
        }
        g_assert_cmpfloat(seconds_now() - began, <, 5);
        g_assert_cmpint(files_with(".partial"), ==, 0);
        g_remove(output);
        g_free(output);
    }
}

/* Asked to end `after_ms` after it began: nothing is left, and what would take much longer does not go on. */
static void interrupt(const char *const *args, const char *output, int after_ms)
{
    char *said;
    child c = start_with(args);
    sleep_ms(after_ms);
    kill(c.pid, SIGINT);
    double began = seconds_now();
    int code = finish(c, &said);
    g_test_message("%s, %d ms: ended in %.2f s", args[0], after_ms, seconds_now() - began);
    if (code != -SIGINT) { /* it was not that far yet */
        g_assert_cmpint(code, ==, TW_ERROR_INTERRUPTED);
        g_assert_cmpstr(said, ==, "tilewright: interrupted\n");
    }
    g_assert_cmpfloat(seconds_now() - began, <, 5);
    g_assert_false(exists(output));
    g_assert_cmpint(files_with(".partial"), ==, 0);
    g_free(said);
}

/* One tile of 225 million pixels takes ten seconds, and its rows, which are all there then, longer to be encoded. */
static void test_long_tile(void)
{
    char *input = make_picture("grey.png", 900, 700, 1), *output = in_folder("long.tif"), *field = in_folder("wide.tfm");
    g_assert_true(g_file_set_contents(field,
                                      "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\n"
                                      "Parameters: 0.05 0.001 -0.001 0.04 7 9\nFixedParameters: 0 0\n",
                                      -1, NULL));
    const char *const args[] = {"warp",     input,         output,      "--field", field,
                                "--size",   "15000x15000", "--threads", "1",       "--no-tiled-warping",
                                "--memory", "2G",          "--quiet",   NULL};
    static const int after_ms[] = {200, 900};
    for (size_t i = 0; i < G_N_ELEMENTS(after_ms); i++)
        interrupt(args, output, after_ms[i]);
    child c = start_with(args); /* while it is encoded: one tile gives no row before all are there */
    double began = seconds_now();
    while (bytes_written(c.pid) < 0 && seconds_now() - began < 200)
        sleep_ms(10);
    kill(c.pid, SIGINT);
    began = seconds_now();
    g_assert_cmpint(finish(c, NULL), ==, TW_ERROR_INTERRUPTED);
    g_test_message("encoding: ended in %.2f s", seconds_now() - began);
    g_assert_cmpfloat(seconds_now() - began, <, 5);
    g_assert_false(exists(output));
    g_free(input);
    g_free(output);
    g_free(field);
}

static void test_register(void)
{
    char *input = make_picture("scan.png", 3000, 2400, 1), *output = in_folder("found.tfm");
    const char *const args[] = {"register", input, input, "--field", output, "--threads", "1", "--quiet", NULL};
    static const int after_ms[] = {100, 300, 600};
    for (size_t i = 0; i < G_N_ELEMENTS(after_ms); i++)
        interrupt(args, output, after_ms[i]);
    g_free(input);
    g_free(output);
}

int main(int argc, char **argv)
{
    folder_open();
    program = g_getenv("TILEWRIGHT");
    if (VIPS_INIT(argv[0]) || !program)
        return 99;
    g_test_init(&argc, &argv, NULL);
    small = make_picture("small.png", 200, 160, 3);
    large = make_picture("large.png", 900, 700, 3);
    g_test_add_func("/fail/processes/two-on-one", test_two_on_one);
    g_test_add_func("/fail/processes/killed", test_killed);
    g_test_add_func("/fail/processes/interrupted", test_interrupted);
    g_test_add_func("/fail/processes/long-tile", test_long_tile);
    g_test_add_func("/fail/processes/register", test_register);
    int status = g_test_run();
    g_free(small);
    g_free(large);
    folder_close();
    return status;
}
