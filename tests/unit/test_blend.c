/* SPDX-License-Identifier: MIT */
/** Blending where results depend on the tile: weights, sums, and whole runs through engines that are inexact on purpose. */
#include <math.h>

#include "blend/accumulate.h"
#include "image_fixture.h"
#include "job.h"
#include "schedule/schedule.h"
#include "tilewright/tilewright.h"

static const char *const kinds[] = {"none", "linear", "cosine", "gaussian"};

/* --- weights ----------------------------------------------------------------------------------------------------- */

static void test_ramp(void)
{
    int32_t rise[1000], fall[1000];
    for (int kind = TW_RAMP_LINEAR; kind <= TW_RAMP_GAUSSIAN; kind++)
        for (int64_t n = 1; n <= 1000; n = n < 70 ? n + 1 : n + 93) {
            tw_ramp_fill((tw_ramp_kind)kind, n, rise, fall);
            for (int64_t i = 0; i < n; i++) {
                g_assert_cmpint(rise[i] + fall[i], ==, TW_RAMP_ONE);
                g_assert_cmpint(rise[i], ==, fall[n - 1 - i]);
                g_assert_cmpint(rise[i], >=, i ? rise[i - 1] : 0);
            }
        }
}

/* Adds the weights of every tile of an axis, as they lie over its samples. */
static void add_weights(const tw_grid *grid, int axis, tw_ramp_kind kind, int32_t *sums, int *touched)
{
    int64_t count = axis ? grid->rows : grid->columns;
    int32_t rise[256], fall[256];
    for (int64_t i = 0; i < count; i++) {
        tw_rect write = tw_grid_write(grid, axis ? i * grid->columns : i);
        tw_rect core = tw_grid_rect(grid, axis ? i * grid->columns : i);
        tw_span before = tw_grid_overlap(grid, axis, i), after = tw_grid_overlap(grid, axis, i + 1);
        int64_t from = axis ? write.y : write.x, to = from + (axis ? write.h : write.w);
        int64_t at = axis ? core.y : core.x, end = at + (axis ? core.h : core.w);
        g_assert_cmpint(from, ==, before.lo);
        g_assert_cmpint(to, ==, after.hi);
        g_assert_cmpint(before.hi, <=, after.lo); /* at most two tiles along an axis */
        g_assert_cmpint(at - from, <=, (axis ? grid->tile_h : grid->tile_w) / 2);
        g_assert_cmpint(to - end, <=, (axis ? grid->tile_h : grid->tile_w) / 2);
        for (int64_t x = from; x < to; x++) {
            tw_ramp_fill(kind, before.hi - before.lo, rise, fall);
            int32_t weight = x < before.hi ? rise[x - before.lo] : TW_RAMP_ONE;
            tw_ramp_fill(kind, after.hi - after.lo, rise, fall);
            sums[x] += x >= after.lo ? fall[x - after.lo] : weight;
            touched[x]++;
        }
    }
}

static void test_partition(void)
{
    static const int64_t sizes[] = {1, 2, 3, 17, 40, 64, 101}, tiles[] = {1, 2, 5, 16, 33, 64}, ramps[] = {0, 1, 2, 7, 24, 500};
    static const int64_t aligns[] = {1, 4, 6};
    for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++)
        for (size_t t = 0; t < G_N_ELEMENTS(tiles); t++)
            for (size_t r = 0; r < G_N_ELEMENTS(ramps); r++)
                for (size_t a = 0; a < G_N_ELEMENTS(aligns); a++)
                    for (int axis = 0; axis < 2; axis++) {
                        tw_ramp_kind kind = (tw_ramp_kind)(1 + (s + t + r) % 3);
                        tw_pass pass = {.width = axis ? 70 : sizes[s], .height = axis ? sizes[s] : 70, .align = aligns[a]};
                        pass.blend = kind, pass.ramp = ramps[r], pass.ramp_least = 2;
                        tw_grid grid = tw_grid_of_pass(&pass, tiles[t], tiles[t]);
                        int32_t sums[128] = {0};
                        int touched[128] = {0};
                        add_weights(&grid, axis, kind, sums, touched);
                        for (int64_t x = 0; x < sizes[s]; x++)
                            g_assert_cmpint(sums[x], ==, TW_RAMP_ONE);
                        g_assert_cmpint(touched[0], ==, 1); /* the border is one tile's, with weight 1 */
                        g_assert_cmpint(touched[sizes[s] - 1], ==, 1);
                    }
}

/* No pass that is exact, counts values or asks for nothing overlaps. */
static void test_no_overlap(void)
{
    tw_pass pass = {.width = 100, .height = 90, .align = 1, .ramp = 9, .ramp_least = 1};
    tw_grid grid = tw_grid_of_pass(&pass, 20, 20);
    g_assert_false(tw_grid_blends(&grid));
    g_assert_cmpint(tw_grid_blend_rows(&grid, true), ==, 0);
    pass.blend = TW_RAMP_COSINE;
    pass.result = TW_RESULT_VALUES;
    grid = tw_grid_of_pass(&pass, 20, 20);
    g_assert_false(tw_grid_blends(&grid));
    pass.result = TW_RESULT_PICTURE;
    grid = tw_grid_of_pass(&pass, 100, 100);
    g_assert_false(tw_grid_blends(&grid)); /* one tile */
    grid = tw_grid_of_pass(&pass, 20, 20);
    g_assert_cmpint(grid.reach_w, ==, 5);
    pass.ramp = 0;
    grid = tw_grid_of_pass(&pass, 20, 90);
    g_assert_cmpint(grid.reach_w, ==, 1); /* a tenth of 20, half to each side */
    g_assert_cmpint(grid.reach_h, ==, 0);
}

/* --- sums -------------------------------------------------------------------------------------------------------- */

#define WIDE 300

typedef struct contribution {
    float samples[WIDE];
    int32_t across[WIDE], down;
} contribution;

static void sum_in_order(fixture *f, const tw_picture *p, const contribution *c, const int *order, float *to)
{
    tw_accumulator *a;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_accumulator_new(f->context, p, 2, &a, &err), err);
    for (int64_t y = 0; y < 3; y++) {
        assert_ok(tw_accumulator_reserve(a, y + 1, &err), err);
        for (int band = 0; band < 3; band++)
            for (int i = 0; i < 4; i++)
                tw_accumulator_add(a, 0, y, band, WIDE, c[order[i]].samples, c[order[i]].across, c[order[i]].down);
        tw_accumulator_take(a, y, to + y * WIDE * 3);
    }
    tw_accumulator_free(a);
}

static void test_sums(fixture *f, gconstpointer data)
{
    tw_picture p = {WIDE, 3, 3, false, TW_F32};
    static const int orders[][4] = {{0, 1, 2, 3}, {3, 1, 0, 2}, {2, 3, 1, 0}};
    contribution *c = g_new0(contribution, 4);
    float *got = g_new(float, WIDE * 9), *again = g_new(float, WIDE * 9);
    int32_t down = g_test_rand_int_range(0, TW_RAMP_ONE + 1);
    for (int i = 0; i < 4; i++)
        c[i].down = i < 2 ? down : TW_RAMP_ONE - down;
    for (int x = 0; x < WIDE; x++) {
        int32_t across = g_test_rand_int_range(0, TW_RAMP_ONE + 1);
        for (int i = 0; i < 4; i++) {
            c[i].samples[x] = (float)g_test_rand_double_range(-8, 8);
            c[i].across[x] = i % 2 ? across : TW_RAMP_ONE - across;
        }
    }
    sum_in_order(f, &p, c, orders[0], got);
    for (int k = 1; k < 3; k++) {
        sum_in_order(f, &p, c, orders[k], again);
        g_assert_cmpmem(got, WIDE * 9 * sizeof(float), again, WIDE * 9 * sizeof(float));
    }
    for (int x = 0; x < WIDE; x++) {
        double want = 0;
        for (int i = 0; i < 4; i++)
            want += (double)c[i].samples[x] * c[i].across[x] * c[i].down / TW_RAMP_ONE / TW_RAMP_ONE;
        g_assert_cmpfloat(fabs(got[x * 3 + 1] - want), <, 1e-6);
    }
    g_free(again);
    g_free(got);
    g_free(c);
}

/* Values beyond the range are clamped, also when four tiles meet; NaN is 0; a sole writer's value is kept. */
static void test_sum_limits(fixture *f, gconstpointer data)
{
    static const float samples[] = {1e30f, -INFINITY, NAN, 126.5f, 0.25f}, want[] = {127, -127, 0, 126.5f, 0.25f};
    int32_t half[5] = {TW_RAMP_ONE / 2, TW_RAMP_ONE / 2, TW_RAMP_ONE / 2, TW_RAMP_ONE / 2, TW_RAMP_ONE / 2};
    tw_picture p = {5, 2, 1, false, TW_F32};
    tw_accumulator *a;
    tw_error err = TW_ERROR_NONE;
    float row[5];
    assert_ok(tw_accumulator_new(f->context, &p, 2, &a, &err), err);
    for (int i = 0; i < 4; i++)
        tw_accumulator_add(a, 0, 0, 0, 5, samples, half, TW_RAMP_ONE / 2);
    tw_accumulator_add(a, 0, 1, 0, 5, samples, NULL, TW_RAMP_ONE);
    for (int64_t y = 0; y < 2; y++) {
        tw_accumulator_take(a, y, row);
        for (int i = 0; i < 5; i++)
            g_assert_cmpfloat(row[i], ==, want[i]);
    }
    tw_accumulator_stop(a);
    g_assert_cmpint(tw_accumulator_reserve(a, 3, &err), !=, TW_OK);
    err = (tw_error)TW_ERROR_NONE;
    tw_accumulator_free(a);
    p.height = 100;
    int64_t held = tw_account_used(f->account), bytes = tw_accumulator_bytes(&p, 7);
    tw_account_fail_at(f->account, 1);
    g_assert_cmpint(tw_accumulator_new(f->context, &p, 7, &a, &err), ==, TW_ERROR_BUDGET);
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(tw_accumulator_new(f->context, &p, 7, &a, &err), err);
    g_assert_cmpint(tw_account_used(f->account) - held, >=, bytes);
    tw_accumulator_free(a);
    g_assert_cmpint(tw_account_used(f->account), ==, held);
}

/* --- whole runs -------------------------------------------------------------------------------------------------- */

typedef struct engine {
    int scale, overlap, fails_above; /* pixels; 0: never */
    bool exact;
    enum { SAME, MEAN, SHIFT } does; /* the tile itself; its mean; itself plus a tenth of the mean */
} engine;

static int32_t engine_scale(void *user)
{
    return ((engine *)user)->scale;
}

static void engine_tiling(void *user, tw_tiling_config *config)
{
    const engine *e = user;
    config->overlap = e->overlap;
    config->inexact = !e->exact;
}

static int engine_run(void *user, const float *in, int32_t width, int32_t height, float *out)
{
    const engine *e = user;
    int64_t s = e->scale, n = (int64_t)width * height * 3;
    double mean = 0;
    if (e->fails_above && width * height > e->fails_above)
        return 7;
    for (int64_t i = 0; i < n; i++)
        mean += in[i] / (double)n;
    for (int64_t y = 0; y < height * s; y++)
        for (int64_t x = 0; x < width * s; x++)
            for (int64_t c = 0; c < 3; c++) {
                float v = in[(y / s * width + x / s) * 3 + c];
                out[(y * width * s + x) * 3 + c] = e->does == MEAN    ? (float)mean
                                                   : e->does == SHIFT ? v + 0.1f * (float)mean
                                                                      : v;
            }
    return 0;
}

typedef struct setting {
    const char *name, *value;
} setting;

typedef struct outcome {
    tw_picture picture;
    char *pixels;
    tw_plan plan;
    int64_t account_peak;
    char *json, *explained;
} outcome;

static void outcome_free(outcome *o)
{
    free(o->pixels);
    g_free(o->json);
    g_free(o->explained);
}

static tw_status run_engine(fixture *f, const engine *e, const char *input, const setting *settings, outcome *out,
                            tw_error *err)
{
    tw_engine_callbacks callbacks = {.size = sizeof callbacks, .user = (void *)e, .process_rgb = engine_run};
    callbacks.scale_factor = engine_scale;
    callbacks.tiling_config = engine_tiling;
    callbacks.thread_safe = 1;
    tw_session *session;
    tw_job *job;
    char *output = in_dir(f, "out.tif");
    TW_TRY(tw_session_new(&session, err));
    TW_TRY(tw_session_add_engine(session, "test", &callbacks, err));
    TW_TRY(tw_job_new(session, "upscale", &job, err));
    TW_TRY(tw_job_set(job, "model", "test", err));
    TW_TRY(tw_job_set(job, "overwrite", "true", err));
    TW_TRY(tw_job_set(job, "schedule", "halo", err));
    for (; settings && settings->name; settings++)
        TW_TRY(tw_job_set(job, settings->name, settings->value, err));
    TW_TRY(tw_job_input(job, input, err));
    TW_TRY(tw_job_output(job, output, err));
    tw_job_on_warning(job, keep_warning, f->warnings);
    tw_status status = tw_job_run(job, err);
    if (status == TW_OK) {
        *out = (outcome){.plan = job->plan, .account_peak = tw_account_peak(job->account)};
        out->json = tw_job_json(job);
        out->explained = tw_job_explain(job);
    }
    tw_job_free(job);
    tw_session_free(session);
    if (status == TW_OK) {
        tw_place place = {.path = output};
        tw_source *source;
        TW_TRY(tw_source_open(f->context, &place, NULL, &source, err));
        out->picture = *tw_source_picture(source);
        out->pixels = read_all(source, 64);
        tw_source_close(source);
    }
    g_free(output);
    return status;
}

static outcome must_run(fixture *f, const engine *e, const char *input, const setting *settings)
{
    outcome out = {0};
    tw_error err = TW_ERROR_NONE;
    assert_ok(run_engine(f, e, input, settings, &out, &err), err);
    return out;
}

static char *save_picture(fixture *f, const char *name, const tw_picture *p, const void *pixels)
{
    char *path = in_dir(f, name);
    tw_place place = {.path = path};
    tw_sink *sink;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_sink_open(f->context, &place, p, NULL, &(tw_sink_options){.overwrite = true}, 8, &sink, &err), err);
    for (int64_t y = 0; y < p->height; y++) {
        assert_ok(tw_sink_reserve(sink, y + 1, &err), err);
        memcpy(tw_sink_row(sink, y), (const char *)pixels + y * tw_picture_row_bytes(p), (size_t)tw_picture_row_bytes(p));
        tw_sink_done(sink, (tw_rect){0, y, p->width, 1});
    }
    assert_ok(tw_sink_commit(sink, &err), err);
    tw_sink_close(sink);
    return path;
}

static char *save_pattern(fixture *f, const char *name, const tw_picture *p)
{
    char *pixels = pattern_pixels(p), *path = save_picture(f, name, p, pixels);
    free(pixels);
    return path;
}

/* An engine that gives its tile back gives the picture back, whatever the depth, the bands and the ramp. */
static void test_identity(fixture *f, gconstpointer data)
{
    for (int depth = 0; depth <= 2; depth++)
        for (int colours = 1; colours <= 3; colours += 2)
            for (int alpha = 0; alpha <= 1; alpha++)
                for (int kind = 1; kind < 4; kind++) {
                    tw_picture p = {131, 87, colours, alpha != 0, (tw_depth)depth};
                    static const char *const ramps[] = {"0", "1", "9", "1000"};
                    engine e = {.scale = 1, .overlap = 2};
                    setting settings[] = {
                        {"tile", "32x25"}, {"blend", kinds[kind]}, {"ramp", ramps[(kind + depth) % 4]}, {"threads", "3"}, {0}};
                    char *path = save_pattern(f, "in.tif", &p), *want = pattern_pixels(&p);
                    outcome o = must_run(f, &e, path, settings);
                    g_assert_cmpint(o.plan.blend_rows, >, 0);
                    double tolerance = depth == TW_U8 ? 0 : depth == TW_U16 ? 1.01 / 65535 : 1e-6;
                    if (!alpha) /* colour is carried under transparent pixels */
                        g_assert_cmpfloat(largest_difference(&p, want, o.pixels), <=, tolerance);
                    outcome_free(&o);
                    free(want);
                    g_free(path);
                }
}

static void test_constant(fixture *f, gconstpointer data)
{
    for (int scale = 1; scale <= 3; scale++) {
        tw_picture p = {120, 77, 3, false, TW_F32};
        float *pixels = g_new(float, 120 * 77 * 3);
        for (int i = 0; i < 120 * 77 * 3; i++)
            pixels[i] = 0.7f;
        char *path = save_picture(f, "flat.tif", &p, pixels);
        engine e = {.scale = scale, .overlap = 3};
        setting settings[] = {{"tile", "23x17"}, {"threads", "2"}, {0}};
        outcome o = must_run(f, &e, path, settings);
        for (int64_t i = 0; i < o.picture.width * o.picture.height * 3; i++)
            g_assert_cmpfloat(fabsf(((float *)o.pixels)[i] - 0.7f), <=, 3e-7f);
        outcome_free(&o);
        g_free(pixels);
        g_free(path);
    }
}

/* A slope from left to right; an engine that gives each tile's mean makes stairs of it. */
static double largest_step(fixture *f, const setting *settings, tw_plan *plan)
{
    tw_picture p = {240, 200, 3, false, TW_F32};
    float *pixels = g_new(float, 240 * 200 * 3);
    for (int i = 0; i < 240 * 200 * 3; i++)
        pixels[i] = 0.2f + 0.002f * (float)(i / 3 % 240) + 0.001f * (float)(i / 720);
    char *path = save_picture(f, "slope.tif", &p, pixels);
    engine e = {.scale = 1, .does = MEAN};
    outcome o = must_run(f, &e, path, settings);
    const float *v = (float *)o.pixels;
    double most = 0;
    for (int64_t y = 0; y < 200; y++)
        for (int64_t x = 0; x < 240; x++) {
            if (x > 0)
                most = MAX(most, fabs(v[(y * 240 + x) * 3] - v[(y * 240 + x - 1) * 3]));
            if (y > 0)
                most = MAX(most, fabs(v[(y * 240 + x) * 3] - v[((y - 1) * 240 + x) * 3]));
        }
    *plan = o.plan;
    outcome_free(&o);
    g_free(pixels);
    g_free(path);
    return most;
}

static void test_steps(fixture *f, gconstpointer data)
{
    static const double steepest[] = {0, 1, 1.571, 2.02}; /* slope of each ramp in its middle */
    tw_plan plan;
    double offset = 40 * 0.002;
    setting crop[] = {{"tile", "40"}, {"blend", "none"}, {0}};
    g_assert_cmpfloat(largest_step(f, crop, &plan), >, 0.99 * offset);
    g_assert_cmpint(plan.blend_bytes, ==, 0);
    for (int kind = 1; kind < 4; kind++)
        for (int ramp = 4; ramp <= 40; ramp += 12) {
            char number[16];
            g_snprintf(number, sizeof number, "%d", ramp);
            setting blended[] = {{"tile", "40"}, {"blend", kinds[kind]}, {"ramp", number}, {0}};
            double step = largest_step(f, blended, &plan);
            g_assert_cmpint(plan.overlap[0], ==, ramp);
            /* Tiles are wider by the ramp, at the borders by half of it, which moves their means apart by as much again. */
            double apart = offset + 0.002 * ramp / 4;
            g_test_message("%s over %d: %g, cropped %g", kinds[kind], ramp, step, offset);
            g_assert_cmpfloat(step, <=, steepest[kind] * apart / ramp + 1e-4);
        }
}

/* One tile size, any number of threads: the same bytes. Tiles that must be cut again keep their weights. */
static void test_threads(fixture *f, gconstpointer data)
{
    static const char *const threads[] = {"1", "2", "4"};
    static const engine engines[] = {{.scale = 2, .overlap = 1, .does = SHIFT},
                                     {.scale = 1, .does = SHIFT, .fails_above = 700}};
    tw_picture p = {211, 160, 3, true, TW_F32};
    char *path = save_pattern(f, "noise.tif", &p);
    for (size_t k = 0; k < G_N_ELEMENTS(engines); k++) {
        outcome first = {0};
        for (int i = 0; i < 3; i++) {
            setting settings[] = {{"tile", "30"}, {"threads", threads[i]}, {"ramp", "11"}, {0}};
            outcome o = must_run(f, &engines[k], path, settings);
            if (i == 0) {
                first = o;
                continue;
            }
            size_t n = (size_t)(o.picture.height * tw_picture_row_bytes(&o.picture));
            g_assert_cmpmem(first.pixels, n, o.pixels, n);
            outcome_free(&o);
        }
        outcome_free(&first);
    }
    g_free(path);
}

static void test_retries(fixture *f, gconstpointer data)
{
    tw_picture p = {150, 110, 3, false, TW_U16};
    char *path = save_pattern(f, "in.tif", &p), *want = pattern_pixels(&p);
    for (int limit = 1500; limit >= 60; limit /= 4) {
        engine e = {.scale = 1, .fails_above = limit};
        setting settings[] = {{"tile", "50"}, {"ramp", "20"}, {"threads", "2"}, {0}};
        outcome o = must_run(f, &e, path, settings);
        g_assert_cmpfloat(largest_difference(&p, want, o.pixels), <=, 1.01 / 65535);
        outcome_free(&o);
    }
    outcome o = {0};
    tw_error err = TW_ERROR_NONE;
    engine never = {.scale = 1, .fails_above = 1};
    setting settings[] = {{"tile", "50"}, {"threads", "4"}, {0}};
    g_assert_cmpint(run_engine(f, &never, path, settings, &o, &err), ==, TW_ERROR_RUN);
    free(want);
    g_free(path);
}

/* What the plan counts is what is taken; it says so. */
static void test_memory(fixture *f, gconstpointer data)
{
    static const char *const tiles[] = {"16", "64", "200x40"}, *const ramps[] = {"0", "30", "400"};
    tw_picture p = {3000, 150, 3, false, TW_F32};
    char *path = save_pattern(f, "wide.tif", &p);
    for (size_t i = 0; i < G_N_ELEMENTS(tiles); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(ramps); j++) {
            engine e = {.scale = 1, .overlap = 4, .does = SHIFT};
            setting settings[] = {{"tile", tiles[i]}, {"ramp", ramps[j]}, {"threads", "4"}, {"memory", "1G"}, {0}};
            outcome o = must_run(f, &e, path, settings);
            const tw_plan *plan = &o.plan;
            g_assert_cmpint(plan->blend_bytes, >, 0);
            g_assert_cmpint(o.account_peak, >=, plan->blend_bytes);
            g_assert_cmpint(o.account_peak, <=,
                            plan->window_bytes + plan->ring_bytes + plan->blend_bytes + plan->workers_bytes +
                                (2 << 20)); /* small structs; part of base_bytes */
            g_assert_nonnull(strstr(o.explained, "rows being blended"));
            g_assert_nonnull(strstr(o.json, "\"overlap\":["));
            outcome_free(&o);
        }
    g_free(path);
}

/* Where tiles are exact, or there is only one, nothing is blended. */
static void test_exact(fixture *f, gconstpointer data)
{
    tw_picture p = {100, 80, 3, false, TW_U8};
    char *path = save_pattern(f, "in.tif", &p);
    engine exact = {.scale = 2, .overlap = 1, .exact = true}, whole = {.scale = 2, .does = MEAN};
    setting plain[] = {{"tile", "30"}, {0}}, blended[] = {{"tile", "30"}, {"blend", "linear"}, {"ramp", "8"}, {0}};
    setting one[] = {{"schedule", "whole"}, {0}};
    outcome a = must_run(f, &exact, path, plain);
    g_assert_cmpuint(f->warnings->len, ==, 0);
    outcome b = must_run(f, &exact, path, blended);
    g_assert_nonnull(strstr(f->warnings->str, "--blend and --ramp are ignored"));
    g_assert_cmpint(a.plan.blend_bytes + b.plan.blend_bytes, ==, 0);
    g_assert_cmpfloat(largest_difference(&a.picture, a.pixels, b.pixels), ==, 0);
    outcome c = must_run(f, &whole, path, one);
    g_assert_cmpint(c.plan.blend_bytes, ==, 0);
    outcome_free(&a);
    outcome_free(&b);
    outcome_free(&c);
    g_free(path);
}

static void set_up(fixture *f, gconstpointer data)
{
    fixture_open(f);
}

static void tear_down(fixture *f, gconstpointer data)
{
    fixture_close(f);
}

int main(int argc, char **argv)
{
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/blend/ramp", test_ramp);
    g_test_add_func("/blend/partition", test_partition);
    g_test_add_func("/blend/no-overlap", test_no_overlap);
#define ADD(name, test) g_test_add("/blend/" name, fixture, NULL, set_up, test, tear_down)
    ADD("sums", test_sums);
    ADD("sum-limits", test_sum_limits);
    ADD("identity", test_identity);
    ADD("constant", test_constant);
    ADD("steps", test_steps);
    ADD("threads", test_threads);
    ADD("retries", test_retries);
    ADD("memory", test_memory);
    ADD("exact", test_exact);
    return g_test_run();
}
