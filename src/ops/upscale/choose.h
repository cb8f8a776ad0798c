/* SPDX-License-Identifier: MIT */
/** The net that is run when nobody names one. Private to src/ops/upscale. */
#ifndef TW_OPS_UPSCALE_CHOOSE_H
#define TW_OPS_UPSCALE_CHOOSE_H

#include "ops/op.h"

typedef struct tw_chosen {
    char model[96], why[160];
} tw_chosen;

/** One of the built-in nets, by --scale and by what the source's header or, for other formats, its pixels tell about its damage: restore
 *  nets for JPEGs whose quantisation shows, photo nets for all others. */
void tw_upscale_choose_model(const tw_op_request *request, tw_chosen *out);

/** tw_op_class.look: for blocks that an earlier JPEG encoding left, in the first megapixels, where neither options nor the header tell
 *  what to run. */
int64_t tw_upscale_look_bytes(const tw_op_request *request);
int64_t tw_upscale_look_rows(const tw_op_request *request, int input);
tw_status tw_upscale_look(const tw_op_request *request, tw_seen *out, tw_error *err);

#endif
