/* SPDX-License-Identifier: MIT */
/** What a run on a Vulkan device needs beyond ncnn's C API: device memory that is counted and capped, and a way out when it is
 *  refused. One tw_gpu_worker per engine worker, used by its thread alone. Opaque pointers are ncnn's own C handles. */
#ifndef TW_ENGINE_GPU_RUN_H
#define TW_ENGINE_GPU_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <ncnn/c_api.h>

#include "base/account.h"
#include "engine/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tw_gpu_worker tw_gpu_worker;

/** What a float32 net may use on the device. Before its graph is loaded. */
void tw_gpu_set_options(ncnn_net_t net);
/** Convolutions and the like of a loaded net that run on the device, and those that do not. */
void tw_gpu_count_layers(ncnn_net_t net, int *on_device, int *on_cpu);

/** `account` counts host memory: staging, and all of it where the device shares the host's (`shared`). `arena` is the same
 *  worker's and is asked to give idle memory back first. `cap`: most bytes of device memory, 0: no limit. NULL when out of memory. */
tw_gpu_worker *tw_gpu_worker_new(ncnn_net_t net, tw_account *account, tw_arena *arena, bool shared, int64_t cap);
void tw_gpu_worker_free(tw_gpu_worker *worker);
/** Device bytes held at most, blocks counted whole; `used`: those in blobs and workspace at the same time. */
int64_t tw_gpu_worker_peak(const tw_gpu_worker *worker, int64_t *used);

/** Between runs: foresees `bytes` of device memory for the next one, in one block where that can be had. */
void tw_gpu_reserve(tw_gpu_worker *worker, int64_t bytes);
/** The extractor takes its device memory from this worker. */
void tw_gpu_attach(tw_gpu_worker *worker, ncnn_extractor_t extractor);
/** ncnn_extractor_extract; `refused` is set when device or staging memory was refused. The extractor must then be destroyed. */
int tw_gpu_extract(ncnn_extractor_t extractor, const char *blob, ncnn_mat_t *out, bool *refused);
/** After the extractor is gone: staging memory goes back to the system, device memory is kept for the next tile. */
void tw_gpu_settle(tw_gpu_worker *worker);

#ifdef __cplusplus
}
#endif
#endif
