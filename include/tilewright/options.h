/* SPDX-License-Identifier: MIT */
/** Operators and their options as data, for programs that build a command line, a form or a binding from them. Any thread. */
#ifndef TILEWRIGHT_OPTIONS_H
#define TILEWRIGHT_OPTIONS_H

#include <stddef.h>

#include "tilewright/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One option; all strings are static. `type`: "flag", "bool", "int", "real", "size", "geometry", "choice", "text", "file". */
typedef struct tw_option_info {
    const char *name;
    char letter;       /**< short form, 0: none */
    const char *alias; /**< other long name, NULL: none */
    const char *type;
    double min, max;      /**< of int and real; both 0: unbounded */
    const char *fallback; /**< default as text, NULL: none */
    const char *unit;     /**< NULL: none */
    const char *choices;  /**< "a|b|c", NULL: free */
    const char *help;
    const char *since;
} tw_option_info;

/** One operator; all strings are static. */
typedef struct tw_op_info {
    const char *name;
    const char *summary;        /**< one line */
    const char *usage;          /**< "IN OUT" */
    const char *about;          /**< paragraphs for the man page */
    int min_inputs, max_inputs; /**< pictures; at most 4 */
    int has_output;             /**< not 0: the result is a picture, for tw_job_output and its kin */
} tw_op_info;

/** Operator i, or NULL past the last one; static. */
TW_API const tw_op_info *tw_op_at(size_t i);
/** Option i of an operator (its own first, then the common ones), or false (0) past the last one and for unknown operators;
 *  `out` is then left as it is. */
TW_API int tw_op_option_at(const char *op, size_t i, tw_option_info *out);

#ifdef __cplusplus
}
#endif
#endif
