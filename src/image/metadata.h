/* SPDX-License-Identifier: MIT */
/** What travels beside the pixels: profile, EXIF, XMP, IPTC, resolution, orientation, description. Kept as the header of a
 *  one-pixel libvips image that refers to no decoder. */
#ifndef TW_IMAGE_METADATA_H
#define TW_IMAGE_METADATA_H

#include "image/room.h"

/** A copy of what is worth carrying; NULL when memory is out. Free with g_object_unref. `upright`: the pixels will be turned
 *  (or were), so the orientation goes. */
VipsImage *tw_metadata_take(VipsImage *image, bool upright);
/** The resolution that stands in the file, or 72 dpi when it has none (libvips then tells 1 pixel per mm). */
double tw_metadata_xres(const VipsImage *metadata);
double tw_metadata_yres(const VipsImage *metadata);
/** Writes the fields into the header of an image that is about to be encoded; drops a profile that fits no `colours`. */
void tw_metadata_put(VipsImage *metadata, VipsImage *to, tw_codec codec, int colours);
/** Fills `text` with what of this metadata the container loses, for example "EXIF, IPTC"; empty when nothing is lost. */
void tw_metadata_losses(VipsImage *metadata, tw_codec codec, int colours, char *text, size_t n);
/** True when the container carries an orientation tag that viewers heed. */
bool tw_metadata_holds_orientation(tw_codec codec);

#endif
