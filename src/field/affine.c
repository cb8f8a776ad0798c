/* SPDX-License-Identifier: MIT */
#include "field/affine.h"

#include <math.h>

#include "field/room.h"

void tw_affine_at(const tw_affine *a, double x, double y, double out[2])
{
    out[0] = tw_affine_axis(a->m, x, y);
    out[1] = tw_affine_axis(a->m + 3, x, y);
}

tw_affine tw_affine_after(const tw_affine *second, const tw_affine *first)
{
    const double *s = second->m, *f = first->m;
    return (tw_affine){{s[0] * f[0] + s[1] * f[3], s[0] * f[1] + s[1] * f[4], s[0] * f[2] + s[1] * f[5] + s[2],
                        s[3] * f[0] + s[4] * f[3], s[3] * f[1] + s[4] * f[4], s[3] * f[2] + s[4] * f[5] + s[5]}};
}

double tw_affine_determinant(const tw_affine *a)
{
    return a->m[0] * a->m[4] - a->m[1] * a->m[3];
}

bool tw_affine_invert(const tw_affine *a, tw_affine *out)
{
    const double *m = a->m;
    double d = tw_affine_determinant(a), size = (fabs(m[0]) + fabs(m[1])) * (fabs(m[3]) + fabs(m[4]));
    if (!isfinite(d) || !(fabs(d) > 1e-14 * size))
        return false;
    tw_affine r = {{m[4] / d, -m[1] / d, 0, -m[3] / d, m[0] / d, 0}};
    r.m[2] = -(r.m[0] * m[2] + r.m[1] * m[5]);
    r.m[5] = -(r.m[3] * m[2] + r.m[4] * m[5]);
    for (int i = 0; i < 6; i++)
        if (!isfinite(r.m[i]))
            return false;
    *out = r;
    return true;
}
