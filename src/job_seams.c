/* SPDX-License-Identifier: MIT */
/** Edges between tiles that are moved: the picture is read once for the detail in its columns and rows, edges go where there is least, and
 *  the error is measured around them. */
#include <math.h>

#include "job.h"
#include "schedule/schedule.h"
#include "schedule/seams.h"

/* What lies along an axis, and what edges across it may do; all in input pixels. */
typedef struct axis {
    tw_seam_rule rule;
    int64_t *detail;
    int64_t *positions; /* of edges; then in pixels of the result */
    int64_t *along;     /* detail at edges */
    int64_t *reaches, *order;
    void *room;
} axis;

typedef struct mover {
    tw_run *run;
    tw_grid grid; /* with even edges */
    int64_t scale;
    axis axes[2];
} mover;

static tw_seam_rule rule_of(const mover *m, int a, int64_t align)
{
    const tw_grid *g = &m->grid;
    const tw_picture *picture = tw_source_picture(m->run->sources[0]);
    int64_t tile = (a ? g->tile_h : g->tile_w) / m->scale, pitch = (a ? g->pitch_h : g->pitch_w) / m->scale;
    int64_t reach = tw_ceil_div(a ? g->reach_h : g->reach_w, m->scale);
    tw_seam_rule rule = {.length = a ? picture->height : picture->width, .count = a ? g->rows : g->columns, .pitch = pitch};
    rule.align = align / m->scale;
    rule.shift = (a ? g->shift_h : g->shift_w) / m->scale;
    /* Wider overlaps lower the error more than smoother edges do, at the same work; half of a tile's slack is for them. */
    rule.most = reach > 0 ? pitch + (tile - pitch) / 2 : tile;
    rule.least = tw_min64(tw_max64(pitch / 2, 2 * reach), pitch);
    rule.around = tw_max64(reach, 2);
    return rule;
}

static mover mover_of(tw_run *run)
{
    mover m = {.run = run, .scale = llround(run->facts.scale)};
    const tw_op_class *op = run->job->op;
    tw_pass pass;
    op->pass(run->state, op->passes(run->state) - 1, &pass);
    m.grid = tw_grid_of_pass(&pass, run->plan.tile_w, run->plan.tile_h);
    for (int a = 0; a < 2; a++)
        m.axes[a].rule = rule_of(&m, a, pass.align);
    return m;
}

/* --- memory -------------------------------------------------------------------------------------------------------- */

static int64_t choosing_bytes(const mover *m)
{
    int64_t bytes = 0;
    for (int a = 0; a < 2; a++) {
        const tw_seam_rule *rule = &m->axes[a].rule;
        bytes += (rule->length + 4 * (rule->count + 1)) * (int64_t)sizeof(int64_t) + tw_seams_bytes(rule) + 64;
    }
    return bytes + m->run->job->op->detail_bytes(m->run->state);
}

static tw_status count_bytes(const mover *m, int64_t *room, tw_error *err)
{
    tw_run *run = m->run;
    tw_plan_request request = tw_run_plan_request(run);
    int64_t before = tw_plan_before_tiles(&request) + run->plan.cut_bytes;
    *room = request.budget - before;
    int64_t probing = run->job->op->probe_cuts_bytes(run->state, *room, tw_max64(m->grid.columns, m->grid.rows));
    int64_t bytes = tw_max64(choosing_bytes(m), probing);
    if (bytes > *room)
        return tw_fail(err, TW_ERROR_BUDGET,
                       "the budget of %.1f MiB cannot hold what --seams content measures: the smallest that would do is %lldM",
                       (double)request.budget / (1 << 20), (long long)((before + bytes + (1 << 20) - 1) >> 20));
    run->measuring_bytes = tw_max64(run->measuring_bytes, before + bytes);
    return TW_OK;
}

/* All of what choosing takes, in one piece. */
static tw_status make_room(mover *m, void **block, tw_error *err)
{
    int64_t bytes = choosing_bytes(m) - m->run->job->op->detail_bytes(m->run->state);
    char *at = *block = tw_alloc(m->run->job->account, (size_t)bytes);
    if (!at)
        return tw_fail_memory(err, "detail of the picture", bytes);
    for (int a = 0; a < 2; a++) {
        axis *x = &m->axes[a];
        x->detail = (int64_t *)at;
        x->positions = x->detail + x->rule.length;
        x->along = x->positions + x->rule.count + 1;
        x->reaches = x->along + x->rule.count + 1;
        x->order = x->reaches + x->rule.count + 1;
        x->room = x->order + x->rule.count + 1;
        at = (char *)x->room + tw_ceil_div(tw_seams_bytes(&x->rule), 64) * 64;
    }
    return TW_OK;
}

/* --- moving -------------------------------------------------------------------------------------------------------- */

/* Puts the edges of an axis where they are best. Adds the detail along them, and along even ones, to `moved` and `even`. */
static void choose(mover *m, int a, double *moved, double *even)
{
    axis *x = &m->axes[a];
    const tw_grid *g = &m->grid;
    int64_t reach = a ? g->reach_h : g->reach_w, tile = a ? g->tile_h : g->tile_w, count = x->rule.count;
    tw_seams_choose(&x->rule, x->detail, x->room, x->positions);
    for (int64_t i = 0; i <= count; i++) {
        bool inner = i > 0 && i < count;
        x->along[i] = inner ? tw_seams_detail(&x->rule, x->detail, x->positions[i]) : 0;
        *moved += (double)x->along[i];
        *even += inner ? (double)tw_seams_detail(&x->rule, x->detail, i * x->rule.pitch) : 0;
        x->positions[i] *= m->scale;
    }
    tw_seams_widen(count, x->positions, x->along, reach, tile + 2 * reach, x->order, x->reaches);
    tw_grid_lay_cuts(count, x->positions, x->reaches, m->run->cuts.at[a]);
}

static tw_status move(mover *m, tw_error *err)
{
    tw_run *run = m->run;
    TW_TRY(run->job->op->detail(run->state, run->sources, m->axes[0].detail, m->axes[1].detail, err));
    TW_TRY(tw_source_rewind(run->sources[0], err));
    tw_cut *cuts = tw_alloc(run->job->account, (size_t)tw_grid_cut_bytes(&m->grid));
    if (!cuts)
        return tw_fail_memory(err, "edges between tiles", tw_grid_cut_bytes(&m->grid));
    run->cuts = (tw_cuts){{m->grid.columns, m->grid.rows}, {cuts, cuts + m->grid.columns + 1}};
    double moved = 0, even = 0;
    for (int a = 0; a < 2; a++)
        choose(m, a, &moved, &even);
    run->seam_detail = even > 0 ? moved / even : 1;
    return TW_OK;
}

/* The operator is opened anew, with what was measured. */
static tw_status measure(tw_run *run, int64_t room, tw_error *err)
{
    TW_TRY(run->job->op->probe_cuts(run->state, run->sources, room, &run->cuts, &run->measured, err));
    TW_TRY(tw_source_rewind(run->sources[0], err));
    return tw_run_open_op(run, false, err);
}

tw_status tw_run_move_edges(tw_run *run, bool to_run, tw_error *err)
{
    if (!run->plan.seams)
        return TW_OK;
    mover m = mover_of(run);
    int64_t room = 0;
    void *block = NULL;
    TW_TRY(count_bytes(&m, &room, err));
    if (!to_run)
        return TW_OK;
    TW_TRY(tw_source_will_rewind(run->sources[0], err));
    tw_status status = make_room(&m, &block, err);
    if (status == TW_OK)
        status = move(&m, err);
    tw_free(block);
    return status == TW_OK ? measure(run, room, err) : status;
}
