/* SPDX-License-Identifier: MIT */
/** Made pairs of frames with the frame in between, engines of two pictures, and jobs in one line. */
#ifndef TW_TESTS_PAIR_FIXTURE_H
#define TW_TESTS_PAIR_FIXTURE_H

#include "job_fixture.h"

/* --- frames -------------------------------------------------------------------------------------------------------- */

typedef struct scene {
    int w, h;
    double pan[2];    /* pixels that the background moves from the first frame to the second */
    double object[2]; /* the same of a disc in the middle; its radius is a quarter of the shorter side */
    double shade;     /* added to every sample */
    double flicker;   /* added to the second frame, half of it to the one in between */
    bool no_object;
} scene;

static inline double lattice_noise(int x, int y, int band)
{
    uint32_t v = (uint32_t)x * 2654435761u ^ (uint32_t)y * 2246822519u ^ (uint32_t)(band + 1) * 3266489917u;
    v = (v ^ v >> 15) * 2246822519u;
    v = (v ^ v >> 13) * 3266489917u;
    return (double)((v ^ v >> 16) >> 8) / (1 << 24);
}

/* Value noise whose lattice has `pitch` pixels. */
static inline double texture_octave(double x, double y, double pitch, int band)
{
    double u = x / pitch, v = y / pitch;
    int iu = (int)floor(u), iv = (int)floor(v);
    double fu = u - iu, fv = v - iv;
    fu = fu * fu * (3 - 2 * fu), fv = fv * fv * (3 - 2 * fv);
    double top = lattice_noise(iu, iv, band) * (1 - fu) + lattice_noise(iu + 1, iv, band) * fu;
    double bottom = lattice_noise(iu, iv + 1, band) * (1 - fu) + lattice_noise(iu + 1, iv + 1, band) * fu;
    return top * (1 - fv) + bottom * fv;
}

static inline double texture(double x, double y, int band)
{
    return 0.1 + 0.35 * texture_octave(x, y, 90, 8) + 0.2 * texture_octave(x, y, 31, band) +
           0.15 * texture_octave(x, y, 11, 9) + 0.1 * texture_octave(x, y, 5, band);
}

static inline float scene_at(const scene *s, int x, int y, double time, int band)
{
    double ox = x - s->object[0] * (time - 0.5), oy = y - s->object[1] * (time - 0.5);
    double shade = s->shade + s->flicker * time;
    bool object = !s->no_object && hypot(ox - s->w / 2.0, oy - s->h / 2.0) < MIN(s->w, s->h) / 4.0;
    if (object)
        return (float)(shade + 1.02 - texture(ox + 5000, oy, band));
    return (float)(shade + texture(x - s->pan[0] * time + 3000, y - s->pan[1] * time + 3000, band));
}

/* Interleaved; freed by the caller. */
static inline float *scene_frame(const scene *s, double time)
{
    float *samples = g_new(float, (gsize)s->w *(gsize)s->h * 3);
    for (int y = 0, i = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++)
            for (int band = 0; band < 3; band++)
                samples[i++] = scene_at(s, x, y, time, band);
    return samples;
}

static inline char *write_floats(const char *name, const float *samples, int w, int h)
{
    VipsImage *plain = vips_image_new_from_memory(samples, (size_t)w * (size_t)h * 12, w, h, 3, VIPS_FORMAT_FLOAT),
              *typed = NULL;
    char *path = in_folder(name);
    g_assert_cmpint(vips_copy(plain, &typed, "interpretation", VIPS_INTERPRETATION_scRGB, NULL), ==, 0);
    g_assert_cmpint(vips_image_write_to_file(typed, path, NULL), ==, 0);
    g_object_unref(typed);
    g_object_unref(plain);
    return path;
}

/* --- an engine of two frames ---------------------------------------------------------------------------------------- */

/** Follows motion of at most `reach` pixels, by blocks whose places are the tile's, and averages; adds a share of the tile's mean. */
typedef struct matcher {
    int tile, overlap, multiple; /* how it is tiled */
    int reach;
    float tint;
    tw_pair_config config;
    int fail_at;
    atomic_int calls, closes, most_side, odd_sizes, steps, last_plane;
    void (*see)(void *user, const tw_pair_tile *tile);
    void *see_user;
} matcher;

static inline float tile_sample(const tw_pair_tile *t, const float *of, int x, int y, int band)
{
    return of[(CLAMP(y, 0, t->height - 1) * t->width + CLAMP(x, 0, t->width - 1)) * 3 + band];
}

static inline float block_apart(const tw_pair_tile *t, int x, int y, int dx, int dy)
{
    float sum = 0.001f * (float)(abs(dx) + abs(dy));
    for (int j = -2; j < 10; j += 2)
        for (int i = -2; i < 10; i += 2)
            sum += fabsf(tile_sample(t, t->a, x + i - dx, y + j - dy, 1) - tile_sample(t, t->b, x + i + dx, y + j + dy, 1));
    return sum;
}

static inline void match_block(const matcher *m, const tw_pair_tile *t, int x, int y, float tint, float *out)
{
    int best[2] = {0, 0};
    float least = block_apart(t, x, y, 0, 0);
    for (int dy = -m->reach / 2; dy <= m->reach / 2; dy++)
        for (int dx = -m->reach / 2; dx <= m->reach / 2; dx++) {
            float apart = block_apart(t, x, y, dx, dy);
            if (apart < least)
                least = apart, best[0] = dx, best[1] = dy;
        }
    for (int v = y; v < MIN(y + 8, t->height); v++)
        for (int u = x; u < MIN(x + 8, t->width); u++)
            for (int band = 0; band < 3; band++)
                out[(v * t->width + u) * 3 + band] = tint + (tile_sample(t, t->a, u - best[0], v - best[1], band) +
                                                             tile_sample(t, t->b, u + best[0], v + best[1], band)) /
                                                                2;
}

static inline int matcher_process(void *user, const tw_pair_tile *t, float *out)
{
    matcher *m = user;
    int call = atomic_fetch_add(&m->calls, 1) + 1;
    double sum = 0;
    atomic_raise(&m->most_side, MAX(t->width, t->height));
    atomic_store(&m->steps, t->steps);
    if (m->multiple > 1 && (t->width % m->multiple || t->height % m->multiple))
        atomic_fetch_add(&m->odd_sizes, 1);
    if (m->see)
        m->see(m->see_user, t);
    for (int64_t i = 0, n = (int64_t)t->width * t->height * 3; i < n; i++)
        sum += (double)t->a[i] + (double)t->b[i];
    float tint = m->tint * (float)(sum / (6.0 * t->width * t->height) - 0.5);
    for (int y = 0; y < t->height; y += 8)
        for (int x = 0; x < t->width; x += 8)
            match_block(m, t, x, y, tint, out);
    return call == m->fail_at || m->fail_at < 0 ? 17 : 0;
}

static inline void matcher_tiling(void *user, tw_tiling_config *config)
{
    const matcher *m = user;
    config->tile = m->tile;
    config->overlap = m->overlap;
    config->multiple = m->multiple;
}

static inline void matcher_config(void *user, tw_pair_config *config)
{
    *config = ((matcher *)user)->config;
}

static inline void matcher_close(void *user)
{
    atomic_fetch_add(&((matcher *)user)->closes, 1);
}

static inline void add_matcher(tw_session *session, const char *name, matcher *m)
{
    tw_error err = TW_ERROR_NONE;
    tw_engine_callbacks engine = {.size = sizeof engine, .user = m, .process_pair = matcher_process, .thread_safe = 1};
    engine.tiling_config = matcher_tiling;
    engine.pair_config = matcher_config;
    engine.close = matcher_close;
    assert_ok(tw_session_add_engine(session, name, &engine, &err), err);
}

/* --- jobs ---------------------------------------------------------------------------------------------------------- */

static inline tw_job *pair_job(tw_session *session, const char *const frames[2], const char *out, const setting *settings)
{
    tw_error err = TW_ERROR_NONE;
    tw_job *job = NULL;
    assert_ok(tw_job_new(session, "interpolate", &job, &err), err);
    assert_ok(tw_job_set(job, "overwrite", "true", &err), err);
    for (; settings->name; settings++)
        assert_ok(tw_job_set(job, settings->name, settings->value, &err), err);
    for (int i = 0; i < 2; i++)
        assert_ok(tw_job_input(job, frames[i], &err), err);
    assert_ok(tw_job_output(job, out, &err), err);
    return job;
}

/* A number of the report's JSON; fails the test where it is not there. */
static inline double json_number(const char *json, const char *key)
{
    char *name = g_strdup_printf("\"%s\":", key);
    const char *at = strstr(json, name);
    if (!at)
        g_error("no %s in %s", key, json);
    double value = g_ascii_strtod(at + strlen(name), NULL);
    g_free(name);
    return value;
}

static inline double psnr_of(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return -10 * log10(sum / (double)n);
}

#endif
