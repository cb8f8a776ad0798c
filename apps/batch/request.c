/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"

#define MOST_VALUES 1024 /* of one line; bounds what parsing takes: 1 MiB of empty arrays would become 50 */
#define MOST_DEPTH  8

/* --- a line -------------------------------------------------------------------------------------------------------- */

static tw_status check_shape(const char *text, size_t length, tw_error *err)
{
    int values = 0, depth = 0;
    bool inside = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '"')
            inside = !inside;
        else if (inside && c == '\\')
            i++;
        if (inside)
            continue;
        values += c == ',' || c == '[' || c == '{';
        depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        if (values > MOST_VALUES || depth > MOST_DEPTH)
            return tw_fail(err, TW_ERROR_USAGE, "more than %d values, or nested more than %d deep", MOST_VALUES, MOST_DEPTH);
    }
    return TW_OK;
}

tw_status batch_parse(const char *text, size_t length, json_t **out, tw_error *err)
{
    const char *end = text;
    json_error_t error;
    if (!g_utf8_validate(text, (gssize)length, &end))
        return tw_fail(err, TW_ERROR_USAGE, "byte %lld is not UTF-8 text", (long long)(end - text) + 1);
    TW_TRY(check_shape(text, length, err));
    *out = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!*out)
        return tw_fail(err, TW_ERROR_USAGE, "no JSON: %s (column %d)", error.text, error.column);
    return json_is_object(*out) ? TW_OK : tw_fail(err, TW_ERROR_USAGE, "no JSON object");
}

static tw_status read_id(batch_request *request, tw_error *err)
{
    const json_t *id = json_object_get(request->json, "id");
    if (!id)
        return TW_OK;
    size_t length = json_string_length(id);
    if (!json_is_string(id) || length == 0 || length > BATCH_ID_LIMIT)
        return tw_fail(err, TW_ERROR_USAGE, "\"id\" is a text of 1 to %d bytes", BATCH_ID_LIMIT);
    request->id = json_string_value(id);
    return TW_OK;
}

static tw_status fail_key(const char *key, tw_nearest best, tw_error *err)
{
    if (best.name)
        return tw_fail(err, TW_ERROR_USAGE, "unknown key \"%.80s\"; did you mean \"%s\"?", key, best.name);
    return tw_fail(err, TW_ERROR_USAGE, "unknown key \"%.80s\"", key);
}

/* `known` ends with NULL. */
static tw_status check_keys(json_t *json, const char *const *known, tw_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        tw_nearest best = {0};
        bool found = false;
        for (const char *const *k = known; *k && !found; k++) {
            found = strcmp(*k, key) == 0;
            tw_nearest_offer(&best, key, *k);
        }
        if (!found)
            return fail_key(key, best, err);
    }
    return TW_OK;
}

static tw_status read_flag(json_t *json, const char *key, bool fallback, bool *out, tw_error *err)
{
    const json_t *value = json_object_get(json, key);
    *out = !value || json_is_null(value) ? fallback : json_is_true(value);
    if (value && !json_is_boolean(value) && !json_is_null(value))
        return tw_fail(err, TW_ERROR_USAGE, "\"%s\" is true or false", key);
    return TW_OK;
}

static tw_status read_memory(batch_request *request, tw_error *err)
{
    const json_t *memory = json_object_get(request->json, "memory");
    request->memory = json_string_value(memory);
    if (!memory || json_is_null(memory) || request->memory)
        return TW_OK;
    return tw_fail(err, TW_ERROR_USAGE, "\"memory\" is a text such as \"512M\"");
}

static const struct {
    const char *name;
    const char *const keys[4]; /* empty: a run's, checked with its job */
} commands[] = {
    [BATCH_RUN] = {"run", {NULL}},
    [BATCH_CANCEL] = {"cancel", {"cmd", "id", NULL}},
    [BATCH_STATUS] = {"status", {"cmd", NULL}},
    [BATCH_BUDGET] = {"budget", {"cmd", "memory", NULL}},
    [BATCH_SHUTDOWN] = {"shutdown", {"cmd", "cancel", NULL}},
};

static tw_status read_command(batch_request *request, tw_error *err)
{
    const json_t *cmd = json_object_get(request->json, "cmd");
    const char *name = json_string_value(cmd);
    if (!name)
        return tw_fail(err, TW_ERROR_USAGE, cmd ? "\"cmd\" is a text" : "\"cmd\" is missing");
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            request->command = (batch_command)i;
            return commands[i].keys[0] ? check_keys(request->json, commands[i].keys, err) : TW_OK;
        }
    }
    return tw_fail(err, TW_ERROR_USAGE, "unknown command \"%.80s\"; there are run, cancel, status, budget and shutdown", name);
}

tw_status batch_request_read(const char *text, size_t length, batch_request *out, tw_error *err)
{
    *out = (batch_request){0};
    TW_TRY(batch_parse(text, length, &out->json, err));
    TW_TRY(read_id(out, err));
    TW_TRY(read_command(out, err));
    if (out->command == BATCH_BUDGET)
        TW_TRY(read_memory(out, err));
    if (out->command == BATCH_SHUTDOWN)
        TW_TRY(read_flag(out->json, "cancel", false, &out->cancel, err));
    if (!out->id && (out->command == BATCH_RUN || out->command == BATCH_CANCEL))
        return tw_fail(err, TW_ERROR_USAGE, "\"id\" is missing");
    return TW_OK;
}

void batch_request_clear(batch_request *request)
{
    json_decref(request->json);
    *request = (batch_request){0};
}

/* --- pictures ------------------------------------------------------------------------------------------------------ */

static tw_status check_path(const char *what, const json_t *value, const char **out, tw_error *err)
{
    *out = json_string_value(value);
    if (!*out || !**out)
        return tw_fail(err, TW_ERROR_USAGE, "\"%s\" is a file name, or an object for a picture in the line", what);
    if (strcmp(*out, "-") == 0)
        return tw_fail(err, TW_ERROR_USAGE, "\"%s\": standard input and output carry the protocol; name a file", what);
    return TW_OK;
}

/* g_base64_decode passes over what is not base64. */
static bool is_base64(const char *text, size_t length)
{
    size_t body = length;
    while (body > 0 && length - body < 2 && text[body - 1] == '=')
        body--;
    for (size_t i = 0; i < body; i++)
        if (!g_ascii_isalnum(text[i]) && text[i] != '+' && text[i] != '/')
            return false;
    return length > 0 && length % 4 == 0;
}

static tw_status add_inline(batch_work *work, int i, json_t *value, tw_error *err)
{
    static const char *const known[] = {"base64", "name", NULL};
    const json_t *text = json_object_get(value, "base64"), *name = json_object_get(value, "name");
    gsize length = 0;
    TW_TRY(check_keys(value, known, err));
    if (!json_is_string(text) || !is_base64(json_string_value(text), json_string_length(text)))
        return tw_fail(err, TW_ERROR_USAGE, "\"base64\" of \"input\" is not the base64 of a picture");
    if (name && !json_is_string(name) && !json_is_null(name))
        return tw_fail(err, TW_ERROR_USAGE, "\"name\" of \"input\" is a text");
    work->bytes[i] = g_base64_decode(json_string_value(text), &length);
    work->inline_bytes += (int64_t)length;
    return tw_job_input_bytes(work->job, work->bytes[i], length, json_string_value(name), err);
}

static tw_status add_input(batch_work *work, int i, json_t *value, tw_error *err)
{
    const char *path;
    if (json_is_object(value))
        return add_inline(work, i, value, err);
    TW_TRY(check_path("input", value, &path, err));
    work->inputs[i] = g_strdup(path);
    return tw_job_input(work->job, path, err);
}

static tw_status add_inputs(batch_work *work, json_t *json, tw_error *err)
{
    json_t *input = json_object_get(json, "input");
    if (!input)
        return tw_fail(err, TW_ERROR_USAGE, "\"input\" is missing");
    if (!json_is_array(input))
        return add_input(work, 0, input, err);
    if (json_array_size(input) == 0 || json_array_size(input) > BATCH_INPUTS)
        return tw_fail(err, TW_ERROR_USAGE, "\"input\" holds %lld pictures", (long long)json_array_size(input));
    for (size_t i = 0; i < json_array_size(input); i++)
        TW_TRY(add_input(work, (int)i, json_array_get(input, i), err));
    return TW_OK;
}

static tw_status set_output(batch_work *work, json_t *json, tw_error *err)
{
    static const char *const known[] = {"format", NULL};
    json_t *output = json_object_get(json, "output");
    const char *path;
    if (!output || json_is_null(output))
        return TW_OK;
    if (json_is_object(output)) {
        const char *format = json_string_value(json_object_get(output, "format"));
        TW_TRY(check_keys(output, known, err));
        if (!format)
            return tw_fail(err, TW_ERROR_USAGE, "\"format\" of \"output\" is a text such as \"png\"");
        work->format = g_strdup(format);
        tw_job_limit_bytes(work->job, BATCH_INLINE);
        return tw_job_output_bytes(work->job, format, err);
    }
    TW_TRY(check_path("output", output, &path, err));
    work->output = g_strdup(path);
    return tw_job_output(work->job, path, err);
}

/* --- options ------------------------------------------------------------------------------------------------------- */

static const char *const own_keys[] = {"cmd", "id", "op", "input", "output", "priority", "resume", "sha256", NULL};

bool batch_same_key(const char *key, const char *name)
{
    for (; *key && *name; key++, name++)
        if (*key != (*name == '-' ? '_' : *name))
            return false;
    return *key == *name;
}

static tw_status fail_option(const char *op, const char *key, tw_error *err)
{
    tw_nearest best = {0};
    tw_option_info info;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (const char *const *own = own_keys; *own; own++)
        tw_nearest_offer(&best, key, *own);
    for (size_t i = 0; tw_op_option_at(op, i, &info); i++) {
        g_ptr_array_add(names, g_strdelimit(g_strdup(info.name), "-", '_'));
        tw_nearest_offer(&best, key, g_ptr_array_index(names, i));
    }
    tw_status status = fail_key(key, best, err);
    g_ptr_array_free(names, TRUE);
    return status;
}

/* What JSON may hold for a type of option, in words. */
static const char *wanted(const char *type)
{
    static const struct {
        const char *type, *words;
    } all[] = {{"flag", "true or false"},
               {"bool", "true or false"},
               {"int", "a whole number"},
               {"real", "a number"},
               {"size", "a number of bytes, or a text such as \"512M\""},
               {"geometry", "a number of pixels, a text such as \"640x480\", or [width, height]"},
               {"choice", "a text or a number"}};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        if (strcmp(all[i].type, type) == 0)
            return all[i].words;
    return "a text";
}

/* As the option would be typed; NULL: the type is wrong. */
static char *value_text(const char *type, const json_t *value)
{
    char real[G_ASCII_DTOSTR_BUF_SIZE];
    bool is_switch = strcmp(type, "flag") == 0 || strcmp(type, "bool") == 0, is_word = strcmp(wanted(type), "a text") == 0;
    bool is_real = strcmp(type, "real") == 0, is_number = is_real || strcmp(type, "int") == 0;
    if (json_is_boolean(value))
        return is_switch ? g_strdup(json_is_true(value) ? "true" : "false") : NULL;
    if (json_is_string(value))
        return is_switch || is_number ? NULL : g_strdup(json_string_value(value));
    if (json_is_integer(value))
        return is_switch || is_word ? NULL : g_strdup_printf("%" PRId64, (int64_t)json_integer_value(value));
    if (json_is_real(value) && (is_real || strcmp(type, "choice") == 0))
        return g_strdup(g_ascii_formatd(real, sizeof real, "%.17g", json_real_value(value)));
    const json_t *w = json_array_get(value, 0), *h = json_array_get(value, 1);
    if (strcmp(type, "geometry") == 0 && json_array_size(value) == 2 && json_is_integer(w) && json_is_integer(h))
        return g_strdup_printf("%" PRId64 "x%" PRId64, (int64_t)json_integer_value(w), (int64_t)json_integer_value(h));
    return NULL;
}

static tw_status set_option(batch_work *work, const char *op, const char *key, const json_t *value, bool texts, tw_error *err)
{
    tw_option_info info;
    size_t i = 0;
    bool found = false;
    while (!found && tw_op_option_at(op, i++, &info))
        found = batch_same_key(key, info.name) || (info.alias && batch_same_key(key, info.alias));
    if (!found)
        return fail_option(op, key, err);
    if (json_is_null(value))
        return TW_OK;
    char *text = texts && json_is_string(value) ? g_strdup(json_string_value(value)) : value_text(info.type, value);
    tw_status status = text ? tw_job_set(work->job, info.name, text, err)
                            : tw_fail(err, TW_ERROR_USAGE, "\"%s\" is %s", key, wanted(info.type));
    g_free(text);
    return status;
}

static tw_status set_options(batch_work *work, json_t *json, const char *op, bool texts, tw_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        if (!g_strv_contains(own_keys, key))
            TW_TRY(set_option(work, op, key, value, texts, err));
    }
    return TW_OK;
}

/* --- a job --------------------------------------------------------------------------------------------------------- */

static tw_status read_own(batch_work *work, json_t *json, tw_error *err)
{
    const json_t *priority = json_object_get(json, "priority");
    json_int_t number = json_integer_value(priority);
    if (priority && !json_is_null(priority) && (!json_is_integer(priority) || number < -1000 || number > 1000))
        return tw_fail(err, TW_ERROR_USAGE, "\"priority\" is a whole number from -1000 to 1000");
    work->priority = (int32_t)number;
    TW_TRY(read_flag(json, "resume", false, &work->resume, err));
    return read_flag(json, "sha256", true, &work->hash, err);
}

static tw_status fill(batch_work *work, const batch_request *request, const char *op, const batch_default *defaults,
                      tw_error *err)
{
    TW_TRY(read_own(work, request->json, err));
    for (; defaults->name; defaults++)
        TW_TRY(tw_job_set(work->job, defaults->name, defaults->value, err));
    TW_TRY(set_options(work, request->json, op, request->texts, err));
    TW_TRY(add_inputs(work, request->json, err));
    return set_output(work, request->json, err);
}

tw_status batch_work_new(const batch_request *request, tw_session *session, const batch_default *defaults, batch_work **out,
                         tw_error *err)
{
    const json_t *op = json_object_get(request->json, "op");
    tw_job *job = NULL;
    *out = NULL;
    if (!json_is_string(op))
        return tw_fail(err, TW_ERROR_USAGE, op ? "\"op\" is a text" : "\"op\" is missing");
    TW_TRY(tw_job_new(session, json_string_value(op), &job, err));
    batch_work *work = g_new0(batch_work, 1);
    work->job = job;
    work->id = g_strdup(request->id);
    tw_status status = fill(work, request, json_string_value(op), defaults, err);
    if (status != TW_OK)
        batch_work_free(work);
    else
        *out = work;
    return status;
}

void batch_work_free(batch_work *work)
{
    if (!work)
        return;
    tw_job_free(work->job);
    for (int i = 0; i < BATCH_INPUTS; i++) {
        g_free(work->inputs[i]);
        g_free(work->bytes[i]);
    }
    g_free(work->id);
    g_free(work->output);
    g_free(work->format);
    g_free(work);
}
