/* SPDX-License-Identifier: MIT */
/** A picture as a field moves it: lattice, affine, displacements, or a chain of them. */
#ifndef TW_OPS_WARP_H
#define TW_OPS_WARP_H

#include "ops/op.h"

extern const tw_op_class tw_warp_class;

#endif
