/* SPDX-License-Identifier: MIT */
#include "ops/interpolate/options.h"

#include "ops/output_options.h"

const tw_option tw_interpolate_options[] = {
    {"model", 'n', NULL, TW_OPTION_TEXT, 0, 0, NULL, NULL, NULL,
     "net of two pictures and a time, by name (tilewright models list) or by path of its .param file (default: between, built "
     "in)",
     "0.2"},
    {"time", 't', "timestep", TW_OPTION_REAL, 0, 1, "0.5", NULL, NULL,
     "of the frame in between: 0 is the first frame, 1 the second", "0.2"},
    {"pad", 0, NULL, TW_OPTION_CHOICE, 0, 0, NULL, NULL, "replicate|reflect|zero",
     "what the net sees right of and below pictures whose size is no multiple of what it needs (default: the model's)", "0.2"},
    {"flow-scale", 0, NULL, TW_OPTION_CHOICE, 0, 0, "1", NULL, "1|0.5|0.25|auto",
     "0.5: the net sees frames half as large, and what it finds warps the frames themselves: quicker, and for motion larger "
     "than it has "
     "learned; auto: that for frames of more than 2560 pixels on a side; of models that do not run in stages: of the small "
     "frames on which --blend motion looks for motion",
     "0.2"},
    {"scene-cut", 0, NULL, TW_OPTION_REAL, 0, 1, "0.2", NULL, NULL,
     "frames whose thumbnails are less alike than this (SSIM) show two scenes: the nearer one is repeated; 0: never", "0.2"},
    {"static", 0, NULL, TW_OPTION_REAL, 0, 1, "0.996", NULL, NULL,
     "frames whose thumbnails are more alike than this, and differ nowhere by a level of 8 bit on average, are the same: the "
     "nearer one is repeated; 1: never",
     "0.2"},
    {"sample-steps", 0, NULL, TW_OPTION_INT, 1, 1000, NULL, NULL, NULL,
     "of models that reach their result in steps; refused where the model has none", "0.2"},
    {"seed", 0, NULL, TW_OPTION_INT, 0, 9e15, "0", NULL, NULL,
     "of the noise that some models of two pictures start from; refused where the model takes none", "0.2"},
    {"blend", 0, NULL, TW_OPTION_CHOICE, 0, 0, "motion", NULL, "motion|distance",
     "tiles of models that do not run in stages: motion moves both frames along the motion around a tile and takes tones from "
     "a "
     "small frame made at once; distance gives tiles the frames as they are and weighs them by the distance from their edges",
     "0.2"},
    TW_OPTION_ENTRY_FORMAT("0.2"),
    TW_OPTION_ENTRY_QUALITY("0.2"),
    TW_OPTION_ENTRIES_COMPRESSION("deflate", "", "", "0.2"),
    TW_OPTION_ENTRY_ORIENT(TW_ORIENT_HELP, "0.2"),
    {0},
};
