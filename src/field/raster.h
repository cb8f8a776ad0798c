/* SPDX-License-Identifier: MIT */
/** Displacements that lie in a file as plain numbers: what each format's header tells, and the reading of rectangles
 *  from it. */
#ifndef TW_FIELD_RASTER_H
#define TW_FIELD_RASTER_H

#include "field/field.h"

/** Where and how the numbers lie: rows of pairs, or all of one component, then all of the other. */
typedef struct tw_raster {
    int64_t size[2]; /* anything, as the file says */
    int64_t start;   /* bytes */
    bool planes;     /* components apart */
    bool wide, big;  /* doubles; most significant byte first */
    double origin[2], spacing[2];
} tw_raster;

/** Opens the file of the numbers (`path`; messages name `label`, too, where it is another) and adds them to the field.
 *  TW_ERROR_INPUT for sizes that are not 1 or more or that the file is too short for. */
tw_status tw_raster_add(const tw_raster *raster, const char *path, const char *label, tw_field *field, tw_error *err);

#endif
