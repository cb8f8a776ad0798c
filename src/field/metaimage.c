/* SPDX-License-Identifier: MIT */
/* MetaImage (.mhd, .mha) and NRRD (.nrrd, .nhdr): a text of keys and values, then the numbers, there or in a file of
 * their own. */
#include <string.h>

#include <glib.h>

#include "field/raster.h"
#include "field/read.h"

/* A data file is named from the folder of its header. */
static char *beside(const char *header, const tw_words *name)
{
    char *word = tw_words_copy(name), *folder = g_path_get_dirname(header);
    char *path = g_path_is_absolute(word) ? g_strdup(word) : g_build_filename(folder, word, NULL);
    g_free(word);
    g_free(folder);
    return path;
}

static tw_status add(const tw_raster *raster, const tw_text *text, const tw_words *file, tw_field *field, tw_error *err)
{
    char *path = file ? beside(text->label, file) : g_strdup(text->label);
    tw_status status = tw_raster_add(raster, path, text->label, field, err);
    g_free(path);
    return status;
}

static tw_status unfit(const tw_text *text, const tw_words *value, const char *what, const char *wanted, tw_error *err)
{
    char shown[64];
    return tw_text_fail(text, value->line, err, "%s is '%s'; %s", what, tw_words_show(value, shown), wanted);
}

static bool is_yes(const tw_words *w)
{
    return tw_words_are(w, "True") || tw_words_are(w, "true") || tw_words_are(w, "1");
}

/* ---- MetaImage ---- */

static tw_status meta_keys(tw_text *text, tw_keys *keys, tw_error *err)
{
    tw_words line, key;
    while (tw_text_line(text, &line)) {
        if (line.at == line.end)
            continue;
        if (!tw_words_split(&line, '=', &key))
            return tw_text_fail(text, line.line, err, "no '='");
        TW_TRY(tw_keys_add(keys, text, &key, &line, err));
        if (tw_words_are(&key, "ElementDataFile")) /* the last one: numbers may follow */
            return TW_OK;
    }
    return tw_text_fail(text, 0, err, "no ElementDataFile");
}

static tw_status meta_form(const tw_keys *keys, const tw_text *text, tw_raster *raster, tw_error *err)
{
    tw_words value;
    int64_t n;
    TW_TRY(tw_keys_whole(keys, text, "NDims", false, 1, &n, err));
    if (n != 2)
        return tw_text_fail(text, 0, err, "NDims is %lld; displacements of pictures have 2", (long long)n);
    n = 1;
    TW_TRY(tw_keys_whole(keys, text, "ElementNumberOfChannels", true, 1, &n, err));
    if (n != 2)
        return tw_text_fail(text, 0, err, "ElementNumberOfChannels is %lld; displacements of pictures have 2", (long long)n);
    TW_TRY(tw_keys_need(keys, text, "ElementType", &value, err));
    raster->wide = tw_words_are(&value, "MET_DOUBLE");
    if (!raster->wide && !tw_words_are(&value, "MET_FLOAT"))
        return unfit(text, &value, "ElementType", "MET_FLOAT and MET_DOUBLE are read", err);
    if (tw_keys_find(keys, "CompressedData", &value) && is_yes(&value))
        return unfit(text, &value, "CompressedData", "fields are read uncompressed", err);
    if (tw_keys_find(keys, "BinaryData", &value) && !is_yes(&value))
        return unfit(text, &value, "BinaryData", "numbers are read as bytes, not as text", err);
    raster->big = (tw_keys_find(keys, "BinaryDataByteOrderMSB", &value) || tw_keys_find(keys, "ElementByteOrderMSB", &value)) &&
                  is_yes(&value);
    return tw_keys_whole(keys, text, "DimSize", false, 2, raster->size, err);
}

static tw_status meta_space(const tw_keys *keys, const tw_text *text, tw_raster *raster, tw_error *err)
{
    static const char *const ORIGINS[] = {"Offset", "Origin", "Position"}, *const TURNS[] = {"TransformMatrix", "Rotation",
                                                                                             "Orientation"};
    double turn[4] = {1, 0, 0, 1};
    raster->spacing[0] = raster->spacing[1] = 1;
    TW_TRY(tw_keys_numbers(keys, text, "ElementSize", true, 2, raster->spacing, err));
    TW_TRY(tw_keys_numbers(keys, text, "ElementSpacing", true, 2, raster->spacing, err));
    for (int i = 0; i < 3; i++) {
        TW_TRY(tw_keys_numbers(keys, text, ORIGINS[i], true, 2, raster->origin, err));
        TW_TRY(tw_keys_numbers(keys, text, TURNS[i], true, 4, turn, err));
    }
    return tw_direction_plain(text, turn, "TransformMatrix", err);
}

tw_status tw_meta_read(tw_text *text, tw_field *field, tw_error *err)
{
    tw_keys *keys = g_new0(tw_keys, 1);
    tw_raster raster = {.start = 0};
    tw_words file;
    int64_t skip = 0;
    tw_status status = meta_keys(text, keys, err);
    if (status == TW_OK)
        status = meta_form(keys, text, &raster, err);
    if (status == TW_OK)
        status = meta_space(keys, text, &raster, err);
    if (status == TW_OK)
        status = tw_keys_whole(keys, text, "HeaderSize", true, 1, &skip, err);
    if (status == TW_OK && tw_keys_find(keys, "ElementDataFile", &file)) {
        bool here = tw_words_are(&file, "LOCAL");
        raster.start = here ? text->at - text->data : skip;
        if (skip < 0)
            status = tw_text_fail(text, 0, err, "HeaderSize is %lld; 0 and more is read", (long long)skip);
        else
            status = add(&raster, text, here ? NULL : &file, field, err);
    }
    g_free(keys);
    return status;
}

/* ---- NRRD ---- */

static tw_status nrrd_keys(tw_text *text, tw_keys *keys, tw_error *err)
{
    tw_words line, key;
    tw_text_line(text, &line);
    while (tw_text_line(text, &line) && line.at < line.end) {
        if (*line.at == '#')
            continue;
        if (!tw_words_split(&line, ':', &key))
            return tw_text_fail(text, line.line, err, "no ':'");
        if (line.at < line.end && *line.at == '=') /* a note, not a field */
            continue;
        TW_TRY(tw_keys_add(keys, text, &key, &line, err));
    }
    return TW_OK;
}

/* Which axis holds the components: the first or the last of three. */
static tw_status nrrd_form(const tw_keys *keys, const tw_text *text, tw_raster *raster, bool *planes, tw_error *err)
{
    tw_words value;
    int64_t n, size[3];
    TW_TRY(tw_keys_whole(keys, text, "dimension", false, 1, &n, err));
    if (n != 3)
        return tw_text_fail(text, 0, err, "dimension is %lld; displacements of pictures have 3, 2 components one of them",
                            (long long)n);
    TW_TRY(tw_keys_whole(keys, text, "sizes", false, 3, size, err));
    TW_TRY(tw_keys_need(keys, text, "type", &value, err));
    raster->wide = tw_words_are(&value, "double");
    if (!raster->wide && !tw_words_are(&value, "float"))
        return unfit(text, &value, "type", "float and double are read", err);
    TW_TRY(tw_keys_need(keys, text, "encoding", &value, err));
    if (!tw_words_are(&value, "raw"))
        return unfit(text, &value, "encoding", "raw is read", err);
    raster->big = tw_keys_find(keys, "endian", &value) && tw_words_are(&value, "big");
    *planes = size[0] != 2;
    if (tw_keys_find(keys, "kinds", &value) && size[0] == 2 && size[2] == 2)
        *planes = tw_words_start(&value, "domain") || tw_words_start(&value, "space");
    if (*planes && size[2] != 2)
        return tw_text_fail(text, 0, err, "sizes %lld %lld %lld: neither the first nor the last is 2", (long long)size[0],
                            (long long)size[1], (long long)size[2]);
    memcpy(raster->size, size + !*planes, sizeof raster->size);
    return TW_OK;
}

/* "(1,0)" and the like as two words more of numbers; `none` has none. */
static tw_status nrrd_vectors(const tw_text *text, tw_words value, const char *what, int n, double *out, tw_error *err)
{
    char *word = tw_words_copy(&value);
    for (char *c = word; (c = strpbrk(c, "(,)"));)
        *c = ' ';
    for (char *none; (none = strstr(word, "none"));)
        memset(none, ' ', 4);
    tw_words plain = {word, word + strlen(word), value.line};
    tw_status status = tw_words_numbers(text, plain, what, n, out, err);
    g_free(word);
    return status;
}

static tw_status nrrd_space(const tw_keys *keys, const tw_text *text, tw_raster *raster, bool planes, tw_error *err)
{
    tw_words value, word;
    double steps[4] = {1, 0, 0, 1};
    if (tw_keys_find(keys, "spacings", &value))
        for (int i = 0; i < 3 && tw_words_next(&value, &word); i++) {
            int axis = planes ? i : i - 1;
            if (axis == 0 || axis == 1)
                TW_TRY(tw_word_number(text, &word, "spacings", &steps[3 * axis], err));
        }
    if (tw_keys_find(keys, "space directions", &value))
        TW_TRY(nrrd_vectors(text, value, "space directions", 4, steps, err));
    if (tw_keys_find(keys, "space origin", &value))
        TW_TRY(nrrd_vectors(text, value, "space origin", 2, raster->origin, err));
    raster->spacing[0] = steps[0];
    raster->spacing[1] = steps[3];
    return tw_direction_plain(text, (double[4]){1, steps[1], steps[2], 1}, "space directions", err);
}

tw_status tw_nrrd_read(tw_text *text, tw_field *field, tw_error *err)
{
    tw_keys *keys = g_new0(tw_keys, 1);
    tw_raster raster = {.start = 0};
    tw_words file;
    bool planes = false;
    int64_t skip = 0, lines = 0;
    tw_status status = nrrd_keys(text, keys, err);
    if (status == TW_OK)
        status = nrrd_form(keys, text, &raster, &planes, err);
    if (status == TW_OK)
        status = nrrd_space(keys, text, &raster, planes, err);
    if (status == TW_OK)
        status = tw_keys_whole(keys, text, "byte skip", true, 1, &skip, err);
    if (status == TW_OK)
        status = tw_keys_whole(keys, text, "line skip", true, 1, &lines, err);
    if (status == TW_OK && (skip < 0 || lines != 0))
        status = tw_text_fail(text, 0, err, "byte skip %lld, line skip %lld: only bytes are skipped", (long long)skip,
                              (long long)lines);
    if (status == TW_OK) {
        bool apart = tw_keys_find(keys, "data file", &file) || tw_keys_find(keys, "datafile", &file);
        raster.start = skip + (apart ? 0 : text->at - text->data);
        raster.planes = planes;
        status = add(&raster, text, apart ? &file : NULL, field, err);
    }
    g_free(keys);
    return status;
}
