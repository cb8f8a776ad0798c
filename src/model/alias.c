/* SPDX-License-Identifier: MIT */
/* The names by which other programs chose their nets. */
#include <string.h>

#include "model/model.h"

#define ANY (-2)

typedef struct alias {
    const char *engine;
    const char *quality; /* NULL: any, also none */
    int scale, noise;    /* ANY; noise -1: left alone */
    const char *model;
} alias;

/* The first row that fits wins. Weak and medium denoising exist only at 2x: elsewhere noise 1 and 2 mean the nearest. */
static const alias aliases[] = {
    {"realesrgan", "fast", 2, ANY, "realesr-animevideov3-x2"},
    {"realesrgan", "fast", 3, ANY, "realesr-animevideov3-x3"},
    {"realesrgan", "fast", 4, ANY, "realesr-animevideov3-x4"},
    {"realesrgan", "balanced", 4, ANY, "realesrgan-x4plus-anime"},
    {"realesrgan", NULL, 4, ANY, "realesrgan-x4plus"},
    {"realesrgan", NULL, 3, ANY, "realesr-animevideov3-x3"},
    {"realesrgan", NULL, 2, ANY, "realesr-animevideov3-x2"},
    {"realesr-animevideov3", NULL, 2, ANY, "realesr-animevideov3-x2"},
    {"realesr-animevideov3", NULL, 3, ANY, "realesr-animevideov3-x3"},
    {"realesr-animevideov3", NULL, 4, ANY, "realesr-animevideov3-x4"},

    {"realcugan", "best", 2, -1, "realcugan-2x-pro-no-denoise"},
    {"realcugan", "best", 2, 0, "realcugan-2x-pro-conservative"},
    {"realcugan", "best", 2, 3, "realcugan-2x-pro-denoise3x"},
    {"realcugan", "best", 3, -1, "realcugan-3x-pro-no-denoise"},
    {"realcugan", "best", 3, 0, "realcugan-3x-pro-conservative"},
    {"realcugan", "best", 3, 1, "realcugan-3x-pro-conservative"},
    {"realcugan", "best", 3, ANY, "realcugan-3x-pro-denoise3x"},
    {"realcugan", NULL, 2, -1, "realcugan-2x-se-no-denoise"},
    {"realcugan", NULL, 2, 0, "realcugan-2x-se-conservative"},
    {"realcugan", NULL, 2, 1, "realcugan-2x-se-denoise1x"},
    {"realcugan", NULL, 2, 2, "realcugan-2x-se-denoise2x"},
    {"realcugan", NULL, 2, 3, "realcugan-2x-se-denoise3x"},
    {"realcugan", NULL, 3, -1, "realcugan-3x-se-no-denoise"},
    {"realcugan", NULL, 3, 0, "realcugan-3x-se-conservative"},
    {"realcugan", NULL, 3, 1, "realcugan-3x-se-conservative"},
    {"realcugan", NULL, 3, ANY, "realcugan-3x-se-denoise3x"},
    {"realcugan", NULL, 4, -1, "realcugan-4x-se-no-denoise"},
    {"realcugan", NULL, 4, 0, "realcugan-4x-se-conservative"},
    {"realcugan", NULL, 4, 1, "realcugan-4x-se-conservative"},
    {"realcugan", NULL, 4, ANY, "realcugan-4x-se-denoise3x"},

    {"waifu2x", NULL, 1, 0, "waifu2x-cunet-noise0"},
    {"waifu2x", NULL, 1, 1, "waifu2x-cunet-noise1"},
    {"waifu2x", NULL, 1, 2, "waifu2x-cunet-noise2"},
    {"waifu2x", NULL, 1, 3, "waifu2x-cunet-noise3"},
    {"waifu2x", "fast", 2, -1, "waifu2x-upconv7-anime-2x"},
    {"waifu2x", "fast", 2, 0, "waifu2x-upconv7-anime-noise0-2x"},
    {"waifu2x", "fast", 2, 1, "waifu2x-upconv7-anime-noise1-2x"},
    {"waifu2x", "fast", 2, 2, "waifu2x-upconv7-anime-noise2-2x"},
    {"waifu2x", "fast", 2, 3, "waifu2x-upconv7-anime-noise3-2x"},
    {"waifu2x", NULL, 2, -1, "waifu2x-cunet-2x"},
    {"waifu2x", NULL, 2, 0, "waifu2x-cunet-noise0-2x"},
    {"waifu2x", NULL, 2, 1, "waifu2x-cunet-noise1-2x"},
    {"waifu2x", NULL, 2, 2, "waifu2x-cunet-noise2-2x"},
    {"waifu2x", NULL, 2, 3, "waifu2x-cunet-noise3-2x"},
    {"models-upconv_7_photo", NULL, 2, -1, "waifu2x-upconv7-photo-2x"},
    {"models-upconv_7_photo", NULL, 2, 0, "waifu2x-upconv7-photo-noise0-2x"},
    {"models-upconv_7_photo", NULL, 2, 1, "waifu2x-upconv7-photo-noise1-2x"},
    {"models-upconv_7_photo", NULL, 2, 2, "waifu2x-upconv7-photo-noise2-2x"},
    {"models-upconv_7_photo", NULL, 2, 3, "waifu2x-upconv7-photo-noise3-2x"},

    {"span", "fast", 2, ANY, "span-x2-ch48"},
    {"span", "fast", 4, ANY, "span-x4-ch48"},
    {"span", NULL, 2, ANY, "span-x2-ch52"},
    {"span", NULL, 4, ANY, "span-x4-ch52"},
};

/* Model folders of the ncnn tools are an engine and a quality. */
static const struct {
    const char *folder, *engine, *quality;
} folders[] = {
    {"models-se", "realcugan", "balanced"},
    {"models-pro", "realcugan", "best"},
    {"models-cunet", "waifu2x", "best"},
    {"models-upconv_7_anime_style_art_rgb", "waifu2x", "fast"},
};

const char *tw_model_alias(const char *engine, const char *quality, int scale, int noise)
{
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strcmp(engine, folders[i].folder) == 0) {
            engine = folders[i].engine;
            quality = folders[i].quality;
            break;
        }
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        const alias *a = &aliases[i];
        if (strcmp(a->engine, engine) == 0 && (!a->quality || (quality && strcmp(a->quality, quality) == 0)) &&
            a->scale == scale && (a->noise == ANY || a->noise == noise))
            return a->model;
    }
    return NULL;
}
