/* SPDX-License-Identifier: MIT */
#include "engine/convolution.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "engine/layer.h"
#include "engine/window.h"
#include "engine/winograd.h"
#include "model/workspace.h"

_Static_assert(sizeof(tw_winograd_row) == 3 * sizeof(float *), "tw_work_fused counts so much");

typedef struct convolution {
    tw_winograd winograd;
    int out, weights, slopes, window;
    float slope;
    bool has_bias, has_slope;
} convolution;

struct tw_convolutions {
    GPtrArray *all;
};

static _Thread_local tw_convolutions *current;
static _Thread_local ncnn_allocator_t workspace;

static void convolution_free(void *c)
{
    if (c)
        tw_winograd_clear(&((convolution *)c)->winograd);
    g_free(c);
}

tw_convolutions *tw_convolutions_new(void)
{
    tw_convolutions *convolutions = g_new0(tw_convolutions, 1);
    convolutions->all = g_ptr_array_new_with_free_func(convolution_free);
    return convolutions;
}

void tw_convolutions_free(tw_convolutions *convolutions)
{
    if (!convolutions)
        return;
    g_ptr_array_free(convolutions->all, TRUE);
    g_free(convolutions);
}

void tw_convolution_enter(tw_convolutions *convolutions, ncnn_allocator_t allocator)
{
    current = convolutions;
    workspace = allocator;
}

/* ncnn's C API has no place for a layer's own data: the rewrite numbers them by name, "tw:conv:N". */
static convolution *convolution_of(ncnn_layer_t layer)
{
    size_t index = (size_t)atoi(ncnn_layer_get_name(layer) + strlen("tw:conv:"));
    while (current->all->len <= index)
        g_ptr_array_add(current->all, NULL);
    void **place = &current->all->pdata[index];
    if (!*place)
        *place = g_new0(convolution, 1);
    return *place;
}

/* ---- loading ---- */

static int load_param(ncnn_layer_t layer, const ncnn_paramdict_t pd)
{
    convolution *c = convolution_of(layer);
    c->out = ncnn_paramdict_get_int(pd, 0, 0);
    c->has_bias = ncnn_paramdict_get_int(pd, 5, 0);
    c->weights = ncnn_paramdict_get_int(pd, 6, 0);
    c->slopes = ncnn_paramdict_get_int(pd, 20, 0);
    c->window = ncnn_paramdict_get_int(pd, 21, -1);
    c->slope = ncnn_paramdict_get_float(pd, 22, 1);
    c->has_slope = c->slopes > 0 || c->slope != 1;
    return c->out > 0 && c->weights > 0 ? 0 : -1;
}

/* `n` values; or one, for all. */
static bool load_values(ncnn_modelbin_t bin, int n, float *to, int room)
{
    ncnn_mat_t mat = bin->load_1d(bin, n, 1);
    const float *from = mat ? ncnn_mat_get_data(mat) : NULL;
    for (int i = 0; i < room && from; i++)
        to[i] = from[n == 1 ? 0 : i];
    ncnn_mat_destroy(mat);
    return from != NULL;
}

static bool load_rest(convolution *c, ncnn_modelbin_t bin)
{
    tw_winograd *w = &c->winograd;
    if (c->has_bias && !load_values(bin, c->out, w->bias, c->out))
        return false;
    if (!c->has_slope)
        return true;
    w->slope = aligned_alloc(64, ((size_t)c->out * sizeof(float) + 63) / 64 * 64);
    for (int i = 0; i < c->out && w->slope; i++)
        w->slope[i] = c->slope;
    return w->slope && (c->slopes == 0 || load_values(bin, c->slopes, w->slope, c->out));
}

static int load_model(ncnn_layer_t layer, const ncnn_modelbin_t bin)
{
    convolution *c = convolution_of(layer);
    ncnn_mat_t mat = bin->load_1d(bin, c->weights, 0);
    const float *weights = mat ? ncnn_mat_get_data(mat) : NULL;
    bool loaded = weights && tw_winograd_init(&c->winograd, tw_machine_here().lanes, c->weights / c->out / 9, c->out, weights);
    ncnn_mat_destroy(mat);
    return loaded && load_rest(c, bin) ? 0 : -100;
}

/* ---- running ---- */

static void rows_of_window(const tw_window_view *view, tw_winograd_row *rows, tw_winograd_call *call)
{
    call->begin = tw_max64(view->x.lo, 0) - view->x.lo;
    call->end = tw_min64(view->x.hi, view->length[0]) - view->x.lo;
    call->seam = tw_clamp64(view->fresh.x.lo - view->x.lo, call->begin, call->end);
    for (int p = 0; p < view->packs; p++)
        for (int64_t y = view->y.lo; y < view->y.hi; y++, rows++) {
            *rows = (tw_winograd_row){.inside = y >= 0 && y < view->length[1]};
            if (!rows->inside)
                continue;
            rows->left = tw_window_left(view, p, view->x.lo, y);
            rows->main = tw_window_main(view, p, view->x.lo, y);
        }
}

static void rows_of_mat(const ncnn_mat_t mat, tw_winograd_row *rows, tw_winograd_call *call)
{
    int64_t w = ncnn_mat_get_w(mat), h = ncnn_mat_get_h(mat), pack = ncnn_mat_get_elempack(mat);
    call->begin = call->seam = 0;
    call->end = w;
    for (int p = 0; p < ncnn_mat_get_c(mat); p++)
        for (int64_t y = 0; y < h; y++, rows++)
            *rows = (tw_winograd_row){NULL, (const float *)ncnn_mat_get_channel_data(mat, p) + y * w * pack, true};
}

/* `view` NULL: the input is the window. */
static int convolve(const convolution *c, const tw_window_view *view, const ncnn_mat_t bottom, ncnn_mat_t *top)
{
    const tw_winograd *w = &c->winograd;
    int lanes = w->lanes;
    tw_winograd_call call = {.out_w = (view ? tw_span_length(view->x) : ncnn_mat_get_w(bottom)) - 2,
                             .out_h = (view ? tw_span_length(view->y) : ncnn_mat_get_h(bottom)) - 2};
    int64_t bytes = tw_work_fused(w->in, w->out, lanes, call.out_w, call.out_h);
    ncnn_mat_t work = ncnn_mat_create_1d((int)(bytes / (int64_t)sizeof(float)), workspace);
    ncnn_mat_t mat = NULL;
    if (work && ncnn_mat_get_data(work))
        mat = tw_window_block(call.out_w, call.out_h, w->out / lanes, lanes, top);
    else
        *top = ncnn_mat_create(); /* ncnn takes it apart whatever is returned */
    if (mat) {
        tw_winograd_row *rows = ncnn_mat_get_data(work);
        call.rows = rows;
        if (view)
            rows_of_window(view, rows, &call);
        else
            rows_of_mat(bottom, rows, &call);
        rows += w->in / lanes * (call.out_h + 2);
        call.work = (float *)(((uintptr_t)rows + 63) / 64 * 64);
        call.block = tw_work_fused_block(call.out_w, call.out_h);
        call.to = ncnn_mat_get_data(mat);
        call.to_step = (int64_t)ncnn_mat_get_cstep(mat) * lanes;
        tw_winograd_run(w, &call);
    }
    ncnn_mat_destroy(work);
    return mat ? 0 : -100;
}

static int forward(const ncnn_layer_t layer, const ncnn_mat_t bottom, ncnn_mat_t *top, const ncnn_option_t option)
{
    (void)option;
    const convolution *c = convolution_of(layer);
    int lanes = c->winograd.lanes;
    tw_window_view view;
    bool windowed = c->window >= 0;
    bool fits = windowed ? tw_window_look(c->window, bottom, &view)
                         : ncnn_mat_get_elempack(bottom) == lanes && ncnn_mat_get_c(bottom) * lanes == c->winograd.in;
    if (fits && windowed && (tw_span_empty(view.x) || tw_span_empty(view.y)))
        return tw_window_dummy(1, 1, c->out / lanes, lanes, top);
    if (fits && windowed)
        fits = view.pack == lanes && view.packs * lanes == c->winograd.in;
    if (fits)
        return convolve(c, windowed ? &view : NULL, bottom, top);
    *top = ncnn_mat_create();
    return -1;
}

static ncnn_layer_t create(void *user)
{
    (void)user;
    ncnn_layer_t layer = tw_layer_new();
    layer->load_param = load_param;
    layer->load_model = load_model;
    layer->forward_1 = forward;
    ncnn_layer_set_support_packing(layer, 1);
    return layer;
}

void tw_convolution_register(ncnn_net_t net)
{
    ncnn_net_register_custom_layer_by_type(net, "TwConvolution", create, tw_layer_free, NULL);
}
