/* SPDX-License-Identifier: MIT */
/** What a tile of an upscale takes on its Vulkan device, and beside it on the host. */
#include "ops/upscale/device.h"

#include <glib.h>

#include "model/interval.h"
#include "model/memory.h"
#include "ops/upscale/state.h"

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
    return largest > state->device.largest_buffer ? INT64_MAX / 4 : bytes;
}

int64_t tw_upscale_host_tile(const tw_op_state *state, int pass, int64_t tile_w, int64_t tile_h)
{
    int64_t input = tile_w * tile_h * 12, result = result_bytes(state, pass, tile_w, tile_h);
    /* the tensor and its staging buffer; the results' staging, as they come (four channels interleaved), and in planes */
    int64_t bytes = 2 * input + 3 * result + (256 << 10);
    return state->device.shared ? bytes + tw_upscale_device_tile(state, tile_w, tile_h) : bytes;
}
