/* SPDX-License-Identifier: MIT */
/** The options every operator takes, and the table of operators. */
#include <string.h>

#include "ops/compare/compare.h"
#include "ops/interpolate/interpolate.h"
#include "ops/op.h"
#include "ops/register/register.h"
#include "ops/upscale/upscale.h"
#include "ops/warp/warp.h"

const tw_option tw_common_options[] = {
    {"memory", 0, NULL, TW_OPTION_SIZE, 0, 0, "50%", "bytes", NULL,
     "bound of the peak resident memory of the process; a percentage is of what it may use", "0.1"},
    {"vram", 0, NULL, TW_OPTION_SIZE, 0, 0, "80%", "bytes", NULL,
     "bound of the device memory; a percentage is of what is free there", "0.1"},
    {"threads", 0, NULL, TW_OPTION_INT, 0, 1024, "0", NULL, NULL,
     "most worker threads, 0 for all processors this process may use; never changes the result", "0.1"},
    {"device", 0, NULL, TW_OPTION_CHOICE, 0, 0, "auto", NULL, "auto|cpu|gpu|gpu:N",
     "where nets run; auto is cpu, whose float32 results are exact", "0.1"},
    {"schedule", 0, NULL, TW_OPTION_CHOICE, 0, 0, "auto", NULL, "auto|carry|halo|whole",
     "carry: tiles hand on what the next ones read; halo: each reads its context; whole: one tile; auto: by cost", "0.1"},
    {"tile", 't', "tile-size", TW_OPTION_GEOMETRY, 0, 0, NULL, "px", NULL,
     "core of a tile in input pixels, N or WxH; 0 lets the plan choose (interpolate: the whole picture)", "0.1"},
    {"tile-threshold", 0, NULL, TW_OPTION_GEOMETRY, 0, 0, NULL, "px", NULL,
     "pictures no larger than this run whole where the budget allows it", "0.1"},
    {"enable-tiling", 0, NULL, TW_OPTION_BOOL, 0, 0, NULL, NULL, NULL,
     "true: any tiled schedule; false: the whole picture at once, still within the budget", "0.1"},
    {"halo", 0, "tile-overlap", TW_OPTION_CHOICE, 0, 65536, "exact", "px", "exact|N|auto:EPS",
     "context read around a tile: exact, a number of input pixels, or auto:EPS, the smallest whose error, measured on the "
     "picture, is "
     "less than EPS/255 (the result then says that it is not exact, and how far off)",
     "0.1"},
    {"profile", 0, NULL, TW_OPTION_CHOICE, 0, 0, NULL, NULL, "manga|4k|low-memory|quality|fast|speed",
     "options set together for a kind of work; options given beside it win", "0.1"},
    {"scratch", 0, NULL, TW_OPTION_FILE, 0, 0, NULL, NULL, NULL, "folder for scratch files (default: TMPDIR, else /var/tmp)",
     "0.1"},
    {"scratch-limit", 0, NULL, TW_OPTION_SIZE, 0, 0, NULL, "bytes", NULL, "most bytes of scratch files", "0.1"},
    {"max-pixels", 0, NULL, TW_OPTION_INT, 0, 9e15, "0", NULL, NULL, "refuse inputs of more pixels than this, 0 for no limit",
     "0.1"},
    {"overwrite", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL, "replace an existing output", "0.1"},
    {0},
};

static const tw_op_class *const classes[] = {&tw_upscale_class, &tw_interpolate_class, &tw_compare_class, &tw_register_class,
                                             &tw_warp_class};
#define N_CLASSES (sizeof classes / sizeof *classes)

const tw_op_class *tw_op_find(const char *name)
{
    for (size_t i = 0; i < N_CLASSES; i++)
        if (strcmp(classes[i]->info.name, name) == 0)
            return classes[i];
    return NULL;
}

const tw_op_info *tw_op_at(size_t i)
{
    return i < N_CLASSES ? &classes[i]->info : NULL;
}

static const char *type_name(tw_option_type type)
{
    static const char *const names[] = {"flag", "bool", "int", "real", "size", "geometry", "choice", "text", "file"};
    return names[type];
}

int tw_op_option_at(const char *op, size_t i, tw_option_info *out)
{
    const tw_op_class *class = tw_op_find(op);
    if (!class)
        return 0;
    const tw_option *option = class->options;
    while (option->name && i > 0)
        option++, i--;
    if (!option->name)
        for (option = tw_common_options; option->name && i > 0; i--)
            option++;
    if (!option->name)
        return 0;
    *out = (tw_option_info){option->name,    option->letter, option->alias,    type_name(option->type),
                            option->min,     option->max,    option->fallback, option->unit,
                            option->choices, option->help,   option->since};
    return 1;
}
