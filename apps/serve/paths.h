/* SPDX-License-Identifier: MIT */
/** File names that come from outside. */
#ifndef TW_SERVE_PATHS_H
#define TW_SERVE_PATHS_H

#include <stdbool.h>

#include "reply.h"

/** The real path of the file `name` that must lie under the root, however it is written and whatever links lead there; freed
 *  with g_free. NULL with `error`. */
char *serve_path_inside(const char *root, int root_fd, const char *name, serve_error *error);
/** The same of a file that is yet to be: its folder must be there. */
char *serve_path_new(const char *root, int root_fd, const char *name, serve_error *error);
/** False with `error` when the file is a field that names other files: those could be any of this machine. */
bool serve_path_alone(const char *path, const char *name, serve_error *error);
/** The end of a file's name, ".png", when it is short and plain, else "". Copied into `out` of 12 bytes. */
const char *serve_path_suffix(const char *name, char out[12]);

#endif
