/* SPDX-License-Identifier: MIT */
/** Steps of a carried net in any order that is allowed, by any worker, failing anywhere: the same bytes. And whole jobs: the same bytes
 *  for any number of threads, whether what is kept lies in memory or in scratch. */
#include "engine/engine.h"
#include "carry_graph.h"
#include "carry_run.h"
#include "job_fixture.h"

#define SLOTS   2
#define WORKERS 3

/* --- single steps ------------------------------------------------------------------------------------------------- */

typedef struct scene {
    carried c;
    tw_model model;
    tw_engine *engine;
    tw_account *account;
    tw_carry_walk *walk;
    test_image image;
    tw_kept *kept;
    float **blocks; /* per step: what the undisturbed run gave */
    size_t *bytes;
    int failures;
} scene;

/* Runs a step in a worker of its own, whose memory ends at the n-th take; 0: never. */
static tw_status run_step(scene *s, int worker, int64_t column, int64_t row, int64_t n, tw_tensor *out, tw_engine_worker **own,
                          tw_error *err)
{
    const tw_geometry *g = s->c.whole->geometry;
    tw_span x = tw_carry_new(s->walk, g->input, 0, column), y = tw_carry_new(s->walk, g->input, 1, row);
    bool none = x.hi <= x.lo || y.hi <= y.lo;
    test_image block = none ? image_new(1, 1, 3) : image_cut(&s->image, (int)x.lo, (int)y.lo, spanned(x), spanned(y));
    tw_engine_call call = {.n_in = 1, .n_out = 1, .kept = s->kept, .worker = worker, .column = column, .row = row};
    tw_tensor in = {0};
    assert_ok(tw_engine_worker_new(s->engine, s->account, own, err), *err);
    tw_account_fail_range(s->account, n, INT64_MAX);
    tw_status status = tw_engine_tensor(*own, block.w, block.h, 3, &in, err);
    for (int c = 0; c < 3 && status == TW_OK; c++)
        memcpy(in.data + c * in.plane, image_at(&block, c, 0, 0), (size_t)(block.w * block.h) * sizeof(float));
    call.in[0].blob = s->c.whole->graph->blobs[g->input].name;
    call.in[0].tensor = &in;
    call.out[0].blob = s->c.whole->graph->blobs[g->output].name;
    call.out[0].tensor = out;
    if (status == TW_OK)
        status = tw_engine_run(*own, &call, err);
    tw_account_fail_range(s->account, 0, 0);
    tw_tensor_release(&in);
    g_free(block.data);
    return status;
}

/* The new samples, tight. */
static float *block_of(const tw_tensor *t, size_t *bytes)
{
    float *block = g_new(float, t->w * t->h * t->c);
    for (int64_t c = 0; c < t->c; c++)
        memcpy(block + c * t->w * t->h, t->data + c * t->plane, (size_t)(t->w * t->h) * sizeof(float));
    *bytes = (size_t)(t->w * t->h * t->c) * sizeof(float);
    return block;
}

static void undisturbed(scene *s, int64_t column, int64_t row)
{
    int64_t index = row * s->walk->steps[0] + column;
    tw_error err = TW_ERROR_NONE;
    tw_engine_worker *own;
    tw_tensor out;
    assert_ok(run_step(s, 0, column, row, 0, &out, &own, &err), err);
    assert_ok(tw_kept_commit(s->kept, 0, &err), err);
    s->blocks[index] = block_of(&out, &s->bytes[index]);
    tw_tensor_release(&out);
    tw_engine_worker_free(own);
}

static void disturbed(scene *s, int worker, int64_t column, int64_t row)
{
    int64_t index = row * s->walk->steps[0] + column;
    for (int64_t n = 1;; n++) {
        tw_error err = TW_ERROR_NONE;
        tw_engine_worker *own;
        tw_tensor out;
        tw_status status = run_step(s, worker, column, row, n, &out, &own, &err);
        if (status == TW_OK) {
            size_t bytes;
            float *block = block_of(&out, &bytes);
            assert_ok(tw_kept_commit(s->kept, worker, &err), err);
            g_assert_cmpmem(block, bytes, s->blocks[index], s->bytes[index]);
            g_free(block);
            tw_tensor_release(&out);
        } else {
            g_assert_cmpint(status, ==, TW_ERROR_BUDGET);
            s->failures++;
        }
        tw_engine_worker_free(own);
        g_assert_cmpint(tw_account_used(s->account), ==, 0);
        if (status == TW_OK)
            return;
    }
}

/* Any step whose left and upper neighbours are done, in the uppermost rows that are not. */
static void any_order(scene *s, GRand *rand)
{
    int64_t *done = g_new0(int64_t, s->walk->steps[1]), first = 0;
    while (first < s->walk->steps[1]) {
        int64_t row = MIN(first + g_rand_int_range(rand, 0, SLOTS), s->walk->steps[1] - 1);
        if (done[row] == s->walk->steps[0] || (row > 0 && row > first && done[row - 1] <= done[row]))
            row = first;
        disturbed(s, g_rand_int_range(rand, 0, WORKERS), done[row], row);
        done[row]++;
        while (first < s->walk->steps[1] && done[first] == s->walk->steps[0])
            first++;
    }
    g_free(done);
}

static void begin_kept(scene *s, tw_scratch *scratch)
{
    tw_error err = TW_ERROR_NONE;
    tw_kept_free(s->kept);
    assert_ok(tw_kept_new(s->walk, SLOTS, WORKERS, NULL, scratch, &s->kept, &err), err);
}

static void check_scene(scene *s, GRand *rand, tw_scratch *scratch)
{
    int64_t steps = s->walk->steps[0] * s->walk->steps[1];
    s->blocks = g_new0(float *, steps);
    s->bytes = g_new0(size_t, steps);
    begin_kept(s, NULL);
    for (int64_t i = 0; i < steps; i++)
        undisturbed(s, i % s->walk->steps[0], i / s->walk->steps[0]);
    begin_kept(s, scratch);
    any_order(s, rand);
    for (int64_t i = 0; i < steps; i++)
        g_free(s->blocks[i]);
    g_free(s->blocks);
    g_free(s->bytes);
}

/* False when the graph does not do: whole-picture layers, or this size. */
static bool check_graph(char *text, GRand *rand, tw_scratch *scratch, int *failures)
{
    tw_error err = TW_ERROR_NONE;
    scene s = {.account = tw_account_new(NULL, "worker", 0)};
    s.c.whole = net_from_text(text, rand, false, true);
    const tw_geometry *g = s.c.whole->geometry;
    bool fits = g->n_barriers == 0 && s.c.whole->weights->len > 64 && carried_open(&s.c, text, NULL, &err) == TW_OK;
    if (fits) {
        int64_t m = 4 * g->size_multiple, canvas[2] = {tw_ceil_div(29, m) * m, tw_ceil_div(21, m) * m};
        int64_t tile[2] = {tw_ceil_div(9, s.c.carry->align) * s.c.carry->align,
                           tw_ceil_div(7, s.c.carry->align) * s.c.carry->align};
        fits = tw_carry_walk_new(s.c.carry, canvas, tile, 1, &g->output, 1, &g->input, &s.walk, &err) == TW_OK;
    }
    if (fits) {
        s.model =
            (tw_model){.param_text = text, .graph = s.c.whole->graph, .geometry = s.c.whole->geometry, .carry = s.c.carry};
        s.model.record.name = (char *)"test";
        s.model.weights = s.c.whole->weights->data;
        assert_ok(tw_engine_open_ncnn(&s.model, s.model.carry, -1, s.account, 0, &s.engine, &err), err);
        s.image = image_random((int)s.walk->length[0][g->input], (int)s.walk->length[1][g->input], 3, rand);
        check_scene(&s, rand, scratch);
    }
    *failures += s.failures;
    tw_kept_free(s.kept);
    tw_engine_unref(s.engine);
    tw_carry_walk_free(s.walk);
    tw_account_free(s.account);
    g_free(s.image.data);
    carried_free(&s.c);
    return fits;
}

static bool is_defined(const char *text)
{
    tw_error err = TW_ERROR_NONE;
    tw_graph *graph;
    tw_geometry *g = NULL;
    assert_ok(tw_graph_parse(text, strlen(text), "random", &graph, &err), err);
    bool defined = tw_geometry_of(graph, "random", &g, &err) == TW_OK;
    tw_geometry_free(g);
    tw_graph_free(graph);
    return defined;
}

static void test_steps(void)
{
    tw_scratch *scratch = tw_scratch_new(NULL, INT64_C(1) << 30);
    int done = 0, failures = 0;
    for (guint32 seed = 1; done < 16; seed++) {
        GRand *rand = g_rand_new_with_seed(seed);
        char *text = carry_graph_text(rand);
        if (is_defined(text))
            done += check_graph(text, rand, done % 2 ? scratch : NULL, &failures);
        g_free(text);
        g_rand_free(rand);
    }
    tw_scratch_free(scratch);
    g_test_message("%d graphs, %d steps that failed", done, failures);
    g_assert_cmpint(failures, >, 1000);
}

/* A layer that works in place on the net's own input leaves the caller's samples as they are. */
static void test_written_over(void)
{
    char text[] = "7767517\n3 3\nInput in 0 1 b0 2=3\nPReLU l1 1 1 b0 b1 0=3\nBinaryOp l2 1 1 b1 b2 0=2 1=1 2=3.0\n";
    GRand *rand = g_rand_new_with_seed(1);
    test_net *t = net_from_text(text, rand, false, true);
    tw_model model = {.param_text = text, .graph = t->graph, .geometry = t->geometry, .weights = t->weights->data};
    tw_account *account = tw_account_new(NULL, "worker", 0);
    tw_error err = TW_ERROR_NONE;
    tw_engine_worker *worker;
    tw_engine *engine;
    tw_tensor in, out;
    model.record.name = (char *)"test";
    assert_ok(tw_engine_open_ncnn(&model, NULL, -1, account, 0, &engine, &err), err);
    assert_ok(tw_engine_worker_new(engine, account, &worker, &err), err);
    assert_ok(tw_engine_tensor(worker, 5, 4, 3, &in, &err), err);
    tw_engine_call call = {.n_in = 1, .n_out = 1, .in = {{"b0", &in, false}}, .out = {{"b2", &out}}};
    for (int i = 0; i < 60; i++)
        in.data[i / 20 * in.plane + i % 20] = (float)(i % 7 - 3);
    assert_ok(tw_engine_run(worker, &call, &err), err);
    for (int i = 0; i < 60; i++) {
        float value = (float)(i % 7 - 3), slope;
        memcpy(&slope, t->weights->data + (gsize)(i / 20) * sizeof slope, sizeof slope);
        g_assert_cmpfloat(in.data[i / 20 * in.plane + i % 20], ==, value);
        g_assert_cmpfloat(out.data[i / 20 * out.plane + i % 20], ==, 3 * (value < 0 ? value * slope : value));
    }
    tw_tensor_release(&in);
    tw_tensor_release(&out);
    tw_engine_worker_free(worker);
    tw_engine_unref(engine);
    tw_account_free(account);
    net_free(t);
    g_rand_free(rand);
}

/* --- whole jobs --------------------------------------------------------------------------------------------------- */

static void *run_job(const char *input, const char *model, const char *threads, const char *memory, size_t *bytes,
                     tw_report *report)
{
    const setting settings[] = {{"model", model},
                                {"schedule", "carry"},
                                {"tile", "36x24"},
                                {"overwrite", "true"},
                                {"threads", threads},
                                {"memory", memory},
                                {0}};
    tw_error err = TW_ERROR_NONE;
    tw_session *session = NULL;
    char *output = in_folder("out.tif");
    assert_ok(tw_session_new(&session, &err), err);
    assert_ok(upscale(session, input, output, settings, report, &err), err);
    tw_session_free(session);
    void *samples = read_samples(output, bytes);
    g_remove(output);
    g_free(output);
    return samples;
}

/* The smallest budget that holds this tile, from the refusal; there what is kept lies in scratch. */
static char *smallest_budget(const char *input, const char *model)
{
    const setting settings[] = {{"model", model}, {"schedule", "carry"}, {"tile", "36x24"}, {"memory", "1M"}, {0}};
    tw_error err = TW_ERROR_NONE;
    tw_session *session = NULL;
    char *output = in_folder("never.tif");
    assert_ok(tw_session_new(&session, &err), err);
    tw_job *job = upscale_job(session, input, output, settings);
    assert_fails(tw_job_plan(job, &err), TW_ERROR_BUDGET, err, "would do is ");
    long long mib = strtoll(strstr(err.message, "would do is ") + strlen("would do is "), NULL, 10);
    tw_job_free(job);
    tw_session_free(session);
    g_free(output);
    return g_strdup_printf("%lldM", mib);
}

static void check_job(const char *model, int width, int height)
{
    static const char *const threads[] = {"1", "2", "4"};
    char *input = make_picture("wide.tif", width, height, 3), *tight = smallest_budget(input, model);
    tw_report ample = {0}, spilled = {0};
    size_t bytes;
    void *expected = run_job(input, model, "1", "2G", &bytes, &ample);
    g_assert_cmpint(ample.workers, ==, 1);
    for (int i = 0; i < 3; i++) {
        size_t n;
        void *samples = run_job(input, model, threads[i], "2G", &n, &ample);
        g_assert_cmpmem(samples, n, expected, bytes);
        g_free(samples);
        samples = run_job(input, model, threads[i], tight, &n, &spilled);
        g_assert_cmpmem(samples, n, expected, bytes);
        g_free(samples);
        g_assert_cmpint(spilled.scratch_bytes, >, ample.scratch_bytes);
        g_assert_cmpint(spilled.peak_bytes, >, 0);
        g_assert_cmpint(spilled.tile[0], ==, ample.tile[0]);
    }
    g_assert_cmpint(ample.workers, >, 1);
    g_test_message("%s: %s, %lld bytes of scratch; with 2G %lld", model, tight, (long long)spilled.scratch_bytes,
                   (long long)ample.scratch_bytes);
    g_free(expected);
    g_remove(input);
    g_free(input);
    g_free(tight);
}

static void test_jobs(void)
{
    check_job("photo-2x", 900, 60);
    check_job("realcugan-2x-se-no-denoise", 300, 50);
}

int main(int argc, char **argv)
{
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    if (!g_getenv("TILEWRIGHT_TEST_MODELS")) {
        g_printerr("TILEWRIGHT_TEST_MODELS must name the folder with the model packs (make test sets it)\n");
        return 99;
    }
    g_setenv("TILEWRIGHT_MODELS", g_getenv("TILEWRIGHT_TEST_MODELS"), TRUE);
    folder_open();
    g_test_add_func("/carry-steps/written-over", test_written_over);
    g_test_add_func("/carry-steps/steps", test_steps);
    g_test_add_func("/carry-steps/jobs", test_jobs);
    int status = g_test_run();
    folder_close();
    return status;
}
