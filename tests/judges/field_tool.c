/* SPDX-License-Identifier: MIT */
/* For judges.py: `make OUT ORDER` writes a field of a kind, `points FIELD` maps the points on stdin, one "x y" a line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field/files.h"

#define WIDTH  300
#define HEIGHT 220

static int fail(const tw_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    return err->code;
}

/* ORDER: letters a (affine) and l (lattice), the first one applied first; d FIELD as displacements of step 1. */
static tw_field *made(const char *order)
{
    tw_field *field = tw_field_new();
    for (int part = 1; *order; order++, part++) {
        if (*order == 'a') {
            tw_field_add_affine(field, &(tw_affine){{1.01, 0.02 * part, 3.7, -0.013, 0.97, -2.2 * part}});
            continue;
        }
        tw_lattice *l;
        if (tw_lattice_cover(WIDTH, HEIGHT, 23.5 + part, &l, NULL) != TW_OK)
            exit(1);
        for (int64_t k = 0; k < 2 * l->columns * l->rows; k++)
            l->u[0][k] = 4 * sin(1.7 * (double)k + part);
        tw_field_add_lattice(field, l);
    }
    return field;
}

static int make(const char *path, const char *order)
{
    tw_error err = TW_ERROR_NONE;
    tw_field *field = made(order);
    const char *dot = strrchr(path, '.');
    bool text = dot && (strcmp(dot, ".tfm") == 0 || strcmp(dot, ".txt") == 0);
    if (text)
        tw_field_write(field, path, WIDTH, HEIGHT, &err);
    else
        tw_field_write_displacement(field, path, WIDTH, HEIGHT, 1, &err);
    tw_field_free(field);
    return err.code == TW_OK ? 0 : fail(&err);
}

static int points(const char *path)
{
    tw_error err = TW_ERROR_NONE;
    tw_field *field;
    double x, y, out[2];
    if (tw_field_read(path, &field, NULL, &err) != TW_OK)
        return fail(&err);
    void *scratch = malloc((size_t)tw_field_scratch(field, 1) + 1);
    while (scanf("%lf %lf", &x, &y) == 2 && tw_field_row(field, x, y, 1, &out[0], &out[1], scratch, &err) == TW_OK)
        printf("%.17g %.17g\n", out[0], out[1]);
    free(scratch);
    tw_field_free(field);
    return err.code == TW_OK ? 0 : fail(&err);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        return make(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "points") == 0)
        return points(argv[2]);
    fprintf(stderr, "field_tool make OUT ORDER | points FIELD <POINTS\n");
    return 2;
}
