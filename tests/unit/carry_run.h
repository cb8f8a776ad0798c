/* SPDX-License-Identifier: MIT */
/** A net and its carried form in ncnn with the same weights; the carried one is run step by step and its new samples put together. */
#ifndef TW_TEST_CARRY_RUN_H
#define TW_TEST_CARRY_RUN_H

#include "carry_checks.h"
#include "engine/carried.h"
#include "ncnn_run.h"

typedef struct carried {
    test_net *whole;
    tw_carry *carry;
    ncnn_net_t net;
    tw_convolutions *convolutions;
    int n_vectors, blobs[16]; /* what whole-picture layers give, for both */
    ncnn_mat_t vectors[16];
} carried;

static inline void carried_free(carried *c)
{
    if (c->net)
        ncnn_net_destroy(c->net);
    tw_convolutions_free(c->convolutions);
    for (int i = 0; i < c->n_vectors; i++)
        ncnn_mat_destroy(c->vectors[i]);
    tw_carry_free(c->carry);
    if (c->whole)
        net_free(c->whole);
    *c = (carried){0};
}

static inline void carried_vectors(carried *c)
{
    const tw_geometry *g = c->whole->geometry;
    for (int i = 0; i < g->n_barriers; i++) {
        int n = g->blobs[g->barriers[i].output_blob].channels;
        bool flat = !strcmp(c->whole->graph->layers[g->barriers[i].layer].type, "Pooling");
        ncnn_mat_t mat = flat ? ncnn_mat_create_1d(n, NULL) : ncnn_mat_create_3d(1, 1, n, NULL);
        for (int k = 0; k < n; k++)
            *(flat ? (float *)ncnn_mat_get_data(mat) + k : (float *)ncnn_mat_get_channel_data(mat, k)) =
                0.3f + 0.05f * (float)(k % 7);
        c->blobs[c->n_vectors] = g->barriers[i].output_blob;
        c->vectors[c->n_vectors++] = mat;
    }
}

/* The carried net beside `whole`; weights come from there or from a file. */
static inline tw_status carried_open(carried *c, const char *text, const char *bin, tw_error *err)
{
    TW_TRY(tw_carry_of(c->whole->graph, c->whole->geometry, text, "test", false, &c->carry, err));
    c->net = ncnn_net_create();
    ncnn_option_t option = test_option(c->whole->allocator, true);
    ncnn_net_set_option(c->net, option);
    ncnn_option_destroy(option);
    c->convolutions = tw_carried_register(c->net);
    if (ncnn_net_load_param_memory(c->net, c->carry->text) != 0)
        g_error("ncnn cannot read\n%sfrom\n%s", c->carry->text, text);
    if (bin)
        g_assert_cmpint(ncnn_net_load_model(c->net, bin), ==, 0);
    else
        g_assert_cmpint(ncnn_net_load_model_memory(c->net, c->whole->weights->data), ==, (int)c->whole->weights->len - 64);
    carried_vectors(c);
    return TW_OK;
}

static inline test_image whole_run(const carried *c, const test_image *image, int blob)
{
    return net_run(c->whole, image, blob, c->n_vectors, c->blobs, (ncnn_mat_t *)c->vectors);
}

static inline int spanned(tw_span span)
{
    return (int)(span.hi - span.lo);
}

/* One stage of a carried run. `blobs`: per blob of the graph, what there is of it. */
typedef struct carried_step {
    const carried *c;
    const tw_stage *stage;
    int number; /* of the stage */
    const tw_carry_walk *walk;
    tw_kept *kept;
    test_image *blobs;
    int64_t column, row;
} carried_step;

/* The block of a source; where there is none, samples that nothing may read. */
static inline ncnn_mat_t source_block(const carried_step *s, int blob)
{
    const tw_carry *carry = s->walk->carry;
    const test_image *from = &s->blobs[blob];
    tw_span x = tw_carry_new(s->walk, blob, 0, s->column), y = tw_carry_new(s->walk, blob, 1, s->row);
    test_image block;
    if (x.hi > x.lo && y.hi > y.lo) {
        block = image_cut(from, (int)x.lo, (int)y.lo, spanned(x), spanned(y));
    } else {
        block = image_new(carry->dummy[0][blob], carry->dummy[1][blob], from->c);
        for (int i = 0; i < block.w * block.h * block.c; i++)
            block.data[i] = NAN;
    }
    ncnn_mat_t mat = mat_of(&block, s->c->whole->allocator);
    g_free(block.data);
    return mat;
}

/* Runs and commits; results as ncnn gives them (dummies, too). False when ncnn refuses. Sets test_peak. */
static inline bool step_run(const carried_step *s, test_image *results)
{
    const tw_graph *graph = s->walk->carry->graph;
    const tw_geometry *g = s->walk->carry->geometry;
    ncnn_mat_t in[TW_MAX_SPILLS + 1], out[2 * TW_MAX_SPILLS] = {0};
    tw_error err = TW_ERROR_NONE;
    tw_kept_step *step = NULL;
    bool ran = true;
    int64_t before = test_peak = test_now;
    if (tw_kept_begin(s->kept, 0, s->column, s->row, &step, &err) != TW_OK)
        g_error("step %d %d: %s", (int)s->column, (int)s->row, err.message);
    tw_carried_enter(s->c->convolutions, step, s->c->whole->allocator, s->c->whole->allocator);
    ncnn_extractor_t ex = ncnn_extractor_create(s->c->net);
    for (int i = 0; i < s->stage->n_sources; i++) {
        in[i] = source_block(s, s->stage->sources[i]);
        g_assert_cmpint(ncnn_extractor_input(ex, graph->blobs[s->stage->sources[i]].name, in[i]), ==, 0);
    }
    for (int i = 0; i < s->c->n_vectors; i++)
        if (g->barriers[i].level < s->number)
            g_assert_cmpint(ncnn_extractor_input(ex, graph->blobs[s->c->blobs[i]].name, s->c->vectors[i]), ==, 0);
    for (int i = 0; i < s->stage->n_targets && ran; i++)
        ran = ncnn_extractor_extract(ex, graph->blobs[s->stage->targets[i]].name, &out[i]) == 0;
    ncnn_extractor_destroy(ex);
    tw_carried_leave();
    test_peak -= before;
    for (int i = 0; i < s->stage->n_targets; i++) {
        results[i] = out[i] && ran ? image_of(out[i]) : (test_image){0};
        if (out[i])
            ncnn_mat_destroy(out[i]);
    }
    for (int i = 0; i < s->stage->n_sources; i++)
        ncnn_mat_destroy(in[i]);
    if (ran && tw_kept_commit(s->kept, 0, &err) != TW_OK)
        g_error("%s", err.message);
    return ran;
}

/* Puts a block in its place; every sample once. False when it does not have the size that was said. */
static inline bool put_block(test_image *to, guint8 *times, const test_image *block, tw_span x, tw_span y)
{
    if (x.hi <= x.lo || y.hi <= y.lo)
        return true;
    if (block->w != spanned(x) || block->h != spanned(y) || block->c != to->c || x.hi > to->w || y.hi > to->h)
        return false;
    for (int c = 0; c < to->c; c++)
        for (int j = 0; j < block->h; j++)
            memcpy(image_at(to, c, (int)y.lo + j, (int)x.lo), image_at(block, c, j, 0), (gsize)block->w * sizeof(float));
    for (int64_t j = y.lo; j < y.hi; j++)
        for (int64_t i = x.lo; i < x.hi; i++)
            times[j * to->w + i]++;
    return true;
}

/* Runs a step and puts its results in their places; NULL, or what went wrong. */
static inline char *step_put(const carried_step *s, guint8 *const *times)
{
    test_image results[2 * TW_MAX_SPILLS];
    char *why = NULL;
    if (!step_run(s, results))
        return g_strdup_printf("step %d %d: ncnn refuses", (int)s->column, (int)s->row);
    for (int i = 0; i < s->stage->n_targets; i++) {
        int blob = s->stage->targets[i];
        tw_span x = tw_carry_new(s->walk, blob, 0, s->column), y = tw_carry_new(s->walk, blob, 1, s->row);
        if (!why && !put_block(&s->blobs[blob], times[i], &results[i], x, y))
            why = g_strdup_printf("step %d %d: block of %dx%d, [%d %d) x [%d %d) was said", (int)s->column, (int)s->row,
                                  results[i].w, results[i].h, (int)x.lo, (int)x.hi, (int)y.lo, (int)y.hi);
        g_free(results[i].data);
    }
    return why;
}

static inline char *once_each(const test_image *image, const guint8 *times)
{
    for (int i = 0; i < image->w * image->h; i++)
        if (times[i] != 1)
            return g_strdup_printf("sample %d %d came %d times", i % image->w, i / image->w, times[i]);
    return NULL;
}

static inline char *stage_run(carried_step *s)
{
    const tw_geometry *g = s->c->whole->geometry;
    guint8 *times[2 * TW_MAX_SPILLS];
    char *why = NULL;
    for (int i = 0; i < s->stage->n_targets; i++) {
        int blob = s->stage->targets[i];
        test_image *to = &s->blobs[blob];
        bool given = to->data != NULL; /* the input, of which a mean is wanted */
        if (!given)
            *to = image_new((int)s->walk->length[0][blob], (int)s->walk->length[1][blob], g->blobs[blob].channels);
        for (int k = 0; k < to->w * to->h * to->c && !given; k++)
            to->data[k] = NAN;
        times[i] = g_new0(guint8, (gsize)to->w * (gsize)to->h);
    }
    for (s->row = 0; s->row < s->walk->steps[1] && !why; s->row++)
        for (s->column = 0; s->column < s->walk->steps[0] && !why; s->column++)
            why = step_put(s, times);
    for (int i = 0; i < s->stage->n_targets; i++) {
        if (!why)
            why = once_each(&s->blobs[s->stage->targets[i]], times[i]);
        g_free(times[i]);
    }
    return why;
}

static inline void blobs_free(const carried *c, test_image *blobs)
{
    for (int i = 0; i < c->whole->graph->n_blobs; i++)
        if (i != c->whole->geometry->input)
            g_free(blobs[i].data);
    g_free(blobs);
}

/* Runs all stages; per blob of the graph what was made of it (data NULL: nothing). On failure NULL, and `why` says so. */
static inline test_image *carried_run(const carried *c, const test_image *image, const int64_t tile[2], double most_held,
                                      char **why)
{
    int64_t canvas[2] = {image->w, image->h};
    tw_account *account = tw_account_new(NULL, "kept", 0);
    test_image *blobs = g_new0(test_image, c->whole->graph->n_blobs);
    tw_error err = TW_ERROR_NONE;
    tw_stages stages;
    *why = NULL;
    blobs[c->whole->geometry->input] = *image;
    g_assert_cmpint(tw_stages_of(c->carry, most_held, &stages, &err), ==, TW_OK);
    for (int i = 0; i < stages.n && !*why; i++) {
        const tw_stage *stage = &stages.stage[i];
        carried_step s = {.c = c, .stage = stage, .number = i, .blobs = blobs};
        tw_carry_walk *walk;
        if (tw_carry_walk_new(c->carry, canvas, tile, stage->n_targets, stage->targets, stage->n_sources, stage->sources, &walk,
                              &err) != TW_OK) {
            *why = g_strdup(err.message);
            break;
        }
        check_walk(walk, stage->n_targets, stage->targets, c->carry->text);
        s.walk = walk;
        if (tw_kept_new(walk, 1, 1, account, NULL, &s.kept, &err) != TW_OK)
            g_error("%s", err.message);
        *why = stage_run(&s);
        tw_kept_free(s.kept);
        tw_carry_walk_free(walk);
    }
    g_assert_cmpint(tw_account_used(account), ==, 0);
    tw_account_free(account);
    if (*why) {
        blobs_free(c, blobs);
        blobs = NULL;
    }
    return blobs;
}

#endif
