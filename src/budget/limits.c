/* SPDX-License-Identifier: MIT */
#include "budget/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* The number after `key` in a "Key:   123 kB" file, in bytes; -1 when absent. */
static int64_t read_kb(const char *path, const char *key)
{
    FILE *file = fopen(path, "re");
    char line[256];
    int64_t bytes = -1;
    if (!file)
        return -1;
    while (bytes < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            bytes = strtoll(line + strlen(key), NULL, 10) * 1024;
    fclose(file);
    return bytes;
}

/* A file that holds one number, or "max": -1. */
static int64_t read_number(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[64];
    int64_t value = -1;
    if (!file)
        return -1;
    if (fgets(line, sizeof line, file) && line[0] >= '0' && line[0] <= '9')
        value = strtoll(line, NULL, 10);
    fclose(file);
    return value;
}

/* The path of this process in the hierarchy whose controllers contain `controller` ("" for v2). */
static bool cgroup_path(const char *controller, char *out, size_t n)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[4096];
    bool found = false;
    if (!file)
        return false;
    while (!found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        char *list = strchr(line, ':');
        char *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        list++;
        for (char *save = NULL, *word = *controller ? strtok_r(list, ",", &save) : list; word && !found;
             word = *controller ? strtok_r(NULL, ",", &save) : NULL)
            found = strcmp(word, controller) == 0;
        if (found)
            snprintf(out, n, "%s", path);
    }
    fclose(file);
    return found;
}

/* The least limit on the way from this process's group up to the root; limits of parents bind children. */
static int64_t least_up(const char *root, const char *path, const char *name)
{
    char folder[4200], file[4400];
    int64_t least = -1;
    snprintf(folder, sizeof folder, "%s", path);
    for (;;) {
        snprintf(file, sizeof file, "%s%s/%s", root, strcmp(folder, "/") == 0 ? "" : folder, name);
        int64_t value = read_number(file);
        if (value >= 0 && (least < 0 || value < least))
            least = value;
        char *slash = strrchr(folder, '/');
        if (!slash || folder[0] == 0 || strcmp(folder, "/") == 0)
            break;
        *slash = 0;
    }
    return least;
}

static int64_t cgroup_memory(void)
{
    char path[4096];
    int64_t least = -1;
    if (cgroup_path("", path, sizeof path))
        least = least_up("/sys/fs/cgroup", path, "memory.max");
    if (cgroup_path("memory", path, sizeof path)) {
        int64_t v1 = least_up("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes");
        if (v1 >= 0 && (least < 0 || v1 < least))
            least = v1;
    }
    return least;
}

/* Processors by quota, rounded up; 0: no quota. */
static int quota_cpus(void)
{
    char path[4096], file[4400];
    long long quota = 0, period = 0;
    if (cgroup_path("", path, sizeof path)) {
        snprintf(file, sizeof file, "/sys/fs/cgroup%s/cpu.max", strcmp(path, "/") == 0 ? "" : path);
        FILE *f = fopen(file, "re");
        if (f) {
            if (fscanf(f, "%lld %lld", &quota, &period) != 2)
                quota = 0;
            fclose(f);
        }
    }
    if (quota <= 0 && cgroup_path("cpu", path, sizeof path)) {
        quota = least_up("/sys/fs/cgroup/cpu", path, "cpu.cfs_quota_us");
        period = least_up("/sys/fs/cgroup/cpu", path, "cpu.cfs_period_us");
    }
    return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

static int usable_cpus(void)
{
    cpu_set_t set;
    int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int quota = quota_cpus();
    if (quota > 0 && quota < cpus)
        cpus = quota;
    return cpus > 0 ? cpus : 1;
}

static void lower(tw_limits *limits, int64_t bytes, const char *why)
{
    if (bytes >= 0 && bytes < limits->memory) {
        limits->memory = bytes;
        limits->memory_why = why;
    }
}

void tw_limits_read(tw_limits *out)
{
    *out = (tw_limits){.memory = INT64_MAX, .memory_why = "no limit known"};
    int64_t available = read_kb("/proc/meminfo", "MemAvailable:");
    if (available >= 0) /* what this process holds already is its own */
        lower(out, available + tw_process_resident(), "available memory");
    lower(out, cgroup_memory(), "cgroup limit");
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
        out->address_space = (int64_t)space.rlim_cur;
    out->cpus = usable_cpus();
}

int64_t tw_process_peak(void)
{
    int64_t bytes = read_kb("/proc/self/status", "VmHWM:");
    return bytes > 0 ? bytes : 0;
}

int64_t tw_process_resident(void)
{
    int64_t bytes = read_kb("/proc/self/status", "VmRSS:");
    return bytes > 0 ? bytes : 0;
}

int64_t tw_process_address_space(void)
{
    int64_t bytes = read_kb("/proc/self/status", "VmSize:");
    return bytes > 0 ? bytes : 0;
}
