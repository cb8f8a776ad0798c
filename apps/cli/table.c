/* SPDX-License-Identifier: MIT */
/* The options one command knows: the operator's table through the public API, then the command line's own. */
#include <string.h>

#include "args.h"
#include "base/error.h"
#include "base/nearest.h"
#include "base/options.h"

static const tw_option own_table[] = {
    {.name = "config",
     .type = TW_OPTION_FILE,
     .help = "YAML file with options by their names; options on the command line win",
     .since = "0.1"},
    {.name = "json", .type = TW_OPTION_FLAG, .help = "print one JSON object on standard output at the end", .since = "0.1"},
    {.name = "quiet", .type = TW_OPTION_FLAG, .help = "print nothing but errors", .since = "0.1"},
    {.name = "progress",
     .type = TW_OPTION_CHOICE,
     .choices = "auto|bar|json|none",
     .fallback = "auto",
     .help = "how progress is shown on standard error; auto: a bar on a terminal",
     .since = "0.1"},
    {.name = "resume",
     .type = TW_OPTION_FLAG,
     .help = "skip pictures of a folder whose result is already there",
     .since = "0.1"},
    {.name = "help", .letter = 'h', .type = TW_OPTION_FLAG, .help = "print this help", .since = "0.1"},
    {.name = NULL},
};
static const tw_option models_table[] = {
    {.name = "json", .type = TW_OPTION_FLAG, .help = "print one JSON object on standard output", .since = "0.1"},
    {.name = "quiet", .type = TW_OPTION_FLAG, .help = "print nothing but errors", .since = "0.1"},
    {.name = "name", .type = TW_OPTION_TEXT, .help = "add: name of the model; default: the file's own", .since = "0.1"},
    {.name = "record", .type = TW_OPTION_FILE, .help = "add: JSON record, instead of the options below", .since = "0.1"},
    {.name = "range",
     .type = TW_OPTION_CHOICE,
     .choices = "1|255",
     .help = "add: largest sample value that the net takes and gives",
     .since = "0.1"},
    {.name = "channels",
     .type = TW_OPTION_CHOICE,
     .choices = "rgb|bgr",
     .help = "add: channel order of the net",
     .since = "0.1"},
    {.name = "size-multiple",
     .type = TW_OPTION_INT,
     .max = 4096,
     .help = "add: sides of the canvas must be a multiple of this; 0: what the graph says",
     .since = "0.1"},
    {.name = "pad",
     .type = TW_OPTION_CHOICE,
     .choices = "reflect|replicate|zero",
     .help = "add: how the canvas is padded",
     .since = "0.1"},
    {.name = "mean", .type = TW_OPTION_TEXT, .help = "add: three numbers with commas, or one; see norm", .since = "0.1"},
    {.name = "norm", .type = TW_OPTION_TEXT, .help = "add: net input = (sample / white - mean) * norm", .since = "0.1"},
    {.name = "out-mean", .type = TW_OPTION_TEXT, .help = "add: see out-norm", .since = "0.1"},
    {.name = "out-norm",
     .type = TW_OPTION_TEXT,
     .help = "add: result / white = net output * out-norm + out-mean; default: the inverse of mean and norm",
     .since = "0.1"},
    {.name = "title", .type = TW_OPTION_TEXT, .help = "add: one line for lists", .since = "0.1"},
    {.name = "licence", .type = TW_OPTION_TEXT, .help = "add: licence of the weights", .since = "0.1"},
    {.name = "help", .letter = 'h', .type = TW_OPTION_FLAG, .help = "print this help", .since = "0.1"},
    {.name = NULL},
};
static const tw_option verify_table[] = {
    {.name = "tiles",
     .letter = 't',
     .alias = "tile",
     .type = TW_OPTION_TEXT,
     .fallback = "16,48,97,256,plan",
     .unit = "px",
     .help = "tiles to try, N or WxH with commas; plan: the one that upscale would take for the picture",
     .since = "0.1"},
    {.name = "crop",
     .type = TW_OPTION_GEOMETRY,
     .unit = "px",
     .help = "size of the part in the middle that is run; default: what fits the budget whole, at most 512x512",
     .since = "0.1"},
    {.name = "shift",
     .type = TW_OPTION_INT,
     .max = 65536,
     .unit = "px",
     .help = "columns and rows that are cut off for the run with another grid of tiles, a multiple of the model's own "
             "grid, 0 for none; default: 12 or the next multiple",
     .since = "0.1"},
    {.name = "bound",
     .type = TW_OPTION_REAL,
     .max = 255,
     .fallback = "0.01",
     .help = "greatest difference to the whole run that passes, in 1/255",
     .since = "0.1"},
    {.name = NULL},
};
static const tw_option batch_table[] = {
    {.name = "jobs",
     .letter = 'j',
     .type = TW_OPTION_INT,
     .max = 1024,
     .fallback = "0",
     .help = "most jobs at a time, 0 for one more than processors; fewer run where their planned peaks do not fit --memory",
     .since = "0.1"},
    {.name = NULL},
};
static const tw_option interpolate_table[] = {
    {.name = "factor",
     .type = TW_OPTION_INT,
     .min = 2,
     .max = 64,
     .fallback = "2",
     .help = "of a folder or a y4m stream: as many frames for each of the input's",
     .since = "0.2"},
    {.name = "matrix",
     .type = TW_OPTION_CHOICE,
     .choices = "auto|601|709",
     .fallback = "auto",
     .help = "of a y4m stream: what its colour differences mean, BT.601 or BT.709; auto: 709 from 720 rows on",
     .since = "0.2"},
    {.name = NULL},
};
static const tw_option serve_table[] = {
    {.name = "port",
     .type = TW_OPTION_INT,
     .max = 65535,
     .fallback = "8730",
     .help = "port to listen on, 0 for any that is free: it is printed",
     .since = "0.1"},
    {.name = "bind",
     .type = TW_OPTION_TEXT,
     .fallback = "127.0.0.1",
     .help = "address to listen on; one that other machines can reach needs --token-file",
     .since = "0.1"},
    {.name = "token-file",
     .type = TW_OPTION_FILE,
     .help = "file whose one word every request must bring: Authorization: Bearer WORD",
     .since = "0.1"},
    {.name = "root",
     .type = TW_OPTION_FILE,
     .help = "folder whose files requests may name (default: none may be named, pictures are uploaded)",
     .since = "0.1"},
    {.name = "max-body", .type = TW_OPTION_SIZE, .fallback = "2G", .help = "most bytes of a request", .since = "0.1"},
    {.name = "max-waiting",
     .type = TW_OPTION_INT,
     .min = 1,
     .max = 1024,
     .fallback = "64",
     .help = "most jobs that wait; further ones are told when to come again",
     .since = "0.1"},
    {.name = "store",
     .type = TW_OPTION_SIZE,
     .fallback = "8G",
     .help = "most bytes of uploads and results, in the folder for scratch files",
     .since = "0.1"},
    {.name = "keep",
     .type = TW_OPTION_INT,
     .max = 1e6,
     .fallback = "3600",
     .unit = "s",
     .help = "how long results are kept; at most 256, and no longer than there is room",
     .since = "0.1"},
    {.name = "grace",
     .type = TW_OPTION_INT,
     .max = 1e6,
     .fallback = "30",
     .unit = "s",
     .help = "how long jobs may go on after SIGTERM or SIGINT; a second one ends them at once",
     .since = "0.1"},
    {.name = "timeout",
     .type = TW_OPTION_INT,
     .min = 1,
     .max = 86400,
     .fallback = "60",
     .unit = "s",
     .help = "a connection that is silent for so long is closed",
     .since = "0.1"},
    {.name = NULL},
};
static const tw_option *const own_tables[] = {own_table,   models_table, verify_table, interpolate_table,
                                              batch_table, serve_table,  NULL};
/* What verify does not take of upscale's: it writes nothing, and cuts the tiles that it names itself. */
static const char *const not_verified[] = {"tile",        "tile-threshold",   "enable-tiling", "format",    "lossless",
                                           "compression", "tiff-compression", "orient",        "overwrite", "resume",
                                           NULL};

static const char *type_name(tw_option_type type)
{
    static const char *const names[] = {"flag", "bool", "int", "real", "size", "geometry", "choice", "text", "file"};
    return names[type];
}

const tw_op_info *cli_find_op(const char *name)
{
    const tw_op_info *op;
    for (size_t i = 0; (op = tw_op_at(i)); i++)
        if (strcmp(op->name, name) == 0)
            return op;
    return NULL;
}

static void add_own(GArray *table, const tw_option *o)
{
    cli_option option = {
        .info = {.name = o->name,
                 .letter = o->letter,
                 .alias = o->alias,
                 .type = type_name(o->type),
                 .min = o->min,
                 .max = o->max,
                 .fallback = o->fallback,
                 .unit = o->unit,
                 .choices = o->choices,
                 .help = o->help,
                 .since = o->since},
        .own = true,
    };
    if (cli_table_find(table, o->name))
        return;
    for (guint i = 0; i < table->len; i++)
        if (g_array_index(table, cli_option, i).info.letter == option.info.letter)
            option.info.letter = 0;
    g_array_append_val(table, option);
}

bool cli_is_common(const tw_option_info *info)
{
    const tw_op_info *op;
    for (size_t i = 0; (op = tw_op_at(i)); i++) {
        tw_option_info other;
        bool found = false;
        for (size_t j = 0; !found && tw_op_option_at(op->name, j, &other); j++)
            found = strcmp(other.name, info->name) == 0 && strcmp(other.help, info->help) == 0;
        if (!found)
            return false;
    }
    return true;
}

/* What every operator takes, and what is the batch's own, or the server's. */
static GArray *batch_options(bool serves)
{
    static const char *const not_of_batch[] = {"json", "progress", "resume", NULL};
    GArray *table = g_array_new(FALSE, TRUE, sizeof(cli_option));
    cli_option option = {.own = false};

    for (const tw_option *o = serve_table; serves && o->name; o++)
        add_own(table, o);
    add_own(table, &batch_table[0]);
    for (size_t i = 0; tw_op_option_at(tw_op_at(0)->name, i, &option.info); i++)
        if (cli_is_common(&option.info))
            g_array_append_val(table, option);
    for (const tw_option *o = own_table; o->name; o++)
        if (!g_strv_contains(not_of_batch, o->name))
            add_own(table, o);
    return table;
}

GArray *cli_table_new(const char *command)
{
    GArray *table = g_array_new(FALSE, TRUE, sizeof(cli_option));
    cli_option option = {.own = false};
    bool verify = strcmp(command, "verify") == 0;

    if (strcmp(command, "batch") == 0 || strcmp(command, "serve") == 0) {
        g_array_free(table, TRUE);
        return batch_options(strcmp(command, "serve") == 0);
    }
    for (const tw_option *o = verify_table; verify && o->name; o++)
        add_own(table, o);
    for (size_t i = 0; tw_op_option_at(verify ? "upscale" : command, i, &option.info); i++)
        if (!verify || !g_strv_contains(not_verified, option.info.name))
            g_array_append_val(table, option);
    for (const tw_option *o = interpolate_table; strcmp(command, "interpolate") == 0 && o->name; o++)
        add_own(table, o);
    for (const tw_option *o = strcmp(command, "models") == 0 ? models_table : own_table; o->name; o++)
        if (!verify || !g_strv_contains(not_verified, o->name))
            add_own(table, o);
    return table;
}

static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
            return false;
    return *a == *b;
}

const cli_option *cli_table_find(const GArray *table, const char *name)
{
    for (guint i = 0; i < table->len; i++) {
        const cli_option *option = &g_array_index(table, cli_option, i);
        if (same_name(option->info.name, name) || (option->info.alias && same_name(option->info.alias, name)))
            return option;
    }
    return NULL;
}

tw_status cli_check_own(const cli_option *option, const char *value, tw_error *err)
{
    if (!option->own)
        return TW_OK;
    tw_options *options = tw_options_new(own_tables);
    if (!options)
        return tw_fail_memory(err, "options", 0);
    tw_status status = tw_options_set(options, option->info.name, value, err);
    tw_options_free(options);
    return status;
}

tw_status cli_fail_unknown(const GArray *table, const char *typed, tw_error *err)
{
    const char *name = typed + strspn(typed, "-");
    tw_nearest best = {0};

    for (guint i = 0; i < table->len && strlen(name) > 1; i++) {
        const tw_option_info *info = &g_array_index(table, cli_option, i).info;
        tw_nearest_offer(&best, name, info->name);
        if (info->alias)
            tw_nearest_offer(&best, name, info->alias);
    }
    if (best.name)
        return tw_fail(err, TW_ERROR_USAGE, "unknown option %s; did you mean --%s?", typed, best.name);
    return tw_fail(err, TW_ERROR_USAGE, "unknown option %s", typed);
}
