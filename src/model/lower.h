/* SPDX-License-Identifier: MIT */
/** Layers that need the whole picture, put into words that passes can follow: a statistic of each channel, and layers that look at one
 *  sample and such vectors only. InstanceNorm, GroupNorm and MVN become a mean and a variance, a difference, a product and a Scale;
 *  reductions become a pointwise layer, a sum, mean, maximum or minimum over rows and columns, and what is left to do with that vector.
 *  Weights are read by layers of the same sizes in the same order. */
#ifndef TW_MODEL_LOWER_H
#define TW_MODEL_LOWER_H

#include "model/geometry.h"

/** The text that `graph` was parsed from with those layers lowered; NULL when there are none: nothing is written anew then. The caller
 *  frees it with g_free. Layers for which there is no rule stay as they are. */
char *tw_lower(const tw_graph *graph, const tw_geometry *geometry, const char *text);

#endif
