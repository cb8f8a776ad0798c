/* SPDX-License-Identifier: MIT */
#include "base/memo.h"

#include <glib.h>
#include <pthread.h>
#include <string.h>

typedef struct entry {
    int64_t key[3], value[2];
} entry;

struct tw_memo {
    pthread_mutex_t lock;
    GHashTable *known; /* of entries, which are their own keys */
    guint most;
};

static guint hash(gconstpointer key)
{
    const int64_t *k = ((const entry *)key)->key;
    uint64_t mixed = 0;
    for (int i = 0; i < 3; i++)
        mixed = (mixed + (uint64_t)k[i]) * 0x9e3779b97f4a7c15U;
    return (guint)(mixed >> 32);
}

static gboolean equal(gconstpointer a, gconstpointer b)
{
    return memcmp(((const entry *)a)->key, ((const entry *)b)->key, sizeof(int64_t[3])) == 0;
}

tw_memo *tw_memo_new(int most)
{
    tw_memo *memo = g_new0(tw_memo, 1);
    pthread_mutex_init(&memo->lock, NULL);
    memo->known = g_hash_table_new_full(hash, equal, g_free, NULL);
    memo->most = (guint)most;
    return memo;
}

void tw_memo_free(tw_memo *memo)
{
    if (!memo)
        return;
    g_hash_table_destroy(memo->known);
    pthread_mutex_destroy(&memo->lock);
    g_free(memo);
}

bool tw_memo_find(tw_memo *memo, const int64_t key[3], int64_t value[2])
{
    entry asked = {{key[0], key[1], key[2]}, {0}};
    pthread_mutex_lock(&memo->lock);
    const entry *known = g_hash_table_lookup(memo->known, &asked);
    if (known)
        memcpy(value, known->value, sizeof known->value);
    pthread_mutex_unlock(&memo->lock);
    return known != NULL;
}

void tw_memo_keep(tw_memo *memo, const int64_t key[3], const int64_t value[2])
{
    entry *e = g_new(entry, 1);
    *e = (entry){{key[0], key[1], key[2]}, {value[0], value[1]}};
    pthread_mutex_lock(&memo->lock);
    if (g_hash_table_size(memo->known) >= memo->most)
        g_hash_table_remove_all(memo->known);
    g_hash_table_add(memo->known, e);
    pthread_mutex_unlock(&memo->lock);
}
