/* SPDX-License-Identifier: MIT */
/** Scratch files: unnamed (O_TMPFILE, so nothing is left after kill -9), read and written by position, never mapped,
 *  counted against one limit. Thread-safe. */
#ifndef TW_BASE_SCRATCH_H
#define TW_BASE_SCRATCH_H

#include <stdint.h>

#include "base/error.h"

typedef struct tw_scratch tw_scratch;           /* the place: a folder and a limit */
typedef struct tw_scratch_file tw_scratch_file; /* one unnamed file in it */

/** `dir` NULL: $TMPDIR, else /var/tmp. `limit` in bytes, 0: what the file system has free. */
tw_scratch *tw_scratch_new(const char *dir, int64_t limit);
void tw_scratch_free(tw_scratch *scratch);
const char *tw_scratch_dir(const tw_scratch *scratch);
/** Bytes that may still be written: the limit or the free space, the less. */
int64_t tw_scratch_available(const tw_scratch *scratch);

/** Reserves `bytes` of disk up front (fallocate), so that a full disk is met before work starts (TW_ERROR_BUDGET). */
tw_status tw_scratch_open(tw_scratch *scratch, int64_t bytes, tw_scratch_file **out, tw_error *err);
void tw_scratch_close(tw_scratch_file *file);
tw_status tw_scratch_write(tw_scratch_file *file, const void *data, int64_t bytes, int64_t offset, tw_error *err);
tw_status tw_scratch_read(tw_scratch_file *file, void *data, int64_t bytes, int64_t offset, tw_error *err);

#endif
