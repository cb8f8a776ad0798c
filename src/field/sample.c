/* SPDX-License-Identifier: MIT */
/* Points through displacements on a grid: whatever rectangle of samples a run of points needs is read at once. */
#include "field/room.h"

int64_t tw_displacement_room(int64_t n)
{
    return 4 * n + 64;
}

void tw_displacement_support(const tw_displacement *d, double lo[2], double hi[2])
{
    for (int a = 0; a < 2; a++) {
        lo[a] = d->origin[a];
        hi[a] = d->origin[a] + d->spacing[a] * (double)((a ? d->height : d->width) - 1);
    }
}

/* The first of the two samples beside an index, and the share of the second. Within half a sample of the grid its
 * border goes on. */
static bool between(const tw_axis *a, double x, int64_t *first, double *share)
{
    double index = tw_axis_index(a, x);
    if (!(index >= -0.5 && index <= (double)a->n - 0.5))
        return false;
    index = fmin(fmax(index, 0), (double)(a->n - 1));
    *first = tw_max64(tw_min64((int64_t)index, a->n - 2), 0);
    *share = index - (double)*first;
    return true;
}

/* The samples that the points need; empty when none of them is inside. */
static tw_rect samples_of(const tw_axis axis[2], int64_t n, const double *x, const double *y)
{
    int64_t lo[2] = {INT64_MAX, INT64_MAX}, hi[2] = {-1, -1}, i[2];
    double share;
    for (int64_t k = 0; k < n; k++) {
        if (!between(&axis[0], x[k], &i[0], &share) || !between(&axis[1], y[k], &i[1], &share))
            continue;
        for (int a = 0; a < 2; a++) {
            lo[a] = tw_min64(lo[a], i[a]);
            hi[a] = tw_max64(hi[a], tw_min64(i[a] + 1, axis[a].n - 1));
        }
    }
    return hi[0] < 0 ? (tw_rect){0, 0, 0, 0} : (tw_rect){lo[0], lo[1], hi[0] - lo[0] + 1, hi[1] - lo[1] + 1};
}

static void move_within(const tw_axis axis[2], tw_rect rect, const float *pairs, int64_t n, double *x, double *y)
{
    for (int64_t k = 0; k < n; k++) {
        int64_t i, j;
        double tx, ty, u[2];
        if (!between(&axis[0], x[k], &i, &tx) || !between(&axis[1], y[k], &j, &ty))
            continue;
        int64_t right = axis[0].n > 1 ? 2 : 0, below = axis[1].n > 1 ? 2 * rect.w : 0;
        const float *s = pairs + 2 * ((j - rect.y) * rect.w + i - rect.x);
        for (int a = 0; a < 2; a++, s++) {
            double top = (1 - tx) * (double)s[0] + tx * (double)s[right];
            double bottom = (1 - tx) * (double)s[below] + tx * (double)s[below + right];
            u[a] = (1 - ty) * top + ty * bottom;
        }
        x[k] += u[0];
        y[k] += u[1];
    }
}

tw_status tw_displacement_move(const tw_displacement *d, int64_t n, double *x, double *y, float *room, tw_error *err)
{
    const tw_axis axis[2] = {{d->origin[0], d->spacing[0], 1 / d->spacing[0], d->width},
                             {d->origin[1], d->spacing[1], 1 / d->spacing[1], d->height}};
    int64_t capacity = tw_displacement_room(n), run = n;
    for (int64_t k = 0; k < n; k += run, run = tw_min64(2 * run, n - k)) {
        tw_rect rect = samples_of(axis, run, x + k, y + k);
        /* Compared as shares: the product of two sides may be more than 64 bits hold. */
        for (; run > 1 && rect.w > 0 && rect.h > capacity / rect.w; rect = samples_of(axis, run, x + k, y + k))
            run = (run + 1) / 2;
        if (rect.w == 0)
            continue;
        TW_TRY(d->read(d->user, rect, room, err));
        move_within(axis, rect, room, run, x + k, y + k);
    }
    return TW_OK;
}
