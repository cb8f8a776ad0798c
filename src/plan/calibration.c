/* SPDX-License-Identifier: MIT */
#include "plan/calibration.h"

#include <glib.h>

static char *file_name(void)
{
    return g_build_filename(g_get_user_cache_dir(), "tilewright", "speed.ini", NULL);
}

double tw_calibration_read(const char *hash, const char *device, const char *schedule)
{
    double rate = 0;
    if (!hash || !*hash)
        return 0;
    char *name = file_name(), *group = g_strdup_printf("%s %s", device, schedule);
    GKeyFile *file = g_key_file_new();
    if (g_key_file_load_from_file(file, name, G_KEY_FILE_NONE, NULL))
        rate = g_key_file_get_double(file, group, hash, NULL);
    g_key_file_free(file);
    g_free(group);
    g_free(name);
    return rate > 0 ? rate : 0;
}

void tw_calibration_write(const char *hash, const char *device, const char *schedule, double macs_per_second)
{
    if (!hash || !*hash || !(macs_per_second > 0))
        return;
    char *name = file_name(), *group = g_strdup_printf("%s %s", device, schedule), *folder = g_path_get_dirname(name);
    GKeyFile *file = g_key_file_new();
    g_key_file_load_from_file(file, name, G_KEY_FILE_NONE, NULL);
    double known = g_key_file_get_double(file, group, hash, NULL);
    /* Half of the news: one disturbed run does not spoil what is known. */
    g_key_file_set_double(file, group, hash, known > 0 ? 0.5 * (known + macs_per_second) : macs_per_second);
    if (g_mkdir_with_parents(folder, 0777) == 0)
        g_key_file_save_to_file(file, name, NULL);
    g_key_file_free(file);
    g_free(folder);
    g_free(group);
    g_free(name);
}
