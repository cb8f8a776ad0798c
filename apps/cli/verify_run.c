/* SPDX-License-Identifier: MIT */
/* Pictures are read by the library itself: an engine that enlarges nothing is shown every row as floats, whatever the file. */
#include "verify.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "signals.h"
#include "terminal.h"

#define READER      "rows of a picture"
#define READER_ROWS 16

/* One row of `width` RGB pixels. */
typedef void (*row_taker)(void *user, int64_t y, const float *rgb);

struct cli_verifier {
    const cli_args *args;
    tw_session *session;
    void (*progress)(double fraction);
    int64_t memory;
    struct reader {
        tw_job *job;
        int64_t width, y, end; /* rows from `end` on are not wanted */
        row_taker take;
        void *user;
    } reader;
};

/* --- floats ---------------------------------------------------------------------------------------------------------- */

#define ENTRIES 11

typedef struct tiff_entry {
    uint16_t tag, type;
    uint32_t count, value;
} tiff_entry;

/* In the order of bytes of this machine, which the first two tell. */
typedef struct tiff_head {
    uint8_t order[2];
    uint16_t magic;
    uint32_t directory;
    uint16_t bits[3], formats[3];
    uint16_t gap, count;
    tiff_entry entries[ENTRIES];
    uint32_t next;
} tiff_head;

cli_floats cli_floats_new(int64_t width, int64_t height)
{
    enum { SHORT = 3, LONG = 4 };
    const size_t bytes = (size_t)(width * height) * 3 * sizeof(float);
    const tiff_head head = {
        .order = {G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'I' : 'M', G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'I' : 'M'},
        .magic = 42,
        .directory = offsetof(tiff_head, count),
        .bits = {32, 32, 32},
        .formats = {3, 3, 3}, /* IEEE */
        .count = ENTRIES,
        .entries = {{256, LONG, 1, (uint32_t)width},
                    {257, LONG, 1, (uint32_t)height},
                    {258, SHORT, 3, offsetof(tiff_head, bits)},
                    {259, LONG, 1, 1}, /* not compressed */
                    {262, LONG, 1, 2}, /* RGB */
                    {273, LONG, 1, sizeof(tiff_head)},
                    {277, LONG, 1, 3},
                    {278, LONG, 1, (uint32_t)height},
                    {279, LONG, 1, (uint32_t)bytes},
                    {284, LONG, 1, 1}, /* interleaved */
                    {339, SHORT, 3, offsetof(tiff_head, formats)}},
    };
    cli_floats floats = {.width = width, .height = height, .length = sizeof head + bytes};

    floats.file = g_malloc0(floats.length);
    memcpy(floats.file, &head, sizeof head);
    floats.rgb = (float *)((char *)floats.file + sizeof head);
    return floats;
}

void cli_floats_free(cli_floats *floats)
{
    g_free(floats->file);
    *floats = (cli_floats){0};
}

/* --- jobs ------------------------------------------------------------------------------------------------------------ */

static void on_warning(void *user, const char *line)
{
    cli_warn(line);
}

static void on_progress(void *user, double fraction)
{
    cli_verifier *v = user;
    v->progress(fraction);
}

static tw_status new_job(cli_verifier *v, tw_job **out, tw_error *err)
{
    TW_TRY(tw_job_new(v->session, "upscale", out, err));
    cli_signals_watch(*out);
    return TW_OK;
}

static void free_job(tw_job *job)
{
    if (!job)
        return;
    cli_signals_forget(job);
    tw_job_free(job);
}

static tw_status set(tw_job *job, const char *name, const char *value, tw_error *err)
{
    return value ? tw_job_set(job, name, value, err) : TW_OK;
}

static tw_status set_memory(const cli_verifier *v, tw_job *job, tw_error *err)
{
    char bytes[32];
    snprintf(bytes, sizeof bytes, "%" PRId64, v->memory);
    return v->memory > 0 ? tw_job_set(job, "memory", bytes, err) : set(job, "memory", cli_get(v->args, "memory"), err);
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

static int show_rows(void *user, const float *in, int32_t width, int32_t height, float *out)
{
    struct reader *r = user;

    if (width != r->width) /* the tile is as wide as the picture */
        return 1;
    for (int32_t i = 0; i < height && r->y < r->end; i++, r->y++)
        r->take(r->user, r->y, in + 3 * (int64_t)width * i);
    memcpy(out, in, 3 * sizeof(float) * (size_t)width * (size_t)height);
    if (r->y == r->end)
        tw_job_cancel(r->job);
    return 0;
}

static int32_t no_scale(void *user)
{
    return 1;
}

/* Nothing is written: the result goes to /dev/null, in a container that holds any size, depth, alpha and orientation.
 * One worker and tiles as wide as the picture: they come from the top down. */
static tw_status set_reader(cli_verifier *v, tw_job *job, tw_error *err)
{
    static const char *const typed[] = {"scratch", "scratch-limit"};
    static const char *const fixed[][2] = {{"model", READER}, {"schedule", "halo"}, {"threads", "1"},
                                           {"format", "png"}, {"compression", "0"}, {"overwrite", "true"}};
    char tile[48];

    snprintf(tile, sizeof tile, "%" PRId64 "x%d", v->reader.width, READER_ROWS);
    TW_TRY(set_memory(v, job, err));
    TW_TRY(tw_job_set(job, "tile", tile, err));
    for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++)
        TW_TRY(tw_job_set(job, fixed[i][0], fixed[i][1], err));
    for (size_t i = 0; i < G_N_ELEMENTS(typed); i++)
        TW_TRY(set(job, typed[i], cli_get(v->args, typed[i]), err));
    return tw_job_output(job, "/dev/null", err);
}

/* Shows the rows y < end to `take`, from the top; from `path`, or the bytes where that is NULL. */
static tw_status read_rows(cli_verifier *v, const char *path, const void *bytes, size_t length, int64_t width, int64_t end,
                           row_taker take, void *user, tw_error *err)
{
    tw_error inner = TW_ERROR_NONE;
    tw_job *job = NULL;
    tw_status status = new_job(v, &job, &inner);

    v->reader = (struct reader){.job = job, .width = width, .end = end, .take = take, .user = user};
    if (status == TW_OK)
        status = set_reader(v, job, &inner);
    if (status == TW_OK)
        status = path ? tw_job_input(job, path, &inner) : tw_job_input_bytes(job, bytes, length, "result", &inner);
    if (status == TW_OK)
        status = tw_job_run(job, &inner);
    if (status == TW_ERROR_INTERRUPTED && v->reader.y == end && !cli_interrupted())
        status = TW_OK; /* by show_rows, which had what it wanted */
    free_job(job);
    return status == TW_OK ? TW_OK : tw_fail(err, status, "%s", inner.message);
}

typedef struct keeper {
    cli_floats *to;
    int64_t x, y;
} keeper;

static void keep_row(void *user, int64_t y, const float *rgb)
{
    const keeper *k = user;
    size_t samples = 3 * (size_t)k->to->width;

    if (y >= k->y)
        memcpy(k->to->rgb + samples * (size_t)(y - k->y), rgb + 3 * k->x, samples * sizeof(float));
}

tw_status cli_verifier_read(cli_verifier *v, const char *path, int64_t in_width, int64_t x, int64_t y, cli_floats *out,
                            tw_error *err)
{
    keeper k = {out, x, y};
    return read_rows(v, path, NULL, 0, in_width, y + out->height, keep_row, &k, err);
}

/* --- running --------------------------------------------------------------------------------------------------------- */

static tw_status prepare(cli_verifier *v, const char *path, const cli_floats *picture, const cli_way *way, tw_job **out,
                         tw_error *err)
{
    TW_TRY(new_job(v, out, err));
    TW_TRY(cli_apply(v->args, *out, err));
    TW_TRY(set_memory(v, *out, err));
    TW_TRY(set(*out, "schedule", way->schedule, err));
    TW_TRY(set(*out, "tile", way->tile, err));
    TW_TRY(set(*out, "threads", way->threads, err));
    TW_TRY(set(*out, "halo", way->halo, err));
    TW_TRY(tw_job_set(*out, "tiff-compression", "none", err));
    if (path)
        TW_TRY(tw_job_input(*out, path, err));
    else
        TW_TRY(tw_job_input_bytes(*out, picture->file, picture->length, "crop", err));
    return tw_job_output_bytes(*out, "tiff", err);
}

static void take_facts(const tw_report *r, cli_facts *f)
{
    *f = (cli_facts){.in_width = r->in_width, .in_height = r->in_height, .width = r->width, .height = r->height};
    snprintf(f->schedule, sizeof f->schedule, "%s", r->schedule ? r->schedule : "");
    snprintf(f->model, sizeof f->model, "%s", r->model ? r->model : "");
    snprintf(f->device, sizeof f->device, "%s", r->device ? r->device : "");
    memcpy(f->tile, r->tile, sizeof f->tile);
    memcpy(f->halo, r->halo, sizeof f->halo);
    f->tiles = r->tiles;
    f->workers = r->workers, f->passes = r->passes;
    f->budget = r->budget_bytes, f->planned_peak = r->planned_peak_bytes, f->peak = r->job_peak_bytes;
    f->seconds = r->seconds;
}

tw_status cli_verifier_plan(cli_verifier *v, const char *path, const cli_floats *picture, const cli_way *way, cli_facts *facts,
                            tw_error *err)
{
    tw_job *job = NULL;
    tw_status status = prepare(v, path, picture, way, &job, err);

    if (status == TW_OK)
        status = tw_job_plan(job, err);
    if (status == TW_OK)
        take_facts(tw_job_report(job), facts);
    free_job(job);
    return status;
}

/* Runs the net and shows the rows of its result. */
static tw_status run(cli_verifier *v, const cli_floats *picture, const cli_way *way, cli_facts *facts, row_taker take,
                     void *user, tw_error *err)
{
    tw_job *job = NULL;
    void *bytes = NULL;
    size_t length = 0;
    tw_status status = prepare(v, NULL, picture, way, &job, err);

    if (status == TW_OK) {
        if (take == keep_row) /* the first run; the others would say the same again */
            tw_job_on_warning(job, on_warning, NULL);
        tw_job_on_progress(job, on_progress, v);
        status = tw_job_run(job, err);
    }
    if (status == TW_OK) {
        take_facts(tw_job_report(job), facts);
        bytes = tw_job_take_bytes(job, &length);
    }
    free_job(job);
    if (status == TW_OK)
        status = read_rows(v, NULL, bytes, length, facts->width, facts->height, take, user, err);
    tw_bytes_free(bytes);
    return status;
}

tw_status cli_verifier_keep(cli_verifier *v, const cli_floats *picture, const cli_way *way, cli_facts *facts,
                            cli_floats *result, tw_error *err)
{
    keeper k = {result, 0, 0};
    return run(v, picture, way, facts, keep_row, &k, err);
}

typedef struct comparer {
    const cli_floats *reference;
    const cli_window *window;
    cli_difference *worst;
} comparer;

static void compare_row(void *user, int64_t y, const float *rgb)
{
    const comparer *c = user;
    const cli_window *w = c->window;

    if (y < w->y0 || y >= w->y1)
        return;
    const float *reference = c->reference->rgb + 3 * (c->reference->width * (y + w->dy) + w->dx);
    for (int64_t i = 3 * w->x0; i < 3 * w->x1; i++) {
        double difference = 255 * fabs((double)rgb[i] - (double)reference[i]);
        if (isnan(difference))
            difference = INFINITY;
        if (difference > c->worst->value)
            *c->worst = (cli_difference){difference, i / 3, y, (int)(i % 3)};
    }
}

tw_status cli_verifier_compare(cli_verifier *v, const cli_floats *picture, const cli_way *way, const cli_floats *reference,
                               const cli_window *window, cli_facts *facts, cli_difference *difference, tw_error *err)
{
    comparer c = {reference, window, difference};
    *difference = (cli_difference){0};
    return run(v, picture, way, facts, compare_row, &c, err);
}

/* --- the verifier ---------------------------------------------------------------------------------------------------- */

void cli_verifier_set_memory(cli_verifier *v, int64_t bytes)
{
    v->memory = bytes;
}

tw_status cli_verifier_new(const cli_args *args, void (*progress)(double fraction), cli_verifier **out, tw_error *err)
{
    cli_verifier *v = g_new0(cli_verifier, 1);
    const tw_engine_callbacks reader = {
        .size = sizeof reader, .user = &v->reader, .process_rgb = show_rows, .scale_factor = no_scale};

    v->args = args;
    v->progress = progress;
    *out = v;
    TW_TRY(tw_session_new(&v->session, err));
    return tw_session_add_engine(v->session, READER, &reader, err);
}

void cli_verifier_free(cli_verifier *v)
{
    if (!v)
        return;
    tw_session_free(v->session);
    g_free(v);
}
