/* SPDX-License-Identifier: MIT */
/** Pictures that can be looked at in parts: results of jobs, and those that were sent to be looked at. When first asked for, each is copied
 *  into tiled files, at its size, half of it and so on, by jobs of the queue like any others. Thread-safe. */
#ifndef TW_SERVE_PICTURES_H
#define TW_SERVE_PICTURES_H

#include "jobs.h"
#include "reply.h"

#define SERVE_TILE   256 /* side of tiles, of files and of answers */
#define SERVE_LEVELS 48

typedef struct serve_pictures serve_pictures;
typedef struct serve_picture serve_picture;

/** What a picture is, once its levels are there. Level k is 2^k times smaller, rounded up. */
typedef struct serve_levels {
    int n;
    int64_t width[SERVE_LEVELS], height[SERVE_LEVELS];
} serve_levels;

serve_pictures *serve_pictures_new(tw_session *session, tw_queue *queue, serve_spool *spool, serve_jobs *jobs,
                                   const batch_default *defaults, int32_t keep_seconds);
/** After the last job of the queue has ended. NULL is allowed. */
void serve_pictures_free(serve_pictures *pictures);

/** Takes the order over, with its upload; its id is the picture's. False where `error` is filled, by the caller or here. */
bool serve_pictures_add(serve_pictures *pictures, serve_order *order, serve_error *error);
/** Forgets one that was sent. False: there is none. */
bool serve_pictures_delete(serve_pictures *pictures, const char *id);
/** A reference to what was sent, or to the result of a job that is done; NULL: neither is there. `*job` (may be NULL): there is a job. */
serve_picture *serve_pictures_find(serve_pictures *pictures, const char *id, bool *job);
void serve_picture_unref(serve_picture *picture);
/** Forgets pictures whose jobs are gone, those that were sent and are too old, and what was computed on demand where room is needed. */
void serve_pictures_prune(serve_pictures *pictures);

/** True when its levels are there or cannot be made: then `error` tells why. Else they are being made, `wake` is called when that has
 *  ended, from any thread, and `pause` at once, with the lock held. */
bool serve_picture_ready(serve_picture *picture, serve_levels *out, tw_error *error, void (*pause)(void *user),
                         void (*wake)(void *user), void *user);
/** A path in the picture's folder, freed with g_free. */
char *serve_picture_path(const serve_picture *picture, const char *name);
/** The same of the file of a level, 0: the picture as it is. */
char *serve_picture_level(const serve_picture *picture, int level);
const char *serve_picture_id(const serve_picture *picture);
/** Value of an option that came with it, or NULL. */
const char *serve_picture_option(const serve_picture *picture, const char *name);
/** Keeps the file `name` of the folder, made on demand, until room is needed; it was used now. */
void serve_picture_keep(serve_picture *picture, const char *name);

/** Sets bytes of the store aside for what is being made, to be given back; what was made on demand before makes room, but for the file
 * that was used last. */
bool serve_picture_take(serve_picture *picture, int64_t bytes);
void serve_picture_give(serve_picture *picture, int64_t bytes);

/** A job with the server's defaults; options are pairs of name and value, the last name NULL. NULL with `err`. */
tw_job *serve_pictures_job(serve_pictures *pictures, const char *op, const char *input, const char *output,
                           const char *const *options, tw_error *err);
serve_pictures *serve_picture_owner(const serve_picture *picture);
/** A copy without the server's folders. Freed with g_free. */
char *serve_pictures_tidy(const serve_pictures *pictures, const char *text);
tw_queue *serve_pictures_queue(const serve_pictures *pictures);
/** Writes the affine map of pixels of a result to those of the input, x' = m[0] x + m[1] y + m[4], y' = m[2] x + m[3] y + m[5]. */
bool serve_pictures_map(const char *path, const int64_t m[6]);

#endif
