/* SPDX-License-Identifier: MIT */
/* Sizes as people write and read them. No locale takes part: a decimal point is a point everywhere. */
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"

/* The digits are checked by hand because strtod also takes "inf", "0x10", "1e9" and leading blanks. */
static bool read_decimal(const char *text, const char **end, double *value)
{
    const char *p = text;
    int digits = 0;

    for (; g_ascii_isdigit(*p); p++)
        digits++;
    if (*p == '.') {
        for (p++; g_ascii_isdigit(*p); p++)
            digits++;
    }
    if (digits == 0 || digits > 30)
        return false;
    *end = p;
    *value = g_ascii_strtod(text, NULL);
    return true;
}

bool tw_parse_size(const char *text, int64_t whole, int64_t *bytes)
{
    static const char letters[] = "KMGT";
    const char *p;
    double value;

    if (!text || !read_decimal(text, &p, &value))
        return false;
    if (strcmp(p, "%") == 0) {
        if (value > 100)
            return false;
        value *= (double)whole / 100;
    } else {
        const char *letter = *p ? strchr(letters, g_ascii_toupper(*p)) : NULL;
        if (letter) {
            value = ldexp(value, 10 * (int)(letter - letters + 1));
            p++;
            if (*p == 'i' && (p[1] == 'B' || p[1] == 'b'))
                p++;
        }
        if (*p == 'B' || *p == 'b')
            p++;
        if (*p != '\0')
            return false;
    }
    /* 2^63 itself is the first double that does not fit. */
    if (!(value >= 0 && value < 9223372036854775808.0))
        return false;
    *bytes = (int64_t)value;
    return true;
}

const char *tw_format_size(int64_t bytes, char *buffer, size_t n)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    uint64_t magnitude = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;

    if (magnitude < 1024) {
        snprintf(buffer, n, "%lld B", (long long)bytes);
        return buffer;
    }
    /* Tenths in integers: printf("%.1f") would print the locale's comma. */
    int unit = 0;
    uint64_t scale = 1024;
    while (unit < 5 && magnitude / 1024 >= scale) {
        scale *= 1024;
        unit++;
    }
    uint64_t tenths = magnitude / scale * 10 + (magnitude % scale * 10 + scale / 2) / scale;
    if (tenths >= 10240 && unit < 5) {
        tenths = 10;
        unit++;
    }
    snprintf(buffer, n, "%s%llu.%llu %s", bytes < 0 ? "-" : "", (unsigned long long)(tenths / 10),
             (unsigned long long)(tenths % 10), units[unit]);
    return buffer;
}
