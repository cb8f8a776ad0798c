/* SPDX-License-Identifier: MIT */
/** Inputs that end too early or are damaged: one clear line that names the file, and no output. */
#include "unit/job_fixture.h"

#define CUTS 20

static tw_session *session;
static char *output;

/* Runs the bytes as a file, and as bytes in memory: both must say the same. */
static tw_status run_bytes(const void *bytes, gsize length, const char *name, tw_error *err)
{
    static const setting settings[] = {{"model", "counter"}, {"tile", "64"}, {0}};
    char *path = in_folder(name);
    tw_error second = TW_ERROR_NONE;
    g_assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
    tw_status status = upscale(session, path, output, settings, NULL, err);
    g_assert_cmpint(files_with("result"), ==, status == TW_OK);
    g_remove(output);
    if (length > 0) {
        tw_job *job = NULL;
        size_t n = 0;
        assert_ok(tw_job_new(session, "upscale", &job, &second), second);
        assert_ok(tw_job_set(job, "model", "counter", &second), second);
        assert_ok(tw_job_input_bytes(job, bytes, length, path, &second), second);
        assert_ok(tw_job_output_bytes(job, "png", &second), second);
        g_assert_cmpint(tw_job_run(job, &second), ==, status);
        void *result = tw_job_take_bytes(job, &n);
        g_assert_cmpint(result != NULL, ==, status == TW_OK);
        tw_bytes_free(result);
        tw_job_free(job);
    }
    g_remove(path);
    g_free(path);
    return status;
}

static void read_file(const char *name, int bands, char **bytes, gsize *length)
{
    char *path = make_picture(name, 320, 240, bands);
    g_assert_true(g_file_get_contents(path, bytes, length, NULL));
    g_remove(path);
    g_free(path);
}

static void check_cuts(const char *name)
{
    char *bytes;
    gsize length;
    tw_error err = TW_ERROR_NONE;
    read_file(name, 3, &bytes, &length);
    assert_ok(run_bytes(bytes, length, name, &err), err);
    for (gsize i = 0; i < CUTS; i++) {
        err = (tw_error)TW_ERROR_NONE;
        assert_fails(run_bytes(bytes, length * i / CUTS, name, &err), TW_ERROR_INPUT, err, name);
        g_assert_cmpint((int)strlen(err.message), >, (int)strlen(name) + 8);
    }
    g_free(bytes);
}

static void test_truncated(void)
{
    check_cuts("cut.jpg");
    check_cuts("cut.png");
    check_cuts("cut.webp");
    check_cuts("cut.ppm");
}

/* The start of the chunk's data. */
static gsize find_chunk(const char *bytes, gsize length, const char *kind)
{
    for (gsize i = 8; i + 8 < length; i++)
        if (memcmp(bytes + i, kind, 4) == 0)
            return i + 4;
    g_error("no chunk %s", kind);
}

static void test_png_chunks(void)
{
    char *bytes;
    gsize length;
    read_file("chunk.png", 3, &bytes, &length);
    gsize data = find_chunk(bytes, length, "IDAT"), header = find_chunk(bytes, length, "IHDR");
    gsize places[] = {0, header + 2, header + 8, header + 12, data, data + 1000, (data + length) / 2, length - 20, data - 3};
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        tw_error err = TW_ERROR_NONE;
        bytes[places[i]] ^= 0x55;
        tw_status status = run_bytes(bytes, length, "chunk.png", &err);
        g_test_message("byte %d: %s", (int)places[i], err.message);
        assert_fails(status, TW_ERROR_INPUT, err, "chunk.png");
        bytes[places[i]] ^= 0x55;
    }
    g_free(bytes);
}

/* Any byte may be anything: a picture, or an error of a kind that can be explained. Never a crash, never half a file. */
static void check_flips(const char *name, int n)
{
    char *bytes;
    gsize length;
    guint32 seed = 12345;
    int good = 0;
    read_file(name, 3, &bytes, &length);
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        gsize at = i < n / 2 ? seed % MIN(length, 400) : seed % length; /* headers first */
        char old = bytes[at];
        tw_error err = TW_ERROR_NONE;
        bytes[at] = (char)(old ^ (1 << (seed >> 28 & 7)) ^ (seed & 0x40000 ? 0x80 : 0));
        tw_status status = run_bytes(bytes, length, name, &err);
        good += status == TW_OK;
        if (status != TW_OK && status != TW_ERROR_INPUT && status != TW_ERROR_BUDGET)
            g_error("%s, byte %d: status %d: %s", name, (int)at, status, err.message);
        bytes[at] = old;
    }
    g_test_message("%s: %d of %d damaged files still give a picture", name, good, n);
    g_free(bytes);
}

static void test_damaged(void)
{
    check_flips("damaged.jpg", 40);
    check_flips("damaged.png", 30);
    check_flips("damaged.webp", 30);
    check_flips("damaged.tif", 40);
    check_flips("damaged.ppm", 30);
}

int main(int argc, char **argv)
{
    folder_open();
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL); /* libvips warns of what is damaged */
    counter c = {.scale = 1};
    tw_error err = TW_ERROR_NONE;
    assert_ok(tw_session_new(&session, &err), err);
    add_counter(session, "counter", &c, true);
    output = in_folder("result.png");
    g_test_add_func("/fail/inputs/truncated", test_truncated);
    g_test_add_func("/fail/inputs/png-chunks", test_png_chunks);
    g_test_add_func("/fail/inputs/damaged", test_damaged);
    int status = g_test_run();
    tw_session_free(session);
    g_free(output);
    folder_close();
    return status;
}
