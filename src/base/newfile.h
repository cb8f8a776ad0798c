/* SPDX-License-Identifier: MIT */
/** A file that appears under its name when it is complete, or not at all: written beside under a temporary name, synced, renamed over
 *  what had the name before. One thread at a time. */
#ifndef TW_BASE_NEWFILE_H
#define TW_BASE_NEWFILE_H

#include <stddef.h>

#include "base/error.h"

typedef struct tw_newfile tw_newfile;

/** A symbolic link stays one: the file that it names is replaced. TW_ERROR_RUN where nothing can be created. */
tw_status tw_newfile_open(const char *path, tw_newfile **out, tw_error *err);
/** Buffered; what fails here is reported by tw_newfile_commit. */
void tw_newfile_write(tw_newfile *file, const void *data, size_t bytes);
void tw_newfile_print(tw_newfile *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** A blank and the number, all its digits, whatever the locale. */
void tw_newfile_number(tw_newfile *file, double value);
/** TW_ERROR_RUN when any write failed, too: the name is then as it was. */
tw_status tw_newfile_commit(tw_newfile *file, tw_error *err);
/** Removes what was not committed. NULL is allowed. */
void tw_newfile_close(tw_newfile *file);

#endif
