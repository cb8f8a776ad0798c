/* SPDX-License-Identifier: MIT */
/* One session for the whole folder: weights load once. Up to two pictures are under way, each inside half of the budget, so
 * that one loads or saves while the other computes; a picture that does not fit one half has the whole budget to itself. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "commands.h"
#include "listing.h"
#include "op.h"
#include "report.h"
#include "signals.h"
#include "terminal.h"

#define STACK_BYTES (2 * 1024 * 1024) /* decoders run here too, and some keep a row on the stack */

typedef struct folder {
    const cli_args *args;
    tw_session *session;
    GArray *items;
    bool resume, plan_only;
    int64_t half; /* half of the budget; 0: one picture at a time */

    pthread_rwlock_t gate; /* read: two pictures share the budget; write: one has it all */
    pthread_mutex_t lock;  /* guards what follows */
    guint next;
    guint done, skipped, failed;
    guint first_failed; /* index of the first failed picture, in the order of names */
    tw_status first_status;
    double under_way[2]; /* progress of each worker's picture */
    bool printed;        /* a JSON result, so that the next one needs a comma */
} folder;

typedef struct worker {
    folder *folder;
    int slot;
} worker;

/* --- results --------------------------------------------------------------------------------------------------------- */

/* Results are printed as they come: a folder of a hundred thousand pictures must not pile up in memory. Under the lock. */
static void print_result(folder *f, const char *json)
{
    fprintf(cli_results_begin(), "%s%s", f->printed ? "," : "", json);
    cli_results_end();
    f->printed = true;
}

static void print_object(folder *f, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    print_result(f, text ? text : "null");
    free(text);
    json_decref(object);
}

static void report_failure(folder *f, guint index, const tw_error *err)
{
    const cli_item *item = &g_array_index(f->items, cli_item, index);

    if (err->code == TW_ERROR_INTERRUPTED) /* said once, at the end */
        return;
    cli_complain(err->message);
    pthread_mutex_lock(&f->lock);
    f->failed++;
    if (f->first_status == TW_OK || index < f->first_failed) {
        f->first_status = err->code;
        f->first_failed = index;
    }
    if (cli_json())
        print_object(f, json_pack("{s:i,s:o,s:{s:i,s:o}}", "schema", 1, "input", cli_text_value(item->input), "error", "code",
                                  (int)err->code, "message", cli_text_value(err->message)));
    pthread_mutex_unlock(&f->lock);
}

static void report_skipped(folder *f, guint index)
{
    const cli_item *item = &g_array_index(f->items, cli_item, index);

    pthread_mutex_lock(&f->lock);
    f->skipped++;
    if (cli_json())
        print_object(f, json_pack("{s:i,s:o,s:o,s:b}", "schema", 1, "input", cli_text_value(item->input), "output",
                                  cli_text_value(item->output), "skipped", 1));
    pthread_mutex_unlock(&f->lock);
}

static void report_done(folder *f, tw_job *job)
{
    char *text = cli_json() ? tw_job_json(job) : NULL;

    pthread_mutex_lock(&f->lock);
    f->done++;
    if (cli_json()) {
        print_result(f, text ? text : "null");
    } else if (!cli_quiet()) {
        cli_print_brief(cli_results_begin(), tw_job_report(job));
        cli_results_end();
    }
    pthread_mutex_unlock(&f->lock);
    tw_bytes_free(text);
}

/* --- progress -------------------------------------------------------------------------------------------------------- */

static void show_progress(folder *f)
{
    pthread_mutex_lock(&f->lock);
    double fraction = (f->done + f->skipped + f->failed + f->under_way[0] + f->under_way[1]) / f->items->len;
    pthread_mutex_unlock(&f->lock);
    cli_progress(fraction);
}

static void on_progress(void *user, double fraction)
{
    worker *w = user;
    pthread_mutex_lock(&w->folder->lock);
    /* The last step counts when the picture is counted as done, or the sum would run ahead. */
    w->folder->under_way[w->slot] = fraction < 1 ? fraction : 0.999;
    pthread_mutex_unlock(&w->folder->lock);
    show_progress(w->folder);
}

static void end_progress(worker *w)
{
    pthread_mutex_lock(&w->folder->lock);
    w->folder->under_way[w->slot] = 0;
    pthread_mutex_unlock(&w->folder->lock);
}

/* --- one picture ----------------------------------------------------------------------------------------------------- */

/* A result under its final name is complete, except one of zero bytes, which other programs leave behind. */
static bool is_finished(const char *path, bool *empty)
{
    struct stat st;
    bool there = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    *empty = there && st.st_size == 0;
    return there && !*empty;
}

static tw_status make_plan(folder *f, const cli_item *item, int64_t budget, bool replace, tw_job **out, tw_error *err)
{
    char bytes[32];
    tw_status status = cli_job_new(f->args, f->session, item->input, item->output, out, err);

    if (status == TW_OK && budget > 0) {
        snprintf(bytes, sizeof bytes, "%" PRId64, budget);
        status = tw_job_set(*out, "memory", bytes, err);
    }
    if (status == TW_OK && replace)
        status = tw_job_set(*out, "overwrite", "true", err);
    if (status == TW_OK)
        status = tw_job_plan(*out, err);
    if (status != TW_OK) {
        cli_job_free(*out);
        *out = NULL;
    }
    return status;
}

/* Half of the budget beside another picture, or, when that is too little, all of it alone. Leaves the gate held in any case. */
static tw_status enter(folder *f, const cli_item *item, bool replace, tw_job **job, tw_error *err)
{
    if (f->half == 0) {
        pthread_rwlock_wrlock(&f->gate);
        return make_plan(f, item, 0, replace, job, err);
    }
    pthread_rwlock_rdlock(&f->gate);
    tw_error half = TW_ERROR_NONE;
    tw_status status = make_plan(f, item, f->half, replace, job, &half);
    if (status != TW_ERROR_BUDGET) {
        if (status != TW_OK)
            *err = half;
        return status;
    }
    pthread_rwlock_unlock(&f->gate);
    pthread_rwlock_wrlock(&f->gate);
    return make_plan(f, item, 0, replace, job, err);
}

static void print_explanation(folder *f, const cli_item *item, tw_job *job)
{
    if (!cli_json()) {
        char *text = tw_job_explain(job);
        printf("%s -> %s\n%s\n", item->input, item->output, text ? text : "");
        tw_bytes_free(text);
    }
}

static void run_item(worker *w, guint index)
{
    folder *f = w->folder;
    const cli_item *item = &g_array_index(f->items, cli_item, index);
    tw_error err = TW_ERROR_NONE;
    tw_job *job = NULL;
    bool empty = false;

    if (f->resume && is_finished(item->output, &empty)) {
        report_skipped(f, index);
        return;
    }
    tw_status status = enter(f, item, f->resume && empty, &job, &err);
    if (status == TW_OK && f->plan_only) {
        print_explanation(f, item, job);
    } else if (status == TW_OK) {
        tw_job_on_progress(job, on_progress, w);
        status = tw_job_run(job, &err);
    }
    end_progress(w);
    if (status != TW_OK)
        report_failure(f, index, &err);
    else if (f->plan_only && !cli_json())
        f->done++; /* one worker: no lock */
    else
        report_done(f, job);
    cli_job_free(job);
    pthread_rwlock_unlock(&f->gate);
}

static void *work(void *data)
{
    worker *w = data;
    folder *f = w->folder;

    while (!cli_interrupted()) {
        pthread_mutex_lock(&f->lock);
        guint index = f->next;
        if (index < f->items->len)
            f->next++;
        pthread_mutex_unlock(&f->lock);
        if (index >= f->items->len)
            break;
        run_item(w, index);
        show_progress(f);
    }
    return NULL;
}

/* --- the folder ------------------------------------------------------------------------------------------------------ */

/* The budget in force, from the plan of the first picture that has one. On a GPU one picture at a time keeps it busy, and video
 * memory is not ours to halve. */
static int64_t half_budget(folder *f)
{
    int64_t half = 0;

    for (guint i = 0; i < f->items->len && i < 8 && f->items->len > 1; i++) {
        tw_error ignored = TW_ERROR_NONE;
        tw_job *job = NULL;
        if (make_plan(f, &g_array_index(f->items, cli_item, i), 0, false, &job, &ignored) != TW_OK)
            continue;
        const tw_report *report = tw_job_report(job);
        if (!report->device || strcmp(report->device, "cpu") == 0)
            half = report->budget_bytes / 2;
        cli_job_free(job);
        break;
    }
    return half;
}

static void run_workers(folder *f)
{
    worker workers[2] = {{f, 0}, {f, 1}};
    pthread_attr_t attributes;
    pthread_t second;
    bool two = false;

    if (f->half > 0) {
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        two = pthread_create(&second, &attributes, work, &workers[1]) == 0;
        pthread_attr_destroy(&attributes);
    }
    work(&workers[0]);
    if (two)
        pthread_join(second, NULL);
}

static void print_head(const folder *f)
{
    json_t *in = cli_text_value(g_ptr_array_index(f->args->inputs, 0)), *out = cli_text_value(f->args->output);
    char *first = json_dumps(in, JSON_ENCODE_ANY), *second = json_dumps(out, JSON_ENCODE_ANY);

    printf("{\"schema\":1,\"op\":\"%s\",\"input\":[%s],\"output\":%s,\"results\":[", f->args->op->name, first, second);
    free(first);
    free(second);
    json_decref(in);
    json_decref(out);
}

static void print_tail(const folder *f, double seconds)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];

    cli_progress_end();
    if (cli_json())
        printf("],\"done\":%u,\"skipped\":%u,\"failed\":%u,\"seconds\":%s}\n", f->done, f->skipped, f->failed,
               g_ascii_formatd(number, sizeof number, "%.3f", seconds));
    else if (!cli_quiet())
        printf("%u done, %u skipped, %u failed\n", f->done, f->skipped, f->failed);
}

/* Wrong options are one error of the whole folder, not one of each picture. */
static tw_status check_options(folder *f, tw_error *err)
{
    tw_job *job = NULL;
    tw_status status = cli_job_new(f->args, f->session, NULL, NULL, &job, err);
    cli_job_free(job);
    return status;
}

static tw_status prepare(folder *f, tw_error *err)
{
    const char *in = g_ptr_array_index(f->args->inputs, 0), *out = f->args->output;

    if (f->args->inputs->len > 1)
        return tw_fail(err, TW_ERROR_USAGE, "%s: a folder is the only input", in);
    if (strcmp(out, "-") == 0)
        return tw_fail(err, TW_ERROR_USAGE, "%s: the result of a folder is a folder, not standard output", in);
    if (cli_same_folder(in, out))
        return tw_fail(err, TW_ERROR_USAGE, "%s: results cannot go to the folder of their inputs", out);
    TW_TRY(tw_session_new(&f->session, err));
    TW_TRY(check_options(f, err));
    TW_TRY(cli_list_folder(in, out, cli_get(f->args, "format"), &f->items, err));
    if (!f->plan_only && g_mkdir_with_parents(out, 0777) != 0)
        return tw_fail(err, TW_ERROR_RUN, "%s: the folder cannot be made: %s", out, g_strerror(errno));
    f->half = f->plan_only ? 0 : half_budget(f);
    return TW_OK;
}

int cli_folder(const cli_args *args, bool plan_only)
{
    folder f = {
        .args = args,
        .plan_only = plan_only,
        .resume = cli_flag(args, "resume"),
        .gate = PTHREAD_RWLOCK_INITIALIZER,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    tw_error err = TW_ERROR_NONE;
    gint64 start = g_get_monotonic_time();
    int code = prepare(&f, &err);

    if (code == TW_OK) {
        if (cli_json())
            print_head(&f);
        run_workers(&f);
        print_tail(&f, (double)(g_get_monotonic_time() - start) / 1e6);
        code = f.first_status;
        if (cli_interrupted()) {
            code = TW_ERROR_INTERRUPTED;
            cli_complain("interrupted; finished pictures stay, --resume goes on from here");
        }
    } else {
        code = cli_fail(&err);
    }
    if (f.items)
        g_array_free(f.items, TRUE);
    tw_session_free(f.session);
    return code;
}
