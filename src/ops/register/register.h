/* SPDX-License-Identifier: MIT */
/** register: the field that maps a fixed picture's points to a moving picture's. */
#ifndef TW_REGISTER_H
#define TW_REGISTER_H

#include "ops/op.h"

extern const tw_op_class tw_register_class;

#endif
