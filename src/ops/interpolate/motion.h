/* SPDX-License-Identifier: MIT */
/** Motion between two small pictures, seen from the frame in between: for blocks of that frame the shift v such that the first picture at
 *  p - v * time shows what the second shows at p + v * (1 - time). From coarse to fine, by block search. */
#ifndef TW_INTERPOLATE_MOTION_H
#define TW_INTERPOLATE_MOTION_H

#include "base/account.h"
#include "base/error.h"
#include "base/rect.h"

#define TW_MOTION_BLOCK 8 /* pixels of a block's side */

/** Fields of one number per block, rows of blocks one behind the other. Owned; all 0 is allowed. */
typedef struct tw_motion {
    int64_t w, h;          /* of the pictures */
    int64_t columns, rows; /* of blocks */
    float *v[2];           /* x, y: pixels of the pictures from the first to the second */
    float *residual;       /* mean difference of what the two show there, 1 = white */
    void *block;
} tw_motion;

/** Bytes that the result takes, and those besides while it is made. Pure. */
int64_t tw_motion_bytes(int64_t w, int64_t h);
int64_t tw_motion_work_bytes(int64_t w, int64_t h);

/** `a` and `b`: w * h pixels of interleaved RGB, 1 = white. `coarse`: so many halvings of the pictures are left out, 0 to 4. TW_ERROR_BUDGET
 *  where memory is out. */
tw_status tw_motion_find(tw_account *account, const float *a, const float *b, int64_t w, int64_t h, double time, int coarse,
                         tw_motion *out, tw_error *err);
void tw_motion_free(tw_motion *motion);

/** Motion at a pixel, interpolated between the centres of blocks. */
void tw_motion_at(const tw_motion *motion, double x, double y, double v[2]);

/** The motions of blocks that touch `rect`, which is in pixels of the pictures and touches them: the median, and, where at least a sixteenth of the
 *  blocks goes more than `apart` pixels away from it along an axis, that of those; each block then counts for the nearer one. x and y are
 *  medians each by itself. Returns how many there are, 1 or 2; the first one has more blocks. */
int tw_motion_groups(const tw_motion *motion, tw_rect rect, double apart, double v[2][2]);

#endif
