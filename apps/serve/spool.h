/* SPDX-License-Identifier: MIT */
/** The server's own folder for uploads and results: one folder a job inside it, all of it bounded in bytes and removed at the end.
 *  What a killed server left is removed by the next one. Thread-safe. */
#ifndef TW_SERVE_SPOOL_H
#define TW_SERVE_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct serve_spool serve_spool;

/** `dir` NULL: TMPDIR, else /var/tmp. `limit`: most bytes. TW_ERROR_RUN where no folder can be made. */
tw_status serve_spool_new(const char *dir, int64_t limit, serve_spool **out, tw_error *err);
/** Removes everything. NULL is allowed. */
void serve_spool_free(serve_spool *spool);
const char *serve_spool_path(const serve_spool *spool);

/** A folder for job `id`, its path owned by the caller; NULL with errno. */
char *serve_spool_folder(serve_spool *spool, const char *id);
/** Removes a job's folder with its files, and gives back `bytes`. */
void serve_spool_remove(serve_spool *spool, const char *folder, int64_t bytes);
/** Counts bytes, or counts nothing and returns false when the limit or the file system cannot hold them. */
bool serve_spool_take(serve_spool *spool, int64_t bytes);
/** For what is there already: counts past the limit, too. */
void serve_spool_count(serve_spool *spool, int64_t bytes);
bool serve_spool_full(serve_spool *spool);
int64_t serve_spool_used(serve_spool *spool);

#endif
