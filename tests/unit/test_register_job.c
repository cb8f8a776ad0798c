/* SPDX-License-Identifier: MIT */
/* register on made scans whose truth is known (tests/pairs): right to a fraction of a pixel, whichever way they lie; the same bytes whatever
 * tiles, threads and budget; the error that it tells is the error that it has; what cannot be told is refused. */
#include "register_scans.h"

/* --- tests --------------------------------------------------------------------------------------------------------- */

/* Where the waves are about four control points long the lattice cannot follow them wholly: errors are larger than at full size. */
static void test_right(void)
{
    static const struct {
        const char *size, *kind, *more;
        double mean, p95, max;
    } CASES[] = {
        {"1500x1200", "photos", "waves=0.15", 0.09, 0.25, 0.7},
        {"1300x1300", "photos", "waves=0.15 rotate=90", 0.09, 0.25, 0.7},
        {"1500x1200", "photos", "waves=0.15 rotate=180", 0.09, 0.25, 0.7},
        {"1600x1600", "photos", "waves=0.15 rotate=37 scale=0.7", 0.09, 0.25, 0.7},
        {"1800x1400", "photos", "waves=0.15 keep=0.6", 0.09, 0.25, 0.7},
        {"1800x1400", "photos", "waves=0.15 shift_x=720", 0.09, 0.25, 0.7},
        {"1500x1200", "design", "waves=0.15 noise=12", 0.16, 0.45, 1.0},
        {"1500x1200", "weave", "waves=0.15", 0.05, 0.1, 0.3},
        {"2600x1900", "weave", "waves=0.3", 0.05, 0.1, 0.3},
    };
    char *field = in_folder("f.tfm");
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        tw_error err = TW_ERROR_NONE;
        scans s = make(CASES[i].size, CASES[i].kind, CASES[i].more);
        assert_ok(run(&s, field, NULL, NULL, &err), err);
        g_test_message("%s %s %s", CASES[i].size, CASES[i].kind, CASES[i].more);
        errors e = errors_of(field, s.truth);
        g_assert_cmpint(e.n, >, 1000);
        if (e.mean > CASES[i].mean || e.p95 > CASES[i].p95 || e.max > CASES[i].max)
            g_error("%s %s %s: mean %.3f, p95 %.3f, max %.3f", CASES[i].size, CASES[i].kind, CASES[i].more, e.mean, e.p95,
                    e.max);
        drop(&s);
    }
    g_free(field);
}

/* What it says of its error, without and with noise, and with waves that the lattice cannot follow. */
static void test_told(void)
{
    static const char *const CASES[] = {"waves=0.15", "waves=0.15 noise=9", "waves=0.8"};
    char *field = in_folder("f.tfm");
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        tw_error err = TW_ERROR_NONE;
        json_t *json = NULL;
        scans s = make("1900x1500", "photos", CASES[i]);
        assert_ok(run(&s, field, NULL, &json, &err), err);
        errors e = errors_of(field, s.truth);
        double p50 = told(json, "error_p50"), p90 = told(json, "error_p90");
        g_test_message("%s: p50 %.4f told, %.4f true; p90 %.4f told, %.4f true", CASES[i], p50, e.p50, p90, e.p90);
        g_assert_true(p50 < 2 * e.p50 && e.p50 < 2 * p50);
        g_assert_true(p90 < 2 * e.p90 && e.p90 < 2 * p90);
        json_decref(json);
        drop(&s);
    }
    g_free(field);
}

static void test_same_bytes(void)
{
    static const setting WAYS[][4] = {{{"threads", "1"}, {0}},
                                      {{"tile", "256"}, {"threads", "2"}, {0}},
                                      {{"tile", "1000"}, {"threads", "4"}, {0}},
                                      {{"tile", "4096"}, {"threads", "2"}, {0}},
                                      {{"memory", "128M"}, {"threads", "2"}, {0}},
                                      {{"memory", "1G"}, {"threads", "4"}, {0}}};
    scans s = make("1300x1000", "photos", "waves=0.15");
    char *field = in_folder("f.tfm"), *first = NULL, *text;
    for (size_t i = 0; i < G_N_ELEMENTS(WAYS); i++) {
        tw_error err = TW_ERROR_NONE;
        assert_ok(run(&s, field, WAYS[i], NULL, &err), err);
        g_assert_true(g_file_get_contents(field, &text, NULL, NULL));
        if (first)
            g_assert_cmpstr(text, ==, first);
        else
            first = g_strdup(text);
        g_free(text);
    }
    g_free(first);
    g_free(field);
    drop(&s);
}

static void test_refusals(void)
{
    scans s = make("1500x1200", "photos", "waves=0.15"), other = s;
    refused(&s, (const setting[]){{"memory", "40M"}, {0}}, TW_ERROR_BUDGET, "budget");
    refused(&s, (const setting[]){{"init", "none.tfm"}, {0}}, TW_ERROR_INPUT, "none.tfm");
    char *kept = in_folder("kept.tif");
    g_assert_cmpint(g_rename(s.fixed, kept), ==, 0);
    scans third = make("1500x1200", "design", "waves=0.15");
    other.fixed = kept;
    other.moving = third.moving;
    refused(&other, NULL, TW_ERROR_RUN, "do not show the same thing");
    g_remove(kept);
    g_free(kept);
    drop(&third);
    s = make("1500x1200", "weave", "random=0 waves=0.15");
    refused(&s, NULL, TW_ERROR_RUN, "ambiguous: the picture repeats every 14.0 pixels");
    drop(&s);
    s = make("3000x2400", "weave", "random=0 waves=0.15");
    refused(&s, NULL, TW_ERROR_RUN, "ambiguous: the picture repeats every 14.0 pixels");
    drop(&s);
}

/* Sizes follow from what is asked of them alone, and the field is of the full picture whatever it was measured on. */
static void test_sizes(void)
{
    static const struct {
        setting settings[3];
        int width;
    } CASES[] = {{{{0}}, 2000},
                 {{{"spacing", "100"}, {0}}, 2000},
                 {{{"transform", "affine"}, {"threads", "1"}, {0}}, 2000},
                 {{{"max-registration-pixels", "auto"}, {0}}, 2000},
                 {{{"max-registration-pixels", "3200000"}, {0}}, 2000},
                 {{{"max-registration-pixels", "3199999"}, {0}}, 1000},
                 {{{"max-registration-pixels", "1000000"}, {"spacing", "128"}, {0}}, 1000},
                 {{{"registration-size", "2000x1600"}, {0}}, 2000},
                 {{{"registration-size", "1999x1600"}, {0}}, 1000},
                 {{{"registration-size", "1000"}, {"max-registration-pixels", "auto"}, {0}}, 1000}};
    scans s = make("2000x1600", "photos", "waves=0.1");
    char *field = in_folder("f.tfm");
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        tw_error err = TW_ERROR_NONE;
        json_t *json = NULL;
        assert_ok(run(&s, field, CASES[i].settings, &json, &err), err);
        g_assert_cmpint(json_integer_value(json_array_get(json_object_get(json, "registration_size"), 0)), ==, CASES[i].width);
        errors e = errors_of(field, s.truth);
        g_assert_cmpfloat(e.p50, <, g_strcmp0(CASES[i].settings[0].value, "affine") == 0 ? 3 : 0.3);
        json_decref(json);
    }
    g_free(field);
    drop(&s);
}

/* Half of the moving picture shows something else: without a mask it pulls, with one it does not count. */
static void test_masks(void)
{
    scans s = make("1500x1200", "photos", "waves=0.15"), other;
    char *moving = in_folder("part.tif"), *mask = in_folder("mask.png"), *small = in_folder("small.png"),
         *field = in_folder("f.tfm"), *kept = in_folder("kept.tif");
    VipsImage *right, *wrong, *left, *joined, *black, *white, *both;
    g_assert_cmpint(g_rename(s.fixed, kept), ==, 0);
    g_free(s.fixed);
    s.fixed = kept;
    right = vips_image_new_from_file(s.moving, "access", VIPS_ACCESS_RANDOM, NULL);
    VipsImage *memory = vips_image_copy_memory(right);
    g_object_unref(right);
    other = make("1500x1200", "design", "waves=0.15");
    wrong = vips_image_new_from_file(other.moving, NULL);
    g_assert_cmpint(vips_crop(wrong, &left, 0, 0, 700, 1200, NULL), ==, 0);
    g_assert_cmpint(vips_insert(memory, left, &joined, 0, 0, NULL), ==, 0);
    g_assert_cmpint(vips_image_write_to_file(joined, moving, NULL), ==, 0);
    g_assert_cmpint(vips_black(&black, 700, 1200, NULL), ==, 0);
    g_assert_cmpint(vips_invert(black, &white, NULL), ==, 0);
    g_assert_cmpint(vips_embed(black, &both, 0, 0, 1500, 1200, "extend", VIPS_EXTEND_WHITE, NULL), ==, 0);
    g_assert_cmpint(vips_image_write_to_file(both, mask, NULL), ==, 0);
    g_assert_cmpint(vips_image_write_to_file(white, small, NULL), ==, 0);
    scans masked = {s.fixed, moving, s.truth};
    tw_error err = TW_ERROR_NONE;
    json_t *json = NULL;
    assert_ok(run(&masked, field, (const setting[]){{"mask-moving", mask}, {0}}, &json, &err), err);
    g_assert_cmpint(json_integer_value(json_object_get(json_object_get(json, "windows"), "outliers")), <, 5);
    json_decref(json);
    refused(&masked, (const setting[]){{"mask-moving", small}, {0}}, TW_ERROR_INPUT, "a mask is as large as its picture");
    g_object_unref(memory);
    g_object_unref(wrong);
    g_object_unref(left);
    g_object_unref(joined);
    g_object_unref(black);
    g_object_unref(white);
    g_object_unref(both);
    g_remove(moving);
    g_free(moving);
    g_free(mask);
    g_free(small);
    g_free(field);
    drop(&other);
    drop(&s);
}

/* --selftest: one picture, the truth its own. */
static void test_selftest(void)
{
    scans s = make("1500x1200", "photos", "waves=0.15");
    tw_job *job = NULL;
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_job_new(session, "register", &job, &err), err);
    assert_ok(tw_job_set(job, "selftest", "true", &err), err);
    assert_ok(tw_job_input(job, s.fixed, &err), err);
    assert_ok(tw_job_run(job, &err), err);
    double p50 = json_number_value(json_object_get(json_object_get(job->extra, "selftest"), "p50"));
    g_test_message("p50 %.4f", p50);
    g_assert_true(p50 > 0 && p50 < 0.08);
    tw_job_free(job);
    drop(&s);
}

/* --init: landmarks or a field instead of the search. */
static void test_init(void)
{
    scans s = make("1300x1000", "photos", "waves=0.15 rotate=20");
    tw_error err = TW_ERROR_NONE;
    char *field = in_folder("f.tfm");
    assert_ok(run(&s, field, (const setting[]){{"init", s.truth}, {0}}, NULL, &err), err);
    g_assert_cmpfloat(errors_of(field, s.truth).mean, <, 0.08);
    char *again = in_folder("again.tfm"); /* from what was found, lattice and all */
    assert_ok(run(&s, again, (const setting[]){{"init", field}, {0}}, NULL, &err), err);
    g_assert_cmpfloat(errors_of(again, s.truth).mean, <, 0.08);
    g_free(again);
    char *wrong = in_folder("wrong.tfm");
    g_assert_true(g_file_set_contents(wrong,
                                      "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\n"
                                      "Parameters: 1 0 0 1 700 0\nFixedParameters: 0 0\n",
                                      -1, NULL));
    refused(&s, (const setting[]){{"init", wrong}, {0}}, TW_ERROR_RUN, "windows are unclear");
    g_free(wrong);
    g_free(field);
    drop(&s);
}

int main(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;
    folder_open();
    g_test_init(&argc, &argv, NULL);
    assert_ok(tw_session_new(&session, &err), err);
    g_test_add_func("/register/right", test_right);
    g_test_add_func("/register/told", test_told);
    g_test_add_func("/register/same_bytes", test_same_bytes);
    g_test_add_func("/register/sizes", test_sizes);
    g_test_add_func("/register/masks", test_masks);
    g_test_add_func("/register/selftest", test_selftest);
    g_test_add_func("/register/init", test_init);
    g_test_add_func("/register/refusals", test_refusals);
    int result = g_test_run();
    tw_session_free(session);
    folder_close();
    return result;
}
