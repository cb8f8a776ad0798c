/* SPDX-License-Identifier: MIT */
/** The ncnn engine, through its C API. One net for all workers; ncnn's allocations of a run go to the arena of the worker that
 *  runs it, found through a thread-local pointer (the C API has no allocator per extractor). */
#include <stdlib.h>
#include <string.h>

#include <ncnn/c_api.h>

#include "engine/carried.h"
#include "engine/engine_class.h"
#include "engine/gpu.h"
#include "engine/gpu_run.h"
#include "engine/log.h"
#include "engine/moment.h"
#include "engine/sampler_layer.h"
#include "model/packing.h"

typedef struct ncnn_engine {
    tw_engine base;
    const tw_model *model;
    const tw_carry *carry;
    ncnn_net_t net;
    ncnn_allocator_t blobs, workspace;
    tw_convolutions *convolutions;
    tw_account *account;
    int64_t weight_bytes;
    bool gpu, shared; /* on a Vulkan device; which shares the host's memory */
} ncnn_engine;

static _Thread_local tw_arena *current_arena;

static void *arena_malloc(ncnn_allocator_t allocator, size_t size)
{
    (void)allocator;
    /* ncnn's kernels may read up to 64 bytes past a blob. */
    return tw_arena_take(current_arena, size + 64);
}

static void arena_free(ncnn_allocator_t allocator, void *block)
{
    (void)allocator;
    tw_arena_give(block);
}

static ncnn_allocator_t new_allocator(void)
{
    ncnn_allocator_t allocator = ncnn_allocator_create_unlocked_pool_allocator();
    allocator->fast_malloc = arena_malloc;
    allocator->fast_free = arena_free;
    return allocator;
}

static void close_ncnn(tw_engine *base)
{
    ncnn_engine *engine = (ncnn_engine *)base;
    if (engine->net)
        ncnn_net_destroy(engine->net);
    tw_convolutions_free(engine->convolutions);
    if (engine->blobs)
        ncnn_allocator_destroy(engine->blobs);
    if (engine->workspace)
        ncnn_allocator_destroy(engine->workspace);
    if (engine->account)
        tw_account_give(engine->account, engine->weight_bytes);
    if (engine->gpu)
        tw_gpu_release();
    free(engine);
}

static ncnn_mat_t wrap(const tw_tensor *tensor, bool vector)
{
    if (vector)
        return ncnn_mat_create_external_1d((int)tensor->c, tensor->data, NULL);
    return ncnn_mat_create_external_3d((int)tensor->w, (int)tensor->h, (int)tensor->c, tensor->data, NULL);
}

static const tw_graph *graph_of(const ncnn_engine *engine)
{
    const tw_model *model = engine->model;
    return engine->carry ? engine->carry->net : model->flow ? model->flow->net : model->graph;
}

static const char *text_of(const ncnn_engine *engine)
{
    const tw_model *model = engine->model;
    if (engine->carry)
        return engine->carry->text;
    return model->flow ? model->flow->text : model->lowered ? model->lowered : model->param_text;
}

/* ncnn asks how many own what a layer is to write over, and crashes when it is nobody: such a layer gets a copy of the input. */
static bool is_written_over(const ncnn_engine *engine, const char *name)
{
    const tw_graph *graph = graph_of(engine);
    int blob = tw_graph_blob(graph, name);
    for (int i = 0; i < graph->n_layers && blob >= 0; i++)
        for (int k = 0; k < graph->layers[i].n_inputs; k++)
            if (tw_graph_unsplit(graph, graph->layers[i].inputs[k]) == blob && tw_layer_in_place(&graph->layers[i]))
                return true;
    return false;
}

static ncnn_mat_t wrap_input(const ncnn_engine *engine, const char *name, const tw_tensor *tensor, bool vector)
{
    ncnn_mat_t mat = wrap(tensor, vector);
    if (!mat || !is_written_over(engine, name))
        return mat;
    ncnn_mat_t own = ncnn_mat_clone(mat, engine->blobs);
    ncnn_mat_destroy(mat);
    return own;
}

/* Results stay in ncnn's own mat; the tensor only points into it. */
static void release_mat(tw_tensor *tensor)
{
    ncnn_mat_destroy(tensor->owner);
}

static bool unwrap(ncnn_mat_t mat, tw_tensor *out)
{
    int dims = ncnn_mat_get_dims(mat);
    if (dims < 1 || dims > 3 || ncnn_mat_get_elemsize(mat) != 4 || !ncnn_mat_get_data(mat))
        return false;
    int64_t w = ncnn_mat_get_w(mat), h = ncnn_mat_get_h(mat), c = ncnn_mat_get_c(mat);
    int64_t plane = (int64_t)ncnn_mat_get_cstep(mat);
    if (dims == 1)
        c = w, w = 1, h = 1, plane = 1;
    *out = (tw_tensor){w, h, c, plane, ncnn_mat_get_data(mat), mat, release_mat};
    return true;
}

/* ncnn gives Vulkan's result only in its log: "vkQueueSubmit failed -4". */
static int vulkan_result(void)
{
    const char *failed = strstr(tw_log_last(), " failed ");
    return failed && strncmp(tw_log_last(), "vk", 2) == 0 ? atoi(failed + strlen(" failed ")) : 0;
}

static tw_status no_blob(const ncnn_engine *engine, const char *blob, int code, tw_error *err)
{
    int result = engine->gpu ? vulkan_result() : 0;
    if (code == -100 || result == -1 || result == -2) /* out of host memory, out of device memory */
        return tw_fail(err, TW_ERROR_BUDGET, "engine: the tile does not fit its share of the memory budget");
    const char *said = tw_log_last();
    if (result == -4)
        return tw_fail(err, TW_ERROR_DEVICE, "engine: the device %s was lost", engine->base.device);
    return tw_fail(err, engine->gpu ? TW_ERROR_DEVICE : TW_ERROR_RUN, "engine: blob %s could not be computed (code %d%s%s)",
                   blob, code, *said ? ": " : "", said);
}

/* A carried step that makes nothing new of a blob gives an empty result. */
static bool gives_nothing(const tw_kept_step *step, const char *name)
{
    return step && !tw_kept_makes(step, tw_graph_blob(step->walk->carry->graph, name));
}

static tw_status extract_all(ncnn_extractor_t extractor, tw_engine_worker *worker, tw_engine_call *call, tw_kept_step *step,
                             tw_error *err)
{
    for (int i = 0; i < call->n_out; i++) {
        if (gives_nothing(step, call->out[i].blob))
            continue;
        ncnn_mat_t mat = NULL;
        bool refused = false;
        int code = worker->device ? tw_gpu_extract(extractor, call->out[i].blob, &mat, &refused)
                                  : ncnn_extractor_extract(extractor, call->out[i].blob, &mat);
        if (code == 0 && mat && unwrap(mat, call->out[i].tensor))
            continue;
        if (mat)
            ncnn_mat_destroy(mat);
        if (call->warp && call->warp->error.code != TW_OK)
            return tw_fail(err, call->warp->error.code, "%s", call->warp->error.message);
        if (tw_arena_refused(worker->arena) || refused)
            code = -100;
        return no_blob((ncnn_engine *)worker->engine, call->out[i].blob, code, err);
    }
    int code = step ? tw_carried_finish(extractor, step) : 0;
    if (code)
        return no_blob((ncnn_engine *)worker->engine, "to be kept", tw_arena_refused(worker->arena) ? -100 : code, err);
    return TW_OK;
}

static tw_status open_device(tw_engine_worker *worker, tw_error *err)
{
    ncnn_engine *engine = (ncnn_engine *)worker->engine;
    if (!engine->gpu || worker->device)
        return TW_OK;
    worker->device = tw_gpu_worker_new(engine->net, worker->account, worker->arena, engine->shared, worker->device_cap);
    return worker->device ? TW_OK : tw_fail_memory(err, "device worker", 0);
}

static void close_device(tw_engine_worker *worker)
{
    tw_gpu_worker_free(worker->device);
    worker->device = NULL;
}

int64_t tw_engine_worker_device_peak(const tw_engine_worker *worker, int64_t *used)
{
    *used = 0;
    return worker->device ? tw_gpu_worker_peak(worker->device, used) : 0;
}

static tw_status run_ncnn(tw_engine_worker *worker, tw_engine_call *call, tw_error *err)
{
    ncnn_engine *engine = (ncnn_engine *)worker->engine;
    ncnn_mat_t mats[TW_ENGINE_BLOBS] = {0};
    tw_status status = TW_OK;
    tw_kept_step *step = NULL;
    if (call->kept)
        TW_TRY(tw_kept_begin(call->kept, call->worker, call->column, call->row, &step, err));
    TW_TRY(open_device(worker, err));
    tw_arena_refused(worker->arena);
    tw_log_clear();
    current_arena = worker->arena;
    tw_carried_enter(engine->convolutions, step, engine->blobs, engine->workspace);
    tw_sampler_enter(call->warp, engine->blobs);
    ncnn_extractor_t extractor = ncnn_extractor_create(engine->net);
    if (worker->device) {
        tw_gpu_reserve(worker->device, worker->reserve);
        tw_gpu_attach(worker->device, extractor);
    }
    for (int i = 0; i < call->n_in && status == TW_OK; i++) {
        mats[i] = wrap_input(engine, call->in[i].blob, call->in[i].tensor, call->in[i].vector);
        if (mats[i] && !ncnn_mat_get_data(mats[i]))
            status = tw_fail(err, TW_ERROR_BUDGET, "engine: the tile does not fit its share of the memory budget");
        else if (!mats[i] || ncnn_extractor_input(extractor, call->in[i].blob, mats[i]) != 0)
            status = tw_fail(err, TW_ERROR_RUN, "engine: the model has no blob %s", call->in[i].blob);
    }
    if (status == TW_OK && step && tw_carried_input(extractor, step) != 0)
        status = tw_fail(err, TW_ERROR_RUN, "engine: a window without a blob");
    if (status == TW_OK)
        status = extract_all(extractor, worker, call, step, err);
    ncnn_extractor_destroy(extractor);
    if (worker->device)
        tw_gpu_settle(worker->device);
    current_arena = NULL;
    tw_carried_leave();
    tw_sampler_enter(NULL, NULL);
    for (int i = 0; i < call->n_in; i++)
        if (mats[i])
            ncnn_mat_destroy(mats[i]);
    return status;
}

static const tw_engine_class ncnn_class = {run_ncnn, close_ncnn, close_device};

static ncnn_option_t float32_options(const ncnn_engine *engine)
{
    ncnn_option_t options = ncnn_option_create();
    ncnn_option_set_num_threads(options, 1); /* never threads inside layers: workers take tiles instead */
    ncnn_option_set_use_vulkan_compute(options, engine->gpu);
    ncnn_option_set_use_fp16_packed(options, 0);
    ncnn_option_set_use_fp16_storage(options, 0);
    ncnn_option_set_use_fp16_arithmetic(options, 0);
    ncnn_option_set_use_bf16_packed(options, 0);
    ncnn_option_set_use_bf16_storage(options, 0);
    ncnn_option_set_use_cooperative_matrix(options, 0); /* would compute in fp16 */
    ncnn_option_set_use_local_pool_allocator(options, 0);
    ncnn_option_set_blob_allocator(options, engine->blobs);
    ncnn_option_set_workspace_allocator(options, engine->workspace);
    return options;
}

static tw_status load(ncnn_engine *engine, int device, tw_error *err)
{
    const tw_model *model = engine->model;
    ncnn_option_t options = float32_options(engine);
    ncnn_net_set_option(engine->net, options);
    ncnn_option_destroy(options);
    tw_log_clear();
    if (engine->gpu) {
        tw_gpu_set_options(engine->net);
        ncnn_net_set_vulkan_device(engine->net, device);
    }
    if (engine->carry)
        engine->convolutions = tw_carried_register(engine->net);
    else
        tw_moment_register(engine->net);
    tw_sampler_register(engine->net);
    if (ncnn_net_load_param_memory(engine->net, text_of(engine)) != 0)
        return tw_fail(err, TW_ERROR_INPUT, "%s: ncnn cannot read the graph", model->record.name);
    bool loaded;
    if (model->weights)
        loaded = ncnn_net_load_model_memory(engine->net, model->weights) > 0;
    else
        loaded = ncnn_net_load_model(engine->net, model->weights_path) == 0;
    int result = engine->gpu ? vulkan_result() : 0;
    if (result != 0)
        return tw_fail(err, result == -1 || result == -2 ? TW_ERROR_BUDGET : TW_ERROR_DEVICE,
                       "%s: the weights cannot be put on %s: %s", model->record.name, engine->base.device, tw_log_last());
    if (!loaded)
        return tw_fail(err, TW_ERROR_INPUT, "%s: the weights cannot be loaded (truncated or of another graph)",
                       model->weights ? model->record.name : model->weights_path);
    if (engine->gpu)
        tw_gpu_count_layers(engine->net, &engine->base.layers_on_device, &engine->base.layers_on_cpu);
    return TW_OK;
}

tw_status tw_engine_open_ncnn(const tw_model *model, const tw_carry *carry, int device, tw_account *account,
                              int64_t weight_bytes, tw_engine **out, tw_error *err)
{
    *out = NULL;
    ncnn_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return tw_fail_memory(err, "engine", sizeof *engine);
    engine->base.class = &ncnn_class;
    engine->base.refs = 1;
    engine->model = model;
    engine->carry = carry;
    tw_status status = TW_OK;
    strcpy(engine->base.device, "cpu");
    if (device >= 0) {
        status = tw_gpu_acquire(device, engine->base.device, sizeof engine->base.device, err);
        engine->gpu = status == TW_OK;
        engine->shared = engine->gpu && tw_gpu_shares_memory(device);
    }
    if (status == TW_OK && !tw_account_take(account, weight_bytes))
        status = tw_fail_memory(err, "weights", weight_bytes);
    else if (status == TW_OK)
        engine->account = account, engine->weight_bytes = weight_bytes;
    if (status == TW_OK) {
        engine->net = ncnn_net_create();
        engine->blobs = new_allocator();
        engine->workspace = new_allocator();
        status = load(engine, device, err);
    }
    if (status != TW_OK)
        close_ncnn(&engine->base);
    else
        *out = &engine->base;
    return status;
}

const char *tw_engine_version(void)
{
    return ncnn_version();
}
