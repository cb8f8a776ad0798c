/* SPDX-License-Identifier: MIT */
#include "y4m.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MOST_SIDE 65536

void cli_y4m_clear(cli_y4m *video)
{
    g_free(video->rest);
    video->rest = NULL;
}

/* ---- headers ---- */

static bool read_line(FILE *file, char *line, size_t most)
{
    size_t n = 0;
    for (int c; (c = getc(file)) != EOF && c != '\n';)
        if (n + 1 < most)
            line[n++] = (char)c;
        else
            return false;
    line[n] = 0;
    return !feof(file) && !ferror(file);
}

/* "420jpeg", "422p10", "mono12" */
static bool read_chroma(cli_y4m *video, const char *text)
{
    static const struct {
        const char *name;
        int x, y;
    } kinds[] = {{"420", 2, 2}, {"422", 2, 1}, {"444", 1, 1}, {"mono", 0, 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (!g_str_has_prefix(text, kinds[i].name))
            continue;
        const char *rest = text + strlen(kinds[i].name);
        video->sub_x = kinds[i].x, video->sub_y = kinds[i].y;
        video->between = strcmp(rest, "jpeg") == 0;
        bool deep = (*rest == 'p' && g_ascii_isdigit(rest[1])) || g_ascii_isdigit(*rest);
        video->bits = deep ? atoi(rest + (*rest == 'p')) : 8;
        return video->bits >= 8 && video->bits <= 16 &&
               (deep || !*rest || video->between || strcmp(rest, "mpeg2") == 0 || strcmp(rest, "paldv") == 0);
    }
    return false;
}

static bool read_word(cli_y4m *video, const char *word)
{
    char *end;
    switch (*word) {
    case 'W':
        video->width = g_ascii_strtoll(word + 1, NULL, 10);
        return true;
    case 'H':
        video->height = g_ascii_strtoll(word + 1, NULL, 10);
        return true;
    case 'F':
        video->rate = g_ascii_strtoll(word + 1, &end, 10);
        video->per = *end == ':' ? g_ascii_strtoll(end + 1, NULL, 10) : 1;
        return video->rate > 0 && video->per > 0 && video->rate < INT32_MAX;
    case 'I':
        return word[1] == 'p' || word[1] == '?';
    case 'C':
        return read_chroma(video, word + 1);
    case 'X':
        if (strcmp(word, "XCOLORRANGE=FULL") == 0)
            video->full = true;
        return true;
    default:
        return true;
    }
}

static void count_bytes(cli_y4m *video)
{
    int64_t luma = video->width * video->height, chroma = 0;
    if (video->sub_x > 0)
        chroma = (video->width + video->sub_x - 1) / video->sub_x * ((video->height + video->sub_y - 1) / video->sub_y);
    video->frame_bytes = (luma + 2 * chroma) * (video->bits > 8 ? 2 : 1);
}

tw_status cli_y4m_open(FILE *file, const char *label, const char *matrix, cli_y4m *out, tw_error *err)
{
    char line[1024];
    *out = (cli_y4m){.rate = 25, .per = 1, .bits = 8, .sub_x = 2, .sub_y = 2};
    if (!read_line(file, line, sizeof line) || !g_str_has_prefix(line, "YUV4MPEG2 "))
        return tw_fail(err, TW_ERROR_INPUT, "%s: not a y4m stream", label);
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    GString *rest = g_string_new(NULL);
    const char *bad = NULL;
    for (int i = 1; words[i] && !bad; i++) {
        if (*words[i] && !read_word(out, words[i]))
            bad = words[i];
        if (*words[i] && !strchr("WHF", *words[i]))
            g_string_append_printf(rest, " %s", words[i]);
    }
    out->rest = g_string_free(rest, FALSE);
    if (!bad && (out->width < 1 || out->height < 1 || out->width > MOST_SIDE || out->height > MOST_SIDE))
        return tw_fail(err, TW_ERROR_INPUT, "%s: frames of %lldx%lld pixels", label, (long long)out->width,
                       (long long)out->height);
    if (bad)
        return tw_fail(err, TW_ERROR_INPUT, "%s: \"%.60s\" in the header is not handled%s", label, bad,
                       *bad == 'I' ? ": interlaced frames" : "");
    out->bt709 = strcmp(matrix, "709") == 0 || (strcmp(matrix, "auto") == 0 && out->height >= 720);
    count_bytes(out);
    return TW_OK;
}

char *cli_y4m_header(const cli_y4m *video, int64_t factor)
{
    return g_strdup_printf("YUV4MPEG2 W%lld H%lld F%lld:%lld%s\n", (long long)video->width, (long long)video->height,
                           (long long)(video->rate * factor), (long long)video->per, video->rest);
}

tw_status cli_y4m_read(FILE *file, const char *label, const cli_y4m *video, int64_t number, uint8_t *frame, char line[256],
                       bool *more, tw_error *err)
{
    int first = getc(file);
    *more = first != EOF;
    if (first == EOF && ferror(file))
        return tw_fail(err, TW_ERROR_INPUT, "%s: frame %lld: %s", label, (long long)number, g_strerror(errno));
    if (first == EOF)
        return TW_OK;
    ungetc(first, file);
    if (!read_line(file, line, 256) || !g_str_has_prefix(line, "FRAME"))
        return tw_fail(err, TW_ERROR_INPUT, "%s: no frame begins where frame %lld should", label, (long long)number);
    size_t got = fread(frame, 1, (size_t)video->frame_bytes, file);
    if (got < (size_t)video->frame_bytes)
        return tw_fail(err, TW_ERROR_INPUT, "%s: truncated: frame %lld has %lld of %lld bytes", label, (long long)number,
                       (long long)got, (long long)video->frame_bytes);
    return TW_OK;
}

/* ---- samples ---- */

typedef struct plane {
    uint8_t *samples;
    int64_t w, h;
    int bits;
} plane;

static void planes_of(const cli_y4m *video, uint8_t *frame, plane out[3])
{
    int64_t bytes = video->bits > 8 ? 2 : 1;
    out[0] = (plane){frame, video->width, video->height, video->bits};
    for (int i = 1; i < 3 && video->sub_x > 0; i++) {
        int64_t w = (video->width + video->sub_x - 1) / video->sub_x, h = (video->height + video->sub_y - 1) / video->sub_y;
        out[i] = (plane){out[i - 1].samples + out[i - 1].w * out[i - 1].h * bytes, w, h, video->bits};
    }
}

static int get(const plane *p, int64_t x, int64_t y)
{
    x = CLAMP(x, 0, p->w - 1);
    y = CLAMP(y, 0, p->h - 1);
    const uint8_t *at = p->samples + (y * p->w + x) * (p->bits > 8 ? 2 : 1);
    return p->bits > 8 ? at[0] | at[1] << 8 : at[0];
}

static void put(const plane *p, int64_t x, int64_t y, double value)
{
    int v = (int)lround(CLAMP(value, 0, (1 << p->bits) - 1));
    uint8_t *at = p->samples + (y * p->w + x) * (p->bits > 8 ? 2 : 1);
    at[0] = (uint8_t)v;
    if (p->bits > 8)
        at[1] = (uint8_t)(v >> 8);
}

/* Where luma sample i lies among chroma samples that are half as many. */
static double chroma_place(int64_t i, int sub, bool between)
{
    return sub == 1 ? (double)i : between ? ((double)i + 0.5) / 2 - 0.5 : (double)i / 2;
}

static double chroma_at(const cli_y4m *video, const plane *p, int64_t x, int64_t y)
{
    double u = chroma_place(x, video->sub_x, video->between), v = chroma_place(y, video->sub_y, true);
    int64_t left = (int64_t)floor(u), top = (int64_t)floor(v);
    double a = u - (double)left, b = v - (double)top;
    double upper = get(p, left, top) * (1 - a) + get(p, left + 1, top) * a;
    double lower = get(p, left, top + 1) * (1 - a) + get(p, left + 1, top + 1) * a;
    return upper * (1 - b) + lower * b;
}

/* Scale of luma and chroma, and what is black, in samples of the stream. */
typedef struct range {
    double black, luma, middle, chroma, kr, kb;
} range;

static range range_of(const cli_y4m *video)
{
    double unit = 1 << (video->bits - 8), most = (1 << video->bits) - 1;
    range r = {.middle = 128 * unit, .kr = video->bt709 ? 0.2126 : 0.299, .kb = video->bt709 ? 0.0722 : 0.114};
    r.black = video->full ? 0 : 16 * unit;
    r.luma = video->full ? most : 219 * unit;
    r.chroma = video->full ? most : 224 * unit;
    return r;
}

#define HEADER "P6\n%lld %lld\n65535\n"

int64_t cli_y4m_picture_bytes(const cli_y4m *video)
{
    return video->width * video->height * 6 + 64;
}

static void store16(uint8_t *to, double value)
{
    int v = (int)lround(CLAMP(value, 0, 1) * 65535);
    to[0] = (uint8_t)(v >> 8);
    to[1] = (uint8_t)v;
}

size_t cli_y4m_to_picture(const cli_y4m *video, const uint8_t *frame, uint8_t *ppm)
{
    plane planes[3] = {{0}};
    range r = range_of(video);
    double kg = 1 - r.kr - r.kb;
    planes_of(video, (uint8_t *)frame, planes); /* is only read */
    uint8_t *to = ppm + sprintf((char *)ppm, HEADER, (long long)video->width, (long long)video->height);
    for (int64_t y = 0; y < video->height; y++)
        for (int64_t x = 0; x < video->width; x++, to += 6) {
            double luma = (get(&planes[0], x, y) - r.black) / r.luma, cb = 0, cr = 0;
            if (video->sub_x > 0) {
                cb = (chroma_at(video, &planes[1], x, y) - r.middle) / r.chroma;
                cr = (chroma_at(video, &planes[2], x, y) - r.middle) / r.chroma;
            }
            double red = luma + 2 * (1 - r.kr) * cr, blue = luma + 2 * (1 - r.kb) * cb;
            store16(to, red);
            store16(to + 2, (luma - r.kr * red - r.kb * blue) / kg);
            store16(to + 4, blue);
        }
    return (size_t)(to - ppm);
}

/* ---- back ---- */

typedef struct picture {
    const uint8_t *pixels;
    int64_t w, h;
    range r;
} picture;

/* Luma and colour differences of a pixel, 0 to 1 and -0.5 to 0.5. */
static void differences(const picture *p, int64_t x, int64_t y, double out[3])
{
    x = CLAMP(x, 0, p->w - 1);
    y = CLAMP(y, 0, p->h - 1);
    const uint8_t *at = p->pixels + (y * p->w + x) * 6;
    double rgb[3];
    for (int i = 0; i < 3; i++)
        rgb[i] = (at[2 * i] << 8 | at[2 * i + 1]) / 65535.0;
    out[0] = p->r.kr * rgb[0] + (1 - p->r.kr - p->r.kb) * rgb[1] + p->r.kb * rgb[2];
    out[1] = (rgb[2] - out[0]) / (2 * (1 - p->r.kb));
    out[2] = (rgb[0] - out[0]) / (2 * (1 - p->r.kr));
}

/* Means of the luma samples that a chroma sample stands for. */
static void chroma_of(const cli_y4m *video, const picture *p, int64_t x, int64_t y, double out[3])
{
    bool centred = video->between || video->sub_x == 1;
    int from = centred ? 0 : -1, to = centred ? video->sub_x - 1 : 1;
    double total = 0;
    out[1] = out[2] = 0;
    for (int v = 0; v < video->sub_y; v++)
        for (int u = from; u <= to; u++) {
            double one[3], weight = !centred && u == 0 ? 2 : 1;
            differences(p, x * video->sub_x + u, y * video->sub_y + v, one);
            out[1] += weight * one[1];
            out[2] += weight * one[2];
            total += weight;
        }
    out[1] /= total;
    out[2] /= total;
}

bool cli_y4m_from_picture(const cli_y4m *video, const uint8_t *ppm, size_t bytes, uint8_t *frame)
{
    plane planes[3] = {{0}};
    picture p = {.w = video->width, .h = video->height, .r = range_of(video)};
    size_t pixels = (size_t)(p.w * p.h) * 6;
    double one[3];
    if (bytes < pixels + 8 || memcmp(ppm, "P6", 2) != 0)
        return false;
    p.pixels = ppm + bytes - pixels;
    planes_of(video, frame, planes);
    for (int64_t y = 0; y < p.h; y++)
        for (int64_t x = 0; x < p.w; x++) {
            differences(&p, x, y, one);
            put(&planes[0], x, y, one[0] * p.r.luma + p.r.black);
        }
    for (int64_t y = 0; y < planes[1].h; y++)
        for (int64_t x = 0; x < planes[1].w; x++) {
            chroma_of(video, &p, x, y, one);
            put(&planes[1], x, y, one[1] * p.r.chroma + p.r.middle);
            put(&planes[2], x, y, one[2] * p.r.chroma + p.r.middle);
        }
    return true;
}
