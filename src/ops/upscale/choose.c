/* SPDX-License-Identifier: MIT */
#include "ops/upscale/choose.h"

#include <glib.h>
#include <string.h>

#include "ops/upscale/blocks.h"

enum { SEEN_PIXELS = 4 << 20, LEAST_ROWS = 64 }; /* that are looked at */

/* JPEG qualities from which a picture counts as clean, as lightly and as moderately damaged: where one net begins to gain more than the
 * next on photographs' crops that only ever chose checkpoints. dB over bicubic, restore-2x-low and photo-2x: 0.39 and 0.25 at 86, 0.31 and
 * 0.38 at 89, 0.13 and 0.54 at 92; the mean of crops halved first and not. */
enum { CLEAN_FROM = 88, LIGHT_FROM = 55, MODERATE_FROM = 28 };

static const char *strength_for(int quality)
{
    return quality >= LIGHT_FROM ? "low" : quality >= MODERATE_FROM ? "medium" : "high";
}

/* The medium one bears the plain name. */
static void choose_restore(double scale, const char *strength, tw_chosen *out)
{
    bool plain = !strcmp(strength, "medium");
    g_snprintf(out->model, sizeof out->model, "restore-%s%s%s", scale <= 1 ? "1x" : "2x", plain ? "" : "-",
               plain ? "" : strength);
}

void tw_upscale_choose_model(const tw_op_request *request, tw_chosen *out)
{
    const tw_options *options = request->options;
    double scale = tw_options_given(options, "scale") ? tw_options_real(options, "scale") : 2;
    const char *asked = tw_options_text(options, "strength");
    int quality = tw_source_quality(request->sources[0]);
    const char *which = quality > 0 ? "the input is a JPEG of quality" : "its blocks tell that it was once a JPEG of quality";
    if (quality == 0)
        quality = request->seen->quality;
    if (asked || (quality > 0 && quality < CLEAN_FROM)) {
        choose_restore(scale, asked ? asked : strength_for(quality), out);
        if (asked)
            g_snprintf(out->why, sizeof out->why, "--strength asks for it");
        else
            g_snprintf(out->why, sizeof out->why, "%s %d", which, quality);
        return;
    }
    g_snprintf(out->model, sizeof out->model, "photo-%dx", scale <= 2 ? 2 : scale <= 3 ? 3 : 4);
    if (quality > 0)
        g_snprintf(out->why, sizeof out->why, "%s %d, hardly damaged", which, quality);
    else
        g_snprintf(out->why, sizeof out->why, "the input is no JPEG%s",
                   request->seen->looked ? ", nor do blocks tell that it was one" : "");
}

/* --- the look ------------------------------------------------------------------------------------------------------ */

int64_t tw_upscale_look_rows(const tw_op_request *request, int input)
{
    const tw_picture *picture = tw_source_picture(request->sources[input]);
    return tw_min64(picture->height, tw_max64(SEEN_PIXELS / picture->width, LEAST_ROWS));
}

int64_t tw_upscale_look_bytes(const tw_op_request *request)
{
    const tw_options *options = request->options;
    const tw_picture *picture = tw_source_picture(request->sources[0]);
    bool named =
        tw_options_text(options, "model") || tw_options_text(options, "engine") || tw_options_text(options, "strength");
    if (named || tw_source_quality(request->sources[0]) > 0 || picture->depth != TW_U8)
        return 0;
    return tw_blocks_bytes(picture->width) + tw_picture_row_bytes(picture);
}

static tw_status see_rows(const tw_op_request *request, tw_blocks *blocks, uint8_t *row, tw_error *err)
{
    tw_source *source = request->sources[0];
    const tw_picture *picture = tw_source_picture(source);
    int64_t rows = tw_upscale_look_rows(request, 0);
    for (int64_t y = 0, got = 0; y < rows; y++) {
        TW_TRY(tw_context_check(request->context, err));
        TW_TRY(tw_source_next_band(source, row, 1, &got, err));
        tw_blocks_add(blocks, row, tw_picture_bands(picture), picture->colours);
    }
    return TW_OK;
}

tw_status tw_upscale_look(const tw_op_request *request, tw_seen *out, tw_error *err)
{
    int64_t width = tw_source_picture(request->sources[0])->width, bytes = tw_upscale_look_bytes(request);
    char *room = tw_alloc(tw_context_account(request->context), (size_t)bytes);
    if (!room)
        return tw_fail_memory(err, "rows to be looked at", bytes);
    tw_blocks *blocks = tw_blocks_new(room, width);
    tw_status status = see_rows(request, blocks, (uint8_t *)room + tw_blocks_bytes(width), err);
    if (status == TW_OK)
        *out = (tw_seen){true, tw_blocks_quality(blocks)};
    tw_free(room);
    return status;
}
