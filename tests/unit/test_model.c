/* SPDX-License-Identifier: MIT */
/* The model registry: records, names, paths, weights, packs. Needs no network and no installed pack. */
#include <glib.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/embedded.h"
#include "model/model.h"
#include "model/record.h"
#include "model/registry.h"
#include "tilewright/models.h"

#define PARAM                                                                                                                  \
    "7767517\n3 3\nInput in 0 1 data 0=0\nConvolution c 1 1 data x 0=12 1=3 4=1 5=1 6=324\nPixelShuffle p 1 1 x out 0=2\n"
#define BIN_BYTES (4 + 324 * 4 + 12 * 4)
#define RECORD                                                                                                                 \
    "{\"schema\":1,\"channels\":\"bgr\",\"mean\":[0.1,0.2,0.3],\"norm\":255,\"out_mean\":0,\"out_norm\":[1,1,1],"              \
    "\"size_multiple\":4,\"pad\":\"zero\",\"licence\":\"MIT\",\"unknown\":[1]}"

static char *folder;

static void put(const char *name, const char *data, size_t length)
{
    char *path = g_build_filename(folder, name, NULL);
    g_assert_true(g_file_set_contents(path, data, (gssize)length, NULL));
    g_free(path);
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

static void put_model(const char *name, size_t bin_bytes)
{
    char *bin = g_malloc0(bin_bytes + 1);
    char *file = g_strconcat(name, ".param", NULL);
    put_text(file, PARAM);
    g_free(file);
    file = g_strconcat(name, ".bin", NULL);
    put(file, bin, bin_bytes);
    g_free(file);
    g_free(bin);
}

static char *path_of(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static void expect(tw_status got, tw_status status, tw_error *err, const char *needle)
{
    if (got != status || err->code != status || !strstr(err->message, needle))
        g_error("got %d '%s', expected %d '%s'", (int)got, err->message, (int)status, needle);
    *err = (tw_error)TW_ERROR_NONE;
}

static void expect_open(const char *name, tw_status status, const char *needle)
{
    tw_error err = TW_ERROR_NONE;
    tw_model *model = NULL;
    expect(tw_model_open(name, &model, &err), status, &err, needle);
    g_assert_null(model);
}

static void expect_open_file(const char *file, tw_status status, const char *needle)
{
    char *path = path_of(file);
    expect_open(path, status, needle);
    g_free(path);
}

/* ---- records ---- */

static void test_record_read(void)
{
    tw_error err = TW_ERROR_NONE;
    tw_model_record r;
    g_assert_cmpint(tw_record_read(RECORD, strlen(RECORD), "r.json", &r, &err), ==, TW_OK);
    g_assert_true(r.bgr);
    g_assert_cmpfloat(r.mean[2], ==, 0.3f);
    g_assert_cmpfloat(r.mean[3], ==, 0.3f);
    g_assert_cmpfloat(r.norm[1], ==, 255);
    g_assert_cmpint(r.size_multiple, ==, 4);
    g_assert_cmpstr(r.pad, ==, "zero");
    g_assert_cmpstr(r.licence, ==, "MIT");
    /* What is written reads the same. */
    json_t *object = tw_record_json(&r);
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    tw_model_record again;
    g_assert_cmpint(tw_record_read(text, strlen(text), "r.json", &again, &err), ==, TW_OK);
    g_assert_cmpmem(r.mean, sizeof r.mean, again.mean, sizeof again.mean);
    g_assert_nonnull(strstr(text, "\"mean\":[0.1,0.2,0.3"));
    free(text);
    json_decref(object);
    tw_record_free(&again);
    tw_record_free(&r);
}

static void test_record_hostile(void)
{
#define BASE "\"channels\":\"rgb\",\"mean\":0,\"norm\":1,\"out_mean\":0,\"out_norm\":1"
    static const char *const bad[] = {
        "",
        "[]",
        "null",
        "{",
        "{\"channels\":\"rgb\"}",
        "{" BASE ",\"schema\":2}",
        "{" BASE ",\"pad\":\"wrap\"}",
        "{" BASE ",\"size_multiple\":-1}",
        "{" BASE ",\"size_multiple\":1e9}",
        "{" BASE ",\"size_multiple\":99999999999999999999}",
        "{" BASE ",\"title\":5}",
        "{" BASE ",\"title\":\"a\\u0000b\"}",
        "{" BASE ",\"title\":\"a\\nb\"}",
        "{" BASE "," BASE "}",
        "{\"channels\":\"rbg\",\"mean\":0,\"norm\":1,\"out_mean\":0,\"out_norm\":1}",
        "{\"channels\":\"rgb\",\"mean\":[0,0],\"norm\":1,\"out_mean\":0,\"out_norm\":1}",
        "{\"channels\":\"rgb\",\"mean\":[0,\"0\",0],\"norm\":1,\"out_mean\":0,\"out_norm\":1}",
        "{\"channels\":\"rgb\",\"mean\":0,\"norm\":0,\"out_mean\":0,\"out_norm\":1}",
        "{\"channels\":\"rgb\",\"mean\":0,\"norm\":1e300,\"out_mean\":0,\"out_norm\":1}",
        "{\"channels\":\"rgb\",\"mean\":0,\"norm\":1e999,\"out_mean\":0,\"out_norm\":1}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        tw_error err = TW_ERROR_NONE;
        tw_model_record r;
        expect(tw_record_read(bad[i], strlen(bad[i]), "r.json", &r, &err), TW_ERROR_INPUT, &err, "r.json: ");
    }
    char *deep = g_strnfill(1 << 16, '[');
    tw_error err = TW_ERROR_NONE;
    tw_model_record r;
    expect(tw_record_read(deep, strlen(deep), "r.json", &r, &err), TW_ERROR_INPUT, &err, "r.json: ");
    g_free(deep);
}

static void expect_pairs(const char *const *pairs, size_t n, const char *needle)
{
    tw_error err = TW_ERROR_NONE;
    char *json = NULL;
    expect(tw_models_record(pairs, n, &json, &err), TW_ERROR_USAGE, &err, needle);
    g_assert_null(json);
}

static void test_record_pairs(void)
{
    const char *good[] = {"range=255", "channels=bgr", "size-multiple=4", "title=mine"};
    tw_error err = TW_ERROR_NONE;
    tw_model_record r;
    char *json = NULL;
    g_assert_cmpint(tw_models_record(good, 4, &json, &err), ==, TW_OK);
    g_assert_cmpint(tw_record_read(json, strlen(json), "j", &r, &err), ==, TW_OK);
    g_assert_cmpfloat(r.norm[0], ==, 255);
    g_assert_cmpfloat(r.out_norm[2], ==, 1 / 255.0f);
    g_assert_true(r.bgr);
    free(json);
    tw_record_free(&r);

    /* Given mean and norm, the output is their inverse unless said otherwise. */
    const char *scaled[] = {"mean=0.5,0.4,0.3", "norm=2", "channels=rgb", "size-multiple=0", "out-norm=1"};
    g_assert_cmpint(tw_models_record(scaled, 4, &json, &err), ==, TW_OK);
    g_assert_cmpint(tw_record_read(json, strlen(json), "j", &r, &err), ==, TW_OK);
    g_assert_cmpfloat(r.out_mean[1], ==, 0.4f);
    g_assert_cmpfloat(r.out_norm[1], ==, 0.5f);
    free(json);
    tw_record_free(&r);
    g_assert_cmpint(tw_models_record(scaled, 5, &json, &err), ==, TW_OK);
    g_assert_nonnull(strstr(json, "\"out_norm\":[1,1,1]"));
    free(json);

    expect_pairs(NULL, 0, "channels=rgb|bgr");
    expect_pairs(good + 1, 2, "range=1|255");
    expect_pairs((const char *const[]){"range=1", "channels=rgb"}, 2, "size-multiple=N");
    expect_pairs((const char *const[]){"range=2", "channels=rgb", "size-multiple=0"}, 3, "range=2");
    expect_pairs((const char *const[]){"range=1", "channels=rgba", "size-multiple=0"}, 3, "rgb or bgr");
    expect_pairs((const char *const[]){"range=1", "channels=rgb", "size-multiple=x"}, 3, "size-multiple=x");
    expect_pairs((const char *const[]){"range=1", "range=1"}, 2, "twice");
    expect_pairs((const char *const[]){"range=1", "mean=0", "channels=rgb", "size-multiple=0"}, 4, "not both");
    expect_pairs((const char *const[]){"mean=1,2", "norm=1", "channels=rgb", "size-multiple=0"}, 4, "three with commas");
    expect_pairs((const char *const[]){"mean=nan", "norm=1", "channels=rgb", "size-multiple=0"}, 4, "mean=nan");
    expect_pairs((const char *const[]){"mean=0", "norm=0", "channels=rgb", "size-multiple=0"}, 4, "factor of 0");
    expect_pairs((const char *const[]){"ragne=1"}, 1, "not KEY=VALUE");
}

/* ---- opening ---- */

static void test_embedded(void)
{
    for (const tw_embedded_model *each = tw_embedded_models; each->name; each++) {
        tw_error err = TW_ERROR_NONE;
        tw_model *model = NULL;
        g_assert_cmpint(tw_model_open(each->name, &model, &err), ==, TW_OK);
        g_assert_nonnull(model->weights);
        g_assert_null(model->weights_path);
        g_assert_cmpuint(strlen(model->hash), ==, 64);
        g_assert_false(model->record.assumed);
        tw_model_free(model);
    }
}

static void test_path(void)
{
    tw_error err = TW_ERROR_NONE;
    tw_model *model = NULL;
    put_model("plain", BIN_BYTES);
    char *path = path_of("plain.param");
    g_assert_cmpint(tw_model_open(path, &model, &err), ==, TW_OK);
    g_assert_true(model->record.assumed);
    g_assert_cmpstr(model->record.name, ==, "plain");
    g_assert_cmpstr(model->record.source, ==, path);
    g_assert_cmpint((int)model->geometry->scale.num, ==, 2);
    char first[65];
    memcpy(first, model->hash, sizeof first);
    tw_model_free(model);

    /* The hash covers the weights. */
    char other[BIN_BYTES] = {0};
    other[BIN_BYTES - 1] = 1;
    put("plain.bin", other, sizeof other);
    put_text("plain.json", RECORD);
    g_assert_cmpint(tw_model_open(path, &model, &err), ==, TW_OK);
    g_assert_cmpstr(model->hash, !=, first);
    g_assert_false(model->record.assumed);
    g_assert_true(model->record.bgr);
    tw_model_free(model);
    put_text("plain.json", "{");
    expect_open(path, TW_ERROR_INPUT, "plain.json: line 1");
    g_free(path);
}

static void test_broken_files(void)
{
    expect_open_file("absent.param", TW_ERROR_INPUT, "absent.param: No such file");
    put_model("short", BIN_BYTES - 1);
    expect_open_file("short.param", TW_ERROR_INPUT, "short.bin: 1347 bytes end inside layer 'c'");
    put_model("empty", 0);
    expect_open_file("empty.param", TW_ERROR_INPUT, "empty.bin");
    put_model("long", BIN_BYTES + 4);
    expect_open_file("long.param", TW_ERROR_INPUT, "the graph needs 1348");
    put_text("nobin.param", PARAM);
    expect_open_file("nobin.param", TW_ERROR_INPUT, "nobin.bin: No such file");
    put_text("bad.param", "7767517\n2 2\nInput in 0 1 data\nConvolution\n");
    expect_open_file("bad.param", TW_ERROR_INPUT, "bad.param");
    put_text("own.param", "7767517\n2 2\nInput in 0 1 data\nTwWarp tw:0:w 1 1 data out 0=3\n");
    expect_open_file("own.param", TW_ERROR_INPUT, "layer tw:0:w is of type TwWarp, which is none of ncnn's");
    put("nul.param", "7767517\n1 1\0\n", 14);
    expect_open_file("nul.param", TW_ERROR_INPUT, "not a text graph");
    char *dir = path_of("dir.param");
    g_assert_cmpint(g_mkdir(dir, 0777), ==, 0);
    expect_open(dir, TW_ERROR_INPUT, "not a regular file");
    g_free(dir);
}

static void test_names(void)
{
    expect_open("realesrgan-x4plus", TW_ERROR_USAGE, "models install realesrgan");
    expect_open("realesrgan-x4puls", TW_ERROR_USAGE, "did you mean 'realesrgan-x4plus' (tilewright models install realesrgan)");
    expect_open("phto-2x", TW_ERROR_USAGE, "did you mean 'photo-2x'?");
    expect_open("zzzzzzzzzzzzzz", TW_ERROR_USAGE, "models list");
    expect_open("", TW_ERROR_USAGE, "unknown model");
    expect_open("..", TW_ERROR_USAGE, "unknown model");
    expect_open("x%s%n", TW_ERROR_USAGE, "unknown model");
    g_assert_true(tw_model_name_ok("a.b_c-2"));
    g_assert_false(tw_model_name_ok(".a"));
    g_assert_false(tw_model_name_ok("A"));
    g_assert_false(tw_model_name_ok("a/b"));
    /* A model in the data folder without its record is an incomplete one. */
    put_model("norecord", BIN_BYTES);
    expect_open("norecord", TW_ERROR_INPUT, "norecord.json: the model's record is missing");
}

static void test_alias(void)
{
    g_assert_cmpstr(tw_model_alias("realesrgan", NULL, 4, -1), ==, "realesrgan-x4plus");
    g_assert_cmpstr(tw_model_alias("realesrgan", "fast", 3, -1), ==, "realesr-animevideov3-x3");
    g_assert_cmpstr(tw_model_alias("realcugan", NULL, 2, 1), ==, "realcugan-2x-se-denoise1x");
    g_assert_cmpstr(tw_model_alias("models-pro", NULL, 3, 3), ==, "realcugan-3x-pro-denoise3x");
    g_assert_cmpstr(tw_model_alias("models-cunet", NULL, 1, 2), ==, "waifu2x-cunet-noise2");
    g_assert_null(tw_model_alias("realcugan", NULL, 8, 0));
    g_assert_null(tw_model_alias("nothing", NULL, 2, 0));
    /* Every alias is a model of some pack. */
    static const char *const engines[] = {"realesrgan",
                                          "realcugan",
                                          "waifu2x",
                                          "span",
                                          "models-se",
                                          "models-pro",
                                          "models-cunet",
                                          "models-upconv_7_photo",
                                          "models-upconv_7_anime_style_art_rgb",
                                          "realesr-animevideov3"};
    static const char *const qualities[] = {NULL, "fast", "balanced", "best"};
    json_t *packs = tw_packs();
    int found = 0;
    for (size_t e = 0; e < G_N_ELEMENTS(engines); e++)
        for (size_t q = 0; q < G_N_ELEMENTS(qualities); q++)
            for (int scale = 1; scale <= 4; scale++)
                for (int noise = -1; noise <= 3; noise++) {
                    const char *name = tw_model_alias(engines[e], qualities[q], scale, noise);
                    g_assert_true(!name || tw_pack_of(packs, name));
                    found += name != NULL;
                }
    g_assert_cmpint(found, >, 200);
    json_decref(packs);
}

/* ---- list, info, add, install ---- */

static json_t *take_json(char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    g_assert_nonnull(value);
    free(text);
    return value;
}

static void test_add(void)
{
    tw_error err = TW_ERROR_NONE;
    char *json = NULL;
    char *data = g_build_filename(folder, "data", NULL);
    char *source = path_of("mine.param");
    g_setenv("TILEWRIGHT_MODELS", data, TRUE);
    put_model("mine", BIN_BYTES);
    expect(tw_models_add(source, NULL, NULL, &err), TW_ERROR_USAGE, &err, "--channels rgb|bgr");
    expect(tw_models_add(source, "Not OK", RECORD, &err), TW_ERROR_USAGE, &err, "cannot name a model");
    expect(tw_models_add(source, "../x", RECORD, &err), TW_ERROR_USAGE, &err, "cannot name a model");
    expect(tw_models_add(source, "photo-2x", RECORD, &err), TW_ERROR_USAGE, &err, "built-in");
    expect(tw_models_add(source, NULL, "{}", &err), TW_ERROR_INPUT, &err, "record: ");
    expect(tw_models_add("x.pth", NULL, RECORD, &err), TW_ERROR_USAGE, &err, "ONNX");
    expect(tw_models_add("x.jpg", NULL, RECORD, &err), TW_ERROR_USAGE, &err, ".param");
    g_assert_false(g_file_test(data, G_FILE_TEST_EXISTS));

    g_assert_cmpint(tw_models_add(source, NULL, RECORD, &err), ==, TW_OK);
    g_assert_cmpint(tw_models_add(source, "again", RECORD, &err), ==, TW_OK);
    g_assert_cmpint(tw_models_add(source, "again", RECORD, &err), ==, TW_OK);
    g_assert_cmpint(tw_models_info("again", &json, &err), ==, TW_OK);
    json_t *info = take_json(json);
    g_assert_cmpstr(json_string_value(json_object_get(info, "name")), ==, "again");
    g_assert_cmpstr(json_string_value(json_object_get(info, "channels")), ==, "bgr");
    g_assert_cmpstr(json_string_value(json_object_get(info, "source")), ==, "added from mine.param");
    g_assert_cmpint((int)json_integer_value(json_object_get(info, "scale")), ==, 2);
    json_decref(info);

    /* Nothing but the two models lies there. */
    GDir *dir = g_dir_open(data, 0, NULL);
    int entries = 0;
    while (g_dir_read_name(dir))
        entries++;
    g_dir_close(dir);
    g_assert_cmpint(entries, ==, 6);

    /* A broken one is listed with its error and hides nothing. */
    char *broken = g_build_filename(data, "broken.param", NULL);
    g_assert_true(g_file_set_contents(broken, "x", 1, NULL));
    g_assert_cmpint(tw_models_list(&json, &err), ==, TW_OK);
    g_assert_nonnull(strstr(json, "\"name\":\"broken\",\"error\":"));
    g_assert_nonnull(strstr(json, "\"name\":\"mine\",\"title\":\"mine\",\"scale\":2"));
    g_assert_nonnull(strstr(json, "\"name\":\"photo-2x\""));
    json_t *list = take_json(json);
    g_assert_cmpuint(json_array_size(json_object_get(list, "packs")), ==, 4);
    json_decref(list);
    g_setenv("TILEWRIGHT_MODELS", folder, TRUE);
    g_free(broken);
    g_free(source);
    g_free(data);
}

static void test_onnx(void)
{
    tw_error err = TW_ERROR_NONE;
    char *onnx = path_of("net.onnx");
    char *old = g_strdup(g_getenv("PATH"));
    char *bin = path_of("bin");
    char *program = g_build_filename(bin, "pnnx", NULL);
    char *data = g_build_filename(folder, "data-onnx", NULL);
    g_assert_cmpint(g_mkdir(bin, 0777), ==, 0);
    put_text("net.onnx", "not really");
    g_setenv("PATH", bin, TRUE);
    expect(tw_models_add(onnx, NULL, RECORD, &err), TW_ERROR_USAGE, &err, "PyPI package pnnx");
    char *path = g_strconcat(bin, ":", old, NULL);
    g_setenv("PATH", path, TRUE);
    g_setenv("TILEWRIGHT_MODELS", data, TRUE);
    g_assert_true(g_file_set_contents(program, "#!/bin/sh\nexit 3\n", -1, NULL));
    g_assert_cmpint(g_chmod(program, 0755), ==, 0);
    expect(tw_models_add(onnx, NULL, NULL, &err), TW_ERROR_USAGE, &err, "give the record");
    expect(tw_models_add(onnx, NULL, RECORD, &err), TW_ERROR_INPUT, &err, "pnnx could not convert");
    g_assert_true(g_file_set_contents(program,
                                      "#!/bin/sh\n[ \"$1\" = net.onnx ] || exit 1\ncat >net.ncnn.param <<E\n" PARAM "E\n"
                                      "head -c 1348 /dev/zero >net.ncnn.bin\n",
                                      -1, NULL));
    g_assert_cmpint(g_chmod(program, 0755), ==, 0);
    if (tw_models_add(onnx, "converted", RECORD, &err) != TW_OK)
        g_error("%s", err.message);
    tw_model *model = NULL;
    g_assert_cmpint(tw_model_open("converted", &model, &err), ==, TW_OK);
    g_assert_cmpstr(model->record.source, ==, "added from net.onnx");
    tw_model_free(model);
    g_setenv("PATH", old, TRUE);
    g_setenv("TILEWRIGHT_MODELS", folder, TRUE);
    g_free(data);
    g_free(path);
    g_free(program);
    g_free(bin);
    g_free(old);
    g_free(onnx);
}

static void keep_line(void *user, const char *line)
{
    g_string_append_printf(user, "[%s]", line);
}

static void test_install(void)
{
    tw_error err = TW_ERROR_NONE;
    GString *lines = g_string_new(NULL);
    expect(tw_models_install("realesrgam", NULL, NULL, &err), TW_ERROR_USAGE, &err, "did you mean 'realesrgan'");
    expect(tw_models_install("waifu2x-cunet-2x", NULL, NULL, &err), TW_ERROR_USAGE, &err, "models install waifu2x");
    char *setup = path_of("setup");
    g_setenv("TILEWRIGHT_SETUP", setup, TRUE);
    expect(tw_models_install("span", NULL, NULL, &err), TW_ERROR_RUN, &err, "TILEWRIGHT_SETUP");
    g_assert_cmpint(g_mkdir(setup, 0777), ==, 0);
    put_text("setup/models.sh", "echo one >&2; echo \"$1 $3\" >&2; echo hidden; exit 0\n");
    g_assert_cmpint(tw_models_install("span", keep_line, lines, &err), ==, TW_OK);
    g_assert_cmpstr(lines->str, ==, "[one][--to span]");
    put_text("setup/models.sh", "echo 'setup: error: no network' >&2; exit 1\n");
    expect(tw_models_install("span", NULL, NULL, &err), TW_ERROR_RUN, &err, "no network");
    g_unsetenv("TILEWRIGHT_SETUP");
    g_string_free(lines, TRUE);
    g_free(setup);
}

/* Every installed pack (TILEWRIGHT_TEST_MODELS) opens: graph, record and the exact size of the weights. */
static void test_packs(void)
{
    const char *installed = g_getenv("TILEWRIGHT_TEST_MODELS");
    if (!installed) {
        g_test_skip("TILEWRIGHT_TEST_MODELS names no folder");
        return;
    }
    g_setenv("TILEWRIGHT_MODELS", installed, TRUE);
    json_t *packs = tw_packs();
    int opened = 0;
    for (size_t i = 0; i < json_array_size(packs); i++) {
        const char *name;
        for (size_t k = 0; (name = tw_pack_model(json_array_get(packs, i), k)); k++) {
            tw_error err = TW_ERROR_NONE;
            tw_model *model = NULL;
            if (tw_model_open(name, &model, &err) != TW_OK)
                g_error("%s: %s", name, err.message);
            g_assert_cmpstr(model->record.name, ==, name);
            g_test_message("%s: scale %d, halo %d, weights %lld", name, (int)model->geometry->scale.num,
                           (int)model->geometry->halo[0], (long long)model->geometry->weights);
            tw_model_free(model);
            opened++;
        }
    }
    g_assert_cmpint(opened, ==, 49);
    json_decref(packs);
    g_setenv("TILEWRIGHT_MODELS", folder, TRUE);
}

static void remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *entry;
    while (dir && (entry = g_dir_read_name(dir))) {
        char *inner = g_build_filename(path, entry, NULL);
        remove_tree(inner);
        g_free(inner);
    }
    if (dir)
        g_dir_close(dir);
    g_remove(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("tw-test-model-XXXXXX", NULL);
    g_assert_nonnull(folder);
    g_setenv("TILEWRIGHT_MODELS", folder, TRUE);
    g_test_add_func("/model/record/read", test_record_read);
    g_test_add_func("/model/record/hostile", test_record_hostile);
    g_test_add_func("/model/record/pairs", test_record_pairs);
    g_test_add_func("/model/embedded", test_embedded);
    g_test_add_func("/model/path", test_path);
    g_test_add_func("/model/broken", test_broken_files);
    g_test_add_func("/model/names", test_names);
    g_test_add_func("/model/alias", test_alias);
    g_test_add_func("/model/add", test_add);
    g_test_add_func("/model/onnx", test_onnx);
    g_test_add_func("/model/install", test_install);
    g_test_add_func("/model/packs", test_packs);
    int result = g_test_run();
    remove_tree(folder);
    g_free(folder);
    return result;
}
