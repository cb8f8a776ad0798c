/* SPDX-License-Identifier: MIT */
/** Pieces of both pictures, laid over each other, for the page. Private to src/ops/register. */
#ifndef TW_REGISTER_PIECES_H
#define TW_REGISTER_PIECES_H

#include "base/newfile.h"
#include "ops/register/state.h"

/** Bytes that takes. */
#define TW_PIECES_BYTES (INT64_C(8) << 20)

/** A picture inside the page: w x h of 0xRRGGBB. */
void tw_page_picture(tw_newfile *file, const uint32_t *rgb, int w, int h, const char *style, const char *label);
/** state->level_lattice and level_affine are the level's. */
tw_status tw_page_pieces(tw_op_state *state, int level, tw_newfile *file, tw_error *err);

#endif
