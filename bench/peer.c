/* SPDX-License-Identifier: MIT */
/* peer NET.param IN.ppm OUT.ppm|OUT.raw THREADS [TILE PAD]: what a plain program on ncnn does, to measure tilewright against.
 * The whole picture at once, or tiles of a fixed size with a fixed context that is cropped. THREADS work inside the layers.
 * A .raw file is bare floats, 1 = white. Prints one JSON object: the seconds from decoded pixels to pixels of the result;
 * loading the net, reading and writing are not counted. */
#include <ncnn/c_api.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct picture {
    int width, height;
    size_t bytes;  /* of a sample: 1, or 4 for float with 1 = white */
    void *samples; /* three to a pixel, rows from the top */
};

struct area {
    int left, top, width, height;
};

static void fail(const char *what)
{
    fprintf(stderr, "peer: %s\n", what);
    exit(1);
}

static void allocate(struct picture *picture)
{
    if (!(picture->samples = malloc((size_t)picture->width * (size_t)picture->height * 3 * picture->bytes)))
        fail("out of memory");
}

/* The next number of a header, past a comment. */
static int number(FILE *file)
{
    int value = -1;
    if (fscanf(file, " #%*[^\n]") == EOF || fscanf(file, "%d", &value) != 1)
        fail("the input is not a PPM");
    return value;
}

static struct picture read_ppm(const char *path)
{
    struct picture read = {.bytes = 1};
    FILE *file = fopen(path, "rb");
    if (!file || fgetc(file) != 'P' || fgetc(file) != '6')
        fail("the input is not a PPM");
    read.width = number(file);
    read.height = number(file);
    if (number(file) != 255 || fgetc(file) != '\n' || read.width < 1 || read.height < 1)
        fail("the input is not an 8-bit PPM");
    allocate(&read);
    size_t pixels = (size_t)read.width * (size_t)read.height;
    if (fread(read.samples, 3, pixels, file) != pixels)
        fail("the input ends too early");
    fclose(file);
    return read;
}

static void write_picture(const struct picture *picture, const char *path)
{
    size_t pixels = (size_t)picture->width * (size_t)picture->height;
    FILE *file = fopen(path, "wb");
    if (file && picture->bytes == 1)
        fprintf(file, "P6\n%d %d\n255\n", picture->width, picture->height);
    if (!file || fwrite(picture->samples, 3 * picture->bytes, pixels, file) != pixels || fclose(file))
        fail("cannot write the output");
}

static ncnn_mat_t cut(const struct picture *source, struct area area)
{
    ncnn_mat_t mat = ncnn_mat_create_3d(area.width, area.height, 3, NULL);
    for (int c = 0; c < 3; c++) {
        float *to = ncnn_mat_get_channel_data(mat, c);
        for (int y = 0; y < area.height; y++) {
            size_t first = (size_t)(area.top + y) * (size_t)source->width + (size_t)area.left;
            const uint8_t *from = (const uint8_t *)source->samples + first * 3 + c;
            for (int x = 0; x < area.width; x++)
                *to++ = (float)from[3 * x] * (1 / 255.0f);
        }
    }
    return mat;
}

/* The part of the net's result that starts at LEFT, TOP and fills AREA of the target. */
static void put(ncnn_mat_t mat, int left, int top, struct picture *target, struct area area)
{
    int stride = ncnn_mat_get_w(mat);
    for (int c = 0; c < 3; c++) {
        for (int y = 0; y < area.height; y++) {
            const float *from = (const float *)ncnn_mat_get_channel_data(mat, c) + (size_t)(top + y) * (size_t)stride + left;
            size_t at = ((size_t)(area.top + y) * (size_t)target->width + (size_t)area.left) * 3 + (size_t)c;
            for (int x = 0; x < area.width; x++, at += 3) {
                float v = from[x];
                if (target->bytes == 4)
                    ((float *)target->samples)[at] = v;
                else
                    ((uint8_t *)target->samples)[at] = (uint8_t)(v <= 0 ? 0 : v >= 1 ? 255 : v * 255 + 0.5f);
            }
        }
    }
}

static ncnn_mat_t compute(ncnn_net_t net, ncnn_mat_t input)
{
    ncnn_mat_t output = NULL;
    ncnn_extractor_t extractor = ncnn_extractor_create(net);
    if (ncnn_extractor_input(extractor, ncnn_net_get_input_name(net, 0), input) ||
        ncnn_extractor_extract(extractor, ncnn_net_get_output_name(net, 0), &output))
        fail("the net failed");
    ncnn_extractor_destroy(extractor);
    return output;
}

/* The core and PAD pixels around it, as far as the picture goes; the first tile says by how much the net enlarges. */
static void tile(ncnn_net_t net, const struct picture *source, struct picture *target, struct area core, int pad)
{
    int right = core.left + core.width + pad, bottom = core.top + core.height + pad;
    struct area read = {core.left < pad ? 0 : core.left - pad, core.top < pad ? 0 : core.top - pad, 0, 0};
    read.width = (right > source->width ? source->width : right) - read.left;
    read.height = (bottom > source->height ? source->height : bottom) - read.top;
    ncnn_mat_t input = cut(source, read), output = compute(net, input);
    int scale = ncnn_mat_get_w(output) / read.width;
    if (!target->samples) {
        target->width = source->width * scale;
        target->height = source->height * scale;
        allocate(target);
    }
    struct area put_at = {core.left * scale, core.top * scale, core.width * scale, core.height * scale};
    put(output, (core.left - read.left) * scale, (core.top - read.top) * scale, target, put_at);
    ncnn_mat_destroy(output);
    ncnn_mat_destroy(input);
}

static ncnn_net_t load(const char *param, int threads)
{
    char bin[4096];
    size_t stem = strlen(param) - strlen("param");
    if (stem + sizeof "bin" > sizeof bin)
        fail("the net's path is too long");
    memcpy(bin, param, stem);
    memcpy(bin + stem, "bin", sizeof "bin");
    ncnn_net_t net = ncnn_net_create();
    ncnn_option_set_num_threads(ncnn_net_get_option(net), threads);
    if (ncnn_net_load_param(net, param) || ncnn_net_load_model(net, bin))
        fail("cannot load the net");
    return net;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 7)
        fail("peer NET.param IN.ppm OUT.ppm|OUT.raw THREADS [TILE PAD]");
    const char *name = argv[3];
    size_t length = strlen(name);
    struct picture source = read_ppm(argv[2]);
    struct picture target = {.bytes = length > 4 && !strcmp(name + length - 4, ".raw") ? 4 : 1};
    int longer = source.width > source.height ? source.width : source.height;
    int side = argc == 7 ? atoi(argv[5]) : longer, pad = argc == 7 ? atoi(argv[6]) : 0;
    if (side < 1 || pad < 0)
        fail("no such tile");
    ncnn_net_t net = load(argv[1], atoi(argv[4]));
    double start = now();
    for (int y = 0; y < source.height; y += side) {
        for (int x = 0; x < source.width; x += side) {
            struct area core = {x, y, source.width - x < side ? source.width - x : side,
                                source.height - y < side ? source.height - y : side};
            tile(net, &source, &target, core, pad);
        }
    }
    double seconds = now() - start;
    write_picture(&target, name);
    printf("{\"seconds\": %.6f}\n", seconds);
    ncnn_net_destroy(net);
    free(target.samples);
    free(source.samples);
    return 0;
}
