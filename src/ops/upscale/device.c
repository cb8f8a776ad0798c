/* SPDX-License-Identifier: MIT */
/** The Vulkan device an upscale runs on: which, how much memory it has, what a tile takes there and on the host. */
#include "ops/upscale/device.h"

#include <errno.h>
#include <glib.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gpu.h"
#include "model/interval.h"
#include "model/memory.h"
#include "ops/upscale/state.h"

/* Host memory that a driver with its compilers takes, whatever the net, and for each layer's shaders: deep nets repeat theirs.
 * Measured with llvmpipe (docs/gpu.md). */
#define DRIVER_BYTES (INT64_C(128) << 20)
#define SHADER_BYTES (INT64_C(1) << 20)
#define MOST_SHADERS 64

tw_status tw_upscale_choose_device(tw_op_state *state, const tw_options *options, tw_error *err)
{
    const char *text = tw_options_text(options, "device");
    tw_upscale_device *device = &state->gpu;
    state->device = -1;
    if (strncmp(text, "gpu", 3) != 0)
        return TW_OK;
    if (state->callbacks)
        return tw_fail(err, TW_ERROR_USAGE, "--device %s: the engine %s runs where it likes", text, state->name);
    char *end = NULL;
    errno = 0;
    long number = text[3] == ':' ? strtol(text + 4, &end, 10) : 0;
    if (errno || (end && (*end || end == text + 4)) || number < 0 || number > 1000)
        return tw_fail(err, TW_ERROR_USAGE, "--device %s: gpu:N with N from 0", text);
    char name[256];
    TW_TRY(tw_gpu_acquire((int)number, name, sizeof name, err)); /* the instance lives until the operator is closed */
    device->held = true;
    state->device = (int)number;
    device->shared = tw_gpu_shares_memory(state->device);
    device->free_bytes = tw_gpu_memory_available(state->device);
    device->largest_buffer = tw_gpu_largest_buffer(state->device);
    device->budget = tw_max64(tw_options_size(options, "vram", device->free_bytes), 1);
    return TW_OK;
}

void tw_upscale_release_device(tw_op_state *state)
{
    if (state->gpu.held)
        tw_gpu_release();
    state->gpu.held = false;
}

void tw_upscale_device_facts(const tw_op_state *state, tw_op_facts *out)
{
    const tw_graph *graph = state->model->graph;
    int64_t weights = tw_memory_weights_device(graph), layers = 0;
    for (int i = 0; i < graph->n_layers; i++)
        layers += strcmp(graph->layers[i].type, "Split") != 0 && strcmp(graph->layers[i].type, "Input") != 0;
    /* staging while the weights are loaded: as much again, on the host */
    out->device_bytes =
        DRIVER_BYTES + tw_min64(layers, MOST_SHADERS) * SHADER_BYTES + weights + (state->gpu.shared ? weights : 0);
    out->vram_fixed = weights;
    out->vram_budget = state->gpu.budget;
}

int64_t tw_upscale_device_cap(const tw_op_state *state)
{
    return tw_max64(state->gpu.budget - tw_memory_weights_device(state->model->graph), 1);
}

/* Bytes of the tensors that come back from the device in a pass. */
static int64_t result_bytes(const tw_op_state *state, int pass, int64_t tile_w, int64_t tile_h)
{
    const tw_geometry *g = state->model->geometry;
    int64_t bytes = tile_w * tile_h * state->scale * state->scale * 12;
    if (state->whole || pass >= state->levels)
        return bytes;
    int64_t *length[2] = {g_new0(int64_t, state->model->graph->n_blobs), g_new0(int64_t, state->model->graph->n_blobs)};
    bytes = 0;
    if (tw_geometry_lengths(state->model->graph, g, 0, tile_w, length[0], NULL) &&
        tw_geometry_lengths(state->model->graph, g, 1, tile_h, length[1], NULL))
        for (int i = 0; i < g->n_barriers; i++) {
            int blob = g->barriers[i].input_blob;
            if (g->barriers[i].level == pass)
                bytes += length[0][blob] * length[1][blob] * g->blobs[blob].channels * 4;
        }
    g_free(length[0]);
    g_free(length[1]);
    return bytes;
}

int64_t tw_upscale_device_tile(const tw_op_state *state, int64_t tile_w, int64_t tile_h)
{
    int64_t largest, bytes = tw_memory_tile_device(state->model->graph, state->model->geometry, tile_w, tile_h, &largest);
    return largest > state->gpu.largest_buffer ? INT64_MAX / 4 : bytes;
}

int64_t tw_upscale_host_tile(const tw_op_state *state, int pass, int64_t tile_w, int64_t tile_h)
{
    int64_t input = tile_w * tile_h * 12, result = result_bytes(state, pass, tile_w, tile_h);
    /* the tensor and its staging buffer; the results' staging, as they come (four channels interleaved), and in planes */
    int64_t bytes = 2 * input + 3 * result + (256 << 10);
    return state->gpu.shared ? bytes + tw_upscale_device_tile(state, tile_w, tile_h) : bytes;
}

void tw_upscale_device_report(const tw_op_state *state, void *json)
{
    int on_device, on_cpu;
    int64_t held = 0, used = 0;
    tw_engine_layers(state->engine, &on_device, &on_cpu);
    for (int i = 0; i < state->n_workers; i++) {
        int64_t in_use;
        held = tw_max64(held, tw_engine_worker_device_peak(state->workers[i], &in_use));
        used = tw_max64(used, in_use);
    }
    json_object_set_new(json, "device_layers", json_pack("{s:i,s:i}", "gpu", on_device, "cpu", on_cpu));
    json_object_set_new(json, "vram_tile_bytes", json_pack("{s:I,s:I}", "held", (json_int_t)held, "used", (json_int_t)used));
}
