/* SPDX-License-Identifier: MIT */
/* Flow nets in stages: where they are cut, what stages read; and that the net as a whole, run by ncnn itself with a Warp of its own, gives
 * what the weights promise. */
#include <glib.h>
#include <glib/gstdio.h>

#include "flow_oracle.h"
#include "flow_weights.h"
#include "model/model.h"

static char *folder;

/* Of a path, which it frees. */
static tw_model *open_model(char *from)
{
    g_autofree char *path = from;
    tw_model *model;
    tw_error err = TW_ERROR_NONE;
    if (tw_model_open(path, &model, &err) != TW_OK)
        g_error("%s", err.message);
    if (!model->flow)
        g_error("%s", model->why_no_flow);
    return model;
}

static void print_stage(const tw_flow *f, int i)
{
    const tw_flow_stage *s = &f->stages[i];
    GString *line = g_string_new(NULL);
    for (int k = 0; k < s->n_sources; k++)
        g_string_append_printf(line, " %s", tw_flow_name(f, s->sources[k]));
    g_string_append(line, " ->");
    for (int k = 0; k < s->n_targets; k++)
        g_string_append_printf(line, " %s(%dch@%d/%d)", tw_flow_name(f, s->targets[k]), tw_flow_channels(f, s->targets[k]),
                               (int)s->rate.num, (int)s->rate.den);
    g_string_append(line, "; samples");
    for (int k = 0; k < f->n_blobs; k++)
        if (s->samples[k])
            g_string_append_printf(line, " %s", tw_flow_name(f, k));
    g_test_message("stage %d:%s; grid %d, beginnings %d, halo %d %d, %.0f macs, %.0f bytes a pixel", i, line->str, (int)s->grid,
                   (int)s->align, (int)s->halo[0], (int)s->halo[2], s->macs,
                   (double)tw_flow_bytes(f, i, 1024, 1024) / (1024 * 1024));
    g_string_free(line, TRUE);
}

/* What is the time everywhere belongs to no stage; nothing samples it. */
static void check_times(const tw_flow *f, int times)
{
    for (int k = 0; k < f->n_blobs; k++) {
        g_assert_true(!f->blobs[k].time || (k >= 2 && f->blobs[k].made < 0 && !f->blobs[k].sampled));
        g_assert_cmpint(f->blobs[k].made < 0, ==, k < f->n_inputs || f->blobs[k].time);
        times -= f->blobs[k].time;
    }
    g_assert_cmpint(times, ==, 0);
}

static void test_stages(void)
{
    static const struct {
        const char *name;
        int stages;
        int64_t halo[10][2];
    } cases[] = {
        {"small", 5, {{0, 0}, {312, 288}, {8, 8}, {78, 72}, {24, 16}}},
        {"small-features", 6, {{0, 0}, {15, 14}, {312, 288}, {8, 8}, {78, 72}, {64, 56}}},
        {"small-level", 4, {{0, 0}, {78, 72}, {78, 72}, {2, 2}}},
        {"rife-v4.6", 7, {{0, 0}, {1080, 1056}, {8, 8}, {540, 528}, {8, 8}, {78, 72}, {48, 40}}},
        {"rife-v4.25",
         10,
         {{27, 26}, {0, 0}, {2160, 2112}, {16, 16}, {1080, 1056}, {16, 16}, {540, 528}, {16, 16}, {78, 72}, {48, 48}}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *path = i < 3 ? flow_small_model((flow_kind)i, folder) : flow_model(cases[i].name, folder);
        if (!path)
            break;
        tw_model *model = open_model(path);
        const tw_flow *f = model->flow;
        double macs = 0;
        g_assert_cmpint(f->n_stages, ==, cases[i].stages);
        for (int k = 0; k < f->n_stages; k++) {
            print_stage(f, k);
            macs += f->stages[k].macs;
            for (int axis = 0; axis < 2; axis++) {
                g_assert_cmpint(f->stages[k].halo[axis], ==, cases[i].halo[k][0]);
                g_assert_cmpint(f->stages[k].halo[axis + 2], ==, cases[i].halo[k][1]);
            }
            g_assert_cmpint(f->stages[k].align % f->stages[k].grid, ==, 0);
        }
        g_assert_cmpfloat(fabs(macs / model->geometry->macs_per_pixel - 1), <, 1e-9); /* every layer in one stage */
        g_assert_cmpint(f->geometry->size_multiple, ==, model->geometry->size_multiple);
        check_times(f, strcmp(cases[i].name, "small-level") ? f->n_inputs - 2 : 2);
        const tw_flow *ends = model->flow_ends;
        g_assert_nonnull(ends);
        g_assert_cmpint(ends->n_stages, ==, f->n_stages);
        g_assert_cmpstr(ends->text, ==, f->text);
        for (int k = 0; k < 3; k++) {
            g_assert_cmpint(tw_flow_channels(ends, ends->ending[k]), ==, k < 2 ? 2 : 1);
            g_assert_cmpint(ends->blobs[ends->ending[k]].made, ==, f->n_stages - 1);
        }
        tw_model_free(model);
    }
}

/* Tiles begin where all layers agree, hold what their core needs, and need no more than the plan is told. */
static void check_needs(char *path)
{
    tw_model *model = open_model(path);
    const tw_flow *f = model->flow;
    GRand *rand = g_rand_new_with_seed(3);
    for (int i = 0; i < 2000; i++) {
        int stage = g_rand_int_range(rand, 0, f->n_stages);
        int64_t n = 64 * g_rand_int_range(rand, 1, 150), length = tw_flow_length(f, stage, n);
        int64_t lo = g_rand_int_range(rand, 0, (int)length), core = g_rand_int_range(rand, 1, (int)(length - lo) + 1);
        tw_span need = tw_flow_need(f, stage, i % 2, n, (tw_span){lo, lo + core});
        tw_ratio rate = f->stages[stage].rate;
        g_assert_cmpint(need.lo, >=, 0);
        g_assert_cmpint(need.hi, <=, n);
        g_assert_cmpint(need.lo % f->stages[stage].align, ==, 0);
        g_assert_true(need.hi == n || need.hi % f->stages[stage].grid == 0);
        g_assert_cmpint(need.lo * rate.num, <=, lo * rate.den);
        g_assert_cmpint(need.hi * rate.num, >=, (lo + core) * rate.den);
        g_assert_cmpint(tw_span_length(need), <=, tw_flow_most(f, stage, i % 2, n, core));
    }
    g_rand_free(rand);
    tw_model_free(model);
}

static void test_needs(void)
{
    char *models[6];
    flow_models(folder, models);
    for (int i = 0; models[i]; i++)
        check_needs(models[i]);
}

static void test_refusals(void)
{
    static const struct {
        const char *lines, *why;
    } cases[] = {
        {"2 2\nInput a 0 1 a 2=3\nReLU r 1 1 a b\n", "not a net that warps two pictures"},
        {"5 5\nInput a 0 1 a 2=3\nInput b 0 1 b 2=3\nConvolution c 1 1 b f 0=2 1=1 6=6\nrife.Warp w 2 1 a f y\n"
         "Interp i 1 1 y z 0=2 1=2 2=2\n",
         "another size"},
        {"6 6\nInput a 0 1 a 2=3\nInput b 0 1 b 2=3\nInput t 0 1 t 2=1\nConvolution c 1 1 b f 0=2 1=1 6=6\nrife.Warp w 2 1 t f "
         "y\n"
         "BinaryOp s 2 1 a y z 0=0\n",
         "blob t is no picture"},
        {"5 5\nInput a 0 1 a 2=3\nInput b 0 1 b 2=3\nConvolution c 1 1 b f 0=2 1=1 6=6\nrife.Warp w 2 1 a f y\n"
         "InstanceNorm n 1 1 y z 0=3\n",
         "cannot be run in stages"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf("7767517\n%s", cases[i].lines);
        tw_error err = TW_ERROR_NONE;
        tw_graph *graph;
        tw_geometry *g;
        tw_flow *flow;
        g_assert_cmpint(tw_graph_parse(text, strlen(text), "case", &graph, &err), ==, TW_OK);
        g_assert_cmpint(tw_geometry_of(graph, "case", &g, &err), ==, TW_OK);
        g_assert_cmpint(tw_flow_of(graph, g, text, "case", false, &flow, &err), ==, TW_ERROR_USAGE);
        if (!strstr(err.message, cases[i].why))
            g_error("%s; expected '%s'", err.message, cases[i].why);
        tw_geometry_free(g);
        tw_graph_free(graph);
    }
}

/* ---- the weights ---- */

static void measure_flow(const test_image *flow, double *rms, double *most)
{
    double sum = 0;
    *most = 0;
    for (int y = 0; y < flow->h; y++)
        for (int x = 0; x < flow->w; x++)
            for (int pair = 0; pair < 2; pair++) {
                double u = *image_at(flow, pair * 2, y, x), v = *image_at(flow, pair * 2 + 1, y, x);
                sum += u * u + v * v;
                *most = fmax(*most, hypot(u, v));
            }
    *rms = sqrt(sum / (2.0 * flow->w * flow->h));
}

static void test_weights(void)
{
    static const struct {
        const char *name, *flow, *mask;
    } cases[] = {{"small", "flow", "mask"},
                 {"small-features", "flow", "mask"},
                 {"small-level", "flow", "mask"},
                 {"rife-v4.6", "327", "332"},
                 {"rife-v4.25", "460", "464"}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = i < 3 ? flow_small_model((flow_kind)i, folder) : flow_model(cases[i].name, folder);
        if (!path)
            break;
        flow_oracle *oracle = flow_oracle_open(path);
        test_image a = flow_frame(512, 384, 0), b = flow_frame(512, 384, 40);
        test_image flow = flow_oracle_run(oracle, &a, &b, 0.5, cases[i].flow);
        test_image mask = flow_oracle_run(oracle, &a, &b, 0.5, cases[i].mask);
        test_image out = flow_oracle_run(oracle, &a, &b, 0.5, "out0");
        double rms, most, least = 1, greatest = 0, low = 1, high = 0;
        measure_flow(&flow, &rms, &most);
        for (int k = 0; k < mask.w * mask.h; k++) {
            low = fmin(low, mask.data[k]);
            high = fmax(high, mask.data[k]);
        }
        for (int k = 0; k < out.w * out.h * out.c; k++) {
            least = fmin(least, out.data[k]);
            greatest = fmax(greatest, out.data[k]);
        }
        g_test_message("%s: flow %.1f px rms, %.1f most; mask %.3f..%.3f, result %.3f..%.3f", cases[i].name, rms, most, low,
                       high, least, greatest);
        g_assert_cmpfloat(rms, >=, 8);
        g_assert_cmpfloat(most, >=, 100);
        g_assert_true(low > 0.02 && high < 0.98 && high - low > 0.05);
        g_assert_true(least >= 0 && greatest <= 1 && greatest - least > 0.5);
        g_free(a.data);
        g_free(b.data);
        g_free(flow.data);
        g_free(mask.data);
        g_free(out.data);
        flow_oracle_close(oracle);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("tilewright-test-XXXXXX", NULL);
    g_test_add_func("/flow/stages", test_stages);
    g_test_add_func("/flow/needs", test_needs);
    g_test_add_func("/flow/refusals", test_refusals);
    g_test_add_func("/flow/weights", test_weights);
    return g_test_run();
}
