/* SPDX-License-Identifier: MIT */
#include "model/record.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tilewright/models.h"

#define TEXT_MAX     400 /* characters of one string of a record */
#define NUMBER_MAX   1e6 /* of one mean or norm */
#define MULTIPLE_MAX 4096

static const char *const pads[] = {"reflect", "replicate", "zero", NULL};

void tw_record_default(tw_model_record *record)
{
    memset(record, 0, sizeof *record);
    for (int c = 0; c < 4; c++) {
        record->norm[c] = 1;
        record->out_norm[c] = 1;
    }
    record->pad = g_strdup("reflect");
}

void tw_record_free(tw_model_record *record)
{
    g_free(record->name);
    g_free(record->title);
    g_free(record->licence);
    g_free(record->source);
    g_free(record->pad);
    memset(record, 0, sizeof *record);
}

bool tw_model_name_ok(const char *name)
{
    size_t length = strlen(name);
    if (length < 1 || length > 100 || !(g_ascii_islower(name[0]) || g_ascii_isdigit(name[0])))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

/* Texts end up in lists and messages: one line, no control characters, bounded. */
static bool text_ok(const char *text)
{
    if (strlen(text) > TEXT_MAX)
        return false;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return true;
}

static tw_status read_text(const json_t *object, const char *key, const char *label, char **out, tw_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return TW_OK;
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value) ||
        !text_ok(json_string_value(value)))
        return tw_fail(err, TW_ERROR_INPUT, "%s: \"%s\" must be one line of at most %d characters", label, key, TEXT_MAX);
    g_free(*out);
    *out = g_strdup(json_string_value(value));
    return TW_OK;
}

/* One number for all channels, or an array of 3 or 4. `zero_ok`: norms must not be 0, the net would see nothing. */
static tw_status read_channels(const json_t *object, const char *key, bool zero_ok, const char *label, float out[4],
                               tw_error *err)
{
    const json_t *value = json_object_get(object, key);
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    if (!value || (json_is_array(value) && n != 3 && n != 4))
        return tw_fail(err, TW_ERROR_INPUT, "%s: \"%s\" must be a number or an array of 3", label, key);
    for (size_t c = 0; c < 4; c++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, c < n ? c : n - 1) : value;
        double number = json_is_number(item) ? json_number_value(item) : NAN;
        if (!(fabs(number) <= NUMBER_MAX) || (!zero_ok && fabs(number) < 1 / NUMBER_MAX))
            return tw_fail(err, TW_ERROR_INPUT, "%s: \"%s\" holds a number out of range", label, key);
        out[c] = (float)number;
    }
    return TW_OK;
}

static tw_status read_choices(const json_t *object, const char *label, tw_model_record *record, tw_error *err)
{
    const char *channels = json_string_value(json_object_get(object, "channels"));
    if (!channels || (strcmp(channels, "rgb") != 0 && strcmp(channels, "bgr") != 0))
        return tw_fail(err, TW_ERROR_INPUT, "%s: \"channels\" must be \"rgb\" or \"bgr\"", label);
    record->bgr = strcmp(channels, "bgr") == 0;
    const json_t *multiple = json_object_get(object, "size_multiple");
    if (multiple) {
        json_int_t n = json_is_integer(multiple) ? json_integer_value(multiple) : -1;
        if (n < 0 || n > MULTIPLE_MAX)
            return tw_fail(err, TW_ERROR_INPUT, "%s: \"size_multiple\" must be 0 to %d", label, MULTIPLE_MAX);
        record->size_multiple = (int)n;
    }
    TW_TRY(read_text(object, "pad", label, &record->pad, err));
    if (!g_strv_contains(pads, record->pad))
        return tw_fail(err, TW_ERROR_INPUT, "%s: \"pad\" must be \"reflect\", \"replicate\" or \"zero\"", label);
    return TW_OK;
}

static tw_status read_members(const json_t *object, const char *label, tw_model_record *record, tw_error *err)
{
    if (!json_is_object(object))
        return tw_fail(err, TW_ERROR_INPUT, "%s: not a JSON object", label);
    const json_t *schema = json_object_get(object, "schema");
    if (schema && (!json_is_integer(schema) || json_integer_value(schema) != 1))
        return tw_fail(err, TW_ERROR_INPUT, "%s: \"schema\" is not 1: written for another version of tilewright", label);
    TW_TRY(read_text(object, "name", label, &record->name, err));
    TW_TRY(read_text(object, "title", label, &record->title, err));
    TW_TRY(read_text(object, "licence", label, &record->licence, err));
    TW_TRY(read_text(object, "source", label, &record->source, err));
    TW_TRY(read_channels(object, "mean", true, label, record->mean, err));
    TW_TRY(read_channels(object, "norm", false, label, record->norm, err));
    TW_TRY(read_channels(object, "out_mean", true, label, record->out_mean, err));
    TW_TRY(read_channels(object, "out_norm", false, label, record->out_norm, err));
    return read_choices(object, label, record, err);
}

tw_status tw_record_read(const char *text, size_t length, const char *label, tw_model_record *record, tw_error *err)
{
    json_error_t where;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (!object)
        return tw_fail(err, TW_ERROR_INPUT, "%s: line %d: %s", label, where.line, where.text);
    tw_record_default(record);
    tw_status status = read_members(object, label, record, err);
    if (status != TW_OK)
        tw_record_free(record);
    json_decref(object);
    return status;
}

/* A float as the shortest decimal that is that float, so that 0.0039215689 does not grow digits on the way to a file. */
static json_t *number_json(float value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    for (int digits = 1; digits <= 9; digits++) {
        char format[8] = {'%', '.', (char)('0' + digits), 'g', 0};
        g_ascii_formatd(text, sizeof text, format, (double)value);
        if ((float)g_ascii_strtod(text, NULL) == value)
            break;
    }
    double number = g_ascii_strtod(text, NULL);
    return number == floor(number) && fabs(number) < 1e9 ? json_integer((json_int_t)number) : json_real(number);
}

static json_t *channels_json(const float values[4])
{
    json_t *array = json_array();
    for (int c = 0; c < 3; c++)
        json_array_append_new(array, number_json(values[c]));
    return array;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

json_t *tw_record_json(const tw_model_record *record)
{
    json_t *object = json_object();
    if (!object)
        return NULL;
    json_object_set_new(object, "schema", json_integer(1));
    set_text(object, "name", record->name);
    set_text(object, "title", record->title);
    set_text(object, "licence", record->licence);
    set_text(object, "source", record->source);
    set_text(object, "channels", record->bgr ? "bgr" : "rgb");
    json_object_set_new(object, "mean", channels_json(record->mean));
    json_object_set_new(object, "norm", channels_json(record->norm));
    json_object_set_new(object, "out_mean", channels_json(record->out_mean));
    json_object_set_new(object, "out_norm", channels_json(record->out_norm));
    json_object_set_new(object, "size_multiple", json_integer(record->size_multiple));
    set_text(object, "pad", record->pad);
    return object;
}

/* ---- tw_models_record: KEY=VALUE from people ---- */

enum {
    KEY_RANGE,
    KEY_CHANNELS,
    KEY_MULTIPLE,
    KEY_PAD,
    KEY_MEAN,
    KEY_NORM,
    KEY_OUT_MEAN,
    KEY_OUT_NORM,
    KEY_TITLE,
    KEY_LICENCE,
    KEY_COUNT
};
static const char *const keys[KEY_COUNT] = {"range", "channels", "size-multiple", "pad",   "mean",
                                            "norm",  "out-mean", "out-norm",      "title", "licence"};

static tw_status take_pairs(const char *const *pairs, size_t n, const char *values[KEY_COUNT], tw_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *equals = strchr(pairs[i], '=');
        size_t length = equals ? (size_t)(equals - pairs[i]) : 0;
        int key = 0;
        while (key < KEY_COUNT && (strlen(keys[key]) != length || strncmp(keys[key], pairs[i], length) != 0))
            key++;
        if (!equals || key == KEY_COUNT)
            return tw_fail(err, TW_ERROR_USAGE,
                           "'%.80s' is not KEY=VALUE with a key of: range, channels, size-multiple, pad, "
                           "mean, norm, out-mean, out-norm, title, licence",
                           pairs[i]);
        if (values[key])
            return tw_fail(err, TW_ERROR_USAGE, "%s is given twice", keys[key]);
        values[key] = equals + 1;
    }
    return TW_OK;
}

/* Three numbers with commas, or one for all. */
static tw_status parse_channels(const char *key, const char *text, float out[4], tw_error *err)
{
    const char *at = text;
    int n = 0;
    for (; n < 3; n++) {
        char *end = NULL;
        double value = g_ascii_strtod(at, &end);
        if (end == at || !(fabs(value) <= NUMBER_MAX))
            return tw_fail(err, TW_ERROR_USAGE, "%s=%.80s: one number, or three with commas", key, text);
        out[n] = (float)value;
        at = end;
        if (*at != ',')
            break;
        at++;
    }
    if (n != 0 && n != 2)
        return tw_fail(err, TW_ERROR_USAGE, "%s=%.80s: one number, or three with commas", key, text);
    if (*at)
        return tw_fail(err, TW_ERROR_USAGE, "%s=%.80s: text behind the numbers", key, text);
    for (int c = n + 1; c < 4; c++)
        out[c] = out[n];
    bool norm = strstr(key, "norm") != NULL;
    for (int c = 0; norm && c < 4; c++)
        if (fabsf(out[c]) < 1e-6f)
            return tw_fail(err, TW_ERROR_USAGE, "%s=%.80s: a factor of 0 leaves nothing", key, text);
    return TW_OK;
}

static tw_status apply_values(const char *const values[KEY_COUNT], tw_model_record *record, tw_error *err)
{
    if (values[KEY_RANGE]) {
        if (strcmp(values[KEY_RANGE], "1") != 0 && strcmp(values[KEY_RANGE], "255") != 0)
            return tw_fail(err, TW_ERROR_USAGE, "range=%.80s: 1 or 255; for others give mean and norm", values[KEY_RANGE]);
        TW_TRY(parse_channels("norm", values[KEY_RANGE], record->norm, err));
    } else {
        TW_TRY(parse_channels("mean", values[KEY_MEAN], record->mean, err));
        TW_TRY(parse_channels("norm", values[KEY_NORM], record->norm, err));
    }
    for (int c = 0; c < 4; c++) {
        record->out_mean[c] = record->mean[c];
        record->out_norm[c] = 1 / record->norm[c];
    }
    if (values[KEY_OUT_MEAN])
        TW_TRY(parse_channels("out-mean", values[KEY_OUT_MEAN], record->out_mean, err));
    if (values[KEY_OUT_NORM])
        TW_TRY(parse_channels("out-norm", values[KEY_OUT_NORM], record->out_norm, err));
    record->bgr = strcmp(values[KEY_CHANNELS], "bgr") == 0;
    if (!record->bgr && strcmp(values[KEY_CHANNELS], "rgb") != 0)
        return tw_fail(err, TW_ERROR_USAGE, "channels=%.80s: rgb or bgr", values[KEY_CHANNELS]);
    char *end = NULL;
    gint64 multiple = g_ascii_strtoll(values[KEY_MULTIPLE], &end, 10);
    if (end == values[KEY_MULTIPLE] || *end || multiple < 0 || multiple > MULTIPLE_MAX)
        return tw_fail(err, TW_ERROR_USAGE, "size-multiple=%.80s: 0 to %d", values[KEY_MULTIPLE], MULTIPLE_MAX);
    record->size_multiple = (int)multiple;
    if (values[KEY_PAD]) {
        if (!g_strv_contains(pads, values[KEY_PAD]))
            return tw_fail(err, TW_ERROR_USAGE, "pad=%.80s: reflect, replicate or zero", values[KEY_PAD]);
        g_free(record->pad);
        record->pad = g_strdup(values[KEY_PAD]);
    }
    for (int k = KEY_TITLE; k <= KEY_LICENCE; k++)
        if (values[k] && !(text_ok(values[k]) && g_utf8_validate(values[k], -1, NULL)))
            return tw_fail(err, TW_ERROR_USAGE, "%s: one line of at most %d characters", keys[k], TEXT_MAX);
    record->title = g_strdup(values[KEY_TITLE]);
    record->licence = g_strdup(values[KEY_LICENCE]);
    return TW_OK;
}

static tw_status need_values(const char *const values[KEY_COUNT], tw_error *err)
{
    bool scaled = values[KEY_RANGE] || (values[KEY_MEAN] && values[KEY_NORM]);
    if (!scaled || !values[KEY_CHANNELS] || !values[KEY_MULTIPLE])
        return tw_fail(err, TW_ERROR_USAGE, "the record lacks%s%s%s", scaled ? "" : " range=1|255 (or mean= and norm=)",
                       values[KEY_CHANNELS] ? "" : " channels=rgb|bgr",
                       values[KEY_MULTIPLE] ? "" : " size-multiple=N (0: what the graph says)");
    if (values[KEY_RANGE] && (values[KEY_MEAN] || values[KEY_NORM]))
        return tw_fail(err, TW_ERROR_USAGE, "give range, or mean and norm, not both");
    return TW_OK;
}

tw_status tw_models_record(const char *const *pairs, size_t n, char **json, tw_error *err)
{
    const char *values[KEY_COUNT] = {NULL};
    tw_model_record record;
    tw_record_default(&record);
    *json = NULL;
    tw_status status = take_pairs(pairs, n, values, err);
    if (status == TW_OK)
        status = need_values(values, err);
    if (status == TW_OK)
        status = apply_values(values, &record, err);
    if (status == TW_OK) {
        json_t *object = tw_record_json(&record);
        *json = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
        json_decref(object);
        if (!*json)
            status = tw_fail_memory(err, "model record", 4096);
    }
    tw_record_free(&record);
    return status;
}
