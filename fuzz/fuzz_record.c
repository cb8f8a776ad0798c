/* SPDX-License-Identifier: MIT */
/* libFuzzer: any bytes as a model's record. What is accepted must survive being written and read again. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void must_be_same(const tw_model_record *a, const tw_model_record *b)
{
    for (int c = 0; c < 3; c++) {
        must(isfinite(a->mean[c]) && isfinite(a->norm[c]) && a->norm[c] != 0);
        must(a->mean[c] == b->mean[c] && a->norm[c] == b->norm[c]);
        must(a->out_mean[c] == b->out_mean[c] && a->out_norm[c] == b->out_norm[c]);
    }
    must(a->bgr == b->bgr && a->size_multiple == b->size_multiple && same_text(a->pad, b->pad));
    must(same_text(a->name, b->name) && same_text(a->title, b->title) && same_text(a->licence, b->licence));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tw_model_record record = {0}, again = {0};
    tw_error err = TW_ERROR_NONE;
    tw_status status = tw_record_read((const char *)data, size, "fuzz", &record, &err);
    must((status == TW_OK) == (err.code == TW_OK) && (status == TW_OK || (err.message[0] && !strchr(err.message, '\n'))));
    if (status != TW_OK)
        return 0;
    json_t *object = tw_record_json(&record);
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(object);
    must(text != NULL);
    must(tw_record_read(text, strlen(text), "again", &again, &err) == TW_OK);
    must_be_same(&record, &again);
    free(text);
    tw_record_free(&record);
    tw_record_free(&again);
    return 0;
}
