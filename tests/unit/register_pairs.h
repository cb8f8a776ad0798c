/* SPDX-License-Identifier: MIT */
/** Made pictures with a known truth for the tests of registration: textures that are continuous functions, so that neither picture is
 *  resampled, and a known deformation between the two. */
#ifndef TW_TESTS_REGISTER_PAIRS_H
#define TW_TESTS_REGISTER_PAIRS_H

#include <glib.h>
#include <math.h>
#include <stdint.h>
#include <time.h>

typedef struct made_random {
    uint64_t state;
} made_random;

/* In [0, 1). SplitMix64. */
static inline double made_uniform(made_random *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static inline double made_gauss(made_random *r)
{
    double u = made_uniform(r) + 1e-300, v = made_uniform(r);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static inline double made_cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { MADE_GRAIN, MADE_PHOTO, MADE_WEAVE, MADE_KINDS };
static const char *const made_names[] = {"grain", "photo", "weave"};

#define MADE_SIDE 512 /* of a table of random numbers, which repeats */

typedef struct made_texture {
    int kind;
    float *table;
} made_texture;

static inline made_texture *made_texture_new(int kind, uint64_t seed)
{
    made_texture *t = g_new0(made_texture, 1);
    made_random random = {seed};
    t->kind = kind;
    t->table = g_new(float, MADE_SIDE *MADE_SIDE);
    for (int i = 0; i < MADE_SIDE * MADE_SIDE; i++)
        t->table[i] = (float)made_gauss(&random);
    return t;
}

static inline void made_texture_free(made_texture *t)
{
    g_free(t->table);
    g_free(t);
}

static inline void made_spline(double t, double w[4])
{
    w[0] = (1 - t) * (1 - t) * (1 - t) / 6, w[3] = t * t * t / 6;
    w[1] = 2 / 3.0 - t * t + t * t * t / 2;
    w[2] = 1 - w[0] - w[1] - w[3];
}

/* Cubic spline noise whose grains are `size` pixels. */
static inline double made_noise(const made_texture *t, double x, double y, double size, int layer)
{
    double gx = x / size + 37 * layer, gy = y / size + 91 * layer, wx[4], wy[4], sum = 0;
    int64_t ix = (int64_t)floor(gx), iy = (int64_t)floor(gy);
    made_spline(gx - (double)ix, wx);
    made_spline(gy - (double)iy, wy);
    for (int j = 0; j < 4; j++)
        for (int i = 0; i < 4; i++)
            sum += wy[j] * wx[i] * t->table[((iy + j) & (MADE_SIDE - 1)) * MADE_SIDE + ((ix + i) & (MADE_SIDE - 1))];
    return sum;
}

/* About -60 .. 60. */
static inline double made_at(const made_texture *t, double x, double y)
{
    if (t->kind == MADE_GRAIN)
        return 50 * made_noise(t, x, y, 2.2, 0);
    if (t->kind == MADE_PHOTO) { /* every octave alike, edges, and regions with next to nothing */
        double sum = 0, size = 3;
        for (int layer = 1; layer <= 7; layer++, size *= 2)
            sum += (layer < 3 ? 3 : 9) * made_noise(t, x, y, size, layer);
        double edge = made_noise(t, x, y, 60, 9), fine = made_noise(t, x, y, 170, 10);
        return sum + 25 * tanh(8 * edge) + 14 * (0.15 + fmax(fine, 0)) * made_noise(t, x, y, 2.5, 11);
    }
    double p = 14.3, a = 2 * M_PI * x / p, b = 2 * M_PI * y / p;
    double weave = 18 * cos(a) * cos(b) + 9 * cos(2 * (a + b));
    return weave * (1 + 0.15 * made_noise(t, x, y, 9, 12)) + 7 * made_noise(t, x, y, 2.5, 13) + 8 * made_noise(t, x, y, 90, 14);
}

#endif
