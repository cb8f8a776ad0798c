/* SPDX-License-Identifier: MIT */
/** What fits the budget of a queue beside what runs: what src/queue*.c share. The public side is include/tilewright/queue.h. */
#ifndef TW_QUEUE_ROOM_H
#define TW_QUEUE_ROOM_H

#include "job.h"

/** What one job takes while it runs, by its plan. */
typedef struct tw_grant {
    char hash[65];   /* of the model; empty: none */
    int form;        /* in which its weights are held */
    int64_t weights; /* bytes; jobs of one model and form share them */
    int64_t rest;    /* bytes besides, the program itself left out */
    bool device;     /* it is a GPU's */
} tw_grant;

/** The running jobs' grants, and the bound. Its owner's lock guards it. */
typedef struct tw_room {
    tw_pool *pool;
    int64_t budget, held; /* bytes: the bound, and what the program holds besides */
    tw_grant **grants;    /* at most `most` */
    int count, shares;    /* how many there are; into how many equal parts the bound is divided */
} tw_room;

/** Bytes that jobs may take together, the program itself included, as plans count it. */
int64_t tw_room_for_jobs(const tw_room *room);
/** The bound of one job beside others. */
int64_t tw_room_share(const tw_room *room);

/** Plans the job within its share, or, where that is too little or the job is a device's, within all there is. */
tw_status tw_room_plan(tw_job *job, int64_t share, int64_t all, tw_error *err);
/** Of a planned job; `least` (0: none) is what it asked for when it was run before. */
tw_grant tw_room_grant(const tw_job *job, int64_t least);
/** True when it fits beside the others, for which it may close engines that nobody uses. One job at a time has a GPU. */
bool tw_room_fits(tw_room *room, const tw_grant *grant);
/** How many such grants fit if there are no others. */
int64_t tw_room_most(const tw_room *room, const tw_grant *grant);
/** All that is promised: program, held, grants, weights that nobody uses now. */
int64_t tw_room_planned(const tw_room *room);

#endif
