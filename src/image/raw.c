/* SPDX-License-Identifier: MIT */
#include "image/raw.h"

#include <string.h>

void tw_raw_read(const tw_raw *raw, tw_rect rect, void *out)
{
    int64_t pixel = tw_picture_pixel_bytes(&raw->picture), row = rect.w * pixel;
    const char *from = (const char *)raw->pixels + rect.y * raw->stride + rect.x * pixel;
    char *to = out;
    for (int64_t y = 0; y < rect.h; y++)
        memcpy(to + y * row, from + y * raw->stride, (size_t)row);
}
