/* SPDX-License-Identifier: MIT */
#ifndef TW_UPSCALE_OPTIONS_H
#define TW_UPSCALE_OPTIONS_H

#include "base/options.h"

extern const tw_option tw_upscale_options[];

#endif
