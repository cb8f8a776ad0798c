/* SPDX-License-Identifier: MIT */
/* A job as clients see it. */
#include <glib.h>

#include "../batch/events.h"
#include "base/wait.h"
#include "job_parts.h"

static void set_text(json_t *json, const char *key, const char *report)
{
    json_t *value = report ? json_loads(report, 0, NULL) : NULL;
    json_object_set_new(json, key, value ? value : json_null());
}

static void set_file(json_t *json, const char *key, const serve_job *job, const char *path)
{
    json_t *file = json_null();
    if (job->state == SERVE_DONE && path) {
        char *url = g_strdup_printf("/v1/jobs/%s/%s", job->order.id, key);
        file =
            json_pack("{s:I,s:s,s:s}", "bytes", (json_int_t)serve_file_bytes(path), "type", serve_media_type(path), "url", url);
        g_free(url);
    }
    json_object_set_new(json, key, file);
}

static void set_error(json_t *json, const serve_job *job)
{
    json_t *error = job->error ? json_pack("{s:s,s:s}", "code", job->error_code, "message", job->error) : json_null();
    json_object_set_new(json, "error", error);
}

json_t *serve_job_json(serve_job *job)
{
    json_t *json = json_object(), *warnings = json_array();
    double now = tw_seconds_now();
    int64_t place = tw_queue_place(job->jobs->queue, job->ticket);
    pthread_mutex_lock(&job->jobs->lock);
    json_object_set_new(json, "id", json_string(job->order.id));
    json_object_set_new(json, "op", json_string(job->op));
    json_object_set_new(json, "state", json_string(serve_state_name(job->state)));
    json_object_set_new(json, "place", job->state == SERVE_WAITING && place >= 0 ? json_integer(place) : json_null());
    json_object_set_new(json, "progress", json_real(job->fraction));
    json_object_set_new(json, "waited",
                        batch_seconds((job->started > 0 ? job->started
                                       : job->ended > 0 ? job->ended
                                                        : now) -
                                      job->taken));
    json_object_set_new(json, "seconds",
                        job->started > 0 ? batch_seconds((job->ended > 0 ? job->ended : now) - job->started) : json_null());
    for (guint i = 0; i < job->warnings->len; i++)
        json_array_append_new(warnings, json_string(g_ptr_array_index(job->warnings, i)));
    json_object_set_new(json, "warnings", warnings);
    set_text(json, "plan", job->plan);
    set_text(json, "report", job->report);
    set_file(json, "result", job, job->order.result);
    for (int i = 0; i < SERVE_SECONDS; i++)
        set_file(json, serve_second_name(i), job, job->order.second[i]);
    set_error(json, job);
    pthread_mutex_unlock(&job->jobs->lock);
    return json;
}

serve_state serve_job_state(serve_job *job)
{
    pthread_mutex_lock(&job->jobs->lock);
    serve_state state = job->state;
    pthread_mutex_unlock(&job->jobs->lock);
    return state;
}

const char *serve_job_id(const serve_job *job)
{
    return job->order.id;
}

const char *serve_job_result(const serve_job *job)
{
    return job->order.result;
}

const char *serve_job_second(const serve_job *job, serve_second which)
{
    return job->order.second[which];
}

const char *serve_second_name(serve_second which)
{
    static const char *const names[SERVE_SECONDS] = {[SERVE_WARPED] = "warped", [SERVE_PAGE] = "page"};
    return names[which];
}

const char *serve_media_type(const char *path)
{
    static const char *const types[][2] = {
        {".png", "image/png"},   {".jpeg", "image/jpeg"}, {".jpg", "image/jpeg"},  {".webp", "image/webp"},
        {".tiff", "image/tiff"}, {".tif", "image/tiff"},  {".gif", "image/gif"},   {".jxl", "image/jxl"},
        {".avif", "image/avif"}, {".heif", "image/heif"}, {".heic", "image/heif"}, {".ppm", "image/x-portable-pixmap"},
        {".tfm", "text/plain"},  {".html", "text/html"}};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_str_has_suffix(path, types[i][0]))
            return types[i][1];
    return "application/octet-stream";
}
