/* SPDX-License-Identifier: MIT */
/** What the sink reads of a source beside its public face. */
#ifndef TW_IMAGE_SOURCE_INTERNAL_H
#define TW_IMAGE_SOURCE_INTERNAL_H

#include "image/room.h"
#include "image/source.h"

/** Header of what to carry into the output (metadata.h); belongs to the source. */
VipsImage *tw_source_metadata(const tw_source *source);

#endif
