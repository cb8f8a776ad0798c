/* SPDX-License-Identifier: MIT */
/** IPTC wears two coats: JPEG keeps it as a Photoshop resource inside an APP13 segment, TIFF as bare records (and Photoshop
 *  resources beside them). libvips copies the bytes as they are; here they are changed into what the container wants. */
#ifndef TW_IMAGE_IPTC_H
#define TW_IMAGE_IPTC_H

#include "image/room.h"

/** Rewrites the IPTC and Photoshop fields of an image header for JPEG or TIFF; leaves them for other containers. */
void tw_iptc_dress(VipsImage *image, tw_codec codec);

#endif
