/* SPDX-License-Identifier: MIT */
/* Makes two scans of one thing, and tells where their points truly lie:
 *
 *   make_pair WIDTHxHEIGHT KIND FIXED.tif MOVING.tif TRUTH.csv [NAME=VALUE ...]
 *
 * KIND: photos (a mosaic of the photographs in the folder `photos`, printed on cloth of `grain`, sigma), weave (threads of `period` pixels, `random` of their grey at random),
 * design (a clean flat-coloured drawing as the fixed picture, its noisy scan as the moving one).
 * Point q of the moving picture shows point G(q) of the scene, G a rotation (`rotate`, degrees), a `scale`, a shift (`shift_x`, `shift_y`)
 * and sinusoids of `waves` times 60 pixels in all, wavelengths 9,000 down to 1,250 times the width over 14,960. Both pictures are sampled
 * from the scene itself, by a smooth kernel: neither is made from the other. `noise` (sigma, both), `tone` (0: none, 1: gamma, gain and
 * an illumination gradient), `blur` (moving: pixels of it), `keep` (the part of its width that the moving picture shows; 1: all). TRUTH: landmarks,
 * 4,000 points and more at least 4 % inside the fixed picture's border. */
#include <glib.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

enum { CELL_W = 1900, CELL_H = 1500, MOST_PHOTOS = 64, THREADS = 2, BAND = 64 };
#define ENLARGE                                                                                                                \
    0.8 /* pixels of a photograph for one of the scene: sampled smoothly there is nothing beyond what a scan resolves */

typedef struct photo {
    int width, height;
    uint8_t *rgb;
} photo;

typedef struct maker {
    int width, height, n_photos;
    const char *kind;
    photo photos[MOST_PHOTOS];
    double rotate, scale, shift_x, shift_y, waves, noise, tone, blur, keep, period, random, grain;
} maker;

/* --- the scene ----------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double uniform(int64_t x, int64_t y, uint64_t seed)
{
    return (double)(mix(mix(seed + (uint64_t)x * 0x9e3779b97f4a7c15u) + (uint64_t)y) >> 11) * 0x1p-53;
}

static void kernel(double t, float w[4])
{
    double s = 1 - t;
    w[0] = (float)(s * s * s / 6);
    w[1] = (float)((4 - 6 * t * t + 3 * t * t * t) / 6);
    w[2] = (float)((4 - 6 * s * s + 3 * s * s * s) / 6);
    w[3] = (float)(t * t * t / 6);
}

/* Cells of the mosaic: which photograph, from where, which way round. */
static void cell_at(const maker *m, int64_t i, int64_t j, double x, double y, float rgb[3])
{
    uint64_t h = mix((uint64_t)(i + 1000) * 7919 + (uint64_t)(j + 1000));
    const photo *p = &m->photos[(uint64_t)(i * 7 + j * 3 + 7000) % (uint64_t)m->n_photos];
    double u = (x - (double)i * CELL_W) * ENLARGE, v = (y - (double)j * CELL_H) * ENLARGE;
    u += (double)(h % 1000) / 1000 * fmax(0, p->width - CELL_W * ENLARGE - 16) + 8;
    v += (double)(h / 1000 % 1000) / 1000 * fmax(0, p->height - CELL_H * ENLARGE - 16) + 8;
    if (h >> 40 & 1)
        u = p->width - 1 - u;
    if (h >> 41 & 1)
        v = p->height - 1 - v;
    int a = (int)floor(u), b = (int)floor(v);
    float wx[4], wy[4];
    kernel(u - a, wx);
    kernel(v - b, wy);
    rgb[0] = rgb[1] = rgb[2] = 0;
    for (int r = 0; r < 4; r++) {
        int row = CLAMP(b + r - 1, 0, p->height - 1);
        for (int c = 0; c < 4; c++) {
            const uint8_t *s = p->rgb + 3 * ((int64_t)row * p->width + CLAMP(a + c - 1, 0, p->width - 1));
            float w = wy[r] * wx[c];
            rgb[0] += w * s[0];
            rgb[1] += w * s[1];
            rgb[2] += w * s[2];
        }
    }
}

/* The share of the cell before, which goes over into the next one within some pixels: a jump would lie on whole pixels, not where it is. */
static float before(double x, int cell, int64_t *i)
{
    *i = (int64_t)floor(x / cell);
    double d = x - (double)*i * cell;
    if (d > cell - 3) {
        d -= cell;
        ++*i;
    }
    double t = CLAMP((d + 3) / 6, 0, 1);
    return (float)(1 - t * t * (3 - 2 * t));
}

static void photo_at(const maker *m, double x, double y, float rgb[3])
{
    int64_t i, j;
    float left = before(x, CELL_W, &i), above = before(y, CELL_H, &j), one[3];
    rgb[0] = rgb[1] = rgb[2] = 0;
    for (int k = 0; k < 4; k++) {
        float share = (k & 1 ? left : 1 - left) * (k & 2 ? above : 1 - above);
        if (share == 0)
            continue;
        cell_at(m, i - (k & 1), j - (k >> 1), x, y, one);
        for (int c = 0; c < 3; c++)
            rgb[c] += share * one[c];
    }
}

/* Smooth random grey, about 3 pixels wide. */
static double grain(double x, double y, uint64_t seed)
{
    double u = x / 2.5, v = y / 2.5, sum = 0;
    int64_t a = (int64_t)floor(u), b = (int64_t)floor(v);
    float wx[4], wy[4];
    kernel(u - (double)a, wx);
    kernel(v - (double)b, wy);
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 4; c++)
            sum += (double)(wy[r] * wx[c]) * (uniform(a + c, b + r, seed) * 2 - 1);
    return 2.5 * sum;
}

static void weave_at(const maker *m, double x, double y, float rgb[3])
{
    double u = 2 * M_PI * x / m->period, v = 2 * M_PI * y / m->period;
    double threads =
        0.5 * cos(u) * cos(v) + 0.3 * (cos(2 * u) - cos(2 * v)) * 0.5 + 0.15 * cos(u / 2 + v / 2) * cos(u / 2 - v / 2);
    double value = 125 + 70 * ((1 - m->random) * threads + m->random * 2 * grain(x, y, 5));
    rgb[0] = (float)(value + 8);
    rgb[1] = (float)value;
    rgb[2] = (float)(value - 10);
}

/* Flat shapes with soft edges: discs and bars in cells, colours by chance. */
static void design_at(double x, double y, float rgb[3])
{
    enum { CELL = 160 };
    rgb[0] = 226, rgb[1] = 218, rgb[2] = 200;
    int64_t i = (int64_t)floor(x / CELL), j = (int64_t)floor(y / CELL);
    for (int64_t b = j - 1; b <= j + 1; b++)
        for (int64_t a = i - 1; a <= i + 1; a++) {
            double cx = ((double)a + uniform(a, b, 1)) * CELL, cy = ((double)b + uniform(a, b, 2)) * CELL;
            double r = 22 + 45 * uniform(a, b, 3), turn = 6.3 * uniform(a, b, 4), dx = x - cx, dy = y - cy;
            double d = uniform(a, b, 5) < 0.5
                           ? r - hypot(dx, dy)
                           : fmin(r - fabs(dx * cos(turn) + dy * sin(turn)), r / 4 - fabs(dy * cos(turn) - dx * sin(turn)));
            double share = CLAMP(d / 2 + 0.5, 0, 1);
            for (int c = 0; c < 3; c++)
                rgb[c] += (float)(share * (40 + 190 * uniform(a, b, 6 + (uint64_t)c) - (double)rgb[c]));
        }
}

static void scene_at(const maker *m, double x, double y, float rgb[3])
{
    if (strcmp(m->kind, "photos") == 0) {
        photo_at(m, x, y, rgb);
        float cloth = m->grain > 0 ? (float)(m->grain * grain(x, y, 41)) : 0;
        for (int c = 0; c < 3; c++)
            rgb[c] = 18 + 0.86f * rgb[c] + cloth; /* ink on cloth is neither black nor white */
    } else if (strcmp(m->kind, "weave") == 0)
        weave_at(m, x, y, rgb);
    else
        design_at(x, y, rgb);
}

/* --- where points lie ------------------------------------------------------------------------------------------------ */

static void to_fixed(const maker *m, double x, double y, double out[2])
{
    double unit = m->width / 14960.0, cx = (m->width - 1) / 2.0, cy = (m->height - 1) / 2.0, turn = m->rotate * M_PI / 180;
    double u = (x - cx - m->shift_x) / m->scale, v = (y - cy - m->shift_y) / m->scale;
    static const double SIZE[4] = {32, 18, 7, 3}, LENGTH[4] = {9000, 5000, 2500, 1250};
    out[0] = cx + u * cos(turn) + v * sin(turn);
    out[1] = cy - u * sin(turn) + v * cos(turn);
    for (int k = 0; k < 4; k++) {
        double f = 2 * M_PI / (LENGTH[k] * unit), a = m->waves * SIZE[k] * unit;
        out[0] += a * sin(f * (0.6 * x + 0.8 * y) + k);
        out[1] += a * sin(f * (0.8 * x - 0.6 * y) + 2 * k + 1);
    }
}

/* --- pictures ------------------------------------------------------------------------------------------------------ */

typedef struct part {
    const maker *m;
    uint8_t *rgb;
    int width, height, first;
    bool moving;
} part;

static double gauss(int64_t x, int64_t y, uint64_t seed)
{
    return sqrt(-2 * log(uniform(x, y, seed) + 1e-18)) * cos(2 * M_PI * uniform(x, y, seed + 1));
}

static void pixel(const part *p, int x, int y, float rgb[3])
{
    const maker *m = p->m;
    static const double TAPS[5][2] = {{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    int n = p->moving && m->blur > 0 ? 5 : 1;
    float sum[3] = {0}, one[3];
    for (int k = 0; k < n; k++) {
        double at[2] = {x, y};
        if (p->moving)
            to_fixed(m, x + m->blur * TAPS[k][0], y + m->blur * TAPS[k][1], at);
        scene_at(m, at[0], at[1], one);
        for (int c = 0; c < 3; c++)
            sum[c] += one[c] / (float)n;
    }
    double light = p->moving ? m->tone * 0.15 * ((double)x / m->width - 0.5) : 0;
    bool clean = !p->moving && strcmp(m->kind, "design") == 0;
    for (int c = 0; c < 3; c++) {
        double v = (double)sum[c] / 255;
        if (p->moving && m->tone > 0)
            v = (pow(fmax(v, 0), 1.15) * 0.92 + 0.03) * (1 + light);
        v = 255 * v + (clean ? 0 : m->noise * gauss(3 * (int64_t)x + c, y, p->moving ? 11 : 21));
        rgb[c] = (float)CLAMP(v, 0, 255);
    }
}

static void *make_bands(void *user)
{
    const part *p = user;
    for (int band = p->first * BAND; band < p->height; band += THREADS * BAND)
        for (int y = band; y < MIN(band + BAND, p->height); y++)
            for (int x = 0; x < p->width; x++) {
                float rgb[3];
                pixel(p, x, y, rgb);
                for (int c = 0; c < 3; c++)
                    p->rgb[3 * ((int64_t)y * p->width + x) + c] = (uint8_t)(rgb[c] + 0.5f);
            }
    return NULL;
}

static void write_picture(const maker *m, bool moving, const char *path)
{
    int width = moving ? (int)(m->width * m->keep) : m->width;
    size_t bytes = (size_t)width * (size_t)m->height * 3;
    uint8_t *rgb = g_malloc(bytes);
    pthread_t threads[THREADS];
    part parts[THREADS];
    for (int t = 0; t < THREADS; t++) {
        parts[t] = (part){m, rgb, width, m->height, t, moving};
        pthread_create(&threads[t], NULL, make_bands, &parts[t]);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    VipsImage *raw = vips_image_new_from_memory(rgb, bytes, width, m->height, 3, VIPS_FORMAT_UCHAR), *image;
    if (!raw || vips_copy(raw, &image, "interpretation", VIPS_INTERPRETATION_sRGB, NULL) ||
        vips_image_write_to_file(image, path, NULL))
        g_error("%s: %s", path, vips_error_buffer());
    g_object_unref(image);
    g_object_unref(raw);
    g_free(rgb);
}

/* Points of the moving picture on a jittered grid: where they lie in the fixed one is known. */
static void write_truth(const maker *m, const char *path)
{
    enum { SIDE = 72 };
    FILE *file = fopen(path, "w");
    if (!file)
        g_error("%s cannot be written", path);
    fprintf(file, "fixed_x,fixed_y,moving_x,moving_y\n");
    for (int j = 0; j < SIDE; j++)
        for (int i = 0; i < SIDE; i++) {
            double x = (i + uniform(i, j, 31)) / SIDE * m->width * m->keep, y = (j + uniform(i, j, 32)) / SIDE * m->height,
                   p[2];
            to_fixed(m, x, y, p);
            double dx = 0.04 * m->width, dy = 0.04 * m->height;
            bool in = p[0] >= dx && p[0] <= m->width - 1 - dx && p[1] >= dy && p[1] <= m->height - 1 - dy;
            if (in && x >= dx && x <= m->width * m->keep - dx && y >= dy && y <= m->height - dy)
                fprintf(file, "%.9f,%.9f,%.9f,%.9f\n", p[0], p[1], x, y);
        }
    fclose(file);
}

/* --- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void load_photos(maker *m, const char *folder)
{
    GPtrArray *names = g_ptr_array_new();
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        if (g_str_has_suffix(name, ".jpg"))
            g_ptr_array_add(names, g_build_filename(folder, name, NULL));
    qsort(names->pdata, names->len, sizeof *names->pdata, by_name);
    for (guint i = 0; i < names->len && m->n_photos < MOST_PHOTOS; i++) {
        VipsImage *image = vips_image_new_from_file(names->pdata[i], NULL);
        size_t bytes;
        if (!image || image->Bands != 3 || image->Xsize < CELL_W * ENLARGE + 16 || image->Ysize < CELL_H * ENLARGE + 16)
            continue;
        m->photos[m->n_photos++] = (photo){image->Xsize, image->Ysize, vips_image_write_to_memory(image, &bytes)};
        g_object_unref(image);
    }
    if (m->n_photos == 0)
        g_error("%s: no photographs of %d pixels and more", folder, CELL_W);
}

int main(int argc, char **argv)
{
    maker m = {.scale = 1.003,
               .rotate = 0.5,
               .shift_x = 28,
               .shift_y = -21,
               .waves = 1,
               .noise = 3,
               .tone = 1,
               .keep = 1,
               .period = 14,
               .random = 0.15,
               .grain = 6};
    if (argc < 6 || sscanf(argv[1], "%dx%d", &m.width, &m.height) != 2 || VIPS_INIT(argv[0]))
        g_error("make_pair WIDTHxHEIGHT photos|weave|design FIXED MOVING TRUTH.csv [NAME=VALUE ...]");
    m.kind = argv[2];
    const struct {
        const char *name;
        double *value;
    } numbers[] = {{"rotate", &m.rotate}, {"scale", &m.scale},   {"shift_x", &m.shift_x}, {"shift_y", &m.shift_y},
                   {"waves", &m.waves},   {"noise", &m.noise},   {"tone", &m.tone},       {"blur", &m.blur},
                   {"keep", &m.keep},     {"period", &m.period}, {"random", &m.random},   {"grain", &m.grain}};
    for (int i = 6; i < argc; i++) {
        char *mark = strchr(argv[i], '=');
        bool known = false;
        if (mark && strncmp(argv[i], "photos=", 7) == 0) {
            load_photos(&m, mark + 1);
            continue;
        }
        for (size_t k = 0; mark && k < G_N_ELEMENTS(numbers); k++)
            if (strlen(numbers[k].name) == (size_t)(mark - argv[i]) &&
                strncmp(numbers[k].name, argv[i], (size_t)(mark - argv[i])) == 0) {
                *numbers[k].value = g_ascii_strtod(mark + 1, NULL);
                known = true;
            }
        if (!known)
            g_error("%s is not known", argv[i]);
    }
    if (strcmp(m.kind, "photos") == 0 && m.n_photos == 0)
        g_error("photos=FOLDER is wanted");
    write_picture(&m, false, argv[3]);
    write_picture(&m, true, argv[4]);
    write_truth(&m, argv[5]);
    return 0;
}
