/* SPDX-License-Identifier: MIT */
/* The description that programs make clients and tests from. Options come from the operators' tables, the rest is here. */
#include <glib.h>
#include <string.h>

#include "http.h"

/* --- options ------------------------------------------------------------------------------------------------------- */

static bool is_taken(const tw_option_info *info)
{
    return strcmp(info->name, "scratch") != 0 && strcmp(info->name, "resume") != 0 &&
           (strcmp(info->type, "file") == 0 || !info->unit || strcmp(info->unit, "file") != 0);
}

static void add_range(json_t *schema, const tw_option_info *info)
{
    if (info->min == 0 && info->max == 0)
        return;
    json_object_set_new(schema, "minimum", json_real(info->min));
    json_object_set_new(schema, "maximum", json_real(info->max));
}

/* Only where nothing else is taken: N and NAME:N are numbers in place of words. */
static void add_words(json_t *schema, const tw_option_info *info)
{
    if (!info->choices || strstr(info->choices, "N") || strchr(info->choices, ':'))
        return;
    char **words = g_strsplit(info->choices, "|", -1);
    json_t *list = json_array();
    for (char **word = words; *word; word++)
        json_array_append_new(list, json_string(*word));
    json_object_set_new(schema, "enum", list);
    g_strfreev(words);
}

static json_t *option_schema(const tw_option_info *info, bool form)
{
    bool file = strcmp(info->type, "file") == 0, number = strcmp(info->type, "int") == 0 || strcmp(info->type, "real") == 0;
    bool flag = strcmp(info->type, "flag") == 0 || strcmp(info->type, "bool") == 0;
    const char *type = flag ? "boolean" : number ? strcmp(info->type, "int") == 0 ? "integer" : "number" : "string";
    json_t *schema = json_pack("{s:s,s:s}", "type", type, "description", info->help);
    if (file && form)
        json_object_set_new(schema, "format", json_string("binary"));
    if (number)
        add_range(schema, info);
    add_words(schema, info);
    if (info->fallback)
        json_object_set_new(schema, "x-default", json_string(info->fallback));
    if (info->unit)
        json_object_set_new(schema, "x-unit", json_string(info->unit));
    return schema;
}

static void add_inputs(json_t *properties, const tw_op_info *op, bool form)
{
    json_t *item = form ? json_pack("{s:s,s:s}", "type", "string", "format", "binary") : json_pack("{s:s}", "type", "string");
    json_object_set_new(properties, "input",
                        json_pack("{s:s,s:o,s:i,s:i,s:s}", "type", "array", "items", item, "minItems", op->min_inputs,
                                  "maxItems", op->max_inputs, "description",
                                  form ? "pictures" : "files under the server's root"));
    if (!form && op->has_output)
        json_object_set_new(properties, "output",
                            json_pack("{s:s,s:s}", "type", "string", "description",
                                      "file under the server's root; without it the result is fetched"));
    if (!form)
        json_object_set_new(properties, "priority",
                            json_pack("{s:s,s:i,s:i}", "type", "integer", "minimum", -1000, "maximum", 1000));
}

/* The containers that pictures are written in, as `warp` has them. */
static json_t *container_schema(const char *description)
{
    tw_option_info info;
    json_t *schema = NULL;
    for (size_t i = 0; !schema && tw_op_option_at("warp", i, &info); i++)
        if (strcmp(info.name, "format") == 0)
            schema = option_schema(&info, true);
    json_object_set_new(schema, "description", json_string(description));
    return schema;
}

static json_t *op_schema(const tw_op_info *op, bool form)
{
    json_t *properties = json_object(), *name = json_pack("{s:s,s:[s]}", "type", "string", "enum", op->name);
    tw_option_info info;
    json_object_set_new(properties, "op", name);
    add_inputs(properties, op, form);
    for (size_t i = 0; tw_op_option_at(op->name, i, &info); i++) {
        char *key = g_strdelimit(g_strdup(info.name), "-", '_');
        if (is_taken(&info))
            json_object_set_new(properties, key, option_schema(&info, form));
        g_free(key);
    }
    if (strcmp(op->name, "register") == 0) {
        json_object_set_new(properties, "warped",
                            container_schema("also makes the moving picture laid over the fixed one, in this container"));
        json_object_set_new(properties, "report",
                            json_pack("{s:s,s:[s],s:s}", "type", "string", "enum", "html", "description",
                                      "also makes a page with the field, its error, and pieces of both pictures"));
    }
    return json_pack("{s:s,s:s,s:o,s:[s,s],s:b}", "type", "object", "description", op->summary, "properties", properties,
                     "required", "op", "input", "additionalProperties", 0);
}

static json_t *schemas(void)
{
    json_t *all = json_object(), *nothing = json_pack("{s:[s,s]}", "type", "object", "null");
    const tw_op_info *op;
    for (size_t i = 0; (op = tw_op_at(i)); i++) {
        char *form = g_strconcat(op->name, "_form", NULL);
        json_object_set_new(all, op->name, op_schema(op, false));
        json_object_set_new(all, form, op_schema(op, true));
        g_free(form);
    }
    json_object_set_new(all, "Error",
                        json_pack("{s:s,s:[s],s:{s:{s:s,s:[s,s],s:{s:{s:s},s:{s:s}}}}}", "type", "object", "required", "error",
                                  "properties", "error", "type", "object", "required", "code", "message", "properties", "code",
                                  "type", "string", "message", "type", "string"));
    json_t *properties =
        json_pack("{s:{s:s},s:{s:s},s:{s:s,s:[s,s,s,s,s]},s:{s:[s,s]},s:{s:s,s:i,s:i},s:{s:s},s:{s:[s,s]}}", "id", "type",
                  "string", "op", "type", "string", "state", "type", "string", "enum", "waiting", "running", "done", "failed",
                  "cancelled", "place", "type", "integer", "null", "progress", "type", "number", "minimum", 0, "maximum", 1,
                  "waited", "type", "number", "seconds", "type", "number", "null");
    json_object_set_new(properties, "warnings", json_pack("{s:s,s:{s:s}}", "type", "array", "items", "type", "string"));
    static const char *const objects[] = {"plan", "report", "result", "warped", "page", "error"};
    for (size_t i = 0; i < G_N_ELEMENTS(objects); i++)
        json_object_set(properties, objects[i], nothing);
    json_decref(nothing);
    json_object_set_new(all, "Job",
                        json_pack("{s:s,s:[s,s,s,s],s:o}", "type", "object", "required", "id", "op", "state", "progress",
                                  "properties", properties));
    return all;
}

/* --- requests ------------------------------------------------------------------------------------------------------ */

static json_t *json_content(const char *schema)
{
    char *name = g_strconcat("#/components/schemas/", schema, NULL);
    json_t *content = json_pack("{s:{s:{s:s}}}", "application/json", "schema", "$ref", name);
    g_free(name);
    return content;
}

/* `statuses` end with 0; those from 400 on are errors. `content` is of the others, NULL: none. Takes it over. */
static json_t *operation(const char *summary, json_t *content, const int *statuses)
{
    json_t *responses = json_object();
    for (; *statuses; statuses++) {
        char status[8];
        g_snprintf(status, sizeof status, "%d", *statuses);
        json_t *response = json_pack("{s:s}", "description", *statuses >= 400 ? "an error" : summary);
        if (*statuses >= 400)
            json_object_set_new(response, "content", json_content("Error"));
        else if (content && *statuses != 204)
            json_object_set(response, "content", content);
        json_object_set_new(responses, status, response);
    }
    json_decref(content);
    return json_pack("{s:s,s:o}", "summary", summary, "responses", responses);
}

static json_t *list_of_ops(const char *suffix)
{
    json_t *list = json_array();
    const tw_op_info *op;
    for (size_t i = 0; (op = tw_op_at(i)); i++) {
        char *name = g_strconcat("#/components/schemas/", op->name, suffix, NULL);
        json_array_append_new(list, json_pack("{s:s}", "$ref", name));
        g_free(name);
    }
    return json_pack("{s:{s:o}}", "schema", "oneOf", list);
}

static json_t *posted(json_t *operation)
{
    json_t *raw = json_pack("{s:{s:s,s:s}}", "schema", "type", "string", "format", "binary");
    json_t *content = json_pack("{s:o,s:o,s:o}", "multipart/form-data", list_of_ops("_form"), "application/json",
                                list_of_ops(""), "application/octet-stream", raw);
    json_object_set_new(operation, "requestBody", json_pack("{s:b,s:o}", "required", 1, "content", content));
    return operation;
}

static json_t *with_id(json_t *item)
{
    json_object_set_new(item, "parameters",
                        json_pack("[{s:s,s:s,s:b,s:{s:s,s:s}}]", "name", "id", "in", "path", "required", 1, "schema", "type",
                                  "string", "pattern", "^[0-9a-f]{32}$"));
    return item;
}

/* Where the id of the job that was taken leads. */
static json_t *with_links(json_t *operation)
{
    static const struct {
        const char *name, *operation;
    } all[] = {{"job", "getJob"}, {"events", "getEvents"}, {"result", "getResult"}, {"delete", "deleteJob"}};
    json_t *links = json_object();
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        json_object_set_new(
            links, all[i].name,
            json_pack("{s:s,s:{s:s}}", "operationId", all[i].operation, "parameters", "id", "$response.body#/id"));
    json_object_set_new(json_object_get(json_object_get(operation, "responses"), "202"), "links", links);
    return operation;
}

static json_t *named(json_t *operation, const char *name)
{
    json_object_set_new(operation, "operationId", json_string(name));
    return operation;
}

static json_t *any_content(const char *type)
{
    bool object = strcmp(type, "application/json") == 0;
    return json_pack("{s:{s:{s:s}}}", type, "schema", "type", object ? "object" : "string");
}

static json_t *object_content(void)
{
    return any_content("application/json");
}

/* Parameters of a path besides the id, all texts. */
static json_t *with_texts(json_t *item, const char *const *names)
{
    json_t *list = json_object_get(with_id(item), "parameters");
    for (; *names; names++)
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:b,s:{s:s}}", "name", *names, "in", "path", "required", 1, "schema", "type", "string"));
    return item;
}

static json_t *got(const char *summary, const char *type, const int *statuses, const char *name)
{
    return json_pack("{s:o}", "get", named(operation(summary, any_content(type), statuses), name));
}

static void add_view_paths(json_t *all)
{
    static const int sent[] = {201, 400, 401, 403, 413, 415, 422, 429, 503, 0}, gone[] = {204, 401, 403, 404, 0},
                     shown[] = {200, 401, 403, 404, 409, 422, 503, 0},
                     part[] = {200, 400, 401, 403, 404, 409, 422, 501, 503, 0}, led[] = {303, 401, 403, 404, 409, 503, 0};
    static const char *const tile[] = {"level", "tile", NULL}, *const image[] = {"region", "size", "rotation", "file", NULL};
    json_object_set_new(
        all, "/v1/pictures",
        json_pack("{s:o}", "post",
                  named(posted(operation("a picture is kept to be looked at", object_content(), sent)), "postPicture")));
    json_object_set_new(
        all, "/v1/pictures/{id}",
        with_id(json_pack("{s:o}", "delete", named(operation("the picture is forgotten", NULL, gone), "deletePicture"))));
    json_object_set_new(all, "/v1/jobs/{id}/result.dzi",
                        with_id(got("Deep Zoom: the picture's size and tiles", "application/xml", shown, "getDzi")));
    json_object_set_new(all, "/v1/jobs/{id}/result_files/{level}/{tile}",
                        with_texts(got("Deep Zoom: a tile", "image/png", part, "getDziTile"), tile));
    json_object_set_new(all, "/iiif/3/{id}", with_id(got("leads to info.json", "text/plain", led, "getIiif")));
    json_object_set_new(all, "/iiif/3/{id}/info.json",
                        with_id(got("IIIF: what there is", "application/json", shown, "getInfo")));
    json_object_set_new(all, "/iiif/3/{id}/{region}/{size}/{rotation}/{file}",
                        with_texts(got("IIIF: a part of the picture", "image/*", part, "getPart"), image));
}

static json_t *paths(void)
{
    static const int taken[] = {202, 400, 401, 403, 413, 415, 422, 429, 503, 0},
                     planned[] = {200, 400, 401, 403, 413, 415, 422, 429, 503, 0};
    static const int found[] = {200, 401, 403, 404, 0}, result[] = {200, 206, 304, 401, 403, 404, 409, 416, 0};
    static const int gone[] = {202, 204, 401, 403, 404, 0}, asked[] = {200, 401, 403, 503, 0},
                     stream[] = {200, 401, 403, 404, 503, 0};
    json_t *all = json_object();
    json_t *health = operation("whether the server takes jobs", object_content(), asked);
    json_object_set_new(health, "security", json_array());
    json_object_set_new(
        all, "/v1/jobs",
        json_pack("{s:o}", "post",
                  named(with_links(posted(operation("a job is taken", json_content("Job"), taken))), "postJob")));
    json_object_set_new(
        all, "/v1/plans",
        json_pack("{s:o}", "post",
                  named(posted(operation("what such a job would do and take", object_content(), planned)), "postPlan")));
    json_object_set_new(
        all, "/v1/jobs/{id}",
        with_id(json_pack("{s:o,s:o}", "get", named(operation("the job", json_content("Job"), found), "getJob"), "delete",
                          named(operation("the job is cancelled, or forgotten", json_content("Job"), gone), "deleteJob"))));
    json_object_set_new(
        all, "/v1/jobs/{id}/events",
        with_id(json_pack("{s:o}", "get",
                          named(operation("the job each time it has changed", json_pack("{s:{}}", "text/event-stream"), stream),
                                "getEvents"))));
    json_object_set_new(
        all, "/v1/jobs/{id}/result",
        with_id(json_pack("{s:o}", "get", named(operation("the result", any_content("*/*"), result), "getResult"))));
    json_object_set_new(
        all, "/v1/jobs/{id}/warped",
        with_id(json_pack(
            "{s:o}", "get",
            named(operation("the moving picture laid over the fixed one", any_content("*/*"), result), "getWarped"))));
    json_object_set_new(
        all, "/v1/jobs/{id}/page",
        with_id(
            json_pack("{s:o}", "get", named(operation("the page of register", any_content("text/html"), result), "getPage"))));
    json_object_set_new(all, "/v1/models", json_pack("{s:o}", "get", operation("the models", object_content(), asked)));
    add_view_paths(all);
    json_object_set_new(all, "/healthz", json_pack("{s:o}", "get", health));
    json_object_set_new(all, "/metrics", json_pack("{s:o}", "get", operation("figures", any_content("text/plain"), asked)));
    return all;
}

json_t *serve_openapi(void)
{
    json_t *components = json_pack("{s:o,s:{s:{s:s,s:s}}}", "schemas", schemas(), "securitySchemes", "token", "type", "http",
                                   "scheme", "bearer");
    return json_pack("{s:s,s:{s:s,s:s,s:s,s:{s:s}},s:o,s:o,s:[{},{s:[]}]}", "openapi", "3.1.0", "info", "title", "tilewright",
                     "version", tw_version(), "description", "Big images, small memory, no seams", "license", "name", "MIT",
                     "paths", paths(), "components", components, "security", "token");
}
