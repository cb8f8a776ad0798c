/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST 1e-4 /* seconds */
#define STEP     1.01

void batch_times_add(batch_times *times, double seconds)
{
    double bucket = seconds > SHORTEST ? floor(log(seconds / SHORTEST) / log(STEP)) : 0;
    times->buckets[bucket < BATCH_BUCKETS - 1 ? (int)bucket : BATCH_BUCKETS - 1]++;
    times->sum += seconds;
    times->count++;
}

double batch_times_mean(const batch_times *times)
{
    return times->count > 0 ? times->sum / (double)times->count : 0;
}

double batch_times_quantile(const batch_times *times, double fraction)
{
    double wanted = ceil(fraction * (double)times->count), seen = 0;
    for (int i = 0; i < BATCH_BUCKETS; i++) {
        seen += times->buckets[i];
        if (times->buckets[i] > 0 && seen >= wanted)
            return SHORTEST * pow(STEP, i + 0.5);
    }
    return 0;
}

static int64_t status_bytes(const char *key)
{
    char line[256];
    int64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoll(line + strlen(key), NULL, 10);
    if (file)
        fclose(file);
    return kib * 1024;
}

int64_t batch_process_peak(void)
{
    return status_bytes("VmHWM:");
}

int64_t batch_process_resident(void)
{
    return status_bytes("VmRSS:");
}
