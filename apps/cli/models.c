/* SPDX-License-Identifier: MIT */
/* models list | info M | add FILE | install PACK */
#include "tilewright/models.h"

#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "commands.h"
#include "terminal.h"

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void print_list(json_t *object)
{
    json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(object, "models"), i, entry)
    {
        json_t *scale = json_object_get(entry, "scale");
        if (scale)
            printf("%-34s x%-3.10g %s\n", text_of(entry, "name"), json_number_value(scale), text_of(entry, "title"));
        else
            printf("%-34s cannot be read: %s\n", text_of(entry, "name"), text_of(entry, "error"));
    }
    json_array_foreach(json_object_get(object, "packs"), i, entry) if (!json_is_true(json_object_get(entry, "installed")))
        printf("%-34s pack: %s (tilewright models install %s)\n", text_of(entry, "name"), text_of(entry, "title"),
               text_of(entry, "name"));
}

static void print_members(json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(8));
        if (!json_is_null(value))
            printf("%-16s %s\n", key, text ? text : json_string_value(value));
        free(text);
    }
}

/* Prints the library's JSON as it is, or as lines by `print`. */
static tw_status show(tw_status status, char *json, void (*print)(json_t *object))
{
    json_t *object = json && !cli_json() ? json_loads(json, 0, NULL) : NULL;

    if (status == TW_OK && cli_json())
        puts(json);
    else if (object)
        print(object);
    json_decref(object);
    tw_bytes_free(json);
    return status;
}

static tw_status list(const cli_args *args, tw_error *err)
{
    char *json = NULL;
    tw_status status = tw_models_list(&json, err);
    return show(status, json, print_list);
}

static tw_status info(const cli_args *args, tw_error *err)
{
    char *json = NULL;
    tw_status status = tw_models_info(g_ptr_array_index(args->inputs, 1), &json, err);
    return show(status, json, print_members);
}

static const char *const record_keys[] = {"range",    "channels", "size-multiple", "pad",     "mean", "norm",
                                          "out-mean", "out-norm", "title",         "licence", NULL};

/* NULL when none of the options is given: then the .json beside the model counts. */
static tw_status record_of_options(const cli_args *args, char **json, tw_error *err)
{
    GPtrArray *pairs = g_ptr_array_new_with_free_func(g_free);
    tw_status status = TW_OK;

    for (const char *const *key = record_keys; *key; key++)
        if (cli_given(args, *key))
            g_ptr_array_add(pairs, g_strdup_printf("%s=%s", *key, cli_get(args, *key)));
    if (pairs->len > 0 && cli_given(args, "record"))
        status = tw_fail(err, TW_ERROR_USAGE, "models add: --record and --%.*s exclude each other",
                         (int)strcspn(g_ptr_array_index(pairs, 0), "="), (char *)g_ptr_array_index(pairs, 0));
    else if (pairs->len > 0)
        status = tw_models_record((const char *const *)pairs->pdata, pairs->len, json, err);
    g_ptr_array_free(pairs, TRUE);
    return status;
}

static tw_status read_record(const cli_args *args, char **json, tw_error *err)
{
    const char *path = cli_get(args, "record");
    json_error_t where;

    *json = NULL;
    TW_TRY(record_of_options(args, json, err));
    if (!path)
        return TW_OK;
    json_t *object = json_load_file(path, 0, &where);
    if (!object)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %s (line %d)", path, where.text, where.line);
    *json = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return TW_OK;
}

static tw_status add(const cli_args *args, tw_error *err)
{
    char *record = NULL;
    TW_TRY(read_record(args, &record, err));
    tw_status status = tw_models_add(g_ptr_array_index(args->inputs, 1), cli_get(args, "name"), record, err);
    tw_bytes_free(record);
    return status;
}

static void on_log(void *user, const char *line)
{
    cli_note("%s", line);
}

static tw_status install(const cli_args *args, tw_error *err)
{
    return tw_models_install(g_ptr_array_index(args->inputs, 1), on_log, NULL, err);
}

static const struct {
    const char *name, *usage;
    guint min, max; /* words after the name */
    tw_status (*run)(const cli_args *args, tw_error *err);
} actions[] = {
    {"list", "models list", 0, 0, list},
    {"info", "models info MODEL", 1, 1, info},
    {"add", "models add FILE [--name NAME] [--record FILE.json] [options]", 1, 1, add},
    {"install", "models install PACK", 1, 1, install},
};

static tw_status run(const cli_args *args, tw_error *err)
{
    tw_nearest best = {0};

    if (args->inputs->len == 0)
        return tw_fail(err, TW_ERROR_USAGE, "models: one of list, info, add, install is missing");
    const char *name = g_ptr_array_index(args->inputs, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        guint words = args->inputs->len - 1;
        tw_nearest_offer(&best, name, actions[i].name);
        if (strcmp(actions[i].name, name) != 0)
            continue;
        if (words < actions[i].min || words > actions[i].max)
            return tw_fail(err, TW_ERROR_USAGE, "wrong number of names; usage: tilewright %s", actions[i].usage);
        return actions[i].run(args, err);
    }
    if (best.name)
        return tw_fail(err, TW_ERROR_USAGE, "unknown command \"models %s\"; did you mean models %s?", name, best.name);
    return tw_fail(err, TW_ERROR_USAGE, "unknown command \"models %s\"; one of list, info, add, install", name);
}

int cli_models(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;
    cli_args args;
    int code = TW_OK;
    tw_status status = cli_args_parse(&args, "models", argc, argv, &err);

    if (status == TW_OK && args.help) {
        cli_print_command_help(stdout, "models");
    } else {
        if (status == TW_OK) {
            cli_terminal_setup(&args);
            status = run(&args, &err);
        }
        if (status != TW_OK)
            code = cli_fail(&err);
    }
    cli_args_clear(&args);
    return code;
}
