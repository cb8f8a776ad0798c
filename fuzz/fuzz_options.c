/* SPDX-License-Identifier: MIT */
/* libFuzzer: lines NAME=VALUE as options of upscale, and every value as a size. A value that is accepted must be inside what
 * the table allows, and every refusal must be one line. */
#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ops/op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_size(const char *value)
{
    static const int64_t wholes[] = {0, 1, INT64_C(1) << 40, INT64_MAX};
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        int64_t bytes = -1;
        char text[32];
        if (tw_parse_size(value, wholes[i], &bytes)) {
            must(bytes >= 0);
            must(strlen(tw_format_size(bytes, text, sizeof text)) < 24);
        }
    }
}

static void check_accepted(const tw_options *options, const tw_option *option)
{
    const char *name = option->name;
    int64_t w = -1, h = -1;
    bool bounded = option->min < option->max;
    must(tw_options_given(options, name));
    switch (option->type) {
    case TW_OPTION_INT:
        must(!bounded ||
             ((double)tw_options_int(options, name) >= option->min && (double)tw_options_int(options, name) <= option->max));
        break;
    case TW_OPTION_REAL:
        must(!bounded || (tw_options_real(options, name) >= option->min && tw_options_real(options, name) <= option->max));
        break;
    case TW_OPTION_SIZE:
        must(tw_options_size(options, name, INT64_MAX) >= 0);
        break;
    case TW_OPTION_GEOMETRY:
        tw_options_geometry(options, name, &w, &h);
        must(w >= 0 && h >= 0);
        break;
    case TW_OPTION_FLAG:
    case TW_OPTION_BOOL:
        tw_options_bool(options, name);
        break;
    default:
        must(tw_options_text(options, name) != NULL);
    }
}

static void set(tw_options *options, char *line)
{
    tw_error err = TW_ERROR_NONE;
    char *equals = strchr(line, '=');
    if (!equals) {
        check_size(line);
        return;
    }
    *equals = 0;
    check_size(equals + 1);
    tw_status status = tw_options_set(options, line, equals + 1, &err);
    if (status == TW_OK)
        check_accepted(options, tw_options_find(options, line));
    else
        must(status == TW_ERROR_USAGE && err.code == status && err.message[0] && !strchr(err.message, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const tw_option *const tables[] = {tw_op_find("upscale")->options, tw_common_options, NULL};
    tw_options *options = tw_options_new(tables);
    char *text = g_strndup((const char *)data, size), **lines = g_strsplit(text, "\n", 64);
    for (char **line = lines; *line; line++)
        set(options, *line);
    tw_options *copy = tw_options_copy(options);
    tw_options_free(options);
    tw_options_free(copy);
    g_strfreev(lines);
    g_free(text);
    return 0;
}
