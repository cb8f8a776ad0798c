/* SPDX-License-Identifier: MIT */
/* The transforms that ITK and elastix have in common. */
#include <math.h>
#include <string.h>

#include "field/read.h"

static const tw_affine_kind KINDS[] = {
    {"AffineTransform", "AffineTransform", "0123xy"},
    {"MatrixOffsetTransformBase", NULL, "0123xy"},
    {"CenteredAffineTransform", NULL, "0123uvxy"},
    {"TranslationTransform", "TranslationTransform", "xy"},
    {"Euler2DTransform", "EulerTransform", "axy"},
    {"Rigid2DTransform", NULL, "axy"},
    {"CenteredRigid2DTransform", NULL, "auvxy"},
    {"Similarity2DTransform", "SimilarityTransform", "saxy"},
    {"CenteredSimilarity2DTransform", NULL, "sauvxy"},
    {"ScaleTransform", NULL, "pq"},
    {"IdentityTransform", NULL, ""},
};

const tw_affine_kind *tw_affine_kind_of(const char *name, bool elastix)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        const char *own = elastix ? KINDS[i].elastix : KINDS[i].itk;
        if (own && strcmp(own, name) == 0)
            return &KINDS[i];
    }
    return NULL;
}

tw_status tw_affine_kind_read(const tw_affine_kind *kind, const tw_text *text, tw_words parameters, const double centre[2],
                              tw_affine *out, tw_error *err)
{
    double values[8], m[4] = {1, 0, 0, 1}, t[2] = {0, 0}, c[2] = {centre[0], centre[1]}, angle = 0, scale = 1;
    int n = (int)strlen(kind->parameters);
    bool turned = false;
    TW_TRY(tw_words_numbers(text, parameters, "parameters", n, values, err));
    for (int i = 0; i < n; i++) {
        char letter = kind->parameters[i];
        if (letter >= '0' && letter <= '3')
            m[letter - '0'] = values[i];
        else if (letter == 'a')
            angle = values[i], turned = true;
        else if (letter == 's')
            scale = values[i];
        else if (letter == 'p' || letter == 'q')
            m[letter == 'p' ? 0 : 3] = values[i];
        else if (letter == 'x' || letter == 'y')
            t[letter - 'x'] = values[i];
        else
            c[letter - 'u'] = values[i];
    }
    if (turned) {
        m[0] = m[3] = scale * cos(angle);
        m[2] = scale * sin(angle);
        m[1] = -m[2];
    }
    *out = (tw_affine){
        {m[0], m[1], t[0] + (c[0] - (m[0] * c[0] + m[1] * c[1])), m[2], m[3], t[1] + (c[1] - (m[2] * c[0] + m[3] * c[1]))}};
    for (int i = 0; i < 6; i++)
        if (!isfinite(out->m[i]))
            return tw_text_fail(text, parameters.line, err, "parameters: the affine map overflows");
    return TW_OK;
}

tw_status tw_lattice_from(const tw_text *text, const int64_t size[2], const double origin[2], const double spacing[2],
                          tw_words parameters, tw_lattice **out, tw_error *err)
{
    /* The size is believed only where as many numbers can follow: a short file must not ask for much memory. */
    int64_t most = (parameters.end - parameters.at + 1) / 2;
    *out = NULL;
    if (size[0] < 4 || size[1] < 4)
        return tw_text_fail(text, 0, err, "a lattice of %lld x %lld control points: sides of 4 at least", (long long)size[0],
                            (long long)size[1]);
    if (size[0] > most / 2 / size[1])
        return tw_text_fail(text, parameters.line, err, "%lld numbers for a lattice of %lld x %lld control points",
                            (long long)tw_words_count(parameters), (long long)size[0], (long long)size[1]);
    tw_error own = TW_ERROR_NONE;
    if (tw_lattice_new(size[0], size[1], origin, spacing, out, &own) != TW_OK)
        return own.code == TW_ERROR_INPUT ? tw_text_fail(text, parameters.line, err, "%s", own.message)
                                          : tw_fail(err, own.code, "%s: %s", text->label, own.message);
    tw_status status = tw_words_numbers(text, parameters, "parameters", 2 * size[0] * size[1], (*out)->u[0], err);
    if (status != TW_OK) {
        tw_lattice_free(*out);
        *out = NULL;
    }
    return status;
}

tw_status tw_direction_plain(const tw_text *text, const double direction[4], const char *what, tw_error *err)
{
    static const double PLAIN[4] = {1, 0, 0, 1};
    for (int i = 0; i < 4; i++)
        if (direction[i] != PLAIN[i])
            return tw_text_fail(text, 0, err, "%s %g %g %g %g: only 1 0 0 1 can be read", what, direction[0], direction[1],
                                direction[2], direction[3]);
    return TW_OK;
}
