/* SPDX-License-Identifier: MIT */
/* libFuzzer: any bytes as a .param text, then its geometry, then the memory of a small tile. Nothing may crash,
 * overflow or hang. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "model/interval.h"
#include "model/lower.h"
#include "model/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is lowered is a graph again. */
static void lower(const tw_graph *graph, const tw_geometry *geometry, const char *data, size_t size)
{
    tw_error err = TW_ERROR_NONE;
    tw_graph *again;
    char *text = memchr(data, 0, size) ? NULL : strndup(data, size), *low = text ? tw_lower(graph, geometry, text) : NULL;
    if (low && tw_graph_parse(low, strlen(low), "lowered", &again, &err) == TW_OK)
        tw_graph_free(again);
    else if (low && graph->n_layers < 1000) /* longer ones may exceed what a graph can hold */
        abort();
    free(text);
    g_free(low);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tw_error err = TW_ERROR_NONE;
    tw_graph *graph;
    tw_geometry *geometry;
    if (tw_graph_parse((const char *)data, size, "fuzz", &graph, &err) != TW_OK)
        return 0;
    if (tw_geometry_of(graph, "fuzz", &geometry, &err) == TW_OK) {
        int64_t n = 64 * geometry->size_multiple;
        for (int axis = 0; axis < 2; axis++) {
            int64_t length = tw_geometry_length(graph, geometry, geometry->output, axis, n);
            tw_span all = tw_geometry_need(graph, geometry, axis, n, (tw_span){0, length});
            tw_span part = tw_geometry_need(graph, geometry, axis, n, (tw_span){length / 3, length / 2});
            if (all.lo < 0 || all.hi > n || part.lo < 0 || part.hi > n)
                abort();
            if (geometry->n_barriers > 0)
                tw_geometry_owned_from(graph, geometry, geometry->barriers[0].input_blob, axis, n, length / 2);
        }
        if (tw_memory_tile(graph, geometry, false, 64, 64) < 0 || tw_memory_weights(graph, geometry) < 0)
            abort();
        lower(graph, geometry, (const char *)data, size);
        tw_geometry_free(geometry);
    }
    tw_graph_free(graph);
    return 0;
}
