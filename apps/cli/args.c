/* SPDX-License-Identifier: MIT */
/* Reads `--name value`, `--name=value`, `-s 2`, `-s2`, `-xs2`; `--` ends options; `-` is a word. */
#include "args.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "config.h"

/* Scripts written for the ncnn upscalers go on working. Letters that an operator's table defines come first. */
const cli_compatible cli_compatibles[] = {
    {'i', "FILE", "input, as in the ncnn tools"},
    {'o', "FILE", "output, as in the ncnn tools"},
    {'n', "NAME", "--model; a number: --noise"},
    {'m', "DIR", "where -n NAME is: --model DIR/NAME.param"},
    {'s', "N", "--scale"},
    {'t', "N", "--tile; 0: chosen by the plan"},
    {'f', "FORMAT", "--format"},
    {'x', NULL, "--tta"},
    {'g', "N", "-1: --device cpu; N: --device gpu:N"},
    {'j', "L:P:S", "--threads P"},
    {0, NULL, NULL},
};

static const struct {
    char letter;
    const char *name;
} meanings[] = {{'n', "model"}, {'s', "scale"},  {'t', "tile"},    {'f', "format"},
                {'x', "tta"},   {'g', "device"}, {'j', "workers"}, {'j', "threads"}};

static const cli_option *find_letter(const GArray *table, char letter)
{
    for (guint i = 0; i < table->len; i++) {
        const cli_option *option = &g_array_index(table, cli_option, i);
        if (option->info.letter == letter)
            return option;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++) {
        const cli_option *option = meanings[i].letter == letter ? cli_table_find(table, meanings[i].name) : NULL;
        if (option)
            return option;
    }
    return NULL;
}

bool cli_compatible_applies(const cli_compatible *compatible, const GArray *table, const tw_op_info *op)
{
    const cli_option *option = find_letter(table, compatible->letter);

    if (!option)
        return compatible->letter == 'i' || (compatible->letter == 'o' && op->has_output) ||
               (compatible->letter == 'm' && cli_table_find(table, "model"));
    return option->info.letter != compatible->letter;
}

static bool is_flag(const cli_option *option)
{
    return strcmp(option->info.type, "flag") == 0;
}

/* The ncnn tools' way of writing a value, in ours: -g -1 and -g 2, -j 1:2:2. Returns a new string. */
static char *translate(const cli_option *option, char letter, const char *value)
{
    bool number = *value && value[strspn(value, "0123456789")] == '\0';

    if (letter == 'g' && strcmp(option->info.name, "device") == 0) {
        if (strcmp(value, "-1") == 0)
            return g_strdup("cpu");
        if (number)
            return g_strconcat("gpu:", value, NULL);
    }
    if (letter == 'j' && strchr(value, ':')) {
        const char *middle = strchr(value, ':') + 1;
        return g_strndup(middle, strcspn(middle, ":,"));
    }
    return g_strdup(value);
}

static bool is_noise_level(const char *value)
{
    return strcmp(value, "-1") == 0 || (value[0] >= '0' && value[0] <= '3' && value[1] == '\0');
}

static tw_status add_setting(cli_args *args, const cli_option *option, char *value, tw_error *err)
{
    cli_setting setting = {.name = option->info.name, .value = value};

    if (strcmp(option->info.name, "help") == 0)
        args->help = true;
    g_array_append_val(args->settings, setting);
    return cli_check_own(option, value, err);
}

/* Position in the words; `next` is the value of an option whose value is a word of its own. */
typedef struct words {
    char **at;
    int left;
} words;

static const char *next(words *w)
{
    if (w->left == 0)
        return NULL;
    w->left--;
    return *w->at++;
}

static tw_status parse_long(cli_args *args, const char *word, words *w, tw_error *err)
{
    const char *equals = strchr(word, '=');
    char *name = equals ? g_strndup(word + 2, (gsize)(equals - word - 2)) : g_strdup(word + 2);
    const cli_option *option = cli_table_find(args->table, name);
    tw_status status = TW_OK;

    if (!option) {
        char *typed = g_strconcat("--", name, NULL);
        status = cli_fail_unknown(args->table, typed, err);
        g_free(typed);
        goto cleanup;
    }
    const char *value = equals ? equals + 1 : is_flag(option) ? "true" : next(w);
    if (!value)
        status = tw_fail(err, TW_ERROR_USAGE, "--%s needs a value", name);
    else
        status = add_setting(args, option, g_strdup(value), err);
cleanup:
    g_free(name);
    return status;
}

/* -i, -o and -m, which stand for no option. */
static bool is_special(const cli_args *args, char letter)
{
    const tw_op_info *op = args->op;
    return op &&
           (letter == 'i' || (letter == 'o' && op->has_output) || (letter == 'm' && cli_table_find(args->table, "model")));
}

static tw_status add_special(cli_args *args, char letter, const char *value, tw_error *err)
{
    if (letter == 'm') {
        g_free(args->models_folder);
        args->models_folder = g_strdup(value);
        return TW_OK;
    }
    if (letter == 'i') {
        g_ptr_array_add(args->inputs, g_strdup(value));
        return TW_OK;
    }
    if (args->output)
        return tw_fail(err, TW_ERROR_USAGE, "two outputs: %s and %s", args->output, value);
    args->output = g_strdup(value);
    return TW_OK;
}

/* -memory is no -m emory. */
static bool is_long_with_one_dash(const cli_args *args, const char *word)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 1, "="), word + 1);
    return name[0] && name[1] && cli_table_find(args->table, name);
}

static tw_status parse_letters(cli_args *args, const char *word, words *w, tw_error *err)
{
    if (is_long_with_one_dash(args, word))
        return cli_fail_unknown(args->table, word, err);
    for (const char *p = word + 1; *p; p++) {
        const cli_option *option = find_letter(args->table, *p);
        bool special = !option && is_special(args, *p);
        const char *value;

        if (!option && !special) {
            char typed[3] = {'-', *p, '\0'};
            return cli_fail_unknown(args->table, p == word + 1 && p[1] ? word : typed, err);
        }
        if (option && is_flag(option)) {
            TW_TRY(add_setting(args, option, g_strdup("true"), err));
            continue;
        }
        value = p[1] ? p + 1 : next(w);
        if (!value)
            return tw_fail(err, TW_ERROR_USAGE, "-%c needs a value", *p);
        if (special)
            return add_special(args, *p, value, err);
        /* waifu2x and Real-CUGAN take a noise level where the others take a name. */
        if (*p == 'n' && strcmp(option->info.name, "model") == 0 && is_noise_level(value))
            option = cli_table_find(args->table, "noise") ? cli_table_find(args->table, "noise") : option;
        return add_setting(args, option, translate(option, *p, value), err);
    }
    return TW_OK;
}

/* A folder, standard input, a stream: frames of one video. */
static bool takes_sequence(const cli_args *args)
{
    guint n = args->inputs->len - (args->output || args->inputs->len == 0 ? 0 : 1);
    const char *first = args->inputs->len > 0 ? g_ptr_array_index(args->inputs, 0) : "";
    return cli_table_find(args->table, "factor") && n == 1 &&
           (strcmp(first, "-") == 0 || g_str_has_suffix(first, ".y4m") || g_file_test(first, G_FILE_TEST_IS_DIR));
}

bool cli_is_sequence(const cli_args *args)
{
    return cli_table_find(args->table, "factor") && args->inputs->len == 1;
}

/* The last word is the output unless -o named it. */
static tw_status check_words(cli_args *args, tw_error *err)
{
    const tw_op_info *op = args->op;
    guint n = args->inputs->len;

    guint least = (guint)op->min_inputs;
    if (takes_sequence(args))
        least = 1;
    if (op->has_output && !args->output && n > least) {
        args->output = g_ptr_array_steal_index(args->inputs, n - 1);
        n--;
    }
    if (n < least || (op->has_output && !args->output))
        return tw_fail(err, TW_ERROR_USAGE, "%s needs more names; usage: tilewright %s %s", op->name, op->name, op->usage);
    if (n > (guint)op->max_inputs)
        return tw_fail(err, TW_ERROR_USAGE, "%s: \"%s\" is one name too many; usage: tilewright %s %s", op->name,
                       (const char *)g_ptr_array_index(args->inputs, n - 1), op->name, op->usage);
    return TW_OK;
}

/* -m DIR -n NAME */
static tw_status join_models_folder(cli_args *args, tw_error *err)
{
    const char *name = cli_get(args, "model");

    if (!args->models_folder)
        return TW_OK;
    if (!name)
        return tw_fail(err, TW_ERROR_USAGE, "-m %s: the model's name is missing: -n NAME", args->models_folder);
    char *path = g_strdup_printf("%s/%s.param", args->models_folder, name);
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        tw_fail(err, TW_ERROR_USAGE, "-m %s: no file %s", args->models_folder, path);
        g_free(path);
        return TW_ERROR_USAGE;
    }
    cli_setting setting = {.name = cli_table_find(args->table, "model")->info.name, .value = path};
    g_array_append_val(args->settings, setting);
    return TW_OK;
}

static void clear_setting(gpointer data)
{
    cli_setting *setting = data;
    g_free(setting->value);
    g_free(setting->source);
}

tw_status cli_args_parse(cli_args *args, const char *command, int argc, char **argv, tw_error *err)
{
    words w = {argv, argc};
    bool options_ended = false;
    const char *word;

    memset(args, 0, sizeof *args);
    args->command = command;
    args->op = cli_find_op(command);
    args->table = cli_table_new(command);
    args->settings = g_array_new(FALSE, TRUE, sizeof(cli_setting));
    g_array_set_clear_func(args->settings, clear_setting);
    args->inputs = g_ptr_array_new_with_free_func(g_free);

    while ((word = next(&w))) {
        if (options_ended || word[0] != '-' || word[1] == '\0')
            g_ptr_array_add(args->inputs, g_strdup(word));
        else if (strcmp(word, "--") == 0)
            options_ended = true;
        else if (word[1] == '-')
            TW_TRY(parse_long(args, word, &w, err));
        else
            TW_TRY(parse_letters(args, word, &w, err));
    }
    if (args->help)
        return TW_OK;
    const char *config = cli_get(args, "config");
    if (config)
        TW_TRY(cli_config_load(args, config, err));
    TW_TRY(join_models_folder(args, err));
    return args->op ? check_words(args, err) : TW_OK;
}

void cli_args_clear(cli_args *args)
{
    if (!args->table)
        return;
    g_array_free(args->settings, TRUE);
    g_array_free(args->table, TRUE);
    g_ptr_array_free(args->inputs, TRUE);
    g_free(args->output);
    g_free(args->models_folder);
    memset(args, 0, sizeof *args);
}

static const cli_setting *last_setting(const cli_args *args, const char *name)
{
    for (guint i = args->settings->len; i-- > 0;) {
        const cli_setting *setting = &g_array_index(args->settings, cli_setting, i);
        if (strcmp(setting->name, name) == 0)
            return setting;
    }
    return NULL;
}

const char *cli_get(const cli_args *args, const char *name)
{
    const cli_setting *setting = last_setting(args, name);
    const cli_option *option = setting ? NULL : cli_table_find(args->table, name);
    return setting ? setting->value : option ? option->info.fallback : NULL;
}

bool cli_flag(const cli_args *args, const char *name)
{
    const char *value = cli_get(args, name);
    return value && (g_ascii_strcasecmp(value, "true") == 0 || g_ascii_strcasecmp(value, "yes") == 0 ||
                     g_ascii_strcasecmp(value, "on") == 0 || strcmp(value, "1") == 0);
}

bool cli_given(const cli_args *args, const char *name)
{
    return last_setting(args, name) != NULL;
}

tw_status cli_apply(const cli_args *args, tw_job *job, tw_error *err)
{
    for (guint i = 0; i < args->settings->len; i++) {
        const cli_setting *setting = &g_array_index(args->settings, cli_setting, i);
        const cli_option *option = cli_table_find(args->table, setting->name);
        tw_error inner = TW_ERROR_NONE;

        if (option->own || tw_job_set(job, setting->name, setting->value, &inner) == TW_OK)
            continue;
        if (setting->source)
            return tw_fail(err, inner.code, "%s: %s", setting->source, inner.message);
        return tw_fail(err, inner.code, "%s", inner.message);
    }
    return TW_OK;
}
