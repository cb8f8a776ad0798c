/* SPDX-License-Identifier: MIT */
#include <glib.h>
#include <glib/gstdio.h>

#include "flow_weights.h"
#include "model/model.h"

static char *folder;

static void print_stages(const tw_flow *f)
{
    for (int i = 0; i < f->n_stages; i++) {
        const tw_flow_stage *s = &f->stages[i];
        GString *line = g_string_new(NULL);
        for (int k = 0; k < s->n_sources; k++)
            g_string_append_printf(line, " %s", tw_flow_name(f, s->sources[k]));
        g_string_append(line, " ->");
        for (int k = 0; k < s->n_targets; k++)
            g_string_append_printf(line, " %s(%dch@%d/%d)", tw_flow_name(f, s->targets[k]), tw_flow_channels(f, s->targets[k]),
                                   (int)s->rate.num, (int)s->rate.den);
        g_string_append(line, " samples");
        for (int k = 0; k < f->n_blobs; k++)
            if (s->samples[k])
                g_string_append_printf(line, " %s", tw_flow_name(f, k));
        g_test_message("stage %d:%s grid %d align %d halo %d %d %d %d macs %.0f bytes/px(1024) %.1f", i, line->str, (int)s->grid,
                       (int)s->align, (int)s->halo[0], (int)s->halo[1], (int)s->halo[2], (int)s->halo[3], s->macs,
                       (double)tw_flow_bytes(f, i, 1024, 1024) / (1024 * 1024));
        g_string_free(line, TRUE);
    }
}

static void test_stages(void)
{
    static const struct {
        const char *name;
        int stages, last_halo;
    } cases[] = {{"rife-v4.6", 7, 39}, {"rife-v4.25", 10, 45}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = flow_model(cases[i].name, folder);
        tw_model *model;
        tw_error err = TW_ERROR_NONE;
        if (tw_model_open(path, &model, &err) != TW_OK)
            g_error("%s", err.message);
        if (!model->flow)
            g_error("%s", model->why_no_flow);
        print_stages(model->flow);
        tw_model_free(model);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("tilewright-test-XXXXXX", NULL);
    g_test_add_func("/flow/stages", test_stages);
    return g_test_run();
}
