/* SPDX-License-Identifier: MIT */
/** How many bytes of a .bin the layers of a graph take, found by walking them over the file as ncnn would. */
#ifndef TW_MODEL_WEIGHTS_H
#define TW_MODEL_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "model/graph.h"

/** Bytes [offset, offset + 4) of the weights as a little-endian number, or false past the end. */
typedef bool (*tw_weights_peek)(void *user, int64_t offset, uint32_t *tag);

/** TW_ERROR_INPUT when `length` is not what the graph needs; `label` names the .bin. Graphs with layers whose weights this
 *  does not know are checked up to the first of them. */
tw_status tw_weights_check(const tw_graph *graph, const char *label, int64_t length, tw_weights_peek peek, void *user,
                           tw_error *err);

#endif
