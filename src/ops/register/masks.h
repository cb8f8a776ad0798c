/* SPDX-License-Identifier: MIT */
/** --mask-fixed, --mask-moving: pictures that say which pixels count. Private to src/ops/register. */
#ifndef TW_REGISTER_MASKS_H
#define TW_REGISTER_MASKS_H

#include "ops/register/state.h"

/** TW_ERROR_INPUT for a mask that is not as large as its picture. */
tw_status tw_masks_open(tw_op_state *state, const tw_op_request *request, tw_error *err);
void tw_masks_close(tw_op_state *state);
/** Bytes that a worker takes besides for rectangles w pixels wide. Pure. */
int64_t tw_mask_bytes(const tw_op_state *state, int picture, int64_t w);
/** Sets pixels of a row of grey that do not count to 0. `room` holds tw_mask_bytes. Any thread. */
tw_status tw_mask_row(const tw_op_state *state, int picture, tw_rect row, void *room, uint16_t *grey, tw_error *err);

#endif
