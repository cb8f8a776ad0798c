/* SPDX-License-Identifier: MIT */
#include "image/iptc.h"

#include <string.h>

static const char APP13[] = "Photoshop 3.0"; /* its ending zero is part of the mark */
#define IPTC_RESOURCE 0x0404

typedef struct bytes {
    const uint8_t *at;
    size_t n;
} bytes;

static bytes field(VipsImage *image, const char *name)
{
    const void *data;
    bytes b = {NULL, 0};
    if (vips_image_get_typeof(image, name) && vips_image_get_blob(image, name, &data, &b.n) == 0)
        b.at = data;
    return b;
}

static bool is_app13(bytes b)
{
    return b.n > sizeof APP13 && memcmp(b.at, APP13, sizeof APP13) == 0;
}

/* Finds the IPTC records among Photoshop resources: "8BIM", id, padded name, length, padded data. */
static bytes find_records(bytes b)
{
    size_t at = 0;
    while (at + 12 <= b.n && memcmp(b.at + at, "8BIM", 4) == 0) {
        unsigned id = (unsigned)b.at[at + 4] << 8 | b.at[at + 5];
        at += 6 + ((b.at[at + 6] + 2u) & ~1u);
        if (at + 4 > b.n)
            break;
        size_t n = (size_t)b.at[at] << 24 | (size_t)b.at[at + 1] << 16 | (size_t)b.at[at + 2] << 8 | b.at[at + 3];
        at += 4;
        if (n > b.n - at)
            break;
        if (id == IPTC_RESOURCE)
            return (bytes){b.at + at, n};
        at += (n + 1) & ~(size_t)1;
    }
    return (bytes){NULL, 0};
}

static void for_tiff(VipsImage *image)
{
    bytes coat = field(image, VIPS_META_IPTC_NAME);
    if (!is_app13(coat))
        return;
    bytes resources = {coat.at + sizeof APP13, coat.n - sizeof APP13}, records = find_records(resources);
    void *bare = records.n ? g_memdup2(records.at, records.n) : NULL;
    size_t n = records.n;
    vips_image_set_blob_copy(image, VIPS_META_PHOTOSHOP_NAME, resources.at, resources.n);
    vips_image_remove(image, VIPS_META_IPTC_NAME);
    if (bare)
        vips_image_set_blob_copy(image, VIPS_META_IPTC_NAME, bare, n);
    g_free(bare);
}

static void for_jpeg(VipsImage *image)
{
    bytes records = field(image, VIPS_META_IPTC_NAME), resources = field(image, VIPS_META_PHOTOSHOP_NAME);
    if (is_app13(records) || (!records.n && !resources.n))
        return;
    GByteArray *coat = g_byte_array_new();
    g_byte_array_append(coat, (const guint8 *)APP13, sizeof APP13);
    if (records.n && !find_records(resources).n) {
        const uint8_t head[] = {'8',
                                'B',
                                'I',
                                'M',
                                IPTC_RESOURCE >> 8,
                                IPTC_RESOURCE & 255,
                                0,
                                0,
                                (uint8_t)(records.n >> 24),
                                (uint8_t)(records.n >> 16),
                                (uint8_t)(records.n >> 8),
                                (uint8_t)records.n};
        g_byte_array_append(coat, head, sizeof head);
        g_byte_array_append(coat, records.at, (guint)records.n);
        if (records.n & 1)
            g_byte_array_append(coat, (const guint8 *)"", 1);
    }
    if (resources.n)
        g_byte_array_append(coat, resources.at, (guint)resources.n);
    if (coat->len <= 65533) /* one segment; more would be refused by the encoder */
        vips_image_set_blob_copy(image, VIPS_META_IPTC_NAME, coat->data, coat->len);
    else
        vips_image_remove(image, VIPS_META_IPTC_NAME);
    g_byte_array_free(coat, TRUE);
}

void tw_iptc_dress(VipsImage *image, tw_codec codec)
{
    if (codec == TW_CODEC_TIFF)
        for_tiff(image);
    else if (codec == TW_CODEC_JPEG)
        for_jpeg(image);
}
