/* SPDX-License-Identifier: MIT */
/* Warps that read their picture block by block: the bits of the plain formula, for any number of channels, at borders, far beyond them
 * and where the flow is no number. */
#include <glib.h>
#include <math.h>

#include "engine/sampler.h"

enum { W = 150, H = 131, X = 64, Y = 60, TILE_W = 80, TILE_H = 70 };

typedef struct picture {
    int channels;
    float *samples;
} picture;

static tw_status read_picture(void *user, tw_rect rect, float *to, tw_error *err)
{
    (void)err;
    const picture *p = user;
    g_assert_true(rect.x >= 0 && rect.y >= 0 && rect.x + rect.w <= W && rect.y + rect.h <= H);
    for (int c = 0; c < p->channels; c++)
        for (int64_t y = rect.y; y < rect.y + rect.h; y++)
            for (int64_t x = rect.x; x < rect.x + rect.w; x++)
                *to++ = p->samples[(c * H + y) * W + x];
    return TW_OK;
}

static float sample(const float *plane, int64_t x, int64_t y)
{
    return plane[CLAMP(y, 0, H - 1) * W + CLAMP(x, 0, W - 1)];
}

/* Where flow goes beyond the border, that is repeated: what lies between is nothing. */
static float expected(const float *plane, int64_t x, int64_t y, float fx, float fy)
{
    if (!isfinite(fx) || !isfinite(fy))
        return NAN;
    int64_t px = x + (int64_t)floorf(fx), py = y + (int64_t)floorf(fy);
    float a = px < 0 || px >= W - 1 ? 0 : fx - floorf(fx), b = py < 0 || py >= H - 1 ? 0 : fy - floorf(fy);
    float upper = sample(plane, px, py) * (1 - a) + sample(plane, px + 1, py) * a;
    float lower = sample(plane, px, py + 1) * (1 - a) + sample(plane, px + 1, py + 1) * a;
    return upper * (1 - b) + lower * b;
}

static void fill_flow(GRand *rand, float *flow)
{
    static const float odd[] = {0, 1, -1, 0.5f, -200, 200, 1e8f, -1e8f, INFINITY, NAN};
    for (int i = 0; i < 2 * TILE_W * TILE_H; i++)
        flow[i] = g_rand_int_range(rand, 0, 20) ? (float)g_rand_double_range(rand, -30, 30)
                                                : odd[g_rand_int_range(rand, 0, G_N_ELEMENTS(odd))];
}

static void test_bits(const void *data)
{
    picture p = {GPOINTER_TO_INT(data), g_new(float, GPOINTER_TO_INT(data) * W * H)};
    GRand *rand = g_rand_new_with_seed((guint32)p.channels);
    for (int i = 0; i < p.channels * W * H; i++)
        p.samples[i] = (float)g_rand_double_range(rand, -1, 2);
    float *flow = g_new(float, 2 * TILE_W * TILE_H), *out = g_new(float, p.channels *TILE_W *TILE_H);
    fill_flow(rand, flow);
    tw_account *account = tw_account_new(NULL, "test", tw_sampler_bytes(W, H, p.channels, 2));
    const tw_sampled source = {.w = W, .h = H, .channels = p.channels, .read = read_picture, .user = &p};
    tw_sampler *sampler;
    tw_error err = TW_ERROR_NONE;
    g_assert_cmpint(tw_sampler_new(&source, 2, account, &sampler, &err), ==, TW_OK); /* in what is planned for it */
    g_assert_cmpint(tw_sampler_warp(sampler, flow, TILE_W * TILE_H, TILE_W, TILE_H, X, Y, out, TILE_W * TILE_H, &err), ==,
                    TW_OK);
    for (int i = 0; i < p.channels * TILE_W * TILE_H; i++) {
        int at = i % (TILE_W * TILE_H), x = X + at % TILE_W, y = Y + at / TILE_W;
        float want = expected(p.samples + i / (TILE_W * TILE_H) * W * H, x, y, flow[at], flow[at + TILE_W * TILE_H]);
        g_assert_true(isnan(want) ? isnan(out[i]) : out[i] == want);
    }
    tw_sampler_free(sampler);
    tw_account_free(account);
    g_rand_free(rand);
    g_free(flow);
    g_free(out);
    g_free(p.samples);
}

int main(int argc, char **argv)
{
    static const int channels[] = {1, 2, 3, 4, 5, 8, 11};
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(channels); i++) {
        g_autofree char *name = g_strdup_printf("/sampler/bits/%d", channels[i]);
        g_test_add_data_func(name, GINT_TO_POINTER(channels[i]), test_bits);
    }
    return g_test_run();
}
