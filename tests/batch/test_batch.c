/* SPDX-License-Identifier: MIT */
/** Parts of the batch: lines in bounded memory, requests by the options tables, figures in buckets. */
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "batch/line.h"
#include "batch/request.h"
#include "batch/stats.h"

/* --- lines --------------------------------------------------------------------------------------------------------- */

/* What the reader makes of `text`, which comes in pieces of `piece` bytes: "[line][line]", "!" for one that is too long. */
static char *lines_of(const char *text, size_t length, size_t piece, size_t limit)
{
    int ends[2];
    GString *said = g_string_new(NULL);
    g_assert_cmpint(pipe(ends), ==, 0);
    batch_lines *lines = batch_lines_new(ends[0], limit);
    for (size_t at = 0; at <= length;) {
        size_t n = MIN(piece, length - at);
        if (n > 0)
            g_assert_cmpint(write(ends[1], text + at, n), ==, (ssize_t)n);
        else
            close(ends[1]);
        at += n > 0 ? n : 1;
        g_assert_cmpint(batch_lines_fill(lines), ==, (ptrdiff_t)n);
        char *line;
        size_t held;
        for (batch_line kind; (kind = batch_lines_next(lines, &line, &held)) != BATCH_LINE_NONE;) {
            if (kind == BATCH_LINE_OK)
                g_string_append_printf(said, "[%.*s]", (int)held, line);
            else
                g_string_append_c(said, '!');
            g_assert_cmpint(line[held], ==, 0);
        }
    }
    g_string_append_printf(said, "%d", (int)batch_lines_number(lines));
    batch_lines_free(lines);
    close(ends[0]);
    return g_string_free(said, FALSE);
}

static void test_lines(void)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "0"},
        {"\n", "[]1"},
        {"a", "[a]1"},
        {"a\n", "[a]1"},
        {"a\r\nb", "[a][b]2"},
        {"12345678\n", "[12345678]1"},
        {"12345678\r\n", "[12345678]1"},
        {"123456789\n1\n", "![1]2"},
        {"123456789\r\n1\n", "![1]2"},
        {"1234567890123456789012345\nx", "![x]2"},
        {"1234567890123456789012345", "!1"},
        {"\n\n1234567890123456789012345\n\n12345678901\n1\n", "[][]![]![1]6"},
        {"\r\r\n\r", "[\r][]2"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (size_t piece = 1; piece < 40; piece++) {
            char *said = lines_of(cases[i].text, strlen(cases[i].text), piece, 8);
            g_assert_cmpstr(said, ==, cases[i].said);
            g_free(said);
        }
    }
}

/* Longer than the first buffer, and zeros inside. */
static void test_long_lines(void)
{
    size_t length = 300000;
    char *text = g_malloc(length);
    int ends[2];
    memset(text, 'x', length);
    text[7] = 0;
    text[199999] = '\n';
    g_assert_cmpint(pipe(ends), ==, 0);
    batch_lines *lines = batch_lines_new(ends[0], 250000);
    char *line = NULL;
    size_t held = 0, seen = 0;
    for (size_t at = 0; at < length; at += 1000) {
        g_assert_cmpint(write(ends[1], text + at, 1000), ==, 1000);
        for (ptrdiff_t got = 0; got < 1000;) {
            got += batch_lines_fill(lines);
            while (batch_lines_next(lines, &line, &held) == BATCH_LINE_OK) {
                g_assert_cmpmem(line, held, text, 199999);
                seen++;
            }
        }
    }
    g_assert_cmpint(seen, ==, 1);
    close(ends[1]);
    g_assert_cmpint(batch_lines_fill(lines), ==, 0);
    g_assert_cmpint(batch_lines_next(lines, &line, &held), ==, BATCH_LINE_OK);
    g_assert_cmpmem(line, held, text + 200000, 100000);
    batch_lines_free(lines);
    close(ends[0]);
    g_free(text);
}

/* --- requests ------------------------------------------------------------------------------------------------------ */

/* An option of each type, each in every kind of JSON value: taken, or refused by a message that names the key. */
static void test_types(void)
{
    static const char *const values[] = {"true", "3",  "2.5",  "\"48\"",   "\"true\"", "[32,48]",
                                         "[1]",  "{}", "null", "\"auto\"", "-1"};
    static const struct {
        const char *key, *taken; /* 1: the value of that place is */
    } keys[] = {
        {"tta", "10000000100"},    {"enable_tiling", "10000000100"}, {"noise", "01000000101"},   {"scale", "01100000100"},
        {"memory", "01010000100"}, {"tile", "01010100110"},          {"quality", "01010000100"}, {"schedule", "00000000110"},
        {"pad", "00000000100"},    {"tile_size", "01010100110"},
    };
    tw_session *session = NULL;
    g_assert_cmpint(tw_session_new(&session, NULL), ==, TW_OK);
    for (size_t k = 0; k < G_N_ELEMENTS(keys); k++) {
        for (size_t v = 0; v < G_N_ELEMENTS(values); v++) {
            char *line =
                g_strdup_printf("{\"cmd\":\"run\",\"id\":\"1\",\"op\":\"upscale\",\"input\":\"a\",\"output\":\"b\",\"%s\":%s}",
                                keys[k].key, values[v]);
            batch_request request;
            batch_work *work = NULL;
            tw_error err = TW_ERROR_NONE;
            g_assert_cmpint(batch_request_read(line, strlen(line), &request, &err), ==, TW_OK);
            tw_status status = batch_work_new(&request, session, &(batch_default){NULL, NULL}, &work, &err);
            if ((status == TW_OK) != (keys[k].taken[v] == '1'))
                g_error("%s: status %d, %s", line, status, err.message);
            g_assert_true(status == TW_OK || (status == TW_ERROR_USAGE && !work && !strchr(err.message, '\n')));
            batch_work_free(work);
            batch_request_clear(&request);
            g_free(line);
        }
    }
    tw_session_free(session);
}

/* Fields of a form are texts whatever the option's type; elsewhere a text is no number. */
static void test_texts(void)
{
    static const struct {
        const char *option;
        bool typed, text; /* taken in a line; as a field */
    } all[] = {{"\"scale\":\"2\"", false, true},    {"\"scale\":\"x\"", false, false}, {"\"tta\":\"true\"", false, true},
               {"\"tta\":\"maybe\"", false, false}, {"\"noise\":\"3\"", false, true},  {"\"memory\":\"1G\"", true, true}};
    tw_session *session = NULL;
    g_assert_cmpint(tw_session_new(&session, NULL), ==, TW_OK);
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(all); i++) {
        bool texts = i % 2;
        char *line = g_strdup_printf("{\"cmd\":\"run\",\"id\":\"1\",\"op\":\"upscale\",\"input\":\"a\",%s}", all[i / 2].option);
        batch_request request;
        batch_work *work = NULL;
        g_assert_cmpint(batch_request_read(line, strlen(line), &request, NULL), ==, TW_OK);
        request.texts = texts;
        tw_status status = batch_work_new(&request, session, &(batch_default){NULL, NULL}, &work, NULL);
        g_assert_cmpint(status, ==, (texts ? all[i / 2].text : all[i / 2].typed) ? TW_OK : TW_ERROR_USAGE);
        batch_work_free(work);
        batch_request_clear(&request);
        g_free(line);
    }
    tw_session_free(session);
}

/* Every option of every operator is a key. */
static void test_tables(void)
{
    const tw_op_info *op;
    tw_session *session = NULL;
    g_assert_cmpint(tw_session_new(&session, NULL), ==, TW_OK);
    for (size_t i = 0; (op = tw_op_at(i)); i++) {
        tw_option_info info;
        for (size_t k = 0; tw_op_option_at(op->name, k, &info); k++) {
            char *key = g_strdelimit(g_strdup(info.name), "-", '_');
            char *line =
                g_strdup_printf("{\"cmd\":\"run\",\"id\":\"1\",\"op\":\"%s\",\"input\":[\"a\"],\"%s\":null}", op->name, key);
            batch_request request;
            batch_work *work = NULL;
            tw_error err = TW_ERROR_NONE;
            g_assert_cmpint(batch_request_read(line, strlen(line), &request, &err), ==, TW_OK);
            if (batch_work_new(&request, session, &(batch_default){NULL, NULL}, &work, &err) != TW_OK)
                g_error("%s: %s", line, err.message);
            batch_work_free(work);
            batch_request_clear(&request);
            g_free(line);
            g_free(key);
        }
    }
    tw_session_free(session);
}

/* --- figures ------------------------------------------------------------------------------------------------------- */

static void test_times(void)
{
    static batch_times times;
    g_assert_cmpfloat(batch_times_quantile(&times, 0.95), ==, 0);
    g_assert_cmpfloat(batch_times_mean(&times), ==, 0);
    for (int i = 1; i <= 1000; i++)
        batch_times_add(&times, i * 0.01);
    g_assert_cmpfloat_with_epsilon(batch_times_mean(&times), 5.005, 1e-9);
    g_assert_cmpfloat_with_epsilon(batch_times_quantile(&times, 0.95), 9.5, 0.1);
    g_assert_cmpfloat_with_epsilon(batch_times_quantile(&times, 0.5), 5, 0.05);
    batch_times_add(&times, 0);
    batch_times_add(&times, 1e12);
    g_assert_cmpint(times.count, ==, 1002);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/batch/lines", test_lines);
    g_test_add_func("/batch/long-lines", test_long_lines);
    g_test_add_func("/batch/types", test_types);
    g_test_add_func("/batch/texts", test_texts);
    g_test_add_func("/batch/tables", test_tables);
    g_test_add_func("/batch/times", test_times);
    return g_test_run();
}
