/* SPDX-License-Identifier: MIT */
/* Plans are made by a thread of their own, one at a time, so that the one that answers requests never waits for a picture or a
 * model to be read. Connections sleep until their plan is there. */
#include <glib.h>

#include "base/error.h"
#include "http.h"

struct serve_plan {
    serve_http *http;
    struct MHD_Connection *connection;
    serve_order order;
    char *text; /* NULL: refused */
    tw_error err;
};

struct serve_planner {
    GMutex lock;
    GThreadPool *pool; /* NULL: no more plans are taken */
};

static void make_plan(gpointer data, gpointer user)
{
    serve_plan *plan = data;
    plan->text = serve_jobs_plan(plan->http->jobs, &plan->order, plan->http->settings->defaults, &plan->err);
    MHD_resume_connection(plan->connection);
}

serve_planner *serve_planner_new(void)
{
    serve_planner *planner = g_new0(serve_planner, 1);
    g_mutex_init(&planner->lock);
    planner->pool = g_thread_pool_new(make_plan, NULL, 1, TRUE, NULL);
    return planner;
}

void serve_planner_close(serve_planner *planner)
{
    if (!planner)
        return;
    g_mutex_lock(&planner->lock);
    if (planner->pool)
        g_thread_pool_free(planner->pool, FALSE, TRUE);
    planner->pool = NULL;
    g_mutex_unlock(&planner->lock);
}

void serve_planner_free(serve_planner *planner)
{
    if (!planner)
        return;
    g_mutex_clear(&planner->lock);
    g_free(planner);
}

serve_plan *serve_plan_new(serve_http *http, struct MHD_Connection *connection, serve_order *order, serve_error *error)
{
    serve_planner *planner = http->planner;
    serve_plan *plan = NULL;
    g_mutex_lock(&planner->lock);
    if (!planner->pool) {
        serve_refuse(error, 503, "the server is about to end");
    } else if (g_thread_pool_unprocessed(planner->pool) >= (guint)http->settings->most_waiting) {
        serve_refuse(error, 429, "%d plans wait already", http->settings->most_waiting);
        error->retry_after = 1;
    } else {
        plan = g_new0(serve_plan, 1);
        *plan = (serve_plan){.http = http, .connection = connection, .order = *order, .err = TW_ERROR_NONE};
        *order = (serve_order){.folder = NULL};
        MHD_suspend_connection(connection);
        g_thread_pool_push(planner->pool, plan, NULL);
    }
    g_mutex_unlock(&planner->lock);
    serve_order_clear(http->jobs, order);
    return plan;
}

const char *serve_plan_text(const serve_plan *plan, const tw_error **err)
{
    *err = &plan->err;
    return plan->text;
}

void serve_plan_free(serve_plan *plan)
{
    if (!plan)
        return;
    serve_order_clear(plan->http->jobs, &plan->order);
    g_free(plan->text);
    g_free(plan);
}
