/* SPDX-License-Identifier: MIT */
/** Super-resolution and restoration by feed-forward nets, or by the caller's own engine. */
#ifndef TW_OPS_UPSCALE_H
#define TW_OPS_UPSCALE_H

#include "ops/op.h"

extern const tw_op_class tw_upscale_class;

#endif
