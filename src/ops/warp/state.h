/* SPDX-License-Identifier: MIT */
/** The operator's state and the parts it is made of. Private to src/ops/warp.
 *
 *  A step goes through its tile in blocks of points. Their coordinates are computed once; a block's points, or where the input is read at
 *  random and their pixels do not fit the worker's room, a part of them, are then taken in patches that fit the cache: the pixels
 *  around a patch become a window of floats, borders included, and the kernel reads nothing else. */
#ifndef TW_WARP_STATE_H
#define TW_WARP_STATE_H

#include "field/field.h"
#include "field/files.h"
#include "ops/op.h"
#include "ops/warp/geometry.h"
#include "ops/warp/kernel.h"

#define TW_WARP_BLOCK       128       /* side of a block, points */
#define TW_WARP_PATCH_ROWS  32        /* of a patch, TW_WARP_RUN points wide */
#define TW_WARP_WINDOW      24576     /* pixels of a window at most: patches are cut until theirs fit */
#define TW_WARP_WINDOW_ROWS 1024      /* rows of it at most */
#define TW_WARP_READ        (4 << 20) /* bytes of pixels read at random at once, at most; and 2^18 pixels */
#define TW_WARP_BANDS       4096      /* parts of the result's height whose source rows are known beforehand, at most */

/** What a worker holds, whatever its tile: one allocation. */
typedef struct tw_warp_worker {
    char *memory;
    double *x, *y;     /* of a block's points, rows of TW_WARP_BLOCK */
    float *cover;      /* the same */
    bool *covered;     /* rows of the block that need no cover */
    float *window;     /* TW_WARP_WINDOW pixels */
    const char **rows; /* of a window: where each begins in memory, at column `origin` of the input */
    int64_t origin;
    float *line;   /* TW_WARP_RUN points of 4 lanes */
    char *pixels;  /* RANDOM: what is read at once */
    void *scratch; /* the field's */
    tw_warp_points points;
} tw_warp_worker;

/** Source rows that a band of the result's rows reads. */
typedef struct tw_warp_band {
    tw_span rows;
    int64_t first; /* the least row that this band or one below it reads: rows above are not needed any more */
} tw_warp_band;

struct tw_op_state {
    tw_context *context;
    tw_source *source;
    int64_t fit[2]; /* what the result is resampled to at the end; 0: it stays */
    const char *field_label;
    const char *field_kind; /* of the file, for the report */
    const tw_field *field;
    tw_field *own;                      /* the same where a file told it, else NULL */
    int64_t field_bytes, field_scratch; /* what reading it takes besides */
    tw_picture in, out;
    tw_warp_plane plane;
    float background[TW_MOST_BANDS]; /* colours on the input's scale; with 4 lanes and no more bands, [3] is alpha, 1 opaque */
    int lanes;                       /* 1 or 4; more bands than 4 are taken in groups of 4 */
    bool random;                     /* the input is read at random */
    bool part;                       /* a tiled file of which the result cannot show most */
    bool bounded;                    /* bounds of the field are known */
    double shift[2][2];              /* least and greatest shift of a point on x, y, where they are */
    bool one_tile;                   /* --max-warp-pixels: wished for */
    bool tiles;                      /* never one */
    int64_t band_rows;               /* RECT: rows of the result that a band has */
    int64_t n_bands;
    tw_warp_band *bands;
    int n_workers;
    tw_warp_worker *workers;
};

/* field.c */

/** Reads the field that --field names, checks it, and notes what its file says of the picture. */
tw_status tw_warp_open_field(tw_op_state *state, const tw_op_request *request, tw_field_about *about, tw_error *err);

/* reach.c */

/** Finds the source rows of each band of the result. */
void tw_warp_lay_bands(tw_op_state *state);
tw_rect tw_warp_need(const tw_op_state *state, int pass, int input, tw_rect out);

/* step.c */

/** Bytes of one worker. */
int64_t tw_warp_worker_bytes(const tw_op_state *state);
tw_status tw_warp_worker_open(const tw_op_state *state, tw_account *account, tw_warp_worker *worker, tw_error *err);
tw_status tw_warp_run(tw_op_state *state, tw_step *step, tw_error *err);

/* finish.c */

/** Makes n samples of a window, bands from `first` on, what the result shows: colours not multiplied with alpha, background by the cover
 *  (NULL: all covered). */
void tw_warp_finish(const tw_op_state *state, const tw_warp_worker *worker, const tw_warp_window *window, int first,
                    const float *cover, int64_t n, float *line);
/** The same for nearest: whole pixels, in a row of the result. */
void tw_warp_pick(const tw_op_state *state, const tw_warp_worker *worker, int64_t top, const double *x, const double *y,
                  const float *cover, int64_t n, char *out);

#endif
