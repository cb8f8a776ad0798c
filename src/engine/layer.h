/* SPDX-License-Identifier: MIT */
/** What all layers of our own are made of: one blob in, one out. Private to src/engine. */
#ifndef TW_ENGINE_LAYER_H
#define TW_ENGINE_LAYER_H

#include <ncnn/c_api.h>

static inline ncnn_layer_t tw_layer_new(void)
{
    ncnn_layer_t layer = ncnn_layer_create();
    ncnn_layer_set_one_blob_only(layer, 1);
    return layer;
}

static inline void tw_layer_free(ncnn_layer_t layer, void *user)
{
    (void)user;
    ncnn_layer_destroy(layer);
}

#endif
