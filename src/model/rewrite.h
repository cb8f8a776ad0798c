/* SPDX-License-Identifier: MIT */
/** The text of a carried net: windows in front of layers, paddings inside them. Private to carry.c. */
#ifndef TW_MODEL_REWRITE_H
#define TW_MODEL_REWRITE_H

#include "model/carry.h"

/** Fills text, windows, dummy and hoisted of a carry whose lags are known. TW_ERROR_USAGE: which layer cannot be carried. */
tw_status tw_carry_rewrite(tw_carry *carry, const char *text, const char *label, tw_error *err);

/** The map by which a layer reads an input, its paddings settled. */
tw_map tw_carry_map(const tw_carry *carry, int layer, int input, int axis);

#endif
