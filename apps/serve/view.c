/* SPDX-License-Identifier: MIT */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recipe.h"

#define IIIF         "/iiif/3/"
#define JOBS         "/v1/jobs/"
#define ENDING       "the server is about to end"
#define MOST_VIEWS   64
#define MOST_WAITING 256                    /* jobs in the queue, ours among them */
#define MOST_SOURCE  (INT64_C(2048) * 2048) /* pixels that are enlarged for one answer */

typedef enum kind { VIEW_BASE, VIEW_INFO, VIEW_IMAGE, VIEW_DZI, VIEW_TILE } kind;

struct serve_view {
    struct MHD_Connection *connection;
    serve_pictures *pictures;
    serve_picture *picture;
    atomic_int *busy;
    const atomic_bool *ending;
    kind kind;
    char *rest; /* of the address, behind the id */
    bool laid, enlarging, making;
    serve_levels levels;
    iiif_image image;
    recipe recipe;
    char *enlarged, *made, *map; /* names in the picture's folder, of files of this view; enlarged ones are shared */
    int64_t taken;               /* bytes of the spool, set aside for what is being made */
    tw_error failure;
    atomic_bool has_means;
};

/* --- what is asked ------------------------------------------------------------------------------------------------- */

static const char *behind_id(const char *text)
{
    return strspn(text, "0123456789abcdef") == SERVE_ID ? text + SERVE_ID : NULL;
}

static bool find_kind(const char *url, kind *out, const char **rest)
{
    bool iiif = g_str_has_prefix(url, IIIF), job = g_str_has_prefix(url, JOBS);
    const char *at = iiif || job ? behind_id(url + strlen(iiif ? IIIF : JOBS)) : NULL;
    *rest = at;
    if (!at)
        return false;
    if (iiif) {
        *out = !*at || strcmp(at, "/") == 0 ? VIEW_BASE : strcmp(at, "/info.json") == 0 ? VIEW_INFO : VIEW_IMAGE;
        *rest = *at ? at + 1 : at;
        return !*at || *at == '/';
    }
    if (strcmp(at, "/result.dzi") == 0)
        *out = VIEW_DZI;
    else if (g_str_has_prefix(at, "/result_files/"))
        *out = VIEW_TILE, *rest = at + strlen("/result_files/");
    else
        return false;
    return true;
}

bool serve_view_is(const char *url)
{
    kind ignored;
    const char *rest;
    return find_kind(url, &ignored, &rest);
}

serve_view *serve_view_new(serve_pictures *pictures, struct MHD_Connection *connection, const char *url, atomic_int *busy,
                           const atomic_bool *ending, serve_error *error)
{
    kind asked;
    char id[SERVE_ID + 1];
    const char *rest;
    bool is_job;
    tw_queue_state state;
    find_kind(url, &asked, &rest);
    const char *at = url + strlen(g_str_has_prefix(url, IIIF) ? IIIF : JOBS);
    g_strlcpy(id, at, sizeof id);
    if (atomic_load(ending)) {
        serve_refuse(error, 503, ENDING);
        return NULL;
    }
    tw_queue_look(serve_pictures_queue(pictures), &state);
    if (atomic_load(busy) >= MOST_VIEWS || state.waiting >= MOST_WAITING) {
        serve_refuse(error, 503, "%d parts of pictures are being made already", atomic_load(busy));
        error->retry_after = 2;
        return NULL;
    }
    serve_picture *picture = serve_pictures_find(pictures, id, &is_job);
    if (!picture) {
        serve_refuse(error, is_job ? 409 : 404, is_job ? "the job %s has no picture for a result" : "there is no picture %s",
                     id);
        return NULL;
    }
    serve_view *v = g_new0(serve_view, 1);
    *v = (serve_view){.connection = connection, .pictures = pictures, .picture = picture, .busy = busy, .kind = asked};
    v->ending = ending;
    v->rest = g_strdup(rest);
    atomic_fetch_add(busy, 1);
    return v;
}

static void give_room(serve_view *v)
{
    serve_picture_give(v->picture, v->taken);
    v->taken = 0;
}

static void remove_file(serve_view *v, char *name)
{
    char *path = name ? serve_picture_path(v->picture, name) : NULL;
    if (path)
        unlink(path);
    g_free(path);
    g_free(name);
}

void serve_view_free(serve_view *v)
{
    if (!v)
        return;
    give_room(v);
    remove_file(v, v->made);
    remove_file(v, v->map);
    atomic_fetch_sub(v->busy, 1);
    serve_picture_unref(v->picture);
    g_free(v->enlarged);
    g_free(v->rest);
    g_free(v);
}

/* --- recipes ------------------------------------------------------------------------------------------------------- */

static bool lay(serve_view *v, serve_error *error)
{
    if (v->laid)
        return true;
    if (v->kind == VIEW_TILE && !recipe_tile(&v->levels, v->rest, &v->recipe, error))
        return false;
    if (v->kind == VIEW_IMAGE) {
        if (!iiif_read(v->rest, v->levels.width[0], v->levels.height[0], &v->image, error))
            return false;
        recipe_image(&v->levels, &v->image, &v->recipe);
        if (v->recipe.scale > 1 && v->recipe.cells[2] > MOST_SOURCE / v->recipe.cells[3])
            return serve_refuse(error, 501, "more than %" PRId64 " pixels are not enlarged at once", MOST_SOURCE);
    }
    v->laid = true;
    return true;
}

/* --- jobs ---------------------------------------------------------------------------------------------------------- */

static void sleep_now(void *user)
{
    MHD_suspend_connection(((serve_view *)user)->connection);
}

static void wake_up(void *user)
{
    MHD_resume_connection(((serve_view *)user)->connection);
}

static void on_ended(void *user, tw_job *job, const tw_error *error)
{
    serve_view *v = user;
    v->failure = *error;
    tw_job_free(job);
    wake_up(v);
}

/* Means of the whole picture, anew for each part: nobody could wait for that. */
static void on_planned(void *user, tw_job *job)
{
    serve_view *v = user;
    if (tw_job_report(job)->passes > 1) {
        atomic_store(&v->has_means, true);
        tw_job_cancel(job);
    }
}

/* For a file of so many pixels, as large as they may be at 16 bit with alpha. */
static bool take_room(serve_view *v, int64_t pixels, serve_error *error)
{
    give_room(v);
    if (serve_picture_take(v->picture, 8 * pixels)) {
        v->taken = 8 * pixels;
        return true;
    }
    error->retry_after = 5;
    return serve_refuse(error, 503, "the server has no room for more parts of pictures");
}

static void run(serve_view *v, tw_job *job)
{
    tw_queue_events events = {.user = v, .planned = v->enlarging ? on_planned : NULL, .ended = on_ended};
    sleep_now(v);
    if (tw_queue_add(serve_pictures_queue(v->pictures), job, 1, &events, NULL, &v->failure) == TW_OK)
        return;
    tw_job_free(job);
    wake_up(v);
}

static bool refuse(serve_view *v, serve_error *error)
{
    tw_status code = v->failure.code;
    bool lost = code == TW_ERROR_INPUT && v->making && v->recipe.scale > 1; /* the enlarged cells had to go */
    bool again = code == TW_ERROR_RUN || code == TW_ERROR_INTERRUPTED || lost;
    if (atomic_load(&v->has_means))
        return serve_refuse(error, 501, "the model sums over the whole picture: parts are not enlarged on demand");
    char *message = serve_pictures_tidy(v->pictures, v->failure.message);
    serve_refuse(error, again ? 503 : v->enlarging && code == TW_ERROR_USAGE ? 501 : 422, "%s", message);
    error->retry_after = again ? 5 : 0;
    g_free(message);
    return false;
}

static bool is_there(serve_view *v, const char *name)
{
    char *path = serve_picture_path(v->picture, name);
    bool there = access(path, R_OK) == 0;
    g_free(path);
    return there;
}

/* False: the view sleeps, or `error` is filled. */
static bool enlarge(serve_view *v, serve_error *error)
{
    const recipe *r = &v->recipe;
    char region[96], scale[4], model[16];
    const char *named = serve_picture_option(v->picture, "model");
    if (r->scale == 1)
        return true;
    if (v->enlarging && (v->failure.code != TW_OK || atomic_load(&v->has_means)))
        return refuse(v, error);
    g_snprintf(region, sizeof region, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, r->cells[0], r->cells[1], r->cells[2],
               r->cells[3]);
    g_snprintf(scale, sizeof scale, "%d", r->scale);
    g_snprintf(model, sizeof model, "photo-%dx", r->scale);
    if (!v->enlarged)
        v->enlarged = g_strdup_printf("enlarged-%s-%s.tif", scale, region);
    if (is_there(v, v->enlarged)) {
        serve_picture_keep(v->picture, v->enlarged);
        return true;
    }
    if (!take_room(v, r->cells[2] * r->cells[3] * r->scale * r->scale, error))
        return false;
    /* the tile is named, so that it never follows from what else is running */
    const char *const options[] = {"region", region, "model", named ? named : model, "scale", scale,       "schedule",
                                   "halo",   "tile", "128",   "tiff-compression",    "lzw",   "tiff-tile", "256",
                                   NULL};
    char *from = serve_picture_level(v->picture, 0), *to = serve_picture_path(v->picture, v->enlarged);
    v->enlarging = true;
    tw_job *job = serve_pictures_job(v->pictures, "upscale", from, to, options, &v->failure);
    g_free(from);
    g_free(to);
    if (!job)
        return refuse(v, error);
    run(v, job);
    return false;
}

static tw_job *part_job(serve_view *v, tw_error *err)
{
    const recipe *r = &v->recipe;
    int64_t s = r->scale, w = r->w * s, h = r->h * s, m[6];
    bool across = r->rotation % 180 != 0;
    char size[48], fit[48];
    char *from = s > 1 ? serve_picture_path(v->picture, v->enlarged) : serve_picture_level(v->picture, r->level);
    char *to = serve_picture_path(v->picture, v->made), *map = serve_picture_path(v->picture, v->map);
    recipe_map(r, s * (r->x - (s > 1 ? r->cells[0] : 0)), s * (r->y - (s > 1 ? r->cells[1] : 0)), w, h, m);
    g_snprintf(size, sizeof size, "%" PRId64 "x%" PRId64, across ? h : w, across ? w : h);
    g_snprintf(fit, sizeof fit, "%" PRId64 "x%" PRId64, across ? r->height : r->width, across ? r->width : r->height);
    bool shrinks = strcmp(size, fit) != 0;
    const char *const options[] = {"field", map, "interpolate", "nearest", "size", size, shrinks ? "fit" : NULL, fit, NULL};
    tw_job *job = serve_pictures_map(map, m) ? serve_pictures_job(v->pictures, "warp", from, to, options, err) : NULL;
    if (!job && err->code == TW_OK)
        tw_fail(err, TW_ERROR_RUN, "the server cannot write");
    g_free(from);
    g_free(to);
    g_free(map);
    return job;
}

/* False: the view sleeps, or `error` is filled. */
static bool make(serve_view *v, serve_error *error)
{
    char id[SERVE_ID + 1];
    if (v->making)
        return v->failure.code == TW_OK ? true : refuse(v, error);
    if (!take_room(v, v->recipe.width * v->recipe.height, error))
        return false;
    serve_jobs_id(id);
    v->made = g_strdup_printf("part-%s.%s", id, v->recipe.format);
    v->map = g_strdup_printf("part-%s.tfm", id);
    v->making = true;
    v->enlarging = false;
    tw_job *job = part_job(v, &v->failure);
    if (!job)
        return refuse(v, error);
    run(v, job);
    return false;
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

static enum MHD_Result reply(serve_view *v, unsigned status, struct MHD_Response *response, const char *type)
{
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Cache-Control", "private, max-age=3600");
    MHD_add_response_header(response, "Access-Control-Allow-Origin", "*");
    enum MHD_Result result = MHD_queue_response(v->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *text_response(char *text)
{
    return MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
}

/* As the client calls this server. */
static char *base_of(const serve_view *v)
{
    const char *host = serve_header(v->connection, "Host");
    bool plain = host && host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]")] == 0;
    return g_strdup_printf("http://%s" IIIF "%s", plain ? host : "localhost", serve_picture_id(v->picture));
}

static enum MHD_Result reply_base(serve_view *v)
{
    char *base = base_of(v), *info = g_strconcat(base, "/info.json", NULL);
    struct MHD_Response *response = text_response("");
    if (response)
        MHD_add_response_header(response, "Location", info);
    g_free(info);
    g_free(base);
    return reply(v, 303, response, "text/plain");
}

static enum MHD_Result reply_info(serve_view *v)
{
    const char *accept = serve_header(v->connection, "Accept");
    bool linked = accept && strstr(accept, "application/ld+json");
    char *base = base_of(v);
    json_t *json = iiif_info(base, v->levels.width[0], v->levels.height[0], v->levels.n);
    char *text = json_dumps(json, JSON_COMPACT);
    struct MHD_Response *response = text ? text_response(text) : NULL;
    free(text);
    json_decref(json);
    g_free(base);
    return reply(v, 200, response, linked ? "application/ld+json;profile=\"" IIIF_CONTEXT "\"" : "application/json");
}

static enum MHD_Result reply_dzi(serve_view *v)
{
    char *text = g_strdup_printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                 "<Image xmlns=\"http://schemas.microsoft.com/deepzoom/2008\" Format=\"png\" Overlap=\"1\" "
                                 "TileSize=\"%d\"><Size Width=\"%" PRId64 "\" Height=\"%" PRId64 "\"/></Image>\n",
                                 SERVE_TILE, v->levels.width[0], v->levels.height[0]);
    struct MHD_Response *response = text_response(text);
    g_free(text);
    return reply(v, 200, response, "application/xml");
}

static enum MHD_Result reply_part(serve_view *v, serve_error *error)
{
    char *path = serve_picture_path(v->picture, v->made);
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct MHD_Response *response =
        fd >= 0 && fstat(fd, &st) == 0 ? MHD_create_response_from_fd64((uint64_t)st.st_size, fd) : NULL;
    if (!response && fd >= 0)
        close(fd);
    if (!response)
        serve_refuse(error, 503, "the part of the picture is not there any more");
    if (response && v->kind == VIEW_IMAGE) {
        char *base = base_of(v), *canonical = iiif_canonical(&v->image, v->levels.width[0], v->levels.height[0]);
        char *link = g_strdup_printf("<%s/%s>;rel=\"canonical\"", base, canonical);
        MHD_add_response_header(response, "Link", link);
        g_free(link);
        g_free(canonical);
        g_free(base);
    }
    enum MHD_Result result = response ? reply(v, 200, response, serve_media_type(path)) : MHD_NO;
    g_free(path);
    return result;
}

bool serve_view_go(serve_view *v, enum MHD_Result *result, serve_error *error)
{
    if (atomic_load(v->ending)) /* nothing more is made */
        return !serve_refuse(error, 503, ENDING);
    if (v->kind == VIEW_BASE) {
        *result = reply_base(v);
        return true;
    }
    if (!v->laid && !serve_picture_ready(v->picture, &v->levels, &v->failure, sleep_now, wake_up, v))
        return false;
    if (!v->laid && v->failure.code != TW_OK)
        return !refuse(v, error);
    if (!lay(v, error))
        return true;
    if (v->kind == VIEW_INFO || v->kind == VIEW_DZI)
        *result = v->kind == VIEW_INFO ? reply_info(v) : reply_dzi(v);
    else if (!enlarge(v, error) || !make(v, error))
        return error->status != 0;
    else
        *result = reply_part(v, error);
    return true;
}

static void check_picture(const serve_order *order, serve_error *error)
{
    static const char *const known[] = {"op", "input", "output", "model", NULL};
    const json_t *model = json_object_get(order->json, "model");
    const char *key;
    json_t *value;
    json_object_foreach(order->json, key, value) if (!g_strv_contains(known, key))
        serve_refuse(error, 422, "\"%.80s\": a picture comes with a \"model\", or alone", key);
    if (model && !json_is_string(model))
        serve_refuse(error, 422, "\"model\" is a name");
}

enum MHD_Result serve_view_take(serve_pictures *pictures, struct MHD_Connection *connection, serve_order *order,
                                serve_error *error)
{
    char id[SERVE_ID + 1], url[sizeof IIIF + SERVE_ID];
    g_strlcpy(id, order->id, sizeof id);
    g_snprintf(url, sizeof url, IIIF "%s", id);
    check_picture(order, error);
    if (!serve_pictures_add(pictures, order, error))
        return MHD_NO;
    return serve_reply_json(connection, 201, json_pack("{s:s,s:s}", "id", id, "iiif", url), url);
}

enum MHD_Result serve_view_options(struct MHD_Connection *connection)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Access-Control-Allow-Origin", "*");
    MHD_add_response_header(response, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
    MHD_add_response_header(response, "Access-Control-Allow-Headers", "Authorization");
    enum MHD_Result result = MHD_queue_response(connection, 204, response);
    MHD_destroy_response(response);
    return result;
}
