/* SPDX-License-Identifier: MIT */
/** What the tests of whole jobs share: a folder of their own, pictures that are the same everywhere, jobs in one line, and an engine of
 *  the caller's own that counts what is done to it. */
#ifndef TW_TESTS_JOB_FIXTURE_H
#define TW_TESTS_JOB_FIXTURE_H

#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vips/vips.h>

#include "tilewright/tilewright.h"

#define assert_ok(status, err)                                                                                                 \
    do {                                                                                                                       \
        if ((status) != TW_OK)                                                                                                 \
            g_error("%s:%d: status %d: %s", __FILE__, __LINE__, (err).code, (err).message);                                    \
    } while (0)

/* The message must be one line and hold `text`. */
#define assert_fails(status, code_, err, text)                                                                                 \
    do {                                                                                                                       \
        tw_status got_ = (status);                                                                                             \
        if (got_ != (code_) || (err).code != (code_) || !strstr((err).message, (text)) || strchr((err).message, '\n'))         \
            g_error("%s:%d: status %d, '%s'; expected %d with '%s'", __FILE__, __LINE__, got_, (err).message, (code_),         \
                    (text));                                                                                                   \
    } while (0)

/* --- folder ------------------------------------------------------------------------------------------------------ */

static char *test_folder; /* scratch, cache, pictures and results */

static inline char *in_folder(const char *name)
{
    return g_build_filename(test_folder, name, NULL);
}

/* Before anything else of main: the machine's own cache and scratch stay out of it. */
static inline void folder_open(void)
{
    test_folder = g_dir_make_tmp("tilewright-test-XXXXXX", NULL);
    char *cache = in_folder("cache"), *scratch = in_folder("scratch");
    g_mkdir(cache, 0700);
    g_mkdir(scratch, 0700);
    g_setenv("XDG_CACHE_HOME", cache, TRUE);
    g_setenv("TMPDIR", scratch, TRUE);
    g_free(cache);
    g_free(scratch);
}

static inline void remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        char *inner = g_build_filename(path, name, NULL);
        if (g_file_test(inner, G_FILE_TEST_IS_DIR) && !g_file_test(inner, G_FILE_TEST_IS_SYMLINK))
            remove_tree(inner);
        else
            g_remove(inner);
        g_free(inner);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(path);
}

static inline void folder_close(void)
{
    remove_tree(test_folder);
    g_free(test_folder);
}

/* Files of the folder whose names hold `text`, hidden ones too. */
static inline int files_with(const char *text)
{
    GDir *dir = g_dir_open(test_folder, 0, NULL);
    int n = 0;
    for (const char *name; (name = g_dir_read_name(dir));)
        n += strstr(name, text) != NULL;
    g_dir_close(dir);
    return n;
}

static inline bool exists(const char *path)
{
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* --- pictures ---------------------------------------------------------------------------------------------------- */

/* Gradients, edges and grain; the same bytes on every machine. */
static inline uint8_t sample_of(int x, int y, int band)
{
    uint32_t noise = (uint32_t)x * 2654435761u ^ (uint32_t)y * 2246822519u ^ (uint32_t)band * 3266489917u;
    noise = (noise ^ noise >> 15) * 2246822519u;
    int smooth = (x * (band + 2) + y * 3) % 200, edge = ((x / 13 + y / 9) & 1) * 30;
    return (uint8_t)(smooth + edge + (int)(noise >> 27) % 24);
}

/* Writes a picture of `bands` bands; the suffix tells the container, .tif becomes float32. Returns the path, freed by the caller. */
static inline char *make_picture(const char *name, int width, int height, int bands)
{
    uint8_t *pixels = g_malloc((gsize)width * (gsize)height * (gsize)bands);
    for (int y = 0, i = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int band = 0; band < bands; band++)
                pixels[i++] = sample_of(x, y, band);
    VipsImage *image = vips_image_new_from_memory_copy(pixels, (size_t)width * (size_t)height * (size_t)bands, width, height,
                                                       bands, VIPS_FORMAT_UCHAR);
    VipsImage *typed = NULL, *scaled = NULL;
    char *path = in_folder(name);
    VipsInterpretation kind = bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    g_assert_cmpint(vips_copy(image, &typed, "interpretation", kind, NULL), ==, 0);
    if (g_str_has_suffix(name, ".tif")) {
        g_assert_cmpint(vips_linear1(typed, &scaled, 1 / 255.0, 0, NULL), ==, 0);
        VipsImage *real = NULL;
        g_assert_cmpint(vips_copy(scaled, &real, "interpretation", VIPS_INTERPRETATION_scRGB, NULL), ==, 0);
        g_object_unref(scaled);
        scaled = real;
    }
    g_assert_cmpint(vips_image_write_to_file(scaled ? scaled : typed, path, NULL), ==, 0);
    g_clear_object(&scaled);
    g_object_unref(typed);
    g_object_unref(image);
    g_free(pixels);
    return path;
}

/* All samples of a file as they are stored; freed with g_free. Fails the test when it is not whole. */
static inline void *read_samples(const char *path, size_t *bytes)
{
    vips_cache_set_max(0); /* else another file that had this name before is given again */
    VipsImage *image = vips_image_new_from_file(path, "fail_on", VIPS_FAIL_ON_WARNING, NULL);
    if (!image)
        g_error("%s: %s", path, vips_error_buffer());
    void *samples = vips_image_write_to_memory(image, bytes);
    if (!samples)
        g_error("%s: %s", path, vips_error_buffer());
    g_object_unref(image);
    return samples;
}

static inline void assert_same_samples(const char *path, const void *expected, size_t expected_bytes)
{
    size_t bytes;
    void *samples = read_samples(path, &bytes);
    g_assert_cmpmem(samples, bytes, expected, expected_bytes);
    g_free(samples);
}

/* --- jobs -------------------------------------------------------------------------------------------------------- */

typedef struct setting {
    const char *name, *value;
} setting;

/* `settings` end with a NULL name. */
static inline tw_job *upscale_job(tw_session *session, const char *input, const char *output, const setting *settings)
{
    tw_error err = TW_ERROR_NONE;
    tw_job *job = NULL;
    assert_ok(tw_job_new(session, "upscale", &job, &err), err);
    for (; settings && settings->name; settings++)
        assert_ok(tw_job_set(job, settings->name, settings->value, &err), err);
    assert_ok(tw_job_input(job, input, &err), err);
    assert_ok(tw_job_output(job, output, &err), err);
    return job;
}

/* Runs and frees. The report's numbers stay valid, its strings do not. */
static inline tw_status upscale(tw_session *session, const char *input, const char *output, const setting *settings,
                                tw_report *report, tw_error *err)
{
    tw_job *job = upscale_job(session, input, output, settings);
    tw_status status = tw_job_run(job, err);
    if (report)
        *report = *tw_job_report(job);
    tw_job_free(job);
    return status;
}

/* --- measuring --------------------------------------------------------------------------------------------------- */

static inline int64_t status_bytes(const char *key)
{
    char line[256];
    int64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoll(line + strlen(key), NULL, 10);
    if (file)
        fclose(file);
    return kib * 1024;
}

static inline double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void sleep_ms(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

/* --- an engine that counts ---------------------------------------------------------------------------------------- */

/** Mean of (2 * reach + 1)^2 pixels, edges repeated, each enlarged to scale x scale pixels: its receptive field is `reach`. */
typedef struct counter {
    int scale, reach, overlap, multiple, tile; /* how it is */
    bool inexact;
    int pause_ms;       /* each call takes that long */
    int fail_at;        /* this call fails (1: the first), 0: none, -1: every one */
    int threads_inside; /* most calls at once that are allowed, 0: any number */
    atomic_int calls, closes, inside, most_inside, largest, odd_sizes;
    void (*in_call)(void *user); /* runs inside process_rgb */
    void *in_call_user;
} counter;

static inline float mean_at(const float *in, int width, int height, int x, int y, int band, int reach)
{
    float sum = 0;
    for (int v = y - reach; v <= y + reach; v++)
        for (int u = x - reach; u <= x + reach; u++)
            sum += in[(CLAMP(v, 0, height - 1) * width + CLAMP(u, 0, width - 1)) * 3 + band];
    return sum / (float)((2 * reach + 1) * (2 * reach + 1));
}

static inline void atomic_raise(atomic_int *most, int value)
{
    int old = atomic_load(most);
    while (value > old && !atomic_compare_exchange_weak(most, &old, value))
        ;
}

static inline int counter_process(void *user, const float *in, int32_t width, int32_t height, float *out)
{
    counter *c = user;
    int call = atomic_fetch_add(&c->calls, 1) + 1;
    atomic_raise(&c->most_inside, atomic_fetch_add(&c->inside, 1) + 1);
    atomic_raise(&c->largest, MAX(width, height));
    if (c->multiple > 1 && (width % c->multiple || height % c->multiple))
        atomic_fetch_add(&c->odd_sizes, 1);
    if (c->in_call)
        c->in_call(c->in_call_user);
    if (c->pause_ms > 0)
        sleep_ms(c->pause_ms);
    int64_t row = (int64_t)width * c->scale;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int band = 0; band < 3; band++) {
                float value = mean_at(in, width, height, x, y, band, c->reach);
                for (int v = 0; v < c->scale; v++)
                    for (int u = 0; u < c->scale; u++)
                        out[((y * c->scale + v) * row + x * c->scale + u) * 3 + band] = value + 0.01f * (float)(u - v);
            }
    atomic_fetch_sub(&c->inside, 1);
    return c->fail_at < 0 || call == c->fail_at ? 17 : 0;
}

static inline int32_t counter_scale(void *user)
{
    return ((counter *)user)->scale;
}

static inline void counter_tiling(void *user, tw_tiling_config *config)
{
    const counter *c = user;
    config->tile = c->tile;
    config->overlap = c->overlap;
    config->multiple = c->multiple;
    config->inexact = c->inexact;
}

static inline void counter_close(void *user)
{
    counter *c = user;
    g_assert_cmpint(atomic_load(&c->inside), ==, 0);
    atomic_fetch_add(&c->closes, 1);
}

static inline void add_counter(tw_session *session, const char *name, counter *c, bool thread_safe)
{
    tw_error err = TW_ERROR_NONE;
    tw_engine_callbacks engine = {
        .size = sizeof engine, .user = c, .process_rgb = counter_process, .scale_factor = counter_scale};
    engine.tiling_config = counter_tiling;
    engine.close = counter_close;
    engine.thread_safe = thread_safe;
    assert_ok(tw_session_add_engine(session, name, &engine, &err), err);
}

#endif
