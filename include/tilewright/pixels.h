/* SPDX-License-Identifier: MIT */
/** Pictures as plain pixels in the caller's memory, in and out, with no file format between. */
#ifndef TILEWRIGHT_PIXELS_H
#define TILEWRIGHT_PIXELS_H

#include <stdint.h>

#include "tilewright/error.h"
#include "tilewright/job.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Type of one sample, in the machine's byte order. White and opaque are 255, 65535 and 1. */
typedef enum tw_sample {
    TW_SAMPLE_U8 = 0,
    TW_SAMPLE_U16 = 1,
    TW_SAMPLE_F32 = 2, /**< may lie outside 0..1 */
} tw_sample;

/** How a picture lies in memory: rows from top to bottom, pixels from left to right, the bands of a pixel side by side.
 *  Alpha is straight (not premultiplied) and comes last. */
typedef struct tw_pixels {
    int64_t width, height; /**< pixels, 1 to 2147483647 each */
    int64_t row_bytes;     /**< from the start of one row to the start of the next; 0: no gaps */
    int32_t bands; /**< 1: grey, 2: grey and alpha, 3: RGB, 4: RGB and alpha; 5 to 64 (warp only): of no known meaning */
    tw_sample sample;
} tw_pixels;

/** Appends an input. The pixels stay the caller's; they must stay as they are until the job is freed, and may be read from any
 *  thread while the job runs. The plan does not count them: they are there already. They have no metadata, and nothing is
 *  decoded: an operator that reads its input at random needs no scratch for it. `label` (NULL: "pixels") names them in messages
 *  and reports. TW_ERROR_INPUT for NULL, sizes, bands and samples out of range, and rows that overlap; TW_ERROR_USAGE for more
 *  inputs than the operator takes. */
TW_API tw_status tw_job_input_pixels(tw_job *job, const tw_pixels *layout, const void *pixels, const char *label,
                                     tw_error *err);

/** The result into the caller's memory. `place` is called once in each run, in the thread that runs the job, after the plan and
 *  before anything is computed: `result` tells size, bands and sample, rows without gaps; it may set row_bytes to more. It
 *  returns the address of the first row, or NULL, with which the run fails as TW_ERROR_RUN. The memory is written by one thread
 *  of the job's until the run returns, and is the caller's before and after; the plan does not count it. After a failure it may
 *  hold the rows that were ready. Upright pixels: where the input has an orientation, it is applied. `place` must not be NULL.
 *  TW_ERROR_USAGE when the operator gives no picture. */
TW_API tw_status tw_job_output_pixels(tw_job *job, void *(*place)(void *user, tw_pixels *result), void *user, tw_error *err);

/** The result row by row, for results that no memory could hold. `begin` (may be NULL) is called as `place` above. `rows` gets
 *  rows [y, y + n), complete and without gaps, in order from 0 on, each once; the pixels are valid during the call only. It is
 *  called from one thread of the job's; while it works, the job computes at most the rows that the plan keeps in flight, and
 *  then waits. Anything but 0 from either ends the run with TW_ERROR_RUN. TW_ERROR_USAGE when the operator gives no picture. */
TW_API tw_status tw_job_output_rows(tw_job *job, int (*begin)(void *user, const tw_pixels *result),
                                    int (*rows)(void *user, int64_t y, int64_t n, const void *pixels), void *user,
                                    tw_error *err);

/** What the result is, rows without gaps, for any kind of output (before a container rounds it). Valid after tw_job_plan or
 *  tw_job_run returned TW_OK. 0 (and nothing written) when the operator gives no picture, else 1. */
TW_API int tw_job_result_pixels(const tw_job *job, tw_pixels *result);

#ifdef __cplusplus
}
#endif
#endif
