/* SPDX-License-Identifier: MIT */
/** Runs that are not exact say how far off they are, by measuring: the smallest context under a tolerance, the error of one that was
 *  given, and what is remembered of it. */
#include <jansson.h>

#include "job_fixture.h"
#include "schedule/schedule.h"

static char *picture, *cells, *few, *some, *result;

static tw_session *new_session(void)
{
    tw_session *session = NULL;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_session_new(&session, &err), err);
    return session;
}

typedef struct outcome {
    tw_report report; /* its numbers */
    json_t *json;
    float *samples;
    size_t bytes;
} outcome;

static void outcome_free(outcome *o)
{
    json_decref(o->json);
    g_free(o->samples);
}

static tw_status run(tw_session *session, const char *input, const setting *settings, outcome *out, tw_error *err)
{
    tw_job *job = upscale_job(session, input, result, settings);
    assert_ok(tw_job_set(job, "overwrite", "true", err), *err);
    tw_status status = tw_job_run(job, err);
    if (status == TW_OK) {
        char *text = tw_job_json(job);
        *out = (outcome){.report = *tw_job_report(job), .json = json_loads(text, 0, NULL)};
        out->samples = read_samples(result, &out->bytes);
        tw_bytes_free(text);
        g_assert_cmpint(out->report.planned_peak_bytes, <=, out->report.budget_bytes);
        g_assert_cmpint(out->report.error_measured_on, ==, json_integer_value(json_object_get(out->json, "error_measured_on")));
    }
    tw_job_free(job);
    return status;
}

static outcome must_run(tw_session *session, const char *input, const setting *settings)
{
    outcome out = {0};
    tw_error err = TW_ERROR_NONE;
    assert_ok(run(session, input, settings, &out, &err), err);
    return out;
}

/* The engine in a session of its own. */
static outcome count(counter *c, const char *input, const setting *settings)
{
    tw_session *session = new_session();
    add_counter(session, "counter", c, true);
    outcome out = must_run(session, input, settings);
    tw_session_free(session);
    return out;
}

static bool flag(const outcome *o, const char *name)
{
    json_t *value = json_object_get(o->json, name);
    g_assert_true(json_is_boolean(value));
    return json_is_true(value);
}

static double largest_difference(const outcome *a, const outcome *b)
{
    double most = 0;
    g_assert_cmpint((int64_t)a->bytes, ==, (int64_t)b->bytes);
    for (size_t i = 0; i < a->bytes / sizeof(float); i++)
        most = MAX(most, 255 * fabs((double)a->samples[i] - (double)b->samples[i]));
    return most;
}

/* --- the error of a context that was given ------------------------------------------------------------------------ */

/* Where the places that are measured are all there is, the error is that of the result. */
static void check_error(const char *halo, bool exact)
{
    setting settings[] = {{"model", "counter"}, {"tile", "48"}, {"blend", "none"}, {"halo", halo}, {0}};
    static const setting whole[] = {{"model", "counter"}, {"schedule", "whole"}, {0}};
    counter c = {.scale = 2, .reach = 5, .overlap = 5}, d = c;
    outcome tiled = count(&c, cells, settings), untiled = count(&d, cells, whole);
    double error = largest_difference(&tiled, &untiled);
    g_test_message("halo %s: said %g, is %g", halo, tiled.report.error_bound, error);
    g_assert_cmpint(tiled.report.tiles, ==, 4);
    g_assert_cmpint(tiled.report.exact, ==, exact);
    if (exact) {
        g_assert_cmpfloat(error, <=, 0.01);
        g_assert_cmpint(tiled.report.error_measured_on, ==, 0);
    } else {
        g_assert_cmpfloat(error, >, 0.1);
        g_assert_cmpfloat(fabs(tiled.report.error_bound - error), <=, 1e-4);
        g_assert_cmpint(tiled.report.error_measured_on, ==, 4);
        g_assert_cmpstr(json_string_value(json_object_get(tiled.json, "error_measured_against")), ==, "the exact context");
    }
    outcome_free(&tiled);
    outcome_free(&untiled);
}

static void test_error(void)
{
    check_error("0", false);
    check_error("1", false);
    check_error("4", false);
    check_error("5", true);
    check_error("9", true);
}

/* A net, on a picture that has more cells than are measured: never more than the error of all of it. */
static void test_error_of_net(void)
{
    tw_session *session = new_session();
    static const setting whole[] = {{"schedule", "whole"}, {0}};
    static const setting tiled[] = {{"schedule", "halo"}, {"tile", "48"}, {"halo", "2"}, {"blend", "none"}, {0}};
    outcome a = must_run(session, picture, whole), b = must_run(session, picture, tiled);
    double error = largest_difference(&a, &b);
    g_test_message("said %g, is %g", b.report.error_bound, error);
    g_assert_cmpfloat(b.report.error_bound, >, error / 3);
    g_assert_cmpfloat(b.report.error_bound, <=, error + 1e-3);
    g_assert_cmpint(b.report.error_measured_on, ==, 6);
    outcome_free(&a);
    outcome_free(&b);
    tw_session_free(session);
}

/* Pictures smaller than a cell, grey ones and transparent ones, cut as they are measured: what is said is what is found. */
static void test_shapes(void)
{
    static const int sizes[][2] = {{1, 1}, {5, 144}, {144, 5}, {47, 47}, {96, 48}};
    static const setting whole[] = {{"schedule", "whole"}, {0}};
    static const setting tiled[] = {{"schedule", "halo"}, {"tile", "48"}, {"halo", "1"}, {"blend", "none"}, {0}};
    tw_session *session = new_session();
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        for (int bands = 1; bands <= 4; bands++) {
            char *name = make_picture("shape.tif", sizes[i][0], sizes[i][1], bands);
            outcome a = must_run(session, name, whole), b = must_run(session, name, tiled);
            double error = largest_difference(&a, &b);
            g_test_message("%dx%dx%d: said %g, is %g", sizes[i][0], sizes[i][1], bands, b.report.error_bound, error);
            g_assert_cmpint(b.report.exact, ==, 0);
            g_assert_cmpint(b.report.error_measured_on, >=, 1);
            g_assert_cmpfloat(fabs(b.report.error_bound - error), <=, 1e-3);
            if (b.report.tiles == 1)
                g_assert_cmpfloat(b.report.error_bound, <=, 0.01);
            else
                g_assert_cmpfloat(b.report.error_bound, >, 0.01);
            outcome_free(&a);
            outcome_free(&b);
            g_free(name);
        }
    tw_session_free(session);
}

/* What has no exact context is compared with a larger one. */
static void test_against_larger(void)
{
    counter c = {.scale = 1, .reach = 6, .overlap = 2, .inexact = true};
    static const setting settings[] = {{"model", "counter"}, {"tile", "48"}, {"halo", "3"}, {0}};
    outcome o = count(&c, picture, settings);
    g_assert_cmpint(o.report.exact, ==, 0);
    g_assert_cmpfloat(o.report.error_bound, >, 0.1);
    g_assert_cmpstr(json_string_value(json_object_get(o.json, "error_measured_against")), ==, "a context of 104 pixels");
    outcome_free(&o);
}

/* --- the smallest context under a tolerance ------------------------------------------------------------------------ */

static outcome tolerate(counter like, const char *tolerance)
{
    setting settings[] = {{"model", "counter"}, {"tile", "48"}, {"halo", tolerance}, {0}};
    return count(&like, picture, settings);
}

/* What is read beyond the reach changes nothing: asking for more than it is found out, and so are steps of the engine. */
static void test_smallest(void)
{
    counter c = {.scale = 2, .reach = 4, .overlap = 12};
    outcome o = tolerate(c, "auto:0.02");
    g_assert_cmpint(o.report.halo[0], ==, 4);
    g_assert_cmpint(o.report.exact, ==, 0);
    g_assert_cmpfloat(o.report.error_bound, <, 0.02);
    g_assert_cmpint(o.report.error_measured_on, ==, 6);
    g_assert_false(flag(&o, "error_remembered"));
    outcome_free(&o);
    c.multiple = 3;
    o = tolerate(c, "auto:0.02");
    g_assert_cmpint(o.report.halo[0], ==, 6);
    outcome_free(&o);
    /* nothing smaller will do: exact */
    o = tolerate((counter){.scale = 1, .reach = 4, .overlap = 4}, "auto:0.02");
    g_assert_cmpint(o.report.halo[0], ==, 4);
    g_assert_cmpint(o.report.exact, ==, 1);
    g_assert_cmpint(o.report.error_measured_on, ==, 0);
    outcome_free(&o);
}

static void test_tolerances(void)
{
    static const char *const tolerances[] = {"0.5", "2", "8", "60"};
    int64_t last = 20;
    for (size_t i = 0; i < G_N_ELEMENTS(tolerances); i++) {
        char *option = g_strdup_printf("auto:%s", tolerances[i]);
        outcome o = tolerate((counter){.scale = 1, .reach = 9, .overlap = 9}, option);
        g_test_message("%s: halo %d, error %g", option, (int)o.report.halo[0], o.report.error_bound);
        g_assert_cmpint(o.report.halo[0], <=, last);
        g_assert_cmpfloat(o.report.error_bound, <, g_ascii_strtod(tolerances[i], NULL));
        last = o.report.halo[0];
        outcome_free(&o);
        g_free(option);
    }
    g_assert_cmpint(last, <, 4);
}

/* A plan reads no pixels: it says what it does not know. */
static void test_plan(void)
{
    counter c = {.scale = 1, .reach = 4, .overlap = 12};
    tw_session *session = new_session();
    tw_error err = TW_ERROR_NONE;
    add_counter(session, "counter", &c, true);
    static const setting settings[] = {{"model", "counter"}, {"tile", "48"}, {"halo", "auto:1"}, {"overwrite", "true"}, {0}};
    tw_job *job = upscale_job(session, picture, result, settings);
    assert_ok(tw_job_plan(job, &err), err);
    char *text = tw_job_json(job), *explained = tw_job_explain(job);
    g_assert_nonnull(strstr(text, "\"to_be_measured\":\"halo\""));
    g_assert_nonnull(strstr(text, "\"error_bound\":null"));
    g_assert_nonnull(strstr(explained, "the halo is to be measured"));
    g_assert_cmpint(c.calls, ==, 0);
    int64_t planned = tw_job_report(job)->planned_peak_bytes;
    assert_ok(tw_job_run(job, &err), err);
    g_assert_cmpint(tw_job_report(job)->job_peak_bytes, <=, planned);
    tw_bytes_free(text);
    tw_bytes_free(explained);
    tw_job_free(job);
    tw_session_free(session);
}

static void test_refusals(void)
{
    static const char *const nonsense[] = {"auto:0", "auto:256"};
    tw_session *session = new_session();
    outcome o;
    for (size_t i = 0; i < G_N_ELEMENTS(nonsense); i++) {
        setting settings[] = {{"halo", nonsense[i]}, {0}};
        tw_error err = TW_ERROR_NONE;
        assert_fails(run(session, picture, settings, &o, &err), TW_ERROR_USAGE, err, "more than 0 and at most 255");
    }
    counter c = {.scale = 1, .reach = 70, .overlap = 2, .inexact = true};
    add_counter(session, "counter", &c, true);
    static const setting wide[] = {{"model", "counter"}, {"tile", "48"}, {"halo", "auto:0.01"}, {0}};
    tw_error err = TW_ERROR_NONE;
    assert_fails(run(session, picture, wide, &o, &err), TW_ERROR_USAGE, err, "no context of up to 52 pixels");
    /* The measuring counts: what it is refused for would do. */
    static const setting narrow[] = {{"halo", "auto:7"}, {"schedule", "halo"}, {"tile", "8"}, {"memory", "30M"}, {0}};
    err = (tw_error)TW_ERROR_NONE;
    assert_fails(run(session, picture, narrow, &o, &err), TW_ERROR_BUDGET, err, "the measuring that --halo asks for");
    char *number = g_strdup(strstr(err.message, "would do is ") + strlen("would do is "));
    setting enough[] = {{"halo", "auto:7"}, {"schedule", "halo"}, {"tile", "8"}, {"memory", number}, {0}};
    o = must_run(session, picture, enough);
    g_assert_cmpint(o.report.error_measured_on, >, 0);
    outcome_free(&o);
    g_free(number);
    tw_session_free(session);
}

/* --- what is remembered -------------------------------------------------------------------------------------------- */

static char *memory_file(void)
{
    return g_build_filename(g_get_user_cache_dir(), "tilewright", "halo.ini", NULL);
}

static void write_memory(const char *value)
{
    char *name = memory_file(), **groups;
    GKeyFile *file = g_key_file_new();
    g_assert_true(g_key_file_load_from_file(file, name, G_KEY_FILE_NONE, NULL));
    groups = g_key_file_get_groups(file, NULL);
    g_key_file_set_string(file, groups[0], "6", value);
    g_assert_true(g_key_file_save_to_file(file, name, NULL));
    g_strfreev(groups);
    g_key_file_free(file);
    g_free(name);
}

/* A second run looks again at what the first one found, and only where it is not good enough it measures anew. */
static void test_remembered(void)
{
    static const setting settings[] = {{"halo", "auto:6"}, {"schedule", "halo"}, {"tile", "48"}, {0}};
    static const setting narrower[] = {{"halo", "0"}, {"schedule", "halo"}, {"tile", "48"}, {0}};
    tw_session *session = new_session();
    char *name = memory_file();
    g_unlink(name); /* what other tests have left */
    g_free(name);
    outcome first = must_run(session, picture, settings), second = must_run(session, picture, settings);
    g_assert_false(flag(&first, "error_remembered"));
    g_assert_true(flag(&second, "error_remembered"));
    g_assert_cmpint(first.report.halo[0], >, 0);
    g_assert_cmpint(second.report.halo[0], ==, first.report.halo[0]);
    g_assert_cmpfloat(second.report.error_bound, >=, first.report.error_bound - 1e-9);
    g_assert_cmpfloat(second.report.error_bound, <, 6);
    g_assert_cmpmem(first.samples, first.bytes, second.samples, second.bytes);
    outcome_free(&second);

    write_memory("0 0.1 6 -1"); /* as if another picture had been content with nothing */
    second = must_run(session, picture, settings);
    g_assert_false(flag(&second, "error_remembered"));
    g_assert_cmpint(second.report.halo[0], ==, first.report.halo[0]);
    outcome_free(&second);

    static const char *const broken[] = {"", "3", "-2 0.1 6 -1", "3 nan 6 -1", "3 0.1 0 -1", "3 0.1 6 -1 9", "70000 0.1 6 -1"};
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        write_memory(broken[i]);
        second = must_run(session, picture, settings);
        g_assert_false(flag(&second, "error_remembered"));
        g_assert_cmpint(second.report.halo[0], ==, first.report.halo[0]);
        outcome_free(&second);
    }
    second = must_run(session, picture, narrower);
    g_assert_cmpfloat(second.report.error_bound, >, 6);
    outcome_free(&second);
    outcome_free(&first);
    tw_session_free(session);
}

/* --- means of whole-picture layers --------------------------------------------------------------------------------- */

/* A lattice of tiles: about as many as asked for, inside the grid, none twice, no part of the picture far from all of them. */
static void test_lattice(void)
{
    for (int64_t columns = 1; columns < 40; columns += 3)
        for (int64_t rows = 1; rows < 90; rows += 4)
            for (int64_t sample = 0; sample < 70; sample += 7) {
                tw_grid grid = tw_grid_of(columns * 10 - 3, rows * 10 - 7, 10, 10, 10);
                int64_t taken[2], all = columns * rows, area = 0;
                g_assert_cmpint(tw_grid_count(&grid), ==, all);
                tw_grid_taken(&grid, sample, taken);
                if (sample == 0 || sample >= all) {
                    g_assert_cmpint(taken[0] * taken[1], ==, all);
                    g_assert_cmpint(tw_grid_taken_area(&grid, sample), ==, grid.width * grid.height);
                } else {
                    g_assert_cmpint(taken[0] * taken[1], <=, sample);
                    g_assert_cmpint(taken[0] * taken[1], >, sample / 2);
                }
                for (int axis = 0; axis < 2; axis++) {
                    int64_t count = axis ? rows : columns, last = -1;
                    for (int64_t i = 0; i < taken[axis]; i++) {
                        int64_t at = tw_grid_taken_at(i, taken[axis], count);
                        g_assert_cmpint(at, >, last);
                        g_assert_cmpint(at - last, <=, tw_ceil_div(count, taken[axis]) + 1);
                        last = at;
                    }
                    g_assert_cmpint(last, <, count);
                }
                for (int64_t y = 0; y < taken[1]; y++)
                    for (int64_t x = 0; x < taken[0]; x++) {
                        int64_t tile = tw_grid_taken_at(y, taken[1], rows) * columns + tw_grid_taken_at(x, taken[0], columns);
                        area += tw_grid_rect(&grid, tile).w * tw_grid_rect(&grid, tile).h;
                    }
                g_assert_cmpint(tw_grid_taken_area(&grid, sample), ==, area);
            }
}

/* A net with means on four levels; needs the packs of the tests. */
static outcome run_sync(const char *input, const char *tile, const char *sync, const char *threads)
{
    char *model = g_build_filename(g_getenv("TILEWRIGHT_TEST_MODELS"), "realcugan-2x-se-no-denoise.param", NULL);
    setting settings[] = {
        {"model", model}, {"schedule", "halo"}, {"tile", tile}, {"sync", sync}, {"blend", "none"}, {"threads", threads}, {0}};
    tw_session *session = new_session();
    outcome out = must_run(session, input, settings);
    tw_session_free(session);
    g_free(model);
    return out;
}

/* Carrying sums all of the picture; the cheapest schedule is then one of the others. */
static void test_not_carried(void)
{
    char *model = g_build_filename(g_getenv("TILEWRIGHT_TEST_MODELS"), "realcugan-2x-se-no-denoise.param", NULL);
    setting carry[] = {{"model", model}, {"sync", "fast"}, {"schedule", "carry"}, {0}};
    setting cheapest[] = {{"model", model}, {"sync", "fast"}, {"tile", "48"}, {0}},
            plain[] = {{"model", model}, {"tile", "48"}, {0}};
    const setting *const ways[] = {cheapest, plain};
    static const char *const schedules[] = {"halo", "carry"};
    tw_session *session = new_session();
    tw_error err = TW_ERROR_NONE;
    outcome o;
    assert_fails(run(session, picture, carry, &o, &err), TW_ERROR_USAGE, err, "cannot be carried with --sync fast");
    for (int i = 0; i < 2; i++) {
        tw_job *job = upscale_job(session, picture, result, ways[i]);
        err = (tw_error)TW_ERROR_NONE;
        assert_ok(tw_job_set(job, "overwrite", "true", &err), err);
        assert_ok(tw_job_plan(job, &err), err);
        g_assert_cmpstr(tw_job_report(job)->schedule, ==, schedules[i]);
        g_assert_cmpfloat(tw_job_report(job)->error_bound, ==, i ? 0.01 : -1.0);
        tw_job_free(job);
    }
    tw_session_free(session);
    g_free(model);
}

/* Twelve tiles, which are all compared: the error is that of the result. A sample that is all of them is exact. */
static void test_few_tiles(void)
{
    outcome exact = run_sync(few, "24", "exact", "2"), fast = run_sync(few, "24", "fast", "2"),
            off = run_sync(few, "24", "off", "2");
    g_assert_cmpint(exact.report.exact, ==, 1);
    g_assert_cmpint(exact.report.tiles, ==, 12);
    g_assert_cmpfloat(largest_difference(&exact, &fast), <=, 0.01);
    g_assert_cmpint(fast.report.exact, ==, 0);
    g_assert_cmpfloat(fast.report.error_bound, <=, 0.01);
    double error = largest_difference(&exact, &off);
    g_test_message("off: said %g, is %g", off.report.error_bound, error);
    g_assert_cmpint(off.report.exact, ==, 0);
    g_assert_cmpint(off.report.error_measured_on, ==, 12);
    g_assert_cmpfloat(error, >, 1);
    g_assert_cmpfloat(fabs(off.report.error_bound - error), <=, 0.02);
    g_assert_cmpstr(json_string_value(json_object_get(off.json, "error_measured_against")), ==, "the exact means");
    g_assert_cmpstr(json_string_value(json_object_get(off.json, "sync")), ==, "off");
    outcome_free(&exact);
    outcome_free(&fast);
    outcome_free(&off);
}

/* More tiles than the sample: means are off, the same for any number of threads, and nearer than each tile's own. */
static void test_sampled_tiles(void)
{
    outcome exact = run_sync(some, "24", "exact", "2"), one = run_sync(some, "24", "fast", "1"),
            three = run_sync(some, "24", "fast", "3"), off = run_sync(some, "24", "off", "2");
    double error = largest_difference(&exact, &one);
    g_test_message("fast: said %g, is %g; off: said %g, is %g", one.report.error_bound, error, off.report.error_bound,
                   largest_difference(&exact, &off));
    g_assert_cmpint(one.report.tiles, >, 40);
    g_assert_cmpint(one.report.passes, ==, 10);
    g_assert_cmpint(off.report.passes, ==, 6);
    g_assert_cmpmem(one.samples, one.bytes, three.samples, three.bytes);
    g_assert_cmpfloat(error, >, 0.02);
    g_assert_cmpfloat(one.report.error_bound, >, error / 10);
    g_assert_cmpfloat(one.report.error_bound, <=, error + 0.02);
    g_assert_cmpfloat(one.report.error_bound, <, off.report.error_bound);
    g_assert_cmpstr(json_string_value(json_object_get(one.json, "error_measured_against")), ==, "the exact means");
    outcome_free(&exact);
    outcome_free(&one);
    outcome_free(&three);
    outcome_free(&off);
}

int main(int argc, char **argv)
{
    folder_open();
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    if (!g_getenv("TILEWRIGHT_TEST_MODELS")) {
        g_printerr("TILEWRIGHT_TEST_MODELS must name the folder with the model packs (make test sets it)\n");
        return 99;
    }
    picture = make_picture("picture.tif", 230, 170, 3);
    cells = make_picture("cells.tif", 96, 96, 3);
    few = make_picture("few.tif", 96, 72, 3);
    some = make_picture("some.tif", 192, 144, 3);
    result = in_folder("result.tif");
    g_test_add_func("/inexact/error", test_error);
    g_test_add_func("/inexact/error-of-net", test_error_of_net);
    g_test_add_func("/inexact/shapes", test_shapes);
    g_test_add_func("/inexact/against-larger", test_against_larger);
    g_test_add_func("/inexact/smallest", test_smallest);
    g_test_add_func("/inexact/tolerances", test_tolerances);
    g_test_add_func("/inexact/plan", test_plan);
    g_test_add_func("/inexact/refusals", test_refusals);
    g_test_add_func("/inexact/remembered", test_remembered);
    g_test_add_func("/inexact/lattice", test_lattice);
    g_test_add_func("/inexact/not-carried", test_not_carried);
    g_test_add_func("/inexact/few-tiles", test_few_tiles);
    g_test_add_func("/inexact/sampled-tiles", test_sampled_tiles);
    int status = g_test_run();
    g_free(picture);
    g_free(cells);
    g_free(few);
    g_free(some);
    g_free(result);
    folder_close();
    return status;
}
