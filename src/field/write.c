/* SPDX-License-Identifier: MIT */
/* Transforms as text for ITK and for elastix. Numbers have the 17 digits that bring their bits back. */
#include "field/write.h"

#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include "base/newfile.h"

static void numbers(tw_newfile *file, int64_t n, const double *values)
{
    for (int64_t i = 0; i < n; i++)
        tw_newfile_number(file, values[i]);
}

/* m00 m01 m10 m11 tx ty: the centre is 0. */
static void affine_numbers(tw_newfile *file, const tw_affine *a)
{
    const double *m = a->m;
    numbers(file, 6, (double[]){m[0], m[1], m[3], m[4], m[2], m[5]});
}

static tw_status commit(tw_newfile *file, tw_error *err)
{
    tw_status status = tw_newfile_commit(file, err);
    tw_newfile_close(file);
    return status;
}

/* ---- ITK ---- */

static void itk_affine(tw_newfile *file, const tw_affine *a)
{
    tw_newfile_print(file, "Transform: AffineTransform_double_2_2\nParameters:");
    affine_numbers(file, a);
    tw_newfile_print(file, "\nFixedParameters: 0 0\n");
}

static void itk_lattice(tw_newfile *file, const tw_lattice *l)
{
    tw_newfile_print(file, "Transform: BSplineTransform_double_2_2\nParameters:");
    numbers(file, 2 * l->columns * l->rows, l->u[0]);
    tw_newfile_print(file, "\nFixedParameters: %" PRId64 " %" PRId64, l->columns, l->rows);
    numbers(file, 2, l->origin);
    numbers(file, 2, l->spacing);
    tw_newfile_print(file, " 1 0 0 1\n");
}

tw_status tw_itk_write(const tw_field *field, const char *path, int64_t width, int64_t height, tw_error *err)
{
    tw_newfile *file;
    int parts = tw_field_parts(field), number = 0;
    TW_TRY(tw_newfile_open(path, &file, err));
    tw_newfile_print(file, "#Insight Transform File V1.0\n");
    if (width > 0 && height > 0)
        tw_newfile_print(file, "#FixedSize: %" PRId64 " %" PRId64 "\n", width, height);
    if (parts > 1)
        tw_newfile_print(file, "#Transform %d\nTransform: CompositeTransform_double_2_2\nParameters:\nFixedParameters:\n",
                         number++);
    for (int i = parts - 1; i >= 0; i--) { /* ITK's composite applies the last transform first */
        tw_newfile_print(file, "#Transform %d\n", number++);
        if (tw_field_lattice(field, i))
            itk_lattice(file, tw_field_lattice(field, i));
        else
            itk_affine(file, tw_field_affine(field, i));
    }
    if (parts == 0) {
        tw_newfile_print(file, "#Transform 0\n");
        itk_affine(file, &(tw_affine)TW_AFFINE_IDENTITY);
    }
    return commit(file, err);
}

/* ---- elastix ---- */

static void elastix_lattice(tw_newfile *file, const tw_lattice *l)
{
    tw_newfile_print(file, "(Transform \"BSplineTransform\")\n(NumberOfParameters %" PRId64 ")\n(TransformParameters",
                     2 * l->columns * l->rows);
    numbers(file, 2 * l->columns * l->rows, l->u[0]);
    tw_newfile_print(file, ")\n(GridSize %" PRId64 " %" PRId64 ")\n(GridIndex 0 0)\n(GridSpacing", l->columns, l->rows);
    numbers(file, 2, l->spacing);
    tw_newfile_print(file, ")\n(GridOrigin");
    numbers(file, 2, l->origin);
    tw_newfile_print(file, ")\n(GridDirection 1 0 0 1)\n(BSplineTransformSplineOrder 3)\n(UseCyclicTransform \"false\")\n");
}

static void elastix_affine(tw_newfile *file, const tw_affine *a)
{
    tw_newfile_print(file, "(Transform \"AffineTransform\")\n(NumberOfParameters 6)\n(TransformParameters");
    affine_numbers(file, a);
    tw_newfile_print(file, ")\n(CenterOfRotationPoint 0 0)\n");
}

/* What transformix needs to know of pictures and of resampling. */
static void elastix_rest(tw_newfile *file, const char *initial, int64_t width, int64_t height)
{
    tw_newfile_print(file, "(InitialTransformParametersFileName \"%s\")\n", initial ? initial : "NoInitialTransform");
    tw_newfile_print(file, "(HowToCombineTransforms \"Compose\")\n(FixedImageDimension 2)\n(MovingImageDimension 2)\n"
                           "(FixedInternalImagePixelType \"float\")\n(MovingInternalImagePixelType \"float\")\n");
    tw_newfile_print(file, "(Size %" PRId64 " %" PRId64 ")\n(Index 0 0)\n(Spacing 1 1)\n(Origin 0 0)\n(Direction 1 0 0 1)\n",
                     width, height);
    tw_newfile_print(file, "(UseDirectionCosines \"true\")\n(ResampleInterpolator \"FinalBSplineInterpolator\")\n"
                           "(FinalBSplineInterpolationOrder 3)\n(Resampler \"DefaultResampler\")\n(DefaultPixelValue 0)\n"
                           "(ResultImageFormat \"mhd\")\n(ResultImagePixelType \"float\")\n(CompressResultImage \"false\")\n");
}

static tw_status elastix_part(const tw_field *field, int i, const char *path, const char *initial, int64_t width,
                              int64_t height, tw_error *err)
{
    static const tw_affine IDENTITY = TW_AFFINE_IDENTITY;
    tw_newfile *file;
    TW_TRY(tw_newfile_open(path, &file, err));
    if (i >= 0 && tw_field_lattice(field, i))
        elastix_lattice(file, tw_field_lattice(field, i));
    else
        elastix_affine(file, i >= 0 ? tw_field_affine(field, i) : &IDENTITY);
    elastix_rest(file, initial, width, height);
    return commit(file, err);
}

tw_status tw_elastix_write(const tw_field *field, const char *path, int64_t width, int64_t height, tw_error *err)
{
    int last = tw_field_parts(field) - 1;
    char *initial = NULL;
    tw_status status = TW_OK;
    if (width < 1 || height < 1)
        return tw_fail(err, TW_ERROR_USAGE, "%s: elastix needs the picture's size, not %" PRId64 " x %" PRId64, path, width,
                       height);
    char *whole = g_canonicalize_filename(path, NULL);
    bool nameable = !strpbrk(whole, "\"\n\r");
    g_free(whole);
    if (last > 0 && !nameable)
        return tw_fail(err, TW_ERROR_USAGE, "%s: elastix cannot name a file with quotation marks or line ends", path);
    for (int i = last < 0 ? -1 : 0; i <= last && status == TW_OK; i++) {
        char *own = i == last ? g_strdup(path) : g_strdup_printf("%.*s.%d.txt", (int)strlen(path) - 4, path, i);
        status = elastix_part(field, i, own, initial, width, height, err);
        g_free(initial);
        initial = g_canonicalize_filename(own, NULL); /* elastix 5.0 looks for other names in the folder that it runs in */
        g_free(own);
    }
    g_free(initial);
    return status;
}
