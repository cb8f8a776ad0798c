/* SPDX-License-Identifier: MIT */
/** For tests and benchmarks of interpolation, the same bytes on every machine:
 *
 *   make_flow model GRAPH.param FOLDER          copies the graph of a flow net and makes weights beside it (unit/flow_weights.h)
 *   make_flow small FOLDER                      writes small.param and small-features.param with weights (unit/flow_graph.h)
 *   make_flow frames WIDTHxHEIGHT MOTION A B [bits=8|16] [bands=1..4]
 *
 * Frames show a texture of waves and edges: the background moves by MOTION/4 pixels, a disc before it by MOTION. */
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "../unit/flow_weights.h"

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "make_flow: %s: %s\n", what, why);
    return 1;
}

static int make_model(const char *from, const char *folder)
{
    g_autofree char *name = g_path_get_basename(from), *text = NULL;
    gsize length;
    tw_error err = TW_ERROR_NONE;
    tw_graph *graph;
    if (!g_str_has_suffix(name, ".param") || !g_file_get_contents(from, &text, &length, NULL))
        return fail(from, "no graph");
    if (tw_graph_parse(text, length, from, &graph, &err) != TW_OK)
        return fail(from, err.message);
    name[strlen(name) - strlen(".param")] = 0;
    flow_model_write(graph, text, length, folder, name);
    tw_graph_free(graph);
    return 0;
}

/* 0 to 1: waves of several lengths, edges of a chequer, stripes. */
static double texture(double x, double y, int band, double seed)
{
    double v = 0.5 + 0.16 * sin(x / 37 + seed + band) * cos(y / 29 - seed) + 0.1 * sin((x + 2 * y) / 11 + band * seed);
    v += 0.06 * sin(x / 3.1 + seed) * sin(y / 2.7 + band);
    double edge = sin(x / 53) * sin(y / 47 + seed);
    return v + (edge > 0.1 ? 0.12 : -0.08);
}

static double scene(double x, double y, double shift, double w, double h, int band)
{
    double cx = 0.3 * w + shift, cy = 0.45 * h + 0.3 * shift, r = 0.18 * fmin(w, h);
    double distance = hypot(x - cx, y - cy), cover = fmin(fmax(r - distance, 0), 1);
    double back = texture(x - shift / 4, y + shift / 8, band, 0.3), disc = texture(x - shift, y - 0.3 * shift, band, 1.7);
    return back * (1 - cover) + disc * cover;
}

static int make_frame(int width, int height, double shift, int bits, int bands, const char *path)
{
    size_t n = (size_t)width * (size_t)height * (size_t)bands;
    uint16_t *pixels = g_malloc(n * 2);
    double white = bits == 16 ? 65535 : 255;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int band = 0; band < bands; band++) {
                double v = fmin(fmax(scene(x, y, shift, width, height, band), 0), 1);
                size_t at = ((size_t)y * (size_t)width + (size_t)x) * (size_t)bands + (size_t)band;
                if (bits == 16)
                    pixels[at] = (uint16_t)lround(v * white);
                else
                    ((uint8_t *)pixels)[at] = (uint8_t)lround(v * white);
            }
    VipsImage *image = vips_image_new_from_memory(pixels, n * (size_t)(bits / 8), width, height, bands,
                                                  bits == 16 ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR),
              *typed = NULL;
    VipsInterpretation kind = bands < 3    ? bits == 16 ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W
                              : bits == 16 ? VIPS_INTERPRETATION_RGB16
                                           : VIPS_INTERPRETATION_sRGB;
    int code = !image || vips_copy(image, &typed, "interpretation", kind, NULL) || vips_image_write_to_file(typed, path, NULL);
    if (code)
        fail(path, vips_error_buffer());
    g_clear_object(&typed);
    g_clear_object(&image);
    g_free(pixels);
    return code != 0;
}

static int make_frames(int argc, char **argv)
{
    int width = 0, height = 0, bits = 8, bands = 3;
    double motion = g_ascii_strtod(argv[1], NULL);
    if (sscanf(argv[0], "%dx%d", &width, &height) != 2 || width < 1 || height < 1)
        return fail(argv[0], "no size");
    for (int i = 4; i < argc; i++)
        if (sscanf(argv[i], "bits=%d", &bits) != 1 && sscanf(argv[i], "bands=%d", &bands) != 1)
            return fail(argv[i], "unknown");
    return make_frame(width, height, 0, bits, bands, argv[2]) || make_frame(width, height, motion, bits, bands, argv[3]);
}

int main(int argc, char **argv)
{
    if (VIPS_INIT(argv[0]))
        return fail("libvips", vips_error_buffer());
    if (argc == 4 && strcmp(argv[1], "model") == 0)
        return make_model(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "small") == 0) {
        g_free(flow_small_model(FLOW_SMALL, argv[2]));
        g_free(flow_small_model(FLOW_FEATURES, argv[2]));
        return 0;
    }
    if (argc >= 6 && strcmp(argv[1], "frames") == 0)
        return make_frames(argc - 2, argv + 2);
    return fail("usage", "make_flow model GRAPH.param FOLDER | small FOLDER | frames WxH MOTION A B");
}
