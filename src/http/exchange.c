/* What handlers see of a request, and how they make its answer. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/exchange_private.h"

enum { KEPT_BODY_BYTES = 64 * 1024 };

const char *exchange_header(const struct exchange *exchange, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < exchange->request.header_count; i++) {
        const struct sign_field *field = &exchange->request.headers[i];

        if (field->name.length == length && strncasecmp(field->name.data, name, length) == 0) {
            return field->value.data;
        }
    }
    return NULL;
}

const char *exchange_query(const struct exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->query_count; i++) {
        if (strcmp(exchange->query[i].name.data, name) == 0) {
            return exchange->query[i].value.data;
        }
    }
    return NULL;
}

/* The value of a hexadecimal digit, -1 for anything else. */
static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Percent-decoding (RFC 3986); in a query a plus is a space. */
static bool decode(struct str text, bool query, struct arena *arena, struct str *decoded, struct error *error)
{
    char *out = arena_take(arena, text.length + 1, error);
    size_t length = 0;

    if (out == NULL) return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];

        if (c == '+' && query) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < text.length ? digit_of(text.data[i + 1]) : -1;
            int low = i + 2 < text.length ? digit_of(text.data[i + 2]) : -1;

            if (high < 0 || low < 0 || high * 16 + low == 0)
                return error_set_named(error, ERROR_INVALID, "InvalidURI",
                                       "The URI has a broken or forbidden percent-escape at byte %zu of \"%.*s\".", i,
                                       text.length > 200 ? 200 : (int)text.length, text.data);
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[length++] = c;
    }
    out[length] = '\0';
    *decoded = str_slice(out, length);
    return true;
}

static size_t count_fields(struct str query)
{
    size_t count = 1;

    for (size_t i = 0; i < query.length; i++) count += query.data[i] == '&';
    return count;
}

static bool decode_query(struct exchange *exchange, struct error *error)
{
    struct str query = exchange->request.query;

    if (query.length == 0) return true;
    struct sign_field *fields = arena_take(exchange->arena, count_fields(query) * sizeof *fields, error);
    size_t count = 0;

    if (fields == NULL) return false;
    for (size_t start = 0; start <= query.length;) {
        const char *and = memchr(query.data + start, '&', query.length - start);
        size_t length = and == NULL ? query.length - start : (size_t)(and-query.data) - start;
        struct str piece = str_slice(query.data + start, length);
        const char *equals = length == 0 ? NULL : memchr(piece.data, '=', length);
        size_t name_length = equals == NULL ? length : (size_t)(equals - piece.data);

        start += length + 1;
        if (length == 0) continue;
        struct str value =
            equals == NULL ? str_slice(piece.data + length, 0) : str_slice(equals + 1, length - name_length - 1);

        if (!decode(str_slice(piece.data, name_length), true, exchange->arena, &fields[count].name, error) ||
            !decode(value, true, exchange->arena, &fields[count].value, error))
            return false;
        count++;
    }
    exchange->query = fields;
    exchange->query_count = count;
    return true;
}

bool exchange_decode(struct exchange *exchange, struct error *error)
{
    struct str path;
    size_t wrong = 0;

    if (!decode_query(exchange, error)) return false;
    if (!decode(exchange->request.path, false, exchange->arena, &path, error)) return false;
    if (!str_is_utf8(path, &wrong))
        return error_set_named(error, ERROR_INVALID, "InvalidURI", "The decoded path is not UTF-8 at its byte %zu.",
                               wrong);
    exchange->path = path.data;
    return true;
}

void answer_status(struct exchange *exchange, unsigned status)
{
    exchange->answer->status = status;
}

/* Content-Length of an answer that has no body here: to HEAD. */
static bool take_length(struct answer *answer, const char *value, struct error *error)
{
    uint64_t size = 0;

    for (const char *c = value; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || __builtin_mul_overflow(size, 10, &size) ||
            __builtin_add_overflow(size, (uint64_t)(*c - '0'), &size))
            return error_set(error, ERROR_INTERNAL, "\"%s\" is no Content-Length", value);
    }
    answer->size = size;
    answer->size_given = true;
    return true;
}

bool answer_header(struct exchange *exchange, const char *name, const char *value, struct error *error)
{
    struct answer *answer = exchange->answer;

    if (strcasecmp(name, "Content-Length") == 0) return take_length(answer, value, error);
    if (strpbrk(value, "\r\n") != NULL)
        return error_set(error, ERROR_INVALID, "the value of the header %s would hold a line break", name);
    struct answer_field *field = arena_take(exchange->arena, sizeof *field, error);

    if (field == NULL) return false;
    field->next = NULL;
    field->name = arena_text(exchange->arena, name, strlen(name), error);
    field->value = arena_text(exchange->arena, value, strlen(value), error);
    if (field->name == NULL || field->value == NULL) return false;
    if (answer->last == NULL) {
        answer->first = field;
    } else {
        answer->last->next = field;
    }
    answer->last = field;
    return true;
}

bool answer_header_format(struct exchange *exchange, struct error *error, const char *name, const char *format, ...)
{
    struct buffer value __attribute__((cleanup(buffer_free))) = {0};
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);

    va_end(arguments);
    if (length < 0) return error_set(error, ERROR_INTERNAL, "the header %s could not be formatted", name);
    if ((size_t)length < sizeof text) return answer_header(exchange, name, text, error);
    char *room = buffer_room(&value, (size_t)length + 1);

    if (room == NULL) return buffer_check(&value, error);
    va_start(arguments, format);
    vsnprintf(room, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return answer_header(exchange, name, room, error);
}

struct buffer *answer_body(struct exchange *exchange)
{
    return &exchange->answer->gathered;
}

/* Only one body is sent: what an earlier one holds is released. */
static struct answer *take_body(struct exchange *exchange, enum answer_kind kind, void (*release)(void *owner),
                                void *owner)
{
    struct answer *answer = exchange->answer;

    if (answer->release != NULL) answer->release(answer->owner);
    answer->kind = kind;
    answer->release = release;
    answer->owner = owner;
    return answer;
}

void answer_bytes(struct exchange *exchange, const void *bytes, size_t size, void (*release)(void *owner), void *owner)
{
    struct answer *answer = take_body(exchange, ANSWER_BYTES, release, owner);

    answer->bytes = bytes;
    answer->size = size;
}

void answer_file(struct exchange *exchange, int fd, uint64_t offset, uint64_t size, void (*release)(void *owner),
                 void *owner)
{
    struct answer *answer = take_body(exchange, ANSWER_FILE, release, owner);

    answer->fd = fd;
    answer->offset = offset;
    answer->size = size;
}

void answer_stream(struct exchange *exchange, uint64_t size,
                   ssize_t (*read)(void *owner, uint64_t offset, void *data, size_t size), void (*release)(void *owner),
                   void *owner)
{
    struct answer *answer = take_body(exchange, ANSWER_STREAM, release, owner);

    answer->read = read;
    answer->size = size;
}

void answer_reset(struct answer *answer)
{
    struct buffer kept = answer->gathered;

    if (answer->release != NULL) answer->release(answer->owner);
    if (kept.capacity > KEPT_BODY_BYTES) {
        buffer_free(&kept);
    } else {
        buffer_clear(&kept);
    }
    *answer = (struct answer){.gathered = kept, .fd = -1};
}

unsigned exchange_status_of(const struct error *error)
{
    switch (error->code) {
    case ERROR_USAGE:
    case ERROR_INVALID:
        return 400;
    case ERROR_DENIED:
        return 403;
    case ERROR_NOT_FOUND:
        return 404;
    case ERROR_CONFLICT:
        return error->name != NULL && strcmp(error->name, "PreconditionFailed") == 0 ? 412 : 409;
    case ERROR_LIMIT:
        if (error->name == NULL) return 413;
        return strcmp(error->name, "SlowDown") == 0 || strcmp(error->name, "ServiceUnavailable") == 0 ? 503
               : strcmp(error->name, "TooManyRequests") == 0                                          ? 429
                                                                                                      : 413;
    default:
        return 500;
    }
}
