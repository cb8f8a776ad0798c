/* SPDX-License-Identifier: MIT */
/** What the built-in nets are worth: on parts of a few photographs that only judge, and on a page drawn here, the gain in luma PSNR (BT.601)
 *  over bicubic enlargement, or over the damaged picture, must stay what it was when they were made, less a margin for other
 *  decoders. Mean colours stay. The whole set, and other nets beside: `make evaluate`. */
#include "../unit/job_fixture.h"

#define MARGIN 0.15 /* dB */

typedef struct planes {
    int width, height;
    uint8_t *rgb;
} planes;

static tw_session *session;

static const char *const PHOTOGRAPHS[] = {"LadyBird.jpg", "Storm.jpg", "YellowFlower.jpg"};

static planes take(VipsImage *image)
{
    planes p = {image->Xsize, image->Ysize, NULL};
    size_t bytes;
    g_assert_cmpint(image->Bands, ==, 3);
    p.rgb = vips_image_write_to_memory(image, &bytes);
    g_assert_cmpuint(bytes, ==, (size_t)p.width * (size_t)p.height * 3);
    g_object_unref(image);
    return p;
}

static VipsImage *give(const planes *p)
{
    VipsImage *raw =
        vips_image_new_from_memory(p->rgb, (size_t)p->width * (size_t)p->height * 3, p->width, p->height, 3, VIPS_FORMAT_UCHAR);
    VipsImage *image;
    g_assert_cmpint(vips_copy(raw, &image, "interpretation", VIPS_INTERPRETATION_sRGB, NULL), ==, 0);
    g_object_unref(raw);
    return image;
}

/* The middle of a photograph, halved so that it is sharp to the pixel. */
static planes photograph(const char *name)
{
    const char *folder = g_getenv("TILEWRIGHT_TEST_PHOTOS");
    if (!folder)
        g_error("TILEWRIGHT_TEST_PHOTOS must name the folder of the photographs (make test sets it)");
    char *path = g_build_filename(folder, "usr/share/backgrounds/mate/nature", name, NULL);
    VipsImage *image = vips_image_new_from_file(path, NULL), *part, *half;
    if (!image)
        g_error("%s: %s", path, vips_error_buffer());
    enum { SIDE = 960 };
    g_assert_cmpint(vips_crop(image, &part, (image->Xsize - SIDE) / 2, (image->Ysize - SIDE) / 2, SIDE, SIDE, NULL), ==, 0);
    g_assert_cmpint(vips_reduce(part, &half, 2, 2, "kernel", VIPS_KERNEL_LANCZOS3, NULL), ==, 0);
    g_object_unref(part);
    g_object_unref(image);
    g_free(path);
    return take(half);
}

/* Share of ink at a point of the page: outlines, hatching, screentones of three sizes, letters' strokes. */
static double ink(double x, double y)
{
    double r = hypot(x - 160, y - 150), line = fabs(fmod(x * 0.83 + y * 0.56, 9) - 4.5);
    if (fabs(r - 120) < 2.2 || fabs(y - 330) < 1.6)
        return 1;
    if (r < 118 && x < 160)
        return hypot(fmod(x + y, 8.5) - 4.2, fmod(fabs(x - y), 8.5) - 4.2) < 2.6;
    if (r < 118)
        return line < 1.1;
    if (y > 332)
        return fmod(x, 23) < 3 || (fmod(y, 31) < 3 && fmod(x, 46) < 23);
    return x > 330 && hypot(fmod(x, 6) - 3, fmod(y, 6) - 3) < 1 + y / 200;
}

static planes page(void)
{
    enum { SIDE = 480, TAPS = 4 };
    planes p = {SIDE, SIDE, g_malloc(SIDE * SIDE * 3)};
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double sum = 0;
            for (int k = 0; k < TAPS * TAPS; k++)
                sum += ink(x + (k % TAPS + 0.5) / TAPS, y + ((double)(k / TAPS) + 0.5) / TAPS);
            memset(p.rgb + 3 * (y * SIDE + x), (int)(255.5 - 250 * sum / (TAPS * TAPS)), 3);
        }
    return p;
}

static double luma(const uint8_t *p)
{
    return 16 + (65.481 * p[0] + 128.553 * p[1] + 24.966 * p[2]) / 255;
}

/* Of luma, a border left out. */
static double psnr(const planes *a, const planes *b, int border)
{
    double squares = 0;
    int64_t n = 0;
    g_assert_true(a->width == b->width && a->height == b->height);
    for (int y = border; y < a->height - border; y++)
        for (int x = border; x < a->width - border; x++, n++) {
            double d = luma(a->rgb + 3 * (y * a->width + x)) - luma(b->rgb + 3 * (y * b->width + x));
            squares += d * d;
        }
    return 10 * log10(255 * 255 * (double)n / squares);
}

static double shift(const planes *a, const planes *b)
{
    double most = 0;
    for (int c = 0; c < 3; c++) {
        double sum[2] = {0};
        for (int64_t i = 0; i < (int64_t)a->width * a->height; i++)
            sum[0] += a->rgb[3 * i + c];
        for (int64_t i = 0; i < (int64_t)b->width * b->height; i++)
            sum[1] += b->rgb[3 * i + c];
        most = fmax(most, fabs(sum[0] / (double)a->width / a->height - sum[1] / (double)b->width / b->height));
    }
    return most;
}

/* Keys's cubic, a = -0.5. */
static double cubic(double x)
{
    x = fabs(x);
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/* Along x, and turned: twice is the whole. The kernel is widened where the picture becomes smaller. */
static double *along(const double *from, int width, int height, int to)
{
    double *out = g_new(double, (size_t)3 * (size_t)height * (size_t)to), step = (double)width / to, wide = fmax(step, 1);
    for (int x = 0; x < to; x++) {
        double centre = (x + 0.5) * step - 0.5, total = 0;
        int first = MAX((int)ceil(centre - 2 * wide), 0), end = MIN((int)floor(centre + 2 * wide) + 1, width);
        for (int i = first; i < end; i++)
            total += cubic((i - centre) / wide);
        for (int y = 0; y < height; y++)
            for (int c = 0; c < 3; c++) {
                double sum = 0;
                for (int i = first; i < end; i++)
                    sum += cubic((i - centre) / wide) * from[3 * (y * width + i) + c];
                out[3 * (x * height + y) + c] = sum / total;
            }
    }
    return out;
}

static planes resized(const planes *p, int width, int height)
{
    size_t n = (size_t)p->width * (size_t)p->height * 3, m = (size_t)width * (size_t)height * 3;
    double *whole = g_new(double, n);
    for (size_t i = 0; i < n; i++)
        whole[i] = p->rgb[i];
    double *half = along(whole, p->width, p->height, width), *done = along(half, p->height, width, height);
    planes out = {width, height, g_malloc(m)};
    for (size_t i = 0; i < m; i++)
        out.rgb[i] = (uint8_t)(CLAMP(done[i], 0, 255) + 0.5);
    g_free(whole);
    g_free(half);
    g_free(done);
    return out;
}

static VipsImage *reduced(const planes *p, int scale)
{
    planes small = resized(p, p->width / scale, p->height / scale);
    VipsImage *view = give(&small), *image = vips_image_copy_memory(view);
    g_object_unref(view);
    g_free(small.rgb);
    return image;
}

static planes stored(const char *path)
{
    vips_cache_set_max(0); /* else what had this name before is given again */
    VipsImage *image = vips_image_new_from_file(path, NULL);
    g_assert_nonnull(image);
    return take(image);
}

/* The command's own choice of a net; `model` must be it. */
static planes by_net(const char *path, const char *scale, const char *model)
{
    tw_error err = TW_ERROR_NONE;
    char *output = in_folder("result.png");
    tw_job *job = upscale_job(session, path, output, (const setting[]){{"scale", scale}, {"overwrite", "true"}, {0}});
    assert_ok(tw_job_run(job, &err), err);
    g_assert_cmpstr(tw_job_report(job)->model, ==, model);
    tw_job_free(job);
    planes result = stored(output);
    g_free(output);
    return result;
}

typedef struct figures {
    double gain, shift;
} figures;

/* `suffix` and `options` say how the source is stored. */
static figures measure(const planes *reference, VipsImage *source, const char *suffix, const char *options, int scale,
                       const char *model)
{
    char *name = g_strconcat("source", suffix, NULL), *path = in_folder(name), *target = g_strconcat(path, options, NULL);
    g_assert_cmpint(vips_image_write_to_file(source, target, NULL), ==, 0);
    planes input = stored(path), without = resized(&input, scale * input.width, scale * input.height);
    planes with = by_net(path, scale == 1 ? "1" : scale == 2 ? "2" : scale == 3 ? "3" : "4", model);
    figures f = {psnr(&with, reference, 4 * scale) - psnr(&without, reference, 4 * scale), shift(&with, &input)};
    g_test_message("%s, scale %d: %+.2f dB, colours shift by %.2f/255", model, scale, f.gain, f.shift);
    g_free(without.rgb);
    g_free(with.rgb);
    g_free(input.rgb);
    g_free(target);
    g_free(path);
    g_free(name);
    g_object_unref(source);
    return f;
}

static void check(const char *what, figures f, double gain, double most_shift)
{
    if (f.gain < gain - MARGIN || f.shift > most_shift)
        g_error("%s: %+.3f dB, it was %+.2f; colours shift by %.3f/255, at most %.2f are allowed", what, f.gain, gain, f.shift,
                most_shift);
}

static void test_photo(void)
{
    static const double GAINS[][3] = {{1.95, 1.87, 1.18}, {0.90, 1.68, 3.39}, {2.55, 3.0, 4.82}}; /* photograph; 2x, 3x, 4x */
    for (size_t i = 0; i < G_N_ELEMENTS(PHOTOGRAPHS); i++) {
        planes reference = photograph(PHOTOGRAPHS[i]);
        for (int scale = 2; scale <= 4; scale++) {
            char *model = g_strdup_printf("photo-%dx", scale);
            check(PHOTOGRAPHS[i], measure(&reference, reduced(&reference, scale), ".png", "", scale, model),
                  GAINS[i][scale - 2], 0.3);
            g_free(model);
        }
        g_free(reference.rgb);
    }
}

static void check_restored(const char *what, const planes *reference, const double gains[2][3], double most_shift)
{
    static const struct {
        const char *options, *strength;
    } DAMAGE[] = {{"[Q=30]", ""}, {"[Q=45]", ""}, {"[Q=60]", "-low"}};
    for (int scale = 1; scale <= 2; scale++)
        for (size_t k = 0; k < G_N_ELEMENTS(DAMAGE); k++) {
            char *model = g_strdup_printf("restore-%dx%s", scale, DAMAGE[k].strength);
            VipsImage *source = scale == 1 ? give(reference) : reduced(reference, scale);
            check(what, measure(reference, source, ".jpg", DAMAGE[k].options, scale, model), gains[scale - 1][k], most_shift);
            g_free(model);
        }
}

static void test_restore(void)
{
    static const double GAINS[][2][3] = {{{2.12, 1.70, 1.28}, {1.73, 1.52, 1.26}},
                                         {{2.36, 1.85, 1.31}, {1.52, 1.09, 0.97}},
                                         {{2.16, 1.96, 1.76}, {1.68, 1.36, 1.34}}}; /* photograph; 1x, 2x; quality */
    for (size_t i = 0; i < G_N_ELEMENTS(PHOTOGRAPHS); i++) {
        planes reference = photograph(PHOTOGRAPHS[i]);
        check_restored(PHOTOGRAPHS[i], &reference, GAINS[i], 0.6);
        g_free(reference.rgb);
    }
}

static void test_page(void)
{
    static const double GAINS[2][3] = {{3.67, 3.64, 3.13}, {4.48, 4.69, 4.71}};
    planes reference = page();
    check_restored("page", &reference, GAINS, 2);
    g_free(reference.rgb);
}

int main(int argc, char **argv)
{
    tw_error err = TW_ERROR_NONE;
    folder_open();
    g_test_init(&argc, &argv, NULL);
    assert_ok(tw_session_new(&session, &err), err);
    g_test_add_func("/quality/photo", test_photo);
    g_test_add_func("/quality/restore", test_restore);
    g_test_add_func("/quality/page", test_page);
    int result = g_test_run();
    tw_session_free(session);
    folder_close();
    return result;
}
