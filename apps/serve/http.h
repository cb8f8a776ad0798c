/* SPDX-License-Identifier: MIT */
/** The server's side of HTTP: who may ask what, and what is answered. All requests come from one thread. */
#ifndef TW_SERVE_HTTP_H
#define TW_SERVE_HTTP_H

#include <stdatomic.h>

#include "form.h"
#include "pictures.h"
#include "serve.h"

typedef struct serve_plan serve_plan;
typedef struct serve_planner serve_planner;

typedef struct serve_http {
    const serve_settings *settings;
    serve_limits limits;
    char *token;   /* NULL: none is asked for */
    bool loopback; /* only this machine can reach it */
    tw_queue *queue;
    serve_spool *spool;
    serve_jobs *jobs;
    serve_planner *planner;
    serve_pictures *pictures;
    atomic_int views; /* parts of pictures that are being made */
    struct MHD_Daemon *daemon;
    double start;                             /* seconds */
    atomic_bool draining;                     /* no more jobs are taken */
    atomic_int streams;                       /* of events, open now */
    atomic_int_least64_t requests, errors[2]; /* those of 4xx and of 5xx */
    atomic_int_least64_t refused[2];          /* 429, 503 */
} serve_http;

/** Starts to listen; the port is in *port. */
tw_status serve_http_start(serve_http *http, int *port, tw_error *err);
/** Jobs must have ended. */
void serve_http_stop(serve_http *http);

/** Prometheus text, freed with g_free. */
char *serve_metrics(serve_http *http);
/** The description of it all, from the options tables. */
json_t *serve_openapi(void);
/** A file of the page; its last one has no path. */
typedef struct serve_page {
    const char *path, *type, *text;
} serve_page;
extern const serve_page serve_pages[];
serve_planner *serve_planner_new(void);
/** Waits for the plans that were asked for; further ones are refused. */
void serve_planner_close(serve_planner *planner);
void serve_planner_free(serve_planner *planner);
/** Takes over the order, and puts the connection to sleep until its plan is made: the request then comes again. NULL with an error. */
serve_plan *serve_plan_new(serve_http *http, struct MHD_Connection *connection, serve_order *order, serve_error *error);
/** The plan as JSON, or NULL and why. */
const char *serve_plan_text(const serve_plan *plan, const tw_error **err);
void serve_plan_free(serve_plan *plan);
/** Answers with the events of the job, whose reference it takes over. */
enum MHD_Result serve_stream(serve_http *http, struct MHD_Connection *connection, serve_job *job);

#endif
