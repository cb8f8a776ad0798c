/* SPDX-License-Identifier: MIT */
#include "ops/register/masks.h"

tw_status tw_masks_open(tw_op_state *state, const tw_op_request *request, tw_error *err)
{
    static const char *const NAMES[2] = {"mask-fixed", "mask-moving"};
    for (int i = 0; i < 2; i++) {
        tw_place place = {.path = tw_options_text(request->options, NAMES[i])};
        if (!place.path)
            continue;
        TW_TRY(tw_source_open(request->context, &place, NULL, &state->mask[i], err));
        const tw_picture *mask = tw_source_picture(state->mask[i]), *picture = &state->picture[i];
        if (mask->width != picture->width || mask->height != picture->height)
            return tw_fail(err, TW_ERROR_INPUT, "%s is %lldx%lld, %s %lldx%lld: a mask is as large as its picture", place.path,
                           (long long)mask->width, (long long)mask->height, state->label[i], (long long)picture->width,
                           (long long)picture->height);
    }
    return TW_OK;
}

void tw_masks_close(tw_op_state *state)
{
    for (int i = 0; i < 2; i++)
        tw_source_close(state->mask[i]);
}

int64_t tw_mask_bytes(const tw_op_state *state, int picture, int64_t w)
{
    const tw_source *mask = state->mask[picture];
    return mask ? w * (tw_picture_pixel_bytes(tw_source_picture(mask)) + 2) + 64 : 0;
}

tw_status tw_mask_row(const tw_op_state *state, int picture, tw_rect row, void *room, uint16_t *grey, tw_error *err)
{
    tw_source *mask = state->mask[picture];
    uint16_t *counts = room;
    char *pixels = (char *)room + (row.w * 2 + 63) / 64 * 64;
    if (!mask)
        return TW_OK;
    TW_TRY(tw_source_read_rect(mask, row, pixels, err));
    tw_grey_row(tw_source_picture(mask), pixels, row.w, counts);
    for (int64_t x = 0; x < row.w; x++)
        grey[x] = counts[x] < 32768 ? 0 : grey[x];
    return TW_OK;
}
