/* SPDX-License-Identifier: MIT */
/* Displacements as learned registration leaves them: NumPy arrays (.npy) and NIfTI-1 files (.nii), in voxels, x first. */
#include <math.h>
#include <string.h>

#include <glib.h>

#include "field/raster.h"
#include "field/read.h"

/* ---- NumPy ---- */

/* The value behind a key of the header's dictionary, up to the next key or the end. */
static bool npy_value(const char *header, const char *key, const char **value)
{
    char *quoted = g_strdup_printf("'%s':", key);
    const char *at = strstr(header, quoted);
    size_t length = strlen(quoted);
    g_free(quoted);
    if (!at)
        return false;
    *value = at + length + strspn(at + length, " ");
    return true;
}

static tw_status npy_shape(const tw_text *text, const char *shape, int64_t out[3], tw_error *err)
{
    int n = 0;
    char *end;
    if (*shape == '(')
        for (shape++; n < 3; n++) {
            out[n] = g_ascii_strtoll(shape, &end, 10);
            if (end == shape)
                break;
            shape = end + strspn(end, " ,");
        }
    if (n != 3 || *shape != ')')
        return tw_text_fail(text, 0, err, "its shape is not (height, width, 2) or (2, height, width)");
    return TW_OK;
}

static tw_status npy_header(const tw_text *text, const char *header, tw_raster *raster, tw_error *err)
{
    const char *descr, *order, *shape;
    int64_t size[3];
    if (!npy_value(header, "descr", &descr) || !npy_value(header, "fortran_order", &order) ||
        !npy_value(header, "shape", &shape))
        return tw_text_fail(text, 0, err, "its header lacks descr, fortran_order or shape");
    if (strlen(descr) < 5 || !strchr("<>", descr[1]) || descr[2] != 'f' || !strchr("48", descr[3]))
        return tw_text_fail(text, 0, err, "its numbers are %.8s; <f4, >f4, <f8 and >f8 are read", descr);
    raster->big = descr[1] == '>';
    raster->wide = descr[3] == '8';
    TW_TRY(npy_shape(text, shape, size, err));
    if (!g_str_has_prefix(order, "False"))
        return tw_text_fail(text, 0, err, "it is in Fortran order; C order is read");
    bool planes = size[2] != 2;
    if (planes && size[0] != 2)
        return tw_text_fail(text, 0, err, "its shape is (%lld, %lld, %lld), not (height, width, 2) or (2, height, width)",
                            (long long)size[0], (long long)size[1], (long long)size[2]);
    raster->size[0] = size[planes ? 2 : 1];
    raster->size[1] = size[planes ? 1 : 0];
    raster->planes = planes;
    return TW_OK;
}

static uint32_t little(const char *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)(unsigned char)at[i] << 8 * i;
    return value;
}

tw_status tw_npy_read(const tw_text *text, tw_field *field, tw_error *err)
{
    int64_t have = text->end - text->data;
    int prefix = have > 6 && text->data[6] == 1 ? 10 : 12;
    if (have < prefix)
        return tw_text_fail(text, 0, err, "ends in its header");
    int64_t length = little(text->data + 8, prefix - 8);
    if (length > have - prefix)
        return tw_text_fail(text, 0, err, "a header of %lld bytes; it ends before", (long long)length);
    char *header = g_strndup(text->data + prefix, (gsize)length);
    tw_raster raster = {.start = prefix + length, .spacing = {1, 1}};
    tw_status status = npy_header(text, header, &raster, err);
    g_free(header);
    return status == TW_OK ? tw_raster_add(&raster, text->label, text->label, field, err) : status;
}

/* ---- NIfTI-1 ---- */

enum {
    NIFTI_BYTES = 348,
    AT_DIM = 40,
    AT_TYPE = 70,
    AT_PIXDIM = 76,
    AT_START = 108,
    AT_SLOPE = 112,
    AT_INTERCEPT = 116,
    AT_QFORM = 252,
    AT_SFORM = 254,
    AT_QUATERNION = 256, /* three numbers, then the offset */
    AT_ROWS = 280,
    AT_MAGIC = 344
};

static int whole16(const tw_text *text, int at, bool big)
{
    uint16_t bits;
    memcpy(&bits, text->data + at, 2);
    return (int16_t)(big ? GUINT16_FROM_BE(bits) : GUINT16_FROM_LE(bits));
}

static double real32(const tw_text *text, int at, bool big)
{
    uint32_t bits;
    float value;
    memcpy(&bits, text->data + at, 4);
    bits = big ? GUINT32_FROM_BE(bits) : GUINT32_FROM_LE(bits);
    memcpy(&value, &bits, 4);
    return (double)value;
}

bool tw_nifti_is(const tw_text *head)
{
    return head->end - head->data >= NIFTI_BYTES && memcmp(head->data + AT_MAGIC, "n+1", 4) == 0;
}

/* dim: 2 dimensions and 2 components behind them, whatever lies between has 1. */
static tw_status nifti_sizes(const tw_text *text, tw_raster *raster, tw_error *err)
{
    int dims = whole16(text, AT_DIM, raster->big), last = 1;
    if (dims < 3 || dims > 7)
        return tw_text_fail(text, 0, err,
                            "%d dimensions; displacements of pictures have at least 3, the last one of them 2 long", dims);
    for (int i = 1; i <= dims; i++) {
        int n = whole16(text, AT_DIM + 2 * i, raster->big);
        if (i <= 2)
            raster->size[i - 1] = n;
        else if (i < dims && n != 1)
            return tw_text_fail(text, 0, err, "dimension %d is %d long; pictures have 1", i, n);
        last = n;
    }
    return last == 2 ? TW_OK
                     : tw_text_fail(text, 0, err, "the last dimension is %d long; displacements of pictures have 2", last);
}

/* Voxels may be mirrored, as scanners have them, but neither moved nor turned: displacements count voxels from the
 * first one. */
static tw_status nifti_place(const tw_text *text, bool big, tw_error *err)
{
    enum { MAY_BE_ANY = 1 << 0 | 1 << 5 }; /* the diagonal of two rows of four */
    if (whole16(text, AT_SFORM, big) > 0)
        for (int i = 0; i < 8; i++)
            if (!(MAY_BE_ANY >> i & 1) && real32(text, AT_ROWS + 4 * i, big) != 0)
                return tw_text_fail(text, 0, err, "number %d of its sform is %g; only places at 0, not turned, are read", i + 1,
                                    real32(text, AT_ROWS + 4 * i, big));
    if (whole16(text, AT_SFORM, big) > 0 || whole16(text, AT_QFORM, big) <= 0)
        return TW_OK;
    double q[5];
    for (int i = 0; i < 5; i++)
        q[i] = real32(text, AT_QUATERNION + 4 * i, big);
    bool turned = q[0] != 0 || q[1] != 0 || (q[2] != 0 && fabs(q[2]) != 1);
    if (turned || q[3] != 0 || q[4] != 0)
        return tw_text_fail(text, 0, err,
                            "its qform has the quaternion %g %g %g and the offset %g %g; only 0 and unturned are read", q[0],
                            q[1], q[2], q[3], q[4]);
    return TW_OK;
}

/* Stored numbers are to be multiplied and shifted where the slope is not 0. */
static tw_status nifti_scale(const tw_text *text, bool big, tw_error *err)
{
    double slope = real32(text, AT_SLOPE, big), intercept = real32(text, AT_INTERCEPT, big);
    if (slope != 0 && (slope != 1 || intercept != 0))
        return tw_text_fail(text, 0, err, "its numbers are scaled by %g and shifted by %g; plain ones are read", slope,
                            intercept);
    return TW_OK;
}

tw_status tw_nifti_read(const tw_text *text, tw_field *field, tw_error *err)
{
    uint32_t length = little(text->data, 4);
    tw_raster raster = {.big = length != NIFTI_BYTES};
    TW_TRY(nifti_sizes(text, &raster, err));
    TW_TRY(nifti_place(text, raster.big, err));
    TW_TRY(nifti_scale(text, raster.big, err));
    int type = whole16(text, AT_TYPE, raster.big);
    if (type != 16 && type != 64)
        return tw_text_fail(text, 0, err, "numbers of type %d; 16 (float) and 64 (double) are read", type);
    double start = real32(text, AT_START, raster.big);
    if (!(start >= NIFTI_BYTES && start < 1e9))
        return tw_text_fail(text, 0, err, "its numbers begin at byte %g", start);
    raster.start = (int64_t)start;
    raster.wide = type == 64;
    for (int a = 0; a < 2; a++) {
        double step = real32(text, AT_PIXDIM + 4 * (a + 1), raster.big);
        raster.spacing[a] = step == 0 ? 1 : step;
    }
    raster.planes = true;
    return tw_raster_add(&raster, text->label, text->label, field, err);
}
