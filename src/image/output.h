/* SPDX-License-Identifier: MIT */
/** Where encoded bytes go: a temporary file beside the final one, a device or pipe, standard output, or memory. */
#ifndef TW_IMAGE_OUTPUT_H
#define TW_IMAGE_OUTPUT_H

#include "image/room.h"

typedef struct tw_output tw_output;

/** TW_ERROR_USAGE when the file exists and may not be replaced; TW_OK for places that are not files. */
tw_status tw_output_may_write(const tw_place *place, bool overwrite, tw_error *err);
/** `jumps`: the encoder goes back to fill in what it knows later (TIFF); a pipe then gets its bytes on commit, from scratch. */
tw_status tw_output_open(tw_context *context, const tw_place *place, bool overwrite, bool jumps, tw_output **out,
                         tw_error *err);
/** A new libvips target at the start; the caller unrefs it. */
VipsTarget *tw_output_target(tw_output *output);
/** The file that was written, at its start, to be read again; -1 for pipes. */
int tw_output_written(tw_output *output);
/** Syncs the file, gives it its name, syncs the folder. Memory: reads the bytes. */
tw_status tw_output_commit(tw_output *output, tw_error *err);
void *tw_output_steal(tw_output *output, size_t *length);
/** Removes the temporary file unless committed. */
void tw_output_close(tw_output *output);

#endif
