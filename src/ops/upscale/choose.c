/* SPDX-License-Identifier: MIT */
#include "ops/upscale/choose.h"

#include <glib.h>
#include <string.h>

/* JPEG qualities from which a picture counts as clean, as lightly and as moderately damaged. From the first on photo-2x gains more on
 * photographs than restore-2x-low (dB over bicubic, on crops that only ever chose checkpoints: 0.10 against 0.27 at 75, 0.18 against 0.20 at
 * 80, 0.29 against 0.08 at 85); the others are the middles between what the strengths were trained for. */
enum { CLEAN_FROM = 80, LIGHT_FROM = 65, MODERATE_FROM = 30 };

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

void tw_upscale_choose_model(const tw_options *options, const tw_source *source, tw_chosen *out)
{
    double scale = tw_options_given(options, "scale") ? tw_options_real(options, "scale") : 2;
    int quality = tw_source_quality(source);
    const char *asked = tw_options_text(options, "strength");
    if (asked) {
        choose_restore(scale, asked, out);
        g_snprintf(out->why, sizeof out->why, "--strength asks for it");
        return;
    }
    if (quality > 0 && quality < CLEAN_FROM) {
        choose_restore(scale, strength_for(quality), out);
        g_snprintf(out->why, sizeof out->why, "the input is a JPEG of quality %d", quality);
        return;
    }
    int size = scale <= 2 ? 2 : scale <= 3 ? 3 : 4;
    g_snprintf(out->model, sizeof out->model, "photo-%dx", size);
    if (quality > 0)
        g_snprintf(out->why, sizeof out->why, "the input is a JPEG of quality %d, hardly damaged", quality);
    else
        g_snprintf(out->why, sizeof out->why, "the input is no JPEG");
}
