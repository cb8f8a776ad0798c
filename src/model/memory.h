/* SPDX-License-Identifier: MIT */
/** Upper bound of the bytes one engine call needs, by liveness of the blobs plus each layer's workspace in ncnn (x86,
 *  float32). */
#ifndef TW_MODEL_MEMORY_H
#define TW_MODEL_MEMORY_H

#include "model/stages.h"

/** Peak bytes of activations and workspace for a tile of w x h input samples (input and output tensors included), one
 *  thread. `injected`: whole-picture layers do not run, what they give is an input. estimate >= actual is tested for every
 *  pack, tile size and layer type. */
int64_t tw_memory_tile(const tw_graph *graph, const tw_geometry *geometry, bool injected, int64_t w, int64_t h);

/** The same for one step of a stage of a carried net whose input block is tile[0] x tile[1] samples; what is kept between steps is
 *  not in it. */
int64_t tw_memory_tile_carried(const tw_carry *carry, const tw_stage *stage, const int64_t tile[2]);

/** The same for a run from some blobs to others: `sources` are given, `targets` are what is asked for, in this order. w x h are the
 *  input samples that the tile stands for. */
int64_t tw_memory_run(const tw_graph *graph, const tw_geometry *geometry, int n_sources, const int *sources, int n_targets,
                      const int *targets, int64_t w, int64_t h);

/** The same of a run on a Vulkan device: its device memory. `largest`: its largest single buffer, which the device may limit. `host`:
 *  what Warps, which run on the CPU, take there with what passes between the two. */
int64_t tw_memory_run_device(const tw_graph *graph, const tw_geometry *geometry, int n_sources, const int *sources,
                             int n_targets, const int *targets, int64_t w, int64_t h, int64_t *largest, int64_t *host);

/** Upper bound of the growth of resident memory from loading the weights: transformed copies (Winograd, packing), the
 *  moment of transformation, holes in the heap, and about 12 MB that ncnn itself takes with the first net of a process. */
int64_t tw_memory_weights(const tw_graph *graph, const tw_geometry *geometry);

/** The same on a Vulkan device: upper bound of the device memory of one call, and its largest single buffer, which the device
 *  may limit. */
int64_t tw_memory_tile_device(const tw_graph *graph, const tw_geometry *geometry, int64_t w, int64_t h, int64_t *largest);

/** Upper bound of the device memory that the weights hold. While they are loaded, staging memory of the host holds as much. */
int64_t tw_memory_weights_device(const tw_graph *graph);

#endif
