/* SPDX-License-Identifier: MIT */
/* The .param parser: what it reads, what it refuses and with which words, and that size alone cannot hurt it. */
#include <glib.h>
#include <string.h>

#include "model/geometry.h"
#include "model/graph.h"
#include "model/memory.h"

static tw_status parse(const char *text, tw_graph **graph, tw_error *err)
{
    *err = (tw_error)TW_ERROR_NONE;
    return tw_graph_parse(text, strlen(text), "net.param", graph, err);
}

static void test_reads(void)
{
    tw_graph *g;
    tw_error err;
    g_assert_cmpint(
        parse("7767517\r\n"
              "4 5\r\n"
              "Input in 0 1 data 0=-1\r\n"
              "\n"
              "Split s 1 2 data a b\n"
              "Convolution  conv/1\t1 1 a c 0=64 1=3 4=1 6=1.728e+03 -23310=2,1.5,-2.000000e-01 10=0.5,0.25 11=7, -23312=0\n"
              "Interp up 2 1 b c d 9=\"floor(0w * 2), 1h\" 8=size 1=+2.0 1=4.0",
              &g, &err),
        ==, TW_OK);
    g_assert_cmpint(g->n_layers, ==, 4);
    g_assert_cmpint(g->n_blobs, ==, 5);
    g_assert_cmpint(tw_graph_blob(g, "c"), ==, 3);
    g_assert_cmpint(tw_graph_blob(g, "nothing"), ==, -1);
    g_assert_cmpint(g->blobs[3].producer, ==, 2);
    g_assert_cmpint(g->blobs[3].consumers, ==, 1);
    g_assert_cmpint(g->blobs[4].consumers, ==, 0);
    const tw_layer *l = &g->layers[2];
    g_assert_cmpstr(l->type, ==, "Convolution");
    g_assert_cmpstr(l->name, ==, "conv/1");
    g_assert_cmpint(l->inputs[0], ==, 1);
    g_assert_cmpint(tw_layer_int(l, 0, 5), ==, 64);
    g_assert_cmpint(tw_layer_int(l, 2, 5), ==, 5);
    g_assert_cmpint(tw_layer_int(l, 6, 5), ==, 1728);
    g_assert_cmpint(tw_layer_int(&g->layers[0], 0, 5), ==, -1);
    const tw_param *p = tw_layer_param(l, 10);
    g_assert_true(p && p->is_array && p->n == 2 && p->values[1] == 0.25); /* the last one stands */
    p = tw_layer_param(l, 11);
    g_assert_true(p && p->is_array && p->n == 1 && p->values[0] == 7);
    g_assert_cmpint(tw_layer_int(l, 11, 3), ==, 3); /* an array is no number */
    p = tw_layer_param(l, 12);
    g_assert_true(p && p->is_array && p->n == 0);
    l = &g->layers[3];
    g_assert_cmpstr(tw_layer_param(l, 9)->text, ==, "floor(0w * 2), 1h");
    g_assert_cmpfloat(tw_layer_real(l, 1, 1), ==, 4);
    g_assert_cmpfloat(tw_layer_real(l, 9, 3), ==, 3);
    tw_graph_free(g);
}

static void test_refuses(void)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "first line is not 7767517"},
        {"7767518\n1 1\nInput in 0 1 a\n", "first line is not 7767517"},
        {"7767517 1\n1 1\nInput in 0 1 a\n", "first line is not 7767517"},
        {"7767517\n", "is missing"},
        {"7767517\n0 1\n", "line 2: number of layers outside"},
        {"7767517\n-1 1\n", "line 2: number of layers outside"},
        {"7767517\n100001 1\n", "line 2: number of layers outside"},
        {"7767517\n99999999999999999999 1\n", "line 2: number of layers outside"},
        {"7767517\n1 2000000000\n", "line 2: number of blobs outside"},
        {"7767517\n1 1 1\nInput in 0 1 a\n", "something follows"},
        {"7767517\n1000 1\nInput in 0 1 a\n", "more layers announced than the text can hold"},
        {"7767517\n2 1\nInput in 0 1 a                    \n", "1 layers, but line 2 announces 2"},
        {"7767517\n1 2\nInput in 0 1 a\nReLU r 1 1 a b\n", "line 4: more layers"},
        {"7767517\n2 1\nInput in 0 1 a\nReLU r 1 1 a b\n", "line 4: more blobs"},
        {"7767517\n2 2\nInput in 0 1 a\nReLU r 1 1 b a\n", "line 4: a blob that no layer above produces: 'b'"},
        {"7767517\n2 2\nInput in 0 1 a\nReLU r 1 1 a a\n", "line 4: a blob with two producers: 'a'"},
        {"7767517\n1 1\nInput in 0 1000000000 a\n", "too short for its number of blobs"},
        {"7767517\n1 1\nInput in 0 -1 a\n", "wrong number of outputs '-1'"},
        {"7767517\n1 1\nInput in 0 x a\n", "wrong number of outputs 'x'"},
        {"7767517\n1 1\nInput in 0x1 1 a\n", "wrong number of inputs '0x1'"},
        {"7767517\n1 1\nInput in\n\n\n\n\n\n", "wrong number of inputs"},
        {"7767517\n1 1\nInput in 0 1 a 0\n", "line 3: not a key=value: '0'"},
        {"7767517\n1 1\nInput in 0 1 a 64=1\n", "key outside 0..63"},
        {"7767517\n1 1\nInput in 0 1 a -1=1\n", "key outside 0..63"},
        {"7767517\n1 1\nInput in 0 1 a -2147483648=1,1\n", "key outside 0..63"},
        {"7767517\n1 1\nInput in 0 1 a 0=\n", "a key without a value"},
        {"7767517\n1 1\nInput in 0 1 a 0=nan\n", NULL}, /* a word: text */
        {"7767517\n1 1\nInput in 0 1 a 0=-nan\n", "not a number: '-nan'"},
        {"7767517\n1 1\nInput in 0 1 a 0=1e99\n", "not a number: '1e99'"},
        {"7767517\n1 1\nInput in 0 1 a 0=0x10\n", "not a number: '0x10'"},
        {"7767517\n1 1\nInput in 0 1 a 0=1,,2\n", "not a number"},
        {"7767517\n1 1\nInput in 0 1 a -23300=3,1,2\n", "wrong array length '3,1,2'"},
        {"7767517\n1 1\nInput in 0 1 a -23300=1,1,2\n", "wrong array length"},
        {"7767517\n1 1\nInput in 0 1 a -23300=-1\n", "wrong array length"},
        {"7767517\n1 1\nInput in 0 1 a -23300=2000000000,1\n", "wrong array length"},
        {"7767517\n1 1\nInput in 0 1 a 0=\"open\n", "a quote that does not end"},
        {"7767517\n1 1\nInput in 0 1 a 0=\"x\"y\n", "something follows a quoted string"},
        {"7767517\n1 1\nIn\001put in 0 1 a\n", "control character in a name 'In?put'"},
        {"7767517\n1 1\nNoop in 0 0          \n", "no blobs"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        tw_graph *g = NULL;
        tw_error err;
        tw_status status = parse(cases[i].text, &g, &err);
        if (!cases[i].says) {
            g_assert_cmpint(status, ==, TW_OK);
            tw_graph_free(g);
            continue;
        }
        g_assert_cmpint(status, ==, TW_ERROR_INPUT);
        g_assert_null(g);
        if (!strstr(err.message, cases[i].says) || !g_str_has_prefix(err.message, "net.param:"))
            g_error("'%s' does not say '%s'", err.message, cases[i].says);
    }
}

/* Not ended by a 0, cut anywhere: refused or read, never beyond its end (run under the address sanitizer). */
static void test_cut(void)
{
    static const char text[] =
        "7767517\n3 4\nInput in 0 1 a 2=3\nSplit s 1 2 a b c -23300=2,1,2 5=\"x y\"\nEltwise e 2 1 b c d 0=1\n";
    for (size_t n = 0; n < sizeof text; n++) {
        char *copy = g_memdup2(text, n ? n : 1);
        tw_graph *g = NULL;
        tw_error err = TW_ERROR_NONE;
        tw_status status = tw_graph_parse(copy, n, "cut", &g, &err);
        g_assert_true((status == TW_OK) == (g != NULL));
        tw_graph_free(g);
        g_free(copy);
    }
}

static double seconds_of(GString *text, tw_status expected)
{
    tw_graph *g = NULL;
    tw_geometry *geometry = NULL;
    tw_error err = TW_ERROR_NONE;
    gint64 start = g_get_monotonic_time();
    tw_status status = tw_graph_parse(text->str, text->len, "large", &g, &err);
    if (status == TW_OK)
        status = tw_geometry_of(g, "large", &geometry, &err);
    if (status == TW_OK)
        g_assert_cmpint(tw_memory_tile(g, geometry, false, 64, 64), >, 0);
    double seconds = (double)(g_get_monotonic_time() - start) / 1e6;
    if (status != expected)
        g_error("%d instead of %d: %s", status, expected, err.message);
    tw_geometry_free(geometry);
    tw_graph_free(g);
    g_string_free(text, TRUE);
    return seconds;
}

/* As long and as deep as allowed, many names, many arms, long arrays: linear, so far below a second each; ten on a busy
 * machine. */
static void test_large(void)
{
    GString *deep = g_string_new("7767517\n100000 100000\nInput in 0 1 b0\n");
    for (int i = 1; i < 100000; i++)
        g_string_append_printf(deep, "ReLU r%d 1 1 b%d b%d\n", i, i - 1, i);
    g_assert_cmpfloat(seconds_of(deep, TW_OK), <, 10);

    GString *wide = g_string_new("7767517\n3 100000\nInput in 0 1 a\nSplit s 1 99998 a");
    for (int i = 0; i < 99998; i++)
        g_string_append_printf(wide, " c%d", i);
    g_string_append(wide, "\nEltwise e 99998 1");
    for (int i = 0; i < 99998; i++)
        g_string_append_printf(wide, " c%d", i);
    g_string_append(wide, " z 0=1\n");
    g_assert_cmpfloat(seconds_of(wide, TW_OK), <, 10);

    GString *array = g_string_new("7767517\n1 1\nInput in 0 1 a -23300=2000000");
    for (int i = 0; i < 2000000; i++)
        g_string_append(array, ",1");
    g_string_append_c(array, '\n');
    g_assert_cmpfloat(seconds_of(array, TW_OK), <, 10);

    GString *keys = g_string_new("7767517\n1 1\nInput in 0 1 a");
    for (int i = 0; i < 1000000; i++)
        g_string_append(keys, " 9=1");
    g_string_append_c(keys, '\n');
    g_assert_cmpfloat(seconds_of(keys, TW_OK), <, 10);

    GString *barriers = g_string_new("7767517\n60001 80001\nInput in 0 1 b0\n"); /* 20000 barriers, one behind the other */
    for (int i = 0; i < 20000; i++)
        g_string_append_printf(barriers,
                               "Split s%d 1 2 b%d c%d d%d\nPooling p%d 1 1 d%d e%d 0=1 4=1\nBinaryOp m%d 2 1 c%d e%d b%d 0=2\n",
                               i, i, i, i, i, i, i, i, i, i, i + 1);
    g_assert_cmpfloat(seconds_of(barriers, TW_OK), <, 10);

    GString *down = g_string_new("7767517\n100 100\nInput in 0 1 b0\n");
    for (int i = 1; i < 100; i++)
        g_string_append_printf(down, "Pooling p%d 1 1 b%d b%d 1=2 2=2\n", i, i - 1, i);
    g_assert_cmpfloat(seconds_of(down, TW_ERROR_INPUT), <, 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/graph/reads", test_reads);
    g_test_add_func("/graph/refuses", test_refuses);
    g_test_add_func("/graph/cut", test_cut);
    g_test_add_func("/graph/large", test_large);
    return g_test_run();
}
