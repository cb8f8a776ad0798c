/* SPDX-License-Identifier: MIT */
/** Entries of options tables for operators that write a picture, in the order in which the tables have them. What differs from operator to
 *  operator (other words for --quality, the default for TIFF, what --orient means) is an argument, or the operator's own entry. */
#ifndef TW_OPS_OUTPUT_OPTIONS_H
#define TW_OPS_OUTPUT_OPTIONS_H

#include "base/options.h"

#define TW_QUALITY_DEFAULTS "of lossy containers (default: JPEG 92, WebP 90, AVIF 70, JPEG XL 90)"

#define TW_OPTION_ENTRY_FORMAT(since)                                                                                          \
    {                                                                                                                          \
        "format", 'f', NULL, TW_OPTION_CHOICE, 0, 0, NULL, NULL, "png|jpeg|webp|tiff|gif|jxl|avif|heif|ppm",                   \
            "container of the output (default: from its name)", since                                                          \
    }

#define TW_OPTION_ENTRY_QUALITY(since)                                                                                         \
    {                                                                                                                          \
        "quality", 'q', NULL, TW_OPTION_INT, 1, 100, NULL, NULL, NULL, TW_QUALITY_DEFAULTS, since                              \
    }

/** --lossless, --compression, --tiff-compression, --tiff-tile; `more_tiff`: choices before the compressions, "" or "auto|". */
#define TW_OPTION_ENTRIES_COMPRESSION(tiff_fallback, more_tiff, more_help, since)                                              \
    {"lossless", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL, "lossless WebP, AVIF or JPEG XL", since},                    \
        {"compression", 'c', NULL, TW_OPTION_INT, -1, 9, "-1", NULL, NULL, "effort of PNG compression, -1 for the default",    \
         since},                                                                                                               \
        {"tiff-compression",                                                                                                   \
         0,                                                                                                                    \
         NULL,                                                                                                                 \
         TW_OPTION_CHOICE,                                                                                                     \
         0,                                                                                                                    \
         0,                                                                                                                    \
         tiff_fallback,                                                                                                        \
         NULL,                                                                                                                 \
         more_tiff "none|lzw|deflate|zstd",                                                                                    \
         "compression of TIFF" more_help,                                                                                      \
         since},                                                                                                               \
    {                                                                                                                          \
        "tiff-tile", 0, NULL, TW_OPTION_INT, 0, 1024, "0", "px", NULL,                                                         \
            "side of the tiles of a TIFF, a multiple of 16, so that parts of it can be read by themselves; 0: strips", "0.2"   \
    }

#define TW_OPTION_ENTRY_ORIENT(help, since)                                                                                    \
    {                                                                                                                          \
        "orient", 0, "auto-orient", TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL, help, since                                        \
    }
#define TW_ORIENT_HELP "turn the pixels upright instead of carrying the orientation tag"

#endif
