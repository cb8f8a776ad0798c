/* SPDX-License-Identifier: MIT */
/** An engine of your own: tilewright reads the picture, cuts it into tiles that fit the memory budget, calls you for each tile, and
 *  writes the result. You enlarge a tile; you never see the picture.
 *
 *      callback_engine IN OUT [MEMORY]        for example: callback_engine photo.jpg large.png 128M
 *
 *  This one doubles the size: every pixel becomes 2 x 2, then the result is sharpened. */
#include <stdio.h>
#include <stdlib.h>

#include <tilewright/tilewright.h>

#define SCALE    2
#define STRENGTH 0.6f

/* What the engine needs between calls: here only counters. Weights, handles, buffers would live here, too. */
typedef struct sharpener {
    int tiles;
    int closed;
} sharpener;

static int32_t clamp(int32_t i, int32_t n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

/* Pixel (x, y) of the tile in one colour. Beyond the tile the edge is repeated: at the picture's own edge that is what we want,
 * and everywhere else tilewright hands us `overlap` more pixels than it keeps, so that it does not matter. */
static float at(const float *in, int32_t width, int32_t height, int32_t x, int32_t y, int colour)
{
    return in[((size_t)clamp(y, height) * (size_t)width + (size_t)clamp(x, width)) * 3 + (size_t)colour];
}

/* The pixel itself plus what it differs from the mean of its eight neighbours and itself. */
static float sharpened(const float *in, int32_t width, int32_t height, int32_t x, int32_t y, int colour)
{
    float sum = 0;
    for (int32_t v = -1; v <= 1; v++)
        for (int32_t u = -1; u <= 1; u++)
            sum += at(in, width, height, x + u, y + v, colour);
    float centre = at(in, width, height, x, y, colour);
    return centre + STRENGTH * (centre - sum / 9);
}

/* One tile: `in` is width * height pixels of RGB, 0 to 1; `out` wants SCALE times as many in both directions. Values outside 0 to 1
 * are allowed; tilewright clamps them where the file cannot hold them. Return 0, or anything else when it failed. */
static int process_rgb(void *user, const float *in, int32_t width, int32_t height, float *out)
{
    sharpener *engine = user;
    size_t row = (size_t)width * SCALE * 3;
    for (int32_t y = 0; y < height * SCALE; y++)
        for (int32_t x = 0; x < width * SCALE; x++)
            for (int colour = 0; colour < 3; colour++)
                out[(size_t)y * row + (size_t)x * 3 + (size_t)colour] =
                    sharpened(in, width, height, x / SCALE, y / SCALE, colour);
    engine->tiles++; /* safe: without `thread_safe` there is one call at a time */
    return 0;
}

static int32_t scale_factor(void *user)
{
    return SCALE;
}

/* Everything that is not set stays 0: tilewright chooses the tile. */
static void tiling_config(void *user, tw_tiling_config *config)
{
    config->overlap = 1; /* we look one pixel around: with that the tiles give exactly what the whole picture would */
}

/* Once, when the session closes the engine; never between two pictures. */
static void close_sharpener(void *user)
{
    sharpener *engine = user;
    engine->closed++;
}

static void on_progress(void *user, double fraction)
{
    fprintf(stderr, "\r%3.0f %%%s", fraction * 100, fraction < 1 ? "" : "\n");
}

/* One picture. A session can do many, one after the other or side by side; the engine stays open. */
static tw_status enlarge(tw_session *session, const char *input, const char *output, const char *memory, tw_error *err)
{
    tw_job *job = NULL;
    tw_status status = tw_job_new(session, "upscale", &job, err);
    if (status == TW_OK)
        status = tw_job_set(job, "model", "sharpener", err); /* the name it was added under */
    if (status == TW_OK)
        status = tw_job_set(job, "memory", memory, err);
    if (status == TW_OK)
        status = tw_job_input(job, input, err);
    if (status == TW_OK)
        status = tw_job_output(job, output, err);
    if (status == TW_OK) {
        tw_job_on_progress(job, on_progress, NULL);
        status = tw_job_run(job, err);
    }
    if (status == TW_OK) {
        const tw_report *report = tw_job_report(job);
        printf("%lld x %lld -> %lld x %lld, %lld tiles, peak %lld MiB\n", (long long)report->in_width,
               (long long)report->in_height, (long long)report->width, (long long)report->height, (long long)report->tiles,
               (long long)report->peak_bytes >> 20);
    }
    tw_job_free(job); /* NULL is allowed */
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: callback_engine IN OUT [MEMORY]\n");
        return TW_ERROR_USAGE;
    }
    sharpener engine = {0, 0};
    tw_engine_callbacks callbacks = {
        .size = sizeof callbacks,
        .user = &engine,
        .process_rgb = process_rgb,
        .scale_factor = scale_factor,
        .tiling_config = tiling_config,
        .close = close_sharpener,
    };
    /* Errors are values: a zeroed tw_error goes through all calls, the first failure stays in it. */
    tw_error err = TW_ERROR_NONE;
    tw_session *session = NULL;
    tw_status status = tw_session_new(&session, &err);
    if (status == TW_OK)
        status = tw_session_add_engine(session, "sharpener", &callbacks, &err);
    if (status == TW_OK)
        status = enlarge(session, argv[1], argv[2], argc > 3 ? argv[3] : "256M", &err);
    tw_session_free(session); /* closes the engine */
    if (status != TW_OK)
        fprintf(stderr, "callback_engine: %s\n", err.message);
    else
        printf("the engine was called for %d tiles and closed %d time\n", engine.tiles, engine.closed);
    return (int)status; /* the numbers are the exit codes of the tilewright command */
}
