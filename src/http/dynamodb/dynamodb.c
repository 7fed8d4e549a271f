#include "http/dynamodb/dynamodb.h"

#include <zlib.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/memory.h"
#include "http/dynamodb/rights.h"

#define TARGET "DynamoDB_20120810."
#define MAX_REQUEST_BYTES (16 * 1024 * 1024)
#define MISSING_TOKEN "Request must contain either a valid (registered) AWS access key ID or X.509 certificate."
#define CONTENT_TYPE "application/x-amz-json-1.0"

struct dynamodb {
    struct dynamodb_options options;
    struct service service;
};

/* A request under way. */
struct asked {
    struct access_caller caller;
    struct buffer body;
    struct buffer response;
    const char *operation;
};

bool dynamodb_takes(const struct exchange *exchange)
{
    const char *target = exchange_header(exchange, "x-amz-target");

    return target != NULL && strncmp(target, TARGET, sizeof TARGET - 1) == 0;
}

static bool begin(void *context, struct exchange *exchange, struct error *error)
{
    struct asked *asked = memory_zeroed(sizeof *asked, error);

    (void)context;
    exchange->state = asked;
    if (asked == NULL) {
        return false;
    }
    buffer_init(&asked->body, MAX_REQUEST_BYTES);
    asked->operation = exchange_header(exchange, "x-amz-target") + sizeof TARGET - 1;
    exchange->log_operation = asked->operation;
    if (!str_is(exchange->request.method, "POST")) {
        return error_set_named(error, ERROR_USAGE, "UnknownOperationException", "Requests of this protocol are POST");
    }
    /* Nobody's bodies are not gathered at all. */
    return exchange_header(exchange, "authorization") != NULL || exchange_query(exchange, "X-Amz-Signature") != NULL ||
           error_set_named(error, ERROR_DENIED, "MissingAuthenticationTokenException", MISSING_TOKEN);
}

static bool body(void *context, struct exchange *exchange, const void *data, size_t size, struct error *error)
{
    struct asked *asked = exchange->state;

    (void)context;
    buffer_append(&asked->body, data, size);
    return buffer_check(&asked->body, error);
}

/* Who asks, now that the body is here: its hash is signed, whether the request names it or not. */
static bool authenticate(struct dynamodb *dynamodb, struct exchange *exchange, struct asked *asked, struct error *error)
{
    uint8_t hash[DIGEST_MAX_BYTES];
    char *hex = arena_take(exchange->arena, 65, error);

    if (hex == NULL || !digest_once(DIGEST_SHA256, asked->body.data, asked->body.length, hash, error)) {
        return false;
    }
    digest_hex(hash, 32, hex);
    if (!access_authenticate(dynamodb->options.access, exchange, hex, &asked->caller, error)) {
        return false;
    }
    exchange->log_principal = asked->caller.principal;
    if (asked->caller.account == NULL) {
        return error_set_named(error, ERROR_DENIED, "MissingAuthenticationTokenException", MISSING_TOKEN);
    }
    return strcmp(asked->caller.claim.payload_hash, SIGN_UNSIGNED) == 0 ||
           digest_equal(hex, asked->caller.claim.payload_hash, 65) ||
           error_set_named(
               error, ERROR_DENIED, "SignatureDoesNotMatch",
               "The request signature we calculated does not match the signature you provided: the body is not "
               "the one that was signed");
}

static bool answer(struct exchange *exchange, const struct buffer *body, struct error *error)
{
    buffer_append(answer_body(exchange), body->data, body->length);
    return buffer_check(answer_body(exchange), error) && answer_header(exchange, "Content-Type", CONTENT_TYPE, error) &&
           answer_header(exchange, "x-amzn-RequestId", exchange->id, error) &&
           answer_header_format(exchange, error, "x-amz-crc32", "%lu",
                                crc32(0, (const Bytef *)body->data, (uInt)body->length));
}

static bool finish(void *context, struct exchange *exchange, struct error *error)
{
    struct dynamodb *dynamodb = context;
    struct asked *asked = exchange->state;

    return authenticate(dynamodb, exchange, asked, error) &&
           rights_check(&dynamodb->options, exchange, &asked->caller, asked->operation,
                        str_slice(asked->body.data, asked->body.length), error) &&
           tables_call(dynamodb->options.tables, asked->operation, str_slice(asked->body.data, asked->body.length),
                       &asked->response, error) &&
           answer(exchange, &asked->response, error);
}

/* Where DynamoDB's names come from, and what it calls failures of signing. */
static const struct {
    const char *name, *shown, *space;
} names[] = {
    {"ValidationException", "ValidationException", "com.amazon.coral.validate"},
    {"SerializationException", "SerializationException", "com.amazon.coral.service"},
    {"UnknownOperationException", "UnknownOperationException", "com.amazon.coral.service"},
    {"InvalidAccessKeyId", "UnrecognizedClientException", "com.amazon.coral.service"},
    {"InvalidToken", "UnrecognizedClientException", "com.amazon.coral.service"},
    {"ExpiredToken", "ExpiredTokenException", "com.amazon.coral.service"},
    {"SignatureDoesNotMatch", "InvalidSignatureException", "com.amazon.coral.service"},
    {"RequestTimeTooSkewed", "InvalidSignatureException", "com.amazon.coral.service"},
    {"AuthorizationHeaderMalformed", "IncompleteSignatureException", "com.amazon.coral.service"},
    {"MissingAuthenticationTokenException", "MissingAuthenticationTokenException", "com.amazon.coral.service"},
    {"AccessDenied", "AccessDeniedException", "com.amazon.coral.service"},
};

static unsigned status_of(const struct error *error)
{
    switch (error->code) {
    case ERROR_IO:
    case ERROR_MEMORY:
    case ERROR_CORRUPT:
    case ERROR_INTERNAL:
        return 500;
    default:
        return 400;
    }
}

/* {"__type": …, "message": …} before what the operation said of its failure. */
static void fail(void *context, struct exchange *exchange, const struct error *error)
{
    const struct asked *asked = exchange->state;
    const char *name = error->name != NULL       ? error->name
                       : status_of(error) == 500 ? "InternalServerError"
                                                 : "ValidationException";
    const char *space = "com.amazonaws.dynamodb.v20120810";
    struct buffer text = {0};

    (void)context;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, name) == 0) {
            name = names[i].shown;
            space = names[i].space;
            break;
        }
    }
    buffer_append_format(&text, "{\"__type\":\"%s#%s\",\"%s\":", space, name,
                         strcmp(name, "TransactionCanceledException") == 0 ? "Message" : "message");
    json_append_string(&text, str_of(error->message));
    if (asked != NULL && asked->response.length > 2 && error->name != NULL &&
        (strcmp(name, "TransactionCanceledException") == 0 || strcmp(name, "ConditionalCheckFailedException") == 0)) {
        buffer_append_char(&text, ',');
        buffer_append(&text, asked->response.data + 1, asked->response.length - 1);
    } else {
        buffer_append_char(&text, '}');
    }
    exchange->log_error = name;
    answer_status(exchange, status_of(error));
    answer(exchange, &text, NULL);
    buffer_free(&text);
}

static void end(void *context, struct exchange *exchange)
{
    struct dynamodb *dynamodb = context;
    struct asked *asked = exchange->state;

    if (asked != NULL) {
        access_leave(dynamodb->options.access, &asked->caller);
        buffer_free(&asked->body);
        buffer_free(&asked->response);
        memory_free(asked);
    }
}

/* What reads by key or range waits for nobody. */
static bool quick(void *context, const struct exchange *exchange)
{
    const struct asked *asked = exchange->state;

    (void)context;
    return asked != NULL && strcmp(asked->operation, "GetItem") == 0;
}

struct dynamodb *dynamodb_new(const struct dynamodb_options *options, struct error *error)
{
    struct dynamodb *dynamodb = memory_zeroed(sizeof *dynamodb, error);

    if (dynamodb == NULL) {
        return NULL;
    }
    dynamodb->options = *options;
    dynamodb->service = (struct service){
        .name = "dynamodb",
        .context = dynamodb,
        .begin = begin,
        .body = body,
        .finish = finish,
        .quick = quick,
        .fail = fail,
        .end = end,
    };
    return dynamodb;
}

void dynamodb_free(struct dynamodb *dynamodb)
{
    memory_free(dynamodb);
}

const struct service *dynamodb_service(struct dynamodb *dynamodb)
{
    return &dynamodb->service;
}
