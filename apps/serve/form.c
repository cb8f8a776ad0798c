/* SPDX-License-Identifier: MIT */
#include "form.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "paths.h"

#define TEXT_BYTES   (32 << 10) /* of all that is no picture */
#define PART_BYTES   (16 << 10) /* buffer of a multipart body */
#define MOST_FIELDS  128
#define RESULT_FIELD "result.tfm"

typedef enum kind { KIND_JSON, KIND_FORM, KIND_RAW } kind;

struct serve_form {
    kind kind;
    const serve_limits *limits;
    serve_jobs *jobs;
    serve_spool *spool;
    serve_order order;
    serve_error error;
    struct MHD_PostProcessor *post;
    GString *text;             /* JSON, or the field that is being read */
    char *key;                 /* of that field or file; NULL: none */
    int64_t body, texts, part; /* bytes so far */
    int files, fields;
    const char *op; /* where none is named; NULL: that is an error */
    int fd;         /* of the file that is being written; -1: none */
};

/* --- files --------------------------------------------------------------------------------------------------------- */

static bool need_folder(serve_form *f)
{
    if (!f->order.folder)
        f->order.folder = serve_spool_folder(f->spool, f->order.id);
    return f->order.folder ? true : serve_refuse(&f->error, 503, "no folder can be made for the job: %s", g_strerror(errno));
}

static void add_name(serve_form *f, const char *key, const char *path)
{
    json_t *inputs = json_object_get(f->order.json, "input");
    if (strcmp(key, "input") != 0)
        json_object_set_new(f->order.json, key, json_string(path));
    else if (json_is_array(inputs))
        json_array_append_new(inputs, json_string(path));
    else
        json_object_set_new(f->order.json, "input", json_pack("[s]", path));
}

static void open_file(serve_form *f, const char *key, const char *name)
{
    char base[48], suffix[12];
    if (f->error.status || !need_folder(f))
        return;
    if (f->files >= 2 * BATCH_INPUTS) {
        serve_refuse(&f->error, 422, "more than %d files", 2 * BATCH_INPUTS);
        return;
    }
    g_snprintf(base, sizeof base, "upload%d%s", ++f->files, serve_path_suffix(name, suffix));
    char *path = g_build_filename(f->order.folder, base, NULL);
    f->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f->fd < 0)
        serve_refuse(&f->error, 503, "an upload cannot be stored: %s", g_strerror(errno));
    add_name(f, key, path);
    g_free(path);
}

static void close_file(serve_form *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

static void write_file(serve_form *f, const char *data, size_t length)
{
    if (f->fd < 0 || f->error.status)
        return;
    if (!serve_spool_take(f->spool, (int64_t)length)) {
        serve_refuse(&f->error, 503, "the server has no room for more pictures");
        f->error.retry_after = 30;
        return;
    }
    f->order.bytes += (int64_t)length;
    while (length > 0) {
        ssize_t n = write(f->fd, data, length);
        if (n < 0 && errno != EINTR) {
            serve_refuse(&f->error, 503, "an upload cannot be stored: %s", g_strerror(errno));
            return;
        }
        data += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
}

/* --- fields -------------------------------------------------------------------------------------------------------- */

static void add_text(serve_form *f, const char *data, size_t length)
{
    f->texts += (int64_t)length;
    if (f->texts > TEXT_BYTES)
        serve_refuse(&f->error, 413, "options take more than %d bytes", TEXT_BYTES);
    else if (!f->error.status)
        g_string_append_len(f->text, data, (gssize)length);
}

static bool is_known_twice(const serve_form *f, const char *key)
{
    return strcmp(key, "input") != 0 && json_object_get(f->order.json, key);
}

static void begin_part(serve_form *f, const char *key, const char *name)
{
    g_free(f->key);
    f->key = g_strdup(key);
    g_string_truncate(f->text, 0);
    if (++f->fields > MOST_FIELDS)
        serve_refuse(&f->error, 422, "more than %d fields", MOST_FIELDS);
    else if (!g_utf8_validate(key, -1, NULL))
        serve_refuse(&f->error, 400, "a field's name is not UTF-8");
    else if (is_known_twice(f, key))
        serve_refuse(&f->error, 422, "\"%.80s\" is given twice", key);
    else if (name)
        open_file(f, key, name);
}

static void end_part(serve_form *f)
{
    bool is_file = f->fd >= 0;
    close_file(f);
    if (f->key && !is_file && !f->error.status) {
        if (!g_utf8_validate(f->text->str, (gssize)f->text->len, NULL) || memchr(f->text->str, 0, f->text->len))
            serve_refuse(&f->error, 400, "\"%.80s\" is not UTF-8 text", f->key);
        else if (strcmp(f->key, "input") == 0)
            serve_refuse(&f->error, 422, "\"input\" is a file; names of files go in a body of JSON");
        else
            json_object_set_new(f->order.json, f->key, json_string(f->text->str));
    }
    g_free(f->key);
    f->key = NULL;
}

static enum MHD_Result on_part(void *user, enum MHD_ValueKind where, const char *key, const char *name, const char *type,
                               const char *encoding, const char *data, uint64_t at, size_t length)
{
    serve_form *f = user;
    bool goes_on = at > 0 || (f->part == 0 && g_strcmp0(f->key, key) == 0); /* the first piece may be empty */
    if (!goes_on) {
        end_part(f);
        begin_part(f, key, name);
        f->part = 0;
    }
    f->part += (int64_t)length;
    if (f->fd >= 0)
        write_file(f, data, length);
    else
        add_text(f, data, length);
    return MHD_YES;
}

static enum MHD_Result on_argument(void *user, enum MHD_ValueKind where, const char *key, const char *value)
{
    serve_form *f = user;
    begin_part(f, key, NULL);
    add_text(f, value ? value : "true", value ? strlen(value) : 4);
    end_part(f);
    return MHD_YES;
}

/* --- a body -------------------------------------------------------------------------------------------------------- */

static bool is_type(const char *header, const char *type)
{
    size_t length = strlen(type);
    return g_ascii_strncasecmp(header, type, length) == 0 && strchr("; \t", header[length]);
}

static bool find_kind(struct MHD_Connection *connection, kind *out, serve_error *error)
{
    const char *type = serve_header(connection, "Content-Type");
    if (!type)
        return serve_refuse(error, 415, "Content-Type is missing: multipart/form-data, application/json, image/...");
    if (is_type(type, "application/json"))
        *out = KIND_JSON;
    else if (is_type(type, "multipart/form-data"))
        *out = KIND_FORM;
    else if (is_type(type, "application/octet-stream") || g_ascii_strncasecmp(type, "image/", 6) == 0)
        *out = KIND_RAW;
    else
        return serve_refuse(error, 415, "%.100s: a job comes as multipart/form-data, application/json or image/...", type);
    return true;
}

serve_form *serve_form_new(struct MHD_Connection *connection, const serve_limits *limits, serve_jobs *jobs, serve_spool *spool,
                           serve_error *error)
{
    kind found;
    if (!find_kind(connection, &found, error))
        return NULL;
    serve_form *f = g_new0(serve_form, 1);
    *f = (serve_form){.kind = found, .limits = limits, .jobs = jobs, .spool = spool, .fd = -1};
    f->text = g_string_new("");
    f->order.texts = found != KIND_JSON;
    f->order.json = found != KIND_JSON ? json_object() : NULL;
    serve_jobs_id(f->order.id);
    if (found == KIND_FORM && !(f->post = MHD_create_post_processor(connection, PART_BYTES, on_part, f))) {
        serve_refuse(error, 400, "Content-Type: no boundary of the parts");
        serve_form_free(f);
        return NULL;
    }
    if (found == KIND_RAW) {
        MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_argument, f);
        open_file(f, "input", NULL);
    }
    return f;
}

void serve_form_free(serve_form *f)
{
    if (!f)
        return;
    if (f->post)
        MHD_destroy_post_processor(f->post);
    close_file(f);
    serve_order_clear(f->jobs, &f->order);
    g_string_free(f->text, TRUE);
    g_free(f->key);
    g_free(f);
}

void serve_form_take(serve_form *f, const char *data, size_t length)
{
    f->body += (int64_t)length;
    if (f->body > f->limits->most_body)
        serve_refuse(&f->error, 413, "the body is longer than %" PRId64 " bytes", f->limits->most_body);
    if (f->error.status)
        return;
    if (f->kind == KIND_JSON)
        add_text(f, data, length);
    else if (f->kind == KIND_RAW)
        write_file(f, data, length);
    else if (MHD_post_process(f->post, data, length) == MHD_NO)
        serve_refuse(&f->error, 400, "the multipart body cannot be read");
}

/* --- the order ----------------------------------------------------------------------------------------------------- */

static bool read_json(serve_form *f)
{
    tw_error err = TW_ERROR_NONE;
    if (batch_parse(f->text->str, f->text->len, &f->order.json, &err) != TW_OK)
        return serve_refuse(&f->error, 400, "%s", err.message);
    return true;
}

static bool set_inside(serve_form *f, json_t *holder, const char *key, size_t i, const json_t *value)
{
    if (!json_is_string(value))
        return serve_refuse(&f->error, 422, "\"%s\" is a file name, or a list of them", key);
    char *path = serve_path_inside(f->limits->root, f->limits->root_fd, json_string_value(value), &f->error);
    if (!path)
        return false;
    if (json_is_array(holder))
        json_array_set_new(holder, i, json_string(path));
    else
        json_object_set_new(holder, key, json_string(path));
    g_free(path);
    return true;
}

static bool check_inputs(serve_form *f)
{
    json_t *input = json_object_get(f->order.json, "input");
    if (!input || (json_is_array(input) && json_array_size(input) == 0))
        return serve_refuse(&f->error, 422, "\"input\" is missing");
    if (f->order.texts) /* our own names */
        return true;
    if (!json_is_array(input))
        return set_inside(f, f->order.json, "input", 0, input);
    for (size_t i = 0; i < json_array_size(input); i++)
        if (!set_inside(f, input, "input", i, json_array_get(input, i)))
            return false;
    return true;
}

static bool is_upload(const serve_form *f, const char *path)
{
    return f->order.texts && f->order.folder && g_str_has_prefix(path, f->order.folder);
}

/* A file that is read must be an upload or under the root, and name no other; those that are written are the server's. */
static bool check_file(serve_form *f, const char *key, const tw_option_info *info, json_t *value)
{
    const char *text = json_string_value(value);
    if (strcmp(info->name, "scratch") == 0 || strcmp(info->type, "file") != 0)
        return serve_refuse(&f->error, 422, "\"%s\" is the server's to choose", key);
    if (!text)
        return serve_refuse(&f->error, 422, "\"%s\" is a file", key);
    if (f->order.texts && !is_upload(f, text))
        return serve_refuse(&f->error, 422, "\"%s\" is a file: send it as one", key);
    if (!f->order.texts && !set_inside(f, f->order.json, key, 0, value))
        return false;
    text = json_string_value(json_object_get(f->order.json, key));
    return serve_path_alone(text, key, &f->error);
}

static bool is_file_option(const tw_option_info *info)
{
    return strcmp(info->type, "file") == 0 || (info->unit && strcmp(info->unit, "file") == 0);
}

static bool is_bound(const serve_form *f, const char *name)
{
    static const char *const bounds[] = {"max-pixels", "scratch-limit", NULL};
    const batch_default *given = f->limits->defaults;
    while (given->name && strcmp(given->name, name) != 0)
        given++;
    return given->name && g_strv_contains(bounds, name);
}

static bool check_option(serve_form *f, const char *key, const tw_option_info *info, json_t *value)
{
    const char *text = json_string_value(value);
    if (is_bound(f, info->name))
        return serve_refuse(&f->error, 422, "\"%s\" is the server's to choose", key);
    if (strcmp(info->name, "warped") == 0 || strcmp(info->name, "report") == 0) /* containers, see choose_seconds */
        return true;
    if (is_file_option(info))
        return check_file(f, key, info, value);
    if (text && f->order.texts && is_upload(f, text))
        return serve_refuse(&f->error, 422, "\"%s\" is no file", key);
    if (strcmp(info->name, "model") == 0 && text && (strchr(text, '/') || g_str_has_suffix(text, ".param")))
        return serve_refuse(&f->error, 403, "\"model\" is the name of one of the server's models");
    return true;
}

static bool check_options(serve_form *f, const char *op)
{
    static const char *const ours[] = {"cmd", "id", "resume", "sha256", NULL};
    char **keys = g_new0(char *, json_object_size(f->order.json) + 1);
    const char *key;
    json_t *value;
    size_t n = 0;
    json_object_foreach(f->order.json, key, value) keys[n++] = g_strdup(key);
    for (size_t k = 0; k < n && !f->error.status; k++) {
        tw_option_info info;
        if (g_strv_contains(ours, keys[k]))
            serve_refuse(&f->error, 422, "unknown key \"%.80s\"", keys[k]);
        for (size_t i = 0; tw_op_option_at(op, i, &info) && !f->error.status; i++)
            if (batch_same_key(keys[k], info.name) || (info.alias && batch_same_key(keys[k], info.alias)))
                check_option(f, keys[k], &info, json_object_get(f->order.json, keys[k]));
    }
    g_strfreev(keys);
    return !f->error.status;
}

static const tw_op_info *find_op(const char *name)
{
    const tw_op_info *op = NULL;
    for (size_t i = 0; name && (op = tw_op_at(i)); i++)
        if (strcmp(op->name, name) == 0)
            return op;
    return NULL;
}

static bool has_option(const char *op, const char *name)
{
    tw_option_info info;
    for (size_t i = 0; tw_op_option_at(op, i, &info); i++)
        if (strcmp(info.name, name) == 0)
            return true;
    return false;
}

static bool set_result(serve_form *f, const char *key, const char *base)
{
    if (!need_folder(f))
        return false;
    f->order.result = g_build_filename(f->order.folder, base, NULL);
    json_object_set_new(f->order.json, key, json_string(f->order.result));
    return true;
}

static bool set_named_output(serve_form *f, const json_t *output)
{
    if (!json_is_string(output))
        return serve_refuse(&f->error, 422, "\"output\" is a file name under the server's root");
    if (f->order.texts)
        return serve_refuse(&f->error, 422, "\"output\" goes in a body of JSON; results are fetched");
    f->order.result = serve_path_new(f->limits->root, f->limits->root_fd, json_string_value(output), &f->error);
    if (f->order.result)
        json_object_set_new(f->order.json, "output", json_string(f->order.result));
    return f->order.result != NULL;
}

/* A result besides, of which the client says the container alone: a word that `type` knows. */
static bool choose_second(serve_form *f, serve_second which, const char *option, const char *type, const char *such)
{
    const json_t *value = json_object_get(f->order.json, option);
    const char *word = json_string_value(value);
    char *base = word ? g_strconcat(serve_second_name(which), ".", word, NULL) : NULL;
    bool ok = !value || (word && strcspn(word, "./") == strlen(word) && g_str_has_prefix(serve_media_type(base), type));
    if (!ok)
        serve_refuse(&f->error, 422, "\"%s\" is the container of what is made besides, such as %s", option, such);
    if (ok && value) {
        char *path = f->order.second[which] = g_build_filename(f->order.folder, base, NULL);
        json_object_set_new(f->order.json, option, json_string(path));
    }
    g_free(base);
    return ok;
}

static bool choose_seconds(serve_form *f)
{
    return choose_second(f, SERVE_WARPED, "warped", "image/", "png or tiff") &&
           choose_second(f, SERVE_PAGE, "report", "text/html", "html");
}

/* Formats are the ends of names, too. A wrong one is told by the operator. */
static bool choose_result(serve_form *f, const tw_op_info *op)
{
    const json_t *output = json_object_get(f->order.json, "output");
    const char *format = json_string_value(json_object_get(f->order.json, "format"));
    char base[24], dotted[16], suffix[12];
    if (output && !json_is_null(output))
        return op->has_output ? set_named_output(f, output) : serve_refuse(&f->error, 422, "%s has no \"output\"", op->name);
    if (!op->has_output)
        return !has_option(op->name, "field") || (set_result(f, "field", RESULT_FIELD) && choose_seconds(f));
    g_snprintf(dotted, sizeof dotted, ".%s", format ? format : "png");
    serve_path_suffix(dotted, suffix);
    g_snprintf(base, sizeof base, "result%s", *suffix ? suffix : ".png");
    return set_result(f, "output", base);
}

void serve_form_op(serve_form *f, const char *op)
{
    f->op = op;
}

bool serve_form_order(serve_form *f, serve_order *out, serve_error *error)
{
    bool ok = !f->error.status;
    if (f->post && ok) {
        ok =
            MHD_destroy_post_processor(f->post) == MHD_YES || serve_refuse(&f->error, 400, "the multipart body ends too early");
        f->post = NULL;
    }
    end_part(f);
    ok = !f->error.status && (f->kind != KIND_JSON || read_json(f));
    if (ok && f->op && !json_object_get(f->order.json, "op"))
        json_object_set_new(f->order.json, "op", json_string(f->op));
    const char *name = ok ? json_string_value(json_object_get(f->order.json, "op")) : NULL;
    const tw_op_info *op = find_op(name);
    if (ok && !name)
        serve_refuse(&f->error, 422, "\"op\" is missing");
    else if (ok && !op)
        serve_refuse(&f->error, 422, "unknown operator \"%.80s\"", name);
    if (op && check_inputs(f) && check_options(f, op->name) && choose_result(f, op)) {
        *out = f->order;
        f->order = (serve_order){.folder = NULL};
        return true;
    }
    *error = f->error;
    return false;
}
