/* SPDX-License-Identifier: MIT */
/** Dynamic programming over the edges from first to last: the best way to every place that an edge may take is the best over those places
 *  of the edge before that make a tile of a length that is allowed. */
#include "schedule/seams.h"

#include "base/rect.h"

#define NEVER INT64_MAX

typedef struct cost {
    int64_t detail; /* NEVER: there is no way */
    int64_t moved;  /* samples, all edges together */
} cost;

static int64_t places_of(const tw_seam_rule *rule)
{
    return 2 * (rule->shift / rule->align) + 1;
}

static int64_t position(const tw_seam_rule *rule, int64_t edge, int64_t place)
{
    return edge * rule->pitch - rule->shift + place * rule->align;
}

int64_t tw_seams_bytes(const tw_seam_rule *rule)
{
    return places_of(rule) * (2 * (int64_t)sizeof(cost) + rule->count * (int64_t)sizeof(int32_t));
}

int64_t tw_seams_detail(const tw_seam_rule *rule, const int64_t *detail, int64_t at)
{
    int64_t from = tw_max64(at - rule->around, 0), to = tw_min64(at + rule->around, rule->length), sum = 0;
    for (int64_t i = from; i < to; i++)
        sum += detail[i];
    return sum / (to - from) * 16 + sum % (to - from) * 16 / (to - from);
}

static bool less(cost a, cost b)
{
    return a.detail != b.detail ? a.detail < b.detail : a.moved < b.moved;
}

/* The tile behind the last edge. */
static bool ends_well(const tw_seam_rule *rule, int64_t at)
{
    int64_t even = rule->length - (rule->count - 1) * rule->pitch, length = rule->length - at;
    return length >= tw_min64(rule->least, even) && length <= rule->most;
}

/* What it takes to put an edge at a place, without the edges before it. */
static cost own_cost(const tw_seam_rule *rule, const int64_t *detail, int64_t edge, int64_t place)
{
    int64_t at = position(rule, edge, place), moved = at - edge * rule->pitch;
    bool first_is_bad = edge == 1 && (at < rule->least || at > rule->most);
    if (at <= 0 || at >= rule->length || first_is_bad || (edge == rule->count - 1 && !ends_well(rule, at)))
        return (cost){NEVER, 0};
    return (cost){tw_seams_detail(rule, detail, at), moved < 0 ? -moved : moved};
}

/* The best place of the edge before: of equals the first. */
static int32_t best_before(const tw_seam_rule *rule, const cost *before, int64_t place)
{
    int64_t longest = (rule->most - rule->pitch) / rule->align, shortest = (rule->pitch - rule->least) / rule->align;
    int64_t from = tw_max64(place - longest, 0), to = tw_min64(place + shortest, places_of(rule) - 1), best = from;
    for (int64_t i = from; i <= to; i++)
        if (less(before[i], before[best]))
            best = i;
    return (int32_t)best;
}

void tw_seams_choose(const tw_seam_rule *rule, const int64_t *detail, void *room, int64_t *edges)
{
    int64_t places = places_of(rule), last = rule->count - 1;
    cost *before = room, *now = before + places;
    int32_t *way = (int32_t *)(now + places); /* of each edge and place: the place of the edge before */
    edges[0] = 0;
    edges[rule->count] = rule->length;
    for (int64_t edge = 1; edge <= last; edge++) {
        for (int64_t place = 0; place < places; place++) {
            now[place] = own_cost(rule, detail, edge, place);
            if (edge == 1 || now[place].detail == NEVER)
                continue;
            int32_t best = way[edge * places + place] = best_before(rule, before, place);
            if (before[best].detail == NEVER)
                now[place].detail = NEVER;
            else
                now[place] = (cost){now[place].detail + before[best].detail, now[place].moved + before[best].moved};
        }
        cost *swap = before;
        before = now;
        now = swap;
    }
    int64_t place = 0;
    for (int64_t i = 1; i < places && last > 0; i++)
        if (less(before[i], before[place]))
            place = i;
    for (int64_t edge = last; edge > 0; edge--) {
        edges[edge] = position(rule, edge, place);
        place = edge > 1 ? way[edge * places + place] : 0;
    }
}

/* --- overlaps ------------------------------------------------------------------------------------------------------ */

/* Edges from the most detailed to the least; of equals the first comes first. Insertion: there are few. */
static void sort_edges(int64_t count, const int64_t *detail, int64_t *order)
{
    for (int64_t edge = 1; edge < count; edge++) {
        int64_t at = edge - 1;
        for (; at > 0 && detail[edge] > detail[order[at - 1]]; at--)
            order[at] = order[at - 1];
        order[at] = edge;
    }
}

/* A tile between two edges. */
static bool tile_holds(int64_t length, int64_t reach, int64_t other, int64_t most)
{
    return reach <= length / 2 && reach + other <= length && length + reach + other <= most;
}

void tw_seams_widen(int64_t count, const int64_t *positions, const int64_t *detail, int64_t reach, int64_t most, int64_t *order,
                    int64_t *reaches)
{
    int64_t sum = 0;
    for (int64_t i = 0; i <= count; i++)
        reaches[i] = i > 0 && i < count ? reach : 0;
    for (int64_t i = 1; i < count; i++)
        sum += detail[i];
    sort_edges(count, detail, order);
    for (int64_t halves = 3; halves <= 6; halves++)
        for (int64_t i = 0; i + 1 < count; i++) {
            int64_t edge = order[i], wider = reach * halves / 2;
            if (detail[edge] * (count - 1) < sum / 2) /* so are those behind it */
                break;
            if (tile_holds(positions[edge] - positions[edge - 1], wider, reaches[edge - 1], most) &&
                tile_holds(positions[edge + 1] - positions[edge], wider, reaches[edge + 1], most))
                reaches[edge] = wider;
        }
}
