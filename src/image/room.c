/* SPDX-License-Identifier: MIT */
#include "image/room.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
typedef struct codec_entry {
    const char *name, *title;
    const char *suffixes;  /* between bars */
    const char *module;    /* libvips module that holds it, NULL: libvips itself */
    const char *operation; /* its loader: there when the module is loaded */
} codec_entry;

static const codec_entry CODECS[TW_CODEC_COUNT] = {
    [TW_CODEC_NONE] = {"unknown", "unknown", "|", NULL, NULL},
    [TW_CODEC_JPEG] = {"jpeg", "JPEG", "|jpg|jpeg|jpe|jfif|", NULL, "jpegload_source"},
    [TW_CODEC_PNG] = {"png", "PNG", "|png|", NULL, "pngload_source"},
    [TW_CODEC_WEBP] = {"webp", "WebP", "|webp|", NULL, "webpload_source"},
    [TW_CODEC_TIFF] = {"tiff", "TIFF", "|tif|tiff|btf|tf8|", NULL, "tiffload_source"},
    [TW_CODEC_GIF] = {"gif", "GIF", "|gif|", NULL, "gifload_source"},
    [TW_CODEC_JXL] = {"jxl", "JPEG XL", "|jxl|", "vips-jxl", "jxlload_source"},
    [TW_CODEC_HEIF] = {"heif", "HEIF", "|heic|heif|hif|", "vips-heif", "heifload_source"},
    [TW_CODEC_AVIF] = {"avif", "AVIF", "|avif|", "vips-heif", "heifload_source"},
    [TW_CODEC_PPM] = {"ppm", "PPM", "|ppm|pgm|pbm|pnm|", NULL, "ppmload_source"},
};

const char *tw_codec_name(tw_codec codec)
{
    return CODECS[codec].name;
}
const char *tw_codec_title(tw_codec codec)
{
    return CODECS[codec].title;
}

tw_codec tw_codec_named(const char *name)
{
    char key[16];
    if (!name || (size_t)snprintf(key, sizeof key, "|%s|", name) >= sizeof key || strlen(key) < 3)
        return TW_CODEC_NONE;
    for (int i = 1; i < TW_CODEC_COUNT; i++)
        if (strcasestr(CODECS[i].suffixes, key) || strcasecmp(CODECS[i].name, name) == 0)
            return (tw_codec)i;
    return TW_CODEC_NONE;
}

tw_codec tw_codec_of_path(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    const char *dot = path ? strrchr(slash ? slash : path, '.') : NULL;
    return dot ? tw_codec_named(dot + 1) : TW_CODEC_NONE;
}

const char *tw_place_label(const tw_place *place, bool output)
{
    if (place->label)
        return place->label;
    if (!place->path)
        return output ? "memory output" : "memory input";
    if (tw_place_is_std(place))
        return output ? "standard output" : "standard input";
    return place->path;
}

static pthread_mutex_t vips_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t vips_once = PTHREAD_ONCE_INIT;
static bool vips_started;

static void swallow_log(const char *domain, GLogLevelFlags level, const char *message, void *user) {}

/* libvips sizes its line buffers (decoder caches, the encoder's double buffer) for tiles 128 high times its thread count: some 450
 * rows of a picture for reading and 300 for writing, 40 MB at 30,000 pixels of width. Its own options bring that down; they are
 * process-wide in libvips, and cost nothing here since every pipeline of ours runs on one thread. */
static void shrink_buffers(void)
{
    char *args[] = {(char *)"tilewright", (char *)"--vips-tile-height=16", (char *)"--vips-fatstrip-height=8", NULL};
    char **argv = args;
    int argc = 3;
    GOptionContext *context = g_option_context_new(NULL);
    GOptionGroup *group = g_option_group_new("vips", "", "", NULL, NULL);
    vips_add_option_entries(group);
    g_option_context_set_main_group(context, group);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_parse(context, &argc, &argv, NULL);
    g_option_context_free(context);
    vips_concurrency_set(1);
}

/* vips_init loads every module of its folder (poppler, ImageMagick, OpenSlide ...: 6 MB resident); the folder is found through
 * VIPSHOME, so a name that is not there keeps them out and tw_vips_module fetches the two that we use on demand. The variable is
 * set for the length of the call only; a process that has started libvips before us keeps what it has loaded. */
static void start_vips(void)
{
    const char *old = getenv("VIPSHOME");
    char *kept = old ? g_strdup(old) : NULL;
    setenv("VIPSHOME", "/nonexistent", 1);
    vips_started = vips_init("tilewright") == 0;
    if (kept)
        setenv("VIPSHOME", kept, 1);
    else
        unsetenv("VIPSHOME");
    g_free(kept);
    shrink_buffers();
    vips_cache_set_max(0); /* the operation cache keeps decoded pictures alive */
    g_log_set_handler("VIPS",
                      (GLogLevelFlags)(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_MESSAGE),
                      swallow_log, NULL);
}

tw_status tw_vips_start(tw_error *err)
{
    pthread_once(&vips_once, start_vips);
    return vips_started ? TW_OK : tw_vips_fail(err, TW_ERROR_RUN, "libvips does not start");
}

/* Modules lie beside libvips itself; on Debian in /usr/lib/<triplet>/vips-modules-8.14. They are GModules whose start function
 * registers their operations; opened like this they need no libgmodule. Never closed: GObject types cannot go. */
static bool open_module(const char *name)
{
    Dl_info where;
    if (!dladdr((const void *)(uintptr_t)vips_init, &where) || !where.dli_fname)
        return false;
    char *libdir = g_path_get_dirname(where.dli_fname);
    char *path = g_strdup_printf("%s/vips-modules-%d.%d/%s.so", libdir, vips_version(0), vips_version(1), name);
    void *module = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    const char *(*start)(void *) = NULL;
    if (module)
        *(void **)&start = dlsym(module, "g_module_check_init");
    if (start)
        start(NULL);
    g_free(path);
    g_free(libdir);
    return start != NULL;
}

bool tw_vips_module(tw_codec codec)
{
    const codec_entry *entry = &CODECS[codec];
    if (!entry->operation)
        return false;
    pthread_mutex_lock(&vips_lock);
    bool there = vips_type_find("VipsOperation", entry->operation) != 0;
    if (!there && entry->module && open_module(entry->module))
        there = vips_type_find("VipsOperation", entry->operation) != 0;
    pthread_mutex_unlock(&vips_lock);
    return there;
}

void tw_vips_take_error(char *text, size_t n)
{
    pthread_mutex_lock(&vips_lock);
    char *raw = vips_error_buffer_copy();
    vips_error_clear();
    pthread_mutex_unlock(&vips_lock);
    size_t used = 0;
    bool gap = false;
    for (const char *c = raw; *c && used + 3 < n; c++) {
        if ((unsigned char)*c < ' ') {
            gap = *c == '\n' || gap;
            continue;
        }
        if (gap && used) {
            text[used++] = ';';
            text[used++] = ' ';
        }
        gap = false;
        text[used++] = *c;
    }
    if (n)
        text[used] = 0;
    g_free(raw);
}

tw_status tw_vips_fail(tw_error *err, tw_status code, const char *format, ...)
{
    char own[512], theirs[480];
    va_list args;
    va_start(args, format);
    vsnprintf(own, sizeof own, format, args);
    va_end(args);
    tw_vips_take_error(theirs, sizeof theirs);
    return theirs[0] ? tw_fail(err, code, "%s: %s", own, theirs) : tw_fail(err, code, "%s", own);
}
