/* SPDX-License-Identifier: MIT */
/** An ncnn .param text as a graph. The text is treated as hostile: every count and number is bounded, every name
 *  checked. */
#ifndef TW_MODEL_GRAPH_H
#define TW_MODEL_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/** One key=value of a layer. Arrays (keys below -23300 in the text, or comma lists) have n > 1 or is_array set. */
typedef struct tw_param {
    int key; /* 0..63; array keys are stored as the plain key */
    bool is_array;
    int n;
    double *values; /* n numbers; NULL for text */
    char *text;     /* expression strings; NULL for numbers */
} tw_param;

typedef struct tw_layer {
    char *type;
    char *name;
    int n_inputs, n_outputs;
    int *inputs, *outputs; /* blob indices */
    int n_params;
    tw_param *params;
} tw_layer;

typedef struct tw_blob {
    char *name;
    int producer;  /* layer index */
    int consumers; /* how many layer inputs read it */
} tw_blob;

typedef struct tw_graph {
    int n_layers, n_blobs;
    tw_layer *layers;
    tw_blob *blobs;
    int *by_name; /* blob indices in the order of their names, for tw_graph_blob */
} tw_graph;

/** Parses `text` (`length` bytes, need not end in 0). `label` names the file in messages (TW_ERROR_INPUT with the line
 *  number). Layers must be in an order in which every input is already produced; each blob has one producer. */
tw_status tw_graph_parse(const char *text, size_t length, const char *label, tw_graph **out, tw_error *err);
void tw_graph_free(tw_graph *graph);
int tw_graph_blob(const tw_graph *graph, const char *name); /* index or -1 */

/** The same samples under the name they have in front of all Splits. */
int tw_graph_unsplit(const tw_graph *graph, int blob);

/** A number of layer `l`, or `fallback` where the key is absent. */
double tw_layer_real(const tw_layer *layer, int key, double fallback);
int tw_layer_int(const tw_layer *layer, int key, int fallback);
const tw_param *tw_layer_param(const tw_layer *layer, int key);

#endif
