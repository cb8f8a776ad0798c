/* SPDX-License-Identifier: MIT */
/** Two pictures measured against each other, streamed: PSNR, SSIM, largest difference, seams. */
#ifndef TW_OPS_COMPARE_H
#define TW_OPS_COMPARE_H

#include "ops/op.h"

extern const tw_op_class tw_compare_class;

#endif
