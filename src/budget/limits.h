/* SPDX-License-Identifier: MIT */
/** What this process may use: memory by cgroup (v1 and v2), MemAvailable and RLIMIT_AS; processors by affinity and quota. */
#ifndef TW_BUDGET_LIMITS_H
#define TW_BUDGET_LIMITS_H

#include <stdint.h>

typedef struct tw_limits {
    int64_t memory;         /* bytes this process may hold: the least of the sources below */
    const char *memory_why; /* "cgroup limit", "available memory", "address space limit"; static */
    int64_t address_space;  /* RLIMIT_AS, 0: none */
    int cpus;               /* at least 1 */
} tw_limits;

/** Reads /proc and the cgroup file systems anew. Never fails: what cannot be read does not limit. */
void tw_limits_read(tw_limits *out);

/** VmHWM and VmRSS of this process in bytes; 0 where /proc cannot be read. */
int64_t tw_process_peak(void);
int64_t tw_process_resident(void);
/** VmSize of this process in bytes. */
int64_t tw_process_address_space(void);

#endif
