/* SPDX-License-Identifier: MIT */
/** Where the moving picture lies as a whole: turns and scales that the spectra allow, each with its half turn, are tried on the coarsest
 *  level; of the shifts that correlate best the one counts after which the pictures are most alike where they overlap. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/register/global.h"

#define FINE        1    /* half side of the box that takes grain away */
#define COARSE      10   /* the same of the one that takes lighting away */
#define PEAKS       4    /* shifts that are tried for each turn */
#define OVERLAP     0.2  /* least part of the smaller picture that must be shown by both */
#define ALIKE       0.22 /* least correlation coefficient of pictures of one thing */
#define APART       4.0  /* pixels of the level between maps that are not the same one */
#define UNSURE      0.93 /* second best over best: not to be told apart */
#define LEAST_SHARE 0.25 /* of the windows must agree on a map */
#define SHARED      0.5  /* of those agree on another one */
#define LESS        0.05 /* and are as much alike there, but for this: not to be told apart */

/* Pictures without grain and lighting; NAN where nothing is known. */
typedef struct bands {
    float *at[2];
    int64_t width[2], height[2];
} bands;

typedef struct search {
    bands bands;
    int n; /* side of the canvas */
    tw_correlator correlator;
    float *canvas[2], *room;
    tw_found found[TW_GLOBAL_FOUND];
    int count;
} search;

static int canvas_side(const int64_t width[2], const int64_t height[2])
{
    int64_t side = tw_max64(tw_max64(width[0], height[0]), tw_max64(width[1], height[1])) * 5 / 4;
    int n = 64;
    while (n < side && n < TW_FFT_MOST)
        n *= 2;
    return n;
}

static int64_t correlate_bytes(int64_t n)
{
    return (2 * n * n + 2 * n * (n / 2 + 8) + n * (n / 2 + 8) + 4 * n) * 4 + TW_FFT_ROOM(n);
}

int64_t tw_global_bytes(const tw_op_state *state)
{
    int top = state->levels - 1;
    int64_t width[2], height[2], pixels = 0, side = 0;
    for (int k = 0; k < 2; k++) {
        width[k] = state->pyramid[k].width[top], height[k] = state->pyramid[k].height[top];
        pixels += width[k] * height[k];
        side = tw_max64(side, tw_max64(width[k], height[k]));
    }
    int64_t n = canvas_side(width, height);
    int64_t trying = pixels * 4 + 2 * n * n * 4 + correlate_bytes(n), sums = (pixels + 2 * side + 2) * 16;
    return pixels * 4 + tw_max64(tw_max64(trying, tw_spectrum_bytes(side)), pixels * 4 + sums) + TW_LEVEL_ROOM + 16 * 4096;
}

/* --- pictures ------------------------------------------------------------------------------------------------------ */

static tw_status load(tw_op_state *state, int level, tw_global_view *view, tw_error *err)
{
    tw_account *account = tw_context_account(state->context);
    void *room = tw_alloc(account, TW_LEVEL_ROOM);
    tw_status status = room ? TW_OK : tw_fail_memory(err, "level", TW_LEVEL_ROOM);
    for (int k = 0; k < 2 && status == TW_OK; k++) {
        const tw_levels *levels = &state->pyramid[k];
        int64_t w = view->width[k] = levels->width[level], h = view->height[k] = levels->height[level];
        view->pixels[k] = tw_alloc(account, (size_t)(w * h) * sizeof(float));
        status = view->pixels[k] ? tw_levels_read_floats(levels, level, (tw_rect){0, 0, w, h}, view->pixels[k], w, room, err)
                                 : tw_fail_memory(err, "level", (long long)(w * h * 4));
    }
    tw_free(room);
    return status;
}

/* Sums over everything above and left of a pixel, of values and of how many there are. */
static void sum_up(const float *pixels, int64_t w, int64_t h, double *sums, double *counts)
{
    memset(sums, 0, (size_t)(w + 1) * sizeof *sums);
    memset(counts, 0, (size_t)(w + 1) * sizeof *counts);
    for (int64_t y = 0; y < h; y++) {
        double sum = 0, count = 0;
        int64_t row = (y + 1) * (w + 1);
        sums[row] = counts[row] = 0;
        for (int64_t x = 0; x < w; x++) {
            float v = pixels[y * w + x];
            sum += v >= 0 ? (double)v : 0, count += v >= 0;
            sums[row + x + 1] = sums[row - w + x] + sum;
            counts[row + x + 1] = counts[row - w + x] + count;
        }
    }
}

static double box_sum(const double *sums, int64_t w, int64_t h, int64_t x, int64_t y, int64_t reach)
{
    int64_t x0 = tw_max64(x - reach, 0), x1 = tw_min64(x + reach + 1, w), y0 = tw_max64(y - reach, 0),
            y1 = tw_min64(y + reach + 1, h);
    return sums[y1 * (w + 1) + x1] - sums[y0 * (w + 1) + x1] - sums[y1 * (w + 1) + x0] + sums[y0 * (w + 1) + x0];
}

static tw_status make_band(tw_account *account, const tw_global_view *view, int k, bands *out, tw_error *err)
{
    int64_t w = out->width[k] = view->width[k], h = out->height[k] = view->height[k], points = (w + 1) * (h + 1);
    double *sums = tw_alloc(account, (size_t)points * sizeof(double)),
           *counts = tw_alloc(account, (size_t)points * sizeof(double));
    out->at[k] = tw_alloc(account, (size_t)(w * h) * sizeof(float));
    if (!sums || !counts || !out->at[k]) {
        tw_free(sums);
        tw_free(counts);
        return tw_fail_memory(err, "level", (long long)(points * 16));
    }
    sum_up(view->pixels[k], w, h, sums, counts);
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            double near = box_sum(counts, w, h, x, y, FINE), wide = box_sum(counts, w, h, x, y, COARSE);
            bool known = view->pixels[k][y * w + x] >= 0;
            out->at[k][y * w + x] =
                known ? (float)(box_sum(sums, w, h, x, y, FINE) / near - box_sum(sums, w, h, x, y, COARSE) / wide) : NAN;
        }
    tw_free(sums);
    tw_free(counts);
    return TW_OK;
}

/* NAN outside. */
static float sample(const bands *b, int k, double x, double y)
{
    int64_t w = b->width[k], ix = (int64_t)floor(x), iy = (int64_t)floor(y);
    if (!(x >= 0 && y >= 0 && ix < w - 1 && iy < b->height[k] - 1))
        return NAN;
    float tx = (float)(x - (double)ix), ty = (float)(y - (double)iy);
    const float *p = b->at[k] + iy * w + ix;
    return (p[0] * (1 - tx) + p[1] * tx) * (1 - ty) + (p[w] * (1 - tx) + p[w + 1] * tx) * ty;
}

/* --- one turn ------------------------------------------------------------------------------------------------------ */

/* Fixed pixel -> moving pixel of the level: turned and scaled around the pictures' middles, after a shift. */
static tw_affine map_of(const bands *b, const tw_turn *turn, double dx, double dy)
{
    double c = turn->scale * cos(turn->angle), s = turn->scale * sin(turn->angle);
    double x = dx - (double)(b->width[0] - 1) / 2, y = dy - (double)(b->height[0] - 1) / 2;
    return (tw_affine){
        {c, -s, (double)(b->width[1] - 1) / 2 + c * x - s * y, s, c, (double)(b->height[1] - 1) / 2 + s * x + c * y}};
}

/* Both on the canvas, their middles in its middle; the moving one turned back. */
static void lay(const search *s, const tw_turn *turn)
{
    const bands *b = &s->bands;
    tw_affine map = map_of(b, turn, 0, 0);
    int64_t left = s->n / 2 - b->width[0] / 2, top = s->n / 2 - b->height[0] / 2;
    for (int64_t y = 0; y < s->n; y++)
        for (int64_t x = 0; x < s->n; x++) {
            double p[2], fx = (double)(x - left), fy = (double)(y - top);
            tw_affine_at(&map, fx, fy, p);
            float f = NAN, m = sample(b, 1, p[0], p[1]);
            if (x >= left && y >= top && x - left < b->width[0] && y - top < b->height[0])
                f = b->at[0][(y - top) * b->width[0] + x - left];
            s->canvas[0][y * s->n + x] = isnan(f) ? 0 : f;
            s->canvas[1][y * s->n + x] = isnan(m) ? 0 : m;
        }
}

/* Correlation coefficient where both are known, every second pixel of every second row; *overlap: of the smaller picture. */
static double alike(const bands *b, const tw_affine *map, double *overlap)
{
    double n = 0, f1 = 0, m1 = 0, ff = 0, mm = 0, fm = 0;
    for (int64_t y = 0; y < b->height[0]; y += 2)
        for (int64_t x = 0; x < b->width[0]; x += 2) {
            double p[2];
            tw_affine_at(map, (double)x, (double)y, p);
            float f = b->at[0][y * b->width[0] + x], m = sample(b, 1, p[0], p[1]);
            if (isnan(f) || isnan(m))
                continue;
            double a = (double)f, c = (double)m;
            n++, f1 += a, m1 += c, ff += a * a, mm += c * c, fm += a * c;
        }
    double scale2 = fabs(tw_affine_determinant(map)), own = (double)(b->width[0] * b->height[0]);
    double other = (double)(b->width[1] * b->height[1]) / scale2;
    *overlap = 4 * n / fmin(own, other);
    ff -= f1 * f1 / fmax(n, 1), mm -= m1 * m1 / fmax(n, 1), fm -= f1 * m1 / fmax(n, 1);
    return ff > 1e-9 && mm > 1e-9 ? fm / sqrt(ff * mm) : 0;
}

/* How far apart two maps take the corners of the fixed picture. */
static double distance(const bands *b, const tw_affine *p, const tw_affine *q)
{
    double most = 0;
    for (int k = 0; k < 4; k++) {
        double x = k & 1 ? (double)b->width[0] : 0, y = k & 2 ? (double)b->height[0] : 0, u[2], v[2];
        tw_affine_at(p, x, y, u);
        tw_affine_at(q, x, y, v);
        most = fmax(most, hypot(u[0] - v[0], u[1] - v[1]));
    }
    return most;
}

/* Keeps the best of each kind, best first. */
static void keep(search *s, const tw_found *found)
{
    for (int i = 0; i < s->count; i++)
        if (distance(&s->bands, &s->found[i].map, &found->map) < APART) {
            if (found->alike > s->found[i].alike)
                s->found[i] = *found;
            return;
        }
    if (s->count < TW_GLOBAL_FOUND)
        s->found[s->count++] = *found;
    else if (found->alike > s->found[s->count - 1].alike)
        s->found[s->count - 1] = *found;
    for (int i = s->count - 1; i > 0 && s->found[i].alike > s->found[i - 1].alike; i--) {
        tw_found other = s->found[i];
        s->found[i] = s->found[i - 1], s->found[i - 1] = other;
    }
}

static void try_shift(search *s, const tw_turn *turn, int dx, int dy)
{
    tw_found found = {.turn = *turn, .shift = {dx, dy}, .map = map_of(&s->bands, turn, dx, dy)};
    found.alike = alike(&s->bands, &found.map, &found.overlap);
    if (found.overlap >= OVERLAP)
        keep(s, &found);
}

static void try_turn(search *s, const tw_turn *turn)
{
    int n = s->n, most = n / 2 - 8, taken[PEAKS][2];
    const float *map;
    lay(s, turn);
    tw_correlate_map(&s->correlator, s->canvas[0], s->canvas[1], most, s->room, &map);
    for (int k = 0; k < PEAKS; k++) {
        float best = 0;
        for (int y = -most; y < most; y++)
            for (int x = -most; x < most; x++) {
                float v = map[(int64_t)(y & (n - 1)) * n + (x & (n - 1))];
                bool near = false;
                for (int j = 0; v > best && j < k; j++)
                    near |= abs(x - taken[j][0]) <= 3 && abs(y - taken[j][1]) <= 3;
                if (v > best && !near)
                    best = v, taken[k][0] = x, taken[k][1] = y;
            }
        if (!(best > 0))
            return;
        try_shift(s, turn, taken[k][0], taken[k][1]);
    }
}

/* A fraction of a turn, of a scale and of a pixel, by smaller and smaller steps. */
static void improve(const bands *b, tw_found *found)
{
    double step[4] = {0.006, 0.006, 1, 1}; /* angle, logarithm of the scale, shift */
    for (int round = 0; round < 40 && step[2] > 0.1; round++) {
        bool better = false;
        for (int k = 0; k < 8; k++) {
            double d[4] = {0}, overlap;
            d[k / 2] = k & 1 ? -step[k / 2] : step[k / 2];
            tw_turn turn = {found->turn.angle + d[0], found->turn.scale * exp(d[1]), 0};
            tw_affine map = map_of(b, &turn, found->shift[0] + d[2], found->shift[1] + d[3]);
            double now = alike(b, &map, &overlap);
            if (now > found->alike && overlap >= OVERLAP) {
                found->turn = turn, found->map = map, found->alike = now, found->overlap = overlap;
                found->shift[0] += d[2], found->shift[1] += d[3];
                better = true;
            }
        }
        for (int k = 0; !better && k < 4; k++)
            step[k] /= 2;
    }
}

/* --- */

static tw_status try_all(search *s, tw_context *context, const tw_turn *turns, int count, tw_error *err)
{
    tw_account *account = tw_context_account(context);
    int64_t square = (int64_t)s->n * s->n * (int64_t)sizeof(float);
    TW_TRY(tw_correlator_new(account, s->n, 0.18, &s->correlator, err));
    s->canvas[0] = tw_alloc(account, (size_t)square);
    s->canvas[1] = tw_alloc(account, (size_t)square);
    s->room = tw_alloc(account, (size_t)tw_correlate_room(&s->correlator) * sizeof(float));
    if (!s->canvas[0] || !s->canvas[1] || !s->room)
        return tw_fail_memory(err, "correlation", (long long)(2 * square));
    const tw_turn none = {0, 1, 0};
    try_turn(s, &none);
    for (int i = 0; i < count; i++)
        for (int half = 0; half < 2; half++) {
            TW_TRY(tw_context_check(context, err));
            tw_turn turn = {turns[i].angle + half * M_PI, turns[i].scale, turns[i].score};
            try_turn(s, &turn);
        }
    return TW_OK;
}

static tw_status search_level(search *s, tw_op_state *state, int level, tw_error *err)
{
    tw_account *account = tw_context_account(state->context);
    tw_global_view view = {{NULL}, {0}, {0}};
    tw_turn turns[TW_MOST_TURNS];
    int count = 0;
    tw_status status = load(state, level, &view, err);
    if (status == TW_OK)
        status = tw_spectrum_turns(account, &view, turns, &count, err);
    for (int k = 0; k < 2 && status == TW_OK; k++)
        status = make_band(account, &view, k, &s->bands, err);
    for (int k = 0; k < 2; k++)
        tw_free(view.pixels[k]);
    s->n = canvas_side(view.width, view.height);
    return status == TW_OK ? try_all(s, state->context, turns, count, err) : status;
}

static void finish(search *s)
{
    for (int k = 0; k < 2; k++) {
        tw_free(s->bands.at[k]);
        tw_free(s->canvas[k]);
    }
    tw_free(s->room);
    tw_correlator_free(&s->correlator);
}

static void best_first(search *s)
{
    for (int i = 1; i < s->count; i++)
        if (s->found[i].alike > s->found[0].alike) {
            tw_found other = s->found[0];
            s->found[0] = s->found[i], s->found[i] = other;
        }
}

/* The best of those that are somewhere else than the first one; NULL: there is none. */
static const tw_found *second_place(const search *s)
{
    const tw_found *second = NULL;
    for (int i = 1; i < s->count; i++)
        if (distance(&s->bands, &s->found[0].map, &s->found[i].map) >= APART && (!second || s->found[i].alike > second->alike))
            second = &s->found[i];
    return second;
}

/* Windows of deformed pictures tell a map's middle better than its corners. */
static bool elsewhere(const bands *b, const tw_affine *p, const tw_affine *q)
{
    double u[2], v[2], x = (double)b->width[0] / 2, y = (double)b->height[0] / 2;
    tw_affine_at(p, x, y, u);
    tw_affine_at(q, x, y, v);
    return hypot(u[0] - v[0], u[1] - v[1]) > APART - 1 || distance(b, p, q) > 10 * APART;
}

/* Whether windows have nothing against this map, either. */
static tw_status fits_as_well(const search *s, tw_op_state *state, const tw_affine *best, const tw_agreed *why, tw_affine map,
                              bool *unsure, tw_error *err)
{
    tw_agreed other;
    if (*unsure || !elsewhere(&s->bands, best, &map))
        return TW_OK;
    TW_TRY(tw_agree(state, &map, &other, err));
    *unsure = other.share > SHARED * why->share && other.alike > why->alike - LESS && elsewhere(&s->bands, best, &map);
    return TW_OK;
}

/* What the pictures as wholes leave open, windows decide: whether they show the same thing, where, and there only. */
static tw_status ask_windows(search *s, tw_op_state *state, bool *lost, bool *unsure, tw_error *err)
{
    tw_agreed best = {0, 0};
    int first = 0;
    for (int i = 0; i < s->count; i++) {
        tw_agreed now;
        tw_affine map = s->found[i].map;
        TW_TRY(tw_agree(state, &map, &now, err));
        if (now.share * now.alike > best.share * best.alike)
            best = now, first = i, s->found[i].map = map;
    }
    *lost = best.share < LEAST_SHARE;
    *unsure = false;
    if (*lost)
        return TW_OK;
    tw_found swap = s->found[0];
    s->found[0] = s->found[first], s->found[first] = swap;
    for (int i = 1; i < s->count; i++)
        TW_TRY(fits_as_well(s, state, &s->found[0].map, &best, s->found[i].map, unsure, err));
    double unit = (double)(INT64_C(1) << (state->levels - 1));
    tw_affine shift = {{1, 0, state->result.repeat[0] / unit, 0, 1, state->result.repeat[1] / unit}};
    return fits_as_well(s, state, &s->found[0].map, &best, tw_affine_after(&s->found[0].map, &shift), unsure, err);
}

static tw_status judge(search *s, tw_op_state *state, tw_error *err)
{
    best_first(s);
    const tw_found *best = &s->found[0], *second = second_place(s);
    double ratio = second ? fmax(second->alike, 0) / fmax(best->alike, 1e-9) : 0;
    state->result.global_score = s->count > 0 ? best->alike : 0;
    state->result.global_second = ratio;
    bool lost = s->count == 0 || best->alike<ALIKE, unsure = ratio> UNSURE;
    if (s->count > 0 && (lost || unsure || state->result.period > 0))
        TW_TRY(ask_windows(s, state, &lost, &unsure, err));
    unsure &= !state->allow_ambiguous;
    if ((lost || unsure) && state->result.period > 0)
        return tw_fail(err, TW_ERROR_RUN,
                       "%s and %s: ambiguous: the picture repeats every %.1f pixels, and nothing else in it tells where the "
                       "other one lies; "
                       "--init FILE gives a first map",
                       state->label[0], state->label[1], state->result.period);
    if (lost)
        return tw_fail(err, TW_ERROR_RUN,
                       "%s and %s do not show the same thing, as far as can be seen: the best of all turns, scales and shifts "
                       "correlates by "
                       "%.2f, %.2f is wanted; --init FILE gives a first map",
                       state->label[0], state->label[1], state->result.global_score, ALIKE);
    second = second_place(s); /* windows may have put another one first; what they say fits as well may lie nearer than that */
    if (unsure && second)
        return tw_fail(err, TW_ERROR_RUN,
                       "%s and %s: ambiguous: another place, %.0f pixels away, fits as well (%.3f against %.3f), as in a "
                       "pattern that repeats; "
                       "--init FILE gives a first map, --allow-ambiguous takes the best",
                       state->label[0], state->label[1],
                       distance(&s->bands, &best->map, &second->map) * (double)(INT64_C(1) << (state->levels - 1)),
                       second->alike, best->alike);
    if (unsure)
        return tw_fail(err, TW_ERROR_RUN,
                       "%s and %s: ambiguous: windows fit at another place nearby as well; --init FILE gives a first map, "
                       "--allow-ambiguous takes the best",
                       state->label[0], state->label[1]);
    return TW_OK;
}

tw_status tw_global_find(tw_op_state *state, tw_error *err)
{
    search s = {.n = 0};
    int top = state->levels - 1;
    tw_status status = tw_period_find(state, err);
    if (status == TW_OK)
        status = search_level(&s, state, top, err);
    for (int i = 0; i < s.count && i < 3 && status == TW_OK; i++)
        improve(&s.bands, &s.found[i]);
    if (status == TW_OK)
        status = judge(&s, state, err);
    if (status == TW_OK) {
        double unit = (double)(INT64_C(1) << top);
        state->affine = s.found[0].map;
        state->affine.m[2] *= unit, state->affine.m[5] *= unit;
    }
    finish(&s);
    return status;
}
