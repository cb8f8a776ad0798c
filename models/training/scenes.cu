// SPDX-License-Identifier: MIT
/* Draws made motion (scenes.py): C that a C compiler builds for processors and a CUDA compiler for GPUs.
 *
 * A scene is LAYERS rows of PARAMETERS numbers, from back to front. A layer is a texture in its own coordinates u (output pixels around
 * its middle). It is at X0(u) = L0 u + a0 in the first frame, at X1(u) = L1 (u + bend(u)) + a1 in the last one, and moves straight in
 * between: x(t) = (1 - t) X0(u) + t X1(u). bend() is a sum of waves. */

#define LAYERS 4
#define WAVES 4
#define HARMONICS 7

/* Numbers of a layer: */
enum {
    PRESENT, LINEAR0, LINEAR1 = LINEAR0 + 4, AT0 = LINEAR1 + 4, AT1 = AT0 + 2,
    TEXTURE = AT1 + 2,                /* where its picture begins in the bank (2 numbers: /65536, %65536), width, height, middle x, y, density */
    LIGHT = TEXTURE + 7,              /* factor, what is added, change of the factor over time */
    BEND = LIGHT + 3,                 /* waves: kx, ky, phase, amplitude x, y */
    OUTLINE = BEND + 5 * WAVES,       /* 0 none, 1 star, 2 star with holes; radius, soft, squeeze, power: 2 round, more: a box */
    STAR = OUTLINE + 5,               /* size and phase of the harmonics 2, 3, .. */
    HOLES = STAR + 2 * HARMONICS,     /* threshold, then waves: kx, ky, phase */
    PARAMETERS = HOLES + 1 + 3 * WAVES
};

#ifdef __CUDACC__
#define INSIDE static __device__
#else
#include <math.h>
#define INSIDE static
#endif

typedef struct {
    float x, y;
} Point;

INSIDE float limited(float x)
{
    return x < 0.0f ? 0.0f : x > 1.0f ? 1.0f : x;
}

INSIDE Point bend(const float *layer, Point u)
{
    Point sum = {0.0f, 0.0f};
    for (int i = 0; i < WAVES; i++) {
        const float *wave = layer + BEND + 5 * i;
        if (wave[3] == 0.0f && wave[4] == 0.0f)
            continue;
        float s = sinf(wave[0] * u.x + wave[1] * u.y + wave[2]);
        sum.x += wave[3] * s;
        sum.y += wave[4] * s;
    }
    return sum;
}

INSIDE Point times(const float *m, Point u)
{
    Point x = {m[0] * u.x + m[1] * u.y, m[2] * u.x + m[3] * u.y};
    return x;
}

/* Where in the texture the layer's point at x of time t comes from. */
INSIDE Point inverse(const float *layer, float t, Point x)
{
    const float *l0 = layer + LINEAR0, *l1 = layer + LINEAR1, *a0 = layer + AT0, *a1 = layer + AT1;
    float m[4], back[4];
    for (int i = 0; i < 4; i++)
        m[i] = (1 - t) * l0[i] + t * l1[i];
    float scale = 1 / (m[0] * m[3] - m[1] * m[2]);
    back[0] = m[3] * scale, back[1] = -m[1] * scale, back[2] = -m[2] * scale, back[3] = m[0] * scale;
    Point from = {x.x - (1 - t) * a0[0] - t * a1[0], x.y - (1 - t) * a0[1] - t * a1[1]};
    Point first = times(back, from), u = first;
    for (int i = 0; i < 5 && t != 0; i++) {
        Point moved = times(back, times(l1, bend(layer, u)));
        u.x = first.x - t * moved.x;
        u.y = first.y - t * moved.y;
    }
    return u;
}

INSIDE Point forward(const float *layer, int end, Point u)
{
    if (end) {
        Point d = bend(layer, u);
        u.x += d.x, u.y += d.y;
    }
    Point x = times(layer + (end ? LINEAR1 : LINEAR0), u);
    x.x += layer[(end ? AT1 : AT0)], x.y += layer[(end ? AT1 : AT0) + 1];
    return x;
}

/* How much of a sample at u the layer covers, 0 to 1. */
INSIDE float cover(const float *layer, Point u)
{
    const float *outline = layer + OUTLINE;
    if (outline[0] == 0.0f)
        return 1.0f;
    float squeeze = outline[3], power = outline[4], y = u.y * squeeze, edge = 1.0f;
    float far = power == 2.0f ? sqrtf(u.x * u.x + y * y) : powf(powf(fabsf(u.x), power) + powf(fabsf(y), power), 1 / power);
    if (far > 3 * outline[1])
        return 0.0f;
    float angle = atan2f(y, u.x);
    for (int i = 0; i < HARMONICS && layer[STAR + 2 * i] != 0.0f; i++)
        edge += layer[STAR + 2 * i] * sinf((float)(i + 2) * angle + layer[STAR + 2 * i + 1]);
    float inside = limited((outline[1] * edge - far) / sqrtf(squeeze) / outline[2] + 0.5f);
    if (outline[0] == 1.0f || inside == 0.0f)
        return inside;
    float sum = -layer[HOLES], gx = 0, gy = 0;
    for (int i = 0; i < WAVES; i++) {
        const float *wave = layer + HOLES + 1 + 3 * i;
        float at = wave[0] * u.x + wave[1] * u.y + wave[2];
        sum += sinf(at);
        gx += wave[0] * cosf(at);
        gy += wave[1] * cosf(at);
    }
    float gap = sum / sqrtf(gx * gx + gy * gy + 1e-6f);
    return inside * limited(gap / outline[2] + 0.5f);
}

INSIDE int mirrored(int i, int n)
{
    int around = i % (2 * n);
    around = around < 0 ? around + 2 * n : around;
    return around < n ? around : 2 * n - 1 - around;
}

/* The layer's colour at u, bilinear between the bank's pixels (4 bytes each), mirrored at its picture's edges. */
INSIDE void look(const float *layer, const unsigned char *bank, Point u, float colour[3])
{
    const float *texture = layer + TEXTURE;
    const unsigned char *picture = bank + 4 * ((long long)texture[0] * 65536 + (long long)texture[1]);
    int width = (int)texture[2], height = (int)texture[3];
    float x = u.x * texture[6] + texture[4], y = u.y * texture[6] + texture[5], left = floorf(x), top = floorf(y);
    float px = x - left, py = y - top;
    int x0 = mirrored((int)left, width), x1 = mirrored((int)left + 1, width);
    long long y0 = (long long)mirrored((int)top, height) * width, y1 = (long long)mirrored((int)top + 1, height) * width;
    const unsigned char *a = picture + 4 * (y0 + x0), *b = picture + 4 * (y0 + x1), *c = picture + 4 * (y1 + x0),
                        *d = picture + 4 * (y1 + x1);
    for (int i = 0; i < 3; i++) {
        float above = a[i] + px * (b[i] - a[i]), below = c[i] + px * (d[i] - c[i]);
        colour[i] = above + py * (below - above);
    }
}

/* The colour at x of time t (0 to 1). */
INSIDE void shade(const float *scene, const unsigned char *bank, float t, Point x, float sum[3])
{
    float open = 1.0f;
    for (int i = LAYERS - 1; i >= 0 && open > 0.002f; i--) {
        const float *layer = scene + i * PARAMETERS;
        if (layer[PRESENT] == 0.0f)
            continue;
        Point u = inverse(layer, t, x);
        float share = open * cover(layer, u);
        if (share > 0.0f) {
            float colour[3], factor = layer[LIGHT] * (1 + layer[LIGHT + 2] * (t - 0.5f));
            look(layer, bank, u, colour);
            for (int j = 0; j < 3; j++)
                sum[j] += share * (factor * colour[j] * (1 / 255.0f) + layer[LIGHT + 1]);
            open -= share;
        }
    }
}

/* One pixel of one frame (moment 0, 1, 2: the first, the one at t, the last); its colour is the mean of `count` samples (4 or 16),
 * at times around the moment where the scene's shutter (share of the time between first and last) is open. */
INSIDE void draw(const float *scene, const unsigned char *bank, float t, float shutter, int count, int side, int at, float *frame)
{
    float sum[3] = {0, 0, 0};
    for (int i = 0; i < count; i++) {
        Point x = {(float)(at % side) + ((float)(i & 1) - 0.5f) * 0.5f, (float)(at / side) + ((float)(i >> 1 & 1) - 0.5f) * 0.5f};
        shade(scene, bank, t + shutter * (((float)(i * 7 % 16) + 0.5f) / 16 - 0.5f), x, sum);
    }
    for (int j = 0; j < 3; j++)
        frame[j * side * side + at] = limited(sum[j] / (float)count);
}

INSIDE int front(const float *scene, float t, Point x, Point *u)
{
    for (int i = LAYERS - 1; i > 0; i--) {
        const float *layer = scene + i * PARAMETERS;
        if (layer[PRESENT] != 0.0f) {
            *u = inverse(layer, t, x);
            if (cover(layer, *u) > 0.5f)
                return i;
        }
    }
    *u = inverse(scene, t, x);
    return 0;
}

/* The flow from the pixel at time t to both frames (x, y, x, y; pixels) and whether its point is seen in each, at half of the frame's size. */
INSIDE void truth(const float *scene, float t, int side, int at, float *flow, float *seen)
{
    int half = side / 2;
    Point x = {2.0f * (float)(at % half) + 0.5f, 2.0f * (float)(at / half) + 0.5f}, u, unused;
    int layer = front(scene, t, x, &u);
    for (int end = 0; end < 2; end++) {
        Point there = forward(scene + layer * PARAMETERS, end, u);
        flow[(2 * end) * half * half + at] = there.x - x.x;
        flow[(2 * end + 1) * half * half + at] = there.y - x.y;
        int inside = there.x >= 0 && there.y >= 0 && there.x <= (float)(side - 1) && there.y <= (float)(side - 1);
        seen[end * half * half + at] = inside && front(scene, (float)end, there, &unused) == layer ? 1.0f : 0.0f;
    }
}

/* Pixel `at` of all scenes together: frames (scenes x 3 moments x 3 colours x side x side), flow (scenes x 4 x side/2 x side/2), seen
 * (scenes x 2 x ...), heads (scenes x 3: t, shutter, samples). */
INSIDE void pixel(const float *scenes, const float *heads, const unsigned char *bank, int side, long long at, float *frames, float *flow,
                  float *seen)
{
    int area = side * side, quarter = area / 4;
    long long n = at / area;
    const float *scene = scenes + n * LAYERS * PARAMETERS;
    const float *head = heads + 3 * n;
    int place = (int)(at % area);
    for (int moment = 0; moment < 3; moment++)
        draw(scene, bank, moment == 1 ? head[0] : (float)(moment / 2), head[1], (int)head[2], side, place, frames + (n * 9 + moment * 3) * area);
    if (place < quarter)
        truth(scene, head[0], side, place, flow + n * 4 * quarter, seen + n * 2 * quarter);
}

#ifdef __CUDACC__
extern "C" __global__ void render(const float *scenes, const float *heads, const unsigned char *bank, int side, long long pixels, float *frames,
                                  float *flow, float *seen)
{
    long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (at < pixels)
        pixel(scenes, heads, bank, side, at, frames, flow, seen);
}
#else
void render(const float *scenes, const float *heads, const unsigned char *bank, int side, long long first, long long end, float *frames,
            float *flow, float *seen)
{
    for (long long at = first; at < end; at++)
        pixel(scenes, heads, bank, side, at, frames, flow, seen);
}
#endif
