/* SPDX-License-Identifier: MIT */
/** The net that is run when nobody names one. Private to src/ops/upscale. */
#ifndef TW_OPS_UPSCALE_CHOOSE_H
#define TW_OPS_UPSCALE_CHOOSE_H

#include "base/options.h"
#include "image/source.h"

typedef struct tw_chosen {
    char model[96], why[160];
} tw_chosen;

/** One of the built-in nets, by --scale and by what the source's header tells about its damage: restore nets for JPEGs whose
 *  quantisation shows, photo nets for all others. */
void tw_upscale_choose_model(const tw_options *options, const tw_source *source, tw_chosen *out);

#endif
