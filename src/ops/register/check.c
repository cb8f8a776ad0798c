/* SPDX-License-Identifier: MIT */
/** What the nodes between the nodes say of the field, which was not fitted to them: their shifts are the field's error and the window's own,
 *  which its covariance tells. Their pixels lie in fitted windows, too: noise that the fit has taken up is missing in them. So, quantile by
 *  quantile, what is more than the window's own is the field's error, and what is less is noise in the field; to either comes
 *  half of the window's own variance, which the fit takes up unseen. Measured on made pairs (tests/unit/test_register_job.c). */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/sort.h"
#include "ops/register/state.h"

/* Mean variance along an axis, pixels of the level: W = s^2 (C + s^2)^-1. */
static double variance(const tw_node *node)
{
    double a = (double)node->weight[0], b = (double)node->weight[1], c = (double)node->weight[2], det = a * c - b * b;
    double s2 = TW_MODEL_ERROR * TW_MODEL_ERROR;
    return det > 1e-12 ? fmax(0, s2 * ((a + c) / det / 2 - 1)) : 1;
}

/* In pixels of the level, where no window finds a shift of 16: the length below which a share q of random shifts lies, their axes' variances being v (Rayleigh's law for each). */
static double noise_quantile(const double *v, int64_t n, double q)
{
    double lo = 0, hi = 16;
    for (int step = 0; step < 50; step++) {
        double r = (lo + hi) / 2, share = 0;
        for (int64_t i = 0; i < n; i++)
            share += v[i] > 0 ? 1 - exp(-r * r / (2 * v[i])) : 1;
        if (share / (double)n < q)
            lo = r;
        else
            hi = r;
    }
    return hi;
}

static double quantile(const double *sorted, int64_t n, double q)
{
    return sorted[tw_clamp64((int64_t)(q * (double)n), 0, n - 1)];
}

tw_status tw_check_nodes(tw_op_state *state, const tw_round *round, tw_register_error *out, tw_error *err)
{
    static const double SHARES[] = {0.5, 0.9, 0.99};
    tw_node_grid grid = tw_round_grid(state, round);
    int64_t all = grid.columns * grid.rows, n = 0, bytes = tw_max64(2 * all, 1) * (int64_t)sizeof(double);
    double unit = (double)(INT64_C(1) << round->level), *found[3] = {&out->p50, &out->p90, &out->p99};
    tw_nodes_compare(state->nodes, &grid);
    double *length = tw_alloc(tw_context_account(state->context), (size_t)bytes), *noise = length + all;
    if (!length)
        return tw_fail_memory(err, "nodes", (long long)bytes);
    for (int64_t k = 0; k < all; k++) {
        const tw_node *node = &state->nodes[k];
        if (node->state != TW_NODE_GOOD)
            continue;
        length[n] = hypot((double)node->shift[0], (double)node->shift[1]);
        noise[n++] = variance(node);
    }
    out->windows = n;
    if (n > 0) {
        qsort(length, (size_t)n, sizeof *length, tw_ascending);
        for (int i = 0; i < 3; i++) {
            double with = unit * quantile(length, n, SHARES[i]), own = unit * noise_quantile(noise, n, SHARES[i]);
            *found[i] = sqrt(fabs(with * with - own * own) + own * own / 2);
            out->raw[i] = with, out->own[i] = own;
        }
        out->max = unit * length[n - 1];
    }
    tw_free(length);
    return TW_OK;
}

static void add_error(void *json, const char *name, const tw_register_error *e)
{
    if (e->windows > 0)
        json_object_set_new(json, name,
                            json_pack("{sIsfsfsfsfsfsf}", "windows", (json_int_t)e->windows, "error_p50", e->p50, "error_p90",
                                      e->p90, "error_p99", e->p99, "window_p50", e->raw[0], "window_p90", e->raw[1],
                                      "window_max", e->max));
}

void tw_register_report(const tw_op_state *state, void *json)
{
    const tw_register_result *r = &state->result;
    const double *m = state->affine.m;
    if (!r->done)
        return;
    if (state->path)
        json_object_set_new(json, "field", json_string(state->path));
    json_object_set_new(json, "affine", json_pack("[ffffff]", m[0], m[1], m[2], m[3], m[4], m[5]));
    if (state->lattice)
        json_object_set_new(json, "lattice",
                            json_pack("{sIsIsf}", "columns", (json_int_t)state->lattice->columns, "rows",
                                      (json_int_t)state->lattice->rows, "spacing", state->lattice->spacing[0]));
    json_object_set_new(json, "registration_size",
                        json_pack("[II]", (json_int_t)state->pyramid[0].width[state->finest],
                                  (json_int_t)state->pyramid[0].height[state->finest]));
    json_object_set_new(json, "global_correlation", json_real(r->global_score));
    json_object_set_new(json, "second_place", json_real(r->global_second));
    if (r->period > 0)
        json_object_set_new(json, "period", json_real(r->period));
    json_object_set_new(json, "windows",
                        json_pack("{sIsIsIsIsI}", "all", (json_int_t)r->nodes, "used", (json_int_t)r->used, "blank",
                                  (json_int_t)r->blank, "lost", (json_int_t)r->lost, "outliers", (json_int_t)r->outliers));
    json_object_set_new(json, "ambiguous_windows", json_real(r->ambiguous));
    json_object_set_new(json, "min_jacobian", json_real(r->min_jacobian));
    add_error(json, "hold_out", &r->hold_out);
    add_error(json, "backward", &r->backward);
    if (r->backward.windows > 0)
        json_object_set_new(json, "inverse_residual", json_real(r->residual));
    const tw_register_truth *t = &state->truth;
    if (state->known)
        json_object_set_new(
            json, "selftest",
            json_pack("{sfsfsfsfsf}", "mean", t->mean, "p50", t->p50, "p90", t->p90, "p99", t->p99, "max", t->max));
}
