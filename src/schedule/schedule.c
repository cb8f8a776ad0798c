/* SPDX-License-Identifier: MIT */
#include "schedule/schedule.h"

#include <glib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/wait.h"
#include "blend/pixels.h"
#include "schedule/feather.h"
#include "schedule/walk.h"
#include "schedule/window.h"

#define WORKER_STACK (4 << 20) /* ncnn's forward recurses once per layer; a thousand layers fit */
#define RETRIES      3         /* a failed tile is cut in four, at most this often */

typedef struct tw_runner tw_runner;

struct tw_runner {
    const tw_schedule_request *request;
    int pass_number;
    tw_pass pass;
    tw_walk *walk;
    tw_feather *feather; /* NULL: tiles do not overlap */
    tw_window *windows[TW_MAX_INPUTS];
    int64_t pixel_bytes[TW_MAX_INPUTS]; /* of the inputs */
    int64_t out_pixel_bytes;
    int n_workers;

    pthread_mutex_t lock;
    int64_t reduced;    /* steps folded so far (VALUES) */
    GPtrArray *waiting; /* tw_step whose turn to be folded has not come */
    bool reducing;
    tw_error failure; /* the first one */
};

typedef struct worker_start {
    tw_runner *runner;
    int worker;
} worker_start;

const void *tw_step_row(const tw_step *step, int input, int64_t y)
{
    const tw_runner *runner = step->runner;
    return (const char *)tw_window_row(runner->windows[input], y) + step->in[input].x * runner->pixel_bytes[input];
}

void *tw_step_out(const tw_step *step, int64_t y)
{
    const tw_runner *runner = step->runner;
    return (char *)tw_sink_row(runner->request->sink, y) + step->out.x * runner->out_pixel_bytes;
}

void tw_step_store(const tw_step *step, int64_t y, int band, const float *samples)
{
    const tw_runner *runner = step->runner;
    const tw_picture *result = runner->request->result;
    if (runner->feather) {
        tw_feather_store(runner->feather, step->index, step->write, y, band, samples);
        return;
    }
    char *row = (char *)tw_sink_row(runner->request->sink, y) + step->write.x * runner->out_pixel_bytes;
    tw_pixels_store(samples, step->write.w, row, result->depth, tw_picture_bands(result), band);
}

static void stop(tw_runner *runner, const tw_error *error)
{
    pthread_mutex_lock(&runner->lock);
    if (runner->failure.code == TW_OK)
        runner->failure = *error;
    pthread_mutex_unlock(&runner->lock);
    tw_walk_stop(runner->walk);
    for (int i = 0; i < TW_MAX_INPUTS; i++)
        if (runner->windows[i])
            tw_window_stop(runner->windows[i]);
    if (runner->feather)
        tw_feather_stop(runner->feather);
    if (runner->request->sink)
        tw_sink_stop(runner->request->sink);
}

/* A part of a halo tile. */
static void place_part(const tw_runner *runner, tw_step *step, tw_rect write)
{
    const tw_schedule_request *r = runner->request;
    step->write = write;
    if (!runner->feather)
        step->out = write;
    for (int i = 0; i < r->n_inputs; i++)
        if (runner->pass.access[i] == TW_ACCESS_RECT)
            step->in[i] = r->op->need(r->state, runner->pass_number, i, write);
}

static int64_t half_of(int64_t length, int64_t align)
{
    return tw_ceil_div(length, 2 * align) * align; /* rounded up: two pieces, never a sliver as a third */
}

/* Runs a placed step; what does not fit the memory is cut in four and tried again. Exact nets give the same pixels either way;
 * where tiles are blended, the parts keep the weights of their tile. */
static tw_status run_rect(tw_runner *runner, tw_step *step, int retries, tw_error *err)
{
    const tw_schedule_request *r = runner->request;
    tw_error error = TW_ERROR_NONE;
    tw_rect out = step->write;
    tw_status status = r->op->run(r->state, step, &error);
    if (status == TW_OK)
        return TW_OK;
    int64_t w = half_of(out.w, runner->pass.align), h = half_of(out.h, runner->pass.align);
    bool can_split = runner->pass.result == TW_RESULT_PICTURE && retries > 0 && (w < out.w || h < out.h);
    if (!can_split || (status != TW_ERROR_BUDGET && status != TW_ERROR_RUN) || tw_context_cancelled(r->context))
        return tw_fail(err, error.code, "%s", error.message);
    for (int64_t y = 0; y < out.h; y += h)
        for (int64_t x = 0; x < out.w; x += w) {
            place_part(runner, step, (tw_rect){out.x + x, out.y + y, tw_min64(w, out.w - x), tw_min64(h, out.h - y)});
            TW_TRY(run_rect(runner, step, retries - 1, err));
        }
    return TW_OK;
}

/* A carried step that failed has changed nothing that is kept: it is run again as it was. Its worker gave back what it held idle;
 * that may have been what was missing. */
static tw_status run_carried(tw_runner *runner, tw_step *step, tw_error *err)
{
    const tw_schedule_request *r = runner->request;
    tw_error error = TW_ERROR_NONE;
    tw_status status = TW_OK;
    for (int tries = 0; tries <= RETRIES; tries++) {
        error = (tw_error)TW_ERROR_NONE;
        status = r->op->run(r->state, step, &error);
        if (status == TW_OK) {
            status = r->op->commit(r->state, step, err);
            if (status != TW_OK)
                g_free(step->value); /* nobody will fold it */
            return status;
        }
        if ((status != TW_ERROR_BUDGET && status != TW_ERROR_RUN) || tw_context_cancelled(r->context))
            break;
    }
    return tw_fail(err, error.code, "%s", error.message);
}

/* Folds every value whose turn has come; the caller holds the lock, which is let go around the operator's own code. */
static tw_status fold_in_order(tw_runner *runner, tw_error *err)
{
    const tw_schedule_request *r = runner->request;
    tw_status status = TW_OK;
    runner->reducing = true;
    for (guint i = 0; i < runner->waiting->len && status == TW_OK;) {
        tw_step *step = runner->waiting->pdata[i];
        if (step->index != runner->reduced) {
            i++;
            continue;
        }
        g_ptr_array_remove_index_fast(runner->waiting, i);
        pthread_mutex_unlock(&runner->lock);
        status = r->op->reduce(r->state, step, err);
        g_free(step->value);
        g_free(step);
        pthread_mutex_lock(&runner->lock);
        runner->reduced++;
        i = 0;
    }
    runner->reducing = false;
    return status;
}

static tw_status give_value(tw_runner *runner, const tw_step *step, tw_error *err)
{
    tw_status status = TW_OK;
    tw_step *copy = g_new(tw_step, 1);
    *copy = *step;
    pthread_mutex_lock(&runner->lock);
    g_ptr_array_add(runner->waiting, copy);
    if (!runner->reducing)
        status = fold_in_order(runner, err);
    pthread_mutex_unlock(&runner->lock);
    return status;
}

static void release_rows(tw_runner *runner, int64_t complete)
{
    for (int i = 0; i < runner->request->n_inputs && complete < tw_walk_rows(runner->walk); i++)
        if (runner->windows[i])
            tw_window_release(runner->windows[i], tw_walk_first_row(runner->walk, i, complete));
}

/* Rows of the inputs above the first unfinished tile row are not read again, and what was blended above it is final. */
static tw_status finish_step(tw_runner *runner, int64_t index, tw_error *err)
{
    bool moved;
    int64_t complete = tw_walk_done(runner->walk, index, &moved);
    if (!moved)
        return TW_OK;
    release_rows(runner, complete);
    return runner->feather ? tw_feather_advance(runner->feather, complete, err) : TW_OK;
}

static tw_status do_step(tw_runner *runner, int worker, int64_t index, tw_error *err)
{
    const tw_schedule_request *r = runner->request;
    tw_step step = {.pass = runner->pass_number, .worker = worker, .runner = runner};
    TW_TRY(tw_context_check(r->context, err));
    tw_walk_place(runner->walk, index, &step);
    tw_rect out = step.out, write = step.write;
    for (int i = 0; i < r->n_inputs; i++) {
        if (!runner->windows[i])
            continue;
        if (step.in[i].h > r->plan->window_rows[i]) /* would wait for ever */
            return tw_fail(err, TW_ERROR_RUN, "%s: a tile reads %lld rows, the plan holds %lld rows", r->op->info.name,
                           (long long)step.in[i].h, (long long)r->plan->window_rows[i]);
        TW_TRY(tw_window_wait(runner->windows[i], step.in[i].y + step.in[i].h, err));
    }
    bool picture = runner->pass.result == TW_RESULT_PICTURE;
    if (runner->feather)
        TW_TRY(tw_feather_reserve(runner->feather, write.y + write.h, err));
    else if (picture)
        TW_TRY(tw_sink_reserve(r->sink, out.y + out.h, err));
    if (tw_walk_carried(runner->walk))
        TW_TRY(run_carried(runner, &step, err));
    else
        TW_TRY(run_rect(runner, &step, RETRIES, err));
    if (picture && !runner->feather)
        tw_sink_done(r->sink, out);
    else if (!picture)
        TW_TRY(give_value(runner, &step, err));
    TW_TRY(finish_step(runner, index, err));
    tw_progress_add(r->context, out.w * out.h);
    return TW_OK;
}

static void *work(void *argument)
{
    worker_start *start = argument;
    int64_t index;
    while (tw_walk_take(start->runner->walk, &index)) {
        tw_error error = TW_ERROR_NONE;
        if (do_step(start->runner, start->worker, index, &error) != TW_OK) {
            stop(start->runner, &error);
            break;
        }
    }
    return NULL;
}

static tw_status open_windows(tw_runner *runner, tw_error *err)
{
    const tw_schedule_request *r = runner->request;
    for (int i = 0; i < r->n_inputs; i++) {
        runner->pixel_bytes[i] = tw_picture_pixel_bytes(tw_source_picture(r->sources[i]));
        if (runner->pass.access[i] != TW_ACCESS_RECT)
            continue;
        if (runner->pass_number > 0)
            TW_TRY(tw_source_rewind(r->sources[i], err));
        TW_TRY(tw_window_new(r->context, r->sources[i], r->plan->window_rows[i], &runner->windows[i], err));
    }
    return TW_OK;
}

static tw_status run_workers(tw_runner *runner, tw_error *err)
{
    pthread_t *threads = g_new0(pthread_t, runner->n_workers);
    worker_start *starts = g_new0(worker_start, runner->n_workers);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, WORKER_STACK);
    int running = 0;
    for (; running < runner->n_workers; running++) {
        starts[running] = (worker_start){runner, running};
        if (pthread_create(&threads[running], &attributes, work, &starts[running]) != 0)
            break;
    }
    if (running == 0) {
        tw_error error = TW_ERROR_NONE;
        tw_fail(&error, TW_ERROR_RUN, "cannot start a thread");
        stop(runner, &error);
    }
    for (int i = 0; i < running; i++)
        pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    g_free(starts);
    g_free(threads);
    if (runner->failure.code != TW_OK)
        return tw_fail(err, runner->failure.code, "%s", runner->failure.message);
    return TW_OK;
}

static void free_waiting(void *p)
{
    tw_step *step = p;
    g_free(step->value);
    g_free(step);
}

static tw_status run_pass(const tw_schedule_request *request, int number, tw_error *err)
{
    tw_runner runner = {.request = request, .pass_number = number, .n_workers = request->plan->workers};
    const tw_plan *plan = request->plan;
    request->op->pass(request->state, number, &runner.pass);
    runner.out_pixel_bytes = request->result ? tw_picture_pixel_bytes(request->result) : 0;
    runner.waiting = g_ptr_array_new_with_free_func(NULL);
    pthread_mutex_init(&runner.lock, NULL);

    tw_status status = tw_walk_new(request, number, &runner.pass, &runner.walk, err);
    const tw_grid *grid = tw_walk_grid(runner.walk);
    if (status == TW_OK)
        status = open_windows(&runner, err);
    if (status == TW_OK)
        release_rows(&runner, 0); /* a sample of the tiles may begin further down */
    if (status == TW_OK && !tw_walk_carried(runner.walk) && tw_grid_blends(grid))
        status = tw_feather_new(request, grid, runner.pass.blend, plan->blend_rows, &runner.feather, err);
    if (status == TW_OK)
        status = run_workers(&runner, err);
    if (status == TW_OK && request->op->end_pass)
        status = request->op->end_pass(request->state, number, err);

    for (int i = 0; i < TW_MAX_INPUTS; i++)
        tw_window_free(runner.windows[i]);
    tw_feather_free(runner.feather);
    g_ptr_array_set_free_func(runner.waiting, free_waiting);
    g_ptr_array_free(runner.waiting, TRUE);
    tw_walk_free(runner.walk);
    pthread_mutex_destroy(&runner.lock);
    return status;
}

tw_status tw_schedule_run(const tw_schedule_request *request, double *seconds, tw_error *err)
{
    const tw_op_class *op = request->op;
    int passes = op->passes(request->state);
    int64_t total = 0;
    for (int i = 0; i < passes; i++) {
        tw_pass pass;
        op->pass(request->state, i, &pass);
        tw_grid grid = tw_grid_of_pass(&pass, request->plan->tile_w, request->plan->tile_h);
        grid.cuts = pass.seams ? request->cuts : NULL;
        total += tw_grid_taken_area(&grid, pass.sample);
    }
    tw_progress_start(request->context, total);
    if (passes > 1)
        for (int i = 0; i < request->n_inputs; i++)
            TW_TRY(tw_source_will_rewind(request->sources[i], err));
    const tw_plan *plan = request->plan;
    tw_start start = {.workers = plan->workers, .worker_bytes = plan->worker_bytes};
    if (plan->schedule == TW_SCHEDULE_CARRY) {
        start.carried = true;
        memcpy(start.tile, plan->in_tile, sizeof start.tile);
        start.slots = plan->slots;
        start.thrift = plan->thrift;
    }
    TW_TRY(op->start(request->state, &start, err));
    double begun = tw_seconds_now();
    for (int i = 0; i < passes; i++)
        TW_TRY(run_pass(request, i, err));
    if (seconds)
        *seconds = tw_seconds_now() - begun;
    return TW_OK;
}
