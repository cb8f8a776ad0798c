/* SPDX-License-Identifier: MIT */
/** Scans through a small budget.
 *  test_scan pair WIDTH HEIGHT MEMORY FOLDER: $MAKE_PAIR makes two scans of one thing from $TILEWRIGHT_TEST_PHOTOS; register finds the
 *  field, whose distance to the truth is asserted (mean 0.05, p95 0.15, most 1 pixel), and warp applies it.
 *  test_scan warp WIDTH HEIGHT MEMORY FOLDER: a picture of that size by a small turn, from strips, and by a quarter turn, from tiles;
 *  points of the results are compared with a sum of their own, in double.
 *  Peaks are asserted: VmHWM <= plan <= MEMORY. */
#include "field/field.h"
#include "field/files.h"
#include "large_checks.h"
#include "unit/warp_checks.h"

static G_GNUC_NORETURN void die(const char *what)
{
    g_printerr("scan: %s: %s\n", what, vips_error_buffer());
    exit(1);
}

/* --- pair ---------------------------------------------------------------------------------------------------------- */

static void make_pair(const char *size, const char *fixed, const char *moving, const char *truth)
{
    char *photos = g_strconcat("photos=", g_getenv("TILEWRIGHT_TEST_PHOTOS"), "/usr/share/backgrounds/mate/nature", NULL);
    const char *argv[] = {g_getenv("MAKE_PAIR"), size, "photos", fixed, moving, truth, photos, NULL};
    int status = 0;
    if (!argv[0] || !g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL) || status)
        die("MAKE_PAIR made no pair");
    g_free(photos);
}

static int by_size(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;
    return d < 0 ? -1 : d > 0;
}

/* How far the field is from the truth. */
static bool check_truth(const char *path, const char *truth)
{
    tw_field *field = NULL;
    tw_field_about about = {0};
    tw_error err = TW_ERROR_NONE;
    char *text;
    assert_ok(tw_field_read(path, &field, &about, &err), err);
    g_assert_true(g_file_get_contents(truth, &text, NULL, NULL));
    char **lines = g_strsplit(text, "\n", -1);
    int n = 0, most = (int)g_strv_length(lines);
    double *off = g_new(double, most), sum = 0;
    void *room = g_malloc((gsize)tw_field_scratch(field, 1) + 64);
    for (int i = 1; i < most; i++) {
        double fixed[2], moving[2], x, y;
        if (sscanf(lines[i], "%lf,%lf,%lf,%lf", &fixed[0], &fixed[1], &moving[0], &moving[1]) != 4)
            continue;
        assert_ok(tw_field_row(field, fixed[0], fixed[1], 1, &x, &y, room, &err), err);
        off[n] = hypot(x - moving[0], y - moving[1]);
        sum += off[n++];
    }
    qsort(off, (size_t)n, sizeof *off, by_size);
    double mean = n ? sum / n : 0, p95 = n ? off[n * 95 / 100] : 0, last = n ? off[n - 1] : 0;
    g_print("scan: %d points, error mean %.3f, p95 %.3f, most %.3f pixels\n", n, mean, p95, last);
    g_free(room);
    g_free(off);
    g_strfreev(lines);
    g_free(text);
    tw_field_free(field);
    return n >= 1000 && mean <= 0.05 && p95 <= 0.15 && last <= 1;
}

static bool test_pair(const char *folder, const char *size, const char *memory)
{
    char *names[5] = {"fixed.tif", "moving.tif", "truth.csv", "field.tfm", "laid-over.tif"};
    for (int i = 0; i < 5; i++)
        names[i] = g_build_filename(folder, names[i], NULL);
    make_pair(size, names[0], names[1], names[2]);
    run_within("scan", (const char *const[]){"register", names[0], names[1], "--field", names[3], "--memory", memory,
                                             "--overwrite", NULL});
    run_within("scan", (const char *const[]){"warp", names[1], names[4], "--field", names[3], "--like", names[0], "--memory",
                                             memory, "--overwrite", NULL});
    bool good = check_truth(names[3], names[2]);
    for (int i = 0; i < 5; i++) {
        g_unlink(names[i]);
        g_free(names[i]);
    }
    return good;
}

/* --- warp ---------------------------------------------------------------------------------------------------------- */

static int generate(VipsRegion *region, void *sequence, void *a, void *b, gboolean *stop)
{
    const VipsRect *r = &region->valid;
    for (int y = r->top; y < r->top + r->height; y++) {
        uint8_t *row = VIPS_REGION_ADDR(region, r->left, y);
        for (int i = 0; i < 3 * r->width; i++)
            row[i] = sample_of(r->left + i / 3, y, i % 3);
    }
    return 0;
}

static void make_input(int width, int height, const char *path, bool tiles)
{
    VipsImage *source = vips_image_new();
    vips_image_init_fields(source, width, height, 3, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, VIPS_INTERPRETATION_sRGB, 1, 1);
    if (vips_image_pipelinev(source, VIPS_DEMAND_STYLE_THINSTRIP, NULL) ||
        vips_image_generate(source, NULL, generate, NULL, NULL, NULL) ||
        vips_tiffsave(source, path, "tile", tiles, "tile_width", 256, "tile_height", 256, NULL))
        die(path);
    g_object_unref(source);
}

/* What bicubic interpolation makes of the input, which is known at every point. */
static double expected(const int size[2], const double p[2], int band)
{
    int i0 = (int)floor(p[0]) - 1, j0 = (int)floor(p[1]) - 1;
    double sum = 0;
    for (int j = j0; j < j0 + 4; j++)
        for (int i = i0; i < i0 + 4; i++)
            sum += weight("bicubic", i - p[0]) * weight("bicubic", j - p[1]) *
                   sample_of(CLAMP(i, 0, size[0] - 1), CLAMP(j, 0, size[1] - 1), band);
    return CLAMP(sum, 0, 255);
}

/* Largest difference over rows of points all over the result; those whose pixels lie beyond the input's border are left out. */
static double compare(const char *path, const int size[2], const map *f, int64_t *points)
{
    VipsImage *result = vips_image_new_from_file(path, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
    double most = 0;
    if (!result)
        die(path);
    VipsRegion *region = vips_region_new(result);
    for (int k = 0; k < 200; k++) {
        int y = (int)((int64_t)k * (result->Ysize - 1) / 199);
        VipsRect rect = {0, y, result->Xsize, 1};
        if (vips_region_prepare(region, &rect))
            die(path);
        const uint8_t *row = VIPS_REGION_ADDR(region, 0, y);
        for (int x = k % 7; x < result->Xsize; x += 1 + result->Xsize / 400) {
            double p[2], right = KNOT * (COLUMNS - 3), bottom = KNOT * (ROWS - 3);
            map_at(f, x, y, p);
            if ((x >= right || y >= bottom) && x < right + 3 * KNOT && y < bottom + 3 * KNOT)
                continue; /* a lattice ends where a control point is missing, map_at fades out */
            if (p[0] < 0 || p[1] < 0 || p[0] > size[0] - 1 || p[1] > size[1] - 1)
                continue;
            ++*points;
            for (int band = 0; band < 3; band++)
                most = fmax(most, fabs(expected(size, p, band) - row[3 * x + band]));
        }
    }
    g_object_unref(region);
    g_object_unref(result);
    return most;
}

static bool warp_one(const char *folder, int width, int height, const char *memory, bool quarter)
{
    char *input = g_build_filename(folder, "input.tif", NULL), *output = g_build_filename(folder, "output.tif", NULL);
    double a = fmin(0.0087, 0.1 * width / height);
    map f = {{1, -a, 3.3, a, 1, -5.7}, 4}, turned = {{0, 1, -0.3, -1, 0, height - 1.4}, 4};
    if (quarter)
        f = turned;
    char *field = store_map(&f, "f.tfm"), size[48];
    g_snprintf(size, sizeof size, "%dx%d", quarter ? height : width, quarter ? width : height);
    make_input(width, height, input, quarter);
    run_within("scan", (const char *const[]){"warp", input, output, "--field", field, "--size", size, "--memory", memory,
                                             "--overwrite", NULL});
    int64_t points = 0;
    double most = compare(output, (const int[]){width, height}, &f, &points);
    g_print("scan: %s%s, %lld points, largest difference %.3f levels\n", size, quarter ? " from tiles" : "", (long long)points,
            most);
    g_unlink(input);
    g_unlink(output);
    g_free(input);
    g_free(output);
    g_free(field);
    return points > 5000 && most <= 0.51;
}

int main(int argc, char **argv)
{
    if (argc != 6 || VIPS_INIT(argv[0])) {
        g_printerr("usage: test_scan pair|warp WIDTH HEIGHT MEMORY FOLDER\n");
        return 2;
    }
    vips_cache_set_max(0);
    folder_open();
    g_setenv("TMPDIR", argv[5], TRUE); /* scratch of that size has no place in memory */
    int width = atoi(argv[2]), height = atoi(argv[3]);
    char *size = g_strdup_printf("%dx%d", width, height);
    bool good = strcmp(argv[1], "pair") == 0
                    ? test_pair(argv[5], size, argv[4])
                    : warp_one(argv[5], width, height, argv[4], false) && warp_one(argv[5], width, height, argv[4], true);
    g_free(size);
    folder_close();
    return good ? 0 : 1;
}
