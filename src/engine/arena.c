/* SPDX-License-Identifier: MIT */
/** One reserved stretch of address space, cut into blocks. Free blocks stay resident (warm) for the next tile, which asks for the
 *  same sizes in the same order, so that after the first tile nothing is mapped or faulted in any more. What is resident is what
 *  the account counts; when it refuses, warm blocks are given back to the system (cold) before anybody is told no. */
#include "engine/arena.h"

#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE     4096
#define OWN_FROM (64 * 1024) /* smaller requests go to tw_alloc */
#define UNCAPPED (INT64_C(4) << 30)

typedef enum block_state { LIVE, WARM, COLD } block_state;

typedef struct block {
    int64_t offset, size;
    block_state state;
} block;

/* Lies in the 64 bytes in front of what is handed out. */
typedef struct head {
    tw_arena *arena; /* NULL: a block of tw_alloc's */
    int64_t offset;  /* -1: a small block of tw_alloc's */
} head;

_Static_assert(sizeof(head) <= 64, "the head must not break the alignment");

struct tw_arena {
    tw_account *account;
    char *base;
    int64_t reserved;
    GArray *blocks; /* block, by offset, without gaps */
    bool refused;
};

tw_arena *tw_arena_new(tw_account *account)
{
    tw_arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        return NULL;
    int64_t cap = tw_account_cap(account);
    arena->account = account;
    arena->reserved = ((cap > 0 ? 2 * cap : UNCAPPED) + PAGE - 1) / PAGE * PAGE;
    arena->base =
        mmap(NULL, (size_t)arena->reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena->base == MAP_FAILED) {
        free(arena);
        return NULL;
    }
    arena->blocks = g_array_new(FALSE, FALSE, sizeof(block));
    block all = {0, arena->reserved, COLD};
    g_array_append_val(arena->blocks, all);
    return arena;
}

static block *at(tw_arena *arena, guint i)
{
    return &g_array_index(arena->blocks, block, i);
}

void tw_arena_trim(tw_arena *arena)
{
    for (guint i = 0; i < arena->blocks->len; i++) {
        block *b = at(arena, i);
        if (b->state != WARM)
            continue;
        madvise(arena->base + b->offset, (size_t)b->size, MADV_DONTNEED);
        tw_account_give(arena->account, b->size);
        b->state = COLD;
    }
}

void tw_arena_free(tw_arena *arena)
{
    if (!arena)
        return;
    for (guint i = 0; i < arena->blocks->len; i++)
        if (at(arena, i)->state != COLD)
            tw_account_give(arena->account, at(arena, i)->size);
    munmap(arena->base, (size_t)arena->reserved);
    g_array_free(arena->blocks, TRUE);
    free(arena);
}

/* A run of free blocks: [first, end), `warm` bytes of the first `size` bytes are resident already. */
typedef struct run {
    guint first, end;
    int64_t warm;
} run;

/* The run that needs the fewest new pages; among equals the one that wastes least warm memory, then the lowest. */
static bool find_run(tw_arena *arena, int64_t size, run *out)
{
    int64_t best_new = INT64_MAX, best_waste = INT64_MAX;
    for (guint i = 0; i < arena->blocks->len; i++) {
        int64_t have = 0, warm = 0, waste = 0;
        for (guint j = i; j < arena->blocks->len && at(arena, j)->state != LIVE && have < size; j++) {
            int64_t used = MIN(at(arena, j)->size, size - have);
            have += at(arena, j)->size;
            if (at(arena, j)->state == WARM) {
                warm += used;
                waste = at(arena, j)->size - used;
            }
            if (have >= size && (size - warm < best_new || (size - warm == best_new && waste < best_waste))) {
                best_new = size - warm;
                best_waste = waste;
                *out = (run){i, j + 1, warm};
            }
        }
    }
    return best_new != INT64_MAX;
}

/* Makes the first `size` bytes of the run one live block; what is left of its last block keeps its state. */
static int64_t cut(tw_arena *arena, run r, int64_t size)
{
    block last = *at(arena, r.end - 1);
    block live = {at(arena, r.first)->offset, size, LIVE};
    int64_t end = last.offset + last.size;
    g_array_remove_range(arena->blocks, r.first, r.end - r.first);
    g_array_insert_val(arena->blocks, r.first, live);
    if (end > live.offset + size) {
        block rest = {live.offset + size, end - live.offset - size, last.state};
        g_array_insert_val(arena->blocks, r.first + 1, rest);
    }
    return live.offset;
}

static void *take_block(tw_arena *arena, int64_t size)
{
    run r;
    if (!find_run(arena, size, &r))
        return NULL;
    if (size > r.warm && !tw_account_take(arena->account, size - r.warm)) {
        tw_arena_trim(arena);
        if (!find_run(arena, size, &r) || !tw_account_take(arena->account, size - r.warm))
            return NULL;
    }
    int64_t offset = cut(arena, r, size);
    head *h = (head *)(arena->base + offset);
    *h = (head){arena, offset};
    return (char *)h + 64;
}

static void *take_small(tw_account *account, size_t bytes)
{
    head *h = tw_alloc(account, bytes + 64);
    if (!h)
        return NULL;
    *h = (head){NULL, -1};
    return (char *)h + 64;
}

void *tw_arena_take(tw_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 4)
        return NULL;
    if (!arena) /* weights: counted as a whole by who loads them */
        return take_small(NULL, bytes);
    void *taken = bytes < OWN_FROM ? take_small(arena->account, bytes)
                                   : take_block(arena, (int64_t)(bytes + 64 + PAGE - 1) / PAGE * PAGE);
    if (!taken && bytes < OWN_FROM) { /* the same courtesy as for blocks: what only waits goes first */
        tw_arena_trim(arena);
        taken = take_small(arena->account, bytes);
    }
    if (!taken)
        arena->refused = true;
    return taken;
}

/* Free neighbours of one state become one block. */
static void join(tw_arena *arena, guint i)
{
    if (i + 1 < arena->blocks->len && at(arena, i + 1)->state == at(arena, i)->state) {
        at(arena, i)->size += at(arena, i + 1)->size;
        g_array_remove_index(arena->blocks, i + 1);
    }
    if (i > 0 && at(arena, i - 1)->state == at(arena, i)->state) {
        at(arena, i - 1)->size += at(arena, i)->size;
        g_array_remove_index(arena->blocks, i);
    }
}

void tw_arena_give(void *taken)
{
    if (!taken)
        return;
    head *h = (head *)((char *)taken - 64);
    tw_arena *arena = h->arena;
    if (!arena) {
        tw_free(h);
        return;
    }
    for (guint i = 0; i < arena->blocks->len; i++)
        if (at(arena, i)->offset == h->offset) {
            at(arena, i)->state = WARM;
            join(arena, i);
            return;
        }
}

bool tw_arena_refused(tw_arena *arena)
{
    bool refused = arena->refused;
    arena->refused = false;
    return refused;
}
