/* SPDX-License-Identifier: MIT */
/* models add: copies a graph, its weights and its record into the data folder; conversion is pnnx's work. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/embedded.h"
#include "model/record.h"
#include "model/registry.h"
#include "tilewright/models.h"

#define GET_PNNX "the program pnnx converts it: install the PyPI package pnnx, so that pnnx is on PATH"

static tw_status write_all(int fd, const char *path, const char *data, size_t length, tw_error *err)
{
    while (length > 0) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return tw_fail(err, TW_ERROR_RUN, "%s: %s", path, g_strerror(errno));
        data += n;
        length -= (size_t)n;
    }
    return TW_OK;
}

static tw_status close_synced(int fd, const char *path, tw_status status, tw_error *err)
{
    if (status == TW_OK && fsync(fd) != 0)
        status = tw_fail(err, TW_ERROR_RUN, "%s: %s", path, g_strerror(errno));
    if (close(fd) != 0 && status == TW_OK)
        status = tw_fail(err, TW_ERROR_RUN, "%s: %s", path, g_strerror(errno));
    return status;
}

static tw_status create(const char *path, int *fd, tw_error *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return *fd >= 0 ? TW_OK : tw_fail(err, TW_ERROR_RUN, "%s: %s", path, g_strerror(errno));
}

static tw_status write_file(const char *path, const char *data, size_t length, tw_error *err)
{
    int fd;
    TW_TRY(create(path, &fd, err));
    return close_synced(fd, path, write_all(fd, path, data, length, err), err);
}

static tw_status copy_file(const char *from, const char *to, tw_error *err)
{
    char buffer[65536];
    ssize_t n;
    int out, in = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (in < 0)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %s", from, g_strerror(errno));
    tw_status status = create(to, &out, err);
    if (status != TW_OK) {
        close(in);
        return status;
    }
    while (status == TW_OK && ((n = read(in, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0)
            status = write_all(out, to, buffer, (size_t)n, err);
    if (status == TW_OK && n < 0)
        status = tw_fail(err, TW_ERROR_INPUT, "%s: %s", from, g_strerror(errno));
    close(in);
    return close_synced(out, to, status, err);
}

/* Removes a folder of plain files. */
static void remove_folder(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir))) {
        char *path = g_build_filename(folder, entry, NULL);
        g_unlink(path);
        g_free(path);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(folder);
}

/* ---- the record ---- */

/* What was given, else what lies beside the file, else a refusal that says what to give. */
static tw_status find_record(const tw_model *model, const char *given, tw_model_record *record, tw_error *err)
{
    if (given)
        return tw_record_read(given, strlen(given), "record", record, err);
    if (model->record.assumed)
        return tw_fail(err, TW_ERROR_USAGE,
                       "%s: no graph tells how its net wants to be fed; give --range 1|255 (or --mean M and --norm N), "
                       "--channels rgb|bgr and --size-multiple N (0: what the graph says); optional: --pad "
                       "reflect|replicate|zero, --out-mean, --out-norm, --title, --licence",
                       model->record.source);
    json_t *own = tw_record_json(&model->record);
    char *text = json_dumps(own, JSON_COMPACT | JSON_REAL_PRECISION(9));
    tw_status status = text ? tw_record_read(text, strlen(text), "record", record, err) : tw_fail_memory(err, "record", 4096);
    json_decref(own);
    free(text);
    return status;
}

static tw_status record_text(tw_model_record *record, const char *name, const char *path, char **text, tw_error *err)
{
    char *base = g_path_get_basename(path);
    g_free(record->name);
    record->name = g_strdup(name);
    if (!record->title)
        record->title = g_strdup(name);
    g_free(record->source);
    record->source = g_strconcat("added from ", base, NULL);
    g_free(base);
    json_t *object = tw_record_json(record);
    *text = object ? json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(object);
    return *text ? TW_OK : tw_fail_memory(err, "record", 4096);
}

/* ---- publishing ---- */

/* Moves NAME.bin, .json and at last .param out of `work`; a model exists when its .param does. */
static tw_status publish(const char *work, const char *folder, const char *name, tw_error *err)
{
    static const char *const suffixes[] = {".bin", ".json", ".param"};
    tw_status status = TW_OK;
    char *param = g_strconcat(folder, "/", name, ".param", NULL);
    if (g_unlink(param) != 0 && errno != ENOENT) /* never new weights under an old graph */
        status = tw_fail(err, TW_ERROR_RUN, "%s: %s", param, g_strerror(errno));
    for (int s = 0; s < 3 && status == TW_OK; s++) {
        char *from = g_strconcat(work, "/", name, suffixes[s], NULL);
        char *to = g_strconcat(folder, "/", name, suffixes[s], NULL);
        if (g_rename(from, to) != 0)
            status = tw_fail(err, TW_ERROR_RUN, "%s: %s", to, g_strerror(errno));
        g_free(from);
        g_free(to);
    }
    int fd = status == TW_OK ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0)
        status = close_synced(fd, folder, status, err);
    g_free(param);
    return status;
}

static tw_status store(const tw_model *model, const char *name, const char *record, tw_error *err)
{
    char *folder = tw_model_folder();
    char *work = g_build_filename(folder, ".install-XXXXXX", NULL);
    char *stem = NULL, *param = NULL, *bin = NULL, *json = NULL;
    tw_status status = TW_OK;
    if (g_mkdir_with_parents(folder, 0777) != 0 || !g_mkdtemp(work)) {
        status = tw_fail(err, TW_ERROR_RUN, "%s: %s", folder, g_strerror(errno));
        goto done;
    }
    stem = g_build_filename(work, name, NULL);
    param = g_strconcat(stem, ".param", NULL);
    bin = g_strconcat(stem, ".bin", NULL);
    json = g_strconcat(stem, ".json", NULL);
    status = write_file(param, model->param_text, model->param_length, err);
    if (status == TW_OK)
        status = copy_file(model->weights_path, bin, err);
    if (status == TW_OK)
        status = write_file(json, record, strlen(record), err);
    if (status == TW_OK)
        status = publish(work, folder, name, err);
    remove_folder(work);
done:
    g_free(json);
    g_free(bin);
    g_free(param);
    g_free(stem);
    g_free(work);
    g_free(folder);
    return status;
}

static tw_status check_name(const char *name, tw_error *err)
{
    if (!tw_model_name_ok(name))
        return tw_fail(err, TW_ERROR_USAGE, "'%.100s' cannot name a model: a-z 0-9 . _ - only, at most 100; give --name", name);
    for (const tw_embedded_model *each = tw_embedded_models; each->name; each++)
        if (strcmp(each->name, name) == 0)
            return tw_fail(err, TW_ERROR_USAGE, "'%s' is a built-in model; give --name", name);
    return TW_OK;
}

/* `origin`: the file the user named. */
static tw_status add_param(const char *path, const char *origin, const char *name, const char *given, tw_error *err)
{
    tw_model *model = NULL;
    tw_model_record record = {0};
    char *text = NULL;
    TW_TRY(check_name(name, err));
    tw_status status = tw_model_open(path, &model, err);
    if (status == TW_OK)
        status = find_record(model, given, &record, err);
    if (status == TW_OK)
        status = record_text(&record, name, origin, &text, err);
    if (status == TW_OK)
        status = store(model, name, text, err);
    free(text);
    tw_record_free(&record);
    tw_model_free(model);
    return status;
}

/* ---- pnnx ---- */

static tw_status spawn_pnnx(const char *program, const char *folder, tw_error *err)
{
    /* fp16=0: float32 weights, as the records promise exactness against the network that was given. */
    const char *argv[] = {program, "net.onnx", "fp16=0", NULL};
    GError *problem = NULL;
    int wait_status = 0;
    tw_status status = TW_OK;
    if (!g_spawn_sync(folder, (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL,
                      NULL, &wait_status, &problem) ||
        !g_spawn_check_wait_status(wait_status, &problem))
        status = tw_fail(err, TW_ERROR_INPUT, "pnnx could not convert it: %s", problem->message);
    g_clear_error(&problem);
    return status;
}

static tw_status add_onnx(const char *path, const char *name, const char *given, tw_error *err)
{
    char *program = g_find_program_in_path("pnnx");
    char *folder = NULL, *copy = NULL, *converted = NULL;
    tw_status status = TW_OK;
    if (!program)
        return tw_fail(err, TW_ERROR_USAGE, "%s: an ONNX file; " GET_PNNX, path);
    if (!given) {
        status = tw_fail(err, TW_ERROR_USAGE,
                         "%s: give the record with it: --range 1|255 (or --mean M and --norm N), "
                         "--channels rgb|bgr and --size-multiple N (0: what the graph says)",
                         path);
        goto done;
    }
    folder = g_dir_make_tmp("tilewright-pnnx-XXXXXX", NULL);
    if (!folder) {
        status = tw_fail(err, TW_ERROR_RUN, "no temporary folder: %s", g_strerror(errno));
        goto done;
    }
    copy = g_build_filename(folder, "net.onnx", NULL);
    converted = g_build_filename(folder, "net.ncnn.param", NULL);
    status = copy_file(path, copy, err);
    if (status == TW_OK)
        status = spawn_pnnx(program, folder, err);
    if (status == TW_OK)
        status = add_param(converted, path, name, given, err);
done:
    if (folder)
        remove_folder(folder);
    g_free(converted);
    g_free(copy);
    g_free(folder);
    g_free(program);
    return status;
}

tw_status tw_models_add(const char *path, const char *name_or_null, const char *record_json_or_null, tw_error *err)
{
    char *base = g_path_get_basename(path);
    char *dot = strrchr(base, '.');
    const char *suffix = dot ? path + strlen(path) - strlen(dot) : "";
    if (dot)
        *dot = 0;
    const char *name = name_or_null ? name_or_null : base;
    tw_status status;
    if (strcmp(suffix, ".param") == 0)
        status = add_param(path, path, name, record_json_or_null, err);
    else if (strcmp(suffix, ".onnx") == 0)
        status = check_name(name, err) == TW_OK ? add_onnx(path, name, record_json_or_null, err) : TW_ERROR_USAGE;
    else if (strcmp(suffix, ".pth") == 0 || strcmp(suffix, ".pt") == 0 || strcmp(suffix, ".safetensors") == 0)
        status = tw_fail(err, TW_ERROR_USAGE,
                         "%s: bare PyTorch weights hold no graph; export the net to ONNX with the code it "
                         "belongs to, then add the .onnx; " GET_PNNX,
                         path);
    else
        status = tw_fail(err, TW_ERROR_USAGE, "%s: models are added from .param (with the .bin beside it) or .onnx", path);
    g_free(base);
    return status;
}
