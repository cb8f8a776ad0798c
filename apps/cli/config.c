/* SPDX-License-Identifier: MIT */
/* libcyaml wants a schema known beforehand. Ours is built from the options tables: one string per key, all optional; the job
 * then checks types and ranges as it does for typed options. */
#include "config.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"

#define LARGEST_FILE (1 << 20)

/* The `memory:` block: key, the option it means, and the value that sets it ("*": any, passed on; NULL: nothing to set). */
static const struct {
    const char *key, *option, *when, *value;
} memory_keys[] = {
    {"max_registration_pixels", "max-registration-pixels", "*", NULL},
    {"max_warp_pixels", "max-warp-pixels", "*", NULL},
    {"tile_size", "tile", "*", NULL},
    {"use_tiled_warping", "no-tiled-warping", "false", "true"},
    {"keep_full_resolution", NULL, NULL, NULL}, /* results always are of full resolution */
};

typedef struct config {
    GPtrArray *keys; /* of char *: key i is read into values[i] */
    char **values;   /* keys->len of them, then one per memory key */
    cyaml_schema_field_t *fields;
    cyaml_schema_field_t memory_fields[G_N_ELEMENTS(memory_keys) + 1];
    char message[256], place[96]; /* the first complaint of libcyaml */
} config;

/* Only keys that differ are added: a name and its form with underscores may be the same. */
static void add_key(config *c, const char *name, char dash)
{
    char *key = g_strdelimit(g_strdup(name), "-", dash);
    for (guint i = 0; i < c->keys->len; i++) {
        if (strcmp(g_ptr_array_index(c->keys, i), key) == 0) {
            g_free(key);
            return;
        }
    }
    g_ptr_array_add(c->keys, key);
}

static void add_table(config *c, const char *op)
{
    GArray *table = cli_table_new(op);
    for (guint i = 0; i < table->len; i++) {
        const tw_option_info *info = &g_array_index(table, cli_option, i).info;
        for (int form = 0; form < 2; form++) {
            add_key(c, info->name, form ? '-' : '_');
            if (info->alias)
                add_key(c, info->alias, form ? '-' : '_');
        }
    }
    g_array_free(table, TRUE);
}

static void set_string_field(cyaml_schema_field_t *field, const char *key, size_t slot)
{
    *field = (cyaml_schema_field_t){
        .key = key,
        .data_offset = (uint32_t)(slot * sizeof(char *)),
        .value = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, char, 0, CYAML_UNLIMITED)},
    };
}

/* `memory` is a size or a block; a schema holds one of the two. */
static void build_fields(config *c, bool block)
{
    guint n = c->keys->len;

    memset(c->fields, 0, (n + 1) * sizeof *c->fields);
    memset(c->memory_fields, 0, sizeof c->memory_fields);
    for (guint i = 0; i < n; i++) {
        const char *key = g_ptr_array_index(c->keys, i);
        set_string_field(&c->fields[i], key, i);
        if (block && strcmp(key, "memory") == 0) {
            /* A block lies inside its parent's data: from offset 0 on, its fields name their slots themselves. */
            c->fields[i].data_offset = 0;
            c->fields[i].value = (cyaml_schema_value_t){
                .type = CYAML_MAPPING,
                .flags = CYAML_FLAG_OPTIONAL,
                .data_size = (uint32_t)((n + G_N_ELEMENTS(memory_keys)) * sizeof(char *)),
                .mapping = {.fields = c->memory_fields},
            };
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(memory_keys); i++)
        set_string_field(&c->memory_fields[i], memory_keys[i].key, n + i);
}

/* The format is libcyaml's own. */
G_GNUC_PRINTF(3, 0)
static void keep_complaint(cyaml_log_t level, void *user, const char *format, va_list va)
{
    config *c = user;
    char line[256];

    vsnprintf(line, sizeof line, format, va);
    g_strchomp(line);
    const char *text = g_str_has_prefix(line, "Load: ") ? line + 6 : line;
    const char *place = strstr(text, "(line: ");
    if (!c->message[0] && level >= CYAML_LOG_WARNING)
        snprintf(c->message, sizeof c->message, "%s", text);
    else if (!c->place[0] && place)
        snprintf(c->place, sizeof c->place, "line %d: ", atoi(place + 7));
}

static cyaml_err_t parse(config *c, bool block, const char *text, gsize length)
{
    cyaml_config_t settings = {
        .log_fn = keep_complaint,
        .log_ctx = c,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_WARNING,
        .flags = CYAML_CFG_NO_ALIAS,
    };
    cyaml_schema_value_t top = {
        .type = CYAML_MAPPING,
        .flags = CYAML_FLAG_POINTER,
        .data_size = (uint32_t)((c->keys->len + G_N_ELEMENTS(memory_keys)) * sizeof(char *)),
        .mapping = {.fields = c->fields},
    };
    cyaml_data_t *data = NULL;

    build_fields(c, block);
    c->message[0] = c->place[0] = '\0';
    cyaml_err_t status = cyaml_load_data((const uint8_t *)text, length, &settings, &top, &data, NULL);
    if (status == CYAML_OK && data) {
        char **loaded = (char **)data;
        for (guint i = 0; i < c->keys->len + G_N_ELEMENTS(memory_keys); i++)
            c->values[i] = g_strdup(loaded[i]);
    }
    cyaml_free(&settings, &top, data, 0);
    return status;
}

static tw_status fail_parse(const config *c, cyaml_err_t status, const char *path, tw_error *err)
{
    static const char unexpected[] = "Unexpected key: ";
    tw_nearest best = {0};

    if (!g_str_has_prefix(c->message, unexpected))
        return tw_fail(err, TW_ERROR_USAGE, "%s: %s%s", path, c->place, c->message[0] ? c->message : cyaml_strerror(status));
    const char *key = c->message + sizeof unexpected - 1;
    for (guint i = 0; i < c->keys->len; i++)
        tw_nearest_offer(&best, key, g_ptr_array_index(c->keys, i));
    for (size_t i = 0; i < G_N_ELEMENTS(memory_keys); i++)
        tw_nearest_offer(&best, key, memory_keys[i].key);
    return tw_fail(err, TW_ERROR_USAGE, "%s: unknown key %s%s%s%s", path, key, best.name ? "; did you mean " : "",
                   best.name ? best.name : "", best.name ? "?" : "");
}

static tw_status read_values(config *c, const char *path, const char *text, gsize length, tw_error *err)
{
    cyaml_err_t status = parse(c, true, text, length);
    if (status == CYAML_OK)
        return TW_OK;
    /* With the other schema, a wrong key inside the block would be reported as a wrong block: keep the first complaint. */
    config first = *c;
    cyaml_err_t second = parse(c, false, text, length);
    if (second == CYAML_OK)
        return TW_OK;
    if (second == CYAML_ERR_UNEXPECTED_EVENT || second == CYAML_ERR_INVALID_VALUE)
        return fail_parse(&first, status, path, err);
    return fail_parse(c, second, path, err);
}

static void add(cli_args *args, GArray *found, const char *name, const char *value, const char *path)
{
    const cli_option *option = cli_table_find(args->table, name);
    if (!option)
        return;
    cli_setting setting = {.name = option->info.name, .value = g_strdup(value), .source = g_strdup(path)};
    g_array_append_val(found, setting);
}

static void collect(cli_args *args, const config *c, const char *path)
{
    GArray *found = g_array_new(FALSE, TRUE, sizeof(cli_setting));
    guint n = c->keys->len;

    for (guint i = 0; i < n; i++)
        if (c->values[i])
            add(args, found, g_ptr_array_index(c->keys, i), c->values[i], path);
    for (size_t i = 0; i < G_N_ELEMENTS(memory_keys); i++) {
        const char *value = c->values[n + i];
        if (!value || !memory_keys[i].option)
            continue;
        if (strcmp(memory_keys[i].when, "*") == 0)
            add(args, found, memory_keys[i].option, value, path);
        else if (strcmp(memory_keys[i].when, value) == 0)
            add(args, found, memory_keys[i].option, memory_keys[i].value, path);
    }
    g_array_prepend_vals(args->settings, found->data, found->len);
    g_array_free(found, TRUE);
}

/* The job checks its own options; the command line's are checked here. */
static tw_status check_own(const cli_args *args, const char *path, tw_error *err)
{
    for (guint i = 0; i < args->settings->len; i++) {
        const cli_setting *setting = &g_array_index(args->settings, cli_setting, i);
        tw_error inner = TW_ERROR_NONE;
        if (setting->source && cli_check_own(cli_table_find(args->table, setting->name), setting->value, &inner) != TW_OK)
            return tw_fail(err, inner.code, "%s: %s", path, inner.message);
    }
    return TW_OK;
}

static tw_status read_file(const char *path, char **text, gsize *length, tw_error *err)
{
    FILE *file = fopen(path, "rb");
    tw_status status = TW_OK;

    if (!file)
        return tw_fail(err, TW_ERROR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    *text = g_malloc(LARGEST_FILE + 1);
    *length = fread(*text, 1, LARGEST_FILE + 1, file);
    if (ferror(file))
        status = tw_fail(err, TW_ERROR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    else if (*length > LARGEST_FILE)
        status = tw_fail(err, TW_ERROR_INPUT, "%s: larger than a configuration may be (1 MiB)", path);
    fclose(file);
    return status;
}

tw_status cli_config_load(cli_args *args, const char *path, tw_error *err)
{
    config c = {.keys = g_ptr_array_new_with_free_func(g_free)};
    const tw_op_info *op;
    char *text = NULL;
    gsize length = 0;
    tw_status status;

    for (size_t i = 0; (op = tw_op_at(i)); i++)
        add_table(&c, op->name);
    add_table(&c, "verify");
    guint slots = c.keys->len + G_N_ELEMENTS(memory_keys);
    c.values = g_new0(char *, slots + 1);
    c.fields = g_new0(cyaml_schema_field_t, slots + 1);

    status = read_file(path, &text, &length, err);
    if (status == TW_OK)
        status = read_values(&c, path, text, length, err);
    if (status == TW_OK) {
        collect(args, &c, path);
        status = check_own(args, path, err);
    }
    for (guint i = 0; i < slots; i++)
        g_free(c.values[i]);
    g_free(c.values);
    g_free(c.fields);
    g_free(text);
    g_ptr_array_free(c.keys, TRUE);
    return status;
}
