#include "http/s3/s3.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "http/s3/answer.h"
#include "http/s3/body.h"
#include "http/s3/cors.h"
#include "http/s3/errors.h"
#include "http/s3/operation.h"
#include "http/s3/target.h"

static bool find_bucket(struct s3_request *request, struct error *error)
{
    if (request->bucket_name[0] == '\0' || (request->operation->flags & S3_WITHOUT_BUCKET) != 0) {
        return true;
    }
    request->bucket = bucket_find(request->store, request->bucket_name, error);
    return request->bucket != NULL;
}

static bool check_rights(struct s3_request *request, struct error *error)
{
    const struct operation *operation = request->operation;
    const char *action = request->version_id != NULL && operation->version_action != NULL ? operation->version_action
                                                                                          : operation->action;

    if ((operation->flags & S3_OPEN) != 0) {
        return true;
    }
    if ((operation->flags & S3_OWN_ACCESS) != 0) {
        /* It asks once it has read the body, which is not read for nothing. */
        return access_may_be(&request->caller, request->bucket->derived) ||
               error_set_named(error, ERROR_DENIED, "AccessDenied", "Access Denied");
    }
    const struct object_place place = s3_place(request);

    return s3_allow(request, action, request->bucket, request->key[0] != '\0' ? &place : NULL, error);
}

/* Sets up what `fail` and `end` need, which come even when the rest fails. */
static struct s3_request *request_new(struct s3 *s3, struct exchange *exchange, struct error *error)
{
    struct s3_request *request = arena_zeroed(exchange->arena, sizeof *request, error);

    if (request != NULL) {
        *request = (struct s3_request){
            .s3 = s3,
            .store = s3->options.store,
            .exchange = exchange,
            .arena = exchange->arena,
            .bucket_name = "",
            .key = "",
        };
        exchange->state = request;
    }
    return request;
}

static bool begin(void *context, struct exchange *exchange, struct error *error)
{
    struct s3 *s3 = context;
    struct s3_request *request = request_new(s3, exchange, error);

    if (request == NULL || !s3_target_find(request, error)) {
        return false;
    }
    exchange->log_bucket = request->bucket_name;
    exchange->log_key = request->key;
    request->operation = operation_find(request, error);
    if (request->operation == NULL) {
        return false;
    }
    exchange->log_operation = request->operation->name;
    if ((request->operation->flags & S3_OPEN) == 0) {
        const char *host_bucket = request->bucket_in_host ? request->bucket_name : NULL;

        if (!(access_is_url_2(exchange)
                  ? access_authenticate_url_2(s3->access, exchange, host_bucket, &request->caller, error)
                  : access_authenticate(s3->access, exchange, NULL, &request->caller, error))) {
            return false;
        }
        exchange->log_principal = request->caller.name;
    }
    return s3_check_key(request, error) && find_bucket(request, error) && check_rights(request, error) &&
           s3_body_begin(request, error) &&
           (request->operation->begin == NULL || request->operation->begin(request, error));
}

static bool take_body(void *context, struct exchange *exchange, const void *data, size_t size, struct error *error)
{
    (void)context;
    return s3_body_add(exchange->state, data, size, error);
}

static bool finish(void *context, struct exchange *exchange, struct error *error)
{
    struct s3_request *request = exchange->state;

    (void)context;
    return s3_body_end(request, error) && s3_answer_common(request, error) && cors_answer(request, error) &&
           request->operation->finish(request, error);
}

static bool quick(void *context, const struct exchange *exchange)
{
    const struct s3_request *request = exchange->state;

    (void)context;
    return (request->operation->flags & S3_QUICK) != 0;
}

static void fail(void *context, struct exchange *exchange, const struct error *error)
{
    struct s3_request *request = exchange->state;

    /* What is wrong may have been found before `begin`: a target that cannot be decoded. */
    if (request == NULL) {
        request = request_new(context, exchange, NULL);
    }
    if (request == NULL) {
        answer_status(exchange, s3_error_of(error)->status);
        return;
    }
    s3_error_answer(request, error);
    cors_answer(request, NULL);
}

static void end(void *context, struct exchange *exchange)
{
    struct s3 *s3 = context;
    struct s3_request *request = exchange->state;

    if (request == NULL) {
        return;
    }
    s3_body_free(request);
    access_leave(s3->access, &request->caller);
    if (request->bucket != NULL) {
        bucket_release(request->store, request->bucket);
    }
    explicit_bzero(request->customer_key, sizeof request->customer_key);
    explicit_bzero(request->source_customer_key, sizeof request->source_customer_key);
}

/* What is compiled of a bucket is what access needs of it. */
static void *derive(const struct bucket *bucket, struct error *error)
{
    return access_rights_new(bucket, error);
}

static void release_derived(void *derived)
{
    access_rights_free(derived);
}

static bool fill(struct s3 *s3, const struct s3_options *options, struct error *error)
{
    const struct access_options access = {.store = options->store, .region = options->region, .service = "s3"};
    const struct bucket_deriver deriver = {.derive = derive, .release = release_derived};
    uint8_t host[48];

    s3->options = *options;
    if (s3->options.max_object_bytes == 0) {
        s3->options.max_object_bytes = OBJECT_MAX_BYTES;
    }
    s3->service = (struct service){
        .name = "s3",
        .context = s3,
        .begin = begin,
        .body = take_body,
        .finish = finish,
        .quick = quick,
        .fail = fail,
        .end = end,
    };
    if (!random_bytes(host, sizeof host, error) || !access_canonical_id(options->account, s3->owner_id, error)) {
        return false;
    }
    digest_base64(host, sizeof host, s3->host_id);
    bucket_set_deriver(options->store, &deriver);
    s3->access = access_new(&access, error);
    return s3->access != NULL;
}

struct s3 *s3_new(const struct s3_options *options, struct error *error)
{
    struct s3 *s3 = memory_zeroed(sizeof *s3, error);

    if (s3 != NULL && !fill(s3, options, error)) {
        s3_free(s3);
        return NULL;
    }
    return s3;
}

void s3_free(struct s3 *s3)
{
    if (s3 != NULL) {
        access_free(s3->access);
        memory_free(s3);
    }
}

const struct service *s3_service(struct s3 *s3)
{
    return &s3->service;
}
