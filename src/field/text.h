/* SPDX-License-Identifier: MIT */
/** Text as all field files have it: lines, keys, words and numbers. Numbers do not follow the locale and must be finite. */
#ifndef TW_FIELD_TEXT_H
#define TW_FIELD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TW_TEXT_MAX (64 << 20)

/** A text in memory. `data` ends with a 0 byte behind `end`. */
typedef struct tw_text {
    const char *label; /* for messages; borrowed */
    char *data;
    const char *at, *end;
    int64_t line; /* of what tw_text_line gave last; from 1 */
} tw_text;

/** What is left of a line. */
typedef struct tw_words {
    const char *at, *end;
    int64_t line;
} tw_words;

/** The first `limit` bytes of a regular file at most; TW_ERROR_INPUT for what cannot be read, and for longer files
 *  unless `part`. */
tw_status tw_text_load(const char *path, int64_t limit, bool part, tw_text *out, tw_error *err);
void tw_text_free(tw_text *text);
/** The next line without the blanks at its ends; false at the end of the text. */
bool tw_text_line(tw_text *text, tw_words *line);
/** TW_ERROR_INPUT with file and line in front. */
tw_status tw_text_fail(const tw_text *text, int64_t line, tw_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

bool tw_words_start(const tw_words *words, const char *prefix);
/** Takes the next word off the front: between blanks, or between quotation marks, without them. */
bool tw_words_next(tw_words *words, tw_words *word);
/** What stands before the mark, as words of their own; `words` becomes what follows it. False, and nothing done,
 *  without one. */
bool tw_words_split(tw_words *words, char mark, tw_words *before);
int64_t tw_words_count(tw_words words);
bool tw_words_are(const tw_words *words, const char *text);
/** Up to 60 printable characters of it, for messages and for names. */
const char *tw_words_show(const tw_words *words, char buffer[64]);
/** g_strndup of it. */
char *tw_words_copy(const tw_words *words);

/** One word as a finite number. */
tw_status tw_word_number(const tw_text *text, const tw_words *word, const char *what, double *out, tw_error *err);
/** Exactly n numbers. */
tw_status tw_words_numbers(const tw_text *text, tw_words words, const char *what, int64_t n, double *out, tw_error *err);
/** Exactly n whole numbers within +-2^53. */
tw_status tw_words_whole(const tw_text *text, tw_words words, const char *what, int n, int64_t *out, tw_error *err);

/** Keys and what stands behind them. At most TW_KEYS_MAX, each of them once. */
#define TW_KEYS_MAX 256
typedef struct tw_keys {
    int n;
    struct {
        tw_words key, value;
    } entries[TW_KEYS_MAX];
} tw_keys;

tw_status tw_keys_add(tw_keys *keys, const tw_text *text, const tw_words *key, const tw_words *value, tw_error *err);
bool tw_keys_find(const tw_keys *keys, const char *key, tw_words *value);
/** TW_ERROR_INPUT without it. */
tw_status tw_keys_need(const tw_keys *keys, const tw_text *text, const char *key, tw_words *value, tw_error *err);
/** As tw_words_numbers; *out is left alone, and TW_OK returned, where an optional key is missing. */
tw_status tw_keys_numbers(const tw_keys *keys, const tw_text *text, const char *key, bool optional, int64_t n, double *out,
                          tw_error *err);
tw_status tw_keys_whole(const tw_keys *keys, const tw_text *text, const char *key, bool optional, int n, int64_t *out,
                        tw_error *err);

#endif
