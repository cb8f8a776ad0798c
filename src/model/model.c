/* SPDX-License-Identifier: MIT */
#include "model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"
#include "model/embedded.h"
#include "model/lower.h"
#include "model/record.h"
#include "model/registry.h"
#include "model/weights.h"

/* ---- files ---- */

/* Opens a regular file; never waits for the other end of a pipe. */
static tw_status open_regular(const char *path, int *fd, int64_t *length, tw_error *err)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %s", path, g_strerror(errno));
    if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(*fd);
        *fd = -1;
        return tw_fail(err, TW_ERROR_INPUT, "%s: not a regular file", path);
    }
    *length = st.st_size;
    return TW_OK;
}

tw_status tw_model_read_file(const char *path, size_t limit, char **text, size_t *length, tw_error *err)
{
    int fd;
    int64_t size;
    TW_TRY(open_regular(path, &fd, &size, err));
    tw_status status = TW_OK;
    char *buffer = NULL;
    size_t got = 0;
    if ((uint64_t)size > limit) {
        status = tw_fail(err, TW_ERROR_INPUT, "%s: %lld bytes, at most %zu are read", path, (long long)size, limit);
        goto done;
    }
    buffer = g_try_malloc((size_t)size + 1);
    if (!buffer) {
        status = tw_fail_memory(err, path, (long long)size);
        goto done;
    }
    while (got < (size_t)size) {
        ssize_t n = read(fd, buffer + got, (size_t)size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            status = tw_fail(err, TW_ERROR_INPUT, "%s: %s", path, g_strerror(errno));
            goto done;
        }
        if (n == 0)
            break;
        got += (size_t)n;
    }
    buffer[got] = 0;
    *text = buffer;
    *length = got;
    buffer = NULL;
done:
    g_free(buffer);
    close(fd);
    return status;
}

static bool peek_file(void *user, int64_t offset, uint32_t *tag)
{
    unsigned char b[4];
    if (pread(*(const int *)user, b, sizeof b, offset) != (ssize_t)sizeof b)
        return false;
    *tag = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return true;
}

/* Checks the weights against the graph and adds them to the hash, without holding them. */
static tw_status check_weights(const tw_model *model, GChecksum *sum, tw_error *err)
{
    int fd;
    int64_t length;
    unsigned char buffer[65536];
    TW_TRY(open_regular(model->weights_path, &fd, &length, err));
    tw_status status = tw_weights_check(model->graph, model->weights_path, length, peek_file, &fd, err);
    ssize_t n = 0;
    while (status == TW_OK && sum && ((n = read(fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0)
            g_checksum_update(sum, buffer, n);
    if (n < 0)
        status = tw_fail(err, TW_ERROR_INPUT, "%s: %s", model->weights_path, g_strerror(errno));
    close(fd);
    return status;
}

/* ---- one model ---- */

void tw_model_free(tw_model *model)
{
    if (!model)
        return;
    tw_record_free(&model->record);
    g_free(model->param_text);
    g_free(model->lowered);
    g_free(model->weights_path);
    tw_carry_free(model->carry);
    tw_carry_free(model->carry_plain);
    g_free(model->why_not_carried);
    tw_flow_free(model->flow);
    tw_flow_free(model->flow_ends);
    g_free(model->why_no_flow);
    tw_graph_free(model->graph);
    tw_geometry_free(model->geometry);
    g_free(model);
}

/* A net that cannot be carried, or has no flow, is a net all the same. */
static void prepare_forms(tw_model *model, const char *label)
{
    tw_error why = TW_ERROR_NONE, why_no_flow = TW_ERROR_NONE;
    static const int64_t large = 4 << 20; /* weights */
    const tw_geometry *g = model->geometry;
    const char *text = model->lowered ? model->lowered : model->param_text;
    if (tw_flow_of(model->graph, g, text, label, false, &model->flow, &why_no_flow) != TW_OK)
        model->why_no_flow = g_strdup(why_no_flow.message);
    else
        tw_flow_of(model->graph, g, text, label, true, &model->flow_ends, NULL);
    if (tw_carry_of(model->graph, g, text, label, false, &model->carry, &why) != TW_OK)
        model->why_not_carried = g_strdup(why.message);
    else if (g->weights >= large && g->canvas[0] == 0)
        tw_carry_of(model->graph, g, text, label, true, &model->carry_plain, &why);
}

/* Layers "Tw..." are our own: rewriting makes them, and they rely on what it knows. */
static tw_status refuse_own_layers(const tw_graph *graph, const char *label, tw_error *err)
{
    for (int i = 0; i < graph->n_layers; i++)
        if (g_str_has_prefix(graph->layers[i].type, "Tw"))
            return tw_fail(err, TW_ERROR_INPUT, "%s: layer %s is of type %s, which is none of ncnn's", label,
                           graph->layers[i].name, graph->layers[i].type);
    return TW_OK;
}

/* Graph and geometry; anew where layers are lowered. */
static tw_status read_graph(tw_model *model, const char *label, tw_error *err)
{
    TW_TRY(tw_graph_parse(model->param_text, model->param_length, label, &model->graph, err));
    TW_TRY(refuse_own_layers(model->graph, label, err));
    TW_TRY(tw_geometry_of(model->graph, label, &model->geometry, err));
    model->lowered = tw_lower(model->graph, model->geometry, model->param_text);
    if (!model->lowered)
        return TW_OK;
    tw_geometry_free(model->geometry);
    tw_graph_free(model->graph);
    model->graph = NULL;
    model->geometry = NULL;
    char *said = g_strdup_printf("%s with its whole-picture layers lowered", label);
    tw_status status = tw_graph_parse(model->lowered, strlen(model->lowered), said, &model->graph, err);
    g_free(said);
    return status == TW_OK ? tw_geometry_of(model->graph, label, &model->geometry, err) : status;
}

/* From param_text (and weights) to graph, geometry and hash. */
static tw_status complete(tw_model *model, const char *label, bool light, tw_error *err)
{
    if (memchr(model->param_text, 0, model->param_length))
        return tw_fail(err, TW_ERROR_INPUT, "%s: not a text graph (a .param.bin?)", label);
    TW_TRY(read_graph(model, label, err));
    if (light)
        return TW_OK;
    prepare_forms(model, label);
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(sum, (const guchar *)model->param_text, (gssize)model->param_length);
    tw_status status = TW_OK;
    if (model->weights_path)
        status = check_weights(model, sum, err);
    else
        g_checksum_update(sum, model->weights, (gssize)model->weights_length);
    g_strlcpy(model->hash, g_checksum_get_string(sum), sizeof model->hash);
    g_checksum_free(sum);
    return status;
}

static tw_status open_embedded(const tw_embedded_model *from, bool light, tw_model **out, tw_error *err)
{
    tw_model *model = g_new0(tw_model, 1);
    tw_record_default(&model->record);
    model->record.name = g_strdup(from->name);
    model->record.title = g_strdup(from->title);
    model->record.licence = g_strdup("MIT");
    model->record.source = g_strdup("embedded");
    model->param_text = g_strndup(from->param, from->param_length);
    model->param_length = from->param_length;
    model->weights = from->weights;
    model->weights_length = from->weights_length;
    tw_status status = complete(model, from->name, light, err);
    if (status == TW_OK)
        *out = model;
    else
        tw_model_free(model);
    return status;
}

/* The record beside the graph. A model in a data folder must have one; for a path the defaults stand in, and that is noted. */
static tw_status read_record(const char *json_path, bool required, tw_model_record *record, tw_error *err)
{
    char *text = NULL;
    size_t length = 0;
    if (!g_file_test(json_path, G_FILE_TEST_EXISTS)) {
        if (required)
            return tw_fail(err, TW_ERROR_INPUT, "%s: the model's record is missing; install or add it again", json_path);
        tw_record_default(record);
        record->assumed = true;
        return TW_OK;
    }
    TW_TRY(tw_model_read_file(json_path, TW_RECORD_LIMIT, &text, &length, err));
    tw_status status = tw_record_read(text, length, json_path, record, err);
    g_free(text);
    return status;
}

/* `name`: NULL for a model opened by path. */
static tw_status open_files(const char *param_path, const char *name, bool light, tw_model **out, tw_error *err)
{
    tw_model *model = g_new0(tw_model, 1);
    char *stem = g_strndup(param_path, strlen(param_path) - strlen(".param"));
    char *json_path = g_strconcat(stem, ".json", NULL);
    model->weights_path = g_strconcat(stem, ".bin", NULL);
    tw_status status = tw_model_read_file(param_path, TW_PARAM_LIMIT, &model->param_text, &model->param_length, err);
    if (status == TW_OK)
        status = read_record(json_path, name != NULL, &model->record, err);
    if (status == TW_OK) {
        /* The file name is the name; what the record says may be the name before a copy. */
        g_free(model->record.name);
        model->record.name = name ? g_strdup(name) : g_path_get_basename(stem);
        if (!model->record.title)
            model->record.title = g_strdup(model->record.name);
        if (!name || !model->record.source) {
            g_free(model->record.source);
            model->record.source = g_strdup(param_path);
        }
        status = complete(model, param_path, light, err);
    }
    if (status == TW_OK)
        *out = model;
    else
        tw_model_free(model);
    g_free(json_path);
    g_free(stem);
    return status;
}

/* ---- names ---- */

char *tw_model_folder(void)
{
    const char *own = g_getenv("TILEWRIGHT_MODELS");
    if (own && *own)
        return g_strdup(own);
    /* Not g_get_user_data_dir: that one is remembered from the first call, and a long-lived caller may set the variable. */
    const char *data = g_getenv("XDG_DATA_HOME");
    if (data && g_path_is_absolute(data))
        return g_build_filename(data, "tilewright", "models", NULL);
    return g_build_filename(g_get_home_dir(), ".local", "share", "tilewright", "models", NULL);
}

char **tw_model_folders(void)
{
    GPtrArray *folders = g_ptr_array_new();
    g_ptr_array_add(folders, tw_model_folder());
    for (const char *const *dir = g_get_system_data_dirs(); *dir; dir++)
        g_ptr_array_add(folders, g_build_filename(*dir, "tilewright", "models", NULL));
    g_ptr_array_add(folders, NULL);
    return (char **)g_ptr_array_free(folders, FALSE);
}

static void offer_name(void *user, const char *name)
{
    g_ptr_array_add(user, g_strdup(name));
}

/* The message for a name nobody knows: its pack, or the nearest name and that one's pack. */
static tw_status fail_unknown(const char *name, tw_error *err)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    json_t *packs = tw_packs();
    const char *pack = tw_pack_of(packs, name);
    tw_nearest nearest = {0};
    tw_model_names(offer_name, names);
    guint installed = names->len;
    for (size_t i = 0; i < json_array_size(packs); i++) {
        const char *known;
        for (size_t k = 0; (known = tw_pack_model(json_array_get(packs, i), k)); k++)
            g_ptr_array_add(names, g_strdup(known));
    }
    for (guint n = 0; n < names->len; n++)
        tw_nearest_offer(&nearest, name, g_ptr_array_index(names, n));
    bool have = false;
    for (guint n = 0; nearest.name && n < installed; n++)
        have = have || strcmp(nearest.name, g_ptr_array_index(names, n)) == 0;
    const char *near_pack = nearest.name && !have ? tw_pack_of(packs, nearest.name) : NULL;
    if (pack)
        tw_fail(err, TW_ERROR_USAGE, "model '%s' is not installed: tilewright models install %s", name, pack);
    else if (near_pack)
        tw_fail(err, TW_ERROR_USAGE, "unknown model '%.100s'; did you mean '%s' (tilewright models install %s)?", name,
                nearest.name, near_pack);
    else if (nearest.name)
        tw_fail(err, TW_ERROR_USAGE, "unknown model '%.100s'; did you mean '%s'?", name, nearest.name);
    else
        tw_fail(err, TW_ERROR_USAGE, "unknown model '%.100s'; tilewright models list shows all; a path needs a / or .param",
                name);
    json_decref(packs);
    g_ptr_array_free(names, TRUE);
    return TW_ERROR_USAGE;
}

static tw_status open_named(const char *name, bool light, tw_model **out, tw_error *err)
{
    for (const tw_embedded_model *each = tw_embedded_models; each->name; each++)
        if (strcmp(each->name, name) == 0)
            return open_embedded(each, light, out, err);
    if (!tw_model_name_ok(name))
        return fail_unknown(name, err);
    char **folders = tw_model_folders();
    char *found = NULL;
    for (char **folder = folders; *folder && !found; folder++) {
        char *file = g_strconcat(*folder, "/", name, ".param", NULL);
        if (g_file_test(file, G_FILE_TEST_EXISTS))
            found = file;
        else
            g_free(file);
    }
    tw_status status = found ? open_files(found, name, light, out, err) : fail_unknown(name, err);
    g_free(found);
    g_strfreev(folders);
    return status;
}

static tw_status open_any(const char *name_or_path, bool light, tw_model **out, tw_error *err)
{
    *out = NULL;
    if (g_str_has_suffix(name_or_path, ".param"))
        return open_files(name_or_path, NULL, light, out, err);
    if (!strchr(name_or_path, '/'))
        return open_named(name_or_path, light, out, err);
    if (g_str_has_suffix(name_or_path, ".onnx") || g_str_has_suffix(name_or_path, ".pth"))
        return tw_fail(err, TW_ERROR_USAGE, "%s: only .param graphs run; tilewright models add converts", name_or_path);
    /* A path without its ending: the graph of that name. */
    char *path = g_strconcat(name_or_path, ".param", NULL);
    tw_status status = open_files(path, NULL, light, out, err);
    g_free(path);
    return status;
}

tw_status tw_model_open(const char *name_or_path, tw_model **out, tw_error *err)
{
    return open_any(name_or_path, false, out, err);
}

tw_status tw_model_open_light(const char *name_or_path, tw_model **out, tw_error *err)
{
    return open_any(name_or_path, true, out, err);
}
