/* SPDX-License-Identifier: MIT */
/* crop PHOTO X Y WIDTH HEIGHT OUT: a part of a photograph: OUT.ppm and OUT.png in 8 bit, OUT.tif as float, 1 = white. */
#include <stdio.h>
#include <stdlib.h>
#include <vips/vips.h>

static int save(VipsImage *image, const char *stem, const char *suffix)
{
    char *path = g_strconcat(stem, suffix, NULL);
    int failed = vips_image_write_to_file(image, path, NULL);
    g_free(path);
    return failed;
}

int main(int argc, char **argv)
{
    VipsImage *photo, *part, *scaled, *real;
    if (argc != 7 || VIPS_INIT(argv[0]))
        return 2;
    if (!(photo = vips_image_new_from_file(argv[1], "fail_on", VIPS_FAIL_ON_WARNING, NULL)) ||
        vips_crop(photo, &part, atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), NULL) ||
        vips_linear1(part, &scaled, 1 / 255.0, 0, NULL) || vips_cast_float(scaled, &real, NULL) ||
        save(part, argv[6], ".ppm") || save(part, argv[6], ".png") || save(real, argv[6], ".tif")) {
        fprintf(stderr, "%s: %s", argv[1], vips_error_buffer());
        return 1;
    }
    return 0;
}
