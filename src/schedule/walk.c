/* SPDX-License-Identifier: MIT */
#include "schedule/walk.h"

#include <glib.h>
#include <pthread.h>

#include "base/wait.h"

struct tw_walk {
    const tw_schedule_request *request;
    int pass_number;
    tw_pass pass;
    tw_grid grid;
    bool carried;
    int64_t columns, rows; /* of steps: of those tiles that the pass takes */

    pthread_mutex_t lock;
    pthread_cond_t moved;
    int64_t next;     /* halo: step to hand out */
    int64_t *done;    /* steps done, per row */
    bool *busy;       /* carried: somebody is at the row */
    int64_t complete; /* rows done from the top */
    bool stopped;
};

tw_status tw_walk_new(const tw_schedule_request *request, int pass_number, const tw_pass *pass, tw_walk **out, tw_error *err)
{
    tw_walk *walk = g_new0(tw_walk, 1);
    const tw_plan *plan = request->plan;
    *out = walk;
    walk->request = request;
    walk->pass_number = pass_number;
    walk->pass = *pass;
    walk->carried = plan->schedule == TW_SCHEDULE_CARRY;
    walk->grid = tw_grid_of_pass(pass, plan->tile_w, plan->tile_h);
    walk->grid.cuts = walk->carried || !pass->seams ? NULL : request->cuts; /* others have edges of their own */
    int64_t taken[2];
    tw_grid_taken(&walk->grid, pass->sample, taken);
    walk->columns = taken[0], walk->rows = taken[1];
    pthread_mutex_init(&walk->lock, NULL);
    tw_condition_init(&walk->moved);
    if (walk->carried) {
        int64_t steps[2] = {0, 0};
        TW_TRY(request->op->begin_pass(request->state, pass_number, steps, err));
        walk->columns = steps[0], walk->rows = steps[1];
    }
    walk->done = g_new0(int64_t, walk->rows);
    walk->busy = g_new0(bool, walk->rows);
    return TW_OK;
}

void tw_walk_free(tw_walk *walk)
{
    if (!walk)
        return;
    pthread_mutex_destroy(&walk->lock);
    pthread_cond_destroy(&walk->moved);
    g_free(walk->done);
    g_free(walk->busy);
    g_free(walk);
}

const tw_grid *tw_walk_grid(const tw_walk *walk)
{
    return &walk->grid;
}

bool tw_walk_carried(const tw_walk *walk)
{
    return walk->carried;
}

int64_t tw_walk_rows(const tw_walk *walk)
{
    return walk->rows;
}

static void place_carried(const tw_walk *walk, tw_step *step)
{
    const tw_schedule_request *r = walk->request;
    tw_span in[2], out[2];
    for (int axis = 0; axis < 2; axis++)
        r->op->carry_span(r->state, walk->pass_number, axis, axis ? step->row : step->column, &in[axis], &out[axis]);
    step->out = step->write = tw_rect_of(out[0], out[1]);
    for (int i = 0; i < r->n_inputs; i++)
        step->in[i] = tw_rect_of(in[0], in[1]);
}

/* Row of the grid that a row of steps stands for. */
static int64_t grid_row(const tw_walk *walk, int64_t row)
{
    return tw_grid_taken_at(row, walk->rows, walk->grid.rows);
}

void tw_walk_place(const tw_walk *walk, int64_t index, tw_step *step)
{
    const tw_schedule_request *r = walk->request;
    step->index = index;
    step->column = index % walk->columns;
    step->row = index / walk->columns;
    if (walk->carried) {
        place_carried(walk, step);
        return;
    }
    int64_t tile =
        grid_row(walk, step->row) * walk->grid.columns + tw_grid_taken_at(step->column, walk->columns, walk->grid.columns);
    step->out = tw_grid_rect(&walk->grid, tile);
    step->write = tw_grid_blends(&walk->grid) ? tw_grid_write(&walk->grid, tile) : step->out;
    for (int i = 0; i < r->n_inputs; i++)
        if (walk->pass.access[i] == TW_ACCESS_RECT)
            step->in[i] = r->op->need(r->state, walk->pass_number, i, step->write);
}

int64_t tw_walk_first_row(const tw_walk *walk, int input, int64_t row)
{
    const tw_schedule_request *r = walk->request;
    if (walk->carried) {
        tw_span in, out;
        r->op->carry_span(r->state, walk->pass_number, 1, row, &in, &out);
        return in.lo;
    }
    return r->op->need(r->state, walk->pass_number, input, tw_grid_write_row(&walk->grid, grid_row(walk, row))).y;
}

/* --- who may begin ----------------------------------------------------------------------------------------------- */

static bool may_begin(const tw_walk *walk, int64_t row)
{
    bool above = row <= walk->complete || walk->done[row - 1] > walk->done[row];
    return !walk->busy[row] && walk->done[row] < walk->columns && above;
}

/* The uppermost row that can go on: it holds what the others wait for. -1: none can. */
static int64_t row_to_take(const tw_walk *walk)
{
    int64_t end = tw_min64(walk->complete + walk->request->plan->slots, walk->rows);
    for (int64_t row = walk->complete; row < end; row++)
        if (may_begin(walk, row))
            return row;
    return -1;
}

static bool take_carried(tw_walk *walk, int64_t *index)
{
    int64_t row = -1;
    while (!walk->stopped && walk->complete < walk->rows && (row = row_to_take(walk)) < 0)
        tw_wait_briefly(&walk->moved, &walk->lock);
    if (row < 0 || walk->stopped)
        return false;
    walk->busy[row] = true;
    *index = row * walk->columns + walk->done[row];
    return true;
}

bool tw_walk_take(tw_walk *walk, int64_t *index)
{
    pthread_mutex_lock(&walk->lock);
    bool more;
    if (walk->carried) {
        more = take_carried(walk, index);
    } else {
        more = !walk->stopped && walk->next < walk->columns * walk->rows;
        if (more)
            *index = walk->next++;
    }
    pthread_mutex_unlock(&walk->lock);
    return more;
}

int64_t tw_walk_done(tw_walk *walk, int64_t index, bool *moved)
{
    int64_t row = index / walk->columns;
    pthread_mutex_lock(&walk->lock);
    walk->done[row]++;
    walk->busy[row] = false;
    int64_t complete = walk->complete;
    while (complete < walk->rows && walk->done[complete] == walk->columns)
        complete++;
    *moved = complete > walk->complete;
    walk->complete = complete;
    if (walk->carried)
        pthread_cond_broadcast(&walk->moved);
    pthread_mutex_unlock(&walk->lock);
    return complete;
}

void tw_walk_stop(tw_walk *walk)
{
    pthread_mutex_lock(&walk->lock);
    walk->stopped = true;
    pthread_cond_broadcast(&walk->moved);
    pthread_mutex_unlock(&walk->lock);
}
