/* SPDX-License-Identifier: MIT */
/** The frame between two, by a net that estimates motion from coarse to fine. */
#ifndef TW_OPS_INTERPOLATE_H
#define TW_OPS_INTERPOLATE_H

#include "ops/op.h"

extern const tw_op_class tw_interpolate_class;

#endif
