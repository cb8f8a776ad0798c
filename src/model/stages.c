/* SPDX-License-Identifier: MIT */
#include "model/stages.h"

#include <glib.h>
#include <string.h>

/* One choice of what to spill, and what follows from it. */
typedef struct choice {
    const tw_carry *c;
    int levels;
    int *blob_of;    /* per blob of the rewritten net: of the original graph, or -1 */
    int *net_of;     /* the other way round */
    int *barrier_of; /* per blob of the original graph: the barrier that gives it, or -1 */
    int *summed;     /* per barrier: the blob that it sums, behind all Splits */
    double *bytes;   /* per blob of the original graph, for a sample of the canvas */
    bool *spill;     /* per blob of the original graph */
    int *since;      /* the stage that spills it, or -1 */
    int *last;       /* the last that reads it */
    bool *wanted;    /* per blob of the rewritten net: room to work in */
    int *times;      /* per blob of the rewritten net: stages that compute it */
} choice;

/* Per sample of the canvas. */
static double bytes_of(const tw_carry *c, int blob)
{
    const tw_blob_geometry *b = &c->geometry->blobs[blob];
    double samples = (double)b->rate.num / (double)b->rate.den * (double)b->rate_y.num / (double)b->rate_y.den;
    return (double)b->channels * samples * sizeof(float);
}

static bool add_once(int *list, int *n, int most, int blob)
{
    for (int i = 0; i < *n; i++)
        if (list[i] == blob)
            return true;
    if (*n == most)
        return false;
    list[(*n)++] = blob;
    return true;
}

/* What the stage sums over, or the result; false: more blobs than a stage can have. */
static bool own_targets(const choice *s, int level, int *targets, int *n)
{
    const tw_geometry *g = s->c->geometry;
    *n = 0;
    for (int i = 0; i < g->n_barriers && level < s->levels; i++)
        if (g->barriers[i].level == level && !add_once(targets, n, TW_MAX_SPILLS, s->summed[i]))
            return false;
    if (level == s->levels)
        targets[(*n)++] = g->output;
    return true;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Runs one stage without numbers: from its targets back to what is spilled already. Adds to work and bytes; `stage` may be NULL. */
static void walk_stage(choice *s, int level, tw_stage *stage, double *work, double *bytes)
{
    const tw_carry *c = s->c;
    int targets[TW_MAX_SPILLS + 1], n_targets, first = -1;
    memset(s->wanted, 0, (size_t)c->net->n_blobs * sizeof *s->wanted);
    own_targets(s, level, targets, &n_targets);
    for (int i = 0; i < n_targets; i++) {
        int blob = s->net_of[targets[i]];
        s->wanted[blob] = true;
        first = MAX(first, c->net->blobs[blob].producer);
    }
    if (stage) {
        memcpy(stage->targets, targets, (size_t)n_targets * sizeof *targets);
        stage->n_targets = n_targets;
    }
    for (int i = first; i >= 0; i--) {
        const tw_layer *l = &c->net->layers[i];
        bool run = false;
        for (int k = 0; k < l->n_outputs; k++) {
            int blob = s->blob_of[l->outputs[k]];
            if (!s->wanted[l->outputs[k]])
                continue;
            if (blob >= 0 && s->spill[blob] && s->since[blob] >= 0 && s->since[blob] < level) {
                *bytes += s->bytes[blob];
                s->last[blob] = level;
                if (stage)
                    add_once(stage->sources, &stage->n_sources, TW_MAX_SPILLS, blob);
                continue;
            }
            run = true;
            s->times[l->outputs[k]]++;
            if (blob >= 0 && s->spill[blob] && s->since[blob] < 0) {
                *bytes += s->bytes[blob];
                s->since[blob] = s->last[blob] = level;
                if (stage)
                    add_once(stage->targets, &stage->n_targets, 2 * TW_MAX_SPILLS, blob);
            }
            if (stage && blob == c->geometry->input)
                stage->sources[stage->n_sources++] = blob;
            if (stage && blob >= 0 && s->barrier_of[blob] >= 0)
                stage->reads[s->barrier_of[blob]] = true;
        }
        if (!run)
            continue;
        *work += c->macs[i];
        for (int k = 0; k < l->n_inputs; k++)
            s->wanted[l->inputs[k]] = true;
    }
}

static void begin_walk(choice *s)
{
    for (int i = 0; i < s->c->graph->n_blobs; i++)
        s->since[i] = s->last[i] = -1;
    memset(s->times, 0, (size_t)s->c->net->n_blobs * sizeof *s->times);
}

/* The most that is spilled at the same time. */
static double held_of(const choice *s, int n, const int *spilled)
{
    double most = 0;
    for (int level = 0; level < s->levels; level++) {
        double held = 0;
        for (int i = 0; i < n; i++)
            if (s->since[spilled[i]] >= 0 && s->since[spilled[i]] <= level && s->last[spilled[i]] >= level)
                held += s->bytes[spilled[i]];
        most = MAX(most, held);
    }
    return most;
}

static double cost_of(const choice *s, double work, double bytes)
{
    return work * s->c->geometry->macs_per_pixel + bytes * TW_MACS_PER_BYTE;
}

/* What all stages cost; gives up as soon as it is `most`. */
static double cost_of_all(choice *s, double most)
{
    double work = 0, bytes = 0;
    begin_walk(s);
    for (int level = 0; level <= s->levels && cost_of(s, work, bytes) < most; level++)
        walk_stage(s, level, NULL, &work, &bytes);
    return cost_of(s, work, bytes);
}

static void walk_all(choice *s, int n, const int *spilled, tw_stages *out)
{
    memset(out, 0, sizeof *out);
    out->n = s->levels + 1;
    begin_walk(s);
    for (int level = 0; level <= s->levels; level++) {
        tw_stage *stage = &out->stage[level];
        walk_stage(s, level, stage, &stage->work, &out->bytes);
        out->work += stage->work;
        qsort(stage->sources, (size_t)stage->n_sources, sizeof(int), by_number);
        qsort(stage->targets, (size_t)stage->n_targets, sizeof(int), by_number);
    }
    for (int i = 0; i < n; i++)
        if (s->since[spilled[i]] >= 0) {
            out->spills[out->n_spills].blob = spilled[i];
            out->spills[out->n_spills].first = s->since[spilled[i]];
            out->spills[out->n_spills++].last = s->last[spilled[i]];
        }
    out->held = held_of(s, n, spilled);
}

/* What one stage computes, and no other, is not worth keeping. */
static bool may_be_spilled(const choice *s, const int *times, int net_blob)
{
    const tw_carry *c = s->c;
    int blob = s->blob_of[net_blob];
    return blob >= 0 && times[net_blob] > 1 && !s->spill[blob] && c->geometry->blobs[blob].spatial && c->hoisted[blob] < 0 &&
           blob != c->geometry->input && blob != c->geometry->output && tw_graph_unsplit(c->graph, blob) == blob;
}

/* Adds the blob that saves most, as long as one does. */
static void choose(choice *s, double most_held, tw_stages *out)
{
    const tw_carry *c = s->c;
    int spilled[TW_MAX_SPILLS], n = 0;
    walk_all(s, n, spilled, out);
    for (bool more = s->levels > 0; more && n < TW_MAX_SPILLS;) {
        double best_cost = cost_of(s, out->work, out->bytes) * 0.99;
        int best = -1;
        int *times = g_memdup2(s->times, (gsize)c->net->n_blobs * sizeof *times);
        for (int k = 0; k < c->net->n_blobs; k++) {
            if (!may_be_spilled(s, times, k))
                continue;
            spilled[n] = s->blob_of[k];
            s->spill[spilled[n]] = true;
            double cost = cost_of_all(s, best_cost);
            if (cost < best_cost && held_of(s, n + 1, spilled) <= most_held) {
                best = spilled[n];
                best_cost = cost;
            }
            s->spill[spilled[n]] = false;
        }
        g_free(times);
        more = best >= 0;
        if (more) {
            spilled[n++] = best;
            s->spill[best] = true;
            qsort(spilled, (size_t)n, sizeof(int), by_number);
            walk_all(s, n, spilled, out);
        }
    }
}

static void open_choice(choice *s)
{
    const tw_carry *c = s->c;
    int net = c->net->n_blobs, graph = c->graph->n_blobs;
    s->blob_of = g_new(int, net);
    for (int i = 0; i < net; i++)
        s->blob_of[i] = tw_graph_blob(c->graph, c->net->blobs[i].name);
    s->net_of = g_new(int, graph);
    s->barrier_of = g_new(int, graph);
    s->bytes = g_new(double, graph);
    for (int i = 0; i < graph; i++) {
        s->net_of[i] = tw_graph_blob(c->net, c->graph->blobs[i].name);
        s->barrier_of[i] = -1;
        s->bytes[i] = bytes_of(c, i);
    }
    s->summed = g_new(int, c->geometry->n_barriers + 1);
    for (int i = 0; i < c->geometry->n_barriers; i++) {
        s->summed[i] = tw_graph_unsplit(c->graph, c->geometry->barriers[i].input_blob);
        s->barrier_of[c->geometry->barriers[i].output_blob] = i;
    }
    s->spill = g_new0(bool, graph);
    s->since = g_new(int, graph);
    s->last = g_new(int, graph);
    s->wanted = g_new(bool, net);
    s->times = g_new(int, net);
}

static void close_choice(choice *s)
{
    g_free(s->blob_of);
    g_free(s->net_of);
    g_free(s->barrier_of);
    g_free(s->summed);
    g_free(s->bytes);
    g_free(s->spill);
    g_free(s->since);
    g_free(s->last);
    g_free(s->wanted);
    g_free(s->times);
}

/* False: a level has more blobs to sum over than a stage can have. */
static bool levels_fit(const choice *s)
{
    int targets[TW_MAX_SPILLS + 1], n;
    for (int level = 0; level < s->levels; level++)
        if (!own_targets(s, level, targets, &n))
            return false;
    return true;
}

tw_status tw_stages_of(const tw_carry *carry, double most_held, tw_stages *out, tw_error *err)
{
    const tw_geometry *g = carry->geometry;
    choice s = {.c = carry};
    for (int i = 0; i < g->n_barriers; i++)
        s.levels = MAX(s.levels, g->barriers[i].level + 1);
    if (s.levels >= TW_MAX_STAGES)
        return tw_fail(err, TW_ERROR_USAGE, "%d levels of whole-picture layers cannot be carried, at most %d can", s.levels,
                       TW_MAX_STAGES - 1);
    open_choice(&s);
    bool fit = levels_fit(&s);
    if (fit)
        choose(&s, most_held, out);
    close_choice(&s);
    if (!fit)
        return tw_fail(err, TW_ERROR_USAGE, "more than %d blobs to be summed over at the same time cannot be carried",
                       TW_MAX_SPILLS);
    return TW_OK;
}
