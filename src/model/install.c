/* SPDX-License-Identifier: MIT */
/* models install: spawns models.sh, which fetches the pack's package by name and sha256. The network is no business of a
 * library that reads pictures, so no code of this process ever opens a connection. */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/nearest.h"
#include "model/registry.h"
#include "tilewright/models.h"

/* $TILEWRIGHT_SETUP, else the folders the build knows. */
static char *find_script(void)
{
    const char *own = g_getenv("TILEWRIGHT_SETUP");
    const char *const given[] = {own, NULL};
    for (const char *const *folder = own && *own ? given : tw_setup_folders; *folder; folder++) {
        char *script = g_build_filename(*folder, "models.sh", NULL);
        if (g_file_test(script, G_FILE_TEST_IS_REGULAR))
            return script;
        g_free(script);
    }
    return NULL;
}

static tw_status known_pack(const char *name, tw_error *err)
{
    json_t *packs = tw_packs();
    GString *all = g_string_new(NULL);
    tw_nearest nearest = {0};
    bool found = false;
    for (size_t i = 0; i < json_array_size(packs); i++) {
        const char *each = json_string_value(json_object_get(json_array_get(packs, i), "name"));
        g_string_append_printf(all, "%s%s", all->len ? ", " : "", each);
        tw_nearest_offer(&nearest, name, each);
        found = found || strcmp(each, name) == 0;
    }
    const char *holder = tw_pack_of(packs, name);
    tw_status status = TW_OK;
    if (!found && holder)
        status = tw_fail(err, TW_ERROR_USAGE, "'%s' is a model of the pack '%s': tilewright models install %s", name, holder,
                         holder);
    else if (!found && nearest.name)
        status = tw_fail(err, TW_ERROR_USAGE, "unknown pack '%.100s'; did you mean '%s'? (%s)", name, nearest.name, all->str);
    else if (!found)
        status = tw_fail(err, TW_ERROR_USAGE, "unknown pack '%.100s'; there are: %s", name, all->str);
    g_string_free(all, TRUE);
    json_decref(packs);
    return status;
}

/* Hands the lines on and keeps the last one, which says why when the script fails. */
static void read_lines(int fd, void (*log)(void *user, const char *line), void *user, char last[512])
{
    FILE *stream = fdopen(fd, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    if (!stream) {
        close(fd);
        return;
    }
    while ((n = getline(&line, &size, stream)) >= 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            line[--n] = 0;
        if (n == 0)
            continue;
        g_strlcpy(last, line, 512);
        if (log)
            log(user, line);
    }
    free(line);
    fclose(stream);
}

static tw_status wait_for(GPid pid, const char *pack, const char *last, tw_error *err)
{
    int wait_status = 0;
    while (waitpid(pid, &wait_status, 0) < 0)
        if (errno != EINTR)
            return tw_fail(err, TW_ERROR_RUN, "pack %s: %s", pack, g_strerror(errno));
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
        return TW_OK;
    return tw_fail(err, TW_ERROR_RUN, "pack %s was not installed: %s", pack, *last ? last : "the set-up script was stopped");
}

tw_status tw_models_install(const char *pack, void (*log)(void *user, const char *line), void *user, tw_error *err)
{
    TW_TRY(known_pack(pack, err));
    char *script = find_script();
    if (!script)
        return tw_fail(err, TW_ERROR_RUN, "models.sh is not installed; TILEWRIGHT_SETUP may name the folder that holds it");
    char *folder = tw_model_folder();
    const char *argv[] = {"bash", script, "--to", folder, pack, NULL};
    GError *problem = NULL;
    GPid pid = 0;
    int from = -1;
    char last[512] = "";
    tw_status status;
    if (g_spawn_async_with_pipes(NULL, (char **)argv, NULL,
                                 G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, &pid,
                                 NULL, NULL, &from, &problem)) {
        read_lines(from, log, user, last);
        status = wait_for(pid, pack, last, err);
        g_spawn_close_pid(pid);
    } else {
        status = tw_fail(err, TW_ERROR_RUN, "%s: %s", script, problem->message);
    }
    g_clear_error(&problem);
    g_free(folder);
    g_free(script);
    return status;
}
