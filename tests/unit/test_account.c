/* SPDX-License-Identifier: MIT */
#include <glib.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/account.h"
#include "engine/arena.h"

static void test_nested(void)
{
    tw_account *process = tw_account_new(NULL, "process", 1000), *job = tw_account_new(process, "job", 0);
    tw_account *worker = tw_account_new(job, "worker", 400);
    g_assert_true(tw_account_take(worker, 300));
    g_assert_true(tw_account_take(job, 500));
    g_assert_cmpint(tw_account_used(process), ==, 800);
    g_assert_cmpint(tw_account_used(job), ==, 800);
    g_assert_cmpint(tw_account_used(worker), ==, 300);
    g_assert_false(tw_account_take(worker, 101)); /* its own cap */
    g_assert_false(tw_account_take(job, 201));    /* its parent's */
    g_assert_cmpint(tw_account_used(process), ==, 800);
    g_assert_cmpint(tw_account_used(job), ==, 800);
    g_assert_cmpint(tw_account_used(worker), ==, 300);
    g_assert_true(tw_account_take(job, 200)); /* up to the cap exactly */
    tw_account_give(job, 700);
    tw_account_give(worker, 300);
    g_assert_cmpint(tw_account_used(process), ==, 0);
    g_assert_cmpint(tw_account_peak(process), ==, 1000);
    g_assert_cmpint(tw_account_peak(worker), ==, 300);
    tw_account_free(worker);
    tw_account_free(job);
    tw_account_free(process);
}

static void test_blocks(void)
{
    static const size_t sizes[] = {0, 1, 63, 64, 4096, 65471, 65472, 65536, 1000003};
    tw_account *account = tw_account_new(NULL, "test", 0);
    void *blocks[G_N_ELEMENTS(sizes)];
    int64_t least = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        blocks[i] = tw_alloc(account, sizes[i]);
        g_assert_nonnull(blocks[i]);
        g_assert_cmpuint((uintptr_t)blocks[i] % 64, ==, 0);
        memset(blocks[i], (int)i + 1, sizes[i]);
        least += (int64_t)sizes[i];
    }
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        for (size_t j = 0; j < sizes[i]; j++)
            g_assert_cmpint(((char *)blocks[i])[j], ==, (char)(i + 1));
    g_assert_cmpint(tw_account_used(account), >=, least);
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        tw_free(blocks[i]);
    tw_free(NULL);
    g_assert_cmpint(tw_account_used(account), ==, 0);
    g_assert_null(tw_alloc(account, SIZE_MAX - 10));
    g_assert_cmpint(tw_account_used(account), ==, 0);
    tw_account_free(account);
}

static void test_capped_block(void)
{
    tw_account *account = tw_account_new(NULL, "test", 1 << 20);
    g_assert_null(tw_alloc(account, 1 << 20)); /* its head makes it too large */
    void *block = tw_alloc(account, (1 << 20) - 4096);
    g_assert_nonnull(block);
    g_assert_null(tw_alloc(account, 4096));
    tw_free(block);
    g_assert_cmpint(tw_account_used(account), ==, 0);
    g_assert_cmpint(tw_account_peak(account), <=, 1 << 20);
    tw_account_free(account);
}

static void test_failures(void)
{
    tw_account *parent = tw_account_new(NULL, "parent", 0), *child = tw_account_new(parent, "child", 0);
    tw_account_fail_at(parent, 3);
    g_assert_true(tw_account_take(child, 1));
    g_assert_true(tw_account_take(parent, 1));
    g_assert_false(tw_account_take(child, 1));
    g_assert_true(tw_account_take(child, 1));
    tw_account_fail_range(child, 2, 2);
    g_assert_true(tw_account_take(child, 1));
    g_assert_true(tw_account_take(parent, 1)); /* not the child's */
    g_assert_false(tw_account_take(child, 1));
    g_assert_false(tw_account_take(child, 1));
    g_assert_true(tw_account_take(child, 1));
    tw_account_fail_range(child, 1, INT64_MAX); /* from now on all */
    for (int i = 0; i < 100; i++)
        g_assert_false(tw_account_take(child, 1));
    tw_account_fail_at(child, 0);
    g_assert_true(tw_account_take(child, 1));
    g_assert_cmpint(tw_account_used(child), ==, 5);
    g_assert_cmpint(tw_account_used(parent), ==, 7);
    tw_account_free(child);
    tw_account_free(parent);
}

static void *take_and_give(void *user)
{
    for (int i = 0; i < 20000; i++)
        if (tw_account_take(user, 3))
            tw_account_give(user, 3);
    return NULL;
}

static void test_threads(void)
{
    tw_account *parent = tw_account_new(NULL, "parent", 10), *child = tw_account_new(parent, "child", 9);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, take_and_give, i % 2 ? parent : child), ==, 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpint(tw_account_used(parent), ==, 0);
    g_assert_cmpint(tw_account_used(child), ==, 0);
    g_assert_cmpint(tw_account_peak(child), <=, 9);
    tw_account_free(child);
    tw_account_free(parent);
}

/* Blocks of an arena never overlap, are aligned, and all of it is counted. */
static void test_arena(void)
{
    tw_account *account = tw_account_new(NULL, "arena", 24 << 20);
    tw_arena *arena = tw_arena_new(account);
    struct {
        char *at;
        size_t bytes;
        char mark;
    } live[16] = {0};
    guint32 seed = 1;
    for (int step = 0; step < 6000; step++) {
        seed = seed * 1664525u + 1013904223u;
        guint i = seed >> 8 & 15;
        if (live[i].at) {
            g_assert_cmpint(live[i].at[0], ==, live[i].mark);
            g_assert_cmpint(live[i].at[live[i].bytes - 1], ==, live[i].mark);
            g_assert_cmpint(live[i].at[live[i].bytes / 2], ==, live[i].mark);
            tw_arena_give(live[i].at);
            live[i].at = NULL;
        } else {
            live[i].bytes = 1 + (seed >> 12) % (seed & 1 ? 2000000 : 90000);
            live[i].mark = (char)(step % 120 + 1);
            live[i].at = tw_arena_take(arena, live[i].bytes);
            if (!live[i].at)
                continue;
            g_assert_cmpuint((uintptr_t)live[i].at % 64, ==, 0);
            memset(live[i].at, live[i].mark, live[i].bytes);
        }
        int64_t sum = 0;
        for (int j = 0; j < 16; j++)
            sum += live[j].at ? (int64_t)live[j].bytes : 0;
        g_assert_cmpint(tw_account_used(account), >=, sum);
        g_assert_cmpint(tw_account_used(account), <=, 24 << 20);
    }
    for (int j = 0; j < 16; j++)
        tw_arena_give(live[j].at);
    tw_arena_trim(arena);
    g_assert_cmpint(tw_account_used(account), ==, 0);
    tw_arena_free(arena);
    tw_account_free(account);
}

/* When the account refuses, warm blocks are given back before the caller is told no. */
static void test_arena_gives_back(void)
{
    tw_account *account = tw_account_new(NULL, "arena", 4 << 20);
    tw_arena *arena = tw_arena_new(account);
    void *first = tw_arena_take(arena, 3 << 20);
    g_assert_nonnull(first);
    void *second = tw_arena_take(arena, 512 << 10);
    g_assert_nonnull(second);
    tw_arena_give(first);
    g_assert_cmpint(tw_account_used(account), >, 3 << 20); /* warm */
    void *third = tw_arena_take(arena, 3400 << 10);
    g_assert_nonnull(third); /* only once the warm 3 MiB have gone, or joined in */
    g_assert_false(tw_arena_refused(arena));
    g_assert_null(tw_arena_take(arena, 1 << 20));
    g_assert_true(tw_arena_refused(arena));
    g_assert_false(tw_arena_refused(arena));
    tw_arena_give(third);
    tw_arena_give(second);
    g_assert_null(tw_arena_take(arena, SIZE_MAX - 100));
    tw_arena_free(arena);
    g_assert_cmpint(tw_account_used(account), ==, 0);
    tw_account_free(account);
}

/* The same for small requests, which never come from the arena's own blocks. */
static void test_arena_gives_back_for_small(void)
{
    tw_account *account = tw_account_new(NULL, "arena", 1 << 20);
    tw_arena *arena = tw_arena_new(account);
    void *large = tw_arena_take(arena, (1 << 20) - 8192);
    g_assert_nonnull(large);
    g_assert_null(tw_arena_take(arena, 30000));
    g_assert_true(tw_arena_refused(arena));
    tw_arena_give(large);
    void *small = tw_arena_take(arena, 30000);
    g_assert_nonnull(small);
    g_assert_false(tw_arena_refused(arena));
    tw_arena_give(small);
    tw_arena_free(arena);
    g_assert_cmpint(tw_account_used(account), ==, 0);
    tw_account_free(account);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/account/nested", test_nested);
    g_test_add_func("/account/blocks", test_blocks);
    g_test_add_func("/account/capped-block", test_capped_block);
    g_test_add_func("/account/failures", test_failures);
    g_test_add_func("/account/threads", test_threads);
    g_test_add_func("/arena/blocks", test_arena);
    g_test_add_func("/arena/gives-back", test_arena_gives_back);
    g_test_add_func("/arena/gives-back-for-small", test_arena_gives_back_for_small);
    return g_test_run();
}
