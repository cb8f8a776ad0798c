/* SPDX-License-Identifier: MIT */
#include "ops/device.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gpu.h"
#include "model/memory.h"

/* Host memory that a driver with its compilers takes, whatever the net, and for each layer's shaders: deep nets repeat theirs.
 * Measured with llvmpipe (docs/gpu.md). */
#define DRIVER_BYTES (INT64_C(128) << 20)
#define SHADER_BYTES (INT64_C(1) << 20)
#define MOST_SHADERS 64

tw_status tw_op_device_choose(tw_op_device *device, const tw_options *options, tw_error *err)
{
    const char *text = tw_options_text(options, "device");
    *device = (tw_op_device){.number = -1};
    if (strncmp(text, "gpu", 3) != 0)
        return TW_OK;
    char *end = NULL;
    errno = 0;
    long number = text[3] == ':' ? strtol(text + 4, &end, 10) : 0;
    if (errno || (end && (*end || end == text + 4)) || number < 0 || number > 1000)
        return tw_fail(err, TW_ERROR_USAGE, "--device %s: gpu:N with N from 0", text);
    char name[256];
    TW_TRY(tw_gpu_acquire((int)number, name, sizeof name, err));
    device->number = (int)number;
    device->shared = tw_gpu_shares_memory(device->number);
    device->largest_buffer = tw_gpu_largest_buffer(device->number);
    device->budget = tw_max64(tw_options_size(options, "vram", tw_gpu_memory_available(device->number)), 1);
    return TW_OK;
}

void tw_op_device_release(tw_op_device *device)
{
    if (tw_op_device_used(device))
        tw_gpu_release();
    *device = (tw_op_device){.number = -1};
}

void tw_op_device_facts(const tw_op_device *device, const tw_graph *graph, tw_op_facts *out)
{
    int64_t weights = tw_memory_weights_device(graph), layers = 0;
    for (int i = 0; i < graph->n_layers; i++)
        layers += strcmp(graph->layers[i].type, "Split") != 0 && strcmp(graph->layers[i].type, "Input") != 0;
    /* staging while the weights are loaded: as much again, on the host */
    out->device_bytes = DRIVER_BYTES + tw_min64(layers, MOST_SHADERS) * SHADER_BYTES + weights + (device->shared ? weights : 0);
    out->vram_fixed = weights;
    out->vram_budget = device->budget;
    out->one_worker = true;
}

int64_t tw_op_device_cap(const tw_op_device *device, const tw_graph *graph)
{
    return tw_max64(device->budget - tw_memory_weights_device(graph), 1);
}

void tw_op_device_seen(tw_op_device_peak *peak, const tw_engine_worker *worker)
{
    int64_t used;
    peak->held = tw_max64(peak->held, tw_engine_worker_device_peak(worker, &used));
    peak->used = tw_max64(peak->used, used);
}

void tw_op_device_report(const tw_engine *engine, const tw_op_device_peak *peak, void *json)
{
    int on_device, on_cpu;
    tw_engine_layers(engine, &on_device, &on_cpu);
    json_object_set_new(json, "device_layers", json_pack("{s:i,s:i}", "gpu", on_device, "cpu", on_cpu));
    json_object_set_new(json, "vram_tile_bytes",
                        json_pack("{s:I,s:I}", "held", (json_int_t)peak->held, "used", (json_int_t)peak->used));
}
