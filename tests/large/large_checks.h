/* SPDX-License-Identifier: MIT */
/** What the large tests share: the command under test, in a process of its own, whose memory is asserted. */
#ifndef TW_TESTS_LARGE_CHECKS_H
#define TW_TESTS_LARGE_CHECKS_H

#include <glib.h>
#include <stdlib.h>
#include <string.h>

/** Runs $TILEWRIGHT ARGS --json; `args` end with NULL. Prints its report and asserts VmHWM <= plan <= budget; else the test ends. */
static inline void run_within(const char *test, const char *const *args)
{
    const char *argv[32] = {g_getenv("TILEWRIGHT")};
    char *json = NULL;
    int status = 0, n = 1;
    for (; args[n - 1]; n++)
        argv[n] = args[n - 1];
    argv[n] = "--json";
    if (!argv[0] || !g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &json, NULL, &status, NULL) ||
        status != 0) {
        g_printerr("%s: TILEWRIGHT (the command under test) failed: %s\n", test, json ? json : "not set");
        exit(1);
    }
    g_print("%s", json);
    const char *peak = strstr(json, "\"peak_bytes\":"), *planned = strstr(json, "\"planned_peak_bytes\":"),
               *budget = strstr(json, "\"budget_bytes\":");
    long long p = atoll(peak + 13), q = atoll(planned + 21), b = atoll(budget + 15);
    if (p > q || q > b) {
        g_printerr("%s: peak %lld, planned %lld, budget %lld\n", test, p, q, b);
        exit(1);
    }
    g_free(json);
}

#endif
