/* SPDX-License-Identifier: MIT */
#ifndef TW_INTERPOLATE_OPTIONS_H
#define TW_INTERPOLATE_OPTIONS_H

#include "base/options.h"

extern const tw_option tw_interpolate_options[];

#endif
