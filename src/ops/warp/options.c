/* SPDX-License-Identifier: MIT */
#include "ops/warp/options.h"

const tw_option tw_warp_options[] = {
    {"field", 0, NULL, TW_OPTION_FILE, 0, 0, NULL, NULL, NULL,
     "what to apply: maps points of the result to points of the input; ITK .tfm, elastix .txt, displacements as .mhd, .nrrd, "
     ".npy, "
     ".nii or a TIFF of two float bands",
     "0.1"},
    {"like", 0, NULL, TW_OPTION_FILE, 0, 0, NULL, NULL, NULL, "picture whose size the result gets; only its header is read",
     "0.1"},
    {"size", 0, NULL, TW_OPTION_GEOMETRY, 0, 0, NULL, "px", NULL,
     "size of the result (default: that of --like, else the one that the field tells, else the input's)", "0.1"},
    {"fit", 0, NULL, TW_OPTION_GEOMETRY, 0, 0, NULL, "px", NULL,
     "the result is shrunk at the end to this size, WxH (default: it stays as it is)", "0.1"},
    {"interpolate", 0, "interpolation", TW_OPTION_CHOICE, 0, 0, "bicubic", NULL, "bicubic|lanczos3|bilinear|nearest",
     "samples between pixels: bicubic is Catmull-Rom (a = -0.5); nearest never mixes values, for labels", "0.1"},
    {"outside", 0, NULL, TW_OPTION_CHOICE, 0, 0, "background", NULL, "background|mirror|transparent|edge",
     "what lies beyond the input: one colour, the picture mirrored at its border pixels, nothing (the result gets alpha), or "
     "its border "
     "pixels",
     "0.1"},
    {"background", 0, NULL, TW_OPTION_TEXT, 0, 0, NULL, NULL, NULL,
     "samples of that colour on the input's scale, VALUE or VALUE,VALUE,... for each band (default: 0, transparent where the "
     "input "
     "has "
     "alpha)",
     "0.1"},
    {"allow-folds", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL, "apply a field that folds over itself", "0.1"},
    {"max-warp-pixels", 0, NULL, TW_OPTION_CHOICE, 1, 9e15, "auto", "px", "N|auto",
     "results of at most N pixels are made in one tile where the budget allows it, larger ones never; auto: the plan decides",
     "0.1"},
    {"no-tiled-warping", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL,
     "the whole result in one tile, still within the budget; refused when that cannot hold it", "0.1"},
    {"format", 'f', NULL, TW_OPTION_CHOICE, 0, 0, NULL, NULL, "png|jpeg|webp|tiff|gif|jxl|avif|heif|ppm",
     "container of the output (default: from its name)", "0.1"},
    {"quality", 'q', NULL, TW_OPTION_INT, 1, 100, NULL, NULL, NULL,
     "of lossy containers (default: JPEG 92, WebP 90, AVIF 70, JPEG XL 90)", "0.1"},
    {"lossless", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL, "lossless WebP, AVIF or JPEG XL", "0.1"},
    {"compression", 'c', NULL, TW_OPTION_INT, -1, 9, "-1", NULL, NULL, "effort of PNG compression, -1 for the default", "0.1"},
    {"tiff-compression", 0, NULL, TW_OPTION_CHOICE, 0, 0, "auto", NULL, "auto|none|lzw|deflate|zstd",
     "compression of TIFF; auto: LZW for 8-bit results of more than 64 megapixels, where deflate would be waited for, else "
     "deflate",
     "0.1"},
    {"tiff-tile", 0, NULL, TW_OPTION_INT, 0, 1024, "0", "px", NULL,
     "side of the tiles of a TIFF, a multiple of 16, so that parts of it can be read by themselves; 0: strips", "0.2"},
    {"orient", 0, "auto-orient", TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL,
     "turn the pixels upright first; else the field is of the pixels as stored, and the orientation tag is carried", "0.1"},
    {0},
};
