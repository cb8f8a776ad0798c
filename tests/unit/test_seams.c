/* SPDX-License-Identifier: MIT */
/** Edges between tiles that move to where the picture has least detail: their places against all that there are, overlaps, and whole runs
 *  through engines that are inexact on purpose. */
#include <jansson.h>

#include "job.h"
#include "job_fixture.h"
#include "schedule/schedule.h"
#include "schedule/seams.h"

#define WIDTH  240
#define HEIGHT 180

/* Where the picture is smooth: none of them at an even edge of tiles of 80, whose pitch is 60. */
static const int smooth_x[] = {47, 108, 171}, smooth_y[] = {71, 133};
static char *picture, *result;

/* --- places of edges ----------------------------------------------------------------------------------------------- */

typedef struct found {
    int64_t detail, moved;
    bool any;
} found;

static bool allowed(const tw_seam_rule *rule, const int64_t *edges)
{
    for (int64_t i = 0; i < rule->count; i++) {
        int64_t length = edges[i + 1] - edges[i], even_last = rule->length - (rule->count - 1) * rule->pitch;
        int64_t least = i + 1 < rule->count ? rule->least : MIN(rule->least, even_last);
        if (length < least || length > rule->most || edges[i] % rule->align || llabs(edges[i] - i * rule->pitch) > rule->shift)
            return rule->count == 1;
    }
    return true;
}

static found cost_of(const tw_seam_rule *rule, const int64_t *detail, const int64_t *edges)
{
    found f = {.any = true};
    for (int64_t i = 1; i < rule->count; i++) {
        f.detail += tw_seams_detail(rule, detail, edges[i]);
        f.moved += llabs(edges[i] - i * rule->pitch);
    }
    return f;
}

/* All ways to lay edge `edge` and those behind it. */
static void try_all(const tw_seam_rule *rule, const int64_t *detail, int64_t *edges, int64_t edge, found *best)
{
    if (edge == rule->count) {
        found f = cost_of(rule, detail, edges);
        bool better = !best->any || f.detail < best->detail || (f.detail == best->detail && f.moved < best->moved);
        if (allowed(rule, edges) && better)
            *best = f;
        return;
    }
    for (int64_t at = edge * rule->pitch - rule->shift; at <= edge * rule->pitch + rule->shift; at += rule->align) {
        edges[edge] = at;
        if (at > 0 && at < rule->length)
            try_all(rule, detail, edges, edge + 1, best);
    }
}

static void choose(const tw_seam_rule *rule, const int64_t *detail, int64_t *edges)
{
    void *room = g_malloc((gsize)tw_seams_bytes(rule));
    tw_seams_choose(rule, detail, room, edges);
    g_free(room);
    g_assert_cmpint(edges[0], ==, 0);
    g_assert_cmpint(edges[rule->count], ==, rule->length);
    g_assert_true(allowed(rule, edges));
}

/* Pitches and lengths of all kinds, slivers among the last tiles; few kinds of detail, so that there are ties. */
static tw_seam_rule random_rule(GRand *rand)
{
    tw_seam_rule rule = {.align = g_rand_int_range(rand, 1, 4), .count = g_rand_int_range(rand, 1, 5)};
    rule.pitch = rule.align * g_rand_int_range(rand, 1, 9);
    rule.shift = rule.pitch / 2 / rule.align * rule.align;
    rule.length = (rule.count - 1) * rule.pitch + g_rand_int_range(rand, 1, (int)rule.pitch + 1);
    rule.most = rule.pitch + rule.align * g_rand_int_range(rand, 0, 4);
    rule.least = g_rand_int_range(rand, (int)(rule.pitch + 1) / 2, (int)rule.pitch + 1);
    rule.around = g_rand_int_range(rand, 1, 4);
    return rule;
}

static void test_brute_force(void)
{
    GRand *rand = g_rand_new_with_seed(7);
    for (int trial = 0; trial < 4000; trial++) {
        tw_seam_rule rule = random_rule(rand);
        int64_t detail[128], edges[8], tried[8] = {0};
        int kinds = trial % 3 == 0 ? 2 : 1000;
        for (int64_t i = 0; i < rule.length; i++)
            detail[i] = g_rand_int_range(rand, 0, kinds);
        found best = {.any = false};
        tried[rule.count] = rule.length;
        try_all(&rule, detail, tried, 1, &best);
        choose(&rule, detail, edges);
        found f = cost_of(&rule, detail, edges);
        g_assert_true(best.any);
        g_assert_cmpint(f.detail, ==, best.detail);
        g_assert_cmpint(f.moved, ==, best.moved);
    }
    g_rand_free(rand);
}

/* Where nothing is smoother than the rest edges stay even; a smooth place in reach is found, one out of reach is not. */
static void test_ties(void)
{
    int64_t detail[200], edges[6];
    tw_seam_rule rule = {.length = 200, .count = 5, .pitch = 40, .shift = 20, .least = 20, .most = 45, .align = 1, .around = 2};
    for (int i = 0; i < 200; i++)
        detail[i] = 9;
    choose(&rule, detail, edges);
    for (int64_t i = 0; i < 5; i++)
        g_assert_cmpint(edges[i], ==, 40 * i);
    for (int i = 69; i < 73; i++)
        detail[i] = 0;
    choose(&rule, detail, edges);
    g_assert_cmpint(edges[2], ==, 71);
    g_assert_cmpint(edges[3], ==, 71 + 45); /* follows no further than it must */
    g_assert_cmpint(edges[4], ==, 160);
    detail[69] = detail[70] = detail[71] = detail[72] = 9;
    for (int i = 12; i < 17; i++)
        detail[i] = 0;
    choose(&rule, detail, edges);
    g_assert_cmpint(edges[1], ==, 40);
}

/* --- overlaps ------------------------------------------------------------------------------------------------------ */

/* Least where it is smooth, more where there is detail, and never more than the tiles hold. */
static void test_overlaps(void)
{
    static const int64_t positions[] = {0, 50, 90, 150, 210, 250, 300};
    int64_t order[10], reaches[10];
    static const int64_t detail[] = {0, 100, 10, 400, 400, 300, 0};
    tw_seams_widen(6, positions, detail, 4, 80, order, reaches);
    static const int64_t want[] = {0, 4, 4, 10, 10, 12, 0};
    for (int i = 0; i < 7; i++)
        g_assert_cmpint(reaches[i], ==, want[i]);
    GRand *rand = g_rand_new_with_seed(11);
    for (int trial = 0; trial < 3000; trial++) {
        int64_t count = g_rand_int_range(rand, 1, 9), reach = g_rand_int_range(rand, 0, 6), most = 40 + 2 * reach;
        int64_t at[10] = {0}, along[10] = {0};
        for (int64_t i = 1; i <= count; i++) {
            at[i] = at[i - 1] + g_rand_int_range(rand, (int)MAX(2 * reach, 1), 41);
            along[i] = g_rand_int_range(rand, 0, 5);
        }
        tw_seams_widen(count, at, along, reach, most, (int64_t[10]){0}, reaches);
        for (int64_t i = 0; i < count; i++) {
            g_assert_cmpint(reaches[i] + reaches[i + 1], <=, at[i + 1] - at[i]);
            g_assert_cmpint(at[i + 1] - at[i] + reaches[i] + reaches[i + 1], <=, most);
            g_assert_cmpint(reaches[i], >=, i ? reach : 0);
            g_assert_cmpint(reaches[i], <=, 3 * reach);
        }
    }
    g_rand_free(rand);
}

/* --- pictures ------------------------------------------------------------------------------------------------------ */

static bool is_near(const int *places, int n, int at)
{
    for (int i = 0; i < n; i++)
        if (abs(at - places[i]) <= 5)
            return true;
    return false;
}

/* Noise, with smooth bands across it and down it. */
static char *make_bands(const char *name)
{
    float *pixels = g_new(float, WIDTH *HEIGHT * 3);
    for (int y = 0, i = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int band = 0; band < 3; band++, i++) {
                bool smooth = is_near(smooth_x, G_N_ELEMENTS(smooth_x), x) || is_near(smooth_y, G_N_ELEMENTS(smooth_y), y);
                pixels[i] = smooth ? 0.4f : (float)((sample_of(x, y, band) * 37 + x * y * 11) % 256) / 255;
            }
    gsize bytes = WIDTH * HEIGHT * 3 * sizeof(float);
    VipsImage *image = vips_image_new_from_memory_copy(pixels, bytes, WIDTH, HEIGHT, 3, VIPS_FORMAT_FLOAT), *typed = NULL;
    char *path = in_folder(name);
    g_assert_cmpint(vips_copy(image, &typed, "interpretation", VIPS_INTERPRETATION_scRGB, NULL), ==, 0);
    g_assert_cmpint(vips_image_write_to_file(typed, path, NULL), ==, 0);
    g_object_unref(typed);
    g_object_unref(image);
    g_free(pixels);
    return path;
}

/* --- runs ---------------------------------------------------------------------------------------------------------- */

/* Gives one value for the whole tile, or the tile itself. */
static int flat_process(void *user, const float *in, int32_t width, int32_t height, float *out)
{
    bool same = *(bool *)user;
    for (int64_t i = 0; i < (int64_t)width * height * 3; i++)
        out[i] = same ? in[i] : (float)width / 256 + (float)height / 65536 + in[0] / 1e4f;
    return 0;
}

static int32_t flat_scale(void *user)
{
    return 1;
}

static void flat_tiling(void *user, tw_tiling_config *config)
{
    config->inexact = 1;
}

typedef struct outcome {
    tw_report report;
    json_t *json;
    float *samples;
    char *explained, *warnings;
} outcome;

static void outcome_free(outcome *o)
{
    json_decref(o->json);
    g_free(o->samples);
    tw_bytes_free(o->explained);
    g_free(o->warnings);
}

static void keep_warning(void *user, const char *line)
{
    g_string_append(user, line);
}

/* `counted` NULL: an engine that gives its tile back, or (`flat`) one value for all of it. */
static tw_status run(const counter *counted, bool flat, const char *input, const setting *settings, outcome *out, tw_error *err)
{
    tw_session *session = NULL;
    counter c = counted ? *counted : (counter){.scale = 1};
    bool same = !flat;
    tw_engine_callbacks plain = {.size = sizeof plain, .user = &same, .process_rgb = flat_process, .scale_factor = flat_scale};
    plain.tiling_config = flat_tiling;
    plain.thread_safe = 1;
    assert_ok(tw_session_new(&session, err), *err);
    if (counted)
        add_counter(session, "engine", &c, true);
    else
        assert_ok(tw_session_add_engine(session, "engine", &plain, err), *err);
    tw_job *job = upscale_job(session, input, result, settings);
    if (!settings || strcmp(settings->name, "model") != 0)
        assert_ok(tw_job_set(job, "model", "engine", err), *err);
    assert_ok(tw_job_set(job, "overwrite", "true", err), *err);
    GString *warnings = g_string_new(NULL);
    tw_job_on_warning(job, keep_warning, warnings);
    tw_status status = tw_job_run(job, err);
    if (status == TW_OK) {
        char *text = tw_job_json(job);
        size_t bytes;
        *out = (outcome){.report = *tw_job_report(job), .json = json_loads(text, 0, NULL), .explained = tw_job_explain(job)};
        out->samples = read_samples(result, &bytes);
        out->warnings = g_strdup(warnings->str);
        g_assert_cmpint(out->report.job_peak_bytes, >, 0);
        g_assert_cmpint(out->report.job_peak_bytes, <=, out->report.planned_peak_bytes);
        g_assert_cmpint(out->report.planned_peak_bytes, <=, out->report.budget_bytes);
        tw_bytes_free(text);
    }
    g_string_free(warnings, TRUE);
    tw_job_free(job);
    tw_session_free(session);
    return status;
}

static outcome must_run(const counter *counted, bool flat, const char *input, const setting *settings)
{
    outcome o = {0};
    tw_error err = TW_ERROR_NONE;
    assert_ok(run(counted, flat, input, settings, &o, &err), err);
    return o;
}

static const char *text_of(const outcome *o, const char *name)
{
    return json_string_value(json_object_get(o->json, name));
}

/* What tiles that are cropped and flat show: their edges, and how long they are. */
static void assert_edges(const outcome *o, int axis, const int *places, int n)
{
    int64_t length = axis ? HEIGHT : WIDTH, step = axis ? WIDTH * 3 : 3, last = 0, tile = o->report.tile[axis];
    int count = 0;
    for (int64_t i = 1; i < length; i++)
        if (o->samples[i * step] != o->samples[(i - 1) * step]) {
            g_test_message("axis %d: edge at %d", axis, (int)i);
            g_assert_cmpint(count, <, n);
            g_assert_cmpint(ABS(i - places[count]), <=, 4); /* inside the band */
            g_assert_cmpint(i - last, <=, tile);
            last = i;
            count++;
        }
    g_assert_cmpint(count, ==, n);
    g_assert_cmpint(length - last, <=, tile);
}

static void test_edges_move(void)
{
    setting content[] = {{"tile", "80"}, {"blend", "none"}, {"seams", "content"}, {0}};
    setting even[] = {{"tile", "80"}, {"blend", "none"}, {0}};
    outcome a = must_run(NULL, true, picture, content), b = must_run(NULL, true, picture, even);
    assert_edges(&a, 0, smooth_x, G_N_ELEMENTS(smooth_x));
    assert_edges(&a, 1, smooth_y, G_N_ELEMENTS(smooth_y));
    static const int even_x[] = {80, 160}, even_y[] = {60, 120};
    assert_edges(&b, 0, even_x, 2);
    assert_edges(&b, 1, even_y, 2);
    g_assert_cmpint(a.report.tiles, ==, 12);
    g_assert_cmpstr(text_of(&a, "seams"), ==, "content");
    g_assert_null(text_of(&b, "seams"));
    g_assert_cmpfloat(json_real_value(json_object_get(a.json, "seam_detail")), <, 0.05);
    g_assert_nonnull(strstr(a.explained, "seams content"));
    outcome_free(&a);
    outcome_free(&b);
}

/* Weights sum to one wherever edges lie and however wide overlaps are: an engine that gives its tile back gives the picture back. */
static void test_identity(void)
{
    static const char *const ramps[] = {"0", "1", "13", "60", "400"}, *const blends[] = {"linear", "cosine", "gaussian"};
    size_t bytes;
    float *want = read_samples(picture, &bytes);
    for (size_t i = 0; i < G_N_ELEMENTS(ramps); i++)
        for (int threads = 1; threads <= 3; threads += 2) {
            setting settings[] = {{"tile", i % 2 ? "57x33" : "80"},
                                  {"ramp", ramps[i]},
                                  {"blend", blends[i % 3]},
                                  {"seams", "content"},
                                  {"threads", threads == 1 ? "1" : "3"},
                                  {0}};
            outcome o = must_run(NULL, false, picture, settings);
            for (size_t k = 0; k < bytes / sizeof(float); k++)
                if (fabsf(o.samples[k] - want[k]) > 1e-6f)
                    g_error("ramp %s: sample %d is %g, not %g", ramps[i], (int)k, (double)o.samples[k], (double)want[k]);
            outcome_free(&o);
        }
    g_free(want);
}

static void differ(const outcome *a, const outcome *b, double *most, double *mean)
{
    size_t n = (size_t)(a->report.width * a->report.height * 3);
    *most = *mean = 0;
    for (size_t i = 0; i < n; i++) {
        double d = 255 * fabs((double)a->samples[i] - (double)b->samples[i]);
        *most = fmax(*most, d);
        *mean += d / (double)n;
    }
}

/* Against the whole run no worse than even edges, in any way of blending; the same bytes for any number of threads. */
static void test_error(void)
{
    static const char *const blends[] = {"none", "linear", "cosine", "gaussian"}, *const threads[] = {"1", "2", "3"};
    counter c = {.scale = 2, .reach = 4, .overlap = 4};
    setting whole[] = {{"schedule", "whole"}, {0}};
    outcome w = must_run(&c, false, picture, whole);
    for (int i = 0; i < 4; i++) {
        setting even[] = {{"tile", "80"}, {"halo", "1"}, {"blend", blends[i]}, {0}};
        outcome e = must_run(&c, false, picture, even), first = {0};
        double most_even, mean_even, most, mean;
        differ(&w, &e, &most_even, &mean_even);
        for (int t = 0; t < 3; t++) {
            setting content[] = {{"tile", "80"},       {"halo", "1"},           {"blend", blends[i]},
                                 {"seams", "content"}, {"threads", threads[t]}, {0}};
            outcome o = must_run(&c, false, picture, content);
            if (t > 0) {
                size_t bytes = (size_t)(o.report.width * o.report.height * 3) * sizeof(float);
                g_assert_cmpmem(o.samples, bytes, first.samples, bytes);
                outcome_free(&o);
                continue;
            }
            first = o;
            differ(&w, &o, &most, &mean);
            g_test_message("%s: even %g, mean %g; content %g, mean %g; said %g", blends[i], most_even, mean_even, most, mean,
                           o.report.error_bound);
            g_assert_cmpfloat(most, >, 0.01);
            g_assert_cmpfloat(most, <=, most_even);
            g_assert_cmpfloat(mean, <=, mean_even);
            g_assert_cmpfloat(o.report.error_bound, <=, most + 1e-3);
            g_assert_cmpfloat(o.report.error_bound, >, most / 3);
            g_assert_cmpstr(text_of(&o, "error_measured_against"), ==, "the exact context");
        }
        outcome_free(&first);
        outcome_free(&e);
    }
    outcome_free(&w);
}

/* Where all cells at edges are measured, the error is that of the result, blended as it is. */
static void test_error_is_measured(void)
{
    static const char *const blends[] = {"none", "cosine"};
    static const counter engines[] = {{.scale = 1, .reach = 5, .overlap = 5},
                                      {.scale = 2, .reach = 6, .overlap = 6, .multiple = 2}};
    char *small = make_picture("small.tif", 96, 96, 3), *tiny = make_picture("transparent.tif", 96, 90, 4);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 4; i++) {
            setting whole[] = {{"schedule", "whole"}, {0}};
            setting content[] = {{"tile", "64"},           {"halo", "1"},        {"ramp", "9"},
                                 {"blend", blends[i % 2]}, {"seams", "content"}, {0}};
            const char *name = i < 2 ? small : tiny;
            outcome w = must_run(&engines[k], false, name, whole), o = must_run(&engines[k], false, name, content);
            double most = 0;
            int bands = i < 2 ? 3 : 4;
            for (int64_t s = 0; s < o.report.width * o.report.height * bands; s++)
                most = fmax(most, 255 * fabs((double)w.samples[s] - (double)o.samples[s]));
            g_test_message("said %g, is %g", o.report.error_bound, most);
            g_assert_cmpint(o.report.tiles, ==, 4);
            g_assert_cmpint(o.report.error_measured_on, ==, 5);
            g_assert_cmpfloat(most, >, 0.05);
            g_assert_cmpfloat(fabs(o.report.error_bound - most), <=, 1e-3);
            outcome_free(&w);
            outcome_free(&o);
        }
    g_free(small);
    g_free(tiny);
}

/* The context that is looked for is found as ever; what is said of it is measured at the edges. */
static void test_tolerance(void)
{
    counter c = {.scale = 1, .reach = 9, .overlap = 9};
    setting even[] = {{"tile", "80"}, {"halo", "auto:8"}, {0}};
    setting content[] = {{"tile", "80"}, {"halo", "auto:8"}, {"seams", "content"}, {0}};
    setting whole[] = {{"schedule", "whole"}, {0}};
    outcome a = must_run(&c, false, picture, even), b = must_run(&c, false, picture, content),
            w = must_run(&c, false, picture, whole);
    double most, mean;
    differ(&w, &b, &most, &mean);
    g_assert_cmpint(a.report.halo[0], ==, b.report.halo[0]);
    g_assert_cmpstr(text_of(&b, "seams"), ==, "content");
    g_assert_cmpfloat(b.report.error_bound, <=, most + 1e-3);
    g_assert_cmpfloat(b.report.error_bound, >, most / 3);
    g_assert_cmpfloat(fabs(b.report.error_bound - a.report.error_bound), >, 1e-6);
    outcome_free(&w);
    outcome_free(&a);
    outcome_free(&b);
}

/* Exact tiles have no seams: the option is ignored, and says so. */
static void test_exact(void)
{
    counter c = {.scale = 2, .reach = 2, .overlap = 2};
    setting plain[] = {{"tile", "80"}, {0}}, content[] = {{"tile", "80"}, {"seams", "content"}, {0}};
    outcome a = must_run(&c, false, picture, plain), b = must_run(&c, false, picture, content);
    size_t bytes = (size_t)(a.report.width * a.report.height * 3) * sizeof(float);
    g_assert_cmpmem(a.samples, bytes, b.samples, bytes);
    g_assert_cmpint(a.report.tiles, ==, b.report.tiles);
    g_assert_cmpstr(a.warnings, ==, "");
    g_assert_nonnull(strstr(b.warnings, "--seams is ignored"));
    g_assert_null(text_of(&b, "seams"));
    outcome_free(&a);
    outcome_free(&b);
}

/* A net, and budgets: refused for measuring first, then for tiles; what the last refusal names would do. */
static void test_net_and_budget(void)
{
    char *number = g_strdup("20M");
    tw_status status = TW_ERROR_BUDGET;
    outcome o = {0};
    int refusals = 0;
    while (status == TW_ERROR_BUDGET) {
        setting settings[] = {{"model", "photo-2x"},
                              {"schedule", "halo"},
                              {"halo", "2"},
                              {"ramp", "4"},
                              {"seams", "content"},
                              {"memory", number},
                              {0}};
        tw_error err = TW_ERROR_NONE;
        status = run(NULL, false, picture, settings, &o, &err);
        if (status == TW_OK)
            break;
        assert_fails(status, TW_ERROR_BUDGET, err, "the smallest that would do is ");
        g_assert_cmpint(++refusals, <=, 2);
        g_free(number);
        number = g_strdup(strstr(err.message, "would do is ") + strlen("would do is "));
    }
    g_assert_cmpint(status, ==, TW_OK);
    g_assert_cmpint(refusals, >=, 1);
    g_assert_cmpstr(text_of(&o, "seams"), ==, "content");
    outcome_free(&o);
    g_free(number);
}

/* Whatever cannot be allocated on the way is a refusal that leaves nothing behind. */
static void test_allocations(void)
{
    setting settings[] = {{"model", "engine"},  {"schedule", "halo"}, {"tile", "80"},        {"halo", "1"},
                          {"seams", "content"}, {"threads", "1"},     {"overwrite", "true"}, {0}};
    counter c = {.scale = 1, .reach = 3, .overlap = 3};
    tw_session *session = NULL;
    tw_error err = TW_ERROR_NONE;
    int refused = 0;
    assert_ok(tw_session_new(&session, &err), err);
    add_counter(session, "engine", &c, true);
    for (int n = 1; n <= 120; n++) {
        err = (tw_error)TW_ERROR_NONE;
        tw_account_fail_at(session->account, n);
        tw_status status = upscale(session, picture, result, settings, NULL, &err);
        g_assert_true(status == TW_OK || status == TW_ERROR_BUDGET || status == TW_ERROR_RUN);
        refused += status != TW_OK;
        tw_account_fail_at(session->account, 0);
        g_assert_cmpint(tw_account_used(session->account), ==, 0);
    }
    g_assert_cmpint(refused, >, 30);
    tw_session_free(session);
}

int main(int argc, char **argv)
{
    folder_open();
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    picture = make_bands("bands.tif");
    result = in_folder("result.tif");
    g_test_add_func("/seams/brute-force", test_brute_force);
    g_test_add_func("/seams/ties", test_ties);
    g_test_add_func("/seams/overlaps", test_overlaps);
    g_test_add_func("/seams/edges-move", test_edges_move);
    g_test_add_func("/seams/identity", test_identity);
    g_test_add_func("/seams/error", test_error);
    g_test_add_func("/seams/error-is-measured", test_error_is_measured);
    g_test_add_func("/seams/tolerance", test_tolerance);
    g_test_add_func("/seams/exact", test_exact);
    g_test_add_func("/seams/net-and-budget", test_net_and_budget);
    g_test_add_func("/seams/allocations", test_allocations);
    int status = g_test_run();
    g_free(picture);
    g_free(result);
    folder_close();
    return status;
}
