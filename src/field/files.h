/* SPDX-License-Identifier: MIT */
/** Field files. Read: ITK .tfm text (composite, affine family, BSplineTransform 2-D), elastix TransformParameters .txt
 *  (chains by InitialTransformParameterFileName; translation, Euler, similarity, affine, BSplineTransform),
 *  displacement images .mhd/.mha, .nrrd/.nhdr, .npy, .nii (uncompressed), landmark .csv. Written: .tfm, elastix pair,
 *  .mhd + .raw and .nrrd streamed, landmark .csv. Spacing and origin of foreign pictures are honoured; a picture
 *  spacing other than 1 is refused unless given. */
#ifndef TW_FIELD_FILES_H
#define TW_FIELD_FILES_H

#include "field/field.h"

/** What a file says of the pictures that it was made for; 0 where it says nothing. */
typedef struct tw_field_about {
    int64_t width, height; /* of the fixed picture, pixels */
    const char *format;    /* "itk", "elastix", "mhd", "nrrd", "npy", "nifti"; static */
} tw_field_about;

/** TW_ERROR_INPUT names the file, the line or byte, and the number at fault. At most 64 MiB of text is read. */
tw_status tw_field_read(const char *path, tw_field **out, tw_field_about *about, tw_error *err);

/** The format follows the ending: .tfm, .txt (elastix: one file a part; those in front go into NAME.0.txt and so on
 *  beside NAME.txt, named in full, as elastix 5.0 needs it; a width and height as well). Written under a temporary
 *  name, fsynced, renamed. TW_ERROR_USAGE for endings and parts that a format cannot hold. */
tw_status tw_field_write(const tw_field *field, const char *path, int64_t width, int64_t height, tw_error *err);

/** Displacements of every `step`-th pixel of a fixed picture of width x height, streamed row by row: .mhd (+ .raw), .nrrd. */
tw_status tw_field_write_displacement(const tw_field *field, const char *path, int64_t width, int64_t height, double step,
                                      tw_error *err);

/** Landmarks: pairs of fixed and moving points, CSV with a header line "fixed_x,fixed_y,moving_x,moving_y" in any
 *  column order. */
typedef struct tw_landmarks {
    int64_t count;
    double *points; /* count * 4: fixed x, y, moving x, y; g_free */
} tw_landmarks;
tw_status tw_landmarks_read(const char *path, tw_landmarks *out, tw_error *err);
tw_status tw_landmarks_write(const tw_landmarks *landmarks, const char *path, tw_error *err);

#endif
