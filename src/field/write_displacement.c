/* SPDX-License-Identifier: MIT */
/* A field as displacements of pixels, streamed row by row: MetaImage with its numbers beside it, or NRRD. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "base/newfile.h"
#include "field/files.h"

#define SIDE_MAX (INT64_C(1) << 40)

typedef struct grid {
    const tw_field *field;
    int64_t width, height; /* samples */
    double step;
    double *x, *y;
    float *pairs;
    void *scratch;
} grid;

static tw_status row(const grid *g, int64_t j, tw_error *err)
{
    double y = (double)j * g->step;
    bool every = g->step == 1;
    if (every)
        TW_TRY(tw_field_row(g->field, 0, y, g->width, g->x, g->y, g->scratch, err));
    for (int64_t i = 0; i < g->width; i++) {
        double x = (double)i * g->step;
        if (!every)
            TW_TRY(tw_field_row(g->field, x, y, 1, &g->x[i], &g->y[i], g->scratch, err));
        float pair[2] = {(float)(g->x[i] - x), (float)(g->y[i] - y)};
        for (int a = 0; a < 2; a++) {
            uint32_t bits;
            memcpy(&bits, &pair[a], 4);
            bits = GUINT32_TO_LE(bits);
            memcpy(&g->pairs[2 * i + a], &bits, 4);
        }
    }
    return TW_OK;
}

static tw_status rows(const grid *g, tw_newfile *file, tw_error *err)
{
    for (int64_t j = 0; j < g->height; j++) {
        TW_TRY(row(g, j, err));
        tw_newfile_write(file, g->pairs, (size_t)g->width * 2 * sizeof *g->pairs);
    }
    return tw_newfile_commit(file, err);
}

static void spacing(const grid *g, tw_newfile *file)
{
    tw_newfile_number(file, g->step);
    tw_newfile_number(file, g->step);
}

static tw_status write_meta(const grid *g, const char *path, tw_error *err)
{
    char *raw = g_strdup_printf("%.*s.raw", (int)strlen(path) - 4, path), *name = g_path_get_basename(raw);
    tw_newfile *file;
    tw_status status = tw_newfile_open(raw, &file, err);
    if (status == TW_OK) {
        status = rows(g, file, err);
        tw_newfile_close(file);
    }
    bool numbers = status == TW_OK;
    if (numbers)
        status = tw_newfile_open(path, &file, err);
    if (status == TW_OK) {
        tw_newfile_print(
            file, "ObjectType = Image\nNDims = 2\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
                  "TransformMatrix = 1 0 0 1\nOffset = 0 0\nElementSpacing =");
        spacing(g, file);
        tw_newfile_print(file,
                         "\nDimSize = %" PRId64 " %" PRId64
                         "\nElementNumberOfChannels = 2\nElementType = MET_FLOAT\nElementDataFile = %s\n",
                         g->width, g->height, name);
        status = tw_newfile_commit(file, err);
        tw_newfile_close(file);
    }
    if (numbers && status != TW_OK)
        remove(raw);
    g_free(raw);
    g_free(name);
    return status;
}

static tw_status write_nrrd(const grid *g, const char *path, tw_error *err)
{
    tw_newfile *file;
    TW_TRY(tw_newfile_open(path, &file, err));
    tw_newfile_print(file,
                     "NRRD0004\ntype: float\ndimension: 3\nspace dimension: 2\nsizes: 2 %" PRId64 " %" PRId64 "\n"
                     "space directions: none (",
                     g->width, g->height);
    tw_newfile_number(file, g->step);
    tw_newfile_print(file, ",0) (0,");
    tw_newfile_number(file, g->step);
    tw_newfile_print(file, ")\nkinds: vector domain domain\nendian: little\nencoding: raw\nspace origin: (0,0)\n\n");
    tw_status status = rows(g, file, err);
    tw_newfile_close(file);
    return status;
}

tw_status tw_field_write_displacement(const tw_field *field, const char *path, int64_t width, int64_t height, double step,
                                      tw_error *err)
{
    if (width < 1 || height < 1 || width > SIDE_MAX || height > SIDE_MAX || !(step >= 1) || !isfinite(step))
        return tw_fail(err, TW_ERROR_USAGE, "%s: displacements of %" PRId64 " x %" PRId64 " pixels, every %g-th", path, width,
                       height, step);
    bool meta = g_str_has_suffix(path, ".mhd");
    if (!meta && !g_str_has_suffix(path, ".nrrd"))
        return tw_fail(err, TW_ERROR_USAGE, "%s: displacements are written as .mhd or .nrrd", path);
    /* The last sample is at the last pixel or beyond, so that every pixel lies between samples. */
    grid g = {.field = field,
              .width = (int64_t)ceil((double)(width - 1) / step) + 1,
              .height = (int64_t)ceil((double)(height - 1) / step) + 1,
              .step = step};
    g.x = g_try_new(double, (gsize)g.width);
    g.y = g_try_new(double, (gsize)g.width);
    g.pairs = g_try_new(float, 2 * (gsize)g.width);
    g.scratch = g_try_malloc((gsize)tw_max64(tw_field_scratch(field, step == 1 ? g.width : 1), 1));
    tw_status status;
    if (!g.x || !g.y || !g.pairs || !g.scratch)
        status = tw_fail_memory(err, "a row of displacements", (long long)(24 * g.width));
    else
        status = meta ? write_meta(&g, path, err) : write_nrrd(&g, path, err);
    g_free(g.x);
    g_free(g.y);
    g_free(g.pairs);
    g_free(g.scratch);
    return status;
}
