/* SPDX-License-Identifier: MIT */
/** What the tests of warp share: a field that is evaluated here, too, pictures of any kind of samples, jobs in one line. */
#ifndef TW_TESTS_WARP_CHECKS_H
#define TW_TESTS_WARP_CHECKS_H

#include "job_fixture.h"

#define WIDTH  150
#define HEIGHT 110
#define KNOT   30.0

static tw_session *session;

/* --- a field, evaluated here --------------------------------------------------------------------------------------- */

typedef struct map {
    double m[6], amplitude; /* affine after a lattice of knots KNOT apart */
} map;

enum { COLUMNS = 9, ROWS = 7 };

static inline double knot(int axis, int i, int j)
{
    return sin(1.3 * i + 2.1 * j + 4 * axis);
}

static inline double basis(double t)
{
    t = fabs(t);
    return t >= 2 ? 0 : t >= 1 ? pow(2 - t, 3) / 6 : (4 - 6 * t * t + 3 * t * t * t) / 6;
}

static inline void map_at(const map *f, double x, double y, double out[2])
{
    double p[2] = {x, y};
    for (int axis = 0; axis < 2; axis++)
        for (int j = 0; j < ROWS; j++)
            for (int i = 0; i < COLUMNS; i++)
                p[axis] += f->amplitude * knot(axis, i, j) * basis(x / KNOT + 1 - i) * basis(y / KNOT + 1 - j);
    for (int axis = 0; axis < 2; axis++)
        out[axis] = f->m[3 * axis] * p[0] + f->m[3 * axis + 1] * p[1] + f->m[3 * axis + 2];
}

static inline char *store_map(const map *f, const char *name)
{
    GString *s = g_string_new(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: CompositeTransform_double_2_2\nParameters:\nFixedParameters:\n"
        "#Transform 1\nTransform: AffineTransform_double_2_2\nParameters:");
    const double *m = f->m;
    g_string_append_printf(s, " %.17g %.17g %.17g %.17g %.17g %.17g\nFixedParameters: 0 0\n", m[0], m[1], m[3], m[4], m[2],
                           m[5]);
    g_string_append(s, "#Transform 2\nTransform: BSplineTransform_double_2_2\nParameters:");
    for (int axis = 0; axis < 2; axis++)
        for (int j = 0; j < ROWS; j++)
            for (int i = 0; i < COLUMNS; i++)
                g_string_append_printf(s, " %.17g", f->amplitude * knot(axis, i, j));
    g_string_append_printf(s, "\nFixedParameters: %d %d %g %g %g %g 1 0 0 1\n", COLUMNS, ROWS, -KNOT, -KNOT, KNOT, KNOT);
    char *path = in_folder(name);
    g_assert_true(g_file_set_contents(path, s->str, -1, NULL));
    g_string_free(s, TRUE);
    return path;
}

static const map GENTLE = {{1.02, 0.05, -4.3, -0.04, 0.97, 3.1}, 4}, QUARTER = {{0, -1.01, 118.2, 0.99, 0, -7.6}, 2};

/* --- pictures ------------------------------------------------------------------------------------------------------ */

typedef struct image {
    int width, height, bands;
    VipsBandFormat format;
    double *v;
} image;

static inline double white_of(VipsBandFormat format)
{
    return format == VIPS_FORMAT_UCHAR ? 255 : format == VIPS_FORMAT_USHORT ? 65535 : 1;
}

static inline image made(int bands, VipsBandFormat format)
{
    image p = {WIDTH, HEIGHT, bands, format, g_new(double, WIDTH *HEIGHT *bands)};
    double white = white_of(format);
    for (int y = 0, i = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int band = 0; band < bands; band++, i++) {
                p.v[i] = sample_of(x, y, band) / 255.0 * white;
                p.v[i] = format == VIPS_FORMAT_FLOAT ? (double)(float)p.v[i] : floor(p.v[i]);
            }
    return p;
}

static inline char *store(const image *p, const char *name)
{
    VipsImage *doubles =
        vips_image_new_from_memory(p->v, (size_t)p->width * (size_t)p->height * (size_t)p->bands * sizeof *p->v, p->width,
                                   p->height, p->bands, VIPS_FORMAT_DOUBLE);
    VipsImage *cast, *typed;
    VipsInterpretation kind = p->bands > 4 ? VIPS_INTERPRETATION_MULTIBAND
                              : p->bands < 3
                                  ? p->format == VIPS_FORMAT_USHORT ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W
                              : p->format == VIPS_FORMAT_USHORT ? VIPS_INTERPRETATION_RGB16
                              : p->format == VIPS_FORMAT_FLOAT  ? VIPS_INTERPRETATION_scRGB
                                                                : VIPS_INTERPRETATION_sRGB;
    char *path = in_folder(name);
    g_assert_cmpint(vips_cast(doubles, &cast, p->format, NULL), ==, 0);
    g_assert_cmpint(vips_copy(cast, &typed, "interpretation", kind, NULL), ==, 0);
    g_assert_cmpint(vips_image_write_to_file(typed, path, NULL), ==, 0);
    g_object_unref(typed);
    g_object_unref(cast);
    g_object_unref(doubles);
    return path;
}

static inline image stored(const char *path)
{
    vips_cache_set_max(0);
    VipsImage *file = vips_image_new_from_file(path, NULL), *cast;
    if (!file)
        g_error("%s: %s", path, vips_error_buffer());
    g_assert_cmpint(vips_cast(file, &cast, VIPS_FORMAT_DOUBLE, NULL), ==, 0);
    size_t bytes;
    image p = {file->Xsize, file->Ysize, file->Bands, file->BandFmt, vips_image_write_to_memory(cast, &bytes)};
    g_object_unref(cast);
    g_object_unref(file);
    return p;
}

/* --- weights ------------------------------------------------------------------------------------------------------ */

static inline double sinc(double x)
{
    return x == 0 ? 1 : sin(M_PI * x) / (M_PI * x);
}

/* Weight of a pixel at distance d. */
static inline double weight(const char *kind, double d)
{
    d = fabs(d);
    if (strcmp(kind, "bilinear") == 0)
        return d < 1 ? 1 - d : 0;
    if (strcmp(kind, "lanczos3") == 0)
        return d < 3 ? sinc(d) * sinc(d / 3) : 0;
    return d < 1 ? (1.5 * d - 2.5) * d * d + 1 : d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/* --- jobs ---------------------------------------------------------------------------------------------------------- */

static inline tw_status warp(const char *input, const char *output, const char *field, const setting *settings,
                             tw_report *report, tw_error *err)
{
    tw_job *job = NULL;
    tw_error own = TW_ERROR_NONE;
    assert_ok(tw_job_new(session, "warp", &job, &own), own);
    assert_ok(tw_job_set(job, "field", field, &own), own);
    assert_ok(tw_job_set(job, "overwrite", "true", &own), own);
    for (; settings && settings->name; settings++)
        assert_ok(tw_job_set(job, settings->name, settings->value, &own), own);
    assert_ok(tw_job_input(job, input, &own), own);
    assert_ok(tw_job_output(job, output, &own), own);
    tw_status status = tw_job_run(job, err);
    if (report)
        *report = *tw_job_report(job);
    tw_job_free(job);
    return status;
}

static inline void must_warp(const char *input, const char *output, const char *field, const setting *settings)
{
    tw_error err = TW_ERROR_NONE;
    assert_ok(warp(input, output, field, settings, NULL, &err), err);
}

static inline void refused(const char *input, const char *field, const setting *settings, tw_status code, const char *text)
{
    tw_error err = TW_ERROR_NONE;
    char *output = in_folder("refused.png");
    assert_fails(warp(input, output, field, settings, NULL, &err), code, err, text);
    g_assert_cmpint(files_with("refused"), ==, 0);
    g_free(output);
}

#endif
