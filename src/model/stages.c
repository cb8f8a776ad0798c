/* SPDX-License-Identifier: MIT */
#include "model/stages.h"

#include <glib.h>
#include <string.h>

/* One choice of what to spill, and what follows from it. */
typedef struct choice {
    const tw_carry *c;
    int levels;
    int *blob_of; /* per blob of the rewritten net: of the original graph, or -1 */
    bool *spill;  /* per blob of the original graph */
    int *since;   /* the stage that spills it, or -1 */
    bool *wanted; /* per blob of the rewritten net: room to work in */
} choice;

static int64_t area(const tw_carry *c, int blob, double *samples)
{
    const tw_blob_geometry *b = &c->geometry->blobs[blob];
    *samples = (double)b->rate.num / (double)b->rate.den * (double)b->rate_y.num / (double)b->rate_y.den;
    return b->channels;
}

/* Per sample of the canvas. */
static double bytes_of(const tw_carry *c, int blob)
{
    double samples;
    int64_t channels = area(c, blob, &samples);
    return (double)channels * samples * sizeof(float);
}

/* What the stage sums over, or the result. */
static int own_targets(const choice *s, int level, int *targets)
{
    const tw_geometry *g = s->c->geometry;
    int n = 0;
    for (int i = 0; i < g->n_barriers && level < s->levels; i++)
        if (g->barriers[i].level == level && n < TW_MAX_SPILLS)
            targets[n++] = tw_graph_unsplit(s->c->graph, g->barriers[i].input_blob);
    if (level == s->levels)
        targets[n++] = g->output;
    return n;
}

static void add_once(int *list, int *n, int most, int blob)
{
    for (int i = 0; i < *n; i++)
        if (list[i] == blob)
            return;
    if (*n < most)
        list[(*n)++] = blob;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Runs one stage without numbers: from its targets back to what is spilled already. */
static void walk_stage(choice *s, int level, tw_stage *stage)
{
    const tw_carry *c = s->c;
    *stage = (tw_stage){.n_sources = 0};
    memset(s->wanted, 0, (size_t)c->net->n_blobs * sizeof *s->wanted);
    stage->n_means = stage->n_targets = own_targets(s, level, stage->targets);
    memcpy(stage->means, stage->targets, (size_t)MIN(stage->n_means, TW_MAX_SPILLS) * sizeof(int));
    for (int i = 0; i < stage->n_targets; i++)
        s->wanted[tw_graph_blob(c->net, c->graph->blobs[stage->targets[i]].name)] = true;
    for (int i = c->net->n_layers - 1; i >= 0; i--) {
        const tw_layer *l = &c->net->layers[i];
        bool run = false;
        for (int k = 0; k < l->n_outputs; k++) {
            int blob = s->blob_of[l->outputs[k]];
            if (!s->wanted[l->outputs[k]])
                continue;
            if (blob >= 0 && s->spill[blob] && s->since[blob] >= 0 && s->since[blob] < level) {
                add_once(stage->sources, &stage->n_sources, TW_MAX_SPILLS, blob);
                continue;
            }
            run = true;
            if (blob >= 0 && s->spill[blob] && s->since[blob] < 0) {
                s->since[blob] = level;
                add_once(stage->targets, &stage->n_targets, 2 * TW_MAX_SPILLS, blob);
            }
            if (blob == c->geometry->input)
                stage->sources[stage->n_sources++] = blob;
        }
        if (!run)
            continue;
        stage->work += c->macs[i];
        for (int k = 0; k < l->n_inputs; k++)
            s->wanted[l->inputs[k]] = true;
    }
    qsort(stage->sources, (size_t)stage->n_sources, sizeof(int), by_number);
    qsort(stage->targets, (size_t)stage->n_targets, sizeof(int), by_number);
}

static void walk_all(choice *s, tw_stages *out)
{
    const tw_carry *c = s->c;
    *out = (tw_stages){.n = s->levels + 1};
    for (int i = 0; i < c->graph->n_blobs; i++)
        s->since[i] = -1;
    for (int level = 0; level <= s->levels; level++) {
        tw_stage *stage = &out->stage[level];
        walk_stage(s, level, stage);
        out->work += stage->work;
        for (int i = 0; i < stage->n_sources; i++)
            if (stage->sources[i] != c->geometry->input)
                out->bytes += bytes_of(c, stage->sources[i]);
    }
    for (int i = 0; i < c->graph->n_blobs; i++)
        if (s->spill[i] && s->since[i] >= 0) {
            add_once(out->spills, &out->n_spills, TW_MAX_SPILLS, i);
            out->bytes += bytes_of(c, i);
            out->held += bytes_of(c, i);
        }
}

static double cost_of(const choice *s, const tw_stages *stages)
{
    return stages->work * s->c->geometry->macs_per_pixel + stages->bytes * TW_MACS_PER_BYTE;
}

/* Adds the blob that saves most, as long as one does. */
static void choose(choice *s, double most_held, tw_stages *out)
{
    const tw_carry *c = s->c;
    walk_all(s, out);
    for (int n = 0; n < TW_MAX_SPILLS && s->levels > 0; n++) {
        double best_cost = cost_of(s, out) * 0.99;
        int best = -1;
        for (int k = 0; k < c->net->n_blobs; k++) {
            int blob = s->blob_of[k];
            bool fit = blob >= 0 && !s->spill[blob] && c->geometry->blobs[blob].spatial && c->hoisted[blob] < 0 &&
                       blob != c->geometry->input && blob != c->geometry->output && tw_graph_unsplit(c->graph, blob) == blob;
            tw_stages tried;
            if (!fit)
                continue;
            s->spill[blob] = true;
            walk_all(s, &tried);
            s->spill[blob] = false;
            if (tried.held <= most_held && cost_of(s, &tried) < best_cost) {
                best = blob;
                best_cost = cost_of(s, &tried);
            }
        }
        if (best < 0)
            break;
        s->spill[best] = true;
        walk_all(s, out);
    }
}

tw_status tw_stages_of(const tw_carry *carry, double most_held, tw_stages *out, tw_error *err)
{
    choice s = {.c = carry};
    for (int i = 0; i < carry->geometry->n_barriers; i++)
        s.levels = MAX(s.levels, carry->geometry->barriers[i].level + 1);
    if (s.levels >= TW_MAX_STAGES)
        return tw_fail(err, TW_ERROR_USAGE, "%d levels of whole-picture layers cannot be carried, at most %d can", s.levels,
                       TW_MAX_STAGES - 1);
    s.blob_of = g_new(int, carry->net->n_blobs);
    for (int i = 0; i < carry->net->n_blobs; i++)
        s.blob_of[i] = tw_graph_blob(carry->graph, carry->net->blobs[i].name);
    s.spill = g_new0(bool, carry->graph->n_blobs);
    s.since = g_new(int, carry->graph->n_blobs);
    s.wanted = g_new(bool, carry->net->n_blobs);
    choose(&s, most_held, out);
    g_free(s.blob_of);
    g_free(s.spill);
    g_free(s.since);
    g_free(s.wanted);
    return TW_OK;
}
