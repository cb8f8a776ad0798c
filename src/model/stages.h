/* SPDX-License-Identifier: MIT */
/** A carried net with whole-picture layers as stages: one for each level of means that must be known first, and the last one. A
 *  later stage computes anew what it needs of the earlier ones, or reads it from scratch, whichever is cheaper; what is spilled is
 *  written once, by the stage that computes it first. Internal to the library. */
#ifndef TW_MODEL_STAGES_H
#define TW_MODEL_STAGES_H

#include "model/carry.h"

#define TW_MAX_STAGES 97
#define TW_MAX_SPILLS 48

/** Blobs of the original graph, in the order in which they come to be. */
typedef struct tw_stage {
    int n_sources, n_targets;
    int sources[TW_MAX_SPILLS + 1]; /* the input, or spilled by earlier stages */
    int targets[2 * TW_MAX_SPILLS]; /* summed over, spilled, or the result */
    bool reads[TW_MAX_BARRIERS];    /* it reads what this barrier gives */
    double work;                    /* multiply-accumulates over those of the whole net */
} tw_stage;

typedef struct tw_stages {
    int n;
    tw_stage stage[TW_MAX_STAGES];
    int n_spills;
    struct {
        int blob, first, last; /* from the stage that leaves it to the last one that reads it */
    } spills[TW_MAX_SPILLS];
    double work;  /* of all stages */
    double bytes; /* written and read, per sample of the canvas */
    double held;  /* bytes of scratch at the same time, at most, per sample of the canvas */
} tw_stages;

/** `most_held`: bytes of scratch per sample of the canvas that may be used. TW_ERROR_USAGE for nets with more such layers than are handled. */
tw_status tw_stages_of(const tw_carry *carry, double most_held, tw_stages *out, tw_error *err);

/** Multiply-accumulates that take as long as moving one byte to scratch or back: two workers against a disk of a GB a second. */
#define TW_MACS_PER_BYTE 60.0

#endif
