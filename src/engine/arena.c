/* SPDX-License-Identifier: MIT */
#include "engine/arena.h"

#include <stdint.h>
#include <stdlib.h>

#define IDLE_MAX 96
#define KEEP_FROM (64 * 1024)

/* Lies in the 64 bytes in front of what is handed out (tw_alloc's own head lies before it). */
typedef struct chunk {
    tw_arena *arena;
    size_t bytes; /* handed out */
} chunk;

_Static_assert(sizeof(chunk) <= 64, "the head must not break the alignment");

struct tw_arena {
    tw_account *account;
    bool refused;
    int n_idle;
    chunk *idle[IDLE_MAX];
};

tw_arena *tw_arena_new(tw_account *account)
{
    tw_arena *arena = calloc(1, sizeof *arena);
    if (arena)
        arena->account = account;
    return arena;
}

void tw_arena_trim(tw_arena *arena)
{
    while (arena->n_idle > 0)
        tw_free(arena->idle[--arena->n_idle]);
}

void tw_arena_free(tw_arena *arena)
{
    if (!arena)
        return;
    tw_arena_trim(arena);
    free(arena);
}

/* The smallest idle chunk that fits and wastes at most an eighth. */
static chunk *take_idle(tw_arena *arena, size_t bytes)
{
    int best = -1;
    for (int i = 0; i < arena->n_idle; i++) {
        size_t have = arena->idle[i]->bytes;
        if (have >= bytes && have - bytes <= bytes / 8 && (best < 0 || have < arena->idle[best]->bytes))
            best = i;
    }
    if (best < 0)
        return NULL;
    chunk *found = arena->idle[best];
    arena->idle[best] = arena->idle[--arena->n_idle];
    return found;
}

void *tw_arena_take(tw_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    if (!arena) { /* weights: counted as a whole by who loads them */
        chunk *weights = tw_alloc(NULL, bytes + 64);
        if (weights)
            *weights = (chunk){NULL, bytes};
        return weights ? (char *)weights + 64 : NULL;
    }
    chunk *c = bytes >= KEEP_FROM ? take_idle(arena, bytes) : NULL;
    if (!c) {
        c = tw_alloc(arena->account, bytes + 64);
        if (!c && arena->n_idle > 0) {
            tw_arena_trim(arena);
            c = tw_alloc(arena->account, bytes + 64);
        }
        if (!c) {
            arena->refused = true;
            return NULL;
        }
        c->arena = arena;
        c->bytes = bytes;
    }
    return (char *)c + 64;
}

void tw_arena_give(void *block)
{
    if (!block)
        return;
    chunk *c = (chunk *)((char *)block - 64);
    tw_arena *arena = c->arena;
    if (arena && c->bytes >= KEEP_FROM && arena->n_idle < IDLE_MAX)
        arena->idle[arena->n_idle++] = c;
    else
        tw_free(c);
}

bool tw_arena_refused(tw_arena *arena)
{
    bool refused = arena->refused;
    arena->refused = false;
    return refused;
}
