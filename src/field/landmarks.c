/* SPDX-License-Identifier: MIT */
/* Pairs of points as CSV: a header line names the columns, in any order; other columns are passed over. */
#include <string.h>

#include <glib.h>

#include "base/newfile.h"
#include "field/files.h"
#include "field/text.h"

static const char *const NAMES[4] = {"fixed_x", "fixed_y", "moving_x", "moving_y"};

#define COLUMNS_MAX 64

/* The next cell; the last one has no comma behind it. */
static bool next_cell(tw_words *line, tw_words *cell, bool *more)
{
    if (!*more)
        return false;
    *more = tw_words_split(line, ',', cell);
    if (!*more)
        *cell = *line;
    if (cell->end - cell->at >= 2 && *cell->at == '"' && cell->end[-1] == '"') {
        cell->at++;
        cell->end--;
    }
    return true;
}

/* columns[i]: which of the four numbers column i holds, or -1. */
static tw_status read_header(const tw_text *text, tw_words line, int columns[COLUMNS_MAX], tw_error *err)
{
    tw_words cell;
    bool more = true, seen[4] = {false};
    for (int i = 0; i < COLUMNS_MAX; i++)
        columns[i] = -1;
    for (int i = 0; i < COLUMNS_MAX && next_cell(&line, &cell, &more); i++)
        for (int k = 0; k < 4; k++)
            if (tw_words_are(&cell, NAMES[k])) {
                if (seen[k])
                    return tw_text_fail(text, line.line, err, "column %s again", NAMES[k]);
                seen[k] = true;
                columns[i] = k;
            }
    for (int k = 0; k < 4; k++)
        if (!seen[k])
            return tw_text_fail(text, line.line, err, "no column %s", NAMES[k]);
    return TW_OK;
}

static tw_status read_pair(const tw_text *text, tw_words line, const int columns[COLUMNS_MAX], double pair[4], tw_error *err)
{
    tw_words cell;
    bool more = true;
    int found = 0;
    for (int i = 0; i < COLUMNS_MAX && next_cell(&line, &cell, &more); i++)
        if (columns[i] >= 0) {
            TW_TRY(tw_word_number(text, &cell, NAMES[columns[i]], &pair[columns[i]], err));
            found++;
        }
    return found == 4 ? TW_OK : tw_text_fail(text, line.line, err, "%d of the 4 numbers", found);
}

static tw_status read_pairs(tw_text *text, GArray *points, tw_error *err)
{
    int columns[COLUMNS_MAX];
    bool header = false;
    tw_words line;
    while (tw_text_line(text, &line)) {
        if (!header && tw_words_start(&line, "\xef\xbb\xbf"))
            line.at += 3;
        if (line.at == line.end || *line.at == '#')
            continue;
        if (!header) {
            TW_TRY(read_header(text, line, columns, err));
            header = true;
            continue;
        }
        double pair[4];
        TW_TRY(read_pair(text, line, columns, pair, err));
        g_array_append_vals(points, pair, 4);
    }
    return header ? TW_OK : tw_text_fail(text, 0, err, "no line that names the columns");
}

tw_status tw_landmarks_read(const char *path, tw_landmarks *out, tw_error *err)
{
    tw_text text;
    *out = (tw_landmarks){0};
    TW_TRY(tw_text_load(path, TW_TEXT_MAX, false, &text, err));
    GArray *points = g_array_new(false, false, sizeof(double));
    tw_status status = read_pairs(&text, points, err);
    tw_text_free(&text);
    out->count = status == TW_OK ? (int64_t)points->len / 4 : 0;
    out->points = (double *)(void *)g_array_free(points, status != TW_OK);
    return status;
}

tw_status tw_landmarks_write(const tw_landmarks *landmarks, const char *path, tw_error *err)
{
    tw_newfile *file;
    TW_TRY(tw_newfile_open(path, &file, err));
    tw_newfile_print(file, "%s,%s,%s,%s\n", NAMES[0], NAMES[1], NAMES[2], NAMES[3]);
    for (int64_t i = 0; i < 4 * landmarks->count; i++) {
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        g_ascii_formatd(text, sizeof text, "%.17g", landmarks->points[i]);
        tw_newfile_print(file, "%s%c", text, i % 4 == 3 ? '\n' : ',');
    }
    tw_status status = tw_newfile_commit(file, err);
    tw_newfile_close(file);
    return status;
}
