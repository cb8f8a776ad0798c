/* SPDX-License-Identifier: MIT */
#include "image/probe.h"

#include <string.h>

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static bool brand_is(const uint8_t *at, const char *brands)
{
    for (; *brands; brands += 4)
        if (memcmp(at, brands, 4) == 0)
            return true;
    return false;
}

static tw_codec sniff(const uint8_t *head, int64_t n)
{
    if (n >= 3 && memcmp(head, "\xff\xd8\xff", 3) == 0)
        return TW_CODEC_JPEG;
    if (n >= 8 && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0)
        return TW_CODEC_PNG;
    if (n >= 12 && memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WEBP", 4) == 0)
        return TW_CODEC_WEBP;
    if (n >= 4 && (memcmp(head, "II*\0", 4) == 0 || memcmp(head, "MM\0*", 4) == 0 || memcmp(head, "II+\0", 4) == 0 ||
                   memcmp(head, "MM\0+", 4) == 0))
        return TW_CODEC_TIFF;
    if (n >= 6 && (memcmp(head, "GIF87a", 6) == 0 || memcmp(head, "GIF89a", 6) == 0))
        return TW_CODEC_GIF;
    if ((n >= 2 && memcmp(head, "\xff\x0a", 2) == 0) || (n >= 12 && memcmp(head, "\0\0\0\x0cJXL \r\n\x87\n", 12) == 0))
        return TW_CODEC_JXL;
    if (n >= 12 && memcmp(head + 4, "ftyp", 4) == 0)
        return brand_is(head + 8, "avifavis")                       ? TW_CODEC_AVIF
               : brand_is(head + 8, "heicheixhevcheimheismif1msf1") ? TW_CODEC_HEIF
                                                                    : TW_CODEC_NONE;
    if (n >= 3 && head[0] == 'P' && (strchr("123456fF", head[1]) && head[1]) && strchr(" \t\r\n#", head[2]))
        return TW_CODEC_PPM;
    return TW_CODEC_NONE;
}

/* Coefficients per pixel of a frame header at `at`: 4:4:4 is 3, 4:2:0 is 1.5. */
static double frame_samples(tw_input *input, int64_t at)
{
    uint8_t head[10], component[3];
    double sum = 0, h = 1, v = 1;
    if (tw_input_read(input, head, sizeof head, at) != sizeof head)
        return 4;
    for (int i = 0; i < head[9] && tw_input_read(input, component, 3, at + 10 + 3 * i) == 3; i++) {
        double x = component[1] >> 4, y = component[1] & 15;
        sum += x * y;
        h = x > h ? x : h;
        v = y > v ? y : v;
    }
    return sum / (h * v);
}

/* The luma table that libjpeg scales by quality, in zigzag order (ITU-T T.81, table K.1). */
static const uint8_t luma_steps[64] = {16, 11, 12,  14,  12,  10, 16, 14,  13,  14,  18,  17,  16, 19,  24,  40,
                                       26, 24, 22,  22,  24,  49, 35, 37,  29,  40,  58,  51,  61, 60,  57,  51,
                                       56, 55, 64,  72,  92,  78, 64, 68,  87,  69,  55,  56,  80, 109, 81,  87,
                                       95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99};

/* The quality whose table is most like this one: the mean ratio of the steps, turned around. Tables that are no multiple of libjpeg's
 * get the quality that is as coarse. */
static int quality_of(const uint8_t *table, bool wide)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < 64; i++) {
        double step = wide ? be16(table + 2 * i) : table[i];
        if (step == 255) /* as coarse as 8 bits tell; it was to be coarser */
            continue;
        sum += 100 * step / luma_steps[i];
        n++;
    }
    double ratio = n > 0 ? sum / n : 10000;
    double quality = ratio <= 100 ? (200 - ratio) / 2 : 5000 / ratio;
    return (int)CLAMP(quality + 0.5, 1, 100);
}

/* Table 0, by custom that of luma, if the segment has it. */
static int read_quality(tw_input *input, int64_t at, int64_t length)
{
    uint8_t table[129];
    for (int64_t end = at + length; at + 65 <= end;) {
        if (tw_input_read(input, table, 1, at) != 1)
            return 0;
        bool wide = table[0] >> 4;
        int64_t n = wide ? 128 : 64;
        if (tw_input_read(input, table + 1, n, at + 1) != n)
            return 0;
        if ((table[0] & 15) == 0)
            return quality_of(table + 1, wide);
        at += 1 + n;
    }
    return 0;
}

/* Walks the markers up to the first scan. Progressive, arithmetic-coded progressive and multi-scan files are decoded from a
 * coefficient array of the whole picture. */
static void probe_jpeg(tw_input *input, tw_probe *probe)
{
    int64_t at = 2;
    uint8_t m[10];
    uint32_t components = 0;
    while (tw_input_read(input, m, 10, at) >= 5) {
        if (m[0] != 0xff)
            return;
        if (m[1] == 0xff || m[1] == 0x01 || (m[1] >= 0xd0 && m[1] <= 0xd8)) {
            at += m[1] == 0xff ? 1 : 2;
            continue;
        }
        if (m[1] == 0xdb && probe->quality == 0)
            probe->quality = read_quality(input, at + 4, (int64_t)be16(m + 2) - 2);
        bool frame = m[1] >= 0xc0 && m[1] <= 0xcf && m[1] != 0xc4 && m[1] != 0xc8 && m[1] != 0xcc;
        if (frame)
            probe->samples_per_pixel = frame_samples(input, at);
        if (frame && (m[1] == 0xc2 || m[1] == 0xca)) {
            probe->whole = true;
            probe->why = "progressive JPEG";
            return;
        }
        if (frame)
            components = m[9];
        if (m[1] == 0xda) {
            probe->whole = components > m[4];
            probe->why = probe->whole ? "multi-scan JPEG" : NULL;
            return;
        }
        if (m[1] == 0xd9 || be16(m + 2) < 2)
            return;
        at += 2 + be16(m + 2);
    }
}

static void probe_png(tw_input *input, tw_probe *probe)
{
    uint8_t head[29];
    if (tw_input_read(input, head, sizeof head, 0) == sizeof head && memcmp(head + 12, "IHDR", 4) == 0 && head[28] == 1) {
        probe->whole = true;
        probe->why = "interlaced PNG";
    }
}

typedef struct tiff_reader {
    tw_input *input;
    bool little, big;
} tiff_reader;

static uint64_t number(const tiff_reader *t, const uint8_t *p, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)p[t->little ? i : bytes - 1 - i] << (8 * i);
    return value;
}

/* First value of an entry that fits inside it; wide arrays are not needed here. */
static int64_t entry_value(const tiff_reader *t, const uint8_t *entry)
{
    uint64_t type = number(t, entry + 2, 2);
    const uint8_t *value = entry + (t->big ? 12 : 8);
    int bytes = type == 3 ? 2 : type == 16 ? 8 : type == 1 ? 1 : 4;
    return (int64_t)number(t, value, bytes);
}

/* Reads one directory; returns where the next one lies, 0: none. */
static int64_t read_directory(const tiff_reader *t, int64_t at, tw_probe *probe, bool first)
{
    uint8_t entry[20];
    int size = t->big ? 20 : 12, count_bytes = t->big ? 8 : 2;
    if (at <= 0 || tw_input_read(t->input, entry, count_bytes, at) != count_bytes)
        return 0;
    int64_t count = (int64_t)number(t, entry, count_bytes);
    at += count_bytes;
    if (count < 0 || count > 4096)
        return 0;
    for (int64_t i = 0; i < count; i++, at += size) {
        if (tw_input_read(t->input, entry, size, at) != size)
            return 0;
        uint64_t tag = number(t, entry, 2);
        int64_t value = entry_value(t, entry);
        if (!first) {
            if (tag == 254 && (value & 1))
                probe->pyramid = true;
            continue;
        }
        switch (tag) {
        case 259:
            probe->compression = (int)value;
            break;
        case 278:
            probe->strip_rows = value;
            break;
        case 284:
            probe->separate = value == 2;
            break;
        case 322:
            probe->tile_width = value;
            break;
        case 33723: {
            uint64_t type = number(t, entry + 2, 2), values = number(t, entry + 4, t->big ? 8 : 4);
            if (values < 1 << 24 && (type == 4 || type == 1 || type == 7)) {
                probe->iptc_length = (int64_t)values * (type == 4 ? 4 : 1);
                probe->iptc_at = (int64_t)number(t, entry + (t->big ? 12 : 8), t->big ? 8 : 4);
            }
            break;
        }
        case 323:
            probe->tile_height = value;
            break;
        default:
            break;
        }
    }
    int next = t->big ? 8 : 4;
    return tw_input_read(t->input, entry, next, at) == next ? (int64_t)number(t, entry, next) : 0;
}

static void probe_tiff(tw_input *input, tw_probe *probe)
{
    uint8_t head[16];
    probe->compression = 1;
    probe->strip_rows = INT32_MAX;
    if (tw_input_read(input, head, sizeof head, 0) != sizeof head)
        return;
    tiff_reader t = {input, head[0] == 'I', false};
    t.big = head[t.little ? 2 : 3] == '+';
    int64_t at = (int64_t)(t.big ? number(&t, head + 8, 8) : number(&t, head + 4, 4));
    int64_t next = read_directory(&t, at, probe, true);
    if (next)
        read_directory(&t, next, probe, false);
}

tw_status tw_probe_input(tw_input *input, tw_probe *probe, tw_error *err)
{
    uint8_t head[16] = {0};
    *probe = (tw_probe){0};
    int64_t n = tw_input_read(input, head, sizeof head, 0);
    TW_TRY(tw_input_check(input, err));
    probe->codec = n > 0 ? sniff(head, n) : TW_CODEC_NONE;
    switch (probe->codec) {
    case TW_CODEC_NONE:
        return tw_fail(err, TW_ERROR_INPUT,
                       "%s: not a picture that can be read (JPEG, PNG, WebP, TIFF, GIF, JPEG XL, HEIF, AVIF, PPM)",
                       tw_input_label(input));
    case TW_CODEC_JPEG:
        probe_jpeg(input, probe);
        break;
    case TW_CODEC_PNG:
        probe_png(input, probe);
        break;
    case TW_CODEC_TIFF:
        probe_tiff(input, probe);
        break;
    case TW_CODEC_PPM:
        break;
    default:
        probe->whole = true;
        probe->why = tw_codec_title(probe->codec);
    }
    return TW_OK;
}
