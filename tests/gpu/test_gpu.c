/* SPDX-License-Identifier: MIT */
/** The Vulkan path, on whatever device there is (make test: a software one): the same picture as the CPU's, computed on the device,
 *  within the memory that was planned; refusals; one process that uses the device again and again. */
#include <glib.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "engine/engine.h"
#include "engine/gpu.h"
#include "model/memory.h"
#include "tilewright/tilewright.h"

#define BOUND (0.01 / 255)

static char *folder, *tiny, *small, *larger; /* 32x24, 48x40, 96x80 */
static char *frames[2];                      /* 160x128, what one shows is elsewhere in the other */

typedef struct outcome {
    int code;
    char *output, *complaints;
} outcome;

static void add_words(GPtrArray *to, const char *const *words)
{
    for (; *words; words++)
        g_ptr_array_add(to, (void *)*words);
}

/* The command, in a process of its own: its peak is then its own too. Lists of words have NULL at the end. */
static outcome run_command(const char *const *begin, const char *to, const char *drivers, const char *const *extra)
{
    GPtrArray *words = g_ptr_array_new();
    const char *const fixed[] = {to, "--overwrite", "--json", "--quiet", "--tiff-compression", "none", NULL};
    g_ptr_array_add(words, (void *)g_getenv("TILEWRIGHT"));
    add_words(words, begin);
    add_words(words, fixed);
    add_words(words, extra);
    g_ptr_array_add(words, NULL);
    char **environment = g_get_environ();
    if (drivers)
        environment = g_environ_setenv(environment, "VK_DRIVER_FILES", drivers, TRUE);
    outcome result = {0};
    GError *error = NULL;
    if (!g_spawn_sync(NULL, (char **)words->pdata, environment, 0, NULL, NULL, &result.output, &result.complaints, &result.code,
                      &error))
        g_error("%s", error->message);
    result.code = g_spawn_check_wait_status(result.code, &error) ? 0 : error->code;
    g_clear_error(&error);
    g_strfreev(environment);
    g_ptr_array_free(words, TRUE);
    return result;
}

static outcome command(const char *model, const char *input, const char *to, const char *drivers, const char *const *extra)
{
    const char *const begin[] = {"upscale", "--model", model, input, NULL};
    return run_command(begin, to, drivers, extra);
}

static void forget(outcome *result)
{
    g_free(result->output);
    g_free(result->complaints);
}

static float *pixels(const char *path, size_t *count)
{
    VipsImage *image = vips_image_new_from_file(path, NULL);
    size_t bytes;
    if (!image)
        g_error("%s: %s", path, vips_error_buffer());
    g_assert_cmpint(vips_image_get_format(image), ==, VIPS_FORMAT_FLOAT);
    float *values = vips_image_write_to_memory(image, &bytes);
    *count = bytes / sizeof(float);
    g_object_unref(image);
    return values;
}

static double largest_difference(const char *a, const char *b)
{
    size_t n, m;
    float *one = pixels(a, &n), *two = pixels(b, &m);
    double worst = 0, sum = 0, squares = 0;
    g_assert_cmpuint(n, ==, m);
    for (size_t i = 0; i < n; i++) {
        double difference = fabs((double)one[i] - (double)two[i]);
        if (!(difference <= worst)) /* a NaN counts */
            worst = isnan(difference) ? INFINITY : difference;
        sum += one[i], squares += (double)one[i] * one[i];
    }
    g_assert_cmpfloat(squares / (double)n - sum / (double)n * (sum / (double)n), >,
                      0.02 * 0.02); /* a flat picture proves nothing */
    g_free(one);
    g_free(two);
    return worst;
}

static json_int_t number(const json_t *json, const char *outer, const char *inner)
{
    const json_t *value = json_object_get(json, outer);
    if (inner)
        value = json_object_get(value, inner);
    if (!json_is_integer(value))
        g_error("the report has no %s %s", outer, inner ? inner : "");
    return json_integer_value(value);
}

/* The report of a run on the device: what ran where, and memory as planned. */
static void check_report(const char *model, const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    g_assert_nonnull(json);
    g_assert_cmpstr(json_string_value(json_object_get(json, "device")), !=, "cpu");
    g_assert_cmpint(number(json, "device_layers", "gpu"), >, 0);
    g_assert_cmpint(number(json, "device_layers", "cpu"), ==, 0);
    g_assert_cmpint(number(json, "workers", NULL), ==, 1);
    json_int_t used = number(json, "vram_tile_bytes", "used"), held = number(json, "vram_tile_bytes", "held");
    json_int_t planned = number(json, "planned_peak_bytes", NULL), peak = number(json, "peak_bytes", NULL);
    g_assert_cmpint(used, >, 0);
    g_assert_cmpint(used, <=, held);
    g_assert_cmpint(held, <, number(json, "planned_vram_bytes", NULL));
    g_assert_cmpint(number(json, "planned_vram_bytes", NULL), <=, number(json, "vram_budget_bytes", NULL));
    g_assert_cmpint(peak, <=, planned);
    g_test_message("%s on %s: device tile %.1f MB used, %.1f held; resident %.1f MB of %.1f planned", model,
                   json_string_value(json_object_get(json, "device")), (double)used / 1e6, (double)held / 1e6,
                   (double)peak / 1e6, (double)planned / 1e6);
    json_decref(json);
}

typedef struct comparison {
    const char *model, *tile; /* NULL: whole */
    char *const *input;
} comparison;

static void check_comparison(const void *data)
{
    const comparison *c = data;
    char *on_cpu = g_build_filename(folder, "cpu.tif", NULL), *on_device = g_build_filename(folder, "device.tif", NULL);
    const char *const cpu[] = {"--schedule", "whole", "--device", "cpu", NULL};
    const char *const whole[] = {"--device", "gpu", "--schedule", "whole", NULL};
    const char *const tiled[] = {"--device", "gpu", "--tile", c->tile, NULL};
    outcome reference = command(c->model, *c->input, on_cpu, NULL, cpu);
    outcome result = command(c->model, *c->input, on_device, NULL, c->tile ? tiled : whole);
    g_assert_cmpint(reference.code, ==, 0);
    if (result.code != 0)
        g_error("%s: %s", c->model, result.complaints);
    g_assert_cmpstr(result.complaints, ==, ""); /* ncnn and the driver are silent */
    check_report(c->model, result.output);
    double difference = largest_difference(on_cpu, on_device);
    g_test_message("%s tile %s: largest difference to the CPU %.6f/255", c->model, c->tile ? c->tile : "whole",
                   difference * 255);
    g_assert_cmpfloat(difference, <=, BOUND);
    forget(&reference);
    forget(&result);
    g_free(on_cpu);
    g_free(on_device);
}

/* A net of two frames: its convolutions run on the device, its warps on the CPU; the frame is the CPU's, whatever the tiles. */
static void check_between(void)
{
    char *on_cpu = g_build_filename(folder, "cpu.tif", NULL), *on_device = g_build_filename(folder, "device.tif", NULL);
    const char *const begin[] = {"interpolate", frames[0], frames[1], NULL};
    const char *const cpu[] = {"--schedule", "whole", NULL};
    static const char *const ways[][5] = {{"--device", "gpu", "--schedule", "whole"}, {"--device", "gpu", "--tile", "64"}};
    outcome reference = run_command(begin, on_cpu, NULL, cpu);
    g_assert_cmpint(reference.code, ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        outcome result = run_command(begin, on_device, NULL, ways[i]);
        if (result.code != 0)
            g_error("between: %s", result.complaints);
        check_report("between", result.output);
        double difference = largest_difference(on_cpu, on_device);
        g_test_message("between %s %s: largest difference to the CPU %.6f/255", ways[i][2], ways[i][3], difference * 255);
        g_assert_cmpfloat(difference, <=, BOUND);
        forget(&result);
    }
    forget(&reference);
    g_free(on_cpu);
    g_free(on_device);
}

static void check_refusal(const char *drivers, const char *const *extra, int code, const char *line)
{
    char *to = g_build_filename(folder, "never.tif", NULL);
    outcome result = command("photo-2x", small, to, drivers, extra);
    g_assert_cmpint(result.code, ==, code);
    if (!g_pattern_match_simple(line, result.complaints))
        g_error("not %s: %s", line, result.complaints);
    g_assert_cmpuint(strchr(result.complaints, '\n') - result.complaints, ==, strlen(result.complaints) - 1); /* one line */
    g_assert_false(g_file_test(to, G_FILE_TEST_EXISTS));
    forget(&result);
    g_free(to);
}

static void refusals(void)
{
    const char *const seventh[] = {"--device", "gpu:97", NULL}, *const first[] = {"--device", "gpu", NULL};
    const char *const little[] = {"--device", "gpu", "--vram", "2M", NULL};
    check_refusal(NULL, seventh, 5, "tilewright: *gpu:97*Vulkan device*");
    check_refusal("/nonexistent", first, 5, "tilewright: *no Vulkan*");
    check_refusal("/nonexistent", seventh, 5, "tilewright: *no Vulkan*");
    check_refusal(NULL, little, 4, "tilewright: *device memory*smallest that would do is *M*");
}

/* The budget of device memory decides the tile, and the smallest one that a refusal names does. */
static void vram_budget(void)
{
    char *to = g_build_filename(folder, "device.tif", NULL);
    const char *const little[] = {"--device", "gpu", "--vram", "2M", NULL};
    outcome refused = command("photo-2x", larger, to, NULL, little);
    const char *named = strstr(refused.complaints, "would do is ");
    g_assert_nonnull(named);
    char *smallest = g_strdup_printf("%lldM", strtoll(named + strlen("would do is "), NULL, 10));
    const char *const enough[] = {"--device", "gpu", "--schedule", "halo", "--vram", smallest, NULL};
    outcome result = command("photo-2x", larger, to, NULL, enough);
    g_assert_cmpint(result.code, ==, 0);
    check_report("photo-2x, least device memory", result.output);
    forget(&refused);
    forget(&result);
    g_free(smallest);
    g_free(to);
}

/* One engine call; the tensors are the worker's. */
static tw_status run_tile(const tw_model *model, tw_engine_worker *worker, int64_t w, int64_t h, tw_error *err)
{
    tw_tensor in, out = {0};
    TW_TRY(tw_engine_tensor(worker, w, h, 3, &in, err));
    for (int64_t i = 0; i < in.plane * in.c; i++)
        in.data[i] = 0.5f;
    tw_engine_call call = {.n_in = 1, .n_out = 1};
    call.in[0].blob = model->graph->blobs[model->geometry->input].name;
    call.in[0].tensor = &in;
    call.out[0].blob = model->graph->blobs[model->geometry->output].name;
    call.out[0].tensor = &out;
    tw_status status = tw_engine_run(worker, &call, err);
    tw_tensor_release(&in);
    tw_tensor_release(&out);
    return status;
}

/* The engine's own caps, below what the plan would allow: refused in the middle of a net, and the next tile runs. */
static void capped_run(void)
{
    tw_error err = TW_ERROR_NONE;
    tw_account *account = tw_account_new(NULL, "test", 0);
    tw_model *model;
    tw_engine *engine;
    g_assert_cmpint(tw_model_open("photo-2x", &model, &err), ==, TW_OK);
    int64_t weights = tw_memory_weights_device(model->graph), largest;
    g_assert_cmpint(tw_engine_open_ncnn(model, NULL, 0, account, weights, &engine, &err), ==, TW_OK);
    tw_engine_worker *worker;
    g_assert_cmpint(tw_engine_worker_new(engine, account, &worker, &err), ==, TW_OK);
    tw_engine_worker_cap_device(worker, 4 << 20);
    g_assert_cmpint(run_tile(model, worker, 200, 160, &err), ==, TW_ERROR_BUDGET);
    err.code = TW_OK;
    g_assert_cmpint(run_tile(model, worker, 32, 24, &err), ==, TW_OK);
    tw_engine_worker_free(worker);
    g_assert_cmpint(tw_account_used(account), ==, weights);

    /* estimate >= actual, for shapes that share one block */
    g_assert_cmpint(tw_engine_worker_new(engine, account, &worker, &err), ==, TW_OK);
    static const int64_t sizes[][2] = {{33, 21}, {64, 40}, {17, 90}, {64, 40}};
    int64_t estimate = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        estimate = MAX(estimate, tw_memory_tile_device(model->graph, model->geometry, sizes[i][0], sizes[i][1], &largest));
        tw_engine_worker_reserve_device(worker, estimate);
        g_assert_cmpint(run_tile(model, worker, sizes[i][0], sizes[i][1], &err), ==, TW_OK);
        int64_t used, held = tw_engine_worker_device_peak(worker, &used);
        g_assert_cmpint(used, <=, estimate);
        g_assert_cmpint(held, <=, estimate + (1 << 20)); /* whole MiB */
    }
    tw_engine_worker_free(worker);
    tw_engine_unref(engine);
    tw_model_free(model);
    g_assert_cmpint(tw_account_used(account), ==, 0);
    tw_account_free(account);
}

static int open_files(void)
{
    GDir *dir = g_dir_open("/proc/self/fd", 0, NULL);
    int n = 0;
    while (g_dir_read_name(dir))
        n++;
    g_dir_close(dir);
    return n;
}

static int64_t resident(void)
{
    char *text;
    g_assert_true(g_file_get_contents("/proc/self/statm", &text, NULL, NULL));
    int64_t pages = g_ascii_strtoll(strchr(text, ' '), NULL, 10);
    g_free(text);
    return pages * 4096;
}

/* Sessions that come and go: instance, device and nets begin and end in order, and nothing stays behind. The heap and the driver's
 * threads settle within some sessions (30 were watched); an instance that stays takes 100 MB, each time. */
static void again_and_again(void)
{
    int files[10];
    int64_t bytes[10];
    char *to = g_build_filename(folder, "again.tif", NULL);
    for (int i = 0; i < 10; i++) {
        tw_error err = TW_ERROR_NONE;
        tw_session *session;
        tw_job *job;
        g_assert_cmpint(tw_session_new(&session, &err), ==, TW_OK);
        g_assert_cmpint(tw_job_new(session, "upscale", &job, &err), ==, TW_OK);
        tw_job_set(job, "device", "gpu", &err);
        tw_job_set(job, "overwrite", "true", &err);
        tw_job_input(job, tiny, &err);
        tw_job_output(job, to, &err);
        tw_job_run(job, &err);
        if (err.code != TW_OK)
            g_error("%s", err.message);
        tw_job_free(job);
        tw_session_free(session);
        files[i] = open_files();
        bytes[i] = resident();
    }
    g_test_message("resident after 1, 5 and 10 sessions: %.1f, %.1f, %.1f MB", (double)bytes[0] / 1e6, (double)bytes[4] / 1e6,
                   (double)bytes[9] / 1e6);
    g_assert_cmpint(files[9], ==, files[1]);
    g_assert_cmpint(bytes[9], <, bytes[4] + (24 << 20));
    g_free(to);
}

static char *crop_at(const char *photo, int x, int y, int w, int h, const char *name)
{
    VipsImage *image = vips_image_new_from_file(photo, NULL), *part = NULL, *scaled = NULL, *real = NULL;
    char *path = g_build_filename(folder, name, NULL);
    if (!image)
        g_error("no photograph %s: %s", photo, vips_error_buffer());
    g_assert_cmpint(vips_crop(image, &part, x, y, w, h, NULL), ==, 0);
    g_assert_cmpint(vips_linear1(part, &scaled, 1 / 255.0, 0, NULL), ==, 0);
    g_assert_cmpint(vips_cast_float(scaled, &real, NULL), ==, 0);
    g_assert_cmpint(vips_tiffsave(real, path, NULL), ==, 0);
    g_object_unref(real);
    g_object_unref(scaled);
    g_object_unref(part);
    g_object_unref(image);
    return path;
}

static char *crop(const char *photo, int w, int h, const char *name)
{
    return crop_at(photo, 1200, 700, w, h, name);
}

static void make_pictures(const char *photos)
{
    folder = g_dir_make_tmp("tilewright-gpu-XXXXXX", NULL);
    char *photo = g_build_filename(photos, "usr/share/backgrounds/mate/nature/Garden.jpg", NULL);
    tiny = crop(photo, 32, 24, "tiny.tif");
    small = crop(photo, 48, 40, "small.tif");
    larger = crop(photo, 96, 80, "larger.tif");
    frames[0] = crop_at(photo, 1200, 700, 160, 128, "first.tif");
    frames[1] = crop_at(photo, 1205, 702, 160, 128, "second.tif");
    g_free(photo);
}

int main(int argc, char **argv)
{
    static const comparison comparisons[] = {
        {"photo-2x", NULL, &larger},
        {"photo-2x", "24", &larger},
        {"realesr-animevideov3-x2", NULL, &larger},
        {"realesr-animevideov3-x2", "32", &small},
        {"realcugan-2x-se-no-denoise", NULL, &small}, /* pools over the picture on the device */
        {"realcugan-2x-se-no-denoise", "24", &small}, /* in passes */
    };
    const char *models = g_getenv("TILEWRIGHT_TEST_MODELS"), *photos = g_getenv("TILEWRIGHT_TEST_PHOTOS");
    if (VIPS_INIT(argv[0]))
        return 99;
    g_test_init(&argc, &argv, NULL);
    if (!models || !photos || !g_getenv("TILEWRIGHT")) {
        g_printerr("TILEWRIGHT, TILEWRIGHT_TEST_MODELS and TILEWRIGHT_TEST_PHOTOS must be set (make test sets them)\n");
        return 99;
    }
    g_setenv("TILEWRIGHT_MODELS", models, TRUE);
    if (tw_gpu_count() < 1) {
        g_printerr("no Vulkan device: install mesa-vulkan-drivers (tools/setup/debian.sh test)\n");
        return 99;
    }
    make_pictures(photos);
    for (size_t i = 0; i < G_N_ELEMENTS(comparisons); i++) {
        const comparison *c = &comparisons[i];
        char *name = g_strdup_printf("/gpu/same/%s/%s", c->model, c->tile ? c->tile : "whole");
        g_test_add_data_func(name, c, check_comparison);
        g_free(name);
    }
    g_test_add_func("/gpu/between", check_between);
    g_test_add_func("/gpu/refusals", refusals);
    g_test_add_func("/gpu/vram", vram_budget);
    g_test_add_func("/gpu/capped", capped_run);
    g_test_add_func("/gpu/again", again_and_again);
    int code = g_test_run();
    char *remove[] = {"rm", "-rf", folder, NULL};
    g_spawn_sync(NULL, remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    return code;
}
