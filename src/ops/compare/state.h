/* SPDX-License-Identifier: MIT */
/** The operator's state and the parts it is made of. Private to src/ops/compare.
 *
 *  Samples become whole numbers of one scale, on which `white` is 255, 65535 or (float) 2^24, the deeper picture's.
 *  Every sum is a sum of integers, so that no tiling and no order of workers can change the last digit of a result. */
#ifndef TW_COMPARE_STATE_H
#define TW_COMPARE_STATE_H

#include "ops/op.h"

#define TW_SSIM_TAPS    11 /* a side of the Gaussian window */
#define TW_SSIM_REACH   5
#define TW_SSIM_MOMENTS 5  /* means of a, b, aa, bb, ab */
#define TW_SSIM_BITS    40 /* a window's SSIM is summed in units of 2^-40 */
#define TW_LUMA_BITS    12 /* the luma that SSIM sees is in units of 2^-12 of an 8-bit level */
#define TW_SCALE_BITS   54
#define TW_LEVELS       4 /* 0, 1, 2, 3 and more 8-bit levels */

/** What is summed over pixels. */
typedef struct tw_compare_sums {
    int64_t differing; /* samples, alpha's too */
    int64_t levels[TW_LEVELS];
    int64_t max, max_x, max_y; /* the first in raster order */
    int max_band;
    unsigned __int128 absolute, squares; /* of colour samples */
    unsigned __int128 luma_squares;
    __int128 shift[3];           /* b - a */
    __int128 ssim, ssim_colours; /* of luma; of all colours together */
    int64_t windows;
} tw_compare_sums;

/** What one step hands to reduce. A line sum adds |gradient of b - a| across the line in front of a column or row. */
typedef struct tw_compare_value {
    tw_compare_sums sums;
    tw_rect core;   /* the step's pixels inside the area; may be empty */
    int64_t line[]; /* core.w columns, then core.h rows */
} tw_compare_value;

typedef struct tw_seam {
    double score;   /* |gradient| on the lines of the period over |gradient| elsewhere; 1: no seam */
    int64_t period; /* 0: none stands out */
} tw_seam;

/** What the report says, filled in when the pass ends. Infinite: the colours are equal. */
typedef struct tw_compare_result {
    double psnr, psnr_y;
    double ssim, ssim_rgb; /* NaN where no window fits, or it was not asked for */
    double max, mean;      /* 1/255 */
    tw_seam seam[2];       /* x, y */
} tw_compare_result;

struct tw_op_state {
    tw_context *context;
    const char *label[2];
    tw_depth depth[2];
    tw_picture picture; /* what both are, at the deeper depth */
    tw_rect area;       /* without the border that is left out */
    int64_t white;
    int64_t level[TW_LEVELS];        /* the smallest difference that counts as this 8-bit level */
    int64_t luma_weight[3];          /* of 1000 * (Y - 16), per white */
    int64_t luma_scale;              /* from those units to 8-bit levels, times 2^TW_SCALE_BITS */
    int luma_shift;                  /* right shift of luma differences before they are squared */
    int planes;                      /* that SSIM is made of: luma, and the colours where they were asked for */
    int64_t grid[2];                 /* 0: search */
    double max_difference, min_psnr; /* negative: not asked */
    tw_compare_sums total;
    int64_t *lines[2]; /* line sums by column and by row of the picture */
    tw_compare_result result;
};

/** One step's memory: rows of the pixels it reads, samples interleaved. */
typedef struct tw_compare_rows {
    tw_rect in, core;                  /* core and its context inside the area */
    tw_span centres;                   /* columns of the core where a window fits */
    int64_t *sample[2], *diff, *above; /* in.w * bands; `above`: diff of the row above */
    int64_t *plane[2], *product[3];    /* in.w */
    int64_t *ring;                     /* for each plane TW_SSIM_TAPS rows of TW_SSIM_MOMENTS horizontal means of `centres` */
    int64_t *moment[TW_SSIM_MOMENTS];  /* in.w */
} tw_compare_rows;

/* measure.c */

/** Bytes of a step's rows for a core `w` pixels wide. */
int64_t tw_compare_row_bytes(const tw_op_state *state, int64_t w);
/** Bytes of a step's value. */
int64_t tw_compare_value_bytes(int64_t w, int64_t h);
tw_status tw_compare_run(tw_op_state *state, tw_step *step, tw_error *err);

/* ssim.c */

/** Takes row `y` of rows->sample in; when that completes the windows of a row of the core, adds them to the sums. */
void tw_compare_windows(const tw_op_state *state, tw_compare_rows *rows, int64_t y, tw_compare_sums *sums);

/* seam.c */

/** Judges the lines of one axis; lines[i] is the sum of `samples` gradients in front of column or row i, `span` is the
 *  area. `period` 0: searched for. `floor` is the gradient that nobody could see: it keeps the ratio of two nothings
 *  at 1. */
tw_seam tw_compare_seam(const int64_t *lines, tw_span span, int64_t period, double samples, double floor);

/* report.c */
void tw_compare_conclude(tw_op_state *state);
void tw_compare_report(const tw_op_state *state, void *json);

#endif
