/* SPDX-License-Identifier: MIT */
#include "ops/register/options.h"

const tw_option tw_register_options[] = {
    {"field", 0, NULL, TW_OPTION_TEXT, 0, 0, NULL, "file", NULL,
     "where the field is written: maps points of the fixed picture to points of the moving one, full-resolution pixels; ITK "
     ".tfm, elastix "
     ".txt, or displacements as .mhd or .nrrd",
     "0.1"},
    {"warped", 0, NULL, TW_OPTION_TEXT, 0, 0, NULL, "file", NULL,
     "where the moving picture is written, laid over the fixed one: what warp does with the field", "0.1"},
    {"keep-full-resolution", 0, NULL, TW_OPTION_BOOL, 0, 0, "true", NULL, NULL,
     "true: that has the size of the fixed picture; false: the registration size", "0.1"},
    {"displacement-step", 0, NULL, TW_OPTION_INT, 1, 4096, "1", "px", NULL, "displacements are written for every N-th pixel",
     "0.1"},
    {"init", 0, NULL, TW_OPTION_FILE, 0, 0, NULL, NULL, NULL,
     "first map: a field file, or landmarks as .csv; without it turn, scale and shift are searched for", "0.1"},
    {"mask-fixed", 0, NULL, TW_OPTION_FILE, 0, 0, NULL, NULL, NULL,
     "picture as large as FIXED: what is darker there than a half does not count", "0.1"},
    {"mask-moving", 0, NULL, TW_OPTION_FILE, 0, 0, NULL, NULL, NULL, "the same for MOVING", "0.1"},
    {"transform", 0, NULL, TW_OPTION_CHOICE, 0, 0, "lattice", NULL, "similarity|affine|lattice",
     "what may differ between the pictures: turn, scale and shift; any affine map; or local deformation besides", "0.1"},
    {"spacing", 0, NULL, TW_OPTION_REAL, 16, 65536, NULL, "px", NULL,
     "distance of the lattice's control points, pixels of the fixed picture (default: 64 pixels of the registration size)",
     "0.1"},
    {"max-registration-pixels", 0, NULL, TW_OPTION_CHOICE, 1, 9e15, "auto", "px", "N|auto",
     "measure on a pyramid level of at most N pixels; auto: full resolution", "0.1"},
    {"registration-size", 0, NULL, TW_OPTION_GEOMETRY, 0, 0, NULL, "px", NULL,
     "measure on a pyramid level of at most this size, WxH (default, or auto: full resolution)", "0.1"},
    {"allow-downsampling", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL,
     "where the budget cannot hold that, measure on the largest level that it holds, and say so", "0.1"},
    {"report", 0, NULL, TW_OPTION_TEXT, 0, 0, NULL, "file", NULL,
     "a page that shows the field, its error and pieces of both pictures laid over each other: one .html file, nothing beside "
     "it",
     "0.1"},
    {"selftest", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL,
     "takes one picture, registers it with itself warped by a lattice that is known, and tells the true error", "0.1"},
    {"check-backward", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL,
     "measure windows of the moving picture, too, laid over the fixed one by the field's inverse, and tell their error", "0.1"},
    {"resume", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL,
     "keep what is found round by round in FIELD.resume, and go on from there after a run that was killed; the same field "
     "comes "
     "out",
     "0.1"},
    {"allow-ambiguous", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL,
     "take the best map even if another one fits as well, as in a pattern that repeats", "0.1"},
    {0},
};
