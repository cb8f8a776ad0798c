/* SPDX-License-Identifier: MIT */
/** What ncnn 1.0.20261020's layers can do on x86: which take channels in packs, which write over their input. Internal. */
#ifndef TW_MODEL_PACKING_H
#define TW_MODEL_PACKING_H

#include "model/graph.h"

/** `names`: types between single blanks. */
bool tw_type_listed(const char *type, const char *names);
/** It takes channels in the widest packs that fit their number; others want them one by one. */
bool tw_layer_packs(const tw_layer *layer);
/** It takes them as they come. */
bool tw_layer_any_pack(const tw_layer *layer);
/** It writes its result over its input. */
bool tw_layer_in_place(const tw_layer *layer);

/** First channel that a Crop keeps of so many. */
int tw_crop_first(const tw_layer *layer, int channels);

#endif
