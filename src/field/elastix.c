/* SPDX-License-Identifier: MIT */
/* elastix' TransformParameters files: lines (Key value ...), each file one transform, which names the one to apply
 * before it. */
#include <string.h>

#include <glib.h>

#include "field/read.h"

#define CHAIN_MAX 32

/* "(Key value ...)": up to the last ')' before a comment. */
static tw_status read_line(const tw_text *text, tw_words line, tw_keys *keys, tw_error *err)
{
    char shown[64];
    const char *close = NULL;
    bool quoted = false;
    for (const char *c = line.at; c < line.end && !close; c++) {
        quoted ^= *c == '"';
        if (*c == ')' && !quoted)
            close = c;
    }
    tw_words key, word, value = {line.at + 1, close ? close : line.at + 1, line.line};
    if (*line.at != '(' || !close || !tw_words_next(&value, &key))
        return tw_text_fail(text, line.line, err, "'%s' is not of the form (Key value)", tw_words_show(&line, shown));
    tw_words rest = {close + 1, line.end, line.line};
    if (tw_words_next(&rest, &word) && !tw_words_start(&word, "//"))
        return tw_text_fail(text, line.line, err, "'%s' follows a ')'", tw_words_show(&word, shown));
    return tw_keys_add(keys, text, &key, &value, err);
}

static tw_status read_keys(tw_text *text, tw_keys *keys, tw_error *err)
{
    tw_words line;
    while (tw_text_line(text, &line))
        if (line.at < line.end && !tw_words_start(&line, "//"))
            TW_TRY(read_line(text, line, keys, err));
    return TW_OK;
}

/* The first word of a key's value, or NULL. */
static char *word_of(const tw_keys *keys, const char *key)
{
    tw_words value, word;
    return tw_keys_find(keys, key, &value) && tw_words_next(&value, &word) ? tw_words_copy(&word) : NULL;
}

/* Refuses a key whose word is anything but `allowed`. */
static tw_status only(const tw_text *text, const tw_keys *keys, const char *key, const char *allowed, tw_error *err)
{
    tw_words value, word;
    char shown[64];
    if (!tw_keys_find(keys, key, &value) || !tw_words_next(&value, &word) || tw_words_are(&word, allowed))
        return TW_OK;
    return tw_text_fail(text, value.line, err, "%s %s: only %s can be read", key, tw_words_show(&word, shown), allowed);
}

/* Pixels of the fixed picture are points at origin + index; the moving picture is taken to begin at 0. */
static tw_status read_frame(const tw_text *text, const tw_keys *keys, double shift[2], tw_field_about *about, tw_error *err)
{
    int64_t size[2] = {0, 0}, index[2] = {0, 0};
    double spacing[2] = {1, 1}, origin[2] = {0, 0}, direction[4] = {1, 0, 0, 1};
    TW_TRY(only(text, keys, "FixedImageDimension", "2", err));
    TW_TRY(only(text, keys, "MovingImageDimension", "2", err));
    TW_TRY(tw_keys_whole(keys, text, "Size", true, 2, size, err));
    TW_TRY(tw_keys_whole(keys, text, "Index", true, 2, index, err));
    TW_TRY(tw_keys_numbers(keys, text, "Spacing", true, 2, spacing, err));
    TW_TRY(tw_keys_numbers(keys, text, "Origin", true, 2, origin, err));
    TW_TRY(tw_keys_numbers(keys, text, "Direction", true, 4, direction, err));
    TW_TRY(tw_direction_plain(text, direction, "Direction", err));
    if (spacing[0] != 1 || spacing[1] != 1)
        return tw_text_fail(text, 0, err, "Spacing %g %g: only fields of pictures of spacing 1 can be read", spacing[0],
                            spacing[1]);
    if (size[0] < 0 || size[1] < 0)
        return tw_text_fail(text, 0, err, "Size %lld %lld", (long long)size[0], (long long)size[1]);
    about->width = size[0];
    about->height = size[1];
    for (int a = 0; a < 2; a++)
        shift[a] = origin[a] + (double)index[a];
    return TW_OK;
}

static tw_status add_lattice(const tw_text *text, const tw_keys *keys, tw_words parameters, tw_field *field, tw_error *err)
{
    int64_t size[2], index[2] = {0, 0};
    double origin[2], spacing[2], direction[4] = {1, 0, 0, 1};
    tw_lattice *lattice;
    TW_TRY(only(text, keys, "BSplineTransformSplineOrder", "3", err));
    TW_TRY(only(text, keys, "UseCyclicTransform", "false", err));
    TW_TRY(tw_keys_whole(keys, text, "GridSize", false, 2, size, err));
    TW_TRY(tw_keys_whole(keys, text, "GridIndex", true, 2, index, err));
    TW_TRY(tw_keys_numbers(keys, text, "GridSpacing", false, 2, spacing, err));
    TW_TRY(tw_keys_numbers(keys, text, "GridOrigin", false, 2, origin, err));
    TW_TRY(tw_keys_numbers(keys, text, "GridDirection", true, 4, direction, err));
    TW_TRY(tw_direction_plain(text, direction, "GridDirection", err));
    for (int a = 0; a < 2; a++)
        origin[a] += spacing[a] * (double)index[a];
    TW_TRY(tw_lattice_from(text, size, origin, spacing, parameters, &lattice, err));
    tw_field_add_lattice(field, lattice);
    return TW_OK;
}

static tw_status add_transform(const tw_text *text, const tw_keys *keys, tw_field *field, tw_error *err)
{
    tw_words type, name, parameters;
    char shown[64];
    int64_t n = -1;
    double centre[2] = {0, 0};
    tw_affine affine;
    TW_TRY(only(text, keys, "UseBinaryFormatForTransformationParameters", "false", err));
    TW_TRY(tw_keys_need(keys, text, "Transform", &type, err));
    TW_TRY(tw_keys_need(keys, text, "TransformParameters", &parameters, err));
    TW_TRY(tw_keys_whole(keys, text, "NumberOfParameters", true, 1, &n, err));
    if (n >= 0 && n != tw_words_count(parameters))
        return tw_text_fail(text, parameters.line, err, "%lld TransformParameters where NumberOfParameters is %lld",
                            (long long)tw_words_count(parameters), (long long)n);
    tw_words_next(&type, &name);
    if (tw_words_are(&name, "BSplineTransform") || tw_words_are(&name, "RecursiveBSplineTransform"))
        return add_lattice(text, keys, parameters, field, err);
    const tw_affine_kind *kind = tw_affine_kind_of(tw_words_show(&name, shown), true);
    if (!kind)
        return tw_text_fail(text, type.line, err, "transform '%s' cannot be read", tw_words_show(&name, shown));
    TW_TRY(tw_keys_numbers(keys, text, "CenterOfRotationPoint", true, 2, centre, err));
    TW_TRY(tw_affine_kind_read(kind, text, parameters, centre, &affine, err));
    tw_field_add_affine(field, &affine);
    return TW_OK;
}

/* The file to apply before this one: as its name is seen from this file, from here, or beside it. NULL: there is none. */
static char *initial_of(const tw_text *text, const tw_keys *keys, tw_words *value)
{
    const char *key = "InitialTransformParameterFileName"; /* since elastix 5.1 */
    if (!tw_keys_find(keys, key, value))
        key = "InitialTransformParametersFileName";
    char *name = word_of(keys, key);
    if (!name || !*name || strcmp(name, "NoInitialTransform") == 0) {
        g_free(name);
        return NULL;
    }
    tw_keys_find(keys, key, value);
    char *folder = g_path_get_dirname(text->label), *base = g_path_get_basename(name);
    char *places[] = {g_path_is_absolute(name) ? g_strdup(name) : g_build_filename(folder, name, NULL), name,
                      g_build_filename(folder, base, NULL)}; /* the last one: both files were moved together */
    int found = 0;
    while (found < 2 && !g_file_test(places[found], G_FILE_TEST_EXISTS))
        found++;
    char *result = g_strdup(places[g_file_test(places[found], G_FILE_TEST_EXISTS) ? found : 0]);
    for (int i = 0; i < 3; i++)
        g_free(places[i]);
    g_free(folder);
    g_free(base);
    return result;
}

typedef struct reading {
    GPtrArray *chain; /* paths, the last transform first */
    tw_field *field;
    tw_field_about *about;
} reading;

/* Calls `take` with the keys of a file, whose text lives for as long. */
static tw_status with_file(const char *path,
                           tw_status (*take)(reading *r, const tw_text *text, const tw_keys *keys, tw_error *err), reading *r,
                           tw_error *err)
{
    tw_text text;
    TW_TRY(tw_text_load(path, TW_TEXT_MAX, false, &text, err));
    tw_keys *keys = g_new0(tw_keys, 1);
    tw_status status = read_keys(&text, keys, err);
    if (status == TW_OK)
        status = take(r, &text, keys, err);
    g_free(keys);
    tw_text_free(&text);
    return status;
}

static tw_status find_initial(reading *r, const tw_text *text, const tw_keys *keys, tw_error *err)
{
    tw_words value, how;
    char *initial = initial_of(text, keys, &value);
    if (!initial)
        return TW_OK;
    g_ptr_array_add(r->chain, initial);
    if (!tw_keys_find(keys, "HowToCombineTransforms", &how))
        return tw_text_fail(text, value.line, err, "an initial transform, but no HowToCombineTransforms");
    TW_TRY(only(text, keys, "HowToCombineTransforms", "Compose", err));
    if (r->chain->len > CHAIN_MAX)
        return tw_text_fail(text, value.line, err, "more than %d initial transforms, as in a loop", CHAIN_MAX);
    return TW_OK;
}

static tw_status begin(reading *r, const tw_text *text, const tw_keys *keys, tw_error *err)
{
    double shift[2] = {0, 0};
    TW_TRY(read_frame(text, keys, shift, r->about, err));
    if (shift[0] != 0 || shift[1] != 0)
        tw_field_add_affine(r->field, &(tw_affine){{1, 0, shift[0], 0, 1, shift[1]}});
    return find_initial(r, text, keys, err);
}

static tw_status add_part(reading *r, const tw_text *text, const tw_keys *keys, tw_error *err)
{
    return add_transform(text, keys, r->field, err);
}

tw_status tw_elastix_read(const char *path, tw_field *field, tw_field_about *about, tw_error *err)
{
    reading r = {g_ptr_array_new_with_free_func(g_free), field, about};
    about->format = "elastix";
    g_ptr_array_add(r.chain, g_strdup(path));
    /* Each file is read twice, so that only one of them is in memory. */
    tw_status status = with_file(path, begin, &r, err);
    for (guint done = 0; status == TW_OK && ++done < r.chain->len;)
        status = with_file(g_ptr_array_index(r.chain, done), find_initial, &r, err);
    for (guint left = r.chain->len; status == TW_OK && left > 0;)
        status = with_file(g_ptr_array_index(r.chain, --left), add_part, &r, err);
    g_ptr_array_free(r.chain, true);
    return status;
}
