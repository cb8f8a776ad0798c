/* SPDX-License-Identifier: MIT */
/** One options table per operator drives CLI parsing, --help, man page, completion, JSON keys and docs. */
#ifndef TW_BASE_OPTIONS_H
#define TW_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum tw_option_type {
    TW_OPTION_FLAG,     /* --name; value "true" or "false" */
    TW_OPTION_BOOL,     /* --name true|false */
    TW_OPTION_INT,      /* min..max */
    TW_OPTION_REAL,     /* min..max */
    TW_OPTION_SIZE,     /* bytes: 512M, 2G, 50% (of what this process may use), plain number = bytes */
    TW_OPTION_GEOMETRY, /* WxH in pixels */
    TW_OPTION_CHOICE,   /* one of `choices` */
    TW_OPTION_TEXT,
    TW_OPTION_FILE,
} tw_option_type;

typedef struct tw_option {
    const char *name;  /* long name without dashes: "memory"; also the JSON key with - as _ */
    char letter;       /* short alias, 0: none */
    const char *alias; /* another long name kept for compatibility, NULL: none */
    tw_option_type type;
    double min, max;      /* for INT and REAL */
    const char *fallback; /* default as text, NULL: none */
    const char *unit;     /* "px", "bytes", NULL */
    const char *choices;  /* "auto|cpu|gpu", NULL: free; a choice ending in ":N" or spelled N accepts a number there */
    const char *help;     /* one sentence, lower case, no full stop */
    const char *since;    /* "0.1" */
} tw_option;              /* a table ends with a NULL name */

/** Values set so far, over one or more tables (common + operator). Owned; not thread-safe. */
typedef struct tw_options tw_options;

/** `tables` is a NULL-terminated array of tables that must outlive the object. Defaults are in force at once. */
tw_options *tw_options_new(const tw_option *const *tables);
tw_options *tw_options_copy(const tw_options *options);
void tw_options_free(tw_options *options);

/** Checks type and range; TW_ERROR_USAGE names option, value and what is allowed (and the nearest name for a typo). */
tw_status tw_options_set(tw_options *options, const char *name, const char *value, tw_error *err);
const tw_option *tw_options_find(const tw_options *options, const char *name);
const tw_option *tw_options_letter(const tw_options *options, char letter);
/** True when set by the user rather than by default. */
bool tw_options_given(const tw_options *options, const char *name);

/* Readers: the name must be in a table (asserted). Text of an unset option without default is NULL; numbers are 0. */
const char *tw_options_text(const tw_options *options, const char *name);
bool tw_options_bool(const tw_options *options, const char *name);
int64_t tw_options_int(const tw_options *options, const char *name);
double tw_options_real(const tw_options *options, const char *name);
/** Percentages are of `whole`. */
int64_t tw_options_size(const tw_options *options, const char *name, int64_t whole);
void tw_options_geometry(const tw_options *options, const char *name, int64_t *w, int64_t *h);

/** Sizes as people write them: "512M", "2G", "1.5G", "50%", "4096". K, M, G, T are powers of 1024; an optional B or iB follows. */
bool tw_parse_size(const char *text, int64_t whole, int64_t *bytes);
/** "431.2 MB"-like, locale-independent, into a buffer of at least 24 chars; powers of 1024 with MiB-style units. */
const char *tw_format_size(int64_t bytes, char *buffer, size_t n);

#endif
