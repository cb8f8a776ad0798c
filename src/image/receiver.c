/* SPDX-License-Identifier: MIT */
#include "image/receiver.h"

tw_status tw_receive_ring(tw_ring *ring, const tw_picture *picture, const tw_receiver *receiver, tw_error *err)
{
    for (int64_t y = 0, n; y < picture->height; y += n) {
        const void *rows = tw_ring_take_rows(ring, y, &n);
        if (!rows)
            return tw_fail(err, TW_ERROR_RUN, "%lld of %lld rows were taken", (long long)y, (long long)picture->height);
        TW_TRY(receiver->rows(receiver->user, y, n, rows, err));
        tw_ring_release(ring, y + n - 1);
    }
    return TW_OK;
}

typedef struct receiving {
    const tw_receiver *receiver;
    tw_error *err;
    int64_t row_bytes;
} receiving;

/* libvips gives strips of whole rows from top to bottom. */
static int receive_strip(VipsRegion *region, VipsRect *area, void *user)
{
    receiving *r = user;
    bool dense = (int64_t)VIPS_REGION_LSKIP(region) == r->row_bytes;
    int step = dense ? area->height : 1;
    for (int y = area->top; y < area->top + area->height; y += step)
        if (r->receiver->rows(r->receiver->user, y, step, VIPS_REGION_ADDR(region, area->left, y), r->err) != TW_OK)
            return -1;
    return 0;
}

tw_status tw_receive_image(VipsImage *image, const tw_receiver *receiver, tw_error *err)
{
    receiving r = {receiver, err, (int64_t)VIPS_IMAGE_SIZEOF_LINE(image)};
    return vips_sink_disc(image, receive_strip, &r) ? tw_vips_fail(err, TW_ERROR_RUN, "rows cannot be resampled") : TW_OK;
}
