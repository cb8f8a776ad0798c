/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

/* What may be in a folder of pictures, and whether a result can have that suffix. */
static const struct {
    const char *suffix;
    bool writable;
} suffixes[] = {
    {"png", true},  {"jpg", true},  {"jpeg", true}, {"webp", true}, {"tif", true},  {"tiff", true},
    {"gif", true},  {"jxl", true},  {"avif", true}, {"heic", true}, {"heif", true}, {"jpe", false},
    {"bmp", false}, {"pnm", false}, {"ppm", true},  {"pgm", false}, {"pbm", false}, {"pfm", false},
};

static const struct {
    const char *format, *suffix;
} format_suffixes[] = {{"jpeg", "jpg"}, {"tiff", "tif"}, {"heif", "heic"}};

/* The suffix without its dot, or NULL: hidden files (temporary ones among them) have none. */
static const char *suffix_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && name[0] != '.' ? dot + 1 : NULL;
}

static int find_suffix(const char *name)
{
    const char *suffix = suffix_of(name);
    for (int i = 0; suffix && i < (int)G_N_ELEMENTS(suffixes); i++)
        if (g_ascii_strcasecmp(suffixes[i].suffix, suffix) == 0)
            return i;
    return -1;
}

static const char *result_suffix(const char *name, const char *format)
{
    if (!format) {
        int i = find_suffix(name);
        return i >= 0 && suffixes[i].writable ? suffix_of(name) : "png";
    }
    for (size_t i = 0; i < G_N_ELEMENTS(format_suffixes); i++)
        if (strcmp(format_suffixes[i].format, format) == 0)
            return format_suffixes[i].suffix;
    return format;
}

static char *result_name(const char *name, const char *format, bool keep_suffix)
{
    size_t stem = keep_suffix ? strlen(name) : (size_t)(suffix_of(name) - name) - 1;
    return g_strdup_printf("%.*s.%s", (int)stem, name, result_suffix(name, format));
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static tw_status read_names(const char *folder, GPtrArray *names, tw_error *err)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    struct stat st;

    if (!dir)
        return tw_fail(err, TW_ERROR_INPUT, "%s: cannot be read: %s", folder, g_strerror(errno));
    while ((entry = readdir(dir)))
        if (find_suffix(entry->d_name) >= 0 && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            g_ptr_array_add(names, g_strdup(entry->d_name));
    closedir(dir);
    g_ptr_array_sort(names, by_name);
    return TW_OK;
}

static void clear_item(gpointer data)
{
    cli_item *item = data;
    g_free(item->input);
    g_free(item->output);
}

/* How many inputs would give each result, so that names do not depend on which pictures are done already. */
static GHashTable *count_results(const GPtrArray *names, const char *format)
{
    GHashTable *counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < names->len; i++) {
        char *result = result_name(g_ptr_array_index(names, i), format, false);
        gsize count = GPOINTER_TO_SIZE(g_hash_table_lookup(counts, result));
        g_hash_table_replace(counts, result, GSIZE_TO_POINTER(count + 1));
    }
    return counts;
}

tw_status cli_list_folder(const char *in, const char *out, const char *format, GArray **items, tw_error *err)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    tw_status status = read_names(in, names, err);

    *items = NULL;
    if (status == TW_OK && names->len == 0)
        status = tw_fail(err, TW_ERROR_INPUT, "%s: no pictures in this folder", in);
    if (status != TW_OK) {
        g_ptr_array_free(names, TRUE);
        return status;
    }
    GHashTable *counts = count_results(names, format);
    *items = g_array_sized_new(FALSE, TRUE, sizeof(cli_item), names->len);
    g_array_set_clear_func(*items, clear_item);
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        char *result = result_name(name, format, false);
        if (GPOINTER_TO_SIZE(g_hash_table_lookup(counts, result)) > 1) {
            g_free(result);
            result = result_name(name, format, true);
        }
        cli_item item = {g_build_filename(in, name, NULL), g_build_filename(out, result, NULL)};
        g_array_append_val(*items, item);
        g_free(result);
    }
    g_hash_table_destroy(counts);
    g_ptr_array_free(names, TRUE);
    return TW_OK;
}

bool cli_same_folder(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}
