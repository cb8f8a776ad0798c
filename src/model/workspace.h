/* SPDX-License-Identifier: MIT */
/** What ncnn 1.0.20261020 allocates beside a layer's input and output on x86, float32, one thread: its algorithms by
 *  shape. Internal. */
#ifndef TW_MODEL_WORKSPACE_H
#define TW_MODEL_WORKSPACE_H

#include "model/graph.h"

/** What ncnn's choices depend on. */
typedef struct tw_machine {
    int lanes;        /* floats in a vector register that ncnn uses: 16, 8 or 4 */
    int64_t l2_bytes; /* level-2 cache per core, as ncnn finds it */
    bool fuses;       /* our own convolutions run with registers of so many lanes */
} tw_machine;

/** This machine, found once. */
tw_machine tw_machine_here(void);

/** One matrix multiplication C[M][N] = A[M][K] * B[K][N] cut into tiles. */
typedef struct tw_tiles {
    int64_t m, n, k;
} tw_tiles;

/** Bytes that live at the same time during a convolution beside input, bordered input and output. */
typedef struct tw_kernel {
    int64_t in, out; /* channels */
    int64_t kw, kh, dw, dh, sw, sh;
    int mask; /* the layer's feature mask (parameter 31): 32 no sgemm, 64 no winograd */
} tw_kernel;

int64_t tw_work_convolution(const tw_machine *machine, const tw_kernel *kernel, int64_t out_w, int64_t out_h);

/** Side of the blocks of outputs that are computed at a time by Winograd's method; 0: by another one. */
int64_t tw_work_winograd_side(const tw_kernel *kernel);

/** Our own convolution of 3 x 3 (engine/winograd.h): blocks of outputs that it transforms at a time, and the workspace in bytes. */
int64_t tw_work_fused_block(int64_t out_w, int64_t out_h);
int64_t tw_work_fused(int64_t in, int64_t out, int lanes, int64_t out_w, int64_t out_h);

/** The same for the product inside a deconvolution: its unfolded result included. */
int64_t tw_work_deconvolution(const tw_machine *machine, const tw_kernel *kernel, int64_t in_w, int64_t in_h);

/** On a Vulkan device (with Winograd of 4 x 4 as the engine sets it): whether it is used, and the bytes of a layer's weights. */
bool tw_work_device_winograd(const tw_kernel *kernel);
int64_t tw_work_device_weights(const tw_layer *layer);

/** Bytes the layer's weights hold once loaded, and what loading them takes for a moment on top. */
void tw_work_weights(const tw_machine *machine, const tw_layer *layer, int64_t *resident, int64_t *transient);

/** The kernel of a convolution layer whose input has `in` channels. */
tw_kernel tw_kernel_of(const tw_layer *layer, int64_t in);

/** What the engine's allocator takes for a request of that many bytes. */
int64_t tw_work_rounded(int64_t bytes);

#endif
