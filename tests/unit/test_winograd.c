/* SPDX-License-Identifier: MIT */
/* Our own convolution against sums in double precision: every width of registers that this processor has, rows that lie in two
 * places, borders, sizes that are no multiple of a block, channels that are no multiple of a product. */
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/winograd.h"
#include "model/workspace.h"

typedef struct trial {
    int lanes, in, out;
    int64_t w, h;                          /* of the window */
    int64_t begin, seam, end, top, bottom; /* columns and rows that there are */
    bool slopes;
    float *weights; /* [out][in][3][3] */
    float *samples; /* [in][h][w] */
} trial;

static float *random_floats(GRand *rand, int64_t n, double range)
{
    float *v = g_new(float, n);
    for (int64_t i = 0; i < n; i++)
        v[i] = (float)g_rand_double_range(rand, -range, range);
    return v;
}

static bool inside(const trial *t, int64_t x, int64_t y)
{
    return x >= t->begin && x < t->end && y >= t->top && y < t->bottom;
}

static double expected(const trial *t, const tw_winograd *w, int o, int64_t x, int64_t y)
{
    double sum = w->bias[o];
    for (int i = 0; i < t->in; i++)
        for (int v = 0; v < 3; v++)
            for (int u = 0; u < 3; u++)
                if (inside(t, x + u, y + v))
                    sum += (double)t->weights[((o * t->in + i) * 3 + v) * 3 + u] *
                           (double)t->samples[(i * t->h + y + v) * t->w + x + u];
    return sum < 0 && w->slope ? sum * (double)w->slope[o] : sum;
}

/* Packs of channels of columns [lo, hi) only, so that a sample read from the wrong place is not a number. */
static float *packed(const trial *t, int64_t lo, int64_t hi)
{
    int64_t n = t->in * t->h * t->w;
    float *block = aligned_alloc(64, (size_t)(n * 4 + 63) / 64 * 64);
    for (int64_t k = 0; k < n; k++)
        block[k] = NAN;
    for (int i = 0; i < t->in; i++)
        for (int64_t y = 0; y < t->h; y++)
            for (int64_t x = lo; x < hi; x++)
                block[((i / t->lanes * t->h + y) * t->w + x) * t->lanes + i % t->lanes] = t->samples[(i * t->h + y) * t->w + x];
    return block;
}

/* The largest difference, over the deviation of the results. */
static double try(GRand *rand, trial *t)
{
    tw_winograd w;
    int64_t n = t->in / t->lanes * t->h;
    t->weights = random_floats(rand, (int64_t)t->in * t->out * 9, 1);
    t->samples = random_floats(rand, t->in * t->h * t->w, 1);
    g_assert_true(tw_winograd_init(&w, t->lanes, t->in, t->out, t->weights));
    for (int i = 0; i < t->out; i++)
        w.bias[i] = (float)g_rand_double_range(rand, -2, 2);
    w.slope = t->slopes ? aligned_alloc(64, (size_t)(t->out * 4 + 63) / 64 * 64) : NULL;
    for (int i = 0; i < t->out && t->slopes; i++)
        w.slope[i] = (float)g_rand_double_range(rand, -0.5, 0.5);
    float *left = packed(t, t->begin, t->seam), *right = packed(t, t->seam, t->end);
    tw_winograd_row *rows = g_new0(tw_winograd_row, n);
    for (int64_t i = 0; i < n; i++)
        if (i % t->h >= t->top && i % t->h < t->bottom)
            rows[i] = (tw_winograd_row){left + i * t->w * t->lanes, right + i * t->w * t->lanes, true};
    tw_winograd_call call = {rows, t->begin, t->seam, t->end, t->w - 2, t->h - 2, NULL, 0, NULL, 0};
    int64_t bytes = tw_work_fused(t->in, t->out, t->lanes, call.out_w, call.out_h);
    call.block = tw_work_fused_block(call.out_w, call.out_h);
    call.work = aligned_alloc(64, (size_t)(bytes + 63) / 64 * 64);
    memset(call.work, 0xff, (size_t)bytes);
    call.to_step = call.out_w * call.out_h * t->lanes + 16;
    call.to = aligned_alloc(64, (size_t)(call.to_step * (t->out / t->lanes) * 4 + 63) / 64 * 64);
    tw_winograd_run(&w, &call);
    double worst = 0, square = 0;
    for (int o = 0; o < t->out; o++)
        for (int64_t y = 0; y < call.out_h; y++)
            for (int64_t x = 0; x < call.out_w; x++) {
                double is = (double)call.to[o / t->lanes * call.to_step + (y * call.out_w + x) * t->lanes + o % t->lanes];
                double ought = expected(t, &w, o, x, y);
                worst = fmax(worst, isnan(is) ? HUGE_VAL : fabs(is - ought));
                square += ought * ought;
            }
    free(call.work);
    free(call.to);
    free(left);
    free(right);
    g_free(rows);
    g_free(t->weights);
    g_free(t->samples);
    tw_winograd_clear(&w);
    return worst / sqrt(square / (double)(t->out * call.out_w * call.out_h));
}

static int64_t between(GRand *rand, int64_t lo, int64_t hi)
{
    return g_rand_int_range(rand, (gint32)lo, (gint32)hi + 1);
}

static void test_random(gconstpointer data)
{
    int lanes = GPOINTER_TO_INT(data), most = tw_machine_here().lanes;
    if (lanes > most || (lanes == 8 && !tw_machine_here().fuses)) {
        g_test_skip("not on this processor");
        return;
    }
    GRand *rand = g_rand_new_with_seed(g_test_rand_int_range(0, G_MAXINT32));
    double worst = 0;
    for (int i = 0; i < 120; i++) {
        trial t = {.lanes = lanes, .in = lanes * (int)between(rand, 1, 5), .out = lanes * (int)between(rand, 1, 9)};
        t.w = between(rand, 3, 40);
        t.h = between(rand, 3, 30);
        t.begin = between(rand, 0, 1);
        t.end = t.w - between(rand, 0, 1);
        t.seam = between(rand, t.begin, t.end);
        t.top = between(rand, 0, 1);
        t.bottom = t.h - between(rand, 0, 1);
        t.slopes = i % 2;
        worst = fmax(worst, try(rand, &t));
    }
    g_test_message("largest difference %.1e of the deviation", worst);
    g_assert_cmpfloat(worst, <, 2e-5);
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/winograd/4", GINT_TO_POINTER(4), test_random);
    g_test_add_data_func("/winograd/8", GINT_TO_POINTER(8), test_random);
    g_test_add_data_func("/winograd/16", GINT_TO_POINTER(16), test_random);
    return g_test_run();
}
