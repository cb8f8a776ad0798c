/* SPDX-License-Identifier: MIT */
/* libFuzzer: any bytes as an encoded picture of at most one megapixel, decoded to its last row. The rows that come must be as
 * many as the header says, and what decoding is said to cost must be a sum. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BAND 16

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void decode(tw_source *source, tw_error *err)
{
    const tw_picture *p = tw_source_picture(source);
    must(p->width >= 1 && p->height >= 1 && p->width * p->height <= 1000000);
    must(p->colours == 1 || p->colours == 3);
    must(tw_source_cost_of(source)->sequential > 0 && tw_source_cost_of(source)->random > 0);
    must(tw_source_orientation(source) >= 1 && tw_source_orientation(source) <= 8);
    char *rows = malloc((size_t)(tw_picture_row_bytes(p) * BAND));
    int64_t y = 0, got = 0;
    while (tw_source_next_band(source, rows, BAND, &got, err) == TW_OK && got > 0) {
        must(got <= BAND);
        y += got;
    }
    must(err->code != TW_OK || y == p->height);
    free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tw_account *account = tw_account_new(NULL, "fuzz", 0);
    tw_scratch *scratch = tw_scratch_new(NULL, 64 << 20);
    tw_context *context = tw_context_new(account, scratch);
    tw_place place = {.bytes = data, .length = size, .label = "fuzz"};
    tw_source_options options = {.max_pixels = 1000000};
    tw_source *source = NULL;
    tw_error err = TW_ERROR_NONE;
    if (tw_source_open(context, &place, &options, &source, &err) == TW_OK)
        decode(source, &err);
    must(!strchr(err.message, '\n') && (err.code == TW_OK || err.message[0]));
    tw_source_close(source);
    tw_context_free(context);
    tw_scratch_free(scratch);
    must(tw_account_used(account) == 0);
    tw_account_free(account);
    return 0;
}
