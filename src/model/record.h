/* SPDX-License-Identifier: MIT */
/** The record of a model as JSON (docs/models-packs.md): reads hostile text, writes what it reads. */
#ifndef TW_MODEL_RECORD_H
#define TW_MODEL_RECORD_H

#include <jansson.h>

#include "model/model.h"

/** Values 0..1, RGB, no size rule, reflect; no strings except `pad`. */
void tw_record_default(tw_model_record *record);
void tw_record_free(tw_model_record *record);

/** Fills `record` (freed or zero before; freed again on failure). `label` names the file in messages, TW_ERROR_INPUT.
 *  Required members: channels, mean, norm, out_mean, out_norm; unknown members are ignored. */
tw_status tw_record_read(const char *text, size_t length, const char *label, tw_model_record *record, tw_error *err);

/** A new object; NULL only when memory is out. */
json_t *tw_record_json(const tw_model_record *record);

/** [a-z0-9] first, then also . _ -; 1 to 100 characters. */
bool tw_model_name_ok(const char *name);

#endif
