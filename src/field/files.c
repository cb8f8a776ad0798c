/* SPDX-License-Identifier: MIT */
/* Which reader a file is for, by its first bytes; which writer, by its ending. */
#include "field/files.h"

#include <string.h>

#include <glib.h>

#include "field/read.h"
#include "field/write.h"

#define HEAD 65536 /* headers of displacements are shorter */

/* The first character that is no blank begins what elastix writes. */
static bool is_elastix(const tw_text *head)
{
    tw_words line;
    tw_text copy = *head;
    while (tw_text_line(&copy, &line))
        if (line.at < line.end)
            return *line.at == '(' || tw_words_start(&line, "//");
    return false;
}

static bool begins(const tw_text *head, const char *bytes, size_t n)
{
    return (size_t)(head->end - head->data) >= n && memcmp(head->data, bytes, n) == 0;
}

static tw_status read_itk(const char *path, tw_field *field, tw_field_about *about, tw_error *err)
{
    tw_text text;
    TW_TRY(tw_text_load(path, TW_TEXT_MAX, false, &text, err));
    tw_status status = tw_itk_read(&text, field, about, err);
    tw_text_free(&text);
    return status;
}

/* A displacement of every pixel tells the picture's size. */
static tw_status displaced(tw_status status, const char *format, const tw_field *field, tw_field_about *about)
{
    const tw_displacement *d = status == TW_OK ? tw_field_displacement(field, 0) : NULL;
    about->format = format;
    if (d && d->origin[0] == 0 && d->origin[1] == 0 && d->spacing[0] == 1 && d->spacing[1] == 1) {
        about->width = d->width;
        about->height = d->height;
    }
    return status;
}

static bool is_meta(const tw_text *head)
{
    tw_words line;
    tw_text copy = *head;
    return tw_text_line(&copy, &line) && (tw_words_start(&line, "ObjectType") || tw_words_start(&line, "NDims"));
}

static tw_status read_by_kind(const char *path, tw_text *head, tw_field *field, tw_field_about *about, tw_error *err)
{
    if (begins(head, "#Insight Transform File V1.0", 28))
        return read_itk(path, field, about, err);
    if (begins(head, "\x1f\x8b", 2))
        return tw_fail(err, TW_ERROR_INPUT, "%s: is compressed; fields are read uncompressed", path);
    if (begins(head, "\x89HDF", 4))
        return tw_fail(err, TW_ERROR_INPUT, "%s: HDF5 transforms cannot be read", path);
    if (begins(head, "NRRD000", 7))
        return displaced(tw_nrrd_read(head, field, err), "nrrd", field, about);
    if (begins(head, "\x93NUMPY", 6))
        return displaced(tw_npy_read(head, field, err), "npy", field, about);
    if (tw_nifti_is(head))
        return displaced(tw_nifti_read(head, field, err), "nifti", field, about);
    if (is_meta(head))
        return displaced(tw_meta_read(head, field, err), "mhd", field, about);
    if (is_elastix(head))
        return tw_elastix_read(path, field, about, err);
    return tw_fail(err, TW_ERROR_INPUT, "%s: is no field file that can be read", path);
}

tw_status tw_field_read(const char *path, tw_field **out, tw_field_about *about, tw_error *err)
{
    tw_text head;
    tw_field_about nothing;
    *out = NULL;
    about = about ? about : &nothing;
    *about = (tw_field_about){0};
    TW_TRY(tw_text_load(path, HEAD, true, &head, err));
    tw_field *field = tw_field_new();
    tw_status status = read_by_kind(path, &head, field, about, err);
    tw_text_free(&head);
    if (status == TW_OK)
        *out = field;
    else
        tw_field_free(field);
    return status;
}

tw_status tw_field_write(const tw_field *field, const char *path, int64_t width, int64_t height, tw_error *err)
{
    for (int i = 0; i < tw_field_parts(field); i++)
        if (tw_field_displacement(field, i))
            return tw_fail(err, TW_ERROR_USAGE, "%s: cannot hold displacements", path);
    if (g_str_has_suffix(path, ".tfm"))
        return tw_itk_write(field, path, width, height, err);
    if (g_str_has_suffix(path, ".txt"))
        return tw_elastix_write(field, path, width, height, err);
    return tw_fail(err, TW_ERROR_USAGE, "%s: fields are written as .tfm or .txt", path);
}
