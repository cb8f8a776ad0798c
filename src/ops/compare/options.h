/* SPDX-License-Identifier: MIT */
#ifndef TW_COMPARE_OPTIONS_H
#define TW_COMPARE_OPTIONS_H

#include "base/options.h"

extern const tw_option tw_compare_options[];

#endif
