/* SPDX-License-Identifier: MIT */
#include "model/fuse.h"

#include <string.h>

#include "model/rewrite.h"
#include "model/workspace.h"

static bool is_plain(const tw_layer *l)
{
    enum { INT8 = 8, DYNAMIC = 19, FILL = 18 };
    return !strcmp(l->type, "Convolution") && !tw_layer_int(l, INT8, 0) && !tw_layer_int(l, DYNAMIC, 0) &&
           tw_layer_real(l, FILL, 0) == 0 && tw_layer_int(l, 31, 0) == 0;
}

/* Outputs lie over their inputs, borders are zeros. */
static bool is_three_by_three(const tw_carry *c, int layer)
{
    const tw_layer *l = &c->graph->layers[layer];
    tw_kernel k = tw_kernel_of(l, c->geometry->blobs[l->inputs[0]].channels);
    for (int axis = 0; axis < 2; axis++) {
        tw_map m = tw_carry_map(c, layer, 0, axis);
        if (m.kind != TW_MAP_WINDOW || m.edge != TW_EDGE_ZERO)
            return false;
    }
    return k.kw == 3 && k.kh == 3 && k.sw == 1 && k.sh == 1 && k.dw == 1 && k.dh == 1 && k.in > 0 && k.in < 1 << 16 &&
           k.out < 1 << 16 && tw_layer_int(l, 6, 0) == 9 * k.in * k.out;
}

/* None, a ReLU or a leaky one in the layer itself. */
static bool own_activation(const tw_layer *l, float *slope)
{
    const tw_param *values = tw_layer_param(l, 10);
    int type = tw_layer_int(l, 9, 0);
    *slope = type == 0 ? 1 : 0;
    if (type == 2 && values && values->values && values->n > 0)
        *slope = (float)values->values[0];
    else if (type > 1)
        return false;
    return true;
}

/* The next layer, if it is the only one that reads this one's result. */
static bool next_activation(const tw_carry *c, int layer, tw_fused *fused)
{
    const tw_graph *g = c->graph;
    const tw_layer *l = &g->layers[layer], *next = l + 1;
    if (layer + 1 >= g->n_layers || next->n_inputs != 1 || next->inputs[0] != l->outputs[0] ||
        g->blobs[l->outputs[0]].consumers != 1)
        return false;
    int out = tw_layer_int(l, 0, 0), slopes = tw_layer_int(next, 0, 0);
    if (!strcmp(next->type, "PReLU") && (slopes == out || slopes == 1))
        fused->slopes = slopes;
    else if (!strcmp(next->type, "ReLU"))
        fused->slope = (float)tw_layer_real(next, 0, 0);
    else
        return false;
    return true;
}

bool tw_fuse(const tw_carry *c, int layer, tw_fused *out)
{
    tw_machine machine = tw_machine_here();
    const tw_layer *l = &c->graph->layers[layer];
    *out = (tw_fused){.slope = 1};
    if (c->plain || c->geometry->canvas[0] != 0 || !machine.fuses || !is_plain(l) || !is_three_by_three(c, layer))
        return false;
    if (tw_layer_int(l, 0, 0) % machine.lanes || c->geometry->blobs[l->inputs[0]].channels % machine.lanes)
        return false;
    if (!own_activation(l, &out->slope))
        return false;
    out->absorbs = out->slope == 1 && next_activation(c, layer, out);
    return true;
}
