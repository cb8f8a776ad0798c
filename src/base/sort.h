/* SPDX-License-Identifier: MIT */
/** For qsort. */
#ifndef TW_BASE_SORT_H
#define TW_BASE_SORT_H

/** Doubles, the smallest first. */
static inline int tw_ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#endif
