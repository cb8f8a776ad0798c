/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *code_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *code;
    } all[] = {{400, "bad_request"}, {401, "unauthorized"},       {403, "forbidden"},
               {404, "not_found"},   {405, "method_not_allowed"}, {501, "not_implemented"},
               {409, "conflict"},    {413, "too_large"},          {415, "unsupported_media_type"},
               {416, "bad_range"},   {422, "unprocessable"},      {429, "queue_full"},
               {503, "unavailable"}};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        if (all[i].status == status)
            return all[i].code;
    return "failed";
}

bool serve_refuse(serve_error *error, unsigned status, const char *format, ...)
{
    va_list args;
    if (error->status != 0)
        return false;
    error->status = status;
    error->code = code_of(status);
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    return false;
}

const char *serve_header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *json_response(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(10));
    json_decref(json);
    if (!text)
        return NULL;
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response) {
        MHD_add_response_header(response, "Content-Type", "application/json");
        MHD_add_response_header(response, "Cache-Control", "no-store");
    }
    return response;
}

enum MHD_Result serve_reply_json(struct MHD_Connection *connection, unsigned status, json_t *json, const char *location)
{
    struct MHD_Response *response = json_response(json);
    if (response && location)
        MHD_add_response_header(response, "Location", location);
    return reply(connection, status, response);
}

enum MHD_Result serve_reply_error(struct MHD_Connection *connection, const serve_error *error)
{
    char seconds[16], *message = g_utf8_make_valid(error->message, -1);
    struct MHD_Response *response = json_response(json_pack("{s:{s:s,s:s}}", "error", "code", error->code, "message", message));
    g_free(message);
    if (response && error->retry_after > 0) {
        g_snprintf(seconds, sizeof seconds, "%d", error->retry_after);
        MHD_add_response_header(response, "Retry-After", seconds);
    }
    if (response && error->any_origin)
        MHD_add_response_header(response, "Access-Control-Allow-Origin", "*");
    if (response && error->status == 401)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    return reply(connection, error->status, response);
}

enum MHD_Result serve_reply_text(struct MHD_Connection *connection, unsigned status, const char *type, const char *text,
                                 bool copy)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
                                                                    copy ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
    if (response) {
        MHD_add_response_header(response, "Content-Type", type);
        MHD_add_response_header(response, "Cache-Control", "no-store");
        MHD_add_response_header(
            response, "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    }
    return reply(connection, status, response);
}

/* --- files --------------------------------------------------------------------------------------------------------- */

typedef enum range { RANGE_NONE, RANGE_ONE, RANGE_BAD } range;

static bool read_number(const char **text, int64_t *out)
{
    char *end;
    if (!g_ascii_isdigit(**text))
        return false;
    guint64 number = g_ascii_strtoull(*text, &end, 10);
    *out = number > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)number;
    *text = end;
    return true;
}

/* One range; what is written otherwise, several ranges among it, is passed over, as the standard allows: all is sent. */
static range read_range(const char *header, int64_t size, int64_t *from, int64_t *to)
{
    int64_t a = -1, b = -1;
    const char *at = header && g_str_has_prefix(header, "bytes=") ? header + 6 : NULL;
    if (!at)
        return RANGE_NONE;
    bool first = read_number(&at, &a);
    if (*at++ != '-')
        return RANGE_NONE;
    bool last = read_number(&at, &b);
    if (*at || (!first && !last) || (first && last && b < a))
        return RANGE_NONE;
    *from = first ? a : MAX(0, size - b);
    *to = first && last ? MIN(b, size - 1) : size - 1;
    return *from < size && (first || b > 0) ? RANGE_ONE : RANGE_BAD;
}

static bool has_tag(const char *header, const char *quoted)
{
    return header && (strcmp(header, "*") == 0 || strstr(header, quoted));
}

static range range_wanted(struct MHD_Connection *connection, const char *quoted, int64_t size, int64_t *from, int64_t *to)
{
    const char *only = serve_header(connection, "If-Range");
    if (only && strcmp(only, quoted) != 0)
        return RANGE_NONE;
    return read_range(serve_header(connection, "Range"), size, from, to);
}

static enum MHD_Result reply_bad_range(struct MHD_Connection *connection, int64_t size)
{
    char text[64];
    struct MHD_Response *response =
        json_response(json_pack("{s:{s:s,s:s}}", "error", "code", code_of(416), "message", "the range lies behind the end"));
    g_snprintf(text, sizeof text, "bytes */%" PRId64, size);
    if (response)
        MHD_add_response_header(response, "Content-Range", text);
    return reply(connection, 416, response);
}

static void add_headers(struct MHD_Response *response, const char *type, const char *quoted, const char *name)
{
    bool page = strcmp(type, "text/html") == 0; /* is looked at: it has its style and pictures in itself, and does nothing */
    char *disposition = g_strdup_printf("%s; filename=\"%s\"", page ? "inline" : "attachment", name);
    if (page)
        MHD_add_response_header(response, "Content-Security-Policy",
                                "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    MHD_add_response_header(response, "Content-Type", page ? "text/html; charset=utf-8" : type);
    MHD_add_response_header(response, "ETag", quoted);
    MHD_add_response_header(response, "Accept-Ranges", "bytes");
    MHD_add_response_header(response, "Cache-Control", "private, immutable");
    MHD_add_response_header(response, "Content-Disposition", disposition);
    g_free(disposition);
}

enum MHD_Result serve_reply_file(struct MHD_Connection *connection, const char *path, const char *type, const char *tag,
                                 const char *name)
{
    char text[96], quoted[96];
    struct stat st;
    serve_error error = {0};
    int64_t from = 0, to = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        serve_refuse(&error, 404, "the result is not there any more");
        return serve_reply_error(connection, &error);
    }
    g_snprintf(quoted, sizeof quoted, "\"%s\"", tag);
    bool known = has_tag(serve_header(connection, "If-None-Match"), quoted);
    range kind = known ? RANGE_NONE : range_wanted(connection, quoted, st.st_size, &from, &to);
    if (kind == RANGE_NONE)
        from = 0, to = (int64_t)st.st_size - 1;
    if (known || kind == RANGE_BAD)
        close(fd);
    if (kind == RANGE_BAD)
        return reply_bad_range(connection, st.st_size);
    struct MHD_Response *response =
        known ? MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT)
              : MHD_create_response_from_fd_at_offset64((uint64_t)(to - from + 1), fd, (uint64_t)from);
    if (!response) {
        if (!known)
            close(fd);
        return MHD_NO;
    }
    add_headers(response, type, quoted, name);
    if (kind == RANGE_ONE) {
        g_snprintf(text, sizeof text, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, from, to, (int64_t)st.st_size);
        MHD_add_response_header(response, "Content-Range", text);
    }
    return reply(connection, known ? 304 : kind == RANGE_ONE ? 206 : 200, response);
}
