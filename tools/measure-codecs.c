/* SPDX-License-Identifier: MIT */
/** Peak memory of one decode or encode through the image room, beside what its cost functions say. One case per process:
 *  tools/measure-codecs.sh runs the table. Usage: measure-codecs save|load FILE WIDTH HEIGHT COLOURS ALPHA DEPTH [noise] [lossless]
 *  [level=N] [tiff=NAME] [final=WxH]
 *  (save makes a picture of noise and gradients; load reads FILE band by band). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image/sink.h"

static int64_t status_bytes(const char *key)
{
    char line[256];
    long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoll(line + strlen(key), NULL, 10);
    if (file)
        fclose(file);
    return kib * 1024;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool noise; /* the worst that an entropy coder can meet, instead of gradients with a little noise */

static void fill_row(const tw_picture *p, void *row, int64_t y, uint32_t *seed)
{
    int bands = tw_picture_bands(p);
    for (int64_t i = 0; i < p->width * bands; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        int v = noise ? (int)(*seed >> 24) : (int)((i / bands + 2 * y) / 16 % 200) + (int)(*seed >> 28);
        if (p->depth == TW_U8)
            ((uint8_t *)row)[i] = (uint8_t)v;
        else if (p->depth == TW_U16)
            ((uint16_t *)row)[i] = (uint16_t)(v * 256 + (int)(*seed >> 26));
        else
            ((float *)row)[i] = (float)v / 255.f;
    }
}

static void report(const char *what, const tw_picture *p, int64_t before, int64_t ours, int64_t told, const char *why, double s)
{
    int64_t grown = status_bytes("VmHWM:") - before - ours;
    double pixels = (double)p->width * (double)p->height;
    printf("%-28s %6lldx%-6lld %d%s%d %9.1f MiB %9.1f told %5.2fx %7.2f B/px %7.1f rows %6.2f s  %s\n", what,
           (long long)p->width, (long long)p->height, p->colours, p->alpha ? "a" : "-", 8 * tw_depth_bytes(p->depth),
           (double)grown / 1048576, (double)told / 1048576, (double)told / (double)grown, (double)grown / pixels,
           (double)grown / (double)tw_picture_row_bytes(p), s, why ? why : "");
}

static tw_status save(tw_context *context, const tw_place *place, const tw_picture *p, tw_sink_options *o, tw_error *err)
{
    tw_sink *sink;
    tw_sink_cost cost;
    uint32_t seed = 1;
    double start = now();
    TW_TRY(tw_sink_check(place, p, NULL, o, &cost, err)); /* starts libvips, which the source's cost counts */
    int64_t before = status_bytes("VmHWM:");
    TW_TRY(tw_sink_open(context, place, p, NULL, o, 4, &sink, err));
    tw_status status = TW_OK;
    for (int64_t y = 0; status == TW_OK && y < p->height; y++) {
        status = tw_sink_reserve(sink, y + 1, err);
        if (status == TW_OK) {
            fill_row(p, tw_sink_row(sink, y), y, &seed);
            tw_sink_done(sink, (tw_rect){0, y, p->width, 1});
        }
    }
    if (status == TW_OK)
        status = tw_sink_commit(sink, err);
    tw_sink_close(sink);
    if (status == TW_OK)
        report(place->path, p, before, 4 * tw_picture_row_bytes(p), cost.fixed, cost.why, now() - start);
    return status;
}

static tw_status load(tw_context *context, const tw_place *place, tw_error *err)
{
    tw_source *source;
    int64_t before = status_bytes("VmHWM:"), got = 1;
    double start = now();
    TW_TRY(tw_source_open(context, place, NULL, &source, err));
    const tw_picture p = *tw_source_picture(source);
    char *rows = malloc((size_t)(8 * tw_picture_row_bytes(&p)));
    tw_status status = TW_OK;
    while (status == TW_OK && got)
        status = tw_source_next_band(source, rows, 8, &got, err);
    const tw_source_cost *cost = tw_source_cost_of(source);
    if (status == TW_OK)
        report(place->path, &p, before, 8 * tw_picture_row_bytes(&p), cost->sequential, cost->why, now() - start);
    free(rows);
    tw_source_close(source);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    tw_error err = TW_ERROR_NONE;
    tw_account *account = tw_account_new(NULL, "measure", 0);
    tw_scratch *scratch = tw_scratch_new(NULL, 0);
    tw_context *context = tw_context_new(account, scratch);
    tw_place place = {.path = argv[2]};
    tw_status status;
    if (strcmp(argv[1], "load") == 0 || argc < 8) {
        status = load(context, &place, &err);
    } else {
        tw_sink_options o = {.overwrite = true, .compression = -1};
        tw_picture p = {atoll(argv[3]), atoll(argv[4]), atoi(argv[5]), atoi(argv[6]) != 0,
                        atoi(argv[7]) == 8    ? TW_U8
                        : atoi(argv[7]) == 16 ? TW_U16
                                              : TW_F32};
        for (int i = 8; i < argc; i++) {
            if (strcmp(argv[i], "noise") == 0)
                noise = true;
            else if (strcmp(argv[i], "lossless") == 0)
                o.lossless = true;
            else if (strncmp(argv[i], "tiff=", 5) == 0)
                o.tiff_compression = argv[i] + 5;
            else if (strncmp(argv[i], "level=", 6) == 0)
                o.compression = atoi(argv[i] + 6);
            else if (strncmp(argv[i], "final=", 6) == 0)
                sscanf(argv[i] + 6, "%" SCNd64 "x%" SCNd64, &o.final_width, &o.final_height);
        }
        status = save(context, &place, &p, &o, &err);
    }
    if (status != TW_OK)
        fprintf(stderr, "%s\n", err.message);
    tw_context_free(context);
    tw_scratch_free(scratch);
    tw_account_free(account);
    return status;
}
