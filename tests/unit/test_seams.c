/* SPDX-License-Identifier: MIT */
/** Edges between tiles that move to where the picture has least detail: their places against all that there are, and overlaps. */
#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>

#include "schedule/seams.h"

/* --- places of edges ----------------------------------------------------------------------------------------------- */

typedef struct found {
    int64_t detail, moved;
    bool any;
} found;

static bool allowed(const tw_seam_rule *rule, const int64_t *edges)
{
    for (int64_t i = 0; i < rule->count; i++) {
        int64_t length = edges[i + 1] - edges[i], even_last = rule->length - (rule->count - 1) * rule->pitch;
        int64_t least = i + 1 < rule->count ? rule->least : MIN(rule->least, even_last);
        if (length < least || length > rule->most || edges[i] % rule->align || llabs(edges[i] - i * rule->pitch) > rule->shift)
            return rule->count == 1;
    }
    return true;
}

static found cost_of(const tw_seam_rule *rule, const int64_t *detail, const int64_t *edges)
{
    found f = {.any = true};
    for (int64_t i = 1; i < rule->count; i++) {
        f.detail += tw_seams_detail(rule, detail, edges[i]);
        f.moved += llabs(edges[i] - i * rule->pitch);
    }
    return f;
}

/* All ways to lay edge `edge` and those behind it. */
static void try_all(const tw_seam_rule *rule, const int64_t *detail, int64_t *edges, int64_t edge, found *best)
{
    if (edge == rule->count) {
        found f = cost_of(rule, detail, edges);
        bool better = !best->any || f.detail < best->detail || (f.detail == best->detail && f.moved < best->moved);
        if (allowed(rule, edges) && better)
            *best = f;
        return;
    }
    for (int64_t at = edge * rule->pitch - rule->shift; at <= edge * rule->pitch + rule->shift; at += rule->align) {
        edges[edge] = at;
        if (at > 0 && at < rule->length)
            try_all(rule, detail, edges, edge + 1, best);
    }
}

static void choose(const tw_seam_rule *rule, const int64_t *detail, int64_t *edges)
{
    void *room = g_malloc((gsize)tw_seams_bytes(rule));
    tw_seams_choose(rule, detail, room, edges);
    g_free(room);
    g_assert_cmpint(edges[0], ==, 0);
    g_assert_cmpint(edges[rule->count], ==, rule->length);
    g_assert_true(allowed(rule, edges));
}

/* Pitches and lengths of all kinds, slivers among the last tiles; few kinds of detail, so that there are ties. */
static tw_seam_rule random_rule(GRand *rand)
{
    tw_seam_rule rule = {.align = g_rand_int_range(rand, 1, 4), .count = g_rand_int_range(rand, 1, 5)};
    rule.pitch = rule.align * g_rand_int_range(rand, 1, 9);
    rule.shift = rule.pitch / 2 / rule.align * rule.align;
    rule.length = (rule.count - 1) * rule.pitch + g_rand_int_range(rand, 1, (int)rule.pitch + 1);
    rule.most = rule.pitch + rule.align * g_rand_int_range(rand, 0, 4);
    rule.least = g_rand_int_range(rand, (int)(rule.pitch + 1) / 2, (int)rule.pitch + 1);
    rule.around = g_rand_int_range(rand, 1, 4);
    return rule;
}

static void test_brute_force(void)
{
    GRand *rand = g_rand_new_with_seed(7);
    for (int trial = 0; trial < 4000; trial++) {
        tw_seam_rule rule = random_rule(rand);
        int64_t detail[128], edges[8], tried[8] = {0};
        int kinds = trial % 3 == 0 ? 2 : 1000;
        for (int64_t i = 0; i < rule.length; i++)
            detail[i] = g_rand_int_range(rand, 0, kinds);
        found best = {.any = false};
        tried[rule.count] = rule.length;
        try_all(&rule, detail, tried, 1, &best);
        choose(&rule, detail, edges);
        found f = cost_of(&rule, detail, edges);
        g_assert_true(best.any);
        g_assert_cmpint(f.detail, ==, best.detail);
        g_assert_cmpint(f.moved, ==, best.moved);
    }
    g_rand_free(rand);
}

/* Where nothing is smoother than the rest edges stay even; a smooth place in reach is found, one out of reach is not. */
static void test_ties(void)
{
    int64_t detail[200], edges[6];
    tw_seam_rule rule = {.length = 200, .count = 5, .pitch = 40, .shift = 20, .least = 20, .most = 45, .align = 1, .around = 2};
    for (int i = 0; i < 200; i++)
        detail[i] = 9;
    choose(&rule, detail, edges);
    for (int64_t i = 0; i < 5; i++)
        g_assert_cmpint(edges[i], ==, 40 * i);
    for (int i = 69; i < 73; i++)
        detail[i] = 0;
    choose(&rule, detail, edges);
    g_assert_cmpint(edges[2], ==, 71);
    g_assert_cmpint(edges[3], ==, 71 + 45); /* follows no further than it must */
    g_assert_cmpint(edges[4], ==, 160);
    detail[69] = detail[70] = detail[71] = detail[72] = 9;
    for (int i = 12; i < 17; i++)
        detail[i] = 0;
    choose(&rule, detail, edges);
    g_assert_cmpint(edges[1], ==, 40);
}

/* --- overlaps ------------------------------------------------------------------------------------------------------ */

/* Least where it is smooth, more where there is detail, and never more than the tiles hold. */
static void test_overlaps(void)
{
    static const int64_t positions[] = {0, 50, 90, 150, 210, 250, 300};
    int64_t order[10], reaches[10];
    static const int64_t detail[] = {0, 100, 10, 400, 400, 300, 0};
    tw_seams_widen(6, positions, detail, 4, 80, order, reaches);
    static const int64_t want[] = {0, 4, 4, 10, 10, 12, 0};
    for (int i = 0; i < 7; i++)
        g_assert_cmpint(reaches[i], ==, want[i]);
    GRand *rand = g_rand_new_with_seed(11);
    for (int trial = 0; trial < 3000; trial++) {
        int64_t count = g_rand_int_range(rand, 1, 9), reach = g_rand_int_range(rand, 0, 6), most = 40 + 2 * reach;
        int64_t at[10] = {0}, along[10] = {0};
        for (int64_t i = 1; i <= count; i++) {
            at[i] = at[i - 1] + g_rand_int_range(rand, (int)MAX(2 * reach, 1), 41);
            along[i] = g_rand_int_range(rand, 0, 5);
        }
        tw_seams_widen(count, at, along, reach, most, (int64_t[10]){0}, reaches);
        for (int64_t i = 0; i < count; i++) {
            g_assert_cmpint(reaches[i] + reaches[i + 1], <=, at[i + 1] - at[i]);
            g_assert_cmpint(at[i + 1] - at[i] + reaches[i] + reaches[i + 1], <=, most);
            g_assert_cmpint(reaches[i], >=, i ? reach : 0);
            g_assert_cmpint(reaches[i], <=, 3 * reach);
        }
    }
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/seams/brute-force", test_brute_force);
    g_test_add_func("/seams/ties", test_ties);
    g_test_add_func("/seams/overlaps", test_overlaps);
    return g_test_run();
}
