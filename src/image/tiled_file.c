/* SPDX-License-Identifier: MIT */
#include "image/tiled_file.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK (32 << 10) /* bytes of pixels asked of libvips at once */

struct tw_tiled_file {
    tw_context *context;
    const char *label;
    VipsImage *image;
    tw_picture stored;
    int64_t tile_w, tile_h;
    pthread_mutex_t lock;
    tw_error broken; /* the first failure */
};

const char *tw_tiled_file_cannot(const tw_probe *probe, int applied)
{
    if (probe->codec != TW_CODEC_TIFF)
        return "a file of this format is read from its first row to its last";
    if (probe->tile_width < 1 || probe->tile_height < 1)
        return "this TIFF has strips, not tiles";
    if (applied > 1)
        return "it is turned upright on the way";
    return NULL;
}

/* The region that is copied from, one of a conversion before it, small structs. */
int64_t tw_tiled_file_reading(const tw_picture *stored)
{
    return 2 * tw_max64(CHUNK, tw_picture_pixel_bytes(stored)) + (8 << 10);
}

tw_status tw_tiled_file_new(tw_context *context, const char *label, VipsImage *image, const tw_picture *stored,
                            const tw_probe *probe, tw_tiled_file **out, tw_error *err)
{
    tw_tiled_file *file = *out = calloc(1, sizeof *file);
    if (!file) {
        g_object_unref(image);
        return tw_fail_memory(err, "tiles of a file", sizeof *file);
    }
    *file = (tw_tiled_file){context, label, image, *stored, probe->tile_width, probe->tile_height, .broken = TW_ERROR_NONE};
    pthread_mutex_init(&file->lock, NULL);
    return TW_OK;
}

void tw_tiled_file_free(tw_tiled_file *file)
{
    if (!file)
        return;
    g_clear_object(&file->image);
    pthread_mutex_destroy(&file->lock);
    free(file);
}

static tw_status check_broken(tw_tiled_file *file, tw_error *err)
{
    pthread_mutex_lock(&file->lock);
    tw_error error = file->broken;
    pthread_mutex_unlock(&file->lock);
    return error.code == TW_OK ? TW_OK : tw_fail(err, error.code, "%s", error.message);
}

/* libvips 8.14 keeps a black tile in the place of one that could not be read, and gives it to whoever asks next: nothing is read any more. */
static tw_status failed(tw_tiled_file *file, tw_rect part, tw_error *err)
{
    tw_error error = TW_ERROR_NONE;
    if (tw_context_check(file->context, &error) != TW_OK)
        tw_vips_take_error((char[1]){0}, 1);
    else
        tw_vips_fail(&error, TW_ERROR_INPUT, "%s: truncated or damaged: no tile at %lld,%lld", file->label,
                     (long long)(part.x / file->tile_w * file->tile_w), (long long)(part.y / file->tile_h * file->tile_h));
    pthread_mutex_lock(&file->lock);
    if (file->broken.code == TW_OK)
        file->broken = error;
    pthread_mutex_unlock(&file->lock);
    return check_broken(file, err);
}

/* Part of one tile: as many rows at once as a chunk holds. */
static tw_status read_part(tw_tiled_file *file, VipsRegion *region, tw_rect part, tw_rect rect, char *pixels, tw_error *err)
{
    int64_t pixel = tw_picture_pixel_bytes(&file->stored), most = tw_max64(1, CHUNK / (part.w * pixel));
    for (int64_t y = part.y; y < part.y + part.h; y += most) {
        VipsRect area = {(int)part.x, (int)y, (int)part.w, (int)tw_min64(most, part.y + part.h - y)};
        if (vips_region_prepare(region, &area))
            return failed(file, part, err);
        for (int r = area.top; r < area.top + area.height; r++)
            memcpy(pixels + ((r - rect.y) * rect.w + part.x - rect.x) * pixel, VIPS_REGION_ADDR(region, area.left, r),
                   (size_t)(part.w * pixel));
    }
    return TW_OK;
}

/* A region belongs to one thread, so every call makes its own; the tiles that were decoded are shared. */
tw_status tw_tiled_file_read(tw_tiled_file *file, tw_rect rect, void *pixels, tw_error *err)
{
    TW_TRY(check_broken(file, err));
    VipsRegion *region = vips_region_new(file->image);
    tw_status status = region ? TW_OK : failed(file, rect, err);
    int64_t right = rect.x + rect.w, bottom = rect.y + rect.h;
    int64_t most_w = tw_max64(1, CHUNK / tw_picture_pixel_bytes(&file->stored));
    for (int64_t y = rect.y; status == TW_OK && y < bottom;) {
        int64_t h = tw_min64(file->tile_h - y % file->tile_h, bottom - y);
        status = tw_context_check(file->context, err);
        for (int64_t x = rect.x; status == TW_OK && x < right;) {
            int64_t w = tw_min64(tw_min64(file->tile_w - x % file->tile_w, right - x), most_w);
            status = read_part(file, region, (tw_rect){x, y, w, h}, rect, pixels, err);
            x += w;
        }
        y += h;
    }
    g_clear_object(&region);
    return status;
}
