/* SPDX-License-Identifier: MIT */
/** The Vulkan device that an operator's net runs on: which, how much memory it has, what the plan and the report must know. */
#ifndef TW_OPS_DEVICE_H
#define TW_OPS_DEVICE_H

#include "ops/op.h"

typedef struct tw_op_device {
    int number;  /* -1: the CPU */
    bool shared; /* its memory is the host's */
    int64_t budget, largest_buffer;
} tw_op_device;

/** By --device and --vram. TW_ERROR_DEVICE when there is no such device. Holds the Vulkan instance until tw_op_device_release. */
tw_status tw_op_device_choose(tw_op_device *device, const tw_options *options, tw_error *err);
/** Of any, also of one that is all zero and was never chosen. */
void tw_op_device_release(tw_op_device *device);
static inline bool tw_op_device_used(const tw_op_device *device)
{
    return device->budget > 0;
}

/** Fills what the plan must know: driver, weights, budget. */
void tw_op_device_facts(const tw_op_device *device, const tw_graph *graph, tw_op_facts *out);
/** Most device bytes that runs may hold beside the weights. */
int64_t tw_op_device_cap(const tw_op_device *device, const tw_graph *graph);

/** Device bytes of workers, the largest of each. Begins at zero. */
typedef struct tw_op_device_peak {
    int64_t held, used;
} tw_op_device_peak;
void tw_op_device_seen(tw_op_device_peak *peak, const tw_engine_worker *worker);
/** Adds members to the JSON report: what ran there, and the memory it took beside the weights. */
void tw_op_device_report(const tw_engine *engine, const tw_op_device_peak *peak, void *json);

#endif
