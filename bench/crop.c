/* SPDX-License-Identifier: MIT */
/* crop PHOTO X Y WIDTH HEIGHT OUT.ppm OUT.tif: a part of a photograph, in 8 bit and as float, 1 = white. */
#include <stdio.h>
#include <stdlib.h>
#include <vips/vips.h>

int main(int argc, char **argv)
{
    VipsImage *photo, *part, *scaled, *real;
    if (argc != 8 || VIPS_INIT(argv[0]))
        return 2;
    if (!(photo = vips_image_new_from_file(argv[1], "fail_on", VIPS_FAIL_ON_WARNING, NULL)) ||
        vips_crop(photo, &part, atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), NULL) ||
        vips_ppmsave(part, argv[6], NULL) || vips_linear1(part, &scaled, 1 / 255.0, 0, NULL) ||
        vips_cast_float(scaled, &real, NULL) || vips_tiffsave(real, argv[7], NULL)) {
        fprintf(stderr, "%s: %s", argv[1], vips_error_buffer());
        return 1;
    }
    return 0;
}
