/* SPDX-License-Identifier: MIT */
/** The encoded bytes of a picture: a file, memory, or a stream that is copied to scratch as it is read, so that any decoder may
 *  go back and the picture can be decoded again. Any thread. */
#ifndef TW_IMAGE_INPUT_H
#define TW_IMAGE_INPUT_H

#include "image/room.h"

typedef struct tw_input tw_input;

/** Missing, a folder, unreadable, empty: TW_ERROR_INPUT. The place must outlive the input. */
tw_status tw_input_open(tw_context *context, const tw_place *place, tw_input **out, tw_error *err);
void tw_input_close(tw_input *input);
const char *tw_input_label(const tw_input *input);

/** Up to n bytes from `offset`; fewer at the end, -1 with errno when reading fails. */
int64_t tw_input_read(tw_input *input, void *buffer, int64_t n, int64_t offset);
/** Bytes of the encoded picture, -1: a stream whose end was not met yet. */
int64_t tw_input_length(const tw_input *input);
/** True for pipes: everything that is read is kept in scratch until tw_input_forget. */
bool tw_input_is_stream(const tw_input *input);
/** Bytes of scratch that a stream's bytes take so far. */
int64_t tw_input_kept(const tw_input *input);
/** The same if `bytes` of it are kept. 0: no stream. */
int64_t tw_input_would_keep(const tw_input *input, int64_t bytes);
/** No decoder will start again: a stream stops keeping what it reads. Scratch already written is kept until close. */
void tw_input_forget(tw_input *input);
/** The error that reading a stream or its scratch met, or TW_OK; libvips sees only a short read. */
tw_status tw_input_check(const tw_input *input, tw_error *err);

/** A libvips source that starts at the first byte. `seekable`: the decoder jumps (a stream is then read to its end at once). */
VipsSource *tw_input_vips(tw_input *input, bool seekable);

#endif
