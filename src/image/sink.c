/* SPDX-License-Identifier: MIT */
#include "image/sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "image/codec_table.h"
#include "image/encode.h"
#include "image/metadata.h"
#include "image/output.h"
#include "image/pixels.h"
#include "image/receiver.h"
#include "image/ring.h"
#include "image/source_internal.h"

struct tw_sink {
    tw_context *context;
    const char *label;
    const tw_receiver *receiver; /* takes the rows; NULL: they are encoded */
    tw_encoding encoding;
    tw_picture rows; /* rows as they leave the ring: result's size, encoded depth and alpha */
    tw_ring *ring;
    tw_output *output;
    VipsTarget *target;
    VipsImage *image; /* fed by the ring; NULL: the receiver takes its rows as they are */
    pthread_t thread;
    bool running; /* the thread was started and not joined */
    bool failed;  /* set by the thread, read after joining */
    bool committed;
    tw_error error;
};

tw_status tw_sink_check(const tw_place *place, const tw_picture *result, const tw_source *source,
                        const tw_sink_options *options, tw_sink_cost *cost, tw_error *err)
{
    tw_encoding e;
    TW_TRY(tw_vips_start(err));
    TW_TRY(tw_encoding_decide(place, result, options, &e, err));
    TW_TRY(tw_output_may_write(place, options && options->overwrite, err));
    if (cost) {
        *cost = (tw_sink_cost){0};
        if (!place->receiver || tw_encoding_resizes(&e)) /* a receiver of resampled rows holds what the plainest encoder does */
            cost->fixed = tw_codec_save_cost(place->receiver ? TW_CODEC_PPM : e.codec, &e.encoded, e.lossless,
                                             e.tiff == VIPS_FOREIGN_TIFF_COMPRESSION_ZSTD, &cost->why) +
                          tw_encoding_resize_cost(&e) + tw_encoding_tile_cost(&e);
        cost->whole = cost->why != NULL;
    }
    return TW_OK;
}

bool tw_sink_holds_orientation(const tw_place *place, const tw_sink_options *options)
{
    const char *format = options ? options->format : NULL;
    if (place->receiver)
        return false;
    return tw_metadata_holds_orientation(format ? tw_codec_named(format) : tw_codec_of_path(place->path));
}

/* libvips asks for whole rows from top to bottom. */
static int generate(VipsRegion *region, void *sequence, void *a, void *b, gboolean *stop)
{
    tw_sink *sink = a;
    const VipsRect *r = &region->valid;
    for (int y = r->top; y < r->top + r->height; y++) {
        const char *row = tw_ring_take(sink->ring, y);
        if (!row || r->left != 0 || r->width != sink->rows.width) {
            vips_error("tilewright", "%s", row ? "rows asked for in parts" : "no more rows");
            return -1;
        }
        tw_pixels_convert(&sink->encoding.result, row, &sink->rows, VIPS_REGION_ADDR(region, 0, y), sink->rows.width);
        tw_ring_release(sink->ring, y);
    }
    return 0;
}

static VipsInterpretation interpretation(const tw_picture *p)
{
    if (tw_picture_is_many(p))
        return VIPS_INTERPRETATION_MULTIBAND;
    if (p->colours == 1)
        return p->depth == TW_U16 ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W;
    return p->depth == TW_U8    ? VIPS_INTERPRETATION_sRGB
           : p->depth == TW_U16 ? VIPS_INTERPRETATION_RGB16
                                : VIPS_INTERPRETATION_scRGB;
}

static tw_status make_image(tw_sink *sink, VipsImage *metadata, tw_error *err)
{
    const tw_picture *p = &sink->rows;
    VipsImage *image = sink->image = vips_image_new();
    if (image) {
        vips_image_init_fields(image, (int)p->width, (int)p->height, tw_picture_bands(p), tw_vips_format(p->depth),
                               VIPS_CODING_NONE, interpretation(p), tw_metadata_xres(metadata), tw_metadata_yres(metadata));
        tw_metadata_put(metadata, image, sink->encoding.codec, p->colours);
        vips_image_set_int(image, VIPS_META_CONCURRENCY, 1);
    }
    if (!image || vips_image_pipelinev(image, VIPS_DEMAND_STYLE_THINSTRIP, NULL) ||
        vips_image_generate(image, NULL, generate, NULL, sink, NULL) || tw_encoding_resize(&sink->encoding, &sink->image))
        return tw_vips_fail(err, TW_ERROR_RUN, "%s: encoder cannot be prepared", sink->label);
    return TW_OK;
}

static bool take_rows(tw_sink *sink)
{
    if (!sink->receiver)
        return tw_encoding_save(&sink->encoding, sink->image, sink->target) == 0;
    if (sink->image)
        return tw_receive_image(sink->image, sink->receiver, &sink->error) == TW_OK;
    return tw_receive_ring(sink->ring, &sink->rows, sink->receiver, &sink->error) == TW_OK;
}

/* The encoder's thread. What fails here stops the ring, so that no writer waits for rows that nobody takes. */
static void *encode(void *user)
{
    tw_sink *sink = user;
    sink->failed = !take_rows(sink);
    if (sink->failed) {
        if (tw_context_check(sink->context, &sink->error) == TW_OK)
            tw_vips_fail(&sink->error, TW_ERROR_RUN, "%s: cannot be written", sink->label);
        tw_vips_take_error((char[1]){0}, 1);
        tw_ring_stop(sink->ring, &sink->error);
    }
    vips_thread_shutdown();
    return NULL;
}

static tw_status start_thread(tw_sink *sink, tw_error *err)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 2 << 20); /* JPEG XL and AV1 encoders are the deepest */
    int failed = pthread_create(&sink->thread, &small, encode, sink);
    pthread_attr_destroy(&small);
    sink->running = !failed;
    return failed ? tw_fail(err, TW_ERROR_RUN, "%s: encoder thread cannot start: %s", sink->label, strerror(failed)) : TW_OK;
}

static tw_status open_output(tw_sink *sink, const tw_place *place, bool overwrite, tw_error *err)
{
    const tw_encoding *e = &sink->encoding;
    if (place->receiver)
        return place->receiver->begin(place->receiver->user, &e->encoded, err);
    if (!tw_vips_module(e->codec))
        return tw_fail(err, TW_ERROR_USAGE, "%s: this libvips cannot write %s", sink->label, tw_codec_title(e->codec));
    TW_TRY(tw_output_open(sink->context, place, overwrite, tw_encoding_jumps(e), &sink->output, err));
    sink->target = tw_output_target(sink->output);
    return sink->target ? TW_OK : tw_vips_fail(err, TW_ERROR_RUN, "%s: cannot be written", sink->label);
}

static void warn_losses(const tw_sink *sink, VipsImage *metadata)
{
    const tw_encoding *e = &sink->encoding;
    const char *title = tw_codec_title(e->codec);
    char lost[256];
    tw_metadata_losses(metadata, e->codec, e->encoded.colours, lost, sizeof lost);
    if (lost[0])
        tw_warn(sink->context, "%s: %s cannot hold %s", sink->label, title, lost);
    if (e->result.alpha && !e->encoded.alpha)
        tw_warn(sink->context, "%s: %s cannot hold alpha; laid over white", sink->label, title);
    if (e->result.depth != e->encoded.depth)
        tw_warn(sink->context, "%s: %s cannot hold %s samples; rounded to %d bit", sink->label, title,
                e->result.depth == TW_F32 ? "float" : "16-bit", e->encoded.depth == TW_U16 ? 16 : 8);
}

tw_status tw_sink_open(tw_context *context, const tw_place *place, const tw_picture *result, const tw_source *source,
                       const tw_sink_options *options, int64_t ring_rows, tw_sink **out, tw_error *err)
{
    *out = NULL;
    TW_TRY(tw_vips_start(err));
    tw_sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return tw_fail_memory(err, "sink", sizeof *sink);
    sink->context = context;
    sink->label = tw_place_label(place, true);
    sink->receiver = place->receiver;
    VipsImage *metadata = source ? tw_source_metadata(source) : NULL;
    tw_encoding *e = &sink->encoding;
    tw_status status = tw_encoding_decide(place, result, options, e, err);
    if (status == TW_OK)
        status = open_output(sink, place, options && options->overwrite, err);
    if (status == TW_OK) {
        sink->rows = e->encoded;
        sink->rows.width = result->width;
        sink->rows.height = result->height;
        status = tw_ring_new(context, result, ring_rows, &sink->ring, err);
    }
    if (status == TW_OK && (!sink->receiver || tw_encoding_resizes(e)))
        status = make_image(sink, metadata, err);
    if (status == TW_OK) {
        if (!sink->receiver) /* which wants neither metadata nor fewer bits */
            warn_losses(sink, metadata);
        status = start_thread(sink, err);
    }
    if (status != TW_OK) {
        tw_sink_close(sink);
        return status;
    }
    *out = sink;
    return TW_OK;
}

tw_status tw_sink_reserve(tw_sink *sink, int64_t end, tw_error *err)
{
    return tw_ring_reserve(sink->ring, end, err);
}
void *tw_sink_row(tw_sink *sink, int64_t y)
{
    return tw_ring_row(sink->ring, y);
}
void tw_sink_done(tw_sink *sink, tw_rect rect)
{
    tw_ring_done(sink->ring, rect);
}

static void join(tw_sink *sink)
{
    if (sink->running)
        pthread_join(sink->thread, NULL);
    sink->running = false;
}

void tw_sink_stop(tw_sink *sink)
{
    tw_ring_stop(sink->ring, NULL);
}

/* libheif 1.15 writes a file without a picture, with success, when x265 refuses a size (16384 x 24, say): look at what it wrote. */
static tw_status check_written(tw_sink *sink, tw_error *err)
{
    const tw_picture *p = &sink->encoding.encoded;
    int fd =
        sink->encoding.codec == TW_CODEC_HEIF || sink->encoding.codec == TW_CODEC_AVIF ? tw_output_written(sink->output) : -1;
    if (fd < 0)
        return TW_OK;
    VipsSource *bytes = vips_source_new_from_descriptor(fd);
    VipsImage *image = NULL;
    int failed = !bytes || vips_call("heifload_source", bytes, &image, NULL);
    bool same = !failed && image->Xsize == p->width && image->Ysize == p->height;
    g_clear_object(&image);
    g_clear_object(&bytes);
    return same ? TW_OK
                : tw_vips_fail(err, TW_ERROR_RUN, "%s: the encoder wrote no picture of %lld x %lld pixels", sink->label,
                               (long long)p->width, (long long)p->height);
}

tw_status tw_sink_commit(tw_sink *sink, tw_error *err)
{
    if (!tw_ring_complete(sink->ring)) {
        /* Waiting would be for ever. A failed encoder has the better message. */
        tw_error incomplete = TW_ERROR_NONE;
        tw_fail(&incomplete, TW_ERROR_RUN, "%s: not every row was written", sink->label);
        tw_ring_stop(sink->ring, &incomplete);
        join(sink);
        TW_TRY(tw_context_check(sink->context, err));
        return tw_ring_reserve(sink->ring, 0, err);
    }
    join(sink);
    if (sink->failed)
        return tw_fail(err, sink->error.code, "%s", sink->error.message);
    TW_TRY(tw_context_check(sink->context, err));
    g_clear_object(&sink->image); /* what the encoder holds is not needed while the disk is waited for */
    if (!sink->receiver) {
        TW_TRY(check_written(sink, err));
        TW_TRY(tw_output_commit(sink->output, err));
    }
    sink->committed = true;
    return TW_OK;
}

void tw_sink_close(tw_sink *sink)
{
    if (!sink)
        return;
    if (sink->running)
        tw_ring_stop(sink->ring, NULL);
    join(sink);
    g_clear_object(&sink->image);
    g_clear_object(&sink->target);
    tw_ring_free(sink->ring);
    tw_output_close(sink->output);
    free(sink);
}

void *tw_sink_steal_bytes(tw_sink *sink, size_t *length)
{
    return tw_output_steal(sink->output, length);
}
