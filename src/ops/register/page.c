/* SPDX-License-Identifier: MIT */
/** The page of --report: one file that shows what was found, and by how much it is wrong, to the eye. */
#include <float.h>
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/newfile.h"
#include "ops/register/page.h"
#include "ops/register/pieces.h"

#define ARROWS 28  /* on the longer side */
#define CELLS  96  /* of the error map, on the longer side */
#define BINS   40  /* of the histogram */
#define WIDE   720 /* pixels of a drawing */

static const char STYLE[] =
    ":root{color-scheme:light dark;--ink:#1a1a1a;--paper:#fcfcfb;--soft:#8a8a86;--mark:#0b6e99}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8e6e1;--paper:#161615;--soft:#8d8b86;--mark:#5cc3ec}}"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:760px;margin:2rem "
    "auto;padding:0 1rem}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}p,figcaption{color:var(--soft)}table{border-collapse:collapse}"
    "td{padding:.15rem 1.2rem .15rem "
    "0;vertical-align:top}td+td{font-variant-numeric:tabular-nums}svg,img{max-width:100%;display:block}"
    "figure{margin:1rem "
    "0}.map{image-rendering:pixelated;width:100%}.pieces{display:grid;grid-template-columns:repeat(2,1fr);gap:1rem}"
    ".pieces img{width:100%;image-rendering:pixelated}.blink{position:relative}.blink "
    "img+img{position:absolute;inset:0;animation:b 1.6s steps(1) infinite}"
    "@keyframes b{50%{opacity:0}}@media(prefers-reduced-motion:reduce){.blink img+img{animation:none;opacity:.5}}";

/* --- text ---------------------------------------------------------------------------------------------------------- */

static void escaped(tw_newfile *file, const char *text)
{
    char *safe = g_markup_escape_text(text, -1);
    tw_newfile_print(file, "%s", safe);
    g_free(safe);
}

static const char *real(char buffer[32], const char *form, double value)
{
    return g_ascii_formatd(buffer, 32, form, value);
}

static void row(tw_newfile *file, const char *what, const char *form, double value, const char *unit)
{
    char text[32];
    tw_newfile_print(file, "<tr><td>%s</td><td>%s%s</td></tr>", what, real(text, form, value), unit);
}

static void summary(const tw_op_state *state, tw_newfile *file)
{
    const tw_register_result *r = &state->result;
    const double *m = state->affine.m;
    tw_newfile_print(file, "<h1>");
    escaped(file, state->label[1]);
    tw_newfile_print(file, " laid over ");
    escaped(file, state->label[0]);
    tw_newfile_print(file, "</h1><table>");
    row(file, "half of the field is within", "%.3f", r->hold_out.p50, " pixels");
    row(file, "nine tenths within", "%.3f", r->hold_out.p90, " pixels");
    row(file, "99 of 100 within", "%.3f", r->hold_out.p99, " pixels");
    if (r->backward.windows > 0) {
        row(file, "half is within, the other way round", "%.3f", r->backward.p50, " pixels");
        row(file, "nine tenths within, the other way round", "%.3f", r->backward.p90, " pixels");
    }
    row(file, "turn", "%.4f", atan2(m[3], m[0]) * 180 / M_PI, " degrees");
    row(file, "scale", "%.5f", sqrt(fabs(m[0] * m[4] - m[1] * m[3])), "");
    row(file, "correlation of the whole", "%.3f", r->global_score, "");
    row(file, "the next best place, over the best", "%.2f", r->global_second, "");
    if (r->period > 0)
        row(file, "the picture repeats every", "%.1f", r->period, " pixels");
    row(file, "least Jacobian of the lattice", "%.3f", r->min_jacobian, "");
    row(file, "windows fitted", "%.0f", (double)r->used, "");
    row(file, "blank, unclear, outliers", "%.0f", (double)(r->blank + r->lost + r->outliers), "");
    tw_newfile_print(file, "</table><p>The error is that of windows between the fitted ones, their own noise taken off.</p>");
}

/* --- the field ----------------------------------------------------------------------------------------------------- */

static void quiver(const tw_op_state *state, tw_newfile *file)
{
    const tw_lattice *l = state->lattice;
    double w = (double)state->picture[0].width, h = (double)state->picture[0].height, step = fmax(w, h) / ARROWS, longest = 0,
           u[2];
    char text[6][32];
    if (!l)
        return;
    for (double y = step / 2; y < h; y += step)
        for (double x = step / 2; x < w; x += step) {
            tw_lattice_at(l, x, y, u);
            longest = fmax(longest, hypot(u[0], u[1]));
        }
    double unit = WIDE / w, enlarge = longest > 0 ? 0.95 * step / longest : 1;
    tw_newfile_print(file,
                     "<h2>Local deformation</h2><figure><svg viewBox=\"0 0 %d %s\" role=\"img\" aria-label=\"arrows\" "
                     "stroke=\"var(--mark)\" stroke-width=\"1.3\" fill=\"var(--mark)\">",
                     WIDE, real(text[0], "%.1f", h * unit));
    for (double y = step / 2; y < h; y += step)
        for (double x = step / 2; x < w; x += step) {
            tw_lattice_at(l, x, y, u);
            double ax = x * unit, ay = y * unit, bx = ax + u[0] * enlarge * unit, by = ay + u[1] * enlarge * unit;
            tw_newfile_print(file, "<circle cx=\"%s\" cy=\"%s\" r=\"1.6\"/><path d=\"M%s %sL%s %s\"/>",
                             real(text[0], "%.1f", ax), real(text[1], "%.1f", ay), real(text[2], "%.1f", ax),
                             real(text[3], "%.1f", ay), real(text[4], "%.1f", bx), real(text[5], "%.1f", by));
        }
    tw_newfile_print(file,
                     "</svg><figcaption>From a point to where the lattice moves it, %s times as long as it is; the longest is "
                     "%s pixels. Turn, "
                     "scale and shift of the whole come after it.</figcaption></figure>",
                     real(text[0], "%.1f", enlarge), real(text[1], "%.2f", longest));
}

/* --- the error ----------------------------------------------------------------------------------------------------- */

/* Dark blue over green to yellow, as light grows evenly. */
static uint32_t colour_of(double t)
{
    static const double STOPS[5][3] = {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}};
    double at = fmin(fmax(t, 0), 1) * 4;
    int i = (int)fmin(at, 3);
    uint32_t rgb = 0;
    for (int c = 0; c < 3; c++)
        rgb = rgb << 8 | (uint32_t)(STOPS[i][c] + (at - i) * (STOPS[i + 1][c] - STOPS[i][c]) + 0.5);
    return rgb;
}

static void error_map(const tw_op_state *state, const tw_round *round, tw_newfile *file)
{
    tw_node_grid grid = tw_round_grid(state, round);
    double unit = (double)(INT64_C(1) << round->level), top = fmax(state->result.hold_out.p99, 0.05);
    int64_t side = tw_max64(1, tw_ceil_div(tw_max64(grid.columns, grid.rows), CELLS));
    int w = (int)tw_ceil_div(grid.columns, side), h = (int)tw_ceil_div(grid.rows, side);
    char text[32];
    if (w < 1 || h < 1)
        return;
    double *sum = g_new0(double, (gsize)w *(gsize)h), *count = g_new0(double, (gsize)w *(gsize)h);
    uint32_t *rgb = g_new(uint32_t, (gsize)w * (gsize)h);
    for (int64_t j = 0; j < grid.rows; j++)
        for (int64_t i = 0; i < grid.columns; i++) {
            const tw_node *node = &state->nodes[j * grid.columns + i];
            int64_t k = j / side * w + i / side;
            if (node->state != TW_NODE_GOOD)
                continue;
            sum[k] += unit * hypot((double)node->shift[0], (double)node->shift[1]);
            count[k]++;
        }
    for (int k = 0; k < w * h; k++)
        rgb[k] = count[k] > 0 ? colour_of(sum[k] / count[k] / top) : 0x808080;
    tw_newfile_print(file, "<h2>Error</h2><figure>");
    tw_page_picture(file, rgb, w, h, "map", "error map");
    tw_newfile_print(file,
                     "<figcaption>What is left of the shift between the fitted windows: dark 0, yellow %s pixels and more, "
                     "grey: nothing to see "
                     "there.</figcaption></figure>",
                     real(text, "%.2f", top));
    g_free(sum);
    g_free(count);
    g_free(rgb);
}

static void histogram(const tw_op_state *state, const tw_round *round, tw_newfile *file)
{
    tw_node_grid grid = tw_round_grid(state, round);
    double unit = (double)(INT64_C(1) << round->level), end = 1.5 * fmax(state->result.hold_out.raw[2], 0.05);
    int64_t bin[BINS] = {0}, most = 1;
    char text[3][32];
    for (int64_t k = 0; k < grid.columns * grid.rows; k++)
        if (state->nodes[k].state == TW_NODE_GOOD) {
            double length = unit * hypot((double)state->nodes[k].shift[0], (double)state->nodes[k].shift[1]);
            bin[(int)fmin(length / end * BINS, BINS - 1)]++;
        }
    for (int i = 0; i < BINS; i++)
        most = tw_max64(most, bin[i]);
    tw_newfile_print(file, "<figure><svg viewBox=\"0 0 %d 190\" role=\"img\" aria-label=\"histogram\" fill=\"var(--mark)\">",
                     WIDE);
    for (int i = 0; i < BINS; i++) {
        double high = 150.0 * (double)bin[i] / (double)most;
        tw_newfile_print(file, "<rect x=\"%d\" y=\"%s\" width=\"%d\" height=\"%s\"/>", i * WIDE / BINS,
                         real(text[0], "%.1f", 160 - high), WIDE / BINS - 2, real(text[1], "%.1f", high));
    }
    for (int i = 0; i <= 4; i++)
        tw_newfile_print(file, "<text x=\"%d\" y=\"180\" font-size=\"13\" fill=\"currentColor\" text-anchor=\"%s\">%s</text>",
                         i * WIDE / 4,
                         i == 0   ? "start"
                         : i == 4 ? "end"
                                  : "middle",
                         real(text[0], "%.3f", end * i / 4));
    tw_newfile_print(
        file, "</svg><figcaption>How many of the windows between the fitted ones are how many pixels off, their own noise "
              "included; the last bar holds all that are more.</figcaption></figure>");
}

/* --- */

tw_status tw_page_write(tw_op_state *state, const tw_round *round, tw_error *err)
{
    tw_newfile *file;
    TW_TRY(tw_newfile_open(state->page, &file, err));
    tw_newfile_print(file,
                     "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
                     "content=\"width=device-width,initial-scale=1\"><title>register</title><style>%s</style>",
                     STYLE);
    summary(state, file);
    quiver(state, file);
    error_map(state, round, file);
    histogram(state, round, file);
    tw_status status = tw_page_pieces(state, round->level, file, err);
    tw_newfile_print(file, "</html>\n");
    if (status == TW_OK)
        status = tw_newfile_commit(file, err);
    tw_newfile_close(file);
    return status;
}
