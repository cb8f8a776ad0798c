/* SPDX-License-Identifier: MIT */
/* [kept | new], border rule outside the picture; and on the way, what is to be kept next. Blocks stay packed as they come. */
#include "engine/window.h"

#include <stdlib.h>
#include <string.h>

#include "engine/layer.h"

static _Thread_local tw_kept_step *current;
static _Thread_local ncnn_allocator_t allocator;

void tw_window_enter(tw_kept_step *step, ncnn_allocator_t blobs)
{
    current = step;
    allocator = blobs;
}

/* ---- blocks ---- */

static const float *sample(const tw_block *b, int pack, int64_t c, int64_t x, int64_t y)
{
    return b->data + c * b->step + ((y - b->y.lo) * tw_span_length(b->x) + x - b->x.lo) * pack;
}

static const float *sample_of(const tw_kept_blob *b, const tw_block *fresh, int pack, int64_t c, int64_t x, int64_t y)
{
    return sample(y < fresh->y.lo ? &b->rows : fresh, pack, c, x, y);
}

/* Copies samples [x) of row y from the block that holds them. The old columns lie to the left, the new block and the old rows in
 * the same columns. */
static void copy_row(const tw_kept_blob *b, const tw_block *fresh, int pack, int64_t c, tw_span x, int64_t y, float *to)
{
    tw_span left = {x.lo, tw_min64(x.hi, b->columns.x.hi)}, right = {tw_max64(x.lo, fresh->x.lo), x.hi};
    if (left.hi > left.lo) {
        memcpy(to, sample(&b->columns, pack, c, left.lo, y), (size_t)(tw_span_length(left) * pack) * sizeof *to);
        to += tw_span_length(left) * pack;
    }
    if (right.hi > right.lo)
        memcpy(to, sample_of(b, fresh, pack, c, right.lo, y), (size_t)(tw_span_length(right) * pack) * sizeof *to);
}

const float *tw_window_left(const tw_window_view *view, int64_t pack, int64_t x, int64_t y)
{
    return sample(&view->blob->columns, view->pack, pack, x, y);
}

const float *tw_window_main(const tw_window_view *view, int64_t pack, int64_t x, int64_t y)
{
    return sample_of(view->blob, &view->fresh, view->pack, pack, x, y);
}

/* ---- borders ---- */

/* Where sample i of the window lies in a blob of n samples; -1: outside, where the fill is. */
static int64_t place(int64_t i, int64_t n, tw_edge edge)
{
    if (i >= 0 && i < n)
        return i;
    if (edge == TW_EDGE_ZERO)
        return -1;
    return edge == TW_EDGE_REPEAT ? tw_clamp64(i, 0, n - 1) : tw_reflect101(i, n);
}

static void fill_row(float *to, int64_t floats, float value)
{
    for (int64_t i = 0; i < floats; i++)
        to[i] = value;
}

/* One row: what lies in the picture at once, what lies beside it sample by sample. */
static void window_row(const tw_window_view *f, int64_t c, int64_t y, float *to)
{
    int64_t source = place(y, f->length[1], f->window->map[1].edge);
    if (source < 0) {
        fill_row(to, tw_span_length(f->x) * f->pack, f->window->fill);
        return;
    }
    tw_span inside = {tw_max64(f->x.lo, 0), tw_min64(f->x.hi, f->length[0])};
    for (int64_t x = f->x.lo; x < f->x.hi; x++) {
        if (x == inside.lo && inside.hi > inside.lo) {
            copy_row(f->blob, &f->fresh, f->pack, c, inside, source, to + (x - f->x.lo) * f->pack);
            x = inside.hi;
            if (x >= f->x.hi)
                break;
        }
        int64_t at = place(x, f->length[0], f->window->map[0].edge);
        float *sample_to = to + (x - f->x.lo) * f->pack;
        if (at < 0)
            fill_row(sample_to, f->pack, f->window->fill);
        else
            copy_row(f->blob, &f->fresh, f->pack, c, (tw_span){at, at + 1}, source, sample_to);
    }
}

/* ---- the layer ---- */

/* What is to be kept of a blob is written by the first of its windows that runs in a step. */
static void keep(tw_kept_blob *b, const tw_block *fresh, int channels, int pack)
{
    int packs = channels / pack;
    b->rows.step = tw_span_length(b->rows.x) * tw_span_length(b->rows.y) * pack;
    b->columns.step = tw_span_length(b->columns.x) * tw_span_length(b->columns.y) * pack;
    float *rows = b->next_rows, *columns = b->next_columns;
    tw_span height = b->columns.y;
    for (int64_t c = 0; c < packs; c++) {
        for (int64_t y = b->keep_y.lo; y < b->keep_y.hi; y++, rows += tw_span_length(fresh->x) * pack)
            copy_row(b, fresh, pack, c, fresh->x, y, rows);
        for (int64_t y = height.lo; y < height.hi; y++, columns += tw_span_length(b->keep_x) * pack)
            copy_row(b, fresh, pack, c, b->keep_x, y, columns);
    }
    b->done = true;
}

static void give_up(ncnn_mat_t *top)
{
    *top = ncnn_mat_create(); /* ncnn takes it apart whatever is returned */
}

ncnn_mat_t tw_window_block(int64_t w, int64_t h, int packs, int pack, ncnn_mat_t *top)
{
    ncnn_mat_t mat = ncnn_mat_create_3d_elem((int)w, (int)h, packs, (size_t)pack * sizeof(float), pack, allocator);
    if (mat && ncnn_mat_get_data(mat))
        return *top = mat;
    if (mat)
        ncnn_mat_destroy(mat);
    give_up(top);
    return NULL;
}

int tw_window_dummy(int w, int h, int packs, int pack, ncnn_mat_t *top)
{
    ncnn_mat_t mat = tw_window_block(w, h, packs, pack, top);
    if (!mat)
        return -100;
    memset(ncnn_mat_get_data(mat), 0, ncnn_mat_get_cstep(mat) * (size_t)ncnn_mat_get_c(mat) * ncnn_mat_get_elemsize(mat));
    return 0;
}

static int cut_block(const ncnn_mat_t bottom, tw_span x, tw_span y, ncnn_mat_t *top)
{
    int w = ncnn_mat_get_w(bottom), pack = ncnn_mat_get_elempack(bottom);
    if (x.lo < 0 || y.lo < 0 || x.hi > w || y.hi > ncnn_mat_get_h(bottom)) {
        give_up(top);
        return -1;
    }
    ncnn_mat_t mat = tw_window_block(tw_span_length(x), tw_span_length(y), ncnn_mat_get_c(bottom), pack, top);
    if (!mat)
        return -100;
    for (int c = 0; c < ncnn_mat_get_c(bottom); c++) {
        const float *from = ncnn_mat_get_channel_data(bottom, c);
        float *to = ncnn_mat_get_channel_data(mat, c);
        for (int64_t row = y.lo; row < y.hi; row++, to += tw_span_length(x) * pack)
            memcpy(to, from + (row * w + x.lo) * pack, (size_t)(tw_span_length(x) * pack) * sizeof *to);
    }
    return 0;
}

static int window_block(const tw_window_view *f, ncnn_mat_t *top)
{
    ncnn_mat_t mat = tw_window_block(tw_span_length(f->x), tw_span_length(f->y), f->packs, f->pack, top);
    if (!mat)
        return -100;
    for (int c = 0; c < f->packs; c++) {
        float *to = ncnn_mat_get_channel_data(mat, c);
        for (int64_t y = f->y.lo; y < f->y.hi; y++, to += tw_span_length(f->x) * f->pack)
            window_row(f, c, y, to);
    }
    return 0;
}

/* The new samples. A dummy block holds none: then all that is read lies in the old rows and columns. */
static tw_block fresh_block(const tw_kept_blob *b, const ncnn_mat_t bottom)
{
    bool dummy = tw_span_empty(b->new_x) || tw_span_empty(b->new_y);
    return (tw_block){b->new_x, b->new_y, dummy ? NULL : ncnn_mat_get_data(bottom),
                      (int64_t)ncnn_mat_get_cstep(bottom) * ncnn_mat_get_elempack(bottom)};
}

bool tw_window_look(int index, ncnn_mat_t bottom, tw_window_view *out)
{
    const tw_carry_walk *walk = current->walk;
    const tw_carry_window *w = &walk->carry->windows[index];
    int k = walk->kept_of[w->blob], channels = walk->kept[k].channels;
    tw_kept_blob *b = &current->blobs[k];
    tw_block fresh = fresh_block(b, bottom);
    /* A dummy may come in other packs than what is kept. */
    int pack =
        fresh.data || !tw_kept_pack_of(current->kept, k) ? ncnn_mat_get_elempack(bottom) : tw_kept_pack_of(current->kept, k);
    bool fits = !fresh.data || (ncnn_mat_get_w(bottom) == tw_span_length(fresh.x) &&
                                ncnn_mat_get_h(bottom) == tw_span_length(fresh.y) && ncnn_mat_get_c(bottom) * pack == channels);
    if (!fits || !tw_kept_pack(current->kept, k, pack))
        return false;
    if (!b->done)
        keep(b, &fresh, channels, pack);
    *out = (tw_window_view){.window = w, .blob = b, .fresh = fresh, .pack = pack, .packs = channels / pack};
    out->x = tw_carry_window_span(walk, index, 0, current->column);
    out->y = tw_carry_window_span(walk, index, 1, current->row);
    for (int axis = 0; axis < 2; axis++)
        out->length[axis] = walk->length[axis][w->blob];
    return true;
}

static int cut(int index, const ncnn_mat_t bottom, ncnn_mat_t *top)
{
    tw_span x = tw_carry_window_span(current->walk, index, 0, current->column);
    tw_span y = tw_carry_window_span(current->walk, index, 1, current->row);
    const tw_carry_window *w = &current->walk->carry->windows[index];
    if (tw_span_empty(x) || tw_span_empty(y))
        return tw_window_dummy(w->dummy[0], w->dummy[1], ncnn_mat_get_c(bottom), ncnn_mat_get_elempack(bottom), top);
    return cut_block(bottom, x, y, top);
}

static int forward(const ncnn_layer_t layer, const ncnn_mat_t bottom, ncnn_mat_t *top, const ncnn_option_t option)
{
    (void)option;
    int index = atoi(ncnn_layer_get_name(layer) + strlen("tw:"));
    const tw_carry_window *w = &current->walk->carry->windows[index];
    tw_window_view view;
    if (w->cuts)
        return cut(index, bottom, top);
    if (!tw_window_look(index, bottom, &view)) {
        give_up(top);
        return -1;
    }
    if (tw_span_empty(view.x) || tw_span_empty(view.y))
        return tw_window_dummy(w->dummy[0], w->dummy[1], view.packs, view.pack, top);
    return window_block(&view, top);
}

bool tw_window_keep_rest(tw_kept_step *step)
{
    for (int k = 0; k < step->walk->n_kept; k++) {
        tw_kept_blob *b = &step->blobs[k];
        int pack = tw_kept_pack_of(step->kept, k);
        tw_block none = {b->new_x, b->new_y, NULL, 0};
        if (b->done)
            continue;
        if (tw_kept_makes(step, step->walk->kept[k].blob))
            return false;
        if (pack > 0) /* else nothing ever came */
            keep(b, &none, step->walk->kept[k].channels, pack);
    }
    return true;
}

static ncnn_layer_t create(void *user)
{
    (void)user;
    ncnn_layer_t layer = tw_layer_new();
    layer->forward_1 = forward;
    ncnn_layer_set_support_packing(layer, 1);
    return layer;
}

void tw_window_register(ncnn_net_t net)
{
    ncnn_net_register_custom_layer_by_type(net, "TwWindow", create, tw_layer_free, NULL);
}
