/* SPDX-License-Identifier: MIT */
/** Tiles and rows: the grid, the window of input rows, workers that fail, cancellation, outputs that cannot be written, progress. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "job_fixture.h"
#include "schedule/schedule.h"
#include "schedule/window.h"

/* --- grid --------------------------------------------------------------------------------------------------------- */

static void check_axis(const tw_grid *grid, int64_t n, bool vertical, int64_t align)
{
    int64_t count = vertical ? grid->rows : grid->columns, next = 0, most = 0, least = INT64_MAX;
    for (int64_t i = 0; i < count; i++) {
        tw_rect r = tw_grid_rect(grid, vertical ? i * grid->columns : i);
        int64_t start = vertical ? r.y : r.x, length = vertical ? r.h : r.w;
        g_assert_cmpint(start, ==, next); /* no gap, no overlap */
        g_assert_cmpint(start % align, ==, 0);
        g_assert_cmpint(length, >, 0);
        next = start + length;
        most = MAX(most, length);
        if (i + 1 < count)
            least = MIN(least, length);
    }
    g_assert_cmpint(next, ==, n);
    if (count > 1)
        g_assert_cmpint(most, ==, least); /* only the last one may be smaller */
}

static void test_grid(void)
{
    static const int64_t sizes[] = {1, 2, 7, 63, 64, 65, 100, 1000, 65537}, tiles[] = {1, 5, 16, 60, 64, 500, 100000};
    static const int64_t aligns[] = {1, 2, 12, 48};
    for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++)
        for (size_t t = 0; t < G_N_ELEMENTS(tiles); t++)
            for (size_t a = 0; a < G_N_ELEMENTS(aligns); a++) {
                int64_t w = sizes[s], h = sizes[(s + 4) % G_N_ELEMENTS(sizes)], align = aligns[a];
                tw_grid grid = tw_grid_of(w, h, tiles[t], tiles[(t + 2) % G_N_ELEMENTS(tiles)], align);
                g_assert_cmpint(grid.tile_w % align, ==, 0);
                g_assert_cmpint(tw_min64(grid.tile_w, w), <=, tw_max64(tiles[t], align));
                g_assert_cmpint(tw_grid_count(&grid), ==, grid.columns * grid.rows);
                if (tiles[t] >= w) /* not cut for the alignment's sake */
                    g_assert_cmpint(grid.columns, ==, 1);
                check_axis(&grid, w, false, align);
                check_axis(&grid, h, true, align);
            }
    /* Evened out: 100 in tiles of 64 are two of 50, not 64 and 36. */
    tw_grid even = tw_grid_of(100, 100, 64, 34, 2);
    g_assert_cmpint(even.tile_w, ==, 50);
    g_assert_cmpint(even.tile_h, ==, 34);
}

/* --- window ------------------------------------------------------------------------------------------------------- */

typedef struct rows {
    tw_account *account;
    tw_context *context;
    tw_source *source;
    tw_window *window;
    char *path, *all; /* the picture's samples */
    int64_t row_bytes;
} rows;

static void rows_open(rows *r, int64_t capacity)
{
    tw_error err = TW_ERROR_NONE;
    size_t bytes;
    r->account = tw_account_new(NULL, "test", 0);
    r->context = tw_context_new(r->account, NULL);
    r->path = make_picture("rows.png", 70, 200, 3);
    r->all = read_samples(r->path, &bytes);
    assert_ok(tw_source_open(r->context, &(tw_place){.path = r->path}, NULL, &r->source, &err), err);
    assert_ok(tw_window_new(r->context, r->source, capacity, &r->window, &err), err);
    r->row_bytes = tw_picture_row_bytes(tw_source_picture(r->source));
}

static void rows_close(rows *r)
{
    tw_window_free(r->window);
    tw_source_close(r->source);
    tw_context_free(r->context);
    g_assert_cmpint(tw_account_used(r->account), ==, 0);
    tw_account_free(r->account);
    g_remove(r->path);
    g_free(r->path);
    g_free(r->all);
}

static void assert_row(const rows *r, int64_t y)
{
    g_assert_cmpmem(tw_window_row(r->window, y), (size_t)r->row_bytes, r->all + y * r->row_bytes, (size_t)r->row_bytes);
}

static void test_window(void)
{
    tw_error err = TW_ERROR_NONE;
    rows r;
    rows_open(&r, 17);
    for (int64_t y = 0; y + 10 <= 200; y += 5) {
        assert_ok(tw_window_wait(r.window, y + 10, &err), err);
        for (int64_t i = 0; i < 10; i++)
            assert_row(&r, y + i);
        tw_window_release(r.window, y + 5);
        tw_window_release(r.window, y); /* never goes back */
    }
    rows_close(&r);
}

/* Rows may be given up before they were decoded: they pass through and the ones after them come. */
static void test_window_release_ahead(void)
{
    tw_error err = TW_ERROR_NONE;
    rows r;
    rows_open(&r, 20);
    assert_ok(tw_window_wait(r.window, 3, &err), err);
    tw_window_release(r.window, 150);
    assert_ok(tw_window_wait(r.window, 165, &err), err);
    for (int64_t y = 150; y < 165; y++)
        assert_row(&r, y);
    tw_window_release(r.window, 1000); /* beyond the picture's end */
    assert_ok(tw_window_wait(r.window, 200, &err), err);
    rows_close(&r);
}

typedef struct waiter {
    rows *r;
    tw_status status;
    tw_error err;
    double until;
} waiter;

static void *wait_for_rows(void *user)
{
    waiter *w = user;
    w->status = tw_window_wait(w->r->window, 30, &w->err);
    w->until = seconds_now();
    return NULL;
}

/* A full window: whoever waits is woken by release, by stop, and by cancelling, which can signal nobody. */
static void check_waiting(int how)
{
    tw_error err = TW_ERROR_NONE;
    rows r;
    rows_open(&r, 10);
    assert_ok(tw_window_wait(r.window, 10, &err), err);
    waiter w[3] = {{.r = &r}, {.r = &r}, {.r = &r}};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, wait_for_rows, &w[i]);
    sleep_ms(50);
    double start = seconds_now();
    if (how == 0)
        tw_window_release(r.window, 20);
    else if (how == 1)
        tw_window_stop(r.window);
    else
        tw_context_cancel(r.context);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        g_assert_cmpint(w[i].status, ==, how == 0 ? TW_OK : TW_ERROR_INTERRUPTED);
        g_assert_cmpfloat(w[i].until - start, <, 1);
    }
    rows_close(&r);
}

static void test_window_waiting(void)
{
    for (int how = 0; how < 3; how++)
        check_waiting(how);
}

/* --- an operator of the tests' own ---------------------------------------------------------------------------------- */

/* Copies its input, or adds it up; any step can be told to fail or to take its time. */
struct tw_op_state {
    tw_picture picture;
    bool values;
    int64_t fail_step, slow_step;
    int slow_ms;
    int splits_until; /* a rectangle wider than this does not fit, 0: all fit */
    int64_t hungry;   /* rows that need() asks for beyond the truth */
    atomic_int runs, reduced;
    int64_t sum;
};

static int one_pass(const tw_op_state *state)
{
    return 1;
}

static void fill_pass(const tw_op_state *state, int pass, tw_pass *out)
{
    *out = (tw_pass){.width = state->picture.width, .height = state->picture.height, .align = 1};
    out->access[0] = TW_ACCESS_RECT;
    out->result = state->values ? TW_RESULT_VALUES : TW_RESULT_PICTURE;
}

static tw_rect same_rect(const tw_op_state *state, int pass, int input, tw_rect out)
{
    out.h = tw_min64(out.h + state->hungry, state->picture.height - out.y);
    return out;
}

static tw_status start_nothing(tw_op_state *state, const tw_start *start, tw_error *err)
{
    return TW_OK;
}

static tw_status copy_step(tw_op_state *state, tw_step *step, tw_error *err)
{
    atomic_fetch_add(&state->runs, 1);
    if (step->index == state->slow_step)
        sleep_ms(state->slow_ms);
    if (step->index == state->fail_step)
        return tw_fail(err, TW_ERROR_DEVICE, "step %d fails", (int)step->index);
    if (state->splits_until && step->out.w > state->splits_until)
        return tw_fail(err, TW_ERROR_BUDGET, "%d wide", (int)step->out.w);
    int64_t bytes = step->out.w * tw_picture_pixel_bytes(&state->picture), sum = 0;
    for (int64_t y = step->out.y; y < step->out.y + step->out.h; y++) {
        const uint8_t *row = tw_step_row(step, 0, y);
        for (int64_t i = 0; state->values && i < bytes; i++)
            sum += row[i];
        if (!state->values)
            memcpy(tw_step_out(step, y), row, (size_t)bytes);
    }
    if (state->values) {
        step->value = g_malloc(sizeof sum);
        memcpy(step->value, &sum, sizeof sum);
    }
    return TW_OK;
}

static tw_status add_value(tw_op_state *state, const tw_step *step, tw_error *err)
{
    int64_t sum;
    g_assert_cmpint(step->index, ==, atomic_fetch_add(&state->reduced, 1)); /* in order, one at a time */
    memcpy(&sum, step->value, sizeof sum);
    state->sum += sum;
    return TW_OK;
}

static const tw_op_class copy_class = {.info = {.name = "copy"},
                                       .passes = one_pass,
                                       .pass = fill_pass,
                                       .need = same_rect,
                                       .start = start_nothing,
                                       .run = copy_step,
                                       .reduce = add_value};

/* Runs the operator over tiles of 20 x 20 with four workers; the ring holds one row of tiles. */
static tw_status run_copy(tw_op_state *state, const char *input, const char *output, tw_error *err)
{
    tw_account *account = tw_account_new(NULL, "test", 0);
    tw_scratch *scratch = tw_scratch_new(NULL, 0);
    tw_context *context = tw_context_new(account, scratch);
    tw_source *source = NULL;
    tw_sink *sink = NULL;
    assert_ok(tw_source_open(context, &(tw_place){.path = input}, NULL, &source, err), *err);
    state->picture = *tw_source_picture(source);
    if (!state->values)
        assert_ok(tw_sink_open(context, &(tw_place){.path = output}, &state->picture, source, NULL, 20, &sink, err), *err);
    tw_plan plan = {.tile_w = 20, .tile_h = 20, .workers = 4, .ring_rows = 20, .window_rows = {40}};
    tw_schedule_request request = {context, &copy_class, state, &plan, 1, &source, sink, sink ? &state->picture : NULL, NULL};
    tw_status status = tw_schedule_run(&request, NULL, err);
    if (status == TW_OK && sink)
        status = tw_sink_commit(sink, err);
    tw_sink_close(sink);
    tw_source_close(source);
    tw_context_free(context);
    tw_scratch_free(scratch);
    g_assert_cmpint(tw_account_used(account), ==, 0);
    tw_account_free(account);
    return status;
}

static char *tall;

static void test_copy(void)
{
    tw_error err = TW_ERROR_NONE;
    size_t bytes;
    uint8_t *samples = read_samples(tall, &bytes);
    char *output = in_folder("copy.png");
    tw_op_state state = {.fail_step = -1, .slow_step = 3, .slow_ms = 50};
    assert_ok(run_copy(&state, tall, output, &err), err);
    assert_same_samples(output, samples, bytes);
    g_remove(output);

    tw_op_state cut = {.fail_step = -1, .slow_step = -1, .splits_until = 7}; /* 20 -> 10 -> 5 */
    assert_ok(run_copy(&cut, tall, output, &err), err);
    assert_same_samples(output, samples, bytes);
    g_assert_cmpint(cut.runs, ==, 21 * state.runs);
    g_remove(output);

    tw_op_state sum = {.fail_step = -1, .slow_step = 2, .slow_ms = 50, .values = true};
    assert_ok(run_copy(&sum, tall, NULL, &err), err);
    int64_t expected = 0;
    for (size_t i = 0; i < bytes; i++)
        expected += samples[i];
    g_assert_cmpint(sum.sum, ==, expected);
    g_assert_cmpint(sum.reduced, ==, sum.runs);
    g_free(samples);
    g_free(output);
}

/* The others wait for rows, for room in the ring, or for their turn when one fails: all must stop, and its error is returned. */
static void test_failing_worker(void)
{
    char *output = in_folder("failed.png");
    for (int64_t step = 0; step < 16; step += 3)
        for (int values = 0; values < 2; values++) {
            tw_error err = TW_ERROR_NONE;
            tw_op_state state = {.fail_step = step, .slow_step = step, .slow_ms = 120, .values = values};
            double start = seconds_now();
            assert_fails(run_copy(&state, tall, output, &err), TW_ERROR_DEVICE, err, "fails");
            g_assert_cmpfloat(seconds_now() - start, <, 5);
            g_assert_cmpint(files_with("failed"), ==, 0);
            if (!values) /* nobody ran far ahead: one row of tiles, and those that were under way */
                g_assert_cmpint(state.runs, <=, step + 1 + 2 * 4 + 4);
        }
    g_free(output);
}

static void test_never_fits(void)
{
    char *output = in_folder("failed.png");
    tw_error err = TW_ERROR_NONE;
    tw_op_state state = {.fail_step = -1, .slow_step = -1, .splits_until = 1}; /* three cuts of 20 leave 3 */
    assert_fails(run_copy(&state, tall, output, &err), TW_ERROR_BUDGET, err, "wide");
    g_assert_cmpint(files_with("failed"), ==, 0);
    g_free(output);
}

/* An operator that reads more rows than it told the plan must be refused, not waited for. */
static void test_window_too_small(void)
{
    char *output = in_folder("failed.png");
    tw_error err = TW_ERROR_NONE;
    tw_op_state state = {.fail_step = -1, .slow_step = -1, .hungry = 30};
    assert_fails(run_copy(&state, tall, output, &err), TW_ERROR_RUN, err, "40 rows");
    g_free(output);
}

/* --- whole jobs ----------------------------------------------------------------------------------------------------- */

static char *large;

static tw_session *session_with(counter *c)
{
    tw_session *session = NULL;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_session_new(&session, &err), err);
    if (c)
        add_counter(session, "counter", c, true);
    return session;
}

typedef struct running {
    tw_job *job;
    tw_error err;
    double until;
} running;

static void *run_job(void *user)
{
    running *r = user;
    tw_job_run(r->job, &r->err);
    r->until = seconds_now();
    return NULL;
}

static void check_cancel(const char *model, int after_ms, const char *suffix)
{
    counter c = {.scale = 2, .pause_ms = 8};
    tw_session *session = session_with(&c);
    const setting settings[] = {{"model", model}, {"tile", "32"}, {"threads", "2"}, {0}};
    char *name = g_strconcat("cancelled.", suffix, NULL), *output = in_folder(name);
    running r = {.job = upscale_job(session, large, output, settings)};
    pthread_t thread;
    pthread_create(&thread, NULL, run_job, &r);
    sleep_ms(after_ms);
    double start = seconds_now();
    tw_job_cancel(r.job);
    pthread_join(thread, NULL);
    assert_fails(r.err.code, TW_ERROR_INTERRUPTED, r.err, "interrupted");
    g_assert_cmpfloat(r.until - start, <, 1);
    g_assert_cmpint(files_with("cancelled"), ==, 0);
    tw_job_free(r.job);
    tw_session_free(session);
    g_free(output);
    g_free(name);
}

static void test_cancel(void)
{
    check_cancel("counter", 0, "png");
    check_cancel("counter", 200, "png");
    check_cancel("counter", 200, "webp"); /* its encoder takes every row before it writes */
    check_cancel("counter", 200, "tif");
    check_cancel("photo-2x", 150, "png");
}

/* The disk says no in the middle: here a limit on the size of files, at its edge and well below. */
static void check_full(const char *name, long long limit)
{
    counter c = {.scale = 2};
    tw_session *session = session_with(&c);
    static const setting settings[] = {{"model", "counter"}, {"tile", "64"}, {0}};
    char *output = in_folder(name);
    tw_error err = TW_ERROR_NONE;
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = (rlim_t)limit;
    setrlimit(RLIMIT_FSIZE, &small);
    tw_status status = upscale(session, large, output, settings, NULL, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_fails(status, TW_ERROR_RUN, err, name);
    g_assert_cmpint(files_with("full."), ==, 0);
    tw_session_free(session);
    g_free(output);
}

static void test_full_disk(void)
{
    signal(SIGXFSZ, SIG_IGN);
    check_full("full.png", 0);
    check_full("full.png", 100000);
    check_full("full.jpg", 30000);
    check_full("full.tif", 100000);
    check_full("full.webp", 1000);
    counter c = {.scale = 2};
    tw_session *session = session_with(&c);
    static const setting settings[] = {{"model", "counter"}, {"format", "png"}, {0}};
    tw_error err = TW_ERROR_NONE;
    assert_fails(upscale(session, large, "/dev/full", settings, NULL, &err), TW_ERROR_RUN, err, "/dev/full");
    tw_session_free(session);
}

/* --- progress ------------------------------------------------------------------------------------------------------- */

typedef struct progress {
    int calls;
    double last, started;
    atomic_int inside;
} progress;

static void on_progress(void *user, double fraction)
{
    progress *p = user;
    g_assert_cmpint(atomic_fetch_add(&p->inside, 1), ==, 0); /* one at a time */
    g_assert_cmpfloat(fraction, >=, p->calls ? p->last : 0);
    g_assert_cmpfloat(fraction, <=, 1);
    if (!p->calls)
        p->started = seconds_now();
    p->calls++;
    p->last = fraction;
    atomic_fetch_sub(&p->inside, 1);
}

static void check_progress(counter c, tw_status expected)
{
    tw_session *session = session_with(&c);
    static const setting settings[] = {{"model", "counter"}, {"tile", "64"}, {"threads", "3"}, {"overwrite", "true"}, {0}};
    char *output = in_folder("progress.png");
    progress p = {0};
    tw_error err = TW_ERROR_NONE;
    tw_job *job = upscale_job(session, large, output, settings);
    tw_job_on_progress(job, on_progress, &p);
    g_assert_cmpint(tw_job_run(job, &err), ==, expected);
    double seconds = seconds_now() - p.started;
    if (expected == TW_OK)
        g_assert_cmpfloat(p.last, ==, 1);
    else
        g_assert_cmpfloat(p.last, <, 1);
    g_assert_cmpint(p.calls, <=, 2 + (int)(seconds * 10));
    g_assert_cmpint(p.calls, >=, 2);
    tw_job_free(job);
    tw_session_free(session);
    g_remove(output);
    g_free(output);
}

static void test_progress(void)
{
    check_progress((counter){.scale = 2, .pause_ms = 10}, TW_OK);
    check_progress((counter){.scale = 1, .pause_ms = 10, .fail_at = 7}, TW_OK); /* a retried tile counts once */
}

int main(int argc, char **argv)
{
    folder_open();
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR |
                           G_LOG_LEVEL_CRITICAL); /* libvips warns of the files that are cut off on purpose */
    tall = make_picture("tall.png", 75, 200, 3);
    large = make_picture("large.png", 900, 700, 3);
    g_test_add_func("/schedule/grid", test_grid);
    g_test_add_func("/schedule/window", test_window);
    g_test_add_func("/schedule/window-release-ahead", test_window_release_ahead);
    g_test_add_func("/schedule/window-waiting", test_window_waiting);
    g_test_add_func("/schedule/copy", test_copy);
    g_test_add_func("/schedule/failing-worker", test_failing_worker);
    g_test_add_func("/schedule/never-fits", test_never_fits);
    g_test_add_func("/schedule/window-too-small", test_window_too_small);
    g_test_add_func("/schedule/cancel", test_cancel);
    g_test_add_func("/schedule/full-disk", test_full_disk);
    g_test_add_func("/schedule/progress", test_progress);
    int status = g_test_run();
    g_remove(tall);
    g_free(tall);
    g_free(large);
    folder_close();
    return status;
}
