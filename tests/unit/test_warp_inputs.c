/* SPDX-License-Identifier: MIT */
/* Inputs of warp that are read at random: from their own tiles where a TIFF has some, through scratch where not; damaged ones. */
#include "warp_checks.h"

/* Displacements that turn about and swing, so that they are read at random: nothing bounds them. The file is tiled itself: no scratch. */
static char *store_swing(void)
{
    image p = {WIDTH, HEIGHT, 2, VIPS_FORMAT_FLOAT, g_new(double, WIDTH *HEIGHT * 2)};
    for (int y = 0, i = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++, i += 2) {
            p.v[i] = y - x + 20 * sin(x / 9.0);
            p.v[i + 1] = x - y + 5.3;
        }
    char *full = store(&p, "swing.tif[tile,tile-width=64,tile-height=64]");
    *strchrnul(full, '[') = 0;
    g_free(p.v);
    return full;
}

static void must_warp_from(const char *input, const char *output, const char *field, bool tiles)
{
    tw_error err = TW_ERROR_NONE;
    tw_job *job = NULL;
    assert_ok(tw_job_new(session, "warp", &job, &err), err);
    assert_ok(tw_job_set(job, "field", field, &err), err);
    assert_ok(tw_job_set(job, "overwrite", "true", &err), err);
    assert_ok(tw_job_input(job, input, &err), err);
    assert_ok(tw_job_output(job, output, &err), err);
    assert_ok(tw_job_plan(job, &err), err);
    char *text = tw_job_explain(job);
    g_assert_nonnull(strstr(text, tiles ? "from its own tiles" : "through a scratch copy, because this TIFF has strips"));
    tw_bytes_free(text);
    assert_ok(tw_job_run(job, &err), err);
    g_assert_cmpint(tw_job_report(job)->scratch_bytes > 0, ==, !tiles);
    char *json = tw_job_json(job);
    g_assert_nonnull(strstr(json, tiles ? "\"source_from\":\"tiles\"" : "\"source_from\":\"scratch\""));
    tw_bytes_free(json);
    tw_job_free(job);
}

static void test_same(void)
{
    static const VipsBandFormat FORMATS[] = {VIPS_FORMAT_UCHAR, VIPS_FORMAT_USHORT, VIPS_FORMAT_FLOAT};
    char *field = store_swing(), *output = in_folder("out.tif");
    for (int bands = 1; bands <= 4; bands++)
        for (int k = 0; k < 3; k++) {
            image p = made(bands, FORMATS[k]);
            char *strips = store(&p, "strips.tif"),
                 *tiles = store(&p, "tiles.tif[tile,tile-width=48,tile-height=32,compression=deflate]");
            *strchrnul(tiles, '[') = 0;
            size_t bytes;
            must_warp_from(strips, output, field, false);
            void *expected = read_samples(output, &bytes);
            must_warp_from(tiles, output, field, true);
            assert_same_samples(output, expected, bytes);
            char *owned[] = {strips, tiles, expected, (char *)p.v};
            for (size_t i = 0; i < G_N_ELEMENTS(owned); i++)
                g_free(owned[i]);
        }
    g_free(field);
    g_free(output);
}

/* A third of its bytes, in the middle, are nonsense. */
static void test_damaged(void)
{
    char *field = store_swing(), *bytes;
    image p = made(3, VIPS_FORMAT_UCHAR);
    char *input = store(&p, "damaged.tif[tile,tile-width=32,tile-height=32,compression=deflate]");
    gsize n;
    *strchrnul(input, '[') = 0;
    g_assert_true(g_file_get_contents(input, &bytes, &n, NULL));
    memset(bytes + n / 3, 0x5a, n / 3);
    g_assert_true(g_file_set_contents(input, bytes, (gssize)n, NULL));
    g_log_set_always_fatal(G_LOG_FATAL_MASK); /* libvips warns */
    refused(input, field, NULL, TW_ERROR_INPUT, "damaged.tif: truncated or damaged: no tile at ");
    g_free(bytes);
    g_free(p.v);
    g_free(input);
    g_free(field);
}

int main(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;
    folder_open();
    g_test_init(&argc, &argv, NULL);
    assert_ok(tw_session_new(&session, &err), err);
    g_test_add_func("/warp-inputs/same", test_same);
    g_test_add_func("/warp-inputs/damaged", test_damaged);
    int result = g_test_run();
    tw_session_free(session);
    folder_close();
    return result;
}
