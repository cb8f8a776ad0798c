/* SPDX-License-Identifier: MIT */
/** The models a request can name: the embedded one, installed packs, and files of the user's own.
 *  JSON results are one line of UTF-8, the caller's, freed with tw_bytes_free. Texts that are given stay the
 *  caller's. Any thread. No call here loads an engine. */
#ifndef TILEWRIGHT_MODELS_H
#define TILEWRIGHT_MODELS_H

#include <stddef.h>

#include "tilewright/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** {"models":[{"name","title","scale","licence" or null,"source","installed":true}...],
 *   "packs":[{"name","title","package","version","licence","installed":bool,"models":[names]}...]}.
 *  Models that lie in a data folder but cannot be read are listed with "error" in place of "scale". */
TW_API tw_status tw_models_list(char **json, tw_error *err);

/** Everything known of one model, by name or by the path of a .param file: the record (members as in NAME.json) and
 *  "record_assumed" (no record lies beside the graph: the values are defaults), "path" (null: built in), "sha256", "inputs",
 *  "scale", "halo":[l,t,r,b], "canvas":[l,t,r,b], "align", "graph_size_multiple", "passes", "exact", "why_inexact" or null,
 *  "weights", "macs_per_pixel". TW_ERROR_USAGE for an unknown name, with the closest ones or the pack to install. */
TW_API tw_status tw_models_info(const char *name, char **json, tw_error *err);

/** Builds a record from `n` texts KEY=VALUE: what the graph of a net does not tell and nobody should guess. Keys are
 *    range          255 | 1        largest sample value the net takes and gives (shorthand for norm and out_norm)
 *    channels       rgb | bgr      channel order of the net
 *    size-multiple  0..4096        canvas sides must be a multiple of this (0: what the graph says)
 *    pad            reflect | replicate | zero
 *    mean, norm     3 numbers with commas, or one for all:  net input = (sample / white - mean) * norm
 *    out-mean, out-norm            result / white = net output * out_norm + out_mean; default: the inverse of mean and norm
 *    title, licence                free text
 *  Required: `channels`, `size-multiple`, and `range` or both `mean` and `norm`; TW_ERROR_USAGE names what is missing. */
TW_API tw_status tw_models_record(const char *const *pairs, size_t n, char **json, tw_error *err);

/** Checks a .param file (its .bin beside it) and copies both with the record into the data folder as NAME (NULL: the
 *  file's own name). Never guesses: with neither `record_json` nor a .json beside the file it is TW_ERROR_USAGE, and the
 *  message lists what to give. A .onnx file goes through the program `pnnx` when that is on PATH; .pth never does (the
 *  message says how to get a .param). An existing NAME is replaced only as a whole: every file is written under a
 *  temporary name and renamed, the .param last. */
TW_API tw_status tw_models_add(const char *path, const char *name_or_null, const char *record_json_or_null, tw_error *err);

/** Fetches a pack by package name and pinned sha256 and installs its models. `log` (may be NULL) gets one line at a time,
 *  from the calling thread. All models of the pack appear, or none when fetching or checking failed; what a killed
 *  install leaves is ignored by the other calls and removed by the next install. TW_ERROR_USAGE for an unknown pack. */
TW_API tw_status tw_models_install(const char *pack, void (*log)(void *user, const char *line), void *user, tw_error *err);

#ifdef __cplusplus
}
#endif
#endif
