#include "http/keys.h"

#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/memory.h"
#include "http/s3/access.h"
#include "task/keys.h"

enum { MAXIMUM_BODY_BYTES = 64 * 1024 };

#define PATH "/-/keys"

struct keys {
    struct keys_options options;
    struct access *access;
    struct service service;
};

struct asked {
    struct access_caller caller;
    struct buffer body;
};

static bool is_within(const char *host, const char *domain)
{
    size_t length = strlen(host);
    size_t domain_length = strlen(domain);

    return length > domain_length && host[length - domain_length - 1] == '.' &&
           strcmp(host + length - domain_length, domain) == 0;
}

bool keys_takes(const struct keys *keys, const struct exchange *exchange)
{
    const char *domain = keys->options.domain == NULL ? "localhost" : keys->options.domain;
    const char *path = exchange->path;
    size_t length = strlen(PATH);

    return strncmp(path, PATH, length) == 0 && (path[length] == '\0' || path[length] == '/') &&
           !is_within(exchange->host, domain);
}

static bool is_loopback(const char *ip)
{
    return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0 || strncmp(ip, "::ffff:127.", 11) == 0;
}

static bool check_caller(const struct keys *keys, const struct exchange *exchange, const struct access_caller *caller,
                         struct error *error)
{
    if (caller->account == NULL || strcmp(caller->account, keys->options.account) != 0 || caller->identity != NULL) {
        return error_set_named(error, ERROR_DENIED, "AccessDenied",
                               "access keys are managed by a key of the server's account that has no policy");
    }
    return exchange->tls || is_loopback(exchange->client_ip) ||
           error_set_named(error, ERROR_DENIED, "AccessDenied",
                           "access keys are not told over a connection that others can read; use https");
}

static bool begin(void *context, struct exchange *exchange, struct error *error)
{
    struct keys *keys = context;
    struct asked *asked = arena_zeroed(exchange->arena, sizeof *asked, error);

    exchange->state = asked;
    exchange->log_operation = "Keys";
    if (asked == NULL) {
        return false;
    }
    buffer_init(&asked->body, MAXIMUM_BODY_BYTES);
    if (!access_authenticate(keys->access, exchange, NULL, &asked->caller, error)) {
        return false;
    }
    exchange->log_principal = asked->caller.name;
    return check_caller(keys, exchange, &asked->caller, error);
}

static bool take_body(void *context, struct exchange *exchange, const void *data, size_t size, struct error *error)
{
    struct asked *asked = exchange->state;

    (void)context;
    buffer_append(&asked->body, data, size);
    return buffer_check(&asked->body, error);
}

static bool check_body(const struct asked *asked, struct error *error)
{
    uint8_t value[DIGEST_MAX_BYTES];
    char hex[65];

    if (!digest_once(DIGEST_SHA256, asked->body.data, asked->body.length, value, error)) {
        return false;
    }
    digest_hex(value, 32, hex);
    return strcmp(hex, asked->caller.claim.payload_hash) == 0 ||
           error_set_named(error, ERROR_INVALID, "XAmzContentSHA256Mismatch",
                           "The provided 'x-amz-content-sha256' header does not match what was computed.");
}

static bool finish(void *context, struct exchange *exchange, struct error *error)
{
    const struct keys *keys = context;
    struct asked *asked = exchange->state;
    const char *id = exchange->path + strlen(PATH);
    const char *method =
        arena_text(exchange->arena, exchange->request.method.data, exchange->request.method.length, error);
    json_t *body = NULL;

    if (method == NULL || !check_body(asked, error)) {
        return false;
    }
    if (asked->body.length > 0) {
        body = json_read(asked->body.data, asked->body.length, "the request's body", error);
        if (body == NULL) {
            return false;
        }
    }
    json_t *answer =
        keys_do(keys->options.store, keys->options.account, method, id[0] == '/' ? id + 1 : id, body, error);

    json_decref(body);
    if (answer == NULL) {
        return false;
    }
    json_append(answer_body(exchange), answer, JSON_COMPACT);
    json_decref(answer);
    return buffer_check(answer_body(exchange), error) &&
           answer_header(exchange, "Content-Type", "application/json", error) &&
           answer_header(exchange, "Cache-Control", "no-store", error);
}

static void fail(void *context, struct exchange *exchange, const struct error *error)
{
    struct buffer *out = answer_body(exchange);

    (void)context;
    answer_status(exchange, exchange_status_of(error));
    exchange->log_error = error->name != NULL ? error->name : error_code_name(error->code);
    buffer_clear(out);
    buffer_append_text(out, "{\"error\": ");
    json_append_string(out, str_of(exchange->log_error));
    json_append_member(out, "message", error->message);
    buffer_append_text(out, "}\n");
    answer_header(exchange, "Content-Type", "application/json", NULL);
}

static void end(void *context, struct exchange *exchange)
{
    struct keys *keys = context;
    struct asked *asked = exchange->state;

    if (asked != NULL) {
        access_leave(keys->access, &asked->caller);
        buffer_free(&asked->body);
    }
}

struct keys *keys_new(const struct keys_options *options, struct error *error)
{
    struct access_options access = {.store = options->store, .region = options->region, .service = "s3"};
    struct keys *keys = memory_zeroed(sizeof *keys, error);

    if (keys == NULL) {
        return NULL;
    }
    keys->options = *options;
    keys->service = (struct service){
        .name = "keys", .context = keys, .begin = begin, .body = take_body, .finish = finish, .fail = fail, .end = end};
    keys->access = access_new(&access, error);
    if (keys->access == NULL) {
        keys_free(keys);
        return NULL;
    }
    return keys;
}

void keys_free(struct keys *keys)
{
    if (keys != NULL) {
        access_free(keys->access);
        memory_free(keys);
    }
}

const struct service *keys_service(struct keys *keys)
{
    return &keys->service;
}
