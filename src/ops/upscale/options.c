/* SPDX-License-Identifier: MIT */
#include "ops/upscale/options.h"

const tw_option tw_upscale_options[] = {
    {"model", 'n', NULL, TW_OPTION_TEXT, 0, 0, NULL, NULL, NULL,
     "model by name (tilewright models list) or by path of its .param file; default: one of the built-in nets, by --scale and "
     "by the quality that a JPEG, or a picture that once was one, was encoded with",
     "0.1"},
    {"scale", 's', NULL, TW_OPTION_REAL, 0.01, 64, NULL, NULL, NULL,
     "enlargement of the result; other than the model's, the result is resampled after the net (default: the model's)", "0.1"},
    {"engine", 0, NULL, TW_OPTION_CHOICE, 0, 0, NULL, NULL, "realcugan|realesrgan|waifu2x|span",
     "family of models to choose from by --scale, --noise and a word for --quality; --model wins", "0.1"},
    {"noise", 0, NULL, TW_OPTION_INT, -1, 3, "-1", NULL, NULL, "noise reduction of the family's models, -1 for none", "0.1"},
    {"strength", 0, NULL, TW_OPTION_CHOICE, 0, 0, NULL, NULL, "low|medium|high",
     "restore JPEG damage and noise with the built-in restore nets; --model wins (default: as the JPEG's quality asks)", "0.1"},
    {"region", 0, NULL, TW_OPTION_TEXT, 0, 0, NULL, "px", NULL,
     "compute only this part, X,Y,W,H in input pixels as they are stored, or as they are shown where the result is turned "
     "upright: exactly the pixels that the whole result has there",
     "0.2"},
    {"tta", 'x', NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL, "average over eight orientations (eight times the work)", "0.1"},
    {"pad", 0, NULL, TW_OPTION_CHOICE, 0, 0, NULL, NULL, "reflect|replicate|zero",
     "what nets without padding of their own see beyond the picture (default: the model's)", "0.1"},
    {"blend", 0, NULL, TW_OPTION_CHOICE, 0, 0, "cosine", NULL, "none|linear|cosine|gaussian",
     "ramp between overlapping tiles of nets that cannot be tiled exactly; exact ones need none", "0.1"},
    {"ramp", 0, NULL, TW_OPTION_INT, 0, 65536, "0", "px", NULL,
     "input pixels that such tiles share, 0 for a tenth of the tile's side", "0.1"},
    {"seams", 0, NULL, TW_OPTION_CHOICE, 0, 0, "even", NULL, "even|content",
     "edges between such tiles: evenly spaced, or moved to where the picture has least detail", "0.1"},
    {"sync", 0, NULL, TW_OPTION_CHOICE, 0, 0, "exact", NULL, "exact|fast|off",
     "means and the like of whole-picture layers (Real-CUGAN, instance norm): exact; fast: of a sample of tiles; off: each "
     "tile has its "
     "own; "
     "the result then says how far off it is",
     "0.1"},
    {"format", 'f', NULL, TW_OPTION_CHOICE, 0, 0, NULL, NULL, "png|jpeg|webp|tiff|gif|jxl|avif|heif|ppm",
     "container of the output (default: from its name)", "0.1"},
    {"quality", 'q', NULL, TW_OPTION_CHOICE, 1, 100, NULL, NULL, "N|fast|balanced|best",
     "1 to 100: of lossy containers (default: JPEG 92, WebP 90, AVIF 70, JPEG XL 90); a word: which model of --engine", "0.1"},
    {"lossless", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL, "lossless WebP, AVIF or JPEG XL", "0.1"},
    {"compression", 'c', NULL, TW_OPTION_INT, -1, 9, "-1", NULL, NULL, "effort of PNG compression, -1 for the default", "0.1"},
    {"tiff-compression", 0, NULL, TW_OPTION_CHOICE, 0, 0, "deflate", NULL, "none|lzw|deflate|zstd", "compression of TIFF",
     "0.1"},
    {"tiff-tile", 0, NULL, TW_OPTION_INT, 0, 1024, "0", "px", NULL,
     "side of the tiles of a TIFF, a multiple of 16, so that parts of it can be read by themselves; 0: strips", "0.2"},
    {"orient", 0, "auto-orient", TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL,
     "turn the pixels upright instead of carrying the orientation tag", "0.1"},
    {0},
};
