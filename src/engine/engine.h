/* SPDX-License-Identifier: MIT */
/** Engines turn tensors into tensors. Two kinds: ncnn (the only code that knows ncnn) and the caller's own callback.
 *  One engine (weights) is shared by all workers; a worker is one thread's arena, counted and capped by an account. */
#ifndef TW_ENGINE_ENGINE_H
#define TW_ENGINE_ENGINE_H

#include "base/account.h"
#include "base/error.h"
#include "base/tensor.h"
#include "engine/kept.h"
#include "engine/sampler.h"
#include "model/model.h"
#include "model/stages.h"
#include "tilewright/engine.h"

typedef struct tw_engine tw_engine;
typedef struct tw_engine_worker tw_engine_worker;

#define TW_ENGINE_BLOBS (TW_MAX_BARRIERS + 2 * TW_MAX_SPILLS) /* enough for every stage, and for all that is injected */

/** One run: named inputs (of any blob, so that later passes can inject vectors) and named results. */
typedef struct tw_engine_call {
    int n_in, n_out;
    struct {
        const char *blob;
        const tw_tensor *tensor;
        bool vector; /* c values without a plane, as a global pooling gives them */
    } in[TW_ENGINE_BLOBS];
    struct {
        const char *blob;
        tw_tensor *tensor; /* filled; release with tw_tensor_release in the same thread */
    } out[TW_ENGINE_BLOBS];
    /* A carried net: the step, and the worker's number in `kept`. The caller commits. Results of which the step makes nothing stay
     * empty. */
    tw_kept *kept;
    int worker;
    int64_t column, row;
    tw_sampler_view *warp; /* a flow net: what its Warps sample */
} tw_engine_call;

/** `device`: -1 CPU float32, 0.. Vulkan device. `carry` (may be NULL): the net as that has it, which runs in steps only (CPU).
 *  A flow net is opened as model->flow has it.
 *  Loads the weights, counted against `account` by `weight_bytes`. Model and carry must outlive the engine. */
tw_status tw_engine_open_ncnn(const tw_model *model, const tw_carry *carry, int device, tw_account *account,
                              int64_t weight_bytes, tw_engine **out, tw_error *err);
/** Wraps the caller's functions; `close` is called by the last tw_engine_unref. */
tw_status tw_engine_open_callbacks(const char *name, const tw_engine_callbacks *callbacks, tw_engine **out, tw_error *err);

/** The caller's struct as this version has it, zero where an earlier one ends; false for a size that no version had. */
bool tw_engine_known_callbacks(const tw_engine_callbacks *callbacks, tw_engine_callbacks *out);

tw_engine *tw_engine_ref(tw_engine *engine);
/** NULL is allowed; the last one frees the weights. */
void tw_engine_unref(tw_engine *engine);
/** "cpu" or the GPU's name. */
const char *tw_engine_device(const tw_engine *engine);

/** Version of ncnn, on which the rounding of results depends. Static. */
const char *tw_engine_version(void);

/** Convolutions and the like that run on a Vulkan device, and those that a device was asked for but the CPU runs. */
void tw_engine_layers(const tw_engine *engine, int *on_device, int *on_cpu);

/** A worker for one thread; its arena takes from `account` (which may be capped). */
tw_status tw_engine_worker_new(tw_engine *engine, tw_account *account, tw_engine_worker **out, tw_error *err);
void tw_engine_worker_free(tw_engine_worker *worker);
/** Most bytes of device memory that the worker's runs may hold, 0: no limit. Before the first run. */
void tw_engine_worker_cap_device(tw_engine_worker *worker, int64_t bytes);
/** Foresees so much device memory for the next run; without effect on the CPU. */
void tw_engine_worker_reserve_device(tw_engine_worker *worker, int64_t bytes);
/** Device bytes that its runs held at most, and those in use at the same time; 0 on the CPU. */
int64_t tw_engine_worker_device_peak(const tw_engine_worker *worker, int64_t *used);

/** An input tensor in the worker's arena, contents undefined; release it in the same thread. */
tw_status tw_engine_tensor(tw_engine_worker *worker, int64_t w, int64_t h, int64_t c, tw_tensor *out, tw_error *err);
/** Runs in the calling thread, which must be the worker's. TW_ERROR_BUDGET when the arena's cap was met, TW_ERROR_RUN or
 *  TW_ERROR_DEVICE otherwise; results are then empty. */
tw_status tw_engine_run(tw_engine_worker *worker, tw_engine_call *call, tw_error *err);

/** Runs process_pair of the caller's engine, which has it. TW_ERROR_RUN when it fails. Threads as above. */
tw_status tw_engine_run_pair(tw_engine_worker *worker, const tw_pair_tile *tile, float *out, tw_error *err);

#endif
