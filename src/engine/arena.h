/* SPDX-License-Identifier: MIT */
/** One worker's memory, counted by an account, kept for the next tile of the same shape and given back to the system
 *  when the cap is near. Used by one thread. */
#ifndef TW_ENGINE_ARENA_H
#define TW_ENGINE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/account.h"

typedef struct tw_arena tw_arena;

tw_arena *tw_arena_new(tw_account *account);
void tw_arena_free(tw_arena *arena);
/** Aligned to 64 bytes; NULL when the account refuses even after all idle chunks were given back (remembered).
 *  A NULL arena gives an uncounted block. */
void *tw_arena_take(tw_arena *arena, size_t bytes);
/** NULL is allowed. Finds the arena by itself; same thread. */
void tw_arena_give(void *block);
/** True when a take was refused since the last call; clears the mark. */
bool tw_arena_refused(tw_arena *arena);
/** Gives idle chunks back to the system. */
void tw_arena_trim(tw_arena *arena);

#endif
