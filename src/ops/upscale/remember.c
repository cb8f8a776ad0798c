/* SPDX-License-Identifier: MIT */
/** $XDG_CACHE_HOME/tilewright/halo.ini: one group for a model on a device with a version of the engine, one key for a tolerance. */
#include <glib.h>
#include <math.h>
#include <stdlib.h>

#include "ops/upscale/state.h"

static char *file_name(void)
{
    return g_build_filename(g_get_user_cache_dir(), "tilewright", "halo.ini", NULL);
}

/* NULL for engines of the caller, which nobody knows again. */
static char *group_of(const tw_op_state *state)
{
    if (!state->model || !state->model->hash[0])
        return NULL;
    return g_strdup_printf("%s ncnn %s device %d%s", state->model->hash, tw_engine_version(), state->device.number,
                           state->tta ? " tta" : "");
}

/* "halo bound tiles against"; anything else is as good as nothing. */
static bool parse(const char *text, tw_measured *out)
{
    tw_measured m = {.known = true, .remembered = true};
    char **words = g_strsplit(text, " ", 0);
    bool good = g_strv_length(words) == 4;
    if (good) {
        m.halo = strtoll(words[0], NULL, 10);
        m.bound = g_ascii_strtod(words[1], NULL);
        m.tiles = atoi(words[2]);
        m.against = strtoll(words[3], NULL, 10);
        good = m.halo >= -1 && m.halo <= 65536 && m.bound >= 0 && isfinite(m.bound) && m.tiles > 0 && m.against >= -1;
    }
    g_strfreev(words);
    if (good)
        *out = m;
    return good;
}

static void key_of(const tw_op_state *state, char key[G_ASCII_DTOSTR_BUF_SIZE])
{
    g_ascii_formatd(key, G_ASCII_DTOSTR_BUF_SIZE, "%.9g", state->tolerance);
}

void tw_upscale_recall_measured(const tw_op_state *state, tw_measured *out)
{
    char key[G_ASCII_DTOSTR_BUF_SIZE];
    char *group = group_of(state), *name = file_name(), *text = NULL;
    GKeyFile *file = g_key_file_new();
    key_of(state, key);
    if (group && g_key_file_load_from_file(file, name, G_KEY_FILE_NONE, NULL))
        text = g_key_file_get_string(file, group, key, NULL);
    if (text)
        parse(text, out);
    g_free(text);
    g_key_file_free(file);
    g_free(name);
    g_free(group);
}

void tw_upscale_remember(const tw_op_state *state, const tw_measured *measured)
{
    char *group = group_of(state), bound[G_ASCII_DTOSTR_BUF_SIZE], key[G_ASCII_DTOSTR_BUF_SIZE];
    if (!group)
        return;
    key_of(state, key);
    char *name = file_name(), *folder = g_path_get_dirname(name);
    GKeyFile *file = g_key_file_new();
    g_key_file_load_from_file(file, name, G_KEY_FILE_NONE, NULL);
    char *text =
        g_strdup_printf("%lld %s %d %lld", (long long)measured->halo, g_ascii_dtostr(bound, sizeof bound, measured->bound),
                        measured->tiles, (long long)measured->against);
    g_key_file_set_string(file, group, key, text);
    if (g_mkdir_with_parents(folder, 0777) == 0)
        g_key_file_save_to_file(file, name, NULL);
    g_free(text);
    g_key_file_free(file);
    g_free(folder);
    g_free(name);
    g_free(group);
}
