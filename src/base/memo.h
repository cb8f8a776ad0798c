/* SPDX-License-Identifier: MIT */
/** What was worked out before: two numbers by three. Thread-safe. */
#ifndef TW_BASE_MEMO_H
#define TW_BASE_MEMO_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tw_memo tw_memo;

/** Before it would hold more than `most` entries (of 40 bytes and a head) it forgets all. */
tw_memo *tw_memo_new(int most);
/** NULL is allowed. */
void tw_memo_free(tw_memo *memo);
/** False: not known. */
bool tw_memo_find(tw_memo *memo, const int64_t key[3], int64_t value[2]);
void tw_memo_keep(tw_memo *memo, const int64_t key[3], const int64_t value[2]);

#endif
