/* SPDX-License-Identifier: MIT */
#include "model/memory.h"
#include "model/workspace.h"

int64_t tw_memory_weights(const tw_graph *graph, const tw_geometry *geometry)
{
    /* what ncnn itself brings into memory with its first net: code, tables, the processor's description */
    static const int64_t library = 12 << 20;
    tw_machine machine = tw_machine_here();
    int64_t sum = 0, most = 0;
    (void)geometry;
    for (int i = 0; i < graph->n_layers; i++) {
        int64_t resident, transient;
        tw_work_weights(&machine, &graph->layers[i], &resident, &transient);
        sum += resident;
        most = tw_max64(most, transient);
    }
    return library + sum + sum / 12 + most; /* a twelfth: holes in the heap, measured with x4plus (351 convolutions): 6 % */
}

int64_t tw_memory_weights_device(const tw_graph *graph)
{
    static const int64_t block = 8 << 20; /* ncnn's blocks for weights */
    int64_t sum = 0, blocks;
    for (int i = 0; i < graph->n_layers; i++)
        sum += tw_work_device_weights(&graph->layers[i]);
    blocks = tw_ceil_div(sum, block) + 1;
    return blocks * block + sum / 8;
}
