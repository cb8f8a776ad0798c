/* SPDX-License-Identifier: MIT */
/** Interval maps from the parameters of the layers that look sideways. Internal to layers.c and its helpers. */
#ifndef TW_MODEL_CONVOLVE_H
#define TW_MODEL_CONVOLVE_H

#include "model/layers.h"

tw_status tw_convolution_maps(tw_shaper *shaper, bool transposed, tw_map *x, tw_map *y);
tw_status tw_pooling_maps(tw_shaper *shaper, tw_map *x, tw_map *y);
tw_status tw_interp_maps(tw_shaper *shaper, tw_map *x, tw_map *y);
tw_status tw_crop_maps(tw_shaper *shaper, tw_map *x, tw_map *y, int *channels);
tw_status tw_padding_maps(tw_shaper *shaper, tw_map *x, tw_map *y);

/** Shared by the families: the layer in hand, a failure that names it, a verdict that names it, a bounded parameter. */
const tw_layer *tw_shaper_layer(const tw_shaper *shaper);
tw_blob_geometry *tw_shaper_in(const tw_shaper *shaper, int input);
tw_status tw_shaper_fail(tw_shaper *shaper, const char *what);
void tw_shaper_inexact(tw_shaper *shaper, const char *why);
tw_status tw_shaper_int(tw_shaper *shaper, int key, int fallback, int lo, int hi, int64_t *out);

#endif
