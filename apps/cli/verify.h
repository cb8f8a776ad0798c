/* SPDX-License-Identifier: MIT */
/** For `verify`: a crop of a picture as floats, one run of the net over it and how far the result is from another one
 *  (verify_run.c), and the list of such runs (verify_trials.c). */
#ifndef TW_CLI_VERIFY_H
#define TW_CLI_VERIFY_H

#include "args.h"

/** RGB float32, 1 is white, rows without gaps. They lie inside a TIFF file in memory, so that a job can read them. */
typedef struct cli_floats {
    int64_t width, height;
    float *rgb;
    void *file; /* owned */
    size_t length;
} cli_floats;

/** What one run sets; NULL leaves what was typed. */
typedef struct cli_way {
    const char *schedule, *tile, *threads, *halo;
} cli_way;

/** What was planned or run; the members of tw_report that a comparison tells, valid after the job. */
typedef struct cli_facts {
    char schedule[16], model[256], device[128];
    int64_t in_width, in_height, width, height;
    int64_t tile[2], halo[4], tiles;
    int workers, passes;
    int64_t budget, planned_peak, peak;
    double seconds;
} cli_facts;

/** The part of a result that is compared: x0 <= x < x1, y0 <= y < y1; the reference's samples lie at x + dx, y + dy. */
typedef struct cli_window {
    int64_t x0, y0, x1, y1, dx, dy;
} cli_window;

/** The greatest difference in 1/255, at x, y of the result; channel 0..2. A NaN differs infinitely. */
typedef struct cli_difference {
    double value;
    int64_t x, y;
    int channel;
} cli_difference;

typedef struct cli_verifier cli_verifier;

/** `progress` gets the fraction of one run, from a worker thread. */
tw_status cli_verifier_new(const cli_args *args, void (*progress)(double fraction), cli_verifier **out, tw_error *err);
void cli_verifier_free(cli_verifier *v);
/** Bytes that jobs may use from here on; 0: what was typed. */
void cli_verifier_set_memory(cli_verifier *v, int64_t bytes);

/** All zero. Never fails; free with cli_floats_free. */
cli_floats cli_floats_new(int64_t width, int64_t height);
void cli_floats_free(cli_floats *floats);

/** Fills `out` with the rectangle of its size at x, y of the file. `in_width` is the file's, from its plan. */
tw_status cli_verifier_read(cli_verifier *v, const char *path, int64_t in_width, int64_t x, int64_t y, cli_floats *out,
                            tw_error *err);

/** The plan for `path`, or, where that is NULL, for `picture`. */
tw_status cli_verifier_plan(cli_verifier *v, const char *path, const cli_floats *picture, const cli_way *way, cli_facts *facts,
                            tw_error *err);
/** Runs the net and keeps its result in `result`, whose size must be that of the plan. */
tw_status cli_verifier_keep(cli_verifier *v, const cli_floats *picture, const cli_way *way, cli_facts *facts,
                            cli_floats *result, tw_error *err);
/** Runs the net and compares its result with `reference`. */
tw_status cli_verifier_compare(cli_verifier *v, const cli_floats *picture, const cli_way *way, const cli_floats *reference,
                               const cli_window *window, cli_facts *facts, cli_difference *difference, tw_error *err);

/** One run and its outcome. */
typedef struct cli_trial {
    char what[64];
    char *skipped; /* why there was no run; NULL: there was */
    tw_status status;
    cli_facts facts;
    cli_difference difference;
    bool pass;
} cli_trial;

/** What is known of the model beside its runs. */
typedef struct cli_reach {
    int64_t halo[4], align, scale; /* 0: unknown */
    char *no_shift;                /* why the result may change with the size of the picture; NULL: it may not */
} cli_reach;

/** One proof. */
typedef struct cli_proof {
    const cli_args *args;
    const char *path;
    cli_verifier *verifier;
    double bound;             /* in 1/255 */
    gchar **tiles;            /* words of --tiles */
    cli_facts planned, whole; /* for the file; of the reference run */
    int64_t x, y;             /* of the crop in the file */
    cli_floats crop, reference;
    int64_t beside; /* bytes that are held beside a run */
    cli_reach reach;
    GArray *trials;                           /* of cli_trial */
    void (*on_trial)(const cli_trial *trial); /* called after each */
    const char *base;                         /* the tile of all that is not about tiles; NULL: none was run */
    double base_work;
    int64_t base_tiles;
    char plan_tile[48];
} cli_proof;

/** The choices of --schedule but auto and whole; free with g_strfreev. */
gchar **cli_schedules(void);
/** How many trials there will be, at most. */
int cli_count_trials(const cli_proof *p);
/** Runs them: tiles, threads, schedules, shift. A difference is no error here. */
tw_status cli_run_trials(cli_proof *p, tw_error *err);

#endif
