/* SPDX-License-Identifier: MIT */
#include "field/text.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

static tw_status load(int fd, const char *path, int64_t limit, bool part, tw_text *out, tw_error *err)
{
    struct stat status;
    if (fstat(fd, &status))
        return tw_fail(err, TW_ERROR_INPUT, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return tw_fail(err, TW_ERROR_INPUT, "%s: is not a file", path);
    if (status.st_size > limit && !part)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %lld bytes; texts may have %lld", path, (long long)status.st_size,
                       (long long)limit);
    size_t size = (size_t)(status.st_size < limit ? status.st_size : limit), got = 0;
    out->data = malloc(size + 1);
    if (!out->data)
        return tw_fail_memory(err, path, (long long)size + 1);
    while (got < size) {
        ssize_t n = read(fd, out->data + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return tw_fail(err, TW_ERROR_INPUT, "%s: byte %lld: %s", path, (long long)got, strerror(errno));
        if (n == 0)
            break;
        got += (size_t)n;
    }
    out->data[got] = 0;
    out->at = out->data;
    out->end = out->data + got;
    return TW_OK;
}

tw_status tw_text_load(const char *path, int64_t limit, bool part, tw_text *out, tw_error *err)
{
    *out = (tw_text){.label = path};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %s", path, strerror(errno));
    tw_status status = load(fd, path, limit, part, out, err);
    close(fd);
    if (status != TW_OK)
        tw_text_free(out);
    return status;
}

void tw_text_free(tw_text *text)
{
    free(text->data);
    text->data = NULL;
}

tw_status tw_text_fail(const tw_text *text, int64_t line, tw_error *err, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (line <= 0)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %s", text->label, message);
    return tw_fail(err, TW_ERROR_INPUT, "%s: line %lld: %s", text->label, (long long)line, message);
}

/* ---- words ---- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void trim(tw_words *words)
{
    while (words->at < words->end && blank(*words->at))
        words->at++;
    while (words->end > words->at && blank(words->end[-1]))
        words->end--;
}

bool tw_text_line(tw_text *text, tw_words *line)
{
    if (text->at >= text->end)
        return false;
    const char *end = memchr(text->at, '\n', (size_t)(text->end - text->at));
    *line = (tw_words){text->at, end ? end : text->end, ++text->line};
    text->at = end ? end + 1 : text->end;
    trim(line);
    return true;
}

bool tw_words_start(const tw_words *words, const char *prefix)
{
    size_t n = strlen(prefix);
    return (size_t)(words->end - words->at) >= n && memcmp(words->at, prefix, n) == 0;
}

bool tw_words_next(tw_words *words, tw_words *word)
{
    const char *at = words->at;
    while (at < words->end && blank(*at))
        at++;
    bool quoted = at < words->end && *at == '"';
    *word = (tw_words){at + quoted, at + quoted, words->line};
    while (word->end < words->end && (quoted ? *word->end != '"' : !blank(*word->end)))
        word->end++;
    words->at = word->end + (quoted && word->end < words->end);
    return quoted || word->end > word->at;
}

bool tw_words_split(tw_words *words, char mark, tw_words *before)
{
    const char *at = memchr(words->at, mark, (size_t)(words->end - words->at));
    if (!at)
        return false;
    *before = (tw_words){words->at, at, words->line};
    words->at = at + 1;
    trim(before);
    trim(words);
    return true;
}

int64_t tw_words_count(tw_words words)
{
    tw_words word;
    int64_t n = 0;
    while (tw_words_next(&words, &word))
        n++;
    return n;
}

bool tw_words_are(const tw_words *words, const char *text)
{
    return (size_t)(words->end - words->at) == strlen(text) && tw_words_start(words, text);
}

const char *tw_words_show(const tw_words *words, char buffer[64])
{
    int n = 0;
    for (const char *c = words->at; c < words->end && n < 60; c++)
        buffer[n++] = g_ascii_isprint(*c) ? *c : '?';
    buffer[n] = 0;
    return buffer;
}

char *tw_words_copy(const tw_words *words)
{
    return g_strndup(words->at, (size_t)(words->end - words->at));
}

/* ---- numbers ---- */

tw_status tw_word_number(const tw_text *text, const tw_words *word, const char *what, double *out, tw_error *err)
{
    char *end = NULL, shown[64];
    /* A word ends with a blank, a mark or the text's last 0 byte: the conversion stops there by itself. */
    *out = word->end > word->at ? g_ascii_strtod(word->at, &end) : NAN;
    if (end != word->end || !isfinite(*out))
        return tw_text_fail(text, word->line, err, "%s: '%s' is not a finite number", what, tw_words_show(word, shown));
    return TW_OK;
}

tw_status tw_words_numbers(const tw_text *text, tw_words words, const char *what, int64_t n, double *out, tw_error *err)
{
    tw_words word;
    for (int64_t i = 0; i < n; i++) {
        if (!tw_words_next(&words, &word))
            return tw_text_fail(text, words.line, err, "%s: %lld numbers where %lld are needed", what, (long long)i,
                                (long long)n);
        TW_TRY(tw_word_number(text, &word, what, &out[i], err));
    }
    if (tw_words_next(&words, &word))
        return tw_text_fail(text, words.line, err, "%s: %lld numbers where %lld are needed", what,
                            (long long)(n + 1 + tw_words_count(words)), (long long)n);
    return TW_OK;
}

tw_status tw_words_whole(const tw_text *text, tw_words words, const char *what, int n, int64_t *out, tw_error *err)
{
    double numbers[8];
    g_assert(n <= 8);
    TW_TRY(tw_words_numbers(text, words, what, n, numbers, err));
    for (int i = 0; i < n; i++) {
        if (!(fabs(numbers[i]) <= 9007199254740992.0) || floor(numbers[i]) != numbers[i])
            return tw_text_fail(text, words.line, err, "%s: %.17g is not a whole number", what, numbers[i]);
        out[i] = (int64_t)numbers[i];
    }
    return TW_OK;
}

/* ---- keys ---- */

tw_status tw_keys_add(tw_keys *keys, const tw_text *text, const tw_words *key, const tw_words *value, tw_error *err)
{
    char shown[64];
    if (keys->n == TW_KEYS_MAX)
        return tw_text_fail(text, key->line, err, "more than %d keys", TW_KEYS_MAX);
    size_t length = (size_t)(key->end - key->at);
    for (int i = 0; i < keys->n; i++) {
        const tw_words *other = &keys->entries[i].key;
        if ((size_t)(other->end - other->at) == length && memcmp(other->at, key->at, length) == 0)
            return tw_text_fail(text, key->line, err, "%s again, after line %lld", tw_words_show(key, shown),
                                (long long)other->line);
    }
    keys->entries[keys->n].key = *key;
    keys->entries[keys->n++].value = *value;
    return TW_OK;
}

bool tw_keys_find(const tw_keys *keys, const char *key, tw_words *value)
{
    for (int i = 0; i < keys->n; i++)
        if (tw_words_are(&keys->entries[i].key, key)) {
            *value = keys->entries[i].value;
            return true;
        }
    return false;
}

tw_status tw_keys_need(const tw_keys *keys, const tw_text *text, const char *key, tw_words *value, tw_error *err)
{
    return tw_keys_find(keys, key, value) ? TW_OK : tw_text_fail(text, 0, err, "%s is missing", key);
}

tw_status tw_keys_numbers(const tw_keys *keys, const tw_text *text, const char *key, bool optional, int64_t n, double *out,
                          tw_error *err)
{
    tw_words value;
    if (optional && !tw_keys_find(keys, key, &value))
        return TW_OK;
    TW_TRY(tw_keys_need(keys, text, key, &value, err));
    return tw_words_numbers(text, value, key, n, out, err);
}

tw_status tw_keys_whole(const tw_keys *keys, const tw_text *text, const char *key, bool optional, int n, int64_t *out,
                        tw_error *err)
{
    tw_words value;
    if (optional && !tw_keys_find(keys, key, &value))
        return TW_OK;
    TW_TRY(tw_keys_need(keys, text, key, &value, err));
    return tw_words_whole(text, value, key, n, out, err);
}
