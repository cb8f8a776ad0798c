/* SPDX-License-Identifier: MIT */
#include "base/account.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

struct tw_account {
    tw_account *parent;
    const char *name;
    int64_t cap;
    _Atomic int64_t used;
    _Atomic int64_t peak;
    _Atomic int64_t fail_left; /* takes until the last one that is to fail on purpose, 0: none */
    _Atomic int64_t fail_count;
};

tw_account *tw_account_new(tw_account *parent, const char *name, int64_t cap)
{
    tw_account *account = calloc(1, sizeof *account);
    if (!account)
        return NULL;
    account->parent = parent;
    account->name = name;
    account->cap = cap;
    return account;
}

void tw_account_free(tw_account *account)
{
    free(account);
}

static void raise_peak(tw_account *account, int64_t used)
{
    int64_t peak = atomic_load(&account->peak);
    while (used > peak && !atomic_compare_exchange_weak(&account->peak, &peak, used))
        ;
}

/* Fails on purpose, when a test asked for it here or in a parent. */
static bool injected_failure(tw_account *account)
{
    for (tw_account *a = account; a; a = a->parent) {
        if (atomic_load(&a->fail_left) <= 0)
            continue;
        int64_t left = atomic_fetch_sub(&a->fail_left, 1);
        if (left > 0 && left <= atomic_load(&a->fail_count))
            return true;
    }
    return false;
}

bool tw_account_take(tw_account *account, int64_t bytes)
{
    if (injected_failure(account))
        return false;
    for (tw_account *a = account; a; a = a->parent) {
        int64_t used = atomic_fetch_add(&a->used, bytes) + bytes;
        if (a->cap > 0 && used > a->cap) {
            for (tw_account *undo = account;; undo = undo->parent) {
                atomic_fetch_sub(&undo->used, bytes);
                if (undo == a)
                    return false;
            }
        }
    }
    /* Peaks only once the whole chain has agreed, so that a refusal leaves no trace. */
    for (tw_account *a = account; a; a = a->parent)
        raise_peak(a, atomic_load(&a->used));
    return true;
}

void tw_account_give(tw_account *account, int64_t bytes)
{
    for (tw_account *a = account; a; a = a->parent)
        atomic_fetch_sub(&a->used, bytes);
}

int64_t tw_account_used(const tw_account *account)
{
    return atomic_load(&((tw_account *)account)->used);
}

int64_t tw_account_peak(const tw_account *account)
{
    return atomic_load(&((tw_account *)account)->peak);
}

int64_t tw_account_cap(const tw_account *account)
{
    return account->cap;
}

void tw_account_fail_at(tw_account *account, int64_t n)
{
    tw_account_fail_range(account, n, 1);
}

void tw_account_fail_range(tw_account *account, int64_t n, int64_t count)
{
    if (count > INT64_MAX - n)
        count = INT64_MAX - n;
    atomic_store(&account->fail_count, count);
    atomic_store(&account->fail_left, n > 0 ? n + count - 1 : 0);
}

#define MAPPED_FROM (64 * 1024)

/* Lies in the 64 bytes in front of every block. */
typedef struct block_head {
    tw_account *account;
    size_t total;
    bool mapped;
} block_head;

_Static_assert(sizeof(block_head) <= 64, "the head must not break the alignment");

void *tw_alloc(tw_account *account, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    size_t total = bytes + 64;
    bool mapped = total >= MAPPED_FROM;
    size_t unit = mapped ? 4096 : 64;
    total = (total + unit - 1) / unit * unit;
    if (!tw_account_take(account, (int64_t)total))
        return NULL;
    void *start;
    if (mapped) {
        start = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED)
            start = NULL;
    } else {
        start = aligned_alloc(64, total);
    }
    if (!start) {
        tw_account_give(account, (int64_t)total);
        return NULL;
    }
    *(block_head *)start = (block_head){account, total, mapped};
    return (char *)start + 64;
}

void tw_free(void *block)
{
    if (!block)
        return;
    void *start = (char *)block - 64;
    block_head head = *(block_head *)start;
    if (head.mapped)
        munmap(start, head.total);
    else
        free(start);
    tw_account_give(head.account, (int64_t)head.total);
}
