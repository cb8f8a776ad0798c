/* SPDX-License-Identifier: MIT */
/** Options from a YAML file: any option's name at top level, and the `memory:` block of older configurations. */
#ifndef TW_CLI_CONFIG_H
#define TW_CLI_CONFIG_H

#include "args.h"

/** Puts the file's settings in front of those already in `args`, so that typed ones win. A key that belongs to another
 *  operator is passed over (one file may serve several); a key that belongs to none is TW_ERROR_USAGE. */
tw_status cli_config_load(cli_args *args, const char *path, tw_error *err);

#endif
