/* SPDX-License-Identifier: MIT */
/* Help as text for people, and all tables as JSON for the generator of docs, man pages and completion (tools/docs). */
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "commands.h"
#include "terminal.h"

#define HELP_COLUMN 32
#define LAST_COLUMN 100

/* What stands for the value: "N", "SIZE", "auto|cpu|gpu"; NULL for a flag. */
static const char *placeholder(const tw_option_info *info)
{
    static const struct {
        const char *type, *word;
    } words[] = {{"flag", NULL},      {"bool", "true|false"}, {"int", "N"},     {"real", "X"},   {"size", "SIZE"},
                 {"geometry", "WxH"}, {"choice", "CHOICE"},   {"text", "TEXT"}, {"file", "FILE"}};

    if (strcmp(info->type, "choice") == 0 && info->choices && strlen(info->choices) <= 20)
        return info->choices;
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i].type, info->type) == 0)
            return words[i].word;
    return "VALUE";
}

/* Breaks at blanks; the first line goes on where the cursor is. */
static void print_wrapped(FILE *file, const char *text, int column)
{
    int at = column;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (at > column && at + 1 + length > LAST_COLUMN) {
            fprintf(file, "\n%*s", column, "");
            at = column;
        } else if (at > column) {
            fputc(' ', file);
            at++;
        }
        fprintf(file, "%.*s", length, text);
        at += length;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', file);
}

static void print_details(GString *text, const tw_option_info *info)
{
    char low[G_ASCII_DTOSTR_BUF_SIZE], high[G_ASCII_DTOSTR_BUF_SIZE];

    if (info->choices && strlen(info->choices) > 20)
        g_string_append_printf(text, "; one of %s", info->choices);
    if (info->max > info->min && info->max < 1e9)
        g_string_append_printf(text, "; %s to %s", g_ascii_formatd(low, sizeof low, "%.10g", info->min),
                               g_ascii_formatd(high, sizeof high, "%.10g", info->max));
    if (info->fallback)
        g_string_append_printf(text, " (default %s)", info->fallback);
}

static void print_option(FILE *file, const tw_option_info *info)
{
    GString *text = g_string_new(info->help);
    const char *value = placeholder(info);
    char head[160];

    int n = snprintf(head, sizeof head, "  %c%c%c --%s%s%s", info->letter ? '-' : ' ', info->letter ? info->letter : ' ',
                     info->letter ? ',' : ' ', info->name, value ? " " : "", value ? value : "");
    fprintf(file, "%s", head);
    if (n >= HELP_COLUMN)
        fprintf(file, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(file, "%*s", HELP_COLUMN - n, "");
    print_details(text, info);
    if (info->alias)
        g_string_append_printf(text, "; also --%s", info->alias);
    print_wrapped(file, text->str, HELP_COLUMN);
    g_string_free(text, TRUE);
}

static void print_options(FILE *file, const GArray *table, const char *title, bool own_of_op)
{
    bool titled = false;
    for (guint i = 0; i < table->len; i++) {
        const cli_option *option = &g_array_index(table, cli_option, i);
        if ((!option->own && !cli_is_common(&option->info)) != own_of_op)
            continue;
        if (!titled)
            fprintf(file, "\n%s:\n", title);
        titled = true;
        print_option(file, &option->info);
    }
}

static const cli_command *find_command(const char *name)
{
    for (const cli_command *c = cli_commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

void cli_print_command_help(FILE *file, const char *name)
{
    const tw_op_info *op = cli_find_op(name);
    const cli_command *command = op ? NULL : find_command(name);
    GArray *table = cli_table_new(name);

    fprintf(file, "usage: tilewright %s %s%s\n\n", name, op ? op->usage : command->usage,
            op || strcmp(name, "help") != 0 ? " [options]" : "");
    print_wrapped(file, op ? op->summary : command->summary, 0);
    if (op) {
        print_options(file, table, "Options", true);
        print_options(file, table, "Options of every operator", false);
        fprintf(file, "\nLetters kept from the ncnn upscalers:\n");
        for (const cli_compatible *c = cli_compatibles; c->letter; c++)
            if (cli_compatible_applies(c, table, op))
                fprintf(file, "  -%c %-*s%s\n", c->letter, HELP_COLUMN - 5, c->value ? c->value : "", c->help);
        fprintf(file, "\nSizes: 512M, 1.5G, 50%%. - reads standard input or writes standard output.\n");
    } else if (strcmp(name, "models") == 0 || strcmp(name, "batch") == 0 || strcmp(name, "serve") == 0) {
        print_options(file, table, "Options", false);
    } else if (strcmp(name, "verify") == 0) {
        print_options(file, table, "Options", false);
        print_options(file, table, "Options of upscale", true);
    }
    g_array_free(table, TRUE);
}

static void print_command(FILE *file, const char *name, const char *usage, const char *summary)
{
    char left[80];

    snprintf(left, sizeof left, "%s %s", name, usage);
    fprintf(file, "  %-*s", HELP_COLUMN - 2, left);
    if (strlen(left) > HELP_COLUMN - 3)
        fprintf(file, "\n%*s", HELP_COLUMN, "");
    print_wrapped(file, summary, HELP_COLUMN);
}

void cli_print_overview(FILE *file)
{
    const tw_op_info *op;

    fprintf(file, "tilewright %s: big images, small memory, no seams\n\nusage: tilewright OP ARGS [options]\n\n", tw_version());
    for (size_t i = 0; (op = tw_op_at(i)); i++)
        print_command(file, op->name, op->usage, op->summary);
    for (const cli_command *c = cli_commands; c->name; c++)
        print_command(file, c->name, c->usage, c->summary);
    fprintf(file, "\n`tilewright OP --help` lists the options of an operator; `tilewright --version` prints the version.\n"
                  "Exit codes: 0 done, 1 failed while running, 2 bad usage, 3 bad input, 4 does not fit the memory or\n"
                  "scratch limit, 5 device, 130 interrupted.\n");
}

/* --- tables as JSON -------------------------------------------------------------------------------------------------- */

static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, text ? json_string(text) : json_null());
}

static json_t *option_json(const cli_option *option)
{
    const tw_option_info *info = &option->info;
    char letter[2] = {info->letter, '\0'};
    json_t *object = json_object();

    set_text(object, "name", info->name);
    set_text(object, "letter", info->letter ? letter : NULL);
    set_text(object, "alias", info->alias);
    set_text(object, "type", info->type);
    set_text(object, "value", placeholder(info));
    json_object_set_new(object, "min", json_real(info->min));
    json_object_set_new(object, "max", json_real(info->max));
    set_text(object, "default", info->fallback);
    set_text(object, "unit", info->unit);
    set_text(object, "choices", info->choices);
    set_text(object, "help", info->help);
    set_text(object, "since", info->since);
    json_object_set_new(object, "common", json_boolean(option->own || cli_is_common(info)));
    return object;
}

static json_t *command_json(const char *name, const char *usage, const char *summary, const char *about)
{
    json_t *object = json_object(), *options = json_array();
    GArray *table = cli_table_new(name);

    set_text(object, "name", name);
    set_text(object, "usage", usage);
    set_text(object, "summary", summary);
    set_text(object, "about", about);
    for (guint i = 0; i < table->len; i++)
        json_array_append_new(options, option_json(&g_array_index(table, cli_option, i)));
    json_object_set_new(object, "options", options);
    g_array_free(table, TRUE);
    return object;
}

int cli_print_tables(void)
{
    json_t *object = json_object(), *ops = json_array(), *commands = json_array(), *letters = json_array();
    const tw_op_info *op;

    for (size_t i = 0; (op = tw_op_at(i)); i++)
        json_array_append_new(ops, command_json(op->name, op->usage, op->summary, op->about));
    for (const cli_command *c = cli_commands; c->name; c++)
        json_array_append_new(commands, command_json(c->name, c->usage, c->summary, c->about));
    for (const cli_compatible *c = cli_compatibles; c->letter; c++) {
        char letter[2] = {c->letter, '\0'};
        json_t *entry = json_object();
        set_text(entry, "letter", letter);
        set_text(entry, "value", c->value);
        set_text(entry, "help", c->help);
        json_array_append_new(letters, entry);
    }
    set_text(object, "version", tw_version());
    json_object_set_new(object, "ops", ops);
    json_object_set_new(object, "commands", commands);
    json_object_set_new(object, "letters", letters);
    json_dumpf(object, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(object);
    return TW_OK;
}

int cli_help(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;

    if (argc == 0 || strcmp(argv[0], "--help") == 0) {
        cli_print_overview(stdout);
        return TW_OK;
    }
    if (strcmp(argv[0], "--tables") == 0)
        return cli_print_tables();
    if (cli_find_op(argv[0]) || find_command(argv[0])) {
        cli_print_command_help(stdout, argv[0]);
        return TW_OK;
    }
    cli_fail_unknown_command("command", argv[0], &err);
    return cli_fail(&err);
}
