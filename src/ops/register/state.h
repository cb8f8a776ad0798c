/* SPDX-License-Identifier: MIT */
/** The operator's state and the parts it is made of. Private to src/ops/register.
 *
 *  Passes: grey levels of both pictures into scratch; each further level from the one below; then, from the coarsest level used to the
 *  finest, rounds that measure the shift of every node's window and fit the lattice; last, nodes between those nodes, which no fit
 *  has seen. The map is T(p) = A(p + u(p)): the lattice u first, in pixels of the fixed picture, then the affine A. */
#ifndef TW_REGISTER_STATE_H
#define TW_REGISTER_STATE_H

#include "field/field.h"
#include "ops/op.h"
#include "ops/register/correlate.h"
#include "ops/register/fit.h"
#include "ops/register/levels.h"
#include "ops/register/refine.h"

#define TW_REGISTER_GLOBAL 1024 /* longest side of the level where the search begins */
/** Errors of the model itself, in pixels: no window counts more than one that is so exact. */
#define TW_MODEL_ERROR     0.02
#define TW_REGISTER_UNSURE 0.85 /* a window's second maximum over its first: not to be told apart */
#define TW_MOST_ROUNDS     8    /* of one level */

typedef enum tw_round_kind {
    TW_ROUND_CORRELATE, /* phase correlation: any shift within the search */
    TW_ROUND_REFINE,    /* Gauss-Newton: what is left of it */
    TW_ROUND_BACK,      /* the same the other way round: windows of the moving picture; nothing is fitted */
    TW_ROUND_CHECK,     /* the same between the nodes; nothing is fitted */
} tw_round_kind;

typedef struct tw_round {
    tw_round_kind kind;
    int level, window; /* side of the window, pixels of the level */
    int search;        /* shifts of -search .. search - 1 */
} tw_round;

typedef enum tw_pass_kind { TW_PASS_GREY, TW_PASS_SELF, TW_PASS_SHRINK, TW_PASS_ROUND } tw_pass_kind;

typedef struct tw_register_pass {
    tw_pass_kind kind;
    int level; /* SHRINK: the one that is made */
    tw_round round;
} tw_register_pass;

#define TW_MOST_PASSES (TW_MOST_LEVELS * (TW_MOST_ROUNDS + 1) + 2)

typedef enum tw_node_state {
    TW_NODE_NONE,    /* too few valid pixels, or nothing to see in them */
    TW_NODE_LOST,    /* no clear shift */
    TW_NODE_OUTLIER, /* not what its neighbours say */
    TW_NODE_GOOD,
} tw_node_state;

/** What one window measured, in pixels of its level. */
typedef struct tw_node {
    float shift[2];
    float middle[2]; /* of the pixels that were compared, from the node */
    float weight[3]; /* inverse covariance over the largest one: xx, xy, yy; at most 1 on either axis */
    float error;     /* expected, pixels; HUGE_VALF: unknown */
    float second;    /* of the correlation's maxima over the first */
    float alike;     /* correlation coefficient of the two; of correlations only where windows judge a map */
    int state;
} tw_node;

/** Nodes of a round: node (i, j) at first + (i, j) * stride, pixels of the level. */
typedef struct tw_node_grid {
    int64_t columns, rows, stride, first;
} tw_node_grid;

/** One worker's memory. */
typedef struct tw_register_worker {
    char *block;
    int64_t bytes;
} tw_register_worker;

/** What windows that no fit has seen say of the field. */
typedef struct tw_register_error {
    int64_t windows;
    double p50, p90, p99, max; /* pixels, the windows' own noise taken off */
    double raw[3], own[3];     /* p50, p90, p99 of what the windows say, and of their own noise */
} tw_register_error;

/** What the report says. */
typedef struct tw_register_result {
    int64_t nodes, used, blank, lost, outliers;
    tw_register_error hold_out;         /* of windows of the fixed picture between the nodes */
    tw_register_error backward;         /* of windows of the moving picture, laid over the fixed one by the inverse */
    double residual;                    /* of that inverse, pixels */
    double ambiguous;                   /* fraction of windows whose next best shift is nearly as good */
    double global_score, global_second; /* correlation of the whole; of the second best place over it */
    double period;                      /* pixels after which the fixed picture repeats; 0: it does not */
    double repeat[2];                   /* such a shift */
    double min_jacobian;
    bool done;
} tw_register_result;

/** Distance to the truth of --selftest, pixels. */
typedef struct tw_register_truth {
    double mean, p50, p90, p99, max;
} tw_register_truth;

struct tw_op_state {
    tw_context *context;
    const char *label[2];
    char *path;     /* of the field */
    char *page;     /* of --report; NULL: none */
    char *warped;   /* of --warped; NULL: none */
    bool keep_full; /* that has the fixed picture's size, else that of the finest level */
    char *journal;  /* of --resume; NULL: none */
    char *journal_key;
    bool journal_strange; /* it is another run's */
    int rounds_before;    /* that the journal told */
    int64_t step;         /* of displacements */
    tw_field *init;       /* --init that is more than affine maps; NULL: none */
    bool given;           /* --init: the affine is not searched for */
    tw_picture picture[2];
    tw_source *mask[2];   /* NULL: every pixel counts */
    int levels, finest;   /* made; the finest one that is measured */
    bool can_save, saved; /* a coarser one may do; it is coarser than asked for because of the budget */
    tw_levels pyramid[2];
    double spacing; /* of the lattice, pixels of the fixed picture */
    enum { TW_MODEL_SIMILARITY, TW_MODEL_AFFINE, TW_MODEL_LATTICE } model;
    bool allow_ambiguous, check_backward;
    int n_passes;
    tw_register_pass passes[TW_MOST_PASSES];

    tw_affine affine;          /* pixels of the full pictures */
    tw_lattice *lattice;       /* the same; NULL: u = 0 */
    tw_lattice *level_lattice; /* the lattice in pixels of the level that is being measured */
    tw_affine level_affine;
    tw_correlator correlator[2]; /* of windows of 64 and 128 pixels */
    tw_node *nodes;              /* of the round that runs */
    int n_workers;
    tw_register_worker *workers;
    tw_register_result result;
    bool backward; /* fixed and moving have changed places, and the map is the inverse of `forward` */
    tw_affine forward_affine;
    tw_lattice *forward;
    tw_lattice *known;   /* --selftest: moving -> fixed; NULL: there are two pictures */
    int64_t known_reach; /* pixels that it moves at most, and some */
    tw_register_truth truth;
};

/* measure.c */

/** Bytes of a worker for rounds over tiles of w x h pixels. Pure. */
int64_t tw_measure_bytes(int window, int64_t stride, int64_t w, int64_t h);
/** Measures the nodes inside `out`, pixels of the round's level; state->level_lattice and level_affine are that level's. */
tw_status tw_measure(tw_op_state *state, const tw_round *round, tw_rect out, int worker, tw_error *err);

/** Where the pixels of a rectangle of the level lie in the moving level: rect.w * rect.h of each; *box: the samples that interpolating takes. False:
 *  they do not fit a square of this side. */
bool tw_place_pixels(const tw_op_state *state, tw_rect rect, int64_t side, double *at_x, double *at_y, tw_rect *box);

/* nodes.c */

tw_node_grid tw_round_grid(const tw_op_state *state, const tw_round *round);
int64_t tw_grid_most_nodes(const tw_op_state *state);
/** Marks nodes as outliers whose shift is far from the median of their neighbours'. */
void tw_nodes_compare(tw_node *nodes, const tw_node_grid *grid);
/** The field in pixels of a level, for measuring there. */
tw_status tw_field_to_level(tw_op_state *state, int level, tw_error *err);
/** Fits lattice (and with --model affine only the affine) to what was measured. */
tw_status tw_nodes_fit(tw_op_state *state, const tw_round *round, tw_error *err);

/* lattice_steps.c */

/** Spacing of the lattice while a level is measured. */
double tw_level_spacing(const tw_op_state *state, int level);
/** Makes the state's lattice one of this spacing that covers the fixed picture, the same deformation as far as it can. */
tw_status tw_lattice_become(tw_op_state *state, double spacing, tw_error *err);

/* spectrum.c, global.c */

/** A level of both pictures in memory. */
typedef struct tw_global_view {
    float *pixels[2]; /* rows without gaps; below 0: not valid */
    int64_t width[2], height[2];
} tw_global_view;

/** Turn (radians) and scale from the fixed to the moving picture. */
typedef struct tw_turn {
    double angle, scale, score;
} tw_turn;

#define TW_MOST_TURNS 6

/** The likeliest turns by the log-polar spectra, whose phase does not matter: half turns look alike. Returns how many; best first. */
tw_status tw_spectrum_turns(tw_account *account, const tw_global_view *view, tw_turn turns[TW_MOST_TURNS], int *count,
                            tw_error *err);
/** Bytes that takes for pictures of at most `side` pixels on either axis. Pure. */
int64_t tw_spectrum_bytes(int64_t side);

/** Finds the affine on the coarsest level. TW_ERROR_RUN: the pictures do not show the same thing. */
tw_status tw_global_find(tw_op_state *state, tw_error *err);
int64_t tw_global_bytes(const tw_op_state *state);

/* backward.c */

/** Fixed and moving change places, and the map becomes its inverse; tw_backward_end is safe after any outcome and undoes it. */
tw_status tw_backward_begin(tw_op_state *state, tw_error *err);
void tw_backward_end(tw_op_state *state);
/** The levels of the picture whose windows a round measures. */
static inline const tw_levels *tw_round_levels(const tw_op_state *state, const tw_round *round)
{
    return &state->pyramid[(round->kind == TW_ROUND_BACK) != state->backward];
}

/* result.c */

/** What is found at the end must not be lost for a folder that is not there. TW_ERROR_RUN names it. */
tw_status tw_result_check_folders(const tw_op_state *state, tw_error *err);
/** The map as it is now, the caller's. NULL: there is no memory for it. */
tw_field *tw_result_field(const tw_op_state *state);
tw_status tw_result_write(tw_op_state *state, tw_error *err);
bool tw_result_next(const tw_op_state *state, tw_op_next *out);

/* check.c */

/** What the nodes of a round that fits nothing say of the field. */
tw_status tw_check_nodes(tw_op_state *state, const tw_round *round, tw_register_error *out, tw_error *err);
void tw_register_report(const tw_op_state *state, void *json);

/** Side of windows and distance of nodes on a level. */
static inline int64_t tw_round_stride(const tw_op_state *state, const tw_round *round)
{
    if (round->window == 128)
        return tw_clamp64((int64_t)(state->spacing / (double)(INT64_C(1) << round->level)), 16, 64);
    return 32;
}

#endif
