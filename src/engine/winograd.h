/* SPDX-License-Identifier: MIT */
/** Convolutions of 3 x 3 by Winograd's method, 4 x 4 outputs at a time, on the points 0, +-1/sqrt 2, +-sqrt 2 and infinity (A. Lavin,
 *  S. Gray, Fast algorithms for convolutional neural networks, 2016; B. Barabasz et al., Error analysis and improving the accuracy of
 *  Winograd convolution, 2020). They read rows wherever these lie, so that nothing has to be put together in front of them. Channels
 *  come in packs as wide as a vector register, so every step of it works on whole registers. Private to src/engine. */
#ifndef TW_ENGINE_WINOGRAD_H
#define TW_ENGINE_WINOGRAD_H

#include <stdbool.h>
#include <stdint.h>

#define TW_WINOGRAD_SIDE   4
#define TW_WINOGRAD_REACH  6 /* a block of outputs reads 6 x 6 inputs */
#define TW_WINOGRAD_POINTS 36

/** A convolution, its weights transformed. `in` and `out` channels are multiples of `lanes`. */
typedef struct tw_winograd {
    int in, out, lanes;
    float *weights; /* [point][group of out channels][in][of the group] */
    float *bias;    /* [out] */
    float *slope;   /* [out], what negative results are multiplied with; NULL: they stay */
} tw_winograd;

/** A row of the input, for one pack of channels: samples of columns [left.lo, left.hi) and [main.lo, main.hi) of the input, which
 *  meet; all others are 0. Pointers are to where column 0 would be. */
typedef struct tw_winograd_row {
    const float *left, *main;
    bool inside; /* false: zeros */
} tw_winograd_row;

/** One call: out_h + 2 rows of each pack of channels, packs one after the other. */
typedef struct tw_winograd_call {
    const tw_winograd_row *rows;
    int64_t begin, seam, end; /* left columns are [begin, seam), main ones [seam, end) */
    int64_t out_w, out_h;
    float *to;       /* packed: [pack][out_h][out_w][lanes] */
    int64_t to_step; /* floats from one pack to the next */
    float *work;     /* tw_work_fused bytes, aligned to 64 */
    int64_t block;   /* blocks of outputs that are transformed at a time: tw_work_fused_block */
} tw_winograd_call;

/** Transforms weights [out][in][3][3]. The struct owns what it has; false: no memory. `lanes`: 16, 8 or 4, as the processor has it. */
bool tw_winograd_init(tw_winograd *w, int lanes, int in, int out, const float *weights);
void tw_winograd_clear(tw_winograd *w);
void tw_winograd_run(const tw_winograd *w, const tw_winograd_call *call);

#endif
