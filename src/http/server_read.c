/* What a request's head says, and what is refused before any service sees it: forms that two readers may understand
 * differently (RFC 9112, sections 5, 6 and 11.2), by which a request is smuggled past whoever stands in front. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/server_private.h"

enum { MOST_FIELDS = 256 };

struct head {
    struct request *request;
    struct sign_field *fields;
    size_t count, room;
    const char *wrong; /* the name of a field that is not well-formed */
    const char *end;   /* of the last line so far, as it lies in libmicrohttpd's buffer */
    bool broken;       /* the lines do not follow each other there */
    unsigned lengths, codings, hosts;
};

/* RFC 9110, 5.6.2. */
static const bool token_bytes[256] = {
    ['!'] = true, ['#' ... '\''] = true, ['*'] = true,         ['+'] = true,         ['-'] = true,
    ['.'] = true, ['^'] = true,          ['_'] = true,         ['`'] = true,         ['|'] = true,
    ['~'] = true, ['0' ... '9'] = true,  ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

static bool is_token(const char *name, size_t length)
{
    bool good = length > 0;

    for (size_t i = 0; i < length; i++) good = good && token_bytes[(unsigned char)name[i]];
    return good;
}

static bool has_control(const char *value, size_t length)
{
    bool found = false;

    for (size_t i = 0; i < length; i++)
        found = found || ((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 127;
    return found;
}

static bool has_gap(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 127) return true;
    return false;
}

static bool is_name(const char *name, size_t length, const char *expected)
{
    return length == strlen(expected) && strncasecmp(name, expected, length) == 0;
}

static mhd_result take_field(void *context, enum MHD_ValueKind kind, const char *name, size_t name_size,
                             const char *value, size_t value_size)
{
    struct head *head = context;

    (void)kind;
    if (value == NULL) value = "";
    if (!is_token(name, name_size) || has_control(value, value_size)) head->wrong = name;
    head->broken = head->broken || name != head->end;
    head->end = value + value_size + 2;
    head->lengths += is_name(name, name_size, "content-length");
    head->codings += is_name(name, name_size, "transfer-encoding");
    head->hosts += is_name(name, name_size, "host");
    if (head->count < head->room)
        head->fields[head->count] = (struct sign_field){{name, name_size}, {value, value_size}};
    head->count++;
    return MHD_YES;
}

/* A value without the white space at its end, which does not belong to it (RFC 9110, 5.5). */
static bool trim_values(struct request *request, struct sign_field *fields, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        struct str trimmed = str_trim(fields[i].value);

        if (trimmed.length == fields[i].value.length) continue;
        trimmed.data = arena_text(request->exchange.arena, trimmed.data, trimmed.length, error);
        if (trimmed.data == NULL) return false;
        fields[i].value = trimmed;
    }
    return true;
}

static bool read_fields(struct request *request, struct head *head, const char *first, struct error *error)
{
    struct sign_field few[64];

    *head = (struct head){.request = request, .fields = few, .room = sizeof few / sizeof few[0], .end = first};
    MHD_get_connection_values_n(request->link, MHD_HEADER_KIND, take_field, head);
    if (head->count > MOST_FIELDS)
        return error_set(error, ERROR_LIMIT, "the request has %zu header fields; at most %d are taken", head->count,
                         MOST_FIELDS);
    size_t bytes = head->count * sizeof *few;
    struct sign_field *fields = arena_take(request->exchange.arena, bytes, error);

    if (fields == NULL) return false;
    if (head->count <= head->room) {
        memcpy(fields, few, bytes);
    } else {
        *head = (struct head){.request = request, .fields = fields, .room = head->count, .end = first};
        MHD_get_connection_values_n(request->link, MHD_HEADER_KIND, take_field, head);
    }
    request->exchange.request.headers = fields;
    request->exchange.request.header_count = head->count;
    return trim_values(request, fields, head->count, error);
}

/* libmicrohttpd 0.9.75 takes a line feed alone for the end of a line, joins folded lines, cuts lines at a NUL and
 * leaves out extra spaces. It parses in place, so that all that shows in where the pieces lie: each must begin right
 * after the one before. Later versions refuse such requests themselves. */
static bool is_seamless(const struct request *request, const struct head *head, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->link, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const struct sign_request *signable = &request->exchange.request;
    size_t target = signable->path.length + (request->has_query ? 1 + signable->query.length : 0);

    if (!request->server->lenient) return true;
    return !head->broken && request->uri == method + strlen(method) + 1 && version == request->uri + target + 1 &&
           info != NULL && head->end + 2 == method + info->header_size;
}

/* How long the body is, and that nobody can take it for longer or shorter. */
static bool read_length(struct request *request, const struct head *head, struct error *error)
{
    struct exchange *exchange = &request->exchange;
    const char *length = exchange_header(exchange, "content-length");
    const char *coding = exchange_header(exchange, "transfer-encoding");
    uint64_t value = 0;

    if (head->lengths > 1 || head->codings > 1 || (length != NULL && coding != NULL))
        return error_set(error, ERROR_INVALID,
                         "the request says in more than one way how long its body is (Content-Length, "
                         "Transfer-Encoding); it must be one");
    if (coding != NULL && strcasecmp(coding, "chunked") != 0)
        return error_set_named(error, ERROR_INVALID, "NotImplemented",
                               "the transfer coding \"%.40s\" is not understood; chunked is", coding);
    if (length == NULL) return true;
    for (const char *c = length; *c != '\0'; c++) {
        if (!isdigit((unsigned char)*c) || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value))
            return error_set(error, ERROR_INVALID, "\"%.40s\" is no Content-Length", length);
    }
    exchange->length_given = true;
    exchange->content_length = value;
    return length[0] != '\0' || error_set(error, ERROR_INVALID, "the Content-Length is empty");
}

/* Lower case, without the port. */
static bool read_host(struct exchange *exchange, struct error *error)
{
    const char *given = exchange_header(exchange, "host");

    exchange->host = "";
    if (given == NULL) return true;
    size_t length = strlen(given);
    const char *colon = strrchr(given, ':');

    if (colon != NULL && strchr(colon, ']') == NULL) length = (size_t)(colon - given);
    char *host = arena_text(exchange->arena, given, length, error);

    if (host == NULL) return false;
    for (size_t i = 0; i < length; i++) host[i] = (char)tolower((unsigned char)host[i]);
    exchange->host = host;
    return true;
}

static void name_request(struct request *request)
{
    struct server *server = request->server;
    uint64_t mixed = (server->id_seed + atomic_fetch_add(&server->ids, 1)) * UINT64_C(0x9E3779B97F4A7C15);

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    snprintf(request->exchange.id, sizeof request->exchange.id, "%016" PRIX64, mixed ^ (mixed >> 31));
}

bool read_head(struct request *request, const char *method, const char *version, struct error *error)
{
    struct exchange *exchange = &request->exchange;
    struct head head;

    name_request(request);
    exchange->received_us = clock_now_us();
    exchange->request.method = str_of(method);
    if (!read_fields(request, &head, version + strlen(version) + 2, error) || !read_host(exchange, error)) return false;
    if (head.wrong != NULL)
        return error_set(error, ERROR_INVALID, "the header field \"%.60s\" is not well-formed", head.wrong);
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return error_set_named(error, ERROR_INVALID, "HTTPVersionNotSupported",
                               "HTTP/1.0 and HTTP/1.1 are spoken here");
    if (!is_seamless(request, &head, method, version))
        return error_set(error, ERROR_INVALID,
                         "the request's head has a NUL, a folded line, a line that does not end in CR LF, or a space "
                         "too many");
    if (head.hosts == 0 && version[7] == '1')
        return error_set(error, ERROR_INVALID, "the request names no host; HTTP/1.1 wants a Host header");
    if (head.hosts > 1) return error_set(error, ERROR_INVALID, "the request names more than one host");
    if (has_gap(exchange->request.path) || has_gap(exchange->request.query))
        return error_set(error, ERROR_INVALID, "the request's target has a space or a control character");
    if (exchange->request.path.length == 0 || exchange->request.path.data[0] != '/')
        return error_set(error, ERROR_INVALID, "the request's target must be a path that begins with a slash");
    return read_length(request, &head, error);
}
