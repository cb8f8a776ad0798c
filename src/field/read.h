/* SPDX-License-Identifier: MIT */
/** Readers of field files, each for one format; files.c chooses. All errors are TW_ERROR_INPUT. */
#ifndef TW_FIELD_READ_H
#define TW_FIELD_READ_H

#include "field/files.h"
#include "field/text.h"

/** An affine transform as ITK and elastix parametrise it: T(p) = M (p - c) + c + t. */
typedef struct tw_affine_kind {
    const char *itk, *elastix; /* names without "_double_2_2"; NULL: that program has none of this kind */
    const char *parameters;    /* one letter each: 0-3 M by rows, a angle, s scale, p q scales of x and y, x y t, u v c */
} tw_affine_kind;

const tw_affine_kind *tw_affine_kind_of(const char *name, bool elastix);
/** `centre` is used unless the parameters hold one. */
tw_status tw_affine_kind_read(const tw_affine_kind *kind, const tw_text *text, tw_words parameters, const double centre[2],
                              tw_affine *out, tw_error *err);
/** A lattice of size columns x rows, from all x-coefficients followed by all y. */
tw_status tw_lattice_from(const tw_text *text, const int64_t size[2], const double origin[2], const double spacing[2],
                          tw_words parameters, tw_lattice **out, tw_error *err);
/** Refuses a 2 x 2 direction that is not the identity. */
tw_status tw_direction_plain(const tw_text *text, const double direction[4], const char *what, tw_error *err);

tw_status tw_itk_read(tw_text *text, tw_field *field, tw_field_about *about, tw_error *err);
tw_status tw_elastix_read(const char *path, tw_field *field, tw_field_about *about, tw_error *err);

/* Displacements; `text` holds at least the header, all of it unless the file is shorter. */

tw_status tw_meta_read(tw_text *text, tw_field *field, tw_error *err);
tw_status tw_nrrd_read(tw_text *text, tw_field *field, tw_error *err);
tw_status tw_npy_read(const tw_text *text, tw_field *field, tw_error *err);
bool tw_nifti_is(const tw_text *head);
tw_status tw_nifti_read(const tw_text *text, tw_field *field, tw_error *err);

#endif
