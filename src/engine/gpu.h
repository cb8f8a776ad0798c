/* SPDX-License-Identifier: MIT */
/** Vulkan devices, and the Vulkan instance of the process (counted by reference). Thread-safe. */
#ifndef TW_ENGINE_GPU_H
#define TW_ENGINE_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Number of devices; 0 where there is no loader or driver. */
int tw_gpu_count(void);
/** VK_EXT_memory_budget: what this process may still use (budget minus usage), bytes; the heap's half where unsupported. */
int64_t tw_gpu_memory_available(int device);
/** True when the device shares the host's memory (integrated, software): its use counts inside the memory budget. */
bool tw_gpu_shares_memory(int device);

/** Most bytes of one storage buffer; 0 where the device does not exist. */
int64_t tw_gpu_largest_buffer(int device);

/** Makes the instance if there is none; TW_ERROR_DEVICE when device `device` does not exist. Copies its name. */
tw_status tw_gpu_acquire(int device, char *name, size_t n, tw_error *err);
void tw_gpu_release(void);

#ifdef __cplusplus
}
#endif
#endif
