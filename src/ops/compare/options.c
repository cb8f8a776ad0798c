/* SPDX-License-Identifier: MIT */
#include "ops/compare/options.h"

const tw_option tw_compare_options[] = {
    {"crop", 0, "crop-border", TW_OPTION_INT, 0, 1000000, "0", "px", NULL,
     "border pixels that are left out on every side (papers leave out as many as the enlargement)", "0.1"},
    {"grid", 0, NULL, TW_OPTION_GEOMETRY, 0, 0, NULL, "px", NULL,
     "distance of the lines where seams are suspected, N or WxH from the top left (default: searched for)", "0.1"},
    {"ssim-rgb", 0, NULL, TW_OPTION_FLAG, 0, 0, NULL, NULL, NULL, "also the mean SSIM of the colours, each measured as luma is",
     "0.1"},
    {"max-difference", 0, NULL, TW_OPTION_REAL, 0, 65536, NULL, "1/255", NULL, "fail when any sample differs by more than this",
     "0.1"},
    {"min-psnr", 0, NULL, TW_OPTION_REAL, 0, 1000, NULL, "dB", NULL, "fail when the PSNR over all colours is lower than this",
     "0.1"},
    {0},
};
