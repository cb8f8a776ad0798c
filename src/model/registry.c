/* SPDX-License-Identifier: MIT */
/* models list, models info. */
#include "model/registry.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "model/embedded.h"
#include "model/record.h"
#include "tilewright/models.h"

json_t *tw_packs(void)
{
    json_error_t where;
    json_t *all = json_loads(tw_packs_json, JSON_REJECT_DUPLICATES, &where);
    json_t *packs = json_incref(json_object_get(all, "packs"));
    json_decref(all);
    return packs ? packs : json_array();
}

const char *tw_pack_model(const json_t *pack, size_t k)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(pack, "models"), k), "name"));
}

const char *tw_pack_of(json_t *packs, const char *model)
{
    for (size_t i = 0; i < json_array_size(packs); i++) {
        const json_t *pack = json_array_get(packs, i);
        const char *name;
        for (size_t k = 0; (name = tw_pack_model(pack, k)); k++)
            if (strcmp(name, model) == 0)
                return json_string_value(json_object_get(pack, "name"));
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the .param files of one folder, sorted; those that no request could name are left out. */
static GPtrArray *folder_names(const char *folder)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir)))
        if (g_str_has_suffix(entry, ".param")) {
            char *name = g_strndup(entry, strlen(entry) - strlen(".param"));
            if (tw_model_name_ok(name))
                g_ptr_array_add(names, name);
            else
                g_free(name);
        }
    if (dir)
        g_dir_close(dir);
    if (names->len)
        qsort(names->pdata, names->len, sizeof *names->pdata, by_name);
    return names;
}

void tw_model_names(void (*fn)(void *user, const char *name), void *user)
{
    GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (const tw_embedded_model *each = tw_embedded_models; each->name; each++)
        if (g_hash_table_add(seen, g_strdup(each->name)))
            fn(user, each->name);
    char **folders = tw_model_folders();
    for (char **folder = folders; *folder; folder++) {
        GPtrArray *names = folder_names(*folder);
        for (guint n = 0; n < names->len; n++)
            if (g_hash_table_add(seen, g_strdup(g_ptr_array_index(names, n))))
                fn(user, g_ptr_array_index(names, n));
        g_ptr_array_free(names, TRUE);
    }
    g_strfreev(folders);
    g_hash_table_destroy(seen);
}

/* 2 where the ratio is whole, else 0.5. */
static json_t *ratio_json(tw_ratio ratio)
{
    if (ratio.den == 1)
        return json_integer(ratio.num);
    return json_real(ratio.den ? (double)ratio.num / (double)ratio.den : 0);
}

static json_t *four_json(const int64_t v[4])
{
    return json_pack("[I,I,I,I]", (json_int_t)v[0], (json_int_t)v[1], (json_int_t)v[2], (json_int_t)v[3]);
}

/* The text that tw_bytes_free takes; the object is given up. */
static tw_status finish(json_t *object, char **json, tw_error *err)
{
    *json = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(object);
    return *json ? TW_OK : tw_fail_memory(err, "list of models", 65536);
}

/* ---- list ---- */

static void list_model(void *user, const char *name)
{
    json_t *entry = json_pack("{s:s}", "name", name);
    tw_model *model = NULL;
    tw_error why = TW_ERROR_NONE;
    if (tw_model_open_light(name, &model, &why) == TW_OK) {
        const tw_model_record *r = &model->record;
        json_object_set_new(entry, "title", json_string(r->title));
        json_object_set_new(entry, "scale", ratio_json(model->geometry->scale));
        json_object_set_new(entry, "licence", r->licence ? json_string(r->licence) : json_null());
        json_object_set_new(entry, "source", json_string(r->source));
    } else {
        json_object_set_new(entry, "error", json_string(why.message));
    }
    json_object_set_new(entry, "installed", json_true());
    json_array_append_new(user, entry);
    tw_model_free(model);
}

static bool listed(json_t *models, const char *name)
{
    for (size_t i = 0; i < json_array_size(models); i++)
        if (strcmp(json_string_value(json_object_get(json_array_get(models, i), "name")), name) == 0)
            return true;
    return false;
}

static json_t *list_pack(json_t *pack, json_t *models)
{
    json_t *names = json_array();
    const char *name;
    size_t there = 0;
    for (size_t k = 0; (name = tw_pack_model(pack, k)); k++) {
        json_array_append_new(names, json_string(name));
        there += listed(models, name);
    }
    return json_pack("{s:O,s:O,s:O,s:O,s:O,s:b,s:o}", "name", json_object_get(pack, "name"), "title",
                     json_object_get(pack, "title"), "package", json_object_get(pack, "package"), "version",
                     json_object_get(pack, "version"), "licence", json_object_get(pack, "licence"), "installed",
                     there == json_array_size(names), "models", names);
}

tw_status tw_models_list(char **json, tw_error *err)
{
    json_t *models = json_array(), *packs = json_array(), *all = tw_packs();
    tw_model_names(list_model, models);
    for (size_t i = 0; i < json_array_size(all); i++)
        json_array_append_new(packs, list_pack(json_array_get(all, i), models));
    json_decref(all);
    return finish(json_pack("{s:o,s:o}", "models", models, "packs", packs), json, err);
}

/* ---- info ---- */

static int passes(const tw_geometry *geometry)
{
    int last = 0;
    for (int b = 0; b < geometry->n_barriers; b++)
        last = MAX(last, geometry->barriers[b].level + 1);
    return last + 1;
}

static void add_geometry(json_t *object, const tw_geometry *g)
{
    json_object_set_new(object, "inputs", json_integer(g->n_inputs));
    json_object_set_new(object, "scale", ratio_json(g->scale));
    json_object_set_new(object, "halo", four_json(g->halo));
    json_object_set_new(object, "canvas", four_json(g->canvas));
    json_object_set_new(object, "align", json_integer(g->align));
    json_object_set_new(object, "graph_size_multiple", json_integer(g->size_multiple));
    json_object_set_new(object, "passes", json_integer(passes(g)));
    json_object_set_new(object, "exact", json_boolean(g->exact));
    json_object_set_new(object, "why_inexact", g->why_inexact ? json_string(g->why_inexact) : json_null());
    json_object_set_new(object, "weights", json_integer(g->weights));
    json_object_set_new(object, "macs_per_pixel", json_real(g->macs_per_pixel));
}

tw_status tw_models_info(const char *name, char **json, tw_error *err)
{
    tw_model *model = NULL;
    *json = NULL;
    TW_TRY(tw_model_open(name, &model, err));
    json_t *object = tw_record_json(&model->record);
    if (object) {
        char *stem = model->weights_path ? g_strndup(model->weights_path, strlen(model->weights_path) - strlen(".bin")) : NULL;
        char *path = stem ? g_strconcat(stem, ".param", NULL) : NULL;
        json_object_set_new(object, "record_assumed", json_boolean(model->record.assumed));
        json_object_set_new(object, "path", path ? json_string(path) : json_null());
        json_object_set_new(object, "sha256", json_string(model->hash));
        add_geometry(object, model->geometry);
        g_free(path);
        g_free(stem);
    }
    tw_model_free(model);
    return finish(object, json, err);
}
