/* SPDX-License-Identifier: MIT */
#ifndef TW_REGISTER_OPTIONS_H
#define TW_REGISTER_OPTIONS_H

#include "base/options.h"

extern const tw_option tw_register_options[];

#endif
