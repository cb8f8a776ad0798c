/* SPDX-License-Identifier: MIT */
/* ITK's text form of transforms: "#Insight Transform File V1.0", then blocks of Transform, Parameters, FixedParameters. */
#include <string.h>

#include <glib.h>

#include "field/read.h"

#define BLOCKS_MAX 64

typedef struct block {
    tw_words type, parameters, fixed;
    bool has_parameters, has_fixed;
} block;

typedef struct blocks {
    int n;
    block b[BLOCKS_MAX];
} blocks;

/* A word of our own: a comment to ITK. */
static void read_comment(tw_words line, tw_field_about *about)
{
    static const char OURS[] = "#FixedSize:";
    double size[2];
    tw_text nameless = {.label = ""};
    if (!tw_words_start(&line, OURS))
        return;
    line.at += strlen(OURS);
    if (tw_words_numbers(&nameless, line, OURS, 2, size, NULL) == TW_OK && size[0] >= 1 && size[1] >= 1 && size[0] < 1e15 &&
        size[1] < 1e15) {
        about->width = (int64_t)size[0];
        about->height = (int64_t)size[1];
    }
}

static tw_status read_line(const tw_text *text, tw_words line, blocks *all, tw_error *err)
{
    tw_words key;
    char shown[64];
    if (!tw_words_split(&line, ':', &key))
        return tw_text_fail(text, line.line, err, "'%s': no ':'", tw_words_show(&line, shown));
    if (tw_words_are(&key, "Transform")) {
        if (all->n == BLOCKS_MAX)
            return tw_text_fail(text, line.line, err, "more than %d transforms", BLOCKS_MAX);
        tw_words nothing = {line.end, line.end, line.line};
        all->b[all->n++] = (block){.type = line, .parameters = nothing, .fixed = nothing};
        return TW_OK;
    }
    bool fixed = tw_words_are(&key, "FixedParameters");
    if (!fixed && !tw_words_are(&key, "Parameters"))
        return tw_text_fail(text, line.line, err, "unknown key '%s'", tw_words_show(&key, shown));
    block *b = all->n ? &all->b[all->n - 1] : NULL;
    if (!b)
        return tw_text_fail(text, line.line, err, "%s before any Transform", tw_words_show(&key, shown));
    if (fixed ? b->has_fixed : b->has_parameters)
        return tw_text_fail(text, line.line, err, "%s again", tw_words_show(&key, shown));
    *(fixed ? &b->fixed : &b->parameters) = line;
    *(fixed ? &b->has_fixed : &b->has_parameters) = true;
    return TW_OK;
}

/* "AffineTransform_double_2_2" -> "AffineTransform"; NULL where it is not of the plane. */
static char *plain_type(const tw_words *type)
{
    char *name = tw_words_copy(type);
    if (g_str_has_suffix(name, "_double_2_2") || g_str_has_suffix(name, "_float_2_2")) {
        *strrchr(name, '_') = 0;
        *strrchr(name, '_') = 0;
        *strrchr(name, '_') = 0;
        return name;
    }
    g_free(name);
    return NULL;
}

static tw_status add_lattice(const tw_text *text, const block *b, tw_field *field, tw_error *err)
{
    double fixed[10];
    int64_t size[2];
    tw_lattice *lattice;
    tw_words sides = b->fixed;
    TW_TRY(tw_words_numbers(text, b->fixed, "FixedParameters", 10, fixed, err));
    for (int i = 0; i < 2; i++) {
        tw_words side;
        tw_words_next(&sides, &side);
        TW_TRY(tw_words_whole(text, side, "FixedParameters", 1, &size[i], err));
    }
    TW_TRY(tw_direction_plain(text, fixed + 6, "the lattice's direction", err));
    TW_TRY(tw_lattice_from(text, size, fixed + 2, fixed + 4, b->parameters, &lattice, err));
    tw_field_add_lattice(field, lattice);
    return TW_OK;
}

static tw_status add_affine(const tw_text *text, const block *b, const tw_affine_kind *kind, tw_field *field, tw_error *err)
{
    double centre[2] = {0, 0};
    tw_affine affine;
    if (tw_words_count(b->fixed) > 0)
        TW_TRY(tw_words_numbers(text, b->fixed, "FixedParameters", 2, centre, err));
    TW_TRY(tw_affine_kind_read(kind, text, b->parameters, centre, &affine, err));
    tw_field_add_affine(field, &affine);
    return TW_OK;
}

static tw_status add_block(const tw_text *text, const block *b, tw_field *field, tw_error *err)
{
    char shown[64], *name = plain_type(&b->type);
    const tw_affine_kind *kind = name ? tw_affine_kind_of(name, false) : NULL;
    bool lattice = name && (strcmp(name, "BSplineTransform") == 0 || strcmp(name, "BSplineDeformableTransform") == 0);
    g_free(name);
    if (!kind && !lattice)
        return tw_text_fail(text, b->type.line, err, "transform '%s' cannot be read", tw_words_show(&b->type, shown));
    if (!b->has_parameters)
        return tw_text_fail(text, b->type.line, err, "transform '%s' has no Parameters", tw_words_show(&b->type, shown));
    return lattice ? add_lattice(text, b, field, err) : add_affine(text, b, kind, field, err);
}

/* ITK's composite applies the last transform first. */
static tw_status add_all(const tw_text *text, const blocks *all, tw_field *field, tw_error *err)
{
    if (all->n == 0)
        return tw_text_fail(text, 0, err, "no transforms");
    bool composite = tw_words_start(&all->b[0].type, "CompositeTransform_");
    if (!composite && all->n > 1)
        return tw_text_fail(text, all->b[1].type.line, err, "%d transforms without a CompositeTransform", all->n);
    for (int i = all->n - 1; i >= composite; i--)
        TW_TRY(add_block(text, &all->b[i], field, err));
    return TW_OK;
}

tw_status tw_itk_read(tw_text *text, tw_field *field, tw_field_about *about, tw_error *err)
{
    tw_words line;
    tw_status status = TW_OK;
    blocks *all = g_new0(blocks, 1);
    about->format = "itk";
    while (status == TW_OK && tw_text_line(text, &line)) {
        if (line.at < line.end && *line.at == '#')
            read_comment(line, about);
        else if (line.at < line.end)
            status = read_line(text, line, all, err);
    }
    if (status == TW_OK)
        status = add_all(text, all, field, err);
    g_free(all);
    return status;
}
