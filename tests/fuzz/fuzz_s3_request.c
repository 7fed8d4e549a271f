/* A request's head and body, as far as the S3 service reads them without its store: the target, the operation, what
 * headers say of an object, of the body and of conditions. Lines: method, host, target, headers; an empty one; the
 * body. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "http/exchange_private.h"
#include "http/s3/body.h"
#include "http/s3/errors.h"
#include "http/s3/object_facts.h"
#include "http/s3/operation.h"
#include "http/s3/put_headers.h"
#include "http/s3/range.h"
#include "http/s3/target.h"

enum { MOST_HEADERS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes a line off, as a text in the arena. */
static struct str take_line(struct str *rest, struct arena *arena)
{
    const char *end = memchr(rest->data, '\n', rest->length);
    size_t length = end != NULL ? (size_t)(end - rest->data) : rest->length;
    struct str line = str_slice(rest->data, length);

    *rest = str_slice(rest->data + length + (end != NULL), rest->length - length - (end != NULL));
    /* The server lets no NUL through. */
    if (memchr(line.data, '\0', line.length) != NULL) {
        line.length = 0;
    }
    return str_slice(arena_text(arena, line.data, line.length, NULL), line.length);
}

static void read_head(struct exchange *exchange, struct sign_field *headers, struct str *rest)
{
    exchange->request.method = take_line(rest, exchange->arena);
    exchange->host = take_line(rest, exchange->arena).data;
    exchange->request.path = take_line(rest, exchange->arena);
    const char *question = memchr(exchange->request.path.data, '?', exchange->request.path.length);

    if (question != NULL) {
        size_t length = (size_t)(question - exchange->request.path.data);

        exchange->request.query = str_slice(question + 1, exchange->request.path.length - length - 1);
        exchange->request.path.length = length;
    }
    while (rest->length > 0 && exchange->request.header_count < MOST_HEADERS) {
        struct str line = take_line(rest, exchange->arena);
        const char *colon = memchr(line.data, ':', line.length);

        if (line.length == 0) {
            break;
        }
        size_t length = colon != NULL ? (size_t)(colon - line.data) : line.length;

        headers[exchange->request.header_count++] =
            (struct sign_field){str_slice(arena_text(exchange->arena, line.data, length, NULL), length),
                                colon != NULL ? str_of(colon + 1) : str_of(line.data + line.length)};
    }
    exchange->request.headers = headers;
}

static void read_all(struct s3_request *request, struct str body)
{
    struct error error = {0};
    struct object_conditions conditions;
    struct store_field *tags = NULL;
    size_t count = 0;
    bool given = false;
    uint64_t offset = 0, length = 0;
    const char *text = s3_header(request, "x-amz-tagging");

    s3_conditions_read(request, "", &conditions);
    s3_put_content_headers(request, &error);
    s3_put_metadata(request, &error);
    if (text != NULL && s3_tags_from_text(request, text, &tags, &count, &error) && count > OBJECT_MAX_TAGS) {
        abort();
    }
    s3_customer_key(request, "x-amz-server-side-encryption-customer-", request->customer_key, &given, &error);
    if (range_read(s3_header(request, "Range"), 100, &offset, &length) != RANGE_UNSATISFIABLE &&
        (offset > 100 || length > 100 - offset)) {
        abort();
    }
    /* A form's file would go into the store. */
    if (request->operation->body != S3_FORM && s3_body_begin(request, &error)) {
        size_t half = body.length / 2;

        if (s3_body_add(request, body.data, half, &error) &&
            s3_body_add(request, body.data + half, body.length - half, &error)) {
            s3_body_end(request, &error);
        }
    }
    if (error.name != NULL) {
        s3_error_answer(request, &error);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct sign_field headers[MOST_HEADERS];
    struct answer answer = {.fd = -1};
    struct s3 s3 = {.options = {.region = "us-east-1", .max_object_bytes = 1 << 20}};
    struct exchange exchange = {.arena = arena_new(16 << 20, &error), .client_ip = "127.0.0.1", .answer = &answer};
    struct s3_request request = {
        .s3 = &s3, .exchange = &exchange, .arena = exchange.arena, .bucket_name = "", .key = ""};
    struct str rest = str_slice((const char *)data, size);

    if (exchange.arena == NULL) {
        return 0;
    }
    read_head(&exchange, headers, &rest);
    exchange.length_given = true;
    exchange.content_length = rest.length;
    if (exchange_decode(&exchange, &error) && s3_target_find(&request, &error)) {
        request.operation = operation_find(&request, &error);
        if (request.operation != NULL && s3_check_key(&request, &error)) {
            read_all(&request, rest);
        }
    } else if (error.name == NULL) {
        abort();
    }
    s3_body_free(&request);
    answer_reset(&answer);
    buffer_free(&answer.gathered);
    arena_free(exchange.arena);
    return 0;
}
