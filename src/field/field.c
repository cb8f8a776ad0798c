/* SPDX-License-Identifier: MIT */
#include "field/field.h"

#include <glib.h>

#include "field/room.h"

typedef enum part_kind { PART_AFFINE, PART_LATTICE, PART_DISPLACEMENT } part_kind;

typedef struct part {
    part_kind kind;
    tw_affine affine;
    tw_lattice *lattice;
    tw_displacement displacement;
} part;

struct tw_field {
    part *parts;
    int n;
};

tw_field *tw_field_new(void)
{
    return g_new0(tw_field, 1);
}

void tw_field_free(tw_field *field)
{
    if (!field)
        return;
    for (int i = 0; i < field->n; i++) {
        part *p = &field->parts[i];
        tw_lattice_free(p->lattice);
        if (p->kind == PART_DISPLACEMENT && p->displacement.close)
            p->displacement.close(p->displacement.user);
    }
    g_free(field->parts);
    g_free(field);
}

static part *add(tw_field *field, part_kind kind)
{
    field->parts = g_renew(part, field->parts, field->n + 1);
    part *p = &field->parts[field->n++];
    *p = (part){.kind = kind};
    return p;
}

void tw_field_add_affine(tw_field *field, const tw_affine *affine)
{
    add(field, PART_AFFINE)->affine = *affine;
}

void tw_field_add_lattice(tw_field *field, tw_lattice *lattice)
{
    add(field, PART_LATTICE)->lattice = lattice;
}

void tw_field_add_displacement(tw_field *field, const tw_displacement *displacement)
{
    add(field, PART_DISPLACEMENT)->displacement = *displacement;
}

void tw_field_append(tw_field *field, tw_field *other)
{
    for (int i = 0; i < other->n; i++)
        *add(field, other->parts[i].kind) = other->parts[i];
    g_free(other->parts);
    g_free(other);
}

int tw_field_parts(const tw_field *field)
{
    return field->n;
}

const tw_affine *tw_field_affine(const tw_field *field, int i)
{
    return field->parts[i].kind == PART_AFFINE ? &field->parts[i].affine : NULL;
}

const tw_lattice *tw_field_lattice(const tw_field *field, int i)
{
    return field->parts[i].lattice;
}

const tw_displacement *tw_field_displacement(const tw_field *field, int i)
{
    return field->parts[i].kind == PART_DISPLACEMENT ? &field->parts[i].displacement : NULL;
}

bool tw_field_is_affine(const tw_field *field, tw_affine *out)
{
    tw_affine all = TW_AFFINE_IDENTITY;
    for (int i = 0; i < field->n; i++) {
        if (field->parts[i].kind != PART_AFFINE)
            return false;
        all = tw_affine_after(&field->parts[i].affine, &all);
    }
    *out = all;
    return true;
}

/* ---- evaluation ---- */

int64_t tw_field_scratch(const tw_field *field, int64_t n)
{
    for (int i = 0; i < field->n; i++)
        if (field->parts[i].kind == PART_DISPLACEMENT)
            return tw_displacement_room(n) * 2 * (int64_t)sizeof(float);
    return 0;
}

static void affine_move(const tw_affine *a, int64_t n, double *restrict x, double *restrict y)
{
    const tw_affine m = *a;
    for (int64_t k = 0; k < n; k++) {
        double from_x = x[k], from_y = y[k];
        x[k] = tw_affine_axis(m.m, from_x, from_y);
        y[k] = tw_affine_axis(m.m + 3, from_x, from_y);
    }
}

/* A lattice in front meets a row of pixels, which it can do much faster than points anywhere. */
static void lattice_row(const tw_lattice *l, double x0, double y, int64_t n, double *restrict out_x, double *restrict out_y)
{
    tw_lattice_row(l, x0, y, n, out_x, out_y);
    for (int64_t k = 0; k < n; k++) {
        out_x[k] = (x0 + (double)k) + out_x[k];
        out_y[k] = y + out_y[k];
    }
}

static void plain_row(double x0, double y, int64_t n, double *restrict out_x, double *restrict out_y)
{
    for (int64_t k = 0; k < n; k++) {
        out_x[k] = x0 + (double)k;
        out_y[k] = y;
    }
}

tw_status tw_field_row(const tw_field *field, double x0, double y, int64_t n, double *out_x, double *out_y, void *scratch,
                       tw_error *err)
{
    int i = 0;
    if (field->n > 0 && field->parts[0].kind == PART_LATTICE)
        lattice_row(field->parts[i++].lattice, x0, y, n, out_x, out_y);
    else
        plain_row(x0, y, n, out_x, out_y);
    for (; i < field->n; i++) {
        const part *p = &field->parts[i];
        if (p->kind == PART_AFFINE)
            affine_move(&p->affine, n, out_x, out_y);
        else if (p->kind == PART_LATTICE)
            tw_lattice_move(p->lattice, n, out_x, out_y);
        else
            TW_TRY(tw_displacement_move(&p->displacement, n, out_x, out_y, scratch, err));
    }
    return TW_OK;
}

/* ---- displacements' bounds ---- */

static tw_status measure(tw_displacement *d, float *pairs, int64_t room, tw_error *err)
{
    double least[2] = {INFINITY, INFINITY}, most[2] = {-INFINITY, -INFINITY};
    for (int64_t y = 0; y < d->height; y++)
        for (int64_t x = 0; x < d->width; x += room) {
            int64_t n = tw_min64(room, d->width - x);
            TW_TRY(d->read(d->user, (tw_rect){x, y, n, 1}, pairs, err));
            for (int64_t k = 0; k < 2 * n; k++) {
                least[k & 1] = fmin(least[k & 1], (double)pairs[k]);
                most[k & 1] = fmax(most[k & 1], (double)pairs[k]);
            }
        }
    for (int a = 0; a < 2; a++) {
        d->least[a] = least[a];
        d->most[a] = most[a];
    }
    return TW_OK;
}

tw_status tw_field_measure(tw_field *field, tw_error *err)
{
    enum { ROOM = 4096 };
    float pairs[2 * ROOM];
    for (int i = 0; i < field->n; i++) {
        tw_displacement *d = &field->parts[i].displacement;
        bool known = d->least[0] <= d->most[0] && d->least[1] <= d->most[1];
        if (field->parts[i].kind == PART_DISPLACEMENT && !known)
            TW_TRY(measure(d, pairs, ROOM, err));
    }
    return TW_OK;
}

/* ---- bounds ---- */

/* Evaluation rounds a little; the box has to hold that, too. */
static void widen(double lo[2], double hi[2])
{
    for (int a = 0; a < 2; a++) {
        double slack = 8 * DBL_EPSILON * fmax(fabs(lo[a]), fabs(hi[a]));
        lo[a] -= slack;
        hi[a] += slack;
    }
}

static void affine_box(const tw_affine *affine, double lo[2], double hi[2])
{
    double from[2], to[2];
    for (int a = 0; a < 2; a++) {
        const double *m = affine->m + 3 * a;
        double slack =
            8 * DBL_EPSILON * (fabs(m[0]) * fmax(fabs(lo[0]), fabs(hi[0])) + fabs(m[1]) * fmax(fabs(lo[1]), fabs(hi[1])));
        from[a] = m[0] * (m[0] < 0 ? hi : lo)[0] + m[1] * (m[1] < 0 ? hi : lo)[1] + m[2] - slack;
        to[a] = m[0] * (m[0] < 0 ? lo : hi)[0] + m[1] * (m[1] < 0 ? lo : hi)[1] + m[2] + slack;
    }
    for (int a = 0; a < 2; a++) {
        lo[a] = from[a];
        hi[a] = to[a];
    }
}

bool tw_field_bounds(const tw_field *field, tw_rect out, double lo[2], double hi[2])
{
    lo[0] = (double)out.x;
    lo[1] = (double)out.y;
    hi[0] = (double)(out.x + out.w - 1);
    hi[1] = (double)(out.y + out.h - 1);
    for (int i = 0; i < field->n; i++) {
        const part *p = &field->parts[i];
        double u_lo[2], u_hi[2];
        if (p->kind == PART_AFFINE) {
            affine_box(&p->affine, lo, hi);
            widen(lo, hi);
            continue;
        }
        if (p->kind == PART_LATTICE)
            tw_lattice_hull(p->lattice, lo, hi, u_lo, u_hi);
        for (int a = 0; a < 2; a++) {
            if (p->kind == PART_DISPLACEMENT) {
                u_lo[a] = fmin(p->displacement.least[a], 0);
                u_hi[a] = fmax(p->displacement.most[a], 0);
                if (!(p->displacement.least[a] <= p->displacement.most[a]))
                    return false;
            }
            lo[a] += u_lo[a];
            hi[a] += u_hi[a];
        }
        widen(lo, hi);
    }
    return isfinite(lo[0]) && isfinite(lo[1]) && isfinite(hi[0]) && isfinite(hi[1]);
}

/* ---- what must not be applied ---- */

static tw_status check_affine(const tw_affine *a, const char *label, int i, tw_error *err)
{
    for (int k = 0; k < 6; k++)
        if (!isfinite(a->m[k]))
            return tw_fail(err, TW_ERROR_INPUT, "%s: part %d: number %d of the affine map is %g", label, i + 1, k + 1, a->m[k]);
    tw_affine inverse;
    if (!tw_affine_invert(a, &inverse))
        return tw_fail(err, TW_ERROR_INPUT, "%s: part %d: the affine map is singular: determinant %g", label, i + 1,
                       tw_affine_determinant(a));
    return TW_OK;
}

static tw_status check_lattice(const tw_lattice *l, const char *label, int i, bool folds_allowed, tw_error *err)
{
    for (int64_t k = 0; k < 2 * l->columns * l->rows; k++)
        if (!isfinite(l->u[0][k])) {
            int64_t point = k % (l->columns * l->rows);
            return tw_fail(err, TW_ERROR_INPUT, "%s: part %d: control point %lld, %lld is %g", label, i + 1,
                           (long long)(point % l->columns), (long long)(point / l->columns), l->u[0][k]);
        }
    double at[2], least = folds_allowed ? 1 : tw_lattice_min_jacobian(l, at);
    if (!(least > 0))
        return tw_fail(err, TW_ERROR_INPUT, "%s: part %d: the lattice folds: Jacobian %.3g at %.1f, %.1f", label, i + 1, least,
                       at[0], at[1]);
    return TW_OK;
}

tw_status tw_field_check(const tw_field *field, const char *label, bool folds_allowed, tw_error *err)
{
    for (int i = 0; i < field->n; i++) {
        const part *p = &field->parts[i];
        if (p->kind == PART_AFFINE)
            TW_TRY(check_affine(&p->affine, label, i, err));
        if (p->kind == PART_LATTICE)
            TW_TRY(check_lattice(p->lattice, label, i, folds_allowed, err));
    }
    return TW_OK;
}
