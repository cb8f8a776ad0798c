/* SPDX-License-Identifier: MIT */
/** Streams of raw video frames as YUV4MPEG2 has them, and frames as pictures (PPM of 16 bit).
 *
 *  Conversion: limited range unless the header says XCOLORRANGE=FULL; colour differences by BT.601 or BT.709; chroma samples lie
 *  between luma samples for C420jpeg, on every second column (and between rows) otherwise, and are interpolated linearly. */
#ifndef TW_CLI_Y4M_H
#define TW_CLI_Y4M_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tilewright/error.h"

typedef struct cli_y4m {
    int64_t width, height;
    int64_t rate, per; /* frames in so many seconds */
    int bits;          /* 8 to 16; more than 8: two bytes, the low one first */
    int sub_x, sub_y;  /* luma samples for one of chroma; 0: grey */
    bool between;      /* chroma lies between columns, too */
    bool full, bt709;
    char *rest;          /* of the header, without size and rate */
    int64_t frame_bytes; /* without its own header */
} cli_y4m;

/** Reads the header. TW_ERROR_INPUT names what is not handled: interlaced frames, sizes of 0. `matrix`: auto, 601, 709. */
tw_status cli_y4m_open(FILE *file, const char *label, const char *matrix, cli_y4m *out, tw_error *err);
void cli_y4m_clear(cli_y4m *video);
/** The header with `factor` times the rate. */
char *cli_y4m_header(const cli_y4m *video, int64_t factor);
/** The next frame and its header line (without the newline); *more is false at the end. TW_ERROR_INPUT for a truncated one. */
tw_status cli_y4m_read(FILE *file, const char *label, const cli_y4m *video, int64_t number, uint8_t *frame, char line[256],
                       bool *more, tw_error *err);

/** Bytes of a frame as a picture. */
int64_t cli_y4m_picture_bytes(const cli_y4m *video);
/** From a frame to a PPM in a buffer of that many bytes; how many it takes. */
size_t cli_y4m_to_picture(const cli_y4m *video, const uint8_t *frame, uint8_t *ppm);
/** And back; false: not such a picture. */
bool cli_y4m_from_picture(const cli_y4m *video, const uint8_t *ppm, size_t bytes, uint8_t *frame);

#endif
