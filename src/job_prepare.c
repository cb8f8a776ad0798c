/* SPDX-License-Identifier: MIT */
/** From a request to a plan: profile, budget, headers, schedule, tile. Reads headers only. */
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "plan/calibration.h"

/* --- profiles ---------------------------------------------------------------------------------------------------- */

typedef struct profile_value {
    const char *profile, *option, *value;
} profile_value;

/* The sizes that services use for this kind of work. A profile's tile is an upper bound: the budget decides. Its overlap is left
 * out on purpose: the halo is always the net's own. */
static const profile_value profile_values[] = {
    {"manga", "engine", "realcugan"},
    {"manga", "scale", "2"},
    {"manga", "tile-threshold", "1536x2048"},
    {"4k", "engine", "realesrgan"},
    {"4k", "scale", "4"},
    {"4k", "quality", "fast"},
    {"4k", "tile-threshold", "1024x1024"},
    {"low-memory", "memory", "160M"},
    {"low-memory", "threads", "1"},
    {"fast", "schedule", "whole"},
    {"quality", "flow-scale", "1"}, /* more of both: src/ops/interpolate/sealed.c */
    {"speed", "flow-scale", "0.5"},
};

static int64_t profile_tile(const char *profile)
{
    return !profile ? 0 : strcmp(profile, "manga") == 0 ? 512 : strcmp(profile, "4k") == 0 ? 384 : 0;
}

static tw_status apply_profile(tw_options *options, tw_error *err)
{
    const char *profile = tw_options_text(options, "profile");
    for (size_t i = 0; profile && i < sizeof profile_values / sizeof *profile_values; i++) {
        const profile_value *value = &profile_values[i];
        if (strcmp(value->profile, profile) != 0 || !tw_options_find(options, value->option) ||
            tw_options_given(options, value->option))
            continue;
        if (strcmp(value->option, "engine") == 0 && tw_options_given(options, "model"))
            continue;
        TW_TRY(tw_options_set(options, value->option, value->value, err));
    }
    return TW_OK;
}

/* --- inputs and output ------------------------------------------------------------------------------------------- */

static void fill_sink_options(tw_run *run)
{
    const tw_options *options = run->options;
    const tw_job *job = run->job;
    tw_sink_options *sink = &run->sink_options;
    *sink =
        (tw_sink_options){.format = job->output_format, .compression = -1, .overwrite = tw_options_bool(options, "overwrite")};
    if (!tw_options_find(options, "format") || job->output.receiver)
        return;
    if (!sink->format)
        sink->format = tw_options_text(options, "format");
    if (!sink->format && job->output.path && strcmp(job->output.path, "-") == 0)
        sink->format = "png";
    const char *quality = tw_options_text(options, "quality");
    sink->quality = quality ? atoi(quality) : 0; /* words choose a model and leave the default */
    sink->lossless = tw_options_bool(options, "lossless");
    sink->compression = (int)tw_options_int(options, "compression");
    sink->tiff_compression = tw_options_text(options, "tiff-compression");
    sink->tiff_tile = tw_options_find(options, "tiff-tile") ? (int)tw_options_int(options, "tiff-tile") : 0;
}

static tw_status open_source(tw_run *run, int i, tw_error *err)
{
    tw_job *job = run->job;
    tw_source_options options = {.max_pixels = tw_options_int(run->options, "max-pixels")};
    options.orient = tw_options_find(run->options, "orient") && tw_options_bool(run->options, "orient");
    options.many_bands = job->op->many_bands;
    if (job->op->result == TW_RESULT_PICTURE && !tw_sink_holds_orientation(&job->output, &run->sink_options))
        options.orient = true; /* costs nothing where the input is upright */
    return tw_source_open(job->context, &job->inputs[i], &options, &run->sources[i], err);
}

static tw_status open_sources(tw_run *run, tw_error *err)
{
    const tw_op_info *info = &run->job->op->info;
    if (run->job->n_inputs < info->min_inputs || run->job->n_inputs > info->max_inputs)
        return tw_fail(err, TW_ERROR_USAGE, "%s takes %d input%s, %d given", info->name, info->min_inputs,
                       info->min_inputs == 1 ? "" : "s", run->job->n_inputs);
    for (int i = 0; i < run->job->n_inputs; i++)
        TW_TRY(open_source(run, i, err));
    return TW_OK;
}

static tw_status check_output(tw_run *run, tw_error *err)
{
    tw_job *job = run->job;
    if (job->op->result != TW_RESULT_PICTURE)
        return TW_OK;
    if (!job->output.path && !job->output_format && !job->output.receiver)
        return tw_fail(err, TW_ERROR_USAGE, "%s needs an output", job->op->info.name);
    job->op->picture(run->state, &run->result, &run->sink_options.final_width, &run->sink_options.final_height);
    return tw_sink_check(&job->output, &run->result, run->sources[0], &run->sink_options, &run->sink_cost, err);
}

/* --- schedule and budget ----------------------------------------------------------------------------------------- */

static tw_schedule_kind asked_schedule(const tw_run *run)
{
    const char *text = tw_options_text(run->options, "schedule");
    if (strcmp(text, "whole") == 0)
        return TW_SCHEDULE_WHOLE;
    if (strcmp(text, "halo") == 0)
        return TW_SCHEDULE_HALO;
    if (strcmp(text, "carry") == 0)
        return TW_SCHEDULE_CARRY;
    if (tw_options_find(run->options, "no-tiled-warping") && tw_options_bool(run->options, "no-tiled-warping"))
        return TW_SCHEDULE_WHOLE;
    int64_t w, h;
    tw_options_geometry(run->options, "tile", &w, &h);
    if (run->job->op->no_tile_is_whole && tw_options_given(run->options, "tile") && w == 0)
        return TW_SCHEDULE_WHOLE;
    if (tw_options_given(run->options, "enable-tiling"))
        return tw_options_bool(run->options, "enable-tiling") ? TW_SCHEDULE_AUTO : TW_SCHEDULE_WHOLE;
    return TW_SCHEDULE_AUTO;
}

static bool below_threshold(const tw_run *run)
{
    if (!tw_options_given(run->options, "tile-threshold"))
        return false;
    int64_t w, h;
    tw_options_geometry(run->options, "tile-threshold", &w, &h);
    for (int i = 0; i < run->job->n_inputs; i++) {
        const tw_picture *picture = tw_source_picture(run->sources[i]);
        if (picture->width > w || picture->height > h)
            return false;
    }
    return true;
}

static tw_op_request request_of(const tw_run *run, bool whole)
{
    const tw_job *job = run->job;
    return (tw_op_request){.context = job->context,
                           .options = run->options,
                           .pool = job->session->pool,
                           .n_inputs = job->n_inputs,
                           .sources = run->sources,
                           .budget = tw_run_budget(run),
                           .field = job->field,
                           .whole = whole,
                           .measured = &run->measured,
                           .seen = &run->seen,
                           .thrift = run->thrift};
}

tw_status tw_run_open_op(tw_run *run, bool whole, tw_error *err)
{
    tw_job *job = run->job;
    tw_op_request request = request_of(run, whole);
    tw_op_state *before = run->state; /* closed last: what both share, as a device, need not start twice */
    run->state = NULL;
    tw_status status = job->op->open(&request, &run->state, err);
    if (before)
        job->op->close(before);
    TW_TRY(status);
    job->op->facts(run->state, &run->facts);
    return check_output(run, err);
}

int64_t tw_run_budget(const tw_run *run)
{
    int64_t budget = tw_options_size(run->options, "memory", run->job->limits.memory), most = run->job->most_bytes;
    return most > 0 ? tw_min64(budget, most) : budget;
}

tw_plan_request tw_run_plan_request(const tw_run *run)
{
    const tw_job *job = run->job;
    tw_plan_request request = {.op = job->op, .state = run->state, .n_inputs = job->n_inputs, .sources = run->sources};
    request.result = job->op->result == TW_RESULT_PICTURE ? &run->result : NULL;
    request.sink_cost = request.result ? &run->sink_cost : NULL;
    request.budget = tw_run_budget(run);
    return request;
}

static tw_status keep_first(tw_error *err, const tw_error *error)
{
    return tw_fail(err, error->code, "%s", error->message);
}

static tw_status plan_once(tw_run *run, tw_schedule_kind schedule, int thrift, tw_error *err)
{
    tw_job *job = run->job;
    run->thrift = thrift;
    TW_TRY(tw_run_open_op(run, schedule == TW_SCHEDULE_WHOLE, err));
    tw_plan_request request = tw_run_plan_request(run);
    request.schedule = schedule;
    tw_options_geometry(run->options, "tile", &request.tile_w, &request.tile_h);
    if (request.tile_w == 0) {
        request.tile_w = request.tile_h = profile_tile(tw_options_text(run->options, "profile"));
        request.tile_may_shrink = true;
    }
    int threads = (int)tw_options_int(run->options, "threads");
    request.cpus = threads > 0 ? threads : job->limits.cpus;
    request.macs_per_second =
        tw_calibration_read(run->facts.model_hash, tw_options_text(run->options, "device"), tw_schedule_name(schedule));
    return tw_plan_make(&request, &run->plan, err);
}

/* An operator that can save memory does when it must, as often as it can. A refusal names the smallest budget of all. */
static tw_status plan_as(tw_run *run, tw_schedule_kind schedule, tw_error *err)
{
    tw_error least = TW_ERROR_NONE;
    int64_t smallest = INT64_MAX;
    for (int thrift = run->job->thrift;; thrift++) {
        tw_error error = TW_ERROR_NONE;
        tw_status status = plan_once(run, schedule, thrift, &error);
        if (status == TW_OK)
            return TW_OK;
        if (status != TW_ERROR_BUDGET)
            return keep_first(err, &error);
        if (run->plan.smallest < smallest) {
            least = error;
            smallest = run->plan.smallest;
        }
        if (run->facts.can_save)
            continue;
        run->plan.smallest = smallest;
        return keep_first(err, &least);
    }
}

/* The least that halo tiles of any size cost. */
static double halo_bound(const tw_run *run)
{
    const int64_t *halo = run->facts.halo;
    return (1 + (double)(halo[0] + halo[2]) / 512) * (1 + (double)(halo[1] + halo[3]) / 512);
}

/* What was found so far, and the refusal that asks for least. */
typedef struct choice {
    tw_schedule_kind kind;
    bool found;
    double work, overhead;
    tw_error refusal;
    int64_t smallest;
} choice;

/* A schedule that the net or the budget does not allow is no failure. */
static tw_status try_schedule(tw_run *run, tw_schedule_kind kind, choice *c, tw_error *err)
{
    tw_error error = TW_ERROR_NONE;
    tw_status status = plan_as(run, kind, &error);
    if (status == TW_ERROR_BUDGET && (c->refusal.code == TW_OK || run->plan.smallest < c->smallest)) {
        c->refusal = error;
        c->smallest = run->plan.smallest;
    }
    if (status != TW_OK && status != TW_ERROR_BUDGET && !(kind == TW_SCHEDULE_CARRY && status == TW_ERROR_USAGE))
        return keep_first(err, &error);
    /* whole only where it is wished for or saves half: it is rigid, and one worker's */
    double most = kind == TW_SCHEDULE_WHOLE ? c->work / 2 : c->work;
    bool wished = kind == TW_SCHEDULE_WHOLE && run->facts.one_tile;
    if (status == TW_OK && (!c->found || wished || run->plan.work < most))
        *c = (choice){kind, true, run->plan.work, run->plan.overhead, c->refusal, c->smallest};
    return TW_OK;
}

/* The cheapest of the schedules that fit: carried tiles where the net allows it, halo tiles, and where context is most of their work
 * one tile that holds everything. The answer follows from model, size and budget, as everything does that changes the tile. */
static tw_status choose_by_cost(tw_run *run, bool may_be_whole, tw_error *err)
{
    choice c = {.found = false};
    tw_schedule_kind last = TW_SCHEDULE_CARRY;
    if (run->job->op->carry)
        TW_TRY(try_schedule(run, last, &c, err));
    if (!c.found || c.overhead > halo_bound(run))
        TW_TRY(try_schedule(run, last = TW_SCHEDULE_HALO, &c, err));
    if (may_be_whole && (run->facts.one_tile || (!run->facts.tiles && (!c.found || c.overhead >= 2))))
        TW_TRY(try_schedule(run, last = TW_SCHEDULE_WHOLE, &c, err));
    if (!c.found)
        return keep_first(err, &c.refusal);
    return c.kind == last ? TW_OK : plan_as(run, c.kind, err);
}

/* The inputs are small; so is what they become, unless the operator's result has a size of its own. */
static bool small_result(const tw_run *run)
{
    return run->job->op->carry || run->result.width <= 512 * 512 / tw_max64(run->result.height, 1);
}

/* A picture below the threshold runs whole if the budget allows; the plan itself takes small ones whole. */
static tw_status choose_schedule(tw_run *run, tw_error *err)
{
    tw_schedule_kind schedule = asked_schedule(run);
    bool automatic = schedule == TW_SCHEDULE_AUTO && !tw_options_given(run->options, "tile");
    if (automatic && !tw_options_given(run->options, "enable-tiling") &&
        (below_threshold(run) || tw_plan_is_small(run->job->n_inputs, run->sources))) {
        tw_error refusal = TW_ERROR_NONE;
        tw_status status = plan_as(run, TW_SCHEDULE_WHOLE, &refusal);
        if (status != TW_ERROR_BUDGET && status != TW_OK)
            return keep_first(err, &refusal);
        if (status == TW_OK && !run->facts.tiles && small_result(run))
            return TW_OK;
    }
    if (schedule != TW_SCHEDULE_AUTO)
        return plan_as(run, schedule, err);
    return choose_by_cost(run, automatic && !tw_options_given(run->options, "enable-tiling"), err);
}

/* --- what is measured before the plan ---------------------------------------------------------------------------- */

static tw_status will_rewind(tw_run *run, tw_error *err)
{
    for (int i = 0; i < run->job->n_inputs; i++)
        TW_TRY(tw_source_will_rewind(run->sources[i], err));
    return TW_OK;
}

static tw_status rewind_all(tw_run *run, tw_error *err)
{
    for (int i = 0; i < run->job->n_inputs; i++)
        TW_TRY(tw_source_rewind(run->sources[i], err));
    return TW_OK;
}

static tw_status run_probe(tw_run *run, int64_t room, tw_error *err)
{
    TW_TRY(will_rewind(run, err));
    TW_TRY(run->job->op->probe(run->state, run->sources, room, &run->measured, err));
    return rewind_all(run, err);
}

/* Only at what is decoded in parts, and of a stream only if scratch holds what is read of it. */
static bool may_look(const tw_run *run, const tw_op_request *request)
{
    int64_t scratch = 0;
    for (int i = 0; i < run->job->n_inputs; i++) {
        const tw_source_cost *cost = tw_source_cost_of(run->sources[i]);
        if (cost->whole || cost->turned)
            return false;
        int64_t rows = run->job->op->look_rows(request, i);
        scratch += tw_source_would_keep(run->sources[i], rows) - tw_source_kept(run->sources[i]);
    }
    return scratch == 0 || scratch <= tw_scratch_available(run->scratch);
}

static tw_status look(tw_run *run, tw_error *err)
{
    const tw_op_class *op = run->job->op;
    tw_op_request request = request_of(run, false);
    int64_t bytes = op->look_bytes && may_look(run, &request) ? op->look_bytes(&request) : 0;
    if (bytes == 0)
        return TW_OK;
    tw_plan_request plan = {.n_inputs = run->job->n_inputs, .sources = run->sources};
    bytes += tw_plan_before_op(&plan);
    if (bytes > tw_run_budget(run))
        return TW_OK; /* the choice is made without */
    run->looking_bytes = bytes;
    TW_TRY(will_rewind(run, err));
    TW_TRY(op->look(&request, &run->seen, err));
    for (int i = 0; i < run->job->n_inputs; i++)
        tw_source_last_pass(run->sources[i]); /* what follows says so when it needs more */
    return rewind_all(run, err);
}

/* Pixels are read in a run only; a plan counts what measuring will take. */
static tw_status measure(tw_run *run, bool to_run, tw_error *err)
{
    if (!run->job->op->probe || asked_schedule(run) == TW_SCHEDULE_WHOLE)
        return TW_OK;
    TW_TRY(tw_run_open_op(run, false, err));
    if (!run->facts.to_measure)
        return TW_OK;
    tw_plan_request request = tw_run_plan_request(run);
    int64_t before = tw_plan_before_tiles(&request), room = request.budget - before;
    int64_t bytes = run->job->op->probe_bytes(run->state, room);
    if (bytes > room)
        return tw_fail(
            err, TW_ERROR_BUDGET,
            "the budget of %.1f MiB cannot hold the measuring that --halo asks for: the smallest that would do is %lldM",
            (double)request.budget / (1 << 20), (long long)((before + bytes + (1 << 20) - 1) >> 20));
    run->measuring_bytes = bytes > 0 ? before + bytes : 0;
    return to_run ? run_probe(run, room, err) : TW_OK;
}

static tw_status check_room(tw_run *run, tw_error *err)
{
    const tw_plan *plan = &run->plan;
    int64_t space = run->job->limits.address_space, held = tw_process_address_space();
    if (space > 0 && held + plan->planned_peak - plan->base_bytes > space)
        return tw_fail(err, TW_ERROR_BUDGET, "the address space limit of %lld MiB cannot hold this: %lld MiB are needed",
                       (long long)(space >> 20), (long long)((held + plan->planned_peak - plan->base_bytes) >> 20) + 1);
    if (plan->scratch_bytes > 0 && plan->scratch_bytes > tw_scratch_available(run->scratch))
        return tw_fail(err, TW_ERROR_BUDGET, "scratch in %s: %lld bytes needed, %lld available", tw_scratch_dir(run->scratch),
                       (long long)plan->scratch_bytes, (long long)tw_scratch_available(run->scratch));
    for (int i = 0; i < run->job->n_inputs; i++)
        run->plan.scratch_bytes += tw_source_kept(run->sources[i]); /* taken already */
    return TW_OK;
}

/* A folder that was named must be there, whether this picture needs scratch or not. */
static tw_status check_scratch_folder(const tw_options *options, tw_error *err)
{
    const char *folder = tw_options_text(options, "scratch");
    if (folder && !g_file_test(folder, G_FILE_TEST_IS_DIR))
        return tw_fail(err, TW_ERROR_USAGE, "--scratch %s: no such folder", folder);
    return TW_OK;
}

void tw_run_facts(tw_run *run)
{
    run->job->op->facts(run->state, &run->facts);
    if (run->plan.thrift.plain && run->facts.exact) { /* measured: up to 0.008/255 with x4plus, which amplifies most */
        run->facts.exact = false;
        run->facts.error_bound = 0.02;
        run->facts.why_inexact = "convolutions in their plain form round otherwise than those of a whole run";
    }
}

tw_status tw_run_prepare(tw_job *job, bool to_run, tw_run *run, tw_error *err)
{
    *run = (tw_run){.job = job};
    tw_limits_read(&job->limits);
    run->options = tw_options_copy(job->options);
    TW_TRY(apply_profile(run->options, err));
    run->scratch = tw_scratch_new(
        tw_options_text(run->options, "scratch"),
        tw_options_given(run->options, "scratch-limit") ? tw_options_size(run->options, "scratch-limit", INT64_MAX) : 0);
    if (!run->scratch)
        return tw_fail_memory(err, "scratch", 0);
    tw_context_set_scratch(job->context, run->scratch);
    TW_TRY(check_scratch_folder(run->options, err));
    fill_sink_options(run);
    TW_TRY(open_sources(run, err));
    TW_TRY(look(run, err));
    TW_TRY(measure(run, to_run, err));
    TW_TRY(choose_schedule(run, err));
    TW_TRY(tw_run_move_edges(run, to_run, err));
    run->plan.planned_peak = tw_max64(run->plan.planned_peak, tw_max64(run->measuring_bytes, run->looking_bytes));
    tw_run_facts(run);
    return check_room(run, err);
}

void tw_run_close(tw_run *run)
{
    if (run->state)
        run->job->op->close(run->state);
    for (int i = 0; i < TW_MAX_INPUTS; i++)
        tw_source_close(run->sources[i]);
    tw_free(run->cuts.at[0]);
    g_free(run->next_explained);
    tw_context_set_scratch(run->job->context, NULL);
    tw_scratch_free(run->scratch);
    tw_options_free(run->options);
    run->state = NULL;
}
