/* SPDX-License-Identifier: MIT */
/** The budget holds: the kernel's own figure for the whole process (VmHWM) stays below the planned peak, and that below the budget, down
 *  to the smallest budget that is allowed. Where a cgroup can be made, the run also survives in one of just that size, without swap. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "unit/flow_weights.h"
#include "unit/job_fixture.h"

#define MIB (INT64_C(1) << 20)

static const char *program;
static char *group;   /* a cgroup of our own below this process's, NULL: none could be made */
static bool unified;  /* cgroup v2 */
static pid_t running; /* the child */

/* --- cgroup ------------------------------------------------------------------------------------------------------- */

static bool write_number(const char *file, long long value)
{
    char *path = g_build_filename(group, file, NULL);
    FILE *f = fopen(path, "we");
    bool ok = f && fprintf(f, "%lld\n", value) > 0;
    ok = f && fclose(f) == 0 && ok;
    g_free(path);
    return ok;
}

static long long read_number(const char *file, const char *key)
{
    char *path = g_build_filename(group, file, NULL), *text = NULL;
    long long value = -1;
    if (g_file_get_contents(path, &text, NULL, NULL)) {
        const char *at = key ? strstr(text, key) : text;
        if (at)
            value = strtoll(at + (key ? strlen(key) : 0), NULL, 10);
    }
    g_free(text);
    g_free(path);
    return value;
}

static bool set_limit(int64_t bytes)
{
    if (unified)
        return write_number("memory.max", bytes) && (write_number("memory.swap.max", 0) || true);
    /* Down and up alike: where swap is counted, the limit of both must never lie below that of memory. */
    write_number("memory.memsw.limit_in_bytes", INT64_MAX / 4096 * 4096);
    bool ok = write_number("memory.limit_in_bytes", bytes);
    write_number("memory.memsw.limit_in_bytes", bytes);
    write_number("memory.swappiness", 0);
    return ok;
}

static long long kills(void)
{
    long long n = unified ? read_number("memory.events", "oom_kill ") : read_number("memory.oom_control", "oom_kill ");
    return MAX(n, 0);
}

static void drop_group(void)
{
    for (int i = 0; group && i < 50 && rmdir(group) && errno == EBUSY; i++) /* the kernel takes a moment to forget the child */
        sleep_ms(20);
}

/* An assertion that fails, or a time limit: nothing of ours may stay. */
static void on_end(int number)
{
    if (running > 0) {
        kill(running, SIGKILL);
        waitpid(running, NULL, 0);
    }
    drop_group();
    signal(number, SIG_DFL);
    raise(number);
}

/* Below the group this process is in, so that every limit of its own stays in force. */
static bool make_group_at(const char *root, const char *controller)
{
    char *text = NULL;
    bool made = false;
    if (!g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL))
        return false;
    char **lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i] && !made; i++) {
        char **parts = g_strsplit(lines[i], ":", 3);
        if (g_strv_length(parts) == 3 && strcmp(parts[1], controller) == 0) {
            group = g_strdup_printf("%s%s/tilewright-test-%d", root, strcmp(parts[2], "/") == 0 ? "" : parts[2], (int)getpid());
            made = mkdir(group, 0755) == 0;
            if (made && !set_limit(512 * MIB)) { /* no memory controller there */
                drop_group();
                made = false;
            }
            if (!made)
                g_clear_pointer(&group, g_free);
        }
        g_strfreev(parts);
    }
    g_strfreev(lines);
    g_free(text);
    return made;
}

static void make_group(void)
{
    unified = false;
    if (make_group_at("/sys/fs/cgroup/memory", "memory"))
        return;
    unified = true;
    make_group_at("/sys/fs/cgroup", "");
}

/* --- the child ---------------------------------------------------------------------------------------------------- */

typedef struct outcome {
    int code; /* exit code, or minus the signal */
    char *out, *err;
} outcome;

static void slurp(int fd, GString *to)
{
    char block[4096];
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            g_string_append_len(to, block, n);
    close(fd);
}

static outcome run(char *const *argv, bool in_group)
{
    int out[2], err[2], status = 0;
    GString *said = g_string_new(NULL), *complained = g_string_new(NULL);
    g_assert_true(pipe(out) == 0 && pipe(err) == 0);
    pid_t pid = running = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], 1);
        dup2(err[1], 2);
        for (int i = 0; i < 2; i++) {
            close(out[i]);
            close(err[i]);
        }
        if (in_group && !write_number("cgroup.procs", getpid()))
            _exit(126);
        execv(argv[0], argv);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    slurp(out[0], said); /* one JSON line: no pipe fills up */
    slurp(err[0], complained);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    running = 0;
    return (outcome){WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), g_string_free(said, FALSE),
                     g_string_free(complained, FALSE)};
}

static void outcome_free(outcome *o)
{
    g_free(o->out);
    g_free(o->err);
}

static const char *second; /* the other frame: the pair is interpolated; NULL: one picture is enlarged */

static outcome run_job(const char *input, const char *output, const char *model, const char *memory, bool in_group)
{
    const char *argv[24] = {program, second ? "interpolate" : "upscale", input};
    int n = 3;
    if (second)
        argv[n++] = second;
    const char *const rest[] = {output,   "--model", model,       "--memory", memory,
                                "--json", "--quiet", "--threads", "2",        "--overwrite"};
    for (size_t i = 0; i < G_N_ELEMENTS(rest); i++)
        argv[n++] = rest[i];
    return run((char *const *)argv, in_group);
}

/* The smallest budget, from the refusal. */
static long long smallest_budget(const char *input, const char *output, const char *model)
{
    outcome o = run_job(input, output, model, "1M", false);
    g_assert_cmpint(o.code, ==, TW_ERROR_BUDGET);
    const char *number = strstr(o.err, "would do is ");
    if (!number)
        number = strstr(o.out, "would do is ");
    if (!number)
        g_error("no number in: %s%s", o.err, o.out);
    long long mib = strtoll(number + strlen("would do is "), NULL, 10);
    outcome_free(&o);
    return mib;
}

static int64_t member(json_t *json, const char *name)
{
    json_t *value = json_object_get(json, name);
    g_assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void check_bytes(const char *what, const outcome *o, int64_t asked)
{
    json_t *json = json_loads(o->out, 0, NULL);
    g_assert_nonnull(json);
    int64_t peak = member(json, "peak_bytes"), planned = member(json, "planned_peak_bytes"),
            budget = member(json, "budget_bytes");
    g_test_message("%s: peak %.1f, planned %.1f, budget %.1f MiB, tile %d", what, (double)peak / MIB, (double)planned / MIB,
                   (double)budget / MIB, (int)json_integer_value(json_array_get(json_object_get(json, "tile"), 0)));
    g_assert_cmpint(budget, ==, asked);
    g_assert_cmpint(peak, >, 8 * MIB);
    g_assert_cmpint(peak, <=, planned);
    g_assert_cmpint(planned, <=, budget);
    json_decref(json);
}

static void check_one(const char *input, const char *output, const char *model, long long mib)
{
    char memory[32], *base = g_path_get_basename(input), *what = g_strdup_printf("%s %s", model, base);
    g_snprintf(memory, sizeof memory, "%lldM", mib);
    long long before = group ? kills() : 0;
    if (group)
        g_assert_true(set_limit(mib * MIB));
    outcome o = run_job(input, output, model, memory, group != NULL);
    if (o.code != 0 || (group && kills() != before))
        g_error("%s in %s%s: code %d: %s", what, memory, group ? ", in a cgroup of that size" : "", o.code, o.err);
    check_bytes(what, &o, mib * MIB);
    outcome_free(&o);
    g_remove(output);
    g_free(what);
    g_free(base);
}

static void check(const char *picture, const char *result, const char *model)
{
    char *input = in_folder(picture), *output = in_folder(result);
    long long smallest = smallest_budget(input, output, model);
    check_one(input, output, model, smallest);
    check_one(input, output, model, smallest + (smallest + 9) / 10);
    check_one(input, output, model, MAX(256, smallest));
    /* One less is refused before anything is decoded or written. */
    char less[32];
    g_snprintf(less, sizeof less, "%lldM", smallest - 1);
    outcome o = run_job(input, output, model, less, false);
    g_assert_cmpint(o.code, ==, TW_ERROR_BUDGET);
    g_assert_false(exists(output));
    outcome_free(&o);
    g_free(input);
    g_free(output);
}

static void test_embedded(void)
{
    check("picture.jpg", "result.jpg", "photo-2x");
    check("small.png", "result.png", "photo-2x");
}

static void test_installed(void)
{
    if (!g_getenv("TILEWRIGHT_TEST_MODELS")) {
        g_test_skip("TILEWRIGHT_TEST_MODELS is not set");
        return;
    }
    check("tiny.png", "result.png", "realesr-animevideov3-x2"); /* its smallest tiles compute thirty times the picture */
}

/* The second frame is the first, shifted. */
static void make_frames(void)
{
    char *from = make_picture("wide.png", 1520, 1000, 3);
    static const char *const names[] = {"first.png", "second.png"};
    for (int i = 0; i < 2; i++) {
        VipsImage *wide = vips_image_new_from_file(from, NULL), *part = NULL;
        char *path = in_folder(names[i]);
        g_assert_true(wide && vips_extract_area(wide, &part, 20 * i, 0, 1500, 1000, NULL) == 0 &&
                      vips_image_write_to_file(part, path, NULL) == 0);
        g_object_unref(part);
        g_object_unref(wide);
        g_free(path);
    }
    g_free(from);
}

static void test_flow(void)
{
    char *model = flow_small_model(FLOW_FEATURES, test_folder), *other = in_folder("second.png");
    second = other;
    check("first.png", "result.png", model);
    second = NULL;
    g_free(other);
    g_free(model);
}

/* Tells in the log what the figures rest on. */
static void test_group(void)
{
    if (group)
        g_test_message("cgroup %s: version %d", group, unified ? 2 : 1);
    else
        g_test_message("no cgroup can be made here: VmHWM alone is asserted");
}

int main(int argc, char **argv)
{
#ifdef __SANITIZE_ADDRESS__
    printf("1..0 # SKIP the address sanitizer's own memory is no part of any plan\n");
    return 0;
#endif
    folder_open();
    program = g_getenv("TILEWRIGHT");
    if (VIPS_INIT(argv[0]) || !program)
        return 99;
    g_test_init(&argc, &argv, NULL);
    if (g_getenv("TILEWRIGHT_TEST_MODELS"))
        g_setenv("TILEWRIGHT_MODELS", g_getenv("TILEWRIGHT_TEST_MODELS"), TRUE);
    g_free(make_picture("picture.jpg", 1600, 1200, 3));
    g_free(make_picture("small.png", 640, 480, 3));
    g_free(make_picture("tiny.png", 128, 96, 3));
    make_frames();
    make_group();
    static const int ends[] = {SIGABRT, SIGTRAP, SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
        signal(ends[i], on_end);
    g_test_add_func("/fail/memory/cgroup", test_group);
    g_test_add_func("/fail/memory/embedded", test_embedded);
    g_test_add_func("/fail/memory/installed", test_installed);
    g_test_add_func("/fail/memory/flow", test_flow);
    int status = g_test_run();
    drop_group();
    folder_close();
    return status;
}
