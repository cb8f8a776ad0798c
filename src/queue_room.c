/* SPDX-License-Identifier: MIT */
/* Plans count a process each: the program's own bytes are in every one, and here once. */
#include "queue_room.h"

#include <string.h>

int64_t tw_room_for_jobs(const tw_room *room)
{
    return room->budget - room->held;
}

int64_t tw_room_share(const tw_room *room)
{
    return TW_BASE_BYTES + (tw_room_for_jobs(room) - TW_BASE_BYTES) / room->shares;
}

static tw_status plan_within(tw_job *job, int64_t bytes, tw_error *err)
{
    job->most_bytes = bytes;
    return tw_job_plan(job, err);
}

static bool uses_device(const tw_job *job)
{
    return job->plan.vram_budget > 0;
}

tw_status tw_room_plan(tw_job *job, int64_t share, int64_t all, tw_error *err)
{
    tw_error first = TW_ERROR_NONE;
    tw_status status = plan_within(job, share, &first);
    if (status == TW_OK && !uses_device(job))
        return TW_OK;
    if (status == TW_OK || status == TW_ERROR_BUDGET)
        return plan_within(job, all, err);
    return tw_fail(err, first.code, "%s", first.message);
}

tw_grant tw_room_grant(const tw_job *job, int64_t least)
{
    const tw_plan *plan = &job->plan;
    tw_grant grant = {.form = plan->schedule != TW_SCHEDULE_CARRY ? 0 : plan->thrift.plain ? 2 : 1};
    memcpy(grant.hash, job->model_hash, sizeof grant.hash);
    grant.weights = grant.hash[0] ? plan->weight_bytes : 0;
    grant.rest = tw_max64(plan->planned_peak, least) - TW_BASE_BYTES - grant.weights;
    grant.device = uses_device(job);
    return grant;
}

static bool same_weights(const tw_grant *a, const tw_grant *b)
{
    return a->form == b->form && a->device == b->device && strcmp(a->hash, b->hash) == 0;
}

/* Weights are counted with the first of those that share them. */
static int64_t bytes_of(const tw_room *room, const tw_grant *grant, int before)
{
    for (int i = 0; i < before; i++)
        if (same_weights(room->grants[i], grant))
            return grant->rest + tw_max64(0, grant->weights - room->grants[i]->weights);
    return grant->rest + grant->weights;
}

static int64_t bytes_of_all(const tw_room *room)
{
    int64_t bytes = TW_BASE_BYTES + room->held;
    for (int i = 0; i < room->count; i++)
        bytes += bytes_of(room, room->grants[i], i);
    return bytes;
}

bool tw_room_fits(tw_room *room, const tw_grant *grant)
{
    for (int i = 0; grant->device && i < room->count; i++)
        if (room->grants[i]->device)
            return false;
    const char *own = grant->hash[0] ? grant->hash : NULL;
    int64_t over = bytes_of_all(room) + bytes_of(room, grant, room->count) - room->budget;
    int64_t idle = tw_pool_idle_bytes(room->pool, own);
    if (over > 0)
        return false;
    if (over + idle > 0)
        tw_pool_close_idle(room->pool, own, over + idle);
    return true;
}

int64_t tw_room_most(const tw_room *room, const tw_grant *grant)
{
    int64_t left = room->budget - room->held - TW_BASE_BYTES - grant->weights;
    int64_t most = left < 0 ? 0 : grant->rest > 0 ? left / grant->rest : INT64_MAX;
    return grant->device ? tw_min64(most, 1) : most;
}

int64_t tw_room_planned(const tw_room *room)
{
    return bytes_of_all(room) + tw_pool_idle_bytes(room->pool, NULL);
}
