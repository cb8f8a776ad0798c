/* SPDX-License-Identifier: MIT */
/* Values are kept as text and checked once, on the way in; the readers may then trust them. Nothing here asks the locale. */
#include "base/options.h"

#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

struct tw_options {
    const tw_option **tables; /* our copy of the list; the tables themselves are static */
    size_t count;
    char **values; /* NULL: the default is in force */
};

/* --- tables ---------------------------------------------------------------------------------------------------------- */

static size_t count_options(const tw_option *const *tables)
{
    size_t count = 0;
    for (; *tables; tables++)
        for (const tw_option *o = *tables; o->name; o++)
            count++;
    return count;
}

/* JSON and YAML write max_pixels for --max-pixels. */
static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
            return false;
    return *a == *b;
}

static bool has_name(const tw_option *option, const char *name)
{
    return same_name(option->name, name) || (option->alias && same_name(option->alias, name));
}

/* The first table wins, so an operator may give a common option its own default. */
static const tw_option *find(const tw_options *options, const char *name, size_t *index)
{
    size_t i = 0;
    for (const tw_option **table = options->tables; *table; table++) {
        for (const tw_option *o = *table; o->name; o++, i++) {
            if (has_name(o, name)) {
                *index = i;
                return o;
            }
        }
    }
    return NULL;
}

tw_options *tw_options_new(const tw_option *const *tables)
{
    size_t n_tables = 0;
    while (tables[n_tables])
        n_tables++;
    tw_options *options = calloc(1, sizeof *options);
    if (!options)
        return NULL;
    options->count = count_options(tables);
    options->tables = calloc(n_tables + 1, sizeof *options->tables);
    options->values = calloc(options->count + 1, sizeof *options->values);
    if (!options->tables || !options->values) {
        tw_options_free(options);
        return NULL;
    }
    memcpy(options->tables, tables, n_tables * sizeof *tables);
    return options;
}

tw_options *tw_options_copy(const tw_options *options)
{
    tw_options *copy = tw_options_new((const tw_option *const *)options->tables);
    if (!copy)
        return NULL;
    for (size_t i = 0; i < options->count; i++) {
        if (!options->values[i])
            continue;
        copy->values[i] = strdup(options->values[i]);
        if (!copy->values[i]) {
            tw_options_free(copy);
            return NULL;
        }
    }
    return copy;
}

void tw_options_free(tw_options *options)
{
    if (!options)
        return;
    for (size_t i = 0; options->values && i < options->count; i++)
        free(options->values[i]);
    free(options->values);
    free(options->tables);
    free(options);
}

const tw_option *tw_options_find(const tw_options *options, const char *name)
{
    size_t index;
    return find(options, name, &index);
}

const tw_option *tw_options_letter(const tw_options *options, char letter)
{
    if (letter == 0)
        return NULL;
    for (const tw_option **table = options->tables; *table; table++)
        for (const tw_option *o = *table; o->name; o++)
            if (o->letter == letter)
                return o;
    return NULL;
}

bool tw_options_given(const tw_options *options, const char *name)
{
    size_t index;
    return find(options, name, &index) && options->values[index];
}

/* --- reading one value ----------------------------------------------------------------------------------------------- */

static bool parse_bool(const char *text, bool *value)
{
    static const char *const words[2][5] = {{"false", "no", "off", "0", NULL}, {"true", "yes", "on", "1", NULL}};
    for (int v = 0; v < 2; v++) {
        for (const char *const *word = words[v]; *word; word++) {
            if (g_ascii_strcasecmp(text, *word) == 0) {
                *value = v != 0;
                return true;
            }
        }
    }
    return false;
}

static bool parse_int(const char *text, int64_t *value)
{
    char *end;
    if (!g_ascii_isdigit(text[0]) && !(text[0] == '-' && g_ascii_isdigit(text[1])))
        return false;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0;
}

/* "inf" and "nan" begin with a letter, hexadecimal has an x: neither is a setting anybody means. */
static bool parse_real(const char *text, double *value)
{
    char *end;
    if (text[0] == '\0' || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    *value = g_ascii_strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

/* "640x480", or "640" for 640x640; "auto" or a lone 0 leave the choice to somebody else. */
static bool parse_geometry(const char *text, int64_t *w, int64_t *h)
{
    char first[24];
    size_t n = strcspn(text, "xX");

    if (strcmp(text, "auto") == 0) {
        *w = *h = 0;
        return true;
    }
    if (text[n] == '\0') {
        bool ok = parse_int(text, w) && *w >= 0;
        *h = *w;
        return ok;
    }
    if (n >= sizeof first)
        return false;
    memcpy(first, text, n);
    first[n] = '\0';
    return parse_int(first, w) && parse_int(text + n + 1, h) && *w > 0 && *h > 0;
}

static bool in_range(const tw_option *option, double value)
{
    return (option->min == 0 && option->max == 0) || (value >= option->min && value <= option->max);
}

/* --- choices: "auto|gpu:N|N|auto:EPS" -------------------------------------------------------------------------------- */

/* A word of capitals holds the place of a number: N a whole one, any other a real one. */
static bool is_placeholder(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isupper(word[i]))
            return false;
    return length > 0;
}

static bool number_fits(const tw_option *option, const char *word, size_t length, const char *text)
{
    if (length == 1 && word[0] == 'N') {
        int64_t n;
        return parse_int(text, &n) && n >= 0 && in_range(option, (double)n);
    }
    double x;
    return parse_real(text, &x) && x >= 0;
}

static bool choice_fits(const tw_option *option, const char *choice, size_t length, const char *text)
{
    const char *colon = memchr(choice, ':', length);
    size_t head = colon ? (size_t)(colon - choice) + 1 : 0;

    if (!is_placeholder(choice + head, length - head))
        return strlen(text) == length && strncmp(choice, text, length) == 0;
    return strncmp(choice, text, head) == 0 && number_fits(option, choice + head, length - head, text + head);
}

static bool choice_matches(const tw_option *option, const char *text)
{
    for (const char *choice = option->choices; choice;) {
        size_t length = strcspn(choice, "|");
        if (choice_fits(option, choice, length, text))
            return true;
        choice = choice[length] ? choice + length + 1 : NULL;
    }
    return option->choices == NULL;
}

static tw_status fail_choice(const tw_option *option, const char *value, tw_error *err)
{
    char words[512] = "", word[64], nearest[64];
    tw_nearest best = {0};

    for (const char *choice = option->choices; choice;) {
        size_t length = strcspn(choice, "|"), used = strlen(words);
        if (length == 1 && *choice == 'N' && option->max > 0)
            snprintf(words + used, sizeof words - used, "%s%.0f to %.0f", used ? ", " : "", option->min, option->max);
        else
            snprintf(words + used, sizeof words - used, "%s%.*s", used ? ", " : "", (int)length, choice);
        snprintf(word, sizeof word, "%.*s", (int)length, choice);
        tw_nearest_offer(&best, value, word);
        if (best.name == word) { /* `word` is used again for the next choice */
            memcpy(nearest, word, sizeof nearest);
            best.name = nearest;
        }
        choice = choice[length] ? choice + length + 1 : NULL;
    }
    if (best.name)
        return tw_fail(err, TW_ERROR_USAGE, "--%s: \"%s\" is not one of %s; did you mean \"%s\"?", option->name, value, words,
                       best.name);
    return tw_fail(err, TW_ERROR_USAGE, "--%s: \"%s\" is not one of %s", option->name, value, words);
}

/* --- setting --------------------------------------------------------------------------------------------------------- */

static tw_status fail_number(const tw_option *option, const char *value, tw_error *err)
{
    const char *kind = option->type == TW_OPTION_INT ? "a whole number" : "a number";
    const char *unit = option->unit ? option->unit : "";
    char low[G_ASCII_DTOSTR_BUF_SIZE], high[G_ASCII_DTOSTR_BUF_SIZE];

    if (option->min == 0 && option->max == 0)
        return tw_fail(err, TW_ERROR_USAGE, "--%s: \"%s\" is not %s", option->name, value, kind);
    const char *format = option->type == TW_OPTION_INT ? "%.0f" : "%.15g";
    g_ascii_formatd(low, sizeof low, format, option->min);
    g_ascii_formatd(high, sizeof high, format, option->max);
    return tw_fail(err, TW_ERROR_USAGE, "--%s: \"%s\" is not %s from %s to %s%s%s", option->name, value, kind, low, high,
                   *unit ? " " : "", unit);
}

static tw_status check(const tw_option *option, const char *value, tw_error *err)
{
    bool b;
    int64_t i, j;
    double x;

    switch (option->type) {
    case TW_OPTION_FLAG:
    case TW_OPTION_BOOL:
        if (parse_bool(value, &b))
            return TW_OK;
        return tw_fail(err, TW_ERROR_USAGE, "--%s: \"%s\" is neither true nor false", option->name, value);
    case TW_OPTION_INT:
        return parse_int(value, &i) && in_range(option, (double)i) ? TW_OK : fail_number(option, value, err);
    case TW_OPTION_REAL:
        return parse_real(value, &x) && in_range(option, x) ? TW_OK : fail_number(option, value, err);
    case TW_OPTION_SIZE:
        if (tw_parse_size(value, INT64_C(1) << 40, &i))
            return TW_OK;
        return tw_fail(err, TW_ERROR_USAGE, "--%s: \"%s\" is not a size such as 512M, 1.5G, 50%% or 4096", option->name, value);
    case TW_OPTION_GEOMETRY:
        if (parse_geometry(value, &i, &j))
            return TW_OK;
        return tw_fail(err, TW_ERROR_USAGE, "--%s: \"%s\" is not a size in pixels such as 640 or 640x480", option->name, value);
    case TW_OPTION_CHOICE:
        return choice_matches(option, value) ? TW_OK : fail_choice(option, value, err);
    case TW_OPTION_FILE:
        return *value ? TW_OK : tw_fail(err, TW_ERROR_USAGE, "--%s: the file name is empty", option->name);
    case TW_OPTION_TEXT:
        break;
    }
    return TW_OK;
}

static tw_status fail_unknown(const tw_options *options, const char *name, tw_error *err)
{
    tw_nearest best = {0};
    for (const tw_option **table = options->tables; *table; table++) {
        for (const tw_option *o = *table; o->name; o++) {
            tw_nearest_offer(&best, name, o->name);
            if (o->alias)
                tw_nearest_offer(&best, name, o->alias);
        }
    }
    if (best.name)
        return tw_fail(err, TW_ERROR_USAGE, "unknown option --%s; did you mean --%s?", name, best.name);
    return tw_fail(err, TW_ERROR_USAGE, "unknown option --%s", name);
}

tw_status tw_options_set(tw_options *options, const char *name, const char *value, tw_error *err)
{
    size_t index = 0;
    const tw_option *option = find(options, name, &index);

    if (!option)
        return fail_unknown(options, name, err);
    if (!value && option->type != TW_OPTION_FLAG)
        return tw_fail(err, TW_ERROR_USAGE, "--%s needs a value", option->name);
    if (!value)
        value = "true";
    TW_TRY(check(option, value, err));

    char *kept = strdup(value);
    if (!kept)
        return tw_fail_memory(err, "an option's value", (long long)strlen(value) + 1);
    free(options->values[index]);
    options->values[index] = kept;
    return TW_OK;
}

/* --- readers --------------------------------------------------------------------------------------------------------- */

const char *tw_options_text(const tw_options *options, const char *name)
{
    size_t index = 0;
    const tw_option *option = find(options, name, &index);

    assert(option && "an operator reads an option that no table has");
    return options->values[index] ? options->values[index] : option->fallback;
}

bool tw_options_bool(const tw_options *options, const char *name)
{
    const char *text = tw_options_text(options, name);
    bool value = false;
    return text && parse_bool(text, &value) && value;
}

int64_t tw_options_int(const tw_options *options, const char *name)
{
    const char *text = tw_options_text(options, name);
    int64_t value = 0;
    return text && parse_int(text, &value) ? value : 0;
}

double tw_options_real(const tw_options *options, const char *name)
{
    const char *text = tw_options_text(options, name);
    double value = 0;
    return text && parse_real(text, &value) ? value : 0;
}

int64_t tw_options_size(const tw_options *options, const char *name, int64_t whole)
{
    const char *text = tw_options_text(options, name);
    int64_t value = 0;
    return text && tw_parse_size(text, whole, &value) ? value : 0;
}

void tw_options_geometry(const tw_options *options, const char *name, int64_t *w, int64_t *h)
{
    const char *text = tw_options_text(options, name);
    if (!text || !parse_geometry(text, w, h))
        *w = *h = 0;
}
