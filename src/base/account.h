/* SPDX-License-Identifier: MIT */
/** Memory accounts: nested (process -> job -> operator), capped, with a high-water mark. Thread-safe.
 *  Everything that grows with a picture is allocated through one; small structs use g_new/malloc. */
#ifndef TW_BASE_ACCOUNT_H
#define TW_BASE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tw_account tw_account;

/** `parent` may be NULL and must outlive the child. `cap` in bytes, 0: none of its own. NULL when memory is out. */
tw_account *tw_account_new(tw_account *parent, const char *name, int64_t cap);
/** NULL is allowed. Everything taken must have been given back. */
void tw_account_free(tw_account *account);

/** Counts bytes here and in all parents, or counts nothing and returns false when a cap would be passed. */
bool tw_account_take(tw_account *account, int64_t bytes);
void tw_account_give(tw_account *account, int64_t bytes);

int64_t tw_account_used(const tw_account *account);
int64_t tw_account_peak(const tw_account *account);
int64_t tw_account_cap(const tw_account *account);

/** Counted allocation, aligned to 64 bytes, contents undefined; NULL when a cap or the system refuses.
 *  Blocks of 64 KiB and more are mapped on their own and leave the process when freed. */
void *tw_alloc(tw_account *account, size_t bytes);
/** NULL is allowed. The block carries its account. */
void tw_free(void *block);

/** Test hook: the n-th tw_account_take from now (1: the next) in this account or a child fails, once; 0: off. */
void tw_account_fail_at(tw_account *account, int64_t n);
/** The same for `count` takes in a row, beginning with the n-th; INT64_MAX: all from there on. */
void tw_account_fail_range(tw_account *account, int64_t n, int64_t count);

#endif
