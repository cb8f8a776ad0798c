/* SPDX-License-Identifier: MIT */
/** Hands rows that are complete to a receiver (sink.h), from the sink's own thread, where an encoder would take them. */
#ifndef TW_IMAGE_RECEIVER_H
#define TW_IMAGE_RECEIVER_H

#include "image/ring.h"
#include "image/room.h"
#include "image/sink.h"

/** Every row of the ring as it is. Failure other than the receiver's own is left to whom stopped the ring: TW_ERROR_RUN. */
tw_status tw_receive_ring(tw_ring *ring, const tw_picture *picture, const tw_receiver *receiver, tw_error *err);
/** Every row of an image that libvips computes from the ring. */
tw_status tw_receive_image(VipsImage *image, const tw_receiver *receiver, tw_error *err);

#endif
