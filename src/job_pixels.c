/* SPDX-License-Identifier: MIT */
/** Plain pixels in the caller's memory as inputs and outputs of a job. */
#include <string.h>

#include "job.h"

_Static_assert((int)TW_SAMPLE_U8 == TW_U8 && (int)TW_SAMPLE_U16 == TW_U16 && (int)TW_SAMPLE_F32 == TW_F32,
               "one order of samples");

tw_pixels tw_pixels_of(const tw_picture *picture)
{
    return (tw_pixels){picture->width, picture->height, tw_picture_row_bytes(picture), tw_picture_bands(picture),
                       (tw_sample)picture->depth};
}

/* --- in ------------------------------------------------------------------------------------------------------------ */

static tw_status check_layout(const tw_pixels *p, bool many, const char *label, tw_error *err)
{
    int most = many ? TW_MOST_BANDS : 4;
    if (p->width < 1 || p->height < 1 || p->width > INT32_MAX || p->height > INT32_MAX)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %lld x %lld pixels; 1 to %d on a side are supported", label,
                       (long long)p->width, (long long)p->height, INT32_MAX);
    if (p->bands < 1 || p->bands > most)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %d bands; 1 to %d are supported", label, (int)p->bands, most);
    if ((int)p->sample < TW_SAMPLE_U8 || (int)p->sample > TW_SAMPLE_F32)
        return tw_fail(err, TW_ERROR_INPUT, "%s: samples of type %d are not supported", label, (int)p->sample);
    return TW_OK;
}

tw_status tw_job_input_pixels(tw_job *job, const tw_pixels *layout, const void *pixels, const char *label, tw_error *err)
{
    if (!label)
        label = "pixels";
    if (!pixels)
        return tw_fail(err, TW_ERROR_INPUT, "%s: no pixels", label);
    TW_TRY(check_layout(layout, job->op->many_bands, label, err));
    tw_picture picture = {layout->width, layout->height, layout->bands < 3 ? 1 : 3, layout->bands % 2 == 0,
                          (tw_depth)layout->sample};
    if (layout->bands > 4)
        picture.colours = layout->bands, picture.alpha = false;
    int64_t least = tw_picture_row_bytes(&picture), stride = layout->row_bytes ? layout->row_bytes : least;
    if (stride < least)
        return tw_fail(err, TW_ERROR_INPUT, "%s: rows of %lld bytes lie %lld bytes apart", label, (long long)least,
                       (long long)stride);
    if (job->n_inputs >= TW_MAX_INPUTS) /* no operator takes more: which says so */
        return tw_job_add_input(job, (tw_place){0}, label, err);
    tw_raw *raw = &job->raws[job->n_inputs];
    *raw = (tw_raw){picture, stride, pixels};
    return tw_job_add_input(job, (tw_place){.raw = raw}, label, err);
}

/* --- out ----------------------------------------------------------------------------------------------------------- */

static tw_status begin_place(void *user, const tw_picture *picture, tw_error *err)
{
    tw_taker *taker = user;
    tw_pixels result = tw_pixels_of(picture);
    taker->row = result.row_bytes;
    taker->at = taker->place(taker->user, &result);
    taker->stride = result.row_bytes;
    if (!taker->at)
        return tw_fail(err, TW_ERROR_RUN, "result: the caller has no place for %lld x %lld pixels", (long long)picture->width,
                       (long long)picture->height);
    if (taker->stride < taker->row)
        return tw_fail(err, TW_ERROR_RUN, "result: rows of %lld bytes are to lie %lld bytes apart", (long long)taker->row,
                       (long long)taker->stride);
    return TW_OK;
}

static tw_status place_rows(void *user, int64_t y, int64_t n, const void *pixels, tw_error *err)
{
    const tw_taker *taker = user;
    for (int64_t i = 0; i < n; i++)
        memcpy(taker->at + (y + i) * taker->stride, (const char *)pixels + i * taker->row, (size_t)taker->row);
    return TW_OK;
}

static tw_status begin_rows(void *user, const tw_picture *picture, tw_error *err)
{
    const tw_taker *taker = user;
    tw_pixels result = tw_pixels_of(picture);
    int code = taker->begin ? taker->begin(taker->user, &result) : 0;
    return code == 0 ? TW_OK
                     : tw_fail(err, TW_ERROR_RUN, "result: the caller takes no %lld x %lld pixels (code %d)",
                               (long long)result.width, (long long)result.height, code);
}

static tw_status pass_rows(void *user, int64_t y, int64_t n, const void *pixels, tw_error *err)
{
    const tw_taker *taker = user;
    int code = taker->rows(taker->user, y, n, pixels);
    return code == 0
               ? TW_OK
               : tw_fail(err, TW_ERROR_RUN, "result: the caller took no more than %lld rows (code %d)", (long long)y, code);
}

tw_status tw_job_output_pixels(tw_job *job, void *(*place)(void *user, tw_pixels *result), void *user, tw_error *err)
{
    if (!place)
        return tw_fail(err, TW_ERROR_USAGE, "result: no place");
    TW_TRY(tw_job_set_output(job, NULL, NULL, err));
    job->taker = (tw_taker){.place = place, .user = user};
    job->receiver = (tw_receiver){&job->taker, begin_place, place_rows};
    job->output.receiver = &job->receiver;
    return TW_OK;
}

tw_status tw_job_output_rows(tw_job *job, int (*begin)(void *user, const tw_pixels *result),
                             int (*rows)(void *user, int64_t y, int64_t n, const void *pixels), void *user, tw_error *err)
{
    if (!rows)
        return tw_fail(err, TW_ERROR_USAGE, "result: nobody takes the rows");
    TW_TRY(tw_job_set_output(job, NULL, NULL, err));
    job->taker = (tw_taker){.begin = begin, .rows = rows, .user = user};
    job->receiver = (tw_receiver){&job->taker, begin_rows, pass_rows};
    job->output.receiver = &job->receiver;
    return TW_OK;
}

int tw_job_result_pixels(const tw_job *job, tw_pixels *result)
{
    if (job->result.width == 0)
        return 0;
    *result = job->result;
    return 1;
}
