/* SPDX-License-Identifier: MIT */
/** Ways to run register: at a size that the budget chooses, on to the warped picture, from a journal, and back. */
#include "register_scans.h"

static void keep_line(void *user, const char *line)
{
    g_string_append(user, line);
}

/* As where the budget does not hold full resolution: the next level is measured, and a line says so. */
static void test_downsampling(void)
{
    scans s = make("2000x1600", "photos", "waves=0.1");
    char *field = in_folder("f.tfm");
    GString *warned = g_string_new(NULL);
    tw_error err = TW_ERROR_NONE;
    const setting settings[] = {{"registration-size", "auto"}, {"allow-downsampling", "true"}, {"overwrite", "true"}, {0}};
    tw_job *job = job_for(&s, field, settings);
    tw_job_on_warning(job, keep_line, warned);
    job->thrift = 1;
    assert_ok(tw_job_run(job, &err), err);
    g_assert_cmpstr(warned->str, ==, "the budget holds registration at 1000x800 pixels, not at more");
    g_assert_cmpint(json_integer_value(json_array_get(json_object_get(job->extra, "registration_size"), 0)), ==, 1000);
    g_assert_cmpfloat(errors_of(field, s.truth).p50, <, 0.3);
    tw_job_free(job);
    g_string_free(warned, TRUE);
    g_remove(field);
    g_free(field);
    drop(&s);
}

static void warp_by(const scans *s, const char *field, const char *fit, const char *out)
{
    tw_job *job = NULL;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_job_new(session, "warp", &job, &err), err);
    assert_ok(tw_job_set(job, "field", field, &err), err);
    assert_ok(tw_job_set(job, "like", s->fixed, &err), err);
    assert_ok(tw_job_set(job, "fit", fit, &err), err);
    assert_ok(tw_job_input(job, s->moving, &err), err);
    assert_ok(tw_job_output(job, out, &err), err);
    assert_ok(tw_job_run(job, &err), err);
    tw_job_free(job);
}

/* --warped is what warp makes of the field; where that cannot be, nothing is begun. */
static void test_warped(void)
{
    scans s = make("1300x1000", "photos", "waves=0.15");
    tw_error err = TW_ERROR_NONE;
    char *field = in_folder("f.tfm"), *warped = in_folder("warped.tif"), *other = in_folder("other.tif");
    for (int small = 0; small < 2; small++) {
        const setting more[] = {{"warped", warped},
                                {"memory", "170M"},
                                {"max-registration-pixels", small ? "400000" : "auto"},
                                {"keep-full-resolution", small ? "false" : "true"},
                                {0}};
        json_t *json = NULL;
        assert_ok(run(&s, field, more, &json, &err), err);
        json_t *told = json_object_get(json, "warp");
        g_assert_cmpint(json_integer_value(json_object_get(told, "width")), ==, small ? 650 : 1300);
        g_assert_cmpstr(json_string_value(json_object_get(told, "output")), ==, warped);
        g_assert_cmpint(json_integer_value(json_object_get(told, "planned_peak_bytes")), <=, 170 << 20);
        json_decref(json);
        warp_by(&s, field, small ? "650x500" : "auto", other);
        assert_same(warped, other);
        g_remove(other);
    }
    refused(&s, (const setting[]){{"warped", "no-folder/warped.tif"}, {0}}, TW_ERROR_RUN, "no-folder");
    g_assert_cmpint(files_with("partial"), ==, 0);
    refused(&s, (const setting[]){{"warped", "warped.bmp"}, {0}}, TW_ERROR_USAGE, "warped.bmp");
    g_remove(warped);
    g_remove(field);
    g_free(other);
    g_free(warped);
    g_free(field);
    drop(&s);
}

static void stop_late(void *job, double fraction)
{
    if (fraction > 0.6)
        tw_job_cancel(job);
}

/* Stopped in its last rounds, a run goes on from its journal, without the rounds that it names, to the same bytes. */
static void test_resume(void)
{
    scans s = make("1500x1200", "photos", "waves=0.15");
    char *first = in_folder("first.tfm"), *field = in_folder("f.tfm"), *journal = in_folder("f.tfm.resume"), *text;
    const setting resume[] = {{"resume", "true"}, {0}}, other[] = {{"resume", "true"}, {"spacing", "100"}, {0}};
    tw_error err = TW_ERROR_NONE;
    GString *warned = g_string_new(NULL);
    assert_ok(run(&s, first, NULL, NULL, &err), err);
    tw_job *job = job_for(&s, field, resume);
    tw_job_on_progress(job, stop_late, job);
    g_assert_cmpint(tw_job_run(job, &err), ==, TW_ERROR_INTERRUPTED);
    tw_job_free(job);
    g_assert_true(g_file_get_contents(journal, &text, NULL, NULL));
    g_assert_false(g_file_test(field, G_FILE_TEST_EXISTS));
    err = (tw_error)TW_ERROR_NONE;
    job = job_for(&s, field, other);
    tw_job_on_warning(job, keep_line, warned);
    assert_ok(tw_job_run(job, &err), err);
    g_assert_nonnull(strstr(warned->str, "f.tfm.resume is of other pictures or options: begun anew"));
    tw_job_free(job);
    g_remove(field);
    g_assert_false(g_file_test(journal, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_set_contents(journal, text, (gssize)strlen(text) / 2, NULL));
    job = job_for(&s, field, resume);
    assert_fails(tw_job_run(job, &err), TW_ERROR_INPUT, err, "f.tfm.resume");
    g_assert_true(g_file_set_contents(journal, text, -1, NULL));
    err = (tw_error)TW_ERROR_NONE;
    assert_ok(tw_job_run(job, &err), err);
    g_assert_cmpint(job->plan.passes, <, 8);
    tw_job_free(job);
    assert_same(first, field);
    g_assert_false(g_file_test(journal, G_FILE_TEST_EXISTS));
    g_string_free(warned, TRUE);
    g_remove(first);
    g_remove(field);
    g_free(text);
    g_free(first);
    g_free(field);
    g_free(journal);
    drop(&s);
}

/* Windows of the moving picture tell the same error as those of the fixed one, and change nothing. */
static void test_backward(void)
{
    scans s = make("1500x1200", "photos", "waves=0.15 rotate=20");
    tw_error err = TW_ERROR_NONE;
    char *field = in_folder("f.tfm"), *with = in_folder("with.tfm");
    json_t *json = NULL;
    assert_ok(run(&s, field, NULL, NULL, &err), err);
    assert_ok(run(&s, with, (const setting[]){{"check-backward", "true"}, {0}}, &json, &err), err);
    assert_same(field, with);
    json_t *back = json_object_get(json, "backward");
    double p50 = json_number_value(json_object_get(back, "error_p50")), held = told(json, "error_p50");
    g_test_message("forward %.4f, backward %.4f", held, p50);
    g_assert_cmpint(json_integer_value(json_object_get(back, "windows")), >, 100);
    g_assert_true(p50 > held / 2 && p50 < held * 2);
    json_decref(json);
    g_remove(field);
    g_remove(with);
    g_free(field);
    g_free(with);
    drop(&s);
}

int main(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;
    folder_open();
    g_test_init(&argc, &argv, NULL);
    assert_ok(tw_session_new(&session, &err), err);
    g_test_add_func("/register/downsampling", test_downsampling);
    g_test_add_func("/register/warped", test_warped);
    g_test_add_func("/register/resume", test_resume);
    g_test_add_func("/register/backward", test_backward);
    int result = g_test_run();
    tw_session_free(session);
    folder_close();
    return result;
}
