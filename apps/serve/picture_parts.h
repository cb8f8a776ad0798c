/* SPDX-License-Identifier: MIT */
/** What a picture is made of: for pictures.c and levels.c alone. */
#ifndef TW_SERVE_PICTURE_PARTS_H
#define TW_SERVE_PICTURE_PARTS_H

#include "job_parts.h"
#include "pictures.h"

typedef enum levels_state { LEVELS_NONE, LEVELS_MAKING, LEVELS_READY, LEVELS_FAILED } levels_state;

typedef struct kept_file {
    char *name;
    int64_t bytes;
} kept_file;

typedef struct sleeper { /* who is told when the levels are there */
    void (*wake)(void *user);
    void *user;
} sleeper;

struct serve_picture {
    serve_pictures *owner;
    int references;
    bool listed, sent;
    serve_order order; /* of one that was sent; else only its id */
    serve_job *job;    /* whose result it is, while levels are made */
    char *source;
    char *folder; /* in the spool */
    int64_t bytes;
    double used; /* seconds */
    levels_state state;
    serve_levels levels;
    tw_error failure;
    double failed;    /* when, seconds */
    GArray *sleepers; /* of sleeper */
    GQueue kept;      /* kept_file, the one used last at the end */
};

struct serve_pictures {
    tw_session *session;
    tw_queue *queue;
    serve_spool *spool;
    serve_jobs *jobs;
    const batch_default *defaults;
    int32_t keep;
    pthread_mutex_t lock; /* guards what follows, and all pictures */
    GHashTable *by_id;
};

/** Gives a reference back. Holds the lock. */
void serve_picture_give_back(serve_picture *picture);

#endif
