/* SPDX-License-Identifier: MIT */
/** Models that live in the binary. models/embed.py writes the table from the files under models/. */
#ifndef TW_MODEL_EMBEDDED_H
#define TW_MODEL_EMBEDDED_H

#include <stddef.h>

typedef struct tw_embedded_model {
    const char *name;
    const char *title;
    const char *param;            /* ncnn's text graph, 0-terminated */
    size_t param_length;          /* without the 0 */
    const unsigned char *weights; /* ncnn's .bin, aligned to 64 bytes */
    size_t weights_length;
} tw_embedded_model;

extern const tw_embedded_model tw_embedded_models[]; /* ends with a NULL name */

#endif
