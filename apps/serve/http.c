/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "view.h"

#define CONNECTIONS      256
#define CONNECTION_BYTES (32 << 10)
#define PASSED_OVER      (1 << 20) /* bytes of a body that is refused which are read, so that the answer is */

typedef enum route {
    ROUTE_NONE,
    ROUTE_HEALTH,
    ROUTE_PAGE,
    ROUTE_OPENAPI,
    ROUTE_METRICS,
    ROUTE_MODELS,
    ROUTE_PLANS,
    ROUTE_JOBS,
    ROUTE_JOB,
    ROUTE_EVENTS,
    ROUTE_RESULT,
    ROUTE_SECOND, /* and those that follow: + serve_second */
    ROUTE_VIEW = ROUTE_SECOND + SERVE_SECONDS,
    ROUTE_PICTURES,
    ROUTE_PICTURE,
} route;

typedef struct request {
    route route;
    char id[SERVE_ID + 1];
    serve_form *form;
    serve_plan *plan; /* asked for; the request comes again when it is made */
    serve_view *view;
    serve_error error;
    bool queued; /* an answer */
    int64_t passed;
} request;

/* --- who may ask --------------------------------------------------------------------------------------------------- */

/* Takes as long for a wrong token as for the right one. */
static bool same_token(const char *a, const char *b)
{
    unsigned char different = strlen(a) != strlen(b);
    for (size_t i = 0; a[i]; i++)
        different |= (unsigned char)(a[i] ^ b[strlen(b) > 0 ? i % strlen(b) : 0]);
    return !different;
}

static bool check_token(const serve_http *http, struct MHD_Connection *connection, serve_error *error)
{
    const char *given = serve_header(connection, "Authorization");
    if (!http->token)
        return true;
    if (given && g_ascii_strncasecmp(given, "Bearer ", 7) == 0 && same_token(given + 7, http->token))
        return true;
    return serve_refuse(error, 401, given ? "the token is wrong" : "a token is asked for: Authorization: Bearer TOKEN");
}

/* With or without a port. */
static bool is_local_name(const char *host)
{
    struct in_addr address;
    bool bracket = host[0] == '[';
    char *name = bracket ? g_strndup(host + 1, strcspn(host + 1, "]")) : g_strndup(host, strcspn(host, ":"));
    bool local = bracket ? strcmp(name, "::1") == 0
                         : g_ascii_strcasecmp(name, "localhost") == 0 ||
                               (inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
    g_free(name);
    return local;
}

/* A page of elsewhere that a browser shows may send requests here, also under a name of its own that leads here. It may ask for parts of
 * pictures, whose addresses nobody can guess, as viewers do. */
static bool check_origin(const serve_http *http, struct MHD_Connection *connection, bool any, serve_error *error)
{
    const char *host = serve_header(connection, "Host"), *origin = serve_header(connection, "Origin");
    const char *from = origin ? strstr(origin, "://") : NULL;
    if (http->loopback && host && !is_local_name(host))
        return serve_refuse(error, 403, "Host: %.100s: not this machine", host);
    if (origin && !any && (!from || !host || g_ascii_strcasecmp(from + 3, host) != 0))
        return serve_refuse(error, 403, "Origin: %.100s: requests of other sites are refused", origin);
    return true;
}

/* --- what is asked ------------------------------------------------------------------------------------------------- */

static bool take_id(request *r, const char *text, const char **rest)
{
    size_t length = strspn(text, "0123456789abcdef");
    if (length != SERVE_ID)
        return false;
    memcpy(r->id, text, SERVE_ID);
    *rest = text + length;
    return true;
}

static const serve_page *find_page(const char *url)
{
    for (const serve_page *page = serve_pages; page->path; page++)
        if (strcmp(url, page->path) == 0)
            return page;
    return NULL;
}

static bool is_posted(route asked)
{
    return asked == ROUTE_JOBS || asked == ROUTE_PLANS || asked == ROUTE_PICTURES;
}

/* What tells nothing of anybody's work, so that a page can be loaded which then asks for the token. */
static bool is_open(route asked)
{
    return asked == ROUTE_HEALTH || asked == ROUTE_PAGE || asked == ROUTE_OPENAPI;
}

static route find_route(request *r, const char *url)
{
    const char *rest;
    static const struct {
        const char *url;
        route route;
    } all[] = {{"/healthz", ROUTE_HEALTH},      {"/metrics", ROUTE_METRICS}, {"/openapi.json", ROUTE_OPENAPI},
               {"/v1/models", ROUTE_MODELS},    {"/v1/plans", ROUTE_PLANS},  {"/v1/jobs", ROUTE_JOBS},
               {"/v1/pictures", ROUTE_PICTURES}};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        if (strcmp(url, all[i].url) == 0)
            return all[i].route;
    if (find_page(url))
        return ROUTE_PAGE;
    if (serve_view_is(url))
        return ROUTE_VIEW;
    if (g_str_has_prefix(url, "/v1/pictures/") && take_id(r, url + 13, &rest) && !*rest)
        return ROUTE_PICTURE;
    if (!g_str_has_prefix(url, "/v1/jobs/") || !take_id(r, url + 9, &rest))
        return ROUTE_NONE;
    for (int i = 0; i < SERVE_SECONDS; i++)
        if (rest[0] == '/' && strcmp(rest + 1, serve_second_name(i)) == 0)
            return ROUTE_SECOND + (unsigned)i;
    return !*rest                         ? ROUTE_JOB
           : strcmp(rest, "/events") == 0 ? ROUTE_EVENTS
           : strcmp(rest, "/result") == 0 ? ROUTE_RESULT
                                          : ROUTE_NONE;
}

static const char *methods_of(route asked)
{
    return is_posted(asked)         ? "POST"
           : asked == ROUTE_PICTURE ? "DELETE"
           : asked == ROUTE_JOB     ? "GET, HEAD, DELETE"
                                    : "GET, HEAD";
}

static bool check_method(route asked, const char *method, serve_error *error)
{
    bool read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    bool allowed = is_posted(asked)         ? strcmp(method, "POST") == 0
                   : asked == ROUTE_PICTURE ? strcmp(method, "DELETE") == 0
                   : asked == ROUTE_JOB     ? read || strcmp(method, "DELETE") == 0
                   : asked == ROUTE_VIEW    ? read || strcmp(method, "OPTIONS") == 0
                                            : read;
    return allowed ? true : serve_refuse(error, 405, "%.20s: there is %s", method, methods_of(asked));
}

/* -1: not told, as for chunks. */
static int64_t body_length(struct MHD_Connection *connection)
{
    const char *text = serve_header(connection, "Content-Length");
    return text ? g_ascii_strtoll(text, NULL, 10) : serve_header(connection, "Transfer-Encoding") ? -1 : 0;
}

static int seconds_to_wait(const serve_http *http, const tw_queue_state *state)
{
    serve_counts counts;
    serve_jobs_count(http->jobs, &counts);
    double seconds = ceil(counts.mean_seconds * (state->waiting + 1) / MAX(1, state->running));
    return (int)CLAMP(seconds, 1, 600);
}

static bool check_room(serve_http *http, serve_error *error)
{
    tw_queue_state state;
    tw_queue_look(http->queue, &state);
    serve_pictures_prune(http->pictures);
    serve_jobs_prune(http->jobs);
    if (atomic_load(&http->draining))
        serve_refuse(error, 503, "the server is about to end");
    else if (state.waiting >= http->settings->most_waiting)
        serve_refuse(error, 429, "%d jobs wait already", state.waiting);
    else if (serve_spool_full(http->spool))
        serve_refuse(error, 503, "the server has no room for more pictures");
    error->retry_after = error->status ? seconds_to_wait(http, &state) : 0;
    return !error->status;
}

static void begin_job(serve_http *http, struct MHD_Connection *connection, request *r)
{
    int64_t length = body_length(connection);
    if (length > http->limits.most_body)
        serve_refuse(&r->error, 413, "the body is longer than %" PRId64 " bytes", http->limits.most_body);
    else if (check_room(http, &r->error))
        r->form = serve_form_new(connection, &http->limits, http->jobs, http->spool, &r->error);
    if (r->form && r->route == ROUTE_PICTURES)
        serve_form_op(r->form, "upscale");
}

static request *begin(serve_http *http, struct MHD_Connection *connection, const char *url, const char *method)
{
    request *r = g_new0(request, 1);
    atomic_fetch_add(&http->requests, 1);
    r->route = find_route(r, url);
    bool view = r->route == ROUTE_VIEW, preflight = view && strcmp(method, "OPTIONS") == 0;
    r->error.any_origin = view;
    if (!check_origin(http, connection, view, &r->error))
        return r;
    if (!is_open(r->route) && !preflight && !check_token(http, connection, &r->error))
        return r;
    if (r->route == ROUTE_NONE)
        serve_refuse(&r->error, 404, "%.200s: nothing is there", url);
    else if (check_method(r->route, method, &r->error) && is_posted(r->route))
        begin_job(http, connection, r);
    return r;
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

static enum MHD_Result refuse(serve_http *http, struct MHD_Connection *connection, request *r)
{
    r->queued = true;
    atomic_fetch_add(&http->errors[r->error.status >= 500], 1);
    if (r->error.status == 429 || r->error.status == 503)
        atomic_fetch_add(&http->refused[r->error.status == 503], 1);
    return serve_reply_error(connection, &r->error);
}

static unsigned status_of(tw_status code)
{
    return code == TW_ERROR_INPUT || code == TW_ERROR_USAGE || code == TW_ERROR_BUDGET ? 422 : 503;
}

static enum MHD_Result take_plan(serve_http *http, struct MHD_Connection *connection, request *r, serve_order *order)
{
    r->plan = serve_plan_new(http, connection, order, &r->error);
    r->queued = !r->plan;
    return r->plan ? MHD_YES : refuse(http, connection, r);
}

static enum MHD_Result reply_plan(serve_http *http, struct MHD_Connection *connection, request *r)
{
    const tw_error *err;
    const char *text = serve_plan_text(r->plan, &err);
    if (text)
        return serve_reply_text(connection, 200, "application/json", text, true);
    serve_refuse(&r->error, status_of(err->code), "%s", err->message);
    return refuse(http, connection, r);
}

static enum MHD_Result take_picture(serve_http *http, struct MHD_Connection *connection, request *r, serve_order *order)
{
    enum MHD_Result result = serve_view_take(http->pictures, connection, order, &r->error);
    return r->error.status ? refuse(http, connection, r) : result;
}

static enum MHD_Result delete_picture(serve_http *http, struct MHD_Connection *connection, request *r)
{
    if (serve_pictures_delete(http->pictures, r->id))
        return serve_reply_text(connection, 204, "application/json", "", false);
    serve_refuse(&r->error, 404, "there is no picture %s", r->id);
    return refuse(http, connection, r);
}

/* Called again when the connection wakes. */
static enum MHD_Result reply_view(serve_http *http, struct MHD_Connection *connection, request *r, const char *method,
                                  const char *url)
{
    enum MHD_Result result = MHD_YES;
    if (strcmp(method, "OPTIONS") == 0)
        return serve_view_options(connection);
    if (!r->view)
        r->view = serve_view_new(http->pictures, connection, url, &http->views, &http->draining, &r->error);
    r->queued = !r->view || serve_view_go(r->view, &result, &r->error);
    return r->error.status ? refuse(http, connection, r) : result;
}

static enum MHD_Result take_job(serve_http *http, struct MHD_Connection *connection, request *r)
{
    char location[64];
    serve_order order = {.folder = NULL};
    tw_error err = TW_ERROR_NONE;
    serve_job *job;
    if (!serve_form_order(r->form, &order, &r->error))
        return refuse(http, connection, r);
    if (r->route == ROUTE_PLANS)
        return take_plan(http, connection, r, &order);
    if (r->route == ROUTE_PICTURES)
        return take_picture(http, connection, r, &order);
    if (!check_room(http, &r->error)) { /* others came in while this one was being sent */
        serve_order_clear(http->jobs, &order);
        return refuse(http, connection, r);
    }
    if (serve_jobs_add(http->jobs, &order, http->settings->defaults, &job, &err) != TW_OK) {
        serve_refuse(&r->error, status_of(err.code), "%s", err.message);
        return refuse(http, connection, r);
    }
    g_snprintf(location, sizeof location, "/v1/jobs/%s", serve_job_id(job));
    json_t *json = serve_job_json(job);
    serve_job_unref(job);
    return serve_reply_json(connection, 202, json, location);
}

static enum MHD_Result reply_result(serve_http *http, struct MHD_Connection *connection, request *r, serve_job *job)
{
    serve_second which = r->route - ROUTE_SECOND; /* of what is not the result */
    bool second = r->route != ROUTE_RESULT;
    const char *path = second ? serve_job_second(job, which) : serve_job_result(job);
    serve_state state = serve_job_state(job);
    if (state != SERVE_DONE)
        serve_refuse(&r->error, 409, "the job is %s", serve_state_name(state));
    else if (!path)
        serve_refuse(&r->error, 404, "the job has no file for a result; its figures are in the report");
    if (r->error.status)
        return refuse(http, connection, r);
    const char *dash = second ? "-" : "", *word = second ? serve_second_name(which) : "", *end = strrchr(path, '.');
    char *tag = g_strconcat(serve_job_id(job), dash, word, NULL);
    char *name = g_strdup_printf("%.8s%s%s%s", serve_job_id(job), dash, word, end ? end : "");
    enum MHD_Result result = serve_reply_file(connection, path, serve_media_type(path), tag, name);
    g_free(tag);
    g_free(name);
    return result;
}

static enum MHD_Result delete_job(struct MHD_Connection *connection, serve_job *job)
{
    if (serve_job_delete(job))
        return serve_reply_json(connection, 202, serve_job_json(job), NULL);
    return serve_reply_text(connection, 204, "application/json", "", false);
}

static enum MHD_Result reply_job(serve_http *http, struct MHD_Connection *connection, request *r, const char *method)
{
    serve_job *job = serve_jobs_find(http->jobs, r->id);
    if (!job) {
        serve_refuse(&r->error, 404, "there is no job %s", r->id);
        return refuse(http, connection, r);
    }
    if (r->route == ROUTE_EVENTS && strcmp(method, "GET") == 0)
        return serve_stream(http, connection, job);
    enum MHD_Result result = r->route >= ROUTE_RESULT        ? reply_result(http, connection, r, job)
                             : strcmp(method, "DELETE") == 0 ? delete_job(connection, job)
                                                             : serve_reply_json(connection, 200, serve_job_json(job), NULL);
    serve_job_unref(job);
    serve_pictures_prune(http->pictures);
    return result;
}

static enum MHD_Result reply_health(serve_http *http, struct MHD_Connection *connection)
{
    bool draining = atomic_load(&http->draining);
    json_t *json = json_pack("{s:s,s:s}", "status", draining ? "ending" : "ok", "version", tw_version());
    return serve_reply_json(connection, draining ? 503 : 200, json, NULL);
}

static enum MHD_Result reply_models(serve_http *http, struct MHD_Connection *connection, request *r)
{
    tw_error err = TW_ERROR_NONE;
    char *json = NULL;
    if (tw_models_list(&json, &err) != TW_OK) {
        serve_refuse(&r->error, 503, "%s", err.message);
        return refuse(http, connection, r);
    }
    enum MHD_Result result = serve_reply_text(connection, 200, "application/json", json, true);
    tw_bytes_free(json);
    return result;
}

static enum MHD_Result reply_metrics(serve_http *http, struct MHD_Connection *connection)
{
    char *text = serve_metrics(http);
    enum MHD_Result result = serve_reply_text(connection, 200, "text/plain; version=0.0.4", text, true);
    g_free(text);
    return result;
}

static enum MHD_Result answer(serve_http *http, struct MHD_Connection *connection, request *r, const char *method,
                              const char *url)
{
    r->queued = true;
    if (r->error.status)
        return refuse(http, connection, r);
    if (r->plan)
        return reply_plan(http, connection, r);
    switch (r->route) {
    case ROUTE_JOBS:
    case ROUTE_PLANS:
    case ROUTE_PICTURES:
        return take_job(http, connection, r);
    case ROUTE_PICTURE:
        return delete_picture(http, connection, r);
    case ROUTE_VIEW:
        return reply_view(http, connection, r, method, url);
    case ROUTE_HEALTH:
        return reply_health(http, connection);
    case ROUTE_METRICS:
        return reply_metrics(http, connection);
    case ROUTE_MODELS:
        return reply_models(http, connection, r);
    case ROUTE_OPENAPI:
        return serve_reply_json(connection, 200, serve_openapi(), NULL);
    case ROUTE_PAGE:
        return serve_reply_text(connection, 200, find_page(url)->type, find_page(url)->text, false);
    default:
        return reply_job(http, connection, r, method);
    }
}

/* --- the daemon ---------------------------------------------------------------------------------------------------- */

/* What is refused from the headers on is answered at once where its body is long, and after it where it is short: a client that
 * still writes may not read. */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *length, void **state)
{
    serve_http *http = user;
    request *r = *state;
    if (!r) {
        *state = r = begin(http, connection, url, method);
        int64_t body = body_length(connection);
        return r->error.status && body > PASSED_OVER ? refuse(http, connection, r) : MHD_YES;
    }
    if (*length == 0)
        return r->queued ? MHD_YES : answer(http, connection, r, method, url);
    r->passed += r->form ? 0 : (int64_t)*length;
    if (r->form)
        serve_form_take(r->form, data, *length);
    *length = 0;
    return r->passed > 2 * PASSED_OVER ? MHD_NO : MHD_YES;
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
    request *r = *state;
    if (!r)
        return;
    serve_form_free(r->form);
    serve_plan_free(r->plan);
    serve_view_free(r->view);
    g_free(r);
    *state = NULL;
}

static bool read_address(const char *text, int port, struct sockaddr_storage *out, bool *loopback)
{
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (strcmp(text, "localhost") == 0)
        text = "127.0.0.1";
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        *loopback = ntohl(four->sin_addr.s_addr) >> 24 == 127;
        return true;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1)
        return false;
    *loopback = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    return true;
}

tw_status serve_http_start(serve_http *http, int *port, tw_error *err)
{
    struct sockaddr_storage address;
    const serve_settings *s = http->settings;
    if (!read_address(s->bind, s->port, &address, &http->loopback))
        return tw_fail(err, TW_ERROR_USAGE, "bind: \"%s\" is not an address such as 127.0.0.1 or ::1", s->bind);
    if (!http->loopback && !http->token)
        return tw_fail(err, TW_ERROR_USAGE, "bind: %s can be reached from elsewhere, which needs a --token-file", s->bind);
    unsigned flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    http->daemon = MHD_start_daemon(flags, (uint16_t)s->port, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR,
                                    (struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
                                    MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                    (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)s->timeout,
                                    MHD_OPTION_THREAD_STACK_SIZE, (size_t)(512 << 10), MHD_OPTION_END);
    if (!http->daemon)
        return tw_fail(err, TW_ERROR_RUN, "%s port %d: cannot be listened on: %s", s->bind, s->port, g_strerror(errno));
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    *port = info ? info->port : s->port;
    return TW_OK;
}

void serve_http_stop(serve_http *http)
{
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    http->daemon = NULL;
}
