/* SPDX-License-Identifier: MIT */
/* The memory estimate against what ncnn takes, counted in its allocator the way the engine counts. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ncnn_run.h"
#include "random_graph.h"

static double lowest = 9, highest;

/* Runs a tile of w x h and compares; false when ncnn cannot run it. */
static bool check_size(test_net *t, int w, int h, double slack, const char *name)
{
    int channels = 1;
    for (int i = 0; i < t->geometry->n_inputs; i++)
        channels = MAX(channels, t->geometry->input_channels[i]);
    test_image image = image_smooth(w, h, channels), out = net_run(t, &image, t->geometry->output, 0, NULL, NULL);
    int64_t actual = test_peak, estimate = tw_memory_tile(t->graph, t->geometry, false, w, h);
    bool ran = out.data != NULL;
    g_free(image.data);
    g_free(out.data);
    if (!ran)
        return false;
    double ratio = (double)estimate / (double)actual;
    lowest = MIN(lowest, ratio);
    highest = MAX(highest, ratio);
    if (estimate < actual || ratio > slack)
        g_error("%s, tile %d x %d: estimate %" G_GINT64_FORMAT ", ncnn took %" G_GINT64_FORMAT, name, w, h, estimate, actual);
    return true;
}

static const int sizes[][2] = {{16, 16},  {17, 31},   {24, 64},  {33, 47},   {64, 64},  {65, 63},   {96, 64},   {72, 130},
                               {100, 90}, {128, 128}, {131, 77}, {160, 160}, {192, 48}, {200, 200}, {257, 129}, {400, 64}};

static void check_pack(const char *name, int most)
{
    test_net *t = net_from_pack(name, true);
    int64_t m = t->geometry->size_multiple;
    int ran = 0;
    lowest = 9;
    highest = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        int w = (int)(tw_ceil_div(sizes[i][0], m) * m), h = (int)(tw_ceil_div(sizes[i][1], m) * m);
        if (w * h <= most)
            ran += check_size(t, w, h, w >= 64 && h >= 64 ? 1.15 : 1.5, name);
    }
    g_test_message("%s: %d tiles, estimate / actual %.3f to %.3f", name, ran, lowest, highest);
    g_assert_cmpint(ran, >=, 5);
    net_free(t);
}

static void test_packs(void)
{
    check_pack("realesr-animevideov3-x2", 60000);
    check_pack("realesr-animevideov3-x3", 20000);
    check_pack("realesr-animevideov3-x4", 20000);
    check_pack("realesrgan-x4plus", 4200);
    check_pack("realesrgan-x4plus-anime", 9500);
    check_pack("waifu2x-upconv7-anime-2x", 30000);
    check_pack("waifu2x-cunet-2x", 30000);
    check_pack("waifu2x-cunet-noise0", 60000);
    check_pack("realcugan-2x-se-no-denoise", 20000);
    check_pack("realcugan-3x-pro-conservative", 20000);
    check_pack("realcugan-4x-se-no-denoise", 20000);
    check_pack("span-x2-ch48", 20000);
    check_pack("span-x4-ch52", 20000);
    check_pack("span-kendata-x4", 20000);
}

/* Other shapes of layers than the packs have. */
static void test_random(void)
{
    int done = 0;
    lowest = 9;
    highest = 0;
    for (guint32 seed = 1; done < 250; seed++) {
        GRand *rand = g_rand_new_with_seed(seed);
        g_autofree char *text = random_graph_text(rand, false, NULL);
        tw_error err = TW_ERROR_NONE;
        tw_graph *graph;
        tw_geometry *g;
        g_assert_cmpint(tw_graph_parse(text, strlen(text), "random", &graph, &err), ==, TW_OK);
        if (tw_geometry_of(graph, "random", &g, &err) == TW_OK) {
            int64_t m = g->size_multiple;
            test_net *t = net_from_text(text, rand, false, true);
            for (int k = 0; k < 3; k++) {
                int w = (int)(tw_ceil_div(g_rand_int_range(rand, 20, 120), m) * m);
                int h = (int)(tw_ceil_div(g_rand_int_range(rand, 20, 120), m) * m);
                done += tw_geometry_length(graph, g, g->output, 0, w) > 0 &&
                        tw_geometry_length(graph, g, g->output, 1, h) > 0 && check_size(t, w, h, 1.35, text);
            }
            net_free(t);
            tw_geometry_free(g);
        }
        tw_graph_free(graph);
        g_rand_free(rand);
    }
    g_test_message("random graphs: %d tiles, estimate / actual %.3f to %.3f", done, lowest, highest);
}

/* Families with ways of their own: groups, gates by vectors, many joins, slices that change the packing. */
static void test_layers(void)
{
    static const struct {
        const char *lines;
        int layers, blobs;
    } cases[] = {
        {"Convolution c 1 1 a b 0=32 1=1 6=96\nConvolutionDepthWise d 1 1 b z 0=32 1=3 4=1 6=288 7=32", 3, 3},
        {"Convolution c 1 1 a b 0=32 1=1 6=96\nConvolutionDepthWise d 1 1 b z 0=32 1=3 4=1 6=2304 7=4", 3, 3},
        {"Convolution c 1 1 a b 0=24 1=1 6=72\nConvolutionDepthWise d 1 1 b z 0=48 1=3 4=1 6=5184 7=2", 3, 3},
        {"Convolution c 1 1 a b 0=32 1=1 6=96\nDeconvolutionDepthWise d 1 1 b z 0=32 1=4 3=2 4=1 6=512 7=32", 3, 3},
        {"Convolution c 1 1 a b 0=32 1=1 6=96\nDeconvolutionDepthWise d 1 1 b z 0=32 1=4 3=2 4=1 6=4096 7=4", 3, 3},
        {"Convolution c 1 1 a b 0=26 1=3 4=1 6=702\nSlice s 1 3 b d e f -23300=3,8,2,-233\nConcat g 3 1 f e d z", 4, 6},
        {"Convolution c 1 1 a b 0=64 1=3 4=1 6=1728\nCrop s 1 1 b z -23309=3,4,1,1 -23310=3,20,-1,-1 -23311=3,0,1,2", 3, 3},
        {"Convolution c 1 1 a b 0=16 1=3 4=1 6=432\nSplit s 1 2 b d e\nPooling p 1 1 e f 0=1 4=1\nInnerProduct i 1 1 f g 0=16 "
         "2=256 "
         "9=4\nBinaryOp m 2 1 d g z 0=2",
         6, 7},
        {"Convolution c 1 1 a b 0=16 1=3 4=1 6=432\nSplit s 1 2 b d e\nSigmoid p 1 1 e f\nBinaryOp m 2 1 d f g 0=2\nSoftmax t "
         "1 1 g z "
         "0=0 1=1",
         6, 7},
        {"Convolution c 1 1 a b 0=16 1=3 4=1 6=432\nExp e 1 1 b d\nSplit s 1 2 d e f\nLog g 1 1 e h\nEltwise i 2 1 f h z 0=1",
         6, 7},
        {"Convolution c 1 1 a b 0=128 1=5 4=2 6=9600\nConvolution d 1 1 b z 0=256 1=5 4=2 3=2 6=819200", 3, 3},
        {"Convolution c 1 1 a b 0=48 1=3 4=1 6=1296 31=96\nConvolution d 1 1 b z 0=48 1=3 4=1 6=20736 31=96", 3, 3},
        {"Convolution c 1 1 a b 0=48 1=3 4=1 6=1296 31=64\nConvolution d 1 1 b z 0=48 1=3 4=1 6=20736 31=64", 3, 3},
        {"Convolution c 1 1 a b 0=20 1=3 4=1 6=540\nPadding p 1 1 b z 0=1 1=2 2=3 3=4 4=2", 3, 3},
        {"Convolution c 1 1 a b 0=16 1=3 4=1 6=432\nBatchNorm n 1 1 b d 0=16\nInterp i 1 1 d e 0=3 1=2.0 2=2.0\nReorg r 1 1 e "
         "z 0=2",
         5, 5},
    };
    GRand *rand = g_rand_new_with_seed(3);
    lowest = 9;
    highest = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strdup_printf("7767517\n%d %d\nInput in 0 1 a 2=3\n%s\n", cases[i].layers, cases[i].blobs, cases[i].lines);
        test_net *t = net_from_text(text, rand, false, true);
        for (int n = 64; n <= 160; n += 32)
            g_assert_true(check_size(t, n, n + 36, 1.35, text));
        g_assert_true(check_size(t, 23, 31, 1.6, text));
        net_free(t);
    }
    g_rand_free(rand);
    g_test_message("layers: estimate / actual %.3f to %.3f", lowest, highest);
}

/* ---- weights ---- */

static int64_t resident(void)
{
    long long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    g_assert_nonnull(file);
    g_assert_cmpint(fscanf(file, "%lld %lld", &size, &pages), ==, 2);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* In a child, as memory that once was freed would hide the growth. */
static void check_weights(const char *name)
{
    int64_t figures[2];
    int ends[2];
    g_assert_cmpint(pipe(ends), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        int64_t before = resident();
        test_net *t = net_from_pack(name, true);
        figures[0] = resident() - before;
        figures[1] = tw_memory_weights(t->graph, t->geometry);
        _exit(write(ends[1], figures, sizeof figures) == sizeof figures ? 0 : 1);
    }
    int status;
    close(ends[1]);
    g_assert_cmpint(read(ends[0], figures, sizeof figures), ==, sizeof figures);
    close(ends[0]);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_test_message("%s: weights %.1f MB resident, estimate %.1f MB", name, (double)figures[0] / 1e6, (double)figures[1] / 1e6);
    g_assert_cmpint(figures[1], >=, figures[0]);
    g_assert_cmpfloat((double)figures[1], <=, 1.2 * (double)figures[0] + 16e6);
}

static void test_weights(void)
{
    static const char *const names[] = {"realesr-animevideov3-x4",
                                        "realesrgan-x4plus",
                                        "realesrgan-x4plus-anime",
                                        "waifu2x-cunet-2x",
                                        "waifu2x-upconv7-anime-2x",
                                        "realcugan-3x-se-no-denoise",
                                        "span-x4-ch48"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        check_weights(names[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory/weights", test_weights);
    g_test_add_func("/memory/layers", test_layers);
    g_test_add_func("/memory/random", test_random);
    g_test_add_func("/memory/packs", test_packs);
    return g_test_run();
}
