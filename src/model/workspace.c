/* SPDX-License-Identifier: MIT */
/* The tile rules below restate ncnn's: they decide how much a product is padded and whether a second copy of it lives
 * for a moment. test_memory compares them with ncnn's own allocations, so a new ncnn that decides otherwise is noticed. */
#include "model/workspace.h"

#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/rect.h"

/* ---- the machine ---- */

static int64_t read_number(const char *path, int scale_k)
{
    FILE *file = fopen(path, "re");
    long long v = 0;
    if (file && fscanf(file, "%lld", &v) != 1)
        v = 0;
    if (file)
        fclose(file);
    return v * (scale_k ? 1024 : 1);
}

static int sharing_cores(int index)
{
    char path[128], mask[256] = "";
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/shared_cpu_map", index);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%255s", mask) != 1)
        mask[0] = 0;
    if (file)
        fclose(file);
    int bits = 0;
    for (const char *c = mask; *c; c++)
        if (g_ascii_isxdigit(*c))
            for (int v = g_ascii_xdigit_value(*c); v; v &= v - 1)
                bits++;
    return MAX(bits, 1);
}

/* Counts hardware threads where ncnn counts cores: a thread pair then seems to halve the cache, so the greater of both
 * is kept. */
static int64_t level2_bytes(void)
{
    for (int i = 0; i < 16; i++) {
        char path[128];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        if (read_number(path, 0) != 2)
            continue;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        int64_t bytes = read_number(path, 1);
        int cores = sharing_cores(i);
        if (bytes > 0)
            return cores <= 2 ? bytes : bytes / cores * 2;
    }
    return 0;
}

tw_machine tw_machine_here(void)
{
    static gsize once;
    static tw_machine here;
    if (g_once_init_enter(&once)) {
        here = (tw_machine){.lanes = 4, .l2_bytes = level2_bytes()};
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
            here.lanes = 16;
        else if (__builtin_cpu_supports("avx"))
            here.lanes = 8;
        here.fuses = here.lanes != 8 || (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
#else
        here.fuses = true;
#endif
        if (here.l2_bytes <= 0)
            here.l2_bytes = MAX(sysconf(_SC_LEVEL2_CACHE_SIZE), 0);
        if (here.l2_bytes <= 0)
            here.l2_bytes = here.lanes == 16 ? 1 << 20 : 1 << 18;
        g_once_init_leave(&once, 1);
    }
    return here;
}

int64_t tw_work_rounded(int64_t bytes)
{
    int64_t total = bytes + 128, step = total >= 64 * 1024 ? 4096 : 64; /* two heads: the arena's and tw_alloc's */
    return (total + step - 1) / step * step;
}

/* ---- tiles of the products ---- */

static int64_t up_to(int64_t v, int64_t step)
{
    return (v + step - 1) / step * step;
}
static int64_t at_least(int64_t v, int64_t step)
{
    return tw_max64(step, v / step * step);
}

/* As many equal tiles as tiles of `tile` would take, each rounded up. */
static int64_t even(int64_t tile, int64_t total, int64_t step)
{
    int64_t n = tw_ceil_div(total, tile);
    return n > 0 ? tw_min64(tile, up_to(tw_ceil_div(total, n), step)) : tile;
}

static int64_t columns_step(const tw_machine *m)
{
    return m->lanes == 8 ? 12 : m->lanes;
}

static tw_tiles winograd_tiles(const tw_machine *machine, int64_t M, int64_t N, int64_t K)
{
    int64_t floats = machine->l2_bytes / 4, lanes = machine->lanes, step = columns_step(machine);
    tw_tiles t = {0, 0, 0};
    t.m = even(at_least((int64_t)sqrt((double)floats / 3), lanes), M, lanes);
    t.k = even(at_least((int64_t)(sqrt((double)floats) - (double)t.m), lanes), K, lanes);
    t.n = even(at_least((floats - t.m * t.k) / (t.m + t.k), step), N, step);
    return t;
}

static tw_tiles unfold_tiles(const tw_machine *machine, int64_t M, int64_t N, int64_t K)
{
    int64_t floats = machine->l2_bytes / 4, lanes = machine->lanes, step = columns_step(machine);
    tw_tiles t = {0, 0, 0};
    int64_t k = lanes == 16 ? (floats - 64) / 16 : lanes == 8 ? (floats - 32) / 8 : (floats - 16) / 8;
    t.k = even(at_least(k, lanes), K, lanes);
    t.m = tw_max64(lanes, up_to(tw_ceil_div(M, tw_ceil_div(M, 4 * lanes)), lanes));
    t.m = even(t.m, M, lanes);
    int64_t room = floats - t.m * t.k;
    t.n = tw_max64(step, even(at_least(room / (t.k >= K ? t.k : t.m + t.k), step), N, step));
    return t;
}

static tw_tiles product_tiles(const tw_machine *machine, int64_t M, int64_t N, int64_t K)
{
    int64_t floats = machine->l2_bytes / 4, lanes = machine->lanes, step = lanes == 16 ? 16 : 4;
    int64_t side = (int64_t)sqrt((double)floats / 3);
    tw_tiles t = {at_least(side, lanes), at_least(side, step), at_least(side, lanes)};
    bool one = K <= t.k;
    t.k = even(t.k, K, lanes);
    if (one) {
        side = floats / 2 / t.k;
        t.m = at_least(side, lanes);
        t.n = at_least(side, step);
    }
    t.m = even(t.m, M, lanes);
    t.n = even(t.n, N, step);
    return t;
}

/* ---- what a layer takes ---- */

static bool is_winograd(const tw_kernel *k)
{
    return k->kw == 3 && k->kh == 3 && k->dw == 1 && k->dh == 1 && k->sw == 1 && k->sh == 1 && (k->in > 8 || k->out > 8) &&
           !(k->mask & 64);
}

int64_t tw_work_winograd_side(const tw_kernel *k)
{
    return !is_winograd(k) ? 0 : k->in <= 32 && k->out <= 32 ? 6 : 4;
}

static bool is_unfolded(const tw_machine *machine, const tw_kernel *k)
{
    if (k->kw == 1 && k->kh == 1)
        return true;
    double size = (double)(k->in * k->out * k->kw * k->kh) * (double)(k->dw * k->dh * k->sw * k->sh) * 8;
    return !(k->mask & 32) && (size > (double)machine->l2_bytes || k->in > 16 || k->out > 16);
}

/* Hostile graphs only: no machine has it, and the sums stay inside 64 bits. */
static const int64_t absurd = (int64_t)1 << 50;
static bool too_big(const tw_kernel *k, int64_t w, int64_t h)
{
    double area = (double)w * (double)h * (double)(k->kw * k->kh);
    return area * (double)(k->in + k->out) > 1e13 || (double)(k->in * k->out) * (double)(k->kw * k->kh) > 1e13;
}

static int64_t block(int64_t floats)
{
    return tw_work_rounded(up_to(floats * 4, 16) + 4);
}

int64_t tw_work_convolution(const tw_machine *machine, const tw_kernel *k, int64_t out_w, int64_t out_h)
{
    if (too_big(k, out_w, out_h))
        return absurd;
    if (is_winograd(k)) {
        int64_t side = tw_work_winograd_side(k), points = (side + 2) * (side + 2);
        int64_t N = tw_ceil_div(out_w, side) * tw_ceil_div(out_h, side);
        tw_tiles t = winograd_tiles(machine, k->out, N, k->in);
        int64_t transformed = block(t.k * t.n * points * tw_ceil_div(k->in, t.k) * tw_ceil_div(N, t.n));
        return transformed + tw_max64(block(t.n * points * t.k), block(t.n * points * t.m));
    }
    if (is_unfolded(machine, k)) {
        int64_t K = k->in * k->kw * k->kh, N = out_w * out_h;
        tw_tiles t = unfold_tiles(machine, k->out, N, K);
        int64_t unfolded = block(t.k * t.n * tw_ceil_div(K, t.k) * tw_ceil_div(N, t.n));
        return unfolded + (K > t.k ? block(t.n * t.m) : 0);
    }
    return 0;
}

/* 36 blocks of 64 + 64 channels, 36 values each, lie beside their weights in a level-2 cache of a megabyte. Evened out. */
int64_t tw_work_fused_block(int64_t out_w, int64_t out_h)
{
    int64_t all = tw_ceil_div(out_w, 4) * tw_ceil_div(out_h, 4);
    return tw_ceil_div(all, tw_ceil_div(all, 36));
}

int64_t tw_work_fused(int64_t in, int64_t out, int lanes, int64_t out_w, int64_t out_h)
{
    int64_t rows = in / lanes * (out_h + 2) * (int64_t)(3 * sizeof(float *));
    return up_to(rows, 64) + up_to(tw_work_fused_block(out_w, out_h), 12) * 36 * (in + out) * (int64_t)sizeof(float) + 64;
}

int64_t tw_work_deconvolution(const tw_machine *machine, const tw_kernel *k, int64_t in_w, int64_t in_h)
{
    if (k->mask & 32)
        return 0;
    if (too_big(k, in_w, in_h))
        return absurd;
    int64_t M = k->kw * k->kh * k->out, N = in_w * in_h, K = k->in;
    tw_tiles t = product_tiles(machine, M, N, K);
    int64_t packed = block(t.k * t.n * tw_ceil_div(K, t.k) * tw_ceil_div(N, t.n));
    return block(M * N) + packed + (K > t.k ? block(t.n * t.m) : 0);
}

/* What the geometry has let pass keeps to these bounds; layers on vectors were not looked at. */
static int64_t bounded(const tw_layer *l, int key, int64_t fallback, int64_t most)
{
    return tw_clamp64(tw_layer_int(l, key, (int)fallback), 1, most);
}

tw_kernel tw_kernel_of(const tw_layer *l, int64_t in)
{
    tw_kernel k = {.in = in, .out = bounded(l, 0, 1, 1 << 20), .mask = tw_layer_int(l, 31, 0)};
    k.kw = bounded(l, 1, 1, 1024);
    k.kh = bounded(l, 11, k.kw, 1024);
    k.dw = bounded(l, 2, 1, 1024);
    k.dh = bounded(l, 12, k.dw, 1024);
    k.sw = bounded(l, 3, 1, 1024);
    k.sh = bounded(l, 13, k.sw, 1024);
    return k;
}

/* ---- weights ---- */

static void convolution_weights(const tw_machine *machine, const tw_kernel *k, int64_t raw, int64_t *resident,
                                int64_t *transient)
{
    if (is_winograd(k)) {
        int64_t points = k->in <= 32 && k->out <= 32 ? 64 : 36;
        tw_tiles t = winograd_tiles(machine, k->out, 1, k->in);
        *resident += 4 * points * t.k * t.m * tw_ceil_div(k->in, t.k) * tw_ceil_div(k->out, t.m);
        *transient = raw + 4 * points * t.k * t.m;
    } else if (is_unfolded(machine, k)) {
        int64_t K = k->in * k->kw * k->kh;
        tw_tiles t = unfold_tiles(machine, k->out, 1, K);
        *resident += 4 * t.k * t.m * tw_ceil_div(K, t.k) * tw_ceil_div(k->out, t.m);
        *transient = 2 * raw;
    } else {
        *resident += raw;
        *transient = raw;
    }
}

void tw_work_weights(const tw_machine *machine, const tw_layer *l, int64_t *resident, int64_t *transient)
{
    int64_t count = tw_layer_int(l, 6, 0);
    *resident = 8192; /* the layer itself, its bias and activation */
    *transient = 0;
    if (!strcmp(l->type, "InnerProduct"))
        count = tw_layer_int(l, 2, 0);
    int64_t raw = 4 * tw_max64(count, 0);
    tw_kernel k = tw_kernel_of(l, 1);
    bool sane = k.out > 0 && k.kw > 0 && k.kh > 0 && count > 0;
    if (sane)
        k.in = tw_max64(count / k.out / (k.kw * k.kh), 1);
    if (!strcmp(l->type, "Convolution") && sane) {
        convolution_weights(machine, &k, raw, resident, transient);
    } else if (!strcmp(l->type, "TwConvolution") && sane) {
        *resident += 4 * 36 * k.in * k.out + 8 * k.out;
        *transient = raw;
    } else if (!strcmp(l->type, "Deconvolution") && sane) {
        tw_tiles t = product_tiles(machine, k.kw * k.kh * k.out, 1, k.in);
        *resident += 4 * t.k * t.m * tw_ceil_div(k.in, t.k) * tw_ceil_div(k.kw * k.kh * k.out, t.m);
        *transient = 2 * raw;
    } else {
        *resident += 2 * raw;
        *transient = raw;
    }
    *resident += 4 * tw_max64(k.out, 0);
}

/* ---- Vulkan devices ---- */

bool tw_work_device_winograd(const tw_kernel *k)
{
    return k->kw == 3 && k->kh == 3 && k->dw == 1 && k->dh == 1 && k->sw == 1 && k->sh == 1 && k->in >= 16 && k->out >= 16 &&
           !(k->mask & 64);
}

int64_t tw_work_device_weights(const tw_layer *l)
{
    int64_t count = tw_layer_int(l, 6, 0), small = 4096; /* bias, activation, alignment */
    if (!strcmp(l->type, "InnerProduct"))
        return small + 5 * tw_max64(tw_layer_int(l, 2, 0), 0);
    tw_kernel k = tw_kernel_of(l, 1);
    if (count <= 0 || k.out <= 0 || k.kw * k.kh <= 0)
        return small;
    k.in = tw_max64(count / k.out / (k.kw * k.kh), 1);
    bool winograd = !strcmp(l->type, "Convolution") && tw_work_device_winograd(&k);
    int64_t values = winograd ? 36 : k.kw * k.kh;
    return small + 4 * values * up_to(k.in, 4) * up_to(k.out, 4) + 4 * k.out;
}
