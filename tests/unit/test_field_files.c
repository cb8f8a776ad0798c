/* SPDX-License-Identifier: MIT */
/* Field files: what is written comes back with the same bits, what other programs write is read as they mean it, and
 * what is broken is refused by a message that names the file and the number. */
#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "field/files.h"

#define WIDTH  90
#define HEIGHT 70

static char *folder;

static char *in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static tw_lattice *waves(double amplitude)
{
    tw_lattice *l;
    g_assert_true(tw_lattice_cover(WIDTH, HEIGHT, 13.5, &l, NULL) == TW_OK);
    for (int64_t k = 0; k < 2 * l->columns * l->rows; k++)
        l->u[0][k] = amplitude * sin(1.7 * (double)k);
    return l;
}

static tw_field *made(double amplitude)
{
    tw_field *field = tw_field_new();
    tw_field_add_lattice(field, waves(amplitude));
    tw_field_add_affine(field, &(tw_affine){{1.01, 0.02, 3.7, -0.013, 0.97, -2.2}});
    return field;
}

static void at(const tw_field *field, double x, double y, double out[2])
{
    tw_error err = TW_ERROR_NONE;
    void *scratch = g_malloc((gsize)tw_field_scratch(field, 1) + 1);
    if (tw_field_row(field, x, y, 1, &out[0], &out[1], scratch, &err) != TW_OK)
        g_error("%s", err.message);
    g_free(scratch);
}

static tw_field *read_back(const char *path, tw_field_about *about)
{
    tw_error err = TW_ERROR_NONE;
    tw_field *field;
    if (tw_field_read(path, &field, about, &err) != TW_OK)
        g_error("%s", err.message);
    return field;
}

static void test_text(void)
{
    static const char *const NAMES[] = {"a.tfm", "a.txt"};
    for (int i = 0; i < 2; i++) {
        tw_error err = TW_ERROR_NONE;
        tw_field_about about;
        char *path = in_folder(NAMES[i]);
        tw_field *field = made(3), *back;
        if (tw_field_write(field, path, WIDTH, HEIGHT, &err) != TW_OK)
            g_error("%s", err.message);
        back = read_back(path, &about);
        g_assert_cmpint(about.width, ==, WIDTH);
        g_assert_cmpint(about.height, ==, HEIGHT);
        for (double y = -3; y < HEIGHT + 3; y += 2.75)
            for (double x = -3; x < WIDTH + 3; x += 3.25) {
                double a[2], b[2];
                at(field, x, y, a);
                at(back, x, y, b);
                g_assert_cmpmem(a, sizeof a, b, sizeof b);
            }
        tw_field_free(field);
        tw_field_free(back);
        g_free(path);
    }
}

static void check_displaced(const tw_field *field, const tw_field *back, double step)
{
    for (double y = 0; y < HEIGHT; y += step)
        for (double x = 0; x < WIDTH; x += step) {
            double a[2], b[2];
            at(field, x, y, a);
            at(back, x, y, b);
            for (int i = 0; i < 2; i++)
                g_assert_cmpfloat(fabs(a[i] - b[i]), <, 2e-6);
        }
}

static void test_displacements(void)
{
    static const struct {
        const char *name;
        double step;
    } CASES[] = {{"b.mhd", 1}, {"b.nrrd", 1}, {"c.mhd", 4}, {"c.nrrd", 2.5}};
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        tw_error err = TW_ERROR_NONE;
        tw_field_about about;
        char *path = in_folder(CASES[i].name);
        tw_field *field = made(3), *back;
        if (tw_field_write_displacement(field, path, WIDTH, HEIGHT, CASES[i].step, &err) != TW_OK)
            g_error("%s", err.message);
        back = read_back(path, &about);
        g_assert_cmpint(about.width, ==, CASES[i].step == 1 ? WIDTH : 0);
        check_displaced(field, back, CASES[i].step);

        double lo[2], hi[2];
        tw_rect all = {0, 0, WIDTH, HEIGHT};
        g_assert_false(tw_field_bounds(back, all, lo, hi));
        g_assert_cmpint(tw_field_measure(back, &err), ==, TW_OK);
        g_assert_true(tw_field_bounds(back, all, lo, hi));
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                double p[2];
                at(back, x, y, p);
                for (int a = 0; a < 2; a++)
                    g_assert_true(p[a] >= lo[a] && p[a] <= hi[a]);
            }
        tw_field_free(field);
        tw_field_free(back);
        g_free(path);
    }
}

/* --- as other programs write them ---------------------------------------------------------------------------------- */

static double shift_of(int x, int y, int c)
{
    return c ? 0.5 * x - y : 0.25 * y + 3;
}

/* Appends width x height shifts. */
static void put_numbers(GByteArray *to, int width, int height, bool planes, bool wide, bool big)
{
    for (int k = 0; k < 2 * width * height; k++) {
        int c = planes ? k / (width * height) : k % 2, i = planes ? k % (width * height) : k / 2;
        double value = shift_of(i % width, i / width, c);
        float narrow = (float)value;
        guint8 bytes[8];
        size_t n = wide ? 8 : 4;
        memcpy(bytes, wide ? (void *)&value : (void *)&narrow, n);
        if (big != (G_BYTE_ORDER == G_BIG_ENDIAN))
            for (size_t b = 0; b < n / 2; b++) {
                guint8 t = bytes[b];
                bytes[b] = bytes[n - 1 - b];
                bytes[n - 1 - b] = t;
            }
        g_byte_array_append(to, bytes, (guint)n);
    }
}

static void check_foreign(const char *name, GByteArray *bytes, const char *format)
{
    char *path = in_folder(name);
    tw_field_about about;
    g_assert_true(g_file_set_contents(path, (char *)bytes->data, bytes->len, NULL));
    tw_field *field = read_back(path, &about);
    g_assert_cmpstr(about.format, ==, format);
    g_assert_cmpint(about.width, ==, 7);
    g_assert_cmpint(about.height, ==, 5);
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 7; x++) {
            double p[2];
            at(field, x, y, p);
            g_assert_cmpfloat(p[0], ==, x + shift_of(x, y, 0));
            g_assert_cmpfloat(p[1], ==, y + shift_of(x, y, 1));
        }
    tw_field_free(field);
    g_byte_array_unref(bytes);
    g_free(path);
}

static GByteArray *text_bytes(const char *text)
{
    GByteArray *bytes = g_byte_array_new();
    return g_byte_array_append(bytes, (const guint8 *)text, (guint)strlen(text));
}

static GByteArray *npy(const char *descr, const char *shape)
{
    char *dict = g_strdup_printf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
    char *header = g_strdup_printf("%-117s\n", dict);
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)"\x93NUMPY\x01\x00\x76\x00", 10);
    g_byte_array_append(bytes, (const guint8 *)header, (guint)strlen(header));
    g_free(dict);
    g_free(header);
    return bytes;
}

static GByteArray *nifti(bool wide, bool big)
{
    guint8 h[352] = {0};
    const int16_t dim[8] = {5, 7, 5, 1, 1, 2, 1, 1};
#define PUT(at, type, value)                                                                                                   \
    do {                                                                                                                       \
        type v_ = (value);                                                                                                     \
        memcpy(h + (at), &v_, sizeof v_);                                                                                      \
        if (big != (G_BYTE_ORDER == G_BIG_ENDIAN))                                                                             \
            for (size_t b_ = 0; b_ < sizeof v_ / 2; b_++) {                                                                    \
                guint8 t_ = h[(at) + b_];                                                                                      \
                h[(at) + b_] = h[(at) + sizeof v_ - 1 - b_];                                                                   \
                h[(at) + sizeof v_ - 1 - b_] = t_;                                                                             \
            }                                                                                                                  \
    } while (0)
    PUT(0, int32_t, 348);
    for (size_t i = 0; i < 8; i++)
        PUT(40 + 2 * i, int16_t, dim[i]);
    PUT(70, int16_t, wide ? 64 : 16);
    PUT(80, float, 1);
    PUT(84, float, 1);
    PUT(108, float, 352);
    memcpy(h + 344, "n+1", 4);
#undef PUT
    GByteArray *bytes = g_byte_array_new();
    return g_byte_array_append(bytes, h, sizeof h);
}

/* A header that means what is not read: one number of it is another. */
static void test_nifti_refused(void)
{
    static const struct {
        int at;
        int16_t whole;
        float real;
        int code; /* where a 1 makes it count; 0: it always does */
        const char *message;
    } CASES[] = {
        {70, 4, 0, 0, "type 4"},        {50, 3, 0, 0, "last dimension is 3"}, {112, 0, 2, 0, "scaled by 2"},
        {292, 0, 8, 254, "is 8"},       {284, 0, 0.5F, 254, "is 0.5"},        {268, 0, -90, 252, "offset -90"},
        {256, 0, 1, 252, "quaternion"}, {80, 0, -1, 0, "spacing -1"},         {108, 0, NAN, 0, "byte nan"},
        {42, -7, 0, 0, "size of -7"},   {42, 30000, 0, 0, "30000 x 5"},       {40, 2, 0, 0, "2 dimensions"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        tw_error err = TW_ERROR_NONE;
        tw_field *field;
        GByteArray *b = nifti(false, false);
        put_numbers(b, 7, 5, true, false, false);
        int16_t whole = GINT16_TO_LE(CASES[i].whole);
        guint32 bits;
        memcpy(&bits, &CASES[i].real, 4);
        bits = GUINT32_TO_LE(bits);
        memcpy(b->data + CASES[i].at, CASES[i].whole ? (void *)&whole : (void *)&bits, CASES[i].whole ? 2 : 4);
        b->data[CASES[i].code ? CASES[i].code : 0] = CASES[i].code ? 1 : b->data[0];
        char *path = in_folder("refused.nii");
        g_assert_true(g_file_set_contents(path, (char *)b->data, b->len, NULL));
        tw_status status = tw_field_read(path, &field, NULL, &err);
        if (status != TW_ERROR_INPUT || !strstr(err.message, "refused.nii") || !strstr(err.message, CASES[i].message))
            g_error("status %d, '%s'; expected '%s'", status, err.message, CASES[i].message);
        g_byte_array_unref(b);
        g_free(path);
    }
}

static void test_unwritable(void)
{
    tw_field *field = made(3);
    char *path = in_folder("x.mhd"), *raw = in_folder("x.raw"), *nowhere = in_folder("none/x.mhd"), *png = in_folder("x.png");
    tw_error err = TW_ERROR_NONE;
    g_assert_cmpint(tw_field_write_displacement(field, path, 0, 5, 1, &err), ==, TW_ERROR_USAGE);
    g_assert_cmpint(tw_field_write_displacement(field, path, 5, INT64_MAX, 1, &err), ==, TW_ERROR_USAGE);
    g_assert_cmpint(tw_field_write_displacement(field, path, 5, 5, NAN, &err), ==, TW_ERROR_USAGE);
    g_assert_cmpint(tw_field_write_displacement(field, png, 5, 5, 1, &err), ==, TW_ERROR_USAGE);
    g_assert_cmpint(tw_field_write_displacement(field, nowhere, 5, 5, 1, &err), ==, TW_ERROR_RUN);
    g_assert_cmpint(tw_field_write(field, png, 5, 5, &err), ==, TW_ERROR_USAGE);
    g_assert_cmpint(g_mkdir(path, 0700), ==, 0); /* the numbers can be written, the header cannot */
    g_assert_cmpint(tw_field_write_displacement(field, path, 5, 5, 1, &err), !=, TW_OK);
    g_assert_false(g_file_test(raw, G_FILE_TEST_EXISTS));
    g_rmdir(path);
    tw_field_free(field);
    g_free(path);
    g_free(raw);
    g_free(nowhere);
    g_free(png);
}

static void test_foreign(void)
{
    GByteArray *b =
        text_bytes("ObjectType = Image\nNDims = 2\nBinaryDataByteOrderMSB = True\nDimSize = 7 5\nElementNumberOfChannels = 2\n"
                   "ElementType = MET_DOUBLE\nElementDataFile = LOCAL\n");
    put_numbers(b, 7, 5, false, true, true);
    check_foreign("f.mha", b, "mhd");
    b = text_bytes("NRRD0005\n# planes\ntype: float\ndimension: 3\nsizes: 7 5 2\nnote:=x\nencoding: raw\nendian: big\n\n");
    put_numbers(b, 7, 5, true, false, true);
    check_foreign("f.nrrd", b, "nrrd");
    put_numbers(b = npy("<f4", "(5, 7, 2)"), 7, 5, false, false, false);
    check_foreign("f.npy", b, "npy");
    put_numbers(b = npy(">f8", "(2, 5, 7)"), 7, 5, true, true, true);
    check_foreign("g.npy", b, "npy");
    put_numbers(b = nifti(false, false), 7, 5, true, false, false);
    check_foreign("f.nii", b, "nifti");
    put_numbers(b = nifti(true, true), 7, 5, true, true, true);
    check_foreign("g.nii", b, "nifti");
}

/* --- broken ones --------------------------------------------------------------------------------------------------- */

#define ZEROS "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
#define TFM   "#Insight Transform File V1.0\n#Transform 0\n"
#define META  "ObjectType = Image\nNDims = 2\nElementNumberOfChannels = 2\nElementType = MET_FLOAT\n"
#define NRRD  "NRRD0004\ntype: float\nencoding: raw\nendian: little\n"

static void test_broken(void)
{
    static const struct {
        const char *name, *text, *message;
    } CASES[] = {
        {"1.tfm", TFM "Transform: AffineTransform_double_2_2\nParameters: 1 0 0 nan 0 0\nFixedParameters: 0 0\n", "line 4"},
        {"2.tfm", TFM "Transform: AffineTransform_double_2_2\nParameters: 1 0 0 1 0\nFixedParameters: 0 0\n", "line 4"},
        {"3.tfm", TFM "Transform: BSplineTransform_double_2_2\nParameters: 1 2\nFixedParameters: 1e18 1e18 0 0 1 1 1 0 0 1\n",
         "1e+18"},
        {"4.tfm", TFM "Transform: BSplineTransform_double_2_2\nParameters: " ZEROS "\nFixedParameters: 4 4 0 0 -1 1 1 0 0 1\n",
         "-1"},
        {"5.tfm", TFM "Transform: NoSuchTransform_double_2_2\nParameters: 1\nFixedParameters:\n", "NoSuchTransform"},
        {"6.tfm", TFM, "6.tfm"},
        {"1.mhd", META "DimSize = 1000000000000000000 1000000000000000000\nElementDataFile = LOCAL\n", "1e+18"},
        {"2.mhd", META "DimSize = 4 4\nElementDataFile = LOCAL\nabc", "4 x 4"},
        {"3.mhd", META "DimSize = 0 4\nElementDataFile = LOCAL\n", "size of 0"},
        {"4.mhd", META "DimSize = 4 4\nElementSpacing = 1 -2\nElementDataFile = LOCAL\n", "-2"},
        {"5.mhd", META "DimSize = 4 4\nElementDataFile = none.raw\n", "none.raw"},
        {"6.mhd", META "DimSize = 4 4\n", "ElementDataFile"},
        {"7.mhd", META "DimSize = 4 4\nTransformMatrix = 0 1 1 0\nElementDataFile = LOCAL\n", "0 1 1 0"},
        {"1.nrrd", NRRD "dimension: 3\nsizes: 5 4 3\n\n", "5 4 3"},
        {"2.nrrd", NRRD "dimension: 2\nsizes: 4 4\n\n", "dimension is 2"},
        {"3.nrrd", NRRD "dimension: 3\nsizes: 2 9000000000000000 9000000000000000\n\n", "9000000000000000"},
        {"1.npy", "\x93NUMPY\x01", "header"},
        {"1.txt", "(Transform \"AffineTransform\")\n(NumberOfParameters 6)\n(TransformParameters 1 0 0 1 0 inf)\n", "inf"},
        {"2.txt", "(Transform \"AffineTransform\"\n", "line 1"},
        {"1.xyz", "no field", "no field file"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(CASES); i++) {
        tw_error err = TW_ERROR_NONE;
        tw_field *field;
        char *path = in_folder(CASES[i].name);
        g_assert_true(g_file_set_contents(path, CASES[i].text, -1, NULL));
        tw_status status = tw_field_read(path, &field, NULL, &err);
        if (status != TW_ERROR_INPUT || field || !strstr(err.message, CASES[i].name) || !strstr(err.message, CASES[i].message))
            g_error("%s: status %d, '%s'; expected '%s'", CASES[i].name, status, err.message, CASES[i].message);
        g_free(path);
    }
}

/* A number that is not finite is found when it is read. */
static void test_not_finite(void)
{
    tw_error err = TW_ERROR_NONE;
    float pairs[2 * 12] = {0};
    pairs[2 * 7 + 1] = NAN;
    GByteArray *bytes = npy("<f4", "(3, 4, 2)");
    g_byte_array_append(bytes, (guint8 *)pairs, sizeof pairs);
    char *path = in_folder("nan.npy");
    g_assert_true(g_file_set_contents(path, (char *)bytes->data, bytes->len, NULL));
    tw_field *field = read_back(path, NULL);
    g_assert_cmpint(tw_field_measure(field, &err), ==, TW_ERROR_INPUT);
    g_assert_nonnull(strstr(err.message, "sample (3, 1) is nan"));
    tw_field_free(field);
    g_byte_array_unref(bytes);
    g_free(path);
}

/* --- landmarks, inverses ------------------------------------------------------------------------------------------- */

#define HEADER "fixed_x,fixed_y,moving_x,moving_y\n"

static void test_landmarks(void)
{
    tw_error err = TW_ERROR_NONE;
    double points[8] = {1.25, -3, 1e-7, 4, 100.1, 200.2, 300.3, 1.0 / 3};
    char *path = in_folder("p.csv");
    tw_landmarks back;
    g_assert_cmpint(tw_landmarks_write(&(tw_landmarks){2, points}, path, &err), ==, TW_OK);
    g_assert_cmpint(tw_landmarks_read(path, &back, &err), ==, TW_OK);
    g_assert_cmpint(back.count, ==, 2);
    g_assert_cmpmem(back.points, sizeof points, points, sizeof points);
    g_free(back.points);
    g_assert_true(g_file_set_contents(path, "name,moving_y,moving_x,fixed_y,fixed_x\na,4,3,2,1\n", -1, NULL));
    g_assert_cmpint(tw_landmarks_read(path, &back, &err), ==, TW_OK);
    g_assert_cmpmem(back.points, 4 * sizeof *points, ((double[]){1, 2, 3, 4}), 4 * sizeof *points);
    g_free(back.points);
    static const char *const BROKEN[][2] = {
        {"fixed_x,fixed_y,moving_x\n1,2,3\n", "line 1: no column moving_y"},
        {HEADER "1,2,3,4\n1,2,nan,4\n", "line 3: moving_x: 'nan'"},
        {HEADER "1,2,3\n", "line 2: 3 of the 4 numbers"},
        {HEADER "1,2,3,\n", "line 2: moving_y: ''"},
        {"fixed_x," HEADER "1,1,2,3,4\n", "line 1: column fixed_x again"},
        {"", "no line that names the columns"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(BROKEN); i++) {
        err = (tw_error)TW_ERROR_NONE;
        g_assert_true(g_file_set_contents(path, BROKEN[i][0], -1, NULL));
        g_assert_cmpint(tw_landmarks_read(path, &back, &err), ==, TW_ERROR_INPUT);
        if (!strstr(err.message, BROKEN[i][1]) || !strstr(err.message, "p.csv") || back.points)
            g_error("'%s'; expected '%s'", err.message, BROKEN[i][1]);
    }
    g_free(path);
}

static void test_inverse(void)
{
    tw_error err = TW_ERROR_NONE;
    tw_field *field = made(1.5), *back;
    double residual;
    g_assert_cmpint(tw_field_invert(field, WIDTH, HEIGHT, 4, &back, &residual, &err), ==, TW_OK);
    g_assert_cmpfloat(residual, <, 0.05);
    for (double y = 15; y < HEIGHT - 15; y += 3.5)
        for (double x = 15; x < WIDTH - 15; x += 3.5) {
            double p[2], q[2];
            at(back, x, y, p);
            at(field, p[0], p[1], q);
            g_assert_cmpfloat(hypot(q[0] - x, q[1] - y), <=, residual + 0.02);
        }
    tw_field_free(field);
    tw_field_free(back);
    field = made(40);
    g_assert_cmpint(tw_field_invert(field, WIDTH, HEIGHT, 4, &back, &residual, &err), ==, TW_ERROR_INPUT);
    g_assert_cmpint(tw_field_check(field, "the field", false, &err), ==, TW_ERROR_INPUT);
    g_assert_nonnull(strstr(err.message, "the field"));
    tw_field_free(field);
}

static void remove_all(void)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        char *path = in_folder(name);
        g_assert_null(strstr(name, ".partial"));
        g_remove(path);
        g_free(path);
    }
    g_dir_close(dir);
    g_rmdir(folder);
    g_free(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("tilewright-field-XXXXXX", NULL);
    g_test_add_func("/field/files/text", test_text);
    g_test_add_func("/field/files/displacements", test_displacements);
    g_test_add_func("/field/files/foreign", test_foreign);
    g_test_add_func("/field/files/nifti_refused", test_nifti_refused);
    g_test_add_func("/field/files/unwritable", test_unwritable);
    g_test_add_func("/field/files/broken", test_broken);
    g_test_add_func("/field/files/not_finite", test_not_finite);
    g_test_add_func("/field/files/landmarks", test_landmarks);
    g_test_add_func("/field/files/inverse", test_inverse);
    int result = g_test_run();
    remove_all();
    return result;
}
