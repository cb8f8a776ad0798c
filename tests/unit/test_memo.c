/* SPDX-License-Identifier: MIT */
#include <glib.h>

#include "base/memo.h"

static void test_find(void)
{
    tw_memo *memo = tw_memo_new(100);
    int64_t value[2];
    for (int64_t i = 0; i < 50; i++)
        tw_memo_keep(memo, (int64_t[3]){i % 5, i / 5, INT64_MAX - i}, (int64_t[2]){i, -i});
    for (int64_t i = 0; i < 50; i++) {
        g_assert_true(tw_memo_find(memo, (int64_t[3]){i % 5, i / 5, INT64_MAX - i}, value));
        g_assert_cmpint(value[0], ==, i);
        g_assert_cmpint(value[1], ==, -i);
        g_assert_false(tw_memo_find(memo, (int64_t[3]){i / 5, i % 5, INT64_MAX - 50 - i}, value));
    }
    tw_memo_keep(memo, (int64_t[3]){0, 0, INT64_MAX}, (int64_t[2]){7, 8});
    g_assert_true(tw_memo_find(memo, (int64_t[3]){0, 0, INT64_MAX}, value));
    g_assert_cmpint(value[0], ==, 7);
    tw_memo_free(memo);
    tw_memo_free(NULL);
}

/* It does not grow without end, and knows what came last. */
static void test_bound(void)
{
    tw_memo *memo = tw_memo_new(8);
    int64_t value[2];
    for (int64_t i = 0; i < 1000; i++) {
        int known = 0;
        tw_memo_keep(memo, (int64_t[3]){i}, (int64_t[2]){i});
        g_assert_true(tw_memo_find(memo, (int64_t[3]){i}, value) && value[0] == i);
        for (int64_t k = 0; k <= i; k++)
            known += tw_memo_find(memo, (int64_t[3]){k}, value);
        g_assert_cmpint(known, <=, 8);
    }
    tw_memo_free(memo);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memo/find", test_find);
    g_test_add_func("/memo/bound", test_bound);
    return g_test_run();
}
