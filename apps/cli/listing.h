/* SPDX-License-Identifier: MIT */
/** The pictures of a folder and the names of their results. */
#ifndef TW_CLI_LISTING_H
#define TW_CLI_LISTING_H

#include <glib.h>
#include <stdbool.h>

#include "tilewright/tilewright.h"

typedef struct cli_item {
    char *input, *output;
} cli_item;

/** Every picture file directly in `in`, by suffix, sorted by name, as a GArray of cli_item that owns its strings.
 *  `format` (NULL: as each input, PNG where that cannot be written) decides the suffix of the results. Two inputs that would
 *  give one result keep their own suffix in its name: a.jpg.webp and a.png.webp. Creates nothing. */
tw_status cli_list_folder(const char *in, const char *out, const char *format, GArray **items, tw_error *err);

/** Both exist and are the same folder. */
bool cli_same_folder(const char *a, const char *b);

#endif
