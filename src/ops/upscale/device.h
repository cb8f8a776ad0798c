/* SPDX-License-Identifier: MIT */
/** The Vulkan device an upscale runs on. Private to src/ops/upscale. */
#ifndef TW_UPSCALE_DEVICE_H
#define TW_UPSCALE_DEVICE_H

#include "ops/op.h"

typedef struct tw_upscale_device {
    bool held;   /* the Vulkan instance */
    bool shared; /* its memory is the host's */
    int64_t free_bytes, budget, largest_buffer;
} tw_upscale_device;

/** Sets state->device and state->gpu; TW_ERROR_DEVICE when there is no such device. */
tw_status tw_upscale_choose_device(tw_op_state *state, const tw_options *options, tw_error *err);
void tw_upscale_release_device(tw_op_state *state);
/** Fills what the plan must know: driver, weights, budget. */
void tw_upscale_device_facts(const tw_op_state *state, tw_op_facts *out);

/** Adds members to the JSON report: what ran there, and the memory it took beside the weights. */
void tw_upscale_device_report(const tw_op_state *state, void *json);

/** Most device bytes that runs may hold beside the weights. */
int64_t tw_upscale_device_cap(const tw_op_state *state);

/** Upper bound of the device memory of a canvas tile; more than any budget where a buffer is beyond the device's limit. */
int64_t tw_upscale_device_tile(const tw_op_state *state, int64_t tile_w, int64_t tile_h);
/** Upper bound of its host memory: tensors and staging, and the device's where it shares. */
int64_t tw_upscale_host_tile(const tw_op_state *state, int pass, int64_t tile_w, int64_t tile_h);

#endif
