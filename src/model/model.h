/* SPDX-License-Identifier: MIT */
/** A model: graph text and weights, its record (what no graph tells: value range, channel order, size rule) and its geometry.
 *  Models come from the binary itself (embedded), from packs installed under the data folder, or from a .param path. */
#ifndef TW_MODEL_MODEL_H
#define TW_MODEL_MODEL_H

#include "model/carry.h"
#include "model/flow.h"
#include "model/graph.h"

typedef struct tw_model_record {
    char *name;  /* "realesr-animevideov3-x4" */
    char *title; /* one line for lists */
    char *licence;
    char *source;                   /* package it came from, or "embedded", or a path */
    float mean[4], norm[4];         /* net input = (sample / white - mean) * norm, per channel; default 0 and 1 */
    float out_mean[4], out_norm[4]; /* result / white = net output * out_norm + out_mean; default 1 and 0 */
    bool bgr;                       /* channel order of the net */
    int size_multiple;              /* canvas size must be a multiple (0: what the geometry says) */
    bool assumed;                   /* no record lay beside the .param: all values are the defaults; reports say so */
    char *pad;                      /* how the canvas is padded for nets that need it: "reflect", "replicate", "zero" */
} tw_model_record;

typedef struct tw_model {
    tw_model_record record;
    char *param_text; /* 0-terminated */
    size_t param_length;
    char *lowered;       /* the text that runs, of which graph and all that follows are made; NULL: param_text (lower.h) */
    const void *weights; /* embedded weights, NULL when in a file */
    size_t weights_length;
    char *weights_path; /* .bin beside the .param, NULL when embedded */
    tw_graph *graph;
    tw_geometry *geometry;
    tw_carry *carry; /* NULL: it cannot be carried */
    tw_carry
        *carry_plain; /* the same without Winograd convolutions; NULL: it would save too little, or change rounding too much */
    char *why_not_carried; /* NULL: it can */
    tw_flow *flow;         /* a net of two pictures, which runs in these stages only; NULL: it is none */
    char *why_no_flow;     /* NULL: it is one */
    tw_flow *flow_ends;    /* the same up to its ending; NULL: it does not end in two warped frames */
    char hash[65];         /* sha256 of graph text and weights, hex */
} tw_model;

/** Finds by name (embedded, then the data folder, then system data folders) or by path of a .param file.
 *  TW_ERROR_USAGE for an unknown name (names the closest ones); TW_ERROR_INPUT for a malformed file. */
tw_status tw_model_open(const char *name_or_path, tw_model **out, tw_error *err);
void tw_model_free(tw_model *model);

/** The model that `engine` ("realcugan", "realesrgan", "waifu2x", "span", or a model or folder name of the ncnn tools such as
 *  "models-cunet"), `quality` ("fast", "balanced", "best"; NULL: the engine's own default), scale and noise (-1: left alone)
 *  stand for; NULL when there is none. Static text. */
const char *tw_model_alias(const char *engine, const char *quality, int scale, int noise);

/** $XDG_DATA_HOME/tilewright/models (or $TILEWRIGHT_MODELS); caller frees with g_free. */
char *tw_model_folder(void);

#endif
