/* SPDX-License-Identifier: MIT */
/** Where edges between tiles lie best along one axis, and how far tiles overlap there: by the picture's detail. Pure. */
#ifndef TW_SCHEDULE_SEAMS_H
#define TW_SCHEDULE_SEAMS_H

#include <stdint.h>

/** What edges may do, in samples of the axis. Even edges must keep every rule. */
typedef struct tw_seam_rule {
    int64_t length, count; /* of the axis; tiles along it */
    int64_t pitch;         /* even edges lie at its multiples, before `length` */
    int64_t shift;         /* no edge lies further from its even place */
    int64_t least, most;   /* length of a tile; the last one may be shorter where it is with even edges */
    int64_t align;         /* edges lie at multiples of it; pitch and shift are such */
    int64_t around;        /* detail is averaged over so many samples to each side of an edge, at least 1 */
} tw_seam_rule;

/** Bytes of `room` for tw_seams_choose. */
int64_t tw_seams_bytes(const tw_seam_rule *rule);
/** Detail at an edge: the average around it, in 1/16 of the units of `detail` (one number for each sample, at most 2^40). */
int64_t tw_seams_detail(const tw_seam_rule *rule, const int64_t *detail, int64_t at);
/** Writes count + 1 positions, 0 first and `length` last. Their sum of detail is the least that the rule allows; of those that have
 *  it, edges are moved least in all. `room` is aligned as malloc does it. */
void tw_seams_choose(const tw_seam_rule *rule, const int64_t *detail, void *room, int64_t *edges);

/** How far tiles reach over each of count + 1 edges to be blended, in samples of the axis, at which `positions` lie; 0 at both ends.
 *  `reach` where there is less than half of the edges' mean detail; else more, by halves of it and up to three times, all edges step by
 *  step and the most detailed first, as far as no tile becomes longer than `most` and no two overlaps meet. `detail`: at each edge.
 *  `order`: room for count + 1. */
void tw_seams_widen(int64_t count, const int64_t *positions, const int64_t *detail, int64_t reach, int64_t most, int64_t *order,
                    int64_t *reaches);

#endif
