/* SPDX-License-Identifier: MIT */
/** tilewright: big images, small memory, no seams. Includes the whole public API. */
#ifndef TILEWRIGHT_H
#define TILEWRIGHT_H

#include "tilewright/engine.h"
#include "tilewright/error.h"
#include "tilewright/job.h"
#include "tilewright/models.h"
#include "tilewright/options.h"
#include "tilewright/pixels.h"
#include "tilewright/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** "0.1.0" of the library in use; static. Any thread. */
TW_API const char *tw_version(void);

#ifdef __cplusplus
}
#endif
#endif
