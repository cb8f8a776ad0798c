/* SPDX-License-Identifier: MIT */
#ifndef TW_WARP_OPTIONS_H
#define TW_WARP_OPTIONS_H

#include "base/options.h"

extern const tw_option tw_warp_options[];

#endif
