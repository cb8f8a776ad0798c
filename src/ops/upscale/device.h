/* SPDX-License-Identifier: MIT */
/** What a tile of an upscale takes on its Vulkan device, and beside it on the host. Private to src/ops/upscale. */
#ifndef TW_UPSCALE_DEVICE_H
#define TW_UPSCALE_DEVICE_H

#include "ops/op.h"

/** Upper bound of the device memory of a canvas tile; more than any budget where a buffer is beyond the device's limit. */
int64_t tw_upscale_device_tile(const tw_op_state *state, int64_t tile_w, int64_t tile_h);
/** Upper bound of its host memory: tensors and staging, and the device's where it shares. */
int64_t tw_upscale_host_tile(const tw_op_state *state, int pass, int64_t tile_w, int64_t tile_h);

#endif
