/* SPDX-License-Identifier: MIT */
/** "TwMean" and "TwVariance": what normalising layers are lowered to (lower.h). From a picture to a vector with one number for each of
 *  its channels: the mean of all samples of the channel's group, or the mean square of their distance from that. ncnn tells a layer of
 *  ours no more than its name, so the number of groups stands there: "tw-moment:GROUPS:N"; 0 groups: each channel is one. Internal to
 *  the library. */
#ifndef TW_MODEL_MOMENT_H
#define TW_MODEL_MOMENT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TW_MOMENT_NAME "tw-moment:"

/** Channels of one group of `channels`; 0 where the name says none, or so many that they are not equal. */
static inline int64_t tw_moment_channels(const char *name, int64_t channels)
{
    if (strncmp(name, TW_MOMENT_NAME, strlen(TW_MOMENT_NAME)) != 0)
        return 0;
    char *end;
    long groups = strtol(name + strlen(TW_MOMENT_NAME), &end, 10);
    if (*end != ':' || groups < 0 || groups > channels || (groups > 0 && channels % groups))
        return 0;
    return groups > 0 ? channels / groups : 1;
}

#endif
