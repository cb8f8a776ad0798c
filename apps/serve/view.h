/* SPDX-License-Identifier: MIT */
/** Answers that show parts of a picture: Deep Zoom tiles and IIIF. What is not there yet is made by jobs of the queue, while the
 *  connection sleeps. All calls from the thread of the daemon. */
#ifndef TW_SERVE_VIEW_H
#define TW_SERVE_VIEW_H

#include <stdatomic.h>

#include "pictures.h"
#include "reply.h"

typedef struct serve_view serve_view;

/** True where an address is one of these. */
bool serve_view_is(const char *url);
/** For GET and HEAD of such an address. NULL with `error`. `busy`: how many are open, which is bounded; `ending`: nothing new begins. */
serve_view *serve_view_new(serve_pictures *pictures, struct MHD_Connection *connection, const char *url, atomic_int *busy,
                           const atomic_bool *ending, serve_error *error);
/** NULL is allowed. Not while it sleeps. */
void serve_view_free(serve_view *view);
/** Goes on; false: the connection sleeps, and this is called again when it wakes. Else the answer is queued, `*result` tells how that
 *  went, or `error` is filled. */
bool serve_view_go(serve_view *view, enum MHD_Result *result, serve_error *error);
/** Takes a picture that was sent, or fills `error`. Takes the order over, with its upload. */
enum MHD_Result serve_view_take(serve_pictures *pictures, struct MHD_Connection *connection, serve_order *order,
                                serve_error *error);
/** Allows pages of other sites to ask. */
enum MHD_Result serve_view_options(struct MHD_Connection *connection);

#endif
