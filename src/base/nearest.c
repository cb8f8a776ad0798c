/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include <string.h>

#define LONGEST 63

static int least(int a, int b)
{
    return a < b ? a : b;
}

int tw_edit_distance(const char *a, const char *b)
{
    int rows[3][LONGEST + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];
    int n = (int)strnlen(a, LONGEST), m = (int)strnlen(b, LONGEST);

    for (int j = 0; j <= m; j++)
        above[j] = j;
    memcpy(before, above, sizeof rows[0]);
    for (int i = 1; i <= n; i++) {
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        int *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[m];
}

void tw_nearest_offer(tw_nearest *best, const char *word, const char *candidate)
{
    int length = (int)strnlen(word, LONGEST);
    int allowed = length < 3 ? 1 : (length + 2) / 3;
    int distance = tw_edit_distance(word, candidate);

    /* A long beginning of the right name is not a typo but an abbreviation: rank it as one edit. */
    if (length >= 3 && strncmp(word, candidate, (size_t)length) == 0)
        distance = least(distance, 1);
    if (distance > allowed || distance >= (int)strlen(candidate))
        return;
    if (!best->name || distance < best->distance) {
        best->name = candidate;
        best->distance = distance;
    }
}
