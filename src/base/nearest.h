/* SPDX-License-Identifier: MIT */
/** The name a typo probably meant. */
#ifndef TW_BASE_NEAREST_H
#define TW_BASE_NEAREST_H

/** Best candidate so far; zero it before the first tw_nearest_offer. */
typedef struct tw_nearest {
    const char *name; /* NULL: nothing near enough */
    int distance;
} tw_nearest;

/** Edits (insert, delete, replace, swap of neighbours) between two words; long words are cut, which only ranks them lower. */
int tw_edit_distance(const char *a, const char *b);

/** Keeps `candidate` when it is nearer to `word` than what was kept; a third of the word may differ. */
void tw_nearest_offer(tw_nearest *best, const char *word, const char *candidate);

#endif
