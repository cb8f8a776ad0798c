/* SPDX-License-Identifier: MIT */
/* Interval maps of convolutions, pooling, resizing, cropping and padding, as ncnn defines their parameters. */
#include "model/convolve.h"

#include <glib.h>
#include <limits.h>
#include <math.h>

/* Parameter `key`, which stands for both axes unless `key_y` says otherwise. */
static tw_status pair(tw_shaper *s, int key, int key_y, int fallback, int lo, int hi, int64_t out[2])
{
    TW_TRY(tw_shaper_int(s, key, fallback, lo, hi, &out[0]));
    double y = tw_layer_real(tw_shaper_layer(s), key_y, (double)out[0]);
    out[1] = out[0];
    if (y == (double)out[0])
        return TW_OK;
    return tw_shaper_int(s, key_y, fallback, lo, hi, &out[1]);
}

static tw_status whole(tw_shaper *s, int key, int64_t fallback, int64_t *out)
{
    return tw_shaper_int(s, key, (int)fallback, -TW_MAX_PAD, TW_MAX_PAD, out);
}

/* Paddings of a convolution: left, right, top, bottom, the later ones defaulting to the earlier as in ncnn. */
static tw_status paddings(tw_shaper *s, const int keys[4], int64_t out[4])
{
    TW_TRY(whole(s, keys[0], 0, &out[0]));
    TW_TRY(whole(s, keys[1], out[0], &out[1]));
    TW_TRY(whole(s, keys[2], out[0], &out[2]));
    TW_TRY(whole(s, keys[3], out[2], &out[3]));
    return TW_OK;
}

static bool all_are(const int64_t pad[4], int64_t v)
{
    return pad[0] == v && pad[1] == v && pad[2] == v && pad[3] == v;
}

tw_status tw_convolution_maps(tw_shaper *s, bool transposed, tw_map *x, tw_map *y)
{
    int64_t kernel[2], dilation[2], stride[2], pad[4], more[2] = {0, 0};
    TW_TRY(pair(s, 1, 11, 0, 1, TW_MAX_KERNEL, kernel));
    TW_TRY(pair(s, 2, 12, 1, 1, TW_MAX_DILATION, dilation));
    TW_TRY(pair(s, 3, 13, 1, 1, TW_MAX_STRIDE, stride));
    TW_TRY(paddings(s, (const int[]){4, 15, 14, 16}, pad));
    if (kernel[0] < 1 || kernel[1] < 1)
        return tw_shaper_fail(s, "its kernel has no size");
    if (transposed) {
        TW_TRY(pair(s, 18, 19, 0, 0, TW_MAX_PAD, more));
        if (tw_layer_int(tw_shaper_layer(s), 20, 0) || tw_layer_int(tw_shaper_layer(s), 21, 0))
            tw_shaper_inexact(s, "its output has a fixed size");
    }
    tw_map *maps[2] = {x, y};
    for (int a = 0; a < 2; a++) {
        int64_t p = pad[2 * a], q = pad[2 * a + 1];
        tw_map m = {.kind = transposed ? TW_MAP_TRANSPOSED : TW_MAP_WINDOW,
                    .stride = stride[a],
                    .extent = dilation[a] * (kernel[a] - 1) + 1};
        int same = all_are(pad, -233) ? 1 : all_are(pad, -234) ? 2 : 0;
        if (same && transposed) {
            tw_shaper_inexact(s, "its padding follows from a fixed size");
        } else if (same) {
            m.same = same;
        } else if (p < 0 || q < 0) {
            return tw_shaper_fail(s, "negative padding");
        } else {
            m.pad = p;
            m.pad_end = transposed ? q - more[a] : q;
        }
        *maps[a] = m;
    }
    return TW_OK;
}

tw_status tw_pooling_maps(tw_shaper *s, tw_map *x, tw_map *y)
{
    int64_t kernel[2], stride[2], pad[4], mode;
    TW_TRY(pair(s, 1, 11, 0, 1, TW_MAX_KERNEL, kernel));
    TW_TRY(pair(s, 2, 12, 1, 1, TW_MAX_STRIDE, stride));
    TW_TRY(paddings(s, (const int[]){3, 14, 13, 15}, pad));
    TW_TRY(tw_shaper_int(s, 5, 0, 0, 3, &mode));
    if (kernel[0] < 1 || kernel[1] < 1)
        return tw_shaper_fail(s, "its window has no size");
    tw_map *maps[2] = {x, y};
    for (int a = 0; a < 2; a++) {
        if (mode < 2 && (pad[2 * a] < 0 || pad[2 * a + 1] < 0))
            return tw_shaper_fail(s, "negative padding");
        *maps[a] = (tw_map){.kind = TW_MAP_WINDOW, .extent = kernel[a], .stride = stride[a], .round_up = mode == 0};
        if (mode >= 2) {
            maps[a]->same = mode == 2 ? 1 : 2;
        } else {
            maps[a]->pad = pad[2 * a];
            maps[a]->pad_end = pad[2 * a + 1];
        }
    }
    return TW_OK;
}

/* `factor` as up/down. False when no fraction with small terms is that close. */
static bool ratio_of(double factor, int64_t *up, int64_t *down)
{
    if (!(factor > 1.0 / TW_MAX_RATE / 2 && factor < 2.0 * TW_MAX_RATE))
        return false;
    for (int64_t d = 1; d <= TW_MAX_RATE; d++) {
        double u = factor * (double)d, r = floor(u + 0.5);
        if (r >= 1 && fabs(u - r) <= 1e-6 * r) {
            *up = (int64_t)r;
            *down = d;
            return true;
        }
    }
    return false;
}

static bool power_of_two(int64_t n)
{
    return (n & (n - 1)) == 0;
}

/* A resize whose size comes from its second input. */
static tw_status reference_factor(tw_shaper *s, int64_t up[2], int64_t down[2])
{
    const tw_layer *l = tw_shaper_layer(s);
    if (l->n_inputs != 2 || !tw_shaper_in(s, 1)->spatial)
        return tw_shaper_fail(s, "its size comes from a second input that has none");
    const tw_blob_geometry *a = tw_shaper_in(s, 0), *b = tw_shaper_in(s, 1);
    tw_ratio x = tw_ratio_times(b->rate, a->rate.den, a->rate.num), y = tw_ratio_times(b->rate_y, a->rate_y.den, a->rate_y.num);
    if (x.num == 0 || y.num == 0)
        return tw_shaper_fail(s, "factor out of range");
    up[0] = x.num;
    down[0] = x.den;
    up[1] = y.num;
    down[1] = y.den;
    s->geometry->reach[s->layer].reads = TW_READS_FIRST;
    return TW_OK;
}

tw_status tw_interp_maps(tw_shaper *s, tw_map *x, tw_map *y)
{
    static const int before[4] = {0, 0, 0, 1}, after[4] = {0, 0, 1, 2};
    const tw_layer *l = tw_shaper_layer(s);
    int64_t type, up[2] = {1, 1}, down[2] = {1, 1};
    TW_TRY(tw_shaper_int(s, 0, 0, 0, 3, &type));
    if (tw_layer_int(l, 3, 0) || tw_layer_int(l, 4, 0) || tw_layer_param(l, 9)) {
        tw_shaper_inexact(s, "resizes to a size of the whole picture");
    } else if (tw_layer_int(l, 5, 0) == 1) {
        TW_TRY(reference_factor(s, up, down));
    } else {
        for (int a = 0; a < 2; a++) {
            double f = tw_layer_real(l, a == 0 ? 2 : 1, 1);
            if (!ratio_of(f, &up[a], &down[a]))
                return tw_shaper_fail(s, "its factor is not a fraction with terms up to 4096");
            /* with another denominator ncnn's rounded factor drifts against the true one across a wide picture */
            if (!power_of_two(down[a]))
                tw_shaper_inexact(s, "a factor that binary numbers cannot hold");
        }
    }
    if (tw_layer_int(l, 6, 0))
        tw_shaper_inexact(s, "aligned corners: positions depend on the size of the whole picture");
    tw_map *maps[2] = {x, y};
    for (int a = 0; a < 2; a++)
        *maps[a] = up[a] == down[a] ? tw_map_identity()
                                    : (tw_map){.kind = TW_MAP_RESIZE,
                                               .up = up[a],
                                               .down = down[a],
                                               .before = before[type],
                                               .after = after[type],
                                               .centred = type >= 2};
    return TW_OK;
}

tw_status tw_shaper_int(tw_shaper *s, int key, int fallback, int lo, int hi, int64_t *out)
{
    double v = tw_layer_real(tw_shaper_layer(s), key, fallback);
    if (v != fallback && !(v >= lo && v <= hi && v == floor(v))) {
        const tw_layer *l = tw_shaper_layer(s);
        return tw_fail(s->err, TW_ERROR_INPUT, "%s: layer %.80s (%.40s): parameter %d is %g, outside %d..%d", s->label, l->name,
                       l->type, key, v, lo, hi);
    }
    *out = (int64_t)v;
    return TW_OK;
}

/* ---- crop ---- */

static tw_map cut(int64_t from, int64_t behind)
{
    tw_map m = tw_map_identity();
    m.pad = -from;
    m.pad_end = -behind;
    return m;
}

/* One axis of a numpy-like slice [start, end): a cut where it counts from the same border, otherwise a fixed size. */
static tw_status slice_axis(tw_shaper *s, double start, double end, tw_map *out)
{
    if (start == -233)
        start = 0;
    if (end == -233)
        end = 0;
    if (fabs(start) > TW_MAX_PAD || (end < 0 && end < -TW_MAX_PAD))
        return tw_shaper_fail(s, "cuts more than 65536 samples");
    *out = cut(start > 0 ? (int64_t)start : 0, end < 0 ? (int64_t)-end : 0);
    if (start < 0 || (end > 0 && end < INT_MAX / 2)) {
        tw_shaper_inexact(s, "cuts a part of fixed size or place out of the picture");
        if (start >= 0 && end > start)
            out->fixed = (int64_t)(end - start);
    }
    return TW_OK;
}

static int sliced_channels(int channels, double start, double end)
{
    if (channels == 0)
        return 0;
    if (start == -233)
        start = 0;
    if (end == -233 || end > channels)
        end = channels;
    if (start < 0)
        start += channels;
    if (end <= 0)
        end += channels;
    return start >= 0 && end > start ? (int)(end - start) : 0;
}

static tw_status crop_slices(tw_shaper *s, tw_map *x, tw_map *y, int *channels)
{
    const tw_layer *l = tw_shaper_layer(s);
    const tw_param *starts = tw_layer_param(l, 9), *ends = tw_layer_param(l, 10), *axes = tw_layer_param(l, 11);
    if (starts->n > 3 || ends->n != starts->n || !ends->values ||
        (axes && (!axes->values || (axes->n && axes->n != starts->n))))
        return tw_shaper_fail(s, "its starts, ends and axes do not match");
    for (int i = 0; i < starts->n; i++) {
        double a = axes && axes->n ? axes->values[i] : i;
        if (!(a >= -3 && a <= 2))
            return tw_shaper_fail(s, "an axis that a picture does not have");
        int axis = (int)(a < 0 ? a + 3 : a);
        if (axis == 0)
            *channels = sliced_channels(*channels, starts->values[i], ends->values[i]);
        else
            TW_TRY(slice_axis(s, starts->values[i], ends->values[i], axis == 2 ? x : y));
    }
    return TW_OK;
}

/* Offsets with a size: -233 is what is left after `behind`; another size is fixed. */
static tw_status crop_axis(tw_shaper *s, int from_key, int size_key, int behind_key, tw_map *out)
{
    int64_t from, behind, size;
    TW_TRY(tw_shaper_int(s, from_key, 0, 0, TW_MAX_PAD, &from));
    TW_TRY(tw_shaper_int(s, behind_key, 0, 0, TW_MAX_PAD, &behind));
    TW_TRY(tw_shaper_int(s, size_key, 0, -233, INT_MAX, &size));
    *out = cut(from, behind);
    if (size != -233) {
        tw_shaper_inexact(s, "cuts a part of fixed size out of the picture");
        out->fixed = tw_max64(size, 1);
    }
    return TW_OK;
}

tw_status tw_crop_maps(tw_shaper *s, tw_map *x, tw_map *y, int *channels)
{
    static const int sized[] = {3, 4, 5, 14, 6, 7, 8, 15};
    const tw_layer *l = tw_shaper_layer(s);
    const tw_param *starts = tw_layer_param(l, 9), *ends = tw_layer_param(l, 10);
    *x = *y = tw_map_identity();
    if (tw_layer_param(l, 19) || tw_layer_param(l, 20) || tw_layer_param(l, 21)) {
        tw_shaper_inexact(s, "cuts by an expression");
        return TW_OK;
    }
    if (starts && starts->values && starts->n && ends && ends->n)
        return crop_slices(s, x, y, channels);
    bool by_reference = true;
    for (size_t i = 0; i < G_N_ELEMENTS(sized); i++)
        by_reference = by_reference && tw_layer_int(l, sized[i], 0) == 0;
    if (!by_reference) {
        int size = tw_layer_int(l, 5, 0), from = tw_layer_int(l, 2, 0), left = *channels - from - tw_layer_int(l, 8, 0);
        *channels = *channels == 0 || left < 1 ? 0 : size == -233 ? left : MIN(MAX(size, 0), left);
        TW_TRY(crop_axis(s, 0, 3, 6, x));
        return crop_axis(s, 1, 4, 7, y);
    }
    if (l->n_inputs != 2 || tw_layer_int(l, 0, 0) == -233) {
        tw_shaper_inexact(s, "cuts by numbers that another blob holds");
        return TW_OK;
    }
    int64_t left, top;
    TW_TRY(tw_shaper_int(s, 0, 0, 0, TW_MAX_PAD, &left));
    TW_TRY(tw_shaper_int(s, 1, 0, 0, TW_MAX_PAD, &top));
    *x = cut(left, 0);
    *y = cut(top, 0);
    if (tw_shaper_in(s, 1)->spatial) {
        s->geometry->reach[s->layer].reads = TW_READS_FIRST;
        *channels = tw_shaper_in(s, 1)->channels;
    }
    return TW_OK;
}

tw_status tw_padding_maps(tw_shaper *s, tw_map *x, tw_map *y)
{
    static const tw_edge edges[] = {TW_EDGE_ZERO, TW_EDGE_REPEAT, TW_EDGE_REFLECT};
    int64_t top, bottom, left, right, type;
    TW_TRY(tw_shaper_int(s, 0, 0, 0, TW_MAX_PAD, &top));
    TW_TRY(tw_shaper_int(s, 1, 0, 0, TW_MAX_PAD, &bottom));
    TW_TRY(tw_shaper_int(s, 2, 0, 0, TW_MAX_PAD, &left));
    TW_TRY(tw_shaper_int(s, 3, 0, 0, TW_MAX_PAD, &right));
    TW_TRY(tw_shaper_int(s, 4, 0, 0, 2, &type));
    *x = cut(-left, -right);
    *y = cut(-top, -bottom);
    x->edge = y->edge = edges[type];
    return TW_OK;
}

/* ---- weights ---- */

static int64_t count(const tw_layer *l, int key)
{
    double v = tw_layer_real(l, key, 0);
    return v > 0 && v <= INT_MAX ? (int64_t)v : 0;
}

/* Of hostile sizes: stops at 2^40. */
static int64_t product(int64_t a, int64_t b)
{
    return a > ((int64_t)1 << 40) / b ? (int64_t)1 << 40 : a * b;
}

int64_t tw_layer_weights(const tw_layer *l)
{
    if (g_str_has_prefix(l->type, "Convolution") || g_str_has_prefix(l->type, "Deconvolution"))
        return count(l, 6) + (count(l, 5) ? count(l, 0) : 0);
    if (g_str_equal(l->type, "InnerProduct"))
        return count(l, 2) + (count(l, 1) ? count(l, 0) : 0);
    if (g_str_equal(l->type, "PReLU") || g_str_equal(l->type, "Bias"))
        return count(l, 0);
    if (g_str_equal(l->type, "Scale"))
        return count(l, 0) * (count(l, 1) ? 2 : 1);
    if (g_str_equal(l->type, "BatchNorm"))
        return 4 * count(l, 0);
    if (g_str_equal(l->type, "MemoryData"))
        return product(product(MAX(count(l, 0), 1), MAX(count(l, 1), 1)), MAX(count(l, 2), 1));
    if (g_str_equal(l->type, "Padding"))
        return count(l, 6);
    if (g_str_equal(l->type, "Normalize"))
        return count(l, 3);
    if (g_str_equal(l->type, "InstanceNorm"))
        return 2 * count(l, 0);
    if (g_str_equal(l->type, "GroupNorm"))
        return 2 * count(l, 1);
    if (g_str_equal(l->type, "LayerNorm") || g_str_equal(l->type, "RMSNorm"))
        return 2 * count(l, 0);
    return 0;
}
