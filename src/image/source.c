/* SPDX-License-Identifier: MIT */
#include "image/source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "image/codec_table.h"
#include "image/convert.h"
#include "image/metadata.h"
#include "image/probe.h"
#include "image/raw.h"
#include "image/source_internal.h"
#include "image/tiled_copy.h"
#include "image/tiled_file.h"

#define READERS    64 /* threads that call read_rect at once, counted on */
#define CHUNK_ROWS 16 /* rows asked of libvips at once: its buffers between operations grow with them */

/* One decoding pass from the first row on. */
typedef struct pass {
    VipsImage *image;
    int64_t row;
} pass;

struct tw_source {
    tw_context *context;
    const tw_raw *raw; /* pixels in memory; NULL: everything below is a file's */
    const char *label; /* of such pixels */
    tw_input *input;
    tw_probe probe;
    tw_picture stored, shown; /* as decoded, as delivered */
    int applied;              /* orientation that the source applies, 1: none */
    int tag;                  /* orientation left to the viewer */
    bool many;                /* more than 4 bands are taken */
    bool keep;                /* will_rewind was called */
    VipsImage *metadata;
    tw_source_cost cost;
    pass main;
    int64_t row;          /* next row of next_band when it reads the copy */
    pthread_mutex_t lock; /* of `copy` and `file`, one of which read_rect has */
    tw_tiled_copy *copy;
    tw_tiled_file *file;
};

static int load(const char *operation, VipsSource *source, VipsImage **out)
{
    return vips_call(operation, source, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
}

/* What cannot be decoded in parts libvips would decode as a whole into memory of its own. */
static int load_tiles(VipsSource *source, VipsImage **out)
{
    VipsForeignFlags flags = (VipsForeignFlags)0;
    if (vips_call("tiffload_source", source, out, "access", VIPS_ACCESS_RANDOM, "fail_on", VIPS_FAIL_ON_ERROR, "flags", &flags,
                  NULL))
        return -1;
    if (flags & VIPS_FOREIGN_PARTIAL)
        return 0;
    vips_error("tilewright", "its tiles cannot be read alone");
    g_clear_object(out);
    return -1;
}

static int load_codec(tw_codec codec, VipsSource *source, VipsImage **out)
{
    switch (codec) {
    case TW_CODEC_JPEG:
        return load("jpegload_source", source, out);
    case TW_CODEC_PNG:
        return load("pngload_source", source, out);
    case TW_CODEC_WEBP:
        return load("webpload_source", source, out);
    case TW_CODEC_TIFF:
        return load("tiffload_source", source, out);
    case TW_CODEC_GIF:
        return load("gifload_source", source, out);
    case TW_CODEC_JXL:
        return load("jxlload_source", source, out);
    case TW_CODEC_HEIF:
    case TW_CODEC_AVIF:
        return load("heifload_source", source, out);
    case TW_CODEC_PPM:
        return load("ppmload_source", source, out);
    default:
        return -1;
    }
}

/* Decoders that read from front to back need no seek; the others make a stream be read to its end at once. */
static bool needs_seek(tw_codec codec)
{
    return codec != TW_CODEC_JPEG && codec != TW_CODEC_PNG && codec != TW_CODEC_PPM;
}

/* Reads the header only; libvips decodes on demand. */
static tw_status open_decoder(tw_source *s, bool tiles, VipsImage **out, tw_error *err)
{
    *out = NULL;
    const char *label = tw_input_label(s->input), *title = tw_codec_title(s->probe.codec);
    if (!tw_vips_module(s->probe.codec))
        return tw_fail(err, TW_ERROR_INPUT, "%s: this libvips cannot read %s", label, title);
    VipsSource *bytes = tw_input_vips(s->input, needs_seek(s->probe.codec));
    int failed = !bytes ? -1 : tiles ? load_tiles(bytes, out) : load_codec(s->probe.codec, bytes, out);
    g_clear_object(&bytes);
    if (!failed)
        return TW_OK;
    TW_TRY(tw_input_check(s->input, err));
    return tw_vips_fail(err, TW_ERROR_INPUT, "%s: not a readable %s", label, title);
}

static bool same_picture(const tw_picture *a, const tw_picture *b)
{
    return a->width == b->width && a->height == b->height && a->colours == b->colours && a->alpha == b->alpha &&
           a->depth == b->depth;
}

/* Opens the picture once more, as it was when it was described. */
static tw_status open_again(tw_source *s, bool tiles, VipsImage **image, tw_error *err)
{
    tw_picture again;
    TW_TRY(open_decoder(s, tiles, image, err));
    tw_status status = tw_convert(NULL, tw_input_label(s->input), s->many, image, &again, err);
    if (status == TW_OK && !same_picture(&again, &s->stored))
        status = tw_fail(err, TW_ERROR_INPUT, "%s: changed while it was read", tw_input_label(s->input));
    return status;
}

static tw_status pass_start(tw_source *s, pass *p, tw_error *err)
{
    p->row = 0;
    return open_again(s, false, &p->image, err);
}

static void pass_end(pass *p)
{
    g_clear_object(&p->image);
}

static tw_status decode_failed(tw_source *s, const pass *p, tw_error *err)
{
    tw_status cancelled = tw_context_check(s->context, err), broken = tw_input_check(s->input, err);
    if (cancelled != TW_OK || broken != TW_OK) {
        tw_vips_take_error((char[1]){0}, 1);
        return err && err->code != TW_OK ? err->code : cancelled != TW_OK ? cancelled : broken;
    }
    return tw_vips_fail(err, TW_ERROR_INPUT, "%s: truncated or damaged: %lld of %lld rows decoded", tw_input_label(s->input),
                        (long long)p->row, (long long)s->stored.height);
}

/* A region belongs to one thread, so every call makes its own; upstream state (the decoder, its line cache) is shared. */
static tw_status pass_rows(tw_source *s, pass *p, char *pixels, int64_t rows, tw_error *err)
{
    int64_t row_bytes = tw_picture_row_bytes(&s->stored);
    VipsRegion *region = vips_region_new(p->image);
    tw_status status = region ? TW_OK : decode_failed(s, p, err);
    for (int64_t done = 0; status == TW_OK && done < rows;) {
        int64_t n = tw_min64(CHUNK_ROWS - p->row % CHUNK_ROWS, rows - done);
        VipsRect area = {0, (int)p->row, (int)s->stored.width, (int)n};
        status = tw_context_check(s->context, err);
        if (status == TW_OK && vips_region_prepare(region, &area))
            status = decode_failed(s, p, err);
        for (int64_t r = 0; status == TW_OK && r < n; r++)
            memcpy(pixels + (done + r) * row_bytes, VIPS_REGION_ADDR(region, 0, (int)(p->row + r)), (size_t)row_bytes);
        done += n;
        if (status == TW_OK)
            p->row += n;
    }
    g_clear_object(&region);
    return status;
}

static tw_status check_size(const char *label, int64_t w, int64_t h, const tw_source_options *options, tw_error *err)
{
    int64_t pixels = w * h;
    if (options && options->max_pixels > 0 && pixels > options->max_pixels)
        return tw_fail(err, TW_ERROR_INPUT, "%s: %lld x %lld is %lld pixels, more than the limit of %lld", label, (long long)w,
                       (long long)h, (long long)pixels, (long long)options->max_pixels);
    return TW_OK;
}

static void warn_pages(tw_source *s)
{
    int pages = vips_image_get_n_pages(s->main.image);
    if (pages > 1 && !s->probe.pyramid)
        tw_warn(s->context, "%s: has %d pages; the first is read", tw_input_label(s->input), pages);
}

/* HEIF, AVIF and JPEG XL decoders give upright pixels, whatever EXIF still says. */
static bool decodes_upright(tw_codec codec)
{
    return codec == TW_CODEC_HEIF || codec == TW_CODEC_AVIF || codec == TW_CODEC_JXL;
}

static void repair_iptc(tw_source *s)
{
    int64_t n = s->probe.iptc_length;
    if (n <= 8) /* so short that it would lie in the entry itself; real records are longer */
        return;
    void *records = g_malloc((gsize)n);
    if (tw_input_read(s->input, records, n, s->probe.iptc_at) == n)
        vips_image_set_blob_copy(s->metadata, VIPS_META_IPTC_NAME, records, (size_t)n);
    g_free(records);
}

static void count_cost(tw_source *s, const VipsImage *decoded)
{
    const char *why_copied = tw_tiled_file_cannot(&s->probe, s->applied);
    int64_t decoding = tw_codec_load_cost(&s->probe, &s->stored, decoded, tw_input_length(s->input));
    int64_t making = decoding + tw_tiled_copy_making(&s->stored);
    s->cost = (tw_source_cost){.sequential = s->applied > 1 ? making : decoding,
                               .turned = s->applied > 1,
                               .whole = s->probe.whole,
                               .why = s->probe.why,
                               .why_copied = why_copied};
    if (why_copied) {
        s->cost.random = tw_max64(making, READERS * tw_tiled_copy_reading(&s->stored));
        s->cost.scratch = tw_tiled_copy_scratch(&s->stored);
    } else {
        s->cost.random = decoding + READERS * tw_tiled_file_reading(&s->stored);
    }
}

static tw_status describe(tw_source *s, const tw_source_options *options, tw_error *err)
{
    VipsImage *decoded = g_object_ref(s->main.image);
    tw_status status = tw_convert(s->context, tw_input_label(s->input), s->many, &s->main.image, &s->stored, err);
    if (status == TW_OK) {
        int tag = decodes_upright(s->probe.codec) ? 1 : vips_image_get_orientation(s->main.image);
        s->applied = options && options->orient && tag >= 1 && tag <= 8 ? tag : 1;
        s->tag = s->applied > 1 || tag < 1 || tag > 8 ? 1 : tag;
        s->shown = s->stored;
        if (s->applied >= 5) {
            s->shown.width = s->stored.height;
            s->shown.height = s->stored.width;
        }
        s->metadata = tw_metadata_take(s->main.image, s->applied > 1 || decodes_upright(s->probe.codec));
        if (!s->metadata)
            status = tw_vips_fail(err, TW_ERROR_RUN, "%s: metadata cannot be kept", tw_input_label(s->input));
        else
            repair_iptc(s);
        count_cost(s, decoded);
    }
    g_object_unref(decoded);
    return status;
}

/* libvips 8.14 says so at the first row. */
static tw_status check_planes(const tw_source *s, tw_error *err)
{
    return s->probe.separate && s->probe.tile_width > 0
               ? tw_fail(err, TW_ERROR_INPUT, "%s: tiles of one band each (PlanarConfiguration 2) cannot be read",
                         tw_input_label(s->input))
               : TW_OK;
}

static tw_status open_encoded(tw_source *s, const tw_place *place, const tw_source_options *options, tw_error *err)
{
    TW_TRY(tw_input_open(s->context, place, &s->input, err));
    TW_TRY(tw_probe_input(s->input, &s->probe, err));
    TW_TRY(open_decoder(s, false, &s->main.image, err));
    TW_TRY(check_planes(s, err));
    TW_TRY(check_size(tw_input_label(s->input), s->main.image->Xsize, s->main.image->Ysize, options, err));
    warn_pages(s);
    return describe(s, options, err);
}

/* Nothing is decoded, and any part can be read at any time. */
static tw_status open_raw(tw_source *s, const tw_place *place, const tw_source_options *options, tw_error *err)
{
    s->raw = place->raw;
    s->label = tw_place_label(place, false);
    s->stored = s->shown = place->raw->picture;
    s->applied = s->tag = 1;
    s->cost = (tw_source_cost){.sequential = TW_RAW_COST, .random = TW_RAW_COST};
    return check_size(s->label, s->shown.width, s->shown.height, options, err);
}

tw_status tw_source_open(tw_context *context, const tw_place *place, const tw_source_options *options, tw_source **out,
                         tw_error *err)
{
    *out = NULL;
    TW_TRY(tw_vips_start(err));
    tw_source *s = calloc(1, sizeof *s);
    if (!s)
        return tw_fail_memory(err, "source", sizeof *s);
    s->context = context;
    s->many = options && options->many_bands;
    pthread_mutex_init(&s->lock, NULL);
    tw_status status = place->raw ? open_raw(s, place, options, err) : open_encoded(s, place, options, err);
    if (status != TW_OK) {
        tw_source_close(s);
        return status;
    }
    *out = s;
    return TW_OK;
}

void tw_source_close(tw_source *s)
{
    if (!s)
        return;
    pass_end(&s->main);
    tw_tiled_copy_free(s->copy);
    tw_tiled_file_free(s->file);
    g_clear_object(&s->metadata);
    tw_input_close(s->input);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const tw_picture *tw_source_picture(const tw_source *s)
{
    return &s->shown;
}
const tw_source_cost *tw_source_cost_of(const tw_source *s)
{
    return &s->cost;
}
const char *tw_source_label(const tw_source *s)
{
    return s->raw ? s->label : tw_input_label(s->input);
}
int tw_source_orientation(const tw_source *s)
{
    return s->tag;
}
const char *tw_source_format(const tw_source *s)
{
    return s->raw ? "pixels" : tw_codec_name(s->probe.codec);
}

int tw_source_quality(const tw_source *s)
{
    return s->probe.quality;
}
VipsImage *tw_source_metadata(const tw_source *s)
{
    return s->metadata;
}

typedef struct copying {
    tw_source *source;
    pass pass;
} copying;

static tw_status copy_rows(void *user, void *pixels, int64_t rows, tw_error *err)
{
    copying *c = user;
    return pass_rows(c->source, &c->pass, pixels, rows, err);
}

/* The first caller decodes; the others wait. The main pass is used when it still stands at its start. */
static tw_status need_copy(tw_source *s, bool use_main, tw_error *err)
{
    pthread_mutex_lock(&s->lock);
    tw_status status = TW_OK;
    if (!s->copy) {
        copying c = {s, {NULL, 0}};
        if (use_main && s->main.image && s->main.row == 0) {
            c.pass = s->main;
            s->main.image = NULL;
        } else {
            status = pass_start(s, &c.pass, err);
        }
        if (status == TW_OK)
            status = tw_tiled_copy_make(s->context, &s->stored, s->applied, copy_rows, &c, &s->copy, err);
        pass_end(&c.pass);
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

static tw_status need_file(tw_source *s, tw_error *err)
{
    pthread_mutex_lock(&s->lock);
    tw_status status = TW_OK;
    VipsImage *image = NULL;
    if (!s->file)
        status = open_again(s, true, &image, err);
    if (status == TW_OK && image)
        status = tw_tiled_file_new(s->context, tw_input_label(s->input), image, &s->stored, &s->probe, &s->file, err);
    else
        g_clear_object(&image);
    pthread_mutex_unlock(&s->lock);
    return status;
}

tw_status tw_source_next_band(tw_source *s, void *pixels, int64_t rows, int64_t *got, tw_error *err)
{
    *got = 0;
    int64_t n = tw_clamp64(s->shown.height - s->row, 0, rows);
    if (n == 0)
        return TW_OK;
    if (s->raw) {
        TW_TRY(tw_context_check(s->context, err));
        tw_raw_read(s->raw, (tw_rect){0, s->row, s->shown.width, n}, pixels);
    } else if (s->applied > 1) {
        TW_TRY(need_copy(s, true, err));
        TW_TRY(tw_tiled_copy_read(s->copy, (tw_rect){0, s->row, s->shown.width, n}, pixels, err));
    } else {
        if (!s->main.image)
            TW_TRY(pass_start(s, &s->main, err));
        if (s->row == 0 && !s->keep && !needs_seek(s->probe.codec))
            tw_input_forget(s->input);
        TW_TRY(pass_rows(s, &s->main, pixels, n, err));
        if (s->main.row == s->stored.height)
            pass_end(&s->main); /* what the codec holds goes as soon as the last row is out */
    }
    s->row += n;
    *got = n;
    return TW_OK;
}

tw_status tw_source_rewind(tw_source *s, tw_error *err)
{
    if (s->row > 0)
        pass_end(&s->main);
    s->row = 0;
    return TW_OK;
}

tw_status tw_source_will_rewind(tw_source *s, tw_error *err)
{
    s->keep = true;
    return TW_OK;
}

void tw_source_last_pass(tw_source *s)
{
    s->keep = false;
}

int64_t tw_source_kept(const tw_source *s)
{
    return s->raw ? 0 : tw_input_kept(s->input);
}

/* Encoders that find nothing to save store the samples and little else; a JPEG of noise and plain text take more. */
static int64_t most_encoded(const tw_source *s, int64_t rows)
{
    int64_t samples = (tw_min64(rows, s->stored.height - CHUNK_ROWS) + CHUNK_ROWS) * tw_picture_row_bytes(&s->stored);
    char head[2] = {0};
    bool ppm = s->probe.codec == TW_CODEC_PPM && tw_input_read(s->input, head, sizeof head, 0) == sizeof head;
    int64_t bytes = ppm && head[1] <= '3'             ? 4 * samples
                    : s->probe.codec == TW_CODEC_JPEG ? 2 * samples
                                                      : samples + samples / 64;
    return bytes + (1 << 20); /* the header, and what a decoder reads ahead */
}

int64_t tw_source_would_keep(const tw_source *s, int64_t rows)
{
    if (s->raw)
        return 0;
    int64_t bytes = needs_seek(s->probe.codec) ? 0 : tw_input_would_keep(s->input, most_encoded(s, rows));
    return tw_max64(bytes, tw_input_kept(s->input));
}

tw_status tw_source_read_rect(tw_source *s, tw_rect rect, void *pixels, tw_error *err)
{
    if (rect.x < 0 || rect.y < 0 || rect.w < 1 || rect.h < 1 || rect.x + rect.w > s->shown.width ||
        rect.y + rect.h > s->shown.height)
        return tw_fail(err, TW_ERROR_RUN, "%s: rectangle %lld,%lld %lld x %lld lies outside the picture", tw_source_label(s),
                       (long long)rect.x, (long long)rect.y, (long long)rect.w, (long long)rect.h);
    if (s->raw) {
        TW_TRY(tw_context_check(s->context, err));
        tw_raw_read(s->raw, rect, pixels);
        return TW_OK;
    }
    if (!s->cost.why_copied) {
        TW_TRY(need_file(s, err));
        return tw_tiled_file_read(s->file, rect, pixels, err);
    }
    TW_TRY(need_copy(s, false, err));
    return tw_tiled_copy_read(s->copy, rect, pixels, err);
}
