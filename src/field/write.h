/* SPDX-License-Identifier: MIT */
/** Writers of field files; the field holds no displacements. */
#ifndef TW_FIELD_WRITE_H
#define TW_FIELD_WRITE_H

#include "field/files.h"

tw_status tw_itk_write(const tw_field *field, const char *path, int64_t width, int64_t height, tw_error *err);
/** TW_ERROR_USAGE without a size, which elastix' files must name. */
tw_status tw_elastix_write(const tw_field *field, const char *path, int64_t width, int64_t height, tw_error *err);

#endif
