/* SPDX-License-Identifier: MIT */
/** Figures of a batch, in bounded memory however many jobs it has. Not thread-safe. */
#ifndef TW_BATCH_STATS_H
#define TW_BATCH_STATS_H

#include <stdint.h>

#define BATCH_BUCKETS 2400

/** Times in buckets that are 1 % wide, from 0.1 ms on. Zero it before use. */
typedef struct batch_times {
    int64_t count;
    double sum; /* seconds */
    uint32_t buckets[BATCH_BUCKETS];
} batch_times;

void batch_times_add(batch_times *times, double seconds);
double batch_times_mean(const batch_times *times);
/** The time that `fraction` of them do not exceed, within 1 %; 0 when there are none. */
double batch_times_quantile(const batch_times *times, double fraction);

/** Peak and present resident memory of this process, bytes, as the kernel counts them; 0 where it does not say. */
int64_t batch_process_peak(void);
int64_t batch_process_resident(void);

#endif
