/* SPDX-License-Identifier: MIT */
/** Seams: tiles that were computed with too little context leave a difference that jumps at their borders. Sums of the
 *  jumps in front of every column and row are enough to judge any period, so that one pass and O(width + height)
 *  memory do. */
#include <math.h>

#include "ops/compare/state.h"

#define SHORTEST    16
#define LONGEST     1024
#define CLIP        4.0 /* in the search a line counts at most this many times the mean: one edge is not a grid */
#define SIGNIFICANT 5.0 /* standard errors; the best of a thousand periods of noise stays below 4 */

static int64_t first_line(tw_span span, int64_t period)
{
    return (span.lo / period + 1) * period; /* the line in front of the area is not in it */
}

/* Sum of the lines of a period, each at most `most`. */
static double sum_lines(const int64_t *lines, tw_span span, int64_t from, int64_t period, double most, int64_t *count)
{
    double sum = 0;
    *count = 0;
    for (int64_t i = from; i < span.hi; i += period) {
        double v = (double)lines[i];
        sum += v < most ? v : most;
        ++*count;
    }
    return sum;
}

static double score(const int64_t *lines, tw_span span, int64_t period, double samples, double floor)
{
    int64_t n_all, n_on;
    double all = sum_lines(lines, span, span.lo + 1, 1, INFINITY, &n_all);
    double on = sum_lines(lines, span, first_line(span, period), period, INFINITY, &n_on);
    if (n_on == 0 || n_on == n_all)
        return 1;
    on /= (double)n_on * samples;
    double off = tw_max64(n_all - n_on, 1) * samples;
    off = (all - on * (double)n_on * samples) / off;
    return (on + floor) / ((off > 0 ? off : 0) + floor);
}

/* The period whose lines stand out most from the others. Multiples of a tile's period have its mean on fewer lines and
 * divisors have a lower mean, so that the standard error picks the period itself. 0: none stands out. */
static int64_t search(const int64_t *lines, tw_span span)
{
    int64_t n, best = 0;
    double clip = CLIP * sum_lines(lines, span, span.lo + 1, 1, INFINITY, &n) / (double)tw_max64(n, 1);
    double all = sum_lines(lines, span, span.lo + 1, 1, clip, &n), squares = 0, most = SIGNIFICANT;
    for (int64_t i = span.lo + 1; i < span.hi; i++) {
        double v = (double)lines[i] < clip ? (double)lines[i] : clip;
        squares += (v - all / (double)n) * (v - all / (double)n);
    }
    if (n < 3 * SHORTEST || squares <= 0)
        return 0;
    double deviation = sqrt(squares / (double)n);
    for (int64_t period = SHORTEST; period <= LONGEST; period++) {
        int64_t n_on;
        double on = sum_lines(lines, span, first_line(span, period), period, clip, &n_on);
        if (n_on < 2)
            break;
        double gain = on / (double)n_on - (all - on) / (double)(n - n_on);
        double errors = gain * sqrt((double)n_on) / deviation;
        if (errors > most) {
            most = errors;
            best = period;
        }
    }
    return best;
}

tw_seam tw_compare_seam(const int64_t *lines, tw_span span, int64_t period, double samples, double floor)
{
    if (period == 0)
        period = search(lines, span);
    return (tw_seam){period > 0 ? score(lines, span, period, samples, floor) : 1, period};
}
